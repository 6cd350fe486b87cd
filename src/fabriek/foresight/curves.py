"""How many jobs have started how long after they came: by class, with what chance alone would make of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from fabriek.simulation.answers import waits
from fabriek.simulation.simulate import Schedule

GRID = (
    0,
    60,
    300,
    900,
    1_800,
    3_600,
    7_200,
    14_400,
    28_800,
    43_200,
    86_400,
    172_800,
    345_600,
    604_800,
    1_209_600,
    2_592_000,
)
"""Seconds: from a minute to a month, each about twice the one before."""

Row = dict[str, Any]


def curve(schedule: Schedule, klass: str) -> NDArray[np.float64] | None:
    """The part of a class's jobs that started within each time of GRID. None: none of its jobs ran."""
    jobs = schedule.jobs
    if klass not in jobs.klasses:
        return None
    mine = np.sort(waits(schedule)[(jobs.klass == jobs.klasses.index(klass))[schedule.ran]])
    return np.searchsorted(mine, GRID, side="right") / len(mine) if len(mine) else None


def curves(schedules: Sequence[Schedule], klass: str) -> Row | None:
    """The mean of the curves of all repeats, and the bounds between which it is with 95 % confidence (Student's t);
    without bounds where there is one repeat."""
    found = [one for schedule in schedules if (one := curve(schedule, klass)) is not None]
    if not found:
        return None
    each = np.array(found)
    mean = each.mean(axis=0)
    told: Row = {"started": _rounded(mean)}
    if len(found) > 1:
        margin = student.ppf(0.975, len(found) - 1) * each.std(axis=0, ddof=1) / np.sqrt(len(found))
        told |= {"low": _rounded(np.maximum(mean - margin, 0)), "high": _rounded(np.minimum(mean + margin, 1))}
    return told


def last_needed(rows: Sequence[Row]) -> int:
    """How many times of GRID are worth drawing: up to the first at which nearly all jobs of all curves have started."""
    for place in range(1, len(GRID)):
        if all(row["started"][place] >= 0.995 for row in rows):
            return place + 1
    return len(GRID)


def _rounded(values: NDArray[np.float64]) -> list[float]:
    return [round(float(value), 4) for value in values]
