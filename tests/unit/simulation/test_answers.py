"""What is told of a schedule, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from fabriek.simulation.answers import bounded_slowdowns, by_group, outcome, shares, use_through_time
from fabriek.simulation.jobs import jobs_of
from fabriek.simulation.policy import EASY, Limit, Machine, Over, Policy
from fabriek.simulation.simulate import Schedule, simulate


@pytest.fixture
def schedule() -> Schedule:
    """Four processors: a start-up's hundred seconds on all, then two of academia, of which one takes two seconds."""
    jobs = jobs_of(
        [0, 0, 40], [100, 50, 2], [4, 2, 2], klass=[1, 0, 0], klasses=("academia", "startup"), accounts=("x",)
    )
    return simulate(jobs, Machine.of(4), EASY)


def test_the_whole(schedule: Schedule) -> None:
    found = outcome(schedule)
    assert schedule.start.tolist() == [0, 100, 100]
    assert (found.makespan, found.waiting.jobs, found.waiting.mean_wait) == (150, 3, 160 / 3)
    assert found.utilisation == pytest.approx((400 + 100 + 4) / 600)
    assert (found.lost, found.stuck, found.skipped) == (0, 0, 0)


def test_short_jobs_do_not_outweigh_all(schedule: Schedule) -> None:
    # 60 s of waiting for two seconds count as for ten.
    assert bounded_slowdowns(schedule).tolist() == [1.0, 3.0, 6.2]


def test_classes(schedule: Schedule) -> None:
    found = by_group(schedule, "klass")
    assert list(found) == ["academia", "startup"]
    assert (found["academia"].jobs, found["academia"].median_wait, found["academia"].longest_wait) == (2, 80.0, 100.0)
    assert (found["startup"].mean_wait, found["startup"].unit_seconds) == (0.0, 400)


def test_use_through_time_adds_up(schedule: Schedule) -> None:
    instants, use = use_through_time(schedule, "klass", 60)
    assert instants.tolist() == [0, 60, 120]
    # From 60 to 120: the start-up's 4 x 40 s; academia's 2 x 20 and 2 x 2.
    np.testing.assert_allclose(use, [[0, 4], [44 / 60, 160 / 60], [1.0, 0]])
    assert use.sum() * 60 == pytest.approx(504)


def test_shares_are_of_the_time_in_which_jobs_were_submitted() -> None:
    # From 0 to 40 the start-up has three of the four and academia one; what runs after 40 doesn't count.
    jobs = jobs_of([0, 0, 40], [100, 41, 500], [3, 1, 2], klass=[1, 0, 0], klasses=("academia", "startup"))
    assert shares(simulate(jobs, Machine.of(4), EASY), "klass") == {"academia": 0.25, "startup": 0.75}


def test_nothing_ran() -> None:
    jobs = jobs_of([0], [100], [4])
    nothing = simulate(jobs, Machine.of(4), Policy(limits=(Limit(Over.USER, processors=1),)))
    found = outcome(nothing)
    assert (found.waiting.jobs, found.stuck, found.utilisation, found.makespan) == (0, 1, 0.0, 0)
    assert by_group(nothing, "account") == {}
    assert shares(nothing, "account") == {}
    assert use_through_time(nothing, "account", 60)[1].shape == (0, 1)
