"""Slurm's accounting as `sacct --parsable2` prints it (https://slurm.schedmd.com/sacct.html).

    SLURM_TIME_FORMAT=%s sacct -a -X -P -D -S 2026-01-01 -E now \\
        --format=JobIDRaw,Account,User,Partition,State,Submit,Start,End,AllocTRES,AllocCPUS,NNodes,JobName

The first line names the columns, in any order. -D (--duplicates) shows the runs of a requeued job one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, tzinfo

from fabriek.compute.records import BrokenRecord, RecordError, UsageRecord

_NEEDED = ("Account", "User", "Partition", "State", "Submit", "Start", "End")
_NEVER = frozenset({"", "Unknown", "None", "N/A", "INVALID", "0"})
# A run of a job that isn't over has no end yet; sacct tells it again when it has.
_NOT_OVER = frozenset({"PENDING", "RUNNING", "SUSPENDED", "REQUEUE_HOLD", "COMPLETING", "CONFIGURING", "RESIZING"})


class SacctLog(Iterator[UsageRecord | BrokenRecord]):
    """The records of a log, as they are read. So far: `skipped` counts jobs that never ran, `unfinished` those that
    aren't over, `steps` the lines of job steps (their job's own line sums them up)."""

    def __init__(self, lines: Iterable[str], zone: tzinfo) -> None:
        self.skipped = 0
        self.unfinished = 0
        self.steps = 0
        self._zone = zone
        self._columns: dict[str, int] = {}
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
            if not self._columns:
                self._columns = {name.strip(): place for place, name in enumerate(text.split("|"))}
                fault = _lacking(self._columns)
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

    def _row(self, text: str) -> dict[str, str]:
        values = text.split("|")
        surplus = len(values) - len(self._columns)
        name = self._columns.get("JobName")
        if surplus > 0 and name is not None:
            # sacct doesn't escape the separator, and a job's name is the user's own.
            values[name : name + surplus + 1] = ["|".join(values[name : name + surplus + 1])]
        if len(values) != len(self._columns):
            raise RecordError(f"The header names {len(self._columns)} columns; this line has {len(values)}.")
        return {column: values[place].strip() for column, place in self._columns.items()}

    def _record(self, row: dict[str, str], number: int) -> UsageRecord | None:
        job = row.get("JobIDRaw") or row.get("JobID", "")
        if "." in job or "+" in job:
            self.steps += 1
            return None
        # 'CANCELLED by 1000' also names who did it.
        state = row["State"].split(" ")[0].rstrip("+")
        if row["Start"] in _NEVER:
            self.skipped += 1
            return None
        if state in _NOT_OVER or row["End"] in _NEVER:
            self.unfinished += 1
            return None
        resources = _resources(row.get("AllocTRES", ""))
        start, end = self._second(row, "Start"), self._second(row, "End")
        cores = resources.get("cpu", _count(row.get("AllocCPUS") or row.get("NCPUS") or "0", "AllocCPUS"))
        if end > start and not cores and not resources:
            raise RecordError(f"The job ran {end - start} s, but the line says nothing of what it had (AllocTRES).")
        return UsageRecord(
            job_id=job,
            account=row["Account"],
            user=row["User"],
            partition=row["Partition"],
            state=state,
            submit=self._second(row, "Submit"),
            start=start,
            end=end,
            accelerators=_accelerators(resources),
            cores=cores,
            nodes=resources.get("node", _count(row.get("NNodes") or row.get("AllocNodes") or "1", "NNodes")),
            name=row.get("JobName", ""),
            line=number,
        )

    def _second(self, row: dict[str, str], column: str) -> int:
        text = row[column]
        if text.isdecimal():
            return int(text)
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise RecordError(
                f"{column} is {text!r}; it must be seconds since 1970 or like 2026-01-31T12:00:00."
            ) from None
        return int((moment if moment.tzinfo else moment.replace(tzinfo=self._zone)).timestamp())


def read_sacct(lines: Iterable[str], zone: tzinfo = UTC) -> SacctLog:
    """The runs in what sacct printed, one at a time, and what is broken in it with its line (from 1).

    zone: that of times without one. sacct prints the local time of who runs it, so run it with TZ=UTC or, better, with
    SLURM_TIME_FORMAT=%s: in autumn an hour of local time comes twice.
    """
    return SacctLog(lines, zone)


def _lacking(columns: dict[str, int]) -> str:
    lacking = [name for name in _NEEDED if name not in columns]
    if "JobIDRaw" not in columns and "JobID" not in columns:
        lacking.insert(0, "JobIDRaw")
    if not {"AllocTRES", "AllocCPUS", "NCPUS"} & columns.keys():
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
