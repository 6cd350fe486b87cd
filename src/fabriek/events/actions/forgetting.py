"""Participants are erased on the day that the event's page and every mail to them named."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from fabriek.audit.actions import record
from fabriek.events.actions.seats import held
from fabriek.events.models import Event, EventState
from fabriek.events.rules import REMEMBERED, forgotten_on


def forget_participants(now: datetime | None = None) -> int:
    """Erase who registered for events whose day has come, with what they were told; how many events. How many held a
    seat and how many came stays."""
    now = now or timezone.now()
    over = Event.objects.exclude(state=EventState.DRAFT).filter(
        # The day is told in the event's zone, which is at most a day away.
        forgotten_at=None,
        ends__lte=now - REMEMBERED + timedelta(days=1),
    )
    return sum(_forget(event, now) for event in over)


@transaction.atomic
def _forget(event: Event, now: datetime) -> bool:
    it = held(event)
    day = forgotten_on(it)
    if it.forgotten_at is not None or day is None or now.astimezone(it.tzinfo).date() < day:
        return False
    it.had_seats, it.came = it.taken, it.registrations.filter(came=True).count()
    it.registrations.all().delete()
    it.forgotten_at = now
    it.save(update_fields=["had_seats", "came", "forgotten_at"])
    record(None, "events.forget_participants", it, had_seats=it.had_seats, came=it.came)
    return True
