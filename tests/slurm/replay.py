"""A simulated schedule replayed on a real Slurm, with events for a clock, so that a busy machine changes nothing.

Each simulated instant is one step: the job that ends in it is let go, and once it is gone those that arrive in it are
submitted, and then Slurm has time to do what the simulation did. Nothing is asked of when, only of which jobs run after
each step. Times that jobs ask are hours while steps take seconds, so that how long a step really took makes no
difference to a reservation.

What happens at once in the simulation comes one after the other here, and Slurm decides in between. So no two jobs may
end in one instant, and who arrives in it has to be last in the queue, as without priorities: then it comes to the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tests.slurm.test_bed import submit, until

from fabriek.demo.slurm import Bed
from fabriek.simulation.jobs import Jobs, jobs_of
from fabriek.simulation.simulate import Schedule

ACCOUNT = "replayed"
PATIENCE = 120.0
"""Seconds after which Slurm won't do any more what the simulation did."""
QUIET = 2.5
"""Seconds in which nothing more starts: two of Slurm's rounds, of a second each."""

AT_ONCE = f"CompleteWait={PATIENCE:.0f}"
"""All nodes of a job that ends are free before Slurm gives any of them away, as in the simulation; by default it may
give the first ones away while the last ones are still cleaned up."""

QUICK = "bf_interval=1,sched_interval=1,sched_min_interval=0,batch_sched_delay=0"
"""Slurm's schedulers look every second: the same decisions as with its defaults, sooner."""


def crowd(seed: int, count: int, whole: int) -> Jobs:
    """Jobs of 1 to `whole` processors, most of which wait; no two ask the same time."""
    draws = np.random.default_rng(seed)
    return jobs_of(
        2 * np.sort(draws.choice(np.arange(count * 3), count, replace=False)),
        1 + 2 * draws.integers(2, 12, count),
        np.minimum(draws.integers(1, whole + 1, count), draws.integers(1, whole + 1, count)),
        estimate=3_600 * draws.permutation(np.arange(1, count + 1)),
    )


def values(lines: Iterable[str]) -> dict[str, str]:
    """The names and values of `name=value` or `name = value`; comments are left out."""
    pairs = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, _, value in pairs}


def configure(bed: Bed, cluster: str, lines: Sequence[str]) -> None:
    """Put these lines of slurm.conf in the place of those of the same names, and start slurmctld anew."""
    bed.stop(f"slurmctld-{cluster}")
    conf = bed.folder / cluster / "slurm.conf"
    kept = [line for line in conf.read_text().splitlines() if line.partition("=")[0] not in values(lines)]
    conf.write_text("\n".join((*kept, *lines, "")))
    bed.start(f"slurmctld-{cluster}")
    bed.wait_until_idle()


@dataclass(frozen=True)
class Step:
    """Which jobs run after an instant, by number: as simulated, and in Slurm."""

    instant: int
    simulated: frozenset[int]
    found: frozenset[int]


class Replay:
    """A schedule on a cluster of a bed, as jobs of somebody's who may run there.

    Raises ValueError for a schedule in which two jobs end in one instant.
    """

    def __init__(
        self, bed: Bed, cluster: str, user: str, folder: Path, schedule: Schedule, patience: float = PATIENCE
    ) -> None:
        self._bed, self._cluster, self._user, self._schedule = bed, cluster, user, schedule
        self._folder, self._patience = folder, patience
        ends, times = np.unique(schedule.end, return_counts=True)
        if (times > 1).any():
            raise ValueError(f"jobs end together at {ends[times > 1]}: what Slurm does in between is not simulated")
        folder.mkdir()

    def steps(self, options: Callable[[int], Sequence[str]] = lambda _place: ()) -> list[Step]:
        """All steps, as far as Slurm does what was simulated: the last one is the first that differs, if any.

        options: more of sbatch's, by the job's place.
        """
        jobs, start, end = self._schedule.jobs, self._schedule.start, self._schedule.end
        steps: list[Step] = []
        for instant in np.unique(np.concatenate((jobs.submit, end))).tolist():
            for number in jobs.number[end == instant].tolist():
                (self._folder / f"end-{number}").touch()
                until(lambda number=number: number not in self._running())
            for place in np.flatnonzero(jobs.submit == instant).tolist():
                self._submit(place, options(place))
            expected = frozenset(jobs.number[(start <= instant) & (instant < end)].tolist())
            steps.append(Step(instant, expected, self._settled(expected)))
            if steps[-1].found != expected:
                break
        self._clear()
        return steps

    def _clear(self) -> None:
        """End what still runs or waits, which is something only where Slurm did otherwise."""
        for number in self._schedule.jobs.number.tolist():
            (self._folder / f"end-{number}").touch()
        self._bed.run(self._cluster, "scancel", f"--user={self._user}")
        until(lambda: not self._bed.run(self._cluster, "squeue", "-h"))

    def _submit(self, place: int, options: Sequence[str]) -> None:
        jobs = self._schedule.jobs
        number, size = int(jobs.number[place]), int(jobs.processors[place])
        submit(
            self._bed, self._cluster, self._user, ACCOUNT,
            f"until [ -e '{self._folder}/end-{number}' ]; do sleep 0.1; done",
            f"--job-name={number}", f"--ntasks={size}", f"--time={jobs.estimate[place] // 60}",
            "--mem-per-cpu=1", *options,
        )  # fmt: skip

    def _settled(self, expected: frozenset[int]) -> frozenset[int]:
        """Which jobs run once it is what was expected and stays so, or once that is no more to be hoped for."""
        begun, since = time.monotonic(), None
        while True:
            found, now = self._running(), time.monotonic()
            since = (since or now) if found == expected else None
            if (since is not None and now - since > QUIET) or now - begun > self._patience:
                return found
            time.sleep(0.2)

    def _running(self) -> frozenset[int]:
        """A job that has been let go runs until Slurm has cleared up behind it."""
        said = self._bed.run(self._cluster, "squeue", "-h", "--states=RUNNING,COMPLETING", "--format=%j")
        return frozenset(map(int, said.split()))
