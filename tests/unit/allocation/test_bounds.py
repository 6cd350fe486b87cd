"""Bounds: a block is decided as exactly as HiGHS decides it, and no plan is worth more than blocks by themselves."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabriek.allocation import highs
from fabriek.allocation.branching import Block, solve_block
from fabriek.allocation.decompose import bound_by_blocks
from fabriek.allocation.formulation import formulate
from fabriek.allocation.generate import large_problem
from fabriek.allocation.problem import Problem, canonical, parse_problem
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
    # HiGHS may exceed each row by a millionth.
    peer = by_highs(value, amount, first, last, least, room)
    assert block.value <= peer + 1e-5
    assert block.bound >= peer - 1e-5
    if (least == 1.0).all():
        assert block.value == pytest.approx(block.bound, rel=1e-6)
    hurried = solve_block(value, amount, first, last, least, room, nodes=4)
    assert hurried.bound >= block.value - 1e-6
    assert hurried.value <= block.value + 1e-6
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


def whole_block(value: list[float], amount: list[float], room: list[float], **more: float) -> Block:
    count = len(value)
    first, last = np.zeros(count, dtype=np.int64), np.full(count, len(room))
    return solve_block(np.array(value), np.array(amount), first, last, np.ones(count), np.array(room), **more)


def test_a_month_that_is_filled_exactly_has_choices() -> None:
    for known in (0.0, 2.4):
        block = whole_block([3.0, 1.0], [3.0, 1.0], [3.0], known=known)
        assert (block.value, block.bound, block.complete) == (3.0, pytest.approx(3.0), True)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(1, 4)), min_size=1, max_size=9),
    st.lists(st.integers(0, 8), min_size=1, max_size=2),
)
def test_round_numbers_are_bounded_from_above(columns: list[tuple[int, int]], room: list[int]) -> None:
    value, amount = [float(v) for v, _a in columns], [float(a) for _v, a in columns]
    choices = itertools.product((0, 1), repeat=len(columns))
    fits = (one for one in choices if sum(a * x for a, x in zip(amount, one, strict=True)) <= min(room))
    most = max(sum(v * x for v, x in zip(value, one, strict=True)) for one in fits)
    block = whole_block(value, amount, [float(hours) for hours in room])
    assert block.value == pytest.approx(most)
    assert block.bound >= most - 1e-9


def test_round_requests_are_bounded_from_above() -> None:
    formulation = formulate(canonical(one_month(3000.0, [(3000.0, 70.0), (1000.0, 80.0)])))
    relaxed = highs.solve(formulation, allowed_shortfall={}, relaxed=True, seconds=10)
    prices = relaxed.cell_prices, relaxed.promise_prices, relaxed.fractions
    assert bound_by_blocks(formulation, *prices, {}, rounds=3).bound >= 210_000.0


def test_a_bound_that_the_clock_cut_short_says_so() -> None:
    formulation = formulate(canonical(large_problem(0, 60, 3)))
    relaxed = highs.solve(formulation, allowed_shortfall={}, relaxed=True, seconds=10)
    prices = relaxed.cell_prices, relaxed.promise_prices, relaxed.fractions
    allowed = dict.fromkeys(formulation.demand, 0.0)
    assert bound_by_blocks(formulation, *prices, allowed, rounds=3, stop=lambda: True).cut
    assert not bound_by_blocks(formulation, *prices, allowed, rounds=1).cut


def one_month(capacity: float, asked: list[tuple[float, float]]) -> Problem:
    """One partition, one month; hours and scores of applications."""
    return parse_problem(
        {
            "format": "fabriek/problem/1",
            "months": ["2027-01"],
            "partitions": [{"id": "p", "capacity": [capacity]}],
            "programmes": [{"id": "q", "shares": {"p": [1.0]}}],
            "threshold": 0.0,
            "value": "score*hours",
            "applications": [
                {
                    "id": f"A{n}",
                    "programme": "q",
                    "class": "startup",
                    "organisation": "o",
                    "country": "NL",
                    "score": score,
                    "least": 1.0,
                    "alternatives": [{"partition": "p", "start": 0, "months": 1, "hours": hours}],
                }
                for n, (hours, score) in enumerate(asked)
            ],
            "promises": [],
        }
    )


def test_scores_of_zero_are_solved() -> None:
    plan = solve(one_month(3000.0, [(10.0, 0.0)] * 650 + [(10.0, 80.0)] * 50), seconds=5)
    assert plan.value == pytest.approx(50 * 800.0)
