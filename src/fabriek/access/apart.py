"""Solving and explaining in a process of its own: it can't hold up, or take along, who asked; and it can be stopped at
once.

Knows no web framework and no database: texts in, messages out, over a pipe that also tells it when nobody listens.
"""

from __future__ import annotations

import json
import multiprocessing
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from fabriek.allocation.explain import explain_application, explain_below, price_partitions, price_promises
from fabriek.allocation.greedy import by_rank
from fabriek.allocation.plan import load_plan
from fabriek.allocation.problem import Application, load_problem
from fabriek.allocation.solve import solve
from fabriek.allocation.verify import verify


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


@dataclass(frozen=True)
class Step:
    """What the solver is doing."""

    words: str


@dataclass(frozen=True)
class Fault:
    """Why there is no answer."""

    words: str


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


@dataclass
class Apart:
    """A solver at work: `pipe` gives its messages, and ends when it does."""

    process: BaseProcess
    pipe: Connection

    def messages(self) -> list[Message]:
        """What it said since the last time; a Fault at the end where it died without an answer."""
        said: list[Message] = []
        try:
            while self.pipe.poll():
                said.append(self.pipe.recv())
        except (EOFError, OSError):
            said.append(Fault("The solver ended without an answer; it may have run out of memory."))
        return said

    def stop(self) -> None:
        """End it at once, whatever it is doing."""
        self.process.kill()
        self.process.join(5)
        self.pipe.close()


def start(question: Question | Why) -> Apart:
    """Start solving. Spawned, not forked: threads and database connections stay where they are.

    The question goes over the pipe, from a thread: a large one would wait for a process that may be dead already.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=True)
    process = context.Process(target=_run, args=(theirs,), daemon=True)
    process.start()
    theirs.close()
    threading.Thread(target=_send, args=(ours, question), daemon=True).start()
    return Apart(process, ours)


def _send(pipe: Connection, question: Question | Why) -> None:
    # Where nobody reads it, or it was stopped meanwhile, `messages` says so.
    with suppress(OSError, TypeError, ValueError):
        pipe.send(question)


def _run(pipe: Connection) -> None:
    try:
        question: Question | Why = pipe.recv()
        if isinstance(question, Why):
            pipe.send(explain(question, lambda words: pipe.send(Step(words))))
        else:
            pipe.send(answer(question, lambda words: pipe.send(Step(words))))
    except (BrokenPipeError, ConnectionError, EOFError):
        # Nobody listens any more: who asked was killed, and asks again when it is back.
        return
    except MemoryError:
        pipe.send(Fault("There was not enough memory for a problem of this size."))
    except Exception as error:
        pipe.send(Fault(f"The solver failed: {error}"))
