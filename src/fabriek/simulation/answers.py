"""What a schedule means to who waited, and to who paid for the machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fabriek.simulation.jobs import Jobs
from fabriek.simulation.setting_up import pool_of
from fabriek.simulation.simulate import Cause, Schedule

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
    """A whole schedule. `utilisation` is of all units, also those that are away, from the first submission to the last
    end (`makespan`, seconds); `lost` are unit-seconds of runs that were stopped, and of these `lost_to_failures` those
    of `failed_runs`, in hours of a node `lost_node_hours` (who has a part of one loses that part; None: there are no
    nodes); `away` are unit-seconds of outages within the makespan; `killed` jobs a failure ended for good; `stuck`
    jobs never started; `skipped` don't fit the machine."""

    waiting: Waiting
    utilisation: float
    makespan: int
    lost: int
    stuck: int
    skipped: int
    lost_to_failures: int = 0
    lost_node_hours: float | None = None
    failed_runs: int = 0
    away: int = 0
    killed: int = 0


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
    """Of the jobs that ran; of those that a failure ended, nought."""
    return (schedule.units * schedule.jobs.run * ~schedule.killed)[schedule.ran]


def outcome(schedule: Schedule) -> Outcome:
    """The figures of a schedule as a whole."""
    used = _unit_seconds(schedule)
    whole = sum(pool.processors for pool in schedule.machine.pools)
    makespan = int(schedule.end.max() - schedule.jobs.submit[0]) if len(used) else 0
    stopped, away = schedule.stopped, schedule.away
    failed = stopped.cause != Cause.PREEMPTED
    lost = (schedule.units[stopped.job] * (stopped.end - stopped.start))[failed]
    first = int(schedule.jobs.submit[0]) if len(schedule.jobs) else 0
    seconds = np.clip(np.minimum(away.until, first + makespan) - np.maximum(away.since, first), 0, None)
    return Outcome(
        waiting=_waiting(waits(schedule), bounded_slowdowns(schedule), used),
        utilisation=float(used.sum()) / whole / makespan if makespan else 0.0,
        makespan=makespan,
        lost=int(schedule.lost.sum()),
        stuck=int((~schedule.ran).sum()),
        skipped=len(schedule.skipped),
        lost_to_failures=int(lost.sum()),
        lost_node_hours=_node_hours(schedule, lost, stopped.job[failed]),
        failed_runs=int(failed.sum()),
        away=int((seconds * away.units).sum()),
        killed=int(schedule.killed.sum()),
    )


def _node_hours(schedule: Schedule, seconds: NDArray[np.int64], job: NDArray[np.int64]) -> float | None:
    """Unit-seconds of these jobs, in hours of nodes; None where the machine has none."""
    machine = schedule.machine
    if machine.cores_per_node > 1:
        return float(seconds.sum()) / 3600
    if not machine.placed:
        return None
    cores = np.array([pool.node_cores for pool in machine.pools])[pool_of(schedule.jobs, machine)[job]]
    return float((seconds / cores).sum()) / 3600


def by_group(schedule: Schedule, grouping: Grouping) -> dict[str, Waiting]:
    """How the jobs of each name waited, of the names that have jobs."""
    column = getattr(schedule.jobs, grouping)[schedule.ran]
    names = getattr(schedule.jobs, _NAMES[grouping])
    wait, slowdown, used = waits(schedule), bounded_slowdowns(schedule), _unit_seconds(schedule)
    return {
        names[one]: _waiting(wait[column == one], slowdown[column == one], used[column == one])
        for one in np.unique(column)
    }


@dataclass(frozen=True, slots=True)
class AtSite:
    """What became of jobs that ran at a site: how many of them `from_elsewhere`, and for how many seconds their data
    were moved, all together. `utilisation` is of the site's units over the makespan of all sites."""

    site: str
    jobs: int
    from_elsewhere: int
    moving_seconds: int
    waiting: Waiting
    utilisation: float


def by_site(schedule: Schedule) -> tuple[AtSite, ...]:
    """A row for each site, in the order of the machine's partitions; none where jobs aren't sent to sites."""
    routed, ran = schedule.routed, schedule.ran
    if routed is None:
        return ()
    wait, slowdown, used = waits(schedule), bounded_slowdowns(schedule), _unit_seconds(schedule)
    makespan, rows = outcome(schedule).makespan, []
    for place, pool in enumerate(schedule.machine.pools):
        here = routed.site[ran] == place
        found = _waiting(wait[here], slowdown[here], used[here])
        away = here & (routed.home[ran] != place)
        moving = int(routed.moving[ran][here].sum())
        share = found.unit_seconds / pool.processors / makespan if makespan else 0.0
        rows.append(AtSite(pool.name, found.jobs, int(away.sum()), moving, found, share))
    return tuple(rows)


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

    Exact: a job counts in a step with the seconds that it ran in it. Runs that were stopped are in `lost_through_time`.
    """
    jobs, useful = schedule.jobs, schedule.ran & ~schedule.killed
    spans = (schedule.start[useful], schedule.end[useful], schedule.units[useful])
    instants = _instants(schedule, step)
    return instants, _averages(instants, step, *spans, getattr(jobs, grouping)[useful], _names(jobs, grouping))


def lost_through_time(schedule: Schedule, grouping: Grouping, step: int) -> NDArray[np.float64]:
    """In the same steps, the mean number of units that each name used in vain, in runs that were stopped."""
    jobs, stopped = schedule.jobs, schedule.stopped
    spans = (stopped.start, stopped.end, schedule.units[stopped.job])
    column = getattr(jobs, grouping)[stopped.job]
    return _averages(_instants(schedule, step), step, *spans, column, _names(jobs, grouping))


def away_through_time(schedule: Schedule, step: int) -> NDArray[np.float64]:
    """In the same steps, the mean number of units that were away in outages: shape (steps,)."""
    away, instants = schedule.away, _instants(schedule, step)
    if not len(instants):
        return np.zeros(0)
    last = int(instants[-1]) + step
    since, until = np.clip(away.since, instants[0], last), np.clip(away.until, instants[0], last)
    return _averages(instants, step, since, until, away.units, np.zeros_like(since), 1)[:, 0]


def _names(jobs: Jobs, grouping: Grouping) -> int:
    return len(getattr(jobs, _NAMES[grouping]))


def _instants(schedule: Schedule, step: int) -> NDArray[np.int64]:
    """When steps begin, from the first submission to the last end of a run."""
    if not schedule.ran.any():
        return np.zeros(0, np.int64)
    last = max(int(schedule.end.max()), int(schedule.stopped.end.max(initial=0)))
    return np.arange(int(schedule.jobs.submit[0]), last, step)


def _averages(
    instants: NDArray[np.int64],
    step: int,
    since: NDArray[np.int64],
    until: NDArray[np.int64],
    units: NDArray[np.int64],
    column: NDArray[np.int64],
    columns: int,
) -> NDArray[np.float64]:
    """What spans of so many units come to in each step, by column."""
    steps = len(instants)
    if not steps:
        return np.zeros((0, columns))
    # The integral of use up to an instant is a sum of ramps; of each step, the difference at its two ends.
    whole = np.zeros((steps + 2, columns))
    for edge, sign in ((since - instants[0], 1.0), (until - instants[0], -1.0)):
        place, rest = edge // step, edge % step
        np.add.at(whole, (place, column), sign * units * (step - rest))
        np.add.at(whole, (place + 1, column), sign * units * rest)
    return np.cumsum(whole, axis=0)[:steps] / step
