"""Conservative backfill: every job gets a reservation when it comes, and nobody who comes later may move it back.

At each instant ends, then arrivals, then one pass. If a job ended before its estimate, reservations are moved forward:
once through the queue in its order, each taken out and put back at the earliest instant at which it fits. Then those
whose reservation is now start.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fabriek.simulation.compiled import ENDLESS, entry, jit
from fabriek.simulation.running import heap_pop, heap_push
from fabriek.simulation.state import HEAPED, PAIR


@jit
def _segment(when, held, instant):
    """Of the profile's segments, the one in which an instant lies."""
    low, high = 0, held - 1
    while low < high:
        middle = (low + high + 1) // 2
        if when[middle] <= instant:
            low = middle
        else:
            high = middle - 1
    return low


@jit
def _cut(when, free, held, instant):
    """Let a segment begin at this instant; returns its place and the number of segments."""
    place = _segment(when, held, instant)
    if when[place] == instant:
        return place, held
    for other in range(held, place + 1, -1):
        when[other], free[other] = when[other - 1], free[other - 1]
    when[place + 1], free[place + 1] = instant, free[place]
    return place + 1, held + 1


@jit
def _change(when, free, held, since, until, units):
    """So many units more are free from an instant until another; equal neighbours become one. Segments there are."""
    first, held = _cut(when, free, held, since)
    last, held = _cut(when, free, held, until)
    for place in range(first, last):
        free[place] += units
    # Only the two ends can have become equal to their neighbours.
    for place in (last, first):
        if place > 0 and free[place] == free[place - 1]:
            for other in range(place + 1, held):
                when[other - 1], free[other - 1] = when[other], free[other]
            held -= 1
    return held


@jit
def _earliest(when, free, held, since, size, estimate):
    """The earliest instant from which there is room for so long."""
    place = _segment(when, held, since)
    start = since
    while True:
        # From here on there is room up to `place`; go on until it lasts, or is not there.
        if free[place] < size:
            place += 1
            start = when[place]
        elif place + 1 == held or when[place + 1] >= start + estimate:
            return start
        else:
            place += 1


@entry
def _run(submit, run, estimate, size, whole, heap):
    count = len(submit)
    start = np.full(count, -1, np.int64)
    reserved = np.full(count, ENDLESS, np.int64)
    # A double chain of those that wait, in the order of submission; `count` is its beginning and end.
    following, preceding = np.full(count + 1, count, np.int64), np.full(count + 1, count, np.int64)
    when, free = np.empty(2 * count + 4, np.int64), np.empty(2 * count + 4, np.int64)
    when[0], free[0], held = -ENDLESS, whole, 1
    counts = np.zeros(1, np.int64)
    came, waiting = 0, 0
    nearest = ENDLESS
    while came < count or counts[HEAPED] > 0 or waiting > 0:
        now = min(submit[came] if came < count else ENDLESS, nearest)
        if counts[HEAPED] > 0:
            now = min(now, heap[0].when)
        # What is over is no longer in the profile.
        over = _segment(when, held, now)
        if over > 0:
            for place in range(over, held):
                when[place - over], free[place - over] = when[place], free[place]
            held -= over
        early = False
        while counts[HEAPED] > 0 and heap[0].when == now:
            job = heap_pop(heap, counts)
            estimated = start[job] + estimate[job]
            if estimated > now:
                held = _change(when, free, held, now, estimated, size[job])
                early = True
        job = following[count] if early else count
        while job != count:
            held = _change(when, free, held, reserved[job], reserved[job] + estimate[job], size[job])
            reserved[job] = _earliest(when, free, held, now, size[job], estimate[job])
            held = _change(when, free, held, reserved[job], reserved[job] + estimate[job], -size[job])
            job = following[job]
        while came < count and submit[came] == now:
            job = came
            reserved[job] = _earliest(when, free, held, now, size[job], estimate[job])
            held = _change(when, free, held, reserved[job], reserved[job] + estimate[job], -size[job])
            last = preceding[count]
            following[last], preceding[job], following[job], preceding[count] = job, last, count, job
            waiting += 1
            came += 1
        nearest = ENDLESS
        job = following[count]
        while job != count:
            if reserved[job] == now:
                start[job] = now
                heap_push(heap, counts, now + run[job], job)
                following[preceding[job]], preceding[following[job]] = following[job], preceding[job]
                waiting -= 1
            else:
                nearest = min(nearest, reserved[job])
            job = following[job]
    return start


def run_conservative(
    submit: NDArray[np.int64], run: NDArray[np.int64], estimate: NDArray[np.int64], size: NDArray[np.int64], whole: int
) -> NDArray[np.int64]:
    """Start by job, of jobs in the order of submission that all fit in `whole` units."""
    return _run(submit, run, estimate, size, whole, np.zeros(len(submit) + 1, PAIR))
