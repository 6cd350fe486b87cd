"""What the embedded engine accounted for: usage records, and what a day's add up to."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import UTC, date, datetime

from fabriek.compute.local.store import Store
from fabriek.compute.records import UsageRecord
from fabriek.compute.wire import MOST_RECORDS, DailyProof, ProofLine, ProofPlace, ProofRuns, ProvenRun


def usage_since(store: Store, cursor: str, most: int) -> tuple[list[UsageRecord], str]:
    """Records of ended jobs, in the order in which they were accounted."""
    rows = store.rows("SELECT * FROM job WHERE accounted > ? ORDER BY accounted LIMIT ?", int(cursor or 0), most)
    return [_record(row) for row in rows], str(rows[-1]["accounted"]) if rows else cursor


def prove(store: Store, day: date) -> DailyProof:
    """What ended on a day, added up by the database. There is no other report to compare it with."""
    rows = store.rows(
        """
        SELECT account, partition, COUNT(*) AS runs, SUM(accelerators * ("end" - start)) AS accelerator_seconds,
            SUM(cores * ("end" - start)) AS core_seconds
        FROM job WHERE accounted IS NOT NULL AND "end" >= ? AND "end" < ? GROUP BY account, partition ORDER BY 1, 2
        """,
        *_seconds_of(day),
    )
    return DailyProof(day=day, lines=[ProofLine(**dict(row)) for row in rows])


def proof_runs(store: Store, day: date, places: Sequence[ProofPlace]) -> ProofRuns:
    """The runs behind some lines of it."""
    wanted = {(place.account, place.partition) for place in places}
    rows = store.rows(
        """SELECT * FROM job WHERE accounted IS NOT NULL AND "end" >= ? AND "end" < ? ORDER BY id""",
        *_seconds_of(day),
    )
    runs = [ProvenRun.of(record) for record in map(_record, rows) if (record.account, record.partition) in wanted]
    return ProofRuns(places=list(places), runs=runs[:MOST_RECORDS], cut=len(runs) > MOST_RECORDS)


def _record(row: sqlite3.Row) -> UsageRecord:
    array = "" if row["array_job"] is None else str(row["array_job"])
    return UsageRecord(
        job_id=f"{array}_{row['task']}" if array else str(row["id"]),
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
        submitted_as=array,
    )


def _seconds_of(day: date) -> tuple[int, int]:
    """The first second of a day, UTC, and that of the next."""
    first = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
    return first, first + 86_400
