"""A plan by deciding one block after another exactly (`branching.py`): for problems with many columns a block.

Each application is charged the most that it would gain in a block still to come, at the relaxed problem's prices, so
that a block takes only what it can use better. Small blocks go first, for they are the hardest to fill. Then pairs of
blocks that compete for the same applications are emptied and decided again, with other charges, as long as that betters
the plan.

On the generator's problems of 10,000 applications and more this is worth more in seconds than the walk (`search.py`) in
minutes; on those of 1,000, with some sixty columns a block, it is worth less. ADR 6 has the figures.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fabriek.allocation.branching import decide_block
from fabriek.allocation.certificate import gains_of
from fabriek.allocation.formulation import Formulation, Real, Whole

# A block's bound may lie this part of the whole value above its choice, all blocks together; nodes of a block.
_TOLERANCE, _NODES = 1e-3, 2_000
# How far the charges are changed when a pair is decided again: the standard deviation, as a part.
_NOISE = 0.1
# What is added to a promise's price for each time that the plan doesn't keep it, as a part of what an hour is worth.
_DEARER = 0.02


def fill_by_blocks(
    formulation: Formulation,
    cell_prices: Real,
    promise_prices: Real,
    relaxed: Real,
    allowed: Real,
    *,
    rounds: int,
    seed: int = 0,
    stop: Callable[[], bool] | None = None,
) -> Real:
    """Fractions of the columns of a plan that keeps all shares, and promises as far as it came.

    cell_prices, promise_prices, relaxed: of the relaxed problem. allowed: hours that each of `formulation.promises` may
    be exceeded by. rounds: pairs of blocks that are decided again. stop: whether to end now.
    """
    plan = _Plan(formulation, cell_prices, promise_prices, relaxed, allowed)
    draw = np.random.default_rng(seed)
    sizes = formulation.limits.reshape(len(formulation.blocks), -1).sum(axis=1)
    order = np.argsort(sizes, kind="stable")
    if seed:
        # Another order, near the first.
        order = np.argsort(sizes * np.exp(_NOISE * draw.standard_normal(len(sizes))), kind="stable")
    plan.decide(order, stop=stop)
    best = plan.rank()
    rivals = rivals_of(formulation)
    for _round in range(rounds):
        if len(formulation.blocks) < 2 or (stop is not None and stop()):
            break
        one = int(draw.integers(len(formulation.blocks)))
        weight = rivals[one] + 1e-9
        weight[one] = 0.0
        pair = np.array([one, draw.choice(len(weight), p=weight / weight.sum())])
        before = plan.keep()
        plan.empty(pair)
        plan.decide(pair, 1.0 + _NOISE * draw.standard_normal(formulation.groups))
        plan.decide(pair[:1])
        now = plan.rank()
        if now < best:
            best = now
        else:
            plan.restore(before)
    return plan.fractions


def rivals_of(f: Formulation) -> Real:
    """How many applications could go to either of two blocks."""
    there = np.zeros((len(f.blocks), f.groups), dtype=np.float32)
    there[f.block, f.group] = 1.0
    return np.asarray(there @ there.T, dtype=np.float64)


class _Plan:
    """What is awarded so far. `own`: of each application, its column or -1."""

    def __init__(self, f: Formulation, cell_prices: Real, promise_prices: Real, relaxed: Real, allowed: Real) -> None:
        self.f, self.allowed = f, allowed
        self.cell_prices, self.promise_prices = cell_prices, promise_prices
        self.fractions = np.zeros(len(f.worth))
        self.own = np.full(f.groups, -1)
        self.tolerance = _TOLERANCE * float(f.worth @ relaxed) / max(1, len(f.blocks))
        self.dearer = np.zeros(len(f.promises))
        self._price()

    def _price(self) -> None:
        f, promises = self.f, self.promise_prices + self.dearer
        self.gain = gains_of(f, self.cell_prices, promises)
        self.value = gains_of(f, np.zeros(len(f.limits)), promises)

    def lacking(self) -> Real:
        """Hours by which each promise is exceeded beyond what is allowed."""
        over = np.array([row.over(self.fractions) for row in self.f.promises])
        return np.maximum(0.0, over - self.allowed)

    def rank(self) -> tuple[float, float]:
        """What is lacking, then what it is worth; less is better. Promises that lack get dearer until they don't, so
        that the next choices mend them."""
        lacking = self.lacking()
        dearer = np.where(lacking > 0.0, self.dearer + _DEARER * self.f.hour, 0.0)
        if (dearer != self.dearer).any():
            self.dearer = dearer
            self._price()
        return float(lacking.sum()), -float(self.f.worth @ self.fractions)

    def keep(self) -> tuple[Real, Whole]:
        return self.fractions.copy(), self.own.copy()

    def restore(self, kept: tuple[Real, Whole]) -> None:
        self.fractions, self.own = kept

    def empty(self, blocks: Whole) -> None:
        """Take back what these blocks were awarded."""
        for block in blocks:
            columns = self.f.of_block[block]
            taken = columns[self.fractions[columns] > 0.0]
            self.own[self.f.group[taken]] = -1
            self.fractions[taken] = 0.0

    def decide(self, order: Whole, factors: Real | None = None, stop: Callable[[], bool] | None = None) -> None:
        """Each of these blocks, one after another. What is awarded in another block may move over if it is worth more
        here. factors: of each application, what its charge is multiplied by."""
        f = self.f
        place = np.full(len(f.blocks), -1)
        place[order] = np.arange(len(order))
        for turn, block in enumerate(order):
            if stop is not None and stop():
                break
            self.empty(np.array([block]))
            later = place[f.block] > turn
            charge = np.zeros(f.groups)
            np.maximum.at(charge, f.group[later], self.gain[later])
            if factors is not None:
                charge = charge * factors
            columns = f.of_block[block]
            group = f.group[columns]
            elsewhere = self.own[group]
            there = np.where(elsewhere >= 0, self.value[elsewhere] * self.fractions[elsewhere], charge[group])
            value = self.value[columns] - there
            columns, value = columns[value > 0.0], value[value > 0.0]
            columns, fractions = self._choose(int(block), columns, value)
            into = columns[fractions > 0.0]
            moved = self.own[f.group[into]]
            self.fractions[moved[moved >= 0]] = 0.0
            self.fractions[columns] = fractions
            self.own[f.group[into]] = into

    def _choose(self, block: int, columns: Whole, value: Real) -> tuple[Whole, Real]:
        """The best choice of a block, one column an application: a block knows no applications, so of several (other
        months of the same partition) the one that gains most stays, and the block is decided again without the rest."""
        f = self.f
        while True:
            chosen = decide_block(f, block, columns, value, tolerance=self.tolerance, nodes=_NODES)
            into = np.flatnonzero(chosen.fractions > 0.0)
            into = into[np.argsort(-self.gain[columns[into]], kind="stable")]
            groups, stays = np.unique(f.group[columns[into]], return_index=True)
            if len(groups) == len(into):
                return columns, chosen.fractions
            twins = np.isin(f.group[columns], f.group[columns[np.delete(into, stays)]])
            twins[into[stays]] = False
            columns, value = columns[~twins], value[~twins]
