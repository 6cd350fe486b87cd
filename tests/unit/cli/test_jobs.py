"""`fabriek job`: from an estimate to advice, over the API."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.factories.world import make_allocation, make_person, make_world
from tests.unit.cli.test_over_the_api import Command, _no_network  # noqa: F401 - the fixture

from fabriek.cli.remote import asking
from fabriek.compute.wire import JobReport, ResourcesUsed, TaskReport
from fabriek.operations.actions import look_at_task, report_job, report_task
from fabriek.operations.models import Job
from fabriek.projects.models import Allocation

pytestmark = pytest.mark.django_db
START = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def allocation() -> Allocation:
    return make_allocation(make_world())


@pytest.fixture
def lead(allocation: Allocation) -> Command:
    return Command(allocation.project.members.get(role="lead").person)


@pytest.fixture
def script(tmp_path: Path) -> Path:
    file = tmp_path / "train.sh"
    file.write_text("#!/bin/bash\n#SBATCH --gpus=2 --cpus-per-task=8 --time=01:00:00\necho hello\n")
    return file


def reported(job: Job, **said: Any) -> None:
    report_job(job.cluster, str(job.uuid), JobReport(**{"state": "RUNNING", **said}))


def test_a_script_is_estimated_and_submitted_to_the_only_hours_that_there_are(lead: Command, script: Path) -> None:
    told = lead.run("job", "estimate", script).stdout
    assert "Asks 2 GPUs and 8 cores for 1:00:00: at most 2.00 GPU-hours and 8.00 core-hours." in told
    assert "100.00 GPU-hours" in told
    answer = lead.read("job", "submit", script)
    assert (answer["name"], answer["state"]) == ("train", "QUEUED")
    assert "of which 2.00 are asked" in lead.run("job", "estimate", script).stdout


def test_what_can_not_be_submitted_ends_with_status_1(lead: Command, tmp_path: Path) -> None:
    script = tmp_path / "wrong.sh"
    script.write_text("#!/bin/bash\n#SBATCH --gpus=9 --time=5-0\n")
    assert "are left" in lead.run("job", "estimate", script, status=1).output
    script.write_text("echo\n")
    assert "Line 1" in lead.run("job", "submit", script, status=2).output
    script.write_bytes(b"\xff\xfe")
    assert "can't be read as text" in lead.run("job", "submit", script, status=2).output


def test_whose_hours_has_to_be_said_where_there_are_several(allocation: Allocation, script: Path) -> None:
    person = allocation.project.members.get(role="lead").person
    other = make_allocation(make_world(), lead=person)
    caller = Command(person)
    said = caller.run("job", "submit", script, status=2).output
    assert allocation.code in said
    assert other.code in said
    assert caller.read("job", "submit", script, "--allocation", other.code)["allocation"] == other.code
    script.write_text(f"#!/bin/bash\n#SBATCH --account={allocation.project.code} --gpus=1 --time=1\ntrue\n")
    assert caller.read("job", "submit", script)["allocation"] == allocation.code, "as the script names it"
    assert "No allocation may be used today" in Command(make_person()).run("job", "submit", script, status=1).output


def test_a_job_is_listed_and_followed_until_its_end(
    lead: Command, script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uuid = lead.read("job", "submit", script)["uuid"]
    job = Job.objects.get(uuid=uuid)
    reported(job, state="PENDING", engine_job="7", reason="Priority", queue_position=2, expected_start_at=START)
    status = lead.run("job", "status", uuid).stdout
    assert "train: PENDING (7 in the scheduler)" in status
    assert "Jobs with a higher priority go first." in status
    assert "Place in the queue: 2" in status
    assert "Expected to start: 2026-11-24T12:00:00Z" in status
    (row,) = lead.read("job", "list", job.project.code, "--state", "waiting")
    assert row["uuid"] == uuid
    assert lead.read("job", "list", job.project.code, "--state", "running") == []
    reported(job, output="one\n", output_from=0, started_at=START)
    assert lead.run("job", "output", uuid).stdout == "one\n"
    # While one follows, the rest comes, and the job ends.
    steps = iter(
        [
            {"output": "two\n", "output_from": 4},
            {"state": "COMPLETED", "output": "three\n", "output_from": 8, "error_output": "oh\n"},
        ]
    )
    monkeypatch.setattr(asking, "LOOK_AGAIN", 0)
    monkeypatch.setattr("time.sleep", lambda _seconds: reported(job, started_at=START, **next(steps)))
    assert lead.run("job", "output", uuid, "--follow").stdout == "one\ntwo\nthree\n"
    assert lead.run("job", "output", uuid, "--error").stdout == "oh\n"
    lines = [json.loads(line) for line in lead.run("job", "output", uuid, "-f", "--json").stdout.splitlines()]
    assert [line["end"] for line in lines] == [14]


def test_a_task_s_output_is_asked_for_and_waited_for(lead: Command, script: Path, monkeypatch: Any) -> None:
    script.write_text(script.read_text().replace("#SBATCH", "#SBATCH --array=1-4\n#SBATCH", 1))
    job = Job.objects.get(uuid=lead.read("job", "submit", script)["uuid"])

    def tell(_seconds: float) -> None:
        report_task(job.cluster, str(job.uuid), 3, TaskReport(state="COMPLETED", output="three\n", output_from=0))

    monkeypatch.setattr("time.sleep", tell)
    assert lead.run("job", "output", str(job.uuid), "--task", "3").stdout == "three\n"
    assert "no task 9" in lead.run("job", "output", str(job.uuid), "--task", "9", status=1).output
    look_at_task(job, 2)
    report_task(job.cluster, str(job.uuid), 2, TaskReport(state="RUNNING", problem="unknown-file"))
    assert "on the cluster" in lead.run("job", "output", str(job.uuid), "--task", "2", status=1).output


def test_what_a_job_used_is_told_with_advice(lead: Command, script: Path) -> None:
    uuid = lead.read("job", "submit", script)["uuid"]
    assert "not ended" in lead.run("job", "efficiency", uuid).stdout
    reported(
        Job.objects.get(uuid=uuid), state="COMPLETED", used=ResourcesUsed(elapsed_seconds=3_000, cpu_seconds=2_700)
    )
    told = lead.run("job", "efficiency", uuid).stdout
    assert "You asked 8 cores and used 0.9 on average: ask 2 and wait less. (--cpus-per-task=2)" in told
    assert "11%" in told
    assert lead.read("job", "efficiency", uuid)["efficiency"]["too_short"] is False


def test_jobs_are_cancelled_by_name_or_all_that_wait(lead: Command, script: Path, allocation: Allocation) -> None:
    first, second, third = (lead.read("job", "submit", script)["uuid"] for _ in range(3))
    assert [row["state"] for row in lead.read("job", "cancel", first, second)] == ["CANCELLED", "CANCELLED"]
    project = allocation.project.code
    assert lead.read("job", "cancel", "--project", project, "--state", "waiting") == {"cancelled": [third]}
    for words in ([], [first, "--project", project], ["--project", project]):
        assert "Name the jobs" in lead.run("job", "cancel", *words, status=2).output
