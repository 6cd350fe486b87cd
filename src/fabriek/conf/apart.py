"""Work in a process of its own: it can't hold up, or take along, who asked; and it can be stopped at once.

Knows no web framework and no database: a question goes in and messages come out, over a pipe that also tells when
nobody listens any more.
"""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Step:
    """What it is doing."""

    words: str


@dataclass(frozen=True)
class Fault:
    """Why there is no answer."""

    words: str


@dataclass
class Apart:
    """A process at work: `pipe` gives its messages, and ends when it does. who: as sentences about it call it."""

    process: BaseProcess
    pipe: Connection
    who: str

    def messages(self) -> list[Any]:
        """What it said since the last time; a Fault at the end where it died without an answer."""
        said: list[Any] = []
        try:
            while self.pipe.poll():
                said.append(self.pipe.recv())
        except (EOFError, OSError):
            said.append(Fault(f"The {self.who} ended without an answer; it may have run out of memory."))
        return said

    def stop(self) -> None:
        """End it at once, whatever it is doing."""
        self.process.kill()
        self.process.join(5)
        self.pipe.close()


def start(answer: Callable[[Any, Tell], Any], question: Any, who: str = "solver") -> Apart:
    """Have `answer(question, tell)` worked out apart; `tell` sends a Step. What it returns is its last message, and a
    Fault is where it raises. answer: a function of a module, which the process imports.

    Spawned, not forked: threads and database connections stay where they are. The question goes over the pipe, from a
    thread: a large one would wait for a process that may be dead already.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=True)
    process = context.Process(target=run, args=(theirs, answer, who), daemon=True)
    process.start()
    theirs.close()
    threading.Thread(target=_send, args=(ours, question), daemon=True).start()
    return Apart(process, ours, who)


def _send(pipe: Connection, question: Any) -> None:
    # Where nobody reads it, or it was stopped meanwhile, `messages` says so.
    with suppress(OSError, TypeError, ValueError):
        pipe.send(question)


def run(pipe: Connection, answer: Callable[[Any, Tell], Any], who: str) -> None:
    """The process: take the question, answer it, end."""
    try:
        pipe.send(answer(pipe.recv(), lambda words: pipe.send(Step(words))))
    except (BrokenPipeError, ConnectionError, EOFError):
        # Nobody listens any more: who asked was killed, and asks again when it is back.
        return
    except MemoryError:
        pipe.send(Fault("There was not enough memory for a problem of this size."))
    except Exception as error:
        pipe.send(Fault(f"The {who} failed: {error}"))
