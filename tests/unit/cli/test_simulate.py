"""`fabriek simulate`: what it prints and writes, and how it ends on bad input."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from fabriek.cli.main import app


def line(number: int, submit: int, run: int, size: int, asked: int = -1) -> str:
    return f"{number} {submit} -1 {run} {size} -1 -1 {size} {asked} -1 1 1 1 -1 1 -1 -1 -1\n"


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """Four processors: 2 waits for 1 and is passed by 3; 4 never ran; 5 is too large."""
    file = tmp_path / "trace.swf"
    file.write_text(line(1, 0, 10, 3) + line(2, 1, 5, 4) + line(3, 2, 7, 1, 8) + line(4, 3, -1, 1) + line(5, 4, 9, 64))
    return file


def run(*words: object) -> Result:
    return CliRunner().invoke(app, ["simulate", *map(str, words)])


def test_starts_and_figures(trace: Path, tmp_path: Path) -> None:
    starts = tmp_path / "starts.csv"
    result = run(trace, "--nodes", 4, "--policy", "easy", "--starts", starts, "--json")
    assert result.exit_code == 0
    assert starts.read_text() == "job,submit,start,end,processors\n1,0,0,10,3\n2,1,10,15,4\n3,2,2,9,1\n"
    figures = json.loads(result.stdout)
    assert figures.pop("seconds") > 0
    assert figures == {
        "jobs": 3,
        "skipped": 2,
        "never_started": 0,
        "mean_wait": 3.0,
        "median_wait": 0.0,
        "mean_bounded_slowdown": pytest.approx((1 + 1.4 + 1) / 3),
        "utilisation": pytest.approx((30 + 20 + 7) / 60),
        "makespan": 15,
        "lost_unit_seconds": 0,
    }
    assert "2 jobs left out" in result.stderr
    assert "job 4: " in result.stderr
    assert "job 5: asks 64 processors of 4" in result.stderr


def test_rows_are_in_the_order_of_job_number(tmp_path: Path) -> None:
    file, starts = tmp_path / "trace.swf", tmp_path / "starts.csv"
    file.write_text(line(7, 5, 1, 1) + line(3, 9, 1, 1) + line(9, 0, 1, 1))
    assert run(file, "--nodes", 1, "--starts", starts).exit_code == 0
    assert [row.split(",")[0] for row in starts.read_text().splitlines()] == ["job", "3", "7", "9"]


def test_policies_differ(trace: Path) -> None:
    waits = {
        policy: json.loads(run(trace, "--nodes", 4, "--policy", policy, "--json").stdout)["mean_wait"]
        for policy in ("fcfs", "easy", "conservative", "multifactor")
    }
    assert waits == {"fcfs": pytest.approx(22 / 3), "easy": 3.0, "conservative": 3.0, "multifactor": 3.0}


def test_whole_nodes(trace: Path) -> None:
    # Two nodes of two: 1 takes both, and 3 can't pass.
    figures = json.loads(run(trace, "--nodes", 2, "--cores-per-node", 2, "--json").stdout)
    assert figures["makespan"] == 22


def test_rules_from_a_file(trace: Path, tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text("[[held]]\nprocessors = 4\nsince = 5\nuntil = 20\n")
    figures = json.loads(run(trace, "--nodes", 4, "--rules", rules, "--json").stdout)
    # Nothing but 2 would be done by 5, which comes second: 1 and 3 run from 20 on, and 2 after 1.
    assert figures["makespan"] == 35
    rules.write_text("[weights]\nagee = 1\n")
    refused = run(trace, "--nodes", 4, "--rules", rules)
    assert refused.exit_code == 2
    assert "weights.agee" in refused.stderr


@pytest.mark.parametrize("nodes", [0, -1, 10**9 + 1, "many"])
def test_machines_that_cannot_be(trace: Path, nodes: object) -> None:
    assert run(trace, "--nodes", nodes).exit_code == 2


def test_a_billion_nodes(trace: Path) -> None:
    figures = json.loads(run(trace, "--nodes", 10**9, "--json").stdout)
    assert (figures["jobs"], figures["mean_wait"]) == (4, 0.0)


def test_all_jobs_too_large(tmp_path: Path) -> None:
    file, starts = tmp_path / "trace.swf", tmp_path / "starts.csv"
    file.write_text(line(1, 0, 10, 3))
    result = run(file, "--nodes", 1, "--starts", starts, "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["jobs"] == 0
    assert starts.read_text() == "job,submit,start,end,processors\n"


def test_files_that_cannot_be_used(trace: Path, tmp_path: Path) -> None:
    packed = gzip.compress(trace.read_bytes() * 200)
    for name, content in (
        ("none.swf", None),
        ("empty.swf", b""),
        ("words.swf", b"what is this\n"),
        ("short.swf", b"1 0 -1 10\n"),
        ("cut.swf.gz", packed[: len(packed) // 2]),
    ):
        file = tmp_path / name
        if content is not None:
            file.write_bytes(content)
        result = run(file, "--nodes", 4)
        assert result.exit_code == 2, name
        assert name in result.stderr.replace("\n", "")
    assert run(trace, "--nodes", 4, "--starts", tmp_path / "no folder" / "starts.csv").exit_code == 2


def test_the_policy_as_settings_of_slurm(trace: Path, tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('[weights]\nage = 7\n[[held]]\nklass = "startup"\nprocessors = 3\n')
    result = run("--nodes", 4, "--rules", rules, "--emit-slurm")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert "PriorityWeightAge=7" in lines
    assert any(line.startswith("scontrol create reservation ReservationName=floor_1_startup ") for line in lines)
    rules.write_text('[preempt]\n"very urgent" = 1\n')
    refused = run("--nodes", 4, "--rules", rules, "--emit-slurm")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "'very urgent' can't be a name in Slurm" in refused.stderr


def test_without_a_trace(tmp_path: Path) -> None:
    assert run("--nodes", 4).exit_code == 2
