"""Rules of events: what a plan needs, who may register and when, who sees what, how long people are remembered."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cache
from itertools import pairwise
from typing import Any
from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.text import slugify
from django.utils.translation import gettext as _

from fabriek.catalogue.models import EntryKind, EntryState
from fabriek.conf.amounts import number_text
from fabriek.events.models import (
    Audience,
    Event,
    EventKind,
    EventState,
    Level,
    Registration,
    RegistrationState,
)
from fabriek.events.plan import Meeting, Plan
from fabriek.people.models import OrganisationClass
from fabriek.people.permissions import may

ORGANISES = "organise events"
"""The permission of who plans events and sees who comes."""
REMEMBERED = timedelta(days=90)
"""How long after its end an event's participants are kept: to send them what was promised there, and to count."""
MOST_SESSIONS = 60
MOST_SEATS = 100_000
LONGEST: dict[str, int] = {
    "title": 200,
    "summary": 1_000,
    "description": 20_000,
    "place": 300,
    "link": 2_000,
    "contact_name": 200,
    "contact_email": 254,
    "why": 1_000,
}
"""Letters of each text."""
RESERVED = frozenset({"mine", "month", "own"})
"""Codes that no event has: its pages' addresses begin with them."""
FIRST_YEAR, LAST_YEAR = 2000, 2100
"""Years in which events are: any moment of them is one in every time zone."""
LONGEST_SESSION = timedelta(days=14)
MOST_HOURS_BEFORE = 24 * 14
COMPANIES = frozenset({OrganisationClass.STARTUP.value, OrganisationClass.SME.value})
"""The classes that may come first, where an event says so."""
# Line ends and tabs aside: NUL is nothing that a database keeps, and the others have no place in a text or a calendar.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_ONE_LINE = frozenset({"title", "summary", "place", "link", "contact_name", "contact_email"})


@cache
def zones() -> frozenset[str]:
    """The time zones that are known, by their IANA names. Read once: it looks through the files of them all."""
    return frozenset(available_timezones())


def plan_faults(plan: Plan, taken: int = 0) -> dict[str, list[str]]:
    """What doesn't hold in a plan, by field. taken: seats that are held already, which are not taken away."""
    faults: dict[str, list[str]] = {}

    def refuse(field: str, sentence: str) -> None:
        faults.setdefault(field, []).append(sentence)

    if not plan.title:
        refuse("title", _("Write something here."))
    for name in LONGEST.keys() - {"why"}:
        if sentence := text_fault(getattr(plan, name), LONGEST[name], one_line=name in _ONE_LINE):
            refuse(name, sentence)
    for name, known in (("kind", EventKind.values), ("audience", Audience.values), ("level", ["", *Level.values])):
        if getattr(plan, name) not in known:
            refuse(name, _("Choose one of those that are offered."))
    if plan.zone not in zones():
        refuse("zone", _("Give a time zone such as Europe/Amsterdam."))
    if len(plan.languages) > 20 or not all(_LANGUAGE.fullmatch(one) for one in plan.languages):
        refuse("languages", _("Write languages as codes of small letters: nl, en, mt."))
    if plan.link and not re.fullmatch(r"https?://[^\s/]\S*", plan.link):
        refuse("link", _("Write an address that starts with https:// or http://."))
    if plan.contact_email and not _is_email(plan.contact_email):
        refuse("contact_email", _("Write an e-mail address as name@example.org."))
    if plan.entry is not None and plan.entry.kind != EntryKind.TRAINING:
        refuse("entry", _("Choose an entry of the kind training."))
    if plan.seats is not None and not 1 <= plan.seats <= MOST_SEATS:
        refuse("seats", _("Give a number from 1 to %(most)s, or nothing.") % {"most": number_text(MOST_SEATS)})
    elif plan.seats is not None and plan.seats < taken:
        refuse("seats", _("%(number)s seats are taken: there can't be fewer.") % {"number": taken})
    if not 0 <= plan.remind_hours <= MOST_HOURS_BEFORE:
        refuse("remind_hours", _("Give a number from 0 to %(most)s.") % {"most": MOST_HOURS_BEFORE})
    for name in ("opens", "closes", "companies_first_until"):
        moment = getattr(plan, name)
        if moment is not None and not _is_near(moment):
            refuse(name, _far())
    if plan.opens and plan.closes and plan.closes <= plan.opens:
        refuse("closes", _("Registration closes after it opens."))
    for sentence in _meeting_faults(plan.meetings):
        refuse("sessions", sentence)
    return faults


def text_fault(text: str, longest: int, *, one_line: bool = False) -> str:
    """What is wrong with a text; empty: nothing."""
    if len(text) > longest:
        return _("Use at most %(number)s characters.") % {"number": number_text(longest)}
    if _CONTROL.search(text) or (one_line and re.search(r"[\n\r\u2028\u2029]", text)):
        return _("This has characters in it that can't be shown. Type it again.")
    return ""


def _is_email(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True


def _is_near(moment: datetime) -> bool:
    return FIRST_YEAR <= moment.year <= LAST_YEAR


def _far() -> str:
    return _("Give a day between the years %(first)s and %(last)s.") % {"first": FIRST_YEAR, "last": LAST_YEAR}


def _meeting_faults(meetings: tuple[Meeting, ...]) -> Iterable[str]:
    if len(meetings) > MOST_SESSIONS:
        yield _("At most %(most)s sessions.") % {"most": MOST_SESSIONS}
    if not all(_is_near(one.starts) and _is_near(one.ends) for one in meetings):
        yield _far()
    in_order = sorted(meetings, key=lambda one: one.starts)
    for number, one in enumerate(in_order, start=1):
        if one.ends <= one.starts:
            yield _("Session %(number)s ends before it starts.") % {"number": number}
        elif one.ends - one.starts > LONGEST_SESSION:
            yield _("Session %(number)s lasts longer than two weeks: make a session of each day.") % {"number": number}
    if any(later.starts < one.ends for one, later in pairwise(in_order)):
        yield _("Two sessions overlap.")


def lacks(plan: Plan, now: datetime) -> dict[str, list[str]]:
    """What a plan needs before others can come, by field; empty: it may be published."""
    faults: dict[str, list[str]] = {}
    if not plan.meetings:
        faults["sessions"] = [_("Say when it is.")]
    elif max(one.ends for one in plan.meetings) <= now:
        faults["sessions"] = [_("All of its sessions are over.")]
    if not plan.summary:
        faults["summary"] = [_("Say in a sentence or two what it is and whom it is for.")]
    if not plan.place and not plan.link:
        faults["place"] = [_("Say where it is: a place, an online address, or both.")]
    if not plan.languages:
        faults["languages"] = [_("Say in which language it is held.")]
    if not plan.contact_email:
        faults["contact_email"] = [_("Give an address for questions.")]
    if plan.entry is not None and plan.entry.state != EntryState.PUBLISHED:
        faults["entry"] = [_("The catalogue doesn't show this entry. Publish it first.")]
    return faults


def may_organise(person: Any) -> bool:
    """Who plans events, marks who came, and sees the names of participants. Nobody else sees them."""
    return may(person, ORGANISES)


def may_see(person: Any, event: Event) -> bool:
    """All may see what was published, also once it is cancelled; drafts only who organises."""
    return event.state != EventState.DRAFT or may_organise(person)


def may_see_link(person: Any, registration: Registration | None) -> bool:
    """Where it meets online: who holds a seat, and who organises."""
    has_seat = registration is not None and registration.state == RegistrationState.SEAT
    return has_seat or may_organise(person)


class Reason(StrEnum):
    """Why somebody can't register."""

    NOT_PUBLISHED = "not-published"
    CANCELLED = "cancelled"
    OVER = "over"
    NOT_OPEN = "not-open"
    CLOSED = "closed"
    NOT_FOR_YOU = "not-for-you"
    COMPANIES_FIRST = "companies-first"


@dataclass(frozen=True)
class Visitor:
    """What registering asks of somebody: whether they are in a running project, and their organisation's class."""

    is_member: bool = False
    organisation_class: str = ""

    @property
    def is_company(self) -> bool:
        """Whether they come from a start-up or an SME."""
        return self.organisation_class in COMPANIES


def closes_at(event: Event) -> datetime | None:
    """When registration ends: as it was said, and at the latest when it starts."""
    return min((one for one in (event.closes, event.starts) if one is not None), default=None)


def reason_closed(event: Event, now: datetime) -> Reason | None:
    """Why nobody can register at a moment; None: registration is open."""
    if event.state == EventState.DRAFT:
        return Reason.NOT_PUBLISHED
    if event.state == EventState.CANCELLED:
        return Reason.CANCELLED
    if event.starts is None or event.starts <= now:
        return Reason.OVER
    if event.opens is not None and now < event.opens:
        return Reason.NOT_OPEN
    if event.closes is not None and event.closes <= now:
        return Reason.CLOSED
    return None


def reason_refused(event: Event, visitor: Visitor, now: datetime) -> Reason | None:
    """Why this visitor can't register at a moment; None: they may."""
    closed = reason_closed(event, now)
    if closed is not None:
        return closed
    if event.audience == Audience.MEMBERS and not visitor.is_member:
        return Reason.NOT_FOR_YOU
    if event.audience == Audience.COMPANIES and not visitor.is_company:
        return Reason.NOT_FOR_YOU
    first = event.companies_first_until
    if first is not None and now < first and not visitor.is_company:
        return Reason.COMPANIES_FIRST
    return None


def seats_left(event: Event) -> int | None:
    """Seats that nobody holds; None: there is no limit."""
    return None if event.seats is None else event.seats - event.taken


def forgotten_on(event: Event) -> date | None:
    """The day on which its participants are erased, in its time zone."""
    return None if event.ends is None else (event.ends.astimezone(event.tzinfo) + REMEMBERED).date()


def is_moved(before: Plan, after: Plan) -> bool:
    """Whether it is at another time or place: all who registered are told."""

    def where_and_when(plan: Plan) -> tuple[Any, ...]:
        return plan.place, plan.zone, sorted((one.starts, one.ends) for one in plan.meetings)

    return where_and_when(before) != where_and_when(after)


def code_for(title: str, day: date | None, taken: Iterable[str]) -> str:
    """A code for addresses, of the title and the day, that none has yet."""
    stem = slugify(title).replace("_", "-")[:60].strip("-") or "event"
    if day is not None:
        stem = f"{stem}-{day:%Y-%m-%d}"
    known, number, code = {*RESERVED, *taken}, 1, stem
    while code in known:
        number += 1
        code = f"{stem}-{number}"
    return code


def digest_of(secret: str) -> str:
    """What is kept of the secret in the address of somebody's own calendar."""
    return hashlib.sha256(secret.encode()).hexdigest()
