"""Events over the API, and by the command: planned, come to, cancelled; who is told what."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import icalendar
import pytest
from django.test import Client
from tests.api.test_rest import client_of, post
from tests.factories.events import in_days, make_event, make_factory, move_into_past
from tests.factories.world import make_person
from typer.testing import CliRunner

from fabriek.cli.main import app
from fabriek.conf.wsgi import application
from fabriek.events.models import Event
from fabriek.people.actions import create_token

pytestmark = pytest.mark.django_db
LINK = "https://meet.example.org/secret-room"


def body(factory: str, **said: Any) -> dict[str, Any]:
    return {
        "title": "Many GPUs at once",
        "kind": "training",
        "factory": factory,
        "zone": "Europe/Amsterdam",
        "sessions": [{"starts": in_days(10, 9).isoformat(), "ends": in_days(10, 12).isoformat()}],
        "summary": "For who used one.",
        "languages": ["en"],
        "link": LINK,
        "contact_email": "events@example.org",
        "seats": 1,
        **said,
    }


def test_an_event_s_whole_life_over_the_api() -> None:
    factory = make_factory()
    organiser = client_of(make_person("operator"), "read", "organise")
    made = post(organiser, "/calendar/events", body(factory.code))
    assert made.status_code == 200, made.content
    code = made.json()["code"]
    assert Client().get(f"/api/v1/calendar/events/{code}").status_code == 404
    assert post(organiser, f"/calendar/events/{code}/publish").json()["state"] == "published"
    assert [one["code"] for one in Client().get("/api/v1/calendar/events").json()["items"]] == [code]
    first, second = (client_of(make_person(), "read", "attend") for _ in range(2))
    assert post(first, f"/calendar/events/{code}/registration").json()["link"] == LINK
    waits = post(second, f"/calendar/events/{code}/registration").json()
    assert (waits["registration"], waits["place_in_line"], waits["link"], waits["taken"]) == ("waiting", 1, "", 1)
    shown = Client().get(f"/api/v1/calendar/events/{code}").json()
    assert (shown["link"], shown["is_online"], shown["registration"]) == ("", True, None)
    assert first.delete(f"/api/v1/calendar/events/{code}/registration").json()["registration"] is None
    mine = second.get("/api/v1/calendar/registrations").json()["items"]
    assert [(one["event"]["code"], one["state"]) for one in mine] == [(code, "seat")]
    # Whole, by the sequence that was read; a session without its name is known by its times.
    uuid = shown["sessions"][0]["uuid"]
    changed = organiser.put(
        f"/api/v1/calendar/events/{code}",
        json.dumps(body(factory.code, seats=5, read=shown["sequence"])),
        content_type="application/json",
    ).json()
    assert (changed["seats"], changed["sequence"], changed["sessions"][0]["uuid"]) == (5, 1, uuid)
    stale = organiser.put(
        f"/api/v1/calendar/events/{code}",
        json.dumps(body(factory.code, seats=6, read=shown["sequence"])),
        content_type="application/json",
    )
    assert (stale.status_code, stale.json()["sequence"]) == (412, 1)
    people = organiser.get(f"/api/v1/calendar/events/{code}/participants").json()
    assert [one["state"] for one in people["items"]] == ["seat"]
    assert organiser.get("/api/v1/calendar/desk/events").json()["items"][0]["waiting"] == 0
    assert second.get(f"/api/v1/calendar/events/{code}/participants").status_code == 403
    off = post(organiser, f"/calendar/events/{code}/cancel", {"why": "The speaker is ill."}).json()
    assert (off["state"], off["why"]) == ("cancelled", "The speaker is ill.")
    assert post(first, f"/calendar/events/{code}/registration").json()["reason"] == "cancelled"


def test_what_does_not_hold_is_named_by_its_field() -> None:
    organiser = client_of(make_person("officer"), "organise")
    factory = make_factory().code
    refused = post(organiser, "/calendar/events", body(factory, zone="Mars/Olympus", languages=["Dutch"]))
    assert refused.status_code == 422
    assert refused.json()["faults"].keys() == {"zone", "languages"}
    naive = post(organiser, "/calendar/events", body(factory, opens="2030-01-01T00:00:00"))
    assert naive.status_code == 422
    assert post(organiser, "/calendar/events", body(factory, entry="nothing-here")).status_code == 404


def test_calendars_come_as_icalendar() -> None:
    seated, event = make_person(), make_event(link=LINK)
    client = client_of(seated, "read", "attend")
    post(client, f"/calendar/events/{event.code}/registration")
    for reader, address, with_link in (
        (Client(), "/calendar/feed", False),
        (Client(), f"/calendar/feed?factory={event.factory.code}", False),
        (Client(), f"/calendar/events/{event.code}/ics", False),
        (client, f"/calendar/events/{event.code}/ics", True),
        (Client(), post(client, "/calendar/own").json()["address"].partition("8000")[2], True),
    ):
        response = reader.get(address if "/own/" in address else f"/api/v1{address}")
        assert response.status_code == 200, address
        found = icalendar.Calendar.from_ical(response.content).walk("VEVENT")
        assert [str(one["summary"]) for one in found] == [event.title]
        assert ("CONFERENCE" in found[0]) == with_link


def test_the_command_does_what_the_pages_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    officer, person = make_person("officer"), make_person()
    tokens = {
        one.pk: create_token(one, name="test", scopes=["read", "attend", "organise"], person=one)[1]
        for one in (officer, person)
    }
    inside = httpx.Client(transport=httpx.WSGITransport(app=application), base_url="http://testserver")
    monkeypatch.setattr(httpx, "request", lambda method, url, **more: inside.request(method, url, **more))

    def run(who: Any, *words: str, status: int = 0) -> str:
        said = CliRunner().invoke(
            app, ["event", *words], env={"FABRIEK_URL": "http://testserver", "FABRIEK_TOKEN": tokens[who.pk]}
        )
        assert said.exit_code == status, said.output
        return said.output

    file = tmp_path / "plan.json"
    file.write_text(json.dumps(body(make_factory().code)))
    code = json.loads(run(officer, "plan", str(file), "--json"))["code"]
    assert code in run(officer, "desk", "--state", "draft", "--json")
    run(officer, "publish", code)
    assert run(person, "register", code) == "You have a seat.\n"
    assert run(officer, "register", code) == "You are number 1 on the waiting list.\n"
    assert LINK in run(person, "show", code)
    assert [one["state"] for one in json.loads(run(person, "mine", "--json"))] == ["seat"]
    ics = tmp_path / "events.ics"
    run(person, "calendar", code, "--to", str(ics))
    assert b"BEGIN:VEVENT" in ics.read_bytes()
    assert "/events/own/" in run(person, "own-calendar")
    run(person, "withdraw", code)
    number = json.loads(run(officer, "participants", code, "--json"))[0]["number"]
    run(officer, "change", code, str(file))
    run(officer, "attendance", code, "--came", str(number), status=1)
    move_into_past(Event.objects.get(), 10.45)
    assert run(officer, "attendance", code, "--came", str(number)) == "1 marks changed.\n"
    assert code in run(person, "list", "--when", "all", "--json")
    run(officer, "cancel", code, "--why", "Enough.")
    other = tmp_path / "other.json"
    other.write_text(json.dumps(body(make_factory().code)))
    run(officer, "discard", json.loads(run(officer, "plan", str(other), "--json"))["code"])
