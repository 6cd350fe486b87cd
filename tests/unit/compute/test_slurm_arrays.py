"""Tasks of an array that slurmctld has forgotten, or slurmdbd tells late, are counted once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fabriek.compute.engine import EngineError
from fabriek.compute.slurm.controller import Queued, Submission
from fabriek.compute.slurm.formats import tasks_in
from fabriek.compute.slurm.jobs import Jobs
from fabriek.compute.slurm.settings import SlurmSettings
from fabriek.compute.slurm.store import Store
from fabriek.compute.slurm.task_states import LOOK_AGAIN
from fabriek.compute.wire import JobOrder, JobReport

LINE = Queued("12", "12", "PENDING", "Resources", 0, 60, 1, 0, 1, "gpu")


class Slurm:
    """slurmctld's memory (`lines`) and what sacct prints; '' is no answer."""

    def __init__(self) -> None:
        self.lines: list[Queued] = []
        self.accounted = ""
        self.asked = 0

    def submit(self, submission: Submission) -> str:
        return "12"

    def cancel(self, number: str) -> None:
        raise NotImplementedError

    def queue(self) -> list[Queued]:
        return self.lines

    def run(self, words: list[str], **_how: str) -> str:
        self.asked += 1
        if not self.accounted:
            raise EngineError("slurmdbd is down")
        columns = next(word for word in words if word.startswith("--format=")).removeprefix("--format=").split(",")
        runs = [dict(zip(("JobID", "State"), line.split("|"), strict=True)) for line in self.accounted.splitlines()]
        return "".join("|".join(run.get(column, "") for column in columns) + "\n" for run in runs)


class Agent:
    """One that has submitted array 12 with six tasks. `restart`: it remembers what is on disk."""

    def __init__(self, folder: Path) -> None:
        self.slurm, self.store = Slurm(), Store(folder / "jobs.sqlite3")
        self.settings = SlurmSettings(cluster="alpha", default_user="ann")
        self.now = 1_780_000_000.0
        self.restart()
        order = JobOrder(uuid="u", account="a", user="ann", partition="gpu", name="n", script="#!/bin/sh\n")
        assert self.jobs.submit(order) == "12"

    def restart(self) -> None:
        self.jobs = Jobs(self.slurm, self.slurm, self.settings, self.store, lambda: self.now)  # type: ignore[arg-type]

    def told(self, *lines: tuple[str, str]) -> JobReport:
        """The report when slurmctld remembers these: place in the array, state."""
        self.slurm.lines = [
            replace(LINE, number=f"9{place[0]}", state=state, tasks=tasks_in(place)) for place, state in lines
        ]
        self.jobs.forget()
        return self.jobs.report("12", {})


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    return Agent(tmp_path)


@pytest.mark.parametrize(
    ("place", "tasks"), [("3", ("3",)), ("[3-5%2]", ("3", "4", "5")), ("1,7", ("1", "7")), ("N/A", ("",)), ("", ("",))]
)
def test_a_place_in_an_array_says_which_tasks_are_meant(place: str, tasks: tuple[str, ...]) -> None:
    assert tasks_in(place) == tasks


def test_tasks_that_wait_together_and_tasks_that_were_forgotten_are_counted(agent: Agent) -> None:
    agent.slurm.accounted = "12_[1-6%2]|PENDING\n"
    assert agent.told(("1-6%2", "PENDING")).tasks == {"PENDING": 6}
    assert agent.told(("1", "COMPLETED"), ("2", "FAILED"), ("3-6%2", "PENDING")).tasks == {
        "COMPLETED": 1,
        "FAILED": 1,
        "PENDING": 4,
    }
    report = agent.told(("3-6%2", "PENDING"))
    assert (report.tasks, report.failed_tasks) == ({"COMPLETED": 1, "FAILED": 1, "PENDING": 4}, [2])
    assert agent.slurm.asked == 0, "who follows it from its start need not ask sacct"
    report = agent.told(("2,3-6%2", "PENDING"))
    assert (report.tasks, report.failed_tasks) == ({"COMPLETED": 1, "PENDING": 5}, []), "it was put back into the queue"


def test_an_agent_that_starts_anew_asks_what_it_has_not_seen(agent: Agent) -> None:
    agent.told(("1-6%2", "PENDING"))
    agent.restart()
    assert agent.told(("3-6%2", "PENDING")).tasks == {"PENDING": 4}, "told without slurmdbd as far as it is known"
    agent.slurm.accounted = "12_1|COMPLETED\n12_2|FAILED\n12_[1-6%2]|PENDING\n"
    assert agent.told(("3-6%2", "PENDING")).tasks == {"COMPLETED": 1, "FAILED": 1, "PENDING": 4}


def test_tasks_that_slurmdbd_hears_of_late_are_told_as_it_last_knew_them_and_then_as_they_ended(agent: Agent) -> None:
    agent.restart()
    agent.slurm.accounted = "12_1|RUNNING\n12_2|RUNNING\n12_[1-6%2]|PENDING\n"
    report = agent.told(("4-6%2", "PENDING"))
    assert (report.state, report.tasks) == ("PENDING", {"RUNNING": 2, "PENDING": 4})
    agent.slurm.accounted = "12_1|COMPLETED\n12_2|FAILED\n12_3|COMPLETED\n12_[1-6%2]|PENDING\n"
    agent.now += LOOK_AGAIN - 1
    assert agent.told(("4-6%2", "PENDING")).tasks == {"RUNNING": 2, "PENDING": 4}
    agent.now += 1
    assert agent.told(("4-6%2", "PENDING")).tasks == {"COMPLETED": 2, "FAILED": 1, "PENDING": 3}
    assert agent.slurm.asked == 2


def test_the_first_tasks_that_went_wrong_are_told_in_their_order_and_no_more_of_them(agent: Agent) -> None:
    ways = {3: "TIMEOUT", 4: "OUT_OF_MEMORY", 5: "NODE_FAIL", 6: "CANCELLED by 0", 7: "COMPLETED"}
    agent.slurm.accounted = "".join(f"12_{task}|{ways.get(task, 'FAILED')}\n" for task in range(30_000, 2, -1))
    agent.jobs._output.of_tasks = lambda job: {}  # type: ignore[method-assign,assignment]
    report = agent.told()
    assert report.failed_tasks == [3, 4, 5, *range(8, 25)]
    assert report.tasks["FAILED"] == 29_993
    assert len(report.model_dump_json()) < 2_000


def test_a_job_that_is_no_array_tells_of_no_tasks(agent: Agent) -> None:
    agent.jobs._output.of_job = lambda *_of, **_how: {}  # type: ignore[method-assign,assignment]
    report = agent.told(("N/A", "RUNNING"))
    assert (report.state, report.tasks, report.failed_tasks) == ("RUNNING", {}, [])
    agent.slurm.accounted = "12|FAILED\n"
    report = agent.told()
    assert (report.state, report.tasks, report.failed_tasks) == ("FAILED", {}, [])


def test_of_a_job_in_parts_the_part_that_went_worst_is_told(agent: Agent) -> None:
    agent.slurm.accounted = "12+0|FAILED\n12+1|COMPLETED\n"
    agent.jobs._output.of_job = lambda *_of, **_how: {}  # type: ignore[method-assign,assignment]
    report = agent.told()
    assert (report.state, report.tasks) == ("FAILED", {})


def test_a_line_of_tasks_that_never_began_may_name_some_that_did(agent: Agent) -> None:
    agent.slurm.accounted = "12_1|CANCELLED by 0\n12_2|COMPLETED\n12_[1-6%2]|CANCELLED by 0\n"
    agent.jobs._output.of_tasks = lambda job: {}  # type: ignore[method-assign,assignment]
    report = agent.told()
    assert (report.state, report.tasks) == ("CANCELLED", {"CANCELLED": 5, "COMPLETED": 1})
    assert report.used is not None
