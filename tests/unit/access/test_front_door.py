"""What the front door says: who may ask, what fits and why not, where and by when."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st
from tests.factories.world import MONTH, make_world

from fabriek.access.actions import open_call
from fabriek.access.findings import limit_faults
from fabriek.access.models import AccessMode, Alternative, Call
from fabriek.access.queries import Match, front_door
from fabriek.access.rules import (
    ASSOCIATED,
    ELIGIBLE_COUNTRIES,
    MEMBER_STATES,
    Establishment,
    Wish,
    answer_due,
    establishment,
    misfits,
)
from fabriek.people.models import OrganisationClass
from fabriek.portal.components.countries import NAMES
from fabriek.programmes.models import Programme
from fabriek.register.models import Partition

HOURS = st.none() | st.integers(1, 100_000)


def call_of(least: int | None, most: int | None, durations: list[int], months: int, classes: list[str]) -> Call:
    return Call(
        pk=1,
        first_month=MONTH,
        months=months,
        minimum_gpu_hours=least,
        maximum_gpu_hours=most,
        durations_months=durations,
        classes=classes,
    )


@given(
    st.none() | st.integers(1, 50_000),
    st.none() | st.integers(1, 50_000),
    st.lists(st.integers(1, 12), max_size=4, unique=True),
    st.integers(1, 12),
    st.lists(st.sampled_from(OrganisationClass.values), unique=True),
    st.sampled_from(OrganisationClass.values),
    st.integers(1, 60_000),
    st.integers(1, 12),
)
def test_what_the_door_says_is_what_the_form_will_say(
    least: int | None,
    most: int | None,
    durations: list[int],
    months: int,
    classes: list[str],
    who: str,
    hours: int,
    wished: int,
) -> None:
    call = call_of(least, most, durations, months, classes)
    why = misfits(call, Wish(who, hours, wished))

    def form_takes(length: int) -> bool:
        asked = Alternative(partition_id=1, first_month=MONTH, months=length, gpu_hours=hours)
        return not _limit_faults(call, asked)

    accepted = any(form_takes(length) for length in range(wished, 13))
    assert (not [reason for reason in why if reason != "class"]) == accepted
    assert ("class" in why) == (bool(classes) and who not in classes)


def _limit_faults(call: Call, asked: Alternative) -> dict[str, list[str]]:
    """`limit_faults` for a call that is in no database: its partitions are given."""
    call._prefetched_objects_cache = {"partitions": [Partition(pk=1)]}  # type: ignore[attr-defined]
    return limit_faults(call, [asked])


@given(st.sampled_from(sorted(ELIGIBLE_COUNTRIES)) | st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=2, max_size=2))
def test_a_country_is_one_thing_and_the_rule_follows_it(country: str) -> None:
    where = establishment(country)
    assert (where == Establishment.MEMBER_STATE) == (country in MEMBER_STATES)
    assert (where == Establishment.ASSOCIATED) == (country in ASSOCIATED)
    call = call_of(None, None, [], 12, [])
    assert ("country" in misfits(call, Wish("sme", 1, country=country))) == (where == Establishment.ELSEWHERE)


def test_no_country_is_both_a_member_state_and_associated_and_each_has_its_name() -> None:
    assert not MEMBER_STATES & ASSOCIATED
    assert len(MEMBER_STATES) == 27
    assert set(NAMES) == ELIGIBLE_COUNTRIES


@given(HOURS, HOURS)
def test_asking_for_less_never_gets_too_much(first: int | None, second: int | None) -> None:
    call = call_of(None, 5_000, [1, 3], 3, [])
    less, more = sorted([first or 0, second or 0])
    if "too-much" in misfits(call, Wish("sme", less or None)):
        assert "too-much" in misfits(call, Wish("sme", more or None))


def found(matches: list[Match], code: str) -> Match:
    return next(match for match in matches if match.mode.code == code)


@pytest.mark.django_db
def test_a_factory_that_was_not_chosen_is_named_as_the_place_where_it_is_open() -> None:
    here, there = make_world(), make_world()
    everywhere = found(front_door(Wish("startup", 100)), "aif-playground")
    assert {offer.call for offer in everywhere.offers} == {here.call, there.call}
    chosen = found(front_door(Wish("startup", 100, factories=frozenset({here.factory.code}))), "aif-playground")
    assert [offer.call for offer in chosen.offers] == [here.call]
    assert [offer.call for offer in chosen.elsewhere] == [there.call]
    nowhere = found(front_door(Wish("startup", 100, factories=frozenset({"lumi"}))), "aif-playground")
    assert nowhere.fits
    assert nowhere.offers == []
    assert len(nowhere.elsewhere) == 2


@pytest.mark.django_db
def test_a_mode_fits_where_one_of_its_calls_does_though_its_own_limits_do_not() -> None:
    world = make_world()
    mode = AccessMode.objects.get(code="aif-fast-lane")
    assert mode.minimum is not None
    wish = Wish("startup", mode.minimum - 1)
    assert found(front_door(wish), mode.code).why == ["too-little"]
    call = open_call(
        world.officer,
        access_mode=mode,
        factory=world.factory,
        programme=Programme.objects.get(code="eu-industrial-entry"),
        partitions=[world.partition],
        title="A lower door",
        opens=world.call.opens,
        closes=world.call.closes,
        first_month=MONTH,
        months=2,
        code="lower",
    )
    Call.objects.filter(pk=call.pk).update(minimum_gpu_hours=1)
    match = found(front_door(wish), mode.code)
    assert match.fits
    assert [offer.call.code for offer in match.offers] == ["lower"]


@pytest.mark.django_db
def test_an_offer_tells_what_is_free_and_the_day_of_the_answer() -> None:
    world = make_world()
    now = datetime.now(UTC)
    offer = found(front_door(Wish("startup", 100), now), "aif-playground").offers[0]
    assert offer.answer_by == answer_due(now, world.call.answer_working_days, "NL").date()
    assert offer.is_enough
    Call.objects.update(maximum_gpu_hours=None)
    short = found(front_door(Wish("startup", offer.free_gpu_hours + 1), now), "aif-playground").offers[0]
    assert not short.is_enough


@pytest.mark.django_db
def test_more_calls_cost_no_more_queries() -> None:
    make_world()
    with CaptureQueriesContext(connection) as one:
        front_door(Wish("startup", 100))
    make_world()
    make_world()
    with CaptureQueriesContext(connection) as three:
        front_door(Wish("startup", 100))
    assert len(three) == len(one) <= 6
