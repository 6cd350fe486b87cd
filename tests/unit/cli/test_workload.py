"""`fabriek workload`: what the commands print and write, and how they end on bad input."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from fabriek.cli.main import app
from fabriek.simulation.workloads.reading import read_trace

HOUR = 3600


def line(number: int, submit: int, run: int = 600, size: int = 4, user: int = 1, group: int = 1) -> str:
    return f"{number} {submit} 60 {run} {size} -1 -1 {size} 1200 -1 1 {user} {group} -1 1 -1 -1 -1\n"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Two weeks, a job of each of four users every fourth hour of each day; one never ran, one is larger than all."""
    jobs = [
        line(4 * hour + user, hour * HOUR + user, user=user, group=user // 2)
        for hour in range(0, 14 * 24, 4)
        for user in range(4)
    ]
    file = tmp_path / "log.swf"
    head = "; MaxProcs: 16\n; MaxNodes: 4\n; UnixStartTime: 1767571200\n; TimeZoneString: UTC\n"
    file.write_text(
        head + "".join(jobs) + line(9001, 14 * 24 * HOUR - 5, run=-1) + line(9002, 14 * 24 * HOUR - 2, size=32)
    )
    return file


def run(*words: object) -> Result:
    return CliRunner().invoke(app, ["workload", *map(str, words)])


def test_describe_tells_what_a_trace_holds(log: Path):
    shown = run("describe", log)
    assert shown.exit_code == 0
    for told in ("337", "4 nodes, 16 processors", "1: it never ran", "jobs an hour"):
        assert told in shown.output, told
    figures = json.loads(run("describe", log, "--json").output)
    assert (figures["format"], figures["source"]) == ("fabriek/workload-figures/1", "swf")
    assert (figures["jobs"], figures["users"], figures["accounts"]) == (337, 4, 2)
    assert figures["larger_than_machine"] == 1
    assert figures["processor_hours"] == pytest.approx(336 * 4 / 6 + 32 / 6, abs=0.001)
    assert figures["accuracy"]["median"] == 0.5
    assert figures["wait_seconds"]["most"] == 60
    assert figures["left_out"] == {"it never ran": 1}
    assert (len(figures["jobs_an_hour"]), figures["jobs_an_hour"][4]) == (168, 4)


def test_convert_writes_swf_or_a_table_and_tells_what_it_repaired(log: Path, tmp_path: Path):
    for output in (tmp_path / "out.swf.gz", tmp_path / "out.csv"):
        done = run("convert", log, output)
        assert done.exit_code == 0
        assert "337 jobs written" in done.stdout
        assert "1 left out, it never ran: 9001" in done.stderr
    assert read_trace(tmp_path / "out.swf.gz").jobs.number.tolist() == read_trace(log).jobs.number.tolist()
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 337
    assert rows[5]["user"] == "u1"
    assert (rows[5]["job"], rows[5]["submit"], rows[5]["estimate"], rows[5]["class"]) == ("17", "14401", "1200", "")
    assert json.loads(run("convert", log, tmp_path / "o.swf", "--json").stdout)["file"] == str(tmp_path / "o.swf")


def test_synthesise_makes_the_same_for_a_seed_and_more_of_one_class_where_asked(log: Path, tmp_path: Path):
    classes = tmp_path / "classes.csv"
    classes.write_text("g0,startup\ng1,academia\n")

    def made(*words: object) -> Path:
        output = tmp_path / f"{len(list(tmp_path.iterdir()))}.swf"
        done = run("synthesise", log, output, "--weeks", 3, "--classes", classes, *words)
        assert done.exit_code == 0, done.output
        return output

    assert made("--seed", 4).read_bytes() == made("--seed", 4).read_bytes()
    told = json.loads(run("synthesise", log, tmp_path / "t.swf", "--weeks", 1, "--load", "startup=2", "--load", "0.5",
                          "--classes", classes, "--json").stdout)  # fmt: skip
    assert told["source"] == "synthetic"
    by_class = {row["class"]: row["jobs"] for row in told["classes"]}
    assert by_class["startup"] == 168, "all submit at each of their hours, so nothing is left to chance"
    assert 20 < by_class["academia"] < 64
    assert read_trace(made("--load", "startup=2")).jobs.klasses == ("academia", "startup")


def test_estimates_may_come_from_another_trace(log: Path, tmp_path: Path):
    output = tmp_path / "out.swf"
    assert run("synthesise", log, output, "--weeks", 1, "--estimates", log).exit_code == 0
    jobs = read_trace(output).jobs
    assert (jobs.estimate == 2 * jobs.run).all()


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["describe", "{bad}"], "bad.swf: line 2: a job has 3 fields"),
        (["describe", "{none}"], "No such file"),
        (["convert", "{log}", "{none}/out.swf"], "No such file"),
        (["convert", "{log}", "{out}", "--zone", "Mars/Olympus"], "is no zone"),
        (["describe", "{log}", "--classes", "{bad}"], "1 values"),
        (["describe", "{log}", "--processors", "some"], "requested"),
        (["synthesise", "{log}", "{out}", "--load", "much"], "write 1.5 or startup=2"),
        (["synthesise", "{log}", "{out}", "--load", "sme=2"], "No job of the trace is of the class 'sme'"),
        (["synthesise", "{log}", "{out}", "--load", "-3"], "must be from 0 to 100"),
        (["synthesise", "{log}", "{out}", "--block", "7"], "A block lasts"),
        (["synthesise", "{short}", "{out}"], "no whole week"),
    ],
)
def test_bad_input_ends_with_status_2_and_a_sentence(log: Path, tmp_path: Path, words: list[str], what: str):
    bad, short = tmp_path / "bad.swf", tmp_path / "short.swf"
    bad.write_text("; a log\n1 2 3\n")
    short.write_text(line(1, 0))
    files = {"bad": bad, "short": short, "log": log, "none": tmp_path / "nowhere", "out": tmp_path / "out.swf"}
    ended = run(*(word.format(**files) for word in words))
    assert ended.exit_code == 2
    assert what in " ".join(ended.output.split())
    assert not (tmp_path / "out.swf").exists()
