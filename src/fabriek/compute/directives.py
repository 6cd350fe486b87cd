"""What a batch script asks for: its #SBATCH lines (https://slurm.schedmd.com/sbatch.html)."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import NoReturn

_TIME = re.compile(r"^(?:(?P<days>\d+)-)?(?P<parts>\d+(?::\d+){0,2})$")
_GPUS = re.compile(r"^(?:gpu:)?(?:(?P<kind>[A-Za-z][\w.-]*):)?(?P<count>\d+)$")
_MEMORY = re.compile(r"^(\d+)([KMGT]?)B?$", re.IGNORECASE)
_STEP = {"K": 1024, "": 1024**2, "M": 1024**2, "G": 1024**3, "T": 1024**4}
_RANGE = re.compile(r"^(\d+)(?:-(\d+)(?::(\d+))?)?$")
DEFAULT_TIME = 3600
# More than any machine has, and less than what a database can't hold.
_MOST_SECONDS = 10 * 366 * 86_400
_MOST_ACCELERATORS, _MOST_CORES = 10**6, 10**8
MOST_TASKS = 10_000
"""Of an array, as it is read here; a cluster's own MaxArraySize may be less (Slurm's default: 1,001)."""


class DirectiveError(ValueError):
    """A batch script that asks for something that can't be read or isn't there. The sentence names the line."""


@dataclass(frozen=True)
class Array:
    """A job array (https://slurm.schedmd.com/job_array.html): the numbers of its tasks, rising, and how many of them
    may run at once; None: as many as there is room for."""

    numbers: tuple[int, ...]
    at_once: int | None = None


@dataclass(frozen=True)
class Directives:
    """What a script asks for. `time_limit` in seconds; None: the script doesn't say, and gets the default."""

    name: str = ""
    account: str = ""
    partition: str = ""
    nodes: int = 1
    tasks: int = 1
    cores_per_task: int = 1
    accelerators: int = 0
    time_limit: int | None = None
    output: str = ""
    error: str = ""
    memory_bytes: int | None = None  # over all nodes; None: the script doesn't say
    array: Array | None = None

    @property
    def runs(self) -> int:
        """How many times the script runs: the tasks of its array, or once."""
        return len(self.array.numbers) if self.array else 1

    @property
    def cores(self) -> int:
        """Cores over all tasks."""
        return self.tasks * self.cores_per_task

    @property
    def seconds(self) -> int:
        """The time limit, or the default of an hour."""
        return self.time_limit or DEFAULT_TIME

    @property
    def lasting(self) -> timedelta:
        """The time limit."""
        return timedelta(seconds=self.seconds)

    @property
    def accelerator_seconds(self) -> int:
        """What the job could use at most, over all tasks of its array."""
        return self.accelerators * self.seconds * self.runs

    @property
    def core_seconds(self) -> int:
        """What the job could use at most, over all tasks of its array."""
        return self.cores * self.seconds * self.runs


def seconds_of_limit(text: str) -> int:
    """Slurm's time limits: minutes, minutes:seconds, hours:minutes:seconds, days-hours[:minutes[:seconds]].

    Errors: DirectiveError, also for no time at all.
    """
    match = _TIME.match(text)
    if match is None:
        raise DirectiveError(f"{text!r} is no time limit; write it as minutes, HH:MM:SS or D-HH:MM:SS")
    parts = [int(part) for part in match["parts"].split(":")]
    if match["days"] is not None:
        hours, minutes, seconds = (*parts, 0, 0)[:3]
        total = ((int(match["days"]) * 24 + hours) * 60 + minutes) * 60 + seconds
    elif len(parts) == 1:
        total = parts[0] * 60
    elif len(parts) == 2:
        total = parts[0] * 60 + parts[1]
    else:
        total = (parts[0] * 60 + parts[1]) * 60 + parts[2]
    if total < 1:
        raise DirectiveError(f"{text!r} is no time at all; ask for at least one second")
    if total > _MOST_SECONDS:
        raise DirectiveError(f"{text!r} is longer than ten years")
    return total


def _gpus(text: str) -> int:
    match = _GPUS.match(text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} names no GPUs; write it as gpu:4 or gpu:h100:4")
    return int(match["count"])


def _gres(text: str) -> int:
    """--gres names the kind of resource first; one that is no GPU would otherwise be billed as one."""
    if not text.startswith("gpu:") and text != "gpu":
        raise argparse.ArgumentTypeError(f"{text!r} is no resource that is known here; write it as gpu:4 or gpu:h100:4")
    return 1 if text == "gpu" else _gpus(text)


def _several(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def bytes_of(text: str) -> int:
    """Slurm's amounts of memory: 4G, 500M, 4096 (MiB). Errors: DirectiveError."""
    match = _MEMORY.match(text)
    if match is None:
        raise DirectiveError(f"{text!r} is no amount of memory; write it as 500M or 64G")
    return int(match[1]) * _STEP[match[2].upper()]


def array_of(text: str) -> Array:
    """Slurm's arrays: 0-15, 1,3,5-7, 0-15:4, and %4 behind it for at most four at once. Errors: DirectiveError."""
    wanted, percent, most = text.partition("%")
    numbers: set[int] = set()
    for part in wanted.split(","):
        match = _RANGE.match(part)
        first, last, step = (int(one or 0) for one in match.groups()) if match else (1, 0, 0)
        if match is None or max(first, last) > 10**9 or (match[2] and last < first) or (match[3] and step < 1):
            raise DirectiveError(f"{text!r} is no job array; write it as 0-15, 1,3,5 or 0-15%4")
        added = range(first, (last if match[2] else first) + 1, step or 1)
        if len(numbers) + len(added) > MOST_TASKS:
            raise DirectiveError(f"{text!r} has more than {MOST_TASKS:,} tasks; submit it in parts")
        numbers.update(added)
    if percent and not (most.isascii() and most.isdigit() and int(most) >= 1):
        raise DirectiveError(f"{text!r} is no job array; behind % stands how many may run at once")
    return Array(tuple(sorted(numbers)), int(most) if percent else None)


def _memory(text: str) -> int:
    try:
        return bytes_of(text)
    except DirectiveError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _array(text: str) -> Array:
    try:
        return array_of(text)
    except DirectiveError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _limit(text: str) -> int:
    try:
        return seconds_of_limit(text)
    except DirectiveError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise DirectiveError(message)


def _parser() -> _Parser:
    parser = _Parser(add_help=False, allow_abbrev=False)
    parser.add_argument("--job-name", "-J", dest="name", default="")
    parser.add_argument("--account", "-A", default="")
    parser.add_argument("--partition", "-p", default="")
    parser.add_argument("--nodes", "-N", type=_several, default=1)
    parser.add_argument("--ntasks", "-n", dest="tasks", type=_several, default=None)
    parser.add_argument("--ntasks-per-node", dest="tasks_per_node", type=_several, default=None)
    parser.add_argument("--cpus-per-task", "-c", dest="cores_per_task", type=_several, default=1)
    parser.add_argument("--gres", type=_gres, default=None)
    parser.add_argument("--gpus-per-node", dest="gres", type=_gpus)
    parser.add_argument("--gpus", "-G", type=_gpus, default=None)
    parser.add_argument("--time", "-t", dest="time_limit", type=_limit, default=None)
    parser.add_argument("--output", "-o", default="")
    parser.add_argument("--error", "-e", default="")
    parser.add_argument("--array", "-a", type=_array, default=None)
    # Memory is held against what was used, and no budget counts it.
    for memory in ("--mem", "--mem-per-cpu", "--mem-per-gpu"):
        parser.add_argument(memory, type=_memory, default=None)
    # Known to Slurm and of no account here: where the engine doesn't know them they change nothing that is counted.
    for passed in ("--mail-type", "--mail-user", "--comment", "--chdir"):
        parser.add_argument(passed)
    parser.add_argument("--exclusive", action="store_true")
    return parser


def read_directives(script: str) -> Directives:
    """Read a batch script's #SBATCH lines, up to its first command, as sbatch does. Errors: DirectiveError."""
    words: list[str] = []
    for number, found in _lines(script):
        _check(found, number)
        words += found
    asked = _parser().parse_args(words)
    tasks = asked.tasks or (asked.tasks_per_node or 1) * asked.nodes
    accelerators = asked.gpus if asked.gpus is not None else (asked.gres or 0) * asked.nodes
    cores = max(tasks, asked.nodes) * asked.cores_per_task
    if accelerators > _MOST_ACCELERATORS or cores > _MOST_CORES:
        raise DirectiveError(f"No machine has {accelerators:,} GPUs and {cores:,} cores")
    # Per node before per core before per GPU; together sbatch refuses them.
    memory = [(asked.mem, asked.nodes), (asked.mem_per_cpu, cores), (asked.mem_per_gpu, accelerators)]
    return Directives(
        name=asked.name,
        account=asked.account,
        partition=asked.partition,
        nodes=asked.nodes,
        tasks=max(tasks, asked.nodes),
        cores_per_task=asked.cores_per_task,
        accelerators=accelerators,
        time_limit=asked.time_limit,
        output=asked.output,
        error=asked.error,
        # --mem=0 is all of a node's: not known here.
        memory_bytes=next((each * many for each, many in memory if each and many), None),
        array=asked.array,
    )


def directive_words(script: str) -> list[str]:
    """The words of all #SBATCH lines, known or not. Errors: DirectiveError."""
    return [word for _number, words in _lines(script) for word in words]


def _lines(script: str) -> Iterator[tuple[int, list[str]]]:
    """The #SBATCH lines up to the first command: their number, and their words."""
    lines = script.splitlines()
    if not lines or not lines[0].startswith("#!"):
        raise DirectiveError("Line 1: a batch script starts with its interpreter, such as #!/bin/bash")
    for number, line in enumerate(lines, start=1):
        if line.startswith("#SBATCH"):
            yield number, _words(line, number)
        elif line.strip() and not line.lstrip().startswith("#"):
            break


def _words(line: str, number: int) -> list[str]:
    try:
        return shlex.split(line[len("#SBATCH") :], comments=True)
    except ValueError as error:
        raise DirectiveError(f"Line {number}: {error}") from None


def _check(words: list[str], number: int) -> None:
    """Refuse, with its line, what this parser doesn't know: a limit that is passed over silently is worse."""
    try:
        _parser().parse_args(words)
    except DirectiveError as error:
        raise DirectiveError(f"Line {number}: {error}") from None
