"""The API of AI-on-Demand (https://github.com/aiondemand/AIOD-rest-api): `GET /{plural}/v1?offset=&limit=`.

It can't be asked for what changed, so each sweep reads all; what it no longer names is gone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from fabriek.catalogue.standards.guarding import json_of
from fabriek.catalogue.standards.licences import spdx_of
from fabriek.catalogue.standards.reading import StandardBroken, fitted
from fabriek.catalogue.standards.texts import plain
from fabriek.catalogue.standards.vocabularies import code_of, language_code
from fabriek.harvest.network import Fetched
from fabriek.harvest.readers.page import Asked, Found, Page, Reader, summary_of, words_of

KINDS = {"datasets": "dataset", "ml_models": "model", "computational_assets": "software", "services": "service",
         "educational_resources": "training", "case_studies": "story"}  # fmt: skip
"""Kinds of resource that have a place here. Persons aren't taken in: who is in the catalogue chose to be."""
LIMIT = 100


def _first(asked: Asked) -> str:
    """`part`: the kinds that are wanted, with commas between; empty: all."""
    return _at(asked, _plurals(asked)[0], 0)


def _plurals(asked: Asked) -> list[str]:
    wanted = [one.strip() for one in asked.part.split(",") if one.strip()] or list(KINDS)
    unknown = [one for one in wanted if one not in KINDS]
    if unknown:
        raise StandardBroken(f"AI-on-Demand's kinds that have a place here are {', '.join(KINDS)}, not {unknown[0]}")
    return wanted


def _at(asked: Asked, plural: str, offset: int) -> str:
    parts = urlsplit(asked.address)
    path = f"{parts.path.rstrip('/')}/{plural}/v1"
    query = urlencode({"schema": "aiod", "offset": offset, "limit": LIMIT})
    return urlunsplit(parts._replace(path=path, query=query, fragment=""))


def _read(fetched: Fetched, asked: Asked) -> Page:
    said = json_of(fetched.content)
    if not isinstance(said, list):
        raise StandardBroken("the document is no list of AI-on-Demand's")
    asked_at = urlsplit(fetched.url)
    plural = asked_at.path.rstrip("/").split("/")[-2]
    offset = int(parse_qs(asked_at.query).get("offset", ["0"])[0])
    found = tuple(one for item in said if (one := _found(item, plural, asked)) is not None)
    return Page(found, next=_next(asked, plural, offset + len(said), bool(said)))


def _next(asked: Asked, plural: str, offset: int, more: bool) -> str:
    """The next page of this kind; past its last (which is empty), the first of the next kind."""
    if more:
        return _at(asked, plural, offset)
    plurals = _plurals(asked)
    later = plurals[plurals.index(plural) + 1 :] if plural in plurals else []
    return _at(asked, later[0], 0) if later else ""


def _found(item: Any, plural: str, asked: Asked) -> Found | None:
    if not isinstance(item, dict) or item.get("identifier") in (None, ""):
        return Found("", None, ("an item without an identifier",))
    entry = item.get("aiod_entry")
    if isinstance(entry, dict) and entry.get("status") not in (None, "published"):
        return None
    identifier = f"{plural}/{item['identifier']}"
    try:
        record, remarks = fitted(_said(item, plural, identifier, asked))
    except StandardBroken as error:
        return Found(identifier, None, (str(error),))
    return Found(identifier, record, tuple(remarks))


def _said(item: dict[str, Any], plural: str, identifier: str, asked: Asked) -> dict[str, Any]:
    title = plain(_text(item.get("name")))
    description = plain(_text(item.get("description")))
    licence = _text(item.get("license"))
    address = f"{asked.address.rstrip('/')}/{plural}/v1/{item['identifier']}"
    said: dict[str, Any] = {
        "code": code_of(title[:100], identifier.replace("/", "-")),
        "title": title[:300],
        "summary": summary_of(description),
        "description": description,
        "keywords": [plain(one) for one in words_of(_listed(item.get("keyword")))],
        "tasks": words_of(_listed(item.get("application_area"))),
        "sectors": words_of(_listed(item.get("industrial_sector"))),
        "languages": [code for one in words_of(_listed(item.get("language"))) if (code := language_code(one))],
        "version": _text(item.get("version")),
        "licence": spdx_of(licence),
        "conditions": "" if spdx_of(licence) else plain(licence),
        "access": "open" if item.get("is_accessible_for_free") is True else "unknown",
        "owner": {"name": "AI-on-Demand", "url": asked.address} if plural != "case_studies" else None,
        "homepage": _text(item.get("same_as")) or address,
        "issued": _text(item.get("date_published"))[:10],
        "distributions": list(_places(item)),
        "relations": [{"kind": "same-as", "target": address}],
        "facts": {"*": {"source": address, "confidence": "medium"}},
        "details": {"kind": KINDS[plural]},
    }
    platform, name = _text(item.get("platform")), _text(item.get("platform_resource_identifier"))
    if platform and name:
        said["owner"] = {"name": platform}
    return {field: value for field, value in said.items() if value not in ("", [], None)}


def _places(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for one in _listed(item.get("distribution")):
        if isinstance(one, dict) and _text(one.get("content_url")).startswith(("https://", "http://")):
            size = one.get("content_size_kb")
            algorithm = _text(one.get("checksum_algorithm")).lower().replace("-", "")
            yield {
                "storage": "http",
                "location": one["content_url"].strip(),
                "name": _text(one.get("name"))[:200],
                "media_type": _text(one.get("encoding_format"))[:200],
                "bytes": size * 1_000 if isinstance(size, int) and not isinstance(size, bool) and size >= 0 else None,
                "sha256": _text(one.get("checksum")).lower() if algorithm == "sha256" else "",
            }


def _text(said: Any) -> str:
    """A text, also where it is told as {"plain": ...}, as AI-on-Demand's newer versions do."""
    if isinstance(said, dict):
        said = said.get("plain") or said.get("html") or ""
    return said.strip() if isinstance(said, str) else ""


def _listed(said: Any) -> list[Any]:
    return said if isinstance(said, list) else [said] if said else []


READER = Reader(first=_first, read=_read, accept="application/json", whole=True)
