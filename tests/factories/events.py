"""Events for tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from fabriek.events.actions import draft_event, publish_event
from fabriek.events.models import Event
from fabriek.events.plan import Meeting, Plan
from fabriek.people.models import Person
from fabriek.register.actions import declare_factory
from fabriek.register.models import Factory
from tests.factories.world import make_person

_numbers = count(1)


def in_days(days: float, hours: float = 0) -> datetime:
    """A moment so many days from the coming midnight on, in UTC."""
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(days=days, hours=hours)


def make_factory() -> Factory:
    number = next(_numbers)
    return declare_factory(
        make_person("operator"),
        code=f"host-{number}",
        name=f"Host {number}",
        country="NL",
        hosting_entity=f"H {number}",
    )


def make_plan(factory: Factory | None = None, **said: Any) -> Plan:
    """A plan that may be published: one session of three hours, ten days from now."""
    number = next(_numbers)
    return Plan(
        **{
            "kind": "training",
            "factory": factory or make_factory(),
            "title": f"Training {number}",
            "zone": "Europe/Amsterdam",
            "meetings": (Meeting(in_days(10, 9), in_days(10, 12)),),
            "summary": "How to use many GPUs at once, for who used one.",
            "languages": ("en",),
            "place": "Utrecht",
            "contact_email": "events@example.org",
            **said,
        }
    )


def make_event(organiser: Person | None = None, **said: Any) -> Event:
    """A published event."""
    organiser = organiser or make_person("officer")
    return publish_event(organiser, draft_event(organiser, make_plan(**said)))


def move_into_past(event: Event, days: float) -> Event:
    """The event as if it had been so many days earlier: nobody can plan one in the past."""
    for session in event.sessions.all():
        type(session).objects.filter(pk=session.pk).update(
            starts=session.starts - timedelta(days=days), ends=session.ends - timedelta(days=days)
        )
    assert event.starts is not None
    assert event.ends is not None
    Event.objects.filter(pk=event.pk).update(
        starts=event.starts - timedelta(days=days), ends=event.ends - timedelta(days=days)
    )
    event.refresh_from_db()
    return event


def begin_now(event: Event) -> Event:
    """The event as if it had begun an hour ago."""
    assert event.starts is not None
    return move_into_past(event, (event.starts - datetime.now(UTC)) / timedelta(days=1) + 1 / 24)
