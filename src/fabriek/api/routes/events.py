"""Events: what there is, coming along, organising, calendars. Under `/calendar`: `/events` tells what happened."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Router, Schema, Status
from pydantic import AwareDatetime

from fabriek.api.authentication import Scope, actor_of, reader_of
from fabriek.api.paging import PageOf, Paging, page_of
from fabriek.catalogue.queries import entry_of
from fabriek.events import actions, queries
from fabriek.events.calendars import MEDIA_TYPE, Shown, calendar, own_address
from fabriek.events.models import Audience, Event, EventKind, EventState, Level, Registration, RegistrationState
from fabriek.events.plan import Meeting, Plan
from fabriek.events.rules import LONGEST, MOST_HOURS_BEFORE, MOST_SEATS, ORGANISES, forgotten_on, may_see_link
from fabriek.people.models import Person
from fabriek.register.queries import factory_of

router = Router(tags=["events"])
READ, ATTEND = Scope("read"), Scope("attend")
ORGANISE = Scope("organise", ORGANISES)


class SessionIn(Schema):
    uuid: UUID | None = Field(None, description="which session it was before; empty: told by its times, or a new one")
    starts: AwareDatetime
    ends: AwareDatetime


class PlanIn(Schema):
    title: str = Field(min_length=1, max_length=LONGEST["title"])
    kind: EventKind
    factory: str = Field(description="the code of the factory that holds it")
    zone: str = Field(description="IANA time zone in which its times are told, as Europe/Amsterdam")
    sessions: list[SessionIn] = []
    entry: str = Field("", description="the code of the catalogue's training whose date it is")
    summary: str = Field("", max_length=LONGEST["summary"])
    description: str = Field("", max_length=LONGEST["description"], description="Markdown")
    languages: list[str] = Field([], description="ISO 639 codes")
    level: Level | None = None
    place: str = Field("", max_length=LONGEST["place"])
    link: str = Field("", max_length=LONGEST["link"], description="where it meets online: only who has a seat sees it")
    seats: int | None = Field(None, ge=1, le=MOST_SEATS, description="empty: no limit")
    audience: Audience = Audience.EVERYBODY
    companies_first_until: AwareDatetime | None = Field(None, description="until then only start-ups and SMEs register")
    opens: AwareDatetime | None = Field(None, description="registration; empty: at once")
    closes: AwareDatetime | None = Field(None, description="registration; empty: when it starts")
    remind_hours: int = Field(24, ge=0, le=MOST_HOURS_BEFORE, description="before each session; 0: no reminder")
    contact_name: str = Field("", max_length=LONGEST["contact_name"])
    contact_email: str = Field("", max_length=LONGEST["contact_email"])


class EventChangeIn(PlanIn):
    read: int | None = Field(None, description="the `sequence` that you changed: refused where there is a newer one")


class EventWhyIn(Schema):
    why: str = Field(min_length=1, max_length=LONGEST["why"])


class AttendanceIn(Schema):
    came: dict[int, bool | None] = Field(description="by the registration's number; null: not known")


class SessionOut(Schema):
    uuid: UUID
    starts: datetime
    ends: datetime


class EventOut(Schema):
    code: str
    kind: EventKind
    factory: str
    title: str
    summary: str
    languages: list[str]
    level: str
    zone: str
    place: str
    is_online: bool
    sessions: list[SessionOut]
    state: EventState
    why: str = Field(description="why it was cancelled")
    seats: int | None = Field(description="null: no limit")
    taken: int
    audience: Audience
    companies_first_until: datetime | None
    opens: datetime | None
    closes: datetime | None
    sequence: int = Field(description="raised by every change")


class EventDetail(EventOut):
    entry: str
    description: str
    link: str = Field(description="where it meets online: for who has a seat, and who organises")
    remind_hours: int
    contact_name: str
    contact_email: str
    participants_erased_on: str | None
    registration: RegistrationState | None = Field(description="yours")
    place_in_line: int | None = Field(description="yours on the waiting list, from 1")


class Events(PageOf):
    items: list[EventOut]


class RegistrationOut(Schema):
    event: EventOut
    state: RegistrationState
    place_in_line: int | None
    asked_at: datetime


class Registrations(PageOf):
    items: list[RegistrationOut]


class DeskRow(EventOut):
    waiting: int


class Desk(PageOf):
    items: list[DeskRow]


class ParticipantOut(Schema):
    number: int
    name: str
    email: str
    organisation: str
    organisation_class: str
    country: str
    state: RegistrationState
    asked_at: datetime
    came: bool | None


class Participants(PageOf):
    items: list[ParticipantOut]


class Marked(Schema):
    changed: int


class OwnCalendar(Schema):
    address: str = Field(description="a secret: whoever knows it reads what you registered for. It is told once")


class EventQuestion(Schema):
    when: queries.When = "coming"
    factory: str = Field("", max_length=80)
    kind: EventKind | None = None
    language: str = Field("", max_length=3)

    def asked(self) -> queries.Asked:
        """The room's own question."""
        return queries.Asked(self.when, self.factory, self.kind or "", self.language)


@router.get("/calendar/events", response=Events, auth=None, summary="Events")
def events(request: HttpRequest, paging: Query[Paging], question: Query[EventQuestion]) -> dict[str, Any]:
    """What comes, the next first; what was, the last first. Cancelled ones too."""
    return page_of(queries.shown(question.asked()), paging, _row)


@router.post("/calendar/events", response=EventDetail, auth=ORGANISE, summary="Plan an event, as a draft")
def plan(request: HttpRequest, body: PlanIn) -> dict[str, Any]:
    """Nobody else sees it until it is published. The same again is the same draft."""
    actor = actor_of(request)
    return _detail(actor, actions.draft_event(actor, _plan(actor, body)).code)


@router.get("/calendar/desk/events", response=Desk, auth=Scope("read", ORGANISES), summary="Events, with drafts")
def desk(
    request: HttpRequest, paging: Query[Paging], state: EventState | None = None, factory: str = "", sort: str = ""
) -> dict[str, Any]:
    """For who organises: the last planned first."""
    found = queries.desk(state=state or "", factory=factory[:80], sort=sort)
    return page_of(found, paging, lambda event: {**_row(event), "waiting": event.waiting})


@router.get("/calendar/registrations", response=Registrations, auth=READ, summary="What you registered for")
def mine(request: HttpRequest, paging: Query[Paging], when: queries.When = "coming") -> dict[str, Any]:
    """What you did not withdraw from."""
    return page_of(queries.registrations_of(actor_of(request), when), paging, _registration)


@router.post("/calendar/own", response=OwnCalendar, auth=ATTEND, summary="A new address of your own calendar")
def renew(request: HttpRequest) -> dict[str, str]:
    """iCalendar with what you registered for and its online addresses. The address before opens nothing any more."""
    return {"address": own_address(actions.renew_feed(actor_of(request)), settings.FABRIEK_BASE_URL)}


@router.get("/calendar/feed", auth=None, summary="All events as iCalendar")
def feed(request: HttpRequest, factory: str = "") -> HttpResponse:
    """What is planned, moved and cancelled, of a factory where one is named; without online addresses."""
    name = factory_of(factory[:80]).name if factory else "Fabriek"
    return _calendar(name, [Shown(event) for event in queries.in_calendar(factory=factory[:80])])


@router.get("/calendar/events/{code}", response=EventDetail, auth=None, summary="An event")
def one(request: HttpRequest, code: str) -> dict[str, Any]:
    """With a token: also what your registration is, and where it meets online, if you have a seat."""
    return _detail(reader_of(request), code)


@router.get("/calendar/events/{code}/ics", auth=None, summary="An event as iCalendar")
def one_as_calendar(request: HttpRequest, code: str) -> HttpResponse:
    """With a token of who has a seat: with its online address."""
    reader = reader_of(request)
    event = queries.with_dropped(queries.event_of(reader, code))
    mine = queries.registration_of(reader, event)
    return _calendar(event.title, [Shown(event, mine.state if mine else "", may_see_link(reader, mine))])


@router.put("/calendar/events/{code}", response=EventDetail, auth=ORGANISE, summary="Change an event")
def change(request: HttpRequest, code: str, body: EventChangeIn) -> dict[str, Any]:
    """Whole: what is left out is emptied. Who registered is mailed of another time or place."""
    actor = actor_of(request)
    actions.change_event(actor, queries.event_of(actor, code), _plan(actor, body), read=body.read)
    return _detail(actor, code)


@router.post("/calendar/events/{code}/publish", response=EventDetail, auth=ORGANISE, summary="Publish an event")
def publish(request: HttpRequest, code: str) -> dict[str, Any]:
    """Everybody sees it then."""
    actor = actor_of(request)
    actions.publish_event(actor, queries.event_of(actor, code))
    return _detail(actor, code)


@router.post("/calendar/events/{code}/cancel", response=EventDetail, auth=ORGANISE, summary="Cancel an event")
def cancel(request: HttpRequest, code: str, body: EventWhyIn) -> dict[str, Any]:
    """Everybody who registered is mailed why."""
    actor = actor_of(request)
    actions.cancel_event(actor, queries.event_of(actor, code), body.why)
    return _detail(actor, code)


@router.delete("/calendar/events/{code}", response={204: None}, auth=ORGANISE, summary="Discard a draft")
def discard(request: HttpRequest, code: str) -> Any:
    """What was published is cancelled instead."""
    actor = actor_of(request)
    actions.discard_event(actor, queries.event_of(actor, code))
    return Status(204, None)


@router.post("/calendar/events/{code}/registration", response=EventDetail, auth=ATTEND, summary="Register")
def register(request: HttpRequest, code: str) -> dict[str, Any]:
    """A seat where one is free, else the end of the waiting list."""
    actor = actor_of(request)
    actions.register(actor, queries.event_of(actor, code))
    return _detail(actor, code)


@router.delete("/calendar/events/{code}/registration", response=EventDetail, auth=ATTEND, summary="Withdraw")
def withdraw(request: HttpRequest, code: str) -> dict[str, Any]:
    """Your seat goes to who waits longest."""
    actor = actor_of(request)
    actions.withdraw(actor, queries.event_of(actor, code))
    return _detail(actor, code)


@router.get(
    "/calendar/events/{code}/participants",
    response=Participants,
    auth=ORGANISE,
    summary="Who comes and who waits",
)
def participants(
    request: HttpRequest, code: str, paging: Query[Paging], state: RegistrationState | None = None, sort: str = ""
) -> dict[str, Any]:
    """Personal data, for who organises alone; in the order of registration."""
    event = queries.event_of(actor_of(request), code)
    return page_of(queries.participants(event, state=state or "", sort=sort), paging, _participant)


@router.post("/calendar/events/{code}/attendance", response=Marked, auth=ORGANISE, summary="Note who came")
def attendance(request: HttpRequest, code: str, body: AttendanceIn) -> dict[str, int]:
    """Once it has begun."""
    actor = actor_of(request)
    return {"changed": actions.mark_attendance(actor, queries.event_of(actor, code), body.came)}


def _plan(actor: Person, body: PlanIn) -> Plan:
    said = body.dict(exclude={"sessions", "read"})
    named = {
        "factory": factory_of(said["factory"]),
        "entry": entry_of(actor, said["entry"]) if said["entry"] else None,
        "level": said["level"] or "",
        "languages": tuple(dict.fromkeys(said["languages"])),
        "meetings": tuple(Meeting(one.starts, one.ends, one.uuid) for one in body.sessions),
    }
    return Plan(**{**said, **named})


def _calendar(name: str, shown: list[Shown]) -> HttpResponse:
    return HttpResponse(calendar(name, shown, settings.FABRIEK_BASE_URL), content_type=MEDIA_TYPE)


def _row(event: Event) -> dict[str, Any]:
    other = {"factory", "languages", "is_online", "sessions"}
    return {
        **{name: getattr(event, name) for name in EventOut.model_fields.keys() - other},
        "factory": event.factory.code,
        "languages": list(event.language_codes),
        "is_online": bool(event.link),
        "sessions": list(event.sessions.all()),
    }


def _detail(reader: Person | None, code: str) -> dict[str, Any]:
    event = queries.event_of(reader, code)
    mine = queries.registration_of(reader, event)
    day = forgotten_on(event)
    same = ("description", "remind_hours", "contact_name", "contact_email")
    return {
        **_row(event),
        **{name: getattr(event, name) for name in same},
        "entry": event.entry.code if event.entry else "",
        "link": event.link if may_see_link(reader, mine) else "",
        "participants_erased_on": day.isoformat() if day else None,
        "registration": mine.state if mine else None,
        "place_in_line": queries.place_in_line(mine) if mine else None,
    }


def _registration(one: Registration) -> dict[str, Any]:
    place = queries.place_in_line(one)
    return {"event": _row(one.event), "state": one.state, "place_in_line": place, "asked_at": one.asked_at}


def _participant(one: Registration) -> dict[str, Any]:
    organisation = one.person.organisation
    return {
        "number": one.pk,
        "name": one.person.name,
        "email": one.person.email,
        "organisation": organisation.name if organisation else "",
        "organisation_class": organisation.organisation_class if organisation else "",
        "country": organisation.country if organisation else "",
        "state": one.state,
        "asked_at": one.asked_at,
        "came": one.came,
    }
