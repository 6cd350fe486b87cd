"""What a graph in the words of DCAT-AP says of one resource, as fields of a record. Ours and strangers' alike."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from rdflib import DCTERMS, FOAF, PROV, RDF, RDFS, SKOS, Graph, Literal, URIRef
from rdflib.term import Node

from fabriek.catalogue.standards import mldcat
from fabriek.catalogue.standards import vocabularies as named
from fabriek.catalogue.standards.licences import licence_of
from fabriek.catalogue.standards.rdf_words import ADMS, DCAT, OURS, SECTORS, SPDX, TASKS, TIES, VCARD, kind_of
from fabriek.catalogue.standards.texts import name, plain

_USED = frozenset(
    {
        RDF.type, DCTERMS.type, DCTERMS.title, DCTERMS.abstract, DCTERMS.description, DCAT.keyword, DCAT.theme,
        DCTERMS.language, DCAT.version, DCTERMS.license, DCTERMS.accessRights, DCTERMS.rights, DCAT.landingPage,
        FOAF.page, DCTERMS.identifier, ADMS.identifier, DCTERMS.issued, DCTERMS.modified, DCTERMS.publisher,
        DCTERMS.creator, DCAT.contactPoint, DCAT.distribution, DCAT.qualifiedRelation, DCTERMS.source, DCTERMS.spatial,
        DCTERMS.temporal, DCTERMS.bibliographicCitation, DCTERMS.provenance, OURS.rest, *TIES.values(),
    }
)  # fmt: skip
_SPDX_EXPRESSION = re.compile(r"[A-Za-z0-9.+()\s-]+")


def hear(graph: Graph, node: Node, base: str = "") -> tuple[dict[str, Any], list[str]]:
    """The fields of one resource, and the properties that no field takes. `base`: the address under which entries of
    this catalogue are, so that ties among them are known as such."""
    kind = _kind(graph, node)
    said: dict[str, Any] = {"code": _code(graph, node, base), **_texts(graph, node), **_head(graph, node)}
    said["details"] = mldcat.hear(graph, node) if kind == "model" else {"kind": kind}
    said |= _people(graph, node)
    if distributions := [_distribution(graph, one) for one in _in_order(graph.objects(node, DCAT.distribution))]:
        said["distributions"] = [one for one in distributions if one]
    if relations := _relations(graph, node, base):
        said["relations"] = relations
    if kind == "dataset":
        said["details"] |= _coverage(graph, node)
    used = _USED | mldcat.USED if kind == "model" else _USED
    unused = {str(property_) for property_ in graph.predicates(node, None) if property_ not in used}
    return said, [f"nothing here takes {property_}" for property_ in sorted(unused)]


def _kind(graph: Graph, node: Node) -> str:
    for concept in _in_order(graph.objects(node, DCTERMS.type)):
        if kind := kind_of(concept):
            return kind
    if mldcat.is_model(graph, node):
        return "model"
    return "service" if (node, RDF.type, DCAT.DataService) in graph else "dataset"


def _code(graph: Graph, node: Node, base: str) -> str:
    if base and str(node).startswith(base):
        return named.code_of(str(node)[len(base) :])
    last = re.split(r"[/#:]", str(node).rstrip("/#"))[-1] if isinstance(node, URIRef) else ""
    # A number or a digest names nothing to a reader: then the title does.
    named_well = re.fullmatch(r"[A-Za-z0-9][\w.-]*[A-Za-z][\w.-]*", last) and not re.fullmatch(r"[0-9a-f-]{16,}", last)
    return named.code_of(last if named_well else "", _text(graph, node, DCTERMS.title) or str(node))


def _texts(graph: Graph, node: Node) -> dict[str, Any]:
    by_language: dict[str, dict[str, str]] = {}
    for field, property_ in (
        ("title", DCTERMS.title),
        ("summary", DCTERMS.abstract),
        ("description", DCTERMS.description),
    ):
        for value in sorted(graph.objects(node, property_), key=str):
            clean = name if field == "title" else plain
            if isinstance(value, Literal) and (text := clean(str(value))):
                language = named.language_code(value.language or "") or ""
                by_language.setdefault(language, {}).setdefault(field, text)
    titled = [language for language, texts in by_language.items() if "title" in texts]
    # A graph has no first language: text without one, then English, then any.
    main = next((language for language in ("", "en", *sorted(titled)) if language in titled), "")
    said: dict[str, Any] = {"language": main or "en", **by_language.pop(main, {})}
    said["translations"] = {
        language: texts for language, texts in by_language.items() if "title" in texts and language not in {"", main}
    }
    if words := sorted({plain(str(word)) for word in graph.objects(node, DCAT.keyword)}):
        said["keywords"] = [word[:200] for word in words if word]
    for theme in _in_order(graph.objects(node, DCAT.theme)):
        label = _text(graph, theme, SKOS.prefLabel) or named.THEMES.get(str(theme).rsplit("/", 1)[-1], "")
        if label:
            scheme = graph.value(theme, SKOS.inScheme)
            field = "tasks" if scheme == TASKS else "sectors" if scheme in {SECTORS, None} else "keywords"
            said.setdefault("sectors" if "data-theme" in str(theme) else field, []).append(label)
    return said


def _head(graph: Graph, node: Node) -> dict[str, Any]:
    said: dict[str, Any] = {}
    languages = [named.language_code(one) for one in sorted(map(str, graph.objects(node, DCTERMS.language)))]
    if spoken := [language for language in languages if language]:
        said["languages"] = spoken
    if version := _text(graph, node, DCAT.version):
        said["version"] = version
    licensed = [node, *_in_order(graph.objects(node, DCAT.distribution))]
    for licence in (one for holder in licensed for one in _in_order(graph.objects(holder, DCTERMS.license))):
        label = _text(graph, licence, RDFS.label) or _text(graph, licence, DCTERMS.title)
        known = licence_of(str(licence)) if isinstance(licence, (URIRef, Literal)) else ""
        said["licence"] = label if label and (not known or str(licence).startswith(str(node))) else known
        break
    access = [named.access_of(str(right)) for right in _in_order(graph.objects(node, DCTERMS.accessRights))]
    if access and access[0] != "unknown":
        said["access"] = access[0]
    for right in _in_order(graph.objects(node, DCTERMS.rights)):
        if text := _text(graph, right, RDFS.label) or (plain(str(right)) if isinstance(right, Literal) else ""):
            said["conditions"] = text
            break
    for field, property_ in (("homepage", DCAT.landingPage), ("documentation", FOAF.page)):
        if pages := sorted(str(page) for page in graph.objects(node, property_) if isinstance(page, URIRef)):
            said[field] = pages[0]
    for one in sorted(str(identifier) for identifier in graph.objects(node, DCTERMS.identifier)):
        if one != str(node) and re.match(r"https?://|doi:|urn:", one):
            said["identifier"] = one
            break
    for field, property_ in (("issued", DCTERMS.issued), ("modified", DCTERMS.modified)):
        if day := _day(graph, node, property_):
            said[field] = day
    return said


def _people(graph: Graph, node: Node) -> dict[str, Any]:
    said: dict[str, Any] = {}
    owners = [_agent(graph, one) for one in _in_order(graph.objects(node, DCTERMS.publisher))]
    if owner := next((one for one in owners if one), None):
        said["owner"] = owner
    creators = [_agent(graph, one) for one in _in_order(graph.objects(node, DCTERMS.creator))]
    if any(creators):
        said["creators"] = [one for one in creators if one]
    for contact in _in_order(graph.objects(node, DCAT.contactPoint))[:1]:
        email = _first(graph, contact, VCARD.hasEmail)
        parts = {
            "name": _text(graph, contact, VCARD.fn) or _text(graph, contact, VCARD["organization-name"]),
            "email": re.sub(r"^mailto:", "", email),
            "url": _first(graph, contact, VCARD.hasURL),
        }
        if any(parts.values()):
            said["contact"] = {field: value for field, value in parts.items() if value}
    return said


def _agent(graph: Graph, node: Node) -> dict[str, Any] | None:
    called = _text(graph, node, FOAF.name) or (plain(str(node)) if isinstance(node, Literal) else "")
    if not called:
        return None
    said: dict[str, Any] = {"name": called}
    if page := _first(graph, node, FOAF.homepage):
        said["url"] = page
    identifier = _first(graph, node, DCTERMS.identifier)
    if not identifier and re.match(r"https://(orcid|ror)\.org/", str(node)):
        identifier = str(node)
    if identifier:
        said["identifier"] = identifier
    return said


def _distribution(graph: Graph, node: Node) -> dict[str, Any] | None:
    where = _first(graph, node, DCAT.downloadURL) or _first(graph, node, DCAT.accessURL)
    if not where.startswith(("https://", "http://", "s3://")):
        return None
    said: dict[str, Any] = {"storage": "s3" if where.startswith("s3://") else "http", "location": where}
    if called := _text(graph, node, DCTERMS.title):
        said["name"] = called
    media_type = _first(graph, node, DCAT.mediaType) or _first(graph, node, DCTERMS.format)
    if media_type:
        short = re.sub(r"^https?://www\.iana\.org/assignments/media-types/", "", media_type)
        said["media_type"] = plain(short.rsplit("/", 1)[-1] if short.startswith(named.AUTHORITY) else short)
    size = _first(graph, node, DCAT.byteSize).split(".")[0]
    if size.isascii() and size.isdigit():
        said["bytes"] = int(size)
    for checksum in _in_order(graph.objects(node, SPDX.checksum)):
        value = _first(graph, checksum, SPDX.checksumValue).lower()
        if re.fullmatch(r"[0-9a-f]{64}", value):
            said["sha256"] = value
    return said


def _relations(graph: Graph, node: Node, base: str) -> list[dict[str, Any]]:
    said: list[dict[str, Any]] = []
    for relationship in _in_order(graph.objects(node, DCAT.qualifiedRelation)):
        roles = [str(role).removeprefix(str(OURS.relation) + "-") for role in graph.objects(relationship, DCAT.hadRole)]
        for target in _in_order(graph.objects(relationship, DCTERMS.relation)):
            kind = next((role for role in sorted(roles) if role in {*TIES, "teaches"}), "related")
            one = {"kind": kind, "target": _target(target, base)}
            if title := _text(graph, relationship, DCTERMS.title):
                one["title"] = title
            said.append(one)
    known = {(one["kind"], one["target"]) for one in said}
    plainly = {kind: [property_] for kind, property_ in TIES.items()}
    plainly["derived-from"] = [PROV.wasDerivedFrom, DCTERMS.source]
    for kind, properties in plainly.items():
        for target in _in_order(one for property_ in properties for one in graph.objects(node, property_)):
            if isinstance(target, URIRef) and (kind, _target(target, base)) not in known:
                said.append({"kind": kind, "target": _target(target, base)})
    return said


def _target(target: Node, base: str) -> str:
    code = str(target).removeprefix(base) if base else ""
    return code if re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", code) else str(target)


def _coverage(graph: Graph, node: Node) -> dict[str, Any]:
    said: dict[str, Any] = {}
    spatial = _in_order(graph.objects(node, DCTERMS.spatial))
    places = [_text(graph, place, SKOS.prefLabel) or _text(graph, place, RDFS.label) for place in spatial]
    if any(places):
        said["places"] = [place for place in places if place]
    for period in _in_order(graph.objects(node, DCTERMS.temporal))[:1]:
        for field, property_ in (("covers_from", DCAT.startDate), ("covers_until", DCAT.endDate)):
            if day := _day(graph, period, property_):
                said[field] = day
    if citation := _text(graph, node, DCTERMS.bibliographicCitation):
        said["citation"] = citation
    for provenance in _in_order(graph.objects(node, DCTERMS.provenance))[:1]:
        if text := _text(graph, provenance, RDFS.label):
            said["sheet"] = {"collection": text}
    return said


def _in_order(nodes: Iterable[Node]) -> list[Node]:
    """A graph has no order: by address, in which `distribution-2` comes before `distribution-10`."""
    return sorted(set(nodes), key=lambda node: (len(str(node)), str(node)))


def _first(graph: Graph, node: Node, property_: Node) -> str:
    return min((str(value).strip() for value in graph.objects(node, property_)), default="")


def _text(graph: Graph, node: Node, property_: Node) -> str:
    """One text: the English one, or without a language, or any."""
    found = [value for value in graph.objects(node, property_) if isinstance(value, Literal)]
    found.sort(key=lambda value: (value.language not in {None, "en"}, str(value)))
    return plain(str(found[0])) if found else ""


def _day(graph: Graph, node: Node, property_: Node) -> str:
    """The day of a date, or of a date and time; what is a year or a month only is not made into a day."""
    days = [str(value)[:10] for value in graph.objects(node, property_)]
    return min((day for day in days if re.fullmatch(r"\d{4}-\d\d-\d\d", day)), default="")
