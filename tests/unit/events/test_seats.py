"""Seats and the waiting list: who comes, in which order, and that no seat is given twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from tests.factories.events import begin_now, in_days, make_event, make_plan, move_into_past
from tests.factories.world import make_allocation, make_organisation, make_person, make_world

from fabriek.conf.errors import NotAllowed, NotFound
from fabriek.events import queries
from fabriek.events.actions import cancel_event, change_event, draft_event, mark_attendance, register, withdraw
from fabriek.events.errors import EventInvalid, RegistrationRefused, WrongState
from fabriek.events.models import Event, Notice, Registration
from fabriek.events.plan import plan_of
from fabriek.people.models import Person

pytestmark = pytest.mark.django_db


def states(event: Event) -> list[str]:
    return list(event.registrations.order_by("id").values_list("state", flat=True))


def taken(event: Event) -> int:
    return Event.objects.values_list("taken", flat=True).get(pk=event.pk)


def refusal(person: Person, event: Event) -> str:
    with pytest.raises(RegistrationRefused) as caught:
        register(person, event)
    return str(caught.value.extra["reason"])


def told(person: Person) -> list[str]:
    return list(Notice.objects.filter(registration__person=person).order_by("id").values_list("kind", flat=True))


def test_seats_go_in_the_order_of_time_and_who_withdraws_makes_room_for_who_waits_longest() -> None:
    event = make_event(seats=2)
    first, second, third, fourth = (make_person() for _ in range(4))
    assert [register(one, event).state for one in (first, second, third, fourth)] == [
        "seat", "seat", "waiting", "waiting",
    ]  # fmt: skip
    assert taken(event) == 2
    places = [queries.place_in_line(one) for one in event.registrations.order_by("id")]
    assert places == [None, None, 1, 2]
    withdraw(first, event)
    assert states(event) == ["withdrawn", "seat", "seat", "waiting"]
    assert (told(first), told(third), told(fourth)) == (["withdrawn"], ["waiting", "moved-up"], ["waiting"])
    # Who comes back is at the end of the line, behind who waited meanwhile.
    assert queries.place_in_line(register(first, event)) == 2
    withdraw(second, event)
    assert states(event) == ["withdrawn", "withdrawn", "seat", "seat", "waiting"]


def test_who_waits_and_withdraws_lets_those_behind_move_on_and_nobody_gets_a_seat() -> None:
    event = make_event(seats=1)
    people = [make_person() for _ in range(3)]
    for one in people:
        register(one, event)
    withdraw(people[1], event)
    assert states(event) == ["seat", "withdrawn", "waiting"]
    last = queries.registration_of(people[2], event)
    assert last is not None
    assert queries.place_in_line(last) == 1
    assert taken(event) == 1


def test_more_seats_serve_the_line_and_no_limit_serves_all_of_it() -> None:
    officer = make_person("officer")
    event = make_event(officer, seats=1)
    for _ in range(5):
        register(make_person(), event)
    event = change_event(officer, event, replace(plan_of(event), seats=3))
    assert states(event) == ["seat", "seat", "seat", "waiting", "waiting"]
    event = change_event(officer, event, replace(plan_of(event), seats=None))
    assert states(event) == ["seat"] * 5
    assert taken(event) == 5
    with pytest.raises(EventInvalid) as caught:
        change_event(officer, event, replace(plan_of(event), seats=4))
    assert caught.value.faults == {"seats": ["5 seats are taken: there can't be fewer."]}
    assert change_event(officer, event, replace(plan_of(event), seats=5)).seats == 5


def test_registering_and_withdrawing_twice_is_the_same_as_once() -> None:
    event, person = make_event(seats=1), make_person()
    assert register(person, event) == register(person, event)
    withdraw(person, event)
    withdraw(person, event)
    # What they were to be told of their seat is overtaken.
    assert told(person) == ["withdrawn"]
    assert taken(event) == 0


def test_the_database_itself_refuses_one_seat_too_many_and_counts_them() -> None:
    event = make_event(seats=1)
    register(make_person(), event)
    waiting = register(make_person(), event)
    with pytest.raises(IntegrityError), transaction.atomic():
        Registration.objects.filter(pk=waiting.pk).update(state="seat")
    with pytest.raises(IntegrityError), transaction.atomic():
        Registration.objects.create(event=event, person=make_person(), state="seat")
    with pytest.raises(IntegrityError), transaction.atomic():
        Event.objects.filter(pk=event.pk).update(seats=0)
    assert taken(event) == 1
    event.registrations.all().delete()
    assert taken(event) == 0


def test_nobody_registers_twice_whatever_code_runs() -> None:
    event, person = make_event(), make_person()
    register(person, event)
    with pytest.raises(IntegrityError), transaction.atomic():
        Registration.objects.create(event=event, person=person, state="waiting")


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"opens": in_days(3)}, "not-open"),
        ({"opens": in_days(-9), "closes": in_days(-1)}, "closed"),
        ({"audience": "members"}, "not-for-you"),
        ({"audience": "companies"}, "not-for-you"),
        ({"companies_first_until": in_days(3)}, "companies-first"),
    ],
)
def test_who_may_not_register_is_told_why(said: dict[str, Any], reason: str) -> None:
    event = make_event(**said)
    assert refusal(make_person(organisation=make_organisation("academia")), event) == reason
    assert taken(event) == 0


def test_a_draft_is_not_there_and_what_is_cancelled_or_has_begun_is_closed() -> None:
    officer, person = make_person("officer"), make_person()
    with pytest.raises(NotFound):
        register(person, draft_event(officer, make_plan()))
    event = make_event(officer)
    cancel_event(officer, event, "The speaker is ill.")
    assert refusal(person, event) == "cancelled"
    begun = make_event(officer)
    register(person, begun)
    move_into_past(begun, 10)
    move_into_past(begun, 0.5)
    assert refusal(make_person(), begun) == "over"
    with pytest.raises(WrongState):
        withdraw(person, begun)


def test_companies_and_members_of_projects_come_where_it_is_for_them() -> None:
    founder = make_person(organisation=make_organisation("startup"))
    assert register(founder, make_event(audience="companies")).state == "seat"
    assert register(founder, make_event(companies_first_until=in_days(3))).state == "seat"
    world = make_world()
    member = make_allocation(world).project.members.get().person
    assert register(member, make_event(audience="members")).state == "seat"
    membership = member.memberships.get()
    membership.left_at = datetime.now(UTC)
    membership.save()
    assert refusal(member, make_event(audience="members")) == "not-for-you"


def test_once_it_has_begun_a_seat_that_comes_free_stays_free() -> None:
    officer = make_person("officer")
    event = make_event(officer, seats=1)
    register(make_person(), event)
    register(make_person(), event)
    event = begin_now(event)
    change_event(officer, event, replace(plan_of(event), seats=2))
    assert states(event) == ["seat", "waiting"]


def test_who_organises_notes_who_came_and_nobody_else() -> None:
    officer = make_person("officer")
    event = make_event(officer, seats=2)
    here, away, waits = (register(make_person(), event) for _ in range(3))
    with pytest.raises(WrongState):
        mark_attendance(officer, event, {here.pk: True})
    event = begin_now(event)
    with pytest.raises(NotAllowed):
        mark_attendance(here.person, event, {here.pk: True})
    assert mark_attendance(officer, event, {here.pk: True, away.pk: False}) == 2
    assert mark_attendance(officer, event, {here.pk: True, away.pk: None}) == 1
    assert list(event.registrations.order_by("id").values_list("came", flat=True)) == [True, None, None]
    with pytest.raises(EventInvalid) as caught:
        mark_attendance(officer, event, {waits.pk: True, 10**30: True})
    assert str(waits.pk) in caught.value.faults["came"][0]


def test_seats_of_one_event_are_not_those_of_another() -> None:
    one, other = make_event(seats=1), make_event(seats=1)
    person = make_person()
    assert [register(person, event).state for event in (one, other)] == ["seat", "seat"]
    withdraw(person, one)
    assert (taken(one), taken(other)) == (0, 1)
    assert [found.event for found in queries.registrations_of(person)] == [other]
    assert datetime.now(UTC) + timedelta(days=9) < queries.registrations_of(person)[0].event.starts
