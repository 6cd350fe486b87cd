"""What the register refuses."""

from __future__ import annotations

from fabriek.conf.errors import Invalid, Refused


class CapacityUnknown(Refused):
    """A capacity can't be derived: facts lack. `extra`: unknown, the names of the facts."""

    slug = "capacity-unknown"


class PeriodInvalid(Invalid):
    """A period that ends before it starts, or overlaps another."""

    slug = "period-invalid"


class ConversionUnknown(Refused):
    """The unit has no known worth on this partition on that day."""

    slug = "conversion-unknown"
