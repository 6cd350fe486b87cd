"""Events over the API: planned, come to, cancelled; who is told what."""

from __future__ import annotations

import json
from typing import Any

import icalendar
import pytest
from django.test import Client
from tests.api.test_rest import client_of, post
from tests.factories.events import in_days, make_event, make_factory
from tests.factories.world import make_person

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
