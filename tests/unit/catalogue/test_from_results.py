"""What a job made becomes an entry with its lineage, and an entry becomes a recipe's answers."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from tests.api.test_rest import client_of, post
from tests.factories.catalogue import make_entry
from tests.factories.world import World, make_allocation, make_person, make_world
from tests.unit.recipes.test_running import ends, lead_of, run, written

from fabriek.catalogue.actions import draft_from_result, edit_entry, publish_entry
from fabriek.catalogue.errors import RecordInvalid, WrongState
from fabriek.catalogue.using import uses
from fabriek.conf.errors import NotAllowed
from fabriek.operations.models import Job
from fabriek.projects.models import Allocation
from fabriek.recipes.models import Result

pytestmark = pytest.mark.django_db
DATA = {"name": "Frisian text", "version": "2", "bytes": 1_000, "sha256": "d" * 64}


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def allocation(world: World) -> Allocation:
    return make_allocation(world, gpu_hours=10)


def made(world: World, allocation: Allocation, name: str = "A model", **more: Any) -> Result:
    said = {key: more.pop(key) for key in ("kind", "datasets", "complete") if key in more}
    result = ends(world, run(allocation, **more), written(name, **said))
    assert result is not None
    return result


def test_a_model_becomes_a_draft_with_its_files_figures_and_lineage(world: World, allocation: Allocation) -> None:
    data = make_entry(code="frisian", distributions=[{"storage": "s3", "location": "s3://b/k", "sha256": "d" * 64}])
    other = {"name": "Elsewhere", "sha256": "e" * 64}
    entry = draft_from_result(lead_of(allocation), made(world, allocation, datasets=[DATA, other]))
    record = entry.as_record()
    assert (entry.state, record.kind, record.title) == ("draft", "model", "A model")
    assert record.details.parameters == 120_576  # type: ignore[union-attr]
    assert record.distributions[0].site == world.cluster.site.code
    assert record.distributions[0].sha256 == "a" * 64
    assert [(tie.kind, tie.target) for tie in record.relations] == [
        ("trained-on", "frisian"),
        ("trained-on", f"urn:sha256:{'e' * 64}"),
    ]
    with pytest.raises(RecordInvalid) as lacking:
        publish_entry(world.officer, entry)
    assert set(lacking.value.faults) == {"licence"}, "nobody but its steward knows that"
    edit_entry(lead_of(allocation), entry, record.model_copy(update={"licence": "Apache-2.0"}))
    publish_entry(world.officer, entry)
    assert "A model" in Client().get(f"/catalogue/entries/{data.code}/").content.decode()


def test_what_went_on_from_a_model_is_tied_to_its_entry(world: World, allocation: Allocation) -> None:
    first = made(world, allocation)
    before = draft_from_result(lead_of(allocation), first)
    second = made(world, allocation, "Tuned", recipe="fine-tune-lm", checkpoint=str(first.job.uuid))
    third = made(world, allocation, "Again", recipe="fine-tune-lm", checkpoint=str(second.job.uuid))
    after = draft_from_result(lead_of(allocation), second)
    assert [(tie.kind, tie.target) for tie in after.as_record().relations] == [("derived-from", before.code)]
    second.entry.delete()
    last = draft_from_result(lead_of(allocation), third)
    assert [tie.target for tie in last.as_record().relations] == [f"urn:uuid:{second.job.uuid}"]


def test_a_result_becomes_one_entry_and_only_for_its_project(world: World, allocation: Allocation) -> None:
    result = made(world, allocation)
    with pytest.raises(NotAllowed):
        draft_from_result(make_person(), result)
    entry = draft_from_result(lead_of(allocation), result)
    with pytest.raises(WrongState) as refused:
        draft_from_result(lead_of(allocation), result)
    assert refused.value.extra["code"] == entry.code


@pytest.mark.parametrize("said", [{"kind": "evaluation"}, {"complete": False}])
def test_what_no_catalogue_gathers_becomes_no_entry(world: World, allocation: Allocation, said: dict[str, Any]) -> None:
    with pytest.raises(WrongState):
        draft_from_result(lead_of(allocation), made(world, allocation, **said))


def test_over_the_api_and_from_the_results_page(world: World, allocation: Allocation) -> None:
    result = made(world, allocation)
    client = Client()
    client.force_login(lead_of(allocation))
    page = client.get(reverse("portal:result", args=[result.job.uuid])).content.decode()
    address = reverse("portal:draft_from_result", args=[result.job.uuid])
    assert address in page
    answer = post(client_of(lead_of(allocation), "read", "describe"), f"/results/{result.job.uuid}/entry")
    assert answer.json()["result"] == str(result.job.uuid)
    entry = reverse("portal:entry", args=[answer.json()["code"]])
    assert client.post(address)["Location"] == entry
    assert entry in client.get(reverse("portal:result", args=[result.job.uuid])).content.decode()
    assert post(client_of(make_person(), "describe"), f"/results/{result.job.uuid}/entry").status_code == 404


def test_data_fill_the_form_of_a_recipe_where_they_lie(world: World, allocation: Allocation) -> None:
    site = world.cluster.site.code
    there = make_entry(distributions=[{"storage": "posix", "location": "/project/data/frisian", "site": site}])
    elsewhere = make_entry(distributions=[{"storage": "http", "location": "https://example.org/f.tar"}])
    lead = lead_of(allocation)
    found = {use.recipe.code: use for use in uses(lead, there)}
    assert found["train-small-lm"].answers == {"text": "own", "path": "/project/data/frisian"}
    assert found["train-small-lm"].is_there
    assert all(not use.is_there and "path" not in use.answers for use in uses(lead, elsewhere))
    assert uses(make_person(), there) == []
    client = Client()
    client.force_login(lead)
    page = client.get(reverse("portal:use_entry", args=[there.code]))
    form = next(url for use, url in page.context["rows"] if use.recipe.code == "train-small-lm")
    filled = client.get(form).content.decode()
    assert 'value="/project/data/frisian"' in filled
    assert 'value="own" id="id_text-2" checked' in " ".join(filled.split())


def test_a_model_fills_the_form_within_its_project(world: World, allocation: Allocation) -> None:
    entry = draft_from_result(lead_of(allocation), made(world, allocation))
    found = uses(lead_of(allocation), entry)
    assert {use.recipe.code for use in found} >= {"fine-tune-lm", "evaluate-lm", "serve-lm"}
    assert {use.answers["checkpoint"] for use in found} == {str(Job.objects.get().uuid)}
    assert uses(lead_of(make_allocation(world)), entry) == []


def test_where_it_could_be_used_takes_the_same_queries_for_many_projects(
    world: World, allocation: Allocation, django_assert_num_queries: Any
) -> None:
    entry = make_entry()
    lead = lead_of(allocation)
    for more in (0, 3):
        for _number in range(more):
            make_allocation(world, lead=lead)
        with django_assert_num_queries(2):
            assert uses(lead, entry)
