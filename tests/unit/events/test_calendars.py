"""Events as iCalendar: what a calendar reads is what was said, whatever was said; changes and time zones."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import icalendar
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.factories.events import in_days, make_event, make_factory
from tests.factories.world import make_person

from fabriek.events import queries
from fabriek.events.actions import cancel_event, change_event, discard_event, draft_event, publish_event, register
from fabriek.events.calendars import Shown, calendar
from fabriek.events.errors import EventInvalid
from fabriek.events.models import Event
from fabriek.events.plan import Meeting, Plan, plan_of
from fabriek.events.rules import zones
from fabriek.people.models import Person

pytestmark = pytest.mark.django_db
BASE = "https://fabriek.example.eu"


def read(event: Event, **shown: Any) -> list[Any]:
    """The event's calendar, as another program reads it."""
    text = calendar("Events", [Shown(queries.with_dropped(event), **shown)], BASE)
    assert all(len(line) <= 75 for line in text.split(b"\r\n"))
    return list(icalendar.Calendar.from_ical(text).walk("VEVENT"))


def test_a_session_is_named_for_ever_and_a_change_raises_its_sequence() -> None:
    officer = make_person("officer")
    event = make_event(officer, meetings=(Meeting(in_days(5), in_days(5, 1)), Meeting(in_days(6), in_days(6, 1))))
    first = read(event)
    assert [str(one["summary"]) for one in first] == [f"{event.title} (1 of 2)", f"{event.title} (2 of 2)"]
    assert {int(one["sequence"]) for one in first} == {0}
    plan = plan_of(event)
    moved = replace(plan.meetings[0], starts=in_days(7), ends=in_days(7, 2))
    event = change_event(officer, event, replace(plan, meetings=(moved,)))
    again = {str(one["uid"]): one for one in read(event)}
    assert again.keys() == {str(one["uid"]) for one in first}
    kept, dropped = again[str(first[0]["uid"])], again[str(first[1]["uid"])]
    assert (str(kept["status"]), str(dropped["status"])) == ("CONFIRMED", "CANCELLED")
    assert (int(kept["sequence"]), kept.decoded("dtstart")) == (1, in_days(7))
    assert kept.decoded("dtstamp") == event.changed_at.replace(microsecond=0)
    event = cancel_event(officer, event, "The speaker is ill.")
    off = read(event)
    assert {str(one["status"]) for one in off} == {"CANCELLED"}
    assert {int(one["sequence"]) for one in off} == {2}
    assert "The speaker is ill." in str(off[0]["description"])


def test_times_are_those_of_the_place_in_summer_and_in_winter() -> None:
    year = in_days(400).year
    winter, summer = datetime(year, 1, 15, 8, 30, tzinfo=UTC), datetime(year, 7, 15, 7, 30, tzinfo=UTC)
    event = make_event(
        zone="Europe/Amsterdam",
        meetings=(Meeting(winter, winter + timedelta(hours=1)), Meeting(summer, summer + timedelta(hours=1))),
    )
    text = calendar("Events", [Shown(queries.with_dropped(event))], BASE).decode()
    # Both at half past nine there; the zone is described, so that a program needs no list of its own.
    assert f"DTSTART;TZID=Europe/Amsterdam:{year}0115T093000" in text
    assert f"DTSTART;TZID=Europe/Amsterdam:{year}0715T093000" in text
    assert text.count("BEGIN:VTIMEZONE") == 1
    assert [one.decoded("dtstart") for one in read(event)] == [winter, summer]


def test_the_online_address_and_the_place_in_line_are_for_their_reader() -> None:
    link = "https://meet.example.org/secret-room"
    event = make_event(link=link, place="", seats=1)
    (public,) = read(event)
    assert "CONFERENCE" not in public
    assert link not in public.to_ical().decode().replace("\r\n ", "")
    assert str(public["location"]) == "Online"
    (mine,) = read(event, state="seat", with_link=True)
    assert str(mine["conference"]) == link
    (waits,) = read(event, state="waiting")
    assert str(waits["status"]) == "TENTATIVE"
    person = make_person()
    register(make_person(), event)
    register(person, event)
    assert [(one.code, state, with_link) for one, state, with_link in queries.own_calendar(person)] == [
        (event.code, "waiting", False)
    ]


def test_a_calendar_holds_what_was_published_for_a_year_and_no_draft() -> None:
    officer = make_person("officer")
    event = make_event(officer)
    draft_event(officer, replace(plan_of(event), title="A draft"))
    assert list(queries.in_calendar()) == [event]
    assert list(queries.in_calendar(factory=event.factory.code)) == [event]
    assert list(queries.in_calendar(factory="another")) == []
    assert list(queries.in_calendar(now=in_days(370))) == [event]
    assert list(queries.in_calendar(now=in_days(380))) == []


WORDS = st.text(max_size=80)
HOSTILE = st.sampled_from(
    [
        "BEGIN:VEVENT",
        "END:VCALENDAR\r\nBEGIN:VCALENDAR",
        "a\r\nATTENDEE:mailto:evil@example.org",
        "semi;colon, comma \\ back\\n slash \\N",
        '"quoted" : ^n ^\' %0D%0A',
        "ü" * 80,
        "👩🏽‍🚀" * 20,
        "line\u2028separator\u0085next\x0bvertical",
    ]
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    title=st.one_of(WORDS, HOSTILE),
    summary=st.one_of(WORDS, HOSTILE),
    place=st.one_of(WORDS, HOSTILE),
    contact=st.one_of(WORDS, HOSTILE),
    zone=st.sampled_from(sorted(zones())),
    starts=st.datetimes(datetime(2030, 1, 1), datetime(2036, 1, 1), timezones=st.just(UTC)),
)
def test_whatever_is_written_a_calendar_reads_the_same_facts(
    title: str, summary: str, place: str, contact: str, zone: str, starts: datetime
) -> None:
    """What holds a line end or a control character where one line is asked is refused; all else comes back."""
    officer, factory = _world()
    starts = starts.replace(microsecond=0)
    plan = Plan(
        kind="webinar",
        factory=factory,
        title=title,
        zone=zone,
        meetings=(Meeting(starts, starts + timedelta(hours=1)),),
        summary=summary,
        languages=("en",),
        place=place,
        link="https://meet.example.org/a?b=c;d,e",
        contact_name=contact,
        contact_email="events@example.org",
    )
    try:
        event = publish_event(officer, draft_event(officer, plan))
    except EventInvalid:
        for draft in Event.objects.filter(state="draft"):
            discard_event(officer, draft)
        return
    found = read(event, state="seat", with_link=True)
    assert len(found) == 1
    (one,) = found
    assert str(one["summary"]) == _in_calendars(title)
    assert str(one["location"]) == (_in_calendars(place) or "Online")
    assert str(one["description"]).startswith(_in_calendars(summary))
    assert str(one["organizer"].params["CN"]) == (contact or factory.name)
    assert str(one["organizer"]) == "mailto:events@example.org"
    assert str(one["conference"]) == plan.link
    assert one.decoded("dtstart") == starts
    assert one.decoded("dtend") == starts + timedelta(hours=1)
    assert str(one["uid"]) == str(event.sessions.get().uuid)
    assert "ATTENDEE" not in one


def _in_calendars(text: str) -> str:
    """icalendar takes a backslash and a capital N, typed as such, for a line end: the one thing that is lost."""
    return text.replace("\\N", "\n")


def _world() -> tuple[Person, Any]:
    return make_person("officer"), make_factory()
