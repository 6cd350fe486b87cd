"""A simulation: jobs, a machine and a policy in, a schedule out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from fabriek.simulation.conservative import run_conservative
from fabriek.simulation.engine import run
from fabriek.simulation.jobs import Jobs, Skipped, held_to_estimates
from fabriek.simulation.policy import Backfill, Machine, Policy
from fabriek.simulation.setting_up import pool_of, simulation_of
from fabriek.simulation.setting_up_nodes import asked_of_nodes
from fabriek.simulation.sites import Copies, Route, check_sites, copies_of
from fabriek.simulation.state import FAILED, KILLED, PREEMPTED, STOPPED, Simulation

LATEST = 10**12
"""The latest instant, in seconds, that a trace may have, and the longest time that a job may ask."""

MOST_NODES = 1_000_000
"""Jobs are put on at most so many nodes. A machine of which any processor serves any job may be of any size."""


class Cause(IntEnum):
    """Why a run was stopped: for a job of a higher tier, or because a node failed; who was killed didn't wait again."""

    PREEMPTED = PREEMPTED
    FAILED = FAILED
    KILLED = KILLED


def _nothing() -> NDArray[np.int64]:
    return np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class Stopped:
    """Runs that were stopped, in the order in which that happened. `job` is a place in `Schedule.jobs`, `cause` a
    `Cause`."""

    job: NDArray[np.int64] = field(default_factory=_nothing)
    start: NDArray[np.int64] = field(default_factory=_nothing)
    end: NDArray[np.int64] = field(default_factory=_nothing)
    cause: NDArray[np.int64] = field(default_factory=_nothing)


@dataclass(frozen=True, slots=True)
class Away:
    """Outages as they happened, in the order of their beginning. `pool` is a place in the machine's, `node` a number
    from 0 on within it, or -1 where it has none, `units` what was away of it."""

    since: NDArray[np.int64] = field(default_factory=_nothing)
    until: NDArray[np.int64] = field(default_factory=_nothing)
    pool: NDArray[np.int64] = field(default_factory=_nothing)
    node: NDArray[np.int64] = field(default_factory=_nothing)
    units: NDArray[np.int64] = field(default_factory=_nothing)


@dataclass(frozen=True, slots=True)
class Placed:
    """Nodes that jobs had in their last run: those of a job are `node[first[job]:last[job]]`, numbers from 0 on
    within its partition, and -1 for a job that never started."""

    node: NDArray[np.int32]
    first: NDArray[np.int64]
    last: NDArray[np.int64]

    def of(self, job: int) -> NDArray[np.int32]:
        """Those of the job at this place of `Schedule.jobs`, in rising order."""
        return np.sort(self.node[self.first[job] : self.last[job]])


@dataclass(frozen=True, slots=True)
class Routed:
    """By job, places in the machine's pools: of its `home`, and of the `site` that was chosen; and for how many seconds
    its data were moved there."""

    home: NDArray[np.int64]
    site: NDArray[np.int64]
    moving: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Schedule:
    """When jobs ran. Arrays by job of `jobs`, which are those that were simulated, held to their estimates.

    `start` and `end` are of the last run, in seconds of the trace; -1: it never started, because limits or what is held
    left it no room for ever. `units` are processors, or whole nodes where the machine has them. `runs` are above 1, and
    `lost` unit-seconds above 0, for jobs whose runs were stopped. `skipped` are those that no machine like this can
    run. `placed` is there where it was asked and the machine has nodes, `routed` where it sends jobs to sites; then the
    jobs' partition is where they ran.
    """

    jobs: Jobs
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    units: NDArray[np.int64]
    runs: NDArray[np.int64]
    lost: NDArray[np.int64]
    skipped: tuple[Skipped, ...]
    machine: Machine
    stopped: Stopped = field(default_factory=Stopped)
    away: Away = field(default_factory=Away)
    placed: Placed | None = None
    routed: Routed | None = None

    @property
    def ran(self) -> NDArray[np.bool_]:
        """Which jobs started."""
        return self.start >= 0

    @property
    def killed(self) -> NDArray[np.bool_]:
        """Which jobs a failure ended for good: their last run is among those that were `stopped`."""
        killed = np.zeros(len(self.jobs), np.bool_)
        killed[self.stopped.job[self.stopped.cause == Cause.KILLED]] = True
        return killed


def simulate(jobs: Jobs, machine: Machine, policy: Policy, *, keep_nodes: bool = False) -> Schedule:
    """The schedule of these jobs on this machine under this policy: the same for the same input, to the second.

    `keep_nodes` fills `Schedule.placed`: four bytes for each node of each job. Raises ValueError where the policy asks
    what can't be simulated, or the trace's times are beyond `LATEST`.
    """
    jobs = held_to_estimates(jobs, kill_at_limit=policy.kill_at_limit)
    check_combination(machine, policy)
    copies = _copies(jobs, machine)
    fits = _asked(jobs, pool_of(jobs, machine), machine)[1] if copies is None else copies.goes
    skipped = tuple(_why_skipped(jobs, machine, int(job)) for job in np.flatnonzero(~fits))
    if skipped:
        jobs = jobs.taken(fits)
        copies = _copies(jobs, machine)
    if not len(jobs):
        nothing = _nothing()
        return Schedule(jobs, nothing, nothing, nothing, nothing, nothing, skipped, machine)
    coming, pool = (jobs, pool_of(jobs, machine)) if copies is None else (copies.jobs, copies.pool)
    size = _asked(coming, pool, machine)[0]
    _check_sums(coming, size)
    if policy.backfill is Backfill.CONSERVATIVE:
        start = np.empty(len(jobs), np.int64)
        for place, one in enumerate(machine.pools):
            here = np.flatnonzero(pool == place)
            start[here] = run_conservative(
                jobs.submit[here], jobs.run[here], jobs.estimate[here], size[here], one.processors
            )
        once = np.ones(len(jobs), np.int64)
        return Schedule(jobs, start, start + jobs.run, size, once, np.zeros_like(start), skipped, machine)
    simulation = _ran(coming, size, pool, machine, policy, keep_nodes, copies)
    return _told(simulation, jobs, size, skipped, machine, copies)


def _asked(jobs: Jobs, pool: NDArray[np.int64], machine: Machine) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Units that each job takes of this pool, and whether it fits there at all; pool -1: nowhere."""
    size = -(-jobs.processors // machine.cores_per_node)
    whole = np.array([one.processors for one in machine.pools], np.int64)[pool]
    if not machine.placed:
        return size, (pool >= 0) & (size <= whole)
    spread, cores, gpus = asked_of_nodes(jobs, np.maximum(pool, 0), machine)
    size = np.where(pool < 0, size, spread * cores)
    per_node = np.array([one.gpus_per_node for one in machine.pools])[pool]
    return size, (pool >= 0) & (size <= whole) & (gpus <= per_node) & ((jobs.gpus == 0) | (per_node > 0))


def _copies(jobs: Jobs, machine: Machine) -> Copies | None:
    """Those of jobs for each site, where the machine sends them to sites."""
    if machine.routing is None:
        return None
    home = pool_of(jobs, machine)
    return copies_of(jobs, home, machine, machine.routing, lambda pool: _asked(jobs, pool, machine)[1])


def _ran(
    jobs: Jobs,
    size: NDArray[np.int64],
    pool: NDArray[np.int64],
    machine: Machine,
    policy: Policy,
    keep_nodes: bool,
    copies: Copies | None,
) -> Simulation:
    """The state after the last job ended. Where more runs were stopped than there was room for, once more."""
    stops = policy.preempt or machine.outages or machine.failures
    room = len(jobs) if stops else 0
    rule = list(Route).index(machine.routing.rule) if machine.routing else 0
    while True:
        simulation, reckoning = simulation_of(
            jobs, size, pool, machine, policy, keep_nodes=keep_nodes, stopped=room, copies=copies
        )
        run(simulation, policy.backfill is Backfill.EASY, bool(policy.preempt), policy.requeue, rule, reckoning)
        if simulation.counts[STOPPED] <= room:
            return simulation
        room = int(simulation.counts[STOPPED])


def _told(
    simulation: Simulation,
    jobs: Jobs,
    size: NDArray[np.int64],
    skipped: tuple[Skipped, ...],
    machine: Machine,
    copies: Copies | None,
) -> Schedule:
    """The schedule of these jobs, from their own records or, with `copies`, from those of the chosen copies."""
    number, job_of, routed = np.arange(len(jobs)), np.arange(len(jobs)), None
    if copies is not None:
        chosen = np.flatnonzero(simulation.jobs["chosen"])
        number, job_of = chosen[np.argsort(copies.of[chosen])], copies.of
        site = copies.pool[number]
        routed = Routed(copies.asked["home"], site, copies.jobs.submit[number] - jobs.submit)
        names = tuple(pool.name for pool in machine.pools)
        jobs = replace(jobs, partition=site.astype(np.int32), partitions=names)
    start, end = (simulation.jobs[name][number] for name in ("start", "end"))
    size, stopped = size[number], Stopped()
    if simulation.stopped is not None:
        log = simulation.stopped[: simulation.counts[STOPPED]]
        stopped = Stopped(job_of[log["job"]], *(log[name].copy() for name in ("start", "end", "cause")))
    lost = np.zeros(len(jobs), np.int64)
    np.add.at(lost, stopped.job, (stopped.end - stopped.start) * size[stopped.job])
    runs = (start >= 0) + np.bincount(stopped.job[stopped.cause != Cause.KILLED], minlength=len(jobs))
    placed = None
    if simulation.had is not None and simulation.had_from is not None and len(simulation.had_from):
        placed = Placed(simulation.had, simulation.had_from[number], simulation.had_from[number + 1])
    return Schedule(jobs, start, end, size, runs, lost, skipped, machine, stopped, _away(simulation), placed, routed)


def _away(simulation: Simulation) -> Away:
    if simulation.outages is None:
        return Away()
    ran, outages = simulation.jobs[-len(simulation.outages) :], simulation.outages
    happened = ran["start"] >= 0
    outages = outages[happened]
    node = np.where(outages["node"] < 0, -1, outages["node"] - simulation.pools["first_node"][outages["pool"]])
    return Away(outages["since"], outages["until"], outages["pool"], node, ran["units"][happened])


def check_combination(machine: Machine, policy: Policy) -> None:
    """Refuse what can't be simulated, whatever the jobs are. Raises ValueError, with why."""
    more = policy.weights or policy.limits or policy.held or policy.preempt
    happens = machine.placed or machine.outages or machine.failures or machine.routing
    if policy.backfill is Backfill.CONSERVATIVE and (more or happens):
        raise ValueError(
            "conservative backfill goes with the order of submission alone, without limits, floors, nodes, outages or "
            "several sites"
        )
    if machine.routing:
        check_sites(machine, machine.routing)
    if not machine.placed and any(held.first_node is not None for held in policy.held):
        raise ValueError("certain nodes are held, and the machine has none to put jobs on")
    if machine.placed and not all(pool.nodes for pool in machine.pools):
        raise ValueError("either all partitions are on nodes or none is")
    if sum(pool.nodes for pool in machine.pools) > MOST_NODES:
        raise ValueError(f"more than {MOST_NODES:,} nodes, to put jobs on")
    for pool in machine.pools:
        if pool.nodes and pool.processors % pool.nodes:
            raise ValueError(f"{pool.processors} processors don't come to equal parts on {pool.nodes} nodes")
    if machine.cores_per_node > 1 and machine.placed:
        raise ValueError("where jobs take whole nodes, they aren't put on nodes by their cores")


def _why_skipped(jobs: Jobs, machine: Machine, job: int) -> Skipped:
    """Of a job that fits nowhere: why not in its own partition."""
    one = jobs.taken(np.array([job]))
    number, pool = int(one.number[0]), pool_of(one, machine)
    if pool[0] < 0:
        return Skipped(number, f"no partition {one.partitions[one.partition[0]]!r}")
    here = machine.pools[pool[0]]
    if one.gpus[0] and machine.placed and not here.gpus_per_node:
        return Skipped(number, f"asks {one.gpus[0]} GPUs of nodes without any")
    unit = "nodes" if machine.cores_per_node > 1 else "processors"
    return Skipped(number, f"asks {_asked(one, pool, machine)[0][0]} {unit} of {here.processors}")


def _check_sums(jobs: Jobs, size: NDArray[np.int64]) -> None:
    """Refuse times and amounts whose sums are beyond 64 bits, or below 0, which stands for "never"."""
    if not 0 <= jobs.submit[0] <= jobs.submit[-1] <= LATEST or jobs.estimate.max() > LATEST:
        raise ValueError(f"times of the trace are below 0 or go beyond {LATEST:,} seconds")
    if float((size.astype(np.float64) * jobs.estimate).sum()) > 4e18:
        raise ValueError("jobs ask more processor-seconds in all than can be counted")
