"""EASY backfilling as one writes it in plain Python: a heap, a sorted list, and the queue looked through."""

from __future__ import annotations

import heapq
from bisect import insort

import numpy as np
from numpy.typing import NDArray


def plain_easy(
    submits: NDArray[np.int64],
    runs: NDArray[np.int64],
    estimates: NDArray[np.int64],
    sizes: NDArray[np.int64],
    whole: int,
) -> list[int]:
    """Start by job, of jobs in the order of submission."""
    submit, run, estimate, size = submits.tolist(), runs.tolist(), estimates.tolist(), sizes.tolist()
    starts = [-1] * len(submit)
    ends: list[tuple[int, int]] = []
    expected: list[tuple[int, int]] = []
    queue: list[int] = []
    free, came, shadow, extra = whole, 0, 0, 0

    def begin(job: int, now: int) -> None:
        nonlocal free
        free -= size[job]
        starts[job] = now
        heapq.heappush(ends, (now + run[job], job))
        insort(expected, (now + estimate[job], job))

    while came < len(submit) or ends:
        now = min(submit[came] if came < len(submit) else ends[0][0], ends[0][0] if ends else submit[came])
        first_new, freed = len(queue), False
        while ends and ends[0][0] == now:
            _end, job = heapq.heappop(ends)
            free += size[job]
            expected.remove((starts[job] + estimate[job], job))
            freed = True
        while came < len(submit) and submit[came] == now:
            queue.append(came)
            came += 1
        if freed or first_new == 0:
            first_new = 0
            while first_new < len(queue) and size[queue[first_new]] <= free:
                begin(queue[first_new], now)
                first_new += 1
            del queue[:first_new]
            if not queue:
                continue
            room, first_new = free, 1
            for place, (end, job) in enumerate(expected):
                room += size[job]
                if room >= size[queue[0]] and (place + 1 == len(expected) or expected[place + 1][0] > end):
                    shadow, extra = end, room - size[queue[0]]
                    break
        kept = queue[:first_new]
        for job in queue[first_new:]:
            if size[job] <= free and (now + estimate[job] <= shadow or size[job] <= extra):
                if now + estimate[job] > shadow:
                    extra -= size[job]
                begin(job, now)
            else:
                kept.append(job)
        queue = kept
    return starts
