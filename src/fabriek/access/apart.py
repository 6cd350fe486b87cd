"""Solving in a process of its own: the solver can't hold up, or take along, who asked; and it can be stopped at once.

Knows no web framework and no database: texts in, messages out, over a pipe that also tells it when nobody listens.
"""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from fabriek.allocation.greedy import by_rank
from fabriek.allocation.plan import load_plan
from fabriek.allocation.problem import load_problem
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
class Step:
    """What the solver is doing."""

    words: str


@dataclass(frozen=True)
class Fault:
    """Why there is no answer."""

    words: str


Message = Answer | Step | Fault


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


def start(question: Question) -> Apart:
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


def _send(pipe: Connection, question: Question) -> None:
    # Where nobody reads it, or it was stopped meanwhile, `messages` says so.
    with suppress(OSError, TypeError, ValueError):
        pipe.send(question)


def _run(pipe: Connection) -> None:
    try:
        question: Question = pipe.recv()
        pipe.send(answer(question, lambda words: pipe.send(Step(words))))
    except (BrokenPipeError, ConnectionError, EOFError):
        # Nobody listens any more: who asked was killed, and asks again when it is back.
        return
    except MemoryError:
        pipe.send(Fault("There was not enough memory for a problem of this size."))
    except Exception as error:
        pipe.send(Fault(f"The solver failed: {error}"))
