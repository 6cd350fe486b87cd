"""Look in the index: which documents meet what was asked and chosen, how well, and how many of each kind. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tantivy import FieldType, Occur, Query

from fabriek.catalogue.search.asking import Asked, ask
from fabriek.catalogue.search.documents import FACETS
from fabriek.catalogue.search.index import Index

FEW = 10
"""With fewer documents than this that have all words, those that have some are shown too."""
MOST_VALUES = 60
"""Of a facet, the commonest first."""

Counted = dict[str, dict[str, int]]


def look_in(
    index: Index,
    text: str,
    chosen: dict[str, list[str]],
    *,
    typing: bool = False,
    strict: bool = False,
    since: int | None = None,
) -> Look:
    """Ask the index. chosen: values by facet. strict: all words, as they are. since: seconds since 1970."""
    asked = ask(index, text, typing=typing, corrects=not strict)
    looks = (Look(index, asked, chosen, since, least) for least in asked.ways())
    best = next(looks)
    while not strict and best.total < FEW:
        following = next(looks, None)
        if following is None:
            break
        best = following
    return best


class Look:
    """One way to meet what was asked, at one moment of the index."""

    def __init__(self, index: Index, asked: Asked, chosen: dict[str, list[str]], since: int | None, least: int) -> None:
        self._index, self._chosen, self._since = index, chosen, since
        self._searcher = index.searcher()
        self._query = asked.query(least)
        self.asked = asked
        self.relaxed = least < len(asked.needed)
        # The engine's own types don't tell of the count.
        told: Any = self._searcher.search(self._narrowed(), limit=1)
        self.total: int = told.count or 0

    def best(self, start: int, most: int) -> list[tuple[str, float]]:
        """Keys and scores from the start-th on; without words the newest first, with no score."""
        if most < 1:
            return []
        is_scored = bool(self.asked.needed)
        order = None if is_scored else "published"
        hits = self._searcher.search(self._narrowed(), limit=most, offset=start, count=False, order_by_field=order).hits
        return [
            (str(self._searcher.doc(address).get_first("key")), float(score) if is_scored else 0.0)
            for score, address in hits
        ]

    def facets(self) -> Counted:
        """How many there are by each value of each facet, with what was chosen in the others."""
        counted = self._counted(self._narrowed(), [name for name in FACETS if name not in self._chosen])
        for name in self._chosen:
            counted |= self._counted(self._narrowed(without=name), [name])
        return {name: counted[name] for name in FACETS}

    def _narrowed(self, without: str = "") -> Query:
        must = [self._query]
        for name, values in self._chosen.items():
            if name != without:
                must.append(Query.term_set_query(self._index.schema, f"facet_{name}", values))
        if self._since is not None:
            newer = Query.range_query(self._index.schema, "published", FieldType.Unsigned, lower_bound=self._since)
            must.append(newer)
        unscored = [Query.const_score_query(one, 0.0) for one in must[1:]]
        return Query.boolean_query([(Occur.Must, one) for one in (must[0], *unscored)])

    def _counted(self, query: Query, names: Sequence[str]) -> Counted:
        if not names:
            return {}
        wanted = {name: {"terms": {"field": f"facet_{name}", "size": MOST_VALUES}} for name in names}
        told = self._searcher.aggregate(query, wanted)
        return {name: {one["key"]: int(one["doc_count"]) for one in told[name]["buckets"]} for name in names}
