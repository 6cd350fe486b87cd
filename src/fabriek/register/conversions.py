"""What a unit of a partition is worth in accelerator-hours, by period: never two worths of one unit on one day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from fabriek.audit.actions import record
from fabriek.conf.amounts import number_text
from fabriek.conf.checking import checked
from fabriek.conf.errors import Invalid
from fabriek.people.permissions import require
from fabriek.register.errors import PeriodInvalid
from fabriek.register.models import Confidence, Partition, UnitConversion, unit_name
from fabriek.register.rules import first_overlap

MOST = 10**9
"""Of a numerator or a denominator: more than any unit in use needs."""


@transaction.atomic
def add_conversions(partition: Partition, rows: Iterable[UnitConversion]) -> None:
    """Write these rows of a partition. Errors: PeriodInvalid where two of one unit would hold on the same day."""
    rows = list(rows)
    by_unit: dict[str, list[tuple[date, date | None]]] = {}
    Partition.objects.select_for_update().get(pk=partition.pk)  # one at a time
    there = partition.conversions.filter(unit__in={row.unit for row in rows})
    for row in [*there, *rows]:
        by_unit.setdefault(row.unit, []).append((row.valid_from, row.valid_until))
    for unit, periods in by_unit.items():
        day = first_overlap(periods)
        if day is not None:
            raise PeriodInvalid(
                _("What a %(unit)s is worth on %(partition)s on %(day)s is known already. End that one first.")
                % {"unit": unit_name(unit), "partition": partition.code, "day": day},
                faults={"valid_from": [_("Another worth holds in this period.")]},
            )
    UnitConversion.objects.bulk_create(rows)


@transaction.atomic
def declare_conversion(
    actor: Any,
    partition: Partition,
    *,
    unit: str,
    numerator: int,
    denominator: int = 1,
    valid_from: date,
    valid_until: date | None = None,
    ends_previous: bool = False,
    source: str = "operator",
    confidence: str = Confidence.HIGH,
) -> UnitConversion:
    """`unit` is worth `numerator / denominator` GPU-hours in [valid_from, valid_until). The same again: the same.

    ends_previous: what began before and holds without an end now ends on `valid_from`. Calls that are open keep their
    limits. Errors: Invalid; PeriodInvalid where another worth holds in the same period.
    """
    require(actor, "declare capacity")
    faults = {}
    for name, number in (("numerator", numerator), ("denominator", denominator)):
        if not 1 <= number <= MOST:
            faults[name] = [_("Give 1 to %(most)s.") % {"most": number_text(MOST)}]
    if unit == "gpu-hour":
        faults["unit"] = [_("A GPU-hour is worth itself.")]
    if not source.strip():
        faults["source"] = [_("Say where this can be read.")]
    if faults:
        raise Invalid(_("This is no conversion yet."), faults=faults)
    if valid_until is not None and valid_until <= valid_from:
        raise PeriodInvalid(
            _("A conversion ends after it begins."), faults={"valid_until": [_("Choose a day after the first.")]}
        )
    said: dict[str, Any] = {"unit": unit, "numerator": numerator, "denominator": denominator}
    period: dict[str, Any] = {"valid_from": valid_from, "valid_until": valid_until}
    row = checked(UnitConversion(partition=partition, source=source.strip(), confidence=confidence, **said, **period))
    same = partition.conversions.filter(**said, **period).first()
    if same is not None:
        return same
    if ends_previous:
        of_unit = partition.conversions.filter(unit=unit, valid_until__isnull=True)
        of_unit.filter(valid_from__lt=valid_from).update(valid_until=valid_from)
    add_conversions(partition, [row])
    record(
        actor,
        "register.declare_conversion",
        partition,
        **said,
        valid_from=str(valid_from),
        valid_until=str(valid_until) if valid_until else None,
        ends_previous=ends_previous,
        source=row.source,
        confidence=confidence,
    )
    return row
