"""What a batch script asks for: its #SBATCH lines (https://slurm.schedmd.com/sbatch.html)."""

from __future__ import annotations

import argparse
import re
import shlex
from dataclasses import dataclass
from typing import NoReturn

_TIME = re.compile(r"^(?:(?P<days>\d+)-)?(?P<parts>\d+(?::\d+){0,2})$")
_GPUS = re.compile(r"^(?:gpu:)?(?:(?P<kind>[A-Za-z][\w.-]*):)?(?P<count>\d+)$")
DEFAULT_TIME = 3600


class DirectiveError(ValueError):
    """A batch script that asks for something that can't be read or isn't there. The sentence names the line."""


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

    @property
    def cores(self) -> int:
        """Cores over all tasks."""
        return self.tasks * self.cores_per_task

    @property
    def seconds(self) -> int:
        """The time limit, or the default of an hour."""
        return self.time_limit or DEFAULT_TIME

    @property
    def accelerator_seconds(self) -> int:
        """What the job could use at most."""
        return self.accelerators * self.seconds


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
    # Known to Slurm and of no account here: where the engine doesn't know them they change nothing that is counted.
    for passed in ("--mem", "--mem-per-cpu", "--mem-per-gpu", "--mail-type", "--mail-user", "--comment", "--chdir"):
        parser.add_argument(passed)
    parser.add_argument("--exclusive", action="store_true")
    return parser


def read_directives(script: str) -> Directives:
    """Read a batch script's #SBATCH lines, up to its first command, as sbatch does. Errors: DirectiveError."""
    lines = script.splitlines()
    if not lines or not lines[0].startswith("#!"):
        raise DirectiveError("Line 1: a batch script starts with its interpreter, such as #!/bin/bash")
    words: list[str] = []
    for number, line in enumerate(lines, start=1):
        if line.startswith("#SBATCH"):
            found = _words(line, number)
            _check(found, number)
            words += found
        elif line.strip() and not line.lstrip().startswith("#"):
            break
    asked = _parser().parse_args(words)
    tasks = asked.tasks or (asked.tasks_per_node or 1) * asked.nodes
    accelerators = asked.gpus if asked.gpus is not None else (asked.gres or 0) * asked.nodes
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
    )


def _words(line: str, number: int) -> list[str]:
    try:
        return shlex.split(line[len("#SBATCH") :], comments=True)
    except ValueError as error:
        raise DirectiveError(f"Line {number}: {error}") from None


def _check(words: list[str], number: int) -> None:
    """Refuse, with its line, what this parser doesn't know: a limit that is passed over silently is worse."""
    if any(word.startswith(("--array", "-a")) for word in words):
        raise DirectiveError(f"Line {number}: job arrays can't be submitted here; submit one job for each task")
    try:
        _parser().parse_args(words)
    except DirectiveError as error:
        raise DirectiveError(f"Line {number}: {error}") from None
