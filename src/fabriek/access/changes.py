"""What a what-if changes, as data: the format of `Scenario.changes`, of the API and of the command. Pure.

Amounts are given as a person says them: percent of a whole, points of a score. A change without a month holds for every
month of the calls. `was` is what stood there when it was asked; it is filled in by the platform and changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from fabriek.conf.errors import Invalid

MOST = 40
"""Changes in one scenario."""

Code = Annotated[str, Field(min_length=1, max_length=200)]
Month = Annotated[str, Field(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$")]
Percent = Annotated[Decimal, Field(ge=0, le=100, decimal_places=6)]


class _Change(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    was: Decimal | str | None = Field(default=None, description="What stood there when it was asked.")

    @property
    def place(self) -> tuple[str, ...]:
        """What it changes: two changes of one place can't both hold."""
        raise NotImplementedError


class CapacityChange(_Change):
    """A partition gives another amount: percent of what it gives now, in one month or in all."""

    kind: Literal["capacity"] = "capacity"
    partition: Code
    month: Month | None = None
    percent: Annotated[Decimal, Field(ge=0, le=1000, decimal_places=6)]

    @property
    def place(self) -> tuple[str, ...]:
        return (self.kind, self.partition, self.month or "")


class ShareChange(_Change):
    """A programme has another share of a partition; the difference comes from, or goes to, another programme."""

    kind: Literal["share"] = "share"
    programme: Code
    partition: Code
    month: Month | None = None
    percent: Percent
    counterpart: Code = Field(description="The programme that gives or takes the difference.")

    @property
    def place(self) -> tuple[str, ...]:
        return (self.kind, self.programme, self.partition, self.month or "")


class PromiseChange(_Change):
    """A floor or a cap has another fraction."""

    kind: Literal["promise"] = "promise"
    promise: Code
    percent: Percent

    @property
    def place(self) -> tuple[str, ...]:
        return (self.kind, self.promise)


class ThresholdChange(_Change):
    """A call asks for another score at least."""

    kind: Literal["threshold"] = "threshold"
    call: Code
    threshold: Annotated[Decimal, Field(ge=0, le=100, decimal_places=2)]

    @property
    def place(self) -> tuple[str, ...]:
        return (self.kind, self.call)


class ValueChange(_Change):
    """Another value is made as great as possible."""

    kind: Literal["value"] = "value"
    value: Literal["score", "score*hours", "score*sqrt(hours)"]

    @property
    def place(self) -> tuple[str, ...]:
        return (self.kind,)


class OverbookingChange(_Change):
    """A programme may award more times its share."""

    kind: Literal["overbooking"] = "overbooking"
    programme: Code
    overbooking: Annotated[Decimal, Field(ge=1, le=9, decimal_places=3)]

    @property
    def place(self) -> tuple[str, ...]:
        return (self.kind, self.programme)


Change = CapacityChange | ShareChange | PromiseChange | ThresholdChange | ValueChange | OverbookingChange
AnyChange = Annotated[Change, Field(discriminator="kind")]
_LIST: TypeAdapter[list[Change]] = TypeAdapter(Annotated[list[AnyChange], Field(max_length=MOST)])

# The order in which they are applied: what a share is a part of comes before the share.
_ORDER = ("capacity", "share", "overbooking", "promise", "threshold", "value")

TERMS_OF_THE_CALL = frozenset({"threshold", "value"})
"""Kinds that change what applicants were told when they applied (docs/adr/0007-scenarios.md)."""


def read_changes(data: Any) -> list[Change]:
    """Changes from JSON values, in the order in which they are applied. Errors: Invalid with the fields' faults."""
    try:
        return in_order(_LIST.validate_python(data))
    except ValidationError as error:
        faults: dict[str, list[str]] = {}
        for fault in error.errors():
            place = ".".join(str(step) for step in ("changes", *fault["loc"]) if step not in _ORDER)
            faults.setdefault(place, []).append(str(fault["msg"]))
        raise Invalid("Mend the changes that are named.", faults=faults) from None


def in_order(changes: Iterable[Change]) -> list[Change]:
    """All months before single ones, so that a dated change holds over a general one. Errors: Invalid for two changes
    of one place."""
    ordered = sorted(changes, key=lambda change: (_ORDER.index(change.kind), change.place))
    for one, other in pairwise(ordered):
        if one.place == other.place:
            raise Invalid(
                f"{' '.join(filter(None, one.place))} is changed twice. Keep one of the two.",
                faults={"changes": ["Two changes of the same thing."]},
            )
    return ordered


def stored(changes: Iterable[Change]) -> list[dict[str, Any]]:
    """Changes as JSON values, exact: decimals as texts."""
    return [change.model_dump(mode="json", exclude_none=True) for change in changes]


def holds_in(change: CapacityChange | ShareChange, month: date) -> bool:
    """Whether a change is about this month."""
    return change.month is None or change.month == f"{month:%Y-%m}"
