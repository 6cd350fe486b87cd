"""Slurm's accounting as `sacct --parsable2` prints it (https://slurm.schedmd.com/sacct.html).

One reader for a file that an operator exported and for what an agent asks.

    TZ=UTC SLURM_TIME_FORMAT=%s sacct -a -X -P -D --noconvert -S 2026-01-01 -E now \\
        --format=JobIDRaw,Submit,Start,End,ElapsedRaw,State,Account,User,Partition,AllocTRES,AllocCPUS,AllocNodes,JobID

The first line names the columns, in any order. What the reader knows, and where from:

- -D (--duplicates) shows the runs of a requeued job one by one, each with its own time of submission (sacct, -D; "If a
  job is requeued, the submit time is reset", Submit).
- JobIDRaw is the number of an array's task and of a heterogeneous job's component (sacct, JobIDRaw); JobID writes them
  as 12_3 and 12+1 (https://slurm.schedmd.com/job_array.html, https://slurm.schedmd.com/heterogeneous_jobs.html), and
  so tells the number that submitting them gave.
- AllocTRES has gres/gpu and, as a part of it, gres/gpu:TYPE (https://slurm.schedmd.com/tres.html).
- ElapsedRaw is End - Start less the time suspended (seen in 22.05.8; Suspended says the same as hours and minutes).
- A job that was resized (https://slurm.schedmd.com/faq.html#job_size) leaves a line in state RESIZING for the time
  until then, and a later one whose Start is the job's first and whose Submit is the time of resizing (seen in 22.05.8):
  it counts from there, or its first seconds would count twice.
- A federated job leaves a line in state REVOKED on each cluster where it didn't start
  (https://slurm.schedmd.com/federation.html; sacct, -D). Some of them have a start, and AllocCPUS says what was asked;
  none has AllocTRES (seen in 22.05.8).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo

from fabriek.compute.records import BrokenRecord, RecordError, UsageRecord

# Versions of Slurm differ in what they call a column. First the name that is used here, then what it may be called.
ALTERNATIVES: dict[str, tuple[str, ...]] = {
    "JobIDRaw": ("JobIDRaw", "JobID"),
    "AllocCPUS": ("AllocCPUS", "AllocCPUs", "NCPUS", "NCPUs"),
    "AllocNodes": ("AllocNodes", "NNodes"),
    "AllocTRES": ("AllocTRES", "AllocTres"),
    "ElapsedRaw": ("ElapsedRaw", "ElapsedRAW"),
}
_NEEDED = ("JobIDRaw", "Account", "User", "Partition", "State", "Submit", "Start", "End")
# In this order: a job's name, which is the user's own text and may hold anything, is not asked for.
ASKED = (
    "JobIDRaw", "Submit", "Start", "End", "ElapsedRaw", "State", "Account", "User", "Partition", "AllocTRES",
    "AllocCPUS", "AllocNodes", "JobID",
)  # fmt: skip
_ONE_OF_SEVERAL = re.compile(r"(\d+)[_+]\d+")
_NEVER = frozenset({"", "Unknown", "None", "N/A", "INVALID", "0"})
# A run of a job that isn't over has no end yet; sacct tells it again when it has.
_NOT_OVER = frozenset({"PENDING", "RUNNING", "SUSPENDED", "COMPLETING", "CONFIGURING"})


@dataclass(frozen=True, slots=True)
class OpenRun:
    """A run that holds resources and has no end yet."""

    job_id: str
    submit: int
    start: int
    account: str
    partition: str
    accelerators: int = 0
    cores: int = 0


@dataclass
class Observed:
    """What a log says beside its records. `running`: runs without an end; `resized`: whether a job is known to have
    changed its size at a second."""

    running: list[OpenRun] = field(default_factory=list)
    resized: Callable[[str, int], bool] = lambda _job, _second: False


class SacctLog(Iterator[UsageRecord | BrokenRecord]):
    """The records of a log, as they are read. So far: `skipped` counts jobs that never ran, `unfinished` those that
    aren't over, `steps` the lines of job steps (their job's own line sums them up), `revoked` those of federated jobs
    that ran on another cluster. `resizes`: the seconds at which a job changed its size; `begun`: when the job of a run
    that counts from such a second really began, by the run's key."""

    def __init__(self, lines: Iterable[str], zone: tzinfo, observed: Observed | None = None) -> None:
        self.skipped = 0
        self.unfinished = 0
        self.steps = 0
        self.revoked = 0
        self.resizes: dict[str, set[int]] = defaultdict(set)
        self.begun: dict[str, int] = {}
        self._zone = zone
        self._observed = observed
        self._places: dict[str, int] = {}
        self._width = 0
        self._records = self._read(lines)

    def __iter__(self) -> Iterator[UsageRecord | BrokenRecord]:
        return self._records

    def __next__(self) -> UsageRecord | BrokenRecord:
        return next(self._records)

    def _read(self, lines: Iterable[str]) -> Iterator[UsageRecord | BrokenRecord]:
        for number, line in enumerate(lines, 1):
            text = line.rstrip("\r\n")
            if not text.strip():
                continue
            if not self._places:
                names = [name.strip() for name in text.split("|")]
                self._places, self._width = _places(names), len(names)
                fault = _lacking(self._places)
                if fault:
                    yield BrokenRecord(number, fault)
                    return
                continue
            try:
                record = self._record(self._row(text), number)
            except RecordError as fault:
                yield BrokenRecord(number, str(fault))
            else:
                if record is not None:
                    yield record

    def _row(self, text: str) -> list[str]:
        values = text.split("|")
        surplus = len(values) - self._width
        name = self._places.get("JobName")
        if surplus > 0 and name is not None:
            # sacct doesn't escape the separator, and a job's name is the user's own.
            values[name : name + surplus + 1] = ["|".join(values[name : name + surplus + 1])]
        if len(values) != self._width:
            raise RecordError(f"The header names {self._width} columns; this line has {len(values)}.")
        return values

    def _record(self, row: list[str], number: int) -> UsageRecord | None:
        places = self._places
        job = row[places["JobIDRaw"]].strip()
        if "." in job:
            self.steps += 1
            return None
        # 'CANCELLED by 1000' also names who did it.
        state = row[places["State"]].strip().split(" ")[0].rstrip("+")
        began, ended = row[places["Start"]].strip(), row[places["End"]].strip()
        if began in _NEVER:
            self.skipped += 1
            return None
        resources, cores = self._held(row)
        if state == "REVOKED" and not resources:
            self.revoked += 1
            return None
        if state in _NOT_OVER or ended in _NEVER:
            self._not_over(row, job, state, began, resources, cores)
            return None
        submit, start = self._second(row[places["Submit"]], "Submit"), self._second(began, "Start")
        end = self._second(ended, "End")
        if end > start and not cores and not resources:
            raise RecordError(f"The job ran {end - start} s, but the line says nothing of what it had (AllocTRES).")
        suspended = self._suspended(row, start, end)
        if state == "RESIZING":
            self.resizes[job].add(end)
        if submit > start and self._was_resized(job, submit):
            self.begun[f"{job}/{submit}"] = start
            start = min(submit, end)
            suspended = min(suspended, end - start)
        return UsageRecord(
            job_id=job,
            account=row[places["Account"]].strip(),
            user=row[places["User"]].strip(),
            partition=row[places["Partition"]].strip(),
            state=state,
            submit=submit,
            start=start,
            end=end,
            accelerators=_accelerators(resources),
            cores=cores,
            nodes=resources.get("node") or _count(self._text(row, "AllocNodes") or "1", "AllocNodes"),
            name=self._text(row, "JobName"),
            suspended=suspended,
            submitted_as=match[1] if (match := _ONE_OF_SEVERAL.fullmatch(self._text(row, "JobID"))) else "",
            line=number,
        )

    def _not_over(
        self, row: list[str], job: str, state: str, began: str, resources: dict[str, int], cores: int
    ) -> None:
        self.unfinished += 1
        if self._observed is not None and state != "PENDING":
            places = self._places
            self._observed.running.append(
                OpenRun(
                    job,
                    self._second(row[places["Submit"]], "Submit"),
                    self._second(began, "Start"),
                    row[places["Account"]].strip(),
                    row[places["Partition"]].strip(),
                    _accelerators(resources),
                    cores,
                )
            )

    def _was_resized(self, job: str, second: int) -> bool:
        """Whether a change of size, and not a clock that stepped back, made the time of submission so late."""
        if second in self.resizes.get(job, ()):
            return True
        return self._observed is not None and self._observed.resized(job, second)

    def _held(self, row: list[str]) -> tuple[dict[str, int], int]:
        resources = _resources(self._text(row, "AllocTRES"))
        cores = resources.get("cpu")
        return resources, _count(self._text(row, "AllocCPUS") or "0", "AllocCPUS") if cores is None else cores

    def _suspended(self, row: list[str], start: int, end: int) -> int:
        elapsed = self._text(row, "ElapsedRaw")
        if elapsed:
            # Never less than nothing: a clock that was set while the job ran makes sacct say more than End - Start.
            return min(max(end - start - _count(elapsed, "ElapsedRaw"), 0), max(end - start, 0))
        return _duration(self._text(row, "Suspended"))

    def _text(self, row: list[str], column: str) -> str:
        place = self._places.get(column)
        return "" if place is None else row[place].strip()

    def _second(self, text: str, column: str) -> int:
        text = text.strip()
        if text.isdecimal():
            return int(text)
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise RecordError(
                f"{column} is {text!r}; it must be seconds since 1970 or like 2026-01-31T12:00:00."
            ) from None
        return int((moment if moment.tzinfo else moment.replace(tzinfo=self._zone)).timestamp())


def read_sacct(lines: Iterable[str], zone: tzinfo = UTC, observed: Observed | None = None) -> SacctLog:
    """The runs in what sacct printed, one at a time, and what is broken in it with its line (from 1).

    zone: that of times without one. sacct prints the local time of who runs it, so run it with TZ=UTC or, better, with
    SLURM_TIME_FORMAT=%s: in autumn an hour of local time comes twice.
    """
    return SacctLog(lines, zone, observed)


def columns_to_ask(known: Iterable[str]) -> list[str]:
    """The columns of ASKED under the names by which this Slurm knows them (`sacct --helpformat` lists those).

    Errors: RecordError where one that is needed lacks.
    """
    names = {name.lower(): name for name in known}
    asked, lacking = [], []
    for column in ASKED:
        found = next((names[n.lower()] for n in ALTERNATIVES.get(column, (column,)) if n.lower() in names), None)
        if found is not None and found not in asked:
            asked.append(found)
        elif column in _NEEDED or column == "AllocTRES":
            lacking.append(column)
    if lacking:
        raise RecordError(f"This Slurm's sacct has no column {', '.join(lacking)}, so what ran can't be read from it.")
    return asked


def _places(names: list[str]) -> dict[str, int]:
    """Where each column stands, by the name that is used here; under its own name where nothing here uses it."""
    there = {name.lower(): place for place, name in reversed(list(enumerate(names)))}
    found = {name: place for place, name in enumerate(names)}
    for column in (*ASKED, "JobName", "Suspended"):
        for name in ALTERNATIVES.get(column, (column,)):
            if name.lower() in there:
                found[column] = there[name.lower()]
                break
    return found


def _lacking(places: dict[str, int]) -> str:
    lacking = [name for name in _NEEDED if name not in places]
    if not {"AllocTRES", "AllocCPUS"} & places.keys():
        lacking.append("AllocTRES")
    if not lacking:
        return ""
    return (
        f"The first line must name sacct's columns; {', '.join(lacking)} lack. Nothing of the log was read: print it "
        "with sacct --parsable2 and these in --format, with its header."
    )


def _resources(text: str) -> dict[str, int]:
    """'cpu=4,gres/gpu:h100=4,gres/gpu=4,mem=1G' as numbers; memory and energy, which have suffixes, are left out."""
    found: dict[str, int] = {}
    for part in text.split(","):
        name, equals, value = part.partition("=")
        if equals and (name in ("cpu", "node") or name.startswith("gres/gpu")):
            found[name] = _count(value, f"AllocTRES {name}")
    return found


def _accelerators(resources: dict[str, int]) -> int:
    """gres/gpu counts all; gres/gpu:TYPE are parts of it, so they count only where the whole isn't told."""
    if "gres/gpu" in resources:
        return resources["gres/gpu"]
    return sum(count for name, count in resources.items() if name.startswith("gres/gpu:"))


def _count(text: str, what: str) -> int:
    if not text.isdecimal():
        raise RecordError(f"{what} is {text!r}; it must be a whole number.")
    return int(text)


def _duration(text: str) -> int:
    """Seconds of [DD-[HH:]]MM:SS, as sacct writes Elapsed and Suspended; parts of a second are dropped."""
    if not text or text in _NEVER:
        return 0
    days, dash, rest = text.rpartition("-")
    parts = rest.split(".")[0].split(":")
    if len(parts) > 3 or not all(part.isdecimal() for part in (*parts, *([days] if dash else []))):
        raise RecordError(f"Suspended is {text!r}; it must be like 1-02:03:04.")
    seconds = 0
    for part in parts:
        seconds = seconds * 60 + int(part)
    return seconds + int(days or 0) * 86_400
