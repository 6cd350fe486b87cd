"""Recipes and results over the API: the same rules and words as on the pages."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from tests.api.test_rest import client_of
from tests.factories.world import World, make_allocation, make_person, make_world

from fabriek.operations.models import Job
from fabriek.people.actions import create_token
from fabriek.projects.models import Allocation

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def allocation(world: World) -> Allocation:
    return make_allocation(world, gpu_hours=10)


@pytest.fixture
def lead(allocation: Allocation) -> Client:
    return client_of(allocation.project.members.get(role="lead").person, "read", "apply")


def post(client: Client, path: str, **body: Any) -> Any:
    return client.post(f"/api/v1{path}", json.dumps(body), content_type="application/json")


def agent_of(world: World) -> Client:
    _token, plain = create_token(world.operator, name="agent", scopes=["agent"], site=world.cluster.code)
    return Client(headers={"Authorization": f"Bearer {plain}"})


def test_anybody_reads_the_recipes_in_their_language() -> None:
    answer = Client().get("/api/v1/recipes").json()
    assert answer["total"] == 6
    recipe = answer["items"][0]
    assert (recipe["code"], recipe["title"]) == ("train-small-lm", "Train a small language model")
    steps = next(one for one in recipe["parameters"] if one["name"] == "steps")
    assert (steps["least"], steps["most"], steps["default"]) == (1, 1_000_000, 300)
    dutch = Client(headers={"Accept-Language": "nl"}).get("/api/v1/recipes/train-small-lm").json()
    assert dutch["title"] == "Een klein taalmodel trainen"
    assert Client().get("/api/v1/recipes/nothing").status_code == 404


def test_it_is_estimated_run_and_comes_back_with_its_lineage(
    world: World, allocation: Allocation, lead: Client
) -> None:
    body = {"allocation": allocation.code, "parameters": {"steps": 20, "minutes": "5", "name": "first"}}
    told = post(lead, "/recipes/train-small-lm/estimate", **body).json()
    assert (told["most_accelerator_seconds"], told["left_accelerator_seconds"]) == (300, 36_000)
    assert (told["fits_in_time"], told["exceeds"]) == (True, False)
    assert not Job.objects.exists()
    job = post(lead, "/recipes/train-small-lm/runs", **body).json()
    assert (job["name"], job["state"]) == ("first", "QUEUED")
    output = {"path": "/r/checkpoint.pt", "kind": "checkpoint", "bytes": 9, "sha256": "b" * 64}
    made = {"format": "fabriek/result/1", "kind": "model", "name": "first", "outputs": [output], "metrics": {"a": 1.5}}
    report = {"state": "COMPLETED", "engine_job": "1", "results": json.dumps(made)}
    assert post(agent_of(world), f"/sites/{world.cluster.code}/jobs/{job['uuid']}/status", **report).status_code == 204
    tune = {"allocation": allocation.code, "parameters": {"checkpoint": job["uuid"]}}
    second = post(lead, "/recipes/fine-tune-lm/runs", **tune).json()
    record = lead.get(f"/api/v1/results/{job['uuid']}").json()
    assert record["outputs"] == [{**output, "about": ""}]
    assert record["metrics"] == {"a": 1.5}
    assert record["run"]["recipe"] == "train-small-lm"
    assert record["run"]["parameters"]["steps"] == 20
    assert record["led_to"] == [{"uuid": second["uuid"], "name": "fine-tune-lm", "recipe": "fine-tune-lm"}]
    assert record["came_from"] == []
    listed = lead.get(f"/api/v1/projects/{allocation.project.code}/results").json()
    assert [one["uuid"] for one in listed["items"]] == [job["uuid"]]


def test_what_does_not_hold_is_a_problem_with_each_parameter(allocation: Allocation, lead: Client) -> None:
    body = {"allocation": allocation.code, "parameters": {"steps": -1, "surprise": {"a": [1]}}}
    for verb in ("estimate", "runs"):
        answer = post(lead, f"/recipes/train-small-lm/{verb}", **body)
        assert answer.status_code == 422
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["faults"] == {
            "steps": ["From 1 to 1,000,000."],
            "surprise": ["This recipe has no such parameter."],
        }


def test_beyond_what_is_left_is_a_409_with_the_numbers(allocation: Allocation, lead: Client) -> None:
    said = {"accelerators": 4, "minutes": 151}
    answer = post(lead, "/recipes/train-distributed/runs", allocation=allocation.code, parameters=said)
    assert answer.status_code == 409
    assert "10.07 GPU-hours and 10.00 are left" in answer.json()["detail"]


def test_sending_it_again_with_its_number_submits_nothing_new(allocation: Allocation, lead: Client) -> None:
    body = {"allocation": allocation.code, "uuid": "8d8a8f3e-0000-4000-8000-000000000001"}
    assert len({post(lead, "/recipes/notebook/runs", **body).json()["uuid"] for _ in range(2)}) == 1
    assert Job.objects.count() == 1


def test_who_is_no_member_learns_of_nothing(allocation: Allocation, lead: Client) -> None:
    stranger = client_of(make_person(), "read", "apply")
    job = post(lead, "/recipes/notebook/runs", allocation=allocation.code).json()
    body = {"allocation": allocation.code}
    assert post(stranger, "/recipes/notebook/estimate", **body).status_code == 404
    assert post(stranger, "/recipes/notebook/runs", **body).status_code == 404
    assert stranger.get(f"/api/v1/projects/{allocation.project.code}/results").status_code == 404
    assert stranger.get(f"/api/v1/results/{job['uuid']}").status_code == 404
    officer = client_of(make_person("officer"), "read", "apply")
    assert post(officer, "/recipes/notebook/runs", **body).status_code == 403, (
        "who reads all projects runs nothing there"
    )
