"""Plans made block by block: they keep every share, take one column an application, and mend promises."""

from __future__ import annotations

import numpy as np
import pytest

from fabriek.allocation import highs
from fabriek.allocation.blockwise import fill_by_blocks
from fabriek.allocation.formulation import Formulation, formulate
from fabriek.allocation.generate import large_problem
from fabriek.allocation.greedy import by_rank
from fabriek.allocation.problem import canonical, parse_problem
from fabriek.allocation.solve import solve
from fabriek.allocation.verify import verify

ROUNDS = 20


def filled(f: Formulation, rounds: int = ROUNDS, seed: int = 0) -> tuple[np.ndarray, highs.Answer]:
    relaxed = highs.solve(f, allowed_shortfall=dict.fromkeys(f.demand, 0.0), relaxed=True, seconds=60)
    prices = relaxed.cell_prices, relaxed.promise_prices, relaxed.fractions
    return fill_by_blocks(f, *prices, np.zeros(len(f.promises)), rounds=rounds, seed=seed), relaxed


def lacking(f: Formulation, fractions: np.ndarray) -> float:
    return sum(max(0.0, float(row.coefficients @ fractions[row.columns]) - row.limit) for row in f.promises)


@pytest.mark.parametrize("partial", [0.0, 0.3])
@pytest.mark.parametrize("seed", [0, 1])
def test_it_keeps_the_shares_and_betters_rank_order(seed: int, partial: float) -> None:
    problem = large_problem(seed, 1_500, 4, partial=partial)
    f = formulate(canonical(problem))
    fractions, relaxed = filled(f)
    taken = fractions > 0.0
    assert (fractions[taken] >= f.least[taken] - 1e-9).all()
    assert (fractions <= 1.0 + 1e-9).all()
    assert np.bincount(f.group[taken]).max() == 1
    column, cell, hours = f.entries
    used = np.bincount(cell, hours * fractions[column], minlength=len(f.limits))
    assert (used <= f.limits * (1 + 1e-7)).all()
    value = float(f.worth @ fractions)
    assert by_rank(problem).value < value <= relaxed.value * (1 + 1e-9)


def test_pairs_better_the_plan_and_mend_what_it_lacks() -> None:
    f = formulate(canonical(large_problem(3, 1_500, 4)))
    first, _relaxed = filled(f, rounds=0)
    later, _relaxed = filled(f, rounds=60)
    assert (lacking(f, later), -f.worth @ later) < (lacking(f, first), -f.worth @ first)
    assert lacking(f, later) == 0.0


def test_the_same_seed_gives_the_same_plan() -> None:
    f = formulate(canonical(large_problem(4, 800, 4)))
    assert (filled(f, seed=1)[0] == filled(f, seed=1)[0]).all()


def test_an_application_with_two_months_on_one_partition_is_awarded_once() -> None:
    asked = [
        {
            "id": f"A{n:03d}",
            "programme": "q",
            "class": "startup",
            "organisation": "o",
            "country": "NL",
            "score": 60.0 + n % 30,
            "least": 1.0,
            "alternatives": [
                {"partition": place, "start": month, "months": 1, "hours": 100.0} for place in "pr" for month in (0, 1)
            ],
        }
        for n in range(100)
    ]
    problem = {
        "format": "fabriek/problem/1",
        "months": ["2027-01", "2027-02"],
        "partitions": [{"id": place, "capacity": [2000.0, 2000.0]} for place in "pr"],
        "programmes": [{"id": "q", "shares": {place: [1.0, 1.0] for place in "pr"}}],
        "threshold": 0.0,
        "value": "score*hours",
        "applications": asked,
        "promises": [],
    }
    f = formulate(canonical(parse_problem(problem)))
    fractions, relaxed = filled(f)
    assert np.bincount(f.group[fractions > 0.0]).max() == 1
    assert 0.95 * relaxed.value < float(f.worth @ fractions) <= relaxed.value * (1 + 1e-9)


def test_without_the_seconds_for_prices_the_plan_is_at_least_rank_order() -> None:
    problem = large_problem(5, 3_000, 8)
    plan = solve(problem, seconds=1e-6)
    assert plan.status == "time"
    assert plan.value >= 0.99 * by_rank(problem).value
    assert verify(problem, plan) == []
