"""Reviewers: what an officer expects of an assignment, and what they are told when there is none."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from fabriek.allocation.reviewers import TooFewReviewers, assign_reviewers
from fabriek.allocation.similarity import fit_of_texts


def loads(assigned: dict[str, list[str]]) -> list[int]:
    return sorted(Counter(reviewer for chosen in assigned.values() for reviewer in chosen).values())


def test_loads_come_out_even() -> None:
    assigned = assign_reviewers([f"a{n}" for n in range(10)], list("vwxyz"), 3)
    assert loads(assigned) == [6, 6, 6, 6, 6]


def test_who_has_much_to_do_gets_less() -> None:
    assigned = assign_reviewers([f"a{n}" for n in range(4)], ["busy", "free"], 1, load={"busy": 4})
    assert loads(assigned) == [4]
    assert assigned["a0"] == ["free"]


def test_the_expert_is_asked() -> None:
    fit = np.array([[0.1, 0.9], [0.8, 0.2]])
    assert assign_reviewers(["a", "b"], ["x", "y"], 1, fit=fit) == {"a": ["y"], "b": ["x"]}


def test_a_load_limit_is_never_passed() -> None:
    fit = np.array([[1.0, 0.0]] * 5)
    assigned = assign_reviewers(list("abcde"), ["x", "y"], 1, fit=fit, load={"x": 1}, limits={"x": 3}, evenness=0)
    assert Counter(r for chosen in assigned.values() for r in chosen) == {"x": 2, "y": 3}


def test_where_evenness_weighs_little_everybody_goes_to_the_expert() -> None:
    fit = np.array([[1.0, 0.0]] * 60)
    assigned = assign_reviewers([f"a{n:02}" for n in range(60)], ["x", "y"], 1, fit=fit, evenness=0.01)
    assert loads(assigned) == [60]


def test_too_few_without_a_conflict_names_the_application() -> None:
    with pytest.raises(TooFewReviewers, match="b needs 2 reviewers and only 1 have no conflict") as error:
        assign_reviewers(["a", "b"], ["x", "y"], 2, conflicts=[("b", "x")])
    assert (error.value.application, error.value.wanted, error.value.able) == ("b", 2, 1)


def test_too_few_with_room_names_the_application_and_the_limit() -> None:
    with pytest.raises(TooFewReviewers, match="only 1 have room within their load limit") as error:
        assign_reviewers(["a"], ["x", "y"], 2, load={"x": 3}, limits={"x": 3, "y": 3})
    assert (error.value.able, error.value.free) == (2, 1)


def test_applications_that_compete_for_the_same_room_are_named_together() -> None:
    """c could go to z; a and b can't, and x has room for one of them."""
    barred = [("a", "y"), ("a", "z"), ("b", "y"), ("b", "z")]
    with pytest.raises(TooFewReviewers, match="raise the load limit") as error:
        assign_reviewers(list("abc"), list("xyz"), 1, barred, limits={"x": 1})
    assert error.value.together == ("a", "b")
    assert (error.value.needed, error.value.room) == (2, 1)


def test_each_application_may_want_another_number() -> None:
    assigned = assign_reviewers(list("ab"), list("xyz"), {"a": 1, "b": 3})
    assert [len(chosen) for chosen in assigned.values()] == [1, 3]


def test_no_applications_or_no_reviews_is_no_work() -> None:
    assert assign_reviewers([], ["x"], 3) == {}
    assert assign_reviewers(["a"], [], 0) == {"a": []}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"applications": ["a", "a"]}, "twice"),
        ({"fit": np.array([[2.0, 0.0]])}, "outside 0 to 1"),
        ({"fit": np.array([[np.nan, 0.0]])}, "outside 0 to 1"),
        ({"fit": np.array([[1.0]])}, "shape"),
        ({"evenness": -1}, "evenness"),
    ],
)
def test_what_makes_no_sense_is_refused(given: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        assign_reviewers(**{"applications": ["a"], "reviewers": ["x", "y"], "per_application": 1, **given})


APPLICATIONS = [
    "Weather forecasting with graph neural networks. We train a global model on reanalysis data.",
    "Protein structure and folding of membrane proteins",
    "Een groot taalmodel voor het Nederlands",
]
REVIEWERS = ["weather, climate, forecasting", "proteins; structural biology", "taalmodellen en spraak", ""]


def test_texts_find_the_expert_also_by_words_that_share_a_stem() -> None:
    fit = fit_of_texts(APPLICATIONS, REVIEWERS)
    assert fit.shape == (3, 4)
    assert list(fit.argmax(axis=1)) == [0, 1, 2]
    assert (fit >= 0).all()
    assert (fit <= 1).all()


def test_the_same_text_fits_wholly_and_no_text_fits_nothing() -> None:
    fit = fit_of_texts(["weather models", "", "?!"], ["weather models", "", "..."])
    assert fit[0, 0] == pytest.approx(1)
    assert not fit[1:].any()
    assert not fit[:, 1:].any()


def test_the_order_of_texts_changes_no_fit() -> None:
    fit = fit_of_texts(APPLICATIONS, REVIEWERS)
    assert (fit_of_texts(APPLICATIONS[::-1], REVIEWERS[::-1]) == fit[::-1, ::-1]).all()


def test_no_texts_at_all() -> None:
    assert fit_of_texts([], []).shape == (0, 0)
    assert fit_of_texts([], ["weather"]).shape == (0, 1)
    assert fit_of_texts(["weather"], []).shape == (1, 0)
