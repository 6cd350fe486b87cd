"""What participants are told by mail, when, and that nobody is told twice or forgotten; then they are erased."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from tests.factories.events import in_days, make_event, move_into_past
from tests.factories.world import make_person

from fabriek.audit.models import Event as AuditEvent
from fabriek.events import tending
from fabriek.events.actions import (
    cancel_event,
    change_event,
    forget_participants,
    mail_notices,
    mark_attendance,
    note_reminders,
    register,
    telling,
    withdraw,
)
from fabriek.events.models import Notice, Registration
from fabriek.events.plan import Meeting, plan_of
from fabriek.events.rules import forgotten_on
from fabriek.people.models import Person

pytestmark = pytest.mark.django_db
LINK = "https://meet.example.org/secret-room"


def mailed() -> list[tuple[str, str]]:
    """Whom, and the subject, of what was mailed since."""
    mail_notices()
    sent = [(one.to[0], one.subject) for one in mail.outbox]
    mail.outbox.clear()
    return sent


def test_a_seat_is_confirmed_with_time_place_and_link_and_who_waits_has_no_link(settings: Any) -> None:
    settings.FABRIEK_BASE_URL = "https://fabriek.example.eu"
    winter = datetime(in_days(400).year, 1, 15, 8, 30, tzinfo=UTC)
    event = make_event(seats=1, link=LINK, title="100 % GPU", meetings=(Meeting(winter, winter + timedelta(hours=2)),))
    seated, waits = make_person(), make_person()
    seated.language = "nl"
    seated.save()
    register(seated, event)
    register(waits, event)
    assert mail_notices() == 2
    first, second = mail.outbox
    assert (first.to, first.subject) == ([seated.email], "Je hebt een plaats: 100 % GPU")
    assert "15 januari" in first.body
    assert "09:30–11:30 (Europe/Amsterdam)" in first.body
    assert "Utrecht" in first.body
    assert LINK in first.body
    assert f"https://fabriek.example.eu/events/{event.code}/" in first.body
    assert (second.to, second.subject) == ([waits.email], "You are on the waiting list: 100 % GPU")
    assert LINK not in second.body
    assert mail_notices() == 0


def test_another_time_is_told_to_all_and_another_link_only_to_who_holds_a_seat() -> None:
    officer = make_person("officer")
    event = make_event(officer, seats=1, link=LINK)
    seated, waits, gone = make_person(), make_person(), make_person()
    for one in (seated, waits, gone):
        register(one, event)
    withdraw(gone, event)
    mailed()
    change_event(officer, event, replace(plan_of(event), summary="Better said."))
    assert mailed() == []
    later = (Meeting(in_days(12, 9), in_days(12, 12)),)
    change_event(officer, event, replace(plan_of(event), meetings=later))
    mail_notices()
    assert [one.to[0] for one in mail.outbox] == [seated.email, waits.email]
    before, now = (f"{in_days(day):%Y}" in mail.outbox[0].body for day in (10, 12))
    assert before
    assert now
    assert mail.outbox[0].body.index("Before:") < mail.outbox[0].body.index("Now:")
    mail.outbox.clear()
    change_event(officer, event, replace(plan_of(event), link=f"{LINK}-2"))
    assert mailed() == [(seated.email, f"Another online address: {event.title}")]


def test_a_cancelled_event_is_told_with_its_reason_to_all_who_registered() -> None:
    officer = make_person("officer")
    event = make_event(officer, seats=1)
    people = [make_person() for _ in range(3)]
    for one in people:
        register(one, event)
    withdraw(people[2], event)
    mailed()
    cancel_event(officer, event, "The speaker is ill.")
    mail_notices()
    assert [(one.to[0], one.subject) for one in mail.outbox] == [
        (people[0].email, f"Cancelled: {event.title}"),
        (people[1].email, f"Cancelled: {event.title}"),
    ]
    assert "The speaker is ill." in mail.outbox[0].body


def test_what_is_overtaken_before_it_is_mailed_is_not_told() -> None:
    event, person = make_event(seats=1), make_person()
    waits = make_person()
    register(person, event)
    register(waits, event)
    withdraw(person, event)
    assert mailed() == [
        (person.email, f"You withdrew: {event.title}"),
        (waits.email, f"A seat came free for you: {event.title}"),
    ]
    cancel_event(make_person("officer"), event, "Off.")
    assert mailed() == [(waits.email, f"Cancelled: {event.title}")]


def test_who_holds_a_seat_is_reminded_of_each_session_once() -> None:
    officer = make_person("officer")
    two = (Meeting(in_days(10, 9), in_days(10, 10)), Meeting(in_days(20, 9), in_days(20, 10)))
    event = make_event(officer, seats=1, meetings=two, remind_hours=24)
    seated = register(make_person(), event)
    register(make_person(), event)
    mailed()
    assert note_reminders(in_days(9, 8)) == 0
    assert note_reminders(in_days(9, 10)) == 1
    assert note_reminders(in_days(9, 11)) == 0
    assert mailed() == [(seated.person.email, f"Soon: {event.title}")]
    # Who registers after the reminders were due was told the time just then.
    Registration.objects.filter(pk=seated.pk).update(state_since=in_days(19, 12))
    assert note_reminders(in_days(20, 8)) == 0
    # A session that moved is reminded of again.
    Registration.objects.filter(pk=seated.pk).update(state_since=in_days(0))
    plan = plan_of(event)
    moved = (replace(plan.meetings[0], starts=in_days(11, 9), ends=in_days(11, 10)), plan.meetings[1])
    change_event(officer, event, replace(plan, meetings=moved))
    assert note_reminders(in_days(10, 10)) == 1
    Notice.objects.filter(kind="reminder").delete()
    silent = change_event(officer, event, replace(plan_of(event), remind_hours=0))
    assert note_reminders(in_days(10, 10)) == 0
    assert silent.remind_hours == 0


def test_mail_that_fails_is_tried_again_later_and_given_up_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    event = make_event()
    register(make_person(), event)
    refused: list[str] = []

    def refuse(*_said: Any) -> None:
        refused.append("")
        raise OSError("the mail server is away")

    monkeypatch.setattr(telling, "send_mail", refuse)
    now = datetime.now(UTC)
    assert mail_notices(now) == 0
    assert mail_notices(now + timedelta(seconds=30)) == 0
    assert len(refused) == 1
    for hours in range(1, 20):
        mail_notices(now + timedelta(hours=hours))
    assert len(refused) == telling.MOST_TRIES
    monkeypatch.undo()
    Notice.objects.update(tries=0)
    assert mail_notices(now + timedelta(days=2)) == 1


def test_the_worker_reminds_mails_and_erases_in_one_round() -> None:
    soon, over = make_event(remind_hours=24 * 14), make_event()
    person = make_person()
    made = register(person, soon)
    register(person, over)
    mail_notices()
    mail.outbox.clear()
    Registration.objects.filter(pk=made.pk).update(state_since=in_days(-30))
    move_into_past(over, 200)
    assert tending.tend_once() == 1
    assert [one.subject for one in mail.outbox] == [f"Soon: {soon.title}"]
    assert list(Registration.objects.all()) == [made]
    assert tending.tend_once() == 0


def test_people_of_the_demonstration_are_mailed_nothing() -> None:
    event, person = make_event(), make_person()
    Person.objects.filter(pk=person.pk).update(is_demo=True)
    register(person, event)
    assert mailed() == []
    assert not Notice.objects.filter(mailed_at=None).exists()


def test_participants_are_erased_on_the_stated_day_and_two_figures_stay() -> None:
    officer = make_person("officer")
    event = make_event(officer, seats=2)
    people = [make_person() for _ in range(3)]
    numbers = [register(one, event).pk for one in people]
    event = move_into_past(event, 20)
    mark_attendance(officer, event, {numbers[0]: True, numbers[1]: False})
    day = forgotten_on(event)
    assert day is not None
    on = datetime(day.year, day.month, day.day, 1, tzinfo=event.tzinfo)
    assert forget_participants(on - timedelta(hours=2)) == 0
    assert Registration.objects.count() == 3
    assert forget_participants(on) == 1
    assert forget_participants(on) == 0
    event.refresh_from_db()
    assert (event.had_seats, event.came, event.taken, event.forgotten_at) == (2, 1, 0, on)
    assert not Registration.objects.exists()
    assert not Notice.objects.exists()
    # The record of what happened never had their names.
    written = AuditEvent.objects.filter(verb__in=["events.register", "events.withdraw", "events.give_seat"])
    assert written.exists()
    assert not written.exclude(actor=None).exists()
    for name in (one.name for one in people):
        assert not [one for one in written if name in f"{one.actor_name} {one.data}"]
