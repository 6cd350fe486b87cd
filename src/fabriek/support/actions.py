"""Verbs of support: the only place that writes tickets, what is said in them, and who has them.

The audit tells that something was said and not what: more people read it than a question.
"""

from __future__ import annotations

import logging
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabriek.audit.actions import record
from fabriek.conf.errors import NotAllowed, NotFound
from fabriek.people.models import Person
from fabriek.people.permissions import require
from fabriek.register.models import Factory
from fabriek.support.errors import TicketInvalid, TooManyOpen, WrongState
from fabriek.support.models import DeskAddress, Handover, Message, Ticket, TicketState
from fabriek.support.rules import (
    ANSWERS,
    LONGEST_SUBJECT,
    MOST_MESSAGES,
    MOST_OPEN,
    context_faults,
    is_expert,
    may_read,
    text_faults,
)

_log = logging.getLogger("fabriek.support")


@transaction.atomic
def ask(
    actor: Person,
    factory: Factory,
    subject: str,
    text: str,
    *,
    page: str = "",
    about_kind: str = "",
    about: str = "",
) -> Ticket:
    """Ask the experts of a factory. page, about_kind, about: where from and about what, as `Ticket` tells.

    The same again, while it waits for an answer, is the same ticket. Errors: NotAllowed; TicketInvalid with the
    fields' faults; TooManyOpen.
    """
    if not actor.is_active:
        raise NotAllowed(_("Your account is closed."))
    # A subject stands in the head of a mail: one line.
    subject, text = " ".join(subject.split()), text.strip()
    _refuse(
        {
            **text_faults("subject", subject, LONGEST_SUBJECT),
            **text_faults("text", text),
            **context_faults(page, about_kind, about),
        }
    )
    # One at a time for each person: a form that is sent twice asks once.
    Person.objects.select_for_update().get(pk=actor.pk)
    waiting = Ticket.objects.filter(asked_by=actor, state=TicketState.OPEN)
    known = waiting.filter(factory=factory, subject=subject, page=page, messages__text=text).first()
    if known is not None:
        return known
    if waiting.count() >= MOST_OPEN:
        raise TooManyOpen(
            _("%(number)s questions of yours wait for an answer. Close one that you no longer need.")
            % {"number": MOST_OPEN},
            limit=MOST_OPEN,
        )
    made = Ticket.objects.create(
        factory=factory, subject=subject, asked_by=actor, page=page, about_kind=about_kind, about=about
    )
    _say(actor, made, text)
    record(actor, "support.ask", made, factory=factory.code, about_kind=about_kind, about=about)
    _tell_desk(made, gettext_lazy("Question: %(subject)s"), text)
    return made


@transaction.atomic
def write(actor: Person, ticket: Ticket, text: str) -> Message:
    """Answer a question, or add to one's own, which then waits for an answer again. The other side is mailed.

    The same again, as the last word, changes nothing. Errors: NotFound for who may not read it; TicketInvalid;
    WrongState where it is closed, or has grown long.
    """
    held, text = _held(actor, ticket), text.strip()
    _refuse(text_faults("text", text))
    last = held.messages.last()
    if last is not None and (last.written_by_id, last.text) == (actor.pk, text):
        return last
    _refuse_closed(held)
    if held.messages.count() >= MOST_MESSAGES:
        raise WrongState(_("This question has grown long. Close it, and ask another one."), state=held.state)
    said = _say(actor, held, text)
    _becomes(held, TicketState.ANSWERED if said.is_answer else TicketState.OPEN)
    record(actor, "support.answer" if said.is_answer else "support.ask_more", held, message=said.pk)
    _tell_other_side(actor, held, gettext_lazy("Answered: %(subject)s"), gettext_lazy("More on: %(subject)s"), text)
    return said


@transaction.atomic
def hand_over(actor: Person, ticket: Ticket, factory: Factory, why: str) -> Ticket:
    """Give a question to another factory's experts, where it waits for an answer. Who asked is mailed why.

    Errors: NotAllowed; TicketInvalid, also where that factory has it already; WrongState where it is closed.
    """
    require(actor, ANSWERS)
    held, why = _held(actor, ticket), why.strip()
    faults = text_faults("why", why)
    if held.factory_id == factory.pk:
        faults["factory"] = [_("%(name)s has it already.") % {"name": factory.name}]
    _refuse(faults)
    _refuse_closed(held)
    before = held.factory
    Handover.objects.create(ticket=held, from_factory=before, to_factory=factory, why=why, handed_by=actor)
    held.factory = factory
    _becomes(held, TicketState.OPEN)
    record(actor, "support.hand_over", held, why=why, from_factory=before.code, to_factory=factory.code)
    subject, text = gettext_lazy("Handed over: %(subject)s"), f"{before} → {factory}\n\n{why}"
    if actor.pk != held.asked_by_id:
        _tell(held.asked_by, held, subject, text)
    _tell_desk(held, subject, text)
    return held


@transaction.atomic
def close(actor: Person, ticket: Ticket, why: str = "") -> Ticket:
    """Nothing more is to be said. An expert who closes what waits for an answer says why. Again: nothing changes.

    A reason stands in the thread as what was said last. Errors: NotFound, TicketInvalid.
    """
    held, why = _held(actor, ticket), why.strip()
    if held.state == TicketState.CLOSED:
        return held
    if why or (held.state == TicketState.OPEN and is_expert(actor, held)):
        _refuse(text_faults("why", why))
        _say(actor, held, why)
    _becomes(held, TicketState.CLOSED)
    record(actor, "support.close", held)
    if is_expert(actor, held):
        _tell(held.asked_by, held, gettext_lazy("Closed: %(subject)s"), why)
    return held


@transaction.atomic
def reopen(actor: Person, ticket: Ticket, why: str) -> Ticket:
    """Ask again what was closed: it waits for an answer. The reason stands in the thread; the other side is mailed.

    Errors: NotFound; TicketInvalid; WrongState where it isn't closed.
    """
    held, why = _held(actor, ticket), why.strip()
    _refuse(text_faults("why", why))
    if held.state != TicketState.CLOSED:
        raise WrongState(_("This question is not closed."), state=held.state)
    _say(actor, held, why)
    _becomes(held, TicketState.OPEN)
    record(actor, "support.reopen", held)
    again = gettext_lazy("Opened again: %(subject)s")
    _tell_other_side(actor, held, again, again, why)
    return held


@transaction.atomic
def mail_desk(actor: Person, factory: Factory, email: str) -> None:
    """Have a factory's experts mailed of what waits for them, in the actor's language; an empty address: no longer.

    The same changes nothing. Errors: NotAllowed, TicketInvalid.
    """
    require(actor, ANSWERS)
    email = email.strip()
    before = DeskAddress.objects.select_for_update().filter(factory=factory).first()
    if email == (before.email if before is not None else ""):
        return
    if email:
        try:
            validate_email(email)
        except ValidationError as error:
            raise TicketInvalid(_("Mend the fields that are named."), faults={"email": error.messages}) from error
        DeskAddress.objects.update_or_create(factory=factory, defaults={"email": email, "language": actor.language})
    elif before is not None:
        before.delete()
    record(actor, "support.mail_desk", factory, email=email)


def _held(actor: Person, ticket: Ticket) -> Ticket:
    """The ticket as it is now, locked, for who may read it."""
    now = (
        Ticket.objects.select_for_update(of=("self",)).select_related("factory", "asked_by").filter(pk=ticket.pk).get()
    )
    if not may_read(actor, now):
        raise NotFound(_("There is no such question."))
    return now


def _refuse(faults: dict[str, list[str]]) -> None:
    if faults:
        raise TicketInvalid(_("Mend the fields that are named."), faults=faults)


def _refuse_closed(ticket: Ticket) -> None:
    if ticket.state == TicketState.CLOSED:
        raise WrongState(_("This question is closed. Open it again first."), state=ticket.state)


def _say(actor: Person, ticket: Ticket, text: str) -> Message:
    return Message.objects.create(ticket=ticket, text=text, is_answer=is_expert(actor, ticket), written_by=actor)


def _becomes(ticket: Ticket, state: TicketState) -> None:
    # Who asks more while waiting doesn't lose the place in the queue.
    if ticket.state != state:
        ticket.state, ticket.state_since = state, timezone.now()
    ticket.save(update_fields=["state", "state_since", "factory"])


def _tell_other_side(actor: Person, ticket: Ticket, from_expert: Any, from_asker: Any, text: str) -> None:
    """Mail who asked; of who asked, the expert who answered last, unless it was handed over since: then the desk."""
    if is_expert(actor, ticket):
        _tell(ticket.asked_by, ticket, from_expert, text)
        return
    last = ticket.messages.filter(is_answer=True).select_related("written_by").last()
    if last is None or ticket.handovers.filter(handed_at__gt=last.written_at).exists():
        _tell_desk(ticket, from_asker, text)
    else:
        _tell(last.written_by, ticket, from_asker, text)


def _tell_desk(ticket: Ticket, subject: Any, text: str) -> None:
    """Mail the experts of the factory that has it, where it has an address for that."""
    desk = DeskAddress.objects.filter(factory=ticket.factory).first()
    if desk is not None and not ticket.asked_by.is_demo:
        _mail(desk.email, desk.language, ticket, subject, f"{ticket.asked_by.name}:\n\n{text}")


def _tell(person: Person, ticket: Ticket, subject: Any, text: str) -> None:
    if person.is_active and not person.is_demo:
        _mail(person.email, person.language, ticket, subject, text)


def _mail(email: str, language: str, ticket: Ticket, subject: Any, text: str) -> None:
    """A mail that can't be sent undoes nothing: the ticket's page says the same."""
    link = f"{settings.FABRIEK_BASE_URL}/questions/{ticket.pk}/"

    def send() -> None:
        try:
            with translation.override(language):
                head = str(subject) % {"subject": ticket.subject}
                body = "\n\n".join(part for part in (text, link) if part)
                send_mail(head, body, settings.DEFAULT_FROM_EMAIL, [email])
        except OSError:
            _log.exception("mail to %s about ticket %s", email, ticket.pk)

    transaction.on_commit(send)
