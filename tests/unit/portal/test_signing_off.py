"""The pages of a sign-off: what waits for whom, giving initials, sending back, the minutes, a programme's route."""

from __future__ import annotations

import csv
import io

import pytest
from django.urls import reverse
from tests.factories.world import World, make_organisation, make_person, make_world
from tests.unit.portal.test_decide import get, reviewed, signed_in, text_of

from fabriek.access import actions as access
from fabriek.access.models import Decision
from fabriek.people.models import Person
from fabriek.programmes.actions import set_sign_off
from fabriek.programmes.models import Programme

pytestmark = pytest.mark.django_db

ROUTE = [{"title": "Second officer", "role": "officer"}, {"title": "Governing Board", "role": "board"}]


@pytest.fixture
def world() -> World:
    world = make_world(reviewers=1)
    make_person("reviewer")
    set_sign_off(make_person("administrator"), world.call.programme, ROUTE, "four eyes and the board's")
    world.call.refresh_from_db()
    return world


@pytest.fixture
def second() -> Person:
    return make_person("officer", organisation=make_organisation("public-sector"))


@pytest.fixture
def decision(world: World) -> Decision:
    reviewed(world)
    return access.propose_decision(world.officer, [world.call])


def test_from_a_proposal_to_its_minutes(world: World, second: Person, decision: Decision) -> None:
    officer, board = signed_in(world.officer), signed_in(make_person("board"))
    waits = text_of(get(officer, "decision", decision.code))
    assert "This proposal is being signed off" in waits
    assert "Publish…" not in waits
    assert reverse("portal:initial_decision", args=[decision.code]) not in waits
    # It stands on the list of whose turn it is, and of nobody else.
    assert f"Give your initials: {decision.code}" in text_of(get(signed_in(second), "decisions"))
    assert f"Give your initials: {decision.code}" not in text_of(get(board, "decisions"))
    assert "the turn of Second officer" in text_of(get(board, "initial_decision", decision.code))

    initials = reverse("portal:initial_decision", args=[decision.code])
    assert initials in text_of(get(signed_in(second), "decision", decision.code))
    given = signed_in(second).post(initials, {"remark": "The floors hold."}, follow=True)
    assert "Your initials are given." in text_of(given)
    assert "The floors hold." in text_of(given)
    assert board.post(initials, {"remark": ""}).status_code == 303

    assert "Publish…" in text_of(get(officer, "decision", decision.code))
    officer.post(reverse("portal:publish_decision", args=[decision.code]))
    decision.refresh_from_db()
    assert decision.state == "published"
    file = get(officer, "decision", decision.code, query="?format=csv&of=minutes").content.decode()
    minutes = list(csv.DictReader(io.StringIO(file)))
    assert [(row["what"], row["step"]) for row in minutes] == [
        ("proposed", ""),
        ("initials", "Second officer"),
        ("initials", "Governing Board"),
        ("published", ""),
    ]
    assert minutes[1]["remark"] == "The floors hold."


def test_sent_back_with_a_reason_it_is_an_earlier_version(world: World, second: Person, decision: Decision) -> None:
    client, back = signed_in(second), reverse("portal:send_back_decision", args=[decision.code])
    refused = client.post(back, {"remark": ""})
    assert refused.status_code == 422
    assert "Say why: it stays on record." in text_of(refused)
    assert client.post(back, {"remark": "Start-ups lack 20 hours."}).status_code == 303
    decision.refresh_from_db()
    assert decision.state == "discarded"
    again = access.propose_decision(world.officer, [world.call])
    text = text_of(get(signed_in(world.officer), "decision", again.code))
    assert "Versions" in text
    assert "Start-ups lack 20 hours." in text


def test_who_may_not_publish_or_sign_is_refused(world: World, decision: Decision) -> None:
    refused = signed_in(world.officer).post(reverse("portal:publish_decision", args=[decision.code]), follow=True)
    assert "still waits for initials: Second officer (Programme officer)" in text_of(refused)
    mine = signed_in(world.officer).post(reverse("portal:initial_decision", args=[decision.code]), {"remark": ""})
    assert mine.status_code == 422
    assert "You made this proposal" in text_of(mine)
    operator = signed_in(world.operator)
    assert operator.post(reverse("portal:initial_decision", args=[decision.code])).status_code == 403
    nothing = reverse("portal:initial_decision", args=["nothing"])
    assert signed_in(make_person("board")).get(nothing).status_code == 404


def test_the_route_of_a_programme(world: World) -> None:
    client, code = signed_in(make_person("board")), "eu-science"
    assert reverse("portal:set_sign_off", args=[code]) in text_of(get(client, "programmes"))
    assert reverse("portal:set_sign_off", args=[code]) not in text_of(get(signed_in(world.officer), "programmes"))
    address = reverse("portal:set_sign_off", args=[code])
    half = client.post(address, {"title_0": "Cabinet", "role_0": "", "why": "asked"})
    assert "Fill in both, or neither." in text_of(half)
    twice = {"title_0": "Cabinet", "role_0": "board", "title_1": "cabinet", "role_1": "officer", "why": "asked"}
    assert "Give each step a title of its own." in text_of(client.post(address, twice))
    assert Programme.objects.get(code=code).sign_off == []
    assert client.post(address, {**twice, "title_1": "Desk"}).status_code == 303
    assert Programme.objects.get(code=code).sign_off == [
        {"title": "Cabinet", "role": "board"},
        {"title": "Desk", "role": "officer"},
    ]
    # Emptied rows go; room for two more stays.
    shown = text_of(get(client, "set_sign_off", code))
    assert 'name="title_3"' in shown
    assert 'name="title_4"' not in shown
    client.post(address, {"title_0": "", "role_0": "", "title_1": "Desk", "role_1": "officer", "why": "less"})
    assert Programme.objects.get(code=code).sign_off == [{"title": "Desk", "role": "officer"}]
    assert signed_in(world.officer).get(address).status_code == 403
    assert client.get(reverse("portal:set_sign_off", args=["nothing"])).status_code == 404
