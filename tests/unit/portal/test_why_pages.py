"""Why, on pages: for the officer by name, before publication too; for the applicant once published, without others."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from tests.factories.world import MONTH, NEXT, World, make_draft, make_organisation, make_person, make_world
from tests.unit.portal.test_decide import get, judged, reviewed, rows_of, signed_in, text_of, with_reviewers
from tests.unit.portal.test_scenario_pages import filled, solve_all

from fabriek.access import actions
from fabriek.access.models import Application, Decision, Inquiry, Scenario
from fabriek.programmes.actions import make_promise
from fabriek.programmes.models import Programme

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    with_reviewers()
    return make_world()


def one_too_many(world: World) -> tuple[Scenario, Application, Application]:
    """A solved scenario, who is awarded and who is displaced."""
    awarded = reviewed(world, points=4.5, gpu_hours=4800)
    refused = reviewed(world, points=4, gpu_hours=4000)
    for application, title in ((awarded, "The large one"), (refused, "The small one")):
        Application.objects.filter(pk=application.pk).update(title=title)
    scenario = actions.ask_scenario(world.officer, [world.call])
    solve_all()
    return scenario, awarded, refused


def published(world: World, scenario: Scenario) -> Decision:
    decision = actions.choose_scenario(world.officer, Scenario.objects.get(pk=scenario.pk))
    return actions.publish_decision(world.officer, decision)


def floor(world: World, organisation_class: str) -> None:
    make_promise(
        world.officer,
        code=organisation_class,
        name=f"Floor of {organisation_class}",
        kind="floor",
        programme=Programme.objects.get(code="eu-industrial-entry"),
        organisation_class=organisation_class,
        fraction=Decimal("0.1"),
        of="awarded",
        valid_from=MONTH,
    )


def answered(inquiry: Inquiry | None = None) -> None:
    for one in Inquiry.objects.filter(state="asked") if inquiry is None else [inquiry]:
        actions.answer_here(one)


def queries_of(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


def test_the_officer_reads_by_name_who_displaced_it_before_it_is_published(world: World) -> None:
    scenario, awarded, refused = one_too_many(world)
    client = signed_in(world.officer)
    address = reverse("portal:scenario_why", args=[scenario.code, refused.code])
    assert f'href="{address}"' in text_of(get(client, "scenario", scenario.code))
    text = text_of(get(client, "scenario_why", scenario.code, refused.code))
    assert "Others hold the room that you asked for" in text
    assert "The large one" in text
    assert "Find the smallest change" in text
    assert "your preferred choice" in text_of(get(client, "scenario_why", scenario.code, awarded.code))
    assert client.get(reverse("portal:scenario_why", args=[scenario.code, "no-such"])).status_code == 404


def test_the_smallest_change_is_asked_by_a_button_followed_and_shown_as_it_was(world: World) -> None:
    scenario, _awarded, refused = one_too_many(world)
    client = signed_in(world.officer)
    response = client.post(reverse("portal:scenario_why", args=[scenario.code, refused.code]))
    assert response["Location"].endswith("#changes")
    inquiry = Inquiry.objects.get()
    assert "It waits for its turn" in text_of(get(client, "scenario_why", scenario.code, refused.code))
    Inquiry.objects.update(state="solving", done=3)
    now = get(client, "inquiry_now", inquiry.pk)
    assert "3 of at most 60" in text_of(now)
    assert "HX-Refresh" not in now
    Inquiry.objects.update(state="asked")
    answered()
    assert get(client, "inquiry_now", inquiry.pk)["HX-Refresh"] == "true"
    text = text_of(get(client, "scenario_why", scenario.code, refused.code))
    assert "would have been enough" in text
    assert "We checked each of these by deciding again" in text
    assert "Who would have been awarded less" in text
    assert "Find the smallest change" not in text
    client.post(reverse("portal:scenario_why", args=[scenario.code, refused.code]))
    assert Inquiry.objects.get() == inquiry


def test_the_applicant_asks_on_their_own_page_and_reads_of_nobody_else(world: World) -> None:
    scenario, awarded, refused = one_too_many(world)
    client = signed_in(refused.applicant)
    address = reverse("portal:application_why", args=[refused.code])
    assert client.post(address).status_code == 404, "nothing is published yet"
    published(world, scenario)
    text = text_of(get(client, "application", refused.code))
    assert "Applications that hold hours there: 1 (Start-up 1)." in text
    assert "Find out what would have been enough" in text
    assert client.post(address)["Location"] == f"{reverse('portal:application', args=[refused.code])}#why"
    inquiry = Inquiry.objects.get()
    assert "It waits for its turn" in text_of(get(client, "application", refused.code))
    assert get(client, "inquiry_now", inquiry.pk)
    answered()
    text = text_of(get(client, "application", refused.code))
    assert "We checked each of these by deciding again" in text
    for secret in (awarded.code, "The large one", str(awarded.organisation), world.officer.name):
        assert secret not in text
    assert "90" not in text.split("What would have been enough")[0].split("Not awarded")[-1]
    stranger = signed_in(awarded.applicant)
    assert stranger.get(reverse("portal:inquiry_now", args=[inquiry.pk])).status_code == 404
    assert stranger.post(address).status_code == 404
    assert stranger.get(reverse("portal:scenario_why", args=[scenario.code, refused.code])).status_code == 403


def test_where_an_award_is_not_the_preferred_one_its_page_tells_why_there(world: World) -> None:
    reviewed(world, gpu_hours=4800)
    person = make_person(organisation=make_organisation())
    draft = make_draft(world, applicant=person)
    alternatives = [
        {"partition": world.partition, "first_month": month, "months": 1, "gpu_hours": 4000} for month in (MONTH, NEXT)
    ]
    draft = actions.save_draft(person, draft, draft.version, alternatives=alternatives)
    application = judged(world, actions.submit_application(person, draft), points=4)
    scenario = actions.ask_scenario(world.officer, [world.call])
    solve_all()
    published(world, scenario)
    text = text_of(get(signed_in(person), "application", application.code))
    assert "choice 2 of your application" in text
    assert "There was no room for choice 1" in text


def test_the_decision_room_links_every_row_to_its_reasons(world: World) -> None:
    scenario, awarded, refused = one_too_many(world)
    decision = published(world, scenario)
    client = signed_in(world.officer)
    text = text_of(get(client, "decision", decision.code))
    for application in (awarded, refused):
        assert reverse("portal:scenario_why", args=[scenario.code, application.code]) in text
        judged = text_of(get(client, "judge_application", application.code))
        assert reverse("portal:scenario_why", args=[scenario.code, application.code]) in judged


def test_prices_are_on_both_pages_asked_by_buttons_and_downloaded(world: World) -> None:
    floor(world, "startup")
    scenario, _awarded, _refused = one_too_many(world)
    decision = published(world, scenario)
    client = signed_in(world.officer)
    asking = reverse("portal:scenario_prices", args=[scenario.code])
    assert client.post(asking, {"of": "partitions"})["Location"].endswith(f"/scenarios/{scenario.code}/#prices")
    response = client.post(asking, {"of": "promises", "decision": decision.code})
    assert response["Location"].endswith(f"/decisions/{decision.code}/#prices")
    for name, code in (("scenario", scenario.code), ("decision", decision.code)):
        text = text_of(get(client, name, code))
        assert "<fabriek-plot>" in text
        assert "What more hours would add to the value" in text
        assert text.count("It waits for its turn") == 2
    answered()
    for name, code in (("scenario", scenario.code), ("decision", decision.code)):
        assert "Find what each promise costs" not in text_of(get(client, name, code))
        months = rows_of(get(client, name, code, query="?format=csv&of=months"))
        assert {row["partition"] for row in months} == {world.partition.code}
        assert len(months) == world.call.months
        [partition] = rows_of(get(client, name, code, query="?format=csv&of=partitions"))
        assert float(partition["adds_at_least"]) <= float(partition["adds_at_most"])
        promises = {row["promise"]: row for row in rows_of(get(client, name, code, query="?format=csv&of=promises"))}
        assert promises["startup"]["costs_at_most"]
    assert client.post(asking, {"of": "weather"}, follow=True).status_code == 200


@pytest.mark.parametrize("what", ["floor", "share", "threshold", "capacity"])
def test_each_of_floor_share_threshold_and_capacity_is_moved_from_the_page_and_compared_with_reasons(
    world: World, what: str
) -> None:
    floor(world, "sme")
    reviewed(world, gpu_hours=4800)
    refused = reviewed(world, points=4, gpu_hours=4000)
    client = signed_in(world.officer)
    form = get(client, "what_if", query=f"?calls={world.call.code}").context["form"]
    moved = next(name for name in form.promises if form.fields[name].label == "Floor of sme")
    answers: dict[str, Any] = {
        "floor": {moved: "30"},
        "share": {
            "share-0-programme": "eu-industrial-entry",
            "share-0-partition": world.partition.code,
            "share-0-percent": "95",
            "share-0-counterpart": "eu-science",
        },
        "threshold": {"threshold-0": "85"},
        "capacity": {"capacity-0-partition": world.partition.code, "capacity-0-percent": "200"},
    }[what]
    response = filled(client, world, **answers)
    assert response.status_code == 303, text_of(response)
    solve_all()
    scenario = Scenario.objects.get(base__isnull=False)
    text = text_of(get(client, "scenario", scenario.code))
    if what in ("share", "capacity"):
        assert "Before:" in text
        assert "No room left on" in text
        rows = rows_of(
            get(
                client,
                "compare_scenarios",
                query=f"?plan={scenario.base.code}&plan={scenario.code}&format=csv&of=applications",  # type: ignore[union-attr]
            )
        )
        assert [(row["application"], row["change"]) for row in rows] == [(refused.code, "gains")]
        assert rows[0]["why"].startswith("No room left on")


def test_the_number_of_queries_does_not_grow_with_the_applications(world: World) -> None:
    scenario, _awarded, refused = one_too_many(world)
    client = signed_in(world.officer)

    def pages(scenario: Scenario) -> list[int]:
        return [
            queries_of(client, reverse("portal:scenario", args=[scenario.code])),
            queries_of(client, reverse("portal:scenario_why", args=[scenario.code, refused.code])),
        ]

    few = pages(scenario)
    for _number in range(4):
        reviewed(world, points=4, gpu_hours=3000)
    more = actions.ask_scenario(world.officer, [world.call])
    solve_all()
    assert pages(more) == few
    decision = published(world, more)
    room = reverse("portal:decision", args=[decision.code])
    assert queries_of(client, room) <= 60
    own = queries_of(signed_in(refused.applicant), reverse("portal:application", args=[refused.code]))
    assert own <= 30
