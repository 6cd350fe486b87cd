"""What comes back before its time, and what may be changed of an award: the stated rules. Pure.

An award is meant to be used evenly over its months. Hours of months gone by lapse when the allocation is settled. At
half time, who used less than a stated part of what an even use would have come to gives back a stated part of what lies
in the months to come, after a warning; a claim by the project stops it. An extension is given once, by up to 3 months,
with up to 10 % of the award on top of what is left (EuroHPC's access policy, as read second-hand).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from fabriek.projects.rules import months_between

EXTENSION_MONTHS = 3
EXTENSION_PERCENT = 10


@dataclass(frozen=True)
class ReturnRule:
    """The rule's numbers, in percent, working days and months."""

    least_use_percent: int = 25
    part_percent: int = 50
    notice_working_days: int = 10
    shortest_months: int = 2

    def numbers(self) -> dict[str, Any]:
        """As they are kept with every return."""
        return asdict(self)


RULE = ReturnRule()


def half_time(starts: date, ends: date) -> date:
    """The day in the middle of [starts, ends)."""
    return starts + timedelta(days=(ends - starts).days // 2)


def planned_by(awarded: int, starts: date, ends: date, on: date) -> int:
    """Seconds that an even use would have come to by the beginning of a day."""
    gone = min(max((on - starts).days, 0), (ends - starts).days)
    return awarded * gone // (ends - starts).days


def is_behind(awarded: int, used: int, starts: date, ends: date, on: date, rule: ReturnRule = RULE) -> bool:
    """Whether an allocation gives back by the rule: it is past half time and used less than the stated part."""
    if len(months_between(starts, ends)) < rule.shortest_months or not half_time(starts, ends) <= on < ends:
        return False
    return used * 100 < planned_by(awarded, starts, ends, on) * rule.least_use_percent


def part_to_return(held: Mapping[date, int], on: date, rule: ReturnRule = RULE) -> dict[date, int]:
    """Seconds of each month to come that go back by the rule. `held`: month -> seconds held (negative: used ahead)."""
    whole = max(0, sum(held.values())) * rule.part_percent // 100
    return _latest_first({m: s for m, s in held.items() if m > on.replace(day=1)}, whole, rule.part_percent)


def _latest_first(months: Mapping[date, int], at_most: int, percent: int) -> dict[date, int]:
    returned, left = {}, at_most
    for month, seconds in sorted(months.items(), reverse=True):
        amount = min(left, max(0, seconds) * percent // 100)
        if amount:
            returned[month] = amount
            left -= amount
    return returned


def released(held: Mapping[date, int], on: date, seconds: int) -> dict[date, int]:
    """Of which months so many seconds are taken: those gone by first, then from the last on.

    What stays with the allocation lies then in the months in which it can still be used. Takes less where less is held.
    """
    taken, left = {}, min(seconds, max(0, sum(held.values())))
    this = on.replace(day=1)
    gone, to_come = sorted(m for m in held if m < this), sorted((m for m in held if m >= this), reverse=True)
    for month in [*gone, *to_come]:
        amount = min(left, max(0, held[month]))
        if amount:
            taken[month] = amount
            left -= amount
    return taken


def with_cores(
    taken: Mapping[date, int], accelerators: Mapping[date, int], cores: Mapping[date, int]
) -> dict[date, int]:
    """Core-seconds that go with accelerator-seconds: in the proportion in which the month holds them, rounded down."""
    amounts = {}
    for month, seconds in taken.items():
        held = accelerators.get(month, 0)
        if held > 0 and cores.get(month, 0) > 0:
            amounts[month] = int(Fraction(cores[month] * seconds, held))
    return amounts


def most_of_extension(awarded: int, left: int) -> int:
    """The most seconds of an extension: what is left, and a tenth of the award."""
    return left + awarded * EXTENSION_PERCENT // 100
