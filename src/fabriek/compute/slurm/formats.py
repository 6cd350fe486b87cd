"""How Slurm prints what it knows, and in which versions otherwise: here and nowhere else.

Slurm 22.05 (Debian 12) is what CI runs against; 24.11 and 26.05 were tried, and keep these columns of `--parsable2` and
squeue's `%` fields (https://slurm.schedmd.com/squeue.html, /sacctmgr.html, /sacct.html). JSON changed its shape with
each version, so only slurmrestd's is read, which has no other: `plain` and `state_shown` know both shapes, and
`rest_jobs.py` how jobs are told. What 23.11, 25.05 and 25.11 print, as far as it is documented and recorded, is in
`tests/unit/compute/test_slurm_versions.py`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from fabriek.compute.directives import DirectiveError, array_of
from fabriek.compute.engine import EngineError

# sacct's and squeue's base states in the platform's words (https://slurm.schedmd.com/job_state_codes.html).
STATES = {
    "PENDING": "PENDING",
    "REQUEUED": "PENDING",
    "REQUEUE_FED": "PENDING",
    "REQUEUE_HOLD": "PENDING",
    "RESV_DEL_HOLD": "PENDING",
    "SPECIAL_EXIT": "PENDING",
    "CONFIGURING": "RUNNING",
    "RUNNING": "RUNNING",
    "COMPLETING": "RUNNING",
    "SUSPENDED": "RUNNING",
    "STOPPED": "RUNNING",
    "SIGNALING": "RUNNING",
    "STAGE_OUT": "RUNNING",
    "RESIZING": "RUNNING",
    "COMPLETED": "COMPLETED",
    "FAILED": "FAILED",
    "CANCELLED": "CANCELLED",
    "REVOKED": "CANCELLED",
    "PREEMPTED": "CANCELLED",
    "TIMEOUT": "TIMEOUT",
    "DEADLINE": "TIMEOUT",
    "NODE_FAIL": "NODE_FAIL",
    "BOOT_FAIL": "NODE_FAIL",
    "LAUNCH_FAILED": "NODE_FAIL",
    "RECONFIG_FAIL": "NODE_FAIL",
    "OUT_OF_MEMORY": "OUT_OF_MEMORY",
}
# The flags that squeue shows instead of a job's state, the first of them that is set
# (https://slurm.schedmd.com/squeue.html, JOB STATE CODES). Others that slurmrestd tells say nothing more to us.
_SHOWN = (
    "COMPLETING",
    "STAGE_OUT",
    "CONFIGURING",
    "RESIZING",
    "REQUEUED",
    "REQUEUE_FED",
    "REQUEUE_HOLD",
    "SPECIAL_EXIT",
    "STOPPED",
    "REVOKED",
    "RESV_DEL_HOLD",
    "SIGNALING",
)
_NO_MOMENT = frozenset({"", "N/A", "NONE", "Unknown", "None", "0", "INVALID"})
_SIZE = re.compile(r"^(\d+(?:\.\d+)?)([KMGTPE]?)(?:[nc]|[?])?$")
_SIZES = {suffix: 1024**power for power, suffix in enumerate(["", "K", "M", "G", "T", "P", "E"])}
_QOS_LINE = re.compile(r"^QOS=(\S+)\(\d+\) (.*)$", re.MULTILINE)
_COUNTED = re.compile(r"(?:^|,)([^=,]+)=[^(,]*\((\d+)\)")
_IN_BRACKETS = re.compile(r"\((\d+)\)")
_CPU_TIME = re.compile(r"^(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+(?:\.\d+)?)$")


class FormatError(EngineError):
    """Output that isn't what this version of Slurm prints. The sentence quotes the line."""


def rows(text: str, columns: Sequence[str]) -> list[dict[str, str]]:
    """Lines of `--noheader --parsable2` as dictionaries. Errors: FormatError, also for a last line that was cut."""
    if text and not text.endswith("\n"):
        raise FormatError(f"the output ends in the middle of a line: {text[-80:]!r}")
    found = []
    for line in text.splitlines():
        values = line.split("|")
        if len(values) != len(columns):
            raise FormatError(f"{len(columns)} columns were asked, and this line has {len(values)}: {line[:200]!r}")
        found.append(dict(zip(columns, (value.strip() for value in values), strict=True)))
    return found


def tasks_in(place: str) -> tuple[str, ...]:
    """The tasks of an array that a line means, by its place in the array (what stands behind _ in a JobID): '3' by 3;
    '3', '4' and '5' by [3-5%2] and 3-5%2, those that still wait together. ('',) where it is of no array."""
    try:
        return tuple(str(number) for number in array_of(place.strip("[]")).numbers)
    except DirectiveError:
        return ("",)


def plain(value: object) -> int | None:
    """A number of slurmrestd's JSON: 22.05 tells 4, or null; since 23.02 {"set": true, "infinite": false, "number": 4}.
    None where it isn't set or has no end."""
    if isinstance(value, dict):
        return int(value["number"]) if value.get("set") and not value.get("infinite") else None
    return None if value is None else int(str(value))


def tres(text: str) -> dict[str, int]:
    """'cpu=1000,gres/gpu=10' as numbers; what is no whole number (memory with a suffix) is left out."""
    pairs = (part.partition("=") for part in text.split(",") if part)
    return {name: int(value) for name, equals, value in pairs if equals and value.isdecimal()}


def state_of(text: str) -> str:
    """A state in the platform's words. 'CANCELLED by 1000' also names who did it. Errors: FormatError."""
    base = text.split(" ")[0].rstrip("+")
    if base not in STATES:
        raise FormatError(f"{text!r} is no state of a job that is known here")
    return STATES[base]


def state_shown(told: str | Sequence[str]) -> str:
    """The state of a job in slurmrestd's JSON as squeue would show it. It tells squeue's word; since 23.11 (v0.0.40) a
    list of the state itself and its flags. Errors: FormatError."""
    if isinstance(told, str):
        return told
    shown = next((flag for flag in _SHOWN if flag in told), None) or next((s for s in told if s in STATES), None)
    if shown is None:
        raise FormatError(f"{list(told)!r} holds no state of a job that is known here")
    return shown


def config_shown(text: str) -> dict[str, str]:
    """What `scontrol show config` prints, 'ClusterName             = alpha', by name; '(null)' is ''. Some are shown by
    some versions, or beside others, only: 22.05 shows PriorityUsageResetPeriod with priority/multifactor alone."""
    pairs = (line.partition(" = ") for line in text.splitlines())
    return {name.strip(): "" if value.strip() == "(null)" else value.strip() for name, equals, value in pairs if equals}


def partitions_shown(text: str) -> list[dict[str, str]]:
    """What `scontrol --oneliner show partition` prints, a partition each, by names in small letters: versions add to
    them, and write QoS, Qos and QOS. Errors: FormatError for a line without a partition's name."""
    found = []
    for line in text.splitlines():
        if not line.strip() or line.startswith("No partitions in the system"):
            continue
        pairs = (word.partition("=") for word in line.split())
        shown = {name.lower(): "" if value == "(null)" else value for name, equals, value in pairs if equals}
        if not shown.get("partitionname"):
            raise FormatError(f"this line of scontrol show partition names none: {line[:200]!r}")
        found.append(shown)
    return found


@dataclass(frozen=True)
class Count:
    """What slurmctld has counted of a QOS, in whole minutes, rounded down; None: it counts none. running: jobs."""

    accelerator_minutes: int | None
    core_minutes: int | None
    running: int


def counts_shown(text: str) -> dict[str, Count]:
    """What `scontrol --oneliner show assoc_mgr flags=qos` prints, a line each: 'QOS=name(2) ... GrpJobs=N(1) ...
    GrpTRESMins=cpu=N(0),gres/gpu=100(6) ...', a limit with what counts against it in brackets. Errors: FormatError."""
    if "QOS Records" not in text:
        raise FormatError(f"scontrol show assoc_mgr printed no QOS records: {text[:200]!r}")
    found = {}
    for name, line in _QOS_LINE.findall(text):
        said = dict(word.partition("=")[::2] for word in line.split())
        minutes = {tres: int(used) for tres, used in _COUNTED.findall(said.get("GrpTRESMins", ""))}
        running = _IN_BRACKETS.search(said.get("GrpJobs", ""))
        if "cpu" not in minutes or running is None:
            raise FormatError(f"this line of scontrol show assoc_mgr tells no use: {line[:200]!r}")
        found[name] = Count(minutes.get("gres/gpu"), minutes["cpu"], int(running[1]))
    return found


def moment(text: str | int) -> datetime | None:
    """Seconds since 1970, or nothing yet."""
    text = str(text)
    return datetime.fromtimestamp(int(text), tz=UTC) if text not in _NO_MOMENT and text.isdecimal() else None


def size(text: str) -> int | None:
    """'4000M', '1.50G', and before 23.02 '4Gn' (a node) or '4Gc' (a core), in bytes; None where nothing was said."""
    match = _SIZE.match(text)
    return int(float(match[1]) * _SIZES[match[2]]) if match else None


def cpu_seconds(text: str) -> float | None:
    """sacct's TotalCPU, [DD-[hh:]]mm:ss[.ms], in seconds."""
    match = _CPU_TIME.match(text)
    if match is None:
        return None
    days, hours, minutes, seconds = match.groups(default="0")
    return ((int(days) * 24 + int(hours)) * 60 + int(minutes)) * 60 + float(seconds)
