"""Solving and explaining in a process of its own (`conf.apart`). Knows no web framework and no database: texts in,
messages out."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fabriek.allocation.explain import explain_application, explain_below, price_partitions, price_promises
from fabriek.allocation.greedy import by_rank
from fabriek.allocation.plan import load_plan
from fabriek.allocation.problem import Application, load_problem
from fabriek.allocation.solve import solve
from fabriek.allocation.verify import verify
from fabriek.conf import apart
from fabriek.conf.apart import Apart, Fault, Step

__all__ = [
    "Answer",
    "Apart",
    "Fault",
    "Message",
    "Question",
    "Step",
    "Told",
    "Why",
    "answer",
    "answered",
    "explain",
    "start",
]


@dataclass(frozen=True)
class Question:
    """What the solver is asked. problem: the text of `fabriek/problem/1`."""

    problem: str
    gap: float
    seconds: float
    seed: int


@dataclass(frozen=True)
class Answer:
    """plan: the text of `fabriek/plan/1`. greedy_value: what rank order gives. took: seconds of solving."""

    plan: str
    greedy_value: float
    took: float


@dataclass(frozen=True)
class Why:
    """What is asked of a plan. of: application, promises or partitions; application: its row of the problem as JSON,
    for one that is below its call's threshold and so isn't in the problem; solves, within: how much may be solved
    again, in problems and in seconds. The settings are those that the plan was made with."""

    problem: str
    plan: str
    gap: float
    seconds: float
    seed: int
    of: str
    code: str = ""
    application: str = ""
    threshold: float = 0.0
    solves: int = 60
    within: float = 180.0


@dataclass(frozen=True)
class Told:
    """text: `fabriek/explanation/1`, or a JSON list of prices."""

    text: str


Message = Answer | Told | Step | Fault


def answer(question: Question, tell: Callable[[str], None] | None = None) -> Answer | Fault:
    """The plan, checked by independent code before anybody sees it. tell: called with each step."""
    say = tell or (lambda _words: None)
    began = time.monotonic()
    problem = load_problem(question.problem.encode())
    plan = solve(problem, gap=question.gap, seconds=question.seconds, seed=question.seed, progress=say)
    took = time.monotonic() - began
    say("rank order, to compare")
    ranked = by_rank(problem)
    say("check without the solver")
    text = plan.to_json()
    faults = verify(problem, load_plan(text))
    if faults:
        return Fault(f"The plan does not hold: {faults[0]}")
    return Answer(text, ranked.value, took)


def explain(question: Why, tell: Callable[[str], None] | None = None) -> Told:
    """The explanation, by solving again. tell: called before each solving."""
    say = tell or (lambda _words: None)
    problem, plan = load_problem(question.problem.encode()), load_plan(question.plan)
    settings: dict[str, Any] = {
        "gap": question.gap,
        "seconds": question.seconds,
        "seed": question.seed,
        "within": question.within,
        "progress": say,
    }
    if question.of == "promises":
        prices: list[Any] = list(price_promises(problem, plan, **settings))
    elif question.of == "partitions":
        prices = list(price_partitions(problem, plan, **settings))
    else:
        settings["solves"] = question.solves
        if question.application:
            row = Application.model_validate_json(question.application)
            told = explain_below(problem, plan, row, question.threshold, **settings)
        else:
            told = explain_application(problem, plan, question.code, **settings)
        return Told(told.model_dump_json(exclude_none=True))
    return Told(json.dumps([price.model_dump(mode="json") for price in prices]))


def start(question: Question | Why) -> Apart:
    """Start solving."""
    return apart.start(answered, question)


def answered(question: Question | Why, tell: Callable[[str], None]) -> Answer | Told | Fault:
    """Whatever is asked."""
    return explain(question, tell) if isinstance(question, Why) else answer(question, tell)
