"""At files of jobs that run is looked as often as a round has time for, and nothing that was told comes again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fabriek.compute.results import FILE
from fabriek.compute.slurm.commands import CommandFailed
from fabriek.compute.slurm.controller import Queued, Submission
from fabriek.compute.slurm.jobs import LOOKS_A_SECOND, Jobs
from fabriek.compute.slurm.settings import SlurmSettings
from fabriek.compute.slurm.store import Store
from fabriek.compute.wire import JobOrder, JobReport

ROUND = 2.0


class Site:
    """slurmctld and the files of its jobs. `started`: what ran as a job's user, by the command's name."""

    def __init__(self, folder: Path, jobs: int, tasks: int = 0) -> None:
        self.tasks = range(1, tasks + 1)
        self.files: dict[str, bytes] = {}
        self.started: list[str] = []
        self.asked = 0
        self.now = 1_780_000_000.0
        self.numbers: list[str] = []
        settings = SlurmSettings(cluster="alpha", default_user="ann")
        self.jobs = Jobs(self, self, settings, Store(folder / "jobs.sqlite3"), lambda: self.now)  # type: ignore[arg-type]
        for number in range(jobs):
            order = JobOrder(
                uuid=f"u{number}", account="a", user="ann", partition="gpu", name="n", script="#!/bin/sh\n"
            )
            self.numbers.append(self.jobs.submit(order))

    def submit(self, submission: Submission) -> str:
        return str(len(self.numbers) + 1)

    def queue(self) -> list[Queued]:
        self.asked += 1
        line = Queued("", "", "RUNNING", "None", 1_780_000_000, 60, 1, 0, 1, "gpu")
        lines = [replace(line, number=number, array=number) for number in self.numbers]
        return [replace(line, tasks=(str(task),)) for line in lines for task in self.tasks] if self.tasks else lines

    def run(self, words: list[str], **how: str) -> str:
        if "user" in how:
            self.started.append(words[0])
            return f"{words[-1]}\nepoch 1\n"
        return f"JobId={words[-1]} StdErr=/jobs/{words[-1]}.out StdIn=/dev/null StdOut=/jobs/{words[-1]}.out\n"

    def read(self, words: list[str], *, user: str) -> bytes:
        assert user == "ann"
        self.started.append(words[0])
        if words[0] == "find":
            return b"/jobs/slurm-1_1.out\0"
        paths = words[words.index("--") + 1 :] if "--" in words else [words[1].removeprefix("if=")]
        there = [path for path in paths if path in self.files]
        if words[0] == "stat":
            printed = b"".join(b"%d 1.5 %s\0" % (len(self.files[p]), p.encode()) for p in there)
            if len(there) < len(paths):
                raise CommandFailed(words, "No such file or directory", 1, printed)
            return printed
        told = dict(word.split("=") for word in words[2:])
        start = int(told.get("skip", 0))
        return self.files[there[0]][start : start + int(told["bs"])]

    def round(self, told: dict[str, dict[str, int]]) -> list[JobReport]:
        self.jobs.forget()
        self.started.clear()
        found = [self.jobs.report(number, told.get(number, {})) for number in self.numbers]
        self.now += ROUND
        return found


def order_of(uuid: str) -> JobOrder:
    return JobOrder(uuid=uuid, account="a", user="ann", partition="gpu", name="n", script="#!/bin/sh\n")


def test_few_are_looked_at_in_each_round_and_many_in_turn(tmp_path: Path) -> None:
    few = Site(tmp_path, 30)
    for _ in range(3):
        few.round({})
        assert few.started == ["stat"] * 30
    (tmp_path / "many").mkdir()
    many = Site(tmp_path / "many", 400)
    many.round({})
    looks = []
    for _ in range(30):
        many.round({})
        looks.append(len(many.started))
    # Each in turn: as many as a round has time for, and none is left out.
    assert sum(looks) == 400 * 30 * ROUND * LOOKS_A_SECOND / 400
    assert many.asked == 31


def test_what_was_told_does_not_come_again_whether_looked_at_or_not(tmp_path: Path) -> None:
    site = Site(tmp_path, 100)
    site.files = {f"/jobs/{number}.out": b"epoch 1\n" for number in site.numbers}
    site.files[f"{SlurmSettings(cluster='alpha').jobs.folder}/u0/{FILE}"] = b'{"metrics": {"loss": 1.5}}'
    first = site.round({})
    assert {report.output for report in first} == {"epoch 1\n"}
    told = {number: {"output": 8} for number in site.numbers}
    second = site.round(told)
    assert site.started == []
    assert {(report.output, report.output_from) for report in second} == {("", 8)}
    assert first[0].results is not None
    assert second[0].results == first[0].results
    site.files["/jobs/7.out"] += b"epoch 2\n"
    site.now += 100 / LOOKS_A_SECOND
    third = site.round(told)
    assert third[6].output == "epoch 2\n"
    # All are measured; only what grew is read.
    assert sorted(site.started) == ["dd"] + ["stat"] * 100


def test_arrays_have_their_turn_too_and_say_the_same_until_then(tmp_path: Path) -> None:
    site = Site(tmp_path, 100, tasks=2)
    first = site.round({})
    assert sorted(site.started) == ["find"] * 100 + ["tail"] * 100
    assert site.round({}) == first
    assert site.started == []
    site.now += 100 / LOOKS_A_SECOND
    site.round({})
    assert sorted(site.started) == ["find"] * 100 + ["tail"] * 100


def test_the_queue_is_asked_once_however_many_are_submitted_in_a_round(tmp_path: Path) -> None:
    site = Site(tmp_path, 1)
    site.jobs.forget()
    site.jobs.report("1", {})
    number = site.jobs.submit(order_of("new"))
    assert site.jobs.report(number, {}).state == "PENDING"
    assert site.asked == 1
    site.numbers.append(number)
    site.jobs.forget()
    assert site.jobs.report(number, {}).state == "RUNNING"


@pytest.mark.parametrize("name", ["a b.out", "ü.out"])
def test_files_with_odd_names_are_measured(tmp_path: Path, name: str) -> None:
    site = Site(tmp_path, 1)
    site.run = lambda words, **_how: f"JobId=1 StdErr=/j/{name} StdIn=/dev/null StdOut=/j/{name}\n"  # type: ignore[method-assign]
    site.files[f"/j/{name}"] = b"here\n"
    assert site.round({})[0].output == "here\n"
