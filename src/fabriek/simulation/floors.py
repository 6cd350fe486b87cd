"""Floors as promises: what a class was promised of the machine, what it reached, and whether the promise was kept."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fabriek.simulation.policy import Held
from fabriek.simulation.simulate import Schedule


@dataclass(frozen=True, slots=True)
class Floor:
    """A floor over the time in which jobs were submitted, as far as it was in force.

    `promised` and `reached` are parts of the partition's units, on average; a class that asks for less than its floor
    reaches less, and that breaks nothing. `broken_seconds`: how long a job of the class waited that what the class had
    left of its floor would have held. Runs that preemption stopped aren't counted.
    """

    klass: str
    partition: str
    units: int
    promised: float
    reached: float
    broken_seconds: int

    @property
    def kept(self) -> bool:
        """Whether no job had to wait beside a floor that had room for it."""
        return self.broken_seconds == 0


def floors(schedule: Schedule, held: Sequence[Held]) -> tuple[Floor, ...]:
    """What became of each floor and advance reservation of these, on the schedule of any policy: one that doesn't hold
    them shows what the promise would have been worth without."""
    if not len(schedule.jobs):
        return ()
    return tuple(_floor(schedule, one, one.klass) for one in held if one.klass is not None)


def _floor(schedule: Schedule, held: Held, klass: str) -> Floor:
    jobs = schedule.jobs
    first, last = int(jobs.submit[0]), int(jobs.submit[-1])
    since = first if held.since is None else max(first, held.since)
    until = last if held.until is None else min(last, held.until)
    whole = sum(pool.processors for pool in schedule.machine.pools if pool.name == held.partition)
    mine = np.array([name == klass for name in jobs.klasses])[jobs.klass]
    if len(schedule.machine.pools) > 1:
        mine &= np.array([name == held.partition for name in jobs.partitions])[jobs.partition]
    if until <= since or not whole:
        return Floor(klass, held.partition, held.processors, held.processors / whole if whole else 0.0, 0.0, 0)
    start, end, units = schedule.start[mine], schedule.end[mine], schedule.units[mine]
    inside = np.clip(np.minimum(end, until) - np.maximum(start, since), 0, None)
    reached = float((inside * units)[start >= 0].sum()) / whole / (until - since)
    started = np.where(start >= 0, start, until)
    broken = _broken(jobs.submit[mine], started, end, units, held.processors, since, until)
    return Floor(klass, held.partition, held.processors, held.processors / whole, reached, broken)


def _broken(
    submit: np.ndarray, start: np.ndarray, end: np.ndarray, units: np.ndarray, floor: int, since: int, until: int
) -> int:
    """Seconds from `since` to `until` in which the smallest job that waits fits in what the class's floor has left.

    Jobs that never started wait until the end: their `start` is `until`, and they leave the walk there.
    """
    jobs = np.arange(len(submit))
    kinds = (np.repeat(kind, len(jobs)) for kind in (0, 1, 2))
    when, kind, job = (np.concatenate(parts) for parts in ((end, start, submit), tuple(kinds), (jobs, jobs, jobs)))
    order = np.argsort(when, kind="stable")
    waits = np.zeros(len(jobs), np.bool_)
    waiting: list[tuple[int, int]] = []
    used, broken, before = 0, 0, since
    for instant, what, one in zip(when[order].tolist(), kind[order].tolist(), job[order].tolist(), strict=True):
        now = min(max(instant, since), until)
        if now > before:
            while waiting and not waits[waiting[0][1]]:
                heapq.heappop(waiting)
            if waiting and used + waiting[0][0] <= floor:
                broken += now - before
            before = now
        if what == 2 and start[one] > instant:
            waits[one] = True
            heapq.heappush(waiting, (int(units[one]), one))
        elif what == 1:
            waits[one] = False
            used += int(units[one])
        elif what == 0 and end[one] >= 0:
            used -= int(units[one])
    return broken
