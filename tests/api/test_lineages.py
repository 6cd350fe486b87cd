"""Lineage of results and crates of projects, from jobs that ran by recipes."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from prov.model import ProvDocument
from rdflib import PROV, Graph, URIRef
from rocrate.rocrate import ROCrate
from tests.api.test_recipes import agent_of, post
from tests.api.test_rest import client_of
from tests.factories.catalogue import make_record
from tests.factories.world import make_allocation, make_person, make_world

from fabriek.catalogue.actions import draft_entry, publish_entry
from fabriek.operations.models import Job
from fabriek.projects.models import Allocation
from fabriek.recipes.models import Result

pytestmark = pytest.mark.django_db
SITE = "http://testserver/"


@pytest.fixture
def allocation() -> Allocation:
    return make_allocation(make_world(), gpu_hours=10)


@pytest.fixture
def lead(allocation: Allocation) -> Client:
    return client_of(allocation.project.members.get(role="lead").person, "read", "apply")


def run(world: Any, lead: Client, recipe: str, allocation: Allocation, digest: str, **parameters: Any) -> str:
    """A job of a recipe that began, ended, and says what it made."""
    body = {"allocation": allocation.code, "parameters": parameters}
    uuid: str = post(lead, f"/recipes/{recipe}/runs", **body).json()["uuid"]
    made = {
        "format": "fabriek/result/1",
        "kind": "model",
        "name": "a model",
        "datasets": [{"name": "a text", "source": "https://example.org/text", "licence": "CC-BY-4.0"}],
        "outputs": [{"path": f"/r/{recipe}.pt", "kind": "checkpoint", "bytes": 9, "sha256": digest}],
    }
    report = {
        "state": "COMPLETED",
        "engine_job": uuid[:6],
        "started_at": "2026-01-02T03:00:00Z",
        "ended_at": "2026-01-02T04:00:00Z",
        "results": json.dumps(made),
    }
    answer = post(agent_of(world), f"/sites/{world.cluster.code}/jobs/{uuid}/status", **report)
    assert answer.status_code == 204, answer.content
    return uuid


@pytest.fixture
def ran(allocation: Allocation, lead: Client) -> tuple[str, str]:
    """A model that was trained, and another one that was made from it."""
    cluster = allocation.partition.clusters.get()
    world = SimpleNamespace(cluster=cluster, operator=make_person("operator"))
    first = run(world, lead, "train-small-lm", allocation, "a" * 64, steps=20)
    return first, run(world, lead, "fine-tune-lm", allocation, "b" * 64, checkpoint=first)


def test_a_result_says_what_its_job_used_and_made(lead: Client, ran: tuple[str, str]) -> None:
    first, second = ran
    made = Result.objects.get(job__uuid=first).outputs.get()
    answer = lead.get(f"/api/v1/results/{second}/lineage?form=prov-o")
    graph = Graph().parse(data=answer.content.decode(), format="turtle")
    job = URIRef(f"{SITE}jobs/{second}/")
    assert set(graph.objects(job, PROV.used)) == {
        URIRef(f"{SITE}results/{first}/#file-{made.pk}"),
        URIRef("https://example.org/text"),
    }
    assert len(list(graph.objects(job, PROV.generated))) == 1
    said = lead.get(f"/api/v1/results/{second}/lineage").content.decode()
    assert "wasGeneratedBy" in ProvDocument.deserialize(content=said, format="json").get_provn()
    events = lead.get(f"/api/v1/results/{second}/lineage?form=openlineage").json()
    assert [event["eventType"] for event in events] == ["START", "COMPLETE"]
    assert {one["name"] for one in events[1]["inputs"]} == {f"results/{first}#file-{made.pk}", "text"}


def test_what_was_published_of_a_result_is_part_of_its_lineage(lead: Client, ran: tuple[str, str]) -> None:
    result = Result.objects.get(job__uuid=ran[0])
    entry = draft_entry(make_person(), make_record("model", code="my-model"))
    type(entry).objects.filter(pk=entry.pk).update(result=result)
    path = f"/api/v1/results/{ran[0]}/lineage?form=prov-o"
    assert b"my-model" not in lead.get(path).content
    entry.refresh_from_db()
    publish_entry(make_person("officer"), entry)
    graph = Graph().parse(data=lead.get(path).content.decode(), format="turtle")
    node = URIRef(f"{SITE}catalogue/entries/my-model")
    assert (node, PROV.wasGeneratedBy, URIRef(f"{SITE}jobs/{ran[0]}/")) in graph
    assert list(graph.objects(node, PROV.wasDerivedFrom))


def test_a_project_s_crate_has_its_jobs_with_inputs_and_outputs(
    allocation: Allocation, lead: Client, ran: tuple[str, str], tmp_path: Path
) -> None:
    answer = lead.get(f"/api/v1/projects/{allocation.project.code}/crate")
    (tmp_path / "ro-crate-metadata.json").write_bytes(answer.content)
    crate = ROCrate(tmp_path)
    actions = {node.id: node for node in crate.get_by_type("CreateAction")}
    assert set(actions) == {f"{SITE}jobs/{uuid}/" for uuid in ran}
    second = actions[f"{SITE}jobs/{ran[1]}/"]
    assert len(second["object"]) == 2
    assert second["result"][0]["name"] == "/r/fine-tune-lm.pt"
    assert allocation.project.members.get(role="lead").person.name not in answer.content.decode()


def test_only_who_may_read_the_project_reads_its_lineage(allocation: Allocation, ran: tuple[str, str]) -> None:
    stranger = client_of(make_person(), "read")
    assert stranger.get(f"/api/v1/results/{ran[0]}/lineage").status_code == 404
    assert stranger.get(f"/api/v1/projects/{allocation.project.code}/crate").status_code == 404
    assert Job.objects.count() == 2
