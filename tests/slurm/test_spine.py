"""The whole way on two real clusters: call, award, account in Slurm, job, usage, promise; nothing counted twice."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from django.core.wsgi import get_wsgi_application
from tests.factories.world import World, make_person, make_submitted, make_world
from tests.slurm.conftest import short_folder
from tests.slurm.sites import PATIENCE, Site
from tests.unit.access.test_life import decided

from fabriek.compute.agent import Agent
from fabriek.demo.slurm import Bed
from fabriek.ledger.queries import allocation_hours, check
from fabriek.operations.actions import cancel_job, choose_about_drift, submit_job
from fabriek.operations.models import ENDED_STATES, Job, UsageRecord
from fabriek.operations.queries import booked_seconds, changed_by_hand, differences, efficiency
from fabriek.people.actions import create_token
from fabriek.projects.models import Allocation
from fabriek.promises.queries import hours

pytestmark = pytest.mark.django_db(transaction=True)
SCRIPT = "#!/bin/bash\n#SBATCH --gpus={gpus} --time={minutes}\n{body}\n"


@dataclass
class Place:
    """A cluster with its agent, and the world that promised, decided and awarded hours on it."""

    world: World
    site: Site
    agent: Agent
    allocation: Allocation

    def submit(self, body: str = "true", gpus: int = 1, minutes: int = 1) -> Job:
        """As the project's lead, through the platform."""
        lead = self.allocation.project.members.get(role="lead").person
        return submit_job(lead, self.allocation, "job", SCRIPT.format(gpus=gpus, minutes=minutes, body=body))

    def rounds_until(self, enough: Callable[[], object], patience: float = PATIENCE) -> None:
        """Let the agent work until something is so."""
        began = time.monotonic()
        while not enough():
            summary = self.agent.round()
            assert time.monotonic() - began < patience, summary
            time.sleep(0.3)


def job_state(job: Job) -> str:
    job.refresh_from_db()
    return job.state


def new_agent(site: Site, world: World) -> Agent:
    _token, plain = create_token(world.operator, name="agent", scopes=["agent"], site=world.cluster.code)
    client = httpx.Client(
        transport=httpx.WSGITransport(app=get_wsgi_application()),
        base_url="http://localhost",
        headers={"Authorization": f"Bearer {plain}"},
    )
    return Agent(site.engine, client, world.cluster.code, site.folder / "agent", patience=1)


@pytest.fixture
def places(bed: Bed, job_user: str) -> Iterator[list[Place]]:
    """A project of one hundred GPU-hours on each cluster, out of a call that was reviewed and decided."""
    made, folders = [], []
    make_person("reviewer")
    for cluster in ("alpha", "beta"):
        folders.append(short_folder())
        folders[-1].chmod(0o755)
        world = make_world()
        decided(world, make_submitted(world))
        site = Site(bed, cluster, job_user, folders[-1])
        made.append(Place(world, site, new_agent(site, world), Allocation.objects.get(partition=world.partition)))
    yield made
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def gpu_seconds_of(bed: Bed, cluster: str, account: str) -> int:
    """What Slurm itself says that an account used."""
    words = ("sacct", "-a", "-X", "-D", "-n", "-P", f"--accounts={account}", "-S", "now-1hour")
    lines = bed.run(cluster, *words, "--format=ElapsedRaw,AllocTRES").splitlines()
    used = 0
    for line in lines:
        elapsed, _, tres = line.partition("|")
        count = next((part.partition("=")[2] for part in tres.split(",") if part.startswith("gres/gpu=")), "0")
        used += int(elapsed) * int(count)
    return used


def test_from_the_call_to_the_promise_on_two_clusters(places: list[Place], bed: Bed) -> None:
    before = {row: row.used for row in hours()}
    jobs = [place.submit("sleep 2", gpus=2) for place in places for _ in range(2)]
    for place in places:
        mine = [job for job in jobs if job.allocation_id == place.allocation.pk]
        place.rounds_until(lambda mine=mine: all(job_state(job) in ENDED_STATES for job in mine))
        assert {job_state(job) for job in mine} == {"COMPLETED"}
        assert differences(place.world.cluster) == []
        place.rounds_until(lambda place=place: UsageRecord.objects.filter(allocation=place.allocation).count() == 2)
        account = place.allocation.project.code
        used = allocation_hours([place.allocation.code])[place.allocation.code].used
        assert used == gpu_seconds_of(bed, place.site.cluster, account) > 0
    assert check() == []
    promised = sum(row.used for row in hours()) - sum(before.values())
    assert promised == sum(allocation_hours([p.allocation.code])[p.allocation.code].used for p in places)


def test_nothing_is_booked_twice_also_by_an_agent_that_lost_its_memory(places: list[Place]) -> None:
    place = places[0]
    job = place.submit("sleep 1")
    place.rounds_until(lambda: job_state(job) == "COMPLETED")
    place.rounds_until(lambda: UsageRecord.objects.filter(allocation=place.allocation).count() == 1)
    used = allocation_hours([place.allocation.code])[place.allocation.code].used
    place.site.engine.close()
    for file in Path(place.agent.folder).rglob("*"):
        if file.is_file():
            file.unlink()
    place.site.engine = place.site.new_engine()
    again = new_agent(place.site, place.world)
    summaries = [again.round() for _ in range(2)]
    assert sum(summary.repeated for summary in summaries) == 1
    assert UsageRecord.objects.filter(allocation=place.allocation).count() == 1
    assert allocation_hours([place.allocation.code])[place.allocation.code].used == used


def test_what_an_array_used_is_that_of_all_its_tasks(places: list[Place], bed: Bed) -> None:
    place = places[0]
    job = place.submit("#SBATCH --array=1-3\nsleep 2", gpus=2)
    beside = place.submit("sleep 1")
    records = UsageRecord.objects.filter(allocation=place.allocation)
    place.rounds_until(lambda: {job_state(job), job_state(beside)} == {"COMPLETED"} and records.count() == 4)
    assert (job.runs, job.tasks) == (3, {"COMPLETED": 3})
    of_tasks = records.filter(submitted_as=job.engine_job)
    assert of_tasks.values("job_id").distinct().count() == 3, "each task has a number of its own"
    used = allocation_hours([place.allocation.code])[place.allocation.code].used
    assert used == gpu_seconds_of(bed, "alpha", place.allocation.project.code)
    booked = [booked_seconds(one) for one in (job, beside)]
    assert sum(filter(None, booked)) == used, "each second is some job's, and no other's"
    assert booked[0] == sum(of_tasks.values_list("accelerator_seconds", flat=True)) >= 3 * 2 * 2
    told = efficiency(job)
    assert told is not None
    assert job.used["elapsed_seconds"] * 2 == booked[0], "what is judged is what was booked"


def test_all_tasks_of_an_array_are_stopped_and_counted(places: list[Place]) -> None:
    place = places[1]
    job = place.submit("#SBATCH --array=1-6%2\nsleep 300", minutes=10)
    place.rounds_until(lambda: job_state(job) == "RUNNING" and job.tasks.get("RUNNING") == 2)
    assert job.tasks == {"RUNNING": 2, "PENDING": 4}
    cancel_job(job.submitted_by, job)
    records = UsageRecord.objects.filter(allocation=place.allocation)
    place.rounds_until(lambda: job_state(job) == "CANCELLED" and records.count() == 2)
    assert job.tasks == {"CANCELLED": 6}
    assert booked_seconds(job) == allocation_hours([place.allocation.code])[place.allocation.code].used


def test_a_job_beyond_the_budget_is_refused_by_slurm_in_words(places: list[Place]) -> None:
    """The platform itself refuses such a job; it is slipped past that here."""
    place = places[0]
    job = place.submit(gpus=1)
    job.script = SCRIPT.format(gpus=4, minutes=60 * 100, body="true")
    job.save()
    place.rounds_until(lambda: job_state(job) in ENDED_STATES)
    assert job.state == "REFUSED"
    assert "QOSGrpGRESMinutes" in job.reason


def test_drift_is_found_shown_and_changed_back_by_choice(places: list[Place], bed: Bed) -> None:
    place = places[0]
    place.agent.round()
    account, root = place.allocation.project.code, place.site.root
    qos = f"{root}.alpha.{account}.gpu"
    bed.run("alpha", "sacctmgr", "-i", "modify", "qos", qos, "set", "GrpTRESMins=gres/gpu=999999")
    place.agent.round()
    (found,) = changed_by_hand(place.world.cluster)
    assert found.drift.found[0]["what"] == "accelerator-seconds"
    assert differences(place.world.cluster), "it waits for the operator"
    choose_about_drift(place.world.operator, place.world.cluster, account=account, partition="gpu", choice="correct")
    place.agent.round()
    assert differences(place.world.cluster) == []
    place.agent.round()
    assert changed_by_hand(place.world.cluster) == []


def test_a_count_that_slurm_lost_is_made_up_for_and_told(places: list[Place], bed: Bed) -> None:
    """By whom it was lost doesn't matter, and no choice is waited for: what is left is the ledger's to say."""
    place = places[0]
    job = place.submit("sleep 16", gpus=8)
    place.rounds_until(lambda: job_state(job) == "COMPLETED")
    place.rounds_until(lambda: UsageRecord.objects.filter(allocation=place.allocation).exists())
    hours = allocation_hours([place.allocation.code])[place.allocation.code]
    qos = f"{place.site.root}.alpha.{place.allocation.project.code}.gpu"
    bed.run("alpha", "sacctmgr", "-i", "modify", "qos", qos, "set", "RawUsage=0")
    # As one that starts: it compares at once, one at work within a minute.
    place.site.engine.close()
    place.site.engine = place.site.new_engine()
    new_agent(place.site, place.world).round()
    shown = bed.run("alpha", "sacctmgr", "-nP", "show", "qos", qos, "format=GrpTRESMins").strip()
    assert f"gres/gpu={hours.awarded // 60 - hours.used // 60}" in shown.split(",")
    assert (differences(place.world.cluster), changed_by_hand(place.world.cluster)) == ([], [])
    place.world.cluster.refresh_from_db()
    assert f"{hours.used // 60} GPU-minutes of {place.allocation.project.code}" in place.world.cluster.agent_error


def test_a_job_is_cancelled_from_the_platform(places: list[Place]) -> None:
    place = places[1]
    job = place.submit("sleep 300", minutes=10)
    place.rounds_until(lambda: job_state(job) == "RUNNING")
    cancel_job(job.submitted_by, job)
    place.rounds_until(lambda: job_state(job) == "CANCELLED")
    place.rounds_until(lambda: UsageRecord.objects.filter(allocation=place.allocation).count() == 1)
