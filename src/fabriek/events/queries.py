"""Reads of events."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal

from django.db.models import Count, Prefetch, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from fabriek.catalogue.models import Entry
from fabriek.conf.errors import NotFound
from fabriek.conf.sorting import Column, ordered
from fabriek.events.models import Event, EventState, Feed, Registration, RegistrationState, Session
from fabriek.events.rules import Visitor, digest_of, may_see
from fabriek.people.models import Person
from fabriek.projects.models import Member
from fabriek.register.models import Factory

When = Literal["coming", "past", "all"]
DESK_COLUMNS: dict[str, Column] = {
    "title": "title",
    "factory": "factory__name",
    "state": "state",
    "starts": "starts",
    "taken": "taken",
}
PARTICIPANT_COLUMNS: dict[str, Column] = {
    "name": "person__name",
    "organisation": "person__organisation__name",
    "state": "state",
    "asked": "asked_at",
}
IN_FEEDS = timedelta(days=366)
"""How long after its end an event stays in calendars."""
NEXT_DATES = 20
"""Of an entry or a factory."""


@dataclass(frozen=True)
class Asked:
    """Which events: coming (the next first) or past (the last first), of a factory, kind and language ('' is all)."""

    when: When = "coming"
    factory: str = ""
    kind: str = ""
    language: str = ""


def shown(asked: Asked, now: datetime | None = None) -> QuerySet[Event]:
    """What all may see of events, with their sessions. Cancelled ones too, which people look for. Two queries."""
    now = now or timezone.now()
    found = _narrowed(_public(), asked)
    if asked.when == "coming":
        found = found.filter(ends__gt=now).order_by("starts", "pk")
    elif asked.when == "past":
        found = found.filter(ends__lte=now).order_by("-starts", "-pk")
    return found


def month_of(first: date, asked: Asked) -> dict[date, list[Session]]:
    """The sessions of a month by the day on which they start where they are, in order. One query."""
    begin = datetime.combine(first, time.min, UTC)
    after = datetime.combine((first + timedelta(days=32)).replace(day=1), time.min, UTC)
    # A day of the month is one of another in the zones furthest from UTC.
    sessions = (
        Session.objects.filter(
            dropped_at=None,
            event__in=_narrowed(Event.objects.exclude(state=EventState.DRAFT), asked),
            starts__gte=begin - timedelta(days=1),
            starts__lt=after + timedelta(days=1),
        )
        .select_related("event__factory")
        .order_by("starts", "pk")
    )
    days: dict[date, list[Session]] = defaultdict(list)
    for session in sessions:
        day = session.starts.astimezone(session.event.tzinfo).date()
        if (day.year, day.month) == (first.year, first.month):
            days[day].append(session)
    return dict(days)


def _narrowed(found: QuerySet[Event], asked: Asked) -> QuerySet[Event]:
    if asked.factory:
        found = found.filter(factory__code=asked.factory)
    if asked.kind:
        found = found.filter(kind=asked.kind)
    if asked.language:
        found = found.filter(languages__contains=f" {asked.language} ")
    return found


def _public() -> QuerySet[Event]:
    return _whole().exclude(state=EventState.DRAFT)


def _whole() -> QuerySet[Event]:
    held = Session.objects.filter(dropped_at=None).order_by("starts", "pk")
    return Event.objects.select_related("factory", "entry").prefetch_related(Prefetch("sessions", held))


@dataclass(frozen=True)
class Choices:
    """What the list may be narrowed to: values that some event has."""

    factories: list[Factory]
    languages: list[str]


def choices() -> Choices:
    """Two queries."""
    public = Event.objects.exclude(state=EventState.DRAFT)
    codes = {one for text in public.order_by().values_list("languages", flat=True).distinct() for one in text.split()}
    factories = Factory.objects.filter(pk__in=public.values("factory")).order_by("name")
    return Choices(list(factories), sorted(codes))


def desk(*, state: str = "", factory: str = "", sort: str = "") -> QuerySet[Event]:
    """Events for who organises, in a state ('' is all) of a factory ('' is all), the last planned first or by a column
    of DESK_COLUMNS; `waiting`: how many wait for a seat. Two queries."""
    found = _whole().annotate(waiting=Count("registrations", filter=Q(registrations__state=RegistrationState.WAITING)))
    if state:
        found = found.filter(state=state)
    if factory:
        found = found.filter(factory__code=factory)
    return ordered(found, sort, DESK_COLUMNS, ("-created_at", "-pk"))


def event_of(person: Any, code: str) -> Event:
    """The event of this code, with its sessions. Errors: NotFound, also for who may not see it. Two queries."""
    found = _whole().filter(code=code).first()
    if found is None or not may_see(person, found):
        raise NotFound(_("There is no event %(code)s.") % {"code": code})
    return found


def registration_of(person: Any, event: Event) -> Registration | None:
    """Somebody's registration that they did not withdraw. One query."""
    if not getattr(person, "is_authenticated", False):
        return None
    return event.registrations.filter(person=person).exclude(state=RegistrationState.WITHDRAWN).first()


def place_in_line(registration: Registration) -> int | None:
    """The how-manieth they are on the waiting list, from 1; None: they don't wait. One query."""
    if registration.state != RegistrationState.WAITING:
        return None
    line = Registration.objects.filter(event=registration.event_id, state=RegistrationState.WAITING)
    return line.filter(pk__lte=registration.pk).count()


def waiting_for(event: Event) -> int:
    """How many wait for a seat. One query."""
    return event.registrations.filter(state=RegistrationState.WAITING).count()


def registrations_of(person: Person, when: When = "coming", now: datetime | None = None) -> QuerySet[Registration]:
    """What somebody registered for and did not withdraw from: coming, the next first, or past. Two queries."""
    now = now or timezone.now()
    held = Session.objects.filter(dropped_at=None).order_by("starts", "pk")
    found = (
        Registration.objects.filter(person=person)
        .exclude(state=RegistrationState.WITHDRAWN)
        .select_related("event__factory")
        .prefetch_related(Prefetch("event__sessions", held))
    )
    if when == "coming":
        return found.filter(event__ends__gt=now).order_by("event__starts", "pk")
    if when == "past":
        return found.filter(event__ends__lte=now).order_by("-event__starts", "-pk")
    return found.order_by("event__starts", "pk")


def states_of(person: Any, events: Iterable[Event]) -> dict[int, str]:
    """What somebody's registrations for these events are, by the event's key. One query."""
    if not getattr(person, "is_authenticated", False):
        return {}
    mine = Registration.objects.filter(person=person, event__in=[one.pk for one in events])
    return dict(mine.exclude(state=RegistrationState.WITHDRAWN).values_list("event_id", "state"))


def participants(event: Event, *, state: str = "", sort: str = "") -> QuerySet[Registration]:
    """Who registered, in the order of registration or by a column of PARTICIPANT_COLUMNS; who withdrew only where
    `state` asks for them. For who organises alone (`rules.may_organise`). One query."""
    found = event.registrations.select_related("person__organisation")
    found = found.filter(state=state) if state else found.exclude(state=RegistrationState.WITHDRAWN)
    return ordered(found, sort, PARTICIPANT_COLUMNS, ("pk",))


def visitor_of(person: Person, now: datetime) -> Visitor:
    """What registering asks of somebody. One query, and one for the organisation."""
    running = Member.objects.filter(
        person=person, left_at=None, project__ended_at=None, project__ends__gt=now.date()
    ).exists()
    organisation = person.organisation
    return Visitor(running, organisation.organisation_class if organisation else "")


def coming_of(*, entry: Entry | None = None, factory: Factory | None = None) -> list[Event]:
    """The next dates of a training of the catalogue, or of a factory; what is cancelled is left out. Two queries."""
    found = shown(Asked()).filter(state=EventState.PUBLISHED)
    if entry is not None:
        found = found.filter(entry=entry)
    if factory is not None:
        found = found.filter(factory=factory)
    return list(found[:NEXT_DATES])


def in_calendar(*, factory: str = "", now: datetime | None = None) -> QuerySet[Event]:
    """What the calendar that is open to all holds, of a factory ('' is all): with the sessions that are off, which
    calendars are told of. Two queries."""
    now = now or timezone.now()
    found = Event.objects.exclude(state=EventState.DRAFT).filter(ends__gt=now - IN_FEEDS)
    if factory:
        found = found.filter(factory__code=factory)
    return found.select_related("factory").prefetch_related("sessions").order_by("starts", "pk")


def with_dropped(event: Event) -> Event:
    """The event with the sessions that are off too. Two queries."""
    return Event.objects.select_related("factory").prefetch_related("sessions").get(pk=event.pk)


def own_calendar(person: Person, now: datetime | None = None) -> list[tuple[Event, str, bool]]:
    """What somebody's own calendar holds: events, what their registration is, and whether they may see the online
    address. Three queries."""
    states = dict(
        Registration.objects.filter(person=person)
        .exclude(state=RegistrationState.WITHDRAWN)
        .values_list("event_id", "state")
    )
    seat = RegistrationState.SEAT.value
    return [(one, states[one.pk], states[one.pk] == seat) for one in in_calendar(now=now).filter(pk__in=states)]


def person_of_feed(secret: str) -> Person:
    """Whose calendar has this secret in its address. Errors: NotFound. One query."""
    found = Feed.objects.select_related("person").filter(digest=digest_of(secret), person__is_active=True).first()
    if found is None:
        raise NotFound(_("There is no such calendar. Its address was renewed, or is not complete."))
    return found.person


def has_feed(person: Person) -> bool:
    """Whether somebody has a calendar of their own. One query."""
    return Feed.objects.filter(person=person).exists()
