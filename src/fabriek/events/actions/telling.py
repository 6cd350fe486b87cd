"""What participants are told: written down with what it tells of, mailed by the worker.

A mail is sent at least once: where the worker is killed between sending one and noting that, it is sent again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.mail import send_mail
from django.utils import timezone, translation

from fabriek.events.models import EventState, Notice, NoticeKind, Registration, RegistrationState, Session
from fabriek.events.rules import MOST_HOURS_BEFORE
from fabriek.events.words import letter

MOST_TRIES = 8
AT_ONCE = 500
"""Mails of one look: the worker's other work goes on between."""
FIRST_PAUSE = timedelta(minutes=1)
"""After the first try that failed; twice as long after each further one, two hours in all."""

_log = logging.getLogger("fabriek.events")


def tell(registrations: Iterable[Registration], kind: NoticeKind, said: dict[str, Any] | None = None) -> None:
    """Note what these participants are to be told, in the transaction of what it tells of."""
    Notice.objects.bulk_create([Notice(registration=one, kind=kind, said=said or {}) for one in registrations])


def note_reminders(now: datetime | None = None) -> int:
    """Note for each session that starts soon that who holds a seat is reminded of it: once, and not who registered so
    late that the mail about their seat was a reminder itself. How many."""
    now = now or timezone.now()
    soon = Session.objects.filter(
        dropped_at=None,
        event__state=EventState.PUBLISHED,
        event__remind_hours__gt=0,
        starts__gt=now,
        starts__lte=now + timedelta(hours=MOST_HOURS_BEFORE),
    ).select_related("event")
    noted = 0
    for session in soon:
        due = session.starts - timedelta(hours=session.event.remind_hours)
        if due > now:
            continue
        coming = session.event.registrations.filter(state=RegistrationState.SEAT, state_since__lte=due)
        reminders = [
            Notice(registration=one, session=session, kind=NoticeKind.REMINDER)
            for one in coming.exclude(notices__session=session)
        ]
        # Another worker may note the same: the database takes each once.
        noted += len(Notice.objects.bulk_create(reminders, ignore_conflicts=True))
    return noted


def mail_notices(now: datetime | None = None) -> int:
    """Mail what waits and is due. How many left. What can't be sent is tried again, later each time."""
    now = now or timezone.now()
    waiting = Notice.objects.filter(mailed_at=None, due_at__lte=now, tries__lt=MOST_TRIES)
    return sum(_mail(number, now) for number in waiting.order_by("id").values_list("pk", flat=True)[:AT_ONCE])


def _mail(number: int, now: datetime) -> bool:
    found = (
        Notice.objects.select_related("registration__event", "registration__person", "session")
        .filter(pk=number, mailed_at=None)
        .first()
    )
    if found is None:
        return False
    # Before it is sent, so that one that ends the process doesn't do so at every start.
    pause = FIRST_PAUSE * 2**found.tries
    Notice.objects.filter(pk=number).update(tries=found.tries + 1, due_at=now + pause)
    person, sent = found.registration.person, False
    if person.is_active and not person.is_demo and not _is_overtaken(found, now):
        try:
            with translation.override(person.language):
                subject, text = letter(found, settings.FABRIEK_BASE_URL)
                send_mail(subject, text, settings.DEFAULT_FROM_EMAIL, [person.email])
        except OSError:
            _log.exception(
                "mail about event %s to registration %s", found.registration.event.code, found.registration_id
            )
            return False
        sent = True
    Notice.objects.filter(pk=number).update(mailed_at=now)
    return sent


def _is_overtaken(notice: Notice, now: datetime) -> bool:
    """Whether what it tells isn't so any more: the mail that follows tells it better."""
    registration, session = notice.registration, notice.session
    match NoticeKind(notice.kind):
        case NoticeKind.SEAT | NoticeKind.MOVED_UP:
            return registration.state != RegistrationState.SEAT
        case NoticeKind.WAITING:
            return registration.state != RegistrationState.WAITING
        case NoticeKind.REMINDER:
            is_off = registration.event.state != EventState.PUBLISHED or registration.state != RegistrationState.SEAT
            return is_off or session is None or session.dropped_at is not None or session.starts <= now
        case _:
            return False
