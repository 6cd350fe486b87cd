"""A sweep as a job array: Slurm runs the pieces, each the same command; the files tell how far it is.

What ties the simulator to the engines, which don't know each other. Nothing is remembered here: Slurm knows the array
by the name that the folder gives it, and the folder what ended.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from fabriek.compute.engine import EngineError, EngineUnavailable
from fabriek.compute.slurm.arrays import own_commands, submit_array, tasks_left
from fabriek.simulation.sweeps.grid import Grid, pieces
from fabriek.simulation.sweeps.kept import Kept

if TYPE_CHECKING:
    from fabriek.cli.sweep import Bar

_LOOK = 2.0
"""Seconds between two looks at the files and at the queue."""
_LATE = 5
"""So many looks after the last task is gone a file may still come into sight, over a network."""


def run_on_slurm(grid: Grid, kept: Kept, file: Path, tasks: int, options: Sequence[str], bar: Bar) -> None:
    """Submit what isn't done, or find it where it was submitted before, and wait until nothing is left in the queue.

    Exits 1 where Slurm refuses it or doesn't answer; which points then lack is seen by the caller.
    """
    commands, name = own_commands(os.environ), array_name(kept)
    try:
        if not tasks_left(commands, name):
            cut, ended = pieces(grid.points, tasks), kept.keys()
            todo = [place for place, piece in enumerate(cut) if any(grid.key(point) not in ended for point in piece)]
            submit_array(commands, name, _script(file, kept.folder, len(cut)), todo, _logs(kept), options)
    except EngineError as error:
        print(f"Slurm: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    points, late = len(grid.points), 0
    while bar.tick() < points and late < _LATE:
        try:
            left = tasks_left(commands, name)
        except EngineUnavailable:
            bar.tick("Slurm doesn't answer")
        else:
            late = 0 if left else late + 1
            states = ", ".join(f"{count} {state.lower()}" for state, count in sorted(left.items()))
            bar.tick(f"tasks: {states}" if states else "tasks: over")
        time.sleep(_LOOK)
    if late == _LATE:
        print(f"The tasks ended before all points did; what they said is in {_logs(kept)}", file=sys.stderr)


def array_name(kept: Kept) -> str:
    """The array's name in Slurm: one for each folder."""
    return f"fabriek-sweep-{hashlib.sha256(str(kept.folder.resolve()).encode()).hexdigest()[:12]}"


def _logs(kept: Kept) -> Path:
    logs = kept.folder.resolve() / "slurm"
    logs.mkdir(exist_ok=True)
    return logs


def _script(file: Path, folder: Path, count: int) -> str:
    """What each task does. The shell reads words of ours, quoted, and the number of the task."""
    words = [sys.executable, "-m", "fabriek.cli.main", "sweep", str(file.resolve()), "--out", str(folder.resolve())]
    return f'#!/bin/sh\nexec {shlex.join(words)} --piece "$SLURM_ARRAY_TASK_ID/{count}"\n'
