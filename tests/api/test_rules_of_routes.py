"""The whole matrix, role x route: who may ask what of the API. A new route without a rule fails here."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from tests.api.test_rest import client_of
from tests.factories.world import make_person, make_world

from fabriek.api.main import api
from fabriek.people.actions import create_token
from fabriek.people.models import Role
from fabriek.people.permissions import PERMISSIONS
from fabriek.people.scopes import PERSONAL

PUBLIC, OWN, AGENT = "public", "own", "agent"
"""Everybody; everybody with a token, whose room tells what is theirs (404 for the rest); the agent of one cluster."""

RULES = {
    "GET /factories": PUBLIC,
    "POST /factories": "declare capacity",
    "GET /factories/{code}": PUBLIC,
    "GET /systems/{code}": PUBLIC,
    "GET /partitions/{system}/{partition}/capacity": PUBLIC,
    "GET /sites": PUBLIC,
    "POST /sites": "declare capacity",
    "POST /systems": "declare capacity",
    "GET /systems": PUBLIC,
    "POST /systems/{code}/partitions": "declare capacity",
    "GET /partitions/{system}/{partition}/availability": PUBLIC,
    "POST /partitions/{system}/{partition}/availability": "declare capacity",
    "GET /partitions/{system}/{partition}/sizes": PUBLIC,
    "POST /partitions/{system}/{partition}/sizes": "declare capacity",
    "POST /partitions/{system}/{partition}/conversions": "declare capacity",
    "GET /partitions/{system}/{partition}/prices": PUBLIC,
    "POST /partitions/{system}/{partition}/prices": "declare capacity",
    "POST /factories/{code}/legal": "declare capacity",
    "POST /factories/{code}/stages": "declare capacity",
    "POST /systems/{code}/stages": "declare capacity",
    "GET /links": PUBLIC,
    "POST /links": "declare capacity",
    "POST /links/{number}/end": "declare capacity",
    "GET /programmes": PUBLIC,
    "POST /programmes": "establish shares",
    "POST /programmes/{code}/name": "establish shares",
    "PUT /programmes/{code}/sign-off": "set sign-off",
    "GET /promises": PUBLIC,
    "GET /promises/{code}": PUBLIC,
    "POST /promises": "establish shares",
    "POST /promises/{code}/end": "establish shares",
    "GET /shares/{system}/{partition}": "read ledger",
    "PUT /shares/{system}/{partition}": "establish shares",
    "POST /capacity/{system}/{partition}": "declare capacity",
    "POST /reallocations/{system}/{partition}": "reallocate",
    "GET /reallocations": "read ledger",
    "POST /reallocations/{system}/{partition}/{code}/undo": "reallocate",
    "GET /what-can-i-get": PUBLIC,
    "GET /calls": PUBLIC,
    "POST /calls": "open calls",
    "GET /calls/{code}": PUBLIC,
    "POST /calls/{code}/applications": OWN,
    "GET /calls/{code}/applications": "read applications",
    "GET /applications": OWN,
    "GET /applications/{code}": OWN,
    "PATCH /applications/{code}": OWN,
    "POST /applications/{code}/submit": OWN,
    "POST /applications/{code}/withdraw": OWN,
    "POST /applications/{code}/attachments": OWN,
    "GET /applications/{code}/attachments/{number}": OWN,
    "DELETE /applications/{code}/attachments/{number}": OWN,
    "POST /applications/{code}/reply": OWN,
    "POST /applications/{code}/objection": OWN,
    "POST /organisation": OWN,
    "POST /applications/{code}/eligibility": "check eligibility",
    "POST /applications/{code}/assessment": "assess technically",
    "GET /reviews": "review",
    "POST /reviews/{number}": "review",
    "GET /reviews/{number}": "review",
    "PATCH /reviews/{number}": "review",
    "POST /applications/{code}/score": "assign reviewers",
    "GET /decisions": "read decisions",
    "POST /decisions": "decide",
    "GET /decisions/{code}/problem": "read decisions",
    "GET /decisions/{code}/plan": "read decisions",
    "POST /decisions/{code}/publish": "decide",
    "GET /scenarios": "read decisions",
    "POST /scenarios": "ask scenarios",
    "GET /scenarios/compare": "read decisions",
    "GET /scenarios/{code}": "read decisions",
    "GET /scenarios/{code}/problem": "read decisions",
    "GET /scenarios/{code}/plan": "read decisions",
    "POST /scenarios/{code}/cancel": "ask scenarios",
    "POST /scenarios/{code}/again": "ask scenarios",
    "POST /scenarios/{code}/choose": "decide",
    "GET /scenarios/{code}/explanations/{application}": "read decisions",
    "POST /scenarios/{code}/explanations/{application}": "read decisions",
    "GET /applications/{code}/explanation": OWN,
    "POST /applications/{code}/explanation": OWN,
    "GET /scenarios/{code}/prices": "read decisions",
    "POST /scenarios/{code}/prices": "ask scenarios",
    "POST /reviews/{number}/decline": "review",
    "GET /applications/{code}/judgement": "read applications",
    "POST /calls/{code}/eligibility": "check eligibility",
    "POST /calls/{code}/scores": "assign reviewers",
    "POST /calls/{code}/reviewers": "assign reviewers",
    "GET /calls/{code}/tasks": "read applications",
    "GET /tasks/{number}": "read applications",
    "GET /decisions/{code}": "read decisions",
    "POST /decisions/{code}/discard": "decide",
    "POST /decisions/{code}/initial": "initial decisions",
    "POST /decisions/{code}/send-back": "initial decisions",
    "GET /objections": "read applications",
    "GET /access-modes": PUBLIC,
    "GET /access-modes/{code}": PUBLIC,
    "GET /legal": PUBLIC,
    "GET /calls/{code}/queue": "read applications",
    "POST /calls/{code}/queue": "decide",
    "POST /queues": "decide",
    "GET /calls/{code}/offer": "decide",
    "POST /calls/{code}/offer": "decide",
    "GET /projects": OWN,
    "GET /projects/{code}": OWN,
    "GET /projects/{code}/matches": OWN,
    "GET /applications/{code}/matches": OWN,
    "GET /projects/{code}/report": OWN,
    "PUT /projects/{code}/report": OWN,
    "GET /projects/{code}/jobs": OWN,
    "POST /jobs": OWN,
    "GET /recipes": PUBLIC,
    "GET /recipes/{code}": PUBLIC,
    "GET /catalogue/feed": PUBLIC,
    "GET /catalogue/oai": PUBLIC,
    "GET /catalogue/entries/{code}/as/{standard}": PUBLIC,
    "POST /recipes/{code}/estimate": OWN,
    "POST /recipes/{code}/runs": OWN,
    "GET /projects/{code}/results": OWN,
    "GET /results/{uuid}": OWN,
    "GET /results/{uuid}/lineage": OWN,
    "GET /projects/{code}/crate": OWN,
    "GET /catalogue/entries": PUBLIC,
    "POST /catalogue/entries": "describe entries",
    "GET /catalogue/entries/{code}": PUBLIC,
    "PUT /catalogue/entries/{code}": OWN,
    "POST /catalogue/entries/{code}/ask": OWN,
    "POST /catalogue/entries/{code}/publish": "curate the catalogue",
    "POST /catalogue/entries/{code}/send-back": "curate the catalogue",
    "POST /catalogue/entries/{code}/retire": OWN,
    "GET /catalogue/entries/{code}/versions": PUBLIC,
    "GET /catalogue/entries/{code}/versions/{number}": PUBLIC,
    "POST /catalogue/entries/{code}/files": OWN,
    "GET /catalogue/entries/{code}/files/{sha256}": PUBLIC,
    "GET /me/profiles": OWN,
    "POST /me/profiles": "describe entries",
    "GET /me/catalogue-data": OWN,
    "GET /catalogue/profiles/{code}/consents": OWN,
    "PUT /catalogue/profiles/{code}/consents": "describe entries",
    "DELETE /catalogue/profiles/{code}": "describe entries",
    "GET /catalogue/profiles/{code}/letters": OWN,
    "POST /catalogue/profiles/{code}/letters": OWN,
    "GET /catalogue/profiles/{code}/looks": OWN,
    "POST /catalogue/profiles/{code}/looks": "describe entries",
    "POST /catalogue/profiles/{code}/hide": "curate the catalogue",
    "POST /catalogue/profiles/{code}/lift": "curate the catalogue",
    "GET /catalogue/ventures": PUBLIC,
    "GET /catalogue/searches": OWN,
    "POST /catalogue/searches": "describe entries",
    "PUT /catalogue/searches/{number}": "describe entries",
    "GET /catalogue/searches/{number}/news": OWN,
    "POST /catalogue/searches/{number}/seen": "describe entries",
    "DELETE /catalogue/searches/{number}": "describe entries",
    "POST /results/{uuid}/entry": "describe entries",
    "GET /jobs": "read operations",
    "POST /jobs/estimate": OWN,
    "GET /jobs/{uuid}": OWN,
    "GET /jobs/{uuid}/output": OWN,
    "POST /projects/{code}/jobs/cancel": OWN,
    "POST /jobs/{uuid}/cancel": OWN,
    "GET /projects/{code}/transfers": OWN,
    "POST /projects/{code}/transfers": OWN,
    "GET /transfers/{uuid}": OWN,
    "POST /transfers/{uuid}/start": OWN,
    "POST /transfers/{uuid}/cancel": OWN,
    "POST /transfers/{uuid}/retry": OWN,
    "GET /clusters": "read operations",
    "POST /clusters": "manage clusters",
    "POST /clusters/{code}/by-hand": "manage clusters",
    "GET /ledger/check": "read ledger",
    "GET /events": "read audit",
    "GET /returns": "read decisions",
    "POST /returns": "decide",
    "POST /returns/{number}/take": "decide",
    "POST /returns/{number}/claim": OWN,
    "GET /projects/{code}/returns": OWN,
    "POST /projects/{code}/returns": OWN,
    "GET /projects/{code}/changes": OWN,
    "POST /projects/{code}/changes": OWN,
    "GET /changes": "read decisions",
    "POST /changes/{number}/grant": "decide",
    "POST /changes/{number}/refuse": "decide",
    "POST /calls/{code}/close": "open calls",
    "POST /applications/{code}/reviewer": "assign reviewers",
    "POST /applications/{code}/objection/answer": "answer objections",
    "GET /maintenance/{system}/{partition}": "read operations",
    "POST /maintenance/{system}/{partition}": "declare capacity",
    "DELETE /maintenance/{system}/{partition}/{number}": "declare capacity",
    "GET /people": "manage people",
    "POST /people/{email}/roles": "manage people",
    "DELETE /people/{email}/roles/{role}": "manage people",
    "POST /projects/{code}/members": OWN,
    "DELETE /projects/{code}/members/{email}": OWN,
    "GET /allocations": OWN,
    "GET /allocations/{code}": OWN,
    "GET /usage-batches": "read operations",
    "GET /workloads": "read studies",
    "POST /workloads": "study policies",
    "POST /workloads/recorded": "study policies",
    "DELETE /workloads/{code}": "study policies",
    "GET /studies": "read studies",
    "POST /studies": "study policies",
    "GET /studies/{code}": "read studies",
    "GET /studies/{code}/figures": "read studies",
    "GET /studies/{code}/slurm": "read studies",
    "POST /studies/{code}/cancel": "study policies",
    "POST /studies/{code}/again": "study policies",
    "DELETE /studies/{code}": "study policies",
    "POST /studies/{code}/restore": "study policies",
    "GET /harvest/sources": "harvest",
    "POST /harvest/sources": "harvest",
    "GET /harvest/sources/{code}": "harvest",
    "POST /harvest/sources/{code}": "harvest",
    "POST /harvest/sources/{code}/ask": "harvest",
    "GET /harvest/sources/{code}/runs": "harvest",
    "GET /harvest/runs/{uuid}": "harvest",
    "GET /harvest/runs/{uuid}/remarks": "harvest",
    "GET /tickets": OWN,
    "POST /tickets": OWN,
    "GET /desk/tickets": "answer questions",
    "GET /desk/addresses": "answer questions",
    "PUT /desk/addresses/{factory}": "answer questions",
    "GET /tickets/{number}": OWN,
    "GET /tickets/{number}/messages": OWN,
    "POST /tickets/{number}/messages": OWN,
    "POST /tickets/{number}/hand-over": "answer questions",
    "POST /tickets/{number}/close": OWN,
    "POST /tickets/{number}/reopen": OWN,
    "GET /calendar/events": PUBLIC,
    "POST /calendar/events": "organise events",
    "GET /calendar/desk/events": "organise events",
    "GET /calendar/registrations": OWN,
    "POST /calendar/own": OWN,
    "GET /calendar/feed": PUBLIC,
    "GET /calendar/events/{code}": PUBLIC,
    "GET /calendar/events/{code}/ics": PUBLIC,
    "PUT /calendar/events/{code}": "organise events",
    "DELETE /calendar/events/{code}": "organise events",
    "POST /calendar/events/{code}/publish": "organise events",
    "POST /calendar/events/{code}/cancel": "organise events",
    "POST /calendar/events/{code}/registration": OWN,
    "DELETE /calendar/events/{code}/registration": OWN,
    "GET /calendar/events/{code}/participants": "organise events",
    "POST /calendar/events/{code}/attendance": "organise events",
    "GET /reports/access-time": "read reports",
    "GET /reports/free-use": "read reports",
    "GET /reports/hosting/{system}": "read reports",
    "GET /usage-proofs": "read operations",
    "GET /usage-proofs/{number}": "read operations",
    "GET /assessments": "assess technically",
    "GET /me": OWN,
    "PATCH /me": OWN,
    "GET /me/tokens": OWN,
    "DELETE /me/tokens/{number}": OWN,
    "GET /sites/{cluster}/desired-state": AGENT,
    "PUT /sites/{cluster}/enforced-state": AGENT,
    "GET /sites/{cluster}/jobs": AGENT,
    "PUT /sites/{cluster}/transfer-ability": AGENT,
    "GET /sites/{cluster}/transfers": AGENT,
    "POST /sites/{cluster}/transfers/{uuid}/status": AGENT,
    "POST /sites/{cluster}/jobs/{uuid}/status": AGENT,
    "POST /sites/{cluster}/jobs/{uuid}/tasks/{task}": AGENT,
    "POST /sites/{cluster}/usage-batches": AGENT,
    "PUT /sites/{cluster}/proofs/{day}": AGENT,
    "PUT /sites/{cluster}/proofs/{day}/runs": AGENT,
}

SCHEMA: dict[str, Any] = api.get_openapi_schema()
NOTHING = "00000000-0000-4000-8000-000000000000"
EXAMPLES = {
    "date": "2030-01-01",
    "date-time": "2030-01-01T12:00:00Z",
    "uuid": NOTHING,
    "^([A-Z]{2})$": "NL",
    "^[A-Z]{2}$": "NL",
    "^[0-9a-f]{64}$": "0" * 64,
}


def routes() -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path.removeprefix('/api/v1')}": operation
        for path, methods in SCHEMA["paths"].items()
        for method, operation in methods.items()
    }


def example(schema: dict[str, Any]) -> Any:
    """A small value that a schema takes: what is required, and no more."""
    if "$ref" in schema:
        return example(SCHEMA["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return example(schema[several][0])
    if "enum" in schema or "const" in schema:
        return schema["const"] if "const" in schema else schema["enum"][0]
    match schema.get("type"):
        case "object":
            return {name: example(schema["properties"][name]) for name in schema.get("required", [])}
        case "array":
            return [example(schema["items"])] * schema.get("minItems", 0)
        case "integer" | "number":
            return schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
        case "boolean":
            return False
    known = (EXAMPLES[name] for name in (schema.get("format"), schema.get("pattern")) if name in EXAMPLES)
    return next(known, "nothing-here")


def ask(client: Client, route: str, operation: dict[str, Any]) -> Any:
    """Ask a route for something that isn't there, with a body that it can read."""
    method, _, path = route.partition(" ")
    asked = {}
    for parameter in operation.get("parameters", []):
        # No number of a row that the walk itself made.
        value = 999_999 if parameter["schema"].get("type") == "integer" else example(parameter["schema"])
        if parameter["in"] == "path":
            path = path.replace("{" + parameter["name"] + "}", str(value))
        elif parameter.get("required"):
            asked[parameter["name"]] = value
    address = f"/api/v1{path}?{urlencode(asked, doseq=True)}"
    content = operation.get("requestBody", {}).get("content", {})
    for kind, body in content.items():
        values = example(body["schema"])
        if kind == "application/json":
            return getattr(client, method.lower())(address, json.dumps(values), content_type=kind)
        return client.post(address, {name: SimpleUploadedFile("a.pdf", b"%PDF-1.4") for name in values})
    return getattr(client, method.lower())(address)


def test_every_route_has_its_rule_and_every_rule_its_route() -> None:
    assert routes().keys() == RULES.keys()
    assert set(RULES.values()) - PERMISSIONS.keys() == {PUBLIC, OWN, AGENT}


@pytest.mark.django_db
@pytest.mark.parametrize("role", Role.values)
def test_who_may_ask_what(role: str) -> None:
    """With a token of every scope that a person's can have: what it is refused it is refused for its person's role."""
    client = client_of(make_person("" if role == Role.APPLICANT else role), *PERSONAL)
    for route, operation in routes().items():
        rule = RULES[route]
        allowed = rule in (PUBLIC, OWN) or (
            rule != AGENT and bool({role, Role.APPLICANT.value} & PERMISSIONS.get(rule, frozenset()))
        )
        response = ask(client, route, operation)
        told = f"{role} {route}: {response.status_code}, the rule is {rule!r}"
        if allowed:
            assert response.status_code in (200, 201, 204, 404, 409, 422), told
        else:
            assert response.status_code == 403, told
            assert response["Content-Type"] == "application/problem+json", told


@pytest.mark.django_db
def test_without_a_token_only_what_is_public_answers() -> None:
    for route, operation in routes().items():
        status = ask(Client(), route, operation).status_code
        assert (status == 401) == (RULES[route] != PUBLIC), f"{route}: {status}"
        assert status in (200, 401, 404, 422), f"{route}: {status}"


@pytest.mark.django_db
def test_an_agent_speaks_for_its_own_cluster_and_asks_nothing_else() -> None:
    world = make_world()
    _token, plain = create_token(world.operator, name="agent", scopes=["agent"], site=world.cluster.code)
    client = Client(headers={"Authorization": f"Bearer {plain}"})
    for route, operation in routes().items():
        if RULES[route] != PUBLIC:
            assert ask(client, route, operation).status_code == 403, route
    assert client.get(f"/api/v1/sites/{world.cluster.code}/desired-state").status_code == 200


@pytest.mark.django_db
def test_who_may_not_do_a_thing_is_told_so_before_what_lacks_in_it() -> None:
    """Neither a code that doesn't exist nor a body that can't be read is told of to who may not ask."""
    client = client_of(make_person(), *PERSONAL)
    for route in ("POST /calls/{code}/offer", "POST /clusters", "POST /decisions/{code}/publish"):
        method, _, path = route.partition(" ")
        address = "/api/v1" + path.replace("{code}", "nothing-here")
        assert getattr(client, method.lower())(address, "{", content_type="application/json").status_code == 403
