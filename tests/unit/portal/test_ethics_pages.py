"""The ethics self-assessment on pages: what lacks is said before submitting, and whoever judges reads the answers."""

from __future__ import annotations

import html
import re

import pytest
from django.test import Client
from tests.factories.world import ETHICS, make_draft, make_organisation, make_person, make_world

from fabriek.access import actions
from fabriek.access.models import ReviewKind
from fabriek.people.models import Person

pytestmark = pytest.mark.django_db

QUESTION = "Could your results be used for military ends?"


def text_of(person: Person, path: str) -> str:
    client = Client()
    client.force_login(person)
    response = client.get(path)
    assert response.status_code == 200, path
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", response.content.decode())))


def test_a_part_with_an_unanswered_question_is_not_done() -> None:
    draft = make_draft(make_world())
    actions.save_draft(draft.applicant, draft, draft.version, ethics={**ETHICS, "dual-use": ""})
    page = text_of(draft.applicant, f"/applications/{draft.code}/check/")
    assert f"Answer with yes or no: {QUESTION}" in page
    assert "Submit the application" not in page
    actions.save_draft(draft.applicant, draft, draft.version, ethics=ETHICS)
    page = text_of(draft.applicant, f"/applications/{draft.code}/check/")
    assert "Answer with yes or no" not in page
    assert "Submit the application" in page


def test_applicant_officer_assessor_and_reviewer_read_the_answers() -> None:
    world = make_world(review=ReviewKind.PEER)
    for _number in range(world.call.reviewers):
        make_person("reviewer", organisation=make_organisation("academia", "DE"))
    draft = make_draft(world)
    actions.save_draft(draft.applicant, draft, draft.version, ethics={**ETHICS, "dual-use": "yes"})
    application = actions.submit_application(draft.applicant, draft)
    actions.check_eligibility(world.officer, application)
    actions.assess_technically(world.operator, application, True, "It fits.")
    (review, *_more) = actions.assign_reviewers(world.officer, [application])
    for person, path in (
        (application.applicant, f"/applications/{application.code}/"),
        (world.officer, f"/desk/applications/{application.code}/"),
        (world.operator, f"/desk/assessments/{application.code}/"),
        (review.reviewer, f"/reviews/{review.pk}/"),
    ):
        assert f"{QUESTION} Yes" in text_of(person, path), path
