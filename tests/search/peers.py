"""What search is measured against: SQL LIKE, and SQLite's full text as it comes (FTS5 with bm25)."""

from __future__ import annotations

import re

from django.db import connection
from django.db.models import Case, IntegerField, Q, Value, When

from fabriek.catalogue.models import Entry, EntryState
from fabriek.catalogue.record import Record

_COLUMNS = "title, words, summary, description"
_WEIGHTS = "10.0, 5.0, 3.0, 1.0"


def like(query: str, most: int = 10) -> list[str]:
    """Codes of entries whose title, summary or record has every word, those with all of them in the title first."""
    words = query.split()
    anywhere, in_title = Q(state=EntryState.PUBLISHED), Q()
    for word in words:
        anywhere &= Q(title__icontains=word) | Q(summary__icontains=word) | Q(record__icontains=word)
        in_title &= Q(title__icontains=word)
    rank = Case(When(in_title, then=Value(0)), default=Value(1), output_field=IntegerField())
    found = Entry.objects.filter(anywhere).annotate(rank=rank).order_by("rank", "title")
    return list(found.values_list("code", flat=True)[:most])


def make_full_text(name: str, tokenizer: str) -> None:
    """A table of FTS5 with what entries say: title, words (keywords, tasks, sectors, owner), summary, description."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE VIRTUAL TABLE {name} USING fts5(code UNINDEXED, {_COLUMNS}, tokenize = '{tokenizer}')")
        rows = Entry.objects.filter(state=EntryState.PUBLISHED).values_list("record", flat=True)
        cursor.executemany(
            f"INSERT INTO {name} (code, {_COLUMNS}) VALUES (%s, %s, %s, %s, %s)",
            [_row(Record.model_validate(record)) for record in rows.iterator()],
        )


def full_text(name: str, query: str, joined_by: str, most: int = 10) -> list[str]:
    """Codes by bm25, with weights as kind to the title as ours. joined_by: AND or OR."""
    words = re.findall(r"\w+", query)
    if not words:
        return []
    asked = f" {joined_by} ".join(f'"{word}"' for word in words)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT code FROM {name} WHERE {name} MATCH %s ORDER BY bm25({name}, 0.0, {_WEIGHTS}) LIMIT %s",
            [asked, most],
        )
        return [code for (code,) in cursor.fetchall()]


def _row(record: Record) -> tuple[str, ...]:
    words = [*record.keywords, *record.tasks, *record.sectors, record.owner.name if record.owner else ""]
    heads = [record, *record.translations.values()]
    return (
        record.code,
        " ".join(head.title for head in heads),
        " ".join(words).replace("-", " "),
        " ".join(head.summary for head in heads),
        " ".join(head.description for head in heads),
    )
