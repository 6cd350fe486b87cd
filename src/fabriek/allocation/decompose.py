"""A bound from deciding each block by itself: Dantzig and Wolfe's decomposition, by column generation.

The relaxed problem lets every month of every partition be filled with parts of large requests that could never be
awarded in part; so its bound lies far above what whole awards can reach. Here the blocks (a programme on a partition)
are decided exactly (`branching.py`) and only what ties them together has prices: an application that could be awarded
in several places, and promises. For any such prices of at least zero no plan is worth more than

    prices of the ties x their limits  +  for each block, the most that its own months can hold at values less prices

A master problem over all choices that blocks made so far (HiGHS) proposes prices; they are taken only part of the way
from the best so far, which would otherwise wander (Wentges, Weighted Dantzig-Wolfe decomposition for linear
mixed-integer programming, 1997).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import highspy
import numpy as np

from fabriek.allocation import highs
from fabriek.allocation.branching import Block, solve_block
from fabriek.allocation.certificate import gains_of
from fabriek.allocation.formulation import Formulation, Real, Whole

# How much of the best prices so far stays in the next ones; halved where that found nothing new.
_KEPT = 0.85
# A block's bound may lie this part of the whole bound above its best choice, all blocks together.
_TOLERANCE = 2e-4
# Nodes of a block, at most.
_NODES = 20_000
# More months than this would make a node dear: the inverse of a block's basis has as many rows and columns.
MOST_MONTHS = 60


@dataclass
class _Prices:
    """ties: of each application's group, value of its being awarded once. promises: value an hour, of each row."""

    ties: Real
    promises: Real

    def towards(self, other: _Prices, kept: float) -> _Prices:
        return _Prices(kept * self.ties + (1 - kept) * other.ties, kept * self.promises + (1 - kept) * other.promises)


@dataclass
class Bound:
    """bound: no plan is worth more that lacks no more of floors than is allowed. rounds: of column generation."""

    bound: float
    rounds: int


def bound_by_blocks(
    formulation: Formulation,
    cell_prices: Real,
    promise_prices: Real,
    allowed: Mapping[str, float],
    *,
    rounds: int,
    threads: int = 1,
    enough: float = 0.0,
    stop: Callable[[], bool] | None = None,
) -> Bound:
    """Column generation from the relaxed problem's prices, for so many rounds.

    allowed: hours that floors may lack. enough: a bound that need not be bettered. stop: whether to end now.
    """
    ties = _second_best(formulation, gains_of(formulation, cell_prices, promise_prices))
    best_prices = _Prices(ties, promise_prices)
    prices, best = best_prices, float("inf")
    master = _Master(formulation, allowed)
    kept, done = _KEPT, 0
    with ThreadPoolExecutor(max_workers=max(1, threads)) as pool:
        while done < rounds and not (stop is not None and stop()):
            done += 1
            chosen = _decide(formulation, prices, best, pool)
            bound = master.fixed(prices) + sum(block.bound for _columns, block in chosen)
            if bound < best:
                best, best_prices = bound, prices
            if best <= enough:
                break
            news = [master.add(columns, block.fractions) for columns, block in chosen]
            kept = _KEPT if any(news) else kept / 2
            if kept < 1e-3:
                break
            prices = best_prices.towards(master.prices(), kept)
    return Bound(best, done)


def _second_best(f: Formulation, gains: Real) -> Real:
    """Of each application, what its second best column gains: leaving the best to its block, and yet dual optimal."""
    order = np.lexsort((-gains, f.group))
    second = np.zeros(f.groups)
    several = np.flatnonzero(np.diff(f.group_start) > 1)
    second[several] = np.maximum(0.0, gains[order[f.group_start[several] + 1]])
    return second


def _decide(f: Formulation, prices: _Prices, best: float, pool: ThreadPoolExecutor) -> list[tuple[Whole, Block]]:
    """Every block's best choice at these prices: the columns that could be worth their price, and the block."""
    value = gains_of(f, np.zeros(len(f.limits)), prices.promises) - prices.ties[f.group]
    scale = best if np.isfinite(best) else float(np.maximum(value, 0.0).sum())
    tolerance = _TOLERANCE * scale / len(f.blocks)

    def one(number: int) -> tuple[Whole, Block]:
        columns = f.of_block[number]
        columns = columns[value[columns] > 0.0]
        first = f.first[columns] - number * f.horizon
        block = solve_block(
            value[columns],
            f.amount[columns],
            first,
            first + f.months[columns],
            f.least[columns],
            f.limits[number * f.horizon : (number + 1) * f.horizon],
            tolerance=tolerance,
            nodes=_NODES,
        )
        return columns, block

    return list(pool.map(one, range(len(f.blocks))))


@dataclass
class _Master:
    """The choices that blocks made, in parts that add up to one: what they would be worth together."""

    f: Formulation
    allowed: Mapping[str, float]
    seen: set[tuple[bytes, bytes]] = field(default_factory=set)

    def __post_init__(self) -> None:
        f = self.f
        self.several = np.flatnonzero(np.diff(f.group_start) > 1)
        self.tie_row = np.full(f.groups, -1)
        self.tie_row[self.several] = len(f.blocks) + np.arange(len(self.several))
        self.first_promise = len(f.blocks) + len(self.several)
        self.limits = np.array([row.limit + self.allowed.get(row.promise.id, 0.0) for row in f.promises])
        self.scale = np.array([row.scale for row in f.promises])
        self.counted = np.zeros((len(f.promises), len(f.worth)))
        for number, row in enumerate(f.promises):
            self.counted[number, row.columns] = row.coefficients / row.scale
        self.solver = highs.new_solver()
        self.solver.changeObjectiveSense(highspy.ObjSense.kMaximize)
        upper = np.concatenate([np.ones(self.first_promise), self.limits / self.scale])
        nothing: tuple[Whole, Real] = (np.zeros(0, dtype=np.int32), np.zeros(0))
        for limit in upper:
            self.solver.addRow(-highspy.kHighsInf, float(limit), 0, *nothing)
        # Until the choices can keep a promise together, it may be broken, at a price that nothing is worth.
        dear = 10.0 * float(f.worth.sum())
        for number in range(len(f.promises)):
            place = np.array([self.first_promise + number], dtype=np.int32)
            self.solver.addCol(-dear, 0.0, highspy.kHighsInf, 1, place, np.array([-1.0]))

    def fixed(self, prices: _Prices) -> float:
        """What the ties are worth at their limits."""
        return float(prices.ties.sum() + prices.promises @ self.limits)

    def add(self, columns: Whole, fractions: Real) -> bool:
        """A choice of a block. Whether it is a new one."""
        f, taken = self.f, fractions > 0.0
        columns, fractions = columns[taken], fractions[taken]
        name = columns.tobytes(), fractions.tobytes()
        if not len(columns) or name in self.seen:
            return False
        self.seen.add(name)
        tied = self.tie_row[f.group[columns]] >= 0
        ties, where = np.unique(self.tie_row[f.group[columns[tied]]], return_inverse=True)
        counted = self.counted[:, columns] @ fractions
        speaks = np.flatnonzero(counted)
        rows = np.concatenate([[f.block[columns[0]]], ties, self.first_promise + speaks]).astype(np.int32)
        values = np.concatenate([[1.0], np.bincount(where, fractions[tied], minlength=len(ties)), counted[speaks]])
        self.solver.addCol(float(f.worth[columns] @ fractions), 0.0, highspy.kHighsInf, len(rows), rows, values)
        return True

    def prices(self) -> _Prices:
        """At which the choices so far are worth the most together."""
        self.solver.run()
        duals = np.maximum(0.0, np.array(self.solver.getSolution().row_dual))
        ties = np.zeros(self.f.groups)
        ties[self.several] = duals[len(self.f.blocks) : self.first_promise]
        return _Prices(ties, duals[self.first_promise :] / self.scale)
