"""An entry of the catalogue as lines of facts: each field with its name, its value in words, and its origin."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, get_args
from urllib.parse import urlsplit

from django.utils.translation import get_language, get_language_info
from django.utils.translation import gettext as _
from pydantic import BaseModel

from fabriek.catalogue.record import Contact, Fact, Party, Record
from fabriek.catalogue.search import terms
from fabriek.catalogue.words import CHOICES, choice_of, label_of
from fabriek.conf.amounts import number_text
from fabriek.portal.components.amounts import bytes_text
from fabriek.portal.components.countries import country_name

HEAD = ("languages", "tasks", "sectors", "keywords", "version", "issued", "modified")
PAGES = ("homepage", "documentation", "identifier")
TERMS = ("licence", "access", "owner", "creators")
TRUST = ("personal_data", "ai_act_role", "ai_act_risk")

# What a reader must know to use it: shown as not known where the record doesn't say.
_MATTERS: dict[str, frozenset[str]] = {
    "dataset": frozenset({"languages", "licence", "access", "owner", "version", "personal_data"}),
    "model": frozenset({"languages", "licence", "access", "owner", "version", "personal_data", "ai_act_risk"}),
    "software": frozenset({"licence", "access", "owner", "version"}),
    "training": frozenset({"languages", "access", "owner"}),
    "expert": frozenset({"languages"}),
    "team": frozenset({"languages"}),
    "service": frozenset({"access", "owner"}),
    "funding": frozenset({"owner"}),
    "investor": frozenset({"owner"}),
    "venture": frozenset(),
    "story": frozenset(),
}
_YEARS = frozenset({"details.year"})


@dataclass(frozen=True)
class Line:
    """A fact. `value`: text, a date, or "" where it is not known."""

    label: str
    value: Any
    url: str = ""
    source: str = ""
    source_url: str = ""
    confidence: str = ""


def lines(record: Record, names: Iterable[str]) -> list[Line]:
    """These fields of the head: those that say something, and those of which a reader must know that it isn't known."""
    return [_line(record, name, getattr(record, name)) for name in names if _is_shown(record, name)]


def details(record: Record) -> list[Line]:
    """What is told of its kind. Long texts and tables are `texts` and the page's own. All are shown: that a number of
    records isn't known is told too."""
    found = []
    for name, field in type(record.details).model_fields.items():
        value = getattr(record.details, name)
        if name == "kind" or _is_long(field.metadata) or _is_part(field.annotation):
            continue
        found.append(_line(record, f"details.{name}", value))
    return found


def texts(record: Record) -> list[tuple[str, str]]:
    """The long texts of its kind, each with its name; a model's card aside."""
    found = []
    for name, field in type(record.details).model_fields.items():
        value = getattr(record.details, name)
        if isinstance(value, str) and value and _is_long(field.metadata) and name != "card":
            found.append((label_of(f"details.{name}"), value))
    return found


def sheet(record: Record) -> list[tuple[str, str]]:
    """The answers of a dataset's data sheet."""
    answers = getattr(record.details, "sheet", None)
    return [(label_of(name), value) for name, value in answers if value] if answers is not None else []


def source_of(record: Record, path: str) -> tuple[str, str, str]:
    """Where a field comes from, if it has a source of its own: in words, its address, and how sure it is."""
    return _origin(record.facts.get(path) or record.facts.get(path.removeprefix("details.")))


def general_source(record: Record) -> Line | None:
    """Where all comes from that has no source of its own."""
    fact = record.facts.get("*")
    return Line("", fact.seen_on, "", *_origin(fact)) if fact else None


def _origin(fact: Fact | None) -> tuple[str, str, str]:
    if fact is None:
        return "", "", ""
    address = fact.source if fact.source.startswith(("https://", "http://")) else ""
    parts = urlsplit(address)
    words = (parts.hostname or "").removeprefix("www.") + parts.path.rstrip("/") if address else fact.source
    return (words if len(words) < 64 else f"{words[:60]}…"), address, fact.confidence


def language_name(code: str) -> str:
    """A language in the reader's own: as the catalogue's terms name it (CLDR), as Django does, else its code."""
    concept = f"language:{code}"
    if concept in terms.concepts():
        name = terms.label(concept, get_language() or "en")
        return name[:1].upper() + name[1:]
    try:
        return str(get_language_info(code)["name_translated"]).capitalize()
    except KeyError:
        return code


def address_of(text: str) -> str:
    """Where a lasting identifier leads; "" where a browser can't follow it."""
    if text.startswith("doi:"):
        return f"https://doi.org/{text.removeprefix('doi:')}"
    if text.startswith("hf://"):
        return ""
    return text if text.startswith(("https://", "http://", "mailto:")) else ""


def _is_shown(record: Record, name: str) -> bool:
    value = getattr(record, name)
    return name in _MATTERS[record.kind] or (value not in ("", None, []) and value != "unknown")


def _line(record: Record, path: str, value: Any) -> Line:
    text, url = _words(path, value)
    label = _("Size") if path == "details.bytes" else label_of(path)
    return Line(label, text, url, *source_of(record, path))


def _words(path: str, value: Any) -> tuple[Any, str]:
    """A value as the reader reads it, and where it leads."""
    name = path.rpartition(".")[2]
    if value in (None, "", []) or (value == "unknown" and path in CHOICES):
        return "", ""
    if isinstance(value, Party):
        return _party(value), value.url or address_of(value.identifier)
    if isinstance(value, date):
        return value, ""
    if isinstance(value, list):
        return ", ".join(_each(name, value)), ""
    if isinstance(value, int | float):
        if path in _YEARS:
            return str(value), ""
        return (bytes_text(value) if name == "bytes" else number_text(value)), ""
    return choice_of(path, value), address_of(value)


def _each(name: str, values: list[Any]) -> Iterator[str]:
    for value in values:
        if isinstance(value, Party):
            yield _party(value)
        elif name == "countries":
            yield country_name(value)
        else:
            yield language_name(value) if name == "languages" else str(value)


def _party(party: Party) -> str:
    return f"{party.name}, {country_name(party.country)}" if party.country else party.name


def _is_long(metadata: list[Any]) -> bool:
    return any(getattr(one, "max_length", 0) >= 20_000 for one in metadata)


def _is_part(annotation: Any) -> bool:
    """Whether it stands by itself on the page: a part, or a table of parts, as columns and metrics are."""
    return any(isinstance(one, type) and issubclass(one, BaseModel) for one in (annotation, *get_args(annotation)))


def contact_of(record: Record) -> Contact | None:
    """Whom to ask, if somebody is named."""
    contact = record.contact
    return contact if contact.name or contact.email or contact.url else None
