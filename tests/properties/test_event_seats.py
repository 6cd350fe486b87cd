"""Whatever people and organisers do in whatever order: never overbooked, and the line is the order of time."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.factories.events import make_event
from tests.factories.world import make_person

from fabriek.events.actions import change_event, register, withdraw
from fabriek.events.errors import EventInvalid
from fabriek.events.models import Event
from fabriek.events.plan import plan_of

PEOPLE = 6
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("register"), st.integers(0, PEOPLE - 1)),
        st.tuples(st.just("withdraw"), st.integers(0, PEOPLE - 1)),
        st.tuples(st.just("seats"), st.one_of(st.none(), st.integers(1, PEOPLE))),
    ),
    max_size=25,
)


@pytest.mark.django_db
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seats=st.one_of(st.none(), st.integers(1, 3)), steps=STEPS)
def test_seats_and_the_line_are_as_a_plain_list_tells(seats: int | None, steps: list[tuple[str, int | None]]) -> None:
    """Beside it a list of people in the order in which they asked: the first of it hold the seats."""
    officer, people = make_person("officer"), [make_person() for _ in range(PEOPLE)]
    event = make_event(officer, seats=seats)
    line: list[int] = []
    held: set[int] = set()

    def serve() -> None:
        for one in line:
            if one not in held and (seats is None or len(held) < seats):
                held.add(one)

    for verb, what in steps:
        if verb == "seats":
            try:
                change_event(officer, event, replace(plan_of(Event.objects.get(pk=event.pk)), seats=what))
            except EventInvalid:
                assert what is not None
                assert what < len(held)
                continue
            seats = what
        elif verb == "register":
            assert what is not None
            register(people[what], event)
            if what not in line:
                line.append(what)
        else:
            assert what is not None
            withdraw(people[what], event)
            if what in line:
                line.remove(what)
                held.discard(what)
        serve()
        now = event.registrations.exclude(state="withdrawn").order_by("id")
        assert [(one.person_id, one.state) for one in now] == [
            (people[one].pk, "seat" if one in held else "waiting") for one in line
        ]
        taken = Event.objects.values_list("taken", flat=True).get(pk=event.pk)
        assert taken == len(held)
        assert seats is None or taken <= seats
