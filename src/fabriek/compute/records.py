"""What a scheduler accounts for: one run of one job."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from typing import Any

# A run of a billion accelerators or of a thousand years is a broken clock or a broken log, not use. The bounds keep
# every product below 2**63, the largest integer that the databases hold.
_MOST_UNITS = 2**31 - 1
_LAST_SECOND = 2**32 - 1
_STATE = re.compile(r"[A-Z][A-Z_]{0,19}")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")


class RecordError(ValueError):
    """A record that can't be true. Its text is a sentence that says what is wrong."""


@dataclass(frozen=True, slots=True)
class UsageRecord:
    """One run of one job, in the words of Slurm's accounting (https://slurm.schedmd.com/sacct.html).

    submit, start, end: whole seconds since 1970, UTC; the run is [start, end). suspended: how many of its seconds it
    stood still, which don't count, as in sacct's ElapsedRaw. accelerators, cores: allocated for the whole run. A
    requeued job runs again: same job_id, later submit, so it is another record. `line` is where it stood in the log
    (from 1; 0: nowhere) and no part of what it says. submitted_as: the number that submitting gave, where the run has
    one of its own: that of a task's array, of a component's heterogeneous job; else ''. Errors: RecordError.
    """

    job_id: str
    account: str
    user: str
    partition: str
    state: str
    submit: int
    start: int
    end: int
    accelerators: int
    cores: int
    nodes: int = 1
    name: str = ""
    line: int = field(default=0, compare=False, repr=False)
    suspended: int = 0
    submitted_as: str = ""

    def __post_init__(self) -> None:
        # One long condition: a log of half a million records passes here, and nearly all of them are sound.
        if not (
            type(self.submit) is int
            and type(self.start) is int
            and type(self.end) is int
            and type(self.accelerators) is int
            and type(self.cores) is int
            and type(self.nodes) is int
            and type(self.suspended) is int
            and 0 <= self.submit <= _LAST_SECOND
            and 0 < self.start <= self.end <= _LAST_SECOND
            and 0 <= self.suspended <= self.end - self.start
            and 0 <= self.accelerators <= _MOST_UNITS
            and 0 <= self.cores <= _MOST_UNITS
            and 0 <= self.nodes <= _MOST_UNITS
            and type(self.job_id) is str
            and 0 < len(self.job_id) <= 60
            and type(self.account) is str
            and 0 < len(self.account) <= 80
            and type(self.user) is str
            and len(self.user) <= 80
            and type(self.partition) is str
            and len(self.partition) <= 80
            and type(self.state) is str
            and _STATE.fullmatch(self.state)
            and type(self.name) is str
            and type(self.submitted_as) is str
            and len(self.submitted_as) <= 60
            and not _UNPRINTABLE.search(f"{self.job_id}{self.account}{self.user}{self.partition}{self.submitted_as}")
            and "/" not in self.job_id
        ):
            raise RecordError(_why(self))

    @property
    def key(self) -> str:
        """Identifies the run on its cluster: job and submit. Job numbers alone come again after years.

        Slurm's own key: slurmdbd's table of jobs is unique in (id_job, time_submit), and each requeue and each resize
        sets the time of submission anew. The start is no part of it: a record whose start was corrected is the same.
        """
        return f"{self.job_id}/{self.submit}"

    @property
    def seconds(self) -> int:
        """How long it ran, without what it was suspended."""
        return self.end - self.start - self.suspended

    @property
    def accelerator_seconds(self) -> int:
        return self.accelerators * (self.end - self.start - self.suspended)

    @property
    def core_seconds(self) -> int:
        return self.cores * (self.end - self.start - self.suspended)

    def as_dict(self) -> dict[str, Any]:
        """As it travels in JSON: every field but `line`."""
        return {name: getattr(self, name) for name in _FIELDS}


@dataclass(frozen=True, slots=True)
class BrokenRecord:
    """A line of a log, or a place in a batch (both from 1), that is no record, and a sentence that says why."""

    line: int
    why: str


_FIELDS = tuple(f.name for f in fields(UsageRecord) if f.name != "line")
_NEEDED = ("job_id", "account", "user", "state", "submit", "start", "end", "accelerators", "cores")


def record_of(data: Any, line: int = 0) -> UsageRecord:
    """The record that a JSON object says. Fields that aren't known are ignored: a newer agent may send more.

    Errors: RecordError.
    """
    if not isinstance(data, dict):
        raise RecordError("A usage record is an object with the fields " + ", ".join(_NEEDED) + ".")
    lacking = [name for name in _NEEDED if name not in data]
    if lacking:
        raise RecordError(f"The record has no {', '.join(lacking)}.")
    known = {name: data[name] for name in _FIELDS if name in data}
    known.setdefault("partition", "")
    return UsageRecord(**known, line=line)


def _why(record: UsageRecord) -> str:
    for name in ("submit", "start", "end", "accelerators", "cores", "nodes", "suspended"):
        value = getattr(record, name)
        if type(value) is not int:
            return f"{name} is {value!r}; it must be a whole number."
        if value < 0:
            return f"{name} is {value}; it can't be negative."
        if name in ("accelerators", "cores", "nodes") and value > _MOST_UNITS:
            return f"{name} is {value}; no machine has that many."
        if name in ("submit", "start", "end") and value > _LAST_SECOND:
            return f"{name} is {value}; it must be in seconds since 1970 and lies beyond the year 2106."
    texts = (("job_id", 60), ("account", 80), ("user", 80), ("partition", 80), ("submitted_as", 60), ("name", None))
    for name, most in texts:
        value = getattr(record, name)
        if type(value) is not str:
            return f"{name} is {value!r}; it must be text."
        if not value and name in ("job_id", "account"):
            return f"The record has no {name}."
        if most is not None and len(value) > most:
            return f"{name} is {len(value)} characters long; at most {most} are taken."
        if name != "name" and _UNPRINTABLE.search(value):
            return f"{name} {value!r} holds a control character."
    if "/" in record.job_id:
        return f"job_id {record.job_id!r} holds a slash."
    if not isinstance(record.state, str) or not _STATE.fullmatch(record.state):
        return f"state is {record.state!r}; it must be one of Slurm's, such as COMPLETED."
    if record.start == 0:
        return "The record has no start: the job never ran."
    if record.end < record.start:
        return f"The run ends ({record.end}) before it starts ({record.start})."
    return f"The run was suspended for {record.suspended} s, longer than its {record.end - record.start} s."
