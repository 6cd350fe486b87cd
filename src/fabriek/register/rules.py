"""What follows from the facts of the register: capacity, conversions, estimates. Pure and exact."""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Sequence
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


@dataclass(frozen=True)
class Stretch:
    """A part of a month, [start, end), in which a partition has `nodes`."""

    start: datetime
    end: datetime
    nodes: int

    @property
    def node_seconds(self) -> int:
        """Of all its nodes: days begin at midnight UTC, so these are whole seconds."""
        return self.nodes * int((self.end - self.start).total_seconds())


def nodes_on(day: date, first: int | None, sizes: Iterable[tuple[date, int]]) -> int | None:
    """How many nodes there are on a day: `first`, until a size of (day, nodes) says otherwise. None: not known."""
    so_far = [size for size in sizes if size[0] <= day]
    return max(so_far)[1] if so_far else first


def stretches(month: date, first: int | None, sizes: Iterable[tuple[date, int]]) -> list[Stretch] | None:
    """A month in stretches of one size each. None: not known for a part of it."""
    begin, end = month_bounds(month)
    sizes = list(sizes)
    days = [begin.date(), *sorted(day for day, _nodes in sizes if begin.date() < day < end.date())]
    starts = [datetime(day.year, day.month, day.day, tzinfo=UTC) for day in days]
    found = []
    for day, start, until in zip(days, starts, [*starts[1:], end], strict=True):
        nodes = nodes_on(day, first, sizes)
        if nodes is None:
            return None
        found.append(Stretch(start, until, nodes))
    return found


def lost_node_seconds(parts: Iterable[Stretch], outages: Iterable[Outage]) -> int:
    """Node-seconds that maintenance takes. Where outages overlap, no more nodes are down than there are. Rounded up."""
    outages = list(outages)
    lost = sum((_lost(part, outages) for part in parts), Fraction(0))
    return int(-(-lost // 1))


def _lost(part: Stretch, outages: Iterable[Outage]) -> Fraction:
    marks: dict[datetime, int] = {}
    for outage in outages:
        start, end = max(outage.start, part.start), min(outage.end, part.end)
        if start < end:
            down = part.nodes if outage.nodes is None else min(outage.nodes, part.nodes)
            marks[start] = marks.get(start, 0) + down
            marks[end] = marks.get(end, 0) - down
    lost = Fraction(0)
    down, before = 0, part.start
    for moment in sorted(marks):
        lost += min(down, part.nodes) * Fraction(str((moment - before).total_seconds()))
        down, before = down + marks[moment], moment
    return lost


def capacity_seconds(
    parts: Sequence[Stretch], per_node: int, availability: Decimal | Fraction, outages: Iterable[Outage] = ()
) -> int:
    """Seconds that a partition can give in a month (rule 1): units x seconds x availability, less maintenance.

    parts: the month in stretches of one size. Availability is the part of its time outside planned maintenance in
    which the partition is up. Rounded down.
    """
    up = sum(part.node_seconds for part in parts) - lost_node_seconds(parts, outages)
    return int(Fraction(per_node) * up * Fraction(availability) // 1)


def least_seconds_to_move(bytes_: int, gigabits_per_second: float) -> float:
    """What moving data takes at the least: the link's whole speed, nothing lost. Real transfers take longer."""
    return bytes_ * 8 / (gigabits_per_second * 1e9)


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


def first_overlap(periods: Iterable[tuple[date, date | None]]) -> date | None:
    """The first day that lies in two of these periods [from, until); until None: without an end. None: no day does."""
    latest: date | None = date.min
    for start, until in sorted(periods, key=lambda period: period[0]):
        if latest is None or start < latest:
            return start
        latest = until
    return None


def convert(amount: Fraction | int, numerator: int, denominator: int) -> Fraction:
    """An amount of a unit in accelerator-hours, exactly."""
    return Fraction(amount) * Fraction(numerator, denominator)
