"""What is told of a schedule, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from fabriek.simulation.answers import (
    away_through_time,
    bounded_slowdowns,
    by_group,
    lost_through_time,
    outcome,
    shares,
    use_through_time,
)
from fabriek.simulation.failures import Outage
from fabriek.simulation.jobs import jobs_of
from fabriek.simulation.policy import EASY, Limit, Machine, Over, Policy, Pool
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


def test_what_was_lost_and_away_through_time() -> None:
    # Two nodes of two cores. The start-up's runs from 0, is stopped at 15 by the node's going, and runs from 40 again.
    jobs = jobs_of([0, 1], [30, 39], [2, 2], klass=[1, 0], klasses=("academia", "startup"))
    machine = Machine((Pool("", 4, 2),), outages=(Outage(15, 45, first_node=0),))
    schedule = simulate(jobs, machine, EASY)
    assert schedule.start.tolist() == [40, 1]
    instants, use = use_through_time(schedule, "klass", 10)
    assert instants.tolist() == [0, 10, 20, 30, 40, 50, 60]
    np.testing.assert_allclose(use[:, 0], [1.8, 2, 2, 2, 0, 0, 0])
    np.testing.assert_allclose(use[:, 1], [0, 0, 0, 0, 2, 2, 2])
    np.testing.assert_allclose(lost_through_time(schedule, "klass", 10), [[0, 2], [0, 1], *[[0, 0]] * 5])
    np.testing.assert_allclose(away_through_time(schedule, 10), [0, 1, 2, 2, 1, 0, 0])
    # Nobody is used in vain of whom a failure made an end: it's in what was lost, and not in what was used.
    killed = simulate(jobs, machine, Policy(requeue=False))
    assert use_through_time(killed, "klass", 10)[1][:, 1].sum() == 0
    assert lost_through_time(killed, "klass", 10)[:, 1].tolist() == [2, 1, 0, 0]


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
