"""Reads of the record. One query each."""

from __future__ import annotations

from django.db.models import Model, QuerySet

from fabriek.audit.models import Event


def events_of(subject: Model) -> QuerySet[Event]:
    """All that happened to one subject, oldest first."""
    return Event.objects.filter(
        subject_kind=subject._meta.label_lower, subject=str(getattr(subject, "code", None) or subject.pk)
    ).select_related("actor")


def latest_events(limit: int = 50) -> QuerySet[Event]:
    """The newest events of the whole platform, newest first."""
    return Event.objects.select_related("actor").order_by("-id")[:limit]
