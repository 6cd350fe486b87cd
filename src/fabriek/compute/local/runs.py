"""Jobs of the embedded engine as processes: started under a supervisor each, looked after, booked when they ended."""

from __future__ import annotations

import contextlib
import fcntl
import json
import math
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import astuple
from pathlib import Path
from typing import Any

from fabriek.compute.directives import DirectiveError
from fabriek.compute.local import supervisor
from fabriek.compute.local.settings import LocalPartition
from fabriek.compute.local.store import Store
from fabriek.compute.local.streams import Streams, streams_of
from fabriek.compute.local.supervisor import process_birth
from fabriek.compute.results import FILE

_CLEANED_EVERY = 3600


class Runs:
    """keep_seconds: for how long a job's folder stays after its end."""

    def __init__(
        self, store: Store, folder: Path, cluster: str, partitions: dict[str, LocalPartition], keep_seconds: float
    ) -> None:
        self._store, self._folder, self._cluster, self._partitions = store, folder, cluster, partitions
        self._keep_seconds = keep_seconds
        self._children: list[subprocess.Popen[bytes]] = []
        self._cleaned = -math.inf
        folder.mkdir(exist_ok=True)

    def folder_of(self, number: int) -> Path:
        """A job's own folder."""
        return self._folder / str(number)

    def collect_ended(self) -> None:
        """Book what ended."""
        self._children = [child for child in self._children if child.poll() is None]
        for row in self._store.rows("SELECT * FROM job WHERE state = 'RUNNING' ORDER BY id"):
            self._collect(row)

    def start(self, row: sqlite3.Row) -> None:
        """Start the supervisor. The job's lock is taken here and inherited: free lock = nobody looks after the job."""
        folder = self.folder_of(row["id"])
        (folder / "work").mkdir(parents=True, exist_ok=True)
        streams = astuple(streams_in(row))
        script = folder / "script"
        script.write_text(row["script"], encoding="utf-8")
        script.chmod(0o700)
        (folder / "environment.json").write_text(json.dumps(self._environment(row, folder)), encoding="utf-8")
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with self._store.change() as change:
                change.execute(
                    "UPDATE job SET state = 'RUNNING', reason = '', start = ? WHERE id = ?",
                    (int(time.time()), row["id"]),
                )
            self._children.append(
                subprocess.Popen(
                    # By path, alone: nothing of the platform is imported, so that it starts in milliseconds.
                    [sys.executable, "-I", "-S", supervisor.__file__, str(folder), str(row["seconds"]), *streams],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                    pass_fds=[lock],
                )
            )
        finally:
            os.close(lock)

    def _environment(self, row: sqlite3.Row, folder: Path) -> dict[str, str]:
        """What a job sees: Slurm's names, what the site says, and nothing of the platform's own environment."""
        array: dict[str, str] = {}
        if row["array_job"] is not None:
            tasks = [r["task"] for r in self._store.rows("SELECT task FROM job WHERE array_job = ?", row["array_job"])]
            array = {
                "SLURM_ARRAY_JOB_ID": str(row["array_job"]),
                "SLURM_ARRAY_TASK_ID": str(row["task"]),
                "SLURM_ARRAY_TASK_COUNT": str(len(tasks)),
                "SLURM_ARRAY_TASK_MIN": str(min(tasks)),
                "SLURM_ARRAY_TASK_MAX": str(max(tasks)),
            }
        return {
            **array,
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            **self._partitions[row["partition"]].environment,
            "FABRIEK_RESULT_FILE": str(folder / "work" / FILE),
            "HOME": str(folder / "work"),
            "USER": row["user"],
            "SLURM_CLUSTER_NAME": self._cluster,
            "SLURM_JOB_ID": str(row["id"]),
            "SLURM_JOB_NAME": row["name"],
            "SLURM_JOB_ACCOUNT": row["account"],
            "SLURM_JOB_PARTITION": row["partition"],
            "SLURM_JOB_USER": row["user"],
            "SLURM_JOB_NUM_NODES": str(row["nodes"]),
            "SLURM_CPUS_ON_NODE": str(row["cores"]),
            "SLURM_GPUS": str(row["accelerators"]),
            "SLURM_SUBMIT_DIR": str(folder / "work"),
        }

    def _collect(self, row: sqlite3.Row) -> None:
        """Take note of a running job's end, if it has one."""
        folder = self.folder_of(row["id"])
        result = _read(folder / "result.json")
        if result is None:
            if _is_locked(folder / "lock"):
                return
            # It may have ended between the two looks.
            result = _read(folder / "result.json")
        if result is not None:
            self._end(row, result["state"], result["start"], result["end"], result.get("cpu"), result.get("peak"))
            return
        started = _read(folder / "started.json")
        if started is None:
            # The agent was killed before the supervisor came to life: nothing ran.
            with self._store.change() as change:
                change.execute("UPDATE job SET state = 'PENDING', start = NULL WHERE id = ?", (row["id"],))
            return
        if started["birth"] and process_birth(started["pid"]) == started["birth"]:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(started["pid"], signal.SIGKILL)
        # Billed until it was last seen alive, not until somebody came to look.
        seen = math.ceil((folder / "lock").stat().st_mtime)
        self._end(row, "NODE_FAIL", started["start"], max(seen, started["start"]))

    def _end(
        self, row: sqlite3.Row, state: str, start: int, end: int, cpu: float | None = None, peak: int | None = None
    ) -> None:
        with self._store.change() as change:
            change.execute(
                """UPDATE job SET state = ?, reason = '', start = ?, "end" = ?, cpu = ?, peak = ?,
                accounted = (SELECT COALESCE(MAX(accounted), 0) + 1 FROM job) WHERE id = ? AND state = 'RUNNING'""",
                (state, start, end, cpu, peak, row["id"]),
            )

    def tell_cancelled(self) -> None:
        """Pass cancellations on to the supervisors."""
        for row in self._store.rows("SELECT id FROM job WHERE state = 'RUNNING' AND cancel = 1"):
            (self.folder_of(row["id"]) / "cancel").touch()

    def clean(self) -> None:
        """Remove folders of jobs that ended long ago, once an hour; their rows, and so what they used, stay."""
        if time.monotonic() - self._cleaned < _CLEANED_EVERY:
            return
        self._cleaned = time.monotonic()
        for folder in self._folder.iterdir():
            if not folder.name.isdigit():
                continue
            row = self._store.row(
                """SELECT 1 FROM job WHERE id = ? AND state NOT IN ('PENDING', 'RUNNING') AND "end" < ?""",
                int(folder.name),
                time.time() - self._keep_seconds,
            )
            if row is not None:
                # What can't be removed now is tried again an hour later.
                shutil.rmtree(folder, ignore_errors=True)


def streams_in(row: sqlite3.Row) -> Streams:
    """Where the job's streams go; where its script can't be read (of an older version) they are as by default."""
    try:
        array, task = ("", "") if row["array_job"] is None else (str(row["array_job"]), str(row["task"]))
        return streams_of(row["script"], str(row["id"]), row["name"], row["user"], array, task)
    except DirectiveError:
        return Streams()


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return found


def _is_locked(path: Path) -> bool:
    try:
        lock = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False
