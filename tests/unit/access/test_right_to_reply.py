"""The right to reply: an applicant reads the public remarks and answers them, before the decision."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone
from tests.factories.world import World, make_person, make_submitted, make_world

from fabriek.access.actions import (
    assign_reviewers,
    check_eligibility,
    decide_queue,
    make_objection,
    propose_decision,
    publish_decision,
    reply_to_reviews,
    settle_consensus,
    submit_review,
)
from fabriek.access.errors import RepliesPending, TooLate, WrongState
from fabriek.access.models import Application, Decision, Outcome
from fabriek.access.rules import OBJECTION_DAYS
from fabriek.conf.errors import Invalid, NotAllowed
from fabriek.people.actions import create_token

pytestmark = pytest.mark.django_db
REMARK, SECRET = "The data are described too briefly.", "I doubt the founder."


def reviewed(world: World, **draft: Any) -> Application:
    """An application with its score settled."""
    make_person("reviewer")
    application = make_submitted(world, **draft)
    check_eligibility(world.officer, application)
    for review in assign_reviewers(world.officer, [application]):
        points = {criterion["code"]: 4 for criterion in world.call.criteria}
        submit_review(review.reviewer, review, points, REMARK, SECRET)
    settle_consensus(world.officer, application)
    return Application.objects.get(pk=application.pk)


def signed_in(person: Any) -> Client:
    client = Client()
    client.force_login(person)
    return client


def test_nothing_is_decided_while_somebody_may_still_reply(django_capture_on_commit_callbacks: Any) -> None:
    world = make_world(reply_working_days=3)
    with django_capture_on_commit_callbacks(execute=True):
        application = reviewed(world)
    assert "You may reply to the reviews" in mail.outbox[-1].subject
    assert application.reply_until is not None
    with pytest.raises(RepliesPending, match="1 applicant may still reply") as refusal:
        propose_decision(world.officer, [world.call])
    assert refusal.value.extra["applications"] == [application.code]
    reply_to_reviews(application.applicant, application, "They are described on page 2.")
    publish_decision(world.officer, propose_decision(world.officer, [world.call]))
    assert Application.objects.get(pk=application.pk).state == "awarded"


def test_a_continuous_call_answers_once_the_applicant_replied() -> None:
    world = make_world(reply_working_days=3, continuous=True)
    application = reviewed(world)
    run = decide_queue(world.officer, world.call)
    assert (run.granted, run.refused, run.waiting) == ([], [], [])
    reply_to_reviews(application.applicant, application, "")
    assert decide_queue(world.officer, world.call).granted == [application]


def test_a_call_without_the_right_decides_at_once_and_shows_no_remarks_before() -> None:
    world = make_world()
    application = reviewed(world)
    assert application.reply_until is None
    assert REMARK not in signed_in(application.applicant).get(f"/applications/{application.code}/").content.decode()
    with pytest.raises(WrongState):
        reply_to_reviews(application.applicant, application, "But…")
    assert propose_decision(world.officer, [world.call])


def test_once_by_the_applicant_within_the_days_and_not_too_long() -> None:
    application = reviewed(make_world(reply_working_days=3))
    with pytest.raises(NotAllowed):
        reply_to_reviews(make_person(), application, "Not mine.")
    with pytest.raises(Invalid):
        reply_to_reviews(application.applicant, application, "x" * 5_001)
    first = reply_to_reviews(application.applicant, application, "An answer.")
    assert reply_to_reviews(application.applicant, application, "An answer.") == first, "sent twice is one reply"
    with pytest.raises(WrongState, match="replied already"):
        reply_to_reviews(application.applicant, application, "Another answer.")


def test_after_the_days_it_is_too_late_and_the_decision_goes_on() -> None:
    world = make_world(reply_working_days=1)
    application = reviewed(world)
    Application.objects.filter(pk=application.pk).update(reply_until=timezone.now() - timedelta(minutes=1))
    with pytest.raises(TooLate):
        reply_to_reviews(application.applicant, application, "Sorry.")
    assert isinstance(propose_decision(world.officer, [world.call]), Decision)


def test_the_page_shows_the_public_remarks_takes_the_reply_and_shows_it_to_officers() -> None:
    world = make_world(reply_working_days=3)
    application = reviewed(world)
    client, address = signed_in(application.applicant), f"/applications/{application.code}/"
    page = client.get(address).content.decode()
    assert REMARK in page
    assert SECRET not in page
    assert "Send the reply" in page
    assert "You may reply" in client.get("/applications/").content.decode()
    empty = client.post(f"{address}reply/", {"text": " "}, follow=True).content.decode()
    assert "say that you have nothing to add" in empty
    client.post(f"{address}reply/", {"text": "It is on page 2."})
    assert "Send the reply" not in client.get(address).content.decode()
    assert "It is on page 2." in signed_in(world.officer).get(address).content.decode()
    assert "3 working days to reply" in Client().get(f"/calls/{world.call.code}/").content.decode()


def test_nothing_to_add_is_a_reply_too() -> None:
    world = make_world(reply_working_days=3)
    application = reviewed(world)
    client = signed_in(application.applicant)
    client.post(f"/applications/{application.code}/reply/", {"text": "half a", "nothing": "1"})
    assert Application.objects.get(pk=application.pk).reply.text == ""
    assert propose_decision(world.officer, [world.call])


def test_the_api_tells_the_remarks_and_takes_the_reply() -> None:
    world = make_world(reply_working_days=3)
    application = reviewed(world)
    person = application.applicant
    token = create_token(person, name="test", scopes=["read", "apply"], person=person)[1]
    client = Client(headers={"Authorization": f"Bearer {token}"})
    address = f"/api/v1/applications/{application.code}"
    row = client.get(address).json()
    assert (row["remarks"], row["reply"], row["score"]) == ([REMARK], None, None)
    body = json.dumps({"text": "See page 2."})
    answer = client.post(f"{address}/reply", body, content_type="application/json")
    assert answer.json()["reply"] == "See page 2."
    assert client.get(f"/api/v1/calls/{world.call.code}").json()["reply_working_days"] == 3


def test_an_objection_after_the_days_that_the_decision_names_is_too_late() -> None:
    world = make_world()
    application = reviewed(world)
    decision = publish_decision(world.officer, propose_decision(world.officer, [world.call]))
    long_ago = timezone.now() - timedelta(days=OBJECTION_DAYS, minutes=1)
    Decision.objects.filter(pk=decision.pk).update(published_at=long_ago)
    assert Outcome.objects.get(application=application).awarded
    with pytest.raises(TooLate):
        make_objection(application.applicant, application, "I read it only now.")
    address = f"/applications/{application.code}/"
    assert "Send the objection" not in signed_in(application.applicant).get(address).content.decode()
