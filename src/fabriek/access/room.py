"""What is free in a call, month by month, and whether a request fits in it.

Hours that are asked for lie evenly over their months: a request fits where each of its months on one partition has its
part free. What is free in three months together is therefore not what somebody can ask for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime

from django.utils.translation import gettext as _

from fabriek.access.models import Alternative, Call
from fabriek.access.rules import answer_due
from fabriek.conf.amounts import month_text, number_text
from fabriek.programmes.queries import free_seconds
from fabriek.projects.rules import month_after, months_between

FreeByMonth = Mapping[str, Mapping[date, int]]
"""Accelerator-seconds that are free, by partition and month."""


def free_by_month(calls: Sequence[Call]) -> dict[int, dict[str, dict[date, int]]]:
    """What each call's programme has free in the months on offer, by the call's key. One query."""
    free = free_seconds()
    found: dict[int, dict[str, dict[date, int]]] = {}
    for call in calls:
        codes = {partition.code for partition in call.partitions.all()}
        last = month_after(call.first_month, call.months)
        there = found[call.pk] = {}
        for (programme, partition, month), seconds in free.items():
            if programme == call.programme.code and partition in codes and call.first_month <= month < last:
                there.setdefault(partition, {})[month] = max(seconds, 0)
    return found


def fits_at(free: Mapping[date, int], first: date, months: int) -> int:
    """Seconds that one request can get from a month on: the scarcest of its months, as often as it has months."""
    return months * min((free.get(month, 0) for month in months_between(first, month_after(first, months))), default=0)


def best_run(free: FreeByMonth, months: int, since: date = date.min) -> int:
    """The most seconds that one request of so many months can get on any partition, from a month on or later."""
    return max(
        (fits_at(there, first, months) for there in free.values() for first in there if first >= since),
        default=0,
    )


def first_month_with_room(call: Call, free: FreeByMonth, now: datetime) -> date:
    """The first month on offer that isn't over when an application of now is answered at the latest, and has hours
    free; where none has, the first on offer."""
    answer = answer_due(now, call.answer_working_days, call.factory.country).date()
    months = sorted({month for there in free.values() for month, seconds in there.items() if seconds >= 3600})
    return next((month for month in months if month_after(month, 1) > answer), call.first_month)


def shortages(call: Call, asked: Iterable[Alternative]) -> list[str]:
    """A sentence for each choice that asks for more than is free now. It may be asked: more may come free, and what
    an open call decides on is not known before it closes."""
    free = free_by_month([call])[call.pk]
    found = []
    for choice in asked:
        there = fits_at(free.get(choice.partition.code, {}), choice.first_month, choice.months) // 3600
        if choice.gpu_hours > there:
            found.append(
                _("You ask for %(asked)s GPU-hours on %(partition)s from %(month)s on, and %(free)s are free there.")
                % {
                    "asked": number_text(choice.gpu_hours),
                    "partition": choice.partition.code,
                    "month": month_text(choice.first_month),
                    "free": number_text(there),
                }
            )
    return found
