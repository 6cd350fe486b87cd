"""Pages, API and command for continuous calls and for what comes back: each role does its part."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from tests.api.test_rest import client_of, post
from tests.factories.world import make_allocation, make_organisation, make_person, make_world
from tests.unit.access.test_continuous import floor, free_hours, scored, wide_world
from tests.unit.access.test_rolling import decided_world, give_half_back, lead_of
from tests.unit.cli.test_over_the_api import Command, _no_network  # noqa: F401
from tests.unit.projects.test_returning import late_in, three_months

from fabriek.access.actions import decide_queue
from fabriek.access.models import Application, Decision
from fabriek.ledger.queries import check
from fabriek.people.models import Person
from fabriek.projects.actions import warn_unused
from fabriek.projects.models import Change, Return

pytestmark = pytest.mark.django_db


def signed_in(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def text_of(client: Client, name: str, *arguments: object) -> str:
    response = client.get(reverse(f"portal:{name}", args=arguments))
    assert response.status_code == 200, response.content[:500]
    return response.content.decode()


def test_an_officer_sees_the_queue_with_its_reserve_and_answers_it() -> None:
    world = wide_world()
    floor(world, "0.5")
    sme, startup = scored(world, "sme", int(free_hours(world) * 0.8)), scored(world, "startup", 100)
    client = signed_in(world.officer)
    assert reverse("portal:call_queue", args=[world.call.code]) in text_of(client, "call_applications", world.call.code)
    page = text_of(client, "call_queue", world.call.code)
    assert "Not yet" in page
    assert "Start-up" in page
    asked = "As it stands: 1 awarded, 0 not awarded, 1 wait on."
    assert asked in page
    assert asked in text_of(client, "decide_queue", world.call.code)
    assert not Decision.objects.exists()
    response = client.post(reverse("portal:decide_queue", args=[world.call.code]), follow=True)
    assert "1 awarded, 0 not awarded, 1 wait." in response.content.decode()
    assert Application.objects.get(pk=startup.pk).state == "awarded"
    told = text_of(signed_in(sme.applicant), "application", sme.code)
    assert "Not yet" in told
    assert "answered for good" in told


def test_a_call_that_is_decided_after_its_cut_off_has_no_queue_page() -> None:
    world = make_world(continuous=False)
    client = signed_in(world.officer)
    assert client.get(reverse("portal:call_queue", args=[world.call.code])).status_code == 404
    assert client.post(reverse("portal:decide_queue", args=[world.call.code])).status_code == 404


def test_an_officer_warns_takes_back_and_offers_again() -> None:
    world, first, second = decided_world()
    client = signed_in(world.officer)
    give_half_back(first)
    assert world.call.title in text_of(client, "returns")
    page = client.get(reverse("portal:offer_again", args=[world.call.code]))
    assert second.title in page.content.decode()
    sha256 = page.context["offer"].sha256
    response = client.post(reverse("portal:offer_again", args=[world.call.code]), {"sha256": sha256})
    decision = Decision.objects.get(origin="rolling")
    assert response["Location"] == reverse("portal:decision", args=[decision.code])
    assert second.title in text_of(client, "decision", decision.code)
    again = client.post(reverse("portal:offer_again", args=[world.call.code]), {"sha256": sha256}, follow=True)
    assert "Look again" in again.content.decode()
    text_of(client, "returns")
    assert check() == []


def test_a_warned_project_reads_it_and_its_lead_keeps_the_hours() -> None:
    world = make_world()
    allocation = three_months(world)
    (one,) = warn_unused(None, late_in(allocation.ends - timedelta(days=40)))
    lead, code = lead_of(allocation.project), allocation.project.code
    client = signed_in(lead)
    assert "Unused hours go back soon" in text_of(client, "project", code)
    page = text_of(client, "project_hours", code)
    assert "Keep these hours" in page
    assert "Announced" in text_of(signed_in(world.officer), "returns")
    address = reverse("portal:project_hours", args=[code])
    client.post(address, {"do": "claim", "number": one.pk, "why": "The data arrived."})
    assert Return.objects.get(pk=one.pk).state == "claimed"
    assert "The data arrived." in text_of(signed_in(world.officer), "returns")
    assert client.post(address, {"do": "claim", "number": "x", "why": "y"}).status_code == 404
    stranger = signed_in(make_person())
    assert stranger.get(address).status_code == 404


def test_a_lead_gives_back_and_asks_and_an_officer_answers() -> None:
    world = make_world()
    allocation = make_allocation(world, gpu_hours=100)
    code = allocation.project.code
    client, officer = signed_in(lead_of(allocation.project)), signed_in(world.officer)
    address = reverse("portal:project_hours", args=[code])
    give = {"do": "give", "give-allocation": allocation.code, "give-hours": 10}
    asked = client.post(address, give)
    assert asked.status_code == 200
    assert "Give these hours back?" in asked.content.decode()
    assert asked.context["seconds"] == 10 * 3600
    assert not Return.objects.exists()
    assert client.post(address, {**give, "sure": "1"}).status_code == 302
    assert Return.objects.get().accelerator_seconds == 10 * 3600
    assert client.post(address, {**give, "give-hours": 1_000, "sure": "1"}).status_code == 422
    told = re.sub(r"<[^>]+>", "", text_of(client, "project", code))
    assert "after 10 were given back" in told, "what was awarded is 10 less now"
    ask = {
        "do": "change",
        "change-kind": "extension",
        "change-allocation": allocation.code,
        "change-hours": 50,
        "change-months": 1,
        "change-why": "The data came late.",
    }
    assert client.post(address, {**ask, "change-hours": 10_000}).status_code == 422
    assert client.post(address, ask).status_code == 302
    change = Change.objects.get()
    assert "The data came late." in text_of(officer, "returns")
    assert "It can be granted" in text_of(officer, "change", change.pk)
    assert officer.post(reverse("portal:grant_change", args=[change.pk])).status_code == 303
    change.refresh_from_db()
    assert change.state == "granted"
    assert change.granted is not None
    assert change.granted.code in text_of(client, "project_hours", code)
    assert check() == []


def test_a_refused_change_tells_the_project_why() -> None:
    world = make_world()
    allocation = make_allocation(world, gpu_hours=100)
    lead = client_of(lead_of(allocation.project), "read", "apply")
    body = {"allocation": allocation.code, "kind": "extension", "hours": 50, "months": 1, "why": "Late."}
    made = post(lead, f"/projects/{allocation.project.code}/changes", body).json()
    officer = signed_in(world.officer)
    address = reverse("portal:change", args=[made["number"]])
    assert officer.post(address, {"answer": ""}).status_code == 422
    assert officer.post(address, {"answer": "Nothing is left after the end."}).status_code == 303
    (row,) = lead.get(f"/api/v1/projects/{allocation.project.code}/changes").json()["items"]
    assert (row["state"], row["answer"]) == ("refused", "Nothing is left after the end.")


def test_over_the_api_everything_that_the_pages_do() -> None:
    world = wide_world()
    floor(world)
    scored(world, "startup", 100)
    officer = client_of(world.officer, "read", "decide")
    address = f"/calls/{world.call.code}/queue"
    found = officer.get(f"/api/v1{address}").json()
    assert [row["verdict"] for row in found["queue"]] == ["grant"]
    assert [row["organisation_class"] for row in found["classes"]] == ["startup"]
    assert len(post(officer, address).json()["awarded"]) == 1
    assert post(officer, "/queues").json() == []
    assert post(client_of(make_person(), "read", "decide"), address).status_code == 403
    assert officer.get("/api/v1/calls/none/queue").status_code == 404


def test_a_project_gives_back_over_the_api_and_strangers_see_nothing() -> None:
    world = make_world()
    allocation = make_allocation(world, gpu_hours=100)
    address = f"/projects/{allocation.project.code}/returns"
    lead = client_of(lead_of(allocation.project), "read", "apply")
    body = {"allocation": allocation.code, "hours": 10}
    assert post(lead, address, body).json()["state"] == "returned"
    assert len(lead.get(f"/api/v1{address}").json()["items"]) == 1
    assert post(client_of(make_person(), "read", "apply"), address, body).status_code == 404
    assert post(lead, address, {"allocation": "none", "hours": 10}).status_code == 404


def test_the_command_answers_queues_and_offers_again() -> None:
    world, first, second = decided_world()
    give_half_back(first)
    officer = Command(world.officer)
    offer = officer.read("offer", "show", world.call.code)
    assert [row["application"] for row in offer["offers"] if row["gpu_hours"]] == [second.code]
    officer.run("offer", "confirm", world.call.code, offer["problem_sha256"])
    officer.run("offer", "confirm", world.call.code, offer["problem_sha256"], status=1)
    assert Application.objects.get(pk=second.pk).state == "awarded"
    assert officer.read("return", "list") == []
    assert officer.read("queue", "decide-all") == []


def test_the_command_warns_claims_asks_and_grants() -> None:
    world = make_world()
    allocation = make_allocation(world, gpu_hours=100)
    lead, officer = Command(lead_of(allocation.project)), Command(world.officer)
    officer.run("return", "warn")
    project, words = allocation.project.code, ("--allocation", allocation.code, "--hours", "20")
    lead.run("return", "give", project, *words)
    lead.run("change", "ask", project, "extension", *words, "--months", "1", "--why", "Late.")
    (row,) = officer.read("change", "list")
    assert "Granted" in officer.run("change", "grant", row["number"]).stdout
    assert officer.read("change", "list") == []


def test_a_timer_answers_in_an_officers_name() -> None:
    world = wide_world()
    application = scored(world, "startup", 100)
    officer = Command(world.officer)
    assert application.code in str(officer.read("decide-due", "--as", world.officer.email))
    assert "No continuous call" in officer.run("decide-due", "--as", world.officer.email).stdout


def test_a_board_member_reads_and_decides_nothing() -> None:
    world = wide_world()
    scored(world, "startup", 100)
    board = signed_in(make_person("board", organisation=make_organisation("public-sector")))
    text_of(board, "returns")
    page = text_of(board, "call_queue", world.call.code)
    assert "Answer what can be answered" not in page
    assert board.post(reverse("portal:decide_queue", args=[world.call.code])).status_code == 403
    assert decide_queue(world.officer, world.call, datetime.now(UTC)).granted
