"""`fabriek sweep --slurm`: an array on a real Slurm, gone on with after a kill and after tasks that were cancelled."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from fabriek.compute.slurm.arrays import own_commands, submit_array, tasks_left
from fabriek.demo.slurm import Bed

PATIENCE = 300.0
TASKS = 6


@pytest.fixture
def sweep(folder: Path) -> Path:
    """Six seeds of a trace of two weeks, two policies each."""
    draws = np.random.default_rng(1)
    rows = zip(np.sort(draws.integers(0, 14 * 86_400, 300)), draws.integers(60, 9_000, 300), strict=True)
    (folder / "trace.swf").write_text(
        "".join(f"{n} {s} -1 {r} 1 -1 -1 1 {r} -1 1 1 1 -1 1 -1 -1 -1\n" for n, (s, r) in enumerate(rows, 1))
    )
    file = folder / "sweep.yaml"
    file.write_text(
        yaml.safe_dump(
            {
                "format": "fabriek/sweep/1",
                "traces": {"t": {"file": "trace.swf"}},
                "machines": {"m": {"nodes": 4}},
                "policies": {"easy": {}, "fcfs": {"policy": "fcfs"}},
                "seeds": 6,
                "weeks": 1,
            }
        )
    )
    return file


def command(sweep: Path, out: Path, *more: str) -> list[str]:
    words = [sys.executable, "-m", "fabriek.cli.main", "sweep", str(sweep), "--out", str(out), "--json"]
    return [*words, "--slurm", "--tasks", str(TASKS), "--sbatch=--partition=cpu", "--sbatch=--mem=100", *more]


def environment(bed: Bed) -> dict[str, str]:
    return {**os.environ, **bed.env("alpha")}


def finished(out: Path) -> dict[str, int]:
    return {file.name: file.stat().st_mtime_ns for file in (out / "points").glob("*.json")}


def until(true: Callable[[], Any]) -> None:
    begun = time.monotonic()
    while not true():
        assert time.monotonic() - begun < PATIENCE
        time.sleep(0.1)


def arrays(bed: Bed, name: str) -> list[str]:
    """The numbers of all arrays of this name that Slurm has ever accounted."""
    said = bed.run("alpha", "sacct", "-nXP", f"--name={name}", "--format=JobID").split()
    return sorted({one.partition("_")[0] for one in said})


def states(bed: Bed, number: str) -> set[str]:
    """What became of the tasks of an array, as far as slurmdbd has heard."""
    return set(bed.run("alpha", "sacct", "-nXP", "-j", number, "--format=JobID,State").split())


@pytest.mark.slow
def test_a_sweep_on_slurm_is_gone_on_with(bed: Bed, sweep: Path, folder: Path) -> None:
    out = folder / "out"
    # Only one task may run at once, so that there is a middle to be killed in.
    watching = subprocess.Popen(
        command(sweep, out, "--sbatch=--array=0-5%1"), env=environment(bed), stdout=subprocess.DEVNULL
    )
    until(lambda: (out / "points").is_dir() and finished(out))
    watching.kill()
    watching.wait()
    # Some tasks never come to their end: whoever watches tells it, and the same again submits what lacks.
    ((first, name),) = {tuple(line.split()) for line in bed.run("alpha", "squeue", "-h", "--format=%F %j").splitlines()}
    bed.run("alpha", "scancel", f"{first}_4", f"{first}_5")
    assert name.startswith("fabriek-sweep-")
    assert tasks_left(own_commands(environment(bed)), name)

    attached = subprocess.run(command(sweep, out), env=environment(bed), capture_output=True, text=True, check=False)
    told = json.loads(attached.stdout)
    assert attached.returncode == 1, attached.stderr
    assert (told["points"], told["lacking"]) == (12, 4)
    assert "ended before all points did" in attached.stderr
    assert arrays(bed, name) == [first]
    before = finished(out)

    again = subprocess.run(command(sweep, out), env=environment(bed), capture_output=True, text=True, check=False)
    told = json.loads(again.stdout)
    assert again.returncode == 0, again.stderr
    assert (told["before"], told["now"], told["lacking"]) == (8, 4, 0)
    after = finished(out)
    assert {one: after[one] for one in before} == before
    # The points are there before slurmdbd has heard of their tasks' ends.
    until(lambda: len(arrays(bed, name)) == 2)
    second = next(number for number in arrays(bed, name) if number != first)
    until(lambda: states(bed, second) == {f"{second}_4|COMPLETED", f"{second}_5|COMPLETED"})

    here = folder / "here"
    words = [word for word in command(sweep, here) if not word.startswith("--sbatch")]
    words.remove("--slurm")
    assert subprocess.run(words, stdout=subprocess.DEVNULL, check=False).returncode == 0
    assert rows(out) == rows(here)
    assert len(rows(out)) == 12


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "results.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_what_slurm_refuses_is_said(bed: Bed, sweep: Path, folder: Path) -> None:
    refused = subprocess.run(
        command(sweep, folder / "out", "--sbatch=--partition=nowhere"),
        env=environment(bed), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert refused.returncode == 1
    assert "invalid partition specified: nowhere" in refused.stderr
    assert not finished(folder / "out")


def test_an_array_is_known_by_its_name(bed: Bed, folder: Path) -> None:
    commands = own_commands(environment(bed))
    script = "#!/bin/sh\nwhile [ ! -e go ]; do sleep 0.1; done\necho task $SLURM_ARRAY_TASK_ID\n"
    options = ("--partition=cpu", "--mem=10", f"--chdir={folder}")
    number = submit_array(commands, "of-the-test", script, [5, 1, 2], folder, options)
    assert tasks_left(commands, "of-the-test").total() == 3
    assert not tasks_left(commands, "another")
    (folder / "go").touch()
    until(lambda: not tasks_left(commands, "of-the-test"))
    assert sorted(file.name for file in folder.glob("*.txt")) == [f"{number}_{task}.txt" for task in (1, 2, 5)]
    assert (folder / f"{number}_5.txt").read_text() == "task 5\n"
