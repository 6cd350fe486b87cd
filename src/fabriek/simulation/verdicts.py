"""What a change of policy means to a class, as data; `verdict_words.py` makes sentences of it."""

from __future__ import annotations

from dataclasses import dataclass
from math import isinf
from typing import Literal

from fabriek.simulation.comparing import Difference

Direction = Literal["shorter", "longer", "unsure", "unknown"]


@dataclass(frozen=True, slots=True)
class Shift:
    """How a wait moves, in seconds: on average from `before` to `after`.

    A direction is said only where the interval of the change leaves no doubt of its sign; then the change is between
    `least` and `most` with 95 % confidence. "unsure": it may be either; "unknown": one window doesn't tell.
    """

    direction: Direction
    before: float
    after: float
    least: float = 0.0
    most: float = 0.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of one class: the median wait (`typical`), and the wait within which 95 % of jobs start (`longest`)."""

    klass: str
    typical: Shift
    longest: Shift

    @property
    def direction(self) -> Literal["shorter", "longer", "mixed", "unsure", "unknown"]:
        """Both in one word; mixed: typical waits and the longest ones move against each other."""
        both = {self.typical.direction, self.longest.direction} - {"unsure"}
        if not both:
            return "unsure"
        return "mixed" if len(both) > 1 else both.pop()


def verdict(klass: str, median: Difference, most: Difference) -> Verdict:
    """The verdict on the differences of `median_wait` and `wait_95`."""
    return Verdict(klass, _shift(median), _shift(most))


def _shift(one: Difference) -> Shift:
    if isinf(one.high):
        return Shift("unknown", one.before, one.after)
    if not one.sure:
        return Shift("unsure", one.before, one.after)
    least, most = sorted((abs(one.low), abs(one.high)))
    return Shift("longer" if one.change > 0 else "shorter", one.before, one.after, least, most)
