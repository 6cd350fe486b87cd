"""The decision problem as one mixed-integer program, handed to HiGHS as it stands: what `solve` is checked against.

Floors first, by rank, then the value. For small problems: numbers are floating-point and nothing is rounded.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from fabriek.allocation.problem import Alternative, Application, Problem, Promise
from fabriek.allocation.rules import base_capacity, counts, eligible_demand, is_within, share_hours, worth

# Hours that a floor may lack beyond its least once that is found, for the solver's tolerance.
_SLACK = 1e-6


@dataclass
class _Program:
    """Rows lower <= coefficients . x <= upper, each by the numbers of its variables."""

    rows: list[tuple[dict[int, float], float, float]] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)
    whole: list[int] = field(default_factory=list)

    def variable(self, upper: float, *, whole: bool = False) -> int:
        self.upper.append(upper)
        self.whole.append(int(whole))
        return len(self.upper) - 1

    def row(self, coefficients: dict[int, float], lower: float = -np.inf, upper: float = np.inf) -> None:
        self.rows.append((coefficients, lower, upper))

    def greatest(self, worth: dict[int, float]) -> float:
        """The most that this is worth."""
        if not self.upper:
            return 0.0
        matrix = np.zeros((len(self.rows), len(self.upper)))
        for number, (coefficients, _lower, _upper) in enumerate(self.rows):
            matrix[number, list(coefficients)] = list(coefficients.values())
        cost = np.zeros(len(self.upper))
        cost[list(worth)] = [-one for one in worth.values()]
        found = milp(
            cost,
            constraints=LinearConstraint(matrix, [row[1] for row in self.rows], [row[2] for row in self.rows]),
            bounds=Bounds(0, self.upper),
            integrality=self.whole,
            options={"mip_rel_gap": 0.0},
        )
        assert found.status == 0, found.message
        return float(-found.fun)


@dataclass(frozen=True)
class _Column:
    fraction: int
    application: Application
    alternative: Alternative
    worth: float


def plainly(problem: Problem) -> tuple[dict[str, float], float]:
    """The least hours that each floor lacks, those of a lower rank first, and the greatest value with these."""
    program = _Program()
    columns = _columns(problem, program)
    for cell, limit in share_hours(problem).items():
        draws = {
            one.fraction: one.alternative.hours / one.alternative.months
            for one in columns
            if (one.application.programme, one.alternative.partition) == cell[:2]
            and one.alternative.start <= cell[2] < one.alternative.start + one.alternative.months
        }
        program.row(draws, upper=float(limit))
    for cap in (promise for promise in problem.promises if promise.kind == "cap"):
        over = {one.fraction: (_counts(cap, one) - _part(cap, one)) * one.alternative.hours for one in columns}
        program.row(over, upper=float(cap.fraction * base_capacity(problem, cap)) if cap.of == "capacity" else 0.0)
    floors = [promise for promise in problem.promises if promise.kind == "floor"]
    lacks = {floor.id: _lacks(problem, program, floor, columns) for floor in floors}
    least = {}
    for floor in sorted(floors, key=lambda row: (row.rank, row.id)):
        least[floor.id] = max(0.0, -program.greatest({lacks[floor.id]: -1.0}))
        program.row({lacks[floor.id]: 1.0}, upper=least[floor.id] + _SLACK)
    return least, program.greatest({one.fraction: one.worth for one in columns})


def _columns(problem: Problem, program: _Program) -> list[_Column]:
    """Each alternative that reaches the threshold; one of an application, of which nothing or a useful part."""
    shared = {cell[:2] for cell in share_hours(problem)}
    columns = []
    taken = []
    for application in problem.applications:
        for place, alternative in enumerate(application.alternatives):
            if application.score < problem.threshold or (application.programme, alternative.partition) not in shared:
                continue
            fraction, is_taken = program.variable(1.0), program.variable(1.0, whole=True)
            columns.append(_Column(fraction, application, alternative, worth(problem, application, alternative, place)))
            taken.append((application.id, is_taken))
            program.row({fraction: 1.0, is_taken: -1.0}, upper=0.0)
            program.row({fraction: 1.0, is_taken: -application.least}, lower=0.0)
    for _application, rows in groupby(taken, key=lambda one: one[0]):
        program.row({number: 1.0 for _id, number in rows}, upper=1.0)
    return columns


def _counts(promise: Promise, column: _Column) -> float:
    """1 where the column's hours are the promise's subject, else 0."""
    return float(counts(promise, column.application, column.alternative.partition))


def _part(promise: Promise, column: _Column) -> float:
    """What the promise asks or allows of each hour of the column, beyond a number of hours."""
    within = promise.of == "awarded" and is_within(promise, column.application, column.alternative.partition)
    return promise.fraction * within


def _lacks(problem: Problem, program: _Program, floor: Promise, columns: list[_Column]) -> int:
    """The variable of what a floor lacks of its fraction or of what its class asks, whichever is less."""
    lacks, by_demand = program.variable(np.inf), program.variable(1.0, whole=True)
    demand = float(eligible_demand(problem, floor))
    fixed = min(demand, floor.fraction * float(base_capacity(problem, floor))) if floor.of == "capacity" else 0.0
    reached = {one.fraction: _counts(floor, one) * one.alternative.hours for one in columns}
    over = {one.fraction: reached[one.fraction] - _part(floor, one) * one.alternative.hours for one in columns}
    if floor.of == "capacity":
        program.row({**reached, lacks: 1.0}, lower=fixed)
    else:
        lift = sum(one.alternative.hours for one in columns) + 1.0
        program.row({**over, lacks: 1.0, by_demand: lift}, lower=0.0)
        program.row({**reached, lacks: 1.0, by_demand: -lift}, lower=demand - lift)
    return lacks
