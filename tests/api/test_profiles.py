"""Profiles over the API: begun, agreed to, withdrawn and erased by their owner alone; letters, looks and ventures."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from tests.api.test_rest import client_of
from tests.factories.catalogue import make_entry
from tests.factories.world import make_allocation, make_organisation, make_person, make_world

from fabriek.people.models import Person

pytestmark = pytest.mark.django_db
SCOPES = ("read", "describe", "ask", "curate")


def send(client: Client, method: str, path: str, **body: Any) -> Any:
    return getattr(client, method)(f"/api/v1{path}", json.dumps(body), content_type="application/json")


def venture_of(lead: Person, **said: Any) -> str:
    project = make_allocation(make_world(), lead=lead).project
    return make_entry("venture", steward=lead, details={"project": project.code}, **said).code


def test_a_profile_is_begun_agreed_to_withdrawn_and_erased() -> None:
    client = client_of(make_person(name="Anna Jansen"), *SCOPES)
    begun = send(client, "post", "/me/profiles", kind="expert").json()
    assert (begun["title"], begun["state"], begun["project"]) == ("Anna Jansen", "draft", None)
    code = begun["code"]
    address = f"/catalogue/profiles/{code}"
    asked = client.get(f"/api/v1{address}/consents").json()["agreements"]
    assert [one["purpose"] for one in asked] == ["catalogue", "feeds", "matching", "contact"]
    assert not any(one["stands"] or one["asks_again"] for one in asked)
    lacking = send(client, "put", f"{address}/consents", purposes=["catalogue"])
    assert (lacking.status_code, list(lacking.json()["faults"])) == (422, ["summary"])
    record = {**client.get(f"/api/v1/catalogue/entries/{code}").json()["record"], "summary": "Speech for the north."}
    assert send(client, "put", f"/catalogue/entries/{code}", record=record).status_code == 200
    agreed = send(client, "put", f"{address}/consents", purposes=["catalogue", "contact"]).json()
    assert (agreed["state"], [one["stands"] for one in agreed["agreements"]]) == (
        "published",
        [True, False, False, True],
    )
    assert Client().get(f"/api/v1/catalogue/entries/{code}").json()["summary"] == "Speech for the north."
    assert send(client, "put", f"{address}/consents", purposes=["catalogue", "sale"]).status_code == 422
    assert send(client, "put", f"{address}/consents", purposes=[]).json()["state"] == "retired"
    assert Client().get(f"/api/v1/catalogue/entries/{code}").status_code == 404
    told = client.get("/api/v1/me/catalogue-data").json()
    assert [one["ending"] for one in told["consents"]] == ["withdrawn", "withdrawn"]
    assert client.delete(f"/api/v1{address}").status_code == 204
    assert client.get("/api/v1/me/profiles").json()["total"] == 0


def test_of_profiles_of_others_nothing_is_told_or_done() -> None:
    entry = make_entry("expert", steward=make_person())
    for stranger in (make_person(), make_person("officer"), make_person("administrator")):
        client = client_of(stranger, *SCOPES)
        address = f"/catalogue/profiles/{entry.code}"
        for part in ("consents", "letters", "looks"):
            assert client.get(f"/api/v1{address}/{part}").status_code == 404
        assert send(client, "put", f"{address}/consents", purposes=[]).status_code == 404
        assert client.delete(f"/api/v1{address}").status_code == 404
        assert send(client, "put", f"/catalogue/entries/{entry.code}", record=entry.record).status_code == 403
        assert send(client, "post", f"/catalogue/entries/{entry.code}/retire", why="").status_code == 403
    assert Client().get(f"/api/v1/catalogue/entries/{entry.code}").status_code == 200


def test_a_curator_hides_and_lifts() -> None:
    owner, curator = make_person(), client_of(make_person("operator"), *SCOPES)
    entry = make_entry("expert", steward=owner)
    address = f"/catalogue/profiles/{entry.code}"
    assert send(client_of(owner, *SCOPES), "post", f"{address}/hide", why="No.").status_code == 403
    assert send(curator, "post", f"{address}/hide", why="").status_code == 422
    assert send(curator, "post", f"{address}/hide", why="It misleads.").json()["hidden_at"]
    assert client_of(owner, *SCOPES).get(f"/api/v1{address}/consents").json()["hidden_because"] == "It misleads."
    hidden = curator.get("/api/v1/catalogue/entries?state=hidden").json()
    assert [one["code"] for one in hidden["items"]] == [entry.code]
    assert client_of(owner, *SCOPES).get("/api/v1/catalogue/entries?state=hidden").status_code == 403
    assert send(curator, "post", f"{address}/lift").json()["state"] == "published"


def test_letters_are_written_without_an_address_and_are_few() -> None:
    owner, sender = make_person(), make_person(name="Sven Sender")
    entry = make_entry("expert", steward=owner)
    writer, address = client_of(sender, *SCOPES), f"/catalogue/profiles/{entry.code}/letters"
    sent = send(writer, "post", address, text="Will you help us?")
    assert (sent.status_code, owner.email in sent.content.decode()) == (200, False)
    send(writer, "post", address, text="And when?")
    assert send(writer, "post", address, text="Please?").status_code == 429
    got = client_of(owner, *SCOPES).get(f"/api/v1{address}").json()
    assert [one["text"] for one in got["items"]] == ["And when?", "Will you help us?"]
    assert sender.email not in json.dumps(got)
    silent = make_entry("expert", purposes=["catalogue"])
    assert send(writer, "post", f"/catalogue/profiles/{silent.code}/letters", text="Hello").status_code == 404


def test_looks_are_told_to_the_venture_and_reading_it_here_tells_nobody() -> None:
    lead = make_person(organisation=make_organisation())
    code = venture_of(lead)
    investor = client_of(make_person(name="Ines Investor"), *SCOPES)
    address = f"/catalogue/profiles/{code}/looks"
    investor.get(f"/api/v1/catalogue/entries/{code}")
    owner = client_of(lead, *SCOPES)
    assert owner.get(f"/api/v1{address}").json()["total"] == 0
    for _again in range(2):
        assert send(investor, "post", address).json() == {"counted": True}
    assert send(owner, "post", address).json() == {"counted": False}
    told = owner.get(f"/api/v1{address}").json()
    assert [one["name"] for one in told["items"]] == ["Ines Investor"]
    assert (told["weeks"][-1]["named"], told["kept_days"]) == (1, 365)
    assert send(investor, "post", f"/catalogue/profiles/{make_entry('expert').code}/looks").status_code == 404


def test_ventures_come_by_sector_and_ticket_with_their_hours_where_they_agree() -> None:
    code = venture_of(make_person(organisation=make_organisation()), sectors=["health"])
    make_entry("venture", sectors=["energy"], details={"seeks_amount": 500_000, "stage": "pilot"})
    told = Client().get("/api/v1/catalogue/ventures?sort=title").json()
    assert {one["value"]: one["count"] for one in told["sectors"]} == {"health": 1, "energy": 1}
    by_code = {one["code"]: one for one in told["items"]}
    assert by_code[code]["hours"] == {"accelerator_seconds": 0, "core_seconds": 0}
    [fits] = Client().get("/api/v1/catalogue/ventures?least=100000&most=500000").json()["items"]
    assert (fits["stage"], fits["seeks_amount"], fits["hours"]) == ("pilot", 500_000, None)
    assert Client().get("/api/v1/catalogue/ventures?least=-1").status_code == 422


def test_a_list_says_in_which_language_its_titles_are() -> None:
    make_entry(title="Frisian speech", translations={"nl": {"title": "Friese spraak"}})
    found = Client(headers={"Accept-Language": "nl"}).get("/api/v1/catalogue/entries").json()["items"][0]
    assert (found["title"], found["language"], found["why"]["language"]) == ("Frisian speech", "en", "nl")
    assert "".join(piece["text"] for piece in found["why"]["title"]) == "Friese spraak"
