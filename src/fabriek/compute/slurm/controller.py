"""Asking slurmctld: submit, look at the queue, stop. By Slurm's commands; by slurmrestd see `rest.py`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

from fabriek.compute.directives import DirectiveError, directive_words
from fabriek.compute.slurm.commands import CommandFailed, Commands
from fabriek.compute.slurm.formats import FormatError, rows, state_of, tasks_in
from fabriek.compute.wire import JobOrder

NUMBER = re.compile(r"[0-9]{1,12}")
# %k, the comment, is left out: it is its user's to fill, line ends and all.
_QUEUE = ("A", "F", "T", "r", "S", "l", "C", "D", "b", "Q", "P", "K")


@dataclass(frozen=True)
class Queued:
    """A job in slurmctld's memory, or a task of an array, or the tasks of one that still wait together.

    state: in Slurm's words. start: seconds since 1970, of one that waits the forecast; 0: none. limit: seconds.
    accelerators: None where it can't be told. tasks: see `tasks_in`.
    """

    number: str
    array: str
    state: str
    reason: str
    start: int
    limit: int | None
    cores: int
    accelerators: int | None
    priority: int
    partition: str
    tasks: tuple[str, ...] = ("",)

    def __post_init__(self) -> None:
        # A state that isn't known is told of now, and not in the middle of a report.
        state_of(self.state)


@dataclass(frozen=True)
class Submission:
    """An order as it is given to Slurm. What is said here goes before the script's own #SBATCH lines: account,
    partition and limits are the award's, whatever it says."""

    order: JobOrder
    user: str
    folder: str
    qos: str

    @property
    def comment(self) -> str:
        """By which it is found again when the answer was lost."""
        return mark_of(self.order.uuid)

    @property
    def name(self) -> str:
        """The order's name, printable; empty where the script has one of its own."""
        return "" if self._says("--job-name", "-J") else printable(self.order.name)

    @property
    def requeue(self) -> bool:
        """Whether Slurm may run it again by itself: only where the script says so. Who didn't think of it would pay
        twice, and find half of what was written overwritten."""
        return self._says("--requeue")

    def _says(self, *options: str) -> bool:
        """Whether the script's #SBATCH lines have one of these, wherever they stand."""
        try:
            return any(word.startswith(options) for word in directive_words(self.order.script))
        except DirectiveError:
            # Nobody here can read them; sbatch will say why.
            return False


def printable(name: str) -> str:
    """A job's name as it is given to Slurm."""
    return re.sub(r"[^ -~]", "_", name)


def mark_of(uuid: str) -> str:
    """What a job's comment says of whose it is."""
    return f"fabriek:{uuid}"


class Controller(Protocol):
    """slurmctld. Every call may raise CommandFailed (it said no) or NoAnswer (it can't be asked)."""

    def submit(self, submission: Submission) -> str:
        """Make the job's folder, as its user: theirs, and nobody else's to read. Returns the job's number."""

    def queue(self) -> list[Queued]:
        """All that it remembers, ended jobs too until MinJobAge is over."""

    def cancel(self, number: str) -> None:
        """Stop a job; one that has ended stays as it is."""


class ByCommands:
    """sbatch, squeue, scancel."""

    def __init__(self, commands: Commands) -> None:
        self._commands = commands

    def submit(self, submission: Submission) -> str:
        """See Controller. As the user."""
        order = submission.order
        words = [
            "sbatch",
            "--parsable",
            f"--account={order.account}",
            f"--partition={order.partition}",
            f"--qos={submission.qos}",
            f"--comment={submission.comment}",
            f"--chdir={submission.folder}",
            "--requeue" if submission.requeue else "--no-requeue",
        ]
        if submission.name:
            words.append(f"--job-name={submission.name}")
        # Where sbatch is called is SLURM_SUBMIT_DIR, to which scripts go.
        said = self._commands.run_in(submission.folder, words, user=submission.user, stdin=order.script)
        number = said.strip().split(";")[0]
        if not NUMBER.fullmatch(number):
            raise FormatError(f"sbatch --parsable answered {said[:200]!r}")
        return number

    def queue(self) -> list[Queued]:
        """See Controller."""
        fields = "|".join(f"%{field}" for field in _QUEUE)
        text = self._commands.run(["squeue", "--noheader", "--all", "--states=all", f"--format={fields}"])
        return [
            Queued(
                number=row["A"],
                array=row["F"],
                state=row["T"],
                reason=row["r"],
                start=_number(row["S"]),
                limit=_seconds(row["l"]),
                cores=_number(row["C"]),
                accelerators=_gpus(row["b"], _number(row["D"])),
                priority=_number(row["Q"]),
                partition=row["P"],
                tasks=tasks_in(row["K"]),
            )
            for row in rows(text, _QUEUE)
        ]

    def cancel(self, number: str) -> None:
        """See Controller."""
        try:
            self._commands.run(["scancel", "--", number])
        except CommandFailed as error:
            # It ended in the meantime.
            if "Invalid job id" not in error.said and "already completing or completed" not in error.said:
                raise


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0


def _gpus(gres: str, nodes: int) -> int | None:
    """squeue's %b: 'gres:gpu:h100:4', a node's. None where it can't be told."""
    if gres in ("N/A", ""):
        return 0
    found = re.finditer(r"gpu(?::[^:,\d][^:,]*)?(?::(\d+))?(?=,|$)", gres)
    counts = [int(match[1]) if match[1] else 1 for match in found]
    return sum(counts) * max(1, nodes) if counts else None


def _seconds(text: str) -> int | None:
    """squeue's %l: 10:00, 1:00:00, 2-00:00:00, UNLIMITED."""
    match = re.fullmatch(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)", text)
    if match is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
