"""Seats: an event held while they are given, and the waiting list that moves up."""

from __future__ import annotations

from datetime import datetime

from fabriek.audit.actions import record
from fabriek.events.models import Event, EventState, Registration, RegistrationState


def held(event: Event) -> Event:
    """The event as it is now, locked until the transaction ends: seats and places in line are given one at a time."""
    rows = Event.objects.select_for_update(of=("self",)).select_related("factory", "entry")
    return rows.get(pk=event.pk)


def move_up(event: Event, now: datetime) -> list[Registration]:
    """Give the free seats of an event that is held to those who wait, the longest first; who got one.

    Once it has begun nobody moves up any more: they could not come in time.
    """
    if event.state != EventState.PUBLISHED or event.starts is None or event.starts <= now:
        return []
    waiting = event.registrations.filter(state=RegistrationState.WAITING).order_by("id").select_related("person")
    if event.seats is not None:
        taken = Event.objects.values_list("taken", flat=True).get(pk=event.pk)
        waiting = waiting[: event.seats - taken]
    served = list(waiting)
    Registration.objects.filter(pk__in=[one.pk for one in served]).update(state=RegistrationState.SEAT, state_since=now)
    for one in served:
        one.state, one.state_since = RegistrationState.SEAT, now
        record(None, "events.give_seat", one, event=event.code)
    return served
