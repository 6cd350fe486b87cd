"""A simulation: jobs, a machine and a policy in, a schedule out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fabriek.simulation.conservative import run_conservative
from fabriek.simulation.engine import run
from fabriek.simulation.jobs import Jobs, Skipped, held_to_estimates
from fabriek.simulation.policy import Backfill, Machine, Policy
from fabriek.simulation.setting_up import asked_of_nodes, pool_of, simulation_of

LATEST = 10**12
"""The latest instant, in seconds, that a trace may have, and the longest time that a job may ask."""

MOST_NODES = 1_000_000
"""Jobs are put on at most so many nodes. A machine of which any processor serves any job may be of any size."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When jobs ran. Arrays by job of `jobs`, which are those that were simulated, held to their estimates.

    `start` and `end` are of the last run, in seconds of the trace; -1: it never started, because limits or what is held
    left it no room for ever. `units` are processors, or whole nodes where the machine has them. `runs` are above 1, and
    `lost` unit-seconds above 0, for jobs that were preempted. `skipped` are those that no machine like this can run.
    """

    jobs: Jobs
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    units: NDArray[np.int64]
    runs: NDArray[np.int64]
    lost: NDArray[np.int64]
    skipped: tuple[Skipped, ...]
    machine: Machine

    @property
    def ran(self) -> NDArray[np.bool_]:
        """Which jobs started."""
        return self.start >= 0


def simulate(jobs: Jobs, machine: Machine, policy: Policy) -> Schedule:
    """The schedule of these jobs on this machine under this policy: the same for the same input, to the second.

    Raises ValueError where the policy asks what can't be simulated, or the trace's times are beyond `LATEST`.
    """
    jobs = held_to_estimates(jobs, kill_at_limit=policy.kill_at_limit)
    _check_combination(machine, policy)
    pool = pool_of(jobs, machine)
    size = -(-jobs.processors // machine.cores_per_node)
    whole = np.array([one.processors for one in machine.pools], np.int64)
    fits = (pool >= 0) & (size <= whole[pool])
    if machine.placed:
        spread, cores, gpus = asked_of_nodes(jobs, np.maximum(pool, 0), machine)
        size = np.where(pool < 0, size, spread * cores)
        per_node = np.array([one.gpus_per_node for one in machine.pools])[pool]
        fits &= (size <= whole[pool]) & (gpus <= per_node) & ((jobs.gpus == 0) | (per_node > 0))
    skipped = tuple(_why_skipped(jobs, machine, pool, size, int(job)) for job in np.flatnonzero(~fits))
    if skipped:
        jobs, pool, size = jobs.taken(fits), pool[fits], size[fits]
    if not len(jobs):
        nothing = np.zeros(0, np.int64)
        return Schedule(jobs, nothing, nothing, nothing, nothing, nothing, skipped, machine)
    _check_sums(jobs, size)
    if policy.backfill is Backfill.CONSERVATIVE:
        start = np.empty(len(jobs), np.int64)
        for place, units in enumerate(whole):
            here = np.flatnonzero(pool == place)
            start[here] = run_conservative(jobs.submit[here], jobs.run[here], jobs.estimate[here], size[here], units)
        once = np.ones(len(jobs), np.int64)
        return Schedule(jobs, start, start + jobs.run, size, once, np.zeros_like(start), skipped, machine)
    simulation, reckoning = simulation_of(jobs, size, pool, machine, policy)
    run(simulation, policy.backfill is Backfill.EASY, bool(policy.preempt), reckoning)
    ran = {name: simulation.jobs[name].copy() for name in ("start", "end", "runs", "lost")}
    return Schedule(jobs, units=size, skipped=skipped, machine=machine, **ran)


def _check_combination(machine: Machine, policy: Policy) -> None:
    more = policy.weights or policy.limits or policy.held or policy.preempt
    if policy.backfill is Backfill.CONSERVATIVE and (more or machine.placed):
        raise ValueError(
            "conservative backfill goes with the order of submission alone, without limits, floors or nodes"
        )
    if policy.preempt and any(limit.processor_minutes is not None for limit in policy.limits):
        raise ValueError("preemption goes without budgets of processor-minutes")
    if machine.placed and (policy.held or policy.preempt):
        raise ValueError("floors, reservations and preemption count units of pools, and know no nodes")
    if machine.placed and not all(pool.nodes for pool in machine.pools):
        raise ValueError("either all partitions are on nodes or none is")
    if sum(pool.nodes for pool in machine.pools) > MOST_NODES:
        raise ValueError(f"more than {MOST_NODES:,} nodes, to put jobs on")
    for pool in machine.pools:
        if pool.nodes and pool.processors % pool.nodes:
            raise ValueError(f"{pool.processors} processors don't come to equal parts on {pool.nodes} nodes")
    if machine.cores_per_node > 1 and machine.placed:
        raise ValueError("where jobs take whole nodes, they aren't put on nodes by their cores")


def _why_skipped(jobs: Jobs, machine: Machine, pool: NDArray[np.int64], size: NDArray[np.int64], job: int) -> Skipped:
    number = int(jobs.number[job])
    if pool[job] < 0:
        return Skipped(number, f"no partition {jobs.partitions[jobs.partition[job]]!r}")
    if jobs.gpus[job] and machine.placed and not machine.pools[pool[job]].gpus_per_node:
        return Skipped(number, f"asks {jobs.gpus[job]} GPUs of nodes without any")
    unit = "nodes" if machine.cores_per_node > 1 else "processors"
    return Skipped(number, f"asks {size[job]} {unit} of {machine.pools[pool[job]].processors}")


def _check_sums(jobs: Jobs, size: NDArray[np.int64]) -> None:
    """Refuse times and amounts whose sums are beyond 64 bits, or below 0, which stands for "never"."""
    if not 0 <= jobs.submit[0] <= jobs.submit[-1] <= LATEST or jobs.estimate.max() > LATEST:
        raise ValueError(f"times of the trace are below 0 or go beyond {LATEST:,} seconds")
    if float((size.astype(np.float64) * jobs.estimate).sum()) > 4e18:
        raise ValueError("jobs ask more processor-seconds in all than can be counted")
