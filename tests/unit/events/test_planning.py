"""An event's life: planned, published, changed, cancelled, and what it must say first."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.factories.catalogue import make_entry
from tests.factories.events import in_days, make_event, make_factory, make_plan, move_into_past
from tests.factories.world import make_person

from fabriek.audit.models import Event as AuditEvent
from fabriek.conf.errors import NotAllowed, NotFound
from fabriek.events import queries
from fabriek.events.actions import cancel_event, change_event, discard_event, draft_event, publish_event
from fabriek.events.errors import EventChanged, EventInvalid, WrongState
from fabriek.events.models import Event, Session
from fabriek.events.plan import Meeting, plan_of

pytestmark = pytest.mark.django_db


def faults_of(call: Any) -> set[str]:
    with pytest.raises(EventInvalid) as caught:
        call()
    return set(caught.value.faults)


def test_what_is_planned_is_what_is_read_and_a_draft_is_for_who_organises() -> None:
    officer = make_person("officer")
    plan = make_plan(
        meetings=(Meeting(in_days(12), in_days(12, 2)), Meeting(in_days(11), in_days(11, 2))),
        languages=("nl", "en"),
        seats=20,
        entry=make_entry("training"),
    )
    made = draft_event(officer, plan)
    assert (made.state, made.starts, made.ends) == ("draft", in_days(11), in_days(12, 2))
    assert made.code == f"{plan.title.lower().replace(' ', '-')}-{in_days(11):%Y-%m-%d}"
    read = plan_of(made)
    assert replace(read, meetings=()) == replace(plan, meetings=())
    assert [(one.starts, one.ends) for one in read.meetings] == [
        (in_days(11), in_days(11, 2)),
        (in_days(12), in_days(12, 2)),
    ]
    with pytest.raises(NotFound):
        queries.event_of(make_person(), made.code)
    assert queries.event_of(officer, made.code) == made
    assert draft_event(officer, plan) == made
    publish_event(officer, made)
    assert queries.event_of(None, made.code) == made
    # The same plan for another time is another event, whose code is its own.
    assert draft_event(officer, plan).code == f"{made.code}-2"


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": "Two\nlines"}, "title"),
        ({"summary": "x" * 1_001}, "summary"),
        ({"description": "bell \x07"}, "description"),
        ({"zone": "Mars/Olympus"}, "zone"),
        ({"languages": ("Dutch",)}, "languages"),
        ({"link": "javascript:alert(1)"}, "link"),
        ({"link": "https://a b"}, "link"),
        ({"contact_email": "nobody"}, "contact_email"),
        ({"contact_email": "a@example.org\r\nBcc: b@example.org"}, "contact_email"),
        ({"seats": 0}, "seats"),
        ({"kind": "party"}, "kind"),
        ({"audience": "friends"}, "audience"),
        ({"remind_hours": 2_000}, "remind_hours"),
        ({"opens": in_days(2), "closes": in_days(1)}, "closes"),
        ({"opens": in_days(2).replace(year=9999)}, "opens"),
        ({"meetings": (Meeting(in_days(2).replace(year=1), in_days(2, 1).replace(year=1)),)}, "sessions"),
        ({"meetings": (Meeting(in_days(2), in_days(2)),)}, "sessions"),
        ({"meetings": (Meeting(in_days(2), in_days(20)),)}, "sessions"),
        ({"meetings": (Meeting(in_days(2), in_days(2, 3)), Meeting(in_days(2, 2), in_days(2, 4)))}, "sessions"),
    ],
)
def test_what_does_not_hold_is_refused_at_its_field(said: dict[str, Any], field: str) -> None:
    plan = make_plan(**said)
    assert faults_of(lambda: draft_event(make_person("officer"), plan)) == {field}
    assert not Event.objects.exists()


def test_only_training_of_the_catalogue_that_others_can_read_has_dates() -> None:
    officer, steward = make_person("officer"), make_person()
    assert faults_of(lambda: draft_event(officer, make_plan(entry=make_entry("dataset", steward=steward)))) == {"entry"}
    entry = make_entry("training")
    event = make_event(officer, entry=entry)
    make_event(officer, factory=event.factory)
    assert queries.coming_of(entry=entry) == [event]
    assert len(queries.coming_of(factory=event.factory)) == 2
    cancel_event(officer, event, "Off.")
    assert queries.coming_of(entry=entry) == []


def test_an_event_says_what_participants_need_before_it_is_published() -> None:
    officer = make_person("officer")
    bare = draft_event(officer, make_plan(meetings=(), summary="", languages=(), place="", contact_email=""))
    lacking = {"sessions", "summary", "place", "languages", "contact_email"}
    assert faults_of(lambda: publish_event(officer, bare)) == lacking
    over = draft_event(officer, make_plan(meetings=(Meeting(in_days(-2), in_days(-1)),)))
    assert faults_of(lambda: publish_event(officer, over)) == {"sessions"}
    event = make_event(officer)
    assert faults_of(lambda: change_event(officer, event, replace(plan_of(event), contact_email=""))) == {
        "contact_email"
    }
    # What is over may still be described better, and can't be moved to another time that is over.
    event = move_into_past(event, 20)
    assert change_event(officer, event, replace(plan_of(event), summary="It was good.")).summary == "It was good."
    earlier = (Meeting(in_days(-30), in_days(-30, 1)),)
    assert faults_of(lambda: change_event(officer, event, replace(plan_of(event), meetings=earlier))) == {"sessions"}


def test_a_change_raises_the_sequence_and_does_not_overwrite_another_s() -> None:
    officer = make_person("officer")
    event = make_event(officer)
    read = event.sequence
    changed = change_event(officer, event, replace(plan_of(event), title="Another"), read=read)
    assert (changed.title, changed.sequence, changed.code) == ("Another", read + 1, event.code)
    assert change_event(officer, event, plan_of(changed), read=read).sequence == read + 1
    with pytest.raises(EventChanged):
        change_event(officer, event, replace(plan_of(changed), title="A third"), read=read)


def test_a_session_keeps_its_name_where_it_moves_and_one_that_is_off_stays_as_such() -> None:
    officer = make_person("officer")
    event = make_event(officer, meetings=(Meeting(in_days(5), in_days(5, 1)), Meeting(in_days(6), in_days(6, 1))))
    first, second = event.sessions.all()
    moved = (Meeting(in_days(7), in_days(7, 1), first.uuid),)
    change_event(officer, event, replace(plan_of(event), meetings=moved))
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.starts, first.dropped_at) == (in_days(7), None)
    assert second.dropped_at is not None
    event.refresh_from_db()
    assert (event.starts, event.ends) == (in_days(7), in_days(7, 1))
    # A draft's are gone: no calendar ever knew them.
    draft = draft_event(officer, make_plan())
    change_event(officer, draft, replace(plan_of(draft), meetings=()))
    assert not Session.objects.filter(event=draft).exists()


def test_a_draft_is_discarded_and_what_was_published_is_cancelled_with_a_reason() -> None:
    officer = make_person("officer")
    draft, event = draft_event(officer, make_plan()), make_event(officer)
    with pytest.raises(WrongState):
        cancel_event(officer, draft, "Off.")
    with pytest.raises(WrongState):
        discard_event(officer, event)
    discard_event(officer, draft)
    assert faults_of(lambda: cancel_event(officer, event, " ")) == {"why"}
    off = cancel_event(officer, event, "The speaker is ill.")
    assert (off.state, off.why, off.sequence) == ("cancelled", "The speaker is ill.", event.sequence + 1)
    assert cancel_event(officer, event, "Again.").why == "The speaker is ill."
    with pytest.raises(WrongState):
        publish_event(officer, event)
    with pytest.raises(WrongState):
        change_event(officer, event, make_plan())
    assert list(AuditEvent.objects.filter(verb__startswith="events.").values_list("verb", flat=True)) == [
        "events.draft", "events.draft", "events.publish", "events.discard", "events.cancel",
    ]  # fmt: skip


@pytest.mark.parametrize("role", ["", "reviewer", "board", "administrator"])
def test_only_officers_and_operators_organise(role: str) -> None:
    person, event = make_person(role), make_event()
    plan = make_plan()
    for act in (
        lambda: draft_event(person, plan),
        lambda: change_event(person, event, plan),
        lambda: publish_event(person, event),
        lambda: cancel_event(person, event, "Off."),
        lambda: discard_event(person, event),
    ):
        with pytest.raises(NotAllowed):
            act()
    assert draft_event(make_person("operator"), plan).state == "draft"


def test_the_list_is_of_what_comes_or_was_and_narrows() -> None:
    officer, factory = make_person("officer"), make_factory()
    late = make_event(officer, meetings=(Meeting(in_days(20), in_days(20, 1)),), languages=("nl",))
    soon = make_event(officer, factory=factory, kind="webinar", link="https://meet.example.org/1")
    past = move_into_past(make_event(officer), 30)
    draft_event(officer, make_plan())

    def shown(**asked: Any) -> list[Event]:
        return list(queries.shown(queries.Asked(**asked)))

    assert shown() == [soon, late]
    assert shown(when="past") == [past]
    assert shown(kind="webinar") == shown(factory=factory.code) == [soon]
    assert shown(language="nl") == [late]
    assert shown(language="n") == []
    assert queries.choices().languages == ["en", "nl"]


def test_the_month_has_each_session_on_the_day_it_is_there() -> None:
    first = in_days(40).date().replace(day=1)
    # Half past midnight of the month's first day in Helsinki is the month before in UTC.
    starts = in_days(0).replace(year=first.year, month=first.month, day=1, hour=0) - (in_days(0, 1.5) - in_days(0))
    event = make_event(zone="Europe/Helsinki", meetings=(Meeting(starts, starts + (in_days(0, 1) - in_days(0))),))
    days = queries.month_of(first, queries.Asked())
    assert [(day, [one.event for one in sessions]) for day, sessions in days.items()] == [(first, [event])]
    earlier = (starts.date()).replace(day=1)
    assert queries.month_of(earlier, queries.Asked()) == {}
