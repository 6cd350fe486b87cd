"""Applying from a call while signed out goes on to apply; a token is offered what its person can use it for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from tests.factories.world import make_person, make_world

from fabriek.access.models import Application, Call
from fabriek.people.models import Person, Role, Token
from fabriek.people.scopes import SCOPES, scopes_for

pytestmark = pytest.mark.django_db


def client_of(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def test_who_was_signed_out_goes_on_to_apply() -> None:
    call = make_world().call
    address = f"/calls/{call.code}/apply/"
    page = Client().get(f"/calls/{call.code}/").content.decode()
    assert f'href="{address}"' in page
    to_sign_in = Client().get(address)
    assert (to_sign_in.status_code, to_sign_in["Location"]) == (302, f"/sign-in/?next={address}")

    client = client_of(make_person())
    assert "Begin" in client.get(address).content.decode()
    assert not Application.objects.exists(), "an address begins nothing"
    begun = client.post(address)
    assert begun["Location"] == f"/applications/{Application.objects.get().code}/organisation/"
    Call.objects.update(closes=timezone.now() - timedelta(minutes=1))
    assert client.get(address)["Location"] == f"/calls/{call.code}/"


def test_a_token_is_offered_what_its_person_can_use_it_for() -> None:
    applicant, administrator = make_person(), make_person("administrator")
    assert scopes_for(applicant) == ["read", "apply", "describe", "ask", "attend"]
    assert "admin" in scopes_for(administrator)
    everybody = [make_person(role) for role in Role.values if role != Role.APPLICANT]
    assert {scope for person in everybody for scope in scopes_for(person)} == SCOPES.keys() - {"agent"}

    client = client_of(applicant)
    assert "Give and withdraw roles" not in client.get("/account/").content.decode()
    refused = client.post("/account/tokens/", {"label": "mine", "scopes": ["admin"]})
    assert refused.status_code == 422
    assert not Token.objects.exists()
    assert "Give and withdraw roles" in client_of(administrator).get("/account/").content.decode()
