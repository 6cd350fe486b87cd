"""Find entries: the index says which, the database says what they are now.

What is found is published, so that everybody finds the same. The index may lag behind; an entry that it still has and
that isn't published any more is not shown, because the database is asked for each. Where there is no index yet, plain
words are looked for in the database (plain.py), so that nobody waits for it.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol, overload

from django.db.models import QuerySet

from fabriek.catalogue.models import Entry, EntryState
from fabriek.catalogue.search import feeding, plain, terms
from fabriek.catalogue.search.documents import FACETS, heads_of
from fabriek.catalogue.search.index import Broken
from fabriek.catalogue.search.looking import Counted, Look, look_in
from fabriek.catalogue.search.marking import Marker, Piece, beginning

PAGE = 20
DEEPEST = 10_000
"""Hits that can be paged through."""

Filters = Mapping[str, Sequence[str]]
_log = logging.getLogger("fabriek.catalogue")


@dataclass(frozen=True)
class Count:
    """A value of a facet, with how many entries it would leave."""

    value: str
    count: int
    chosen: bool = False


@dataclass(frozen=True)
class Hit:
    """An entry that was found, and why: its title and the best of its texts with what was asked marked, and the
    concepts that were meant and that it is of, in the reader's language. language: of the title, the reader's where it
    was translated to it."""

    entry: Entry
    score: float
    title: list[Piece]
    snippet: list[Piece]
    means: list[str]
    language: str = ""


@dataclass(frozen=True)
class Found:
    """A page of what was found. corrected: words that were taken for others, by what was typed. relaxed: next to
    nothing has all words, so that some are enough. by: 'index', or 'database' where there's no index yet."""

    hits: list[Hit]
    total: int
    page: int
    pages: int
    facets: dict[str, list[Count]]
    corrected: dict[str, str] = field(default_factory=dict)
    relaxed: bool = False
    by: str = "index"


class Search(Protocol):
    """What was asked, ready to be read in any slices: `len(search)`, `search[20:40]`."""

    by: str
    corrected: dict[str, str]
    relaxed: bool

    def __len__(self) -> int:
        """How many were found, of which DEEPEST can be read."""
        ...

    def __getitem__(self, which: slice) -> list[Hit]:
        """These hits, the best first. One query."""
        ...

    def hit(self, entry: Entry) -> Hit:
        """Why this entry is one of them, with no score. No query."""
        ...

    def keys(self, most: int = DEEPEST) -> list[str]:
        """UUIDs of the best, for who sorts them otherwise."""
        ...

    def facets(self) -> dict[str, list[Count]]:
        """The counts of each facet, of what the other facets leave: choosing a second value of one shows what it
        adds."""
        ...


class Hits(Sequence[Hit]):
    """What a search found, for a paginator: it counts and slices. The best first; with `rows`, which are entries that
    the search found, in their order. A query for a slice."""

    def __init__(self, search: Search, rows: QuerySet[Entry] | None = None) -> None:
        self._search, self._rows = search, rows

    def __len__(self) -> int:
        return min(len(self._search), DEEPEST) if self._rows is None else self._rows.count()

    @overload
    def __getitem__(self, which: int) -> Hit: ...

    @overload
    def __getitem__(self, which: slice) -> list[Hit]: ...

    def __getitem__(self, which: int | slice) -> Hit | list[Hit]:
        if not isinstance(which, slice):
            return self[which : which + 1][0]
        if self._rows is None:
            return self._search[which]
        return [self._search.hit(entry) for entry in self._rows[which]]


def find(
    query: str = "",
    filters: Filters | None = None,
    page: int = 1,
    language: str = "en",
    *,
    size: int = PAGE,
    typing: bool = False,
) -> Found:
    """A page of the entries that this finds, the best first; without words the newest first.

    filters: values by facet (FACETS); those of a facet widen, facets narrow; unknown facets are passed over.
    language: of the reader, for labels. typing: the last word may not be finished.
    """
    search = search_for(query, filters, language, typing=typing)
    total = len(search)
    pages = max(1, math.ceil(min(total, DEEPEST) / size))
    page = max(1, min(page, pages))
    hits = search[(page - 1) * size : page * size]
    return Found(
        hits=hits,
        total=total,
        page=page,
        pages=pages,
        facets=search.facets(),
        corrected=search.corrected,
        relaxed=search.relaxed,
        by=search.by,
    )


def search_for(
    query: str = "",
    filters: Filters | None = None,
    language: str = "en",
    *,
    typing: bool = False,
    strict: bool = False,
    since: datetime | None = None,
) -> Search:
    """Ask; the answer is read as a sequence, for who pages in another way than `find`. Parameters as there.

    strict: all words have to be met, as they are typed. since: published then or later. Two queries.
    """
    chosen = {
        name: [str(one) for one in values] for name, values in (filters or {}).items() if name in FACETS and values
    }
    try:
        index = feeding.fresh()
        if index is not None:
            after = int(since.timestamp()) if since is not None else None
            look = look_in(index, query, chosen, typing=typing, strict=strict, since=after)
            return _OfIndex(look, chosen, language)
    except Broken:
        feeding.forget()
    except OSError:
        _log.exception("the search index can't be opened")
    return _OfDatabase(query, chosen, since, language)


def keys_of(asked: Sequence[tuple[str, Filters]], most: int) -> list[list[str]]:
    """UUIDs of the best of several searches, each of words and filters, as `search_for` would find them.

    Whether the index has to follow is looked at once for all: two queries; without an index two and one for each.
    """
    try:
        index = feeding.fresh()
        if index is not None:
            looks = (look_in(index, query, {name: list(values) for name, values in filters.items()})
                     for query, filters in asked)  # fmt: skip
            return [[key for key, _score in look.best(0, most)] for look in looks]
    except Broken:
        feeding.forget()
    except OSError:
        _log.exception("the search index can't be opened")
    found = (
        plain.entries_with(query, {name: list(values) for name, values in filters.items()}) for query, filters in asked
    )
    return [[str(key) for key in entries.values_list("uuid", flat=True)[:most]] for entries in found]


class _OfIndex:
    by = "index"

    def __init__(self, look: Look, chosen: dict[str, list[str]], language: str) -> None:
        self._look, self._chosen, self._language = look, chosen, language
        self.corrected, self.relaxed = look.asked.corrected, look.relaxed
        self._marker = Marker.of(look.asked)

    def __len__(self) -> int:
        return self._look.total

    def __getitem__(self, which: slice) -> list[Hit]:
        start, end = which.start or 0, min(which.stop or DEEPEST, DEEPEST)
        scores = dict(self._look.best(start, max(end - start, 0)))
        # In no order and with no other condition, so that SQLite takes the index on the keys instead of reading all.
        there = Entry.objects.filter(uuid__in=scores).select_related("factory").order_by()
        entries = {str(entry.uuid): entry for entry in there if entry.state == EntryState.PUBLISHED}
        return [
            replace(self.hit(entries[key]), score=round(score, 4)) for key, score in scores.items() if key in entries
        ]

    def keys(self, most: int = DEEPEST) -> list[str]:
        return [key for key, _score in self._look.best(0, min(most, DEEPEST))]

    def facets(self) -> dict[str, list[Count]]:
        return _counts(self._look.facets(), self._chosen)

    def hit(self, entry: Entry) -> Hit:
        record = entry.as_record()
        said = entry.said_in(self._language)
        # In the reader's language first: what they read says why it was found, where it does.
        heads = sorted(heads_of(record), key=lambda head: head.language != said.summary.language)
        texts = [
            *((head.language, head.summary) for head in heads),
            *((head.language, head.description) for head in heads),
            (entry.language, " · ".join([*record.keywords, *record.tasks, *record.sectors])),
        ]
        snippets = (self._marker.snippet(text, language) for language, text in texts)
        named = self._marker.concepts & terms.declared(record)
        return Hit(
            entry=entry,
            score=0.0,
            title=self._marker.pieces(*said.title),
            snippet=next(filter(None, snippets), beginning(said.summary.text)),
            means=[terms.label(one, self._language) for one in sorted(named)],
            language=said.title.language,
        )


class _OfDatabase:
    by = "database"
    relaxed = False

    def __init__(self, query: str, chosen: dict[str, list[str]], since: datetime | None, language: str) -> None:
        self._entries, self._chosen = plain.entries_with(query, chosen, since), chosen
        self._language = language
        self.corrected: dict[str, str] = {}

    def __len__(self) -> int:
        return self._entries.count()

    def __getitem__(self, which: slice) -> list[Hit]:
        shown = self._entries.select_related("factory")[which]
        return [self.hit(entry) for entry in shown]

    def hit(self, entry: Entry) -> Hit:
        said = entry.said_in(self._language)
        return Hit(entry, 0.0, [Piece(said.title.text)], beginning(said.summary.text), [], said.title.language)

    def keys(self, most: int = DEEPEST) -> list[str]:
        return [str(key) for key in self._entries.values_list("uuid", flat=True)[:most]]

    def facets(self) -> dict[str, list[Count]]:
        return _counts(plain.counts(self._entries), self._chosen)


def _counts(counted: Counted, chosen: dict[str, list[str]]) -> dict[str, list[Count]]:
    """Each facet's values, with those that were chosen and are not among them."""
    return {
        name: [
            *(Count(value, number, value in chosen.get(name, ())) for value, number in values.items()),
            *(Count(value, 0, True) for value in chosen.get(name, ()) if value not in values),
        ]
        for name, values in counted.items()
    }
