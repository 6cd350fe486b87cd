"""Columns of a CSV file (plain or gzip) or of a Parquet file, and what their values mean, with the line of a fault."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fabriek.simulation.workloads.trace import WorkloadBroken, text_of

PARQUET = b"PAR1"


@dataclass(frozen=True, slots=True)
class Table:
    """Columns of equal length, as text: "" where a value lacks. lines: where each row stands in the file."""

    columns: dict[str, list[str]]
    lines: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.lines)

    def texts(self, name: str) -> list[str]:
        return self.columns[name]

    def numbers(self, name: str, most: float, lacking: float | None = None) -> NDArray[np.float64]:
        """Errors: WorkloadBroken where a value is no number, or its size beyond `most`, or lacks and `lacking` is
        None."""
        texts = self.columns[name]
        if lacking is not None:
            texts = [text or repr(lacking) for text in texts]
        try:
            found = np.array(texts, dtype=np.float64)
        except ValueError:
            place = next(place for place, text in enumerate(texts) if not _is_number(text))
            raise self._fault(name, place, "a number") from None
        wrong = ~(np.abs(found) <= most)
        if wrong.any():
            raise self._fault(name, int(np.argmax(wrong)), f"a number of at most {most:,.0f}")
        return found

    def seconds(self, name: str, zone: tzinfo = UTC) -> NDArray[np.int64]:
        """Moments as UNIX seconds; -1 where one lacks. zone: of those that name none."""
        known: dict[str, int] = {"": -1}
        for text in self.columns[name]:
            if text not in known:
                try:
                    moment = datetime.fromisoformat(text)
                    known[text] = int((moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp())
                except (ValueError, OverflowError):
                    raise self._fault(name, self.columns[name].index(text), "like 2026-01-31 12:00:00") from None
        return np.fromiter((known[text] for text in self.columns[name]), np.int64, len(self))

    def _fault(self, name: str, place: int, wanted: str) -> WorkloadBroken:
        shown = self.columns[name][place][:40]
        return WorkloadBroken(f"{name} is {shown!r}; it must be {wanted}.", int(self.lines[place]))


def table_of(content: bytes) -> Table:
    """The columns of a CSV or Parquet file; a CSV's first line names them.

    Errors: WorkloadBroken where a row has more or fewer values than there are columns, where the file has no rows, and
    for Parquet where pyarrow isn't installed or can't read it.
    """
    return _of_parquet(content) if content.startswith(PARQUET) else _of_csv(content)


def names_in(content: bytes) -> list[str]:
    """The names of the columns alone. Errors: WorkloadBroken, for Parquet."""
    if content.startswith(PARQUET):
        return list(_parquet(content).schema.names)
    first = content[: 1 << 16].lstrip().split(b"\n", 1)[0]
    return [name.strip() for name in text_of(first).split(",")]


def _of_csv(content: bytes) -> Table:
    rows, lines = [], []
    reader = csv.reader(io.StringIO(text_of(content), newline=""), strict=True)
    try:
        for row in reader:
            if row:
                rows.append(row)
                lines.append(reader.line_num)
    except csv.Error as error:
        raise WorkloadBroken(f"it can't be read as CSV: {error}.", reader.line_num) from None
    names = [name.strip() for name in rows[0]] if rows else []
    if len(rows) < 2:
        raise WorkloadBroken("the file has no jobs. A trace has a line with the names of columns, and one a job.")
    for row, line in zip(rows, lines, strict=True):
        if len(row) != len(names):
            raise WorkloadBroken(f"{len(row)} values, and the first line names {len(names)} columns.", line)
    columns = zip(*rows[1:], strict=True)
    return Table(dict(zip(names, map(list, columns), strict=True)), np.array(lines[1:], np.int64))


def _of_parquet(content: bytes) -> Table:
    read = _parquet(content)
    if not read.num_rows:
        raise WorkloadBroken("the file has no jobs.")
    columns = {name: [_text(value) for value in read[name].to_pylist()] for name in read.column_names}
    return Table(columns, np.arange(1, read.num_rows + 1))


def _parquet(content: bytes) -> Any:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise WorkloadBroken(
            "it is a Parquet file, and pyarrow isn't installed here. Install it (pip install 'fabriek[parquet]'), or "
            "save the table as CSV."
        ) from None
    try:
        return parquet.read_table(pyarrow.BufferReader(content))
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise WorkloadBroken(f"the Parquet file is damaged ({error}).") from None


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value.isoformat(sep=" ") if isinstance(value, datetime) else str(value)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
