"""The problem as columns and rows, in arrays. A column is an alternative of an application that could be awarded.

maximise   sum of worth x fraction awarded
subject to one alternative an application; hours of a programme on a partition in a month <= its share (a cell); caps;
           floors, whose shortfall is a column of its own.

Columns lie in the order of applications and alternatives. The cells of a block (a programme on a partition) are its
months, one after another, and a column draws on a run of them, as much on each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property

import numpy as np
import numpy.typing as npt

from fabriek.allocation.problem import Alternative, Application, Problem, Promise
from fabriek.allocation.rules import (
    awardable,
    base_capacity,
    counts,
    eligible_demand,
    exact,
    excused,
    is_within,
    offered,
    share_hours,
    worth,
)

Whole = npt.NDArray[np.int64]
Real = npt.NDArray[np.float64]

# Hours a month that differ less than this part are compared again, exactly.
_NEAR = 1e-9


@dataclass(frozen=True, slots=True)
class Choice:
    """An alternative of an application. `place` counts in the application's own list."""

    application: Application
    place: int
    worth: float
    hours: float

    @property
    def partition(self) -> str:
        """Where the hours would be."""
        return self.application.alternatives[self.place].partition

    @property
    def cells(self) -> list[tuple[str, str, int]]:
        """The shares that it draws on: (programme, partition, month)."""
        alternative = self.application.alternatives[self.place]
        return [
            (self.application.programme, alternative.partition, month)
            for month in range(alternative.start, alternative.start + alternative.months)
        ]

    @property
    def hours_a_month(self) -> float:
        return self.hours / self.application.alternatives[self.place].months


@dataclass(frozen=True)
class PromiseRow:
    """sum of coefficient x fraction of a column <= `limit` (hours); a floor's shortfall may widen the limit.

    fraction: of the awarded hours that it asks for or allows (0 where it is a number of hours); columns, coefficients:
    of the columns that it speaks of, in order.
    """

    promise: Promise
    limit: float
    fraction: float
    columns: Whole
    coefficients: Real

    def over(self, fractions: Real) -> float:
        """Hours by which the columns' fractions exceed its limit; of a floor, those that it lacks."""
        return max(0.0, float(self.coefficients @ fractions[self.columns]) - self.limit)

    @property
    def scale(self) -> float:
        """What the row is divided by for the solver, so that its tolerance is a part of the row's own size."""
        return max(abs(self.limit), float(np.abs(self.coefficients).max(initial=1.0)), 1.0)


@dataclass(frozen=True)
class Formulation:
    """See the module. Per column: `group` (its application, counted among those with a column), `first` and `months`
    (its run of cells), `amount` (hours a month), `hours`, `worth`, `least` (smallest useful fraction).

    blocks: (programme, partition); `limits`: hours of each cell, block by block, `horizon` cells a block.
    demand: eligible demand of each floor's class. scarce: see `formulate`; by fraction and by demand.
    """

    problem: Problem
    choices: Sequence[Choice]
    group: Whole
    block: Whole
    first: Whole
    months: Whole
    amount: Real
    hours: Real
    worth: Real
    least: Real
    blocks: list[tuple[str, str]]
    limits: Real
    demand: Mapping[str, Fraction]
    caps: list[PromiseRow]
    floors: list[PromiseRow] = field(default_factory=list)
    scarce: dict[str, tuple[PromiseRow, PromiseRow]] = field(default_factory=dict)

    @property
    def horizon(self) -> int:
        """Months a block."""
        return len(self.problem.months)

    @cached_property
    def hour(self) -> float:
        """What an hour is worth, over all that is asked."""
        return float(self.worth.sum()) / max(1.0, float(self.hours.sum()))

    @cached_property
    def groups(self) -> int:
        """How many applications have a column."""
        return int(self.group[-1]) + 1 if len(self.group) else 0

    @cached_property
    def group_start(self) -> Whole:
        """Where the columns of each group begin; one more at the end."""
        return np.searchsorted(self.group, np.arange(self.groups + 1)).astype(np.int64)

    @cached_property
    def of_block(self) -> list[Whole]:
        """The columns of each block, in order."""
        order = np.argsort(self.block, kind="stable")
        starts = np.searchsorted(self.block[order], np.arange(1, len(self.blocks)))
        return np.split(order, starts)

    @cached_property
    def entries(self) -> tuple[Whole, Whole, Real]:
        """What columns draw on cells: (column, cell, hours), column by column."""
        column = np.repeat(np.arange(len(self.first)), self.months)
        begins = np.cumsum(self.months) - self.months
        month = np.arange(len(column)) - np.repeat(begins, self.months)
        return column, self.first[column] + month, self.amount[column]

    @cached_property
    def binding(self) -> Whole:
        """Cells that can't serve all who ask; the others can be left out."""
        _column, cell, hours = self.entries
        asked = np.bincount(cell, hours, minlength=len(self.limits))
        return np.flatnonzero(asked > self.limits)

    @property
    def promises(self) -> list[PromiseRow]:
        """Caps, then floors."""
        return [*self.caps, *self.floors]

    def cell_name(self, cell: int) -> tuple[str, str, int]:
        """(programme, partition, month) of a cell."""
        programme, partition = self.blocks[cell // self.horizon]
        return programme, partition, cell % self.horizon


def formulate(problem: Problem, by_demand: frozenset[str] | None = None) -> Formulation:
    """Columns and rows of a canonical problem. Columns that can't be awarded in any plan are left out.

    by_demand: ids of floors. A scarce floor, one whose class may ask too little, asks min(fraction x awarded, demand)
    of a plan, which no row can say. A floor named here reads as the demand, another as the fraction: each stricter than
    the floor. None: each reads as the line under both, which all plans keep that keep the floor, so that a bound on it
    is one on them; and `scarce` has both readings.
    """
    shares = share_hours(problem)
    blocks = sorted({(programme, partition) for programme, partition, _month in shares})
    number = {block: n for n, block in enumerate(blocks)}
    horizon = len(problem.months)
    limits = np.array([float(shares[block[0], block[1], month]) for block in blocks for month in range(horizon)])
    choices: list[Choice] = []
    group: list[int] = []
    block_of: list[int] = []
    first: list[int] = []
    months: list[int] = []
    groups = 0
    for application in problem.applications:
        if application.score < problem.threshold:
            continue
        before = len(choices)
        for place, alternative in enumerate(application.alternatives):
            block = number.get((application.programme, alternative.partition))
            if block is None:
                continue
            begin = block * horizon + alternative.start
            room = float(limits[begin : begin + alternative.months].min())
            if not _has_room(application, alternative, room, shares):
                continue
            value = worth(problem, application, alternative, place)
            choices.append(Choice(application, place, value, float(alternative.hours)))
            group.append(groups)
            block_of.append(block)
            first.append(begin)
            months.append(alternative.months)
        groups += len(choices) > before
    hours = np.array([choice.hours for choice in choices], dtype=np.float64)
    group_of = np.array(group, dtype=np.int64)
    demand = {floor.id: eligible_demand(problem, floor) for floor in problem.promises if floor.kind == "floor"}
    caps, floors, scarce = _promise_rows(problem, choices, hours, group_of, demand, by_demand)
    return Formulation(
        problem=problem,
        choices=choices,
        group=group_of,
        block=np.array(block_of, dtype=np.int64),
        first=np.array(first, dtype=np.int64),
        months=np.array(months, dtype=np.int64),
        amount=hours / np.array(months, dtype=np.float64),
        hours=hours,
        worth=np.array([choice.worth for choice in choices], dtype=np.float64),
        least=np.array([choice.application.least for choice in choices], dtype=np.float64),
        blocks=blocks,
        limits=limits,
        demand=demand,
        caps=caps,
        floors=floors,
        scarce=scarce,
    )


def _has_room(
    application: Application, alternative: Alternative, room: float, shares: Mapping[tuple[str, str, int], Fraction]
) -> bool:
    """Whether a useful part fits if nobody else asks. room: hours a month that the share has, rounded: where that is
    too near to tell, it is counted exactly."""
    least = alternative.hours / alternative.months * application.least
    if abs(least - room) > _NEAR * room:
        return least < room
    return awardable(application, alternative, shares) > 0


def _promise_rows(
    problem: Problem,
    choices: Sequence[Choice],
    hours: Real,
    group: Whole,
    demand: Mapping[str, Fraction],
    by_demand: frozenset[str] | None,
) -> tuple[list[PromiseRow], list[PromiseRow], dict[str, tuple[PromiseRow, PromiseRow]]]:
    """Caps as they are; floors turned around, so that all rows read 'at most'."""
    # Promises ask the same few questions of thousands of columns: each kind of column is asked once.
    kinds: dict[tuple[object, ...], int] = {}
    example: list[Choice] = []
    kind_of = np.empty(len(choices), dtype=np.int64)
    for column, choice in enumerate(choices):
        who = choice.application
        key = (who.programme, who.class_, who.organisation, who.country, who.commercial, choice.partition)
        kind = kinds.setdefault(key, len(kinds))
        if kind == len(example):
            example.append(choice)
        kind_of[column] = kind
    caps, floors, scarce = [], [], {}
    for promise in problem.promises:
        subject = np.array([counts(promise, choice.application, choice.partition) for choice in example], dtype=bool)
        within = np.array([is_within(promise, choice.application, choice.partition) for choice in example], dtype=bool)
        columns = _Columns(hours, group, subject[kind_of], within[kind_of])
        if promise.kind == "cap":
            caps.append(_cap_row(problem, promise, columns))
        else:
            readings = _readings(problem, promise, columns, demand[promise.id])
            if by_demand is not None and len(readings) > 1:
                readings = readings[2:] if promise.id in by_demand else readings[1:2]
            floors.append(readings[0])
            if len(readings) > 1:
                scarce[promise.id] = readings[1], readings[2]
    return caps, floors, scarce


@dataclass(frozen=True)
class _Columns:
    """Of every column: its hours, its application's group, and whether it is a promise's subject and in its base."""

    hours: Real
    group: Whole
    subject: npt.NDArray[np.bool_]
    within: npt.NDArray[np.bool_]

    def row(self, promise: Promise, limit: float, sign: float, fraction: float) -> PromiseRow:
        weight = sign * (self.subject - fraction * self.within)
        columns = np.flatnonzero(weight)
        return PromiseRow(promise, limit, fraction, columns, weight[columns] * self.hours[columns])


def _cap_row(problem: Problem, cap: Promise, columns: _Columns) -> PromiseRow:
    of_capacity = cap.of == "capacity"
    base = base_capacity(problem, cap) if of_capacity else exact(cap.base_before)
    limit = float(exact(cap.fraction) * base - exact(cap.reached_before) + excused(problem, cap))
    return columns.row(cap, limit, 1.0, 0.0 if of_capacity else float(exact(cap.fraction)))


def _readings(problem: Problem, floor: Promise, columns: _Columns, demand: Fraction) -> list[PromiseRow]:
    """A floor as a row; of a scarce one the line under both readings, the fraction and the demand."""
    reached, fraction = exact(floor.reached_before), exact(floor.fraction)
    if floor.of == "capacity":
        required = min(fraction * base_capacity(problem, floor), demand)
        return [columns.row(floor, float(reached - required), -1.0, 0.0)]

    def of_awarded(part: Fraction) -> PromiseRow:
        return columns.row(floor, float(reached - part * exact(floor.base_before)), -1.0, float(part))

    most = _most_awarded(problem, floor, columns)
    if demand >= fraction * most:
        return [of_awarded(fraction)]
    return [of_awarded(demand / most), of_awarded(fraction), columns.row(floor, float(reached - demand), -1.0, 0.0)]


def _most_awarded(problem: Problem, floor: Promise, columns: _Columns) -> Fraction:
    """No plan awards more hours of what the floor is a fraction of, those before included: all that is asked, or all
    that there is."""
    asked = np.zeros(int(columns.group[-1]) + 1 if len(columns.group) else 0)
    np.maximum.at(asked, columns.group, np.where(columns.within, columns.hours, 0.0))
    # A hair more than a sum of floating-point numbers can be off.
    return exact(floor.base_before) + min(offered(problem, floor), Fraction(float(asked.sum()) * (1 + 1e-9)))
