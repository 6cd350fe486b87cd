"""A search for good plans on problems that a tree search can't finish: ruin and recreate under simulated annealing.

One step forces a column that is not awarded into its block, puts out what stands in its way (what is worth least over
the relaxed problem's prices an hour that it frees, with some chance), then fills the room that is left: with the
put-out ones elsewhere, with what nobody has yet, with what moves over from another block. The step is kept if the plan
became better, and else with the chance of annealing. (Schrimpf et al., Record breaking optimization results using the
ruin and recreate principle, 2000; Christiaens and Vanden Berghe, Slack induction by string removals for vehicle
routing problems, 2020.)

A number of steps, not a time, is what it is given: the same steps give the same plan. Compiled by numba, cached on
disk.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numba
import numpy as np

from fabriek.allocation.formulation import Formulation, Real

# Sums of hours agree to this part of a cell's limit; what is exceeded in truth is mended in exact arithmetic after.
_TOLERANCE = 1e-12

# Temperatures at the start and at the end, as parts of the median worth: tuned on the generator's problems (ADR 6).
_HOT, _COLD = 0.15, 0.03

# Columns whose worth differs from their prices by more than this many median worths stay as the relaxed problem has
# them.
_CORE = 3.0

_PRICED, _FREE = 2.0, 0.02
# Steps between looks at the clock.
_CHUNK = 20_000


@dataclass
class Found:
    """fractions: of each column. steps: how many were done; fewer than asked where `stop` said so."""

    fractions: Real
    value: float
    lacking: float
    steps: int


def search(
    formulation: Formulation,
    gains: Real,
    start: Real,
    promise_prices: Real,
    allowed: Real,
    *,
    steps: int,
    heat: float = 1.0,
    seed: int = 0,
    stop: Callable[[float], bool] | None = None,
) -> Found:
    """Search from the relaxed problem's answer, or from a plan.

    gains: of each column, worth over the prices of what it takes. start: fractions to begin from. heat: what the
    temperatures are multiplied by; a good plan is bettered by a walk that is nearly cold.
    promise_prices: value an hour of each of `formulation.promises`. allowed: hours that each of them may be exceeded by
    (floors that can't be kept; 0 for caps). stop: given the part that is done, says whether to end now.
    """
    f = formulation
    if not len(f.worth):
        return Found(np.zeros(0), 0.0, 0.0, 0)
    state = _State(f, gains, start, promise_prices, allowed, heat, seed)
    done = 0
    while done < steps:
        chunk = min(_CHUNK, steps - done)
        state.walk(done, chunk, steps)
        done += chunk
        if stop is not None and stop(done / steps):
            break
    return Found(state.fractions(), float(state.best_value), float(state.best_lacking), done)


class _State:
    """Columns in order of block and gain, and what the walk knows of the plan it is at."""

    def __init__(
        self, f: Formulation, gains: Real, start: Real, promise_prices: Real, allowed: Real, heat: float, seed: int
    ) -> None:
        self.count = len(f.worth)
        # Columns of a block lie together, most gain first: the walk reads memory in order.
        self.order = np.lexsort((np.arange(self.count), -gains, f.block))
        o = self.order
        self.group, self.block = f.group[o], f.block[o]
        self.first, self.last = f.first[o], f.first[o] + f.months[o]
        self.amount, self.worth, self.least, self.gain = f.amount[o], f.worth[o], f.least[o], gains[o]
        by_group = np.lexsort((np.arange(self.count), -self.gain, self.group))
        self.of_group = by_group
        self.group_start = np.searchsorted(self.group[by_group], np.arange(f.groups + 1))
        blocks = len(f.blocks)
        self.block_start = np.searchsorted(self.block, np.arange(blocks + 1))
        density = self.gain / (self.amount * (self.last - self.first))
        self.by_density = np.lexsort((np.arange(self.count), -density, self.block))
        self.horizon = f.horizon
        self.slack = f.limits.astype(np.float64) * (1 + _TOLERANCE)
        self._promises(f, promise_prices, allowed)

        fractions = start[o]
        own = np.zeros(f.groups)
        np.maximum.at(own, self.group, np.maximum(self.gain, 0.0))
        valued = self.worth[self.worth > 0.0]
        typical = float(np.median(valued)) if len(valued) else 1.0
        self.hot, self.cold = heat * _HOT * typical, heat * _COLD * typical
        # Far from the prices on either side: always, or never, in a good plan.
        core = (self.gain - own[self.group] > -_CORE * typical) & (
            (self.gain < _CORE * typical) | (fractions < 1 - 1e-7)
        )
        self.movable = np.flatnonzero(core)
        if not len(self.movable):
            core[:] = True
            self.movable = np.arange(self.count)
        self.movable_start = np.searchsorted(self.block[self.movable], np.arange(blocks + 1))
        weight = np.diff(self.movable_start).astype(np.float64)
        self.chance = np.concatenate([[0.0], np.cumsum(weight) / weight.sum()])
        self.chosen = np.full(f.groups, -1)
        self.part = np.zeros(f.groups)
        self.there = np.zeros(self.count, dtype=np.int64)
        # -1: barred from leaving and entering; -2: not there; else its place in its block's list.
        self.place = np.where(core, -2, -1)
        self.number = np.zeros(blocks, dtype=np.int64)
        # First what the relaxed problem awards whole (HiGHS answers with fractions a hair under one): together that
        # nearly keeps the promises, one by one it wouldn't. Then what it awards a useful part of, then what fits and
        # breaks none.
        by_gain = np.argsort(-self.gain, kind="stable")
        whole, useful = fractions > 1 - 1e-7, (fractions > 0.0) & (fractions >= self.least - 1e-7)
        for columns, careful in ((np.flatnonzero(whole), False), (np.flatnonzero(useful), False), (by_gain, True)):
            _begin(
                columns, careful,
                self.group, self.block, self.block_start, self.first, self.last, self.amount, self.least,
                self.row_start, self.row, self.coefficient, self.row_slack,
                self.slack, self.chosen, self.part, self.there, self.place, self.number,
            )  # fmt: skip
        self.random = np.array([np.uint64(seed) * np.uint64(2654435761) + np.uint64(88172645463325252)])
        self.best_chosen, self.best_part = self.chosen.copy(), self.part.copy()
        self.best_value, self.best_lacking = self._measure()

    def _promises(self, f: Formulation, prices: Real, allowed: Real) -> None:
        """Rows of promises, column by column, in parts of their size. A penalty keeps the walk near them; what lacks
        less outranks what is worth more at the end."""
        back = np.empty(self.count, dtype=np.int64)
        back[self.order] = np.arange(self.count)
        columns = [back[row.columns] for row in f.promises]
        rows = [np.full(len(row.columns), number) for number, row in enumerate(f.promises)]
        values = [row.coefficients / row.scale for row in f.promises]
        column = np.concatenate([*columns, np.zeros(0, dtype=np.int64)]).astype(np.int64)
        order = np.argsort(column, kind="stable")
        self.row_start = np.searchsorted(column[order], np.arange(self.count + 1))
        self.row = np.concatenate([*rows, np.zeros(0, dtype=np.int64)]).astype(np.int64)[order]
        self.coefficient = np.concatenate([*values, np.zeros(0)])[order]
        scale = np.array([row.scale for row in f.promises])
        self.row_slack = np.array([row.limit for row in f.promises]) / scale + allowed / scale + 1e-12
        # Somewhat over its price an hour, so that breaking it doesn't pay, yet the walk may pass through.
        an_hour = (self.worth / (self.amount * (self.last - self.first)))[self.worth > 0.0]
        hour = float(np.median(an_hour)) if len(an_hour) else 1.0
        self.price = prices * scale
        self.penalty = (_PRICED * prices + _FREE * hour) * scale

    def _measure(self) -> tuple[float, float]:
        held = self.chosen >= 0
        value = float((self.worth[self.chosen[held]] * self.part[held]).sum())
        return value, float((np.maximum(0.0, -self.row_slack) * self.penalty).sum())

    def walk(self, done: int, steps: int, total: int) -> None:
        """Some more steps of `total`."""
        value, lacking = _walk(
            done, steps, total, self.hot, self.cold, self.random, self.horizon,
            self.group, self.block, self.first, self.last, self.amount, self.worth, self.least, self.gain,
            self.of_group, self.group_start, self.block_start, self.by_density,
            self.movable, self.movable_start, self.chance,
            self.row_start, self.row, self.coefficient, self.price, self.penalty, self.row_slack,
            self.slack, self.chosen, self.part, self.there, self.place, self.number,
            self.best_chosen, self.best_part, self.best_value, self.best_lacking,
        )  # fmt: skip
        self.best_value, self.best_lacking = value, lacking

    def fractions(self) -> Real:
        """Of each column, in the formulation's order."""
        fractions = np.zeros(self.count)
        held = self.best_chosen >= 0
        fractions[self.order[self.best_chosen[held]]] = self.best_part[held]
        return fractions


_jit = numba.njit(cache=True, nogil=True)


@_jit
def _draw(random):
    """The next of xorshift64 (Marsaglia 2003), between 0 and 1."""
    x = random[0]
    x ^= x << np.uint64(13)
    x ^= x >> np.uint64(7)
    x ^= x << np.uint64(17)
    random[0] = x
    return (x >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@_jit
def _room(slack, first, last, amount):
    """The fraction of an amount that fits on all cells of a run, at most 1."""
    least = amount
    for cell in range(first, last):
        if slack[cell] < least:
            least = slack[cell]
    return 1.0 if least >= amount else (least / amount if least > 0 else 0.0)


@_jit
def _owed(slack, price, penalty):
    """What a promise's row costs: room to spare is worth its price, what lacks costs the penalty, which is more."""
    return -slack * price if slack > 0.0 else -slack * penalty


@_jit
def _lacks(row_slack, penalty):
    total = 0.0
    for r in range(len(row_slack)):
        if row_slack[r] < 0.0:
            total -= row_slack[r] * penalty[r]
    return total


@_jit
def _leave(
    j, g, value, lacking, block, block_start, first, last, amount, worth,
    row_start, row, coefficient, price, penalty, row_slack,
    slack, chosen, part, there, place, number,
):  # fmt: skip
    """Take a column out of the plan. Returns the value and what is lacking after it."""
    f = part[g]
    for cell in range(first[j], last[j]):
        slack[cell] += amount[j] * f
    for k in range(row_start[j], row_start[j + 1]):
        r = row[k]
        lacking -= _owed(row_slack[r], price[r], penalty[r])
        row_slack[r] += coefficient[k] * f
        lacking += _owed(row_slack[r], price[r], penalty[r])
    chosen[g] = -1
    part[g] = 0.0
    if place[j] >= 0:
        b = block[j]
        end = there[block_start[b] + number[b] - 1]
        there[block_start[b] + place[j]] = end
        place[end] = place[j]
        place[j] = -2
        number[b] -= 1
    return value - worth[j] * f, lacking


@_jit
def _enter(
    j, g, f, value, lacking, block, block_start, first, last, amount, worth,
    row_start, row, coefficient, price, penalty, row_slack,
    slack, chosen, part, there, place, number,
):  # fmt: skip
    """Put a part of a column into the plan. Returns the value and what is lacking after it."""
    for cell in range(first[j], last[j]):
        slack[cell] -= amount[j] * f
    for k in range(row_start[j], row_start[j + 1]):
        r = row[k]
        lacking -= _owed(row_slack[r], price[r], penalty[r])
        row_slack[r] -= coefficient[k] * f
        lacking += _owed(row_slack[r], price[r], penalty[r])
    chosen[g] = j
    part[g] = f
    if place[j] == -2:
        b = block[j]
        place[j] = number[b]
        there[block_start[b] + number[b]] = j
        number[b] += 1
    return value + worth[j] * f, lacking


@_jit
def _begin(
    columns, careful, group, block, block_start, first, last, amount, least,
    row_start, row, coefficient, row_slack,
    slack, chosen, part, there, place, number,
):  # fmt: skip
    """Take columns one by one where they fit and, if careful, break no promise."""
    for j in columns:
        g = group[j]
        if chosen[g] >= 0:
            continue
        room = _room(slack, first[j], last[j], amount[j])
        if room < least[j]:
            continue
        keeps = True
        for k in range(row_start[j], row_start[j + 1]):
            c = coefficient[k] * room
            if careful and c > 0 and row_slack[row[k]] - c < 0:
                keeps = False
        if not keeps:
            continue
        chosen[g] = j
        part[g] = room
        for cell in range(first[j], last[j]):
            slack[cell] -= amount[j] * room
        for k in range(row_start[j], row_start[j + 1]):
            row_slack[row[k]] -= coefficient[k] * room
        if place[j] == -2:
            b = block[j]
            place[j] = number[b]
            there[block_start[b] + number[b]] = j
            number[b] += 1


@_jit
def _walk(
    done, steps, total, hot, cold, random, horizon,
    group, block, first, last, amount, worth, least, gain,
    of_group, group_start, block_start, by_density,
    movable, movable_start, chance,
    row_start, row, coefficient, price, penalty, row_slack,
    slack, chosen, part, there, place, number,
    best_chosen, best_part, best_value, best_lacking,
):  # fmt: skip
    """Steps of the walk. Everything from `row_slack` on is changed in place. Returns the best value and what it
    lacks of promises, as a penalty."""
    blocks = len(block_start) - 1
    # What a step did, to undo it: a group had this column (-1: none) with this part.
    undo_group = np.empty(len(chosen) + 10_000, dtype=np.int64)
    undo_column = np.empty(len(undo_group), dtype=np.int64)
    undo_part = np.empty(len(undo_group))
    cooling = np.log(cold / hot)
    temperature = hot
    value, lacking = 0.0, 0.0
    for g in range(len(chosen)):
        if chosen[g] >= 0:
            value += worth[chosen[g]] * part[g]
    for r in range(len(row_slack)):
        lacking += _owed(row_slack[r], price[r], penalty[r])
    since_copy = 1000

    for step in range(done, done + steps):
        if step % 256 == 0:
            temperature = hot * np.exp(cooling * step / total)
        since_copy += 1
        where = _draw(random)
        low, high = 0, blocks
        while high - low > 1:
            middle = (low + high) // 2
            if chance[middle] <= where:
                low = middle
            else:
                high = middle
        b = low
        candidates = movable_start[b + 1] - movable_start[b]
        if candidates == 0:
            continue
        j = movable[movable_start[b] + int(_draw(random) * candidates)]
        g = group[j]
        tries = 0
        while chosen[g] == j and part[g] == 1.0 and tries < 10:
            j = movable[movable_start[b] + int(_draw(random) * candidates)]
            g = group[j]
            tries += 1
        if chosen[g] == j and part[g] == 1.0:
            continue
        n = 0
        value_before, lacking_before = value, lacking
        second = -1
        old = chosen[g]
        if old >= 0:
            if place[old] < 0:
                continue
            undo_group[n], undo_column[n], undo_part[n] = g, old, part[g]
            n += 1
            value, lacking = _leave(
                old, g, value, lacking, block, block_start, first, last, amount, worth,
                row_start, row, coefficient, price, penalty, row_slack,
                slack, chosen, part, there, place, number,
            )  # fmt: skip
            if block[old] != b:
                second = block[old]
        # Put out what stands in the way. Where a part is enough, sometimes only of that part.
        wanted = amount[j]
        if least[j] < 1.0 and _draw(random) < 0.5:
            wanted *= least[j]
        possible = True
        while True:
            tightest, missing = -1, wanted * 1e-9
            for cell in range(first[j], last[j]):
                if wanted - slack[cell] > missing:
                    missing = wanted - slack[cell]
                    tightest = cell
            if tightest < 0:
                break
            out, out_cost = -1, 1e300
            for k in range(block_start[b], block_start[b] + number[b]):
                q = there[k]
                if first[q] <= tightest and tightest < last[q]:
                    freed = amount[q] * part[group[q]]
                    if freed > missing:
                        freed = missing
                    if freed <= 0.0:
                        continue
                    loss = (gain[q] if gain[q] > 0.0 else 0.0) + 0.02 * worth[q]
                    cost = loss / freed * (0.3 + _draw(random))
                    if cost < out_cost:
                        out, out_cost = q, cost
            if out < 0:
                possible = False
                break
            og = group[out]
            undo_group[n], undo_column[n], undo_part[n] = og, out, part[og]
            n += 1
            value, lacking = _leave(
                out, og, value, lacking, block, block_start, first, last, amount, worth,
                row_start, row, coefficient, price, penalty, row_slack,
                slack, chosen, part, there, place, number,
            )  # fmt: skip
        if possible:
            room = _room(slack, first[j], last[j], amount[j])
            if room >= least[j]:
                undo_group[n], undo_column[n], undo_part[n] = g, -1, 0.0
                n += 1
                value, lacking = _enter(
                    j, g, room, value, lacking, block, block_start, first, last, amount, worth,
                    row_start, row, coefficient, price, penalty, row_slack,
                    slack, chosen, part, there, place, number,
                )  # fmt: skip
            put_out = n
            for k in range(put_out):
                g = undo_group[k]
                if chosen[g] >= 0:
                    continue
                for e in range(group_start[g], group_start[g + 1]):
                    q = of_group[e]
                    if block[q] == b or place[q] == -1:
                        continue
                    room = _room(slack, first[q], last[q], amount[q])
                    if room >= least[q]:
                        undo_group[n], undo_column[n], undo_part[n] = g, -1, 0.0
                        n += 1
                        value, lacking = _enter(
                            q, g, room, value, lacking, block, block_start, first, last, amount, worth,
                            row_start, row, coefficient, price, penalty, row_slack,
                            slack, chosen, part, there, place, number,
                        )  # fmt: skip
                        break
            luck = _draw(random)
            blink = 0.3 * luck * _draw(random)
            by_gain = _draw(random) < 0.5
            for turn in range(3):
                fill = b
                if turn > 0:
                    if second < 0:
                        break
                    fill, second, blink = second, -1, 0.0
                most = 0.0
                for cell in range(fill * horizon, (fill + 1) * horizon):
                    if slack[cell] > most:
                        most = slack[cell]
                for k in range(block_start[fill], block_start[fill + 1]):
                    q = k if by_gain else by_density[k]
                    if place[q] >= 0:
                        # It is there: in part, perhaps, and there is room for more.
                        g = group[q]
                        if part[g] < 1.0:
                            more = _room(slack, first[q], last[q], amount[q])
                            if more > 1e-9:
                                whole = part[g] + more
                                if whole > 1.0 - 1e-12:
                                    whole = 1.0
                                undo_group[n], undo_column[n], undo_part[n] = g, q, part[g]
                                n += 1
                                value, lacking = _leave(
                                    q, g, value, lacking, block, block_start, first, last, amount, worth,
                                    row_start, row, coefficient, price, penalty, row_slack,
                                    slack, chosen, part, there, place,
                                    number,
                                )  # fmt: skip
                                undo_group[n], undo_column[n], undo_part[n] = g, -1, 0.0
                                n += 1
                                value, lacking = _enter(
                                    q, g, whole, value, lacking, block, block_start, first, last, amount, worth,
                                    row_start, row, coefficient, price, penalty, row_slack,
                                    slack, chosen, part, there, place,
                                    number,
                                )  # fmt: skip
                        continue
                    if place[q] == -1 or amount[q] * least[q] > most:
                        continue
                    g = group[q]
                    old = chosen[g]
                    if old >= 0 and (
                        turn > 0
                        or block[old] == fill
                        or place[old] < 0
                        or second >= 0
                        or worth[q] < worth[old] * part[g] - 2 * temperature
                    ):
                        continue
                    room = _room(slack, first[q], last[q], amount[q])
                    if room < least[q] or _draw(random) < blink:
                        continue
                    if old >= 0:
                        if _draw(random) < 0.5:
                            continue
                        second = block[old]
                        undo_group[n], undo_column[n], undo_part[n] = g, old, part[g]
                        n += 1
                        value, lacking = _leave(
                            old, g, value, lacking, block, block_start, first, last, amount, worth,
                            row_start, row, coefficient, price, penalty, row_slack,
                            slack, chosen, part, there, place, number,
                        )  # fmt: skip
                    undo_group[n], undo_column[n], undo_part[n] = g, -1, 0.0
                    n += 1
                    value, lacking = _enter(
                        q, g, room, value, lacking, block, block_start, first, last, amount, worth,
                        row_start, row, coefficient, price, penalty, row_slack,
                        slack, chosen, part, there, place, number,
                    )  # fmt: skip
                    if n > len(undo_group) - 10:
                        break
        gained = (value - lacking) - (value_before - lacking_before)
        if possible and (gained >= 0 or _draw(random) < np.exp(gained / temperature)):
            # A copy is as dear as a hundred steps: while it is warm a better one soon follows.
            if since_copy > 1000 or step > total - 1000 or len(chosen) < 2000:
                lacks = _lacks(row_slack, penalty)
                if lacks < best_lacking - 1e-9 or (lacks <= best_lacking + 1e-9 and value > best_value):
                    best_chosen[:] = chosen
                    best_part[:] = part
                    best_value, best_lacking = value, lacks
                    since_copy = 0
        else:
            for k in range(n - 1, -1, -1):
                g = undo_group[k]
                if chosen[g] >= 0:
                    value, lacking = _leave(
                        chosen[g], g, value, lacking, block, block_start, first, last, amount, worth,
                        row_start, row, coefficient, price, penalty, row_slack,
                        slack, chosen, part, there, place, number,
                    )  # fmt: skip
                if undo_column[k] >= 0:
                    value, lacking = _enter(
                        undo_column[k], g, undo_part[k], value, lacking, block, block_start, first, last, amount, worth,
                        row_start, row, coefficient, price, penalty, row_slack,
                        slack, chosen, part, there, place, number,
                    )  # fmt: skip
            value, lacking = value_before, lacking_before
    lacks = _lacks(row_slack, penalty)
    if lacks < best_lacking - 1e-9 or (lacks <= best_lacking + 1e-9 and value > best_value):
        best_chosen[:] = chosen
        best_part[:] = part
        best_value, best_lacking = value, lacks
    return best_value, best_lacking
