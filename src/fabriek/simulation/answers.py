"""What a schedule means to who waited, and to who paid for the machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fabriek.simulation.simulate import Schedule

SHORT = 10
"""Seconds: shorter jobs count as long as this in slowdowns, so that one of a second doesn't outweigh all."""

Grouping = Literal["klass", "account", "user", "group", "partition", "qos"]
_NAMES = {
    "klass": "klasses",
    "account": "accounts",
    "user": "users",
    "group": "groups",
    "partition": "partitions",
    "qos": "qoses",
}


@dataclass(frozen=True, slots=True)
class Waiting:
    """How some jobs waited. Seconds, and for bounded slowdowns, multiples of the run time; 0 where no job ran."""

    jobs: int
    mean_wait: float
    median_wait: float
    wait_95: float
    longest_wait: float
    mean_slowdown: float
    median_slowdown: float
    slowdown_95: float
    unit_seconds: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """A whole schedule. `utilisation` is of all units from the first submission to the last end (`makespan`, seconds);
    `lost` are unit-seconds that preemption made void; `stuck` jobs never started; `skipped` don't fit the machine."""

    waiting: Waiting
    utilisation: float
    makespan: int
    lost: int
    stuck: int
    skipped: int


def waits(schedule: Schedule) -> NDArray[np.int64]:
    """Seconds from submission to the start of the last run, of the jobs that ran."""
    return (schedule.start - schedule.jobs.submit)[schedule.ran]


def bounded_slowdowns(schedule: Schedule) -> NDArray[np.float64]:
    """(wait + run) / run, of jobs shorter than `SHORT` by that, and never below 1; of the jobs that ran."""
    wait, run = waits(schedule), schedule.jobs.run[schedule.ran]
    return np.maximum((wait + run) / np.maximum(run, SHORT), 1.0)


def _waiting(wait: NDArray[np.int64], slowdown: NDArray[np.float64], unit_seconds: NDArray[np.int64]) -> Waiting:
    if not len(wait):
        return Waiting(0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0)
    return Waiting(
        jobs=len(wait),
        mean_wait=float(wait.mean()),
        median_wait=float(np.median(wait)),
        wait_95=float(np.quantile(wait, 0.95)),
        longest_wait=float(wait.max()),
        mean_slowdown=float(slowdown.mean()),
        median_slowdown=float(np.median(slowdown)),
        slowdown_95=float(np.quantile(slowdown, 0.95)),
        unit_seconds=int(unit_seconds.sum()),
    )


def _unit_seconds(schedule: Schedule) -> NDArray[np.int64]:
    return (schedule.units * schedule.jobs.run)[schedule.ran]


def outcome(schedule: Schedule) -> Outcome:
    """The figures of a schedule as a whole."""
    used = _unit_seconds(schedule)
    whole = sum(pool.processors for pool in schedule.machine.pools)
    makespan = int(schedule.end.max() - schedule.jobs.submit[0]) if len(used) else 0
    return Outcome(
        waiting=_waiting(waits(schedule), bounded_slowdowns(schedule), used),
        utilisation=float(used.sum()) / whole / makespan if makespan else 0.0,
        makespan=makespan,
        lost=int(schedule.lost.sum()),
        stuck=int((~schedule.ran).sum()),
        skipped=len(schedule.skipped),
    )


def by_group(schedule: Schedule, grouping: Grouping) -> dict[str, Waiting]:
    """How the jobs of each name waited, of the names that have jobs."""
    column = getattr(schedule.jobs, grouping)[schedule.ran]
    names = getattr(schedule.jobs, _NAMES[grouping])
    wait, slowdown, used = waits(schedule), bounded_slowdowns(schedule), _unit_seconds(schedule)
    return {
        names[one]: _waiting(wait[column == one], slowdown[column == one], used[column == one])
        for one in np.unique(column)
    }


def shares(schedule: Schedule, grouping: Grouping) -> dict[str, float]:
    """What part each name had of all use while jobs were still submitted, of the names that have jobs that ran.

    Of the whole time there would be nothing to tell: in the end every job has run, under whatever policy.
    """
    jobs, ran = schedule.jobs, schedule.ran
    if not ran.any():
        return {}
    names, column = getattr(jobs, _NAMES[grouping]), getattr(jobs, grouping)[ran]
    seconds = np.clip(np.minimum(schedule.end[ran], jobs.submit[-1] + 1) - schedule.start[ran], 0, None)
    used = np.bincount(column, weights=seconds * schedule.units[ran], minlength=len(names))
    return {names[one]: float(used[one] / max(used.sum(), 1.0)) for one in np.unique(column)}


def use_through_time(
    schedule: Schedule, grouping: Grouping, step: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """When each step begins, and the mean number of units that each name used in it: shape (steps, names).

    Exact: a job counts in a step with the seconds that it ran in it. Runs that preemption stopped aren't counted.
    """
    jobs, ran = schedule.jobs, schedule.ran
    names = getattr(jobs, _NAMES[grouping])
    if not ran.any():
        return np.zeros(0, np.int64), np.zeros((0, len(names)))
    first = int(jobs.submit[0])
    steps = -(-int(schedule.end.max() - first) // step)
    column, units = getattr(jobs, grouping)[ran], schedule.units[ran]
    # The integral of use up to an instant is a sum of ramps; of each step, the difference at its two ends.
    whole = np.zeros((steps + 2, len(names)))
    for instant, sign in ((schedule.start[ran] - first, 1.0), (schedule.end[ran] - first, -1.0)):
        place, rest = instant // step, instant % step
        np.add.at(whole, (place, column), sign * units * (step - rest))
        np.add.at(whole, (place + 1, column), sign * units * rest)
    return first + step * np.arange(steps), np.cumsum(whole, axis=0)[:steps] / step
