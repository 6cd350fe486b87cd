"""The decision room's what-ifs: asked from what stands, followed, told apart, compared, chosen when real."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from tests.factories.world import MONTH, World, make_person, make_world
from tests.unit.portal.test_decide import get, reviewed, rows_of, signed_in, text_of, with_reviewers

from fabriek.access import actions
from fabriek.access.models import Decision, Scenario, ScenarioRun
from fabriek.access.solving import claim, hold_here, solve_here

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    with_reviewers()
    return make_world()


def solve_all() -> None:
    for scenario in Scenario.objects.filter(run__state="asked"):
        solve_here(scenario, hold_here(scenario))


def filled(client: Client, world: World, query: str = "", **answers: Any) -> Any:
    """The form of a what-if as it stands, with some answers changed, sent."""
    page = get(client, "what_if", query=query or f"?calls={world.call.code}")
    form = page.context["form"]
    sent: dict[str, Any] = {"why": "to know"}
    for field in form:
        value = field.value()
        if value is not None:
            sent.setdefault(field.name, value)
    start = page.context["start"]
    sent |= {"from": start.code} if start else {"calls": world.call.code}
    return client.post(reverse("portal:what_if"), {**sent, **answers})


def test_a_what_if_starts_from_what_stands_and_asks_only_what_was_changed(world: World) -> None:
    reviewed(world)
    client = signed_in(world.officer)
    response = client.post(reverse("portal:propose_decision"), {"calls": [world.call.code], "what_if": "1"})
    assert response["Location"] == f"{reverse('portal:what_if')}?calls={world.call.code}"
    refused = filled(client, world)
    assert refused.status_code == 422
    assert "Nothing differs" in text_of(refused)
    response = filled(client, world, **{"threshold-0": "75", "capacity-0-percent": "50"})
    assert response.status_code == 303, text_of(response)
    scenario = Scenario.objects.get(base__isnull=False)
    assert [change["kind"] for change in scenario.changes] == ["capacity", "threshold"]
    assert scenario.why == "to know"


def test_a_what_if_goes_on_from_another_and_lets_go_of_what_is_unticked(world: World) -> None:
    reviewed(world)
    client = signed_in(world.officer)
    filled(client, world, **{"capacity-0-percent": "50", "capacity-0-month": f"{MONTH:%Y-%m}", "threshold-0": "70"})
    first = Scenario.objects.get(base__isnull=False)
    response = filled(client, world, f"?from={first.code}", value="score")
    second = Scenario.objects.get(code=response["Location"].rstrip("/").rpartition("/")[2])
    assert [change["kind"] for change in second.changes] == ["capacity", "threshold", "value"]
    response = filled(client, world, f"?from={first.code}", keep=[])
    third = Scenario.objects.get(code=response["Location"].rstrip("/").rpartition("/")[2])
    assert [change["kind"] for change in third.changes] == ["threshold"]


def test_a_change_that_is_half_filled_in_is_told_at_its_field(world: World) -> None:
    reviewed(world)
    response = filled(signed_in(world.officer), world, **{"share-0-percent": "20"})
    assert response.status_code == 422
    assert "Needed for this change." in text_of(response)
    assert not Scenario.objects.exists()


def test_the_page_follows_the_solver_and_loads_anew_when_it_is_done(world: World) -> None:
    reviewed(world)
    scenario = actions.ask_scenario(world.officer, [world.call])
    client = signed_in(world.officer)
    assert "Waits for the solver" in text_of(get(client, "scenario", scenario.code))
    claim("solver")
    ScenarioRun.objects.update(step="prices")
    response = get(client, "scenario_now", scenario.code)
    assert "Finding the prices" in text_of(response)
    assert "HX-Refresh" not in response
    ScenarioRun.objects.update(state="asked", solver="", lease_until=None)
    solve_all()
    assert get(client, "scenario_now", scenario.code)["HX-Refresh"] == "true"
    assert "Who gets what" in text_of(get(client, "scenario", scenario.code))


def test_a_lost_solver_and_a_missing_one_are_told(world: World) -> None:
    reviewed(world)
    scenario = actions.ask_scenario(world.officer, [world.call])
    client = signed_in(world.officer)
    claim("solver", timezone.now() - timedelta(hours=1))
    assert "it is taken up once more" in text_of(get(client, "scenario", scenario.code))
    long_ago = timezone.now() - timedelta(hours=1)
    ScenarioRun.objects.update(state="asked", solver="", lease_until=None, asked_at=long_ago)
    assert "Nobody is working" in text_of(get(client, "scenario", scenario.code))


def test_a_scenario_is_cancelled_and_asked_again(world: World) -> None:
    reviewed(world)
    scenario = actions.ask_scenario(world.officer, [world.call])
    client = signed_in(world.officer)
    client.post(reverse("portal:cancel_scenario", args=[scenario.code]))
    assert "Ask it again" in text_of(get(client, "scenario", scenario.code))
    client.post(reverse("portal:ask_scenario_again", args=[scenario.code]))
    assert ScenarioRun.objects.get().state == "asked"


def test_what_a_what_if_changes_stands_beside_what_is_and_it_can_only_be_studied(world: World) -> None:
    big = reviewed(world, gpu_hours=4000)
    small = reviewed(world, points=4, gpu_hours=300)
    change = {"kind": "capacity", "partition": world.partition.code, "percent": "10", "month": f"{MONTH:%Y-%m}"}
    scenario = actions.ask_scenario(world.officer, [world.call], [change], "half of it is broken")
    solve_all()
    client = signed_in(world.officer)
    text = text_of(get(client, "scenario", scenario.code))
    assert "To study: it is not so yet" in text
    assert "Choose this plan" not in text
    assert "half of it is broken" in text
    assert big.title in text
    assert small.title in text
    assert "fabriek verify" in text
    response = client.post(reverse("portal:choose_scenario", args=[scenario.code]), follow=True)
    assert "supposes what is not so" in text_of(response)
    assert not Decision.objects.exists()


def test_terms_of_the_call_are_told_to_be_for_the_next_one(world: World) -> None:
    reviewed(world)
    change = {"kind": "value", "value": "score"}
    scenario = actions.ask_scenario(world.officer, [world.call], [change], "policy")
    solve_all()
    text = text_of(get(signed_in(world.officer), "scenario", scenario.code))
    assert "To study, not to decide on" in text
    assert "Value by the rule of A" in text


def test_two_or_three_are_compared_and_downloaded(world: World) -> None:
    reviewed(world, gpu_hours=4000)
    reviewed(world, points=4, gpu_hours=3000)
    codes = []
    for percent in ("10", "20"):
        change = {"kind": "capacity", "partition": world.partition.code, "percent": percent}
        codes.append(actions.ask_scenario(world.officer, [world.call], [change], "less").code)
    base = Scenario.objects.get(base__isnull=True).code
    solve_all()
    client = signed_in(world.officer)
    query = f"?plan={codes[1]}&plan={base}&plan={codes[0]}"
    page = get(client, "compare_scenarios", query=query)
    letters = [(column.letter, column.scenario.code) for column in page.context["comparison"].columns]
    assert letters == [("A", base), ("B", codes[0]), ("C", codes[1])], "what stands comes first"
    rows = rows_of(get(client, "compare_scenarios", query=f"{query}&format=csv&of=applications"))
    assert {row["other"] for row in rows} <= set(codes)
    assert rows
    for of in ("class", "programme", "country", "partition"):
        assert rows_of(get(client, "compare_scenarios", query=f"{query}&format=csv&of={of}"))
    rows_of(get(client, "compare_scenarios", query=f"{query}&format=csv&of=promises"))
    response = client.get(reverse("portal:compare_scenarios") + f"?plan={base}", follow=True)
    assert "Choose two or three scenarios" in text_of(response)
    listed = text_of(get(client, "scenarios"))
    assert all(code in listed for code in [base, *codes])


def test_the_files_of_a_scenario_are_what_was_asked_and_answered(world: World) -> None:
    application = reviewed(world)
    scenario = actions.ask_scenario(world.officer, [world.call])
    client = signed_in(world.officer)
    assert client.get(reverse("portal:scenario_plan", args=[scenario.code])).status_code == 404
    solve_all()
    assert get(client, "scenario_problem", scenario.code).content.decode() == scenario.problem
    assert b"fabriek/plan/1" in get(client, "scenario_plan", scenario.code).content
    (row,) = rows_of(get(client, "scenario", scenario.code, query="?format=csv"))
    assert (row["application"], row["awarded_gpu_hours"]) == (application.code, "100.0")
    rows_of(get(client, "scenario", scenario.code, query="?format=csv&of=prices"))


def test_the_board_asks_and_does_not_choose(world: World) -> None:
    reviewed(world)
    client = signed_in(make_person("board"))
    assert "What if…" in text_of(get(client, "decisions"))
    client.post(reverse("portal:propose_decision"), {"calls": [world.call.code]})
    solve_all()
    assert "Choose this plan" not in text_of(get(client, "scenario", Scenario.objects.get().code))
