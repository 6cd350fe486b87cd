"""A record in the words of DCAT-AP 3."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rdflib import DCTERMS, FOAF, RDF, RDFS, SKOS, XSD, Graph, Literal, URIRef

from fabriek.catalogue.record import (
    Contact,
    DatasetDetails,
    Distribution,
    ModelDetails,
    Party,
    Record,
    Relation,
    Translation,
)
from fabriek.catalogue.standards import mldcat
from fabriek.catalogue.standards import vocabularies as named
from fabriek.catalogue.standards.licences import licence_address
from fabriek.catalogue.standards.rdf_words import (
    DCAT,
    IT6,
    OURS,
    SECTORS,
    SPDX,
    TASKS,
    TIES,
    VCARD,
    address,
    kind_address,
)


def say(graph: Graph, node: URIRef, record: Record, base: str) -> None:
    """Adds what DCAT-AP has words for. Data and models are datasets, so that every harvester sees them; what else is in
    the catalogue are resources of it (DCAT 3, 6.4), with a type."""
    graph.add((node, RDF.type, DCAT.Dataset if record.kind in {"dataset", "model"} else DCAT.Resource))
    _concept(graph, node, DCTERMS.type, kind_address(record.kind), record.kind)
    _texts(graph, node, record)
    _head(graph, node, record)
    _people(graph, node, record)
    for number, one in enumerate(record.distributions, 1):
        _distribution(graph, node, URIRef(f"{node}#distribution-{number}"), one, record.licence)
    for number, relation in enumerate(record.relations, 1):
        _relation(graph, node, URIRef(f"{node}#relation-{number}"), relation, base)
    if isinstance(record.details, DatasetDetails):
        _coverage(graph, node, record.details)
    if isinstance(record.details, ModelDetails):
        mldcat.say(graph, node, record, record.details)


def _texts(graph: Graph, node: URIRef, record: Record) -> None:
    in_languages: dict[str, Record | Translation] = {record.language: record, **record.translations}
    for language, said in in_languages.items():
        graph.add((node, DCTERMS.title, Literal(said.title, lang=language)))
        if said.summary:
            graph.add((node, DCTERMS.abstract, Literal(said.summary, lang=language)))
        if said.description or said is record:
            # Mandatory in DCAT-AP 3: what is shortest stands in for it.
            text = said.description or said.summary or said.title
            graph.add((node, DCTERMS.description, Literal(text, lang=language)))
    for word in record.keywords:
        graph.add((node, DCAT.keyword, Literal(word, lang=record.language)))
    _themes(graph, node, "sector", SECTORS, record.sectors, record.language)
    _themes(graph, node, "task", TASKS, record.tasks, record.language)


def _themes(graph: Graph, node: URIRef, name: str, scheme: URIRef, words: Iterable[str], language: str) -> None:
    for number, word in enumerate(words, 1):
        theme = URIRef(f"{node}#{name}-{number}")
        _concept(graph, node, DCAT.theme, theme, word, language)
        graph.add((theme, SKOS.inScheme, scheme))


def _head(graph: Graph, node: URIRef, record: Record) -> None:
    for code in record.languages:
        language = URIRef(named.language_address(code))
        graph.add((node, DCTERMS.language, language))
        graph.add((language, RDF.type, DCTERMS.LinguisticSystem))
    if record.version:
        graph.add((node, DCAT.version, Literal(record.version)))
    if record.licence:
        _licence(graph, node, record.licence, URIRef(f"{node}#licence"))
    if rights := named.rights_address(record.access):
        graph.add((node, DCTERMS.accessRights, URIRef(rights)))
        graph.add((URIRef(rights), RDF.type, DCTERMS.RightsStatement))
    if record.conditions:
        conditions = URIRef(f"{node}#conditions")
        graph.add((node, DCTERMS.rights, conditions))
        graph.add((conditions, RDF.type, DCTERMS.RightsStatement))
        graph.add((conditions, RDFS.label, Literal(record.conditions, lang=record.language)))
    for link, page in ((DCAT.landingPage, record.homepage), (FOAF.page, record.documentation)):
        if page:
            graph.add((node, link, address(page)))
            graph.add((address(page), RDF.type, FOAF.Document))
    graph.add((node, DCTERMS.identifier, Literal(record.identifier or str(node))))
    for property_, day in ((DCTERMS.issued, record.issued), (DCTERMS.modified, record.modified)):
        if day:
            graph.add((node, property_, Literal(day.isoformat(), datatype=XSD.date)))


def _licence(graph: Graph, node: URIRef, licence: str, otherwise: URIRef) -> None:
    known = licence_address(licence)
    document = address(known) if known else otherwise
    graph.add((node, DCTERMS.license, document))
    graph.add((document, RDF.type, DCTERMS.LicenseDocument))
    if not known:
        graph.add((document, RDFS.label, Literal(licence)))


def _people(graph: Graph, node: URIRef, record: Record) -> None:
    if record.owner:
        _agent(graph, node, DCTERMS.publisher, URIRef(f"{node}#owner"), record.owner)
    for number, creator in enumerate(record.creators, 1):
        _agent(graph, node, DCTERMS.creator, URIRef(f"{node}#creator-{number}"), creator)
    if record.contact != Contact():
        contact = URIRef(f"{node}#contact")
        graph.add((node, DCAT.contactPoint, contact))
        graph.add((contact, RDF.type, VCARD.Kind))
        if record.contact.name:
            graph.add((contact, VCARD.fn, Literal(record.contact.name)))
        if record.contact.email:
            graph.add((contact, VCARD.hasEmail, address(f"mailto:{record.contact.email}")))
        if record.contact.url:
            graph.add((contact, VCARD.hasURL, address(record.contact.url)))


def _agent(graph: Graph, node: URIRef, property_: URIRef, agent: URIRef, party: Party) -> None:
    graph.add((node, property_, agent))
    graph.add((agent, RDF.type, FOAF.Agent))
    graph.add((agent, FOAF.name, Literal(party.name)))
    if party.url:
        graph.add((agent, FOAF.homepage, address(party.url)))
    if party.identifier:
        graph.add((agent, DCTERMS.identifier, Literal(party.identifier)))


def _distribution(graph: Graph, entry: URIRef, node: URIRef, one: Distribution, licence: str) -> None:
    graph.add((entry, DCAT.distribution, node))
    graph.add((node, RDF.type, DCAT.Distribution))
    # A path at a site and an uploaded file are got by way of the entry's page.
    where = {"hub": f"https://huggingface.co/{one.location}", "http": one.location, "s3": one.location}.get(one.storage)
    access = address(where) if where else entry
    graph.add((node, DCAT.accessURL, access))
    graph.add((access, RDF.type, RDFS.Resource))
    if one.name:
        graph.add((node, DCTERMS.title, Literal(one.name)))
    if re.fullmatch(r"[a-z]+/[A-Za-z0-9.+-]+", one.media_type):
        media_type = URIRef(named.MEDIA_TYPES + one.media_type)
        graph.add((node, DCAT.mediaType, media_type))
        graph.add((media_type, RDF.type, DCTERMS.MediaType))
    if one.bytes is not None:
        graph.add((node, DCAT.byteSize, Literal(str(one.bytes), datatype=XSD.nonNegativeInteger)))
    if one.sha256:
        checksum = URIRef(f"{node}-checksum")
        graph.add((node, SPDX.checksum, checksum))
        graph.add((checksum, RDF.type, SPDX.Checksum))
        graph.add((checksum, SPDX.algorithm, SPDX.checksumAlgorithm_sha256))
        graph.add((SPDX.checksumAlgorithm_sha256, RDF.type, SPDX.ChecksumAlgorithm))
        graph.add((checksum, SPDX.checksumValue, Literal(one.sha256, datatype=XSD.hexBinary)))
    if licence:
        _licence(graph, node, licence, URIRef(f"{entry}#licence"))


def _relation(graph: Graph, entry: URIRef, node: URIRef, relation: Relation, base: str) -> None:
    target = address(relation.target) if ":" in relation.target else URIRef(base + relation.target)
    role = OURS[f"relation-{relation.kind}"]
    graph.add((entry, DCAT.qualifiedRelation, node))
    graph.add((node, RDF.type, DCAT.Relationship))
    graph.add((node, DCTERMS.relation, target))
    graph.add((target, RDF.type, RDFS.Resource))
    graph.add((node, DCAT.hadRole, role))
    graph.add((role, RDF.type, DCAT.Role))
    if relation.title:
        graph.add((node, DCTERMS.title, Literal(relation.title)))
    if relation.kind in TIES:
        taken = TIES[relation.kind] == IT6.fineTunedFrom and (entry, IT6.fineTunedFrom, None) in graph
        if not taken:  # MLDCAT-AP 3: at most one
            graph.add((entry, TIES[relation.kind], target))


def _coverage(graph: Graph, node: URIRef, details: DatasetDetails) -> None:
    for number, place in enumerate(details.places, 1):
        location = URIRef(f"{node}#place-{number}")
        graph.add((node, DCTERMS.spatial, location))
        graph.add((location, RDF.type, DCTERMS.Location))
        graph.add((location, SKOS.prefLabel, Literal(place)))
    if details.covers_from or details.covers_until:
        period = URIRef(f"{node}#period")
        graph.add((node, DCTERMS.temporal, period))
        graph.add((period, RDF.type, DCTERMS.PeriodOfTime))
        for property_, day in ((DCAT.startDate, details.covers_from), (DCAT.endDate, details.covers_until)):
            if day:
                graph.add((period, property_, Literal(day.isoformat(), datatype=XSD.date)))
    if details.citation:
        graph.add((node, DCTERMS.bibliographicCitation, Literal(details.citation)))
    if details.sheet.collection:
        provenance = URIRef(f"{node}#provenance")
        graph.add((node, DCTERMS.provenance, provenance))
        graph.add((provenance, RDF.type, DCTERMS.ProvenanceStatement))
        graph.add((provenance, RDFS.label, Literal(details.sheet.collection)))


def _concept(
    graph: Graph, node: URIRef, property_: URIRef, concept: URIRef, label: str, language: str | None = None
) -> None:
    graph.add((node, property_, concept))
    graph.add((concept, RDF.type, SKOS.Concept))
    graph.add((concept, SKOS.prefLabel, Literal(label, lang=language)))
