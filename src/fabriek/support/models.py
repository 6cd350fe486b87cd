"""Tickets: what somebody asks the experts of a factory, what was said since, and which factories had it.

What was said and who handed a ticket over stays as it was: both tables are append-only in the database.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from fabriek.people.models import Person
from fabriek.register.models import Factory


class TicketState(models.TextChoices):
    OPEN = "open", _("Waits for an answer")
    ANSWERED = "answered", _("Answered")
    CLOSED = "closed", _("Closed")


class AboutKind(models.TextChoices):
    """What a question may be about: things with a public code and a page of their own."""

    FACTORY = "factory", _("Factory")
    SYSTEM = "system", _("System")
    CALL = "call", _("Call")
    APPLICATION = "application", _("Application")
    PROJECT = "project", _("Project")
    ALLOCATION = "allocation", _("Allocation")
    JOB = "job", _("Job")
    RESULT = "result", _("Result")
    RECIPE = "recipe", _("Recipe")
    TRANSFER = "transfer", _("Transfer")
    ENTRY = "entry", _("Entry of the catalogue")
    PROMISE = "promise", _("Promise")
    DECISION = "decision", _("Decision")
    EVENT = "event", _("Event")


class Ticket(models.Model):
    """A question to a factory's experts. `page`: the address on this platform that it was asked from; `about_kind` and
    `about`: the thing that the page was of, by its code. Both may be empty. `state_since`: from when on it waits."""

    factory = models.ForeignKey(Factory, models.PROTECT, related_name="tickets", help_text="whose experts have it now")
    subject = models.CharField(max_length=200)
    page = models.CharField(max_length=500, blank=True)
    about_kind = models.CharField(max_length=20, choices=AboutKind, blank=True)
    about = models.CharField(max_length=120, blank=True)
    state = models.CharField(max_length=10, choices=TicketState, default=TicketState.OPEN)
    state_since = models.DateTimeField(default=timezone.now)
    asked_by = models.ForeignKey(Person, models.PROTECT, related_name="tickets")
    asked_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-asked_at", "-id"]
        indexes = [models.Index(fields=["state", "state_since"], name="ticket_waiting")]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=TicketState.values), name="ticket_state_known"),
            models.CheckConstraint(condition=Q(about_kind__in=["", *AboutKind.values]), name="ticket_about_kind_known"),
            models.CheckConstraint(
                condition=Q(about_kind="", about="") | (~Q(about_kind="") & ~Q(about="")),
                name="ticket_about_has_kind_and_code",
            ),
            models.CheckConstraint(condition=Q(page="") | Q(page__startswith="/"), name="ticket_page_is_ours"),
        ]

    def __str__(self) -> str:
        return self.subject


class DeskAddress(models.Model):
    """Where a factory's experts are mailed of what waits for them, and in which language. No row: nobody is mailed."""

    factory = models.OneToOneField(Factory, models.CASCADE, related_name="desk_address")
    email = models.EmailField()
    language = models.CharField(max_length=2, choices=Person._meta.get_field("language").choices, default="en")

    def __str__(self) -> str:
        return self.email


class Message(models.Model):
    """What was said: by who asked, or (`is_answer`) by an expert. Never changed or deleted (database triggers)."""

    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="messages")
    text = models.TextField()
    is_answer = models.BooleanField()
    written_by = models.ForeignKey(Person, models.PROTECT, related_name="+")
    written_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["id"]
        constraints = [models.CheckConstraint(condition=~Q(text=""), name="message_says_something")]

    def __str__(self) -> str:
        return self.text[:80]


class Handover(models.Model):
    """From the experts of one factory to another's, and why. Never changed or deleted (database triggers)."""

    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="handovers")
    from_factory = models.ForeignKey(Factory, models.PROTECT, related_name="+")
    to_factory = models.ForeignKey(Factory, models.PROTECT, related_name="+")
    why = models.TextField()
    handed_by = models.ForeignKey(Person, models.PROTECT, related_name="+")
    handed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=~Q(from_factory=F("to_factory")), name="handover_goes_elsewhere"),
            models.CheckConstraint(condition=~Q(why=""), name="handover_has_a_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.ticket_id}: {self.from_factory_id} → {self.to_factory_id}"
