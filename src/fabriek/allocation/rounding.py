"""From the solver's fractions to awards in decimals that keep every share and cap exactly, and every floor that can be.

All that the solver chose is booked first, because a cap or a floor on awarded hours can only be judged by the whole.
What rounding breaks is mended by moving awards of which a part is enough; only what that can't mend costs an award, the
one that is worth least of those in the way. A floor that then lacks no more than the solver can tell costs none. Last,
what still fits is added.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np

from fabriek.allocation.formulation import Choice, Formulation
from fabriek.allocation.hours import Room
from fabriek.allocation.plan import Award
from fabriek.allocation.problem import Promise
from fabriek.allocation.rules import counts, exact, is_within

# A fraction this near to one is one.
_ALL = 1 - 1e-9

# A decimal of so many digits is its floating-point number's own: what is booked is what the plan tells. The solver's
# numbers are good for fewer.
_DIGITS, _SOLVER_DIGITS = 15, 11

# The solver can't tell from none what a floor lacks of less than this part of its row's size.
_BLUR = 1e-7

Cell = tuple[str, str, int]


def exact_awards(formulation: Formulation, fractions: np.ndarray, allowed: Mapping[str, float]) -> list[Award]:
    """Awards in order of application. fractions: of each choice; allowed: hours that each floor may lack, where a floor
    that isn't named may lack any number."""
    plan = _Draft(formulation, allowed)
    starts = formulation.group_start
    for group in range(formulation.groups):
        # The first of the greatest: argmax says so.
        column = int(starts[group] + np.argmax(fractions[starts[group] : starts[group + 1]]))
        fraction = float(fractions[column])
        if fraction > 0 and fraction >= formulation.choices[column].application.least / 2:
            plan.set(column, _hours(formulation.choices[column], fraction))
    plan.mend()
    plan.fill()
    plan.grow()
    awards = [
        Award(
            application=formulation.choices[column].application.id,
            alternative=formulation.choices[column].place,
            hours=float(hours),
        )
        for column, hours in plan.taken.items()
    ]
    return sorted(awards, key=lambda award: award.application)


def blur(formulation: Formulation) -> dict[str, float]:
    """Hours that each floor can lack without the solver knowing."""
    return {row.promise.id: _BLUR * row.scale for row in formulation.floors}


def _unit(choice: Choice, digits: int = _DIGITS) -> Fraction:
    """The last of so many digits of what is asked, in hours: a part of it is a number of these."""
    return Fraction(10) ** (Decimal(repr(choice.hours)).adjusted() + 1 - digits)


def _hours(choice: Choice, fraction: float) -> Fraction:
    """All that was asked, or the part of it to as many digits as the solver's are worth; at least the useful part."""
    asked = exact(choice.hours)
    if fraction >= _ALL or choice.application.least >= 1:
        return asked
    unit = _unit(choice, _SOLVER_DIGITS)
    return min(asked, max(round(Fraction(fraction) * asked / unit) * unit, _least(choice)))


def _least(choice: Choice) -> Fraction:
    """The fewest hours that are useful, as a decimal that a plan can tell."""
    asked, unit = exact(choice.hours), _unit(choice)
    return min(asked, math.ceil(exact(choice.application.least) * asked / unit) * unit)


@dataclass(frozen=True)
class _Broken:
    """A share (`cell`) or a promise, in one of its readings, that is exceeded, or lacks, by `amount` hours."""

    amount: Fraction
    cell: Cell | None = None
    promise: Promise | None = None
    reading: int = 0

    @property
    def floor(self) -> Promise | None:
        """The promise, if it is a floor: what lacks of it can't always be mended."""
        return self.promise if self.promise is not None and self.promise.kind == "floor" else None

    def slope(self, choice: Choice) -> Fraction:
        """What one hour more of the choice adds to it."""
        if self.promise is not None:
            return _slopes(self.promise, choice)[self.reading]
        months = choice.application.alternatives[choice.place].months
        return Fraction(1, months) if self.cell in choice.cells else Fraction(0)


class _Draft:
    """A plan in the making: `taken` (hours of each column that is awarded), and the room that it leaves.

    may_lack: hours of each floor, exactly; None: any number. order: columns, what is worth least first.
    """

    def __init__(self, formulation: Formulation, allowed: Mapping[str, float]) -> None:
        self.choices = formulation.choices
        self.room = Room(formulation.problem, formulation.demand)
        self.taken: dict[int, Fraction] = {}
        self.may_lack = {
            floor.id: exact(allowed[floor.id]) if floor.id in allowed else None for floor in self.room.floors
        }
        self.blur = {name: Fraction(hours) for name, hours in blur(formulation).items()}
        self.order = sorted(range(len(self.choices)), key=lambda column: (self.choices[column].worth, -column))

    def set(self, column: int, hours: Fraction) -> None:
        """Award these hours in place of what the column has; 0: nothing."""
        self.room.take(self.choices[column], hours - self.taken.pop(column, Fraction(0)))
        if hours:
            self.taken[column] = hours

    def mend(self) -> None:
        """Bring back what exceeds shares and caps, and close floors as far as they can be."""
        while (broken := next(self._broken(), None)) is not None:
            if self._moved(broken):
                continue
            floor = broken.floor
            if floor is not None and self.room.shortfall(floor) <= (self.may_lack[floor.id] or 0) + self.blur[floor.id]:
                weakest = None
            else:
                weakest = self._weakest(broken)
            if weakest is not None:
                self.set(weakest, Fraction(0))
            elif floor is not None:
                # Rounding, or hours that aren't there: no award is worth leaving out for it.
                self.may_lack[floor.id] = self.room.shortfall(floor)
            else:
                raise AssertionError(f"no award exceeds {broken}")

    def _broken(self) -> Iterator[_Broken]:
        for cell, left in self.room.left.items():
            if left < 0:
                yield _Broken(-left, cell=cell)
        for promise in (*self.room.caps, *sorted(self.room.floors, key=_precedence)):
            may_lack = self.may_lack.get(promise.id, Fraction(0))
            excesses = self._excesses(promise)
            if may_lack is not None and (excess := min(excesses)) > may_lack:
                yield _Broken(excess - may_lack, promise=promise, reading=excesses.index(excess))

    def _excesses(self, promise: Promise) -> list[Fraction]:
        """Hours by which a cap is exceeded, or that a floor lacks; below 0: that it has to spare. A floor on awarded
        hours asks the less of two numbers, so it has two readings, of which the lesser counts."""
        room = self.room
        reached = room.subject[promise.id]
        if promise.kind == "cap":
            return [reached - room.excused[promise.id] - room.required(promise)]
        if promise.of == "capacity":
            return [room.required(promise) - reached]
        return [exact(promise.fraction) * room.base[promise.id] - reached, room.demand[promise.id] - reached]

    def _moved(self, broken: _Broken) -> bool:
        """Mend it by more or fewer hours for those of whom a part is enough: first such that nothing else comes to lack
        or exceed for it, then, unless it is a floor itself, such that floors lack no more than the solver can't tell.
        Whether that was enough; what could be done of it is done."""
        amount = broken.amount
        for loosely in (False,) if broken.floor else (False, True):
            for column in self.order:
                choice = self.choices[column]
                if column not in self.taken or choice.application.least >= 1:
                    continue
                if not (slope := broken.slope(choice)):
                    continue
                sign, unit = -1 if slope > 0 else 1, _unit(choice)
                most = self._movable(column, sign, skip=broken.promise, loosely=loosely)
                hours = min(math.ceil(amount / abs(slope) / unit), math.floor(most / unit)) * unit
                if hours > 0:
                    self.set(column, self.taken[column] + sign * hours)
                    amount -= hours * abs(slope)
                    if amount <= 0:
                        return True
        return False

    def _movable(self, column: int, sign: int, *, skip: Promise | None = None, loosely: bool = False) -> Fraction:
        """Hours by which an award can change so that nothing is exceeded, or lacks, more than it is or may."""
        choice, hours = self.choices[column], self.taken[column]
        own = exact(choice.hours) - hours if sign > 0 else hours - _least(choice)
        return min(own, self._space(choice, sign, skip=skip, loosely=loosely))

    def _space(self, choice: Choice, sign: int, *, skip: Promise | None = None, loosely: bool = False) -> Fraction:
        """As `_movable`, for a choice that may have nothing yet, whatever it asks."""
        most = exact(choice.hours)
        if sign > 0:
            months = choice.application.alternatives[choice.place].months
            most = min(self.room.left.get(cell, Fraction(0)) for cell in choice.cells) * months
        for promise in self.room.problem.promises:
            if promise is not skip and (limit := self._limit(promise, choice, sign, loosely)) is not None:
                most = min(most, limit)
        return max(Fraction(0), most)

    def _limit(self, promise: Promise, choice: Choice, sign: int, loosely: bool) -> Fraction | None:
        """Hours by which the choice can change for this promise; None: any number."""
        excesses = self._excesses(promise)
        bound = max(Fraction(0), min(excesses))
        if loosely and promise.kind == "floor":
            may_lack = self.may_lack[promise.id]
            if may_lack is None:
                return None
            bound = max(bound, may_lack + self.blur[promise.id])
        limit = Fraction(0)
        for excess, slope in zip(excesses, _slopes(promise, choice), strict=True):
            if excess <= bound:
                if sign * slope <= 0:
                    return None
                limit = max(limit, (bound - excess) / abs(slope))
        return limit

    def _weakest(self, broken: _Broken) -> int | None:
        """The award that is worth least of those that add to it. For a floor, none without which one that precedes it
        would lack."""
        floor = broken.floor
        preceding = [row for row in self.room.floors if floor is not None and _precedence(row) < _precedence(floor)]
        for column in self.order:
            if column not in self.taken or broken.slope(self.choices[column]) <= 0:
                continue
            limits = [self._limit(row, self.choices[column], -1, loosely=True) for row in preceding]
            if all(limit is None or limit >= self.taken[column] for limit in limits):
                return column
        return None

    def fill(self) -> None:
        """Add what fits and opens no floor: preferred alternatives first, most valuable first, until nothing is
        added."""
        served = {self.choices[column].application.id for column in self.taken}
        order = sorted(range(len(self.choices)), key=lambda n: (self.choices[n].place, -self.choices[n].worth, n))
        added = True
        while added:
            added = False
            for column in order:
                choice = self.choices[column]
                if choice.application.id in served:
                    continue
                if hours := self._fitting(choice):
                    self.set(column, hours)
                    served.add(choice.application.id)
                    added = True

    def _fitting(self, choice: Choice) -> Fraction:
        """All that was asked, or the part that there is room for, if that is useful; else 0."""
        asked = exact(choice.hours)
        if self.room.fits(choice, asked):
            return asked
        if choice.application.least >= 1:
            return Fraction(0)
        unit, least = _unit(choice), _least(choice)
        hours = math.floor(min(asked, self._space(choice, 1)) / unit) * unit
        return hours if hours >= least else Fraction(0)

    def grow(self) -> None:
        """Give parts of requests what room is left, what is worth most an hour first."""
        parts = [
            column
            for column in self.taken
            if self.choices[column].application.least < 1 and self.taken[column] < exact(self.choices[column].hours)
        ]
        for column in sorted(parts, key=lambda n: (-self.choices[n].worth / self.choices[n].hours, n)):
            unit = _unit(self.choices[column])
            if more := math.floor(self._movable(column, 1) / unit) * unit:
                self.set(column, self.taken[column] + more)


def _precedence(floor: Promise) -> tuple[int, str]:
    return floor.rank, floor.id


def _slopes(promise: Promise, choice: Choice) -> list[Fraction]:
    """What an hour of the choice adds to each of the promise's `_excesses`."""
    subject = Fraction(int(counts(promise, choice.application, choice.partition)))
    base = Fraction(0)
    if promise.of == "awarded" and is_within(promise, choice.application, choice.partition):
        base = exact(promise.fraction)
    if promise.kind == "cap":
        return [subject - base]
    return [base - subject] if promise.of == "capacity" else [base - subject, -subject]
