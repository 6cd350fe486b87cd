"""slurmdbd's table of jobs, as far as sacct shows it: for tests of what reads it, without a Slurm."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TextIO

from fabriek.compute.slurm.accounting import Printed

HELP = (
    "Account AllocCPUS AllocNodes AllocTRES Cluster ElapsedRaw End JobID JobIDRaw JobName Partition Start State Submit "
    "Suspended User"
)


@dataclass(frozen=True)
class Row:
    """One row; `end` None: it goes on. start 0: it waits."""

    job: str
    submit: int
    start: int
    end: int | None
    gpus: int = 1
    state: str = "COMPLETED"
    suspended: int = 0
    account: str = "vision"

    @property
    def columns(self) -> dict[str, str]:
        tres = f"billing=1,cpu=4,gres/gpu:h100={self.gpus},gres/gpu={self.gpus},mem=1G,node=1" if self.start else ""
        elapsed = (self.end or self.start) - self.start - self.suspended
        return {
            "JobID": self.job,
            "JobIDRaw": self.job,
            "Submit": str(self.submit),
            "Start": str(self.start) if self.start else "Unknown",
            "End": "Unknown" if self.end is None else str(self.end),
            "ElapsedRaw": str(elapsed),
            "State": self.state,
            "Account": self.account,
            "User": "ann",
            "Partition": "gpu",
            "AllocTRES": tres,
            "AllocCPUS": "4" if self.start else "0",
            "AllocNodes": "1" if self.start else "0",
        }


@dataclass
class Books:
    """The table, by (job, submit) as slurmdbd keys it. `asked`: each command; `cut`: what to do to an answer."""

    rows: dict[tuple[str, int], Row] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    asked: list[list[str]] = field(default_factory=list)
    cuts: list[int | None] = field(default_factory=list)
    down: str = ""
    help: str = HELP

    def add(self, *rows: Row) -> None:
        for row in rows:
            self.rows[row.job, row.submit] = row

    def change(self, job: str, submit: int, **changes: object) -> None:
        self.rows[job, submit] = replace(self.rows[job, submit], **changes)  # type: ignore[arg-type]

    def run(self, words: list[str]) -> str:
        """What the command prints. A number in `cuts` leaves out as many characters at the end of the next answer of
        sacct, None none."""
        self.asked.append(words)
        if self.down:
            raise RuntimeError(self.down)
        if words[0] == "sacctmgr":
            return "alpha\n"
        if words[0] == "squeue":
            return "".join(f"{job}\n" for job in sorted(self.known))
        if "--helpformat" in words:
            return self.help
        columns = next(word for word in words if word.startswith("--format=")).removeprefix("--format=").split(",")
        printed = "".join("|".join(line) + "\n" for line in [columns, *self._lines(words, columns)])
        cut = self.cuts.pop(0) if self.cuts else None
        return printed if cut is None else printed[: max(len(printed) - cut, 0)]

    def _lines(self, words: list[str], columns: list[str]) -> list[list[str]]:
        rows = sorted(self.rows.values(), key=lambda row: (row.submit, row.job))
        if "-j" in words:
            jobs = words[words.index("-j") + 1].split(",")
            rows = [row for row in rows if row.job in jobs]
        else:
            since, until = _second(words[words.index("-S") + 1]), _second(words[words.index("-E") + 1])
            rows = [row for row in rows if row.submit < until and (row.end is None or row.end >= since)]
        return [[row.columns[column] for column in columns] for row in rows]


def as_file(run: Callable[[list[str]], str]) -> Printed:
    """What `run` says that a command prints, as the file that metering reads."""

    @contextmanager
    def printed(words: list[str]) -> Iterator[TextIO]:
        yield io.StringIO(run(words))

    return printed


def _second(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())
