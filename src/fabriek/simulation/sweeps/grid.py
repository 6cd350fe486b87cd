"""The points of a sweep, and by what each is known: a digest of all that its result depends on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise, product
from math import prod
from pathlib import Path

from fabriek import __version__
from fabriek.simulation.policy import BY_NAME, Held, Machine, Policy
from fabriek.simulation.rules import with_rules
from fabriek.simulation.simulate import check_combination
from fabriek.simulation.sweeps.plan import Sweep, SweepBroken, read_sweep

MOST_POINTS = 200_000


@dataclass(frozen=True, slots=True)
class Point:
    """The names of one run's place in each direction of the grid. seed None: the trace as it is."""

    trace: str
    seed: int | None
    load: str
    machine: str
    policy: str
    floor: str


@dataclass(frozen=True, slots=True)
class Grid:
    """A sweep with what its files say: `rules` by policy, the text, and `digests` of traces and of files of classes.

    It is what a process needs to run any of its points, and small.
    """

    sweep: Sweep
    folder: Path
    rules: dict[str, str]
    digests: dict[str, str]

    @property
    def points(self) -> list[Point]:
        """All of them, those of one workload together: it costs more to make than to run."""
        sweep = self.sweep
        every = product(sweep.traces, self.seeds, self.loads, sweep.machines, sweep.policies, sweep.floors)
        points = (Point(*names) for names in every)
        return [point for point in points if not any(_matches(point, one.model_dump()) for one in sweep.leave_out)]

    @property
    def seeds(self) -> Sequence[int | None]:
        """Of the synthetic workloads, or None alone."""
        said = self.sweep.seeds
        if said is None:
            return (None,)
        return range(1, said + 1) if isinstance(said, int) else said

    @property
    def loads(self) -> dict[str, float | dict[str, float]]:
        """By their names: "1.5", or "startup=2"."""
        return {_name_of(load): load for load in self.sweep.loads}

    def asked(self, point: Point) -> tuple[Machine, Policy]:
        """The machine and the policy of a point. Errors: ValueError where its rules can't be used."""
        said, size = self.sweep.policies[point.policy], self.sweep.machines[point.machine]
        machine = Machine.of(size.nodes, size.cores_per_node)
        policy = replace(BY_NAME[said.policy], kill_at_limit=said.kill_at_limit)
        if point.policy in self.rules:
            machine, policy = with_rules(self.rules[point.policy], machine, policy)
        floors = tuple(_floors(self.sweep.floors[point.floor], machine))
        return machine, replace(policy, held=(*policy.held, *floors))

    def key(self, point: Point) -> str:
        """The same for the same result: what a value is called, and what else the sweep has, don't matter."""
        sweep = self.sweep
        trace = sweep.traces[point.trace]
        depends_on = {
            "version": __version__,
            "trace": [
                self.digests[trace.file],
                self.digests[trace.classes] if trace.classes else "",
                trace.model_dump(exclude={"file", "classes"}),
            ],
            "workload": [point.seed, self.loads[point.load], sweep.weeks, sweep.near] if point.seed is not None else [],
            "machine": sweep.machines[point.machine].model_dump(),
            "policy": [sweep.policies[point.policy].model_dump(exclude={"rules"}), self.rules.get(point.policy)],
            "floors": sweep.floors[point.floor],
        }
        return hashlib.sha256(json.dumps(depends_on, sort_keys=True).encode()).hexdigest()[:32]


def grid_of(path: Path) -> Grid:
    """The grid that a file describes, once it is seen that every point can be simulated.

    What depends on a trace's own jobs is seen when it is read (`running.checked`).
    Errors: SweepBroken, with where; OSError, of the file itself.
    """
    sweep = read_sweep(path)
    folder = path.resolve().parent
    files = {name for one in sweep.traces.values() for name in (one.file, one.classes) if name}
    grid = Grid(
        sweep,
        folder,
        {name: _content(folder, one.rules).decode() for name, one in sweep.policies.items() if one.rules},
        {name: hashlib.sha256(_content(folder, name)).hexdigest() for name in files},
    )
    _check(grid)
    return grid


def _content(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except OSError as fault:
        raise SweepBroken(f"{name}: {fault.strerror or fault}") from None


def _check(grid: Grid) -> None:
    sweep = grid.sweep
    known = {
        "trace": list(sweep.traces),
        "machine": list(sweep.machines),
        "policy": list(sweep.policies),
        "floor": list(sweep.floors),
        "load": list(grid.loads),
    }
    count = len(grid.seeds) * prod(len(names) for names in known.values())
    if count > MOST_POINTS:
        raise SweepBroken(f"{count:,} points; a sweep has {MOST_POINTS:,} at most")
    if len(grid.loads) < len(sweep.loads) or len(set(grid.seeds)) < len(grid.seeds):
        raise SweepBroken("loads or seeds: one comes twice")
    for number, one in enumerate(sweep.leave_out):
        for axis, name in one.model_dump(exclude_none=True).items():
            if name not in (there := known[axis]):
                raise SweepBroken(f"leave_out.{number}.{axis}: there is no {name!r}; there are {', '.join(there)}")
    points = grid.points
    if not points:
        raise SweepBroken("leave_out: no point is left")
    firsts: dict[tuple[str, ...], Point] = {}
    for point in points:
        firsts.setdefault((point.machine, point.policy, point.floor), point)
    for point in firsts.values():
        try:
            check_combination(*grid.asked(point))
        except ValueError as fault:
            raise SweepBroken(
                f"machine {point.machine}, policy {point.policy}, floor {point.floor}: {fault}; "
                "change it, or name it in leave_out"
            ) from None


def pieces(points: Sequence[Point], count: int) -> list[Sequence[Point]]:
    """So many pieces, of as equal sizes as can be and none empty, in the order of the points."""
    count = min(count, len(points))
    edges = [len(points) * place // count for place in range(count + 1)] if count else []
    return [points[first:last] for first, last in pairwise(edges)]


def _matches(point: Point, names: dict[str, str | None]) -> bool:
    of_point = asdict(point)
    return all(name is None or of_point[axis] == name for axis, name in names.items())


def _name_of(load: float | dict[str, float]) -> str:
    if isinstance(load, dict):
        return " ".join(f"{klass}={factor:g}" for klass, factor in sorted(load.items()))
    return f"{load:g}"


def _floors(parts: dict[str, float], machine: Machine) -> Iterator[Held]:
    """A part of each partition, of at least one unit."""
    for klass, part in parts.items():
        for pool in machine.pools:
            yield Held(max(1, round(part * pool.processors)), klass, partition=pool.name)
