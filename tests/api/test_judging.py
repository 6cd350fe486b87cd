"""Over the API: reviewers review, officers judge, and neither sees or does what is not theirs."""

from __future__ import annotations

from typing import Any

import pytest
from tests.api.test_declaring import problem_of
from tests.api.test_rest import client_of, post
from tests.factories.world import World, make_organisation, make_person, make_submitted, make_world

from fabriek.access import actions
from fabriek.access.models import Decision, Review
from fabriek.people.models import Person, Role

pytestmark = pytest.mark.django_db


@pytest.fixture
def reviewers() -> list[Person]:
    return [make_person("reviewer", organisation=make_organisation("academia", "DE")) for _number in range(3)]


def in_review() -> tuple[World, Review]:
    world = make_world()
    application = make_submitted(world)
    actions.check_eligibility(world.officer, application)
    actions.assign_reviewers(world.officer, [application])
    return world, Review.objects.get(application=application)


def test_a_call_from_submitted_to_published_over_the_api(reviewers: list[Person]) -> None:
    world = make_world()
    application = make_submitted(world)
    officer = client_of(world.officer, "read", "decide")
    address = f"/calls/{world.call.code}"
    (row,) = officer.get(f"/api/v1{address}/applications?state=submitted").json()["items"]
    assert (row["code"], row["gpu_hours"], row["reviews"]) == (application.code, 100, 0)
    assert all(finding["holds"] for finding in judged(officer, application.code)["findings"])
    assert post(officer, f"{address}/eligibility").json() == {"done": 1, "refused": []}
    for made in post(officer, f"{address}/reviewers").json():
        review = Review.objects.get(pk=made["number"])
        reviewer = client_of(review.reviewer, "review")
        shown = reviewer.get(f"/api/v1/reviews/{review.pk}").json()
        assert shown["summary"] == "We train a model."
        scores = {criterion["code"]: criterion["scale"] for criterion in shown["criteria"]}
        body = {"scores": scores, "remark": "Sound.", "confidential_remark": "Known group."}
        assert post(reviewer, f"/reviews/{review.pk}", body).status_code == 200
    assert judged(officer, application.code)["reviews"][0]["confidential_remark"] == "Known group."
    assert post(officer, f"{address}/scores").json() == {"done": 1, "refused": []}
    code = post(officer, "/decisions", {"calls": [world.call.code]}).json()["code"]
    (ranked,) = officer.get(f"/api/v1/decisions/{code}").json()["ranking"]
    assert (ranked["application"], ranked["score"], ranked["awarded_hours"]) == (application.code, 100, 100)
    assert post(officer, f"/decisions/{code}/publish").json()["state"] == "published"
    problem_of(post(officer, f"/decisions/{code}/discard", {"why": "too late"}), 409)


def judged(client: Any, code: str) -> Any:
    answer = client.get(f"/api/v1/applications/{code}/judgement")
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_a_review_is_declined_with_the_interest_and_gone(reviewers: list[Person]) -> None:
    _world, review = in_review()
    client = client_of(review.reviewer, "review")
    problem_of(post(client, f"/reviews/{review.pk}/decline"), 422)
    assert post(client, f"/reviews/{review.pk}/decline", {"why": "We publish together"}).status_code == 200
    problem_of(client.get(f"/api/v1/reviews/{review.pk}"), 404)


def test_a_review_is_saved_while_it_is_written_and_only_its_reviewer_reads_it(reviewers: list[Person]) -> None:
    world, review = in_review()
    client, address = client_of(review.reviewer, "review"), f"/api/v1/reviews/{review.pk}"
    body = {"version": 0, "remark": "Half a thought"}
    answer = client.patch(address, body, content_type="application/json")
    assert (answer.status_code, answer.json()["version"], answer.json()["state"]) == (200, 1, "assigned")
    problem_of(client.patch(address, body, content_type="application/json"), 409)
    assert client.get(address).json()["draft"]["remark"] == "Half a thought"
    officer = client_of(world.officer, "read", "decide")
    assert "Half a thought" not in str(judged(officer, review.application.code))


def test_somebody_elses_review_is_not_there(reviewers: list[Person]) -> None:
    _world, review = in_review()
    other = next(person for person in reviewers if person != review.reviewer)
    problem_of(client_of(other, "review").get(f"/api/v1/reviews/{review.pk}"), 404)
    problem_of(post(client_of(other, "review"), f"/reviews/{review.pk}/decline", {"why": "x"}), 404)


def test_a_proposal_is_discarded_with_its_reason(reviewers: list[Person]) -> None:
    world, review = in_review()
    actions.submit_review(review.reviewer, review, {c["code"]: 5 for c in world.call.criteria}, "Good.")
    actions.settle_consensus(world.officer, review.application)
    decision = actions.propose_decision(world.officer, [world.call])
    answer = post(client_of(world.officer, "read", "decide"), f"/decisions/{decision.code}/discard", {"why": "a slip"})
    assert answer.json()["state"] == "discarded"
    assert Decision.objects.get().state == "discarded"


@pytest.mark.parametrize("role", Role.values)
def test_who_may_read_and_do_what(role: str, reviewers: list[Person]) -> None:
    world, review = in_review()
    client = client_of(
        make_person("" if role == "applicant" else role), "read", "apply", "review", "decide", "operate", "admin"
    )
    readers, officers = {"officer", "board", "administrator"}, {"officer"}
    code, call = review.application.code, world.call.code
    for method, path, allowed in (
        ("get", f"/calls/{call}/applications", readers),
        ("get", f"/applications/{code}/judgement", readers),
        ("get", "/objections", readers),
        ("get", "/decisions/nothing", readers),
        ("post", f"/calls/{call}/eligibility", officers),
        ("post", f"/calls/{call}/scores", officers),
        ("get", f"/reviews/{review.pk}", {"reviewer"}),
        ("patch", f"/reviews/{review.pk}", {"reviewer"}),
        ("post", f"/reviews/{review.pk}/decline", {"reviewer"}),
    ):
        response = post(client, path, {"why": "x"}, method) if method == "post" else client.get(f"/api/v1{path}")
        if role in allowed:
            assert response.status_code in (200, 404), f"{role} {path}: {response.content}"
        else:
            problem_of(response, 403)


def test_objections_wait_and_are_answered_by_somebody_else(reviewers: list[Person]) -> None:
    world, review = in_review()
    actions.submit_review(review.reviewer, review, {c["code"]: 1 for c in world.call.criteria}, "Weak.")
    actions.settle_consensus(world.officer, review.application)
    strong = make_submitted(world)
    actions.check_eligibility(world.officer, strong)
    actions.assign_reviewers(world.officer, [strong])
    for each in Review.objects.filter(application=strong):
        actions.submit_review(each.reviewer, each, {c["code"]: 5 for c in world.call.criteria}, "Good.")
    actions.settle_consensus(world.officer, strong)
    actions.publish_decision(world.officer, actions.propose_decision(world.officer, [world.call]))
    review.application.refresh_from_db()
    actions.make_objection(review.application.applicant, review.application, "Unfair.")
    publisher, other = client_of(world.officer, "read", "decide"), client_of(make_person("officer"), "read", "decide")
    (waiting,) = other.get("/api/v1/objections").json()["items"]
    assert (waiting["application"], waiting["text"]) == (review.application.code, "Unfair.")
    body = {"answer": "Looked at again.", "upheld": False}
    problem_of(post(publisher, f"/applications/{waiting['application']}/objection/answer", body), 403)
    assert post(other, f"/applications/{waiting['application']}/objection/answer", body).status_code == 200
    assert other.get("/api/v1/objections").json()["items"] == []
    assert other.get("/api/v1/objections?answered=true").json()["items"][0]["upheld"] is False


def test_a_proposal_is_signed_off_by_others(reviewers: list[Person]) -> None:
    world, review = in_review()
    actions.submit_review(review.reviewer, review, {c["code"]: 5 for c in world.call.criteria}, "Good.")
    actions.settle_consensus(world.officer, review.application)
    board, officer = (
        client_of(make_person("board"), "read", "decide"),
        client_of(world.officer, "read", "decide"),
    )
    address = f"/programmes/{world.call.programme.code}/sign-off"
    route = {"steps": [{"title": "Governing Board", "role": "board"}], "why": "the board sees all"}
    problem_of(post(officer, address, route, "put"), 403)
    problem_of(post(board, address, route | {"steps": [{"title": "Board", "role": "applicant"}]}, "put"), 422)
    assert post(board, address, route, "put").json()["sign_off"] == route["steps"]
    code = post(officer, "/decisions", {"calls": [world.call.code]}).json()["code"]
    assert problem_of(post(officer, f"/decisions/{code}/publish", {}), 409)["step"] == "Governing Board"
    problem_of(post(officer, f"/decisions/{code}/initial", {}), 403)
    problem_of(post(board, f"/decisions/{code}/send-back", {"why": ""}), 422)
    given = post(board, f"/decisions/{code}/initial", {"remark": "Seen."}).json()
    (step,) = given["sign_off"]
    assert (step["state"], step["remark"]) == ("signed", "Seen.")
    assert officer.get(f"/api/v1/decisions/{code}").json()["sign_off"] == given["sign_off"]
    assert post(officer, f"/decisions/{code}/publish", {}).json()["state"] == "published"
    problem_of(post(board, f"/decisions/{code}/send-back", {"why": "Too late."}), 409)
