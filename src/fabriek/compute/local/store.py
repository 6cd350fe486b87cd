"""What the embedded engine remembers: accounts and jobs, in one SQLite file that survives a crash."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from fabriek.compute.sqlite_file import SqliteFile

_SCHEMA = """
CREATE TABLE IF NOT EXISTS account (
    account TEXT NOT NULL, partition TEXT NOT NULL,
    accelerator_limit INTEGER NOT NULL, core_limit INTEGER NOT NULL,
    active INTEGER NOT NULL, users TEXT NOT NULL, ends TEXT,
    PRIMARY KEY (account, partition)
);
CREATE TABLE IF NOT EXISTS job (
    id INTEGER PRIMARY KEY AUTOINCREMENT, uuid TEXT NOT NULL UNIQUE,
    account TEXT NOT NULL, user TEXT NOT NULL, partition TEXT NOT NULL, name TEXT NOT NULL, script TEXT NOT NULL,
    nodes INTEGER NOT NULL, accelerators INTEGER NOT NULL, cores INTEGER NOT NULL, seconds INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'PENDING', reason TEXT NOT NULL DEFAULT '',
    submit INTEGER NOT NULL, start INTEGER, "end" INTEGER, cancel INTEGER NOT NULL DEFAULT 0,
    accounted INTEGER UNIQUE,
    memory INTEGER, cpu REAL, peak INTEGER,
    array_job INTEGER, task INTEGER, at_once INTEGER
);
CREATE INDEX IF NOT EXISTS job_state ON job (state, id);
CREATE INDEX IF NOT EXISTS job_account ON job (account, partition, state);
"""
# Columns that a file of an earlier version lacks.
_ADDED = {"memory": "INTEGER", "cpu": "REAL", "peak": "INTEGER", "array_job": "INTEGER", "task": "INTEGER",
          "at_once": "INTEGER"}  # fmt: skip
_AFTERWARDS = "CREATE INDEX IF NOT EXISTS job_array ON job (array_job, state);"


class Store(SqliteFile):
    """The file, with rows that know the names of their columns."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, _SCHEMA)
        self._connection.row_factory = sqlite3.Row
        there = {row["name"] for row in self._connection.execute("PRAGMA table_info(job)")}
        for name in _ADDED.keys() - there:
            self._connection.execute(f"ALTER TABLE job ADD COLUMN {name} {_ADDED[name]}")
        self._connection.executescript(_AFTERWARDS)

    def rows(self, query: str, *values: object) -> list[sqlite3.Row]:
        """What a query finds."""
        return self._connection.execute(query, values).fetchall()

    def row(self, query: str, *values: object) -> sqlite3.Row | None:
        """The first row that a query finds."""
        found: sqlite3.Row | None = self._connection.execute(query, values).fetchone()
        return found


def moment(seconds: int | None) -> datetime | None:
    """A time in the file, which is in seconds since 1970."""
    return None if seconds is None else datetime.fromtimestamp(seconds, tz=UTC)
