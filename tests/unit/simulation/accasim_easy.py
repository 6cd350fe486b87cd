"""What AccaSim 1.1.3 calls EASY backfilling, with its two defects, so that the difference is explained.

1. A reservation protects nobody: the allocator is handed an empty list of reserved nodes, so that every job that fits
   at the moment is started, however long it is.
2. The first in the queue isn't tried again before its reserved instant, though processors come free earlier.
"""

from __future__ import annotations

import heapq

from fabriek.simulation.jobs import Jobs


def accasim_easy(jobs: Jobs, whole: int) -> list[int]:
    """Start by job."""
    starts = [-1] * len(jobs)
    running: list[tuple[int, int]] = []
    queue: list[int] = []
    free, came = whole, 0
    blocked, reserved = False, None

    def begin(job: int, now: int) -> None:
        nonlocal free
        free -= int(jobs.processors[job])
        starts[job] = now
        heapq.heappush(running, (now + int(jobs.run[job]), job))
        queue.remove(job)

    while came < len(jobs) or running:
        now = min(jobs.submit[came : came + 1].tolist() + [end for end, _job in running[:1]])
        while running and running[0][0] == now:
            free += int(jobs.processors[heapq.heappop(running)[1]])
        while came < len(jobs) and jobs.submit[came] == now:
            queue.append(came)
            came += 1
        to_fill = queue[1:]
        if reserved is not None and reserved <= now and jobs.processors[queue[0]] <= free:
            begin(queue[0], now)
            blocked, reserved = False, None
        if not blocked:
            while queue and jobs.processors[queue[0]] <= free:
                begin(queue[0], now)
            if queue:
                blocked = True
                room = free
                ends = sorted((starts[job] + int(jobs.estimate[job]), starts[job], job) for _end, job in running)
                for end, _start, job in ends:
                    room += int(jobs.processors[job])
                    if room >= jobs.processors[queue[0]]:
                        reserved = end
                        break
            to_fill = queue[1:]
        for job in to_fill:
            if jobs.processors[job] <= free:
                begin(job, now)
    return starts
