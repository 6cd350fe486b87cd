"""What events refuse."""

from __future__ import annotations

from fabriek.conf.errors import Invalid, Refused


class EventInvalid(Invalid):
    """A plan that can't be kept, or not be published, as it is; `faults` names the fields."""

    slug = "event-invalid"


class EventChanged(Refused):
    """Somebody else changed it since it was read; `sequence` is the one that there is now."""

    slug = "event-changed"
    status = 412


class WrongState(Refused):
    """The event isn't in the state that this needs; `state` tells in which it is."""

    slug = "wrong-state"


class RegistrationRefused(Refused):
    """This person can't register for it now; `reason` is one of `rules.Reason`."""

    slug = "registration-refused"
