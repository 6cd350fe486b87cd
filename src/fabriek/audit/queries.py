"""Reads of the record. One query each."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from django.db.models import Model, Q, QuerySet

from fabriek.audit.models import Event


def events_of(subject: Model) -> QuerySet[Event]:
    """All that happened to one subject, oldest first."""
    return Event.objects.filter(
        subject_kind=subject._meta.label_lower, subject=str(getattr(subject, "code", None) or subject.pk)
    ).select_related("actor")


def events_found(
    *,
    verb: str = "",
    exactly: str = "",
    kind: str = "",
    actor: str = "",
    subject: str = "",
    since: date | None = None,
    until: date | None = None,
) -> QuerySet[Event]:
    """Events of a verb (by a part of its name, or exactly), about a kind of subjects, by somebody, about something, in
    the days [since, until]."""
    found = Event.objects.select_related("actor")
    if verb:
        found = found.filter(verb__icontains=verb[:100])
    if exactly:
        found = found.filter(verb=exactly)
    if kind:
        found = found.filter(subject_kind=kind)
    if actor:
        found = found.filter(Q(actor_name__icontains=actor[:200]) | Q(actor__email__iexact=actor[:254]))
    if subject:
        found = found.filter(Q(subject__icontains=subject[:200]) | Q(subject_kind__iexact=subject[:100]))
    if since:
        found = found.filter(at__gte=datetime.combine(since, time.min, UTC))
    if until:
        found = found.filter(at__lte=datetime.combine(until, time.max, UTC))
    return found
