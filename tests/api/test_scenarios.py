"""Over the API: a what-if is asked, solved apart, compared and chosen; and each role does what is its own."""

from __future__ import annotations

from typing import Any

import pytest
from tests.api.test_declaring import problem_of
from tests.api.test_rest import client_of, post
from tests.factories.world import World, make_organisation, make_person, make_submitted, make_world

from fabriek.access import actions, solving
from fabriek.access.models import Review, Scenario
from fabriek.allocation.plan import load_plan
from fabriek.allocation.problem import load_problem
from fabriek.allocation.verify import verify
from fabriek.people.models import Role

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    make_person("reviewer", organisation=make_organisation("academia", "DE"))
    world = make_world()
    application = make_submitted(world)
    actions.check_eligibility(world.officer, application)
    actions.assign_reviewers(world.officer, [application])
    review = Review.objects.get()
    actions.submit_review(review.reviewer, review, {c["code"]: 5 for c in world.call.criteria}, "Good.")
    actions.settle_consensus(world.officer, application)
    return world


def solve_all() -> None:
    for scenario in Scenario.objects.filter(run__state="asked"):
        solving.solve_here(scenario, solving.hold_here(scenario))


def test_from_a_question_to_a_published_decision(world: World) -> None:
    officer = client_of(world.officer, "read", "decide")
    change = {"kind": "capacity", "partition": world.partition.code, "percent": 1}
    asked = post(officer, "/scenarios", {"calls": [world.call.code], "changes": [change], "why": "a failure"})
    assert asked.status_code == 200, asked.content
    told = asked.json()
    assert (told["state"], told["answer"]) == ("asked", None)
    assert "1 % of what it gives now" in told["supposes"][0]
    solve_all()
    told = officer.get(f"/api/v1/scenarios/{told['code']}").json()
    assert (told["state"], told["real"], told["untrue"][0]["kind"]) == ("solved", False, "capacity")
    refused = problem_of(post(officer, f"/scenarios/{told['code']}/choose"), 409)
    assert refused["type"] == "urn:fabriek:problem:not-real"
    base = told["base"]
    side = officer.get(f"/api/v1/scenarios/compare?plan={base}&plan={told['code']}").json()
    assert side["format"] == "fabriek/comparison/1"
    assert [one["code"] for one in side["scenarios"]] == [base, told["code"]]
    plan = officer.get(f"/api/v1/scenarios/{base}/plan").content
    assert verify(load_problem(officer.get(f"/api/v1/scenarios/{base}/problem").content), load_plan(plan)) == []
    decision = post(officer, f"/scenarios/{base}/choose", {"why": "the best"}).json()
    assert decision["scenario"] == base
    assert post(officer, f"/decisions/{decision['code']}/publish").json()["state"] == "published"
    assert officer.get("/api/v1/scenarios").json()["items"][-1]["decisions"] == [decision["code"]]


def test_a_question_is_cancelled_and_asked_again(world: World) -> None:
    officer = client_of(world.officer, "read", "decide")
    code = post(officer, "/scenarios", {"calls": [world.call.code]}).json()["code"]
    assert post(officer, f"/scenarios/{code}/cancel", {"why": "a slip"}).json()["state"] == "cancelled"
    problem_of(post(officer, f"/scenarios/{code}/cancel"), 409)
    problem_of(officer.get(f"/api/v1/scenarios/{code}/plan"), 409)
    assert post(officer, f"/scenarios/{code}/again").json()["state"] == "asked"


def test_bad_changes_are_refused_with_their_place(world: World) -> None:
    officer = client_of(world.officer, "read", "decide")
    bad = [{"kind": "capacity", "partition": world.partition.code, "percent": -1}]
    refused = problem_of(post(officer, "/scenarios", {"calls": [world.call.code], "changes": bad, "why": "x"}), 422)
    assert any("percent" in place for place in refused["faults"])
    problem_of(post(officer, "/scenarios", {"calls": ["nowhere"]}), 404)
    problem_of(officer.get("/api/v1/scenarios/compare?plan=a"), 422)
    problem_of(officer.get("/api/v1/scenarios/compare?plan=a&plan=b"), 404)


@pytest.mark.parametrize("role", Role.values)
def test_who_may_do_what(role: str, world: World) -> None:
    scenario = actions.ask_scenario(world.officer, [world.call])
    solve_all()
    client = client_of(make_person("" if role == "applicant" else role), "read", "decide", "operate", "admin")
    readers, askers, officers = {"officer", "board", "administrator"}, {"officer", "board"}, {"officer"}
    calls: list[tuple[str, str, Any, set[str]]] = [
        ("get", "/scenarios", None, readers),
        ("get", f"/scenarios/{scenario.code}", None, readers),
        ("get", f"/scenarios/{scenario.code}/problem", None, readers),
        ("get", f"/scenarios/{scenario.code}/plan", None, readers),
        ("get", "/scenarios/compare?plan=a&plan=b", None, readers),
        ("post", "/scenarios", {"calls": [world.call.code]}, askers),
        ("post", f"/scenarios/{scenario.code}/cancel", {}, askers),
        ("post", f"/scenarios/{scenario.code}/again", {}, askers),
        ("post", f"/scenarios/{scenario.code}/choose", {}, officers),
    ]
    for method, path, body, allowed in calls:
        response = post(client, path, body) if method == "post" else client.get(f"/api/v1{path}")
        told = f"{role} {method} {path}: {response.status_code}"
        assert (response.status_code != 403) == (role in allowed), told
