"""From the solver's fractions to awards in whole hours that keep every share, cap and floor exactly.

All that the solver chose is booked first, because a cap or a floor on awarded hours can only be judged by the whole.
What is broken by rounding is mended by an hour more or less where part of a request is enough, and only then by
leaving out the award that is worth least. Last, what still fits is added.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from fabriek.allocation.formulation import Choice, Formulation
from fabriek.allocation.hours import Room
from fabriek.allocation.plan import Award
from fabriek.allocation.problem import Promise
from fabriek.allocation.rules import counts, exact, is_within

# A fraction this near to one is one.
_ALL = 1 - 1e-9


@dataclass
class _Broken:
    """Something that is exceeded by `amount` hours; `weight` tells what one hour of a choice adds to that."""

    amount: Fraction
    promise: str
    weight: Callable[[Choice], Fraction]


def whole_awards(formulation: Formulation, fractions: np.ndarray, allowed: dict[str, float]) -> list[Award]:
    """Awards in order of application. fractions: of each choice; allowed: hours that each floor may lack."""
    room = Room(formulation.problem, formulation.demand)
    taken: dict[int, Fraction] = {}
    starts = formulation.group_start
    for group in range(formulation.groups):
        # The first of the greatest: argmax says so.
        column = int(starts[group] + np.argmax(fractions[starts[group] : starts[group + 1]]))
        if fractions[column] <= 0:
            continue
        choice = formulation.choices[column]
        if float(fractions[column]) >= choice.application.least / 2:
            taken[column] = _whole(choice, float(fractions[column]))
            room.take(choice, taken[column])
    _mend(formulation, room, taken, allowed)
    _fill(formulation, room, taken)
    awards = [
        Award(
            application=formulation.choices[column].application.id,
            alternative=formulation.choices[column].place,
            hours=float(hours),
        )
        for column, hours in taken.items()
    ]
    return sorted(awards, key=lambda award: award.application)


def _whole(choice: Choice, fraction: float) -> Fraction:
    """All that was asked, or the whole hours of a part of it; never less than the useful part."""
    asked = exact(choice.hours)
    if fraction >= _ALL or choice.application.least >= 1:
        return asked
    return min(asked, max(Fraction(int(float(asked) * fraction + 1e-6)), _least(choice)))


def _least(choice: Choice) -> Fraction:
    """The fewest whole hours that are useful; all that was asked if that is not a whole number away."""
    asked = exact(choice.hours)
    return min(asked, Fraction(math.ceil(exact(choice.application.least) * asked)))


def _mend(formulation: Formulation, room: Room, taken: dict[int, Fraction], allowed: dict[str, float]) -> None:
    nudges = 4 * len(taken)  # Two promises could push one award to and fro.
    while (broken := next(_broken(room, allowed), None)) is not None:
        by_worth = sorted(taken, key=lambda column: (formulation.choices[column].worth, -column))
        nudges -= 1
        if nudges >= 0 and _nudge(formulation, room, taken, broken, by_worth):
            continue
        weakest = next((column for column in by_worth if broken.weight(formulation.choices[column]) > 0), None)
        if weakest is None:
            # Only a floor on capacity gets here: no award stands in its way, its hours just aren't there.
            allowed = {**allowed, broken.promise: math.inf}
            continue
        room.give_back(formulation.choices[weakest], taken.pop(weakest))


def _broken(room: Room, allowed: dict[str, float]) -> Iterator[_Broken]:
    for cell, left in room.left.items():
        if left < 0:
            yield _Broken(-left, "", lambda choice, cell=cell: _draws(choice, cell))  # type: ignore[misc]
    for cap in room.caps:
        excess = room.subject[cap.id] - room.excused[cap.id] - room.required(cap)
        if excess > 0:
            yield _Broken(excess, cap.id, lambda choice, cap=cap: _weight(cap, choice))  # type: ignore[misc]
    for floor in room.floors:
        if floor.id in allowed and not math.isinf(allowed[floor.id]):
            lacks = room.shortfall(floor) - exact(allowed[floor.id])
            if lacks > 0:
                yield _Broken(lacks, floor.id, lambda choice, floor=floor: -_weight(floor, choice))  # type: ignore[misc]


def _draws(choice: Choice, cell: tuple[str, str, int]) -> Fraction:
    months = choice.application.alternatives[choice.place].months
    return Fraction(1, months) if cell in choice.cells else Fraction(0)


def _weight(promise: Promise, choice: Choice) -> Fraction:
    """What an hour of the choice adds to the subject over what the promise asks of it."""
    part = Fraction(int(counts(promise, choice.application, choice.partition)))
    if promise.of == "awarded" and is_within(promise, choice.application, choice.partition):
        part -= exact(promise.fraction)
    return part


def _nudge(
    formulation: Formulation, room: Room, taken: dict[int, Fraction], broken: _Broken, by_worth: list[int]
) -> bool:
    """Mend it by changing one award by whole hours within its useful part. Whether that could be done."""
    for column in by_worth:
        choice = formulation.choices[column]
        weight = broken.weight(choice)
        if not weight or choice.application.least >= 1:
            continue
        step = Fraction(math.ceil(broken.amount / abs(weight)))
        hours = taken[column] - step if weight > 0 else taken[column] + step
        if not _least(choice) <= hours <= exact(choice.hours):
            continue
        room.give_back(choice, taken[column])
        if not _breaks(room, choice, hours, taken[column]):
            taken[column] = hours
            room.take(choice, hours)
            return True
        room.take(choice, taken[column])
    return False


def _breaks(room: Room, choice: Choice, hours: Fraction, before: Fraction) -> bool:
    """Whether `hours` in place of `before` breaks a share, a cap or a floor that `before` did not break."""

    def troubles(given: Fraction) -> set[object]:
        return {
            *room.cells_without_room(choice, given),
            *(cap.id for cap in room.caps_exceeded(choice, given)),
            *(floor.id for floor in room.floors_opened(choice, given)),
            *(cap.id for cap in room.caps_squeezed(choice, given)),
        }

    return bool(troubles(hours) - troubles(before))


def _fill(formulation: Formulation, room: Room, taken: dict[int, Fraction]) -> None:
    """Add what fits and opens no floor: preferred alternatives first, most valuable first, until nothing is added."""
    served = {formulation.choices[column].application.id for column in taken}
    order = sorted(
        range(len(formulation.choices)),
        key=lambda n: (formulation.choices[n].place, -formulation.choices[n].worth, n),
    )
    added = True
    while added:
        added = False
        for column in order:
            choice = formulation.choices[column]
            if choice.application.id in served:
                continue
            hours = _fitting(room, choice)
            if hours and room.fits(choice, hours):
                room.take(choice, hours)
                taken[column] = hours
                served.add(choice.application.id)
                added = True


def _fitting(room: Room, choice: Choice) -> Fraction:
    """All that was asked, or as many whole hours as the shares have left, if that is useful; else 0."""
    asked = exact(choice.hours)
    months = choice.application.alternatives[choice.place].months
    space = min(room.left.get(cell, Fraction(0)) for cell in choice.cells) * months
    if space >= asked:
        return asked
    hours = Fraction(math.floor(space))
    return hours if choice.application.least < 1 and hours >= _least(choice) else Fraction(0)
