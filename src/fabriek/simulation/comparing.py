"""Two policies on the same jobs, several times over: how much longer or shorter each class waits, and how sure that is.

The times are windows of one trace, or workloads drawn with several seeds from what a trace shows, each run on an empty
machine. Both policies see the same jobs each time (common random numbers), so that differences are taken pair by pair:
what the jobs alone do to waits falls out. Student's t on these gives the interval of their mean: the paired-t interval
of Law, Simulation Modeling and Analysis (5th edition, 2015), 10.2.1, with 11.2 for what is in common. It is right where
pairs are independent and their mean is nearly normal. Seeds are independent, given the trace; windows follow one
another, and a queue that stands at the end of one isn't seen in the next. How often such intervals hold what is true
was counted: see `docs/explanation/comparing.md`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from scipy.stats import t as student

from fabriek.simulation.answers import Grouping, by_group, shares
from fabriek.simulation.jobs import Jobs
from fabriek.simulation.simulate import Schedule
from fabriek.simulation.workloads.synthetic import fitted, synthesise
from fabriek.simulation.workloads.trace import Trace

Measure = Literal["mean_wait", "median_wait", "wait_95", "mean_slowdown", "median_slowdown", "slowdown_95", "share"]
"""A figure of `Waiting`, or the share of use (`answers.shares`)."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Means over the `pairs` in which jobs of this name ran under both policies; seconds, or multiples of run times.

    The mean of `change` is between `low` and `high` with 95 % confidence (Student's t on the pairs' differences); with
    one pair nothing is known of that, and both are infinite.
    """

    before: float
    after: float
    change: float
    low: float
    high: float
    pairs: int

    @property
    def sure(self) -> bool:
        """Whether the change has a sign."""
        return self.low > 0 or self.high < 0


def windows(jobs: Jobs, count: int) -> list[Jobs]:
    """A trace cut into so many spans of equal time, by submission; those without jobs are left out."""
    if not len(jobs):
        return []
    edges = np.linspace(float(jobs.submit[0]), float(jobs.submit[-1]) + 1, count + 1)
    places = np.searchsorted(jobs.submit, edges)
    return [jobs.taken(np.arange(first, last)) for first, last in pairwise(places) if last > first]


def alike(trace: Trace, seeds: Iterable[int], weeks: float) -> list[Jobs]:
    """A workload of so many weeks for each seed, like a trace, as `workloads.synthetic` makes it where nothing is said.

    Errors: TooShort where the trace has no whole week; ValueError for weeks that are none.
    """
    fit = fitted(trace)
    return [synthesise(fit, weeks=weeks, seed=seed).jobs for seed in seeds]


def compared(
    before: Sequence[Schedule], after: Sequence[Schedule], grouping: Grouping, measure: Measure = "mean_wait"
) -> dict[str, Difference]:
    """By name, what the second policy changes; schedules of the same jobs are at the same place of both."""
    values: dict[str, list[tuple[float, float]]] = {}
    for one, other in zip(before, after, strict=True):
        old, new = _measured(one, grouping, measure), _measured(other, grouping, measure)
        for name in old.keys() & new.keys():
            values.setdefault(name, []).append((old[name], new[name]))
    return {name: _difference(np.array(pairs)) for name, pairs in sorted(values.items())}


def _measured(schedule: Schedule, grouping: Grouping, measure: Measure) -> dict[str, float]:
    if measure == "share":
        return shares(schedule, grouping)
    return {name: getattr(waiting, measure) for name, waiting in by_group(schedule, grouping).items()}


def _difference(pairs: np.ndarray) -> Difference:
    """Of an array of shape (pairs, 2)."""
    changes = pairs[:, 1] - pairs[:, 0]
    count, change = len(changes), float(changes.mean())
    margin = float("inf")
    if count > 1:
        margin = float(student.ppf(0.975, count - 1) * changes.std(ddof=1) / np.sqrt(count))
    return Difference(
        float(pairs[:, 0].mean()), float(pairs[:, 1].mean()), change, change - margin, change + margin, count
    )
