"""An event's life: planned, changed, published, cancelled. What concerns those who registered they are told."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from fabriek.audit.actions import record
from fabriek.events.actions.seats import held, move_up
from fabriek.events.actions.telling import tell
from fabriek.events.errors import EventChanged, EventInvalid, WrongState
from fabriek.events.models import (
    Event,
    EventState,
    Notice,
    NoticeKind,
    RegistrationState,
    Session,
)
from fabriek.events.plan import COLUMNS, Meeting, Plan, plan_of
from fabriek.events.rules import LONGEST, ORGANISES, code_for, is_moved, lacks, plan_faults, text_fault
from fabriek.events.words import said_of
from fabriek.people.models import Person
from fabriek.people.permissions import require


@transaction.atomic
def draft_event(actor: Person, plan: Plan, *, is_demo: bool = False) -> Event:
    """Plan an event, which only who organises sees. The same plan again, while it is a draft, is the same event.

    Errors: NotAllowed; EventInvalid with the fields' faults.
    """
    require(actor, ORGANISES)
    _refuse(plan_faults(plan))
    # One at a time for each person: a form that is sent twice plans once.
    Person.objects.select_for_update().get(pk=actor.pk)
    alike = Event.objects.filter(planned_by=actor, state=EventState.DRAFT, title=plan.title, factory=plan.factory)
    known = next((one for one in alike if _same(plan_of(one), plan)), None)
    if known is not None:
        return known
    columns = plan.columns()
    starts = columns["starts"]
    code = code_for(
        plan.title,
        starts.astimezone(ZoneInfo(plan.zone)).date() if starts else None,
        Event.objects.filter(code__startswith=code_for(plan.title, None, ())).values_list("code", flat=True),
    )
    made = Event.objects.create(code=code, planned_by=actor, is_demo=is_demo, **columns)
    _meet(made, plan.meetings, timezone.now())
    record(actor, "events.draft", made, factory=plan.factory.code)
    return made


@transaction.atomic
def change_event(actor: Person, event: Event, plan: Plan, *, read: int | None = None) -> Event:
    """Make an event as it is planned now. read: the `sequence` that the change was made on.

    Once published, who registered is told of another time or place, and who holds a seat of another online address.
    More seats go to those who wait. The same plan changes nothing. Errors: NotAllowed; EventInvalid; EventChanged where
    somebody else changed it since `read`; WrongState where it is cancelled, or its participants were forgotten.
    """
    require(actor, ORGANISES)
    now, it = timezone.now(), held(event)
    if it.state == EventState.CANCELLED or it.forgotten_at is not None:
        raise WrongState(_("This event is cancelled or long over: it can't be changed."), state=it.state)
    before = plan_of(it)
    if _same(before, plan):
        return it
    if read is not None and read != it.sequence:
        raise EventChanged(
            _("Somebody else changed this event meanwhile. Read it again, and make your change on that."),
            sequence=it.sequence,
        )
    published = it.state == EventState.PUBLISHED
    needed = lacks(plan, now) if published else {}
    if not is_moved(before, plan):
        # What is over may still be described better.
        needed.pop("sessions", None)
    _refuse(plan_faults(plan, it.taken) | needed)
    for name, value in plan.columns().items():
        setattr(it, name, value)
    it.sequence, it.changed_at = it.sequence + 1, now
    it.save(update_fields=[*COLUMNS, "starts", "ends", "sequence", "changed_at"])
    _meet(it, plan.meetings, now)
    if published:
        _tell_of_change(it, before, plan)
        tell(move_up(it, now), NoticeKind.MOVED_UP)
    record(actor, "events.change", it, moved=is_moved(before, plan), seats=it.seats)
    return it


@transaction.atomic
def publish_event(actor: Person, event: Event) -> Event:
    """Show an event to everybody. Again: nothing changes. Errors: NotAllowed; EventInvalid with what it lacks;
    WrongState where it was cancelled."""
    require(actor, ORGANISES)
    now, it = timezone.now(), held(event)
    if it.state == EventState.PUBLISHED:
        return it
    if it.state == EventState.CANCELLED:
        raise WrongState(_("This event is cancelled. Plan another one."), state=it.state)
    plan = plan_of(it)
    _refuse(plan_faults(plan) | lacks(plan, now))
    it.state, it.published_at, it.changed_at = EventState.PUBLISHED, now, now
    it.save(update_fields=["state", "published_at", "changed_at"])
    record(actor, "events.publish", it)
    return it


@transaction.atomic
def cancel_event(actor: Person, event: Event, why: str) -> Event:
    """It is off: everybody who registered is told why. Again: nothing changes.

    Errors: NotAllowed; EventInvalid without a reason; WrongState where it is a draft, or over.
    """
    require(actor, ORGANISES)
    now, it, why = timezone.now(), held(event), why.strip()
    if it.state == EventState.CANCELLED:
        return it
    if it.state == EventState.DRAFT:
        raise WrongState(_("This event is not published: discard it instead."), state=it.state)
    if it.ends is not None and it.ends <= now:
        raise WrongState(_("This event is over."), state=it.state)
    sentence = text_fault(why, LONGEST["why"]) if why else _("Write something here.")
    _refuse({"why": [sentence]} if sentence else {})
    it.state, it.why, it.sequence, it.changed_at = EventState.CANCELLED, why, it.sequence + 1, now
    it.save(update_fields=["state", "why", "sequence", "changed_at"])
    # What else they would have been told is overtaken.
    Notice.objects.filter(registration__event=it, mailed_at=None).delete()
    told = it.registrations.exclude(state=RegistrationState.WITHDRAWN)
    tell(told, NoticeKind.CANCELLED)
    record(actor, "events.cancel", it, why=why, told=told.count())
    return it


@transaction.atomic
def discard_event(actor: Person, event: Event) -> None:
    """Throw away a draft. Errors: NotAllowed; WrongState where it was published: cancel it then."""
    require(actor, ORGANISES)
    it = held(event)
    if it.state != EventState.DRAFT:
        raise WrongState(_("This event was published: cancel it instead."), state=it.state)
    record(actor, "events.discard", it, title=it.title)
    it.delete()


def _refuse(faults: dict[str, list[str]]) -> None:
    if faults:
        raise EventInvalid(_("Mend the fields that are named."), faults=faults)


def _same(one: Plan, other: Plan) -> bool:
    """Whether two plans say the same, whatever their sessions are called."""
    times = [sorted((session.starts, session.ends) for session in plan.meetings) for plan in (one, other)]
    return one.columns() == other.columns() and times[0] == times[1]


def _meet(event: Event, meetings: tuple[Meeting, ...], now: datetime) -> None:
    """Make the event's sessions these: by their uuid, else by the same time. Of one that moved people are reminded
    again; one that is off stays in calendars as such, once the event was published."""
    there = list(event.sessions.filter(dropped_at=None))
    by_uuid = {one.uuid: one for one in there}
    by_times = {(one.starts, one.ends): one for one in there}
    kept: set[int] = set()
    for meeting in sorted(meetings, key=lambda one: one.starts):
        found = by_uuid.get(meeting.uuid) if meeting.uuid else by_times.get((meeting.starts, meeting.ends))
        if found is None or found.pk in kept:
            found = Session.objects.create(event=event, starts=meeting.starts, ends=meeting.ends)
        elif (found.starts, found.ends) != (meeting.starts, meeting.ends):
            found.starts, found.ends = meeting.starts, meeting.ends
            found.save(update_fields=["starts", "ends"])
            found.notices.all().delete()
        kept.add(found.pk)
    gone = event.sessions.filter(dropped_at=None).exclude(pk__in=kept)
    if event.published_at is None:
        gone.delete()
    else:
        gone.update(dropped_at=now)


def _tell_of_change(event: Event, before: Plan, after: Plan) -> None:
    moved = is_moved(before, after)
    if not moved and before.link == after.link:
        return
    concerned = event.registrations.exclude(state=RegistrationState.WITHDRAWN)
    if not moved:
        # Only who holds a seat knows the online address.
        concerned = concerned.filter(state=RegistrationState.SEAT)
    tell(concerned, NoticeKind.CHANGED, said_of(before, after))
