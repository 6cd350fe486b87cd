"""Matching on judged projects: better than a search for their title, in all and in each kind of need."""

from __future__ import annotations

import statistics

import pytest

from fabriek.catalogue.reference import reference_records
from fabriek.matching.rules import SECTIONS
from tests.matching import judging


def test_the_judged_set_is_what_it_says() -> None:
    assert len(judging.judged()) >= 12
    codes = {record.code for record in reference_records()} | {one["code"] for one in judging.told()["people"]}
    sections = {section.code for section in SECTIONS}
    for one in judging.judged():
        assert one.grades.keys() <= sections, one.title
        for grades in one.grades.values():
            assert grades.keys() <= codes, (one.title, grades.keys() - codes)
            assert set(grades.values()) <= {1, 2, 3}
    # Each section is judged of some project.
    assert {section for one in judging.judged() for section in one.grades} == sections


@pytest.mark.django_db
def test_matching_is_better_than_a_search_for_the_title() -> None:
    results = judging.compare()
    print("\n".join(judging.lines(results)))
    ours, plain = results["ours"], results["search for the title"]
    assert statistics.fmean(ours.values()) > statistics.fmean(plain.values()) + 0.1
    # As it was measured, less what new entries may change.
    assert statistics.fmean(ours.values()) > 0.8
    for section in {section for _title, section in ours}:
        gains = [gain for (_title, of), gain in ours.items() if of == section]
        assert statistics.fmean(gains) > 0.6, section
