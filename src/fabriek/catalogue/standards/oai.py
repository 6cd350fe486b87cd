"""An OAI-PMH 2.0 provider, over any source of records: a request's arguments in, an XML document out.

Source: The Open Archives Initiative Protocol for Metadata Harvesting, version 2.0
(https://www.openarchives.org/OAI/2.0/openarchivesprotocol.htm). Metadata in oai_dc, and in dcat_ap (DCAT-AP as RDF/XML,
ours). What was retired stays as a deleted record. A resumption token holds the request and the last record given, and
nothing is kept here: the same token gives the same page however often it is asked.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from xml.etree import ElementTree as XML

from fabriek.catalogue.record import KINDS, Record
from fabriek.catalogue.standards import dcat
from fabriek.catalogue.standards.licences import licence_address
from fabriek.catalogue.standards.texts import in_xml
from fabriek.catalogue.standards.vocabularies import rights_address

PAGE = 100
OAI = "http://www.openarchives.org/OAI/2.0/"
OAI_DC = f"{OAI}oai_dc/"
DC = "http://purl.org/dc/elements/1.1/"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_SECOND, _DAY = "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d"
FORMATS = {
    "oai_dc": (f"{OAI}oai_dc.xsd", OAI_DC),
    "dcat_ap": ("http://www.w3.org/1999/02/22-rdf-syntax-ns.xsd", _RDF),
}
"""metadataPrefix: schema and namespace."""
# Arguments of each verb: those that it must have, and those that it may have. A token stands alone.
_VERBS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "Identify": (frozenset(), frozenset()),
    "ListMetadataFormats": (frozenset(), frozenset({"identifier"})),
    "ListSets": (frozenset(), frozenset({"resumptionToken"})),
    "GetRecord": (frozenset({"identifier", "metadataPrefix"}), frozenset()),
    "ListIdentifiers": (frozenset({"metadataPrefix"}), frozenset({"from", "until", "set", "resumptionToken"})),
    "ListRecords": (frozenset({"metadataPrefix"}), frozenset({"from", "until", "set", "resumptionToken"})),
}
for _prefix, _namespace in (("oai", OAI), ("oai_dc", OAI_DC), ("dc", DC), ("xsi", _XSI)):
    XML.register_namespace(_prefix, _namespace)


@dataclass(frozen=True)
class Item:
    """One entry as harvesters see it. `changed`: UTC, to the second. `record`: None where it is retired."""

    code: str
    kind: str
    changed: datetime
    record: Record | None


@dataclass(frozen=True)
class Repository:
    """What is told of the repository. `address`: the provider's own; `base`: what an entry's address begins with."""

    name: str
    address: str
    base: str
    email: str
    earliest: datetime
    host: str


class Source(Protocol):
    """Where the records are. All answers are in the order of (changed, code), which the token goes on from."""

    def get(self, code: str) -> Item | None:
        """One entry that is or was published; None: there is none."""

    def after(
        self, last: tuple[datetime, str] | None, *, since: datetime | None, until: datetime | None, kind: str, most: int
    ) -> Sequence[Item]:
        """The next entries that are or were published, changed within [since, until], of a kind (empty: of any)."""

    def count(self, *, since: datetime | None, until: datetime | None, kind: str) -> int:
        """How many they are in all."""


class OaiError(Exception):
    """An error of the protocol: its code and a sentence."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


def answer(
    arguments: Mapping[str, Sequence[str]], source: Source, about: Repository, now: datetime, *, page: int = PAGE
) -> str:
    """The answer to a request. `arguments`: each with all its values, as a query has them. Errors of the protocol are
    answers too."""
    root = XML.Element(f"{{{OAI}}}OAI-PMH", {f"{{{_XSI}}}schemaLocation": f"{OAI} {OAI}OAI-PMH.xsd"})
    _add(root, "responseDate", now.astimezone(UTC).strftime(_SECOND))
    request = _add(root, "request", about.address)
    try:
        asked = _checked(arguments)
        for key, value in asked.items():
            request.set(key, in_xml(value))
        part = _add(root, asked["verb"])
        _VERB[asked["verb"]](part, asked, source, about, page)
    except OaiError as error:
        for part in list(root)[2:]:
            root.remove(part)
        if error.code in {"badVerb", "badArgument"}:
            request.attrib.clear()
        _add(root, "error", str(error)).set("code", error.code)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{XML.tostring(root, encoding="unicode")}'


def _checked(arguments: Mapping[str, Sequence[str]]) -> dict[str, str]:
    verbs = arguments.get("verb", [])
    if len(verbs) != 1 or verbs[0] not in _VERBS:
        raise OaiError("badVerb", f"the verb is one of {', '.join(_VERBS)}, said once")
    needed, allowed = _VERBS[verbs[0]]
    asked = {key: values[0] for key, values in arguments.items()}
    for key, values in arguments.items():
        if len(values) != 1:
            raise OaiError("badArgument", f"{key} is said more than once")
        if key not in {"verb", *needed, *allowed}:
            raise OaiError("badArgument", f"{verbs[0]} takes no {key}")
    if "resumptionToken" in asked:
        if set(asked) != {"verb", "resumptionToken"}:
            raise OaiError("badArgument", "a resumptionToken stands alone")
        return asked
    for key in sorted(needed - set(asked)):
        raise OaiError("badArgument", f"{verbs[0]} needs {key}")
    return asked


def _identify(part: XML.Element, _asked: dict[str, str], _source: Source, about: Repository, _page: int) -> None:
    _add(part, "repositoryName", about.name)
    _add(part, "baseURL", about.address)
    _add(part, "protocolVersion", "2.0")
    _add(part, "adminEmail", about.email)
    _add(part, "earliestDatestamp", about.earliest.astimezone(UTC).strftime(_SECOND))
    _add(part, "deletedRecord", "persistent")
    _add(part, "granularity", "YYYY-MM-DDThh:mm:ssZ")


def _list_formats(part: XML.Element, asked: dict[str, str], source: Source, about: Repository, _page: int) -> None:
    if "identifier" in asked:
        _item(asked, source, about)
    for prefix, (schema, namespace) in FORMATS.items():
        said = _add(part, "metadataFormat")
        _add(said, "metadataPrefix", prefix)
        _add(said, "schema", schema)
        _add(said, "metadataNamespace", namespace)


def _list_sets(part: XML.Element, asked: dict[str, str], _source: Source, _about: Repository, _page: int) -> None:
    if "resumptionToken" in asked:
        raise OaiError("badResumptionToken", "all sets are in one answer")
    for kind in KINDS:
        said = _add(part, "set")
        _add(said, "setSpec", kind)
        _add(said, "setName", kind.capitalize())


def _get_record(part: XML.Element, asked: dict[str, str], source: Source, about: Repository, _page: int) -> None:
    _known_format(asked["metadataPrefix"])
    _say_record(part, _item(asked, source, about), asked["metadataPrefix"], about)


def _list(part: XML.Element, asked: dict[str, str], source: Source, about: Repository, page: int) -> None:
    """ListIdentifiers and ListRecords."""
    last, given = None, 0
    if "resumptionToken" in asked:
        wanted, last, given = _from_token(asked["resumptionToken"])
        if wanted.get("verb") != asked["verb"]:
            raise OaiError("badResumptionToken", "the token is of another verb")
    else:
        wanted = asked
        _known_format(asked["metadataPrefix"])
    within = _within(wanted)
    found = list(source.after(last, most=page + 1, **within))
    if not found and last is None:
        raise OaiError("noRecordsMatch", "nothing was changed then, or of that set")
    for item in found[:page]:
        if asked["verb"] == "ListRecords":
            _say_record(part, item, wanted["metadataPrefix"], about)
        else:
            _say_header(part, item, about)
    if len(found) > page or last is not None:
        token = _add(
            part, "resumptionToken", _as_token(wanted, found[page - 1], given + page) if len(found) > page else ""
        )
        token.set("completeListSize", str(source.count(**within)))
        token.set("cursor", str(given))


_VERB = {
    "Identify": _identify,
    "ListMetadataFormats": _list_formats,
    "ListSets": _list_sets,
    "GetRecord": _get_record,
    "ListIdentifiers": _list,
    "ListRecords": _list,
}


def identifier_of(code: str, about: Repository) -> str:
    """How the entry of a code is called in OAI-PMH (oai-identifier guidelines)."""
    return f"oai:{about.host}:{code}"


def _item(asked: dict[str, str], source: Source, about: Repository) -> Item:
    start = identifier_of("", about)
    said = asked["identifier"]
    item = source.get(said.removeprefix(start)) if said.startswith(start) else None
    if item is None:
        raise OaiError("idDoesNotExist", f"there is no {said[:200]} here")
    return item


def _known_format(prefix: str) -> None:
    if prefix not in FORMATS:
        raise OaiError("cannotDisseminateFormat", f"formats here are {' and '.join(FORMATS)}")


def _within(wanted: dict[str, str]) -> dict[str, Any]:
    since, until = wanted.get("from"), wanted.get("until")
    if since and until and len(since) != len(until):
        raise OaiError("badArgument", "from and until are of one granularity")
    bounds: dict[str, Any] = {"since": _time(since, "from"), "until": _time(until, "until")}
    if bounds["until"] and until and len(until) == 10:
        bounds["until"] = bounds["until"].replace(hour=23, minute=59, second=59)
    if bounds["since"] and bounds["until"] and bounds["since"] > bounds["until"]:
        raise OaiError("badArgument", "from is after until")
    kind = wanted.get("set", "")
    if kind and kind not in KINDS:
        raise OaiError("noRecordsMatch", f"sets here are {', '.join(KINDS)}")
    return {**bounds, "kind": kind}


def _time(said: str | None, name: str) -> datetime | None:
    if not said:
        return None
    for form in (_SECOND, _DAY):
        # strptime takes 2024-1-2 too, which the protocol doesn't.
        if re.fullmatch(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\dZ)?", said, re.ASCII):
            try:
                return datetime.strptime(said, form).replace(tzinfo=UTC)
            except ValueError:
                continue
    raise OaiError("badArgument", f"{name} is no UTC date: YYYY-MM-DD or YYYY-MM-DDThh:mm:ssZ")


def _as_token(wanted: dict[str, str], last: Item, given: int) -> str:
    said: dict[str, Any] = {key: value for key, value in wanted.items() if key != "resumptionToken"}
    said |= {"changed": last.changed.astimezone(UTC).isoformat(), "code": last.code, "given": given}
    return base64.urlsafe_b64encode(json.dumps(said, separators=(",", ":")).encode()).decode().rstrip("=")


def _from_token(token: str) -> tuple[dict[str, str], tuple[datetime, str], int]:
    """What a token says. It holds nothing that its bearer may not ask; what is changed in it is another question."""
    try:
        said = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        last = (datetime.fromisoformat(said.pop("changed")), str(said.pop("code")))
        given = int(said.pop("given"))
        if last[0].tzinfo is None or not all(isinstance(value, str) for value in said.values()) or given < 0:
            raise ValueError("it is none of ours")
        _known_format(said["metadataPrefix"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OaiError) as error:
        raise OaiError("badResumptionToken", "the token is none that was given here") from error
    return said, last, given


def _say_record(part: XML.Element, item: Item, prefix: str, about: Repository) -> None:
    said = _add(part, "record")
    _say_header(said, item, about)
    if item.record is not None:
        metadata = _add(said, "metadata")
        metadata.append(_dublin_core(item.record, about) if prefix == "oai_dc" else _dcat_ap(item.record, about))


def _say_header(part: XML.Element, item: Item, about: Repository) -> None:
    header = _add(part, "header")
    if item.record is None:
        header.set("status", "deleted")
    _add(header, "identifier", identifier_of(item.code, about))
    _add(header, "datestamp", item.changed.astimezone(UTC).strftime(_SECOND))
    _add(header, "setSpec", item.kind)


def _dublin_core(record: Record, about: Repository) -> XML.Element:
    """Dublin Core's fifteen words."""
    root = XML.Element(f"{{{OAI_DC}}}dc", {f"{{{_XSI}}}schemaLocation": f"{OAI_DC} {OAI}oai_dc.xsd"})
    said: list[tuple[str, str | None]] = [
        ("title", record.title),
        *[("creator", one.name) for one in record.creators],
        *[("subject", word) for word in [*record.keywords, *record.tasks, *record.sectors]],
        ("description", record.description or record.summary),
        ("publisher", record.owner.name if record.owner else ""),
        ("date", (record.modified or record.issued or None) and str(record.modified or record.issued)),
        ("type", record.kind),
        ("identifier", about.base + record.code),
        ("identifier", record.identifier),
        ("source", record.homepage),
        *[("format", one) for one in dict.fromkeys(place.media_type for place in record.distributions)],
        *[("language", one) for one in record.languages],
        *[("relation", one.target) for one in record.relations],
        ("rights", licence_address(record.licence) or record.licence),
        ("rights", rights_address(record.access)),
        ("rights", record.conditions),
    ]
    for word, text in said:
        if text:
            XML.SubElement(root, f"{{{DC}}}{word}").text = in_xml(text)
    return root


def _dcat_ap(record: Record, about: Repository) -> XML.Element:
    return XML.fromstring(dcat.write([record], base=about.base, form="xml"))  # noqa: S314 -- we wrote it


def _add(parent: XML.Element, name: str, text: str | None = None) -> XML.Element:
    node = XML.SubElement(parent, f"{{{OAI}}}{name}")
    node.text = in_xml(text) if text is not None else None
    return node
