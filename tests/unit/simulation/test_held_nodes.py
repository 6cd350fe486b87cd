"""Nodes held for a class or for nobody, and preemption on nodes: by hand, and that the head is never delayed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.simulation.drawing import TRACES
from tests.unit.simulation.plain_nodes import PlainNodes
from tests.unit.simulation.test_against_plain import HELD

from fabriek.simulation.jobs import Jobs, jobs_of
from fabriek.simulation.policy import EASY, Held, Machine, Policy, Pool
from fabriek.simulation.simulate import Schedule, simulate

_CLASSES = ("academia", "startup")


def run(jobs: Jobs, policy: Policy, nodes: int = 3, gpus: int = 0) -> Schedule:
    """On nodes of four cores."""
    return simulate(jobs, Machine((Pool("", 4 * nodes, nodes, gpus),)), policy, keep_nodes=True)


def nodes_of(schedule: Schedule) -> list[list[int]]:
    assert schedule.placed is not None
    return [schedule.placed.of(job).tolist() for job in range(len(schedule.jobs))]


def test_a_floor_is_of_the_first_nodes() -> None:
    jobs = jobs_of([0, 0, 0, 0], [10, 10, 10, 10], [4, 8, 4, 1], klass=[0, 0, 1, 0], klasses=_CLASSES)
    # Node 0 is the start-up's: academia has 1 and 2, and its large job has to wait for 1.
    schedule = run(jobs, Policy(held=(Held(3, "startup"),)))
    assert schedule.start.tolist() == [0, 10, 0, 0]
    assert nodes_of(schedule) == [[1], [1, 2], [0], [2]]


def test_two_floors_have_nodes_of_their_own_and_maintenance_the_last() -> None:
    held = (Held(4, "startup"), Held(4, "academia"), Held(4, None, since=5, until=9))
    jobs = jobs_of([0, 0, 0, 0], [5, 6, 4, 4], [4, 4, 4, 4], klass=[0, 0, 0, 1], klasses=_CLASSES)
    # Academia's first has its own node 1, the second would run into maintenance on 2, and waits for 1.
    schedule = run(jobs, Policy(held=held))
    assert schedule.start.tolist() == [0, 5, 0, 0]
    assert nodes_of(schedule) == [[1], [1], [2], [0]]
    with pytest.raises(ValueError, match="startup: 3 nodes are held"):
        run(jobs, Policy(held=(Held(4, "academia"), Held(9, "startup"))))
    # One after the other they may have the same.
    apart = (Held(12, "academia", until=5), Held(12, "startup", since=5))
    assert run(jobs, Policy(held=apart)).start.tolist() == [0, -1, 0, 5]


def test_maintenance_of_certain_nodes_is_waited_for() -> None:
    policy = Policy(held=(Held(8, None, since=10, until=20, first_node=0),))
    jobs = jobs_of([0, 0, 1], [11, 10, 5], [12, 8, 4])
    # 1 needs all three nodes for 11 seconds, and has them at 20; 2 is done on 0 and 1 by 10, and 3 goes to 2.
    schedule = run(jobs, policy)
    assert schedule.start.tolist() == [20, 0, 1]
    assert nodes_of(schedule) == [[0, 1, 2], [0, 1], [2]]
    with pytest.raises(ValueError, match="maintenance"):
        run(jobs, Policy(held=(Held(8, None, first_node=2),)))


def test_the_heads_nodes_are_those_that_it_may_have_then() -> None:
    # Node 0 is the start-up's from 10 on. The head, 3, would have 0 at 5, and may not: it's promised 1 at 8. 4 may run
    # on 0 until 10; 5 waits for 1.
    policy = Policy(held=(Held(4, "startup", since=10),))
    jobs = jobs_of([0, 0, 1, 5, 6], [5, 8, 9, 5, 5], [4, 4, 4, 4, 4], klass=[0] * 5, klasses=_CLASSES)
    schedule = run(jobs, policy, nodes=2)
    assert schedule.start.tolist() == [0, 0, 8, 5, 17]


def test_preemption_spares_who_is_not_in_the_way() -> None:
    # 3, the latest started, is stopped first, and its node is still not free for 4, as 2 is of a high tier. 1 is next,
    # which is enough: 3 runs on.
    jobs = jobs_of([0, 0, 2, 3], [20, 20, 20, 5], [4, 2, 2, 4], qos=[0, 1, 0, 1], qoses=("normal", "high"))
    schedule = run(jobs, Policy(preempt={"high": 1}), nodes=2)
    assert (schedule.start.tolist(), schedule.runs.tolist()) == ([8, 0, 2, 3], [2, 1, 1, 1])
    assert schedule.lost.tolist() == [12, 0, 0, 0]
    # Who can't make room stops nobody: both nodes are had at 20, when 2 is done and 3 is all that is in the way.
    wide = replace(jobs, processors=np.array([4, 2, 2, 8]))
    schedule = run(wide, Policy(preempt={"high": 1}), nodes=2)
    assert (schedule.start.tolist(), schedule.runs.tolist()) == ([0, 0, 25, 20], [1, 1, 2, 1])


def test_preemption_of_gpus() -> None:
    # One GPU is free, and both of a node are asked.
    jobs = jobs_of([0, 0, 1], [9, 9, 2], [1, 1, 1], gpus=[1, 2, 2], qos=[0, 0, 1], qoses=("normal", "high"))
    schedule = run(jobs, Policy(preempt={"high": 1}), nodes=2, gpus=2)
    assert (schedule.start.tolist(), schedule.lost.tolist()) == ([0, 3, 1], [0, 1, 0])


@given(TRACES, st.lists(st.integers(0, 3), min_size=40, max_size=40), st.one_of(st.just([]), HELD))
@settings(max_examples=100, deadline=None)
def test_the_first_of_the_queue_is_never_delayed(jobs: Jobs, gpus: list[int], held: list[Held]) -> None:
    """Against what the plain rules promise it, each time that a job is first and doesn't fit."""
    jobs = replace(jobs, gpus=np.array(gpus[: len(jobs)]))
    machine, policy = Machine((Pool("", 12, 3, 2),)), replace(EASY, held=tuple(held))
    schedule = simulate(jobs, machine, policy)
    for head, promised in PlainNodes(schedule.jobs, machine, policy).run().heads.items():
        assert schedule.start[head] <= min(promised)
