"""What the agent has read of Slurm's accounting, in one SQLite file.

Each run is there once, and gets a new number when it changes.

The platform's cursor is such a number. It moves only when the platform has answered, so whatever is killed in between,
a record is sent again, and no record is left out. What was read is written in one transaction with how far was read.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from fabriek.compute.records import UsageRecord, record_of
from fabriek.compute.sacct import OpenRun
from fabriek.compute.sqlite_file import SqliteFile

_SCHEMA = """
CREATE TABLE IF NOT EXISTS note (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS run (
    job TEXT NOT NULL, submit INTEGER NOT NULL, seq INTEGER UNIQUE, account TEXT NOT NULL, ends INTEGER NOT NULL,
    content TEXT NOT NULL, PRIMARY KEY (job, submit)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS run_of_nobody ON run (account) WHERE seq IS NULL;
CREATE TABLE IF NOT EXISTS open (
    job TEXT NOT NULL, submit INTEGER NOT NULL, start INTEGER NOT NULL, account TEXT NOT NULL, partition TEXT NOT NULL,
    missing_since INTEGER, PRIMARY KEY (job, submit)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS resize (job TEXT NOT NULL, second INTEGER NOT NULL, PRIMARY KEY (job, second)) WITHOUT ROWID;
"""
_UPSERT = """
INSERT INTO run (job, submit, seq, account, ends, content) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (job, submit) DO UPDATE SET seq = excluded.seq, account = excluded.account, ends = excluded.ends,
    content = excluded.content
WHERE content <> excluded.content
"""
_TAKE = """
INSERT INTO open (job, submit, start, account, partition) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (job, submit) DO UPDATE SET start = excluded.start, account = excluded.account,
    partition = excluded.partition
"""


class Journal(SqliteFile):
    """The file. Only one process writes in it: the agent holds a lock on its folder."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, _SCHEMA, one_thread=False)
        # A cursor of another file says nothing about this one: one that was lost is read again from its start.
        self._connection.execute("INSERT OR IGNORE INTO note VALUES ('journal', ?)", [uuid.uuid4().hex[:12]])
        self._name = self.note("journal")

    # What is remembered of the reading itself

    def note(self, name: str, default: str = "") -> str:
        """A remark under its name."""
        row = self._connection.execute("SELECT value FROM note WHERE name = ?", [name]).fetchone()
        return row[0] if row else default

    def number(self, name: str, default: int = 0) -> int:
        """A remark that is a number."""
        return int(self.note(name, str(default)))

    def write_note(self, name: str, value: object) -> None:
        """Put a remark under its name, in the place of what was there."""
        self._connection.execute("INSERT OR REPLACE INTO note VALUES (?, ?)", [name, str(value)])

    # Runs that ended

    def take(self, records: Iterable[UsageRecord], ours: Collection[str] | None = None) -> int:
        """Write records down; one that is there with the same content keeps its number. Returns how many changed.

        ours: the accounts whose runs are told to the platform; None: all. Runs of others wait for `claim`.
        """
        next_number = self.number("next", 1)
        last = next_number
        before = self._connection.total_changes

        def rows() -> Iterator[tuple[object, ...]]:
            nonlocal last
            for record in records:
                number = last if ours is None or record.account in ours else None
                last += 1
                # Without its line: where it stood in what was printed is no part of what it says.
                content = json.dumps(record.as_dict(), separators=(",", ":"))
                yield record.job_id, record.submit, number, record.account, record.end, content

        self._connection.executemany(_UPSERT, rows())
        changed = self._connection.total_changes - before
        if last != next_number:
            self.write_note("next", last)
        return changed

    def claim(self, ours: Collection[str]) -> None:
        """Give a number to the runs of accounts that have become ours since they were read."""
        waiting = [
            account
            for (account,) in self._connection.execute("SELECT DISTINCT account FROM run WHERE seq IS NULL")
            if account in ours
        ]
        for account in waiting:
            number = self.number("next", 1)
            keys = self._connection.execute(
                "SELECT job, submit FROM run WHERE seq IS NULL AND account = ? ORDER BY ends, job, submit", [account]
            ).fetchall()
            self._connection.executemany(
                "UPDATE run SET seq = ? WHERE job = ? AND submit = ?",
                [(number + place, *key) for place, key in enumerate(keys)],
            )
            self.write_note("next", number + len(keys))

    def since(self, cursor: str, most: int) -> tuple[list[UsageRecord], str]:
        """At most `most` records with a number past the cursor, and the cursor after them. See Engine.usage_since."""
        after = self._number_of(cursor)
        rows = self._connection.execute(
            "SELECT seq, content FROM run WHERE seq > ? ORDER BY seq LIMIT ?", [after, most]
        ).fetchall()
        if not rows:
            return [], cursor
        return [record_of(json.loads(content)) for _number, content in rows], f"{self._name}:{rows[-1][0]}"

    def forget(self, cursor: str, before: int) -> int:
        """Drop runs that ended before a second and that the platform has. One that is read again is sent again, and
        counts as repeated there. Returns how many."""
        done = self._connection.execute(
            "DELETE FROM run WHERE ends < ? AND (seq <= ? OR seq IS NULL)", [before, self._number_of(cursor)]
        )
        return done.rowcount

    def _number_of(self, cursor: str) -> int:
        name, colon, number = cursor.partition(":")
        return int(number) if colon and name == self._name and number.isdecimal() else 0

    # Runs that go on

    def open_runs(self) -> dict[tuple[str, int], tuple[OpenRun, int | None]]:
        """The runs that had no end when they were last read, and since when the scheduler itself doesn't know them."""
        return {
            (job, submit): (OpenRun(job, submit, start, account, partition), missing)
            for job, submit, start, account, partition, missing in self._connection.execute("SELECT * FROM open")
        }

    def open_also(self, runs: Iterable[OpenRun]) -> None:
        """Remember runs that go on."""
        self._connection.executemany(_TAKE, ((r.job_id, r.submit, r.start, r.account, r.partition) for r in runs))

    def close_runs(self, keys: Iterable[tuple[str, int]]) -> None:
        """Forget runs that no longer go on."""
        self._connection.executemany("DELETE FROM open WHERE job = ? AND submit = ?", keys)

    def missing(self, jobs: Collection[str], now: int) -> None:
        """Note which of the open runs the scheduler doesn't know: those of these jobs, and no others."""
        self._connection.executemany(
            "UPDATE open SET missing_since = ? WHERE job = ? AND submit = ?",
            [((missing or now) if key[0] in jobs else None, *key) for key, (_run, missing) in self.open_runs().items()],
        )

    # Changes of size

    def resized(self, job: str, second: int) -> bool:
        """Whether this job changed its size at this second."""
        return (
            self._connection.execute("SELECT 1 FROM resize WHERE job = ? AND second = ?", [job, second]).fetchone()
            is not None
        )

    def note_resizes(self, resizes: Iterable[tuple[str, int]]) -> None:
        """Remember changes of size: a later line of the job counts from there."""
        self._connection.executemany("INSERT OR IGNORE INTO resize VALUES (?, ?)", resizes)
