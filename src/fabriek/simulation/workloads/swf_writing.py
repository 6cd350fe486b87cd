"""Traces as files in the Standard Workload Format, such that reading one again gives the same jobs."""

from __future__ import annotations

import gzip
import re
from itertools import repeat
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fabriek.simulation.jobs import Jobs
from fabriek.simulation.workloads import trace as common
from fabriek.simulation.workloads.swf_header import EXTRA, PREFIXES, quoted
from fabriek.simulation.workloads.trace import Trace

_UNKNOWN = "-1"


def write_swf(trace: Trace, path: Path | str) -> None:
    """Write a trace as SWF, as gzip where the name ends with .gz; a file that was there is replaced at the end.

    The size of a job stands in both fields for it, the memory is kB a processor. Names that aren't a letter and a
    number (u3) are said in comments. Jobs with GPUs, accounts that aren't their groups, or classes have three numbers
    more than the format's eighteen (`; ExtraFields: gpus account class`).
    Errors: ValueError where a job has what the format can't say (a time before 0, a size beyond all measure), OSError.
    """
    content = swf_text(trace).encode()
    path = Path(path)
    if path.name.endswith(".gz"):
        # Without the time of day, so that the same trace is the same file.
        content = gzip.compress(content, mtime=0)
    partial = path.with_name(f"{path.name}.partial")
    partial.write_bytes(content)
    partial.replace(path)


def swf_text(trace: Trace) -> str:
    """What `write_swf` writes. Errors: ValueError."""
    jobs = trace.jobs
    _check(jobs)
    extra = _has_extra(jobs)
    kinds: dict[str, tuple[NDArray[np.int32], tuple[str, ...]]] = {
        "User": (jobs.user, jobs.users),
        "Group": (jobs.group, jobs.groups),
        "Queue": (jobs.qos, jobs.qoses),
        "Partition": (jobs.partition, jobs.partitions),
    }
    if extra:
        kinds |= {"Account": (jobs.account, jobs.accounts), "Class": (jobs.klass, jobs.klasses)}
    numbers, comments = {}, []
    for kind, (places, names) in kinds.items():
        said = _numbers(kind, places, names)
        if said is None:
            said = np.arange(1, len(names) + 1)
            comments += [f"; {kind}: {number} {quoted(name)}" for number, name in zip(said, names, strict=True)]
        numbers[kind] = _texts(said[places])
    size = _texts(jobs.processors)
    columns = [
        _texts(jobs.number), _texts(jobs.submit), _waits(trace), _texts(jobs.run), size, repeat(_UNKNOWN),
        repeat(_UNKNOWN), size, _texts(jobs.estimate), _memory(jobs), repeat(_UNKNOWN), numbers["User"],
        numbers["Group"], repeat(_UNKNOWN), numbers["Queue"], numbers["Partition"], repeat(_UNKNOWN), repeat(_UNKNOWN),
    ]  # fmt: skip
    if extra:
        columns += [_texts(jobs.gpus), numbers["Account"], numbers["Class"]]
    rows = map(" ".join, zip(*columns, strict=False))
    return "\n".join([*_comments(trace, extra), *comments, *rows, ""])


def _comments(trace: Trace, extra: bool) -> list[str]:
    said = {
        "MaxJobs": len(trace.jobs),
        "UnixStartTime": trace.start,
        "TimeZoneString": trace.zone or None,
        "MaxNodes": trace.nodes,
        "MaxProcs": trace.processors,
    }
    own = [f"; {key}: {value}" for key, value in said.items() if value is not None]
    if extra:
        own.append(f"; {EXTRA}")
    # A comment stays on its line, whatever is in it.
    others = (re.sub(r"[\r\n]+", " ", line.removeprefix(";")) for line in trace.header)
    return [*(f";{line}" for line in others), *own]


def _check(jobs: Jobs) -> None:
    limits = {
        "number": (0, common.MOST_NUMBER),
        "submit": (0, common.MOST_SECONDS),
        "run": (0, common.MOST_SECONDS),
        "estimate": (1, common.MOST_SECONDS),
        "processors": (1, common.MOST_PROCESSORS),
        "gpus": (0, common.MOST_PROCESSORS),
    }
    for name, (least, most) in limits.items():
        column = getattr(jobs, name)
        if len(column) and not least <= column.min() <= column.max() <= most:
            raise ValueError(f"SWF can't say the {name} of all jobs: it must be from {least:,} to {most:,}.")


def _has_extra(jobs: Jobs) -> bool:
    same = jobs.accounts == jobs.groups and np.array_equal(jobs.account, jobs.group)
    return bool(jobs.gpus.any()) or not same or jobs.klasses != ("",)


def _numbers(kind: str, places: NDArray[np.int32], names: tuple[str, ...]) -> NDArray[np.int64] | None:
    """The numbers that names like u3 stand for, where reading them gives the same names in the same order."""
    if len(np.unique(places)) != len(names):
        return None
    found = [_UNKNOWN if name == "" else name.removeprefix(PREFIXES[kind]) for name in names]
    whole = [int(text) for text in found if re.fullmatch(r"-1|0|[1-9]\d{0,8}", text)]
    as_read = [f"{PREFIXES[kind]}{number}" if number >= 0 else "" for number in whole]
    return np.array(whole, np.int64) if as_read == list(names) and whole == sorted(set(whole)) else None


def _texts(numbers: NDArray[np.int64]) -> list[str]:
    return list(map(str, numbers.tolist()))


def _waits(trace: Trace) -> list[str]:
    return _texts(trace.waits) if trace.waits is not None else [_UNKNOWN] * len(trace.jobs)


def _memory(jobs: Jobs) -> list[str]:
    """kB a processor: whole where it can be, else with the decimals that reading needs."""
    if jobs.memory is None:
        return [_UNKNOWN] * len(jobs)
    each = jobs.memory * 1024 / jobs.processors
    return [str(int(value)) if value.is_integer() else repr(value) for value in each.tolist()]
