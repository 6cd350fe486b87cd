"""What harvesters are given: the published entries in the standards' words, profiles as long as their owner agrees.

Who withdraws is gone here at once. Harvesters that were given the profile before learn from OAI-PMH that it was
deleted; what others copied nobody can take back, which the owner is told before they agree.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, Min, Q, QuerySet, When
from django.utils import timezone

from fabriek.catalogue.consents import agreed
from fabriek.catalogue.models import Consent, Entry, EntryState, Purpose
from fabriek.catalogue.record import Record
from fabriek.catalogue.rules import PROFILES
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
    return Entry.objects.filter(_is_given(), state=EntryState.PUBLISHED).order_by("pk")


def is_given(entry: Entry) -> bool:
    """Whether harvesters and search engines are given this one. One query."""
    return harvestable().filter(pk=entry.pk).exists()


def _is_given() -> Q:
    return ~Q(kind__in=PROFILES) | Q(pk__in=agreed(Purpose.FEEDS))


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
    """With `given`: whether it is given now. What isn't any more stays as a deleted record."""
    once = Q(pk__in=Consent.objects.filter(purpose=Purpose.FEEDS, entry__published__gt=0).values("entry"))
    return Entry.objects.filter(~Q(kind__in=PROFILES) | once, published__gt=0).annotate(
        given=Case(When(_is_given() & Q(state=EntryState.PUBLISHED), then=True), default=False)
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
    record = entry.as_record() if entry.given else None  # type: ignore[attr-defined]
    return Item(entry.code, entry.kind, entry.changed_at, record)
