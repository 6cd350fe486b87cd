"""`fabriek event`: from a file with a plan to who came, and what a participant does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.api.test_events import LINK, body
from tests.factories.events import begin_now, make_factory
from tests.factories.world import make_person
from tests.unit.cli.test_over_the_api import Command, _no_network  # noqa: F401 - the fixture

from fabriek.events.models import Event

pytestmark = pytest.mark.django_db


def test_an_event_from_a_file_to_who_came(tmp_path: Path) -> None:
    officer, person = Command(make_person("officer")), Command(make_person())
    file, ics = tmp_path / "plan.json", tmp_path / "events.ics"
    file.write_text(json.dumps(body(make_factory().code)))
    code = officer.read("event", "plan", file)["code"]
    assert code in officer.run("event", "desk", "--state", "draft").stdout
    officer.run("event", "publish", code)
    assert person.run("event", "register", code).stdout == "You have a seat.\n"
    assert officer.run("event", "register", code).stdout == "You are number 1 on the waiting list.\n"
    assert LINK in person.run("event", "show", code).stdout
    assert [one["state"] for one in person.read("event", "mine")] == ["seat"]
    assert code in person.run("event", "mine").stdout
    person.run("event", "calendar", code, "--to", ics)
    assert ics.read_bytes().startswith(b"BEGIN:VCALENDAR\r\n")
    assert "BEGIN:VEVENT" in person.run("event", "calendar").stdout
    assert "/events/own/" in person.run("event", "own-calendar").stdout
    person.run("event", "withdraw", code)
    number = officer.read("event", "participants", code)[0]["number"]
    assert officer.read("event", "change", code, file)["sequence"] == 0
    officer.run("event", "attendance", code, "--came", number, status=1)
    officer.run("event", "attendance", code, status=2)
    begin_now(Event.objects.get())
    assert officer.run("event", "attendance", code, "--came", number).stdout == "1 marks changed.\n"
    assert code in person.run("event", "list", "--when", "all", "--kind", "training").stdout
    officer.run("event", "cancel", code, "--why", "Enough.")


def test_a_draft_is_thrown_away_and_a_bad_plan_ends_with_its_fields(tmp_path: Path) -> None:
    officer = Command(make_person("officer"))
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(body(make_factory().code, sessions=[])))
    code = officer.read("event", "plan", file)["code"]
    assert "sessions" in officer.run("event", "publish", code, status=2).output
    officer.run("event", "discard", code)
    assert officer.read("event", "desk") == []
