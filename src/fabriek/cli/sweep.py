"""`fabriek sweep`: many simulations that one file describes, here or on Slurm, that may be killed and gone on with."""

from __future__ import annotations

import fcntl
import json
import os
import sys
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from fabriek.cli.workload import BAD_INPUT, refusing

if TYPE_CHECKING:
    from fabriek.simulation.sweeps.grid import Grid, Point
    from fabriek.simulation.sweeps.kept import Kept
    from fabriek.simulation.sweeps.running import Failure

_FAILED = 1
_PIECES_EACH = 8
"""Pieces for each process: so many that none waits long for the last one."""
_NAMED = 10


def sweep(
    file: Annotated[Path, typer.Argument(metavar="SWEEP", help="What is varied: YAML, or JSON where it ends so.")],
    out: Annotated[Path, typer.Option(help="Where what ended is kept: the same again goes on from there.")],
    table: Annotated[
        Path | None, typer.Option(help="The results, CSV or .parquet; results.csv in --out where nothing is said.")
    ] = None,
    processes: Annotated[
        int | None, typer.Option(min=1, help="At once, on this machine; as many as it has cores.", show_default=False)
    ] = None,
    slurm: Annotated[bool, typer.Option("--slurm", help="Run as a job array of Slurm, by sbatch.")] = False,
    tasks: Annotated[int, typer.Option(min=1, help="Of the array; with --slurm.")] = 100,
    sbatch: Annotated[
        list[str] | None, typer.Option(help="One more of sbatch's options, like --sbatch=--time=60. May be repeated.")
    ] = None,
    piece: Annotated[
        str | None, typer.Option(help="3/100: that piece alone, from 0, for a job array of any scheduler.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was done as JSON.")] = False,
) -> None:
    """Simulate every combination of traces, loads, seeds, machines, policies and floors; a row for each run and class.

    Killed at any moment and started again it goes on: what ended isn't run again. Exit status 0; 1: some points could
    not be run, and are tried again the next time; 2: bad input.
    """
    from fabriek.simulation.sweeps.grid import grid_of
    from fabriek.simulation.sweeps.kept import Kept
    from fabriek.simulation.sweeps.running import Runner

    with refusing(file):
        grid = grid_of(file)
    kept = Kept(out)
    with refusing(out):
        kept.make()
    if piece is not None:
        _tell(Runner(grid, kept).run(_piece(grid.points, piece)))
        return
    with _alone(out):
        with Console(stderr=True).status("reading"), refusing(file):
            Runner(grid, kept).check()
        keys = {grid.key(point) for point in grid.points}
        before = kept.done_of(keys)
        with _bar(kept, keys, "on Slurm" if slurm else "simulated") as bar:
            if before == len(keys):
                failures: list[Failure] = []
            elif slurm:
                from fabriek.cli.sweep_on_slurm import run_on_slurm

                run_on_slurm(grid, kept, file, tasks, sbatch or [], bar)
                failures = []
            else:
                failures = _run_here(grid, kept, processes or len(os.sched_getaffinity(0)), bar)
        _write(grid, kept, table or out / "results.csv")
        done = kept.done_of(keys)
        if done == len(keys):
            kept.tidy()
    told = {"points": len(keys), "before": before, "now": done - before, "lacking": len(keys) - done}
    if as_json:
        print(json.dumps(told | {"table": str(table or out / "results.csv")}))
    else:
        print("{points:,} points: {now:,} run now, {before:,} before, {lacking:,} lacking.".format(**told))
    _tell(failures)
    if told["lacking"]:
        raise typer.Exit(_FAILED)


class Bar:
    """How many points ended, by their files, and a word beside."""

    def __init__(self, progress: Progress, kept: Kept, keys: Collection[str], word: str) -> None:
        self._progress, self._kept, self._keys, self._word = progress, kept, keys, word
        self._task = progress.add_task(word, total=len(keys))

    def tick(self, word: str = "") -> int:
        """Look again; how many ended."""
        done = self._kept.done_of(self._keys)
        self._progress.update(self._task, completed=done, description=word or self._word)
        return done


@contextmanager
def _bar(kept: Kept, keys: Collection[str], word: str) -> Iterator[Bar]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = Bar(progress, kept, keys, word)
        bar.tick()
        yield bar
        bar.tick()


def _run_here(grid: Grid, kept: Kept, processes: int, bar: Bar) -> list[Failure]:
    from fabriek.simulation.sweeps.grid import pieces
    from fabriek.simulation.sweeps.pool import run_on_cores

    ended = kept.keys()
    todo = [point for point in grid.points if grid.key(point) not in ended]
    try:
        return run_on_cores(grid, kept, pieces(todo, processes * _PIECES_EACH), processes, bar.tick)
    except BrokenProcessPool:
        print("A process was killed: for want of memory? With fewer --processes each has more.", file=sys.stderr)
        raise typer.Exit(_FAILED) from None


def _piece(points: Sequence[Point], said: str) -> Sequence[Point]:
    from fabriek.simulation.sweeps.grid import pieces

    number, slash, count = said.partition("/")
    if not (slash and number.isdecimal() and count.isdecimal() and int(number) < int(count)):
        raise typer.BadParameter(f"{said!r}; write 3/100, from 0/100 to 99/100", param_hint="--piece")
    cut = pieces(points, int(count))
    return cut[int(number)] if int(number) < len(cut) else []


def _write(grid: Grid, kept: Kept, path: Path) -> None:
    from fabriek.cli.simulated_figures import write_figures
    from fabriek.simulation.sweeps.running import table

    with refusing(path):
        write_figures(path, table(grid, kept))


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """One sweep a folder at a time: two would do everything twice."""
    with (out / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _refuse(f"{out}: a sweep is at work in this folder. Wait for it, or name another one.")
        yield


def _tell(failures: Sequence[Failure]) -> None:
    """Points that could not be run, on standard error."""
    for one in failures[:_NAMED]:
        print(f"{one.point}: {one.why}", file=sys.stderr)
    if len(failures) > _NAMED:
        print(f"and {len(failures) - _NAMED:,} more", file=sys.stderr)
    if failures:
        raise typer.Exit(_FAILED)


def _refuse(sentence: str) -> NoReturn:
    print(sentence, file=sys.stderr)
    raise typer.Exit(BAD_INPUT)
