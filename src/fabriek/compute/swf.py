"""Accounting logs in the Standard Workload Format (https://www.cs.huji.ac.il/labs/parallel/workload/swf.html).

Eighteen numbers a job, one line a job, -1 where the log doesn't know; header comments start with a semicolon.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction

from fabriek.compute.records import BrokenRecord, RecordError, UsageRecord

_FIELDS = 18
# Field 11. 2, 3 and 4 are parts of a job that was checkpointed; its own line (0 or 1) sums them up.
_STATES = {-1: "UNKNOWN", 0: "FAILED", 1: "COMPLETED", 5: "CANCELLED"}
_PARTS = frozenset({2, 3, 4})
_NO_START = (
    "The log has no header '; UnixStartTime: ...' before its first job, so nobody can tell when its jobs ran. "
    "Nothing of it was read: add the header and try again."
)


class SwfLog(Iterator[UsageRecord | BrokenRecord]):
    """The records of a log, as they are read. `skipped` counts, so far, the jobs that never ran; `parts` the lines of
    checkpointed jobs that their job's own line sums up; `header` holds the header's fields."""

    def __init__(
        self, lines: Iterable[str], accelerators_per_core: Fraction | int, partitions: Mapping[int, str]
    ) -> None:
        self.header: dict[str, str] = {}
        self.skipped = 0
        self.parts = 0
        self._per_core = Fraction(accelerators_per_core)
        self._partitions = partitions
        self._accounts: dict[int, str] = {}
        self._users: dict[int, str] = {}
        self._records = self._read(lines)

    def __iter__(self) -> Iterator[UsageRecord | BrokenRecord]:
        return self._records

    def __next__(self) -> UsageRecord | BrokenRecord:
        return next(self._records)

    def _read(self, lines: Iterable[str]) -> Iterator[UsageRecord | BrokenRecord]:
        origin: int | None = None
        most = 0
        for number, line in enumerate(lines, 1):
            if line.startswith(";"):
                name, colon, value = line[1:].partition(":")
                if colon:
                    self.header.setdefault(name.strip(), value.strip())
                continue
            values = line.split()
            if not values:
                continue
            if origin is None:
                origin, most = _number(self.header.get("UnixStartTime")), _number(self.header.get("MaxProcs")) or 0
                if origin is None:
                    yield BrokenRecord(number, _NO_START)
                    return
            try:
                record = self._record(values, number, origin, most)
            except RecordError as fault:
                yield BrokenRecord(number, str(fault))
            else:
                if record is not None:
                    yield record

    def _record(self, values: list[str], number: int, origin: int, most: int) -> UsageRecord | None:
        if len(values) != _FIELDS:
            raise RecordError(f"An SWF line has {_FIELDS} fields; this one has {len(values)}.")
        try:
            job, submit, wait, run, cores = map(int, values[:5])
            status, user, group = map(int, values[10:13])
            partition = int(values[15])
        except ValueError:
            job, submit, wait, run, cores, status, user, group, partition = _whole(values)
        if status in _PARTS:
            self.parts += 1
            return None
        if run <= 0:
            self.skipped += 1
            return None
        if cores <= 0:
            raise RecordError(f"The job ran {run} s, but the log doesn't say on how many processors (field 5).")
        if most and cores > most:
            raise RecordError(f"The job had {cores} processors; the log's header says the machine has {most}.")
        if submit < 0:
            raise RecordError("The job ran, but the log doesn't say when it was submitted (field 2).")
        submitted = origin + submit
        start = submitted + wait if wait > 0 else submitted
        per_core = self._per_core
        return UsageRecord(
            str(job),
            self._accounts.get(group) or self._accounts.setdefault(group, f"g{group}" if group >= 0 else "unknown"),
            self._users.get(user) or self._users.setdefault(user, f"u{user}" if user >= 0 else "unknown"),
            self._partitions.get(partition, "") if self._partitions else "",
            _STATES.get(status, "UNKNOWN"),
            submitted,
            start,
            start + run,
            int(cores * per_core) if per_core else 0,
            cores,
            1,
            "",
            number,
        )


def read_swf(
    lines: Iterable[str],
    accelerators_per_core: Fraction | int = 0,
    partitions: Mapping[int, str] | None = None,
) -> SwfLog:
    """The runs of an SWF log, one at a time, and what is broken in it with its line (from 1).

    Group N becomes the account "gN", user N the user "uN"; what the log doesn't know is "unknown". cores are the
    allocated processors (field 5). accelerators: cores times accelerators_per_core, rounded down. partitions names the
    log's partition numbers (field 16); without it, a record's partition is "". A wait that isn't known counts as none.
    """
    return SwfLog(lines, accelerators_per_core, partitions or {})


def _whole(values: list[str]) -> list[int]:
    """The fields that matter where some have decimals, as the format allows for averages and some logs have for all."""
    whole = []
    for place in (0, 1, 2, 3, 4, 10, 11, 12, 15):
        try:
            whole.append(int(float(values[place])))
        except (ValueError, OverflowError):
            raise RecordError(f"Field {place + 1} is {values[place]!r}; it must be a number.") from None
    return whole


def _number(text: str | None) -> int | None:
    try:
        return int((text or "").split()[0])
    except (ValueError, IndexError):
        return None
