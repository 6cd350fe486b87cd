"""A bound from deciding each block by itself: Dantzig and Wolfe's decomposition, by column generation.

The relaxed problem lets every month of every partition be filled with parts of large requests that could never be
awarded in part; so its bound lies far above what whole awards can reach. Here the blocks (a programme on a partition)
are decided exactly (`branching.py`) and only what ties them together has prices: an application that could be awarded
in several places, and promises. For any such prices of at least zero no plan is worth more than

    prices of the ties x their limits  +  for each block, the most that its own months can hold at values less prices

A master problem over all choices that blocks made so far (HiGHS) proposes prices, no further from the best so far than
a box around them; unboxed they would wander for hundreds of rounds. A round that betters the bound moves the box there
(Marsten, Hogan and Blankenship, The boxstep method for large-scale optimization, 1975; with a price for leaving the
box: du Merle, Villeneuve, Desrosiers and Hansen, Stabilized column generation, 1999). It begins at the relaxed
problem's prices.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import highspy
import numpy as np

from fabriek.allocation import highs
from fabriek.allocation.branching import Block, block_gains, decide_block
from fabriek.allocation.certificate import gains_of
from fabriek.allocation.formulation import Formulation, Real, Whole

# The box: half its width as a part of what an application is worth, or of a promise's price; what it is multiplied by
# after a round that won half of what the master promised, and after one that won nothing.
_BOX, _WIDER, _NARROWER = 0.05, 1.5, 0.9
# Narrower than this, or nearer to what the master says is the least in the box, it ends.
_POINT, _NEAR = 1e-4, 1e-5
# A block's bound may lie this part of the whole bound above its best choice, all blocks together.
_TOLERANCE = 2e-4
# Nodes of a block, at most: fewer for a block of more columns than these.
_NODES, _NODES_COLUMNS = 20_000, 100
# More months than this would make a node dear: the inverse of a block's basis has as many rows and columns.
MOST_MONTHS = 60


@dataclass
class _Prices:
    """ties: of each application's group, value of its being awarded once. promises: value an hour, of each row."""

    ties: Real
    promises: Real


@dataclass(frozen=True)
class BlockPrices:
    """Where the best bound was found. Of each column, `values`: worth over the prices of the ties and promises that it
    takes part in; `gains`: worth over the prices of promises and of its block's months. ties: of each application's
    group; promises: value an hour. most: of each block, no choice there is worth more at these values."""

    values: Real
    gains: Real
    ties: Real
    promises: Real
    most: Real


@dataclass
class Bound:
    """bound: no plan is worth more that lacks no more of floors than is allowed. rounds: of column generation; cut:
    there were to be more. prices: where it was found, after a round at least."""

    bound: float
    rounds: int
    cut: bool
    prices: BlockPrices | None = None


def bound_by_blocks(
    formulation: Formulation,
    cell_prices: Real,
    promise_prices: Real,
    relaxed: Real,
    allowed: Mapping[str, float],
    *,
    rounds: int,
    threads: int = 1,
    enough: float = 0.0,
    stop: Callable[[], bool] | None = None,
) -> Bound:
    """Column generation from the relaxed problem's prices, for so many rounds.

    relaxed: the fractions of the relaxed problem. allowed: hours that floors may lack. enough: a bound that need not be
    bettered. stop: whether to end now.
    """
    ties = _second_best(formulation, gains_of(formulation, cell_prices, promise_prices))
    master = _Master(formulation, allowed, float(formulation.worth @ relaxed))
    best, best_prices, most = float("inf"), _Prices(ties, promise_prices), np.zeros(len(formulation.blocks))
    prices, least, width, done, cut = best_prices, 0.0, _BOX, 0, False
    with ThreadPoolExecutor(max_workers=max(1, threads)) as pool:
        while done < rounds:
            cut = stop is not None and stop()
            if cut:
                break
            done += 1
            chosen = _decide(formulation, prices, master.scale_of_all, pool)
            bound = master.fixed(prices) + sum(block.bound for _columns, block in chosen)
            news = [master.add(columns, block.fractions) for columns, block in chosen]
            if bound < best:
                width *= _WIDER if done > 1 and best - bound > 0.5 * (best - least) else 1.0
                best, best_prices = bound, prices
                most = np.array([block.bound for _columns, block in chosen])
            else:
                width *= _NARROWER if any(news) else _NARROWER**4
            if best <= enough or width < _POINT:
                break
            prices, least = master.prices(best_prices, width)
            if best - least < _NEAR * best:
                break
    return Bound(best, done, cut, _prices_at(formulation, best_prices, most) if done else None)


def _values(f: Formulation, prices: _Prices) -> Real:
    return gains_of(f, np.zeros(len(f.limits)), prices.promises) - prices.ties[f.group]


def _prices_at(f: Formulation, prices: _Prices, most: Real) -> BlockPrices:
    values = _values(f, prices)
    gains = np.zeros(len(f.worth))
    for block, columns in enumerate(f.of_block):
        gains[columns] = block_gains(f, block, columns, values[columns]) + prices.ties[f.group[columns]]
    return BlockPrices(values, gains, prices.ties, prices.promises, most)


def _second_best(f: Formulation, gains: Real) -> Real:
    """Of each application, what its second best column gains: leaving the best to its block, and yet dual optimal."""
    order = np.lexsort((-gains, f.group))
    second = np.zeros(f.groups)
    several = np.flatnonzero(np.diff(f.group_start) > 1)
    second[several] = np.maximum(0.0, gains[order[f.group_start[several] + 1]])
    return second


def _decide(f: Formulation, prices: _Prices, scale: float, pool: ThreadPoolExecutor) -> list[tuple[Whole, Block]]:
    """Every block's best choice at these prices: the columns that could be worth their price, and the block."""
    value = _values(f, prices)
    tolerance = _TOLERANCE * scale / len(f.blocks)

    def one(number: int) -> tuple[Whole, Block]:
        columns = f.of_block[number]
        columns = columns[value[columns] > 0.0]
        nodes = min(_NODES, _NODES * _NODES_COLUMNS // max(1, len(columns)))
        return columns, decide_block(f, number, columns, value[columns], tolerance=tolerance, nodes=nodes)

    return list(pool.map(one, range(len(f.blocks))))


@dataclass
class _Master:
    """The choices that blocks made, in parts that add up to one: what they would be worth together."""

    f: Formulation
    allowed: Mapping[str, float]
    scale_of_all: float
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
        # Columns that lift each tie and promise above its limit, and ones that fill it, at the prices of the box's
        # sides: so no row's price leaves the box.
        boxed = np.arange(len(f.blocks), len(upper), dtype=np.int32)
        for sign in (-1.0, 1.0):
            for place in boxed:
                self.solver.addCol(0.0, 0.0, highspy.kHighsInf, 1, np.array([place]), np.array([sign]))
        self.sides = np.arange(2 * len(boxed), dtype=np.int32)
        most = np.zeros(f.groups)
        np.maximum.at(most, f.group, f.worth)
        self.unit = most[self.several]

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

    def prices(self, centre: _Prices, width: float) -> tuple[_Prices, float]:
        """The best prices in a box around the centre, as far as the choices so far tell, and what the bound is there at
        least, by the same."""
        at = np.concatenate([centre.ties[self.several], centre.promises * self.scale])
        half = width * np.concatenate([self.unit, np.maximum(centre.promises * self.scale, 1e-3 * self.scale_of_all)])
        cost = np.concatenate([-(at + half), np.maximum(0.0, at - half)])
        self.solver.changeColsCost(len(self.sides), self.sides, cost)
        self.solver.run()
        duals = np.maximum(0.0, np.array(self.solver.getSolution().row_dual))
        ties = np.zeros(self.f.groups)
        ties[self.several] = duals[len(self.f.blocks) : self.first_promise]
        least = float(self.solver.getInfo().objective_function_value)
        return _Prices(ties, duals[self.first_promise :] / self.scale), least
