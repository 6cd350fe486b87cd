"""What harvesters are given: the published entries in the standards' words, without those that tell of people.

Who withdraws as an expert or a team is gone here at once; from a harvester's copy nobody could take it back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Min, Q, QuerySet
from django.utils import timezone

from fabriek.catalogue.models import Entry, EntryState
from fabriek.catalogue.record import Record
from fabriek.catalogue.rules import PERSONAL
from fabriek.catalogue.standards import cards, croissant, dcat, schema_org
from fabriek.catalogue.standards.oai import Item


def _turtle(record: Record, base: str) -> str:
    return dcat.write([record], base=base)


def _json_ld(record: Record, base: str) -> str:
    return dcat.write([record], base=base, form="json-ld")


def _croissant(record: Record, base: str) -> str:
    return croissant.write(record, base=base)


def _card(record: Record, _base: str) -> str:
    return cards.write(record)


def _schema_org(record: Record, base: str) -> str:
    return schema_org.embedded(schema_org.document(record, base=base))


WRITERS: dict[str, tuple[str, frozenset[str] | None, Callable[[Record, str], str]]] = {
    "turtle": ("text/turtle", None, _turtle),
    "json-ld": ("application/ld+json", None, _json_ld),
    "schema-org": ("application/ld+json", None, _schema_org),
    "croissant": ("application/ld+json", frozenset({"dataset"}), _croissant),
    "card": ("text/markdown", frozenset({"dataset", "model"}), _card),
}
"""Standard: media type, the kinds that it has words for (None: all), and its writer (record, base)."""


def standards_for(kind: str) -> list[str]:
    """The standards in which an entry of this kind can be said."""
    return [name for name, (_media_type, kinds, _write) in WRITERS.items() if kinds is None or kind in kinds]


def harvestable() -> QuerySet[Entry]:
    """The published entries that harvesters are given, in an order that stays while titles change."""
    return Entry.objects.filter(state=EntryState.PUBLISHED).exclude(kind__in=PERSONAL).order_by("pk")


def earliest() -> datetime:
    """When the first of them was changed; now, where there is none. One query."""
    found: datetime | None = _ever_published().aggregate(first=Min("changed_at"))["first"]
    return found or timezone.now()


class Shelf:
    """The catalogue as a source for OAI-PMH (`standards/oai.py`). A query for each answer."""

    def get(self, code: str) -> Item | None:
        found = _ever_published().filter(code=code).first()
        return _item(found) if found else None

    def after(
        self, last: tuple[datetime, str] | None, *, since: datetime | None, until: datetime | None, kind: str, most: int
    ) -> Sequence[Item]:
        found = _ever_published().filter(**_within(since, until, kind)).order_by("changed_at", "code")
        if last is not None:
            changed, code = last
            found = found.filter(Q(changed_at__gt=changed) | Q(changed_at=changed, code__gt=code))
        return [_item(entry) for entry in found[:most]]

    def count(self, *, since: datetime | None, until: datetime | None, kind: str) -> int:
        return _ever_published().filter(**_within(since, until, kind)).count()


def _ever_published() -> QuerySet[Entry]:
    return Entry.objects.exclude(kind__in=PERSONAL).filter(
        Q(state=EntryState.PUBLISHED) | Q(state=EntryState.RETIRED, published__gt=0)
    )


def _within(since: datetime | None, until: datetime | None, kind: str) -> dict[str, Any]:
    """Harvesters know seconds: what changed within the last of them belongs to it."""
    asked = {
        "changed_at__gte": since,
        "changed_at__lt": until and until + timedelta(seconds=1),
        "kind": kind,
    }
    return {field: value for field, value in asked.items() if value}


def _item(entry: Entry) -> Item:
    record = entry.as_record() if entry.state == EntryState.PUBLISHED else None
    return Item(entry.code, entry.kind, entry.changed_at, record)
