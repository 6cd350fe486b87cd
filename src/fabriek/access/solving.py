"""What solves scenarios: takes up what is asked, solves each in a process of its own, keeps the answer.

It may be killed at any moment, and there may be several: who holds a scenario says so again and again (its lease); one
whose holder is silent is taken up once more. An answer is kept only from who holds the scenario at that moment, in one
transaction with its state, so that a cancelled or twice solved scenario has one answer or none.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from multiprocessing.connection import wait

from django.db import close_old_connections, transaction
from django.db.utils import OperationalError
from django.utils import timezone

from fabriek.access import apart
from fabriek.access.apart import Answer, Apart, Fault, Question, Step
from fabriek.access.models import RunState, Scenario, ScenarioAnswer, ScenarioRun
from fabriek.audit.actions import record

LEASE = timedelta(seconds=20)
RENEW = timedelta(seconds=5)
ATTEMPTS = 3
"""A scenario whose solver was lost so often is not tried again by itself: the problem may be what kills it."""

LOST = "Its solver was lost %s times. It may need more memory than there is; ask again once that is mended."


def question_of(scenario: Scenario) -> Question:
    """What the solver is asked: all of it is in the record."""
    return Question(scenario.problem, scenario.gap, scenario.seconds, scenario.seed)


def claim(solver: str, now: datetime | None = None, lease: timedelta = LEASE) -> Scenario | None:
    """Take up the scenario that waits longest; somebody of whom nothing is being solved comes first, so that one
    officer's many questions don't hold up another's one."""
    now = now or timezone.now()
    _back_from_the_lost(now)
    busy = set(ScenarioRun.objects.filter(state=RunState.SOLVING).values_list("scenario__asked_by", flat=True))
    waiting = ScenarioRun.objects.filter(state=RunState.ASKED).values_list("pk", "scenario__asked_by")
    for number, _person in sorted(waiting.order_by("asked_at", "pk"), key=lambda row: row[1] in busy):
        held = ScenarioRun.objects.filter(pk=number, state=RunState.ASKED).update(
            state=RunState.SOLVING, solver=solver, lease_until=now + lease, began_at=now, step=""
        )
        if held:
            return Scenario.objects.get(pk=number)
    return None


def _back_from_the_lost(now: datetime) -> None:
    lost = ScenarioRun.objects.filter(state=RunState.SOLVING, lease_until__lt=now)
    for run in lost:
        again = run.attempts + 1 < ATTEMPTS
        ScenarioRun.objects.filter(pk=run.pk, state=RunState.SOLVING, lease_until=run.lease_until).update(
            state=RunState.ASKED if again else RunState.FAILED,
            attempts=run.attempts + 1,
            solver="",
            lease_until=None,
            step="",
            fault="" if again else LOST % ATTEMPTS,
            ended_at=None if again else now,
        )


def renew(scenario: Scenario, solver: str, step: str, now: datetime | None = None, lease: timedelta = LEASE) -> bool:
    """Say that one still holds it, and what one does. False: it was cancelled, or given to another."""
    now = now or timezone.now()
    mine = ScenarioRun.objects.filter(pk=scenario.pk, state=RunState.SOLVING, solver=solver)
    return bool(mine.update(lease_until=now + lease, step=step[:60]))


@transaction.atomic
def keep(scenario: Scenario, solver: str, said: Answer | Fault) -> bool:
    """Keep the answer, or why there is none. False: this solver doesn't hold the scenario (any more)."""
    now = timezone.now()
    solved = isinstance(said, Answer)
    held = ScenarioRun.objects.filter(pk=scenario.pk, state=RunState.SOLVING, solver=solver).update(
        state=RunState.SOLVED if solved else RunState.FAILED,
        solver="",
        lease_until=None,
        step="",
        ended_at=now,
        fault="" if isinstance(said, Answer) else said.words[:2000],
    )
    if not held:
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
            solved_at=now,
        )
        record(None, "access.solve_scenario", scenario, value=plan["value"], bound=plan["bound"], status=plan["status"])
    else:
        record(None, "access.fail_scenario", scenario, why=said.words[:300])
    return True


def hold_here(scenario: Scenario) -> str:
    """Hold a scenario for solving it in this process, for as long as that may take. Returns the holder's name."""
    solver = f"here-{uuid.uuid4().hex[:12]}"
    now = timezone.now()
    ScenarioRun.objects.filter(pk=scenario.pk, state=RunState.ASKED).update(
        state=RunState.SOLVING, solver=solver, lease_until=now + _lease_here(scenario), began_at=now
    )
    return solver


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


@dataclass
class _Work:
    scenario: Scenario
    apart: Apart
    step: str = ""
    renewed: datetime = field(default_factory=timezone.now)


class Solver:
    """Solves what is asked, some at once. `tick` is one round: take up, listen, keep; it never waits."""

    def __init__(self, at_once: int = 2, start: Callable[[Question], Apart] = apart.start) -> None:
        self.name = f"solver-{uuid.uuid4().hex[:12]}"
        self.at_once = at_once
        self._start = start
        self.works: list[_Work] = []
        self.ended = 0
        """How many it has let go of: answered, failed or cancelled."""

    def tick(self) -> None:
        """One round. What is held is renewed before more is taken up: a round that came late must not take its own
        scenario for a lost one."""
        self._listen(list(self.works))
        while len(self.works) < self.at_once and (scenario := claim(self.name)) is not None:
            self.works.append(_Work(scenario, self._start(question_of(scenario))))
            self._listen(self.works[-1:])

    def _listen(self, works: list[_Work]) -> None:
        for work in works:
            if self._is_over(work):
                work.apart.stop()
                self.works.remove(work)
                self.ended += 1

    def _is_over(self, work: _Work) -> bool:
        step = work.step
        for message in work.apart.messages():
            if isinstance(message, Step):
                step = message.words
            elif isinstance(message, Answer | Fault):
                keep(work.scenario, self.name, message)
                return True
        now = timezone.now()
        if step == work.step and now - work.renewed < RENEW:
            # A cancelled scenario is let go of at once, not with the next lease.
            return not ScenarioRun.objects.filter(
                pk=work.scenario.pk, state=RunState.SOLVING, solver=self.name
            ).exists()
        work.step, work.renewed = step, now
        return not renew(work.scenario, self.name, step, now)

    def stop(self) -> None:
        """Let go of everything: it waits for the next solver."""
        for work in self.works:
            work.apart.stop()
            ScenarioRun.objects.filter(pk=work.scenario.pk, state=RunState.SOLVING, solver=self.name).update(
                state=RunState.ASKED, solver="", lease_until=None, step=""
            )
        self.works.clear()


def work(stopped: threading.Event, at_once: int = 2, until_idle: bool = False, pause: float = 0.5) -> int:
    """Solve until somebody says stop, or until nothing is asked any more. Returns how many scenarios ended."""
    solver = Solver(at_once)
    try:
        while not stopped.is_set():
            close_old_connections()
            # A database that is busy or away for a moment loses nothing: the next round finds the same.
            with suppress(OperationalError):
                solver.tick()
                if until_idle and not solver.works:
                    break
            pipes = [one.apart.pipe for one in solver.works]
            if not pipes or not wait(pipes, timeout=pause):
                stopped.wait(0 if pipes else pause)
    finally:
        with suppress(OperationalError):
            solver.stop()
    return solver.ended
