"""One point after the other: its workload made, its simulation run, its rows kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from zoneinfo import ZoneInfo

from fabriek.simulation.answers import outcome
from fabriek.simulation.jobs import Jobs
from fabriek.simulation.simulate import simulate
from fabriek.simulation.sweeps.grid import Grid, Point
from fabriek.simulation.sweeps.kept import Kept
from fabriek.simulation.sweeps.plan import SweepBroken, TraceFile
from fabriek.simulation.tables import Row, class_rows
from fabriek.simulation.workloads.classes import read_classes, with_classes
from fabriek.simulation.workloads.reading import read_trace
from fabriek.simulation.workloads.synthetic import Fitted, fitted, synthesise
from fabriek.simulation.workloads.trace import Trace


@dataclass(frozen=True, slots=True)
class Failure:
    """A point that could not be simulated, and why: it is tried again when the sweep is."""

    point: Point
    why: str


class Runner:
    """Runs points of a grid. Keeps the last traces and the last workload, which points in order have in common."""

    def __init__(self, grid: Grid, kept: Kept) -> None:
        self.grid, self.kept = grid, kept
        self.trace = lru_cache(maxsize=2)(self._trace)
        self._fitted = lru_cache(maxsize=2)(self._fit)
        self._jobs = lru_cache(maxsize=1)(self._workload)

    def run(self, points: Iterable[Point]) -> list[Failure]:
        """Run those that haven't ended yet; which could not be."""
        failures = []
        ended = self.kept.keys()
        for point in points:
            key = self.grid.key(point)
            if key in ended:
                continue
            try:
                self.kept.keep(key, self.rows(point))
            except ValueError as fault:
                failures.append(Failure(point, str(fault)))
            ended.add(key)
        return failures

    def rows(self, point: Point) -> list[Row]:
        """A row for each class that had jobs that ran, with the figures of the run as a whole beside.

        Errors: ValueError where the trace's jobs or the policy can't be simulated.
        """
        machine, policy = self.grid.asked(point)
        schedule = simulate(self._jobs(point.trace, point.seed, point.load), machine, policy)
        found = outcome(schedule)
        whole = {
            "never_started": found.stuck,
            "skipped": found.skipped,
            "utilisation": found.utilisation,
            "makespan": found.makespan,
            "lost_unit_seconds": found.lost,
        }
        return [row | whole for row in class_rows(schedule, policy.held)]

    def check(self) -> None:
        """See that every trace can be read, and has the classes that floors and loads name.

        Errors: SweepBroken; what reading a trace raises.
        """
        sweep = self.grid.sweep
        named = {klass for floor in sweep.floors.values() for klass in floor}
        named |= {klass for load in sweep.loads if isinstance(load, dict) for klass in load}
        for name, said in sweep.traces.items():
            try:
                there = set(self.trace(name).jobs.klasses)
                if sweep.seeds is not None:
                    self._fitted(name)
            except ValueError as fault:
                raise SweepBroken(f"traces.{name} ({said.file}): {fault}") from None
            if missing := named - there:
                classes = ", ".join(repr(one) for one in sorted(there))
                raise SweepBroken(f"no job of the trace {name} is of the class {min(missing)!r}; it has {classes}")

    def _workload(self, name: str, seed: int | None, load: str) -> Jobs:
        if seed is None:
            return self.trace(name).jobs
        sweep = self.grid.sweep
        loads = self.grid.loads[load]
        return synthesise(self._fitted(name), weeks=sweep.weeks, seed=seed, load=loads, near=sweep.near).jobs

    def _fit(self, name: str) -> Fitted:
        return fitted(self.trace(name))

    def _trace(self, name: str) -> Trace:
        said: TraceFile = self.grid.sweep.traces[name]
        folder = self.grid.folder
        trace = read_trace(folder / said.file, processors=said.processors, zone=ZoneInfo(said.zone))
        if said.classes is None:
            return trace
        return replace(trace, jobs=with_classes(trace.jobs, read_classes(folder / said.classes), said.class_of))


def table(grid: Grid, kept: Kept) -> list[Row]:
    """A row for each run that ended and class, in the order of the grid: the names of its point, then its figures."""
    ended = kept.keys()
    return [asdict(point) | row for point in grid.points if (key := grid.key(point)) in ended for row in kept.rows(key)]
