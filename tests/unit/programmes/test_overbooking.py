"""Overbooking follows the share: hours that moved away, or a place in the table that was lost, can't be overbooked."""

from __future__ import annotations

from decimal import Decimal

import pytest
from tests.factories.world import MONTH, NEXT, World, make_allocation, make_world

from fabriek.ledger.errors import InsufficientHours
from fabriek.ledger.models import Account
from fabriek.programmes.actions import establish_shares
from fabriek.programmes.errors import AlreadyGiven
from fabriek.programmes.models import Programme
from fabriek.programmes.moving import reallocate, undo_reallocation

pytestmark = pytest.mark.django_db
ENTRY, SCIENCE = "eu-industrial-entry", "eu-science"


@pytest.fixture
def world() -> World:
    """Half each, and the first may award twice its share."""
    world = make_world()
    Programme.objects.filter(code=ENTRY).update(overbooking=2)
    establish(world, "0.5", "0.5")
    return world


def establish(world: World, entry: str, science: str) -> None:
    table = {code: Decimal(part) for code, part in ((ENTRY, entry), (SCIENCE, science)) if Decimal(part)}
    establish_shares(world.officer, world.partition, [MONTH, NEXT], table, "A test.")


def share(world: World, code: str = ENTRY) -> Account:
    return Account.objects.get(
        kind="share", programme=code, month=MONTH, unit="accelerator-seconds", partition=world.partition.code
    )


def test_what_is_moved_away_is_overbooked_no_more_until_it_is_moved_back(world: World) -> None:
    whole = share(world).balance
    one, other = Programme.objects.get(code=ENTRY), Programme.objects.get(code=SCIENCE)
    moved = reallocate(world.officer, world.partition, MONTH, one, other, whole // 2, "A test.")
    left = share(world).balance
    assert share(world).minimum == -left
    make_allocation(world, gpu_hours=2 * left // 3600)
    with pytest.raises(InsufficientHours):
        make_allocation(world, gpu_hours=1)
    undo_reallocation(world.officer, moved, "A test.")
    assert share(world).minimum == -whole
    make_allocation(world, gpu_hours=whole // 3600)


def test_who_gets_hours_may_overbook_them_too(world: World) -> None:
    one, other = Programme.objects.get(code=SCIENCE), Programme.objects.get(code=ENTRY)
    before = share(world).balance
    reallocate(world.officer, world.partition, MONTH, one, other, 36_000, "A test.")
    assert share(world).minimum == -(before + 36_000)
    assert share(world, SCIENCE).minimum == 0


def test_who_lost_its_place_in_the_table_awards_nothing(world: World) -> None:
    establish(world, "0", "1")
    assert (share(world).balance, share(world).minimum) == (0, 0)
    with pytest.raises(InsufficientHours):
        make_allocation(world, gpu_hours=1)


def test_who_has_awarded_keeps_its_place(world: World) -> None:
    make_allocation(world, gpu_hours=10)
    with pytest.raises(AlreadyGiven):
        establish(world, "0", "1")
    assert share(world).minimum == -(share(world).balance + 36_000)
