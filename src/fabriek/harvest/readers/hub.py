"""A Hub-shaped API: what `GET /api/datasets` and `/api/models` of the Hugging Face Hub answer
(https://huggingface.co/docs/hub/api), page by page, what changed last first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from fabriek.catalogue.standards.guarding import json_of
from fabriek.catalogue.standards.licences import spdx_of
from fabriek.catalogue.standards.reading import StandardBroken, fitted
from fabriek.catalogue.standards.texts import plain
from fabriek.catalogue.standards.vocabularies import code_of, language_code
from fabriek.harvest.network import Fetched
from fabriek.harvest.readers.page import Asked, Found, Page, Reader, summary_of, words_of

KINDS = {"datasets": "dataset", "models": "model"}


def _first(asked: Asked) -> str:
    """`part`: a filter of the Hub's, such as `language:nl`; the address says whether datasets or models."""
    wanted = {"sort": "lastModified", "direction": "-1", "limit": "100", "full": "true"}
    if asked.part:
        wanted["filter"] = asked.part
    return f"{asked.address.split('?')[0].rstrip('/')}?{urlencode(wanted)}"


def _read(fetched: Fetched, asked: Asked) -> Page:
    said = json_of(fetched.content)
    kind = KINDS.get(urlsplit(asked.address).path.rstrip("/").rpartition("/")[2])
    if kind is None:
        raise StandardBroken("the address of a Hub ends in /api/datasets or /api/models")
    if not isinstance(said, list):
        raise StandardBroken("the document is no list of a Hub's")
    found: list[Found] = []
    for item in said:
        one = _found(item, kind, asked)
        if asked.since is not None and isinstance(item, dict) and _changed(item, asked.since):
            # The rest changed earlier still.
            return Page(tuple(found))
        found.append(one)
    return Page(tuple(found), next=fetched.links.get("next", ""))


def _changed(item: dict[str, Any], since: datetime) -> bool:
    """Whether it changed before that moment, as far as it says."""
    try:
        at = datetime.fromisoformat(str(item.get("lastModified", "")))
    except ValueError:
        return False
    return (at if at.tzinfo else at.replace(tzinfo=UTC)) < since


def _found(item: Any, kind: str, asked: Asked) -> Found:
    name = item.get("id") if isinstance(item, dict) else None
    if not isinstance(name, str) or not name.strip():
        return Found("", None, ("an item without an id",))
    if item.get("private") is True or item.get("disabled") is True:
        return Found(name, None, ("it is private or disabled",))
    try:
        record, remarks = fitted(_said(item, name, kind, asked))
    except StandardBroken as error:
        return Found(name, None, (str(error),))
    return Found(name, record, tuple(remarks))


def _said(item: dict[str, Any], name: str, kind: str, asked: Asked) -> dict[str, Any]:
    head = item.get("cardData")
    card: dict[str, Any] = head if isinstance(head, dict) else {}
    tags = dict(_tagged(item))
    title = plain(str(card.get("pretty_name") or name))
    description = plain(str(item.get("description") or ""))
    licence, said_licence = _licence(card, tags)
    tasks = [
        *_listed(card.get("task_categories")),
        *_listed(item.get("pipeline_tag")),
        *tags.get("task_categories", []),
    ]
    languages = [*_listed(card.get("language")), *tags.get("language", [])]
    place = urljoin(asked.address, f"/{'datasets/' if kind == 'dataset' else ''}{name}")
    said: dict[str, Any] = {
        "code": code_of(name, title),
        "title": title[:300],
        "summary": summary_of(description),
        "description": description,
        "keywords": [plain(word) for word in _listed(card.get("tags"))],
        "tasks": list(dict.fromkeys(tasks)),
        "languages": list(dict.fromkeys(code for one in languages if (code := language_code(one)))),
        "licence": licence,
        "conditions": said_licence,
        "access": "on-request" if item.get("gated") in (True, "auto", "manual") else "open",
        "owner": {"name": str(item.get("author") or name.partition("/")[0])} if "/" in name else None,
        "homepage": place,
        "version": str(item.get("sha") or "")[:12],
        "issued": str(item.get("createdAt") or "")[:10],
        "modified": str(item.get("lastModified") or "")[:10],
        "distributions": [{"storage": "hub", "location": name}],
        "relations": [
            {"kind": relation, "target": urljoin(asked.address, f"/{path}{one}")}
            for relation, path, field in (("based-on", "", "base_model"), ("trained-on", "datasets/", "datasets"))
            for one in _listed(card.get(field))
            if kind == "model" and one != name
        ],
        "facts": {"*": {"source": place, "confidence": "medium"}},
        "details": {"kind": kind, **(_dataset(card, item) if kind == "dataset" else _model(card, item))},
    }
    return {field: value for field, value in said.items() if value not in ("", [], None)}


def _tagged(item: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Tags of the form `name:value`, by name."""
    by_name: dict[str, list[str]] = {}
    for tag in words_of(item.get("tags") or []):
        name, colon, value = tag.partition(":")
        if colon:
            by_name.setdefault(name, []).append(value)
    yield from by_name.items()


def _licence(card: dict[str, Any], tags: dict[str, list[str]]) -> tuple[str, str]:
    """As an SPDX expression, and in the Hub's words where it is none. Several: one may choose (the Hub's rule)."""
    said = _listed(card.get("license")) or tags.get("license", [])
    said = [one for one in said if one.lower() not in ("unknown", "other")]
    known = [spdx_of(one) for one in said]
    if said and all(known):
        return " OR ".join(dict.fromkeys(known)), ""
    return "", ", ".join(dict.fromkeys(said))[:1_000]


def _dataset(card: dict[str, Any], item: dict[str, Any]) -> dict[str, Any]:
    infos = card.get("dataset_info")
    infos = infos if isinstance(infos, list) else [infos] if isinstance(infos, dict) else []
    splits = [split for info in infos if isinstance(info, dict) for split in _dicts(info.get("splits"))]
    records = [split["num_examples"] for split in splits if isinstance(split.get("num_examples"), int)]
    sizes = [split["num_bytes"] for split in splits if isinstance(split.get("num_bytes"), int)]
    return {
        # Configurations of one dataset hold the same again as often as not: of several no sum is told.
        **({"records": sum(records)} if len(infos) == 1 and records else {}),
        **({"bytes": sum(sizes)} if len(infos) == 1 and sizes else {}),
        **({"citation": plain(str(item["citation"]))} if item.get("citation") else {}),
    }


def _model(card: dict[str, Any], item: dict[str, Any]) -> dict[str, Any]:
    weights = item.get("safetensors")
    total = weights.get("total") if isinstance(weights, dict) else None
    emitted = card.get("co2_eq_emissions")
    grams = emitted.get("emissions") if isinstance(emitted, dict) else emitted
    return {
        **({"parameters": total} if isinstance(total, int) else {}),
        **({"library": str(item["library_name"])} if item.get("library_name") else {}),
        **({"co2_grams": grams} if isinstance(grams, (int, float)) and not isinstance(grams, bool) else {}),
    }


def _listed(said: Any) -> list[str]:
    """One or several, as a list."""
    return words_of(said if isinstance(said, list) else [said])


def _dicts(said: Any) -> list[dict[str, Any]]:
    return [one for one in said if isinstance(one, dict)] if isinstance(said, list) else []


READER = Reader(first=_first, read=_read, accept="application/json", whole=False)
