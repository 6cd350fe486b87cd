"""What an hour on a partition costs on the market, by period: never two prices of one partition on one day."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from fabriek.audit.actions import record
from fabriek.conf.checking import checked
from fabriek.conf.errors import Invalid
from fabriek.people.permissions import require
from fabriek.register.errors import PeriodInvalid
from fabriek.register.models import Confidence, HourPrice, Partition
from fabriek.register.rules import first_overlap


@transaction.atomic
def declare_price(
    actor: Any,
    partition: Partition,
    *,
    euro: Decimal,
    valid_from: date,
    valid_until: date | None = None,
    ends_previous: bool = False,
    source: str,
    confidence: str = Confidence.HIGH,
) -> HourPrice:
    """An hour of an accelerator (of a core, where the partition counts cores) costs so many euros in [valid_from,
    valid_until). The same again: the same.

    ends_previous: what began before and holds without an end now ends on `valid_from`. Errors: Invalid; PeriodInvalid
    where another price holds in the same period.
    """
    require(actor, "declare capacity")
    faults = {}
    if euro <= 0:
        faults["euro"] = [_("Give a price above 0.")]
    if not source.strip():
        faults["source"] = [_("Say where this can be read.")]
    if faults:
        raise Invalid(_("This is no price yet."), faults=faults)
    if valid_until is not None and valid_until <= valid_from:
        raise PeriodInvalid(
            _("A price ends after it begins."), faults={"valid_until": [_("Choose a day after the first.")]}
        )
    said: dict[str, Any] = {"euro": euro, "valid_from": valid_from, "valid_until": valid_until}
    row = checked(HourPrice(partition=partition, source=source.strip(), confidence=confidence, **said))
    Partition.objects.select_for_update().get(pk=partition.pk)  # one at a time
    same = partition.prices.filter(**said).first()
    if same is not None:
        return same
    if ends_previous:
        partition.prices.filter(valid_until__isnull=True, valid_from__lt=valid_from).update(valid_until=valid_from)
    day = first_overlap([(one.valid_from, one.valid_until) for one in [*partition.prices.all(), row]])
    if day is not None:
        raise PeriodInvalid(
            _("What an hour on %(partition)s costs on %(day)s is known already. End that one first.")
            % {"partition": partition.code, "day": day},
            faults={"valid_from": [_("Another price holds in this period.")]},
        )
    row.save()
    record(
        actor,
        "register.declare_price",
        partition,
        euro=str(euro),
        valid_from=str(valid_from),
        valid_until=str(valid_until) if valid_until else None,
        ends_previous=ends_previous,
        source=row.source,
        confidence=confidence,
    )
    return row
