"""The one verb of this room: record an event, inside the transaction of the action that it tells of."""

from __future__ import annotations

from typing import Any

from django.db import models

from fabriek.audit.models import Event

SYSTEM = "system"
"""Who acts where no person does."""


def record(actor: Any, verb: str, subject: models.Model, *, why: str = "", **data: Any) -> Event:
    """Write one audit event.

    actor: a person, or None where the platform itself acted (a clock ran out, an agent reported).
    verb: `room.action_name`. subject: the row that changed; its `code` names it, else its primary key.
    data: what a reader needs to understand the change; JSON values only, no secrets.
    """
    person = actor if getattr(actor, "pk", None) else None
    return Event.objects.create(
        actor=person,
        actor_name=str(person) if person else SYSTEM,
        verb=verb,
        subject_kind=subject._meta.label_lower,
        subject=str(getattr(subject, "code", None) or subject.pk),
        why=why,
        data=data,
    )
