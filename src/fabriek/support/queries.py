"""Reads of support."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from fabriek.catalogue.models import EntryState
from fabriek.conf.errors import NotFound
from fabriek.conf.sorting import Column, ordered
from fabriek.people.models import Person
from fabriek.register.models import Factory
from fabriek.support.models import AboutKind, Handover, Message, Ticket, TicketState
from fabriek.support.rules import may_read

COLUMNS: dict[str, Column] = {
    "subject": "subject",
    "factory": "factory__name",
    "state": "state",
    "asked": "asked_at",
    "since": "state_since",
    "asker": "asked_by__name",
}


def tickets_of(person: Person, sort: str = "") -> QuerySet[Ticket]:
    """What somebody asked, the newest first or by a column of COLUMNS. One query."""
    return ordered(_whole().filter(asked_by=person), sort, COLUMNS, ("-asked_at", "-pk"))


def desk(*, state: str = TicketState.OPEN, factory: str = "", sort: str = "") -> QuerySet[Ticket]:
    """Tickets in a state ('' is all) of a factory ('' is all), the longest waiting first or by a column. One query."""
    found = _whole()
    if state:
        found = found.filter(state=state)
    if factory:
        found = found.filter(factory__code=factory)
    return ordered(found, sort, COLUMNS, ("state_since", "pk"))


def ticket_of(person: Person, number: int) -> Ticket:
    """The ticket of this number. Errors: NotFound, also for who may not read it. At most two queries."""
    found = _whole().filter(pk=number).first()
    if found is None or not may_read(person, found):
        raise NotFound(_("There is no such question."))
    return found


def messages_of(ticket: Ticket) -> QuerySet[Message]:
    """What was said, in order. One query."""
    return ticket.messages.select_related("written_by").order_by("pk")


def handovers_of(ticket: Ticket) -> QuerySet[Handover]:
    """Which factories had it, in order. One query."""
    return ticket.handovers.select_related("from_factory", "to_factory", "handed_by").order_by("pk")


def desks() -> QuerySet[Factory]:
    """The factories by name, each with where its experts are mailed (`desk_address`, where it has one). One query."""
    return Factory.objects.select_related("desk_address").order_by("name")


def address_of_desk(factory: Factory) -> str:
    """Where a factory's experts are mailed; empty: nowhere. At most one query."""
    address = getattr(factory, "desk_address", None)
    return address.email if address is not None else ""


def factory_for(about_kind: str, about: str) -> Factory | None:
    """Whose experts know a thing, where it is of a factory: the form's first choice. At most one query."""
    ways: dict[str, dict[str, Any]] = {
        AboutKind.FACTORY: {"code": about},
        AboutKind.SYSTEM: {"systems__code": about},
        AboutKind.CALL: {"calls__code": about},
        AboutKind.EVENT: {"events__code": about, "events__published_at__isnull": False},
        AboutKind.ENTRY: {"entries__code": about, "entries__state": EntryState.PUBLISHED},
    }
    way = ways.get(about_kind)
    return Factory.objects.filter(**way).order_by("name").first() if way else None


def _whole() -> QuerySet[Ticket]:
    return Ticket.objects.select_related("factory", "asked_by__organisation")
