"""What is free in a call: a request lies evenly over its months, on one partition."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from tests.factories.world import MONTH, NEXT, make_allocation, make_draft, make_organisation, make_person, make_world

from fabriek.access.actions import save_draft
from fabriek.access.queries import free_gpu_hours, front_door
from fabriek.access.room import best_run, first_month_with_room, fits_at, free_by_month, shortages
from fabriek.access.rules import Wish, answer_due
from fabriek.projects.rules import month_after

NOVEMBER, DECEMBER, JANUARY = (date(2026, 11, 1), date(2026, 12, 1), date(2027, 1, 1))
FREE = {"molen/gpu": {NOVEMBER: 380, DECEMBER: 241, JANUARY: 8_089}, "molen/small": {JANUARY: 10}}


def test_what_one_request_can_get_is_its_scarcest_month_as_often_as_it_has_months() -> None:
    assert best_run(FREE, 1) == 8_089, "not the 8,710 of all months together"
    assert best_run(FREE, 2) == 2 * 241
    assert best_run(FREE, 3) == 3 * 241
    assert best_run(FREE, 4) == 0, "no such run is on offer"
    assert best_run(FREE, 1, since=month_after(JANUARY, 1)) == 0
    assert fits_at(FREE["molen/gpu"], NOVEMBER, 1) == 380


@pytest.mark.django_db
def test_the_finder_says_enough_only_where_one_request_can_get_it() -> None:
    world = make_world()
    world.call.maximum_gpu_hours = None
    world.call.save()
    free = free_by_month([world.call])[world.call.pk]
    most = best_run(free, 1) // 3600
    together = free_gpu_hours([world.call])[world.call.pk]
    assert most < together

    def offer(hours: int):
        matches = front_door(Wish("startup", hours))
        return next(match for match in matches if match.mode == world.call.access_mode).offers[0]

    assert (offer(most).free_gpu_hours, offer(most).at_once, offer(most).is_enough) == (together, most, True)
    assert not offer(together).is_enough


@pytest.mark.django_db
def test_the_form_shows_what_each_month_has_free_and_begins_where_there_is_room() -> None:
    world = make_world()
    free = free_by_month([world.call])[world.call.pk]
    at = datetime.combine(MONTH, datetime.min.time(), UTC)
    assert first_month_with_room(world.call, free, at) == MONTH
    late = datetime.combine(NEXT, datetime.min.time(), UTC) - timedelta(hours=1)
    assert first_month_with_room(world.call, free, late) == NEXT, "the answer comes when the first month is over"
    assert first_month_with_room(world.call, {}, at) == world.call.first_month
    (there,) = free.values()
    applicant = make_person(organisation=make_organisation("startup"))
    draft = make_draft(world, applicant)
    browser = Client()
    browser.force_login(applicant)
    page = browser.get(reverse("portal:application_step", args=[draft.code, "request"])).content.decode()
    assert f"{there[MONTH] // 3600:,} GPU-hours free" in page


@pytest.mark.django_db
def test_who_asks_for_more_than_is_free_is_warned_before_sending() -> None:
    world = make_world()
    make_allocation(world, gpu_hours=900)
    applicant = make_person(organisation=make_organisation("startup"))
    draft = make_draft(world, applicant)
    there = fits_at(free_by_month([world.call])[world.call.pk][world.partition.code], MONTH, 1) // 3600
    asked = {"partition": world.partition, "first_month": MONTH, "months": 1}
    draft = save_draft(applicant, draft, draft.version, alternatives=[{**asked, "gpu_hours": there}])
    assert shortages(world.call, draft.alternatives.all()) == []
    draft = save_draft(applicant, draft, draft.version, alternatives=[{**asked, "gpu_hours": there + 1}])
    (sentence,) = shortages(world.call, draft.alternatives.all())
    assert f"{there + 1:,} GPU-hours" in sentence
    browser = Client()
    browser.force_login(applicant)
    page = browser.get(reverse("portal:application_step", args=[draft.code, "check"])).content.decode()
    assert sentence in page
    now = datetime.now(UTC)
    due = answer_due(now, world.call.answer_working_days, world.call.factory.country).date()
    assert f'<time class="nowrap" datetime="{due}">' in page, "a day, which no zone moves"
