"""Simulating a study, in a process of its own (`conf.apart`). Knows no web framework and no database."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fabriek.conf.apart import Fault
from fabriek.foresight.figures import figures
from fabriek.foresight.policies import StudyPolicy, classes_of_accounts, simulated
from fabriek.foresight.repeats import Repeats, drawn
from fabriek.foresight.trace_files import unpacked
from fabriek.simulation.jobs import Jobs
from fabriek.simulation.policy import Machine
from fabriek.simulation.simulate import Schedule, simulate

MOST_PROGRAMMES = 40
"""That are told apart: of more of them nobody reads."""


@dataclass(frozen=True)
class Question:
    """What is to be simulated. trace: the file that `trace_files.packed` made."""

    trace: Path
    units: int
    before: StudyPolicy
    after: StudyPolicy
    repeats: Repeats


@dataclass(frozen=True)
class Answer:
    """text: `fabriek/study/1`. took: seconds, with those of compiling where it was the first time."""

    text: str
    took: float


def answer(question: Question, tell: Callable[[str], None]) -> Answer | Fault:
    """The figures. tell: called before each simulation with how many of how many are done ("3/42"), and at the end.

    The schedules are all kept until the end: of half a million jobs and 20 windows that is some 200 MB.
    """
    began = time.monotonic()
    repeats, most = question.repeats, 2 * question.repeats.pairs
    before: list[Schedule] = []
    after: list[Schedule] = []
    try:
        for pair in drawn(unpacked(question.trace.read_bytes()), repeats):
            for policy, jobs, done in zip((question.before, question.after), pair, (before, after), strict=True):
                tell(f"{len(before) + len(after)}/{most}")
                done.append(_simulated(jobs, question.units, policy))
    except OSError as error:
        return Fault(f"The workload's file can't be read: {error.strerror or error}.")
    except ValueError as fault:
        return Fault(str(fault))
    tell(f"{most}/{most}")
    whole = (before[0], after[0])
    if not any(schedule.ran.any() for schedule in (*before, *after)):
        return Fault("No job of the workload runs on a machine of this size.")
    counted = slice(1, None) if repeats.way == "windows" else slice(None)
    held = tuple(simulated(one, question.units, {}).held for one in (question.before, question.after))
    told = figures(
        before[counted], after[counted], whole, (held[0], held[1]), programmes=_are_told_apart(whole[1].jobs, repeats)
    )
    return Answer(json.dumps(told, separators=(",", ":"), allow_nan=False), time.monotonic() - began)


def _simulated(jobs: Jobs, units: int, policy: StudyPolicy) -> Schedule:
    return simulate(jobs, Machine.of(units), simulated(policy, units, classes_of_accounts(jobs)))


def _are_told_apart(jobs: Jobs, repeats: Repeats) -> bool:
    """Programmes are told of real jobs: of drawn ones there may be copies ("nl-ai~2")."""
    return repeats.way == "windows" and 1 < len(jobs.groups) <= MOST_PROGRAMMES
