"""Which jobs ran on which units of the machine in a short time: a picture of the busiest hours.

The simulator counts units and says of no job which ones it had. Here each job gets the lowest units that are free when
it starts, so that no unit has two jobs at once; a job whose units don't lie together is drawn in pieces.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fabriek.simulation.simulate import Schedule

MOST_DRAWN = 400
"""Jobs. More of them can't be told apart on a page."""

_LONGEST, _SHORTEST = 2 * 86_400, 3_600

Row = dict[str, Any]


def busiest(before: Schedule, after: Schedule) -> tuple[int, int]:
    """The hours about the instant at which most jobs wait under today's policy: from and until, in seconds of the
    trace. At most two days, and shorter where more than MOST_DRAWN jobs would run in them."""
    ran = before.ran
    if not ran.any():
        return 0, _SHORTEST
    submit, start = before.jobs.submit[ran], before.start[ran]
    times = np.concatenate((submit, start))
    signs = np.concatenate((np.ones(len(submit)), -np.ones(len(start))))
    # Of one instant first who comes: a job that starts at once never waits beside others.
    order = np.lexsort((-signs, times))
    middle = int(times[order][np.argmax(np.cumsum(signs[order]))])
    length = _LONGEST
    while length > _SHORTEST and max(_running(one, middle, length) for one in (before, after)) > MOST_DRAWN:
        length //= 2
    since = max(middle - length // 2, int(submit[0]))
    return since, since + length


def _running(schedule: Schedule, middle: int, length: int) -> int:
    return int(_inside(schedule, middle - length // 2, middle + length // 2).sum())


def _inside(schedule: Schedule, since: int, until: int) -> NDArray[np.bool_]:
    return schedule.ran & (schedule.start < until) & (schedule.end > np.maximum(since, schedule.start))


def placed(schedule: Schedule, since: int, until: int) -> list[Row]:
    """The jobs that run between the two, the first start first, at most MOST_DRAWN (the largest): number, class, start,
    end, and `pieces`, each the first unit and how many."""
    machine = sum(pool.processors for pool in schedule.machine.pools)
    free_at = np.full(machine, np.iinfo(np.int64).min)
    jobs, rows = schedule.jobs, []
    chosen = np.flatnonzero(_inside(schedule, since, until))
    for job in chosen[np.argsort(schedule.start[chosen], kind="stable")].tolist():
        units = np.flatnonzero(free_at <= schedule.start[job])[: int(schedule.units[job])]
        free_at[units] = schedule.end[job]
        rows.append(
            {
                "job": int(jobs.number[job]),
                "class": jobs.klasses[jobs.klass[job]],
                "submit": int(jobs.submit[job]),
                "start": int(schedule.start[job]),
                "end": int(schedule.end[job]),
                "units": int(schedule.units[job]),
                "pieces": list(_pieces(units)),
            }
        )
    if len(rows) <= MOST_DRAWN:
        return rows
    largest = sorted(rows, key=lambda row: -row["units"] * (min(row["end"], until) - max(row["start"], since)))
    return sorted(largest[:MOST_DRAWN], key=lambda row: row["start"])


def _pieces(units: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Units that lie together: the first, and how many."""
    for part in np.split(units, np.flatnonzero(np.diff(units) > 1) + 1):
        yield int(part[0]), len(part)
