"""How the tasks of an array stand in Slurm, whose controller forgets those that ended while the array goes on."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from fabriek.compute.engine import EngineError
from fabriek.compute.slurm.controller import Queued
from fabriek.compute.slurm.formats import state_of, tasks_in
from fabriek.compute.wire import ENDED

# Of an array that was not followed from its start, slurmdbd is asked so often for tasks that have ended: it may hear of
# them late.
LOOK_AGAIN = 60.0
Runs = Sequence[Mapping[str, str]]


@dataclass
class Forgotten:
    """Tasks of an array that goes on, which slurmctld forgets after MinJobAge: how they ended, or what slurmdbd last
    said of them; and from when on it is asked again."""

    states: dict[int, str] = field(default_factory=dict)
    look_at: float = math.inf

    def whole(self, queued: Sequence[Queued], now: float, accounted: Callable[[], Runs]) -> dict[int, str]:
        """The state of every task, among them those that ended long ago. accounted: asks slurmdbd, and may raise
        EngineError."""
        there = {int(task): state_of(line.state) for line in queued for task in line.tasks}
        if now >= self.look_at:
            # Without slurmdbd it is told as slurmctld remembers it, and asked again in the next round.
            with contextlib.suppress(EngineError):
                ended = {task: state for task, state in self.states.items() if state in ENDED}
                self.states = {**states_in(accounted()), **ended}
                self.look_at = now + LOOK_AGAIN
        whole = {**self.states, **there}
        self.states = {task: state for task, state in whole.items() if state in ENDED or task not in there}
        return whole


def is_of_array(queued: Sequence[Queued]) -> bool:
    """Whether these lines of the queue are all of an array's tasks."""
    return all(line.tasks != ("",) for line in queued)


def states_in(runs: Runs) -> dict[int, str]:
    """The state of each task, none where the runs are of no array. Those that never began have one line together, which
    may still name some that have a line of their own by now: that one counts."""
    whole_first = sorted(runs, key=lambda run: "[" not in run["JobID"])
    return {
        int(task): state_of(run["State"])
        for run in whole_first
        for task in tasks_in(run["JobID"].partition("_")[2])
        if task
    }
