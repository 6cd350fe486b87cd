"""Pieces of a sweep on the cores of this machine."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from multiprocessing.connection import wait as wait_for

from fabriek.simulation.sweeps.grid import Grid, Point
from fabriek.simulation.sweeps.kept import Kept
from fabriek.simulation.sweeps.running import Failure, Runner

_TICK = 0.5
"""Seconds between two looks at what was done."""

_runner: Runner
"""Of this process, where it is one of a pool's."""


def run_on_cores(
    grid: Grid, kept: Kept, todo: Sequence[Sequence[Point]], processes: int, tick: Callable[[], object]
) -> list[Failure]:
    """Run the pieces in so many processes, which end with this one, however it ends; calls `tick` now and then.

    Errors: BrokenProcessPool where one of them was killed.
    """
    # Not forked from here: this process has threads, and numba is loaded once for all.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    failures: list[Failure] = []
    with ProcessPoolExecutor(processes, context, initializer=_begin, initargs=(grid, kept)) as pool:
        waiting = {pool.submit(_run, piece) for piece in todo}
        try:
            while waiting:
                done, waiting = wait(waiting, timeout=_TICK, return_when=FIRST_COMPLETED)
                for one in done:
                    failures += one.result()
                tick()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return failures


def _begin(grid: Grid, kept: Kept) -> None:
    global _runner
    _runner = Runner(grid, kept)
    # Ctrl-C ends it at once, without a word: what it has begun is begun again.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Who is killed doesn't tell its pool, and a worker would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for([parent.sentinel])
        os._exit(1)


def _run(piece: Sequence[Point]) -> list[Failure]:
    return _runner.run(piece)
