"""A promise of a month's amount counts the months in which it held, and no others."""

from __future__ import annotations

from datetime import date

import pytest
from tests.factories.world import MONTH, NEXT, make_world

from fabriek.programmes.models import Programme, Promise
from fabriek.promises.queries import measured_at_its_end, measured_on_system

pytestmark = pytest.mark.django_db
FIVE_HOURS = 5 * 3600


def baseline(**said: date) -> Promise:
    return Promise.objects.create(
        code="science",
        name="Science keeps its hours",
        kind="baseline",
        programme=Programme.objects.get(code="eu-science"),
        accelerator_seconds_a_month=FIVE_HOURS,
        **said,
    )


def test_a_baseline_that_ended_was_of_its_own_months() -> None:
    make_world()  # with shares of this month and the next
    ended = measured_at_its_end(baseline(valid_from=MONTH, valid_until=NEXT))
    assert ended.required["decided"] == FIVE_HOURS
    Promise.objects.all().delete()
    assert measured_at_its_end(baseline(valid_from=MONTH)).required["decided"] == 2 * FIVE_HOURS


def test_on_a_system_and_period_both_bounds_count() -> None:
    system = make_world().partition.system.code
    baseline(valid_from=MONTH)
    asked = measured_on_system(system, NEXT, date.max)
    assert {one.terms.code: one.required["decided"] for one in asked}["science"] == FIVE_HOURS
    assert measured_on_system(system, date(2000, 1, 1), date(2001, 1, 1)) == []
    assert measured_on_system("nothing-here", MONTH, date.max) == []
