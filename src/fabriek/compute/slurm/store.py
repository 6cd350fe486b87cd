"""What the Slurm engine remembers between rounds, in one SQLite file: jobs that it submitted, accounts that it made."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from fabriek.compute.sqlite_file import SqliteFile
from fabriek.compute.wire import AccountState

_SCHEMA = """
CREATE TABLE IF NOT EXISTS job (
    uuid TEXT PRIMARY KEY, number TEXT UNIQUE, account TEXT NOT NULL, user TEXT NOT NULL, partition TEXT NOT NULL,
    folder TEXT NOT NULL, asked REAL NOT NULL, submitted REAL, output TEXT, error TEXT
);
CREATE TABLE IF NOT EXISTS made (
    account TEXT NOT NULL, partition TEXT NOT NULL, state TEXT NOT NULL, PRIMARY KEY (account, partition)
);
"""


class Store(SqliteFile):
    """The file, with rows that know the names of their columns."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, _SCHEMA)
        self._connection.row_factory = sqlite3.Row
        self._made = {
            (row["account"], row["partition"]): AccountState.model_validate_json(row["state"])
            for row in self._connection.execute("SELECT * FROM made")
        }

    def job(self, *, uuid: str = "", number: str = "") -> sqlite3.Row | None:
        """A job by the platform's name for it or by Slurm's number."""
        column, value = ("uuid", uuid) if uuid else ("number", number)
        query = f"SELECT * FROM job WHERE {column} = ?"  # noqa: S608 - one of two names
        found: sqlite3.Row | None = self._connection.execute(query, (value,)).fetchone()
        return found

    def made(self) -> dict[tuple[str, str], AccountState]:
        """What was last made so, by account and partition. Read once: it is asked for many times a round."""
        return self._made

    def remember_made(self, states: Sequence[AccountState]) -> None:
        """Keep what these accounts were made to be."""
        with self.change() as change:
            change.executemany(
                "INSERT OR REPLACE INTO made VALUES (?, ?, ?)",
                [(s.account, s.partition, s.model_dump_json()) for s in states],
            )
        self._made |= {(s.account, s.partition): s for s in states}
