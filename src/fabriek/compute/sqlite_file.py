"""A SQLite file in an agent's folder that survives a crash: what engines remember, and what was metered."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class SqliteFile:
    """The file. Each `change()` is one transaction: all of it happens, or nothing."""

    def __init__(self, path: Path, schema: str, *, one_thread: bool = True) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Its owner's alone, and so are the files that SQLite puts beside it. One that is there is not opened: closing
        # it would let go of the locks that this process has on it (https://www.sqlite.org/howtocorrupt.html, 2.2).
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))
        self._connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=one_thread)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.executescript(schema)

    @contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """A transaction that writes."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()
