"""The problem as rows and columns. One column an alternative (and one more where a part of the hours is enough).

maximise   sum of worth x fraction awarded
subject to one alternative an application; hours of a programme on a partition in a month <= its share; caps; floors,
           whose shortfall is a column of its own.

Rows are divided by their right-hand side, so that the solver's tolerance is a part of a share, never of an hour.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from fabriek.allocation.problem import Application, Problem, Promise
from fabriek.allocation.rules import base_capacity, counts, exact, is_within, share_hours, worth


@dataclass(frozen=True)
class Choice:
    """An alternative that could be awarded. `place` counts in the application's own list."""

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


@dataclass
class Row:
    """A constraint: sum of coefficient x fraction of a choice, plus the shortfall, <= `limit` (in hours)."""

    name: tuple[object, ...]
    limit: float
    coefficients: dict[int, float] = field(default_factory=dict)


@dataclass
class Formulation:
    """`choices` are the columns; `groups` the columns of one application; `floors` maps a promise's id to its row."""

    problem: Problem
    choices: list[Choice]
    groups: list[list[int]]
    shares: list[Row]
    caps: list[Row]
    floors: dict[str, Row]

    @property
    def rows(self) -> list[Row]:
        return [*self.shares, *self.caps, *self.floors.values()]


def formulate(problem: Problem) -> Formulation:
    """Rows and columns of a canonical problem. Choices that can't be awarded in any plan are left out."""
    limits = {cell: float(hours) for cell, hours in share_hours(problem).items()}
    choices: list[Choice] = []
    groups: list[list[int]] = []
    for application in problem.applications:
        if application.score < problem.threshold:
            continue
        group = []
        for place, alternative in enumerate(application.alternatives):
            choice = Choice(
                application, place, worth(problem, application, alternative, place), float(alternative.hours)
            )
            least = choice.hours_a_month * application.least
            if all(least <= limits.get(cell, 0.0) for cell in choice.cells):
                group.append(len(choices))
                choices.append(choice)
        if group:
            groups.append(group)
    return Formulation(problem, choices, groups, _share_rows(choices, limits), *_promise_rows(problem, choices))


def _share_rows(choices: list[Choice], limits: dict[tuple[str, str, int], float]) -> list[Row]:
    rows: dict[tuple[str, str, int], Row] = {}
    for column, choice in enumerate(choices):
        for cell in choice.cells:
            row = rows.setdefault(cell, Row(("share", *cell), limits[cell]))
            row.coefficients[column] = choice.hours_a_month
    # A share that could serve all who ask can't bind.
    return [rows[cell] for cell in sorted(rows) if sum(rows[cell].coefficients.values()) > rows[cell].limit]


def _promise_rows(problem: Problem, choices: list[Choice]) -> tuple[list[Row], dict[str, Row]]:
    """Caps as they are; floors turned around, so that all rows read 'at most'."""
    caps: list[Row] = []
    floors: dict[str, Row] = {}
    for promise in problem.promises:
        row = _promise_row(problem, promise, choices)
        if promise.kind == "cap":
            caps.append(row)
        else:
            floors[promise.id] = row
    return caps, floors


def _promise_row(problem: Problem, promise: Promise, choices: list[Choice]) -> Row:
    sign = 1.0 if promise.kind == "cap" else -1.0
    of_capacity = promise.of == "capacity"
    fraction = float(exact(promise.fraction))
    base = base_capacity(problem, promise) if of_capacity else exact(promise.base_before)
    limit = sign * float(exact(promise.fraction) * base - exact(promise.reached_before))
    row = Row(("promise", promise.id), limit)
    for column, choice in enumerate(choices):
        subject = counts(promise, choice.application, choice.partition)
        within = is_within(promise, choice.application, choice.partition)
        part = (1.0 if subject else 0.0) - (0.0 if of_capacity or not within else fraction)
        if part:
            row.coefficients[column] = sign * part * choice.hours
    return row
