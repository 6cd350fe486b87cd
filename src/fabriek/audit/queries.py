"""Reads of the record. One query each."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from functools import reduce
from operator import or_

from django.db.models import Model, Q, QuerySet

from fabriek.audit.models import Event


def events_of(subject: Model) -> QuerySet[Event]:
    """All that happened to one subject, oldest first."""
    return Event.objects.filter(
        subject_kind=subject._meta.label_lower, subject=str(getattr(subject, "code", None) or subject.pk)
    ).select_related("actor")


def events_found(
    *,
    verb: Iterable[str] = (),
    actor: str = "",
    subject: str = "",
    since: date | None = None,
    until: date | None = None,
) -> QuerySet[Event]:
    """Events of one of these verbs (or parts of one), by somebody, about something, in the days [since, until]."""
    found = Event.objects.select_related("actor")
    texts = [text.lower()[:100] for text in verb if text]
    if texts:
        found = found.filter(reduce(or_, (Q(verb__icontains=text) for text in texts)))
    if actor:
        found = found.filter(Q(actor_name__icontains=actor[:200]) | Q(actor__email__iexact=actor[:254]))
    if subject:
        found = found.filter(Q(subject__icontains=subject[:200]) | Q(subject_kind__iexact=subject[:100]))
    if since:
        found = found.filter(at__gte=datetime.combine(since, time.min, UTC))
    if until:
        found = found.filter(at__lte=datetime.combine(until, time.max, UTC))
    return found
