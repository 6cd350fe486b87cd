"""Reads of the catalogue."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from fabriek.catalogue.asked import Asked
from fabriek.catalogue.errors import Gone
from fabriek.catalogue.models import Entry, EntryState, Notice, Place, SavedSearch, Tie, Version
from fabriek.catalogue.rules import PROFILES, may_read
from fabriek.catalogue.search import plain
from fabriek.catalogue.search.documents import FACETS
from fabriek.catalogue.search.finding import DEEPEST, Hits, search_for
from fabriek.conf.errors import NotFound
from fabriek.conf.sorting import column_of, ordered
from fabriek.register.models import Factory

SORTS = {"title": "title", "kind": "kind", "changed": "changed_at", "access": "access"}


def published() -> QuerySet[Entry]:
    """What all may see, by title."""
    return Entry.objects.filter(state=EntryState.PUBLISHED).select_related("factory")


@dataclass(frozen=True)
class Found:
    """What was found: the entries with why each was, and how many there would be by each value of each facet with the
    other facets as they are, the most first. `names`: of factories, by code. `corrected`, `relaxed`: as search tells
    (search/finding.py). `best`: so many of the best were sorted, where there are more; 0: all."""

    hits: Hits
    facets: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    corrected: dict[str, str] = field(default_factory=dict)
    relaxed: bool = False
    best: int = 0


def found(asked: Asked) -> Found:
    """What of the published entries fits: the one place that searches, for pages, API and command alike. `hits` are
    the best first, or sorted by a column. A query for each page, and one or two to look whether the index has to
    follow."""
    search = search_for(asked.q, asked.narrowed, get_language() or "en", strict=asked.exact)
    rows, best = None, 0
    if column_of(asked.sort)[0] in SORTS:
        if asked.q or asked.narrowed.keys() - plain.COLUMNS.keys():
            listed = published().filter(uuid__in=search.keys())
            best = DEEPEST if len(search) > DEEPEST else 0
        else:
            # The database knows all that is asked, and sorts them all.
            listed = plain.entries_with("", asked.narrowed).select_related("factory")
        rows = ordered(listed, asked.sort, SORTS, ["title", "pk"])
    counted = search.facets()
    facets = {name: [(one.value, one.count) for one in counted.get(name, []) if one.count] for name in FACETS}
    # Also those that were chosen and of which there is nothing.
    factories = {code for code, _count in facets["factory"]} | set(asked.narrowed.get("factory", []))
    return Found(Hits(search, rows), facets, names_of(factories), search.corrected, search.relaxed, best)


def entry_of(person: Any, code: str) -> Entry:
    """The entry of this code. Errors: NotFound, the same whether it isn't there or isn't for this person; Gone where it
    was published once and is retired. One query."""
    found = (
        Entry.objects.select_related("factory", "steward", "organisation", "project", "result__job__cluster")
        .filter(code=code)
        .first()
    )
    if found is not None and may_read(person, found):
        return found
    # Of people and ventures nothing is told once they left, not even that they were here.
    if found is not None and found.published and found.state == EntryState.RETIRED and found.kind not in PROFILES:
        sentence = _("“%(title)s” was taken out of the catalogue. %(why)s")
        raise Gone(sentence % {"title": found.title, "why": found.remark}, code=found.code, title=found.title)
    raise NotFound(_("There is no entry %(code)s in the catalogue.") % {"code": code})


def version_of(entry: Entry, number: int) -> Version:
    """An entry as it was published. Errors: NotFound, also where nothing but the digest was kept. One query."""
    found = entry.versions.filter(number=number).first()
    if found is None or not found.record:
        raise NotFound(_("There is no version %(number)s of this entry.") % {"number": number})
    return found


@dataclass(frozen=True)
class Surroundings:
    """What an entry's page tells beside its record: where it lies, its ties, those of others to it, its versions."""

    places: list[Place]
    ties: list[Tie]
    tied_by: list[Tie]
    versions: list[Version]


MOST_TIES = 200


def surroundings(person: Any, entry: Entry) -> Surroundings:
    """Four queries. Ties from others only where these are published; a tie to what may not be read leads nowhere."""
    ties = list(entry.ties.select_related("target"))
    for tie in ties:
        if tie.target is not None and not may_read(person, tie.target):
            tie.target = None
    return Surroundings(
        places=list(entry.places.select_related("site")),
        ties=ties,
        tied_by=list(
            Tie.objects.filter(target=entry, entry__state=EntryState.PUBLISHED)
            .exclude(entry=entry)
            .select_related("entry")
            .order_by("kind", "entry__title")[:MOST_TIES]
        ),
        versions=list(entry.versions.defer("record").select_related("published_by")),
    )


def counts_by_kind() -> dict[str, int]:
    """How many entries of each kind are published. One query."""
    return dict(published().order_by().values_list("kind").annotate(n=Count("id")))


def entries_of(person: Any, sort: str = "") -> QuerySet[Entry]:
    """What this person describes, the last changed first."""
    mine = Entry.objects.filter(steward=person).select_related("factory")
    return ordered(mine, sort, {**SORTS, "state": "state"}, ["-changed_at", "-pk"])


def to_curate() -> QuerySet[Entry]:
    """What waits for a curator, the longest first."""
    return Entry.objects.exclude(asked_at=None).select_related("steward", "organisation").order_by("asked_at")


def hidden_profiles() -> QuerySet[Entry]:
    """Profiles that a curator hides, the last first."""
    return Entry.objects.exclude(hidden_at=None).select_related("steward", "organisation").order_by("-hidden_at")


def searches_of(person: Any) -> QuerySet[SavedSearch]:
    """What this person keeps, by name; `new`: how many entries were found that they haven't seen. One query."""
    new = Q(notices__seen_at=None, notices__entry__state=EntryState.PUBLISHED)
    return SavedSearch.objects.filter(person=person).annotate(new=Count("notices", filter=new)).order_by("name", "id")


def new_to(person: Any) -> int:
    """How many entries this person's saved searches found that they haven't seen. One query."""
    return Notice.objects.filter(search__person=person, seen_at=None, entry__state=EntryState.PUBLISHED).count()


def search_of(person: Any, number: int) -> SavedSearch:
    """This person's saved search of a number. Errors: NotFound, also where it's somebody else's. One query."""
    found = searches_of(person).filter(pk=number).first() if 0 < number < 2**63 else None
    if found is None:
        raise NotFound(_("You keep no search %(number)s.") % {"number": number})
    return found


def news_of(search: SavedSearch) -> QuerySet[Notice]:
    """What it found that its owner hasn't seen, the newest first; what was retired since is no news."""
    news = search.notices.filter(seen_at=None, entry__state=EntryState.PUBLISHED)
    return news.select_related("entry__factory")


def names_of(factories: Iterable[str]) -> dict[str, str]:
    """Names of factories by their code. A query, where there is one to name."""
    codes = list(factories)
    return dict(Factory.objects.filter(code__in=codes).values_list("code", "name")) if codes else {}


def codes_like(code: str) -> set[str]:
    """The codes that begin as this one. One query."""
    return set(Entry.objects.filter(code__startswith=code).values_list("code", flat=True))
