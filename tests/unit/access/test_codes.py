"""What a call is called becomes what projects are called, and so the names of accounts in Slurm: 42 characters."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tests.factories.world import make_draft, make_person, make_submitted, make_world
from tests.unit.access.test_life import decided
from tests.unit.access.test_limits import science

from fabriek.access.actions.calls import LONGEST_CODE
from fabriek.access.models import Call
from fabriek.compute.slurm.accounts import LONGEST_NAME
from fabriek.conf.errors import Invalid
from fabriek.projects.models import Project
from fabriek.projects.rules import LONGEST_ACCOUNT, shortened

pytestmark = pytest.mark.django_db


def test_the_platform_and_slurm_agree_on_how_long_a_name_is() -> None:
    assert LONGEST_ACCOUNT == LONGEST_NAME


def test_a_code_that_fits_stays_and_others_stay_apart() -> None:
    assert shortened("a" * 42) == "a" * 42
    first, second = shortened("a" * 60), shortened("a" * 59 + "b")
    assert first != second
    assert {len(first), len(second)} == {42}
    assert first == shortened("a" * 60), "always the same one"


@pytest.mark.parametrize(("code", "why"), [("c" * 37, "at most 36 characters"), ("A call", "small letters")])
def test_a_call_whose_projects_would_have_no_name_in_slurm_is_not_opened(code: str, why: str) -> None:
    with pytest.raises(Invalid) as refused:
        make_world(code=code)
    assert why in str(refused.value.faults["code"])


def test_a_call_without_a_code_gets_one_that_fits_and_keeps_its_day() -> None:
    world = make_world()
    world.factory.code = "the-longest-name-of-a-factory-that-there-is"
    call = science(world, opens=datetime(2020, 1, 2, tzinfo=UTC))
    assert len(call.code) <= LONGEST_CODE
    assert call.code.endswith("-2020-01-02")


def test_projects_of_a_call_with_a_longer_code_from_before_have_names_that_fit() -> None:
    world = make_world()
    make_person("reviewer")
    Call.objects.filter(pk=world.call.pk).update(code="a-call-that-was-opened-before-its-code-was-bounded-so-long")
    world.call.refresh_from_db()
    drafts = [make_draft(world), make_draft(world)]
    assert len({draft.code for draft in drafts}) == 2
    application = make_submitted(world)
    type(application).objects.filter(pk=application.pk).update(code=f"{world.call.code}-1")
    application.refresh_from_db()
    decided(world, application)
    project = Project.objects.get(application=application.code)
    assert len(project.code) == LONGEST_ACCOUNT
    assert project.code == shortened(application.code)
