"""What solves scenarios: takes up what is asked, solves each in a process of its own, keeps the answer.

How one is held, lost and taken up again is told in `conf.leases`. An answer is kept in one transaction with its
scenario's state, so that a cancelled or twice solved scenario has one answer or none.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from fabriek.access import apart
from fabriek.access.apart import Answer, Apart, Fault, Question
from fabriek.access.models import RunState, Scenario, ScenarioAnswer, ScenarioRun
from fabriek.audit.actions import record
from fabriek.conf.leases import ATTEMPTS, LEASE, Line, Worker, work_at

__all__ = [
    "ATTEMPTS",
    "LEASE",
    "LINE",
    "Solver",
    "claim",
    "hold_here",
    "keep",
    "question_of",
    "renew",
    "solve_here",
    "work",
]

LINE = Line(
    ScenarioRun,
    working=RunState.SOLVING,
    done=RunState.SOLVED,
    asker="scenario__asked_by",
    lost="Its solver was lost %s times. It may need more memory than there is; ask again once that is mended.",
)


def question_of(scenario: Scenario) -> Question:
    """What the solver is asked: all of it is in the record."""
    return Question(scenario.problem, scenario.gap, scenario.seconds, scenario.seed)


def claim(solver: str, now: datetime | None = None, lease: timedelta = LEASE) -> Scenario | None:
    """Take up the scenario that is next."""
    key = LINE.claim(solver, now, lease)
    return None if key is None else Scenario.objects.get(pk=key)


def renew(scenario: Scenario, solver: str, step: str, now: datetime | None = None, lease: timedelta = LEASE) -> bool:
    """Say that one still holds it, and what one does. False: it was cancelled, or given to another."""
    return LINE.renew(scenario.pk, solver, step, now, lease)


@transaction.atomic
def keep(scenario: Scenario, solver: str, said: Answer | Fault) -> bool:
    """Keep the answer, or why there is none. False: this solver doesn't hold the scenario (any more)."""
    if not LINE.end(scenario.pk, solver, said.words if isinstance(said, Fault) else ""):
        return False
    if isinstance(said, Answer):
        plan = json.loads(said.plan)
        ScenarioAnswer.objects.create(
            scenario=scenario,
            plan=said.plan,
            value=plan["value"],
            bound=plan["bound"],
            gap=plan["gap"],
            status=plan["status"],
            awarded=len(plan["awards"]),
            gpu_hours=sum(award["hours"] for award in plan["awards"]),
            shortfalls=sum(promise["shortfall"] > 0 for promise in plan["promises"]),
            greedy_value=said.greedy_value,
            took=said.took,
            solved_at=timezone.now(),
        )
        record(None, "access.solve_scenario", scenario, value=plan["value"], bound=plan["bound"], status=plan["status"])
    else:
        record(None, "access.fail_scenario", scenario, why=said.words[:300])
    return True


def hold_here(scenario: Scenario) -> str:
    """Hold a scenario for solving it in this process, for as long as that may take. Returns the holder's name."""
    return LINE.hold_here(scenario.pk, _lease_here(scenario))


def solve_here(scenario: Scenario, solver: str, progress: Callable[[str], None] | None = None) -> bool:
    """Solve in this process while one waits (demonstration, scripts). False: it was cancelled, or given to another."""

    def tell(step: str) -> None:
        renew(scenario, solver, step, lease=_lease_here(scenario))
        if progress:
            progress(step)

    return keep(scenario, solver, apart.answer(question_of(scenario), tell))


def _lease_here(scenario: Scenario) -> timedelta:
    """Nobody renews the lease while the solver has the process to itself."""
    return timedelta(seconds=2 * scenario.seconds + 120)


class Solver(Worker):
    """Solves what is asked, some at once."""

    def __init__(self, at_once: int = 2, start: Callable[[Question], Apart] = apart.start) -> None:
        def begin(key: Any) -> Apart:
            return start(question_of(Scenario.objects.get(pk=key)))

        def keep_of(key: Any, solver: str, said: Answer | Fault) -> bool:
            return keep(Scenario.objects.get(pk=key), solver, said)

        super().__init__(LINE, begin, keep_of, at_once)


def work(stopped: threading.Event, at_once: int = 2, until_idle: bool = False) -> int:
    """Solve until somebody says stop, or until nothing is asked any more. Returns how many scenarios ended."""
    return work_at(Solver(at_once), stopped, until_idle)
