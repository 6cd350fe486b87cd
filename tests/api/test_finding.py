"""What can I get, and a promise with its numbers, over the API and by the command."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from tests.factories.world import World, make_allocation, make_world

from fabriek.register.models import Partition, Stage

pytestmark = pytest.mark.django_db


def matches(**asked: Any) -> dict[str, Any]:
    answer = Client().get("/api/v1/what-can-i-get", {"country": "NL", "organisation_class": "startup", **asked})
    assert answer.status_code == 200, answer.content
    return dict(answer.json())


def mode(answer: dict[str, Any], code: str = "aif-playground") -> dict[str, Any]:
    return next(match for match in answer["matches"] if match["mode"] == code)


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def gpus(world: World) -> Partition:
    partition = world.partition
    partition.accelerator_model, partition.accelerator_petaflops = "NVIDIA H100", 0.989
    partition.save()
    partition.system.stage = Stage.OPERATING
    partition.system.save()
    return partition


def test_what_fits_comes_with_its_open_call_and_what_is_free(world: World) -> None:
    found = mode(matches(gpu_hours=100))
    assert (found["fits"], found["why"]) == (True, [])
    offer = found["offers"][0]
    assert (offer["call"], offer["factory"], offer["is_enough"]) == (world.call.code, world.factory.code, True)
    assert offer["free_gpu_hours"] > 100
    assert matches(gpu_hours=100)["estimate"] is None


def test_what_does_not_fit_says_why(world: World) -> None:
    found = mode(matches(gpu_hours=6_000))
    assert (found["fits"], found["why"], found["offers"]) == (False, ["too-much"], [])
    assert matches()["gpu_hours"] is None


def test_who_is_established_elsewhere_sees_what_a_partner_could_get(world: World) -> None:
    answer = matches(country="US", gpu_hours=100)
    assert answer["establishment"] == "elsewhere"
    assert mode(answer)["fits"]


def test_a_model_is_estimated_as_the_page_does(gpus: Partition) -> None:
    asked = {"purpose": "train", "parameters": 0.1, "tokens": 2, "accelerator": gpus.code, "efficiency": 40}
    estimate = matches(**asked)["estimate"]
    assert estimate["gpu_hours"] == round(6 * 0.1e9 * 2e9 / (0.989e15 * 0.4) / 3600)
    larger = matches(**{**asked, "parameters": 7, "tokens": 100})
    assert larger["gpu_hours"] == larger["estimate"]["gpu_hours"] == 2949
    assert larger["estimate"]["accelerator"] == "NVIDIA H100"
    page = Client().get(
        "/what-can-i-get/", {"country": "NL", "who": "startup", **asked, "parameters": 7, "tokens": 100}
    )
    assert "2,949" in page.content.decode()


def test_an_estimate_says_what_it_lacks(gpus: Partition) -> None:
    asked = {"country": "NL", "organisation_class": "startup", "parameters": 7, "accelerator": "nowhere/gpu"}
    refused = Client().get("/api/v1/what-can-i-get", asked)
    assert refused.status_code == 422
    assert refused.json()["faults"].keys() == {"tokens", "accelerator"}
    both = Client().get("/api/v1/what-can-i-get", {**asked, "accelerator": gpus.code, "tokens": 1, "gpu_hours": 5})
    assert both.json()["faults"].keys() == {"gpu_hours"}
    nowhere = Client().get("/api/v1/what-can-i-get", {"country": "NL", "organisation_class": "sme", "factory": "x"})
    assert nowhere.json()["faults"].keys() == {"factory"}


def test_a_promise_comes_with_the_numbers_behind_it(world: World) -> None:
    make_allocation(world, gpu_hours=100)
    listed = Client().get("/api/v1/promises").json()["items"]
    one = next(row for row in listed if row["kind"] == "share" and row["programme"] == "eu-industrial-entry")
    shown = Client().get(f"/api/v1/promises/{one['id']}").json()
    assert {name: shown[name] for name in one} == one, "the same figures as in the list"
    assert sum(row["decided"] for row in shown["numbers"]) == shown["decided"] == 100
    assert sum(row["seconds"]["decided"] for row in shown["numbers"]) == 360_000
    awarded = next(row for row in shown["numbers"] if row["decided"])
    assert (awarded["system"], awarded["class"], awarded["country"]) == (world.partition.system.code, "startup", "NL")
    assert Client().get("/api/v1/promises/nothing").status_code == 404
