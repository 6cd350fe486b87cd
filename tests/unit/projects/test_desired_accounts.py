"""What a site is told to enforce: the hours that may be used by now, and no others."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from tests.factories.world import NEXT, World, make_allocation, make_world

from fabriek.operations.queries import desired_state
from fabriek.projects.actions import award
from fabriek.projects.models import Allocation
from fabriek.projects.queries import DesiredAccount, desired_accounts

pytestmark = pytest.mark.django_db
FIRST_SECOND = datetime.combine(NEXT, time(), UTC)
SECOND_BEFORE = FIRST_SECOND - timedelta(seconds=1)


def with_hours_to_come(world: World) -> Allocation:
    """100 GPU-hours over this month and the next, and 50 of an allocation that begins next month."""
    allocation = make_allocation(world, gpu_hours=100, months=2)
    award(world.officer, allocation.project, world.partition, NEXT, 1, 50 * 3600, key="later")
    return allocation


def desired(world: World, now: datetime) -> DesiredAccount:
    (account,) = desired_accounts([world.partition.code], now)
    return account


def test_hours_of_an_allocation_to_come_are_added_on_its_first_day() -> None:
    world = make_world()
    with_hours_to_come(world)
    before, then = desired(world, SECOND_BEFORE), desired(world, FIRST_SECOND)
    assert (before.accelerator_seconds, then.accelerator_seconds) == (100 * 3600, 150 * 3600)
    assert (before.core_seconds, then.core_seconds) == (1_600 * 3600, 2_400 * 3600)
    assert before.active
    assert then.active


def test_an_award_that_has_not_begun_has_no_hours_yet() -> None:
    world = make_world()
    make_allocation(world, months=2)
    Allocation.objects.update(starts=NEXT)
    before, then = desired(world, SECOND_BEFORE), desired(world, FIRST_SECOND)
    assert (before.accelerator_seconds, before.core_seconds, before.active) == (0, 0, False)
    assert (then.accelerator_seconds, then.active) == (100 * 3600, True)


def test_the_agent_is_told_on_that_day_that_something_changed() -> None:
    world = make_world()
    with_hours_to_come(world)
    an_hour_before = desired_state(world.cluster, SECOND_BEFORE - timedelta(hours=1)).generation
    assert desired_state(world.cluster, SECOND_BEFORE).generation == an_hour_before
    assert desired_state(world.cluster, FIRST_SECOND).generation != an_hour_before
