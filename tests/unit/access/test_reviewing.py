"""Reviewers by expertise and within limits; scores as the officer chose when the call opened."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError
from tests.factories.world import World, make_allocation, make_organisation, make_person, make_submitted, make_world

from fabriek.access.actions import (
    assign_reviewers,
    check_eligibility,
    decline_review,
    replace_reviewer,
    settle_all,
    settle_consensus,
    submit_review,
)
from fabriek.access.errors import NotEnoughReviewers, ReviewsMissing
from fabriek.access.models import Application, Call, Review
from fabriek.access.rules import conflicts
from fabriek.access.scores import scores_of
from fabriek.audit.models import Event
from fabriek.conf.errors import Invalid
from fabriek.people.models import Person

pytestmark = pytest.mark.django_db

CALIBRATED = {"scoring": "calibrated", "continuous": False, "reviewers": 2}


def expert(*words: str) -> Person:
    person = make_person("reviewer")
    person.expertise = list(words)
    person.save()
    return person


def eligible(world: World, number: int = 1, **said: Any) -> list[Application]:
    made = [make_submitted(world) for _number in range(number)]
    for application in made:
        Application.objects.filter(pk=application.pk).update(**said)
        application.refresh_from_db()
        check_eligibility(world.officer, application)
    return made


def hand_in(world: World, review: Review, points: float) -> None:
    submit_review(review.reviewer, review, dict.fromkeys((c["code"] for c in world.call.criteria), points), "So.")


def strict_and_lenient(world: World) -> tuple[list[Application], Person]:
    """Six applications by two of three reviewers each; one reviewer gives half a point of five less than others."""
    strict, *_others = [make_person("reviewer") for _n in range(3)]
    applications = eligible(world, 6)
    for review in assign_reviewers(world.officer, applications):
        worth = 2 + applications.index(review.application) % 3
        hand_in(world, review, worth - (0.5 if review.reviewer == strict else 0))
    return applications, strict


def test_the_text_of_an_application_finds_its_expert() -> None:
    world = make_world(reviewers=1)
    expert("proteins", "structural biology")
    forecaster = expert("weather forecasting", "climate")
    (application,) = eligible(world, title="Better weather forecasts", summary="We train a model of the climate.")
    (review,) = assign_reviewers(world.officer, [application])
    assert review.reviewer == forecaster


def test_a_declined_review_goes_to_the_next_expert_with_as_much_to_do() -> None:
    world = make_world(reviewers=1)
    expert("proteins")
    first, second = expert("weather forecasting"), expert("weather models", "oceans")
    (application,) = eligible(world, title="Weather forecasting", summary="Weather.")
    (review,) = assign_reviewers(world.officer, [application])
    assert review.reviewer == first
    decline_review(first, review, "We publish together.")
    (other,) = replace_reviewer(world.officer, application)
    assert other.reviewer == second
    assert replace_reviewer(world.officer, application) == []


def test_nobody_gets_more_reviews_of_a_call_than_its_limit() -> None:
    world = make_world(reviewers=1, reviewer_limit=2)
    expert("weather")
    make_person("reviewer")
    made = assign_reviewers(world.officer, eligible(world, 2, title="Weather", summary="Weather"))
    made += assign_reviewers(world.officer, eligible(world, 2, title="Weather", summary="Weather"))
    assert set(Counter(review.reviewer for review in made).values()) == {2}


def test_a_limit_that_is_too_low_is_told_with_the_application_and_nothing_is_assigned() -> None:
    world = make_world(reviewers=1, reviewer_limit=1)
    make_person("reviewer")
    applications = eligible(world, 2)
    with pytest.raises(NotEnoughReviewers, match="limit of 1 reviews") as refusal:
        assign_reviewers(world.officer, applications)
    assert refusal.value.extra["application"] in {a.code for a in applications}
    assert not Review.objects.exists()
    assert Application.objects.filter(state="eligible").count() == 2


def test_a_limit_holds_for_who_replaces_somebody_too() -> None:
    world = make_world(reviewers=1, reviewer_limit=1)
    make_person("reviewer"), make_person("reviewer")
    first, _second = assign_reviewers(world.officer, eligible(world, 2))
    decline_review(first.reviewer, first, "A friend.")
    with pytest.raises(NotEnoughReviewers, match="limit of 1 reviews"):
        replace_reviewer(world.officer, first.application)


def test_calibrated_scores_make_up_for_a_strict_reviewer() -> None:
    world = make_world(**CALIBRATED)
    applications, strict = strict_and_lenient(world)
    scores = scores_of(world.call)
    assert scores.severity[strict.pk].points > 0
    assert all(one.points < 0 for person, one in scores.severity.items() if person != strict.pk)
    settled, refused = settle_all(world.officer, applications)
    assert (settled, refused) == (6, [])
    for application in applications:
        application.refresh_from_db()
        assert application.score == scores.calibrated[application.pk]
    alike = [[a for a in applications if applications.index(a) % 3 == worth] for worth in range(3)]
    spread = [abs((a.score or 0) - (b.score or 0)) for a, b in alike]
    before = [abs(scores.mean[a.pk] - scores.mean[b.pk]) for a, b in alike]
    assert sum(spread) <= sum(before)


def test_what_calibration_did_stays_on_record() -> None:
    world = make_world(**CALIBRATED)
    (application, *_others), _strict = strict_and_lenient(world)
    settle_consensus(world.officer, application)
    data = Event.objects.get(verb="access.calibrate_score", subject=application.code).data
    assert data["method"] == "fabriek/calibration/1"
    assert Decimal(data["calibrated"]) == application.score
    assert len(data["severity"]) == 2


def test_where_the_mean_was_chosen_the_mean_counts() -> None:
    world = make_world(reviewers=2)
    applications, _strict = strict_and_lenient(world)
    scores = scores_of(world.call)
    assert scores.mean != scores.calibrated
    settle_consensus(world.officer, applications[0])
    assert applications[0].score == scores.mean[applications[0].pk]
    assert not Event.objects.filter(verb="access.calibrate_score").exists()


def test_a_calibrated_score_waits_for_all_reviews_of_the_call() -> None:
    world = make_world(**CALIBRATED)
    for _n in range(2):
        make_person("reviewer")
    first, second = eligible(world, 2)
    for review in assign_reviewers(world.officer, [first, second]):
        if review.application == first:
            hand_in(world, review, 4)
    with pytest.raises(ReviewsMissing, match="calibrated together, and 2 reviews"):
        settle_consensus(world.officer, first)


def test_another_score_than_the_calibrated_one_needs_a_reason() -> None:
    world = make_world(**CALIBRATED)
    (application, *_others), _strict = strict_and_lenient(world)
    with pytest.raises(Invalid):
        settle_consensus(world.officer, application, Decimal("12.50"))
    settle_consensus(world.officer, application, Decimal("12.50"), "The panel met.")
    assert application.score == Decimal("12.50")


@pytest.mark.parametrize("terms", [{"reviewers": 1, "continuous": False}, {"reviewers": 3, "continuous": True}])
def test_a_call_that_can_not_be_calibrated_is_not_opened_as_one(terms: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refusal:
        make_world(scoring="calibrated", **terms)
    assert "scoring" in refusal.value.faults


def test_the_database_refuses_it_too() -> None:
    world = make_world(reviewers=1)
    with pytest.raises(IntegrityError):
        Call.objects.filter(pk=world.call.pk).update(scoring="calibrated")


@pytest.mark.parametrize("interest", ["partner", "shared project"])
def test_partners_and_members_of_a_shared_project_never_review(interest: str) -> None:
    world = make_world(reviewers=1)
    (application,) = eligible(world)
    if interest == "partner":
        reviewer = make_person("reviewer", organisation=make_organisation("academia"))
        application.partners.create(organisation=reviewer.organisation)
    else:
        reviewer = make_person("reviewer")
        project = make_allocation(world, lead=application.applicant).project
        project.members.create(person=reviewer, role="member")
    assert conflicts([application], [reviewer]).keys() == {(application.pk, reviewer.pk)}
    with pytest.raises(NotEnoughReviewers, match="only 0 have no conflict"):
        assign_reviewers(world.officer, [application])


def test_people_without_an_organisation_are_no_colleagues() -> None:
    world = make_world(reviewers=1)
    reviewer = make_person("reviewer")
    (application,) = eligible(world)
    application.organisation = None
    assert conflicts([application], [reviewer]) == {}
