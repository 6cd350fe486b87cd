"""Finding without an index: SQL LIKE. What search does until its index is made, and what it's measured against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db.models import Count, Q, QuerySet

from fabriek.catalogue.models import Entry, EntryState
from fabriek.catalogue.search.words import words_of

COLUMNS = {"kind": "kind", "licence": "licence", "access": "access", "factory": "factory__code"}
"""Facets that are columns; the others are in the record."""
LISTS = {"language": "languages", "task": "tasks", "sector": "sectors"}


def entries_with(text: str, chosen: Mapping[str, Sequence[str]], since: datetime | None = None) -> QuerySet[Entry]:
    """Published entries with every word in title, summary or record, those with it in the title first."""
    found = Entry.objects.filter(state=EntryState.PUBLISHED)
    for word in words_of(text)[:16]:
        found = found.filter(
            Q(title__icontains=word.written) | Q(summary__icontains=word.written) | Q(record__icontains=word.written)
        )
    for name, values in chosen.items():
        if name in COLUMNS:
            found = found.filter(**{f"{COLUMNS[name]}__in": values})
        elif name in LISTS:
            within = Q()
            for value in values:
                within |= Q(**{f"record__{LISTS[name]}__icontains": f'"{value}"'})
            found = found.filter(within)
    if since is not None:
        found = found.filter(published_at__gte=since)
    return found.order_by("title", "id")


def counts(entries: QuerySet[Entry]) -> dict[str, dict[str, int]]:
    """Values and counts of the facets that are columns, the commonest first. One query each."""
    counted = {
        name: entries.order_by().values_list(column).annotate(n=Count("id")).order_by("-n", column)
        for name, column in COLUMNS.items()
    }
    return {name: {value: number for value, number in rows if value} for name, rows in counted.items()}
