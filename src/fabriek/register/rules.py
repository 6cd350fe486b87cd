"""What follows from the facts of the register: capacity, conversions, estimates. Pure and exact."""

from __future__ import annotations

import calendar
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction


@dataclass(frozen=True)
class Outage:
    """`nodes` that are down from `start` to `end`; None: all of them."""

    start: datetime
    end: datetime
    nodes: int | None = None


def month_seconds(month: date) -> int:
    """The seconds of a month, UTC: no summer time."""
    return calendar.monthrange(month.year, month.month)[1] * 86_400


def month_bounds(month: date) -> tuple[datetime, datetime]:
    """The first moment of a month and that of the next, UTC."""
    following = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    return (
        datetime(month.year, month.month, 1, tzinfo=UTC),
        datetime(following.year, following.month, 1, tzinfo=UTC),
    )


def lost_node_seconds(nodes: int, month: date, outages: Iterable[Outage]) -> int:
    """Node-seconds of a month that maintenance takes. Where outages overlap, no more nodes are down than there are."""
    first, last = month_bounds(month)
    marks: dict[datetime, int] = {}
    for outage in outages:
        start, end = max(outage.start, first), min(outage.end, last)
        if start < end:
            down = nodes if outage.nodes is None else min(outage.nodes, nodes)
            marks[start] = marks.get(start, 0) + down
            marks[end] = marks.get(end, 0) - down
    lost = Fraction(0)
    down, before = 0, first
    for moment in sorted(marks):
        lost += min(down, nodes) * Fraction(str((moment - before).total_seconds()))
        down, before = down + marks[moment], moment
    return int(-(-lost // 1))


def capacity_seconds(
    nodes: int, per_node: int, month: date, availability: Decimal | Fraction, outages: Iterable[Outage] = ()
) -> int:
    """Seconds that a partition can give in a month (rule 1): units x seconds x availability, less maintenance.

    Availability is the part of its time outside planned maintenance in which the partition is up. Rounded down.
    """
    up = nodes * month_seconds(month) - lost_node_seconds(nodes, month, outages)
    return int(Fraction(per_node) * up * Fraction(availability) // 1)


# Floating-point operations a parameter and token of a dense transformer: 2 forward, 4 back. Source: Kaplan et al.,
# 'Scaling Laws for Neural Language Models' (2020), section 2.1.
TRAINING, RUNNING = 6, 2


def gpu_hours_for_training(parameters: float, tokens: float, *, petaflops: float, efficiency: float) -> float:
    """GPU-hours to train a dense transformer, or to tune all its weights: 6 x N x D / (peak x efficiency).

    parameters, tokens: numbers. petaflops: dense BF16 peak of one accelerator. efficiency: the part of the peak that is
    reached, 0.3 to 0.5 for good code. Errors: ValueError where a number is not positive.
    """
    return _gpu_hours(TRAINING, parameters, tokens, petaflops, efficiency)


def gpu_hours_for_running(parameters: float, tokens: float, *, petaflops: float, efficiency: float) -> float:
    """GPU-hours to run a dense transformer over tokens, read or written: 2 x N x D / (peak x efficiency).

    As for training; writing token by token waits for memory and reaches far less of the peak, 0.1 or less.
    """
    return _gpu_hours(RUNNING, parameters, tokens, petaflops, efficiency)


def _gpu_hours(operations: int, parameters: float, tokens: float, petaflops: float, efficiency: float) -> float:
    if min(parameters, tokens, petaflops, efficiency) <= 0 or efficiency > 1:
        raise ValueError("Give positive numbers, and an efficiency of at most 1.")
    return operations * parameters * tokens / (petaflops * 1e15 * efficiency) / 3600


def convert(amount: Fraction | int, numerator: int, denominator: int) -> Fraction:
    """An amount of a unit in accelerator-hours, exactly."""
    return Fraction(amount) * Fraction(numerator, denominator)
