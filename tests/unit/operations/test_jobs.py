"""Submitting: what is taken in, what is refused and with which words."""

from __future__ import annotations

import pytest
from tests.factories.world import make_allocation, make_person, make_world

from fabriek.compute.wire import JobReport
from fabriek.operations.actions import cancel_job, report_job, submit_job
from fabriek.operations.errors import JobRefused, ScriptInvalid
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
