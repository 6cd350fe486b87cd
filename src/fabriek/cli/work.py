"""`fabriek work`: does what takes longer than a request, one task after the other. `fabriek serve` starts it.

One worker on a machine: a lock on a file of the folder says so, which the kernel frees however the process ends. What
was under way when it ended is taken up again by the next one.
"""

from __future__ import annotations

import fcntl
import logging
import socket
import time
from pathlib import Path

from django.db import close_old_connections

from fabriek.access.actions import give_up, resume, work_once
from fabriek.access.models import Task, TaskState
from fabriek.conf.trouble import trouble_of

PAUSE = 1.0
"""Seconds between two looks at the queue where nothing waits."""

_log = logging.getLogger("fabriek.work")


def work(folder: Path, *, once: bool = False) -> int:
    """Work until a signal, or with `once` until nothing waits. Returns how many tasks ended."""
    folder.mkdir(parents=True, exist_ok=True)
    ended = 0
    with (folder / "worker.lock").open("w") as lock:
        # Another worker of this machine: this one waits, and takes over when that one ends.
        fcntl.flock(lock, fcntl.LOCK_EX)
        name = socket.gethostname()
        resume(name)
        while True:
            worked = _one(name)
            ended += worked
            if once and not worked:
                return ended
            if not worked:
                time.sleep(PAUSE)


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
