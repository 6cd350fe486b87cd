"""Jobs on nodes with GPUs: by hand, and beside the same rules written plainly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.simulation.plain_nodes import PlainNodes

from fabriek.simulation.jobs import Jobs, jobs_of
from fabriek.simulation.policy import EASY, FCFS, Held, Machine, Policy, Pool
from fabriek.simulation.simulate import simulate


def on(nodes: int, cores: int, gpus: int) -> Machine:
    return Machine((Pool("", nodes * cores, nodes, gpus),))


def starts(jobs: Jobs, machine: Machine, policy: Policy = EASY) -> list[int]:
    return simulate(jobs, machine, policy).start.tolist()


def test_what_is_free_in_pieces_is_not_enough() -> None:
    # Two nodes of four: three cores on each are taken, and two free cores are on two nodes.
    jobs = jobs_of([0, 0, 1], [10, 10, 5], [3, 3, 2])
    assert starts(jobs, on(2, 4, 0)) == [0, 0, 10]
    assert starts(jobs, Machine.of(8)) == [0, 0, 1]


def test_single_gpus_fill_a_node_before_the_next() -> None:
    # One GPU each for 1 and 2: both on the first node, so that 3 has four on the second.
    jobs = jobs_of([0, 0, 1], [10, 10, 5], [1, 1, 4], gpus=[1, 1, 4])
    assert starts(jobs, on(2, 8, 4)) == [0, 0, 1]


def test_large_jobs_take_whole_nodes() -> None:
    jobs = jobs_of([0, 1, 2], [10, 5, 5], [9, 1, 5], gpus=[0, 0, 0])
    # Nine cores are three nodes of four: of four nodes one is left, for 2; 3 asks two.
    schedule = simulate(jobs, on(4, 4, 0), EASY)
    assert schedule.units.tolist() == [12, 1, 8]
    assert schedule.start.tolist() == [0, 1, 10]


def test_the_head_is_not_held_up_by_who_fits_elsewhere() -> None:
    # The head, 3, gets the first node whole at 10. 4 runs on beyond and fits beside 2, on the second; 5 would not.
    jobs = jobs_of([0, 0, 1, 2, 3], [10, 30, 5, 20, 20], [3, 2, 4, 2, 1])
    assert starts(jobs, on(2, 4, 0)) == [0, 0, 10, 2, 15]


def test_who_fits_no_node_is_left_out() -> None:
    jobs = jobs_of([0, 0, 0], [1, 1, 1], [1, 1, 9], gpus=[1, 9, 0])
    reasons = [one.reason for one in simulate(jobs, on(2, 4, 0), EASY).skipped]
    assert reasons[0] == "asks 1 GPUs of nodes without any"
    assert len(reasons) == 3
    assert simulate(jobs, on(2, 4, 4), EASY).jobs.number.tolist() == [1]


def test_what_no_machine_with_nodes_can_be() -> None:
    jobs = jobs_of([0], [1], [1])
    with pytest.raises(ValueError, match="has none to put jobs on"):
        simulate(jobs, Machine.of(8), Policy(held=(Held(4, None, first_node=1),)))
    with pytest.raises(ValueError, match="more than 1,000,000 nodes"):
        simulate(jobs, on(10**9, 4, 0), EASY)
    with pytest.raises(ValueError, match="equal parts"):
        simulate(jobs, Machine((Pool("", 7, 2),)), EASY)


_JOB = st.tuples(st.integers(0, 30), st.integers(0, 12), st.integers(0, 8), st.integers(1, 12), st.integers(0, 6))


@given(st.lists(_JOB, min_size=1, max_size=30))
@settings(max_examples=300, deadline=None)
def test_beside_plain_rules(rows: list[tuple[int, ...]]) -> None:
    submit, run, more, size, gpus = zip(*rows, strict=True)
    estimate = [max(1, r + m) for r, m in zip(run, more, strict=True)]
    jobs = jobs_of(submit, run, size, estimate=estimate, gpus=gpus)
    machine = on(3, 4, 2)
    schedule = simulate(jobs, machine, EASY)
    assert schedule.ran.all()
    assert schedule.start.tolist() == PlainNodes(schedule.jobs, machine, EASY).run().starts
    assert (simulate(jobs, machine, FCFS).start >= schedule.jobs.submit).all()


@given(st.integers(0, 10**6), st.sampled_from([(70, 2, 1), (40, 4, 0), (5, 8, 3)]))
@settings(max_examples=100, deadline=None)
def test_many_nodes_beside_plain_rules(seed: int, shape: tuple[int, int, int]) -> None:
    """More nodes than a word has bits, and jobs from one core to the whole machine."""
    nodes, cores, gpus = shape
    draw = np.random.default_rng(seed)
    count = 40
    size = np.minimum(1 + draw.integers(0, nodes * cores, count), 1 + draw.integers(0, 3 * cores, count) ** 3)
    run = draw.integers(0, 12, count)
    jobs = jobs_of(
        draw.integers(0, 30, count),
        run,
        size,
        estimate=np.maximum(run + draw.integers(0, 8, count), 1),
        gpus=draw.integers(0, gpus + 1, count) * draw.integers(0, 3, count),
    )
    machine = on(nodes, cores, gpus)
    schedule = simulate(jobs, machine, EASY)
    assert len(schedule.jobs) == count
    assert schedule.start.tolist() == PlainNodes(schedule.jobs, machine, EASY).run().starts


def test_partitions_keep_to_their_own_nodes() -> None:
    """Two partitions at once give what each gives alone."""
    draw = np.random.default_rng(5)
    count = 400
    columns = (draw.integers(0, 300, count), draw.integers(0, 20, count), draw.integers(1, 30, count))
    place = draw.integers(0, 2, count)
    jobs = jobs_of(*columns, partition=place, partitions=("a", "b"))
    pools = (Pool("a", 37 * 4, 37), Pool("b", 5 * 8, 5))
    schedule = simulate(jobs, Machine(pools), EASY)
    for number, pool in enumerate(pools):
        alone = simulate(jobs.taken(jobs.partition == number), Machine((pool,)), EASY)
        assert schedule.start[schedule.jobs.partition == number].tolist() == alone.start.tolist()
