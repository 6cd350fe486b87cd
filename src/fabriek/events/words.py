"""Events in words: why somebody can't register, when something is, and the mails to participants."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import formats
from django.utils.translation import gettext as _

from fabriek.events.models import Event, Notice, NoticeKind
from fabriek.events.plan import Plan
from fabriek.events.rules import Reason, closes_at, forgotten_on


def moment_in(moment: datetime, zone: ZoneInfo) -> str:
    """A moment as people there say it: Friday 4 December 2026, 09:30 (Europe/Amsterdam)."""
    return f"{_day(moment.astimezone(zone))}, {clock_in(moment, zone)} ({zone.key})"


def span_in(starts: datetime, ends: datetime, zone: ZoneInfo) -> str:
    """From one moment to another, the day once where it is the same: Friday 4 December 2026, 09:30–12:00 (zone)."""
    first, last = starts.astimezone(zone), ends.astimezone(zone)
    until = clock_in(ends, zone)
    end = f"–{until}" if first.date() == last.date() else f" – {_day(last)}, {until}"
    return f"{_day(first)}, {clock_in(starts, zone)}{end} ({zone.key})"


def clock_in(moment: datetime, zone: ZoneInfo) -> str:
    """The time of day of a moment there: 09:30."""
    return formats.date_format(moment.astimezone(zone), "H:i")


def _day(moment: datetime) -> str:
    return formats.date_format(moment, "l j F Y")


def reason_text(reason: Reason, event: Event) -> str:
    """Why somebody can't register, and where it helps until when."""
    zone = event.tzinfo
    match reason:
        case Reason.NOT_PUBLISHED:
            return _("This event is not published yet.")
        case Reason.CANCELLED:
            return _("This event is cancelled.")
        case Reason.OVER:
            return _("This event has begun: registration is over.")
        case Reason.NOT_OPEN:
            return _("Registration opens on %(moment)s.") % {"moment": moment_in(_known(event.opens), zone)}
        case Reason.CLOSED:
            return _("Registration closed on %(moment)s.") % {"moment": moment_in(_known(closes_at(event)), zone)}
        case Reason.COMPANIES_FIRST:
            first = moment_in(_known(event.companies_first_until), zone)
            return _("Start-ups and small and medium-sized enterprises first: others register from %(moment)s on.") % {
                "moment": first
            }
        case Reason.NOT_FOR_YOU:
            return _("This event is for others: %(audience)s.") % {"audience": event.get_audience_display()}


def _known(moment: datetime | None) -> datetime:
    """A moment that the reason itself says is there."""
    if moment is None:
        raise ValueError("a reason names a moment that the event lacks")
    return moment


def said_of(before: Plan, after: Plan) -> dict[str, Any]:
    """What a change of time or place was from and to, as a notice keeps it: JSON."""
    return {"before": _where_and_when(before), "after": _where_and_when(after)}


def _where_and_when(plan: Plan) -> dict[str, Any]:
    times = sorted((one.starts.isoformat(), one.ends.isoformat()) for one in plan.meetings)
    return {"times": times, "zone": plan.zone, "place": plan.place}


def letter(notice: Notice, base: str) -> tuple[str, str]:
    """A notice's mail in the language that is active: its subject and its text. `base`: the platform's address.

    The registration, its event and the session are read. The online address stands in mails to who holds a seat.
    """
    event = notice.registration.event
    head, *said = _LETTERS[NoticeKind(notice.kind)](notice, event)
    page = _("The event's page, where you can withdraw: %(address)s") % {"address": f"{base}/events/{event.code}/"}
    parts = [*said, page]
    if event.contact_email:
        parts.append(_("Questions: %(contact)s") % {"contact": _contact(event)})
    if (day := forgotten_on(event)) is not None:
        until = formats.date_format(day, "j F Y")
        parts.append(_("Your registration is erased on %(day)s.") % {"day": until})
    return head % {"title": event.title}, "\n\n".join(part for part in parts if part)


def _seat(_notice: Notice, event: Event) -> list[str]:
    return [
        _("You have a seat: %(title)s"),
        _("You have a seat at “%(title)s”.") % {"title": event.title},
        now_text(event),
        _link(event),
    ]


def _waiting(_notice: Notice, event: Event) -> list[str]:
    return [
        _("You are on the waiting list: %(title)s"),
        _("All seats at “%(title)s” are taken. You are on the waiting list, in the order of registration.")
        % {"title": event.title},
        _("As soon as a seat comes free for you it is yours, and you are told by mail."),
        now_text(event),
    ]


def _moved_up(_notice: Notice, event: Event) -> list[str]:
    return [
        _("A seat came free for you: %(title)s"),
        _("A seat at “%(title)s” came free, and it is yours. If you can't come, withdraw: others wait for it.")
        % {"title": event.title},
        now_text(event),
        _link(event),
    ]


def _withdrawn(_notice: Notice, event: Event) -> list[str]:
    return [
        _("You withdrew: %(title)s"),
        _("You are not registered for “%(title)s” any more.") % {"title": event.title},
    ]


def _changed(notice: Notice, event: Event) -> list[str]:
    if notice.said["before"] == notice.said["after"]:
        return [
            _("Another online address: %(title)s"),
            _("“%(title)s” has another online address.") % {"title": event.title},
            now_text(event),
            _link(event),
        ]
    return [
        _("Another time or place: %(title)s"),
        _("“%(title)s” is at another time or place.") % {"title": event.title},
        _("Before: %(what)s") % {"what": _told(notice.said["before"])},
        _("Now: %(what)s") % {"what": _told(notice.said["after"])},
        _link(event) if notice.registration.state == "seat" else "",
    ]


def _cancelled(_notice: Notice, event: Event) -> list[str]:
    return [
        _("Cancelled: %(title)s"),
        _("“%(title)s” is cancelled.") % {"title": event.title},
        event.why,
        _("It was to be: %(when)s") % {"when": now_text(event)},
    ]


def _reminder(notice: Notice, event: Event) -> list[str]:
    session = notice.session
    times = span_in(session.starts, session.ends, event.tzinfo) if session is not None else now_text(event)
    return [
        _("Soon: %(title)s"),
        _("“%(title)s” starts soon.") % {"title": event.title},
        "\n".join(line for line in (times, event.place) if line),
        _link(event),
        _("If you can't come, withdraw: somebody else may wait for your seat."),
    ]


_LETTERS = {
    NoticeKind.SEAT: _seat,
    NoticeKind.WAITING: _waiting,
    NoticeKind.MOVED_UP: _moved_up,
    NoticeKind.WITHDRAWN: _withdrawn,
    NoticeKind.CHANGED: _changed,
    NoticeKind.CANCELLED: _cancelled,
    NoticeKind.REMINDER: _reminder,
}


def now_text(event: Event) -> str:
    """When and where an event is, a line each."""
    sessions = [(one.starts, one.ends) for one in event.sessions.all() if one.dropped_at is None]
    return _lines(sessions, event.tzinfo, event.place)


def _told(said: dict[str, Any]) -> str:
    times = [(datetime.fromisoformat(starts), datetime.fromisoformat(ends)) for starts, ends in said["times"]]
    return _lines(times, ZoneInfo(said["zone"]), said["place"])


def _lines(times: Iterable[tuple[datetime, datetime]], zone: ZoneInfo, place: str) -> str:
    lines = [span_in(starts, ends, zone) for starts, ends in times]
    return "\n".join([*lines, *([place] if place else [])])


def _link(event: Event) -> str:
    return _("Online: %(link)s") % {"link": event.link} if event.link else ""


def _contact(event: Event) -> str:
    return f"{event.contact_name} <{event.contact_email}>" if event.contact_name else event.contact_email
