"""Slurm's accounting as a workload: what `sacct --parsable2` prints (https://slurm.schedmd.com/sacct.html).

    TZ=UTC SLURM_TIME_FORMAT=%s sacct -a -X -P -D --noconvert -S 2026-01-01 -E now --format=JobIDRaw,Submit,Eligible,\\
        Start,End,ElapsedRaw,State,TimelimitRaw,User,Group,Account,Partition,QOS,ReqCPUS,AllocCPUS,ReqTRES,AllocTRES

The first line names the columns, in any order; JobIDRaw (or JobID), Submit, Start, End (or ElapsedRaw), and one that
tells the size are needed. What a job asked for and what it was given differ where Slurm rounds up to whole cores or
nodes: the simulator must find room for what was given, so AllocTRES and AllocCPUS come first here.

Times without a zone are those of who ran sacct (TZ); in autumn an hour of local time comes twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from typing import Any

import numpy as np

from fabriek.simulation.jobs import Repairs
from fabriek.simulation.workloads import trace as common
from fabriek.simulation.workloads.trace import Trace, WorkloadBroken, names_of, queued, skip_where, text_of

# A column's name here, and what versions of Slurm call it, the best first.
_CALLED: dict[str, tuple[str, ...]] = {
    "job": ("JobIDRaw", "JobID"),
    "submit": ("Submit",),
    "eligible": ("Eligible",),
    "start": ("Start",),
    "end": ("End",),
    "elapsed": ("ElapsedRaw",),
    "state": ("State",),
    "limit": ("TimelimitRaw",),
    "limit_text": ("Timelimit",),
    "given": ("AllocTRES",),
    "asked": ("ReqTRES",),
    "cores": ("AllocCPUS", "NCPUS", "ReqCPUS"),
    "name": ("JobName",),
    "user": ("User",),
    "group": ("Group",),
    "account": ("Account",),
    "partition": ("Partition",),
    "qos": ("QOS",),
}
_NEEDED = ("job", "submit", "start")
_LISTS = {"user": "users", "group": "groups", "account": "accounts", "partition": "partitions", "qos": "qoses"}
_NEVER = frozenset({"", "Unknown", "None", "N/A", "INVALID", "0"})
_NOT_OVER = frozenset({"PENDING", "RUNNING", "SUSPENDED", "COMPLETING", "CONFIGURING", "RESV_DEL_HOLD", "REQUEUE_HOLD"})
STEPS = "lines of job steps: passed over, their job's own line sums them up"
ELIGIBLE = "jobs that could start only later than they were submitted (dependency, --begin): they count from then"
NOT_OVER = "it isn't over"
RESIZED = "it is the time before a job was resized, which its last line counts too"
LATE = "jobs whose submit time is after their start (resized, or a clock set back): they count from their start"
REVOKED = "it ran on another cluster of the federation"


def read_sacct(content: bytes, zone: tzinfo = UTC) -> Trace:
    """The jobs in what sacct printed. zone: of times without one.

    A job's estimate is its time limit, and where it has none its run time. With -D each run of a requeued job is a job;
    they have one number, so that all are numbered anew. The trace starts with its first job. Errors: WorkloadBroken,
    with the line: a header without what is needed, a line with other columns, a time or number that is none.
    """
    repairs = Repairs()
    rows = list(_jobs(content, zone, repairs))
    if not rows:
        raise WorkloadBroken(
            "sacct printed no jobs, only its columns. Ask it for a longer time (-S, -E) or for all (-a)."
        )
    number = np.array([row["number"] for row in rows], np.int64)
    keep = np.ones(len(rows), bool)
    for reason in (common.NO_SUBMIT, common.NEVER_RAN, NOT_OVER, RESIZED, REVOKED, common.NO_PROCESSORS):
        skip_where(repairs, keep, number, np.array([row["why"] == reason for row in rows], bool), reason)
    eligible = np.array([row["eligible"] for row in rows], np.int64)
    submit = np.array([row["submit"] for row in rows], np.int64)
    repairs.repair(ELIGIBLE, int(((eligible > submit) & keep).sum()))
    submit = np.maximum(submit, eligible)
    began = np.array([row["start"] for row in rows], np.int64)
    repairs.repair(LATE, int(((submit > began) & keep).sum()))
    submit = np.minimum(submit, began)
    start = int(submit[keep].min()) if keep.any() else 0
    run = np.array([row["run"] for row in rows], np.int64)
    limit = np.array([row["limit"] for row in rows], np.int64)
    repairs.repair(common.NO_ESTIMATE, int(((limit <= 0) & keep).sum()))
    columns: dict[str, Any] = {
        "number": number,
        "submit": submit - start,
        "run": run,
        "estimate": np.maximum(np.where(limit > 0, limit, run), 1),
        **{name: np.array([row[name] for row in rows], np.int64) for name in ("processors", "gpus", "memory")},
    }
    for name, plural in _LISTS.items():
        columns[name], columns[plural] = names_of([row[name] for row in rows])
    if not columns["memory"].any():
        del columns["memory"]
    jobs, places = queued(columns, keep, repairs)
    return Trace(
        jobs=jobs,
        repairs=repairs,
        format="sacct",
        waits=(began - submit)[places],
        start=start,
        zone=str(zone),
    )


def _jobs(content: bytes, zone: tzinfo, repairs: Repairs) -> Iterator[dict[str, Any]]:
    """Each job's line as what it says, `why` being the reason to leave it out."""
    lines = ((number, text) for number, text in enumerate(text_of(content).split("\n"), 1) if text.strip())
    line, header = next(lines, (1, ""))
    names = [name.strip() for name in header.rstrip("\r").split("|")]
    places = _places(names, line)
    for line, text in lines:
        values = text.rstrip("\r").split("|")
        surplus = len(values) - len(names)
        if surplus > 0 and (name := places.get("name")) is not None:
            # sacct doesn't escape the separator, and a job's name is the user's own.
            values[name : name + surplus + 1] = ["|".join(values[name : name + surplus + 1])]
        if len(values) != len(names):
            raise WorkloadBroken(f"{len(values)} values, and the first line names {len(names)} columns.", line)
        said = {name: values[place].strip() for name, place in places.items()}
        if "." in said["job"]:
            repairs.repair(STEPS)
            continue
        yield _Line(said, line, zone).job()


class _Line:
    """One job's line: what its columns say, and where a fault is."""

    def __init__(self, said: dict[str, str], line: int, zone: tzinfo) -> None:
        self._said, self._line, self._zone = said, line, zone

    def job(self) -> dict[str, Any]:
        said = self._said
        resources = _resources(said.get("given", "")) or _resources(said.get("asked", ""))
        cores = resources.get("cpu", 0) or self._whole("cores", most=common.MOST_PROCESSORS)
        gpus = resources.get("gres/gpu") or sum(n for name, n in resources.items() if name.startswith("gres/gpu:"))
        submit, start, end = self._second("submit"), self._second("start"), self._second("end")
        run = self._whole("elapsed") if said.get("elapsed") else max(end - start, 0) if start > 0 and end > 0 else 0
        state = said.get("state", "").split(" ")[0].rstrip("+")
        why = ""
        if submit <= 0:
            why = common.NO_SUBMIT
        elif state == "REVOKED":
            why = REVOKED
        elif state in _NOT_OVER and (start > 0 or state != "PENDING"):
            why = NOT_OVER
        elif start <= 0 or run <= 0:
            why = common.NEVER_RAN
        elif state == "RESIZING":
            why = RESIZED
        elif cores <= 0:
            why = common.NO_PROCESSORS
        return {
            "number": self._number(), "submit": submit, "start": start, "run": run, "limit": self._limit(),
            "eligible": self._second("eligible"), "processors": cores, "gpus": gpus,
            "memory": resources.get("mem", 0), "why": why, **{name: said.get(name, "") for name in _LISTS},
        }  # fmt: skip

    def _number(self) -> int:
        """Of 12_3 and 12+1 the job's own number: JobIDRaw tells the tasks apart."""
        match = re.match(r"\d{1,15}", self._said["job"])
        if match is None:
            raise self._fault("job", "a job's number")
        return int(match[0])

    def _second(self, name: str) -> int:
        text = self._said.get(name, "")
        if text in _NEVER:
            return 0
        if re.fullmatch(r"[0-9]{1,12}", text):
            return int(text)
        try:
            moment = datetime.fromisoformat(text)
            return int((moment if moment.tzinfo else moment.replace(tzinfo=self._zone)).timestamp())
        except (ValueError, OverflowError):
            raise self._fault(name, "seconds since 1970 or like 2026-01-31T12:00:00") from None

    def _whole(self, name: str, most: int = common.MOST_SECONDS) -> int:
        text = self._said.get(name, "") or "0"
        if not re.fullmatch(r"[0-9]{1,15}", text) or int(text) > most:
            raise self._fault(name, f"a whole number of at most {most:,}")
        return int(text)

    def _limit(self) -> int:
        """Seconds; 0: none was asked for ('UNLIMITED', 'Partition_Limit')."""
        raw = self._said.get("limit", "")
        if re.fullmatch(r"[0-9]{1,9}", raw):
            return int(raw) * 60
        # [DD-[HH:]]MM:SS
        match = re.fullmatch(r"(?:(\d{1,6})-)?(?:(\d{1,2}):)?(\d{1,2}):(\d{1,2})", self._said.get("limit_text", ""))
        days, hours, minutes, seconds = (int(part or 0) for part in match.groups()) if match else (0, 0, 0, 0)
        return ((days * 24 + hours) * 60 + minutes) * 60 + seconds

    def _fault(self, name: str, wanted: str) -> WorkloadBroken:
        return WorkloadBroken(f"{_CALLED[name][0]} is {self._said[name][:40]!r}; it must be {wanted}.", self._line)


def _places(names: list[str], line: int) -> dict[str, int]:
    there = {name.lower(): place for place, name in reversed(list(enumerate(names)))}
    places: dict[str, int] = {}
    for column, called in _CALLED.items():
        found = next((there[name.lower()] for name in called if name.lower() in there), None)
        if found is not None:
            places[column] = found
    lacking = [_CALLED[name][0] for name in _NEEDED if name not in places]
    if not {"end", "elapsed"} & places.keys():
        lacking.append("End")
    if not {"given", "asked", "cores"} & places.keys():
        lacking.append("AllocTRES")
    if lacking:
        raise WorkloadBroken(
            f"the first line must name sacct's columns; {', '.join(lacking)} lack. Print them with sacct --parsable2 "
            "and these in --format, with its header.",
            line,
        )
    return places


_UNITS = {"": 1 / 2**20, "K": 1 / 1024, "M": 1, "G": 1024, "T": 1024**2, "P": 1024**3}


def _resources(text: str) -> dict[str, int]:
    """'cpu=4,mem=8G,gres/gpu=2' as numbers, memory in MiB. What isn't so (billing, energy) is left out."""
    found: dict[str, int] = {}
    for part in text.split(","):
        match = re.fullmatch(r"(cpu|gres/gpu(?::[^=]+)?|mem)=(\d{1,9}(?:\.\d{1,9})?)([KMGTP]?)", part)
        if match and match[1] == "mem":
            found["mem"] = round(float(match[2]) * _UNITS[match[3]])
        elif match and match[2].isdecimal() and not match[3]:
            found[match[1]] = int(match[2])
    return found
