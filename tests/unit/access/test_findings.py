"""Findings are kept as codes and numbers, and told in the language of who reads them."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils.translation import override
from tests.api.test_rest import client_of
from tests.factories.world import World, make_organisation, make_person, make_submitted, make_world

from fabriek.access.actions import check_eligibility
from fabriek.access.findings import in_words, refusal_of
from fabriek.access.models import Application, EligibilityCheck
from fabriek.audit.models import Event

pytestmark = pytest.mark.django_db
OF_CLASS = "The call is not open to this class of organisation."
OF_CLASS_NL = "De oproep staat niet open voor dit soort organisatie."


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def unfit(world: World) -> Application:
    """Of a class that the call is not for, and larger than it gives by now."""
    application = make_submitted(world)
    world.call.classes, world.call.maximum_gpu_hours = ["academia"], 10
    world.call.save()
    application.refresh_from_db()
    return application


def check_in(language: str, world: World, application: Application) -> EligibilityCheck:
    with override(language):
        check_eligibility(world.officer, application)
    return EligibilityCheck.objects.get(application=application)


def test_what_an_officer_found_in_dutch_is_read_in_english_and_the_other_way_round(
    world: World, unfit: Application
) -> None:
    check = check_in("nl", world, unfit)
    assert (check.eligible, check.remark) == (False, "")
    assert not any("sentence" in finding for finding in check.findings)
    with override("en"):
        told = refusal_of(check)
        assert told.startswith(OF_CLASS)
        assert "are more than this call's 10" in told
    with override("nl"):
        assert refusal_of(check).startswith(OF_CLASS_NL)
        assert "dan de 10 van deze oproep" in refusal_of(check)


def test_its_applicant_reads_why_on_the_page_and_over_the_api(world: World, unfit: Application) -> None:
    check_in("nl", world, unfit)
    client = Client()
    client.force_login(unfit.applicant)
    assert OF_CLASS in client.get(f"/applications/{unfit.code}/").content.decode()
    client.cookies["django_language"] = "nl"
    assert OF_CLASS_NL in client.get(f"/applications/{unfit.code}/").content.decode()
    over = client_of(unfit.applicant).get(f"/api/v1/applications/{unfit.code}").json()
    assert over["not_eligible"].startswith(OF_CLASS)


def test_the_officer_sees_the_findings_in_words(world: World, unfit: Application) -> None:
    check_in("nl", world, unfit)
    client = Client()
    client.force_login(world.officer)
    page = client.get(f"/desk/applications/{unfit.code}/").content.decode()
    assert OF_CLASS in page
    judgement = client_of(world.officer).get(f"/api/v1/applications/{unfit.code}/judgement").json()
    assert [one["holds"] for one in judgement["findings"]] == [False, True, False]
    assert judgement["findings"][0]["sentence"] == OF_CLASS


def test_the_record_has_the_reason_in_one_language_whoever_checked(world: World, unfit: Application) -> None:
    check_in("nl", world, unfit)
    assert OF_CLASS in Event.objects.get(verb="access.find_ineligible").why


def test_what_a_person_says_goes_before_what_the_rules_found(world: World) -> None:
    application = make_submitted(world)
    check_eligibility(world.officer, application, False, "Its work is not civilian.")
    assert refusal_of(application.eligibility_check) == "Its work is not civilian."


def test_rows_of_before_findings_had_numbers_stay_readable() -> None:
    old = EligibilityCheck(
        eligible=False,
        findings=[
            {"rule": "country", "holds": False, "sentence": "De organisatie is daar niet gevestigd."},
            {"rule": "limits", "holds": False, "sentence": "9,000 GPU-uren zijn meer dan de 5,000 van deze oproep."},
            {"rule": "organisation-class", "holds": True, "sentence": "Goed."},
        ],
    )
    told = refusal_of(old)
    assert told.startswith("The organisation is not established in a Member State")
    assert told.endswith("9,000 GPU-uren zijn meer dan de 5,000 van deze oproep."), "its numbers were not kept"
    assert [one["holds"] for one in in_words(old.findings)] == [False, False, True]


def test_who_is_found_eligible_has_nothing_refused(world: World) -> None:
    application = make_submitted(world, applicant=make_person(organisation=make_organisation()))
    check_eligibility(world.officer, application)
    assert refusal_of(application.eligibility_check) == ""
