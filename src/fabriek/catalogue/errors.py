"""What the catalogue refuses."""

from __future__ import annotations

from fabriek.conf.errors import Invalid, Refused


class RecordInvalid(Invalid):
    """A record that doesn't hold; `faults` names each field by its path."""

    slug = "record-invalid"


class WrongState(Refused):
    """The entry is not in a state from which this can be done. `extra`: state."""

    slug = "wrong-state"


class ChangedMeanwhile(Refused):
    """Somebody else changed the entry since it was read. `extra`: sha256, of what stands."""

    slug = "changed-meanwhile"


class Gone(Refused):
    """It was published and is retired. `extra`: code, title."""

    slug = "gone"
    status = 410


class SearchInvalid(Invalid):
    """A search that can't be kept; `faults` names each field."""

    slug = "search-invalid"


class TooManyLetters(Refused):
    """Somebody writes to more profiles than one does. `extra`: limit."""

    slug = "too-many-letters"
    status = 429
