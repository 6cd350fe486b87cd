"""A submission that was not answered is found again, and is nobody else's; a job that is missing is waited for."""

from __future__ import annotations

from pathlib import Path

import pytest

from fabriek.compute.engine import EngineError
from fabriek.compute.slurm.commands import NoAnswer
from fabriek.compute.slurm.controller import Queued, Submission
from fabriek.compute.slurm.jobs import LOST_AFTER, SETTLED_AFTER, Jobs
from fabriek.compute.slurm.settings import SlurmSettings
from fabriek.compute.slurm.store import Store
from fabriek.compute.wire import JobOrder

ORDER = JobOrder(uuid="u", account="a", user="ann", partition="gpu", name="n", script="#!/bin/sh\n")
SETTINGS = SlurmSettings(cluster="alpha", default_user="ann")
LONGEST = SETTINGS.commands.timeout + SETTLED_AFTER


class Slurm:
    """`queue_of`: number and comment of ann's jobs, as squeue tells them; `accounted`: what sacct prints."""

    def __init__(self) -> None:
        self.queue_of: dict[str, str] = {}
        self.accounted = ""
        self.is_away = False
        self.asked: list[list[str]] = []
        self.number = "12"

    def submit(self, submission: Submission) -> str:
        if self.is_away:
            raise NoAnswer(["sbatch"], "no answer within 60 s", None)
        return self.number

    def queue(self) -> list[Queued]:
        return []

    def run(self, words: list[str], **_how: str) -> str:
        self.asked.append(words)
        if words[0] == "squeue":
            assert "--user=ann" in words
            assert "--account=a" in words
            if words[-1] == "--format=%F":
                return "".join(f"{number}\n" for number in self.queue_of)
            return "".join(f"{number} {comment}\n" for number, comment in self.queue_of.items())
        if self.is_away:
            raise EngineError("slurmdbd is down")
        return self.accounted


class Agent:
    def __init__(self, folder: Path) -> None:
        self.slurm, self.now = Slurm(), 1_780_000_000.0
        self.jobs = Jobs(self.slurm, self.slurm, SETTINGS, Store(folder / "jobs.sqlite3"), lambda: self.now)  # type: ignore[arg-type]

    def unanswered(self) -> None:
        self.slurm.is_away = True
        with pytest.raises(NoAnswer):
            self.jobs.submit(ORDER)
        self.slurm.is_away = False

    def report(self, number: str = "12") -> tuple[str, str]:
        self.jobs.forget()
        report = self.jobs.report(number, {})
        return report.state, report.reason


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    return Agent(tmp_path)


def test_it_is_found_by_its_comment(agent: Agent) -> None:
    agent.unanswered()
    agent.slurm.queue_of = {"90": "", "91": "fabriek:u"}
    assert agent.jobs.find("u") == "91"


def test_a_line_within_a_comment_is_not_another_ones_job(agent: Agent) -> None:
    agent.unanswered()
    agent.slurm.queue_of = {"90": "x\n7 fabriek:u"}
    with pytest.raises(EngineError, match="looked for"):
        agent.jobs.find("u")
    agent.slurm.queue_of = {}
    agent.slurm.accounted = "90|sbatch --comment=x\n7|sbatch --comment=fabriek:u job|\n"
    agent.slurm.run = lambda words: "90\n" if words[-1] in ("--format=JobID", "--format=%F") else agent.slurm.accounted  # type: ignore[method-assign]
    with pytest.raises(EngineError, match="looked for"):
        agent.jobs.find("u")


def test_it_is_made_again_only_when_it_can_come_no_more(agent: Agent) -> None:
    agent.unanswered()
    agent.now += LONGEST - 1
    with pytest.raises(EngineError, match="looked for 1 s more"):
        agent.jobs.submit(ORDER)
    agent.now += 1
    assert agent.jobs.submit(ORDER) == "12"


def test_after_days_it_is_looked_for_from_when_it_was_asked(agent: Agent) -> None:
    agent.unanswered()
    agent.now += 10 * 86_400
    assert agent.jobs.find("u") is None
    since = next(word for word in agent.slurm.asked[-1] if word.startswith("--starttime="))
    assert since == "--starttime=2026-05-27T20:26:40"


def test_numbers_may_begin_anew(agent: Agent) -> None:
    assert agent.jobs.submit(ORDER) == "12"
    later = ORDER.model_copy(update={"uuid": "v"})
    assert agent.jobs.submit(later) == "12"
    assert agent.jobs.find("v") == "12"


def test_a_job_is_lost_when_slurmdbd_can_be_asked_and_has_not_heard_of_it_for_a_while(agent: Agent) -> None:
    agent.jobs.submit(ORDER)
    agent.now += 3_600
    assert agent.report()[0] == "PENDING"
    agent.now += LOST_AFTER - 1
    agent.slurm.is_away = True
    with pytest.raises(EngineError, match="slurmdbd is down"):
        agent.report()
    # It comes back, and is told what happened in its absence: not at once.
    agent.slurm.is_away = False
    assert agent.report()[0] == "PENDING"
    agent.now += LOST_AFTER - 1
    assert agent.report()[0] == "PENDING"
    agent.now += 1
    assert agent.report() == ("NODE_FAIL", "SlurmLostJob")
