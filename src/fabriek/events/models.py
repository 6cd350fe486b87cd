"""Events: what is planned, when it meets, who holds a seat and who waits, and what participants are told.

A seat is never given twice: `Event.taken` is kept by triggers of the database (triggers.py) from the registrations,
and a constraint holds it to `seats`, whatever code runs. Who comes is personal data: registrations, and what was told
to those people, are erased on a stated day (`rules.forgotten_on`); two figures stay.
"""

from __future__ import annotations

import uuid
from zoneinfo import ZoneInfo

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from fabriek.catalogue.models import Entry
from fabriek.people.models import Person
from fabriek.register.models import Factory


class EventKind(models.TextChoices):
    TRAINING = "training", _("Training")
    WORKSHOP = "workshop", _("Workshop")
    WEBINAR = "webinar", _("Webinar")
    INFORMATION = "information", _("Information day")
    OTHER = "other", _("Other")


class EventState(models.TextChoices):
    DRAFT = "draft", _("Draft")
    PUBLISHED = "published", _("Published")
    CANCELLED = "cancelled", _("Cancelled")


class Level(models.TextChoices):
    """As the catalogue's training has them."""

    BEGINNER = "beginner", _("Beginner")
    INTERMEDIATE = "intermediate", _("Intermediate")
    ADVANCED = "advanced", _("Advanced")


class Audience(models.TextChoices):
    """Who may register."""

    EVERYBODY = "everybody", _("Everybody with an account")
    MEMBERS = "members", _("Members of projects")
    COMPANIES = "companies", _("Start-ups, and small and medium-sized enterprises")


class Event(models.Model):
    """One event, of one session or several.

    `starts`, `ends`: of the first and the last session. `sequence`: raised by every change, as RFC 5545 (3.8.7.4) asks
    of calendars; who changes it names the one that they read. `companies_first_until`: until then only start-ups and
    SMEs register. `seats`: None is no limit. Empty `opens`, `closes`: as soon as it is published, until it starts.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    code = models.SlugField(max_length=80, unique=True)
    kind = models.CharField(max_length=12, choices=EventKind)
    factory = models.ForeignKey(Factory, models.PROTECT, related_name="events")
    entry = models.ForeignKey(Entry, models.SET_NULL, null=True, blank=True, related_name="events")
    title = models.CharField(max_length=200)
    summary = models.CharField(max_length=1_000, blank=True)
    description = models.TextField(blank=True, help_text="Markdown")
    languages = models.CharField(max_length=100, blank=True, help_text="ISO 639 codes, a space before and after each")
    level = models.CharField(max_length=12, choices=Level, blank=True)
    zone = models.CharField(max_length=60, help_text="IANA time zone in which its times are told")
    starts = models.DateTimeField(null=True, blank=True)
    ends = models.DateTimeField(null=True, blank=True)
    place = models.CharField(max_length=300, blank=True, help_text="for everybody")
    link = models.CharField(max_length=2_000, blank=True, help_text="where it meets online; for participants")
    seats = models.PositiveIntegerField(null=True, blank=True)
    taken = models.PositiveIntegerField(default=0, editable=False, help_text="kept by the database")
    audience = models.CharField(max_length=12, choices=Audience, default=Audience.EVERYBODY)
    companies_first_until = models.DateTimeField(null=True, blank=True)
    opens = models.DateTimeField(null=True, blank=True)
    closes = models.DateTimeField(null=True, blank=True)
    remind_hours = models.PositiveSmallIntegerField(default=24, help_text="before each session; 0: no reminder")
    contact_name = models.CharField(max_length=200, blank=True)
    contact_email = models.EmailField(blank=True)
    state = models.CharField(max_length=10, choices=EventState, default=EventState.DRAFT)
    why = models.TextField(blank=True, help_text="why it was cancelled")
    sequence = models.PositiveIntegerField(default=0)
    planned_by = models.ForeignKey(Person, models.PROTECT, related_name="planned_events")
    created_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)
    published_at = models.DateTimeField(null=True, blank=True)
    # What is left once its participants were forgotten.
    forgotten_at = models.DateTimeField(null=True, blank=True)
    had_seats = models.PositiveIntegerField(null=True, blank=True, help_text="how many held a seat at the end")
    came = models.PositiveIntegerField(null=True, blank=True, help_text="how many were marked as present")
    is_demo = models.BooleanField(default=False)

    class Meta:
        ordering = ["starts", "id"]
        indexes = [
            models.Index(fields=["state", "starts"], name="event_upcoming"),
            models.Index(fields=["state", "ends"], name="event_past"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=EventKind.values), name="event_kind_known"),
            models.CheckConstraint(condition=Q(state__in=EventState.values), name="event_state_known"),
            models.CheckConstraint(condition=Q(audience__in=Audience.values), name="event_audience_known"),
            models.CheckConstraint(condition=Q(level__in=["", *Level.values]), name="event_level_known"),
            models.CheckConstraint(condition=Q(seats=None) | Q(taken__lte=F("seats")), name="event_never_overbooked"),
            models.CheckConstraint(condition=Q(ends=None) | Q(ends__gt=F("starts")), name="event_ends_after_it_starts"),
            models.CheckConstraint(
                condition=Q(state="draft") | Q(published_at__isnull=False, starts__isnull=False, ends__isnull=False),
                name="event_published_has_times",
            ),
            models.CheckConstraint(condition=~Q(state="cancelled") | ~Q(why=""), name="event_cancelled_says_why"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def language_codes(self) -> tuple[str, ...]:
        """The languages that it is held in."""
        return tuple(self.languages.split())

    @property
    def tzinfo(self) -> ZoneInfo:
        """The time zone in which its times are told."""
        return ZoneInfo(self.zone)


class Session(models.Model):
    """A time at which an event meets. `uuid` names it in calendars for ever: one that was published is never deleted,
    but dropped, so that calendars learn that it is off."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    event = models.ForeignKey(Event, models.CASCADE, related_name="sessions")
    starts = models.DateTimeField()
    ends = models.DateTimeField()
    dropped_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["starts", "id"]
        indexes = [models.Index(fields=["dropped_at", "starts"], name="session_next")]
        constraints = [
            models.CheckConstraint(condition=Q(ends__gt=F("starts")), name="session_ends_after_it_starts"),
        ]

    def __str__(self) -> str:
        return f"{self.event_id} {self.starts:%Y-%m-%d %H:%M}"


class RegistrationState(models.TextChoices):
    SEAT = "seat", _("Has a seat")
    WAITING = "waiting", _("Waits for a seat")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class Registration(models.Model):
    """Somebody's wish to come. Who waits is served in the order of `id`: they are written one at a time for each event,
    so that it is the order of time, whatever clocks say. Who withdrew and asks again gets a new one, at the end.
    `came`: None until the organiser marked it."""

    event = models.ForeignKey(Event, models.PROTECT, related_name="registrations")
    person = models.ForeignKey(Person, models.PROTECT, related_name="registrations")
    state = models.CharField(max_length=10, choices=RegistrationState)
    asked_at = models.DateTimeField(default=timezone.now)
    state_since = models.DateTimeField(default=timezone.now)
    came = models.BooleanField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["event", "state", "id"], name="registration_line")]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=RegistrationState.values), name="registration_state_known"),
            models.UniqueConstraint(
                fields=["event", "person"], condition=~Q(state="withdrawn"), name="registration_once"
            ),
            models.CheckConstraint(condition=Q(came=None) | Q(state="seat"), name="registration_came_had_a_seat"),
        ]

    def __str__(self) -> str:
        return f"{self.event_id} {self.state}"


class NoticeKind(models.TextChoices):
    """What a participant is told by mail."""

    SEAT = "seat", _("You have a seat")
    WAITING = "waiting", _("You are on the waiting list")
    MOVED_UP = "moved-up", _("A seat came free for you")
    WITHDRAWN = "withdrawn", _("You withdrew")
    CHANGED = "changed", _("Time or place changed")
    CANCELLED = "cancelled", _("The event is cancelled")
    REMINDER = "reminder", _("It starts soon")


class Notice(models.Model):
    """A mail to a participant, written with what it tells of and sent by the worker: nobody is forgotten, however a
    process ends. `said`: what was before and what is now, where it tells of a change."""

    registration = models.ForeignKey(Registration, models.CASCADE, related_name="notices")
    session = models.ForeignKey(Session, models.CASCADE, null=True, blank=True, related_name="notices")
    kind = models.CharField(max_length=10, choices=NoticeKind)
    said = models.JSONField(default=dict, blank=True)
    made_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(default=timezone.now, help_text="not before")
    tries = models.PositiveSmallIntegerField(default=0)
    mailed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["due_at"], name="event_notice_due", condition=Q(mailed_at=None))]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=NoticeKind.values), name="event_notice_kind_known"),
            models.UniqueConstraint(fields=["registration", "session"], name="event_reminder_once"),
        ]

    def __str__(self) -> str:
        return f"{self.registration_id} {self.kind}"


class Feed(models.Model):
    """Somebody's own calendar, for whoever knows its address. Only the SHA-256 of what is secret in it is kept."""

    person = models.OneToOneField(Person, models.CASCADE, related_name="events_feed")
    digest = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return str(self.person_id)
