"""HiGHS, told what to do in one place (https://highs.dev; `highspy` is its own Python interface)."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass

import highspy
import numpy as np

from fabriek.allocation.formulation import Formulation, Real, Whole

# As small as HiGHS takes it: one part in 10^9 of a share is under a second of most partitions' months.
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Answer:
    """`bounded`: `bound` holds for the problem asked. `fractions`: of each column, 0 or least..1.

    shortfalls: hours, per floor. cell_prices, promise_prices: value an hour (only where fractions are allowed), of
    every cell, and of every cap and floor in the order of `Formulation.promises`.
    """

    finished: bool
    feasible: bool
    value: float
    bound: float
    bounded: bool
    fractions: Real
    shortfalls: dict[str, float]
    cell_prices: Real
    promise_prices: Real


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
    # One tree, walked by one thread: the same plan whatever the machine. HiGHS keeps one pool of threads for a
    # process and refuses to run with another number, so there is no other number.
    solver.setOptionValue("parallel", "off")
    solver.setOptionValue("threads", 1)
    return solver


def version() -> str:
    """For the certificate: which solver made it."""
    return f"HiGHS {new_solver().version()}"


def program(
    cost: Real, row: Whole, column: Whole, value: Real, row_upper: Real, column_upper: Real, *, whole: Whole | None
) -> highspy.HighsLp:
    """maximise cost x, rows (in triples) <= row_upper, 0 <= x <= column_upper; `whole`: columns that are integers."""
    order = np.argsort(row, kind="stable")
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(cost), len(row_upper)
    lp.sense_ = highspy.ObjSense.kMaximize
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = cost, np.zeros(len(cost)), column_upper
    lp.row_lower_, lp.row_upper_ = np.full(len(row_upper), -highspy.kHighsInf), row_upper
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=len(row_upper)))])
    lp.a_matrix_.index_, lp.a_matrix_.value_ = column[order], value[order]
    if whole is not None:
        kinds = [highspy.HighsVarType.kContinuous] * len(cost)
        for number in whole:
            kinds[number] = highspy.HighsVarType.kInteger
        lp.integrality_ = kinds
    return lp


def solve(
    formulation: Formulation,
    *,
    minimise_floor: str | None = None,
    allowed_shortfall: Mapping[str, float],
    relaxed: bool,
    gap: float = 0.0,
    seconds: float,
    seed: int = 0,
    nodes: int | None = None,
    start: Real | None = None,
) -> Answer:
    """Solve once: for the greatest value, or (`minimise_floor`) for the least shortfall of one floor.

    allowed_shortfall: hours that each floor may lack; a floor that isn't named may lack any number.
    relaxed: fractions of all-or-nothing requests allowed; gives the prices.
    nodes: of the search, at most; with it the answer doesn't depend on the machine's speed.
    start: fractions of the columns to begin from.
    """
    f = formulation
    count, floors = len(f.worth), [row.promise.id for row in f.floors]
    partial = np.flatnonzero(f.least < 1.0) if not relaxed else np.zeros(0, dtype=np.int64)
    first_taken = count + len(floors)
    first_reading = first_taken + len(partial)
    scarce = [] if relaxed else sorted(f.scarce)
    columns = first_reading + len(scarce)
    taken = np.arange(columns)[:count].copy()
    taken[partial] = first_taken + np.arange(len(partial))

    cost, upper = np.zeros(columns), np.ones(columns)
    if minimise_floor is None:
        cost[:count] = f.worth
    else:
        cost[count + floors.index(minimise_floor)] = -1.0
    for number, floor in enumerate(f.floors):
        allowed = allowed_shortfall.get(floor.promise.id)
        upper[count + number] = highspy.kHighsInf if allowed is None else allowed / floor.scale

    # Cells, caps and floors first, so that their duals are found by place.
    draws, cell, hours = f.entries
    place = np.full(len(f.limits), -1)
    place[f.binding] = np.arange(len(f.binding))
    bound_by = place[cell] >= 0
    triples = [(place[cell[bound_by]], draws[bound_by], (hours / np.maximum(f.limits[cell], 1e-300))[bound_by])]
    row_upper = [np.ones(len(f.binding))]
    rows = len(f.binding)
    for row in f.promises:
        triples.append((np.full(len(row.columns), rows), row.columns, row.coefficients / row.scale))
        row_upper.append(np.array([row.limit / row.scale]))
        if row.promise.kind == "floor":
            triples.append((np.array([rows]), np.array([count + floors.index(row.promise.id)]), np.array([-1.0])))
        rows += 1
    for number, name in enumerate(scarce):
        # Either reading will do; a binary column says which, and lifts the other by as much as it could ever lack.
        shortfall, reading = count + floors.index(name), first_reading + number
        by_fraction, by_demand = f.scarce[name]
        lifts = (float(np.abs(by_fraction.coefficients).sum()) + abs(by_fraction.limit), float(f.demand[name]))
        for row, lift, sign in ((by_fraction, lifts[0], -1.0), (by_demand, lifts[1], 1.0)):
            triples.append((np.full(len(row.columns), rows), row.columns, row.coefficients / row.scale))
            more = np.array([-f.floors[floors.index(name)].scale, sign * lift]) / row.scale
            triples.append((np.full(2, rows), np.array([shortfall, reading]), more))
            row_upper.append(np.array([(row.limit + max(0.0, sign) * lift) / row.scale]))
            rows += 1
    several = np.flatnonzero(np.diff(f.group_start) > 1)
    of_row = np.full(f.groups, -1)
    of_row[several] = rows + np.arange(len(several))
    chosen = of_row[f.group] >= 0
    triples.append((of_row[f.group][chosen], taken[chosen], np.ones(int(chosen.sum()))))
    row_upper.append(np.ones(len(several)))
    rows += len(several)
    for sign, lower in ((1.0, -1.0), (-1.0, None)):
        # fraction <= taken, and least x taken <= fraction
        at = rows + np.arange(len(partial))
        triples.append((at, partial, np.full(len(partial), sign)))
        triples.append((at, taken[partial], np.full(len(partial), lower) if lower else f.least[partial]))
        row_upper.append(np.zeros(len(partial)))
        rows += len(partial)

    whole = None
    if not relaxed:
        whole = np.setdiff1d(np.arange(columns), np.concatenate([np.arange(count, first_taken), partial]))
    lp = program(
        cost,
        np.concatenate([t[0] for t in triples]).astype(np.int64),
        np.concatenate([t[1] for t in triples]).astype(np.int64),
        np.concatenate([t[2] for t in triples]),
        np.concatenate(row_upper),
        upper,
        whole=whole,
    )
    solver = new_solver()
    options: dict[str, bool | int | float | str] = {
        "random_seed": seed,
        "time_limit": max(0.1, seconds),
        "mip_rel_gap": gap,
        "mip_feasibility_tolerance": _TOLERANCE,
        "primal_feasibility_tolerance": _TOLERANCE,
        **({"mip_max_nodes": nodes} if nodes is not None else {}),
    }
    for option, setting in options.items():
        solver.setOptionValue(option, setting)
    solver.passModel(lp)
    if start is not None and not relaxed:
        begin = highspy.HighsSolution()
        begin.col_value = list(_columns(f, start, partial, scarce))
        solver.setSolution(begin)
    solver.run()
    status, info, solution = solver.getModelStatus(), solver.getInfo(), solver.getSolution()
    feasible = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    found = np.array(solution.col_value[:columns]) if feasible else np.zeros(columns)
    if (
        start is not None
        and feasible
        and not math.isclose(float(cost @ found), info.objective_function_value, rel_tol=1e-6, abs_tol=1e-6)
    ):
        # HiGHS 1.16 now and then tells of the start's columns a value, and a bound, that are of none.
        return solve(
            formulation,
            minimise_floor=minimise_floor,
            allowed_shortfall=allowed_shortfall,
            relaxed=relaxed,
            gap=gap,
            seconds=seconds,
            seed=seed,
            nodes=nodes,
        )
    cell_prices, promise_prices = np.zeros(len(f.limits)), np.zeros(len(f.promises))
    if relaxed and feasible:
        duals = np.maximum(0.0, np.array(solution.row_dual))
        cell_prices[f.binding] = duals[: len(f.binding)] / np.maximum(f.limits[f.binding], 1e-300)
        for number, row in enumerate(f.promises):
            promise_prices[number] = duals[len(f.binding) + number] / row.scale
    bound = float(info.mip_dual_bound) if not relaxed else float(info.objective_function_value)
    stops = (
        highspy.HighsModelStatus.kOptimal,
        highspy.HighsModelStatus.kTimeLimit,
        highspy.HighsModelStatus.kSolutionLimit,
    )
    return Answer(
        finished=status == highspy.HighsModelStatus.kOptimal,
        feasible=feasible,
        value=float(info.objective_function_value) if feasible else float("-inf"),
        bound=bound,
        bounded=status in stops and math.isfinite(bound),
        fractions=found[:count],
        shortfalls={row.promise.id: float(found[count + n]) * row.scale for n, row in enumerate(f.floors)},
        cell_prices=cell_prices,
        promise_prices=promise_prices,
    )


def _columns(f: Formulation, fractions: Real, partial: Whole, scarce: list[str]) -> Real:
    """Every column's value where the choices have these fractions."""
    by_demand = np.array(
        [f.scarce[name][1].over(fractions) < f.scarce[name][0].over(fractions) for name in scarce], dtype=np.float64
    )
    hours = [min(row.over(fractions) for row in f.scarce.get(floor.promise.id, (floor,))) for floor in f.floors]
    shortfalls = np.array([lack / floor.scale for lack, floor in zip(hours, f.floors, strict=True)])
    return np.concatenate([fractions, shortfalls, (fractions[partial] > 0).astype(np.float64), by_demand])
