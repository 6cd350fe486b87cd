"""Events in schema.org's words, as JSON-LD for search engines; courses with dates as TeSS reads them.

Sources: schema.org 29.0, Event and CourseInstance; Bioschemas' profile CourseInstance 1.0-RELEASE
(https://bioschemas.org/profiles/CourseInstance/1.0-RELEASE). The online address is for participants and isn't in it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fabriek.events.models import Event, EventKind, EventState, Session
from fabriek.events.rules import seats_left

Node = dict[str, Any]
_PROFILE = "https://bioschemas.org/profiles/CourseInstance/1.0-RELEASE"
_TAUGHT = frozenset({EventKind.TRAINING, EventKind.WORKSHOP, EventKind.WEBINAR})


def document(event: Event, base: str) -> Node:
    """An event with its sessions as JSON-LD. `base`: the platform's address."""
    node = {"@context": "https://schema.org/", **instance(event, base)}
    sessions = [one for one in event.sessions.all() if one.dropped_at is None]
    if len(sessions) > 1:
        node["subEvent"] = [_part(event, one) for one in sessions]
    if event.entry is not None:
        # The course of which this is a date, which is what has the property.
        node["@reverse"] = {"hasCourseInstance": {"@id": f"{base}/catalogue/entries/{event.entry.code}"}}
    return node


def instance(event: Event, base: str) -> Node:
    """An event without its sessions: as it stands in a course's description too."""
    page = f"{base}/events/{event.code}/"
    left = seats_left(event)
    node: Node = {
        "@type": _type(event),
        "@id": page,
        "url": page,
        "name": event.title,
        "description": event.summary,
        "startDate": _moment(event, event.starts),
        "endDate": _moment(event, event.ends),
        "eventStatus": f"https://schema.org/Event{'Cancelled' if event.state == EventState.CANCELLED else 'Scheduled'}",
        "eventAttendanceMode": f"https://schema.org/{_attendance(event)}EventAttendanceMode",
        "location": _location(event, page),
        "organizer": {"@type": "Organization", "name": event.factory.name, "url": event.factory.website},
        "inLanguage": list(event.language_codes),
        "maximumAttendeeCapacity": event.seats,
        "remainingAttendeeCapacity": left,
    }
    if event.entry is not None:
        profile = {"@id": _PROFILE, "@type": "CreativeWork"}
        mode = {"Offline": "onsite", "Online": "online", "Mixed": "blended"}[_attendance(event)]
        node |= {"http://purl.org/dc/terms/conformsTo": profile, "courseMode": mode}
    return {key: value for key, value in node.items() if value not in (None, "", [])}


def _type(event: Event) -> str:
    if event.entry is not None:
        return "CourseInstance"
    return "EducationEvent" if event.kind in _TAUGHT else "Event"


def _attendance(event: Event) -> str:
    if event.link:
        return "Mixed" if event.place else "Online"
    return "Offline"


def _location(event: Event, page: str) -> list[Node]:
    places: list[Node] = [{"@type": "Place", "name": event.place}] if event.place else []
    return [*places, {"@type": "VirtualLocation", "url": page}] if event.link else places


def _part(event: Event, session: Session) -> Node:
    times = {"startDate": _moment(event, session.starts), "endDate": _moment(event, session.ends)}
    return {"@type": "Event", "name": event.title, **times}


def _moment(event: Event, moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(event.tzinfo).isoformat()


def with_dates(course: Node, coming: list[Event], base: str) -> Node:
    """A course of the catalogue (`catalogue/standards/schema_org.py`) with its coming dates; anything else as it is:
    material to learn from has none."""
    if course.get("@type") != "Course" or not coming:
        return course
    said = course.get("hasCourseInstance")
    return {**course, "hasCourseInstance": [*([said] if said else []), *(instance(one, base) for one in coming)]}
