"""Expiry: what ended unused goes back or lapses, once, and the ledger balances."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.factories.world import MONTH, NEXT, make_allocation, make_person, make_world

from fabriek.ledger.models import Account
from fabriek.ledger.queries import allocation_hours, check
from fabriek.projects.actions import add_member, award, lapse_shares, remove_member, settle, settle_ended
from fabriek.projects.errors import LeadStays, NotAMember
from fabriek.projects.queries import desired_accounts
from fabriek.projects.rules import spread_evenly

pytestmark = pytest.mark.django_db


def share_left(month: object) -> int:
    return sum(a.balance for a in Account.objects.filter(kind="share", unit="accelerator-seconds", month=month))


def test_an_allocation_that_stops_early_gives_months_to_come_back_to_the_share() -> None:
    world = make_world()
    before = share_left(NEXT)
    allocation = make_allocation(world, gpu_hours=100, months=2)
    assert share_left(NEXT) == before - 50 * 3600
    settle(world.officer, allocation)
    assert share_left(NEXT) == before
    assert settle(world.officer, allocation) == 0
    assert check() == []


def test_what_has_gone_by_lapses_and_the_project_ends() -> None:
    world = make_world()
    allocation = make_allocation(world, gpu_hours=100, months=1)
    later = datetime(NEXT.year, NEXT.month, 5, tzinfo=UTC)
    assert [a.code for a in settle_ended(None, later)] == [allocation.code]
    assert settle_ended(None, later) == []
    hours = allocation_hours([allocation.code])[allocation.code]
    assert (hours.left, hours.lapsed) == (0, 100 * 3600)
    allocation.project.refresh_from_db()
    assert allocation.project.ended_at == later
    assert not any(account.active for account in desired_accounts([world.partition.code], later))
    assert check() == []


def test_hours_that_nobody_was_awarded_in_time_lapse() -> None:
    make_world()
    left = share_left(MONTH)
    later = datetime(NEXT.year, NEXT.month, 5, tzinfo=UTC)
    assert lapse_shares(None, later) == left > 0
    assert lapse_shares(None, later) == 0
    assert share_left(MONTH) == 0
    assert share_left(NEXT) > 0
    assert check() == []


def test_the_same_award_again_is_the_same_allocation() -> None:
    world = make_world()
    allocation = make_allocation(world)
    again = award(world.officer, allocation.project, world.partition, MONTH, 1, 100 * 3600, key=allocation.project.code)
    assert again.pk == allocation.pk
    assert allocation_hours([allocation.code])[allocation.code].awarded == 100 * 3600


def test_members_come_and_go_and_the_lead_stays() -> None:
    world = make_world()
    allocation = make_allocation(world)
    project, lead = allocation.project, allocation.project.members.get().person
    colleague = make_person()
    with pytest.raises(NotAMember):
        add_member(colleague, project, colleague)
    add_member(lead, project, colleague)
    (account,) = desired_accounts([world.partition.code], datetime.now(UTC) + timedelta(0))
    assert len(account.users) == 2
    remove_member(lead, project, colleague)
    with pytest.raises(LeadStays):
        remove_member(lead, project, lead)


@given(st.integers(0, 10**15), st.integers(1, 120))
def test_an_award_lies_over_its_months_to_the_second(seconds: int, months: int) -> None:
    parts = spread_evenly(seconds, months)
    assert sum(parts) == seconds
    assert max(parts) - min(parts) <= 1
