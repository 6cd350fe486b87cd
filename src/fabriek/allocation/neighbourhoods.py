"""Better a plan a few blocks at a time: all else stays as it is, and what they could hold is decided exactly (HiGHS).

At the prices that bound the plan (`decompose.py`) each block (a programme on a partition) has a most that it could be
worth, and what the plan is worth there lies below it: the sum of these losses is the gap. So blocks are drawn by what
they lose and by the applications that they compete for, and of their columns those are free that lose least by being
otherwise than they are. What is left is a small problem, solved to a limit of nodes; the draws are of a seeded
sequence, never of the clock. (Large neighbourhood search: Shaw, Using constraint programming and local search methods
to solve vehicle routing problems, 1998.)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import highspy
import numpy as np

from fabriek.allocation import highs
from fabriek.allocation.blockwise import rivals_of
from fabriek.allocation.decompose import BlockPrices
from fabriek.allocation.formulation import Formulation, Real, Whole

# Nodes of a small problem, at most, and the part of its value that it may stay below its own bound.
_NODES, _GAP = 100, 1e-6
# A block that loses nothing is drawn too, as if it lost this part of what all lose.
_ANY = 0.01
# Sums of hours agree to this part of a limit; what is exceeded in truth is mended in exact arithmetic after.
_TOLERANCE = 1e-12


@dataclass(frozen=True)
class Size:
    """blocks: freed at a time. columns: of theirs that are free, at most. rounds: of freeing and deciding."""

    blocks: int
    columns: int
    rounds: int


def better(
    formulation: Formulation,
    prices: BlockPrices,
    fractions: Real,
    allowed: Real,
    size: Size,
    *,
    seed: int = 0,
    left: Callable[[], float] | None = None,
) -> Real:
    """Fractions of a plan that is worth at least as much, and keeps all that the given one keeps.

    fractions: of a plan that keeps all shares, and promises as far as they must be kept. allowed: hours that each of
    `formulation.promises` may be exceeded by. left: seconds until it must end, whatever is being decided. Requests that
    a part is enough for stay as they are.
    """
    plan = _Plan(formulation, prices, fractions, allowed)
    draw = np.random.default_rng(seed)
    rivals = rivals_of(formulation)
    for _round in range(size.rounds):
        seconds = left() if left is not None else math.inf
        if seconds <= 0.0:
            break
        plan.decide(_drawn(draw, plan.lost(), rivals, size.blocks), size.columns, seconds)
    return plan.fractions


def _drawn(draw: np.random.Generator, lost: Real, rivals: Real, count: int) -> Whole:
    """Some blocks: the more is lost there, and the more applications they have in common, the likelier."""
    weight = lost + _ANY * lost.sum() + 1e-9
    near = np.ones(len(lost))
    chosen: list[int] = []
    for _turn in range(min(count, len(lost))):
        chance = weight * near
        chance[chosen] = 0.0
        chosen.append(int(draw.choice(len(lost), p=chance / chance.sum())))
        near = rivals[chosen].sum(axis=0) + 1e-3
    return np.sort(np.array(chosen))


class _Plan:
    """What is awarded, and what its blocks lose at the prices."""

    def __init__(self, f: Formulation, prices: BlockPrices, fractions: Real, allowed: Real) -> None:
        self.f, self.prices, self.fractions = f, prices, fractions
        self.net = prices.gains - prices.ties[f.group]
        self.scale = np.array([row.scale for row in f.promises])
        self.limits = (np.array([row.limit for row in f.promises]) + allowed) / self.scale
        self.counted = np.zeros((len(f.promises), len(f.worth)))
        for number, row in enumerate(f.promises):
            self.counted[number, row.columns] = row.coefficients / row.scale

    def lost(self) -> Real:
        """Value that the plan loses in each block."""
        there = np.bincount(self.f.block, self.prices.values * self.fractions, minlength=len(self.f.blocks))
        return np.maximum(0.0, self.prices.most - there)

    def left(self, fractions: Real) -> Real:
        """Hours of each cell."""
        column, cell, hours = self.f.entries
        return self.f.limits - np.bincount(cell, hours * fractions[column], minlength=len(self.f.limits))

    def decide(self, blocks: Whole, most: int, seconds: float) -> None:
        """Decide these blocks again, and keep that if it betters the plan."""
        free = self._free(blocks, most)
        if not len(free):
            return
        kept = self.fractions.copy()
        kept[free] = 0.0
        after = kept.copy()
        after[free] = self._decided(free, kept, seconds)
        if self.f.worth @ after > self.f.worth @ self.fractions and self._holds(after):
            self.fractions = after

    def _holds(self, fractions: Real) -> bool:
        """Whether cells hold it, and promises are kept or exceeded no more than they are."""
        now, then = self.counted @ self.fractions, self.counted @ fractions
        kept = then <= np.maximum(self.limits, now) + _TOLERANCE
        return bool((self.left(fractions) >= -_TOLERANCE * self.f.limits).all() and kept.all())

    def _free(self, blocks: Whole, most: int) -> Whole:
        """Columns of these blocks that lose least by being otherwise: of applications that are awarded there, or
        nowhere."""
        f, taken = self.f, self.fractions > 0.0
        home = np.full(f.groups, -1)
        home[f.group[taken]] = f.block[taken]
        there = np.concatenate([f.of_block[block] for block in blocks])
        own = home[f.group[there]]
        there = there[(f.least[there] >= 1.0) & ((own < 0) | np.isin(own, blocks))]
        change = np.where(taken[there], self.net[there], -self.net[there])
        free = there[np.argsort(change, kind="stable")[:most]]
        # An award that stays bars its application's other columns.
        stays = np.zeros(f.groups, dtype=bool)
        stays[f.group[np.setdiff1d(there[taken[there]], free)]] = True
        return np.sort(free[~stays[f.group[free]]])

    def _decided(self, free: Whole, kept: Real, seconds: float) -> Real:
        """The best choice of these columns that HiGHS finds in what the others leave."""
        f = self.f
        place = np.full(len(f.worth), -1)
        place[free] = np.arange(len(free))
        column, cell, hours = f.entries
        drawn = place[column] >= 0
        cells, row = np.unique(cell[drawn], return_inverse=True)
        limits = np.maximum(f.limits[cells], 1e-300)
        promised = self.limits - self.counted @ kept
        counted = self.counted[:, free]
        speaks, says = np.nonzero(counted)
        _groups, group, count = np.unique(f.group[free], return_inverse=True, return_counts=True)
        tie = len(cells) + len(promised) + np.cumsum(count > 1) - 1
        tied = np.flatnonzero(count[group] > 1)
        lp = highs.program(
            f.worth[free],
            np.concatenate([row, len(cells) + speaks, tie[group[tied]]]),
            np.concatenate([place[column[drawn]], says, tied]),
            np.concatenate([hours[drawn] / limits[row], counted[speaks, says], np.ones(len(tied))]),
            np.concatenate([self.left(kept)[cells] / limits, promised, np.ones(int((count > 1).sum()))]),
            np.ones(len(free)),
            whole=np.arange(len(free)),
        )
        now = self.fractions[free]
        solver = highs.new_solver()
        solver.setOptionValue("mip_rel_gap", _GAP)
        solver.setOptionValue("mip_max_nodes", _NODES)
        solver.setOptionValue("mip_feasibility_tolerance", 1e-9)
        # Beginning anew with what the root settled costs more than it wins on so few columns.
        solver.setOptionValue("mip_allow_restart", False)
        solver.setOptionValue("time_limit", seconds)
        solver.passModel(lp)
        begin = highspy.HighsSolution()
        begin.col_value = list(now)
        solver.setSolution(begin)
        solver.run()
        if solver.getInfo().primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
            return now
        return np.round(np.array(solver.getSolution().col_value))
