"""A few blocks decided again at the bound's prices: never worse, and all that was kept stays kept."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from fabriek.allocation import highs
from fabriek.allocation.certificate import gains_of
from fabriek.allocation.decompose import BlockPrices, bound_by_blocks
from fabriek.allocation.formulation import Formulation, formulate
from fabriek.allocation.generate import large_problem
from fabriek.allocation.neighbourhoods import Size, better
from fabriek.allocation.problem import canonical
from fabriek.allocation.search import search
from fabriek.allocation.solve import solve
from fabriek.allocation.verify import verify

SIZE = Size(blocks=3, columns=120, rounds=5)


def begun(seed: int, partial: float) -> tuple[Formulation, BlockPrices, np.ndarray]:
    """A problem, the prices of its blocks, and a plan after a short walk."""
    f = formulate(canonical(large_problem(seed, 200, 6, partial=partial)))
    allowed = dict.fromkeys(f.demand, 0.0)
    relaxed = highs.solve(f, allowed_shortfall=allowed, relaxed=True, seconds=60)
    given = relaxed.cell_prices, relaxed.promise_prices, relaxed.fractions
    bound = bound_by_blocks(f, *given, allowed, rounds=6)
    assert bound.prices is not None
    gains = gains_of(f, relaxed.cell_prices, relaxed.promise_prices)
    none = np.zeros(len(f.promises))
    walked = search(f, gains, relaxed.fractions, relaxed.promise_prices, none, steps=2_000)
    assert walked.lacking == 0.0
    return f, bound.prices, walked.fractions


@pytest.mark.parametrize("partial", [0.0, 0.4])
@pytest.mark.parametrize("seed", [0, 1])
def test_it_betters_the_plan_and_keeps_what_was_kept(seed: int, partial: float) -> None:
    f, prices, before = begun(seed, partial)
    after = better(f, prices, before, np.zeros(len(f.promises)), SIZE)
    assert f.worth @ after >= f.worth @ before
    # What is awarded in part fills the months as they are, and stays, so that little else can move.
    assert partial or f.worth @ after > f.worth @ before
    taken = after > 0.0
    assert np.bincount(f.group[taken]).max() == 1
    assert (after[taken] >= f.least[taken] - 1e-9).all()
    column, cell, hours = f.entries
    assert (np.bincount(cell, hours * after[column], minlength=len(f.limits)) <= f.limits * (1 + 1e-9)).all()
    assert max(row.over(after) / row.scale for row in f.promises) <= 1e-9
    in_part = f.least < 1.0
    assert (after[in_part] == before[in_part]).all()


def test_what_blocks_lose_is_the_gap_but_for_ties_and_promises() -> None:
    f, prices, plan = begun(2, 0.0)
    lost = prices.most - np.bincount(f.block, prices.values * plan, minlength=len(f.blocks))
    assert (lost >= -1e-6 * prices.most.max()).all()
    room = np.array([row.limit for row in f.promises]) @ prices.promises
    bound = float(prices.most.sum() + prices.ties.sum() + room)
    unused = float(prices.ties @ (1.0 - np.bincount(f.group, plan, minlength=f.groups)))
    unused += sum(
        p * (row.limit - row.coefficients @ plan[row.columns])
        for p, row in zip(prices.promises, f.promises, strict=True)
    )
    assert lost.sum() + unused == pytest.approx(bound - f.worth @ plan)


def test_the_same_seed_gives_the_same_plan() -> None:
    f, prices, plan = begun(3, 0.0)
    none = np.zeros(len(f.promises))
    assert (better(f, prices, plan, none, SIZE, seed=4) == better(f, prices, plan, none, SIZE, seed=4)).all()


def test_a_plan_that_no_time_is_left_for_is_as_it_was() -> None:
    f, prices, plan = begun(0, 0.0)
    assert (better(f, prices, plan, np.zeros(len(f.promises)), SIZE, left=lambda: 0.0) == plan).all()


def test_the_whole_way_gives_the_same_bytes_whatever_the_threads_and_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    # A clock that stands still: on a slow machine the seconds must not end the search.
    monkeypatch.setattr("fabriek.allocation.solve.time", SimpleNamespace(monotonic=lambda: 0.0))
    problem = large_problem(1, 480, 12)
    told: list[str] = []
    one = solve(problem, seconds=1.0, threads=2, progress=told.append)
    turned = problem.model_copy(update={"applications": problem.applications[::-1]})
    other = solve(turned, seconds=1.0, threads=1)
    assert "search at the bound's prices" in told
    assert one.to_json() == other.to_json()
    assert verify(problem, one) == []
