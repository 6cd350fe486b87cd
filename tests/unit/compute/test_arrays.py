"""How an array's tasks are said to sbatch. What Slurm makes of it: tests/slurm/test_sweep.py."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import IO

import pytest

from fabriek.compute.slurm.arrays import submit_array, tasks_left
from fabriek.compute.slurm.commands import Commands
from fabriek.compute.slurm.formats import FormatError
from fabriek.compute.slurm.settings import SlurmSettings


class Answers:
    """A transport that answers, and remembers what it was asked."""

    def __init__(self, answer: str) -> None:
        self.answer, self.asked, self.stdin = answer, [""], ""

    def run(
        self,
        words: Sequence[str],
        environment: dict[str, str],
        stdin: str,
        timeout: float,
        into: IO[bytes] | None = None,
        folder: str = "/",
    ) -> tuple[int, bytes, str]:
        self.asked, self.stdin = list(words), stdin
        return 0, self.answer.encode(), ""


@pytest.mark.parametrize(
    ("tasks", "said"),
    [([0], "0"), (range(5), "0-4"), ([7, 0, 1, 2, 9, 10], "0-2,7,9-10"), ([3, 5], "3,5")],
)
def test_tasks_as_sbatch_takes_them(tasks: Sequence[int], said: str, tmp_path: Path) -> None:
    slurm = Answers("123;alpha\n")
    commands = Commands(SlurmSettings(cluster="own"), slurm)
    assert submit_array(commands, "n", "#!/bin/sh\n", tasks, tmp_path, ["--array=1"]) == "123"
    assert f"--array={said}" in slurm.asked
    assert slurm.asked[-1] == "--array=1"
    assert slurm.stdin == "#!/bin/sh\n"


def test_answers_that_are_none(tmp_path: Path) -> None:
    commands = Commands(SlurmSettings(cluster="own"), Answers("what?\n"))
    with pytest.raises(FormatError):
        submit_array(commands, "n", "", [1], tmp_path)


def test_tasks_are_counted_by_state() -> None:
    commands = Commands(SlurmSettings(cluster="own"), Answers("RUNNING\nPENDING\nPENDING\n"))
    assert tasks_left(commands, "n") == {"RUNNING": 1, "PENDING": 2}
