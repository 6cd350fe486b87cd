"""Models in the words of MLDCAT-AP 3.0.0, which extends DCAT-AP 3 (`dcat`) by what is told of machine learning.

Source: SEMIC, MLDCAT-AP 3.0.0, https://semiceu.github.io/MLDCAT-AP/releases/3.0.0 (2025-09-30). Our feed of models is
that of data: each model is a dcat:Dataset too, so that a harvester that knows DCAT-AP only sees it.
"""

from __future__ import annotations

from typing import Any

from rdflib import DCTERMS, RDF, XSD, Graph, Literal, URIRef
from rdflib.term import Node

from fabriek.catalogue.record import Metric, ModelDetails, Record
from fabriek.catalogue.standards.rdf_words import IT6
from fabriek.catalogue.standards.texts import plain

USED = frozenset(
    {
        IT6.version, IT6.shortDescription, IT6.modelArchitecture, IT6.totalNumberOfParameters, IT6.intendedUse,
        IT6.limitations, IT6.runnedOn, IT6.trainedOn, IT6.testedOn, IT6.fineTunedFrom, IT6.howToUse,
    }
)  # fmt: skip
"""Properties of a model that are read."""


def is_model(graph: Graph, node: Node) -> bool:
    """Whether the graph says that it is a model."""
    return (node, RDF.type, IT6.MachineLearningModel) in graph


def say(graph: Graph, node: URIRef, record: Record, details: ModelDetails) -> None:
    """Adds what MLDCAT-AP has words for, beside what DCAT-AP says."""
    graph.add((node, RDF.type, IT6.MachineLearningModel))
    texts = {
        IT6.version: record.version,
        IT6.shortDescription: record.summary,
        IT6.modelArchitecture: details.architecture,
        IT6.intendedUse: details.intended_use,
        IT6.limitations: details.limitations,
        IT6.howToUse: details.card,
        IT6.evaluationResults: "\n".join(map(_in_words, details.metrics)),
    }
    for property_, text in texts.items():
        if text:
            graph.add((node, property_, Literal(text)))
    if details.parameters is not None:
        count = Literal(str(details.parameters), datatype=XSD.nonNegativeInteger)
        graph.add((node, IT6.totalNumberOfParameters, count))
    if details.library:
        infrastructure, library = URIRef(f"{node}#infrastructure"), URIRef(f"{node}#library")
        graph.add((node, IT6.runnedOn, infrastructure))
        graph.add((infrastructure, RDF.type, IT6.ComputerInfrastructure))
        graph.add((infrastructure, DCTERMS.title, Literal(details.library)))
        graph.add((infrastructure, IT6.hasLibrary, library))
        graph.add((library, RDF.type, IT6.Library))
        graph.add((library, DCTERMS.title, Literal(details.library)))


def hear(graph: Graph, node: Node) -> dict[str, Any]:
    """What a graph says of a model, as fields of its details."""
    said: dict[str, Any] = {"kind": "model"}
    texts = {
        "architecture": IT6.modelArchitecture,
        "intended_use": IT6.intendedUse,
        "limitations": IT6.limitations,
        "card": IT6.howToUse,
    }
    for field, property_ in texts.items():
        if found := sorted(plain(str(value)) for value in graph.objects(node, property_)):
            said[field] = "\n\n".join(text for text in found if text)
    counts = sorted(str(value) for value in graph.objects(node, IT6.totalNumberOfParameters))
    if counts and counts[0].isascii() and counts[0].isdigit():
        said["parameters"] = int(counts[0])
    libraries = sorted(
        plain(str(title))
        for infrastructure in graph.objects(node, IT6.runnedOn)
        for library in graph.objects(infrastructure, IT6.hasLibrary)
        for title in graph.objects(library, DCTERMS.title)
    )
    if libraries:
        said["library"] = libraries[0]
    return said


def _in_words(metric: Metric) -> str:
    return f"{metric.name}: {metric.value:g}" + (f" ({metric.dataset})" if metric.dataset else "")
