"""What a change of policy means to a class, in a sentence."""

from __future__ import annotations

from math import isinf

from fabriek.simulation.comparing import Difference

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def verdict(klass: str, median: Difference, most: Difference) -> str:
    """A sentence on the median wait and the wait within which 95 % of jobs start (`median_wait`, `wait_95`).

    A change is called one only where its interval leaves no doubt of its sign.
    """
    who = klass or "all jobs"
    waits = f"half of the jobs start within {span(median.after)} ({span(median.before)} before)"
    tail = f"and 19 of 20 within {span(most.after)} ({span(most.before)} before)"
    return f"{who}: {_told(median, most)}; {waits}, {tail}."


def _told(median: Difference, most: Difference) -> str:
    if isinf(median.high):
        return "one window doesn't tell whether a difference is more than chance"
    told = [
        f"{what} {'longer' if one.change > 0 else 'shorter'} by {span(min(abs(one.low), abs(one.high)))} to "
        f"{span(max(abs(one.low), abs(one.high)))} (95 % sure)"
        for what, one in (("typical waits are", median), ("the longest waits are", most))
        if one.sure
    ]
    return " and ".join(told) if told else "waits are not surely longer or shorter"


def span(seconds: float) -> str:
    """A time in the largest unit of which it is two or more: "45 s", "12 min", "3.5 h"."""
    for size, unit in _UNITS:
        if seconds >= 2 * size:
            return f"{seconds / size:.2g} {unit}" if seconds < 10 * size else f"{seconds / size:,.0f} {unit}"
    return f"{seconds:.0f} s"
