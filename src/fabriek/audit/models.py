"""The one noun of this room: an event, which is a change of state that happened."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone


class Event(models.Model):
    """Who did what to which subject, when and why. Rows are never changed or deleted (database triggers).

    `verb` is `room.action_name` as the action is called in code; `subject_kind` is `room.model`, `subject` its
    public code, so that an event stays readable when the row it speaks of is archived.
    """

    at = models.DateTimeField(default=timezone.now, db_index=True)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    actor_name = models.CharField(max_length=200, help_text="as it was then; 'system' where no person acted")
    verb = models.CharField(max_length=80, db_index=True)
    subject_kind = models.CharField(max_length=60)
    subject = models.CharField(max_length=120)
    why = models.TextField(blank=True)
    data = models.JSONField(default=dict, blank=True)

    class Meta:
        indexes = [models.Index(fields=["subject_kind", "subject", "id"], name="audit_subject")]
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.actor_name} {self.verb} {self.subject}"
