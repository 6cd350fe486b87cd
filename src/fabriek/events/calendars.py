"""Events as iCalendar (RFC 5545, with the properties of RFC 7986): for all, of one event, and somebody's own.

A session is a VEVENT, named for ever by its uuid. What is off stays, with STATUS:CANCELLED, and every change raises
SEQUENCE, so that a calendar that was filled before learns of it. Lines are folded and texts escaped by icalendar.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

import icalendar
from django.utils.translation import gettext as _

from fabriek import __version__
from fabriek.events.models import Event, EventState, RegistrationState, Session

MEDIA_TYPE = "text/calendar; charset=utf-8"
ASK_EVERY = timedelta(hours=1)
"""How often a calendar should be read again."""


@dataclass(frozen=True)
class Shown:
    """An event in a calendar. `state`: what its reader's registration is ('' none); `with_link`: whether the online
    address stands in it (`rules.may_see_link`)."""

    event: Event
    state: str = ""
    with_link: bool = False


def calendar(name: str, shown: Iterable[Shown], base: str) -> bytes:
    """A calendar of these events, whose sessions are read with those that are off. `base`: the platform's address."""
    made = icalendar.Calendar()
    made.add("prodid", f"-//Fabriek//Fabriek {__version__}//EN")
    made.add("version", "2.0")
    made.add("method", "PUBLISH")
    made.add("name", name)
    # What Outlook and Google read instead of RFC 7986's NAME and REFRESH-INTERVAL.
    made.add("x-wr-calname", name)
    made.add("refresh-interval", ASK_EVERY, parameters={"VALUE": "DURATION"})
    made.add("x-published-ttl", ASK_EVERY)
    for one in shown:
        sessions = list(one.event.sessions.all())
        held = [session for session in sessions if session.dropped_at is None]
        for session in sessions:
            made.add_component(_session(one, session, held, base))
    made.add_missing_timezones()
    return bytes(made.to_ical())


def own_address(secret: str, base: str) -> str:
    """Where somebody's own calendar is read: whoever knows it does."""
    return f"{base}/events/own/{secret}/calendar.ics"


def _session(shown: Shown, session: Session, held: list[Session], base: str) -> icalendar.Event:
    event, page = shown.event, f"{base}/events/{shown.event.code}/"
    made = icalendar.Event()
    made.add("uid", str(session.uuid))
    made.add("dtstamp", event.changed_at)
    made.add("created", event.created_at)
    made.add("last-modified", event.changed_at)
    made.add("sequence", event.sequence)
    made.add("status", _status(shown, session))
    made.add("dtstart", session.starts.astimezone(event.tzinfo))
    made.add("dtend", session.ends.astimezone(event.tzinfo))
    made.add("summary", _title(event, session, held))
    made.add("description", _description(shown, page))
    if event.place or event.link:
        made.add("location", event.place or _("Online"))
    made.add("url", page)
    made.add("categories", [event.get_kind_display()])
    if shown.with_link and event.link:
        made.add("conference", event.link, parameters={"VALUE": "URI", "FEATURE": "VIDEO"})
    if event.contact_email:
        name = event.contact_name or event.factory.name
        made.add("organizer", f"mailto:{event.contact_email}", parameters={"CN": name})
    return made


def _status(shown: Shown, session: Session) -> str:
    if shown.event.state == EventState.CANCELLED or session.dropped_at is not None:
        return "CANCELLED"
    return "TENTATIVE" if shown.state == RegistrationState.WAITING else "CONFIRMED"


def _title(event: Event, session: Session, held: list[Session]) -> str:
    if len(held) < 2 or session not in held:
        return event.title
    place = {"title": event.title, "number": held.index(session) + 1, "all": len(held)}
    return _("%(title)s (%(number)s of %(all)s)") % place


def _description(shown: Shown, page: str) -> str:
    event = shown.event
    parts = [event.summary]
    if event.state == EventState.CANCELLED:
        parts.append(_("Cancelled: %(why)s") % {"why": event.why})
    if shown.state == RegistrationState.WAITING:
        parts.append(_("You are on the waiting list."))
    if shown.with_link and event.link:
        parts.append(_("Online: %(link)s") % {"link": event.link})
    return "\n\n".join([part for part in parts if part] + [page])
