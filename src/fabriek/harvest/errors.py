"""What harvesting refuses."""

from __future__ import annotations

from fabriek.conf.errors import Invalid, Refused


class SourceInvalid(Invalid):
    """A source that can't be asked; `faults` names the fields."""

    slug = "source-invalid"


class SourceSleeps(Refused):
    """The source was switched off."""

    slug = "source-sleeps"
