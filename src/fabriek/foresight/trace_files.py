"""Traces as files of the platform: read with limits from what somebody sends, and kept as plain arrays.

An archive of NumPy arrays holds numbers and texts only (no pickle), is read in milliseconds, and is the same for a file
that was sent, for what the platform recorded itself and for an example. Knows no web framework.
"""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from fabriek.simulation.jobs import Jobs, jobs_of
from fabriek.simulation.workloads.reading import trace_in
from fabriek.simulation.workloads.table import PARQUET
from fabriek.simulation.workloads.trace import Trace, WorkloadBroken

MOST_BYTES = 32 * 1024 * 1024
MOST_UNPACKED = 256 * 1024 * 1024
MOST_JOBS = 500_000

_ARRAYS = ("number", "submit", "run", "estimate", "processors", "gpus", "user", "group", "account", "klass")
_NAMES = ("users", "groups", "accounts", "klasses")


def read_sent(content: bytes) -> Trace:
    """The trace in a file that somebody sent, plain or gzip. Errors: WorkloadBroken, with what to do."""
    if len(content) > MOST_BYTES:
        raise WorkloadBroken(f"the file is larger than {MOST_BYTES >> 20} MiB. Send a part of the trace.")
    if content.startswith(PARQUET):
        # Packed in itself, by a library that has no limit on what it unpacks.
        raise WorkloadBroken("Parquet isn't taken here. Send the table as CSV, plain or gzip.")
    trace = trace_in(_unpacked(content))
    if not len(trace.jobs):
        raise WorkloadBroken("no job of it can be used.")
    if len(trace.jobs) > MOST_JOBS:
        raise WorkloadBroken(f"it has {len(trace.jobs):,} jobs; at most {MOST_JOBS:,}. Send a part of the trace.")
    return trace


def _unpacked(content: bytes) -> bytes:
    """A few bytes of gzip can be as many gigabytes as one likes: no more than `MOST_UNPACKED` are ever unpacked."""
    found, is_packed = bytearray(), content.startswith(b"\x1f\x8b")
    while content.startswith(b"\x1f\x8b"):
        member = zlib.decompressobj(wbits=31)
        try:
            found += member.decompress(content, MOST_UNPACKED + 1 - len(found))
        except zlib.error as error:
            raise WorkloadBroken(f"the gzip file is damaged ({error}). Fetch or pack it again.") from None
        if len(found) > MOST_UNPACKED:
            raise WorkloadBroken(f"unpacked it is larger than {MOST_UNPACKED >> 20} MiB. Send a part of the trace.")
        if not member.eof:
            raise WorkloadBroken("the gzip file ends before its end: it was cut. Fetch or pack it again.")
        content = member.unused_data
    plain = (bytes(found) if is_packed else content).removeprefix(b"\xef\xbb\xbf")
    if not plain.strip():
        raise WorkloadBroken("the file is empty. A trace has at least one job.")
    return plain


def packed(trace: Trace) -> bytes:
    """A trace as it is kept: its jobs, when it began and where."""
    jobs = trace.jobs
    arrays: dict[str, Any] = {name: getattr(jobs, name) for name in _ARRAYS}
    arrays |= {name: np.array(getattr(jobs, name), dtype=np.str_) for name in _NAMES}
    if trace.start is not None:
        arrays["start"] = np.array(trace.start)
    arrays["zone"] = np.array(trace.zone, dtype=np.str_)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def unpacked(content: bytes) -> Trace:
    """What `packed` made. Errors: ValueError where it is something else."""
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        columns: dict[str, Any] = {name: archive[name] for name in _ARRAYS}
        names: dict[str, Any] = {name: tuple(archive[name].tolist()) for name in _NAMES}
        start = int(archive["start"]) if "start" in archive else None
        zone = str(archive["zone"])
    return Trace(jobs_of(**columns, **names), format="packed", start=start, zone=zone)


@dataclass(frozen=True)
class ClassOfJobs:
    """A class in a trace: its jobs, and its part of all use (units times seconds)."""

    klass: str
    jobs: int
    part: float


def classes_in(jobs: Jobs) -> list[ClassOfJobs]:
    """The classes that have jobs, by name."""
    used = np.bincount(jobs.klass, weights=jobs.run.astype(float) * jobs.processors, minlength=len(jobs.klasses))
    count = np.bincount(jobs.klass, minlength=len(jobs.klasses))
    whole = max(float(used.sum()), 1.0)
    return sorted(
        (
            ClassOfJobs(name, int(count[place]), float(used[place]) / whole)
            for place, name in enumerate(jobs.klasses)
            if count[place]
        ),
        key=lambda one: one.klass,
    )


def days_of(jobs: Jobs) -> float:
    """From the first submission to the last."""
    return float(jobs.submit[-1] - jobs.submit[0]) / 86_400
