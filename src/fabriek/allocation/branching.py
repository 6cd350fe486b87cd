"""Branch and bound for one block: what a programme awards on one partition, at given values.

maximise sum of value x fraction, subject to what the months have room for; a fraction is 0 or between `least` and 1.

The relaxed problem of a node is solved by the dual simplex method with bounds (Koberstein, The dual simplex method,
techniques for a fast and stable implementation, 2005, chapters 3 and 4). There are as many rows as months, a dozen, so
the inverse of the basis is kept whole; a column draws the same amount on a run of months, so that its product with any
row vector is one difference of prefix sums. A node takes some tens of microseconds.

Prices of the months, whatever they are as long as they aren't negative, bound a node: room x price + what each column
gains over its price. So nothing rests on the simplex method being right.

Columns that at the root's prices would lose too much by not being as they are there stay so; the tree has only the
others, often a tenth of them. It dives from the open node with the highest bound, so that where it has to stop, what is
open says how much more there could be.

Compiled by numba, cached on disk.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numba
import numpy as np

from fabriek.allocation.formulation import Formulation, Real, Whole

_jit = numba.njit(cache=True, nogil=True)

_EPS = 1e-9
# What sums of thousands of products are off by, at most, as a part of their terms.
_ROUNDING = 1e-14
# Nodes of the first tree of a block.
_SHORT = 300


@dataclass
class Block:
    """bound: no choice is worth more. value, fractions: the best choice that was found. nodes: how many were looked at;
    complete: whether `bound` is within the tolerance that was asked.
    """

    bound: float
    value: float
    fractions: Real
    nodes: int
    complete: bool


def decide_block(f: Formulation, block: int, columns: Whole, value: Real, *, tolerance: float, nodes: int) -> Block:
    """The best choice among these columns of a block of the formulation, at given values; as `solve_block`."""
    begin = block * f.horizon
    first = f.first[columns] - begin
    return solve_block(
        value,
        f.amount[columns],
        first,
        first + f.months[columns],
        f.least[columns],
        f.limits[begin : begin + f.horizon],
        tolerance=tolerance,
        nodes=nodes,
    )


def block_gains(f: Formulation, block: int, columns: Whole, value: Real) -> Real:
    """What each of these columns of a block gains over the prices of its months, where fractions are allowed."""
    begin = block * f.horizon
    first, room = f.first[columns] - begin, f.limits[begin : begin + f.horizon]
    gain = np.zeros(len(columns))
    if not len(columns):
        return gain
    _root(value, f.amount[columns], first, first + f.months[columns], f.least[columns], room, gain, np.zeros(len(gain)))
    return gain


def solve_block(
    value: Real,
    amount: Real,
    first: Whole,
    last: Whole,
    least: Real,
    room: Real,
    *,
    known: float = 0.0,
    tolerance: float = 0.0,
    nodes: int = 10_000,
) -> Block:
    """The best choice, and a bound within `tolerance` (an amount of value) of it or of `known`, if `nodes` are enough.

    value, amount (hours a month), first, last (months, the last excluded), least: of each column. room: of each month.
    known: a value that is reached already; choices that are worth less are of no interest.
    """
    count = len(value)
    fractions, gain = np.zeros(count), np.zeros(count)
    if not count:
        return Block(0.0, 0.0, fractions, 0, True)
    top, best = _root(value, amount, first, last, least, room, gain, fractions)
    looked, bound = 1, top
    # A short tree finds a better choice, with which more is settled for the long one.
    for most in (min(nodes, _SHORT), nodes):
        goal = max(best, known) + tolerance
        if bound <= goal or looked >= nodes:
            break
        # A hair more, for rounding: what is settled must not be wrong.
        spare = (top - goal) + _EPS * abs(top)
        into = (gain > spare) & (least >= 1.0)
        open_ = np.flatnonzero(~into & (gain > -spare / least))
        left = room.copy()
        for j in np.flatnonzero(into):
            left[first[j] : last[j]] -= amount[j]
        settled = float(value[into].sum())
        found = np.zeros(len(open_))
        over, value_there, more, ended = _branch(
            value[open_], amount[open_], first[open_], last[open_], least[open_], np.maximum(left, 0.0),
            max(best, known) - settled, tolerance, most - looked, found,
        )  # fmt: skip
        looked += more
        bound = min(bound, max(goal, settled + over))
        if settled + value_there > best and (left >= -_EPS * room).all():
            best = settled + value_there
            fractions = into.astype(np.float64)
            fractions[open_] = found
        if ended:
            break
    complete = bound <= max(best, known) + tolerance + _EPS * abs(top)
    return Block(max(bound, best), best, fractions, looked, complete)


@_jit
def _prefix(row, sums):
    """sums[t]: of row[:t]."""
    sums[0] = 0.0
    for t in range(len(row)):
        sums[t + 1] = sums[t] + row[t]


@_jit
def _prices(value, basis, inverse, y):
    """Of each month: the basic columns' values times the inverse."""
    count, horizon = len(value), len(y)
    for t in range(horizon):
        y[t] = 0.0
    for r in range(horizon):
        if basis[r] < count:
            c = value[basis[r]]
            for t in range(horizon):
                y[t] += c * inverse[r, t]


@_jit
def _bound(value, amount, first, last, room, low, high, y, sums):
    """What prices prove: of months below zero, zero is taken. Rounded up by more than its sums can be off, so that no
    prices, however large, prove too little."""
    total, size = 0.0, 0.0
    sums[0] = 0.0
    for t in range(len(y)):
        price = y[t] if y[t] > 0.0 else 0.0
        sums[t + 1] = sums[t] + price
        total += price * room[t]
    size = total
    for j in range(len(value)):
        gain = value[j] - amount[j] * (sums[last[j]] - sums[first[j]])
        x = high[j] if gain > 0.0 else low[j]
        total += gain * x
        size += (abs(value[j]) + amount[j] * sums[last[j]]) * x
    return total + _ROUNDING * size


@_jit
def _refactor(amount, first, last, basis, inverse):
    """The inverse of the basis anew, by Gauss and Jordan with pivoting. False: it is singular."""
    horizon = len(basis)
    count = len(amount)
    work = np.zeros((horizon, 2 * horizon))
    for r in range(horizon):
        if basis[r] < count:
            for t in range(first[basis[r]], last[basis[r]]):
                work[t, r] = amount[basis[r]]
        else:
            work[basis[r] - count, r] = 1.0
        work[r, horizon + r] = 1.0
    for c in range(horizon):
        pivot = c
        for r in range(c + 1, horizon):
            if abs(work[r, c]) > abs(work[pivot, c]):
                pivot = r
        if abs(work[pivot, c]) < 1e-11:
            return False
        if pivot != c:
            for k in range(2 * horizon):
                work[c, k], work[pivot, k] = work[pivot, k], work[c, k]
        by = work[c, c]
        for k in range(2 * horizon):
            work[c, k] /= by
        for r in range(horizon):
            if r != c and work[r, c] != 0.0:
                by = work[r, c]
                for k in range(2 * horizon):
                    work[r, k] -= by * work[c, k]
    for r in range(horizon):
        for t in range(horizon):
            inverse[r, t] = work[r, horizon + t]
    return True


@_jit
def _simplex(
    value, amount, first, last, room, low, high, enough,
    basis, where, inverse, upper, noise, y, gain, fraction, alpha, sums, left, ratio,
):  # fmt: skip
    """Solve a node's relaxed problem from any basis. Ends early where the prices prove `enough`.

    Returns the bound that the prices in `y` prove; `fraction` is the answer, if it was not ended early.
    """
    count, horizon = len(value), len(room)
    pivots = 0
    while True:
        _prices(value, basis, inverse, y)
        _prefix(y, sums)
        for t in range(horizon + 1):
            left[t] = 0.0
        for j in range(count):
            if where[j] >= 0:
                continue
            gain[j] = value[j] - amount[j] * (sums[last[j]] - sums[first[j]])
            # Near zero it stays where it is: with the sign of noise it would go to and fro.
            if gain[j] > noise[j]:
                upper[j] = True
            elif gain[j] < -noise[j]:
                upper[j] = False
            x = high[j] if upper[j] else low[j]
            fraction[j] = x
            if x != 0.0:
                left[first[j]] += amount[j] * x
                left[last[j]] -= amount[j] * x
        used = 0.0
        for t in range(horizon):
            used += left[t]
            left[t] = room[t] - used
        # The basic columns' values, and which is furthest out of its bounds.
        worst, out, over = _EPS, -1, False
        for r in range(horizon):
            x = 0.0
            for t in range(horizon):
                x += inverse[r, t] * left[t]
            b = basis[r]
            if b < count:
                fraction[b] = x
                if x - high[b] > worst:
                    worst, out, over = x - high[b], r, True
                elif low[b] - x > worst:
                    worst, out, over = low[b] - x, r, False
            else:
                lacks = -x / room[b - count] if room[b - count] > 0.0 else -x
                if lacks > worst:
                    worst, out, over = lacks, r, False
        proven = _bound(value, amount, first, last, room, low, high, y, sums)
        if out < 0 or proven <= enough or pivots > 50 + 10 * horizon + count:
            return proven
        # The row of the leaving column, and what each other would change of it.
        b = basis[out]
        excess = 0.0
        for t in range(horizon):
            excess += inverse[out, t] * left[t]
        if b < count:
            excess = excess - high[b] if over else low[b] - excess
        else:
            excess = -excess
        # What is left of it by rounding is nothing: else a month that is filled exactly would seem to have no choices.
        nothing = _EPS * min(1.0, worst)
        if b >= count and room[b - count] > 0.0:
            nothing *= room[b - count]
        _prefix(inverse[out], sums)
        sign = 1.0 if over else -1.0
        candidates = 0
        for j in range(count):
            ratio[j] = -1.0
            if where[j] >= 0 or low[j] == high[j]:
                continue
            a = sign * amount[j] * (sums[last[j]] - sums[first[j]])
            if upper[j]:
                a = -a
            if a > _EPS:
                alpha[j] = a
                ratio[j] = abs(gain[j]) / a
                candidates += 1
        for t in range(horizon):
            ratio[count + t] = -1.0
            if where[count + t] < 0:
                a = sign * inverse[out, t]
                if a > 1e-15:
                    alpha[count + t] = a
                    ratio[count + t] = (y[t] if y[t] > 0.0 else 0.0) / a
                    candidates += 1
        # The longest step that still improves: columns passed on the way go to their other bound.
        enter = -1
        while candidates > 0:
            least_ratio, nearest = 1e300, -1
            for j in range(count + horizon):
                if ratio[j] >= 0.0 and (
                    ratio[j] < least_ratio or (ratio[j] == least_ratio and alpha[j] > alpha[nearest])
                ):
                    least_ratio, nearest = ratio[j], j
            ratio[nearest] = -1.0
            candidates -= 1
            enter = nearest
            if nearest >= count:
                break
            excess -= alpha[nearest] * (high[nearest] - low[nearest])
            if excess <= nothing:
                break
            upper[nearest] = not upper[nearest]
        if enter < count and (enter < 0 or excess > nothing):
            # Nothing can mend it: the node has no choices. The prices may go along its row without end.
            if excess > nothing and enough > -1e299:
                step = (0.0 if enter < 0 else abs(gain[enter]) / alpha[enter]) + (proven - enough) / excess * 1.01
                for t in range(horizon):
                    y[t] -= step * sign * inverse[out, t]
            return _bound(value, amount, first, last, room, low, high, y, sums)
        # Pivot.
        _prefix(inverse[out], sums)
        for r in range(horizon):
            left[r] = 0.0
        if enter < count:
            for r in range(horizon):
                a = 0.0
                for t in range(first[enter], last[enter]):
                    a += inverse[r, t]
                left[r] = a * amount[enter]
        else:
            for r in range(horizon):
                left[r] = inverse[r, enter - count]
        pivot = left[out]
        pivots += 1
        if abs(pivot) < 1e-12:
            return proven
        for t in range(horizon):
            inverse[out, t] /= pivot
        for r in range(horizon):
            if r != out and left[r] != 0.0:
                for t in range(horizon):
                    inverse[r, t] -= left[r] * inverse[out, t]
        where[b] = -1
        if b < count:
            upper[b] = over
        basis[out] = enter
        where[enter] = out
        if pivots % 60 == 0 and not _refactor(amount, first, last, basis, inverse):
            _start(where, basis, inverse)


@_jit
def _start(where, basis, inverse):
    """The basis of what is left of the months."""
    horizon = len(basis)
    count = len(where) - horizon
    for j in range(len(where)):
        where[j] = -1
    for t in range(horizon):
        basis[t] = count + t
        where[count + t] = t
        for r in range(horizon):
            inverse[t, r] = 1.0 if r == t else 0.0


@_jit
def _fill(value, amount, first, last, least, room, high, fraction, order, left, taken):
    """A choice near the relaxed one: what is whole there, then what still fits in a fixed order. Returns its value."""
    total = 0.0
    for t in range(len(room)):
        left[t] = room[t]
    for turn in range(2):
        for k in range(len(order)):
            j = order[k]
            if turn == 0:
                taken[j] = 0.0
                if fraction[j] < 1.0 - 1e-7:
                    continue
            elif taken[j] > 0.0 or high[j] == 0.0 or value[j] <= 0.0:
                continue
            space = amount[j]
            for t in range(first[j], last[j]):
                if left[t] < space:
                    space = left[t]
            if space >= amount[j]:
                x = 1.0
            elif space >= least[j] * amount[j] and least[j] < 1.0:
                x = space / amount[j]
            else:
                continue
            taken[j] = x
            total += x * value[j]
            for t in range(first[j], last[j]):
                left[t] -= x * amount[j]
    return total


@_jit
def _workspace(count, horizon):
    """What `_simplex` works in: free columns and the basis of what is left of the months; the rest is empty."""
    basis, where = np.zeros(horizon, dtype=np.int64), np.zeros(count + horizon, dtype=np.int64)
    inverse = np.zeros((horizon, horizon))
    _start(where, basis, inverse)
    low, high = np.zeros(count), np.ones(count)
    y, gain, fraction = np.zeros(horizon), np.zeros(count), np.zeros(count)
    alpha, ratio = np.zeros(count + horizon), np.zeros(count + horizon)
    sums, left = np.zeros(horizon + 1), np.zeros(horizon + 1)
    return low, high, basis, where, inverse, y, gain, fraction, alpha, ratio, sums, left


@_jit
def _root(value, amount, first, last, least, room, root_gain, fractions):
    """The relaxed problem: its bound, what each column gains at its prices, and a choice near it with its value."""
    count, horizon = len(value), len(room)
    low, high, basis, where, inverse, y, gain, fraction, alpha, ratio, sums, left = _workspace(count, horizon)
    upper, noise = value > 0.0, np.abs(value) * 1e-10
    top = _simplex(
        value, amount, first, last, room, low, high, -1e300,
        basis, where, inverse, upper, noise, y, gain, fraction, alpha, sums, left, ratio,
    )  # fmt: skip
    for t in range(horizon):
        y[t] = y[t] if y[t] > 0.0 else 0.0
    _prefix(y, sums)
    for j in range(count):
        root_gain[j] = value[j] - amount[j] * (sums[last[j]] - sums[first[j]])
    order = np.argsort(-root_gain)
    best = _fill(value, amount, first, last, least, room, high, fraction, order, left, fractions)
    return top, best


@_jit
def _bounds(node, parent, variable, up, least, low, high, sets):
    """Bound the columns as on the way to a node, each branched on once, or (not `sets`) free them again."""
    while node > 0:
        j = variable[node]
        if not sets:
            low[j], high[j] = 0.0, 1.0
        elif up[node]:
            low[j], high[j] = least[j], 1.0
        else:
            low[j], high[j] = 0.0, 0.0
        node = parent[node]


@_jit
def _is_choice(amount, first, last, least, room, fraction, left):
    """Whether a node's answer is a choice as it is; fractions that are a hair outside are put right."""
    for t in range(len(room)):
        left[t] = room[t] * (1.0 + 1e-12)
    for j in range(len(amount)):
        x = fraction[j]
        x = 0.0 if x < _EPS else 1.0 if x > 1.0 - _EPS else x
        if 0.0 < x < least[j]:
            if x < least[j] - 1e-7:
                return False
            x = least[j]
        fraction[j] = x
        for t in range(first[j], last[j]):
            left[t] -= amount[j] * x
    return left[: len(room)].min() >= 0.0


@_jit
def _branch(value, amount, first, last, least, room, known, tolerance, nodes, best_fractions):
    """The tree. Returns bound, best value, nodes, whether it was complete."""
    count, horizon = len(value), len(room)
    low, high, basis, where, inverse, y, gain, fraction, alpha, ratio, sums, left = _workspace(count, horizon)
    upper, noise, taken = value > 0.0, np.abs(value) * 1e-10, np.zeros(count)
    order = np.zeros(count, dtype=np.int64)
    # Two children of each node that is looked at; the root is node 0.
    parent = np.zeros(2 * nodes + 3, dtype=np.int64)
    variable = np.zeros(2 * nodes + 3, dtype=np.int64)
    up = np.zeros(2 * nodes + 3, dtype=np.bool_)
    made, looked = 1, 0
    best, goal = -1e300, known + tolerance
    waiting = [(0.0, 0)]
    waiting.clear()
    node, proven_above = 0, 1e300
    while True:
        if looked >= nodes:
            # Not complete: what is open could reach its bounds.
            most = proven_above
            if len(waiting) and -waiting[0][0] > most:
                most = -waiting[0][0]
            return max(most, goal), best, looked, False
        proven = _simplex(
            value, amount, first, last, room, low, high, goal,
            basis, where, inverse, upper, noise, y, gain, fraction, alpha, sums, left, ratio,
        )  # fmt: skip
        proven = min(proven, proven_above)
        looked += 1
        pick, weight = -1, 0.0
        if proven > goal:
            if looked == 1:
                order = np.argsort(-gain)
            found = _fill(value, amount, first, last, least, room, high, fraction, order, left, taken)
            if found > best:
                best = found
                for k in range(count):
                    best_fractions[k] = taken[k]
                goal = max(goal, best + tolerance)
        if proven > goal:
            # The most fractional of what matters: the larger, the more it decides.
            for r in range(horizon):
                b = basis[r]
                if b >= count or low[b] > 0.0 or high[b] == 0.0:
                    continue
                x = fraction[b]
                if x > 1e-7 and x < least[b] - 1e-7:
                    part = min(x / least[b], 1.0 - x / least[b])
                    w = (0.05 + part) * value[b]
                    if w > weight:
                        pick, weight = b, w
            if pick < 0 and _is_choice(amount, first, last, least, room, fraction, left):
                found = 0.0
                for j in range(count):
                    found += value[j] * fraction[j]
                if found > best:
                    best = found
                    best_fractions[:] = fraction
                    goal = max(goal, best + tolerance)
            if pick < 0 and proven > goal + _EPS * abs(proven):
                # Nothing is fractional, and yet it isn't enough: rounding. Any column that isn't settled will do.
                for j in range(count):
                    if low[j] == 0.0 and high[j] > 0.0 and value[j] > weight:
                        pick, weight = j, value[j]
                _start(where, basis, inverse)
            if pick < 0 and proven > goal:
                # All is settled: what its prices prove is the most that is to be had there.
                goal = proven
        if pick >= 0:
            first_up = fraction[pick] > 0.5 * least[pick]
            for turn in range(2):
                parent[made], variable[made] = node, pick
                up[made] = first_up if turn == 0 else not first_up
                made += 1
            heapq.heappush(waiting, (-proven, made - 1))
            node, proven_above = made - 2, proven
            if first_up:
                low[pick], high[pick] = least[pick], 1.0
            else:
                low[pick], high[pick] = 0.0, 0.0
            continue
        # A leaf: on from the open node that could be worth the most.
        if not len(waiting) or -waiting[0][0] <= goal:
            return goal, best, looked, True
        _bounds(node, parent, variable, up, least, low, high, False)
        above, node = heapq.heappop(waiting)
        proven_above = -above
        _bounds(node, parent, variable, up, least, low, high, True)
