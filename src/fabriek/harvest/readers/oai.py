"""OAI-PMH 2.0 (https://www.openarchives.org/OAI/openarchivesprotocol.html), as Zenodo and InvenioRDM speak it.

DataCite's metadata (`oai_datacite`) are asked for: they say what a thing is, its licence and its relations.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit
from xml.etree import ElementTree

from fabriek.catalogue.standards.guarding import refuse_entities
from fabriek.catalogue.standards.licences import spdx_of
from fabriek.catalogue.standards.reading import StandardBroken, fitted
from fabriek.catalogue.standards.texts import plain
from fabriek.catalogue.standards.vocabularies import code_of, language_code
from fabriek.harvest.network import Fetched
from fabriek.harvest.readers.page import Asked, Found, Page, Reader, summary_of

OAI = "{http://www.openarchives.org/OAI/2.0/}"
KINDS = {"dataset": "dataset", "software": "software", "model": "model", "computationalnotebook": "software",
         "workflow": "software", "interactiveresource": "training"}  # fmt: skip
"""DataCite's resourceTypeGeneral (4.6) and our kinds. What is not named is passed over: texts, pictures, events."""
RELATIONS = {"isderivedfrom": "derived-from", "isversionof": "version-of", "ispartof": "part-of",
             "isdocumentedby": "related", "documents": "documents", "isidenticalto": "same-as",
             "issupplementto": "related", "references": "related", "requires": "uses"}  # fmt: skip


def _first(asked: Asked) -> str:
    wanted = {"verb": "ListRecords", "metadataPrefix": "oai_datacite"}
    if asked.part:
        wanted["set"] = asked.part
    if asked.since is not None:
        wanted["from"] = asked.since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return _asking(asked.address, wanted)


def _asking(address: str, wanted: dict[str, str]) -> str:
    return urlunsplit(urlsplit(address)._replace(query=urlencode(wanted), fragment=""))


def _read(fetched: Fetched, asked: Asked) -> Page:
    root = ElementTree.fromstring(refuse_entities(fetched.content))  # noqa: S314 -- what could harm was refused
    if root.tag != f"{OAI}OAI-PMH":
        raise StandardBroken("the document is no answer of OAI-PMH")
    for error in root.iter(f"{OAI}error"):
        if error.get("code") == "noRecordsMatch":
            return Page()
        raise StandardBroken(f"{error.get('code')}: {_text(error)[:300]}")
    found, gone, passed_over = [], [], 0
    for element in root.iter(f"{OAI}record"):
        header = element.find(f"{OAI}header")
        identifier = _text(header.find(f"{OAI}identifier")) if header is not None else ""
        if header is None or not identifier:
            found.append(Found("", None, ("a record without an identifier",)))
        elif header.get("status") == "deleted":
            gone.append(identifier)
        else:
            one = _found(element, identifier, asked)
            found += [one] if one is not None else []
            passed_over += one is None
    token = _text(root.find(f"{OAI}ListRecords/{OAI}resumptionToken"))
    following = _asking(asked.address, {"verb": "ListRecords", "resumptionToken": token}) if token else ""
    return Page(tuple(found), tuple(gone), following, passed_over)


def _found(element: ElementTree.Element, identifier: str, asked: Asked) -> Found | None:
    """None: it is of no kind that the catalogue has."""
    resource = next((one for one in element.iter() if _name(one) == "resource"), None)
    if resource is None:
        return Found(identifier, None, ("it has no metadata of DataCite",))
    kind = KINDS.get(_attribute(resource, "resourceType", "resourceTypeGeneral").lower())
    if kind is None:
        return None
    try:
        record, remarks = fitted(_said(resource, kind, identifier, asked))
    except StandardBroken as error:
        return Found(identifier, None, (str(error),))
    return Found(identifier, record, tuple(remarks))


def _said(resource: ElementTree.Element, kind: str, identifier: str, asked: Asked) -> dict[str, Any]:
    title = plain(_first_text(resource, "title"))
    abstract = plain("\n\n".join(_text(one) for one in _all(resource, "description")))
    doi = next((_text(one) for one in _all(resource, "identifier") if one.get("identifierType") == "DOI"), "")
    address = f"https://doi.org/{doi}" if doi else ""
    issued = next((_text(one) for one in _all(resource, "date") if one.get("dateType") == "Issued"), "")
    language = language_code(_first_text(resource, "language")) or ""
    rights = [_licence(one) for one in _all(resource, "rights")]
    licence = next((one for one in rights if one), "")
    said: dict[str, Any] = {
        "code": code_of(title[:100], identifier),
        "title": title,
        "language": "en",
        "summary": summary_of(abstract),
        "description": abstract,
        "keywords": [plain(_text(one))[:200] for one in _all(resource, "subject") if _text(one)],
        "languages": [language] if language else [],
        "version": _first_text(resource, "version")[:200],
        "licence": licence,
        "conditions": "" if licence else "\n".join(plain(_text(one)) for one in _all(resource, "rights") if _text(one)),
        "access": _access(resource),
        "owner": {"name": plain(_first_text(resource, "publisher"))} if _first_text(resource, "publisher") else None,
        "creators": [party for one in _all(resource, "creator") if (party := _party(one))],
        "homepage": address or identifier if (address or identifier).startswith("https://") else "",
        "identifier": address,
        "relations": list(_relations(resource)),
        "facts": {"*": {"source": asked.address, "confidence": "medium"}},
        "details": {"kind": kind},
    }
    if len(issued) == 10:
        said["issued"] = issued
    return {name: value for name, value in said.items() if value not in ("", [], None)}


def _licence(rights: ElementTree.Element) -> str:
    return spdx_of(rights.get("rightsIdentifier", "")) or spdx_of(rights.get("rightsURI", ""))


def _access(resource: ElementTree.Element) -> str:
    """By the words of COAR and the info:eu-repo vocabulary."""
    said = " ".join(f"{one.get('rightsURI', '')} {_text(one)}".lower() for one in _all(resource, "rights"))
    if "openaccess" in said.replace(" ", "") or "open access" in said:
        return "open"
    if "restrictedaccess" in said.replace(" ", ""):
        return "on-request"
    return "closed" if "closedaccess" in said.replace(" ", "") else "unknown"


def _party(creator: ElementTree.Element) -> dict[str, str] | None:
    name = plain(_first_text(creator, "creatorName"))[:300]
    orcid = next(
        (_text(one) for one in _all(creator, "nameIdentifier") if one.get("nameIdentifierScheme") == "ORCID"), ""
    )
    number = orcid.rstrip("/").rsplit("/", 1)[-1]
    return {"name": name, **({"identifier": f"https://orcid.org/{number}"} if number else {})} if name else None


def _relations(resource: ElementTree.Element) -> Iterator[dict[str, str]]:
    for one in _all(resource, "relatedIdentifier"):
        kind = RELATIONS.get(one.get("relationType", "").lower())
        target = _text(one)
        scheme = one.get("relatedIdentifierType", "")
        if scheme == "DOI" and target:
            target = f"https://doi.org/{target.removeprefix('https://doi.org/')}"
        if kind and target.startswith(("https://", "http://")):
            yield {"kind": kind, "target": target}


def _all(element: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [one for one in element.iter() if _name(one) == name]


def _first_text(element: ElementTree.Element, name: str) -> str:
    return next((_text(one) for one in _all(element, name)), "")


def _attribute(element: ElementTree.Element, name: str, attribute: str) -> str:
    return next((one.get(attribute, "") for one in _all(element, name)), "")


def _name(element: ElementTree.Element) -> str:
    """Without its namespace: each version of DataCite's schema has another one."""
    return element.tag.rpartition("}")[2]


def _text(element: ElementTree.Element | None) -> str:
    """Line ends within a paragraph are how the XML was laid out."""
    if element is None or not element.text:
        return ""
    paragraphs = [" ".join(part.split()) for part in element.text.split("\n\n")]
    return "\n\n".join(part for part in paragraphs if part)


READER = Reader(first=_first, read=_read, accept="text/xml, application/xml", whole=False)
