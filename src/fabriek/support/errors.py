"""What support refuses."""

from __future__ import annotations

from fabriek.conf.errors import Invalid, Refused


class TicketInvalid(Invalid):
    """A question or an answer that can't be taken as it is; `faults` names the fields."""

    slug = "ticket-invalid"


class WrongState(Refused):
    """The ticket is closed, or isn't; `state` tells which."""

    slug = "wrong-state"


class TooManyOpen(Refused):
    """Somebody waits for as many answers as one person may."""

    slug = "too-many-open"
