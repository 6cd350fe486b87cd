"""Over the API: why, for an officer by name and for the applicant without others; prices; who may ask and read."""

from __future__ import annotations

import jsonschema
import pytest
from tests.api.test_declaring import problem_of
from tests.api.test_rest import client_of, post
from tests.factories.world import World, make_person, make_world
from tests.unit.portal.test_decide import with_reviewers
from tests.unit.portal.test_scenario_pages import solve_all
from tests.unit.portal.test_why_pages import answered, floor, one_too_many, published

from fabriek.allocation.schema import published as schema_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    with_reviewers()
    return make_world()


def test_an_officer_reads_why_and_asks_for_what_would_have_changed_it(world: World) -> None:
    scenario, awarded, refused = one_too_many(world)
    officer = client_of(world.officer, "read", "decide")
    path = f"/scenarios/{scenario.code}/explanations/{refused.code}"
    told = officer.get(f"/api/v1{path}").json()
    assert (told["inquiry"], told["explanation"]["outcome"]) == (None, "refused")
    assert [holder["application"] for holder in told["explanation"]["holders"]] == [awarded.code]
    jsonschema.validate(told["explanation"], schema_of("explanation-1.json"))
    assert post(officer, path).json()["inquiry"]["state"] == "asked"
    answered()
    told = officer.get(f"/api/v1{path}").json()
    assert told["inquiry"]["state"] == "done"
    assert {change["kind"] for change in told["explanation"]["changes"]} >= {"score", "amount"}
    assert any("would have been enough" in sentence for sentence in told["changes"])
    assert any(awarded.code in sentence for sentence in told["changes"]), "an officer reads whom it would displace"
    other = f"/scenarios/{scenario.code}/explanations/{awarded.code}"
    assert officer.get(f"/api/v1{other}").json()["explanation"]["outcome"] == "awarded"
    problem_of(post(officer, other), 409)
    assert officer.get(f"/api/v1/scenarios/{scenario.code}/explanations/no-such").status_code == 404


def test_an_applicant_reads_and_asks_of_the_own_application_once_it_is_answered(world: World) -> None:
    scenario, awarded, refused = one_too_many(world)
    applicant, path = client_of(refused.applicant), f"/applications/{refused.code}/explanation"
    assert applicant.get(f"/api/v1{path}").status_code == 404
    assert post(applicant, path).status_code == 404
    published(world, scenario)
    told = applicant.get(f"/api/v1{path}").json()
    assert told["sentences"][0].startswith("Others hold the room")
    assert told["changes"] == [], "estimates are not told to applicants"
    assert post(applicant, path).json()["inquiry"]["state"] == "asked"
    answered()
    answer = applicant.get(f"/api/v1{path}")
    told = answer.json()
    assert any("would have been enough" in sentence for sentence in told["changes"])
    assert told["explanation"]["held_by"] == [{"organisation_class": "startup", "number": 1}]
    for secret in (awarded.code, awarded.title, "lowest_awarded_score", world.officer.name):
        assert secret not in answer.content.decode()
    row = applicant.get(f"/api/v1/applications/{refused.code}").json()["outcome"]
    assert row["explanation"] == " ".join(told["sentences"])
    assert row["why"]["reason"] == "displaced"
    assert client_of(awarded.applicant).get(f"/api/v1{path}").status_code == 404
    assert client_of(awarded.applicant).get(f"/api/v1/scenarios/{scenario.code}/prices").status_code == 403
    assert client_of(make_person("board"), "read").get(f"/api/v1{path}").status_code == 200


def test_words_are_in_the_language_that_is_asked_for(world: World) -> None:
    scenario, _awarded, refused = one_too_many(world)
    published(world, scenario)
    applicant = client_of(refused.applicant)
    told = applicant.get(f"/api/v1/applications/{refused.code}/explanation", headers={"Accept-Language": "nl"}).json()
    assert told["sentences"][0].startswith("Anderen hebben de ruimte")


def test_prices_come_from_the_certificate_and_are_checked_when_asked(world: World) -> None:
    floor(world, "startup")
    scenario, _awarded, _refused = one_too_many(world)
    officer, path = client_of(world.officer, "read", "decide"), f"/scenarios/{scenario.code}/prices"
    told = officer.get(f"/api/v1{path}").json()
    assert [row["partition"] for row in told["partitions"]] == [world.partition.code]
    assert len(told["partitions"][0]["an_hour"]) == len(told["months"]) == world.call.months
    assert "Floor of startup" in {row["name"] for row in told["promises"]}
    assert told["partitions_asked"] is told["promises_asked"] is told["partitions"][0]["checked"] is None
    for of in ("promises", "partitions"):
        assert post(officer, path, {"of": of}).json()[f"{of}_asked"]["state"] == "asked"
    answered()
    told = officer.get(f"/api/v1{path}").json()
    assert all(row["checked"] and row["sentence"] for row in (*told["promises"], *told["partitions"]))
    problem_of(post(officer, path, {"of": "weather"}), 422)
    administrator = client_of(make_person("administrator"), "read", "decide")
    assert administrator.get(f"/api/v1{path}").status_code == 200
    assert post(administrator, path, {"of": "promises"}).status_code == 403


def test_a_comparison_tells_why(world: World) -> None:
    _scenario, _awarded, refused = one_too_many(world)
    officer = client_of(world.officer, "read", "decide")
    change = {"kind": "capacity", "partition": world.partition.code, "percent": 200}
    asked = post(officer, "/scenarios", {"calls": [world.call.code], "changes": [change], "why": "more"}).json()
    solve_all()
    side = officer.get(f"/api/v1/scenarios/compare?plan={asked['base']}&plan={asked['code']}").json()
    [row] = side["applications"]
    assert (row["application"], row["change"], row["reason"]) == (refused.code, "gains", "displaced")
    assert row["why"].startswith("No room left on")
