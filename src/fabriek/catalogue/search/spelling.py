"""The word that somebody meant who made a mistake in typing it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from tantivy import Query, Schema, Searcher

from fabriek.catalogue.search import terms
from fabriek.catalogue.search.words import distance, mistakes_forgiven, words_of

LOOKED_AT = 100
"""Entries whose words are compared."""


def nearest(searcher: Searcher, schema: Schema, word: str) -> str | None:
    """The known word with the fewest mistakes, the same first letter before another, then the commonest; None: no word
    is near enough (`mistakes_forgiven`). Known are the words of entries and of the terms' labels. word: folded."""
    for most in range(1, mistakes_forgiven(word) + 1):
        query = Query.fuzzy_term_query(schema, "spelling", word, most)
        hits = searcher.search(query, limit=LOOKED_AT, count=False).hits
        there = {one for _score, address in hits for one in str(searcher.doc(address).get_first("spelling")).split(" ")}
        near = [one for one in (*_near(there, word, most), *_near(label_words(), word, most)) if not one.isdigit()]
        if near:
            return min(near, key=lambda one: (one[0] != word[0], -searcher.doc_freq("spelling", one), one))
    return None


def _near(known: Iterable[str], word: str, most: int) -> list[str]:
    return [one for one in known if abs(len(one) - len(word)) <= most and distance(one, word, most) <= most]


@lru_cache(maxsize=1)
def label_words() -> frozenset[str]:
    """Words of the terms' labels, of four letters and more, folded."""
    return frozenset(
        word.folded
        for labels in terms.concepts().values()
        for language, said in labels.items()
        if language != "is"
        for one in said
        for word in words_of(one)
        if len(word.folded) > 3
    )
