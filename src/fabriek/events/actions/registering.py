"""Who comes: register, withdraw, and who was there. One at a time for each event, so that no seat is given twice."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from fabriek.audit.actions import record
from fabriek.conf.errors import NotAllowed, NotFound
from fabriek.events.actions.seats import held, move_up
from fabriek.events.actions.telling import tell
from fabriek.events.errors import EventInvalid, RegistrationRefused, WrongState
from fabriek.events.models import Event, EventState, Notice, NoticeKind, Registration, RegistrationState
from fabriek.events.queries import registration_of, visitor_of
from fabriek.events.rules import ORGANISES, may_see, reason_refused
from fabriek.events.words import reason_text
from fabriek.people.models import Person
from fabriek.people.permissions import require


@transaction.atomic
def register(actor: Person, event: Event) -> Registration:
    """Register for an event: a seat where one is free, else the end of the waiting list; told by mail. Again: nothing
    changes.

    Errors: NotAllowed; NotFound for a draft; RegistrationRefused with the reason.
    """
    if not actor.is_active:
        raise NotAllowed(_("Your account is closed."))
    now, it = timezone.now(), held(event)
    if not may_see(actor, it):
        raise NotFound(_("There is no such event."))
    known = registration_of(actor, it)
    if known is not None:
        return known
    reason = reason_refused(it, visitor_of(actor, now), now)
    if reason is not None:
        raise RegistrationRefused(reason_text(reason, it), reason=reason.value)
    made = Registration.objects.create(event=it, person=actor, state=RegistrationState.WAITING, state_since=now)
    record(None, "events.register", made, event=it.code)
    _serve(it, now, newest=made)
    made.refresh_from_db(fields=["state", "state_since"])
    if made.state == RegistrationState.WAITING:
        tell([made], NoticeKind.WAITING)
    return made


@transaction.atomic
def withdraw(actor: Person, event: Event) -> None:
    """Not come after all: who waits longest gets the seat. Again: nothing changes.

    Errors: WrongState once it has begun, or is cancelled.
    """
    now, it = timezone.now(), held(event)
    known = registration_of(actor, it)
    if known is None:
        return
    if it.state != EventState.PUBLISHED or it.starts is None or it.starts <= now:
        raise WrongState(_("This event has begun or is cancelled: there is nothing to withdraw from."), state=it.state)
    known.state, known.state_since = RegistrationState.WITHDRAWN, now
    known.save(update_fields=["state", "state_since"])
    Notice.objects.filter(registration=known, mailed_at=None).delete()
    tell([known], NoticeKind.WITHDRAWN)
    record(None, "events.withdraw", known, event=it.code)
    _serve(it, now)


@transaction.atomic
def mark_attendance(actor: Person, event: Event, came: Mapping[int, bool | None]) -> int:
    """Note who was there, by the registration's number: True, False, or None for not known. How many marks changed.

    Errors: NotAllowed; WrongState before it has begun, or once its participants were forgotten; EventInvalid for a
    number of nobody who holds a seat.
    """
    require(actor, ORGANISES)
    now, it = timezone.now(), held(event)
    if it.state != EventState.PUBLISHED or it.starts is None or it.starts > now or it.forgotten_at is not None:
        raise WrongState(
            _("Who came is noted once it has begun, and until its participants are erased."), state=it.state
        )
    there = {one.pk: one for one in it.registrations.filter(state=RegistrationState.SEAT) if one.pk in came}
    if unknown := came.keys() - there.keys():
        numbers = ", ".join(str(one) for one in sorted(unknown))
        sentence = _("Nobody of this number holds a seat: %(numbers)s.") % {"numbers": numbers}
        raise EventInvalid(_("Mend the fields that are named."), faults={"came": [sentence]})
    changed = [one for number, one in there.items() if one.came != came[number]]
    for one in changed:
        one.came = came[one.pk]
    Registration.objects.bulk_update(changed, ["came"])
    if changed:
        record(actor, "events.mark_attendance", it, marked=len(changed))
    return len(changed)


def _serve(event: Event, now: datetime, newest: Registration | None = None) -> None:
    """Move the waiting list up. Who registered just now and got a seat did not wait."""
    for one in move_up(event, now):
        is_new = newest is not None and one.pk == newest.pk
        tell([one], NoticeKind.SEAT if is_new else NoticeKind.MOVED_UP)
