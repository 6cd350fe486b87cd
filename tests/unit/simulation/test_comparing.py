"""Two policies compared: differences by hand, and how often the interval covers what is true."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from fabriek.simulation.comparing import Difference, compared, windows
from fabriek.simulation.jobs import Jobs, jobs_of
from fabriek.simulation.policy import EASY, FCFS, Machine
from fabriek.simulation.simulate import Schedule, simulate


def drawn(seed: int, count: int = 60) -> Jobs:
    draws = np.random.default_rng(seed)
    return jobs_of(
        np.sort(draws.integers(0, 600, count)),
        draws.integers(1, 60, count),
        draws.integers(1, 5, count),
        estimate=draws.integers(60, 120, count),
        klass=draws.integers(0, 2, count),
        klasses=("academia", "startup"),
    )


def test_windows_hold_each_job_once() -> None:
    jobs = drawn(1)
    cut = windows(jobs, 7)
    assert [number for one in cut for number in one.number] == jobs.number.tolist()
    spans = [(int(one.submit[0]), int(one.submit[-1])) for one in cut]
    assert all(last < first for (_start, last), (first, _end) in pairwise(spans))
    assert windows(jobs.taken(np.arange(0)), 3) == []


def waited(*seconds: int) -> Schedule:
    """A schedule of jobs of one second on a machine of one, with these waits."""
    jobs = jobs_of([0] * len(seconds), [1] * len(seconds), [1] * len(seconds))
    start = np.array(seconds)
    return Schedule(
        jobs, start, start + 1, jobs.processors, np.ones_like(start), np.zeros_like(start), (), Machine.of(1)
    )


def test_by_hand() -> None:
    # Differences 2, 4 and 6: mean 4, standard error 2 / sqrt(3), t = 4.303 with two degrees of freedom.
    found = compared([waited(10), waited(20), waited(30)], [waited(12), waited(24), waited(36)], "klass")[""]
    assert (found.before, found.after, found.change, found.pairs) == (20, 24, 4, 3)
    assert found.high - found.change == pytest.approx(4.30265 * 2 / 3**0.5, rel=1e-5)
    assert not found.sure


def test_one_pair_says_nothing_of_how_sure_it_is() -> None:
    found = compared([waited(10)], [waited(12)], "klass")[""]
    assert found == Difference(10, 12, 2, -np.inf, np.inf, 1)


def test_backfill_shortens_waits_surely() -> None:
    traces = [drawn(seed) for seed in range(20)]
    before, after = ([simulate(one, Machine.of(4), policy) for one in traces] for policy in (FCFS, EASY))
    found = compared(before, after, "klass")
    assert set(found) == {"academia", "startup"}
    assert all(one.sure and one.change < 0 for one in found.values())
    assert not any(one.sure for one in compared(before, before, "klass").values())


def test_shares_of_both_classes_change_by_the_same() -> None:
    traces = [drawn(seed) for seed in range(6)]
    before, after = ([simulate(one, Machine.of(4), policy) for one in traces] for policy in (FCFS, EASY))
    found = compared(before, after, "klass", "share")
    assert found["academia"].before + found["startup"].before == pytest.approx(1)
    assert found["academia"].change == pytest.approx(-found["startup"].change)
