"""The simulator beside the same rules written plainly, and what must hold of any schedule."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.simulation.drawing import TRACES, WHOLE
from tests.unit.simulation.plain import plain_conservative, plain_run

from fabriek.simulation.jobs import Jobs
from fabriek.simulation.policy import (
    CONSERVATIVE,
    EASY,
    FCFS,
    Backfill,
    FairShare,
    Held,
    Limit,
    Machine,
    Over,
    Policy,
    Pool,
    Weights,
)
from fabriek.simulation.simulate import Schedule, simulate

_MACHINE = Machine.of(WHOLE)
_AT = st.one_of(st.none(), st.integers(0, 60))
LIMITS = st.lists(
    st.builds(
        Limit,
        st.sampled_from(Over),
        st.sampled_from(["", "ada", "physics", "startup", "high"]),
        st.one_of(st.none(), st.integers(1, WHOLE)),
        st.one_of(st.none(), st.integers(1, 3)),
        st.one_of(st.none(), st.integers(30, 300).map(lambda seconds: seconds / 60)),
    ),
    max_size=3,
)
HELD = st.lists(
    st.builds(Held, st.integers(1, 3), st.sampled_from(["academia", "startup", None]), _AT, _AT), min_size=1, max_size=2
)
WEIGHTS = st.builds(
    Weights,
    age=st.sampled_from([0.0, 16.0, 1024.0]),
    fair_share=st.sampled_from([0.0, 64.0, 4096.0]),
    size=st.sampled_from([0.0, 32.0]),
    qos=st.sampled_from([0.0, 8.0]),
    most_age=st.sampled_from([8, 32, 1024]),
    half_life=st.sampled_from([0, 16, 512]),
    period=st.sampled_from([1, 4, 16]),
    algorithm=st.sampled_from(FairShare),
    small_first=st.booleans(),
    shares=st.just({"physics": 2.0}),
    qos_factors=st.just({"high": 1.0, "normal": 0.5}),
)


def check(schedule: Schedule) -> None:
    """No unit is used twice, no job lost, none started before it came."""
    ran, jobs = schedule.ran, schedule.jobs
    assert (schedule.start[ran] >= jobs.submit[ran]).all()
    np.testing.assert_array_equal(schedule.end[ran] - schedule.start[ran], jobs.run[ran])
    busy = np.zeros(int(schedule.end.max(initial=0)) + 1, np.int64)
    for start, end, units in zip(schedule.start[ran], schedule.end[ran], schedule.units[ran], strict=True):
        busy[start:end] += units
    assert busy.max(initial=0) <= WHOLE


@given(TRACES, st.sampled_from([FCFS, EASY]), st.booleans())
@settings(max_examples=200, deadline=None)
def test_in_the_order_of_submission(jobs: Jobs, policy: Policy, kill: bool) -> None:
    policy = replace(policy, kill_at_limit=kill)
    schedule = simulate(jobs, _MACHINE, policy)
    check(schedule)
    assert schedule.ran.all()
    assert schedule.start.tolist() == plain_run(jobs, _MACHINE, policy).starts


@given(TRACES)
@settings(max_examples=200, deadline=None)
def test_easy_never_delays_the_first_of_the_queue(jobs: Jobs) -> None:
    """Against the promises that the plain rules work out apart, each time that a job is first and doesn't fit."""
    schedule = simulate(jobs, _MACHINE, EASY)
    for head, promised in plain_run(jobs, _MACHINE, EASY).heads.items():
        assert schedule.start[head] <= min(promised)


@given(TRACES)
@settings(max_examples=200, deadline=None)
def test_conservative(jobs: Jobs) -> None:
    schedule = simulate(jobs, _MACHINE, CONSERVATIVE)
    check(schedule)
    assert schedule.start.tolist() == plain_conservative(jobs, WHOLE)


@given(TRACES, WEIGHTS, st.sampled_from([Backfill.NONE, Backfill.EASY]))
@settings(max_examples=200, deadline=None)
def test_by_priority(jobs: Jobs, weights: Weights, backfill: Backfill) -> None:
    policy = Policy(backfill, weights)
    schedule = simulate(jobs, _MACHINE, policy)
    check(schedule)
    assert schedule.start.tolist() == plain_run(jobs, _MACHINE, policy).starts


@given(TRACES, LIMITS)
@settings(max_examples=200, deadline=None)
def test_under_limits(jobs: Jobs, limits: list[Limit]) -> None:
    policy = Policy(limits=tuple(limits))
    schedule = simulate(jobs, _MACHINE, policy)
    check(schedule)
    assert schedule.start.tolist() == plain_run(jobs, _MACHINE, policy).starts


@given(TRACES, HELD)
@settings(max_examples=200, deadline=None)
def test_with_units_held(jobs: Jobs, held: list[Held]) -> None:
    policy = Policy(held=tuple(held))
    schedule = simulate(jobs, _MACHINE, policy)
    check(schedule)
    assert schedule.start.tolist() == plain_run(jobs, _MACHINE, policy).starts


@given(TRACES, LIMITS)
@settings(max_examples=200, deadline=None)
def test_with_preemption(jobs: Jobs, limits: list[Limit]) -> None:
    policy = Policy(limits=tuple(limits), preempt={"high": 2, "low": -1})
    schedule = simulate(jobs, _MACHINE, policy)
    plain = plain_run(jobs, _MACHINE, policy)
    check(schedule)
    assert (schedule.start.tolist(), schedule.runs.tolist(), schedule.lost.tolist()) == (
        plain.starts,
        plain.runs,
        plain.lost,
    )


@given(TRACES, WEIGHTS, LIMITS, HELD)
@settings(max_examples=200, deadline=None)
def test_all_together(jobs: Jobs, weights: Weights, limits: list[Limit], held: list[Held]) -> None:
    machine = Machine((Pool("a", WHOLE), Pool("b", WHOLE)))
    jobs = replace(jobs, partition=jobs.user % 2, partitions=("b", "a"))
    held = [replace(one, partition="a") for one in held]
    policy = Policy(Backfill.EASY, weights, tuple(limits), tuple(held), {"high": 1})
    schedule = simulate(jobs, machine, policy)
    assert schedule.start.tolist() == plain_run(jobs, machine, policy).starts
