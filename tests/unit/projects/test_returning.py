"""Unused hours come back by the rule: a warning, a claim that stops it, a return that is booked once."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.core import mail
from hypothesis import given
from hypothesis import strategies as st
from tests.factories.world import MONTH, NEXT, World, make_allocation, make_person, make_world
from tests.unit.access.test_rolling import lead_of, on_ledger

from fabriek.conf.errors import Invalid, NotAllowed, Refused
from fabriek.ledger import actions as ledger
from fabriek.ledger.models import Account, Kind, Transaction
from fabriek.ledger.queries import allocation_hours, check
from fabriek.projects.actions import claim_return, give_back, returning, station, take_back, take_back_due, warn_unused
from fabriek.projects.errors import NotAMember
from fabriek.projects.models import Allocation, Return
from fabriek.projects.rolling import ReturnRule, half_time, is_behind, part_to_return, planned_by, released

pytestmark = pytest.mark.django_db

HALF = datetime.combine(half_time(MONTH, (NEXT + timedelta(days=32)).replace(day=1)), datetime.min.time(), UTC)
"""Half time of an allocation over this month and the next: in one of the two, so one month to come or none."""


def three_months(world: World) -> Allocation:
    """An allocation that runs since last month: half time lies before the last of its months."""
    allocation = make_allocation(world, gpu_hours=600, months=2)
    Allocation.objects.filter(pk=allocation.pk).update(starts=(MONTH - timedelta(days=1)).replace(day=1))
    allocation.refresh_from_db()
    return allocation


def late_in(month: date) -> datetime:
    return datetime(month.year, month.month, 20, tzinfo=UTC)


def use(world: World, allocation: Allocation, hours: int) -> None:
    held, used = (station(kind, allocation, MONTH, "accelerator-seconds") for kind in ("award", "used"))
    ledger.post(
        world.officer,
        key=f"use:{allocation.code}:{hours}",
        kind=Kind.USAGE,
        moves=[ledger.Move(held, used, hours * 3600)],
    )


def test_who_hardly_used_anything_by_half_time_is_warned_once_with_the_day_and_the_amount() -> None:
    world = make_world()
    allocation = three_months(world)
    (one,) = warn_unused(world.officer, late_in(MONTH))
    assert one.allocation_id == allocation.pk
    assert one.accelerator_seconds == 150 * 3600  # half of the 300 hours of the month to come
    assert one.due > late_in(MONTH).date() + timedelta(days=12)  # ten working days
    assert warn_unused(None, late_in(MONTH)) == []
    assert Transaction.objects.filter(key__startswith="return:").count() == 0


def test_members_get_a_mail_that_says_what_to_do(django_capture_on_commit_callbacks: object) -> None:
    world = make_world()
    allocation = three_months(world)
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        warn_unused(None, late_in(MONTH))
    (letter,) = mail.outbox
    assert letter.to == [lead_of(allocation.project).email]
    assert f"/projects/{allocation.project.code}/hours/" in letter.body


def test_who_used_enough_is_left_in_peace() -> None:
    world = make_world()
    use(world, three_months(world), 200)
    assert warn_unused(None, late_in(MONTH)) == []


def test_what_is_not_claimed_goes_back_to_the_share_when_it_is_due_once() -> None:
    world = make_world()
    allocation, before = three_months(world), on_ledger()
    share = Account.objects.get(kind="share", unit="accelerator-seconds", month=NEXT, programme="eu-industrial-entry")
    held = share.balance
    (one,) = warn_unused(None, late_in(MONTH))
    with pytest.raises(Refused, match="until"):
        take_back(world.officer, one, late_in(MONTH))
    # The rule looks again on the day itself; here that day must lie in the same month to have a month to come.
    Return.objects.filter(pk=one.pk).update(due=late_in(MONTH).date() + timedelta(days=1))
    later = late_in(MONTH) + timedelta(days=2)
    assert [r.pk for r in take_back_due(None, later)] == [one.pk]
    assert take_back_due(None, later) == []
    assert take_back(None, one, later).state == "returned"
    share.refresh_from_db()
    assert share.balance == held + 150 * 3600
    assert allocation_hours([allocation.code])[allocation.code].left == 450 * 3600
    assert on_ledger() == before
    assert check() == []


def test_a_claim_by_the_lead_stops_it() -> None:
    world = make_world()
    allocation = three_months(world)
    (one,) = warn_unused(None, late_in(MONTH))
    with pytest.raises(NotAMember):
        claim_return(make_person(), one, "Mine.")
    with pytest.raises(Invalid):
        claim_return(lead_of(allocation.project), one, "  ")
    claimed = claim_return(lead_of(allocation.project), one, "The data arrived this week.")
    assert claimed.state == "claimed"
    assert take_back_due(None, late_in(MONTH) + timedelta(days=60)) == []
    with pytest.raises(Refused, match="claimed"):
        take_back(world.officer, one, late_in(MONTH) + timedelta(days=60))


def test_who_catches_up_before_the_day_keeps_its_hours() -> None:
    world = make_world()
    allocation = three_months(world)
    (one,) = warn_unused(None, late_in(MONTH))
    use(world, allocation, 290)
    Return.objects.filter(pk=one.pk).update(due=late_in(MONTH).date())
    assert take_back(None, one, late_in(MONTH)).state == "cancelled"
    assert allocation_hours([allocation.code])[allocation.code].left == 310 * 3600


def test_a_kill_in_the_middle_of_a_return_is_repeated_and_ends_in_the_same_state(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = make_world()
    allocation = three_months(world)
    (one,) = warn_unused(None, late_in(MONTH))
    Return.objects.filter(pk=one.pk).update(due=late_in(MONTH).date())

    def killed(*_arguments: object, **_more: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(returning, "record", killed)
        with pytest.raises(KeyboardInterrupt):
            take_back(None, one, late_in(MONTH))
    assert allocation_hours([allocation.code])[allocation.code].left == 600 * 3600
    assert Return.objects.get(pk=one.pk).state == "warned"
    take_back_due(None, late_in(MONTH))
    assert allocation_hours([allocation.code])[allocation.code].left == 450 * 3600
    assert check() == []


def test_a_lead_gives_back_what_the_project_will_not_use() -> None:
    world = make_world()
    allocation, before = make_allocation(world, gpu_hours=100, months=2), on_ledger()
    lead = lead_of(allocation.project)
    one = give_back(lead, allocation, 60 * 3600)
    assert (one.kind, one.state, one.accelerator_seconds) == ("own", "returned", 60 * 3600)
    assert allocation_hours([allocation.code])[allocation.code].left == 40 * 3600
    assert on_ledger() == before
    cores = allocation_hours([allocation.code], "core-seconds")[allocation.code]
    assert cores.left == 40 * 3600 * 16  # sixteen cores go with each accelerator
    for seconds in (0, 41 * 3600):
        with pytest.raises(Invalid):
            give_back(lead, allocation, seconds)
    with pytest.raises(NotAMember):
        give_back(world.officer, allocation, 3600)
    assert check() == []


def test_only_an_officer_or_the_clock_warns() -> None:
    with pytest.raises(NotAllowed):
        warn_unused(make_person())


months = st.dictionaries(
    st.dates(date(2026, 1, 1), date(2027, 12, 1)).map(lambda d: d.replace(day=1)),
    st.integers(-10_000, 10**6),
    max_size=8,
)


@given(months, st.dates(date(2026, 1, 1), date(2027, 12, 1)), st.integers(0, 10**7))
def test_never_more_is_taken_than_is_held_and_months_gone_by_come_first(
    held: dict[date, int], on: date, seconds: int
) -> None:
    taken = released(held, on, seconds)
    assert sum(taken.values()) <= min(seconds, max(0, sum(held.values())))
    assert all(0 < amount <= held[month] for month, amount in taken.items())
    gone = [month for month in held if month < on.replace(day=1) and held[month] > 0]
    if any(month >= on.replace(day=1) for month in taken):
        assert all(taken.get(month) == held[month] for month in gone)


@given(months, st.dates(date(2026, 1, 1), date(2027, 12, 1)), st.integers(1, 100))
def test_the_rule_takes_its_part_of_months_to_come_only(held: dict[date, int], on: date, percent: int) -> None:
    taken = part_to_return(held, on, ReturnRule(part_percent=percent))
    assert all(month > on.replace(day=1) for month in taken)
    assert all(0 < amount * 100 <= held[month] * percent for month, amount in taken.items())
    assert sum(taken.values()) * 100 <= max(0, sum(held.values())) * percent


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 400))
def test_more_use_never_turns_who_is_left_in_peace_into_who_gives_back(awarded: int, used: int, day: int) -> None:
    starts, ends = date(2026, 1, 1), date(2027, 1, 1)
    on = starts + timedelta(days=day)
    if not is_behind(awarded, used, starts, ends, on):
        assert not is_behind(awarded, used + 1, starts, ends, on)
    assert 0 <= planned_by(awarded, starts, ends, on) <= awarded
    assert not is_behind(awarded, used, date(2026, 1, 1), date(2026, 2, 1), date(2026, 1, 20))
