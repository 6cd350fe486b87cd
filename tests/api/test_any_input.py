"""Whatever is sent to the API, it answers in the form that it describes, and never with a mistake of its own."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance
from tests.factories.world import make_allocation, make_person, make_submitted, make_world

from fabriek.people.actions import create_token
from fabriek.people.scopes import PERSONAL

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.fixture
def tokens() -> dict[str, str]:
    """A small world, and a token with all scopes of somebody with all roles, and one of an agent."""
    from fabriek.people.actions import give_first_role

    world = make_world()
    make_allocation(world)
    make_submitted(world)
    person = make_person()
    for role in ("reviewer", "officer", "operator", "board", "administrator"):
        give_first_role(person, role)
    _token, everything = create_token(person, name="t", scopes=sorted(PERSONAL), person=person)
    _token, agent = create_token(None, name="a", scopes=["agent"], site=world.cluster.code)
    return {"person": everything, "agent": agent, "cluster": world.cluster.code}


schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", get_wsgi_application())


@schema.parametrize()
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_input(case: Any, tokens: dict[str, str]) -> None:
    agent = "/sites/" in case.path
    if agent and case.path_parameters:
        case.path_parameters["cluster"] = tokens["cluster"]
    headers = {"Authorization": f"Bearer {tokens['agent' if agent else 'person']}"}
    response = case.call(headers=headers)
    case.validate_response(response, checks=(not_a_server_error,))
    if response.status_code >= 400:
        assert response.headers["content-type"][0].startswith(("application/problem+json", "text/"))
    else:
        case.validate_response(response, checks=(content_type_conformance, response_schema_conformance))
