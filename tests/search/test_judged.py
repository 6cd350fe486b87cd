"""Search on the judged queries: better than SQL LIKE and than plain full text, in each of the languages."""

from __future__ import annotations

import statistics
from collections import Counter

import pytest
from django.db import connection

from fabriek.catalogue.reference import reference_records
from fabriek.catalogue.search import feeding
from tests.search import judging

LANGUAGES = ("de", "en", "fr", "nl")


def mean(gains: dict[str, float], language: str = "") -> float:
    return statistics.fmean(gains[one.query] for one in judging.judged() if language in ("", one.language))


def test_the_judged_set_is_what_it_says() -> None:
    counted = Counter(one.language for one in judging.judged())
    assert set(counted) == set(LANGUAGES)
    assert counted.total() >= 60
    codes = {record.code for record in reference_records()}
    for one in judging.judged():
        assert one.grades.keys() <= codes, one.query
        assert set(one.grades.values()) <= {1, 2, 3}
        assert max(one.grades.values()) >= 1


def test_ndcg_is_one_for_the_best_order_and_nought_for_none() -> None:
    grades = {"a": 3, "b": 2, "c": 1}
    assert judging.ndcg(["a", "b", "c"], grades) == 1
    assert judging.ndcg(["x"], grades) == 0
    assert 0.5 < judging.ndcg(["b", "a", "x", "c"], grades) < 1


@pytest.mark.django_db
def test_ours_is_better_than_like_and_full_text_in_each_language() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("FTS5, the peer, is SQLite's")
    judging.load_entries()
    feeding.reconcile()
    results = judging.compare()
    ours = results.pop("ours")
    for language in ("", *LANGUAGES):
        others = {name: mean(gains, language) for name, gains in results.items()}
        # In English plain full text with its English stemmer is as good: there, no worse.
        slack = 0.02 if language == "en" else 0.0
        assert mean(ours, language) > max(others.values()) - slack, (language, others)
    # As it was measured, less what new entries may change (benchmarks/catalogue_search.py).
    assert mean(ours) > 0.78
