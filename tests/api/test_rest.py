"""The API: tokens and scopes, problems that say what to do, the same verbs as the pages."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from ninja import Schema
from tests.factories.world import (
    ETHICS,
    MONTH,
    make_allocation,
    make_organisation,
    make_person,
    make_submitted,
    make_world,
)

from fabriek.api.main import api
from fabriek.people.actions import create_token, revoke_token
from fabriek.people.models import Person

pytestmark = pytest.mark.django_db


def client_of(person: Person, *scopes: str) -> Client:
    _token, plain = create_token(person, name="test", scopes=scopes or ["read", "apply"], person=person)
    return Client(headers={"Authorization": f"Bearer {plain}"})


def post(client: Client, path: str, body: Any = None, method: str = "post") -> Any:
    return getattr(client, method)(f"/api/v1{path}", json.dumps(body or {}), content_type="application/json")


PUBLIC = {
    "/factories", "/systems", "/partitions", "/programmes", "/promises", "/calls", "/sites", "/links", "/access-modes",
    "/legal", "/what-can-i-get", "/recipes", "/catalogue", "/calendar",
}  # fmt: skip


def test_every_route_that_changes_something_needs_a_token() -> None:
    schema = api.get_openapi_schema()
    assert schema["openapi"].startswith("3.1")
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            public = method == "get" and any(path.startswith(f"/api/v1{prefix}") for prefix in PUBLIC)
            assert public or operation.get("security"), f"{method} {path} has no rule"


# Tables that belong to one thing, which is named in the address.
WHOLE = {
    "/api/v1/legal",
    "/api/v1/maintenance/{system}/{partition}",
    "/api/v1/partitions/{system}/{partition}/availability",
    "/api/v1/partitions/{system}/{partition}/prices",
    "/api/v1/partitions/{system}/{partition}/sizes",
    "/api/v1/shares/{system}/{partition}",
}


def test_every_list_comes_in_pages() -> None:
    unpaged = set()
    for path, methods in api.get_openapi_schema()["paths"].items():
        for answer in methods.get("get", {}).get("responses", {}).values():
            if answer.get("content", {}).get("application/json", {}).get("schema", {}).get("type") == "array":
                unpaged.add(path)
    assert unpaged == WHOLE


def test_a_list_gives_the_page_that_is_asked() -> None:
    world = make_world()
    for _number in range(3):
        make_world(factory=world.factory)
    first, last = (Client().get(f"/api/v1/calls?per_page=3&page={page}").json() for page in (1, 2))
    assert (first["total"], first["pages"], first["per_page"], last["page"]) == (4, 2, 3, 2)
    assert (len(first["items"]), len(last["items"])) == (3, 1)
    assert len({call["code"] for call in first["items"] + last["items"]}) == 4
    assert Client().get("/api/v1/calls?per_page=201").status_code == 422


def test_without_a_token_everything_else_is_401() -> None:
    for path, methods in api.get_openapi_schema()["paths"].items():
        for method, operation in methods.items():
            if not operation.get("security"):
                continue
            address = path
            for name in ("{code}", "{cluster}", "{system}", "{partition}", "{email}", "{role}"):
                address = address.replace(name, "x")
            address = address.replace("{uuid}", "00000000-0000-4000-8000-000000000000").replace("{number}", "1")
            response = getattr(Client(), method)(address)
            assert response.status_code == 401, f"{method} {path}: {response.status_code}"
            assert response["Content-Type"] == "application/problem+json"
            assert response["WWW-Authenticate"]


def test_a_founder_applies_over_the_api() -> None:
    world = make_world()
    founder = make_person()
    client = client_of(founder)
    assert client.get("/api/v1/calls").json()["items"][0]["code"] == world.call.code
    organisation = {"name": "My start-up", "organisation_class": "startup", "country": "NL"}
    assert post(client, "/organisation", organisation).status_code == 200
    draft = post(client, f"/calls/{world.call.code}/applications").json()
    asked = {"partition": world.partition.code, "first_month": str(MONTH), "months": 1, "gpu_hours": 100}
    content = {
        "version": draft["version"],
        "title": "A model",
        "summary": "We train.",
        "method": "PyTorch",
        "data_statement": "Public.",
        "ethics": ETHICS,
        "alternatives": [asked],
    }
    saved = post(client, f"/applications/{draft['code']}", content, "patch")
    assert saved.status_code == 200, saved.content
    stale = post(client, f"/applications/{draft['code']}", content, "patch")
    assert stale.status_code == 409
    assert stale.json()["type"] == "urn:fabriek:problem:old-version"
    submitted = post(client, f"/applications/{draft['code']}/submit")
    assert submitted.json()["state"] == "submitted"
    assert submitted.json()["answer_due"]


def test_a_refusal_names_the_field_and_what_to_do() -> None:
    world = make_world()
    founder = make_person(organisation=make_organisation())
    client = client_of(founder)
    draft = post(client, f"/calls/{world.call.code}/applications").json()
    asked = {"partition": world.partition.code, "first_month": str(MONTH), "months": 1, "gpu_hours": 6_000}
    content = {
        "version": 0,
        "title": "T",
        "summary": "S",
        "method": "M",
        "data_statement": "D",
        "ethics": ETHICS,
        "alternatives": [asked],
    }
    post(client, f"/applications/{draft['code']}", content, "patch")
    refused = post(client, f"/applications/{draft['code']}/submit")
    assert refused.status_code == 422
    assert "5,000" in refused.json()["faults"]["alternatives.0"][0]


def test_a_token_opens_what_its_scopes_say_and_no_more() -> None:
    world = make_world()
    client = client_of(make_person(), "read")
    refused = post(client, f"/calls/{world.call.code}/applications")
    assert refused.status_code == 403
    assert refused.json()["detail"].startswith("This token lacks the scope")


def test_others_applications_and_projects_are_not_there() -> None:
    world = make_world()
    application, allocation = make_submitted(world), make_allocation(world)
    client = client_of(make_person())
    assert client.get(f"/api/v1/applications/{application.code}").status_code == 404
    assert client.get(f"/api/v1/projects/{allocation.project.code}").status_code == 404
    script = "#!/bin/bash\ntrue\n"
    assert post(client, "/jobs", {"allocation": allocation.code, "script": script}).status_code == 404


def test_a_revoked_token_is_refused() -> None:
    person = make_person()
    token, plain = create_token(person, name="test", scopes=["read"], person=person)
    revoke_token(person, token)
    response = Client(headers={"Authorization": f"Bearer {plain}"}).get("/api/v1/applications")
    assert response.status_code == 401


def test_an_agents_token_opens_its_own_cluster_only() -> None:
    world = make_world()
    _token, plain = create_token(world.operator, name="agent", scopes=["agent"], site=world.cluster.code)
    agent = Client(headers={"Authorization": f"Bearer {plain}"})
    assert agent.get(f"/api/v1/sites/{world.cluster.code}/desired-state").status_code == 200
    assert agent.get("/api/v1/sites/another/desired-state").status_code == 403
    assert agent.get("/api/v1/applications").status_code == 403


def test_a_batch_with_a_broken_row_books_the_others() -> None:
    world = make_world()
    allocation = make_allocation(world)
    _token, plain = create_token(world.operator, name="agent", scopes=["agent"], site=world.cluster.code)
    agent = Client(headers={"Authorization": f"Bearer {plain}"})
    now = int(time.time())
    good = {
        "job_id": "1",
        "account": allocation.project.code,
        "user": "u1",
        "partition": "gpu",
        "state": "COMPLETED",
        "submit": now,
        "start": now,
        "end": now + 60,
        "accelerators": 1,
        "cores": 1,
    }
    answer = post(
        agent, f"/sites/{world.cluster.code}/usage-batches", {"key": "k", "records": [good, {"job_id": 5}, "x"]}
    )
    assert answer.status_code == 200, answer.content
    assert answer.json()["booked"] == 1
    assert [fault["line"] for fault in answer.json()["broken"]] == [2, 3]


def test_a_share_table_that_does_not_add_up_is_refused_with_its_row() -> None:
    world = make_world()
    client = client_of(world.officer, "read", "decide")
    body = {"months": [str(MONTH)], "fractions": {"eu-industrial-entry": "0.6", "eu-science": "0.5"}}
    refused = post(client, f"/shares/{world.partition.code}", body, "put")
    assert refused.status_code == 422
    assert refused.json()["row"] in body["fractions"]


def test_lists_come_in_pages() -> None:
    world = make_world()
    founder = make_person(organisation=make_organisation())
    for _number in range(3):
        make_submitted(world, applicant=founder)
    answer = client_of(founder).get("/api/v1/applications?per_page=2&page=2").json()
    assert (answer["total"], answer["pages"], len(answer["items"])) == (3, 2, 1)


def test_an_officer_opens_and_closes_a_call() -> None:
    world = make_world()
    client = client_of(world.officer, "read", "decide")
    body = {
        "access_mode": "aif-fast-lane",
        "factory": world.factory.code,
        "programme": "eu-industrial-entry",
        "partitions": [world.partition.code],
        "title": "Fast Lane",
        "opens": "2026-01-01T00:00:00Z",
        "closes": "2036-01-01T00:00:00Z",
        "first_month": str(MONTH),
        "months": 2,
        "maximum_gpu_hours": 20_000,
    }
    made = post(client, "/calls", body)
    assert made.status_code == 200, made.content
    assert made.json()["maximum_gpu_hours"] == 20_000
    assert post(client, f"/calls/{made.json()['code']}/close", {"why": "a test"}).status_code == 200
    assert made.json()["code"] not in [call["code"] for call in client.get("/api/v1/calls").json()["items"]]
    assert post(client_of(make_person(), "decide"), "/calls", body).status_code == 403


def test_maintenance_and_roles_over_the_api() -> None:
    world = make_world()
    operator = client_of(world.operator, "read", "operate")
    address = f"/maintenance/{world.partition.code}"
    body = {"start": "2036-01-01T00:00:00Z", "end": "2036-01-02T00:00:00Z", "nodes": 1, "why": "cooling"}
    number = post(operator, address, body).json()["number"]
    assert [row["number"] for row in operator.get(f"/api/v1{address}").json()] == [number]
    assert operator.delete(f"/api/v1{address}/{number}").status_code == 204
    assert operator.get(f"/api/v1{address}").json() == []
    administrator, somebody = make_person("administrator"), make_person()
    client = client_of(administrator, "admin")
    assert post(client, f"/people/{somebody.email}/roles", {"role": "reviewer"}).status_code == 204
    assert client.get(f"/api/v1/people?search={somebody.email}").json()["items"][0]["roles"] == ["reviewer"]
    assert client.delete(f"/api/v1/people/{administrator.email}/roles/administrator").status_code == 409


def test_a_request_that_is_too_large_is_told_so() -> None:
    body = json.dumps({"name": "x" * 30_000_000})
    response = client_of(make_person()).post("/api/v1/organisation", body, content_type="application/json")
    assert response.status_code == 413
    assert response.json()["type"] == "urn:fabriek:problem:too-large"


def test_no_two_schemas_have_one_name() -> None:
    """The description has one place for a name: of two, the answers of one would not be as they are described."""

    def below(kind: type[Schema]) -> Iterator[type[Schema]]:
        for made in kind.__subclasses__():
            yield made
            yield from below(made)

    places: dict[str, set[str]] = {}
    for made in below(Schema):
        if made.__module__.startswith("fabriek."):
            places.setdefault(made.__name__, set()).add(made.__module__)
    assert {name: found for name, found in places.items() if len(found) > 1} == {}
