"""The embedded engine: a queue of batch scripts, run as processes within the accounts' limits."""

from __future__ import annotations

import getpass
import sqlite3
import time
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from fabriek.compute.directives import DirectiveError, Directives, read_directives
from fabriek.compute.engine import AsUser, Difference, SubmitRefused
from fabriek.compute.local import accounting
from fabriek.compute.local.accounts import Accounts
from fabriek.compute.local.queue import Queue
from fabriek.compute.local.reports import Reports
from fabriek.compute.local.runs import Runs
from fabriek.compute.local.settings import KEEP_DAYS, LocalPartition, read_settings
from fabriek.compute.local.store import Store
from fabriek.compute.local.streams import streams_of
from fabriek.compute.records import UsageRecord
from fabriek.compute.wire import (
    AccountState,
    DailyProof,
    JobOrder,
    JobReport,
    ProofPlace,
    ProofRuns,
    TaskOrder,
    TaskReport,
)

# Slurm's MaxArraySize, as it comes.
_MOST_TASKS = 1_001


def load_engine(folder: Path, cluster: str) -> LocalEngine:
    """The engine that `folder/engine.json` describes. Errors: ValueError with what to write."""
    partitions, keep_days = read_settings(folder)
    return LocalEngine(folder, cluster, partitions, keep_days)


class LocalEngine:
    """See `fabriek.compute.engine.Engine`. One process at a time may `tick` a folder: the agent holds a lock."""

    def __init__(
        self, folder: Path, cluster: str, partitions: dict[str, LocalPartition], keep_days: float = KEEP_DAYS
    ) -> None:
        """keep_days: for how long a job's folder stays after its end. What was used is kept in the store, always."""
        self.folder, self.cluster, self.partitions = folder, cluster, partitions
        self._store = Store(folder / "engine.sqlite3")
        self._accounts = Accounts(self._store)
        self._queue = Queue(self._store, partitions, self._accounts)
        self._runs = Runs(self._store, folder / "jobs", cluster, partitions, keep_days * 86_400)
        self._reports = Reports(self._store, self._runs, self._queue)

    # Accounts

    def provision(self, accounts: Sequence[AccountState]) -> dict[tuple[str, str], str]:
        """Make the accounts so, all or none."""
        self._accounts.make(accounts)
        return {}

    def withdraw(self, accounts: Sequence[AccountState]) -> tuple[int, dict[tuple[str, str], str]]:  # noqa: ARG002
        """Nothing is changed by hand here, so nothing waits."""
        return 0, {}

    def note_booked(self, desired: Sequence[AccountState]) -> None:
        """What was used is counted from the same file from which it is booked."""

    def drift(self) -> list[Difference]:
        """Nobody but the agent writes its file."""
        return []

    def enforced(self) -> list[AccountState]:
        """What the queue holds jobs to."""
        return self._accounts.enforced()

    # Jobs

    def submit(self, order: JobOrder) -> str:
        """Queue a job, once for its uuid."""
        known = self._store.row("SELECT id FROM job WHERE uuid = ?", order.uuid)
        if known is not None:
            return str(known["id"])
        asked = self._admit(order)
        job = {
            "account": order.account,
            "user": order.user,
            "partition": order.partition,
            "name": asked.name or order.name,
            "script": order.script,
            "nodes": asked.nodes,
            "accelerators": asked.accelerators,
            "cores": asked.cores,
            "seconds": asked.seconds,
            "submit": int(time.time()),
            "memory": asked.memory_bytes,
        }
        with self._store.change() as change:
            if asked.array is None:
                return str(_insert(change, {**job, "uuid": order.uuid}))
            # Each task is a job of its own; the first one's number is the array's, as Slurm has it.
            first, *others = asked.array.numbers
            job["at_once"] = asked.array.at_once
            number = _insert(change, {**job, "uuid": order.uuid, "task": first})
            change.execute("UPDATE job SET array_job = id WHERE id = ?", (number,))
            for task in others:
                _insert(change, {**job, "uuid": f"{order.uuid}/{task}", "task": task, "array_job": number})
            return str(number)

    def _admit(self, order: JobOrder) -> Directives:
        """What Slurm checks before it takes a job. Errors: SubmitRefused."""
        try:
            asked = read_directives(order.script)
            streams_of(order.script, "0", asked.name or order.name, order.user, "0", "0")
        except DirectiveError as error:
            raise SubmitRefused(str(error)) from None
        size = self.partitions.get(order.partition)
        if size is None:
            raise SubmitRefused(f"{self.cluster} has no partition {order.partition}")
        if asked.account not in ("", order.account) or asked.partition not in ("", order.partition):
            raise SubmitRefused(
                f"The script names account {asked.account or order.account} and partition "
                f"{asked.partition or order.partition}; this job is for {order.account} on {order.partition}"
            )
        if (
            asked.nodes > size.nodes
            or asked.accelerators > size.nodes * size.accelerators_per_node
            or asked.cores > size.nodes * size.cores_per_node
        ):
            raise SubmitRefused(
                f"The job asks {asked.nodes} nodes, {asked.accelerators} GPUs and {asked.cores} cores; "
                f"{order.partition} has {size.nodes}, {size.nodes * size.accelerators_per_node} "
                f"and {size.nodes * size.cores_per_node}"
            )
        if asked.runs > _MOST_TASKS:
            raise SubmitRefused(
                f"The array has {asked.runs:,} tasks; this engine takes at most {_MOST_TASKS:,} at once"
            )
        self._accounts.admit(order, asked)
        return asked

    def find(self, uuid: str) -> str | None:
        """The number of the job with this uuid."""
        row = self._store.row("SELECT id FROM job WHERE uuid = ?", uuid)
        return None if row is None else str(row["id"])

    def cancel(self, engine_job: str) -> None:
        """Stop a job: at once when it waits, by its supervisor when it runs."""
        with self._store.change() as change:
            change.execute(
                "UPDATE job SET cancel = 1 WHERE (id = ? OR array_job = ?) AND state IN ('PENDING', 'RUNNING')",
                (engine_job, engine_job),
            )
            change.execute(
                """UPDATE job SET state = 'CANCELLED', reason = '', "end" = ?, accounted = NULL
                WHERE (id = ? OR array_job = ?) AND state = 'PENDING'""",
                (int(time.time()), engine_job, engine_job),
            )
        self._runs.tell_cancelled()

    def report(self, engine_job: str, told: Mapping[str, int] | None = None) -> JobReport:
        """What became of a job so far."""
        return self._reports.report(engine_job, told or {})

    def report_task(self, order: TaskOrder) -> TaskReport:
        """What became of a task so far."""
        return self._reports.report_task(order)

    # Usage

    def usage_since(self, cursor: str, most: int) -> tuple[list[UsageRecord], str]:
        """Records of ended jobs, in the order in which they were accounted."""
        return accounting.usage_since(self._store, cursor, most)

    def prove(self, day: date) -> DailyProof:
        """What ended on a day, added up by the database. There is no other report to compare it with."""
        return accounting.prove(self._store, day)

    def proof_runs(self, day: date, places: Sequence[ProofPlace]) -> ProofRuns:
        """The runs behind some lines of it."""
        return accounting.proof_runs(self._store, day, places)

    def notes(self) -> list[str]:
        """It meters itself, and has nothing to wonder about."""
        return []

    # Data

    def cannot_move(self) -> str:
        """It can, between folders of this machine and over SSH."""
        return ""

    def as_user(self, user: str) -> AsUser:  # noqa: ARG002 - everybody is the platform's own user
        """As jobs run: as the platform's own, whoever it is for."""
        environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(Path.home()), "LC_ALL": "C.UTF-8"}
        return AsUser(getpass.getuser(), (), environment)

    # At work

    def tick(self) -> None:
        """Book what ended, pass on cancellations, start what fits. Can be killed at any line and called again."""
        self._runs.collect_ended()
        self._runs.tell_cancelled()
        self._queue.start_what_fits(self._runs.start)
        self._runs.clean()

    def is_idle(self) -> bool:
        """Whether nothing waits or runs."""
        return self._store.row("SELECT 1 FROM job WHERE state IN ('PENDING', 'RUNNING')") is None

    def close(self) -> None:
        """Let go of the store; running jobs go on under their supervisors."""
        self._store.close()


def _insert(change: sqlite3.Connection, values: dict[str, Any]) -> int:
    names, marks = ", ".join(values), ", ".join("?" * len(values))
    # The names are this file's own.
    cursor = change.execute(f"INSERT INTO job ({names}) VALUES ({marks})", tuple(values.values()))  # noqa: S608
    return int(cursor.lastrowid or 0)
