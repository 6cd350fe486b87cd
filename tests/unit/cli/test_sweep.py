"""`fabriek sweep`: every point once, whatever is killed when; and how it ends on bad input."""

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
from pyarrow import parquet
from typer.testing import CliRunner, Result

from fabriek.cli.main import app

WEEK = 7 * 86_400
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A sweep of 3 seeds, 2 loads, 2 policies and 2 floors over a trace of two weeks with two classes, changed."""
    draws = np.random.default_rng(1)
    submits, runs, sizes = draws.integers(0, 2 * WEEK, 400), draws.integers(600, 40_000, 400), draws.integers(1, 5, 400)
    (tmp_path / "trace.swf").write_text(
        "".join(
            f"{n} {submit} -1 {run} {size} -1 -1 {size} {run} -1 1 {n % 7} {1 + n % 4 // 3} -1 1 -1 -1 -1\n"
            for n, (submit, run, size) in enumerate(zip(np.sort(submits), runs, sizes, strict=True), 1)
        )
    )
    (tmp_path / "classes.csv").write_text("g1,academia\ng2,startup\n")

    def written(**changed: Any) -> Path:
        said = {
            "format": "fabriek/sweep/1",
            "traces": {"t": {"file": "trace.swf", "classes": "classes.csv"}},
            "machines": {"m": {"nodes": 24}},
            "policies": {"easy": {}, "fcfs": {"policy": "fcfs"}},
            "floors": {"none": {}, "fifth": {"startup": 0.2}},
            "loads": [1, {"startup": 2}],
            "seeds": 3,
            "weeks": 1,
        } | changed
        file = tmp_path / "sweep.yaml"
        file.write_text(yaml.safe_dump(said, sort_keys=False))
        return file

    return written


def run(*words: object) -> Result:
    return CliRunner().invoke(app, ["sweep", *map(str, words)])


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as opened:
        return list(csv.DictReader(opened))


def test_a_row_for_each_run_and_class(write: Write, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = run(write(), "--out", out, "--processes", 2, "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout) == {
        "points": 24, "before": 0, "now": 24, "lacking": 0, "table": str(out / "results.csv"),
    }  # fmt: skip
    found = rows(out / "results.csv")
    names = ("seed", "load", "policy", "floor", "class")
    assert len({tuple(row[name] for name in names) for row in found}) == len(found) == 24 * 2
    # Twice the start-ups leave academia's jobs as they are, and a floor is one where it was asked.
    jobs = {tuple(row[name] for name in names): int(row["jobs"]) for row in found}
    assert jobs["1", "1", "easy", "none", "academia"] == jobs["1", "startup=2", "easy", "none", "academia"]
    assert jobs["1", "1", "easy", "none", "startup"] < jobs["1", "startup=2", "easy", "none", "startup"]
    promised = {(row["floor"], row["class"]): row["floor_promised"] for row in found}
    assert promised["fifth", "startup"] == str(5 / 24)
    assert promised["none", "startup"] == promised["fifth", "academia"] == ""


def test_a_row_is_what_the_simulation_of_that_point_says(write: Write, tmp_path: Path) -> None:
    file = write(seeds=None, loads=[1], floors={"none": {}}, policies={"easy": {}})
    assert run(file, "--out", tmp_path / "out").exit_code == 0
    words = ["simulate", str(tmp_path / "trace.swf"), "--nodes", "24", "--classes", str(tmp_path / "classes.csv")]
    CliRunner().invoke(app, [*words, "--figures", str(tmp_path / "figures.csv")])
    alone = [row for row in rows(tmp_path / "figures.csv") if row["window"] == "0"]
    swept = rows(tmp_path / "out" / "results.csv")
    assert [{name: row[name] for name in row.keys() & alone[0].keys() - {"policy"}} for row in swept] == [
        {name: value for name, value in row.items() if name in swept[0] and name != "policy"} for row in alone
    ]


def test_what_ended_is_not_run_again_and_more_is_added(write: Write, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run(write(seeds=2), "--out", out).exit_code == 0
    before = {file.name: file.stat().st_mtime_ns for file in (out / "points").iterdir()}
    told = json.loads(run(write(seeds=3), "--out", out, "--json").stdout)
    assert (told["before"], told["now"], told["lacking"]) == (16, 8, 0)
    after = {file.name: file.stat().st_mtime_ns for file in (out / "points").iterdir()}
    assert {name: after[name] for name in before} == before
    assert len(rows(out / "results.csv")) == 48


def test_killed_in_the_middle_and_started_again(write: Write, tmp_path: Path) -> None:
    out = tmp_path / "out"
    file = write(seeds=40)
    command = [sys.executable, "-m", "fabriek.cli.main", "sweep", str(file), "--out", str(out), "--processes", "2"]
    points = out / "points"
    at_work = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until(lambda: points.is_dir() and len(list(points.glob("*.json"))) >= 20)
    below = descendants(at_work.pid)
    at_work.kill()
    at_work.wait()
    until(lambda: not any(alive(pid) for pid in below))
    ended = {one.name: (one.stat().st_ino, one.stat().st_mtime_ns) for one in points.glob("*.json")}
    assert 20 <= len(ended) < 320

    told = json.loads(run(file, "--out", out, "--processes", 2, "--json").stdout)
    assert (told["points"], told["before"], told["lacking"]) == (320, len(ended), 0)
    again = {one.name: (one.stat().st_ino, one.stat().st_mtime_ns) for one in points.iterdir()}
    assert {name: again[name] for name in ended} == ended
    assert len(again) == 320
    # All of it is as if nobody had been killed.
    assert run(file, "--out", tmp_path / "other").exit_code == 0
    assert rows(out / "results.csv") == rows(tmp_path / "other" / "results.csv")
    assert len(rows(out / "results.csv")) == 640


def until(true: Callable[[], bool], patience: float = 300) -> None:
    begun = time.monotonic()
    while not true():
        assert time.monotonic() - begun < patience
        time.sleep(0.02)


def descendants(pid: int) -> set[int]:
    """The processes below one, by the children that its threads tell."""
    below: set[int] = set()
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, file.read_text().split()):
            below |= {child} | descendants(child)
    return below


def alive(pid: int) -> bool:
    """A process that ended and that nobody asked about yet counts as gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_half_a_file_is_nothing_and_is_tidied_up(write: Write, tmp_path: Path) -> None:
    out, file = tmp_path / "out", write(seeds=1)
    (out / "points").mkdir(parents=True)
    (out / "points" / "abc.x.partial").write_text('[{"cla')
    told = json.loads(run(file, "--out", out, "--json").stdout)
    assert (told["now"], told["lacking"]) == (8, 0)
    assert len(list((out / "points").iterdir())) == 8


def test_pieces_for_any_scheduler_come_to_the_whole(write: Write, tmp_path: Path) -> None:
    out, file = tmp_path / "out", write(seeds=1)
    for piece in (2, 0, 0, 1):
        assert run(file, "--out", out, "--piece", f"{piece}/3").exit_code == 0
    told = json.loads(run(file, "--out", out, "--json").stdout)
    assert (told["before"], told["now"]) == (8, 0)
    assert run(file, "--out", out, "--piece", "11/100").exit_code == 0
    for wrong in ("3/3", "3", "a/b", "-1/3"):
        assert run(file, "--out", out, f"--piece={wrong}").exit_code == 2


def test_the_table_as_parquet(write: Write, tmp_path: Path) -> None:
    file, out = write(seeds=1), tmp_path / "out"
    assert run(file, "--out", out, "--table", tmp_path / "all.parquet").exit_code == 0
    assert run(file, "--out", out).exit_code == 0
    stored = parquet.read_table(tmp_path / "all.parquet").to_pylist()
    assert [str(row["median_wait"]) for row in stored] == [row["median_wait"] for row in rows(out / "results.csv")]


def test_points_that_cannot_be_run_are_told_and_the_others_are(write: Write, tmp_path: Path) -> None:
    # A time of the trace that no simulation takes, found when it is run.
    (tmp_path / "late.swf").write_text(
        f"1 {10**12} -1 {10**12} 1 -1 -1 1 {10**12} -1 1 1 1 -1 1 -1 -1 -1\n"
        f"2 {10**12} -1 {10**12} {10**9} -1 -1 {10**9} {10**12} -1 1 1 1 -1 1 -1 -1 -1\n"
    )
    traces = {"t": {"file": "trace.swf"}, "late": {"file": "late.swf"}}
    file = write(traces=traces, seeds=None, loads=[1], floors={"none": {}}, machines={"m": {"nodes": 10**9}})
    result = run(file, "--out", tmp_path / "out", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["lacking"] == 2
    assert "trace='late'" in result.stderr
    assert {row["trace"] for row in rows(tmp_path / "out" / "results.csv")} == {"t"}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"floors": {"f": {"sme": 0.2}}}, "no job of the trace t is of the class 'sme'; it has 'academia', 'startup'"),
        ({"loads": [{"sme": 2}]}, "no job of the trace t is of the class 'sme'"),
        ({"traces": {"t": {"file": "classes.csv"}}}, "traces.t (classes.csv): "),
        ({"traces": {"t": {"file": "none.swf"}}}, "none.swf"),
        ({"weeks": -1}, "weeks: "),
    ],
)
def test_bad_input(write: Write, tmp_path: Path, change: dict[str, Any], told: str) -> None:
    result = run(write(**change), "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert told in result.stderr.replace("\n", "")


def test_one_sweep_at_a_time_in_a_folder(write: Write, tmp_path: Path) -> None:
    import fcntl

    out = tmp_path / "out"
    out.mkdir()
    with (out / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = run(write(), "--out", out)
    assert result.exit_code == 2
    assert "a sweep is at work in this folder" in result.stderr
    assert not list((out / "points").iterdir())


def test_slurm_that_is_not_there(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    result = run(write(seeds=1), "--out", tmp_path / "out", "--slurm")
    assert result.exit_code == 1
    assert "Slurm: " in result.stderr
    assert not os.listdir(tmp_path / "out" / "points")
