"""Over the API: a workload is sent, a policy tried on it, its verdicts and figures read; and each role does its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from tests.api.test_declaring import problem_of
from tests.api.test_rest import client_of, post
from tests.factories.traces import UNITS, kept_workload, simulated_figures, swf_file
from tests.factories.world import make_person, make_world

from fabriek.foresight import working
from fabriek.foresight.computing import Answer
from fabriek.foresight.models import Study, Workload
from fabriek.people.models import Person

pytestmark = pytest.mark.django_db
QUESTION = {"name": "A quarter?", "units": UNITS, "count": 3, "after": {"classes": {"startup": {"floor": 25}}}}


@pytest.fixture
def board(settings: Any, tmp_path: Path) -> Person:
    settings.FABRIEK_FOLDER = tmp_path
    return make_person("board")


def simulate() -> None:
    study = Study.objects.get()
    working.LINE.claim("here")
    working.keep(study, "here", Answer(json.dumps(simulated_figures()), 1.0))


def test_from_a_question_to_its_verdicts(board: Person) -> None:
    client = client_of(board, "read", "decide")
    workload = kept_workload(board)
    told = post(client, "/studies", {**QUESTION, "workload": workload.code})
    assert told.status_code == 200, told.content
    code = told.json()["code"]
    assert (told.json()["state"], told.json()["tries"][1]) == ("asked", "25 % is kept free for Start-up")
    assert problem_of(client.get(f"/api/v1/studies/{code}/figures"), 409)["type"].endswith("study-not-computed")
    simulate()
    told = client.get(f"/api/v1/studies/{code}").json()
    assert (told["state"], told["figures"]["format"]) == ("simulated", "fabriek/study/1")
    assert any(sentence.startswith("Start-up: ") for sentence in told["verdicts"])
    table = client.get(f"/api/v1/studies/{code}/figures?of=waits").json()
    assert table["columns"][:3] == ["class", "policy", "within_seconds"]
    assert client.get(f"/api/v1/studies/{code}/figures?of=nothing").status_code == 404
    assert b"SchedulerType=sched/backfill" in client.get(f"/api/v1/studies/{code}/slurm").content
    assert [row["code"] for row in client.get("/api/v1/studies?sort=name").json()["items"]] == [code]
    again = post(client, "/studies", {**QUESTION, "workload": workload.code, "copied_from": code, "units": 9}).json()
    assert again["copied_from"] == code


def test_a_study_is_cancelled_asked_again_deleted_and_taken_back(board: Person) -> None:
    client = client_of(board, "read", "decide")
    code = post(client, "/studies", {**QUESTION, "workload": kept_workload(board).code}).json()["code"]
    assert post(client, f"/studies/{code}/cancel").json()["state"] == "cancelled"
    assert problem_of(post(client, f"/studies/{code}/cancel"), 409)["type"].endswith("study-state")
    assert post(client, f"/studies/{code}/again").json()["state"] == "asked"
    assert client.delete(f"/api/v1/studies/{code}").status_code == 204
    assert client.get(f"/api/v1/studies/{code}").status_code == 404
    assert post(client, f"/studies/{code}/restore").json()["state"] == "cancelled"


def test_what_can_not_be_asked_is_told_by_field(board: Person) -> None:
    client = client_of(board, "read", "decide")
    body = {**QUESTION, "workload": kept_workload(board).code}
    faults = problem_of(post(client, "/studies", {**body, "after": {}}), 422)["faults"]
    assert "after" in faults
    assert post(client, "/studies", {**body, "after": {"classes": {"startup": {"flor": 1}}}}).status_code == 422
    assert post(client, "/studies", {**body, "workload": "nothing"}).status_code == 404
    assert post(client, "/studies", {**body, "units": None, "partition": "no/where"}).status_code == 404


def test_a_workload_is_sent_with_its_classes_and_deleted(board: Person) -> None:
    client = client_of(board, "read", "decide")

    def send(**fields: str) -> Any:
        file = SimpleUploadedFile("t.swf.gz", swf_file())
        return client.post("/api/v1/workloads", {"name": "March", "by": "group", "file": file, **fields})

    sent = send(classes="g1=startup", others="academia")
    assert sent.status_code == 200, sent.content
    assert (sent.json()["classes_are"], sent.json()["jobs"]) == ("told", 300)
    assert send(made_up="startup=20,academia=80").json()["classes_are"] == "made-up"
    assert problem_of(send(made_up="startup=many"), 422)["faults"]["classes"]
    assert client.get("/api/v1/workloads").json()["total"] == 2
    assert client.delete("/api/v1/workloads/march").status_code == 204
    assert client.get("/api/v1/workloads").json()["total"] == 1


def test_what_ran_here_is_taken_by_partition_and_day(settings: Any, tmp_path: Path) -> None:
    settings.FABRIEK_FOLDER = tmp_path
    world = make_world()
    client = client_of(world.operator, "read", "decide")
    body = {"name": "Ours", "partition": world.partition.code, "since": "2026-01-01", "until": "2026-02-01"}
    assert "since" in problem_of(post(client, "/workloads/recorded", body), 422)["faults"]
    assert post(client, "/workloads/recorded", {**body, "partition": "no/where"}).status_code == 404
    assert not Workload.objects.exists()
