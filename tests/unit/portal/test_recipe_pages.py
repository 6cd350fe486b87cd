"""The pages of recipes and results: what is asked, what is told before and after, and to whom."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from tests.factories.world import World, make_allocation, make_person, make_world
from tests.unit.recipes.test_running import ends, lead_of, run, written

from fabriek.operations.models import Job
from fabriek.projects.models import Allocation
from fabriek.recipes.queries import recipes

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def allocation(world: World) -> Allocation:
    return make_allocation(world, gpu_hours=10)


def signed_in(person: Any, language: str = "en") -> Client:
    client = Client(headers={"Accept-Language": language})
    client.force_login(person)
    return client


@pytest.fixture
def lead(allocation: Allocation) -> Client:
    return signed_in(lead_of(allocation))


def form_of(allocation: Allocation, recipe: str = "train-small-lm") -> str:
    return reverse("portal:run_recipe", args=[allocation.project.code, recipe])


def test_anybody_sees_what_can_be_run() -> None:
    page = Client().get("/recipes/").content.decode()
    for recipe in recipes():
        assert recipe.title.en in page
    dutch = Client(headers={"Accept-Language": "nl"}).get("/recipes/").content.decode()
    assert "Een klein taalmodel trainen" in dutch


def test_a_member_is_led_from_the_project_to_each_form(allocation: Allocation, lead: Client) -> None:
    project = lead.get(reverse("portal:project", args=[allocation.project.code])).content.decode()
    shelf = reverse("portal:project_recipes", args=[allocation.project.code])
    assert shelf in project
    page = lead.get(shelf).content.decode()
    for recipe in recipes():
        assert form_of(allocation, recipe.code) in page
        assert lead.get(form_of(allocation, recipe.code)).status_code == 200


def test_the_form_tells_at_once_what_it_will_take(allocation: Allocation, lead: Client) -> None:
    page = lead.get(form_of(allocation)).content.decode()
    assert "What it will take" in page
    assert "about 1 minute" in page
    assert allocation.partition.code in page


def test_the_estimate_follows_what_is_filled_in_and_submits_nothing(allocation: Allocation, lead: Client) -> None:
    address = reverse("portal:estimate_recipe", args=[allocation.project.code, "train-small-lm"])
    said = {"allocation": allocation.code, "name": "x", "size": "tiny", "text": "made-en", "steps": "1000000"}
    page = lead.post(address, {**said, "minutes": "10", "accelerators": "1"}).content.decode()
    assert "be finished within its time limit" in page
    page = lead.post(address, {**said, "minutes": "900", "accelerators": "1"}).content.decode()
    assert "it would be refused" in page
    page = lead.post(address, {**said, "minutes": "soon"}).content.decode()
    assert "Look at: Time limit in minutes." in page
    assert not Job.objects.exists()


def test_a_form_that_holds_becomes_a_job_once(allocation: Allocation, lead: Client) -> None:
    page = lead.get(form_of(allocation))
    number = str(page.context["form"].initial["uuid"])
    said = {"uuid": number, "allocation": allocation.code, "name": "mine", "size": "tiny", "text": "made-en"}
    for _twice in range(2):
        answer = lead.post(form_of(allocation), {**said, "steps": "5", "learning_rate": "0,01"})
        assert answer.status_code == 302
        assert answer["Location"] == f"/jobs/{number}/"
    job = Job.objects.get()
    assert (job.name, job.run.parameters["learning_rate"]) == ("mine", 0.01)


def test_what_does_not_hold_is_told_beside_its_question_and_nothing_typed_is_lost(
    allocation: Allocation, lead: Client
) -> None:
    said = {"allocation": allocation.code, "name": "mine", "size": "tiny", "text": "own", "path": "here", "steps": "0"}
    answer = lead.post(form_of(allocation), said)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert re.search(r"Steps[^<:]*: From 1 to 1,000,000\.", page), "the summary names the field, and the limit is read"
    assert "Give a path at the site" in page
    assert 'value="here"' in page
    assert not Job.objects.exists()


def test_beyond_what_is_left_it_is_refused_in_words(allocation: Allocation, lead: Client) -> None:
    said = {"allocation": allocation.code, "name": "x", "accelerators": "4", "minutes": "151", "text": "made-en"}
    answer = lead.post(form_of(allocation, "train-distributed"), said)
    assert answer.status_code == 422
    assert "10.07 GPU-hours and 10.00 are left" in answer.content.decode()


def test_without_a_model_one_is_told_to_train_one_first(world: World, allocation: Allocation, lead: Client) -> None:
    told = "There is no model to start from yet"
    assert told in lead.get(form_of(allocation, "evaluate-lm")).content.decode()
    job = run(allocation)
    ends(world, job, written(metrics={"validation_loss": 1.5}))
    page = lead.get(form_of(allocation, "evaluate-lm") + f"?from={job.uuid}").content.decode()
    assert told not in page
    assert f'value="{job.uuid}" selected' in page


def test_who_is_no_member_finds_nothing(world: World, allocation: Allocation) -> None:
    job = run(allocation)
    ends(world, job, written())
    stranger, officer = signed_in(make_person()), signed_in(make_person("officer"))
    code = allocation.project.code
    for name, arguments in (
        ("run_recipe", [code, "notebook"]), ("project_recipes", [code]), ("results", [code]), ("result", [job.uuid]),
    ):  # fmt: skip
        assert stranger.get(reverse(f"portal:{name}", args=arguments)).status_code == 404, name
        expected = 404 if name == "run_recipe" else 200
        assert officer.get(reverse(f"portal:{name}", args=arguments)).status_code == expected, name
    assert officer.post(reverse("portal:estimate_recipe", args=[code, "notebook"])).status_code == 404


def test_a_result_tells_its_figures_its_files_and_where_it_came_from(
    world: World, allocation: Allocation, lead: Client
) -> None:
    first = run(allocation, name="First model")
    series = [
        {"name": "training loss", "points": [[1, 3.5], [2, 2.5]]},
        {"name": "validation loss", "points": [[2, None]]},
        {"name": "memory", "x": "seconds", "points": [[0, 1]]},
    ]
    ends(world, first, written("First model", series=series, datasets=[{"name": "letters", "sha256": "c" * 64}]))
    second = run(allocation, "fine-tune-lm", checkpoint=str(first.uuid), name="Second model")
    page = lead.get(reverse("portal:result", args=[first.uuid])).content.decode()
    for told in ("letters", "c" * 12, "/results/First model/checkpoint.pt", "a" * 64, "Second model", "120,576"):
        assert told in page, told
    assert page.count("<fabriek-plot>") == 2, "both losses in one drawing, the memory in another"
    assert form_of(allocation, "evaluate-lm") + f"?from={first.uuid}" in page
    assert 'hx-trigger="every' not in page, "it has ended"
    table = lead.get(reverse("portal:result", args=[first.uuid]) + "?format=csv").content.decode().splitlines()
    assert table[:3] == ["series,along,x,y", "training loss,step,1.0,3.5", "training loss,step,2.0,2.5"]
    ends(world, second, written("Second model"), state="RUNNING")
    page = lead.get(reverse("portal:result", args=[second.uuid])).content.decode()
    assert reverse("portal:result", args=[first.uuid]) in page
    assert 'hx-trigger="every' in page
    assert "Second model" in lead.get(reverse("portal:results", args=[allocation.project.code])).content.decode()
    assert reverse("portal:result", args=[second.uuid]) in lead.get(f"/jobs/{second.uuid}/").content.decode()


def test_what_a_job_says_is_shown_as_text_and_in_no_table_a_formula(
    world: World, allocation: Allocation, lead: Client
) -> None:
    job = run(allocation)
    bad = "<script>alert(1)</script>"
    said = {
        "name": bad, "summary": bad, "datasets": [{"name": bad}], "code": {bad: bad}, "environment": {bad: bad},
        "metrics": {bad: 1}, "outputs": [{"path": f"/{bad}", "kind": bad, "about": bad}],
        "series": [{"name": "=1+1", "x": bad[:60], "points": [[0, 1]]}],
    }  # fmt: skip
    assert ends(world, job, json.dumps({"format": "fabriek/result/1", "kind": "other", **said})).problem == ""  # type: ignore[union-attr]
    for address in (
        reverse("portal:result", args=[job.uuid]),
        reverse("portal:results", args=[allocation.project.code]),
        reverse("portal:project", args=[allocation.project.code]),
        form_of(allocation, "evaluate-lm"),
    ):
        assert bad not in lead.get(address).content.decode()
    assert "'=1+1,'" not in lead.get(reverse("portal:result", args=[job.uuid]) + "?format=csv").content.decode()
    assert "'=1+1," in lead.get(reverse("portal:result", args=[job.uuid]) + "?format=csv").content.decode()


def test_what_could_not_be_read_is_told(world: World, allocation: Allocation, lead: Client) -> None:
    job = run(allocation)
    ends(world, job, "no JSON")
    assert "Invalid JSON" in lead.get(f"/jobs/{job.uuid}/").content.decode()
    page = lead.get(reverse("portal:result", args=[job.uuid])).content.decode()
    assert "What it wrote last could not be read" in page
    assert "Invalid JSON" in page


def test_lists_ask_as_much_of_the_database_for_one_result_as_for_many(
    world: World, allocation: Allocation, lead: Client
) -> None:
    def asked(address: str) -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert lead.get(address).status_code == 200
        return len(queries)

    first = run(allocation)
    ends(world, first, written("0"))
    addresses = [
        reverse("portal:results", args=[allocation.project.code]),
        reverse("portal:project", args=[allocation.project.code]),
        reverse("portal:result", args=[first.uuid]),
        form_of(allocation, "fine-tune-lm"),
    ]
    run(allocation, "fine-tune-lm", checkpoint=str(first.uuid))
    before = [asked(address) for address in addresses]
    for number in range(1, 6):
        ends(world, run(allocation, "fine-tune-lm", checkpoint=str(first.uuid)), written(str(number)))
    assert [asked(address) for address in addresses] == before
