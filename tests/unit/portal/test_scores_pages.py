"""The desk's pages on reviewers' limits and on raw and calibrated scores, side by side."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from tests.factories.world import MONTH, World, make_person, make_submitted, make_world

from fabriek.access.actions import assign_reviewers, check_eligibility, submit_review
from fabriek.access.models import Application, Call
from fabriek.access.scores import scores_of
from fabriek.conf.amounts import points_text

pytestmark = pytest.mark.django_db


def desk(world: World) -> Client:
    client = Client()
    client.force_login(world.officer)
    return client


def reviewed(world: World) -> list[Application]:
    strict, *_others = [make_person("reviewer") for _n in range(3)]
    applications = [make_submitted(world) for _n in range(6)]
    for application in applications:
        check_eligibility(world.officer, application)
    for review in assign_reviewers(world.officer, applications):
        points = 4.0 - (1.5 if review.reviewer == strict else 0)
        submit_review(review.reviewer, review, dict.fromkeys((c["code"] for c in world.call.criteria), points), "So.")
    return applications


@pytest.mark.parametrize(("scoring", "label"), [("calibrated", "The calibrated score is"), ("mean", "mean is")])
def test_raw_and_calibrated_scores_stand_side_by_side(scoring: str, label: str) -> None:
    world = make_world(scoring=scoring, continuous=False, reviewers=2)
    (application, *_others) = reviewed(world)
    scores = scores_of(world.call)
    response = desk(world).get(reverse("portal:judge_application", args=[application.code]))
    words = response.content.decode().replace("&#x27;", "'")
    assert response.status_code == 200
    assert f">{points_text(scores.mean[application.pk])}<" in words
    assert f">{points_text(scores.calibrated[application.pk])}<" in words
    assert f"{label} <strong>" in words
    assert "Severity" in words
    assert "fabriek/calibration/1" in words


def test_all_scores_are_settled_as_the_call_chose() -> None:
    world = make_world(scoring="calibrated", continuous=False, reviewers=2)
    applications = reviewed(world)
    scores = scores_of(world.call)
    response = desk(world).post(reverse("portal:settle_scores", args=[world.call.code]), follow=True)
    assert "6 scores settled" in response.content.decode()
    for application in applications:
        application.refresh_from_db()
        assert application.score == scores.calibrated[application.pk]


def fields(world: World, **changes: str) -> dict[str, object]:
    now = timezone.now()
    return {
        "access_mode": "aif-science",
        "factory": world.factory.code,
        "programme": "eu-industrial-entry",
        "partitions": [world.partition.code],
        "title": "A calibrated call",
        "opens": f"{now:%Y-%m-%dT%H:%M}",
        "closes": f"{now + timedelta(days=20):%Y-%m-%dT%H:%M}",
        "first_month": f"{MONTH:%Y-%m}",
        "months": "2",
        "scoring": "calibrated",
        **changes,
    }


def test_the_officer_chooses_when_the_call_opens_and_applicants_are_told() -> None:
    world = make_world()
    client = desk(world)
    response = client.post(reverse("portal:open_call"), fields(world, reviewers="3", reviewer_limit="8"))
    assert response.status_code == 303
    call = Call.objects.get(title="A calibrated call")
    assert (call.scoring, call.reviewers, call.reviewer_limit) == ("calibrated", 3, 8)
    assert "calibrated between strict and lenient" in Client().get(f"/calls/{call.code}/").content.decode()


def test_one_reviewer_each_can_not_be_calibrated_and_the_form_says_so() -> None:
    world = make_world()
    response = desk(world).post(reverse("portal:open_call"), fields(world, reviewers="1"))
    assert response.status_code == 422
    assert "Ask for two or more" in response.content.decode()


def test_a_reviewer_tells_their_expertise_and_nobody_else_is_asked_for_it() -> None:
    reviewer, applicant = make_person("reviewer"), make_person()
    client = Client()
    client.force_login(reviewer)
    said = {"name": reviewer.name, "language": "en", "expertise": "Weather forecasting, climate\n ;proteins"}
    assert client.post(reverse("portal:account"), said).status_code == 302
    reviewer.refresh_from_db()
    assert reviewer.expertise == ["Weather forecasting", "climate", "proteins"]
    client.force_login(applicant)
    assert "Your expertise" not in client.get(reverse("portal:account")).content.decode()
    client.post(reverse("portal:account"), said | {"name": applicant.name})
    applicant.refresh_from_db()
    assert applicant.expertise == []
