"""`fabriek work`: does what takes longer than a request. Tasks, one after the other, and scenarios, some at once.

One worker on a machine: a lock on a file of the folder says so, which the kernel frees however the process ends. What
was under way when it ended is taken up again: a task by the next worker of this machine, a scenario once its lease is
over by any, and so is a study. Scenarios are solved in processes of their own, which this one listens to, and so are
what is asked about their plans and studies of policies; tasks, such questions, studies, the catalogues elsewhere whose
time has come, the catalogue's search and the mail about events have a thread each beside it, so that none waits for the
others.
"""

from __future__ import annotations

import fcntl
import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import close_old_connections

from fabriek.access import solving
from fabriek.access.actions import Explainer, give_up, resume, resume_inquiries, work_once
from fabriek.access.models import Task, TaskState
from fabriek.catalogue.search import tending
from fabriek.conf.trouble import trouble_of
from fabriek.events import tending as events
from fabriek.foresight import working
from fabriek.foresight.actions import forget_deleted
from fabriek.harvest.actions import run_due

PAUSE = 1.0
"""Seconds between two looks at the queue where nothing waits."""

BETWEEN_HARVESTS = 30.0
"""Seconds between two looks at which catalogues are to be asked."""

LAST_WORDS = 2.0
"""Seconds that a task has to come to its end when the worker is told to stop; then it is left to the next worker."""

_log = logging.getLogger("fabriek.work")


def work(folder: Path, *, once: bool = False, at_once: int = 2, stopped: threading.Event | None = None) -> int:
    """Work until told to stop, or with `once` until nothing waits. Returns how many of all that ended.

    at_once: scenarios.
    """
    stopped = stopped or threading.Event()
    name = socket.gethostname()
    with _alone_here(folder, stopped):
        resume(name)
        resume_inquiries(name)
        if once:
            return _until_nothing_waits(name, at_once, stopped)
        ended: list[int] = []
        # A daemon: a task in the middle doesn't hold up the end, as it wouldn't hold up a kill.
        besides = [
            threading.Thread(target=act, args=(name, stopped, ended), daemon=True)
            for act in (_tasks, _explain, _harvest, _simulate)
        ]
        besides += [threading.Thread(target=tend, args=(stopped,), daemon=True) for tend in (tending.tend, events.tend)]
        for thread in besides:
            thread.start()
        try:
            return solving.work(stopped, at_once) + len(ended)
        finally:
            stopped.set()
            for thread in besides:
                thread.join(LAST_WORDS)


@contextmanager
def _alone_here(folder: Path, stopped: threading.Event) -> Iterator[None]:
    """While another worker of this machine works, this one waits, and takes over when that one ends."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "worker.lock").open("w") as lock:
        while not stopped.is_set():
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                # Not waited for in the kernel: nobody could tell it to stop there.
                stopped.wait(PAUSE)
            else:
                break
        yield


def _until_nothing_waits(name: str, at_once: int, stopped: threading.Event) -> int:
    tending.tend_once()
    events.tend_once()
    ended = 0
    while not stopped.is_set():
        tasks = 0
        while _one(name):
            tasks += 1
        scenarios = solving.work(stopped, at_once, until_idle=True)
        told: list[int] = []
        _explain(name, stopped, told, until_idle=True)
        studies = working.work(stopped, until_idle=True)
        runs = _harvested(stopped)
        done = tasks + scenarios + len(told) + studies + runs
        if not done:
            break
        ended += done
    return ended


def _tasks(name: str, stopped: threading.Event, ended: list[int]) -> None:
    while not stopped.is_set():
        if _one(name):
            ended.append(1)
        else:
            stopped.wait(PAUSE)


def _harvest(_name: str, stopped: threading.Event, ended: list[int]) -> None:
    """Ask the catalogues elsewhere whose time has come, one after the other."""
    while not stopped.is_set():
        ended += [1] * _harvested(stopped)
        stopped.wait(BETWEEN_HARVESTS)


def _simulate(_name: str, stopped: threading.Event, ended: list[int]) -> None:
    """Simulate studies, one after the other. What goes wrong leaves its study to the next lease."""
    while not stopped.is_set():
        try:
            close_old_connections()
            forget_deleted()
            ended += [1] * working.work(stopped)
        except Exception:
            _log.exception("a study stopped")
            stopped.wait(PAUSE)


def _harvested(stopped: threading.Event) -> int:
    """How many were asked. What a source does wrong its run tells; trouble of the machine leaves it for later."""
    try:
        close_old_connections()
        return len(run_due(stopped=stopped))
    except Exception:
        _log.exception("a harvest stopped")
        return 0


def _explain(name: str, stopped: threading.Event, ended: list[int], until_idle: bool = False) -> None:
    """Answer what is asked about plans, one at a time; what is left in the middle is for the next worker."""
    explainer = Explainer(name)
    try:
        while not stopped.is_set():
            if _round(explainer):
                ended.append(1)
            elif explainer.is_busy:
                explainer.wait(PAUSE)
            elif until_idle:
                return
            else:
                stopped.wait(PAUSE)
    finally:
        explainer.stop()


def _round(explainer: Explainer) -> bool:
    """Trouble leaves what was asked in the line, and lets go of the process apart."""
    try:
        close_old_connections()
        return explainer.tick()
    except Exception:
        _log.exception("an explanation stopped")
        time.sleep(PAUSE)
        explainer.stop()
        try:
            resume_inquiries(explainer.worker)
        except Exception:
            # The database is away: what was asked is found again when this worker starts the next time.
            _log.exception("what was asked could not be put back")
        return False


def _one(name: str) -> bool:
    """Do one task, if one waits. Trouble of the machine leaves it in the queue; a mistake of ours ends it as failed."""
    try:
        close_old_connections()
        return work_once(name) is not None
    except Exception as error:
        _log.exception("a task stopped")
        time.sleep(PAUSE)
        try:
            if trouble_of(error) is not None:
                resume(name)
            else:
                for task in Task.objects.filter(state=TaskState.RUNNING, worker=name):
                    give_up(task)
        except Exception:
            # The database is away: the next look finds the task as it was left, because `resume` comes first.
            _log.exception("what a task came to could not be written down")
        return False
