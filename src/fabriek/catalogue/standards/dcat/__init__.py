"""DCAT-AP 3.0.0, out and in, as Turtle and JSON-LD; in as RDF/XML too. Models are said in MLDCAT-AP 3.0.0 (`mldcat`).

Sources: SEMIC, DCAT-AP 3.0.0, https://semiceu.github.io/DCAT-AP/releases/3.0.0/ (2024-06-14); W3C, Data Catalog
Vocabulary version 3, https://www.w3.org/TR/vocab-dcat-3/ (2024-08-22). Feeds are paged by Hydra, as harvesters of CKAN
read it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal as OneOf

from rdflib import DCTERMS, FOAF, RDF, XSD, Graph, Literal, URIRef
from rdflib.term import Node

from fabriek.catalogue.record import Record
from fabriek.catalogue.standards import guarding
from fabriek.catalogue.standards.beside import NotFitting, from_text, missing
from fabriek.catalogue.standards.beside import as_text as changes_text
from fabriek.catalogue.standards.dcat.hearing import hear
from fabriek.catalogue.standards.dcat.saying import say
from fabriek.catalogue.standards.rdf_words import DCAT, HYDRA, IT6, OURS, PREFIXES, address, new_graph
from fabriek.catalogue.standards.reading import Reading, StandardBroken, fitted, told, with_beside
from fabriek.catalogue.standards.texts import in_xml

Form = OneOf["turtle", "json-ld", "xml"]


@dataclass(frozen=True)
class Page:
    """Where one is in a feed of several pages: addresses, and how many entries there are in all."""

    this: str
    first: str
    last: str
    total: int
    next: str = ""
    previous: str = ""


@dataclass(frozen=True)
class Catalogue:
    """What is told of the catalogue itself. `address`: its own, under which no entry is."""

    address: str
    title: str
    description: str
    publisher: str
    publisher_address: str = ""
    language: str = "en"
    homepage: str = ""


def write(
    records: Iterable[Record],
    *,
    base: str,
    form: Form = "turtle",
    catalogue: Catalogue | None = None,
    page: Page | None = None,
) -> str:
    """The records as one document. `base`: what an entry's address begins with, before its code."""
    graph = graph_of(records, base=base, catalogue=catalogue, page=page, form=form)
    return as_text(graph, form)


def as_text(graph: Graph, form: Form) -> str:
    """A graph as a document."""
    if form == "json-ld":
        context = {prefix: str(namespace) for prefix, namespace in PREFIXES.items()}
        return graph.serialize(format="json-ld", context=context, auto_compact=True, indent=1)
    return graph.serialize(format=form)


def graph_of(
    records: Iterable[Record],
    *,
    base: str,
    catalogue: Catalogue | None = None,
    page: Page | None = None,
    form: Form = "turtle",
) -> Graph:
    """The records as a graph, with the catalogue that has them where it is told of. `form`: what it will be written as;
    XML can't hold every text."""
    graph = new_graph()
    for record in records:
        node = URIRef(base + record.code)
        one = new_graph()
        say(one, node, record, base)
        if form == "xml":
            one = _for_xml(one)
        as_strangers_read, _remarks = fitted(hear(one, node, base)[0])
        if rest := missing(as_strangers_read.as_json(), record.as_json()):
            one.add((node, OURS.rest, Literal(changes_text(rest))))
        graph += one
        if catalogue:
            has = DCAT.dataset if (node, RDF.type, DCAT.Dataset) in one else DCAT.resource
            graph.add((URIRef(catalogue.address), has, node))
    if catalogue:
        _say_catalogue(graph, catalogue)
    if page:
        _say_page(graph, page)
    return graph


def read(document: str | bytes, form: Form = "turtle", *, base: str = "", beside: bool = True) -> Reading:
    """The entries that a document tells of. `base`: as in `write`, for documents of our own. `beside`: whether what
    stands in Fabriek's namespace is believed; texts in it may hold HTML where a text of the record did. Errors:
    StandardBroken where it can't be read at all; one resource that tells too little is passed over and told."""
    records, remarks = [], []
    for node, record, of_it in each(graph_from(document, form), base=base, beside=beside):
        records += [record] if record is not None else []
        remarks += [f"{node}: {remark}" for remark in of_it]
    if not records:
        raise StandardBroken("; ".join(["no dataset in it", *told(remarks)]))
    return Reading(tuple(records), told(remarks))


def each(graph: Graph, *, base: str = "", beside: bool = True) -> Iterator[tuple[str, Record | None, list[str]]]:
    """Each resource of a graph by its address (or the name of its blank node), with its record, None where it tells too
    little, and remarks. Arguments: as in `read`."""
    for node in _resources(graph):
        try:
            said, unused = hear(graph, node, base)
            rest = next(iter(sorted(map(str, graph.objects(node, OURS.rest)))), "") if beside else ""
            record, left_out = with_beside(said, from_text(rest) if rest else None)
        except (StandardBroken, NotFitting) as error:
            yield str(node), None, [str(error)]
        else:
            yield str(node), record, unused + left_out


def graph_from(document: str | bytes, form: Form) -> Graph:
    """A document as a graph. Nothing that it names is fetched. Errors: StandardBroken."""
    graph = Graph(bind_namespaces="none")
    try:
        if form == "json-ld":
            graph.parse(data=_json_ld(document), format="json-ld")
        else:
            text = guarding.refuse_entities(document) if form == "xml" else guarding.text_of(document)
            graph.parse(data=text, format=form)
    except StandardBroken:
        raise
    except Exception as error:  # rdflib's parsers raise what they like at what a stranger wrote
        raise StandardBroken(f"the document is no {form}: {str(error)[:300]}") from error
    return graph


def next_page(graph: Graph) -> str:
    """The address of the feed's next page; empty: this is the last."""
    pages = [*graph.objects(None, HYDRA.next), *graph.objects(None, HYDRA.nextPage)]
    return min(map(str, pages), default="")


def _json_ld(document: str | bytes) -> str:
    return json.dumps(guarding.with_known_contexts(guarding.json_of(document)))


def _for_xml(graph: Graph) -> Graph:
    fit = new_graph()
    for node, property_, value in graph:
        if isinstance(value, Literal):
            value = Literal(in_xml(str(value)), lang=value.language, datatype=value.datatype)
        fit.add((node, property_, value))
    return fit


def _resources(graph: Graph) -> list[Node]:
    kinds = (DCAT.Dataset, IT6.MachineLearningModel, DCAT.Resource, DCAT.DataService, DCAT.DatasetSeries)
    return sorted({node for kind in kinds for node in graph.subjects(RDF.type, kind)}, key=str)


def _say_catalogue(graph: Graph, catalogue: Catalogue) -> None:
    node = URIRef(catalogue.address)
    publisher = address(catalogue.publisher_address or f"{catalogue.address}#publisher")
    graph.add((node, RDF.type, DCAT.Catalog))
    graph.add((node, DCTERMS.title, Literal(catalogue.title, lang=catalogue.language)))
    graph.add((node, DCTERMS.description, Literal(catalogue.description, lang=catalogue.language)))
    graph.add((node, DCTERMS.publisher, publisher))
    graph.add((publisher, RDF.type, FOAF.Agent))
    graph.add((publisher, FOAF.name, Literal(catalogue.publisher)))
    if catalogue.homepage:
        graph.add((node, FOAF.homepage, address(catalogue.homepage)))
        graph.add((address(catalogue.homepage), RDF.type, FOAF.Document))


def _say_page(graph: Graph, page: Page) -> None:
    node = URIRef(page.this)
    graph.add((node, RDF.type, HYDRA.PagedCollection))
    graph.add((node, HYDRA.totalItems, Literal(str(page.total), datatype=XSD.integer)))
    for property_, where in (
        (HYDRA.first, page.first),
        (HYDRA.last, page.last),
        (HYDRA.next, page.next),
        (HYDRA.previous, page.previous),
    ):
        if where:
            graph.add((node, property_, URIRef(where)))
