"""Over the API an operator declares a machine and an officer promises its hours; who may not is told so."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from tests.api.test_rest import client_of, post
from tests.factories.world import MONTH, make_partition, make_person, make_world

from fabriek.audit.models import Event
from fabriek.people.models import Role
from fabriek.programmes.reference import load_programmes

pytestmark = pytest.mark.django_db
ALL = ("read", "apply", "review", "decide", "operate", "admin")

OPERATOR = {
    "/factories": {"code": "f", "name": "F", "country": "NL", "hosting_entity": "Host"},
    "/sites": {"code": "s", "name": "S", "country": "NL", "city": "Delft", "latitude": 52.0, "longitude": 4.4},
    "/systems": {"code": "x", "name": "X", "site": "s", "factory": "f"},
    "/systems/x/partitions": {
        "name": "gpu",
        "kind": "gpu",
        "nodes": 4,
        "accelerators_per_node": 4,
        "cores_per_node": 64,
        "accelerator_model": "A",
    },
    "/partitions/x/gpu/availability": {"fraction": "0.95", "valid_from": "2026-01-01"},
    "/clusters": {"code": "c", "site": "s", "engine": "slurm", "partitions": {"boost": "x/gpu"}},
}
OFFICER = {
    "/programmes": {"code": "nl", "name": "Netherlands", "kind": "national", "country": "NL", "overbooking": "1.1"},
    "/promises": {
        "code": "sme",
        "name": "SMEs",
        "kind": "floor",
        "programme": "nl",
        "organisation_class": "sme",
        "fraction": "0.3",
        "of": "awarded",
        "valid_from": "2026-01-01",
    },
}


def problem_of(response: Any, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    return dict(response.json())


def test_a_machine_from_nothing_to_shares_over_the_api() -> None:
    load_programmes()
    operator = client_of(make_person("operator"), "read", "operate")
    for path, body in OPERATOR.items():
        assert (answer := post(operator, path, body)).status_code == 200, answer.content
    assert [site["code"] for site in operator.get("/api/v1/sites").json()["items"]] == ["s"]
    assert operator.get("/api/v1/partitions/x/gpu/availability").json()[0]["fraction"] == "0.95000"
    (cluster,) = operator.get("/api/v1/clusters").json()["items"]
    assert cluster["partitions"] == {"boost": "x/gpu"}
    assert post(operator, "/capacity/x/gpu", {"months": [str(MONTH)]}).json()["accelerator_seconds"] > 0

    officer = client_of(make_person("officer"), "read", "decide")
    for path, body in OFFICER.items():
        assert (answer := post(officer, path, body)).status_code == 200, answer.content
    shares = {"months": [str(MONTH)], "fractions": {"nl": "1"}}
    assert post(officer, "/shares/x/gpu", shares, "put").json()[0]["programme"] == "nl"
    assert "sme" in [promise["id"] for promise in officer.get("/api/v1/promises?per_page=200").json()["items"]]


def test_declaring_twice_changes_nothing_and_otherwise_is_refused() -> None:
    load_programmes()
    clients = [
        (client_of(make_person("operator"), "read", "operate"), OPERATOR, "name"),
        (client_of(make_person("officer"), "read", "decide"), OFFICER, "name"),
    ]
    for client, paths, _field in clients:
        for _time in range(2):
            for path, body in paths.items():
                assert post(client, path, body).status_code == 200, path
    assert Event.objects.filter(verb__regex="declare|register_cluster|establish|make_promise").count() == 8
    for client, paths, field in clients:
        for path, body in paths.items():
            if field not in body or path.endswith("/partitions"):
                continue
            told = problem_of(post(client, path, {**body, field: "Another"}), 409)
            assert told["type"] == "urn:fabriek:problem:known-otherwise"
            assert told["differs"] == ["name"]


@pytest.mark.parametrize("role", Role.values)
def test_only_the_role_that_answers_for_it(role: str) -> None:
    load_programmes()
    for path, body in OPERATOR.items():
        assert post(client_of(make_person("operator"), "operate"), path, body).status_code == 200
    client = client_of(make_person("" if role == "applicant" else role), *ALL)
    for allowed, paths in (("operator", OPERATOR), ("officer", OFFICER)):
        for path, body in paths.items():
            response = post(client, path, body)
            if role == allowed:
                assert response.status_code == 200, f"{role} {path}: {response.content}"
            else:
                assert problem_of(response, 403)["permission"], f"{role} {path}"


def test_a_token_of_the_right_person_without_the_scope_opens_none() -> None:
    operator = client_of(make_person("operator"), "read", "decide")
    for path, body in OPERATOR.items():
        assert problem_of(post(operator, path, body), 403)["scope"] == "operate"


@pytest.mark.parametrize(
    ("path", "wrong", "field"),
    [
        ("/sites", {"country": "Holland"}, "country"),
        ("/sites", {"code": "No Spaces"}, "code"),
        ("/sites", {"latitude": 91}, "latitude"),
        ("/systems/x/partitions", {"name": "b", "nodes": 0}, "nodes"),
        ("/systems/x/partitions", {"name": "b", "accelerators_per_node": 0}, "accelerators_per_node"),
        ("/partitions/x/gpu/availability", {"fraction": "1.5"}, "fraction"),
        ("/partitions/x/gpu/availability", {"valid_until": "2025-01-01"}, "valid_until"),
        ("/partitions/x/gpu/availability", {"valid_from": "2027-01-01"}, "valid_from"),
        ("/clusters", {"engine": "pbs"}, "engine"),
        ("/clusters", {"partitions": {}}, "partitions"),
    ],
)
def test_what_does_not_hold_is_named(path: str, wrong: Any, field: str) -> None:
    client = client_of(make_person("operator"), "read", "operate")
    for address, body in OPERATOR.items():
        post(client, address, body)
    faults = problem_of(post(client, path, {**OPERATOR[path], **wrong}), 422)["faults"]
    assert any(name.endswith(field) for name in faults), faults


@pytest.mark.parametrize(
    ("path", "wrong", "field"),
    [
        ("/programmes", {"country": ""}, "country"),
        ("/programmes", {"kind": "union", "country": ""}, "pillar"),
        ("/promises", {"organisation_class": ""}, "organisation_class"),
        ("/promises", {"fraction": None}, "fraction"),
        ("/promises", {"kind": "baseline"}, "fraction"),
        ("/promises", {"valid_until": "2025-01-01"}, "valid_until"),
    ],
)
def test_what_cannot_be_promised_is_named(path: str, wrong: Any, field: str) -> None:
    load_programmes()
    client = client_of(make_person("officer"), "read", "decide")
    body = {**OFFICER[path], **wrong}
    body = {**body, "programme": "eu"} if "programme" in body else body
    assert field in problem_of(post(client, path, body), 422)["faults"]


def test_what_is_named_and_unknown_is_not_found() -> None:
    load_programmes()
    operator = client_of(make_person("operator"), "operate")
    problem_of(post(operator, "/systems", OPERATOR["/systems"]), 404)
    problem_of(post(operator, "/systems/x/partitions", OPERATOR["/systems/x/partitions"]), 404)
    problem_of(post(operator, "/clusters", OPERATOR["/clusters"]), 404)
    officer = client_of(make_person("officer"), "decide")
    problem_of(post(officer, "/promises", OFFICER["/promises"]), 404)
    problem_of(post(officer, "/programmes", {**OFFICER["/programmes"], "parent": "nobody"}), 404)


def test_a_second_cluster_cannot_enforce_the_same_partition() -> None:
    world = make_world()
    client = client_of(world.operator, "operate")
    body = {
        "code": "second",
        "site": world.partition.system.site.code,
        "engine": "slurm",
        "partitions": {"gpu": world.partition.code},
    }
    assert world.cluster.code in problem_of(post(client, "/clusters", body), 422)["faults"]["partitions"][0]


def test_a_new_availability_ends_the_one_before() -> None:
    operator = make_person("operator")
    _factory, partition = make_partition(operator)
    body = {"fraction": "0.9", "valid_from": "2027-01-01", "ends_previous": True}
    assert post(client_of(operator, "operate"), f"/partitions/{partition.code}/availability", body).status_code == 200
    assert partition.availabilities.order_by("valid_from")[0].valid_until == date(2027, 1, 1)
