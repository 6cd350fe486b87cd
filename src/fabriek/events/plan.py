"""What an organiser says of an event: the one form in which pages, API and demonstration hand it to the actions."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from fabriek.catalogue.models import Entry
from fabriek.events.models import Audience, Event, Session
from fabriek.register.models import Factory


@dataclass(frozen=True)
class Meeting:
    """A session as it is planned: aware datetimes. `uuid`: which one it was before, None where it is new."""

    starts: datetime
    ends: datetime
    uuid: UUID | None = None


@dataclass(frozen=True)
class Plan:
    """All that an organiser says of an event, named as the columns of `Event` are, and its sessions."""

    kind: str
    factory: Factory
    title: str
    zone: str
    meetings: tuple[Meeting, ...] = ()
    entry: Entry | None = None
    summary: str = ""
    description: str = ""
    languages: tuple[str, ...] = ()
    level: str = ""
    place: str = ""
    link: str = ""
    seats: int | None = None
    audience: str = Audience.EVERYBODY
    companies_first_until: datetime | None = None
    opens: datetime | None = None
    closes: datetime | None = None
    remind_hours: int = 24
    contact_name: str = ""
    contact_email: str = ""

    def columns(self) -> dict[str, Any]:
        """The event's columns; its first and last moment follow from the sessions."""
        said = {name: getattr(self, name) for name in COLUMNS}
        return {
            **said,
            "languages": f" {' '.join(self.languages)} " if self.languages else "",
            "starts": min((one.starts for one in self.meetings), default=None),
            "ends": max((one.ends for one in self.meetings), default=None),
        }


COLUMNS = tuple(field.name for field in fields(Plan) if field.name != "meetings")


def plan_of(event: Event) -> Plan:
    """What was said of an event, as it stands. One query, for its sessions."""
    said = {name: getattr(event, name) for name in COLUMNS}
    said["languages"] = event.language_codes
    return Plan(**said, meetings=tuple(meeting_of(one) for one in event.sessions.filter(dropped_at=None)))


def meeting_of(session: Session) -> Meeting:
    """A session as a part of a plan."""
    return Meeting(session.starts, session.ends, session.uuid)
