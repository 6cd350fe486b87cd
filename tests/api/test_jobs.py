"""Jobs over the API: what they would ask, where they stand, what they write, what they used; the same for everybody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from tests.api.test_rest import client_of, post
from tests.factories.world import make_allocation, make_person, make_world

from fabriek.compute.wire import JobReport, ResourcesUsed, TaskReport
from fabriek.operations.actions import report_job, report_task, submit_job
from fabriek.operations.models import Job
from fabriek.operations.queries import task_orders
from fabriek.people.actions import create_token
from fabriek.projects.models import Allocation

pytestmark = pytest.mark.django_db
SCRIPT = "#!/bin/bash\n#SBATCH --gpus=2 --cpus-per-task=8 --time=01:00:00 --mem=16G\necho hello\n"
START = datetime(2026, 11, 24, 12, tzinfo=UTC)
TOLD = {"told": True, "problem": ""}


@pytest.fixture
def allocation() -> Allocation:
    return make_allocation(make_world())


@pytest.fixture
def client(allocation: Allocation) -> Client:
    return client_of(allocation.project.members.get(role="lead").person)


@pytest.fixture
def job(allocation: Allocation) -> Job:
    return submit_job(allocation.project.members.get(role="lead").person, allocation, "train", SCRIPT)


def reported(job: Job, **said: Any) -> None:
    report_job(job.cluster, str(job.uuid), JobReport(**{"state": "RUNNING", **said}))


def read(client: Client, path: str) -> Any:
    answer = client.get(f"/api/v1{path}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_a_job_tells_where_it_stands_and_why_it_waits(client: Client, job: Job) -> None:
    reported(job, state="PENDING", engine_job="7", reason="Resources", queue_position=1, expected_start_at=START)
    told = read(client, f"/jobs/{job.uuid}")
    assert (told["queue_position"], told["expected_start_at"]) == (1, "2026-11-24T12:00:00Z")
    assert told["explanation"]["move"] == "nobody"
    assert told["explanation"]["sentence"].startswith("It is at the front")
    assert (told["accelerators"], told["cores"], told["asked_accelerator_seconds"]) == (2, 8, 7_200)
    (row,) = read(client, f"/projects/{job.project.code}/jobs?state=waiting")["items"]
    assert {name: told[name] for name in row} == row
    assert read(client, f"/projects/{job.project.code}/jobs?state=ended")["items"] == []
    assert read(client, f"/projects/{job.project.code}/jobs?search=tr")["total"] == 1


def test_sentences_are_in_the_language_that_is_asked_for(client: Client, job: Job) -> None:
    reported(job, state="PENDING", reason="Priority")
    path = f"/api/v1/jobs/{job.uuid}"
    english, dutch = (client.get(path, headers={"Accept-Language": one}).json() for one in ("en", "nl"))
    assert english["explanation"]["sentence"] != dutch["explanation"]["sentence"]


def test_output_is_asked_from_a_place_on(client: Client, job: Job) -> None:
    path = f"/jobs/{job.uuid}/output"
    reported(job, output="één\n", output_from=0, started_at=START)
    first = read(client, path)
    assert first == {"stream": "output", "start": 0, "end": 6, "text": "één\n", "ended": False} | TOLD
    assert read(client, f"{path}?from=6")["text"] == ""
    reported(job, state="COMPLETED", output="two\n", output_from=6, error_output="oh\n", started_at=START)
    assert (
        read(client, f"{path}?from=6")
        == {"stream": "output", "start": 6, "end": 10, "text": "two\n", "ended": True} | TOLD
    )
    assert read(client, f"{path}?stream=error")["text"] == "oh\n"
    assert read(client, f"{path}?from=99")["start"] == 0, "what isn't kept from there on comes whole"
    for wrong in ("from=-1", "from=x", "stream=other"):
        assert client.get(f"/api/v1{path}?{wrong}").status_code == 422


def test_a_task_of_an_array_is_told_by_itself_while_somebody_looks(client: Client, allocation: Allocation) -> None:
    lead = allocation.project.members.get(role="lead").person
    script = SCRIPT.replace("--gpus=2", "--gpus=1 --array=2-40:2")
    array = submit_job(lead, allocation, "sweep", script)
    path = f"/jobs/{array.uuid}/output?task=4"
    assert client.get(f"/api/v1/jobs/{array.uuid}/output?task=3").status_code == 404, "there is no task 3"
    assert read(client, path)["told"] is False
    assert task_orders(array.cluster) == [], "nothing runs yet"
    reported(array, engine_job="12", tasks={"RUNNING": 20})
    (order,) = task_orders(array.cluster)
    assert (order.engine_job, order.task, order.output_from, order.script) == ("12", 4, 0, script)
    report_task(array.cluster, str(array.uuid), 4, TaskReport(state="RUNNING", output="loss 0.9\n", output_from=0))
    told = read(client, path)
    assert (told["told"], told["text"], told["end"], told["ended"]) == (True, "loss 0.9\n", 9, False)
    assert task_orders(array.cluster)[0].output_from == 9
    done = TaskReport(state="COMPLETED", output="loss 0.5\n", output_from=9, error_output="oh\n", error_output_from=0)
    report_task(array.cluster, str(array.uuid), 4, done)
    told = read(client, f"{path}&from=9")
    assert (told["text"], told["ended"]) == ("loss 0.5\n", True)
    assert read(client, f"{path}&stream=error")["text"] == "oh\n"
    assert task_orders(array.cluster) == [], "all of it was told"
    assert client_of(make_person()).get(f"/api/v1{path}").status_code == 404


def test_a_task_at_which_nobody_looks_any_more_is_not_told(client: Client, allocation: Allocation) -> None:
    lead = allocation.project.members.get(role="lead").person
    array = submit_job(lead, allocation, "sweep", SCRIPT.replace("--gpus=2", "--gpus=1 --array=1-40"))
    reported(array, engine_job="12", tasks={"RUNNING": 40})
    for task in range(1, 31):
        read(client, f"/jobs/{array.uuid}/output?task={task}")
    assert [order.task for order in task_orders(array.cluster)] == list(range(11, 31)), "the last few of a job"
    assert task_orders(array.cluster, timezone.now() + timedelta(hours=1)) == []


def test_an_agent_tells_tasks_of_its_own_cluster_that_were_asked_for(client: Client, allocation: Allocation) -> None:
    lead = allocation.project.members.get(role="lead").person
    array = submit_job(lead, allocation, "sweep", SCRIPT.replace("--gpus=2", "--gpus=1 --array=1-4"))
    reported(array, engine_job="12", tasks={"RUNNING": 4})
    read(client, f"/jobs/{array.uuid}/output?task=2")
    cluster = array.cluster
    _token, plain = create_token(make_person("operator"), name="agent", scopes=["agent"], site=cluster.code)
    headers = {"authorization": f"Bearer {plain}"}
    site = f"/api/v1/sites/{cluster.code}"
    (order,) = client.get(f"{site}/jobs", headers=headers).json()["tasks"]
    assert order["task"] == 2

    def tell(task: int, **said: Any) -> int:
        path = f"{site}/jobs/{array.uuid}/tasks/{task}"
        return client.post(path, said, content_type="application/json", headers=headers).status_code

    assert tell(2, state="RUNNING", output="hello\n", output_from=0) == 204
    assert tell(3, state="RUNNING") == 404
    assert read(client, f"/jobs/{array.uuid}/output?task=2")["text"] == "hello\n"


def test_an_ended_job_tells_what_it_used_and_what_to_ask(client: Client, job: Job) -> None:
    assert read(client, f"/jobs/{job.uuid}")["efficiency"] is None
    used = ResourcesUsed(elapsed_seconds=3_000, cpu_seconds=2_700, memory_bytes_peak=2**30, memory_bytes_asked=2**34)
    reported(job, state="COMPLETED", used=used)
    told = read(client, f"/jobs/{job.uuid}")
    assert told["used"]["cpu_seconds"] == 2_700
    measures = {one["what"]: (one["asked"], one["used"]) for one in told["efficiency"]["measures"]}
    assert measures == {"cores": (8, 0.9), "memory": (2**34, 2**30), "time": (3_600, 3_000)}
    assert [one["change"] for one in told["efficiency"]["advice"]] == ["--cpus-per-task=2", "--mem=2G"]


def test_an_estimate_submits_nothing(client: Client, allocation: Allocation) -> None:
    body = {"allocation": allocation.code, "script": SCRIPT}
    told = post(client, "/jobs/estimate", body).json()
    assert told["asked"] == {
        "nodes": 1, "accelerators": 2, "cores": 8, "memory_bytes": 2**34, "time_limit_seconds": 3_600, "runs": 1,
        "accelerator_seconds": 7_200, "core_seconds": 28_800,
    }  # fmt: skip
    assert (told["accelerator_seconds_left"], told["fault"], told["notes"]) == (360_000, "", [])
    broken = post(client, "/jobs/estimate", {**body, "script": "echo"}).json()
    assert (broken["asked"], broken["fault"].partition(":")[0]) == (None, "Line 1")
    assert Job.objects.count() == 0
    stranger = client_of(make_person())
    assert post(stranger, "/jobs/estimate", body).status_code == 404


def test_several_jobs_are_cancelled_by_name_or_by_state(client: Client, job: Job) -> None:
    lead, allocation = job.submitted_by, job.allocation
    running = submit_job(lead, allocation, "other", SCRIPT)
    reported(running)
    path = f"/projects/{job.project.code}/jobs/cancel"
    assert post(client, path, {"jobs": [str(job.uuid)]}).json() == {"cancelled": [str(job.uuid)]}
    assert post(client, path, {"state": "waiting"}).json() == {"cancelled": []}
    assert post(client, path, {"state": "running"}).json() == {"cancelled": [str(running.uuid)]}
    assert post(client, path, {"state": "ended"}).status_code == 422
    running.refresh_from_db()
    assert running.cancel_requested_at is not None


def test_who_may_read_all_projects_may_not_stop_their_jobs(job: Job) -> None:
    officer = client_of(make_person("officer"))
    assert read(officer, f"/jobs/{job.uuid}")["name"] == "train"
    path = f"/projects/{job.project.code}/jobs/cancel"
    assert post(officer, path, {"jobs": [str(job.uuid)]}).status_code == 403
    stranger = client_of(make_person())
    for address in (f"/jobs/{job.uuid}", f"/jobs/{job.uuid}/output"):
        assert stranger.get(f"/api/v1{address}").status_code == 404


def test_a_list_costs_the_same_number_of_queries_however_many_jobs_there_are(client: Client, job: Job) -> None:
    counted = []
    # A token's first use is written down.
    read(client, "/me")
    for _again in range(2):
        with CaptureQueriesContext(connection) as queries:
            read(client, f"/projects/{job.project.code}/jobs?per_page=100")
        counted.append(len(queries))
        for number in range(10):
            submit_job(job.submitted_by, job.allocation, f"job-{number}", SCRIPT)
    assert counted[0] == counted[1]
