"""Who starts next on the embedded engine: first come, first served, with EASY backfill (see `backfill.py`)."""

from __future__ import annotations

import sqlite3
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime

from fabriek.compute.local.accounts import Accounts
from fabriek.compute.local.backfill import Reservation, Room, forecast, reservation
from fabriek.compute.local.settings import LocalPartition
from fabriek.compute.local.store import Store, moment

_ENOUGH_AT_ONCE = "JobArrayTaskLimit"
# How many waiting jobs behind one with a reservation are looked at in a round (Slurm: bf_max_job_test).
_LOOKED_AT = 100


class Queue:
    """What waits, in its order."""

    def __init__(self, store: Store, partitions: dict[str, LocalPartition], accounts: Accounts) -> None:
        self._store, self._partitions, self._accounts = store, partitions, accounts
        self._ahead: dict[int, tuple[int, datetime | None]] | None = None

    def start_what_fits(self, start: Callable[[sqlite3.Row], None]) -> None:
        """First come, first served; behind the first that waits for room, backfill."""
        now = int(time.time())
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
                start(row)
            elif reason != row["reason"]:
                reasons.append((reason, row["id"]))
        if reasons:
            with self._store.change() as change:
                change.executemany("UPDATE job SET reason = ? WHERE id = ? AND state = 'PENDING'", reasons)

    def forecast(self) -> dict[int, tuple[int, datetime | None]]:
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
        return {row["id"]: moment(start) for row, start in zip(queue, starts, strict=True)}

    def _why_waits(self, row: sqlite3.Row, behind: sqlite3.Row | None = None) -> str:
        """Limits before room, as Slurm: a job that its budget holds back must not keep others from the machine."""
        if row["at_once"] is not None:
            running = self._store.row(
                "SELECT COUNT(*) AS n FROM job WHERE array_job = ? AND state = 'RUNNING'", row["array_job"]
            )
            if running is not None and running["n"] >= row["at_once"]:
                return _ENOUGH_AT_ONCE
        if reason := self._accounts.why_waits(row, behind):
            return reason
        if not self._free(row["partition"]).holds(Room(row["accelerators"], row["cores"])):
            return "Resources"
        return ""

    def _free(self, partition: str) -> Room:
        size = self._partitions[partition]
        row = self._store.row(
            "SELECT COALESCE(SUM(accelerators), 0) AS a, COALESCE(SUM(cores), 0) AS c FROM job "
            "WHERE partition = ? AND state = 'RUNNING'",
            partition,
        )
        return Room(
            size.nodes * size.accelerators_per_node - (row["a"] if row else 0),
            size.nodes * size.cores_per_node - (row["c"] if row else 0),
        )
