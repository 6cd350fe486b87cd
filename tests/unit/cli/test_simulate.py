"""`fabriek simulate`: what it prints and writes, and how it ends on bad input."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet
from typer.testing import CliRunner, Result

from fabriek.cli.main import app
from fabriek.cli.simulated_nodes import spans
from fabriek.simulation.workloads.reading import read_trace


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
        "wait_95": pytest.approx(8.1),
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


def test_nodes_that_fail_and_which_each_job_had(trace: Path, tmp_path: Path) -> None:
    """Two nodes of two: 1 has both until node 1 goes at 4, and both again at 9; 3 has the second of them before."""
    rules, nodes = tmp_path / "rules.toml", tmp_path / "nodes.csv"
    rules.write_text(
        '[partitions]\n"" = { processors = 4, nodes = 2 }\n[[outages]]\nsince = 4\nuntil = 9\nfirst_node = 1\n'
    )
    result = run(trace, "--nodes", 4, "--rules", rules, "--placement", nodes, "--json")
    assert result.exit_code == 0
    assert nodes.read_text() == ("job,start,end,partition,nodes\n1,9,19,,0-1\n2,19,24,,0-1\n3,24,31,,0\n,4,9,,1\n")
    assert json.loads(result.stdout)["outages"] == {
        "outages": 1,
        "away_unit_seconds": 10,
        "stopped_runs": 1,
        "killed_jobs": 0,
        "lost_unit_seconds": 16,
        "lost_node_hours": 8 / 3600,
    }
    assert "1 outages stopped 1 runs, of which 0 for good: 0.0 node-hours lost." in run(
        trace, "--nodes", 4, "--rules", rules
    ).stdout.replace("\n", " ")
    refused = run(trace, "--nodes", 4, "--placement", nodes)
    assert refused.exit_code == 2
    assert "no nodes" in refused.stderr


def test_sites_and_what_moves_between_them(tmp_path: Path) -> None:
    """1 has all of north; 2 goes to south once its 20 bytes are there; 3 has too many to go."""
    file, rules, data = tmp_path / "trace.swf", tmp_path / "rules.toml", tmp_path / "data.csv"
    rows = [
        f"{n} {at} -1 {run} 4 -1 -1 4 -1 -1 1 1 1 1 1 1 -1 -1\n" for n, at, run in ((1, 0, 10), (2, 1, 5), (3, 1, 1))
    ]
    file.write_text("".join(rows))
    rules.write_text(
        '[partitions]\np1 = 4\np2 = 4\n[routing]\nrule = "least_wait"\n'
        '[[routing.links]]\nsites = ["p1", "p2"]\nbytes_per_second = 4\n'
    )
    data.write_text("job,bytes\n2,20\n3,4000\n")
    result = run(file, "--nodes", 4, "--rules", rules, "--data", data, "--json")
    assert result.exit_code == 0, result.output
    north, south = json.loads(result.stdout)["sites"]
    assert (north["site"], north["jobs"], north["from_elsewhere"], north["mean_wait"]) == ("p1", 2, 0, 4.5)
    assert (south["site"], south["jobs"], south["from_elsewhere"], south["moving_seconds"]) == ("p2", 1, 1, 5)
    assert (
        "site p2: 1 jobs, of which 1 from elsewhere" in run(file, "--nodes", 4, "--rules", rules, "--data", data).stdout
    )
    for text, fault in (("job;bytes\n", "first line"), ("job,bytes\n1,x\n", "line 2"), ("job,bytes\n1,-5\n", "line 2")):
        data.write_text(text)
        refused = run(file, "--nodes", 4, "--rules", rules, "--data", data)
        assert (refused.exit_code, fault in refused.stderr.replace("\n", " ")) == (2, True)


def test_spans_of_nodes() -> None:
    assert [spans(np.array(nodes)) for nodes in ([], [4], [0, 1, 2, 5, 7, 8])] == ["", "4", "0-2,5,7-8"]


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


def crowd(file: Path, seed: int = 1) -> Path:
    """Four processors that two accounts fill: many jobs of g1, some of g2."""
    draws = np.random.default_rng(seed)
    rows = [
        f"{number} {submit} -1 {run} {size} -1 -1 {size} {run} -1 1 1 {1 + number % 4 // 3} -1 1 -1 -1 -1\n"
        for number, (submit, run, size) in enumerate(
            zip(
                np.sort(draws.integers(0, 4000, 300)),
                draws.integers(1, 60, 300),
                draws.integers(1, 3, 300),
                strict=True,
            ),
            start=1,
        )
    ]
    file.write_text("".join(rows))
    return file


@pytest.fixture
def two_classes(tmp_path: Path) -> tuple[object, ...]:
    """A trace with classes, and rules that hold half of the machine for one."""
    (tmp_path / "classes.csv").write_text("g1,academia\ng2,startup\n")
    (tmp_path / "floor.toml").write_text('[[held]]\nklass = "startup"\nprocessors = 2\n')
    return crowd(tmp_path / "crowd.swf"), "--nodes", 4, "--classes", tmp_path / "classes.csv"


def test_what_other_rules_would_change(two_classes: tuple[object, ...], tmp_path: Path) -> None:
    result = run(*two_classes, "--against", tmp_path / "floor.toml", "--windows", 8, "--json")
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)
    academia, startup = told["classes"]
    assert (academia["class"], startup["class"], told["windows"]) == ("academia", "startup", 8)
    for one in (academia, startup):
        wait = one["median_wait"]
        assert wait["change"] == pytest.approx(wait["after"] - wait["before"])
        assert wait["low"] <= wait["change"] <= wait["high"]
    assert startup["median_wait"]["change"] < 0 < academia["median_wait"]["change"]
    assert startup["verdict"].startswith("startup: ")
    assert academia["share"]["before"] + startup["share"]["before"] == pytest.approx(1)
    (floor,), (before,) = told["against"]["floors"], told["against"]["floors_before"]
    assert (floor["class"], floor["promised"], floor["kept"], floor["broken_seconds"]) == ("startup", 0.5, True, 0)
    assert before["broken_seconds"] > 0
    assert not before["kept"]
    shown = run(*two_classes, "--against", tmp_path / "floor.toml", "--windows", 8).stdout
    assert startup["verdict"] in shown.splitlines()
    assert "floor of startup: promised 50.0% of the machine" in shown


def test_over_seeds_as_well_as_windows(two_classes: tuple[object, ...], tmp_path: Path) -> None:
    trace, *more = two_classes
    week = tmp_path / "week.swf"
    # The same crowd in every second hour of a week.
    lines = [line.split() for line in Path(str(trace)).read_text().splitlines()]
    every = range(0, 7 * 86_400, 7_200)
    rows = ([str(n), str(int(one[1]) + later), *one[2:]] for n, later in enumerate(every) for one in lines)
    week.write_text("".join(f"{' '.join(row)}\n" for row in rows))
    against = ("--against", tmp_path / "floor.toml", "--windows", 3, "--seeds", 4, "--weeks", 1)
    result = run(week, *more, *against, "--json", "--figures", tmp_path / "figures.csv")
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)
    assert (told["seeds"]["count"], told["seeds"]["weeks"]) == (4, 1)
    academia, startup = told["seeds"]["classes"]
    assert startup["pairs"] == 4
    assert startup["median_wait"]["change"] < 0 < academia["median_wait"]["change"]
    assert told["classes"][1]["pairs"] == 3
    with (tmp_path / "figures.csv").open(newline="") as opened:
        runs = {(row["policy"], row["window"], row["seed"]) for row in csv.DictReader(opened)}
    assert runs == {
        (policy, window, seed)
        for policy in ("rules", "against")
        for window, seed in (*((str(n), "") for n in range(4)), *(("", str(n)) for n in range(1, 5)))
    }
    shown = run(week, *more, *against).stdout.splitlines()
    assert "Over 4 workloads like it, of 1 weeks:" in shown
    assert shown[-1] == startup["verdict"]


def test_seeds_without_anything_to_compare(trace: Path) -> None:
    assert run(trace, "--nodes", 4, "--seeds", 3).exit_code == 2


def test_a_trace_too_short_for_seeds(two_classes: tuple[object, ...], tmp_path: Path) -> None:
    result = run(*two_classes, "--against", tmp_path / "floor.toml", "--seeds", 3)
    assert result.exit_code == 2
    assert "no whole week" in result.stderr


def test_figures_for_the_analyst(two_classes: tuple[object, ...], tmp_path: Path) -> None:
    files = [tmp_path / "figures.csv", tmp_path / "figures.parquet"]
    for file in files:
        result = run(*two_classes, "--against", tmp_path / "floor.toml", "--windows", 3, "--figures", file)
        assert result.exit_code == 0, result.stderr
    with files[0].open(newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert {(row["policy"], row["window"], row["class"]) for row in rows} == {
        (policy, window, klass)
        for policy in ("rules", "against")
        for window in "0123"
        for klass in ("academia", "startup")
    }
    assert sum(int(row["jobs"]) for row in rows if row["policy"] == "rules" and row["window"] != "0") == 300
    assert {row["floor_promised"] for row in rows if row["policy"] == "against" and row["class"] == "startup"} == {
        "0.5"
    }
    stored = parquet.read_table(files[1]).to_pylist()
    assert [str(row["median_wait"]) for row in stored] == [row["median_wait"] for row in rows]


def test_the_schedule_as_a_trace(trace: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.swf.gz"
    assert run(trace, "--nodes", 4, "--swf", out).exit_code == 0
    again = read_trace(out)
    assert again.jobs.number.tolist() == [1, 2, 3]
    assert again.waits is not None
    assert again.waits.tolist() == [0, 9, 0]
    assert again.processors == 4


def test_other_rules_that_cannot_be_used(trace: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("[weights]\nagee = 1\n")
    refused = run(trace, "--nodes", 4, "--against", tmp_path / "bad.toml")
    assert refused.exit_code == 2
    assert "weights.agee" in refused.stderr
