"""Nodes that fail: schedules worked out by hand, what is drawn, and all parts of a policy beside the plain rules."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.unit.simulation.drawing import TRACES, WHOLE, drawn_jobs
from tests.unit.simulation.plain import Plain, plain_run
from tests.unit.simulation.plain_nodes import PlainNodes
from tests.unit.simulation.test_against_plain import HELD, LIMITS, WEIGHTS

from fabriek.simulation.answers import outcome
from fabriek.simulation.failures import Failures, Outage, outages_of
from fabriek.simulation.jobs import Jobs, jobs_of
from fabriek.simulation.policy import (
    CONSERVATIVE,
    EASY,
    FCFS,
    Backfill,
    FairShare,
    Held,
    Limit,
    Machine,
    Policy,
    Pool,
    Weights,
)
from fabriek.simulation.simulate import Cause, Schedule, simulate


def on_two_nodes(*outages: Outage) -> Machine:
    """Of four cores and two GPUs each."""
    return Machine((Pool("", 8, 2, 2),), outages=outages)


def test_who_runs_on_a_node_that_fails_waits_again() -> None:
    # 1 has node 0, 2 has node 1, which goes at 5 for ten seconds; 3 comes at 6 and waits behind 2.
    jobs = jobs_of([0, 1, 6], [10, 10, 2], [4, 4, 4])
    schedule = simulate(jobs, on_two_nodes(Outage(5, 15, first_node=1)), EASY)
    assert schedule.start.tolist() == [0, 10, 15]
    assert (schedule.runs.tolist(), schedule.lost.tolist()) == ([1, 2, 1], [0, 16, 0])
    stopped = schedule.stopped
    assert (stopped.job.tolist(), stopped.start.tolist(), stopped.end.tolist()) == ([1], [1], [5])
    assert stopped.cause.tolist() == [Cause.FAILED]
    assert (schedule.away.node.tolist(), schedule.away.units.tolist()) == ([1], [4])
    found = outcome(schedule)
    assert (found.lost, found.lost_to_failures, found.failed_runs, found.away) == (16, 16, 1, 40)
    assert found.lost_node_hours == 4 / 3600


def test_or_is_lost() -> None:
    jobs = jobs_of([0, 1, 6], [10, 10, 2], [4, 4, 4])
    schedule = simulate(jobs, on_two_nodes(Outage(5, 15, first_node=1)), Policy(requeue=False))
    assert schedule.start.tolist() == [0, 1, 10]
    assert schedule.end.tolist() == [10, 5, 12]
    assert schedule.killed.tolist() == [False, True, False]
    found = outcome(schedule)
    assert (found.lost, found.killed) == (16, 1)
    # What 2 ran is lost, and no use: of 8 units, in 12 seconds, 40 and 8 unit-seconds.
    assert found.utilisation == (40 + 8) / (8 * 12)


def test_a_large_job_loses_all_its_nodes_with_one() -> None:
    jobs = jobs_of([0, 0], [10, 3], [8, 1])
    schedule = simulate(jobs, on_two_nodes(Outage(4, 6)), EASY)
    # 1 needs both nodes again at 6; 2 is done by then, on node 1.
    assert (schedule.start.tolist(), schedule.lost.tolist()) == ([6, 16], [32, 0])
    schedule = simulate(replace(jobs, run=np.array([10, 2]), estimate=np.array([10, 2])), schedule.machine, EASY)
    assert schedule.start.tolist() == [6, 4]


def test_repair_is_foreseen_once_a_node_is_away() -> None:
    # 2 needs both nodes: it is promised 20, when node 1 is back. 3 is done by then and passes, 4 wouldn't be.
    jobs = jobs_of([0, 11, 12, 13], [10, 5, 8, 8], [4, 8, 4, 4])
    schedule = simulate(jobs, on_two_nodes(Outage(2, 20, first_node=1)), EASY)
    assert schedule.start.tolist() == [0, 20, 12, 25]


def test_outages_of_a_node_that_overlap_are_one() -> None:
    found = outages_of(
        on_two_nodes(Outage(5, 9), Outage(7, 12), Outage(12, 13), Outage(20, 21), Outage(6, 7, "", 1)), 0, 0
    )
    assert [(int(one["node"]), int(one["since"]), int(one["until"])) for one in found] == [
        (0, 5, 13),
        (1, 6, 7),
        (0, 20, 21),
    ]


def test_units_that_vanish() -> None:
    # All four units are taken, three by 1, the fourth by 2: two neighbours that go always hit 1.
    machine = Machine((Pool("", 4),), outages=(Outage(5, 8, processors=2),))
    jobs = jobs_of([0, 0], [10, 10], [3, 1])
    schedule = simulate(jobs, machine, EASY)
    assert schedule.start[0] >= 8
    assert schedule.lost[0] == 15
    # All go: whatever runs stops, and what is beyond the machine goes as well.
    schedule = simulate(jobs, replace(machine, outages=(Outage(5, 8, processors=9),)), EASY)
    assert schedule.start.tolist() == [8, 8]
    assert schedule.away.units.tolist() == [4]
    # Nothing left to go.
    schedule = simulate(jobs, replace(machine, outages=(Outage(5, 8, processors=9), Outage(6, 7))), EASY)
    assert schedule.start.tolist() == [8, 8]


def test_which_units_go_is_a_matter_of_luck() -> None:
    """Of 1,000 outages of one unit, as many hit a job as it has of the machine, by and large."""
    outages = tuple(Outage(10 * n + 5, 10 * n + 6) for n in range(1000))
    jobs = jobs_of(10 * np.arange(1000), np.full(1000, 9), np.full(1000, 3))
    schedule = simulate(jobs, Machine((Pool("", 10),), outages=outages), Policy(requeue=False))
    assert 250 < schedule.killed.sum() < 350


def test_an_outage_may_come_before_the_trace_and_after() -> None:
    machine = on_two_nodes(Outage(0, 3), Outage(99, 100))
    assert simulate(jobs_of([1], [5], [8]), machine, EASY).start.tolist() == [3]


@pytest.mark.parametrize(
    ("outage", "fault"),
    [
        (Outage(5, 5), "ends at 5"),
        (Outage(5, 9, "gpu"), "'gpu'"),
        (Outage(5, 10**13), "beyond"),
        (Outage(5, 9, first_node=1, nodes=2), "node 2"),
    ],
)
def test_outages_that_no_machine_can_have(outage: Outage, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        simulate(jobs_of([0], [1], [1]), on_two_nodes(outage), EASY)


def test_failures_are_not_for_conservative_backfill() -> None:
    with pytest.raises(ValueError, match="outages"):
        simulate(jobs_of([0], [1], [1]), on_two_nodes(Outage(1, 2)), CONSERVATIVE)


# Drawn


@pytest.mark.parametrize(("shape", "spread"), [(1.0, 0.0), (0.7, 1.0)])
def test_drawn_times_have_the_means_that_were_said(shape: float, spread: float) -> None:
    failures = Failures(mean_up=10_000, mean_repair=500, shape=shape, repair_spread=spread, seed=3)
    machine = Machine((Pool("", 400, 100),), failures=failures)
    found = outages_of(machine, 1_000, 10_001_000)
    assert (found["since"] >= 1_000).all()
    assert found["since"].max() < 10_001_000
    away = found["until"] - found["since"]
    assert away.mean() == pytest.approx(500, rel=0.02)
    # 100 nodes, each of which fails once in 10,500 seconds.
    assert len(found) == pytest.approx(100 * 10_000_000 / 10_500, rel=0.02)
    np.testing.assert_array_equal(found, outages_of(machine, 1_000, 10_001_000))
    other = outages_of(replace(machine, failures=replace(failures, seed=4)), 1_000, 10_001_000)
    assert not np.array_equal(found[:100], other[:100])


def test_a_node_is_up_when_it_fails() -> None:
    machine = Machine((Pool("", 12, 3),), failures=Failures(20, 30, 0.5, 1.0))
    found = outages_of(machine, 0, 5_000)
    for node in range(3):
        mine = found[found["node"] == node]
        assert (mine["since"][1:] > mine["until"][:-1]).all()


def test_too_many_failures_are_refused() -> None:
    with pytest.raises(ValueError, match="outages"):
        simulate(jobs_of([0], [10**9], [1]), Machine((Pool("", 10**6),), failures=Failures(1, 1)), EASY)


# Beside the plain rules

_OUTAGES = st.lists(
    st.tuples(st.integers(0, 60), st.integers(1, 20), st.integers(0, 2), st.integers(1, WHOLE)), min_size=1, max_size=6
).map(lambda rows: tuple(Outage(at, at + long, "", node, 1, units) for at, long, node, units in rows))


def _same(schedule: Schedule, plain: Plain) -> None:
    assert schedule.start.tolist() == plain.starts
    assert schedule.end.tolist() == plain.ends
    assert (schedule.runs.tolist(), schedule.lost.tolist()) == (plain.runs, plain.lost)
    assert set(np.flatnonzero(schedule.killed).tolist()) == plain.killed


def _check(schedule: Schedule) -> None:
    """No unit is used twice, nor while it is away; nobody is lost who wasn't killed, nor starts before they came."""
    jobs, stopped, away = schedule.jobs, schedule.stopped, schedule.away
    assert (schedule.start[schedule.ran] >= jobs.submit[schedule.ran]).all()
    whole = schedule.ran & ~schedule.killed
    np.testing.assert_array_equal((schedule.end - schedule.start)[whole], jobs.run[whole])
    last = max(schedule.end.max(), away.until.max(initial=0)) + 1
    busy = np.zeros(int(last), np.int64)
    # The last run of who was killed is among those that were stopped.
    spans = [(schedule.start[whole], schedule.end[whole], schedule.units[whole])]
    spans += [(stopped.start, stopped.end, schedule.units[stopped.job]), (away.since, away.until, away.units)]
    for since, until, units in spans:
        for start, end, size in zip(since, until, units, strict=True):
            assert start <= end
            busy[start:end] += size
    assert busy.max(initial=0) <= sum(pool.processors for pool in schedule.machine.pools)
    lost = np.bincount(stopped.job, (stopped.end - stopped.start) * schedule.units[stopped.job], len(jobs))
    assert lost.tolist() == schedule.lost.tolist()


@given(TRACES, _OUTAGES, st.booleans(), st.sampled_from([FCFS, EASY]))
@settings(max_examples=200, deadline=None)
def test_units_that_fail(jobs: Jobs, outages: tuple[Outage, ...], requeue: bool, policy: Policy) -> None:
    machine, policy = Machine((Pool("", WHOLE),), outages=outages), replace(policy, requeue=requeue)
    schedule = simulate(jobs, machine, policy)
    _check(schedule)
    assert schedule.ran.all()
    _same(schedule, plain_run(jobs, machine, policy))


# At 4, the fifth and the eighth have the same priority, but for rounding: the fifth came first.
_LEVEL = drawn_jobs(
    [
        (0, 0, 1, 1, 2, 1, 0, 0),
        (0, 1, 0, 2, 0, 2, 0, 0),
        (0, 1, 0, 6, 0, 1, 0, 0),
        (0, 2, 0, 3, 0, 0, 0, 0),
        (3, 0, 1, 3, 1, 1, 0, 0),
        (3, 2, 0, 3, 0, 2, 0, 0),
        (4, 1, 0, 1, 1, 0, 0, 0),
        (4, 1, 0, 2, 0, 0, 0, 0),
    ]
)
_BY_USE = Weights(age=0.0, fair_share=64.0, half_life=0, period=1, algorithm=FairShare.CLASSIC, shares={"physics": 2.0})


@given(TRACES, _OUTAGES, st.booleans(), WEIGHTS, LIMITS, HELD)
@example(_LEVEL, (Outage(0, 1),), False, _BY_USE, [], [])
@settings(max_examples=200, deadline=None)
def test_units_with_all_together(
    jobs: Jobs,
    outages: tuple[Outage, ...],
    requeue: bool,
    weights: Weights,
    limits: list[Limit],
    held: list[Held],
) -> None:
    machine = Machine((Pool("", WHOLE),), outages=outages)
    policy = Policy(Backfill.EASY, weights, tuple(limits), tuple(held), {"high": 1, "low": -1}, requeue=requeue)
    schedule = simulate(jobs, machine, policy)
    _check(schedule)
    _same(schedule, plain_run(jobs, machine, policy))


_NODES = Machine((Pool("", 12, 3, 2),))


@given(TRACES, st.lists(st.integers(0, 3), min_size=40, max_size=40), _OUTAGES, st.booleans())
@settings(max_examples=200, deadline=None)
def test_nodes_that_fail(jobs: Jobs, gpus: list[int], outages: tuple[Outage, ...], requeue: bool) -> None:
    jobs = replace(jobs, gpus=np.array(gpus[: len(jobs)]))
    machine, policy = replace(_NODES, outages=outages), Policy(requeue=requeue)
    schedule = simulate(jobs, machine, policy, keep_nodes=True)
    _check(schedule)
    plain = PlainNodes(schedule.jobs, machine, policy).run()
    _same(schedule, plain)
    assert schedule.placed is not None
    assert [schedule.placed.of(job).tolist() for job in range(len(schedule.jobs))] == plain.used


@given(
    TRACES,
    st.lists(st.integers(0, 3), min_size=40, max_size=40),
    st.one_of(st.just(()), _OUTAGES),
    LIMITS,
    HELD,
    st.sampled_from([{}, {"high": 1, "low": -1}]),
    st.one_of(st.none(), WEIGHTS),
    st.sampled_from([Backfill.EASY, Backfill.NONE]),
)
@settings(max_examples=300, deadline=None)
def test_nodes_with_all_together(
    jobs: Jobs,
    gpus: list[int],
    outages: tuple[Outage, ...],
    limits: list[Limit],
    held: list[Held],
    preempt: dict[str, int],
    weights: Weights | None,
    backfill: Backfill,
) -> None:
    jobs = replace(jobs, gpus=np.array(gpus[: len(jobs)]))
    machine = replace(_NODES, outages=outages)
    policy = Policy(backfill, weights, tuple(limits), tuple(held), preempt)
    schedule = simulate(jobs, machine, policy, keep_nodes=True)
    _check(schedule)
    plain = PlainNodes(schedule.jobs, machine, policy).run()
    _same(schedule, plain)
