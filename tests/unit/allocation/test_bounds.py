"""Bounds: a block is decided as exactly as HiGHS decides it, and no plan is worth more than blocks by themselves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabriek.allocation import highs
from fabriek.allocation.branching import solve_block
from fabriek.allocation.decompose import bound_by_blocks
from fabriek.allocation.formulation import formulate
from fabriek.allocation.generate import large_problem
from fabriek.allocation.problem import canonical
from fabriek.allocation.solve import solve


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 40), st.integers(1, 12))
def test_a_block_is_worth_what_highs_says(seed: int, count: int, months: int) -> None:
    draw = np.random.default_rng(seed)
    first = draw.integers(0, months, count)
    last = np.array([draw.integers(begin + 1, months + 1) for begin in first])
    amount, value = np.exp(draw.normal(0, 1, count)), np.exp(draw.normal(0, 1, count))
    least = np.where(draw.random(count) < 0.3, 0.5, 1.0)
    room = np.full(months, float(amount.sum()) / 3)
    block = solve_block(value, amount, first, last, least, room)
    assert block.complete
    assert block.value == pytest.approx(float(value @ block.fractions))
    used = np.zeros(months)
    for j in range(count):
        assert block.fractions[j] == 0.0 or least[j] - 1e-9 <= block.fractions[j] <= 1.0 + 1e-9
        used[first[j] : last[j]] += amount[j] * block.fractions[j]
    assert (used <= room * (1 + 1e-9)).all()
    assert block.value <= by_highs(value, amount, first, last, least, room) + 1e-6
    assert block.bound >= by_highs(value, amount, first, last, least, room) - 1e-6
    if (least == 1.0).all():
        assert block.value == pytest.approx(block.bound, rel=1e-6)
    hurried = solve_block(value, amount, first, last, least, room, nodes=4)
    assert hurried.bound >= block.value - 1e-6 >= hurried.value - 2e-6
    known = solve_block(value, amount, first, last, least, room, known=block.value * 1.1)
    assert known.bound >= block.value - 1e-6


def by_highs(
    value: np.ndarray, amount: np.ndarray, first: np.ndarray, last: np.ndarray, least: np.ndarray, room: np.ndarray
) -> float:
    """The same, as columns x (fraction) and y (taken): least y <= x <= y."""
    count, months = len(value), len(room)
    triples = [(t, j, amount[j]) for j in range(count) for t in range(first[j], last[j])]
    upper = list(room)
    for j in range(count):
        triples += [(months + 2 * j, j, 1.0), (months + 2 * j, count + j, -1.0)]
        triples += [(months + 2 * j + 1, j, -1.0), (months + 2 * j + 1, count + j, least[j])]
        upper += [0.0, 0.0]
    row, column, entry = (np.array(part) for part in zip(*triples, strict=True))
    lp = highs.program(
        np.concatenate([value, np.zeros(count)]),
        row,
        column,
        entry.astype(float),
        np.array(upper),
        np.ones(2 * count),
        whole=np.arange(count, 2 * count),
    )
    solver = highs.new_solver()
    solver.setOptionValue("mip_rel_gap", 0.0)
    solver.passModel(lp)
    solver.run()
    return float(solver.getInfo().objective_function_value)


@pytest.mark.parametrize("seed", range(4))
def test_no_plan_is_worth_more_than_its_blocks(seed: int) -> None:
    problem = canonical(large_problem(seed, 60, 6, months=6, programmes=2, partial=0.2))
    formulation = formulate(problem)
    plan = solve(problem, gap=0.0)
    allowed = {result.id: result.shortfall for result in plan.promises}
    relaxed = highs.solve(formulation, allowed_shortfall=allowed, relaxed=True, seconds=10)
    found = bound_by_blocks(
        formulation, relaxed.cell_prices, relaxed.promise_prices, relaxed.fractions, allowed, rounds=40
    )
    assert plan.value > 0.0
    assert plan.value <= found.bound * (1 + 1e-9)
    assert found.bound <= relaxed.value * (1 + 1e-6)
