"""One way to read any trace: which format a file is in is seen by what is in it, not by its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import Path

from fabriek.simulation.workloads import alibaba, philly
from fabriek.simulation.workloads.sacct import read_sacct
from fabriek.simulation.workloads.swf import Processors, parse_swf
from fabriek.simulation.workloads.table import PARQUET, Table, names_in, table_of
from fabriek.simulation.workloads.trace import Trace, WorkloadBroken, content_of


@dataclass(frozen=True, slots=True)
class TableFormat:
    """A table that is known by its columns."""

    name: str
    what: str
    columns: frozenset[str]
    read: Callable[[Table], Trace]


TABLES = (
    TableFormat("philly", "jobs of Microsoft's Philly, 2017", philly.COLUMNS, philly.read_philly),
    TableFormat("alibaba", "pods of Alibaba's GPU trace, 2023", alibaba.COLUMNS, alibaba.read_alibaba),
)


def read_trace(path: Path | str, *, processors: Processors = "requested", zone: tzinfo = UTC) -> Trace:
    """The trace in a file, plain or gzip: SWF, sacct --parsable2, or a table of TABLES as CSV or Parquet.

    processors: for SWF, which of its two numbers counts. zone: of sacct's times without one.
    Errors: WorkloadBroken where the format isn't known or the file is broken; OSError.
    """
    return trace_in(content_of(path), processors=processors, zone=zone)


def trace_in(content: bytes, *, processors: Processors = "requested", zone: tzinfo = UTC) -> Trace:
    """As `read_trace`, of what is in a file."""
    first = next(iter(content.lstrip()[: 1 << 16].splitlines()), b"").strip()
    if not content.startswith(PARQUET):
        if first.startswith(b";") or _looks_like_swf(first):
            return parse_swf(content, processors=processors)
        if b"|" in first and b"jobid" in first.lower():
            return read_sacct(content, zone)
    names = set(names_in(content))
    for known in TABLES:
        if known.columns <= names:
            return known.read(table_of(content))
    if names >= alibaba.NODE_COLUMNS:
        raise WorkloadBroken("it lists the nodes of a cluster. Name the file with its jobs (the pods).")
    raise WorkloadBroken(f"its format isn't known. {_known()}", 1)


def _looks_like_swf(first: bytes) -> bool:
    """Most of a job's line are numbers; what is broken in it is told by the reader."""
    fields = first.split()
    return len(fields) > 2 and sum(field.lstrip(b"-").isdigit() for field in fields) > len(fields) / 2


def _known() -> str:
    tables = "; ".join(
        f"a CSV or Parquet file of {one.what} (columns {', '.join(sorted(one.columns))})" for one in TABLES
    )
    return (
        "What is known: SWF (18 numbers a line between blanks, comments with ';'); sacct --parsable2 with its header "
        f"(JobIDRaw|Submit|Start|End|...); {tables}. Any of them may be packed with gzip."
    )
