"""Submitting: what is taken in, what is refused and with which words."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.utils import translation
from tests.factories.world import make_allocation, make_person, make_world

from fabriek.compute.records import UsageRecord
from fabriek.compute.wire import JobReport, ResourcesUsed
from fabriek.operations import queries
from fabriek.operations.actions import Line, book_usage, cancel_job, cancel_jobs, report_job, submit_job
from fabriek.operations.errors import JobRefused, ScriptInvalid
from fabriek.operations.estimates import estimate
from fabriek.operations.models import ClusterPartition, Job
from fabriek.operations.queries import job_orders, queued_seconds
from fabriek.people.models import Person
from fabriek.projects.errors import NotAMember
from fabriek.projects.models import Allocation

pytestmark = pytest.mark.django_db
SCRIPT = "#!/bin/bash\n#SBATCH --gpus={gpus} --time={time}\ntrue\n"


def lead_of(allocation: Allocation) -> Person:
    return allocation.project.members.get(role="lead").person


def test_a_script_with_the_line_ends_of_a_browser_runs() -> None:
    allocation = make_allocation(make_world())
    job = submit_job(lead_of(allocation), allocation, "j", "#!/bin/bash\r\n#SBATCH --gpus=1\r\ntrue\r\n")
    assert "\r" not in job.script


def test_a_job_beyond_what_is_left_is_refused_with_both_numbers() -> None:
    allocation = make_allocation(make_world(), gpu_hours=3)
    with pytest.raises(JobRefused, match=r"4\.00 GPU-hours and 3\.00 are left"):
        submit_job(lead_of(allocation), allocation, "j", SCRIPT.format(gpus=2, time="02:00:00"))


def test_a_directive_that_is_not_known_is_refused_with_its_line() -> None:
    allocation = make_allocation(make_world())
    with pytest.raises(ScriptInvalid, match="Line 2"):
        submit_job(lead_of(allocation), allocation, "j", "#!/bin/bash\n#SBATCH --warp=9\n")


def test_a_script_that_names_another_place_is_refused_before_it_is_sent(job: Job) -> None:
    allocation, account = job.allocation, job.project.code
    name = ClusterPartition.objects.get(partition=allocation.partition).name
    for said, named in (("--partition=nonsense", "partition nonsense"), ("--account=other", "account other")):
        script = f"#!/bin/bash\n#SBATCH --gpus=1 --time=1 {said}\ntrue\n"
        with pytest.raises(ScriptInvalid, match=named):
            submit_job(lead_of(allocation), allocation, "j", script)
        assert named in estimate(allocation, script).fault
        with translation.override("nl"):
            assert "Het script noemt" in estimate(allocation, script).fault
    own = f"#!/bin/bash\n#SBATCH --gpus=1 --time=1 --partition={name} --account={account}\ntrue\n"
    assert estimate(allocation, own).fault == ""
    assert submit_job(lead_of(allocation), allocation, "j", own).state


def test_only_members_submit() -> None:
    allocation = make_allocation(make_world())
    with pytest.raises(NotAMember):
        submit_job(make_person(), allocation, "j", SCRIPT.format(gpus=1, time="1"))


def test_submitting_the_same_uuid_again_makes_nothing_new() -> None:
    allocation = make_allocation(make_world())
    uuid = "8d8a8f3e-0000-4000-8000-000000000001"
    script = SCRIPT.format(gpus=1, time="1")
    first = submit_job(lead_of(allocation), allocation, "j", script, uuid=uuid)
    assert submit_job(lead_of(allocation), allocation, "j", script, uuid=uuid).pk == first.pk


def test_a_waiting_job_counts_as_queued_until_it_ends() -> None:
    world = make_world()
    allocation = make_allocation(world)
    job = submit_job(lead_of(allocation), allocation, "j", SCRIPT.format(gpus=2, time="00:01:00"))
    assert list(queued_seconds().values()) == [120]
    assert [order.uuid for order in job_orders(world.cluster)] == [str(job.uuid)]
    report_job(world.cluster, str(job.uuid), JobReport(state="COMPLETED"))
    assert queued_seconds() == {}
    assert job_orders(world.cluster) == []


def test_an_ended_job_stays_as_it_ended() -> None:
    world = make_world()
    allocation = make_allocation(world)
    job = submit_job(lead_of(allocation), allocation, "j", SCRIPT.format(gpus=1, time="1"))
    report_job(world.cluster, str(job.uuid), JobReport(state="TIMEOUT"))
    report_job(world.cluster, str(job.uuid), JobReport(state="RUNNING"))
    job.refresh_from_db()
    assert job.state == "TIMEOUT"
    assert cancel_job(lead_of(allocation), job).state == "TIMEOUT"


def test_a_job_that_nobody_fetched_is_cancelled_at_once() -> None:
    allocation = make_allocation(make_world())
    job = submit_job(lead_of(allocation), allocation, "j", SCRIPT.format(gpus=1, time="1"))
    assert cancel_job(lead_of(allocation), job).state == "CANCELLED"


def report(job: Job, **said: Any) -> Job:
    report_job(job.cluster, str(job.uuid), JobReport(**{"state": "RUNNING", **said}))
    job.refresh_from_db()
    return job


@pytest.fixture
def job() -> Job:
    allocation = make_allocation(make_world())
    return submit_job(lead_of(allocation), allocation, "j", SCRIPT.format(gpus=2, time="10"))


def test_what_a_script_asks_is_kept_with_the_job(job: Job) -> None:
    assert (job.accelerators, job.cores, job.time_limit_seconds, job.runs) == (2, 1, 600, 1)
    assert job.asked_accelerator_seconds == 1200
    report(job, cores=16, time_limit_seconds=540)
    assert (job.cores, job.asked_accelerator_seconds) == (16, 1080), "the scheduler knows better"


def test_an_array_asks_as_often_as_it_has_tasks() -> None:
    allocation = make_allocation(make_world(), gpu_hours=1)
    script = "#!/bin/bash\n#SBATCH --gpus=1 --time=10 --array=1-{n}\ntrue\n"
    with pytest.raises(JobRefused, match=r"1\.17 GPU-hours and 1\.00 are left"):
        submit_job(lead_of(allocation), allocation, "j", script.format(n=7))
    assert submit_job(lead_of(allocation), allocation, "j", script.format(n=6)).runs == 6
    assert list(queued_seconds().values()) == [3600]


def test_a_job_without_gpus_is_held_to_the_core_hours() -> None:
    allocation = make_allocation(make_world(), gpu_hours=1)
    with pytest.raises(JobRefused, match="core-hours"):
        submit_job(lead_of(allocation), allocation, "j", "#!/bin/bash\n#SBATCH -n 1000 -t 10:00:00\ntrue\n")


def test_where_a_job_stands_in_line_is_kept_while_it_waits(job: Job) -> None:
    at = datetime(2026, 11, 24, 12, tzinfo=UTC)
    report(job, state="PENDING", engine_job="7", reason="Priority", queue_position=3, expected_start_at=at)
    assert (job.queue_position, job.expected_start_at, job.reason) == (3, at, "Priority")
    assert job.accepted_at is not None
    report(job, engine_job="7", started_at=at)
    assert (job.queue_position, job.expected_start_at) == (None, None)


def test_output_grows_by_its_parts(job: Job) -> None:
    report(job, output="one\n", output_from=0)
    report(job, output=None)
    report(job, output="two\n", output_from=4, error_output="oh\n", error_output_from=0)
    assert (job.output, job.output_from, job.error_output) == ("one\ntwo\n", 0, "oh\n")


def test_output_of_a_job_that_ran_again_begins_anew(job: Job) -> None:
    first, second = datetime(2026, 11, 24, 12, tzinfo=UTC), datetime(2026, 11, 24, 13, tzinfo=UTC)
    report(job, output="one\n", output_from=0, started_at=first)
    report(job, state="PENDING", reason="BeginTime")
    report(job, started_at=second)
    assert job.output == ""
    report(job, output="one\nagain\n", output_from=0, started_at=second)
    assert job.output == "one\nagain\n"


def test_output_with_a_nul_in_it_is_kept_without(job: Job) -> None:
    """PostgreSQL holds none in a text."""
    assert report(job, output="a\x00b", output_from=0).output == "a?b"
    assert report(job, error_output="a\x00b").error_output == "a?b"


def test_the_tasks_of_an_array_are_counted_and_their_output_replaced(job: Job) -> None:
    report(job, tasks={"RUNNING": 2, "PENDING": 1}, queue_position=1, output="==> 1_1 <==\nold\n")
    report(job, tasks={"RUNNING": 1, "COMPLETED": 2}, output="==> 1_1 <==\nnew\n")
    assert (job.tasks, job.output) == ({"RUNNING": 1, "COMPLETED": 2}, "==> 1_1 <==\nnew\n")
    assert job.queue_position is None


def test_which_tasks_went_wrong_is_known_until_they_run_again_or_it_ends(job: Job) -> None:
    report(job, tasks={"RUNNING": 1, "FAILED": 2}, failed_tasks=[2, 3])
    assert (job.failed_tasks, job.tasks_failed) == ([2, 3], 2)
    report(job, tasks={"RUNNING": 2, "FAILED": 1}, failed_tasks=[3])
    assert job.failed_tasks == [3], "it was put back into the queue"
    report(job, state="PENDING")
    assert (job.failed_tasks, job.tasks_failed) == ([3], 1), "what isn't told stays"
    report(job, state="TIMEOUT", tasks={"TIMEOUT": 1, "OUT_OF_MEMORY": 1, "CANCELLED": 1}, failed_tasks=[1, 3])
    assert (job.failed_tasks, job.tasks_failed) == ([1, 3], 2)


def test_the_output_of_an_array_is_replaced_also_where_the_scheduler_counts_no_tasks() -> None:
    allocation = make_allocation(make_world())
    script = "#!/bin/bash\n#SBATCH --gpus=1 --time=1 --array=1-2\ntrue\n"
    array = submit_job(lead_of(allocation), allocation, "j", script)
    report(array, output="==> 1_1 <==\none\n")
    report(array, output="==> 1_1 <==\none more\n\n==> 1_2 <==\ntwo\n")
    assert array.output == "==> 1_1 <==\none more\n\n==> 1_2 <==\ntwo\n"
    assert queries.output_after(array, "output", 5).text == array.output, "a part of it would be out of place"
    assert queries.output_after(array, "output", len(array.output)).text == ""


def test_what_it_used_is_held_against_what_it_asked(job: Job) -> None:
    assert queries.efficiency(job) is None
    used = ResourcesUsed(elapsed_seconds=600, cpu_seconds=60, memory_bytes_asked=None)
    report(job, state="COMPLETED", used=used, cores=8)
    found = queries.efficiency(job)
    assert found is not None
    assert {one.what: round(one.ratio, 4) for one in found.measures} == {"cores": 0.0125, "time": 1.0}
    assert [one.change for one in found.advice] == ["--cpus-per-task=2"], "two GPUs keep two cores"


def test_tasks_that_were_stopped_while_they_ran_count_among_those_that_ran(job: Job) -> None:
    tasks = {"CANCELLED": 6}
    used = ResourcesUsed(elapsed_seconds=600, runs=2)
    report(job, state="CANCELLED", used=used, tasks=tasks, time_limit_seconds=600)
    found = queries.efficiency(job)
    assert found is not None
    assert {one.what: one.ratio for one in found.measures} == {"time": 0.5}, "300 s of 600 each"


def test_several_jobs_are_cancelled_together_or_none(job: Job) -> None:
    other = submit_job(job.submitted_by, job.allocation, "k", SCRIPT.format(gpus=1, time="1"))
    report(other, state="COMPLETED")
    assert cancel_jobs(job.submitted_by, [job, other]) == [job]
    job.refresh_from_db()
    assert job.state == "CANCELLED"
    third = submit_job(job.submitted_by, job.allocation, "l", SCRIPT.format(gpus=1, time="1"))
    with pytest.raises(NotAMember):
        cancel_jobs(make_person(), [third])
    third.refresh_from_db()
    assert third.cancel_requested_at is None


def test_only_jobs_of_the_project_can_be_named(job: Job) -> None:
    elsewhere = make_allocation(make_world())
    other = submit_job(lead_of(elsewhere), elsewhere, "j", SCRIPT.format(gpus=1, time="1"))
    assert queries.jobs_named(job.project, [job.uuid, str(other.uuid), "nonsense"]) == [job]


@pytest.mark.parametrize(
    ("state", "names"),
    [("waiting", {"w"}), ("running", {"r"}), ("ended", {"c", "f"}), ("failed", {"f"}), ("COMPLETED", {"c"}),
     ("", {"w", "r", "c", "f"}), ("nonsense", {"w", "r", "c", "f"})],
)  # fmt: skip
def test_a_list_is_narrowed_to_a_state_or_a_group(state: str, names: set[str]) -> None:
    allocation = make_allocation(make_world())
    for name, ends in {"w": "PENDING", "r": "RUNNING", "c": "COMPLETED", "f": "TIMEOUT"}.items():
        report(submit_job(lead_of(allocation), allocation, name, SCRIPT.format(gpus=1, time="1")), state=ends)
    assert {one.name for one in queries.jobs_of(allocation.project, state=state)} == names
    assert queries.job_counts(allocation.project) == {"all": 4, "waiting": 1, "running": 1, "ended": 2, "failed": 1}


def test_an_estimate_says_what_it_comes_to_beside_what_is_left_and_queued(job: Job) -> None:
    found = estimate(job.allocation, "#!/bin/bash\r\n#SBATCH --gpus=4 --time=2:00:00\r\ntrue\r\n")
    assert found.asked is not None
    assert (found.asked.accelerator_seconds, found.fault) == (8 * 3600, "")
    assert found.budget.accelerator_seconds_left == 100 * 3600
    assert found.budget.accelerator_seconds_queued == 1200
    assert found.left_afterwards == 92 * 3600


@pytest.mark.parametrize(
    ("lines", "fault", "note"),
    [
        ("--warp=9", "Line 2", ""),
        ("--gpus=4 --time=100:00:00", "400.00 GPU-hours and 100.00 are left", ""),
        ("--gpus=1", "", "gets an hour"),
        ("--time=10", "", "no GPU"),
        ("--gpus=1 --time=10 --array=1-3", "", "3 tasks"),
        ("--gpus=17 --time=10", "", "17 GPUs"),
        ("-N 5 --gpus=1 --time=10", "", "5 nodes"),
        ("--gpus=4 --time=24:57:00", "", "may have to wait"),
    ],
)
def test_an_estimate_tells_what_is_wrong_and_what_is_worth_a_thought(
    job: Job, lines: str, fault: str, note: str
) -> None:
    found = estimate(job.allocation, f"#!/bin/bash\n#SBATCH {lines}\ntrue\n")
    assert fault in found.fault
    assert bool(fault) == bool(found.fault)
    assert note in " ".join(found.notes)
    assert bool(note) == bool(found.notes) or fault


@pytest.mark.parametrize("tasks", [("12_1", "12_2"), ("13", "12")], ids=["as the embedded engine", "as Slurm"])
def test_what_was_booked_for_an_array_is_that_of_all_its_tasks(job: Job, tasks: tuple[str, ...]) -> None:
    report(job, state="RUNNING", engine_job="12")
    Allocation.objects.filter(pk=job.allocation_id).update(starts=date(2020, 1, 1))
    now = int(time.time())
    runs = [*((task, "12", now) for task in tasks), ("124", "123", now), ("12", "", now - 10**8)]

    def record(number: str, array: str, submit: int, seconds: int) -> UsageRecord:
        one = UsageRecord(number, job.project.code, "u", "gpu", "COMPLETED", submit, submit, submit + seconds, 2, 1)
        return replace(one, submitted_as=array)

    lines = [Line(n, record(*run, 10)) for n, run in enumerate(runs, start=1)]
    assert book_usage(job.cluster, "k", lines, "agent").booked == 4
    assert queries.booked_seconds(job) == 40
    assert queries.booked_seconds(job, "core_seconds") == 20
    assert book_usage(job.cluster, "again", lines, "agent").repeated == 4
    corrected = record(tasks[0], "12", now, 15)
    assert book_usage(job.cluster, "corrected", [Line(1, corrected)], "agent").booked == 1
    assert queries.booked_seconds(job) == 50, "the last word on each run, once"
