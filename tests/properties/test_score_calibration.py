"""Calibration: nearer to the truth, nothing where all agree, never outside 0 to 100, the same in any order."""

from __future__ import annotations

import itertools
from random import Random

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fabriek.allocation.calibration import calibrate

Reviews = list[tuple[str, str, float]]


@st.composite
def panels(draw: st.DrawFn) -> Reviews:
    """Any reviews: few or many, groups that share nothing, reviewers with one."""
    pairs = draw(st.sets(st.tuples(st.integers(0, 7), st.integers(0, 5)), max_size=30))
    score = st.one_of(st.sampled_from([0.0, 50.0, 100.0]), st.floats(0, 100))
    return [(f"a{a}", f"r{r}", draw(score)) for a, r in sorted(pairs)]


def dense(seed: int, applications: int = 40, reviewers: int = 6, each: int = 3, noise: float = 3.0) -> tuple:
    """Worths far from 0 and 100, and reviews by a panel that is joined many times over."""
    draws = np.random.default_rng(seed)
    worth = draws.uniform(40, 62, applications)
    reviews = [
        (f"a{a:02}", f"r{r}", float(np.clip(worth[a] + draws.normal(0, noise), 0, 100)))
        for a in range(applications)
        for r in draws.choice(reviewers, each, replace=False)
    ]
    return {f"a{a:02}": float(worth[a]) for a in range(applications)}, reviews


def disorder(scores: dict[str, float], worth: dict[str, float]) -> int:
    """Pairs of applications in the wrong order."""
    found, true = (np.array([table[a] for a in sorted(worth)]) for table in (scores, worth))
    return int(np.sum(np.sign(found[:, None] - found) * np.sign(true[:, None] - true) < 0)) // 2


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([-24.0, -18.0, 18.0, 24.0]))
def test_one_reviewer_who_is_stricter_by_a_constant_no_longer_spoils_the_order(seed: int, shift: float) -> None:
    worth, reviews = dense(seed, noise=2.0)
    shifted = [(a, r, s + shift if r == "r0" else s) for a, r, s in reviews]
    result = calibrate(shifted)
    assert disorder(result.calibrated, worth) < disorder(result.raw, worth)
    # A sixth of the reviews is r0's, and severities level out: the others take on a sixth of the shift.
    assert result.severity["r0"].points == pytest.approx(-shift * 5 / 6, abs=abs(shift) / 4)


@settings(max_examples=200, deadline=None)
@given(panels(), st.integers(0, 1_000))
def test_the_order_of_the_reviews_changes_nothing(reviews: Reviews, seed: int) -> None:
    other = Random(seed).sample(reviews, len(reviews))
    assert calibrate(other) == calibrate(reviews)


@settings(max_examples=200, deadline=None)
@given(panels())
def test_scores_stay_within_0_and_100(reviews: Reviews) -> None:
    result = calibrate(reviews)
    assert all(0 <= score <= 100 for score in [*result.calibrated.values(), *result.raw.values()])
    assert result.raw.keys() == result.calibrated.keys() == {a for a, _r, _s in reviews}
    assert sum(one.reviews for one in result.severity.values()) == len(reviews)


@settings(max_examples=100, deadline=None)
@given(panels(), st.lists(st.floats(0, 100), min_size=8, max_size=8))
def test_where_all_agree_nothing_changes(reviews: Reviews, worth: list[float]) -> None:
    agreed = [(a, r, worth[int(a[1:])]) for a, r, _s in reviews]
    result = calibrate(agreed)
    assert result.calibrated == result.raw
    assert {one.points for one in result.severity.values()} <= {0.0}
    assert result.ridge is None


@settings(max_examples=100, deadline=None)
@given(panels())
def test_severities_level_out_so_that_a_threshold_keeps_its_meaning(reviews: Reviews) -> None:
    result = calibrate(reviews)
    assert sum(one.points * one.reviews for one in result.severity.values()) == pytest.approx(0, abs=1e-3)


@settings(max_examples=100, deadline=None)
@given(panels())
def test_who_shares_no_application_is_not_touched(reviews: Reviews) -> None:
    result = calibrate([*reviews, ("alone", "hermit", 3.0), ("alone too", "hermit", 4.0)])
    assert result.severity["hermit"].points == 0
    assert result.severity["hermit"].compared == 0
    assert result.calibrated["alone"] == 3.0


@settings(max_examples=100, deadline=None)
@given(panels())
def test_it_is_the_least_squares_with_the_stated_ridge(reviews: Reviews) -> None:
    result = calibrate(reviews)
    assume(result.ridge is not None)
    assert result.ridge is not None
    applications, reviewers = sorted(result.raw), sorted(result.severity)
    design = np.zeros((len(reviews) + len(reviewers), len(applications) + len(reviewers)))
    scores = np.zeros(len(design))
    for row, (a, r, score) in enumerate(reviews):
        design[row, applications.index(a)] = design[row, len(applications) + reviewers.index(r)] = 1
        scores[row] = score
    design[len(reviews) :, len(applications) :] = np.sqrt(result.ridge) * np.eye(len(reviewers))
    leniency = np.linalg.lstsq(design, scores, rcond=None)[0][len(applications) :]
    for a in applications:
        who = [r for b, r, _s in reviews if b == a]
        for r, q in itertools.pairwise(who):
            told = result.severity[q].points - result.severity[r].points
            assert told == pytest.approx(leniency[reviewers.index(r)] - leniency[reviewers.index(q)], abs=1e-4)


def test_two_groups_that_share_nothing_are_not_compared() -> None:
    """All of the second group's scores lie 30 lower: that may be its applications, and stays."""
    _worth, first = dense(1)
    second = [(f"b{a}", f"q{r}", score - 30) for a, r, score in first]
    result = calibrate([*first, *second])
    for name, one in result.severity.items():
        if name.startswith("r"):
            assert result.severity[f"q{name}"].points == pytest.approx(one.points, abs=1e-4)


def test_who_reviewed_once_is_believed_less_than_who_reviewed_often() -> None:
    _worth, reviews = dense(2, noise=3.0)
    strict = [(a, r, s - 20 if r == "r0" else s) for a, r, s in reviews]
    worth = {a: s for a, _r, s in reviews}
    result = calibrate([*strict, ("a00", "new", worth["a00"] - 20)])
    assert 0 < result.severity["new"].points < result.severity["r0"].points


def test_one_review_each_leaves_the_scores_as_they_are() -> None:
    result = calibrate([("a", "x", 10.0), ("b", "x", 20.0), ("c", "y", 90.0)])
    assert result.calibrated == result.raw == {"a": 10.0, "b": 20.0, "c": 90.0}
    assert result.ridge is None


def test_a_stated_simulation_of_a_call() -> None:
    """120 applications, 20 reviewers, 3 each; leniencies and noise of 8 points: nearer to the truth in every draw."""
    for seed in range(10):
        worth, reviews = dense(seed, 120, 20, 3, noise=8.0)
        lenient = np.random.default_rng(seed + 99).normal(0, 8, 20)
        result = calibrate([(a, r, float(np.clip(s + lenient[int(r[1:])], 0, 100))) for a, r, s in reviews])
        assert disorder(result.calibrated, worth) < disorder(result.raw, worth)


@pytest.mark.parametrize(
    ("reviews", "words"),
    [
        ([("a", "x", 101.0)], "between 0 and 100"),
        ([("a", "x", float("nan"))], "between 0 and 100"),
        ([("a", "x", 1.0), ("a", "x", 2.0)], "twice"),
    ],
)
def test_what_makes_no_sense_is_refused(reviews: Reviews, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        calibrate(reviews)


def test_no_reviews_no_scores() -> None:
    assert calibrate([]).calibrated == {}
