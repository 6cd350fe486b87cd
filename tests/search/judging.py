"""The judged queries: what people ask, and how well each entry answers it. How it was judged: judged.json itself.

nDCG@10 (Järvelin and Kekäläinen, Cumulated gain-based evaluation of IR techniques, ACM TOIS 20(4), 2002), with gains
2^grade - 1: 1 where the best ten come in the best order, 0 where none of the first ten is any good.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from fabriek.catalogue.reference import load_reference_catalogue
from fabriek.catalogue.search.finding import find
from fabriek.register.reference import load_reference
from tests.search import peers

FULL_TEXT = {"plain": "unicode61 remove_diacritics 2", "porter": "porter unicode61 remove_diacritics 2"}
DEEP = 10


@dataclass(frozen=True)
class Judged:
    """A query, in the language in which it's asked, and grades 1 to 3 by entry; what isn't named is 0."""

    query: str
    language: str
    grades: dict[str, int]


@lru_cache(maxsize=1)
def judged() -> tuple[Judged, ...]:
    """All of them."""
    told = json.loads((Path(__file__).parent / "judged.json").read_text())
    return tuple(Judged(one["query"], one["language"], one["grades"]) for one in told["queries"])


def ndcg(found: Sequence[str], grades: dict[str, int]) -> float:
    """Of codes as they were found, the best first."""

    def gain(values: Sequence[int]) -> float:
        return sum((2**grade - 1) / math.log2(place + 2) for place, grade in enumerate(values[:DEEP]))

    return gain([grades.get(code, 0) for code in found]) / gain(sorted(grades.values(), reverse=True))


def compare() -> dict[str, dict[str, float]]:
    """nDCG@10 by query, of ours and the peers, on the entries that are there."""
    for name, tokenizer in FULL_TEXT.items():
        peers.make_full_text(f"judged_{name}", tokenizer)
    engines: dict[str, Callable[[Judged], list[str]]] = {
        "ours": lambda one: [hit.entry.code for hit in find(one.query, language=one.language, size=DEEP).hits],
        "SQL LIKE": lambda one: peers.like(one.query),
        "FTS5, all words": lambda one: peers.full_text("judged_plain", one.query, "AND"),
        "FTS5, any word": lambda one: peers.full_text("judged_plain", one.query, "OR"),
        "FTS5, any word, Porter stems": lambda one: peers.full_text("judged_porter", one.query, "OR"),
    }
    return {name: {one.query: ndcg(engine(one), one.grades) for one in judged()} for name, engine in engines.items()}


def load_entries() -> None:
    """The register and the reference catalogue, as an installation has them."""
    load_reference()
    load_reference_catalogue()
