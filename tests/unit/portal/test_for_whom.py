"""For whom one applies, and for whom one works: the first is the application's, the second decides on conflicts."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from tests.factories.world import make_organisation, make_person, make_world

from fabriek.access.actions import start_application
from fabriek.access.models import Application
from fabriek.people.models import Organisation, Person

pytestmark = pytest.mark.django_db

ANOTHER = {"name": "Another company", "organisation_class": "sme", "country": "DE"}


def begin(person: Person) -> tuple[Client, Application]:
    client = Client()
    client.force_login(person)
    return client, start_application(person, make_world().call)


def say(client: Client, draft: Application, step: str = "organisation", **said: Any) -> int:
    return client.post(f"/applications/{draft.code}/{step}/", {**ANOTHER, "version": draft.version, **said}).status_code


def test_half_a_name_is_no_organisation() -> None:
    client, draft = begin(make_person())
    assert say(client, draft, "save/organisation", name="Anoth") == 404
    page = client.get(f"/applications/{draft.code}/organisation/").content.decode()
    assert "hx-post" not in page.split("<main")[1]
    assert "hx-post" in client.get(f"/applications/{draft.code}/project/").content.decode().split("<main")[1]
    assert not Organisation.objects.filter(name__startswith="Anoth").exists()


def test_who_works_for_nobody_yet_works_for_whom_they_apply() -> None:
    person = make_person()
    client, draft = begin(person)
    assert say(client, draft) == 302
    person.refresh_from_db()
    draft.refresh_from_db()
    assert person.organisation == draft.organisation == Organisation.objects.get(name="Another company")


def test_an_application_for_another_changes_nobodys_employer() -> None:
    own = make_organisation()
    person = make_person(organisation=own)
    client, draft = begin(person)
    page = client.get(f"/applications/{draft.code}/organisation/").content.decode()
    assert "This is about this application alone" in page
    assert say(client, draft) == 302
    person.refresh_from_db()
    draft.refresh_from_db()
    assert draft.organisation is not None
    assert draft.organisation.name == "Another company"
    assert (draft.organisation_class, draft.country) == ("sme", "DE")
    assert person.organisation == own


def test_for_whom_one_works_is_changed_in_ones_account() -> None:
    person = make_person(organisation=make_organisation())
    client, draft = begin(person)
    assert "/account/organisation/" in client.get("/account/").content.decode()
    assert client.post("/account/organisation/", {**ANOTHER, "name": ""}).status_code == 422
    assert client.post("/account/organisation/", ANOTHER).status_code == 302
    person.refresh_from_db()
    assert person.organisation is not None
    assert person.organisation.name == "Another company"
    before = draft.organisation
    draft.refresh_from_db()
    assert draft.organisation == before, "what was begun stays as it was"
