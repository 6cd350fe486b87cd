"""A project's jobs and a job's page: what is told of each state, what comes by itself, and what is sent only once."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from tests.factories.world import make_allocation, make_person, make_world

from fabriek.compute.wire import JobReport, ResourcesUsed, TaskReport
from fabriek.operations.actions import report_job, report_task, submit_job
from fabriek.operations.models import Cluster, Job
from fabriek.portal.pages.use.jobs import SHOWN_AGAIN
from fabriek.projects.models import Allocation
from fabriek.register.models import Partition

pytestmark = pytest.mark.django_db
SCRIPT = "#!/bin/bash\n#SBATCH --gpus=2 --cpus-per-task=8 --time=01:00:00\necho hello\n"
LIVE = {"HX-Request": "true"}
START = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def allocation() -> Allocation:
    return make_allocation(make_world())


@pytest.fixture
def job(allocation: Allocation) -> Job:
    return made(allocation, "train")


@pytest.fixture
def client(allocation: Allocation) -> Client:
    signed_in = Client()
    signed_in.force_login(allocation.project.members.get(role="lead").person)
    return signed_in


def made(allocation: Allocation, name: str, **said: Any) -> Job:
    lead = allocation.project.members.get(role="lead").person
    job = submit_job(lead, allocation, name, SCRIPT)
    return reported(job, **said) if said else job


def reported(job: Job, **said: Any) -> Job:
    report_job(job.cluster, str(job.uuid), JobReport(**{"state": "RUNNING", **said}))
    job.refresh_from_db()
    return job


def words(response: Any) -> str:
    """What a reader sees, without markup."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def test_a_waiting_job_tells_its_place_when_it_is_expected_and_why_it_waits(client: Client, job: Job) -> None:
    reported(job, state="PENDING", engine_job="7", reason="Priority", queue_position=3, expected_start_at=START)
    for page in (client.get(f"/jobs/{job.uuid}/"), client.get(f"/projects/{job.project.code}/jobs/")):
        told = words(page)
        assert "Jobs with a higher priority go first." in told
        assert 'datetime="2026-11-24T12:00:00Z"' in page.content.decode()
    assert "Place in the queue 3" in words(client.get(f"/jobs/{job.uuid}/"))
    assert "place 3 in the queue" in words(client.get(f"/projects/{job.project.code}/jobs/"))


@pytest.mark.parametrize(
    ("said", "sentence", "tone"),
    [
        ({"state": "PENDING", "reason": "AssocGrpGRESMinutes"}, "GPU-hours don't cover it", "warning"),
        ({"state": "PENDING", "reason": "Resources"}, "at the front", "info"),
        ({"state": "PENDING", "reason": "launch failed requeued held"}, "could not start it", "warning"),
        ({"state": "NODE_FAIL"}, "not your script", "danger"),
        ({"state": "TIMEOUT"}, "reached its time limit", "warning"),
        ({"state": "REFUSED", "reason": "Invalid <account>"}, "did not take it", "danger"),
    ],
)
def test_every_reason_is_a_sentence_with_what_can_be_done(
    client: Client, job: Job, said: dict[str, str], sentence: str, tone: str
) -> None:
    reported(job, **said)
    page = client.get(f"/jobs/{job.uuid}/").content.decode()
    told = page.replace("&#x27;", "'")
    assert sentence in told
    assert f'data-color="{tone}"' in told[: told.index(sentence)].rpartition("<div")[0] or tone in told
    assert "<account>" not in page


def test_the_part_that_changes_comes_without_the_output_that_the_page_has(client: Client, job: Job) -> None:
    reported(job, output="line one\n", output_from=0, started_at=START)
    whole = client.get(f"/jobs/{job.uuid}/").content.decode()
    assert "line one" in whole
    assert 'hx-trigger="every 2s" hx-swap="morph"' in whole
    part = client.get(f"/jobs/{job.uuid}/?streams=1", headers=LIVE).content.decode()
    assert "line one" not in part
    assert "<html" not in part
    first = client.get(f"/jobs/{job.uuid}/?streams=0", headers=LIVE).content.decode()
    assert "line one" in first, "a page that showed no output yet gets it"


def test_a_part_that_is_as_it_was_is_not_made_again(client: Client, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: moment)
    reported(job, state="PENDING", engine_job="7", reason="Priority", queue_position=3, expected_start_at=START)
    address = f"/jobs/{job.uuid}/?streams=0"
    first = client.get(address, headers=LIVE)
    kept = {**LIVE, "If-None-Match": first["ETag"]}
    with CaptureQueriesContext(connection) as queries:
        again = client.get(address, headers=kept)
    assert (again.status_code, again.content) == (304, b"")
    assert len(queries) <= 5, "who asks, which job, and may they see it"
    reported(job, state="PENDING", engine_job="7", reason="Priority", queue_position=2, expected_start_at=START)
    assert "Place in the queue 2" in words(client.get(address, headers=kept))
    in_dutch = client.get(address, headers={**LIVE, "If-None-Match": first["ETag"], "Accept-Language": "nl"})
    assert in_dutch.status_code == 200
    moment += timedelta(seconds=SHOWN_AGAIN)
    latest = client.get(address, headers=LIVE)["ETag"]
    assert client.get(address, headers={**LIVE, "If-None-Match": latest}).status_code == 304
    assert latest != first["ETag"]


def test_how_long_a_job_runs_goes_on_being_told(client: Client, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = timezone.now().replace(second=0)
    monkeypatch.setattr(timezone, "now", lambda: moment)
    reported(job, started_at=moment - timedelta(seconds=5))
    kept = client.get(f"/jobs/{job.uuid}/?streams=1", headers=LIVE)["ETag"]
    moment += timedelta(seconds=1)
    told = client.get(f"/jobs/{job.uuid}/?streams=1", headers={**LIVE, "If-None-Match": kept})
    assert "6 seconds" in words(told)


def test_a_job_that_ended_is_not_asked_for_again(client: Client, job: Job) -> None:
    reported(job, state="COMPLETED")
    page = client.get(f"/jobs/{job.uuid}/").content.decode()
    assert "hx-trigger" not in page
    assert "It wrote nothing." in page


def more(client: Client, job: Job, place: int, run: str = "") -> Any:
    return client.get(f"/jobs/{job.uuid}/output/output/?from={place}&run={run}", headers=LIVE)


def test_only_what_is_new_of_the_output_comes(client: Client, job: Job) -> None:
    reported(job, output="one <b>\n", output_from=0, started_at=START)
    answer = more(client, job, 4)
    assert answer.content.decode().startswith('&lt;b&gt;\n<span hidden id="more-output" hx-swap-oob="true" hx-get=')
    assert "from=8&amp;run=1795521600" in answer.content.decode()
    assert "HX-Reswap" not in answer
    assert more(client, job, 8).status_code == 204
    reported(job, output="two\n", output_from=8, started_at=START)
    assert more(client, job, 8).content.decode().startswith("two\n<span")


def test_output_of_which_the_page_has_another_part_replaces_it(client: Client, job: Job) -> None:
    reported(job, output="x" * 10, output_from=500, started_at=START)
    cut_off = more(client, job, 4)
    assert cut_off["HX-Reswap"] == "innerHTML"
    assert cut_off.content.decode().startswith("x" * 10)
    other_run = more(client, job, 505, run="1")
    assert other_run["HX-Reswap"] == "innerHTML"
    assert client.get(f"/jobs/{job.uuid}/output/output/?from=nonsense", headers=LIVE)["HX-Reswap"] == "innerHTML"


def test_when_the_job_has_ended_the_page_stops_asking_for_output(client: Client, job: Job) -> None:
    reported(job, output="one\n", output_from=0, started_at=START)
    reported(job, state="COMPLETED", output="two\n", output_from=4, started_at=START)
    last = more(client, job, 4)
    assert last.status_code == 286
    assert last.content.decode().startswith("two\n")
    assert "hx-get" not in last.content.decode()
    assert more(client, job, 8).status_code == 286
    page = client.get(f"/jobs/{job.uuid}/").content.decode()
    assert " data-ended" in page, "it opens at its end"
    assert "data-grows" not in page


def test_output_is_downloaded_as_text_and_only_by_who_may_read_it(client: Client, job: Job) -> None:
    reported(job, output="<script>\n", output_from=0, error_output="oh\n", error_output_from=0)
    answer = client.get(f"/jobs/{job.uuid}/output/error/")
    assert (answer.content, answer["Content-Type"]) == (b"oh\n", "text/plain; charset=utf-8")
    assert "attachment" in answer["Content-Disposition"]
    assert client.get(f"/jobs/{job.uuid}/output/other/").status_code == 404
    stranger = Client()
    stranger.force_login(make_person())
    for page in ("", "output/output/"):
        assert stranger.get(f"/jobs/{job.uuid}/{page}").status_code == 404


def test_a_number_of_any_form_makes_a_file_s_name(client: Client, job: Job) -> None:
    reported(job, engine_job='7"\r\nSet-Cookie: a', output="x", output_from=0)
    answer = client.get(f"/jobs/{job.uuid}/output/output/")
    assert answer["Content-Disposition"].endswith('-7___Set-Cookie__a-output.txt"')


def test_what_is_left_out_of_long_output_is_said(client: Client, job: Job) -> None:
    reported(job, output="end\n", output_from=10 * 2**20, started_at=START)
    assert "10 MiB before them are in its file" in words(client.get(f"/jobs/{job.uuid}/"))


def test_an_ended_job_tells_what_it_used_and_what_to_ask(client: Client, job: Job) -> None:
    used = ResourcesUsed(
        elapsed_seconds=600, cpu_seconds=540, memory_bytes_peak=2 * 2**30, memory_bytes_asked=64 * 2**30
    )
    reported(job, state="COMPLETED", used=used, started_at=START, ended_at=START + timedelta(minutes=10))
    told = words(client.get(f"/jobs/{job.uuid}/"))
    assert "0.9 of 8 (11%)" in told
    assert "You asked 8 cores and used 0.9 on average: ask 2 and wait less. #SBATCH --cpus-per-task=2" in told
    assert "2 GiB of 64 GiB (3%)" in told
    assert "#SBATCH --mem=3G" in told
    assert "10 minutes of 1 hour" in told
    assert "How busy its GPUs were is not measured on this cluster." in told


@pytest.mark.parametrize(("state", "right"), [("COMPLETED", True), ("TIMEOUT", False), ("CANCELLED", False)])
def test_only_a_job_that_completed_asked_what_it_needed(client: Client, job: Job, state: str, right: bool) -> None:
    used = ResourcesUsed(elapsed_seconds=3600, cpu_seconds=6 * 3600)
    reported(job, state=state, used=used, started_at=START, ended_at=START + timedelta(hours=1))
    told = words(client.get(f"/jobs/{job.uuid}/"))
    assert ("It asked what it needed." in told) is right
    assert ("It did not complete" in told) is not right


def test_a_job_on_cores_alone_is_told_in_core_hours_also_beside_gpus(client: Client, allocation: Allocation) -> None:
    lead = allocation.project.members.get(role="lead").person
    job = submit_job(lead, allocation, "notebook", "#!/bin/bash\n#SBATCH --cpus-per-task=2 --time=01:00:00\ntrue\n")
    assert "Could use at most 2 core-hours" in words(client.get(f"/jobs/{job.uuid}/"))


def test_the_tasks_of_an_array_are_counted_by_state(client: Client, allocation: Allocation) -> None:
    script = SCRIPT.replace("--gpus=2", "--gpus=1 --array=1-20")
    job = submit_job(allocation.project.members.get().person, allocation, "sweep", script)
    reported(job, tasks={"COMPLETED": 3, "FAILED": 1, "RUNNING": 4, "PENDING": 12}, started_at=START)
    told = words(client.get(f"/jobs/{job.uuid}/"))
    assert "4 of 20" in told
    assert re.search(r"Running 4 Pending 12 Completed 3 Failed 1", told)
    assert "20 tasks" in words(client.get(f"/projects/{allocation.project.code}/jobs/"))


def test_the_tasks_that_went_wrong_are_named_and_their_output_is_a_step_away(
    client: Client, allocation: Allocation
) -> None:
    script = SCRIPT.replace("--gpus=2", "--gpus=1 --array=1-4000").replace("01:00:00", "00:01:00")
    job = submit_job(allocation.project.members.get().person, allocation, "sweep", script)
    reported(job, tasks={"COMPLETED": 10, "RUNNING": 3_990}, started_at=START)
    page = client.get(f"/jobs/{job.uuid}/")
    assert "Went wrong:" not in words(page)
    assert 'value="1" required' in page.content.decode()
    reported(job, tasks={"COMPLETED": 9, "FAILED": 1, "TIMEOUT": 2, "RUNNING": 3_988}, failed_tasks=[7, 21, 1_234])
    page = client.get(f"/jobs/{job.uuid}/")
    assert "Went wrong: 7 , 21 , 1234 Output of task" in words(page)
    assert f'<a href="/jobs/{job.uuid}/task/?task=1234">1234</a>' in page.content.decode()
    assert 'value="7" required' in page.content.decode()
    assert client.get(f"/jobs/{job.uuid}/task/?task=1234").status_code == 200
    reported(job, state="FAILED", tasks={"FAILED": 4_000}, failed_tasks=list(range(1, 21)))
    assert "19 , 20 and 3,980 more" in words(client.get(f"/jobs/{job.uuid}/"))


def test_a_single_task_s_output_is_asked_for_and_comes(client: Client, allocation: Allocation) -> None:
    script = SCRIPT.replace("--gpus=2", "--gpus=1 --array=3-20")
    array = submit_job(allocation.project.members.get(role="lead").person, allocation, "sweep", script)
    reported(array, engine_job="12", tasks={"RUNNING": 18})
    form = client.get(f"/jobs/{array.uuid}/").content.decode()
    assert f'action="/jobs/{array.uuid}/task/"' in form
    assert 'name="task" min="3" max="20"' in form
    page = f"/jobs/{array.uuid}/task/?task=5"
    assert "Its site has been asked" in client.get(page).content.decode()
    report_task(array.cluster, str(array.uuid), 5, TaskReport(state="RUNNING", output="<b>5</b>", output_from=0))
    shown = client.get(page).content.decode()
    assert "&lt;b&gt;5&lt;/b&gt;" in shown
    assert "12_5" in shown
    more = f"/jobs/{array.uuid}/task/output/output/?task=5"
    assert f'hx-get="{more.replace("&", "&amp;")}&amp;from=8"' in shown
    report_task(array.cluster, str(array.uuid), 5, TaskReport(state="COMPLETED", output=" and", output_from=8))
    came = client.get(f"{more}&from=8", headers=LIVE)
    assert (came.status_code, came.content.decode().startswith(" and<span")) == (286, True)
    file = client.get(more)
    assert file.content == b"<b>5</b> and"
    assert "12_5-output.txt" in file["Content-Disposition"]
    for wrong in ("?task=2", "?task=x", ""):
        assert client.get(f"/jobs/{array.uuid}/task/{wrong}").status_code == 404


def test_a_task_that_its_site_can_t_tell_says_what_to_do(client: Client, allocation: Allocation) -> None:
    script = SCRIPT.replace("--gpus=2", "--gpus=1 --array=1-2 --output=%N.txt")
    array = submit_job(allocation.project.members.get(role="lead").person, allocation, "sweep", script)
    client.get(f"/jobs/{array.uuid}/task/?task=1")
    report_task(array.cluster, str(array.uuid), 1, TaskReport(state="RUNNING", problem="unknown-file"))
    shown = client.get(f"/jobs/{array.uuid}/task/?task=1").content.decode()
    assert "Look for it on the cluster" in shown
    assert "hx-get" not in shown.split('id="task-now"')[1].split("</div>")[0]


def test_a_site_that_is_silent_is_told_of(client: Client, job: Job) -> None:
    Cluster.objects.filter(pk=job.cluster_id).update(last_seen_at=timezone.now() - timedelta(minutes=10))
    assert "has not been heard" in words(client.get(f"/jobs/{job.uuid}/"))
    Cluster.objects.filter(pk=job.cluster_id).update(last_seen_at=timezone.now())
    assert "has not been heard" not in words(client.get(f"/jobs/{job.uuid}/"))


def test_the_list_is_narrowed_by_state_counted_and_searched(client: Client, allocation: Allocation) -> None:
    address = f"/projects/{allocation.project.code}/jobs/"
    for name, state in {"alpha": "RUNNING", "beta": "COMPLETED", "gamma": "FAILED"}.items():
        made(allocation, name, state=state)
    made(allocation, "delta")
    told = words(client.get(address))
    assert "All 4 Waiting 1 Running 1 Ended 2 Went wrong 1" in told
    assert re.findall(r"alpha|beta|gamma|delta", words(client.get(f"{address}?state=failed"))) == ["gamma"]
    assert "state=ended&amp;search=beta" in client.get(f"{address}?search=beta").content.decode()
    assert "None of the project's jobs is so." in words(client.get(f"{address}?search=nothing")).replace("&#x27;", "'")
    rows = client.get(f"{address}?state=ended&sort=name&format=csv").content.decode().splitlines()
    assert [row.split(",")[2] for row in rows[1:]] == ["beta", "gamma"]
    assert rows[1].endswith(",2,8,3600,1,7200")


def test_the_list_asks_again_often_only_while_something_goes_on(client: Client, allocation: Allocation) -> None:
    address = f"/projects/{allocation.project.code}/jobs/?sort=-asked&state=waiting"
    job = made(allocation, "one")
    part = client.get(address, headers=LIVE).content.decode()
    assert part.lstrip().startswith('<div id="jobs-now"')
    assert 'hx-trigger="every 5s"' in part
    assert f'hx-get="{address.replace("&", "&amp;")}"' in part, "with the order and the filter that one chose"
    reported(job, state="COMPLETED")
    assert 'hx-trigger="every 30s"' in client.get(address, headers=LIVE).content.decode()


def test_an_empty_list_says_what_to_do(client: Client, allocation: Allocation) -> None:
    page = client.get(f"/projects/{allocation.project.code}/jobs/").content.decode()
    assert "No jobs yet" in page
    assert page.count("jobs/new/") == 2
    assert 'role="search"' not in page


def test_chosen_jobs_are_stopped_together(client: Client, allocation: Allocation) -> None:
    one, two, three = (made(allocation, name) for name in ("one", "two", "three"))
    page = client.get(f"/projects/{allocation.project.code}/jobs/").content.decode()
    assert page.count('form="cancel-chosen"') == 3
    assert page.count('id="cancel-chosen"') == 1
    address = f"/projects/{allocation.project.code}/jobs/cancel/"
    answer = client.post(address, {"job": [str(one.uuid), str(two.uuid)]}, follow=True)
    assert "2 jobs are being stopped." in words(answer)
    assert [Job.objects.get(pk=job.pk).state for job in (one, two, three)] == ["CANCELLED", "CANCELLED", "QUEUED"]
    assert "Choose the jobs to stop" in words(client.post(address, follow=True))
    assert "They had ended already." in words(client.post(address, {"job": str(one.uuid)}, follow=True))


def test_only_members_stop_jobs_and_are_offered_to(job: Job) -> None:
    officer = Client()
    officer.force_login(make_person("officer"))
    page = officer.get(f"/projects/{job.project.code}/jobs/").content.decode()
    assert "cancel-chosen" not in page
    refused = officer.post(f"/projects/{job.project.code}/jobs/cancel/", {"job": str(job.uuid)})
    assert refused.status_code == 403
    job.refresh_from_db()
    assert job.cancel_requested_at is None


def estimated(client: Client, allocation: Allocation, script: str) -> Any:
    address = f"/projects/{allocation.project.code}/jobs/estimate/"
    return client.post(address, {"allocation": allocation.code, "script": script}, headers=LIVE)


def test_what_a_script_would_ask_is_told_while_it_is_written(client: Client, allocation: Allocation) -> None:
    told = words(estimated(client, allocation, SCRIPT))
    assert "2 GPU-hours at most" in told
    assert "2 GPUs, 8 cores, 1 hour" in told
    assert "Left if it runs to its limit 98 GPU-hours" in told
    assert Job.objects.count() == 0
    fault = estimated(client, allocation, "#!/bin/bash\n#SBATCH --gpus=1 --time=soon\n").content.decode()
    assert 'id="script-fault" hx-swap-oob="true">' in fault
    assert "Line 2" in fault
    fine = estimated(client, allocation, SCRIPT).content.decode()
    assert 'id="script-fault" hx-swap-oob="true" hidden>' in fine
    beyond = words(estimated(client, allocation, SCRIPT.replace("01:00:00", "5-0")))
    assert "could use 240.00 GPU-hours and 100.00 are left" in beyond
    stranger = Client()
    stranger.force_login(make_person())
    assert estimated(stranger, allocation, SCRIPT).status_code == 404


def submitted(client: Client, allocation: Allocation, **said: Any) -> Any:
    fields = {"uuid": uuid4(), "allocation": allocation.code, "name": "mine", **said}
    return client.post(f"/projects/{allocation.project.code}/jobs/new/", fields)


def test_a_file_is_submitted(client: Client, allocation: Allocation) -> None:
    file = SimpleUploadedFile("train.sh", SCRIPT.replace("\n", "\r\n").encode())
    assert submitted(client, allocation, file=file, script="").status_code == 302
    assert Job.objects.get().script == SCRIPT


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"\xff\xfe\x00", "no text"), (b"x" * 200_001, "larger"), (b"echo\n", "Line 1"), (b"", "empty")],
)
def test_a_file_that_is_no_script_is_refused_beside_its_field(
    client: Client, allocation: Allocation, content: bytes, sentence: str
) -> None:
    answer = submitted(client, allocation, file=SimpleUploadedFile("a.sh", content), script="")
    assert answer.status_code == 422
    assert sentence in words(answer)
    assert Job.objects.count() == 0


def test_nothing_at_all_is_refused_beside_the_script(client: Client, allocation: Allocation) -> None:
    answer = submitted(client, allocation, script="  \n")
    assert answer.status_code == 422
    assert "Write a batch script, or choose a file." in words(answer)


def test_a_job_is_submitted_again_with_its_name_its_hours_and_its_script(client: Client, job: Job) -> None:
    page = client.get(f"/projects/{job.project.code}/jobs/new/?like={job.uuid}").content.decode()
    assert f'value="{job.allocation.code}" selected' in page
    assert "echo hello" in page
    assert 'value="train"' in page


def test_the_pages_cost_the_same_number_of_queries_however_many_jobs_there_are(
    client: Client, allocation: Allocation
) -> None:
    made(allocation, "one", state="PENDING", reason="Priority", engine_job="1")
    counted: dict[str, int] = {}
    addresses = {
        "list": f"/projects/{allocation.project.code}/jobs/",
        "project": f"/projects/{allocation.project.code}/",
        "job": f"/jobs/{Job.objects.get().uuid}/",
    }
    for name, address in addresses.items():
        client.get(address)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            client.get(address)
        counted[name] = len(queries)
    for number in range(12):
        made(allocation, f"job-{number}", state="RUNNING", engine_job=str(number + 2))
    for name, address in addresses.items():
        with CaptureQueriesContext(connection) as queries:
            client.get(address)
        assert len(queries) == counted[name], name
    assert counted["list"] <= 16
    assert counted["job"] <= 16


def test_where_there_are_no_gpus_hours_are_of_cores(allocation: Allocation, client: Client) -> None:
    job = made(allocation, "prepare")
    Job.objects.filter(pk=job.pk).update(accelerators=0, cores=8, time_limit_seconds=3_600)
    Partition.objects.filter(pk=allocation.partition_id).update(accelerators_per_node=0)
    told = words(client.get(f"/jobs/{job.uuid}/"))
    assert "Could use at most 8 core-hours" in told
    assert "GPU-hours" not in told.partition("Could use at most")[2].partition("What it asks")[0]
    assert "8 core-hours" in words(client.get(f"/projects/{allocation.project.code}/jobs/"))
    assert re.search(r"Awarded [\d,.]+ core-hours", words(client.get(f"/allocations/{allocation.code}/")))
    assert re.search(rf"{allocation.code} .* core-hours", words(client.get(f"/projects/{allocation.project.code}/")))
