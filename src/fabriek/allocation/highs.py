"""HiGHS, told what to do in one place (https://highs.dev; `highspy` is its own Python interface)."""

from __future__ import annotations

import math
import os
import sys
from dataclasses import dataclass

import highspy
import numpy as np

from fabriek.allocation.formulation import Formulation

# As small as HiGHS takes it: one part in 10^9 of a share is under a second of most partitions' months.
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Answer:
    """`bounded`: `bound` holds for the problem asked. `fractions`: of each choice, 0 or least..1.

    `shortfalls`: hours, per floor. `duals`: per row, value an hour.
    """

    finished: bool
    feasible: bool
    value: float
    bound: float
    bounded: bool
    fractions: np.ndarray
    shortfalls: dict[str, float]
    duals: dict[tuple[object, ...], float]


def new_solver() -> highspy.Highs:
    """A silent solver. HiGHS greets on standard output when its first solver is made, before it can be told not to;
    standard output belongs to the caller, who may be printing JSON."""
    sys.stdout.flush()
    kept = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        solver = highspy.Highs()
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)
    solver.setOptionValue("output_flag", False)
    return solver


def version() -> str:
    """For the certificate: which solver made it."""
    return f"HiGHS {new_solver().version()}"


def solve(
    formulation: Formulation,
    *,
    minimise_floor: str | None,
    allowed_shortfall: dict[str, float],
    relaxed: bool,
    gap: float,
    seconds: float,
    seed: int,
    start: np.ndarray | None = None,
) -> Answer:
    """Solve once: for the greatest value, or (`minimise_floor`) for the least shortfall of one floor.

    allowed_shortfall: hours that each floor may lack; a floor that isn't named may lack any number.
    relaxed: fractions of all-or-nothing requests allowed; gives the duals.
    start: fractions of the choices to begin from.
    """
    choices, floors = formulation.choices, list(formulation.floors)
    partial = [number for number, choice in enumerate(choices) if choice.application.least < 1.0]
    count = len(choices)
    first_shortfall = count
    first_taken = count + len(floors)
    columns = first_taken + (0 if relaxed else len(partial))

    cost = np.zeros(columns)
    upper = np.ones(columns)
    scale = [
        max(abs(row.limit), max(map(abs, row.coefficients.values()), default=1.0), 1.0) for row in formulation.rows
    ]
    if minimise_floor is None:
        cost[:count] = [choice.worth for choice in choices]
    else:
        cost[first_shortfall + floors.index(minimise_floor)] = -1.0
    floor_scale = dict(zip(floors, scale[len(formulation.shares) + len(formulation.caps) :], strict=True))
    for number, floor in enumerate(floors):
        allowed = allowed_shortfall.get(floor)
        upper[first_shortfall + number] = highspy.kHighsInf if allowed is None else allowed / floor_scale[floor]

    starts: list[int] = [0]
    indices: list[int] = []
    values: list[float] = []
    row_upper: list[float] = []

    def add(row: dict[int, float], limit: float) -> None:
        indices.extend(row)
        values.extend(row.values())
        starts.append(len(indices))
        row_upper.append(limit)

    taken = {number: first_taken + place for place, number in enumerate(partial)} if not relaxed else {}
    for group in formulation.groups:
        add({taken.get(column, column): 1.0 for column in group}, 1.0)
    for number, column in taken.items():
        least = choices[number].application.least
        add({number: 1.0, column: -1.0}, 0.0)
        add({number: -1.0, column: least}, 0.0)
    first_row = len(row_upper)
    for row, by in zip(formulation.rows, scale, strict=True):
        scaled = {column: value / by for column, value in row.coefficients.items()}
        if row.name[0] == "promise" and row.name[1] in formulation.floors:
            scaled[first_shortfall + floors.index(str(row.name[1]))] = -1.0
        add(scaled, row.limit / by)

    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = columns, len(row_upper)
    lp.sense_ = highspy.ObjSense.kMaximize
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = cost, np.zeros(columns), upper
    lp.row_lower_, lp.row_upper_ = np.full(len(row_upper), -highspy.kHighsInf), np.array(row_upper)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = starts, indices, values
    if not relaxed:
        whole = set(range(columns)) - set(range(first_shortfall, first_taken)) - set(partial)
        lp.integrality_ = [
            highspy.HighsVarType.kInteger if column in whole else highspy.HighsVarType.kContinuous
            for column in range(columns)
        ]

    solver = new_solver()
    options: dict[str, bool | int | float | str] = {
        "output_flag": False,
        # One tree, walked by one thread: the same plan whatever the machine. HiGHS keeps one pool of threads for a
        # process and refuses to run with another number, so there is no other number.
        "parallel": "off",
        "threads": 1,
        "random_seed": seed,
        "time_limit": max(0.1, seconds),
        "mip_rel_gap": gap,
        "mip_feasibility_tolerance": _TOLERANCE,
        "primal_feasibility_tolerance": _TOLERANCE,
    }
    for option, setting in options.items():
        solver.setOptionValue(option, setting)
    solver.passModel(lp)
    if start is not None and not relaxed:
        begin = highspy.HighsSolution()
        begin.col_value = _columns(formulation, start, scale, taken, columns)
        solver.setSolution(begin)
    solver.run()
    status, info, solution = solver.getModelStatus(), solver.getInfo(), solver.getSolution()
    feasible = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    found = np.array(solution.col_value[:columns]) if feasible else np.zeros(columns)
    duals: dict[tuple[object, ...], float] = {}
    if relaxed and feasible:
        for offset, (row, by) in enumerate(zip(formulation.rows, scale, strict=True)):
            duals[row.name] = max(0.0, float(solution.row_dual[first_row + offset])) / by
    bound = float(info.mip_dual_bound) if not relaxed else float(info.objective_function_value)
    return Answer(
        finished=status == highspy.HighsModelStatus.kOptimal,
        feasible=feasible,
        value=float(info.objective_function_value) if feasible else float("-inf"),
        bound=bound,
        bounded=status in (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kTimeLimit)
        and math.isfinite(bound),
        fractions=found[:count],
        shortfalls={f: float(found[first_shortfall + n]) * floor_scale[f] for n, f in enumerate(floors)},
        duals=duals,
    )


def _columns(
    formulation: Formulation, fractions: np.ndarray, scale: list[float], taken: dict[int, int], columns: int
) -> list[float]:
    """Every column's value where the choices have these fractions."""
    count = len(formulation.choices)
    values = np.zeros(columns)
    values[:count] = fractions
    for number, column in taken.items():
        values[column] = 1.0 if fractions[number] > 0 else 0.0
    offset = len(formulation.shares) + len(formulation.caps)
    for place, row in enumerate(formulation.floors.values()):
        lacks = sum(value * fractions[column] for column, value in row.coefficients.items()) - row.limit
        values[count + place] = max(0.0, lacks / scale[offset + place])
    return list(values)
