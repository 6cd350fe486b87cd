"""Where an agent can be hurt: at each command, request, file, folder and transaction, before it and after it.

Installed in a forked agent. No step of the agent's code is named here: whatever it asks of the outside passes through
one of these five doors, so a step that is added tomorrow is tried tomorrow.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import httpx

from fabriek.compute.local import supervisor
from fabriek.compute.slurm.commands import Here

COMMANDS = (
    "sbatch",
    "squeue",
    "sacct",
    "sacctmgr",
    "scontrol",
    "scancel",
    "stat",
    "tail",
    "dd",
    "ls",
    "mkdir",
    "getent",
)


@dataclass(frozen=True)
class Place:
    """A boundary: what is done there, for which time, and whether before it or after it."""

    label: str
    occurrence: int = 1
    after: bool = False

    def __str__(self) -> str:
        return f"{'after' if self.after else 'before'} {self.label}" + (
            f" ({self.occurrence})" if self.occurrence > 1 else ""
        )


class Boundaries:
    """Counts what passes, and at one place calls `act`, once. `cut`: the output of the command there is cut instead."""

    def __init__(
        self, seen: Path, place: Place | None = None, act: Callable[[], None] | None = None, cut: float = 1.0
    ) -> None:
        self._seen, self._place, self._act, self._cut = seen, place, act, cut
        self._counts: Counter[str] = Counter()
        self._fired = False

    def install(self) -> None:
        """Put hooks on the doors of this process."""
        self._hook_commands()
        self._hook_requests()
        self._hook_files()
        self._hook_folders()
        self._hook_transactions()

    def before(self, label: str) -> int:
        """Something is about to be done. Returns the how manieth time it is."""
        self._counts[label] += 1
        # A line at a time, at once: this process may not live to tell it at its end.
        with self._seen.open("a") as file:
            file.write(f"{label}\n")
        self._meet(label, after=False)
        return self._counts[label]

    def after(self, label: str) -> None:
        """It was done."""
        self._meet(label, after=True)

    def _meet(self, label: str, after: bool) -> None:
        if not self._fired and self._act is not None and self._is_it(label, after):
            self._fire()
            self._act()

    def _is_it(self, label: str, after: bool) -> bool:
        return self._place is not None and self._place == Place(label, self._counts[label], after)

    def _fire(self) -> None:
        self._fired = True
        self._seen.with_suffix(".fired").touch()

    def _hook_commands(self) -> None:
        run = Here.run

        def hooked(
            here: Here,
            words: Sequence[str],
            environment: dict[str, str],
            stdin: str,
            timeout: float,
            into: IO[bytes] | None = None,
            folder: str = "/",
        ) -> tuple[int, bytes, str]:
            label = label_of(words)
            self.before(label)
            code, out, err = run(here, words, environment, stdin, timeout, into, folder)
            self.after(label)
            length = len(out) if into is None else os.fstat(into.fileno()).st_size
            if self._cut < 1 and not self._fired and length > 1 and self._is_it(label, after=True):
                self._fire()
                # In the middle of a line, with a status that says all is well: a pipe that broke, a disk that is full.
                rest = max(1, int(length * self._cut))
                out = out[:rest]
                if into is not None:
                    os.ftruncate(into.fileno(), rest)
            return code, out, err

        Here.run = hooked  # type: ignore[method-assign]

    def _hook_requests(self) -> None:
        handle = httpx.HTTPTransport.handle_request

        def hooked(transport: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
            label = f"{request.method} {_subject(request.url.path)}"
            self.before(label)
            response = handle(transport, request)
            response.read()
            self.after(label)
            return response

        httpx.HTTPTransport.handle_request = hooked  # type: ignore[method-assign]

    def _hook_files(self) -> None:
        write, unlink = supervisor.write_whole, Path.unlink

        def written(path: Path, content: Any) -> None:
            label = f"write {path.parent.name if path.parent.name in ('outbox', 'returned') else path.name}"
            self.before(label)
            write(path, content)
            self.after(label)

        def unlinked(path: Path, missing_ok: bool = False) -> None:
            self.before(f"unlink {path.parent.name}")
            unlink(path, missing_ok)
            self.after(f"unlink {path.parent.name}")

        supervisor.write_whole = written  # type: ignore[assignment]
        Path.unlink = unlinked  # type: ignore[method-assign,assignment]

    def _hook_folders(self) -> None:
        for name in ("mkdir", "chown"):
            setattr(os, name, self._hooked(f"os.{name}", getattr(os, name)))

    def _hooked(self, label: str, act: Callable[..., Any]) -> Callable[..., Any]:
        def hooked(*words: Any, **named: Any) -> Any:
            self.before(label)
            done = act(*words, **named)
            self.after(label)
            return done

        return hooked

    def _hook_transactions(self) -> None:
        connect = sqlite3.connect

        def connected(database: Any, *more: Any, **named: Any) -> sqlite3.Connection:
            connection = connect(database, *more, **named)
            name = Path(str(database)).name

            def traced(statement: str) -> None:
                # Told before the statement runs: killed here, the transaction never happened.
                if statement.upper().startswith("COMMIT"):
                    self.before(f"commit {name}")

            connection.set_trace_callback(traced)
            return connection

        sqlite3.connect = connected  # type: ignore[assignment]


def label_of(words: Sequence[str]) -> str:
    """A command without who runs it and for whom: 'sacctmgr add qos', 'scontrol show', 'sbatch'."""
    place = next((n for n, word in enumerate(words) if word in COMMANDS), 0)
    name, rest = words[place], [word for word in words[place + 1 :] if not word.startswith("-")]
    if name == "sacctmgr":
        return " ".join([name, *rest[:2]])
    if name == "scontrol":
        return " ".join([name, *rest[:1]])
    if name == "sacct":
        asked = next((w.partition("=")[0] for w in words if w.startswith(("--jobs", "--start", "--state"))), "")
        return f"sacct {asked}".strip()
    return name


def _subject(path: str) -> str:
    """A request's path without the names in it: 'desired-state', 'jobs', 'status'."""
    return path.rstrip("/").rpartition("/")[2]


def kill_self() -> None:
    """kill -9, by itself."""
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


def lose(seconds: float) -> Callable[[], None]:
    """The line to the platform is cut: this exchange is lost, and so is each one for some seconds."""
    state = {"until": 0.0}
    handle = httpx.HTTPTransport.handle_request

    def cut() -> None:
        state["until"] = time.monotonic() + seconds
        raise httpx.ReadError("the line was cut")

    def dead(transport: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        if time.monotonic() < state["until"]:
            raise httpx.ConnectError("the line is cut")
        return handle(transport, request)

    httpx.HTTPTransport.handle_request = dead  # type: ignore[method-assign]
    return cut
