"""The limits of an access mode in GPU-hours: modes that count in node-hours or SBU, on the partitions of a call."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from datetime import date
from fractions import Fraction

from django.db.models import Q
from django.utils.translation import gettext as _

from fabriek.access.models import AccessMode
from fabriek.conf.amounts import number_text
from fabriek.conf.errors import Invalid
from fabriek.register.errors import ConversionUnknown
from fabriek.register.models import Partition, UnitConversion
from fabriek.register.queries import conversion
from fabriek.register.rules import convert

LIMITS = {"minimum_gpu_hours": "minimum", "maximum_gpu_hours": "maximum"}
"""A call's limits and those of the mode that they come from."""


def limits_in_gpu_hours(
    mode: AccessMode, partitions: Iterable[Partition], month: date, given: Collection[str] = ()
) -> dict[str, int | None]:
    """What a mode's limits are in a call on these partitions from this month on, but for those that are `given`.

    Where a unit is worth more on one partition than on another, the strictest holds on all of them: the least of the
    maxima, the greatest of the minima. Errors: Invalid where the unit's worth on one of them is not known that month.
    """
    wanted = {limit: getattr(mode, of) for limit, of in LIMITS.items() if limit not in given}
    if mode.unit == "gpu-hour" or not any(wanted.values()):
        return wanted
    try:
        worths = [_worth(conversion(partition, mode.unit, month)) for partition in partitions]
    except ConversionUnknown as error:
        raise Invalid(
            _("%(mode)s has its limits in another unit, and what that is worth here is not known.")
            % {"mode": mode.name},
            faults={
                limit: [_("%(why)s Or ask the operator to declare it.") % {"why": error}]
                for limit, amount in wanted.items()
                if amount
            },
        ) from error
    return {limit: _strictest(limit, amount, worths) for limit, amount in wanted.items()}


def _strictest(limit: str, amount: int | None, worths: Sequence[Fraction]) -> int | None:
    if amount is None or not worths:
        return None
    if limit == "minimum_gpu_hours":
        return math.ceil(amount * max(worths))
    return math.floor(amount * min(worths))


def range_faults(least: int | None, most: int | None) -> dict[str, list[str]]:
    """A call that nothing could be asked of: {field: [sentences]}."""
    if least is None or most is None or least <= most:
        return {}
    sentence = _(
        "The least that may be asked would be %(least)s GPU-hours, the most %(most)s. Give other limits for this call."
    ) % {"least": number_text(least), "most": number_text(most)}
    return {"maximum_gpu_hours": [sentence]}


def worths_of_units(on: date, factories: Collection[str] = ()) -> dict[str, list[Fraction]]:
    """By unit what it is worth on a day, on any partition of these factories; none: of all. One query."""
    found = UnitConversion.objects.filter(valid_from__lte=on).filter(
        Q(valid_until__isnull=True) | Q(valid_until__gt=on)
    )
    if factories:
        found = found.filter(partition__system__factories__code__in=factories)
    worths: dict[str, set[Fraction]] = {}
    for row in found.only("unit", "numerator", "denominator"):
        worths.setdefault(row.unit, set()).add(_worth(row))
    return {unit: sorted(of_unit) for unit, of_unit in worths.items()}


def _worth(row: UnitConversion) -> Fraction:
    return convert(1, row.numerator, row.denominator)
