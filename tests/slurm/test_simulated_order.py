"""Slurm starts jobs in the simulated order under the settings that the simulator prints, and where it does otherwise.

The cluster has eight nodes of one core, so that a node is a processor, and one node of eight cores beside.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from tests.slurm.conftest import short_folder
from tests.slurm.replay import ACCOUNT, AT_ONCE, PATIENCE, QUICK, Replay, Step, configure, crowd, values
from tests.slurm.test_bed import let_in

from fabriek.demo.slurm import Bed, Cluster, Partition
from fabriek.simulation.emitting import slurm_settings
from fabriek.simulation.jobs import jobs_of
from fabriek.simulation.policy import EASY, FCFS, Backfill, Held, Machine, Policy, Weights
from fabriek.simulation.simulate import Schedule, simulate

MACHINE = Machine.of(8)
HOUR = 3_600
SOON = 30.0
"""Seconds in which a job that Slurm is going to start has started. Where it takes longer a test sees less, and fails
none the more."""
RESERVATION = re.compile(r"ReservationName=(\S+)")
BY_QOS_AND_SIZE = Weights(age=0, fair_share=0, size=100, qos=1_000, qos_factors={"urgent": 1.0})

Played = Callable[..., list[Step]]


@pytest.fixture(scope="module")
def gamma(slurm_installed: None) -> Iterator[Bed]:
    folder = short_folder()
    bed = Bed(folder, [Cluster("gamma", (Partition("cpu", nodes=8, cores=1), Partition("wide", nodes=1, cores=8)))])
    try:
        yield bed.up()
    finally:
        bed.down(remove=True)


@pytest.fixture
def played(gamma: Bed, job_user: str, folder: Path) -> Played:
    """What Slurm does with the jobs of a schedule, under the settings of a policy, after `then` in a shell."""
    known = gamma.run("gamma", "sacctmgr", "-nP", "show", "account", "format=account").split()
    if ACCOUNT not in known:
        let_in(gamma, "gamma", job_user, ACCOUNT)

    def play(
        policy: Policy,
        schedule: Schedule,
        options: Callable[[int], Sequence[str]] = lambda _place: (),
        *,
        then: Sequence[str] = (),
        without: str = "",
        patience: float = PATIENCE,
    ) -> list[Step]:
        settings = slurm_settings(MACHINE, policy)
        conf = values(settings.conf)
        said = conf.get("SchedulerParameters", "").replace(without, "")
        conf["SchedulerParameters"] = ",".join(filter(None, (said, QUICK)))
        configure(gamma, "gamma", [*(f"{name}={value}" for name, value in conf.items()), AT_ONCE])
        for line in (*settings.commands, *then):
            gamma.run("gamma", *shlex.split(line))
        try:
            return Replay(gamma, "gamma", job_user, folder / "replay", schedule, patience).steps(options)
        finally:
            for name in RESERVATION.findall("\n".join(settings.reservations)):
                gamma.run("gamma", "scontrol", "delete", f"ReservationName={name}")

    return play


def agrees(steps: list[Step], schedule: Schedule) -> bool:
    """Whether all of it was played, and Slurm ran the same jobs after each step."""
    instants = np.unique(np.concatenate((schedule.jobs.submit, schedule.end)))
    return len(steps) == len(instants) and all(step.found == step.simulated for step in steps)


@pytest.mark.slow
@pytest.mark.parametrize(("policy", "other"), [(FCFS, EASY), (EASY, FCFS)], ids=["fcfs", "easy"])
def test_the_simulated_order_is_slurm_s(played: Played, policy: Policy, other: Policy) -> None:
    jobs = crowd(1, 18, 8)
    schedule = simulate(jobs, MACHINE, policy)
    # Of a trace on which they did the same it would prove little.
    assert (simulate(jobs, MACHINE, other).start != schedule.start).sum() >= 5
    steps = played(policy, schedule)
    assert agrees(steps, schedule), steps[-1]


@pytest.mark.slow
def test_the_order_by_priority_is_slurm_s(played: Played, job_user: str) -> None:
    policy = Policy(Backfill.NONE, BY_QOS_AND_SIZE)
    draws = np.random.default_rng(3)
    plain = crowd(2, 14, 8)
    jobs = jobs_of(
        plain.submit, plain.run, plain.processors, estimate=plain.estimate,
        qos=draws.integers(0, 2, len(plain)), qoses=("normal", "urgent"),
    )  # fmt: skip
    schedule = simulate(jobs, MACHINE, policy)
    assert (simulate(jobs, MACHINE, FCFS).start != schedule.start).sum() >= 5
    may = f"sacctmgr -i modify user where name={job_user} set qos+=urgent"
    steps = played(policy, schedule, lambda place: [f"--qos={jobs.qoses[jobs.qos[place]]}"], then=[may])
    assert agrees(steps, schedule), steps[-1]


@pytest.mark.slow
def test_a_floor_is_left_to_its_class(played: Played, job_user: str) -> None:
    policy = Policy(held=(Held(3, "startup"),))
    # Academia's first has all that it may have, and its second waits beside the floor, which the start-up then fills.
    jobs = jobs_of(
        [0, 1, 2, 3], [20, 20, 10, 10], [5, 2, 3, 1], estimate=[9 * HOUR, 3 * HOUR, 2 * HOUR, HOUR],
        klass=[0, 0, 1, 0], klasses=("academia", "startup"),
    )  # fmt: skip
    schedule = simulate(jobs, MACHINE, policy)
    assert schedule.start.tolist() == [0, 20, 2, 20]
    member = f"sacctmgr -i add user {job_user} account=startup"
    accounts = (f"--account={ACCOUNT}", "--account=startup")
    steps = played(policy, schedule, lambda place: [accounts[jobs.klass[place]]], then=[member])
    assert agrees(steps, schedule), steps[-1]


@pytest.fixture
def beside_the_head() -> Schedule:
    """Two idle nodes, two that are free in 10 h, four in 20 h. The head asks three; one of the idle may go to a job of
    30 h, if the head is planned on both that are free in 10 h."""
    hours = np.array([40, 10, 20, 5, 30])
    jobs = jobs_of([0, 1, 2, 10, 11], [5, 100, 100, 50, 50], [2, 2, 4, 3, 1], estimate=hours * HOUR)
    schedule = simulate(jobs, MACHINE, EASY)
    assert schedule.start.tolist() == [0, 1, 2, 101, 11]
    return schedule


@pytest.mark.slow
def test_the_first_in_the_queue_is_planned_on_busy_nodes(played: Played, beside_the_head: Schedule) -> None:
    steps = played(EASY, beside_the_head)
    assert agrees(steps, beside_the_head), steps[-1]


@pytest.mark.slow
def test_otherwise_it_takes_idle_ones_away(played: Played, beside_the_head: Schedule) -> None:
    """Why the settings say bf_busy_nodes."""
    steps = played(EASY, beside_the_head, without="bf_busy_nodes,", patience=SOON)
    assert (steps[-1].instant, steps[-1].found) == (11, {2, 3})


@pytest.mark.slow
def test_within_a_node_slurm_leaves_more_idle(played: Played) -> None:
    """Slurm plans by whole nodes: half of one that the head will not need is not given to who runs on beyond its start.

    One node of eight cores: a job of 4 for 10 h; the head asks 6; a job of 2 for 20 h would delay nobody.
    """
    hours = np.array([10, 5, 20])
    schedule = simulate(jobs_of([0, 1, 2], [100, 50, 60], [4, 6, 2], estimate=hours * HOUR), MACHINE, EASY)
    assert schedule.start.tolist() == [0, 100, 2]
    steps = played(EASY, schedule, lambda _place: ["--partition=wide", "--nodes=1"], patience=SOON)
    assert (steps[-1].instant, steps[-1].found) == (2, {1})
