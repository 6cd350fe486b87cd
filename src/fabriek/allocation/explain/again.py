"""Solving again: the same problem with one thing changed, with the same settings; counted, and never twice."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from fabriek.allocation.plan import Award, Plan
from fabriek.allocation.problem import Application, Problem, canonical, problem_sha256

Status = Literal["optimal", "gap", "time"]
_WORST: tuple[Status, ...] = ("optimal", "gap", "time")


class Enough(Exception):
    """As many problems were solved, or as many seconds spent, as were allowed."""


@dataclass(frozen=True)
class Settings:
    """Those of `solve`: the plan must have been made with them for its explanation to be about it."""

    gap: float = 1e-6
    seconds: float = 60.0
    threads: int = 2
    seed: int = 0


@dataclass
class Again:
    """most: how many problems may be solved. within: no other one is begun after so many seconds; None: no limit.
    solved: how many were. status: the worst of their plans."""

    problem: Problem
    settings: Settings
    most: int = 60
    progress: Callable[[str], None] | None = None
    within: float | None = None
    solved: int = 0
    status: Status = "optimal"
    _plans: dict[str, Plan] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.problem = canonical(self.problem)
        self._until = math.inf if self.within is None else time.monotonic() + self.within

    def solve(self, problem: Problem) -> Plan:
        """Its plan. Errors: Enough."""
        from fabriek.allocation.solve import solve  # here: solving explains its refusals

        key = problem_sha256(problem)
        if key not in self._plans:
            if self.solved >= self.most or time.monotonic() > self._until:
                raise Enough
            self.solved += 1
            if self.progress is not None:
                self.progress(f"solving again ({self.solved})")
            settings = self.settings
            self._plans[key] = solve(
                problem, gap=settings.gap, seconds=settings.seconds, threads=settings.threads, seed=settings.seed
            )
            self.status = worst(self.status, self._plans[key].status)
        return self._plans[key]

    def changed(self, application: Application, **fields: Any) -> Plan:
        """The plan if this application were another in these fields."""
        return self.solve(with_application(self.problem, application.model_copy(update=fields)))


def worst(*statuses: Status) -> Status:
    """The one that promises least."""
    return max(statuses, key=_WORST.index)


def with_application(problem: Problem, application: Application) -> Problem:
    """The problem with this application in place of the one of its id."""
    rows = [application if row.id == application.id else row for row in problem.applications]
    return problem.model_copy(update={"applications": rows})


def award_of(plan: Plan, application: str) -> Award | None:
    """What it is awarded."""
    return next((award for award in plan.awards if award.application == application), None)
