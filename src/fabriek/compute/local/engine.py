"""The embedded engine: a queue of batch scripts, run as processes within the accounts' limits."""

from __future__ import annotations

import contextlib
import fcntl
import getpass
import json
import math
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import astuple
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from fabriek.compute.directives import DirectiveError, Directives, read_directives
from fabriek.compute.engine import AsUser, Difference, SubmitRefused
from fabriek.compute.environment import Environment
from fabriek.compute.local import supervisor
from fabriek.compute.local.backfill import Reservation, Room, forecast, reservation
from fabriek.compute.local.store import Store
from fabriek.compute.local.streams import Streams, streams_of
from fabriek.compute.local.supervisor import process_birth
from fabriek.compute.records import UsageRecord
from fabriek.compute.results import FILE, read_results
from fabriek.compute.tail import TAIL, Part, tail_of
from fabriek.compute.wire import (
    MOST_RECORDS,
    AccountState,
    DailyProof,
    JobOrder,
    JobReport,
    ProofLine,
    ProofPlace,
    ProofRuns,
    ProvenRun,
    ResourcesUsed,
    State,
)

# Why a job waits, in Slurm's own words (https://slurm.schedmd.com/job_reason_codes.html); the platform explains them.
_NO_TIME = "AssocGrpGRESMinutes"
_NO_CORE_TIME = "AssocGrpCPUMinutesLimit"
_ENOUGH_AT_ONCE = "JobArrayTaskLimit"


class LocalPartition(BaseModel):
    """Declared slots: what the queue hands out. `environment`: what its jobs see beside what all jobs see."""

    nodes: int = Field(ge=1)
    accelerators_per_node: int = Field(ge=0)
    cores_per_node: int = Field(ge=1)
    environment: Environment = {}


# How many waiting jobs behind one with a reservation are looked at in a round (Slurm: bf_max_job_test).
_LOOKED_AT = 100
# Slurm's MaxArraySize, as it comes.
_MOST_TASKS = 1_001
_TASKS_TOLD = 20
KEEP_DAYS = 30
_CLEANED_EVERY = 3600


def load_engine(folder: Path, cluster: str) -> LocalEngine:
    """The engine that `folder/engine.json` describes: {"partitions": {"gpu": {"nodes": 4, ...}}, "keep_days": 30}.

    `environment`, of the whole engine or of a partition, is what jobs see: {"FABRIEK_TORCH_PYTHON": "/opt/..."}.
    Errors: ValueError with what to write.
    """
    path = folder / "engine.json"
    try:
        described = json.loads(path.read_text(encoding="utf-8"))
        for_all = described.get("environment", {})
        partitions = {
            name: LocalPartition.model_validate({**one, "environment": {**for_all, **one.get("environment", {})}})
            for name, one in described["partitions"].items()
        }
        keep_days = float(described.get("keep_days", KEEP_DAYS))
        if not 0 < keep_days < math.inf:
            raise ValueError("keep_days is a number of days above 0")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ValidationError) as error:
        raise ValueError(
            f"{path} does not describe an engine ({type(error).__name__}: {error}). Write, for example: "
            '{"partitions": {"gpu": {"nodes": 4, "accelerators_per_node": 4, "cores_per_node": 64}}, '
            '"keep_days": 30}'
        ) from error
    return LocalEngine(folder, cluster, partitions, keep_days)


class LocalEngine:
    """See `fabriek.compute.engine.Engine`. One process at a time may `tick` a folder: the agent holds a lock."""

    def __init__(
        self, folder: Path, cluster: str, partitions: dict[str, LocalPartition], keep_days: float = KEEP_DAYS
    ) -> None:
        """keep_days: for how long a job's folder stays after its end. What was used is kept in the store, always."""
        self.folder = folder
        self.cluster = cluster
        self.partitions = partitions
        self._store = Store(folder / "engine.sqlite3")
        self._children: list[subprocess.Popen[bytes]] = []
        self._keep_seconds = keep_days * 86_400
        self._cleaned = -math.inf
        self._ahead: dict[int, tuple[int, datetime | None]] | None = None
        (folder / "jobs").mkdir(exist_ok=True)

    # Accounts

    def provision(self, accounts: Sequence[AccountState]) -> dict[tuple[str, str], str]:
        """Make the accounts so, all or none."""
        with self._store.change() as change:
            change.executemany(
                "INSERT OR REPLACE INTO account VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        account.account,
                        account.partition,
                        account.accelerator_seconds_limit,
                        account.core_seconds_limit,
                        int(account.active),
                        json.dumps(sorted(account.users)),
                        account.ends.isoformat() if account.ends else None,
                    )
                    for account in accounts
                ],
            )
        return {}

    def drift(self) -> list[Difference]:
        """Nobody but the agent writes its file."""
        return []

    def enforced(self) -> list[AccountState]:
        """What the queue holds jobs to."""
        return [_account(row) for row in self._store.rows("SELECT * FROM account ORDER BY account, partition")]

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
        row = self._store.row(
            "SELECT * FROM account WHERE account = ? AND partition = ?", order.account, order.partition
        )
        if row is None or not row["active"] or _is_over(row):
            raise SubmitRefused(f"Invalid account: {order.account} is not active on {order.partition}")
        if order.user not in json.loads(row["users"]):
            raise SubmitRefused(f"{order.user} is not a member of {order.account} on this machine")
        # As a QOS with DenyOnLimit: what can never fit is refused at once, with numbers.
        left = row["accelerator_limit"] - self._used(order.account, order.partition)[0]
        if asked.accelerator_seconds > left:
            raise SubmitRefused(
                f"The job could use {asked.accelerator_seconds / 3600:,.2f} GPU-hours and "
                f"{max(left, 0) / 3600:,.2f} are left; ask for fewer GPUs or less time"
            )
        cores_left = row["core_limit"] - self._used(order.account, order.partition)[1]
        if _counts_cores(row, asked.accelerators) and asked.core_seconds > cores_left:
            raise SubmitRefused(
                f"The job could use {asked.core_seconds / 3600:,.2f} core-hours and "
                f"{max(cores_left, 0) / 3600:,.2f} are left; ask for fewer cores or less time"
            )
        return asked

    def _used(self, account: str, partition: str) -> tuple[int, int]:
        """Accelerator-seconds and core-seconds of the account's ended jobs."""
        row = self._store.row(
            """SELECT COALESCE(SUM(accelerators * ("end" - start)), 0) AS a,
                COALESCE(SUM(cores * ("end" - start)), 0) AS c
            FROM job WHERE account = ? AND partition = ? AND start IS NOT NULL AND "end" IS NOT NULL""",
            account,
            partition,
        )
        return (row["a"], row["c"]) if row else (0, 0)

    def _reserved(self, account: str, partition: str) -> tuple[int, int]:
        """Accelerator-seconds and core-seconds that running jobs of the account may still come to."""
        row = self._store.row(
            "SELECT COALESCE(SUM(accelerators * seconds), 0) AS a, COALESCE(SUM(cores * seconds), 0) AS c FROM job "
            "WHERE account = ? AND partition = ? AND state = 'RUNNING'",
            account,
            partition,
        )
        return (row["a"], row["c"]) if row else (0, 0)

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
        self._tell_cancelled()

    def report(self, engine_job: str) -> JobReport:
        """What became of a job so far."""
        row = self._store.row("SELECT * FROM job WHERE id = ?", engine_job)
        if row is None:
            return JobReport(state="NODE_FAIL", reason="the engine has lost this job", engine_job=engine_job)
        if row["array_job"] is not None:
            return self._report_array(self._store.rows("SELECT * FROM job WHERE array_job = ? ORDER BY id", row["id"]))
        output, error = self._told_by(row)
        position, expected = self._forecast().get(row["id"], (None, None))
        results = read_results(self._job_folder(row["id"]) / "work" / FILE)
        return JobReport(
            **self._common(row),
            state=row["state"],
            reason=row["reason"],
            started_at=_moment(row["start"]),
            ended_at=_moment(row["end"]),
            output=output.text if output else None,
            output_from=output.start if output else None,
            error_output=error.text if error else None,
            error_output_from=error.start if error else None,
            queue_position=position,
            expected_start_at=expected,
            used=_used([row]),
            results=results.text,
            results_problem=results.problem,
        )

    def _common(self, row: sqlite3.Row) -> dict[str, Any]:
        return {
            "uuid": row["uuid"],
            "engine_job": str(row["id"]),
            "accelerators": row["accelerators"],
            "cores": row["cores"],
            "time_limit_seconds": row["seconds"],
        }

    def _told_by(self, row: sqlite3.Row, most: int = TAIL) -> tuple[Part | None, Part | None]:
        """The last part of a job's output and errors."""
        folder, streams, final = self._job_folder(row["id"]), _streams(row), row["end"] is not None
        output = tail_of(folder / streams.output, final=final, most=most)
        error = tail_of(folder / (streams.error or "error"), final=final, most=most)
        # A script that could not be started is told of in `error`, wherever its own were to go.
        return output, error if error and error.text else tail_of(folder / "error", final=final, most=most) or error

    def _report_array(self, rows: list[sqlite3.Row]) -> JobReport:
        """An array as one job: it runs from its first task's start to its last task's end, and how it ended is how the
        task ended that went worst."""
        states = Counter(row["state"] for row in rows)
        going = states["PENDING"] + states["RUNNING"] > 0
        begun = any(row["start"] is not None for row in rows)
        worst = next(state for state in _WORST_FIRST if states[state]) if not going else ""
        waiting = [row for row in rows if row["state"] == "PENDING"]
        forecast = self._forecast()
        position, expected = forecast.get(waiting[0]["id"], (None, None)) if waiting else (None, None)
        starts = [row["start"] for row in rows if row["start"] is not None]
        ends = [row["end"] for row in rows if row["end"] is not None]
        output, error = self._array_told(rows)
        return JobReport(
            **self._common(rows[0]),
            state=worst or ("RUNNING" if begun else "PENDING"),
            reason=waiting[0]["reason"] if waiting else "",
            started_at=_moment(min(starts)) if starts else None,
            ended_at=_moment(max(ends)) if ends and not going else None,
            output=output,
            error_output=error,
            queue_position=position,
            expected_start_at=expected,
            tasks=dict(states),
            used=_used(rows),
        )

    def _array_told(self, rows: list[sqlite3.Row]) -> tuple[str, str]:
        """What tasks wrote, each under its number: those that went wrong, then those that run, then the last ones."""
        begun = [row for row in rows if row["start"] is not None]
        order = {"COMPLETED": 2, "RUNNING": 1}
        chosen = sorted(begun, key=lambda row: (order.get(row["state"], 0), -row["id"]))[:_TASKS_TOLD]
        texts: tuple[list[str], list[str]] = ([], [])
        for row in sorted(chosen, key=lambda row: int(row["id"])):
            for told, part in zip(texts, self._told_by(row, TAIL // _TASKS_TOLD), strict=True):
                if part and part.text:
                    told.append(f"==> {row['array_job']}_{row['task']} <==\n{part.text.rstrip()}\n")
        return "\n".join(texts[0]), "\n".join(texts[1])

    def usage_since(self, cursor: str, most: int) -> tuple[list[UsageRecord], str]:
        """Records of ended jobs, in the order in which they were accounted."""
        rows = self._store.rows(
            "SELECT * FROM job WHERE accounted > ? ORDER BY accounted LIMIT ?", int(cursor or 0), most
        )
        return [_record(row) for row in rows], str(rows[-1]["accounted"]) if rows else cursor

    def prove(self, day: date) -> DailyProof:
        """What ended on a day, added up by the database. There is no other report to compare it with."""
        rows = self._store.rows(
            """
            SELECT account, partition, COUNT(*) AS runs, SUM(accelerators * ("end" - start)) AS accelerator_seconds,
                SUM(cores * ("end" - start)) AS core_seconds
            FROM job WHERE accounted IS NOT NULL AND "end" >= ? AND "end" < ? GROUP BY account, partition ORDER BY 1, 2
            """,
            *_seconds_of(day),
        )
        return DailyProof(day=day, lines=[ProofLine(**dict(row)) for row in rows])

    def proof_runs(self, day: date, places: Sequence[ProofPlace]) -> ProofRuns:
        """The runs behind some lines of it."""
        wanted = {(place.account, place.partition) for place in places}
        rows = self._store.rows(
            """SELECT * FROM job WHERE accounted IS NOT NULL AND "end" >= ? AND "end" < ? ORDER BY id""",
            *_seconds_of(day),
        )
        runs = [
            ProvenRun(
                account=record.account,
                partition=record.partition,
                key=record.key,
                accelerator_seconds=record.accelerator_seconds,
                core_seconds=record.core_seconds,
            )
            for record in map(_record, rows)
            if (record.account, record.partition) in wanted
        ]
        return ProofRuns(places=list(places), runs=runs[:MOST_RECORDS], cut=len(runs) > MOST_RECORDS)

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

    # The queue at work

    def tick(self) -> None:
        """Book what ended, pass on cancellations, start what fits. Can be killed at any line and called again."""
        self._children = [child for child in self._children if child.poll() is None]
        for row in self._store.rows("SELECT * FROM job WHERE state = 'RUNNING' ORDER BY id"):
            self._collect(row)
        self._tell_cancelled()
        self._start_what_fits(int(time.time()))
        self._clean()

    def _start_what_fits(self, now: int) -> None:
        """First come, first served; behind the first that waits for room, EASY backfill (see `backfill.py`)."""
        first: dict[str, tuple[Reservation, sqlite3.Row]] = {}
        looked_at: dict[str, int] = defaultdict(int)
        reasons: list[tuple[str, int]] = []
        self._ahead = None
        for row in self._store.rows("SELECT * FROM job WHERE state = 'PENDING' ORDER BY id"):
            name, asked = row["partition"], Room(row["accelerators"], row["cores"])
            waits = first.get(name)
            if waits is None:
                reason = self._why_waits(row)
                if reason == "Resources":
                    running = self._store.rows("SELECT * FROM job WHERE partition = ? AND state = 'RUNNING'", name)
                    held = [(r["start"] + r["seconds"], Room(r["accelerators"], r["cores"])) for r in running]
                    first[name] = reservation(asked, self._free(name), held, now), row
            else:
                looked_at[name] += 1
                may_pass = looked_at[name] <= _LOOKED_AT and waits[0].lets_pass(asked, row["seconds"], now)
                reason = (self._why_waits(row, behind=waits[1]) if may_pass else "Priority") or ""
                if reason == "Resources":
                    reason = "Priority"
                if not reason:
                    waits[0].passed(asked, row["seconds"], now)
            if not reason:
                self._start(row)
            elif reason != row["reason"]:
                reasons.append((reason, row["id"]))
        if reasons:
            with self._store.change() as change:
                change.executemany("UPDATE job SET reason = ? WHERE id = ? AND state = 'PENDING'", reasons)

    def _forecast(self) -> dict[int, tuple[int, datetime | None]]:
        """Of each waiting job: its place among those of its partition, and when it is expected to start. None where
        something other than room holds it back, and far behind in a long queue. Worked out once a round."""
        if self._ahead is None:
            ahead: dict[int, tuple[int, datetime | None]] = {}
            waiting: dict[str, list[sqlite3.Row]] = defaultdict(list)
            for row in self._store.rows("SELECT * FROM job WHERE state = 'PENDING' ORDER BY id"):
                waiting[row["partition"]].append(row)
            for name, rows in waiting.items():
                for place, row in enumerate(rows, start=1):
                    ahead[row["id"]] = place, None
                for number, start in self._foresee(name, rows).items():
                    ahead[number] = ahead[number][0], start
            self._ahead = ahead
        return self._ahead

    def _foresee(self, partition: str, rows: list[sqlite3.Row]) -> dict[int, datetime | None]:
        """When jobs that only wait for room are expected to start. rows: all that wait, in their order."""
        queue = [row for row in rows if row["reason"] in ("", "Resources", "Priority")][:_LOOKED_AT]
        held = [
            (row["start"] + row["seconds"], Room(row["accelerators"], row["cores"]))
            for row in self._store.rows("SELECT * FROM job WHERE partition = ? AND state = 'RUNNING'", partition)
        ]
        asked = [(Room(row["accelerators"], row["cores"]), row["seconds"]) for row in queue]
        starts = forecast(self._free(partition), held, asked, int(time.time()))
        return {row["id"]: _moment(start) for row, start in zip(queue, starts, strict=True)}

    def _clean(self) -> None:
        """Remove folders of jobs that ended long ago, once an hour; their rows, and so what they used, stay."""
        if time.monotonic() - self._cleaned < _CLEANED_EVERY:
            return
        self._cleaned = time.monotonic()
        for folder in (self.folder / "jobs").iterdir():
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

    def is_idle(self) -> bool:
        """Whether nothing waits or runs."""
        return self._store.row("SELECT 1 FROM job WHERE state IN ('PENDING', 'RUNNING')") is None

    def close(self) -> None:
        """Let go of the store; running jobs go on under their supervisors."""
        self._store.close()

    def _why_waits(self, row: sqlite3.Row, behind: sqlite3.Row | None = None) -> str:
        """Limits before room, as Slurm: a job that its budget holds back must not keep others from the machine.

        behind: the job that this one would pass; of one account, it must leave that job its budget too.
        """
        account = self._store.row(
            "SELECT * FROM account WHERE account = ? AND partition = ?", row["account"], row["partition"]
        )
        if account is None or not account["active"] or _is_over(account):
            return "InvalidAccount"
        if row["at_once"] is not None:
            running = self._store.row(
                "SELECT COUNT(*) AS n FROM job WHERE array_job = ? AND state = 'RUNNING'", row["array_job"]
            )
            if running is not None and running["n"] >= row["at_once"]:
                return _ENOUGH_AT_ONCE
        # AccountingStorageEnforce=safe: a job starts only if it can run to its limit within the budget.
        used, cores_used = self._used(row["account"], row["partition"])
        reserved, cores_reserved = self._reserved(row["account"], row["partition"])
        if behind is not None and behind["account"] == row["account"]:
            reserved += behind["accelerators"] * behind["seconds"]
            cores_reserved += behind["cores"] * behind["seconds"]
        if used + reserved + row["accelerators"] * row["seconds"] > account["accelerator_limit"]:
            return _NO_TIME
        cores_asked = cores_used + cores_reserved + row["cores"] * row["seconds"]
        if _counts_cores(account, row["accelerators"]) and cores_asked > account["core_limit"]:
            return _NO_CORE_TIME
        if not self._free(row["partition"]).holds(Room(row["accelerators"], row["cores"])):
            return "Resources"
        return ""

    def _free(self, partition: str) -> Room:
        size = self.partitions[partition]
        row = self._store.row(
            "SELECT COALESCE(SUM(accelerators), 0) AS a, COALESCE(SUM(cores), 0) AS c FROM job "
            "WHERE partition = ? AND state = 'RUNNING'",
            partition,
        )
        return Room(
            size.nodes * size.accelerators_per_node - (row["a"] if row else 0),
            size.nodes * size.cores_per_node - (row["c"] if row else 0),
        )

    def _start(self, row: sqlite3.Row) -> None:
        """Start the supervisor. The job's lock is taken here and inherited: free lock = nobody looks after the job."""
        folder = self._job_folder(row["id"])
        (folder / "work").mkdir(parents=True, exist_ok=True)
        streams = astuple(_streams(row))
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
            **self.partitions[row["partition"]].environment,
            "FABRIEK_RESULT_FILE": str(folder / "work" / FILE),
            "HOME": str(folder / "work"),
            "USER": row["user"],
            "SLURM_CLUSTER_NAME": self.cluster,
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
        folder = self._job_folder(row["id"])
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

    def _tell_cancelled(self) -> None:
        for row in self._store.rows("SELECT id FROM job WHERE state = 'RUNNING' AND cancel = 1"):
            (self._job_folder(row["id"]) / "cancel").touch()

    def _job_folder(self, number: int) -> Path:
        return self.folder / "jobs" / str(number)


def _streams(row: sqlite3.Row) -> Streams:
    """Where the job's streams go; where its script can't be read (of an older version) they are as by default."""
    try:
        array, task = ("", "") if row["array_job"] is None else (str(row["array_job"]), str(row["task"]))
        return streams_of(row["script"], str(row["id"]), row["name"], row["user"], array, task)
    except DirectiveError:
        return Streams()


# How an array ended is how the task ended that went worst.
_WORST_FIRST: tuple[State, ...] = ("NODE_FAIL", "OUT_OF_MEMORY", "TIMEOUT", "FAILED", "CANCELLED", "COMPLETED")


def _insert(change: sqlite3.Connection, values: dict[str, Any]) -> int:
    names, marks = ", ".join(values), ", ".join("?" * len(values))
    # The names are this file's own.
    cursor = change.execute(f"INSERT INTO job ({names}) VALUES ({marks})", tuple(values.values()))  # noqa: S608
    return int(cursor.lastrowid or 0)


def _used(rows: list[sqlite3.Row]) -> ResourcesUsed | None:
    """What those that ended used, together; their memory is the largest one's."""
    ran = [row for row in rows if row["start"] is not None and row["end"] is not None]
    if not ran:
        return None
    cpus = [row["cpu"] for row in ran]
    return ResourcesUsed(
        elapsed_seconds=sum(row["end"] - row["start"] for row in ran),
        cpu_seconds=None if None in cpus else sum(cpus),
        memory_bytes_peak=max((row["peak"] for row in ran if row["peak"] is not None), default=None),
        memory_bytes_asked=ran[0]["memory"],
    )


def _account(row: sqlite3.Row) -> AccountState:
    return AccountState(
        account=row["account"],
        partition=row["partition"],
        accelerator_seconds_limit=row["accelerator_limit"],
        core_seconds_limit=row["core_limit"],
        active=bool(row["active"]),
        users=json.loads(row["users"]),
        ends=date.fromisoformat(row["ends"]) if row["ends"] else None,
    )


def _counts_cores(account: sqlite3.Row, accelerators: int) -> bool:
    """Core-seconds bind where some were awarded. Where the register doesn't know a node's cores none are, and a job
    with accelerators is held to its accelerator-seconds alone."""
    return bool(account["core_limit"]) or not accelerators


def _is_over(account: sqlite3.Row) -> bool:
    """Whether its award has ended, also while the platform can't be asked. `ends` is the first day without."""
    return bool(account["ends"]) and datetime.now(UTC).date() >= date.fromisoformat(account["ends"])


def _record(row: sqlite3.Row) -> UsageRecord:
    return UsageRecord(
        job_id=str(row["id"]) if row["array_job"] is None else f"{row['array_job']}_{row['task']}",
        account=row["account"],
        user=row["user"],
        partition=row["partition"],
        state=row["state"],
        submit=row["submit"],
        start=row["start"],
        end=row["end"],
        accelerators=row["accelerators"],
        cores=row["cores"],
        nodes=row["nodes"],
        name=row["name"],
    )


def _seconds_of(day: date) -> tuple[int, int]:
    """The first second of a day, UTC, and that of the next."""
    first = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
    return first, first + 86_400


def _moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, tz=UTC)


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
