"""Lineage as W3C PROV: PROV-JSON, and PROV-O as Turtle.

Sources: W3C, PROV-O (https://www.w3.org/TR/prov-o/, 2013-04-30); The PROV-JSON Serialization, W3C member submission
(https://www.w3.org/submissions/2013/SUBM-prov-json-20130424/).
"""

from __future__ import annotations

from typing import Any

from rdflib import PROV, RDF, RDFS, XSD, Graph, Literal, URIRef

from fabriek.catalogue.standards.lineage import Lineage
from fabriek.catalogue.standards.rdf_words import OURS, address, new_graph

_AGENTS = {"person": "Person", "organisation": "Organization", "software": "SoftwareAgent"}


def as_json(lineage: Lineage) -> dict[str, Any]:
    """PROV-JSON. Things and work are named by local names `t:1`, `w:1`, `a:1`; `prov:location` says their addresses."""
    names = {one.address: f"t:{number}" for number, one in enumerate(lineage.things, 1)}
    names |= {one.address: f"w:{number}" for number, one in enumerate(lineage.works, 1)}
    names |= {one.address: f"a:{number}" for number, one in enumerate(lineage.agents, 1)}
    relations: dict[str, dict[str, Any]] = {}

    def tie(kind: str, **ends: str) -> None:
        ties = relations.setdefault(kind, {})
        ties[f"_:{kind}{len(ties) + 1}"] = {f"prov:{end}": names[where] for end, where in ends.items()}

    for work in lineage.works:
        for used in work.used:
            tie("used", activity=work.address, entity=used)
        for made in work.made:
            tie("wasGeneratedBy", entity=made, activity=work.address)
        for agent in work.by:
            tie("wasAssociatedWith", activity=work.address, agent=agent)
    for thing in lineage.things:
        for source in thing.derived_from:
            tie("wasDerivedFrom", generatedEntity=thing.address, usedEntity=source)
    said = {
        "prefix": {letter: f"urn:fabriek:lineage:{letter}:" for letter in "twa"} | {"fabriek": str(OURS)},
        "entity": {
            names[one.address]: _said(
                {
                    "prov:label": one.name,
                    "prov:location": one.address,
                    "fabriek:kind": one.kind,
                    "fabriek:sha256": one.sha256,
                }
            )
            for one in lineage.things
        },
        "activity": {
            names[one.address]: _said(
                {
                    "prov:label": one.name,
                    "prov:location": one.address,
                    "prov:startTime": one.started and one.started.isoformat(),
                    "prov:endTime": one.ended and one.ended.isoformat(),
                    "fabriek:state": one.state,
                    "fabriek:recipe": one.recipe,
                    "fabriek:gpuSeconds": one.gpu_seconds,
                }
            )
            for one in lineage.works
        },
        "agent": {
            names[one.address]: {
                "prov:label": one.name,
                "prov:location": one.address,
                "prov:type": {"$": f"prov:{_AGENTS[one.kind]}", "type": "prov:QUALIFIED_NAME"},
            }
            for one in lineage.agents
        },
        **relations,
    }
    return _said(said)


def as_graph(lineage: Lineage) -> Graph:
    """PROV-O. `as_graph(...).serialize(format="turtle")` is what is published."""
    graph = new_graph()
    for thing in lineage.things:
        node = address(thing.address)
        graph.add((node, RDF.type, PROV.Entity))
        graph.add((node, RDFS.label, Literal(thing.name)))
        if thing.sha256:
            graph.add((node, OURS.sha256, Literal(thing.sha256)))
        for source in thing.derived_from:
            graph.add((node, PROV.wasDerivedFrom, address(source)))
    for work in lineage.works:
        node = address(work.address)
        graph.add((node, RDF.type, PROV.Activity))
        graph.add((node, RDFS.label, Literal(work.name)))
        for property_, when in ((PROV.startedAtTime, work.started), (PROV.endedAtTime, work.ended)):
            if when:
                graph.add((node, property_, Literal(when.isoformat(), datatype=XSD.dateTime)))
        for property_, ends in ((PROV.used, work.used), (PROV.generated, work.made), (PROV.wasAssociatedWith, work.by)):
            for end in ends:
                graph.add((node, property_, address(end)))
        for made in work.made:
            graph.add((address(made), PROV.wasGeneratedBy, node))
    for agent in lineage.agents:
        node = address(agent.address)
        graph.add((node, RDF.type, PROV.Agent))
        graph.add((node, RDF.type, URIRef(PROV[_AGENTS[agent.kind]])))
        graph.add((node, RDFS.label, Literal(agent.name)))
    return graph


def _said(node: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in node.items() if value not in (None, "", {})}
