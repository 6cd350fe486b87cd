"""The Standard Workload Format (https://www.cs.huji.ac.il/labs/parallel/workload/swf.html), read and written.

Eighteen numbers a job, one line a job, -1 where the log doesn't know; comments start with a semicolon, and those in
front name the machine, the clock, queues and partitions. Two kinds of longer lines are read too:

- 21 fields, as in Frontier's public trace (Maheshwari, Klusáček, Suter, Brewer: Workload Traces from the Frontier
  Exascale Supercomputer, JSSPP 2026): GPUs, soft time limit, and a text like `frontier:excl:2500x112`. Its number of
  nodes is the job's size: fields 5 and 8 count nodes in one line and cores in another.
- what `write_swf` writes of jobs with GPUs, accounts that aren't groups, or classes: three numbers more, said by the
  comment `; ExtraFields: gpus account class`.
"""

from __future__ import annotations

import io
import re
import warnings
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fabriek.simulation.jobs import Repairs
from fabriek.simulation.workloads import trace as common
from fabriek.simulation.workloads.swf_header import EXTRA, Header, header_of
from fabriek.simulation.workloads.trace import Trace, WorkloadBroken, content_of, queued, skip_where

FIELDS = (
    "job number", "submit time", "wait time", "run time", "allocated processors", "average CPU time", "used memory",
    "requested processors", "requested time", "requested memory", "status", "user", "group", "executable", "queue",
    "partition", "preceding job", "think time", "GPUs", "soft time limit", "description",
)  # fmt: skip
NUMBER, SUBMIT, WAIT, RUN, ALLOCATED, USED_MEMORY, REQUESTED, ASKED, MEMORY = 0, 1, 2, 3, 4, 6, 7, 8, 9
STATUS, USER, GROUP, QUEUE, PARTITION, GPUS, ACCOUNT, KLASS = 10, 11, 12, 14, 15, 18, 19, 20
PLAIN, LONG = 18, 21
# Parts of a job that was checkpointed; its own line (status 0 or 1) sums them up.
_PARTS = (2, 3, 4)
_DESCRIPTION = re.compile(rb"[^:\s]+:[^:\s]+:(\d{1,9})x\d+")
_MOST: dict[int, float] = {
    NUMBER: common.MOST_NUMBER,
    ALLOCATED: common.MOST_PROCESSORS,
    REQUESTED: common.MOST_PROCESSORS,
    # In kB for each processor: 100 TB.
    USED_MEMORY: 1e11,
    MEMORY: 1e11,
    GPUS: common.MOST_PROCESSORS,
    **dict.fromkeys((USER, GROUP, QUEUE, PARTITION, ACCOUNT, KLASS), 2**31 - 1),
}

Processors = Literal["requested", "allocated"]


def read_swf(path: Path | str, *, processors: Processors = "requested") -> Trace:
    """A trace from an SWF file, plain or gzip. See `parse_swf`. Errors: also OSError."""
    return parse_swf(content_of(path), processors=processors)


def parse_swf(content: bytes, *, processors: Processors = "requested") -> Trace:
    """The jobs of an SWF log in the order of their submission.

    A job's size is what it requested (field 8), and where that isn't known what it was given (field 5), which is what a
    scheduler had to find room for; `processors="allocated"` prefers field 5. Its estimate is the requested time, else
    the run time. Memory is kB a processor in the file, MiB a job here; 0 where only this job's isn't known. User 3 is
    "u3", group "g3", queue "q3" (as QOS), partition "p3", unless a comment names it; -1 is "". The group
    is the account too.

    Left out and named: jobs without a submit time, run time (or of 0 seconds) or size, and parts of checkpointed jobs.
    Errors: WorkloadBroken with the line, where a line has too few or too many fields, or one that is no number, or
    beyond all measure.
    """
    header, body, before = header_of(content)
    rows, nodes = _rows(header, body, before)
    _check(rows, body, before)
    repairs, numbers = Repairs(), np.rint(rows[:, NUMBER]).astype(np.int64)
    keep = np.ones(len(rows), bool)
    size = _size(rows, nodes, processors, repairs)
    for why, reason in (
        (np.isin(rows[:, STATUS], _PARTS), "it is a part of a checkpointed job, which its own line sums up"),
        (rows[:, SUBMIT] < 0, common.NO_SUBMIT),
        (rows[:, RUN] <= 0, common.NEVER_RAN),
        (size <= 0, common.NO_PROCESSORS),
    ):
        skip_where(repairs, keep, numbers, why, reason)
    fractions = (rows[:, (NUMBER, SUBMIT, RUN, ASKED)] % 1 != 0).any(axis=1) | (size % 1 != 0)
    repairs.repair(common.ROUNDED, int((fractions & keep).sum()))
    size = np.ceil(size)
    run = np.maximum(np.rint(rows[:, RUN]), 1)
    asked = rows[:, ASKED] > 0
    repairs.repair(common.NO_ESTIMATE, int((~asked & keep).sum()))
    columns = {
        "number": numbers,
        "submit": np.rint(rows[:, SUBMIT]).astype(np.int64),
        "run": run.astype(np.int64),
        "processors": size.astype(np.int64),
        "estimate": np.maximum(np.rint(np.where(asked, rows[:, ASKED], run)), 1).astype(np.int64),
        "memory": _memory(rows, size),
        **_names(header, rows, keep),
    }
    if rows.shape[1] > GPUS:
        columns["gpus"] = np.maximum(rows[:, GPUS], 0).astype(np.int64)
    jobs, places = queued(columns, keep, repairs)
    waits = np.rint(np.maximum(rows[places, WAIT], -1)).astype(np.int64)
    return Trace(
        jobs=jobs,
        repairs=repairs,
        format="swf",
        waits=waits if (waits >= 0).any() else None,
        start=header.start,
        zone=header.zone,
        processors=header.processors,
        nodes=header.nodes,
        header=header.others,
    )


def _rows(header: Header, body: bytes, before: int) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """The numbers, one row a job, and where a description says them the nodes (nan: it doesn't)."""
    first = next((line for line in io.BytesIO(body) if line.split(b";")[0].strip()), b"")
    described = not header.extra and len(first.split()) == LONG
    width = LONG if header.extra or described else PLAIN
    descriptions: list[bytes] = []
    if described:
        lines = [line.split() for line in _lines(body) if line]
        if any(len(line) != LONG for line in lines):
            raise _fault(body, before, width, described)
        descriptions = [line[-1] for line in lines]
    try:
        with warnings.catch_warnings():
            # It warns of no rows, which is told below.
            warnings.simplefilter("ignore", UserWarning)
            rows = np.loadtxt(
                io.BytesIO(body),
                comments=";",
                ndmin=2,
                encoding="latin-1",
                usecols=range(LONG - 1) if described else None,
            )
    except ValueError:
        raise _fault(body, before, width, described) from None
    if not rows.size:
        raise WorkloadBroken("the file has no jobs, only comments. A trace has at least one job.")
    if rows.shape[1] != width - described:
        raise _fault(body, before, width, described)
    if not described:
        return rows, None
    found = (_DESCRIPTION.fullmatch(text) for text in descriptions)
    return rows, np.array([float(match[1]) if match else np.nan for match in found])


def _check(rows: NDArray[np.float64], body: bytes, before: int) -> None:
    """No field is infinite, not a number or beyond all measure."""
    most = np.full(rows.shape[1], common.MOST_SECONDS, float)
    for place, limit in _MOST.items():
        if place < len(most):
            most[place] = limit
    wrong = ~(np.abs(rows) <= most)
    if not wrong.any():
        return
    row, place = (int(one) for one in np.argwhere(wrong)[0])
    line = [number for number, text in enumerate(_lines(body), before + 1) if text][row]
    value = rows[row, place]
    what = f"beyond {most[place]:,.0f}, which no trace needs" if np.isfinite(value) else "no finite number"
    raise WorkloadBroken(
        f"field {place + 1} ({FIELDS[place]}) is {value:g}, {what}. Write what it is, or -1 where nobody knows.", line
    )


def _size(
    rows: NDArray[np.float64], nodes: NDArray[np.float64] | None, processors: Processors, repairs: Repairs
) -> NDArray[np.float64]:
    preferred, other = (REQUESTED, ALLOCATED) if processors == "requested" else (ALLOCATED, REQUESTED)
    size = np.where(rows[:, preferred] > 0, rows[:, preferred], rows[:, other])
    said = (
        "no requested processors: the allocated ones"
        if preferred == REQUESTED
        else ("no allocated processors: the requested ones")
    )
    lacking = (rows[:, preferred] <= 0) & (size > 0)
    if nodes is not None:
        known = nodes > 0
        repairs.repair("no number of nodes in the description: the processors", int((~known).sum()))
        size, lacking = np.where(known, nodes, size), lacking & ~known
    repairs.repair(said, int(lacking.sum()))
    return size


def _memory(rows: NDArray[np.float64], size: NDArray[np.float64]) -> NDArray[np.int64] | None:
    each = np.where(rows[:, MEMORY] >= 0, rows[:, MEMORY], rows[:, USED_MEMORY])
    if not (each >= 0).any():
        return None
    return np.rint(np.maximum(each, 0) * np.maximum(size, 0) / 1024).astype(np.int64)


def _names(header: Header, rows: NDArray[np.float64], keep: NDArray[np.bool_]) -> dict[str, object]:
    """Places and names of users, groups, accounts, classes, partitions and QOS."""
    user, users = header.named("User", rows[:, USER], keep)
    group, groups = header.named("Group", rows[:, GROUP], keep)
    partition, partitions = header.named("Partition", rows[:, PARTITION], keep)
    qos, qoses = header.named("Queue", rows[:, QUEUE], keep)
    account, accounts = group, groups
    found: dict[str, object] = {}
    if header.extra:
        account, accounts = header.named("Account", rows[:, ACCOUNT], keep)
        found["klass"], found["klasses"] = header.named("Class", rows[:, KLASS], keep)
    return found | {
        "user": user, "users": users, "group": group, "groups": groups, "account": account, "accounts": accounts,
        "partition": partition, "partitions": partitions, "qos": qos, "qoses": qoses,
    }  # fmt: skip


def _lines(body: bytes) -> list[bytes]:
    """Each line without its comment; empty where it holds no job."""
    return [line.split(b";")[0].strip() for line in body.splitlines()]


def _fault(body: bytes, before: int, width: int, described: bool) -> WorkloadBroken:
    """The first line that isn't as the others must be, and how."""
    for number, line in enumerate(_lines(body), before + 1):
        fields = line.split()
        if not fields:
            continue
        if len(fields) != width:
            wanted = f"{width}, as {EXTRA!r} says" if width == LONG and not described else f"{width}"
            return WorkloadBroken(
                f"a job has {len(fields)} fields; it must have {wanted}. Complete the line, with -1 for what isn't "
                "known, or remove it.",
                number,
            )
        for place, value in enumerate(fields[: LONG - 1] if described else fields):
            if not re.fullmatch(
                rb"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|[-+]?(nan|inf|infinity)", value, re.IGNORECASE
            ):
                shown = value[:40].decode("ascii", "backslashreplace")
                return WorkloadBroken(
                    f"field {place + 1} ({FIELDS[place]}) is {shown!r}, no number. Write -1 where nobody knows.",
                    number,
                )
    return WorkloadBroken("it can't be read as the Standard Workload Format: numbers between blanks, one line a job.")
