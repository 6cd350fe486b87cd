"""Job arrays of somebody's own on the Slurm of the machine at which they sit: no award, no agent.

https://slurm.schedmd.com/job_array.html. An array is known by its name, so that Slurm alone remembers it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from fabriek.compute.slurm.commands import Commands
from fabriek.compute.slurm.controller import NUMBER
from fabriek.compute.slurm.formats import FormatError
from fabriek.compute.slurm.settings import CommandSettings, SlurmSettings


def own_commands(environment: Mapping[str, str]) -> Commands:
    """Slurm's commands as whoever calls, in their environment: a job begins with it, as after an sbatch by hand."""
    return Commands(SlurmSettings(cluster="own", commands=CommandSettings(environment=dict(environment))))


def submit_array(
    commands: Commands, name: str, script: str, tasks: Iterable[int], output: Path, options: Sequence[str] = ()
) -> str:
    """Submit these tasks of a batch script, each of one core, and return the array's number.

    output: the folder, which is there, of a file for what each task prints. options: more of sbatch's, which have the
    last word. Errors: CommandFailed, with what Slurm said; NoAnswer: then it may have arrived (`tasks_left`).
    """
    words = [
        "sbatch", "--parsable", f"--job-name={name}", f"--array={_ranges(tasks)}", "--ntasks=1", "--cpus-per-task=1",
        f"--output={output}/%A_%a.txt", f"--chdir={Path.cwd()}", *options,
    ]  # fmt: skip
    said = commands.run(words, stdin=script).strip().split(";")[0]
    if not NUMBER.fullmatch(said):
        raise FormatError(f"sbatch --parsable answered {said[:200]!r}")
    return said


def tasks_left(commands: Commands, name: str) -> Counter[str]:
    """How many tasks of one's arrays of this name wait, run or are ending, by Slurm's word; none: all is over.

    Errors: CommandFailed, NoAnswer.
    """
    said = commands.run(["squeue", "--noheader", "--array", "--me", f"--name={name}", "--format=%T"])
    return Counter(said.split())


def _ranges(tasks: Iterable[int]) -> str:
    """ "0-4,7": as sbatch takes them."""
    runs = (list(run) for _, run in groupby(enumerate(sorted(tasks)), key=lambda one: one[1] - one[0]))
    return ",".join(str(run[0][1]) if len(run) == 1 else f"{run[0][1]}-{run[-1][1]}" for run in runs)
