"""Reviewers: no conflict, exactly as many as wanted, limits kept, the best there is, the same in any order."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import combinations, product
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabriek.allocation.reviewers import TooFewReviewers, assign_reviewers


@dataclass(frozen=True)
class Panel:
    applications: list[str]
    reviewers: list[str]
    wanted: dict[str, int]
    conflicts: list[tuple[str, str]]
    fit: np.ndarray
    load: dict[str, int]
    limits: dict[str, int]
    evenness: float

    def assign(self) -> dict[str, list[str]]:
        return assign_reviewers(
            self.applications,
            self.reviewers,
            self.wanted,
            self.conflicts,
            self.fit,
            self.load,
            self.limits,
            self.evenness,
        )

    def cost(self, assigned: dict[str, list[str]]) -> float:
        loads = Counter(reviewer for chosen in assigned.values() for reviewer in chosen)
        steps = sum(
            sum(range(self.load.get(r, 0) + 1, self.load.get(r, 0) + loads[r] + 1)) * self.evenness
            for r in self.reviewers
        )
        fits = sum(
            self.fit[self.applications.index(a), self.reviewers.index(r)]
            for a, chosen in assigned.items()
            for r in chosen
        )
        return float(steps - fits)

    def allows(self, assigned: dict[str, list[str]]) -> bool:
        loads = Counter(reviewer for chosen in assigned.values() for reviewer in chosen)
        return (
            all(len(set(assigned[a])) == len(assigned[a]) == self.wanted[a] for a in self.applications)
            and not any(r in assigned.get(a, []) for a, r in self.conflicts)
            and all(loads[r] + self.load.get(r, 0) <= most for r, most in self.limits.items() if loads[r])
        )

    def best(self) -> float | None:
        """The least cost by trying everything; None: nothing is allowed."""
        ways = [list(combinations(self.reviewers, self.wanted[a])) for a in self.applications]
        found = [
            self.cost(assigned)
            for choice in product(*ways)
            if self.allows(assigned := dict(zip(self.applications, map(list, choice), strict=True)))
        ]
        return min(found, default=None)


@st.composite
def panels(draw: st.DrawFn, most_applications: int = 4, most_reviewers: int = 4) -> Panel:
    applications = [f"a{n}" for n in range(draw(st.integers(1, most_applications)))]
    reviewers = [f"r{n}" for n in range(draw(st.integers(1, most_reviewers)))]
    pairs = st.sampled_from([(a, r) for a in applications for r in reviewers])
    fits = st.lists(
        st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0]),
        min_size=len(applications) * len(reviewers),
        max_size=len(applications) * len(reviewers),
    )
    some = st.dictionaries(st.sampled_from(reviewers), st.integers(0, 3))
    return Panel(
        applications,
        reviewers,
        wanted={a: draw(st.integers(0, 3)) for a in applications},
        conflicts=draw(st.lists(pairs, max_size=4)),
        fit=np.array(draw(fits)).reshape(len(applications), len(reviewers)),
        load=draw(some),
        limits=draw(st.dictionaries(st.sampled_from(reviewers), st.integers(0, 5))),
        evenness=draw(st.sampled_from([0.0, 0.05, 0.3, 1.0])),
    )


@settings(max_examples=300, deadline=None)
@given(panels())
def test_nothing_better_exists_or_it_says_who_is_short(panel: Panel) -> None:
    best = panel.best()
    if best is None:
        with pytest.raises(TooFewReviewers) as error:
            panel.assign()
        assert error.value.application in panel.applications
        assert error.value.application in str(error.value)
        assert error.value.needed > error.value.room
    else:
        assigned = panel.assign()
        assert panel.allows(assigned)
        assert panel.cost(assigned) == pytest.approx(best, abs=1e-3)


def said(panel: Panel) -> dict[str, list[str]] | str:
    try:
        return panel.assign()
    except TooFewReviewers as error:
        return str(error)


@settings(max_examples=100, deadline=None)
@given(panels(8, 6), st.integers(0, 1_000))
def test_the_order_of_the_input_changes_nothing(panel: Panel, seed: int) -> None:
    random = Random(seed)
    rows, columns = list(range(len(panel.applications))), list(range(len(panel.reviewers)))
    random.shuffle(rows)
    random.shuffle(columns)
    other = Panel(
        [panel.applications[n] for n in rows],
        [panel.reviewers[n] for n in columns],
        dict(sorted(panel.wanted.items(), reverse=True)),
        random.sample(panel.conflicts, len(panel.conflicts)),
        panel.fit[np.ix_(rows, columns)],
        panel.load,
        panel.limits,
        panel.evenness,
    )
    assert said(other) == said(panel)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.1, 1.0]))
def test_what_it_leaves_out_at_first_it_finds(seed: int, evenness: float) -> None:
    """Many pairs, few of them in the programme at first, limits with no slack: no exchange of two makes it better."""
    draws = np.random.default_rng(seed)
    applications, reviewers = [f"a{n:03}" for n in range(120)], [f"r{n:02}" for n in range(30)]
    barred = draws.random((120, 30)) < 0.3
    fit = np.round(draws.random((120, 30)) ** 4, 4)
    panel = Panel(
        applications,
        reviewers,
        dict.fromkeys(applications, 3),
        [(applications[a], reviewers[r]) for a, r in zip(*np.nonzero(barred), strict=True)],
        fit,
        {},
        dict.fromkeys(reviewers, 12),
        evenness,
    )
    assigned = panel.assign()
    assert panel.allows(assigned)
    taken = np.array([[r in assigned[a] for r in reviewers] for a in applications])
    for r, s in combinations(range(30), 2):
        # From r to s by one application and back by another: the loads stay, the fits must not grow.
        there = (fit[:, s] - fit[:, r])[taken[:, r] & ~taken[:, s] & ~barred[:, s]]
        back = (fit[:, r] - fit[:, s])[taken[:, s] & ~taken[:, r] & ~barred[:, r]]
        if there.size and back.size:
            assert there.max() + back.max() <= 1e-4
