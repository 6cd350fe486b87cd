"""What became of a job of the embedded engine so far: state, forecast, output, what it used and made."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping
from typing import Any

from fabriek.compute.array_tasks import told_of
from fabriek.compute.local.queue import Queue
from fabriek.compute.local.runs import Runs, streams_in
from fabriek.compute.local.store import Store, moment
from fabriek.compute.results import FILE, read_results
from fabriek.compute.tail import TAIL, TAIL_OF_TASKS, Part, placed, tail_of
from fabriek.compute.wire import JobReport, ResourcesUsed, State, TaskOrder, TaskReport

_TASKS_TOLD = 20
# How an array ended is how the task ended that went worst.
_WORST_FIRST: tuple[State, ...] = ("NODE_FAIL", "OUT_OF_MEMORY", "TIMEOUT", "FAILED", "CANCELLED", "COMPLETED")


class Reports:
    """Reports of jobs and of arrays."""

    def __init__(self, store: Store, runs: Runs, queue: Queue) -> None:
        self._store, self._runs, self._queue = store, runs, queue

    def report(self, engine_job: str, told: Mapping[str, int]) -> JobReport:
        """What became of a job so far."""
        row = self._store.row("SELECT * FROM job WHERE id = ?", engine_job)
        if row is None:
            return JobReport(state="NODE_FAIL", reason="the engine has lost this job", engine_job=engine_job)
        if row["array_job"] is not None:
            return self._report_array(self._store.rows("SELECT * FROM job WHERE array_job = ? ORDER BY id", row["id"]))
        output, error = self._told_by(row, told=told)
        position, expected = self._queue.forecast().get(row["id"], (None, None))
        results = read_results(self._runs.folder_of(row["id"]) / "work" / FILE)
        return JobReport(
            **_common(row),
            state=row["state"],
            reason=row["reason"],
            started_at=moment(row["start"]),
            ended_at=moment(row["end"]),
            **placed("output", output),
            **placed("error_output", error),
            queue_position=position,
            expected_start_at=expected,
            used=_used([row]),
            results=results.text,
            results_problem=results.problem,
        )

    def report_task(self, order: TaskOrder) -> TaskReport:
        """A task of an array by itself."""
        row = self._store.row("SELECT * FROM job WHERE array_job = ? AND task = ?", order.engine_job, order.task)
        if row is None:
            return TaskReport(state="NODE_FAIL", problem="unknown-task")
        known = {"output": order.output_from, "error_output": order.error_output_from}
        told = {name: place for name, place in known.items() if place is not None}
        output, error = self._told_by(row, told=told)
        return TaskReport(state=row["state"], **placed("output", output), **placed("error_output", error))

    def _told_by(
        self, row: sqlite3.Row, most: int = TAIL, told: Mapping[str, int] | None = None
    ) -> tuple[Part | None, Part | None]:
        """The last part of a job's output and errors, or what follows what was told of them."""
        told = told or {}
        folder, streams, final = self._runs.folder_of(row["id"]), streams_in(row), row["end"] is not None

        def part(name: str, stream: str) -> Part | None:
            return tail_of(folder / name, final=final, most=most, since=told.get(stream))

        error = part(streams.error or "error", "error_output")
        if error is None or not error.text:
            # A script that could not be started is told of in `error`, wherever its own were to go.
            error = part("error", "error_output") or error
        return part(streams.output, "output"), error

    def _report_array(self, rows: list[sqlite3.Row]) -> JobReport:
        """An array as one job: it runs from its first task's start to its last task's end, and how it ended is how the
        task ended that went worst."""
        states = Counter(row["state"] for row in rows)
        going = states["PENDING"] + states["RUNNING"] > 0
        begun = any(row["start"] is not None for row in rows)
        worst = next(state for state in _WORST_FIRST if states[state]) if not going else ""
        waiting = [row for row in rows if row["state"] == "PENDING"]
        forecast = self._queue.forecast()
        position, expected = forecast.get(waiting[0]["id"], (None, None)) if waiting else (None, None)
        starts = [row["start"] for row in rows if row["start"] is not None]
        ends = [row["end"] for row in rows if row["end"] is not None]
        output, error = self._array_told(rows)
        return JobReport(
            **_common(rows[0]),
            state=worst or ("RUNNING" if begun else "PENDING"),
            reason=waiting[0]["reason"] if waiting else "",
            started_at=moment(min(starts)) if starts else None,
            ended_at=moment(max(ends)) if ends and not going else None,
            output=output,
            error_output=error,
            queue_position=position,
            expected_start_at=expected,
            **told_of({row["task"]: row["state"] for row in rows}),
            used=_used(rows),
        )

    def _array_told(self, rows: list[sqlite3.Row]) -> tuple[str, str]:
        """What tasks wrote, each under its number: those that went wrong, then those that run, then the last ones."""
        begun = [row for row in rows if row["start"] is not None]
        order = {"COMPLETED": 2, "RUNNING": 1}
        chosen = sorted(begun, key=lambda row: (order.get(row["state"], 0), -row["id"]))[:_TASKS_TOLD]
        texts: tuple[list[str], list[str]] = ([], [])
        for row in sorted(chosen, key=lambda row: int(row["id"])):
            for told, part in zip(texts, self._told_by(row, TAIL_OF_TASKS // _TASKS_TOLD), strict=True):
                if part and part.text:
                    told.append(f"==> {row['array_job']}_{row['task']} <==\n{part.text.rstrip()}\n")
        return "\n".join(texts[0]), "\n".join(texts[1])


def _common(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "uuid": row["uuid"],
        "engine_job": str(row["id"]),
        "accelerators": row["accelerators"],
        "cores": row["cores"],
        "time_limit_seconds": row["seconds"],
    }


def _used(rows: list[sqlite3.Row]) -> ResourcesUsed | None:
    """What those that ended used, together; their memory is the largest one's."""
    ran = [row for row in rows if row["start"] is not None and row["end"] is not None]
    if not ran:
        return None
    cpus = [row["cpu"] for row in ran]
    return ResourcesUsed(
        elapsed_seconds=sum(row["end"] - row["start"] for row in ran),
        runs=len(ran),
        cpu_seconds=None if None in cpus else sum(cpus),
        memory_bytes_peak=max((row["peak"] for row in ran if row["peak"] is not None), default=None),
        memory_bytes_asked=ran[0]["memory"],
    )
