"""What the fields of a problem mean, read a second time: this is not the solver's reading.

Numbers are the decimals that were written: 0.1 is one tenth. The bulk is in arrays of floating-point numbers; where
those are too near to tell, and wherever hours are summed, in whole numbers and fractions.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from functools import cached_property

import numpy as np
import numpy.typing as npt

from fabriek.allocation.problem import PLACE_DISCOUNT, Problem, Promise

Whole = npt.NDArray[np.int64]
Real = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

NEAR = 1e-9
"""Floating-point numbers of at most this relative difference are compared again, exactly."""

AGREES = 1e-9
"""Numbers told by a plan are rounded: they agree with ours to this part."""


def exact(number: float) -> Fraction:
    """The decimal that was written."""
    return Fraction(int(number)) if float(number).is_integer() else Fraction(repr(float(number)))


def exact_sum(numbers: Iterable[float]) -> Fraction:
    """The sum of the decimals that were written."""
    whole, rest = 0, Fraction(0)
    for number in numbers:
        if float(number).is_integer():
            whole += int(number)
        else:
            rest += Fraction(repr(float(number)))
    return whole + rest


def agree(ours: float, told: float) -> bool:
    """Whether a number in the plan is ours but for rounding. Ours is none where prices or hours are beyond all
    measure: nothing agrees with that."""
    return math.isfinite(ours) and abs(ours - told) <= AGREES * max(1.0, abs(ours), abs(told))


def decimals(number: float) -> int:
    """How many decimals were written."""
    return max(0, -int(Decimal(repr(float(number))).normalize().as_tuple().exponent))


class Reading:
    """The problem in arrays. Per application: `score`, `eligible`, `first` (its first alternative). Per alternative, in
    the order of the file: `owner` (its application), `place`, `block`, `start`, `months`, `hours`, `worth`, `least`
    (hours), `room` (GPU-hours a month that its share has at the least over its months), `fits` (alone).

    A block is a programme on a partition; where there is no share, it is the last, which is empty.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        rows = problem.applications
        self.horizon = len(problem.months)
        self.number = {row.id: n for n, row in enumerate(rows)}
        self.shares = _shares(problem)
        self.blocks = sorted({(programme, partition) for programme, partition, _month in self.shares})
        self.block_number = {block: n for n, block in enumerate(self.blocks)}
        self.limits = np.zeros((len(self.blocks) + 1, self.horizon))
        for (programme, partition, month), hours in self.shares.items():
            self.limits[self.block_number[programme, partition], month] = float(hours)
        self.score = np.array([row.score for row in rows], dtype=np.float64)
        self.eligible = self.score >= problem.threshold
        counts = np.array([len(row.alternatives) for row in rows], dtype=np.int64)
        self.first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        self.owner = np.repeat(np.arange(len(rows)), counts)
        self.place = np.arange(len(self.owner)) - self.first[self.owner]
        asked = [alternative for row in rows for alternative in row.alternatives]
        self.partition = [alternative.partition for alternative in asked]
        self.start = np.array([alternative.start for alternative in asked], dtype=np.int64)
        self.months = np.array([alternative.months for alternative in asked], dtype=np.int64)
        self.hours = np.array([alternative.hours for alternative in asked], dtype=np.float64)
        none = len(self.blocks)
        self.block = np.array(
            [
                self.block_number.get((row.programme, alternative.partition), none)
                for row in rows
                for alternative in row.alternatives
            ],
            dtype=np.int64,
        )
        self.part = np.array([row.least for row in rows], dtype=np.float64)[self.owner]
        self.worth = self._worth()
        self.room = self.least_of(self.limits)
        self.fits = self._fits_alone()

    def _worth(self) -> Real:
        """Of all that an alternative asks: 5 % less for each later place."""
        size = {
            "score": np.ones_like(self.hours),
            "score*hours": self.hours,
            "score*sqrt(hours)": np.sqrt(self.hours),
        }[self.problem.value]
        return self.score[self.owner] * size * (1.0 - PLACE_DISCOUNT * self.place)

    @cached_property
    def entries(self) -> tuple[Whole, Whole]:
        """Which alternative draws on which month: (alternative, month), alternative by alternative."""
        alternative = np.repeat(np.arange(len(self.months)), self.months)
        begins = np.cumsum(self.months) - self.months
        return alternative, self.start[alternative] + np.arange(len(alternative)) - begins[alternative]

    def least_of(self, table: Real) -> Real:
        """For each alternative the least of a table (block, month) over its months."""
        if not len(self.months):
            return np.zeros(0)
        alternative, month = self.entries
        return np.minimum.reduceat(table[self.block[alternative], month], np.cumsum(self.months) - self.months)

    def sum_of(self, table: Real) -> Real:
        """For each alternative the sum of a table (block, month) over its months."""
        if not len(self.months):
            return np.zeros(0)
        alternative, month = self.entries
        return np.add.reduceat(table[self.block[alternative], month], np.cumsum(self.months) - self.months)

    def _fits_alone(self) -> Mask:
        """Whether a useful part of an alternative fits its share if nobody else gets anything."""
        least, room = self.hours * self.part, self.room * self.months
        fits = least <= room
        for n in np.flatnonzero(np.abs(least - room) <= NEAR * np.maximum(least, room)):
            fits[n] = exact(self.hours[n]) * exact(self.part[n]) <= self.exact_room(int(n)) * int(self.months[n])
        return fits

    def cells(self, alternative: int) -> list[tuple[str, str, int]]:
        """The shares that an alternative draws on: (programme, partition, month)."""
        programme = self.problem.applications[self.owner[alternative]].programme
        start = int(self.start[alternative])
        partition = self.partition[alternative]
        return [(programme, partition, month) for month in range(start, start + int(self.months[alternative]))]

    def exact_room(self, alternative: int) -> Fraction:
        """GPU-hours a month that its share has at the least over its months."""
        return min(self.shares.get(cell, Fraction(0)) for cell in self.cells(alternative))

    @cached_property
    def _who(self) -> dict[str, list[object]]:
        rows = self.problem.applications
        return {
            "programme": [row.programme for row in rows],
            "class_": [row.class_ for row in rows],
            "organisation": [row.organisation for row in rows],
            "country": [row.country for row in rows],
            "commercial": [row.commercial for row in rows],
        }

    def within(self, promise: Promise) -> Mask:
        """Which alternatives' hours are in what the promise is a fraction of."""
        mask = np.ones(len(self.owner), dtype=bool)
        if (whole := _whole(promise)) is not None:
            mask &= self._are("programme", *whole)
        if promise.partitions is not None:
            named = set(promise.partitions)
            mask &= np.array([partition in named for partition in self.partition], dtype=bool)
        return mask

    def subject(self, promise: Promise) -> Mask:
        """Which alternatives' hours the promise guarantees (floor) or limits (cap)."""
        mask = self.within(promise)
        if promise.programmes is not None:
            mask &= self._are("programme", *promise.programmes)
        for field in ("programme", "class_", "organisation", "country", "commercial"):
            wanted = getattr(promise, field)
            if wanted is not None:
                mask &= self._are(field, wanted)
        return mask

    def _are(self, field: str, *wanted: object) -> Mask:
        return np.array([is_ in wanted for is_ in self._who[field]], dtype=bool)[self.owner]

    def offered(self, promise: Promise) -> Fraction:
        """All that may be awarded of what the promise is a fraction of: shares, with their overbooking."""
        return sum((hours for cell, hours in self.shares.items() if _speaks_of(promise, cell)), Fraction(0))

    def capacity(self, promise: Promise) -> Fraction:
        """What a promise `of: capacity` is a fraction of: its programmes' shares, not overbooked, or all capacity."""
        if _whole(promise) is None:
            return exact_sum(
                hours
                for partition in self.problem.partitions
                if promise.partitions is None or partition.id in promise.partitions
                for hours in partition.capacity
            )
        overbooking = {row.id: exact(row.overbooking) for row in self.problem.programmes}
        return sum(
            (hours / overbooking[cell[0]] for cell, hours in self.shares.items() if _speaks_of(promise, cell)),
            Fraction(0),
        )

    def demand(self, floor: Promise) -> Fraction:
        """What the floor's class could be awarded if nobody else asked, and what it was awarded before."""
        candidates = np.flatnonzero(self.subject(floor) & self.eligible[self.owner])
        return exact(floor.reached_before) + self._most_of_each(candidates, whole=False)

    def most(self, floor: Promise) -> Fraction:
        """No plan awards more hours of what the floor is a fraction of, earlier ones included: all that is asked where
        it can be awarded, or all that there is."""
        candidates = np.flatnonzero(self.within(floor) & self.eligible[self.owner])
        return exact(floor.base_before) + min(self._most_of_each(candidates, whole=True), self.offered(floor))

    def _most_of_each(self, alternatives: Whole, *, whole: bool) -> Fraction:
        """Sum over applications of the largest of these alternatives, of those that fit alone. whole: all that it asks,
        even where its share has room for a part only."""
        alternatives = alternatives[self.fits[alternatives]]
        hours, room = self.hours[alternatives], self.room[alternatives] * self.months[alternatives]
        # Where the room is too near to tell, or too small, it is counted exactly.
        told = np.ones(len(alternatives), dtype=bool) if whole else hours < room * (1 - NEAR)
        best = np.zeros(len(self.first) - 1)
        np.maximum.at(best, self.owner[alternatives[told]], hours[told])
        greater: dict[int, Fraction] = {}
        for n in alternatives[~told].tolist():
            owner = int(self.owner[n])
            part = min(exact(self.hours[n]), self.exact_room(n) * int(self.months[n]))
            greater[owner] = max(greater.get(owner, exact(best[owner])), part)
        best[list(greater)] = 0.0
        return exact_sum(best[best > 0].tolist()) + sum(greater.values(), Fraction(0))


def _speaks_of(promise: Promise, cell: tuple[str, str, int]) -> bool:
    programme, partition, _month = cell
    whole = _whole(promise)
    return (whole is None or programme in whole) and (promise.partitions is None or partition in promise.partitions)


def _whole(promise: Promise) -> set[str] | None:
    """The programmes whose hours a promise is a fraction of; None: all."""
    if promise.base is not None:
        return set(promise.base)
    if promise.programmes is not None:
        return set(promise.programmes)
    return None if promise.programme is None else {promise.programme}


def _shares(problem: Problem) -> dict[tuple[str, str, int], Fraction]:
    """GPU-hours that each programme may award on each partition in each month: its part of the capacity, times its
    overbooking. Parts that add up to more than one (by rounding: the format allows no more) are scaled down to one."""
    capacity = {row.id: row.capacity for row in problem.partitions}
    parts: dict[tuple[str, int], Fraction] = {}
    for programme in problem.programmes:
        for partition, shares in programme.shares.items():
            for month, share in enumerate(shares):
                parts[partition, month] = parts.get((partition, month), Fraction(0)) + exact(share)
    found = {}
    for programme in problem.programmes:
        overbooking = exact(programme.overbooking)
        for partition, shares in programme.shares.items():
            for month, share in enumerate(shares):
                hours = exact(share) * exact(capacity[partition][month]) * overbooking
                total = parts[partition, month]
                found[programme.id, partition, month] = hours / total if total > 1 else hours
    return found


def common_unit(numbers: Iterable[float], divisors: Iterable[int]) -> int:
    """How many parts an hour is cut in, so that all these numbers of hours, divided by any of these, are whole."""
    places = max((0 if float(number).is_integer() else decimals(number) for number in numbers), default=0)
    return 10**places * math.lcm(*divisors)
