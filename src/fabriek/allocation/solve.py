"""Solve a decision problem: floors first, in order of rank, then the greatest value.

The model is told in docs/explanation/allocation.md. Small problems are solved to the end by a tree search (HiGHS). Of
large ones the relaxed problem gives the prices, a search finds a plan, and decomposition by partition bounds it.

What is proposed in floating-point numbers is not what counts: `rounding.py` makes of it awards in decimals that exceed
no share or cap by any amount, and the bound is checked apart from the solver (`certificate.py`), as `verify` does.

How much work is done follows from the problem and the seconds allowed, never from the clock, so that the same question
has the same answer on every machine that is fast enough; on one that isn't, the plan says `time`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from fabriek.allocation import highs
from fabriek.allocation.blockwise import fill_by_blocks
from fabriek.allocation.certificate import certify, gains_of
from fabriek.allocation.decompose import MOST_MONTHS, BlockPrices, Bound, bound_by_blocks
from fabriek.allocation.explain import refusals_of
from fabriek.allocation.formulation import Formulation, Real, formulate
from fabriek.allocation.greedy import rank_order
from fabriek.allocation.hours import book, value_of
from fabriek.allocation.neighbourhoods import Size, better
from fabriek.allocation.plan import Plan, PromiseResult, gap_between
from fabriek.allocation.problem import Problem, canonical, problem_sha256
from fabriek.allocation.rounding import blur, exact_awards
from fabriek.allocation.search import Found, search

# Floors that the solver's tolerance could open or close: a part of the floor's own size.
_SLACK = 1e-7

# Problems with at most this many columns are given to the tree search, with so many nodes at most.
_SMALL, _NODES = 600, 20_000

# Problems with at most this many columns are bounded block by block; it takes so many seconds a column and round.
_BOUNDED, _ROUND_COLUMN = 20_000, 2e-4
_BOUND_PART = 0.5

# What stands before the search and after it takes so many seconds a column: rows and prices, and the exact check.
_BEFORE_COLUMN, _AFTER_COLUMN = 1e-4, 6e-5

# Walks, each with its own seed, of which the best counts. As many as the cores that everybody has.
_WALKS = 2
# The part of the seconds that the walks may take, and what a step takes: so many seconds, and for a column of a block.
_PART, _STEP, _STEP_COLUMN = 0.25, 1e-6, 3e-8
_FEWEST_STEPS = 20_000

# With fewer columns a block than `_LARGE_BLOCK` the first walk is short. Its plan is bettered where the blocks' bound
# was found: by walks at those prices, then by neighbourhoods, each with its part of the seconds. A neighbourhood of so
# many blocks and columns takes so many seconds a column.
_FIRST_PART, _SMALL_BOUND_PART, _SECOND_PART, _NEAR_PART = 0.08, 0.32, 0.3, 0.3
_NEAR_BLOCKS, _NEAR_COLUMNS, _NEAR_COLUMN = 4, 250, 1e-3

# With at least so many columns a block, walks begin from a plan made block by block, nearly cold. A pair of blocks that
# is decided again takes so many seconds for a column of a block; all pairs together that part of the seconds.
_LARGE_BLOCK, _GENTLE = 150, 0.02
_PAIR_PART, _PAIR_COLUMN = 0.15, 6e-5

# What is added to promises' prices for a second try, as a part of what an hour is worth.
_DEARER = 0.1


@dataclass(frozen=True)
class _Effort:
    """What was asked of the solver, and the clock: `left` is the seconds that remain before `after` of them, in which
    the answer is checked. searching: seconds for what lies between the prices and the check, by the problem's size."""

    gap: float
    seconds: float
    threads: int
    seed: int
    began: float
    after: float = 0.0
    searching: float = 0.0

    @property
    def ending(self) -> float:
        return self.began + self.seconds - self.after

    @property
    def left(self) -> float:
        return max(0.2, self.ending - time.monotonic())

    @property
    def is_over(self) -> bool:
        return time.monotonic() > self.ending

    def sized(self, columns: int) -> _Effort:
        """For a problem of so many columns. However large it is, half of the seconds are left for the search."""
        half, before, after = self.seconds / 2, _BEFORE_COLUMN * columns, _AFTER_COLUMN * columns
        return replace(self, after=min(after, half / 2), searching=max(half, self.seconds - before - after))


@dataclass
class _Proposal:
    """fractions: of each column. allowed: hours that each floor may lack, as little as can be. bound: no plan is worth
    more, as far as the solver's word goes. finished: all work was done that was meant to be; solved: nothing is left
    to be found."""

    fractions: Real
    allowed: dict[str, float]
    bound: float
    finished: bool
    solved: bool = False


def solve(
    problem: Problem,
    *,
    gap: float = 1e-6,
    seconds: float = 60.0,
    threads: int = 2,
    seed: int = 0,
    progress: Callable[[str], None] | None = None,
) -> Plan:
    """The best plan that was found, with its certificate.

    gap: stop when the plan is within this part of the bound. seconds: stop after this long with the best plan so far
    (status `time`). The plan doesn't depend on threads, nor on the order of rows. `required`, `reached` and
    `shortfall` of the promises are those of the plan itself.
    """
    effort = _Effort(gap, seconds, threads, seed, time.monotonic())
    tell = progress or (lambda _what: None)
    problem = canonical(problem)
    tell("rows and columns")
    formulation = formulate(problem)
    effort = effort.sized(len(formulation.worth))
    tell("prices")
    relaxed = _relaxed(formulation, dict.fromkeys(formulation.demand, 0.0), effort)
    proposal = _propose(formulation, relaxed, effort, tell)
    tell("exact check")
    awards = exact_awards(formulation, proposal.fractions, proposal.allowed)
    room = book(problem, awards, formulation.demand)
    promises = room.results()
    tell("certificate")
    if not relaxed.feasible:
        relaxed = _relaxed(formulation, proposal.allowed, effort)
    lacking = _lacking(proposal.allowed, promises)
    certificate = certify(formulation, relaxed.cell_prices, relaxed.promise_prices, lacking)
    value = value_of(problem, awards)
    # The proposal's bound is one for plans that lack no more of the floors than it allows itself, as far as the solver
    # can tell.
    rounding = blur(formulation)
    as_allowed = all(
        result.shortfall <= proposal.allowed.get(result.id, np.inf) + rounding.get(result.id, 0.0)
        for result in promises
    )
    bound = max(value, min(certificate.bound, proposal.bound if as_allowed else np.inf))
    reached = gap_between(value, bound)
    return Plan(
        problem_sha256=problem_sha256(problem),
        value=value,
        bound=bound,
        gap=reached,
        status="time" if not proposal.finished else "optimal" if reached <= 1e-6 else "gap",
        awards=awards,
        refusals=refusals_of(problem, formulation, awards, room),
        promises=promises,
        certificate=certificate,
    )


def _propose(
    formulation: Formulation, relaxed: highs.Answer, effort: _Effort, tell: Callable[[str], None]
) -> _Proposal:
    """By the tree search where that ends, else by walks, with a bound by blocks."""
    proposal = None
    if not relaxed.feasible and effort.is_over:
        tell("rank order")
        return _by_rank(formulation)
    if len(formulation.worth) <= _SMALL or not relaxed.feasible:
        tell("tree search")
        proposal = _by_tree(formulation, effort)
        if proposal.solved or not relaxed.feasible:
            return proposal
    tell("search")
    strict = _strict(formulation, effort)
    walked = _by_walks(strict, relaxed, effort)
    proposal = walked if proposal is None else _better(formulation, proposal, walked)
    # A floor that isn't named in `allowed` may lack anything, which blocks' prices can't say.
    named = all(floor.promise.id in proposal.allowed for floor in formulation.floors)
    if named and len(formulation.worth) <= _BOUNDED and formulation.horizon <= MOST_MONTHS:
        tell("bound")
        found = _block_bound(formulation, relaxed, proposal, effort)
        bound, finished = min(proposal.bound, found.bound), proposal.finished and not found.cut
        proposal = replace(proposal, bound=bound, finished=finished)
        enough = formulation.worth @ proposal.fractions * (1 + effort.gap) >= bound
        if found.prices is not None and not enough and _a_block(formulation) < _LARGE_BLOCK:
            tell("search at the bound's prices")
            proposal = _near(strict, found.prices, proposal, effort)
    return proposal


def _a_block(formulation: Formulation) -> float:
    """Columns a block."""
    return len(formulation.worth) / len(formulation.blocks)


def _near(formulation: Formulation, prices: BlockPrices, proposal: _Proposal, effort: _Effort) -> _Proposal:
    """The plan bettered at the prices where blocks were bounded: they tell better than the relaxed problem's what is
    worth its hours, since they know that a request can't be cut."""
    may_lack = _may_lack(formulation, proposal.allowed)
    steps = _steps(formulation, effort, _SECOND_PART)
    rounds = int(_NEAR_PART * effort.searching / (_NEAR_COLUMN * _NEAR_COLUMNS))
    size = Size(_NEAR_BLOCKS, _NEAR_COLUMNS, max(1, rounds))

    def one(number: int) -> Found:
        return search(
            formulation,
            prices.gains,
            proposal.fractions,
            prices.promises,
            may_lack,
            steps=steps,
            seed=effort.seed * _WALKS + number,
            stop=lambda _done: effort.is_over,
        )

    found, fractions = _best_of(one, effort), proposal.fractions
    if found.lacking <= 0.0 and found.value > formulation.worth @ fractions:
        fractions = found.fractions
    fractions = better(
        formulation, prices, fractions, may_lack, size, seed=effort.seed, left=lambda: effort.ending - time.monotonic()
    )
    return replace(proposal, fractions=fractions, finished=proposal.finished and not effort.is_over)


def _may_lack(formulation: Formulation, allowed: Mapping[str, float]) -> Real:
    """Hours that each row of the promises may be exceeded by."""
    return np.array([allowed.get(row.promise.id, 0.0) for row in formulation.promises])


def _steps(formulation: Formulation, effort: _Effort, part: float) -> int:
    """Of a walk that may take this part of the seconds."""
    a_step = _STEP + _STEP_COLUMN * _a_block(formulation)
    return max(_FEWEST_STEPS, int(part * effort.searching / a_step))


def _best_of(walk: Callable[[int], Found], effort: _Effort) -> Found:
    """Of some walks: what lacks least of the promises, then what is worth most, then the first."""
    with ThreadPoolExecutor(max_workers=max(1, min(effort.threads, _WALKS))) as pool:
        walks = list(pool.map(walk, range(_WALKS)))
    return min(walks, key=lambda found: (found.lacking, -found.value))


def _relaxed(formulation: Formulation, allowed: Mapping[str, float], effort: _Effort) -> highs.Answer:
    """With fractions of all-or-nothing requests allowed: its prices."""
    return highs.solve(formulation, allowed_shortfall=allowed, relaxed=True, seconds=effort.left, seed=effort.seed)


def _strict(outer: Formulation, effort: _Effort) -> Formulation:
    """The problem with each scarce floor read one way: the class gets all it asks for, where that can be, for then
    nobody else is held up by it."""
    if not outer.scarce:
        return outer
    by_demand: frozenset[str] = frozenset()
    for row in sorted(outer.floors, key=lambda row: (row.promise.rank, row.promise.id)):
        more = by_demand | {row.promise.id}
        if row.promise.id in outer.scarce:
            tried = _relaxed(formulate(outer.problem, more), dict.fromkeys(more, 0.0), effort)
            by_demand = more if tried.feasible else by_demand
    return formulate(outer.problem, by_demand)


def _by_rank(formulation: Formulation) -> _Proposal:
    """Rank order, where the seconds weren't enough even for prices."""
    column = {(choice.application.id, choice.place): number for number, choice in enumerate(formulation.choices)}
    fractions = np.zeros(len(formulation.worth))
    for award in rank_order(formulation.problem)[0]:
        fractions[column[award.application, award.alternative]] = 1.0
    return _Proposal(fractions, _lacks(formulation, fractions), float("inf"), False)


def _by_walks(formulation: Formulation, relaxed: highs.Answer, effort: _Effort) -> _Proposal:
    none_lacks = dict.fromkeys(formulation.demand, 0.0)
    found = _walk(formulation, relaxed, none_lacks, effort)
    if found.lacking <= 0.0:
        return _Proposal(found.fractions, none_lacks, float("inf"), not effort.is_over)
    # The relaxed problem keeps all floors, the walk didn't: with dearer promises it may; else the tree search says how
    # far they can be kept.
    prices = relaxed.promise_prices + _DEARER * formulation.hour
    again = _walk(formulation, replace(relaxed, promise_prices=prices), none_lacks, effort)
    if again.lacking <= 0.0:
        return _Proposal(again.fractions, none_lacks, float("inf"), not effort.is_over)
    if len(formulation.worth) > _BOUNDED:
        # Too many columns for the tree: it lacks what it lacks, which is not proven the least.
        least = min(found, again, key=lambda one: (one.lacking, -one.value))
        return _Proposal(least.fractions, _lacks(formulation, least.fractions), float("inf"), False)
    allowed, proven, start = _shortfalls(formulation, effort, found.fractions)
    softer = _relaxed(formulation, allowed, effort)
    again = _walk(formulation, softer if softer.feasible else relaxed, allowed, effort)
    fractions = again.fractions
    if start is not None and (again.lacking > 0.0 or formulation.worth @ start > again.value):
        fractions = start
    return _Proposal(fractions, allowed, float("inf"), proven and not effort.is_over)


def _lacks(formulation: Formulation, fractions: Real) -> dict[str, float]:
    """Hours that each floor lacks of what it asks."""
    return {row.promise.id: row.over(fractions) for row in formulation.floors}


def _walk(formulation: Formulation, relaxed: highs.Answer, allowed: Mapping[str, float], effort: _Effort) -> Found:
    """The best of some walks from the relaxed problem's answer, or from a plan made block by block."""
    gains = gains_of(formulation, relaxed.cell_prices, relaxed.promise_prices)
    may_lack = _may_lack(formulation, allowed)
    a_block = _a_block(formulation)
    is_bounded = a_block < _LARGE_BLOCK and len(formulation.worth) <= _BOUNDED
    steps = _steps(formulation, effort, _FIRST_PART if is_bounded else _PART)

    def one(number: int) -> Found:
        start, heat, seed = relaxed.fractions, 1.0, effort.seed * _WALKS + number
        if a_block >= _LARGE_BLOCK:
            pairs = int(_PAIR_PART * effort.searching / (_PAIR_COLUMN * a_block))
            prices = relaxed.cell_prices, relaxed.promise_prices, relaxed.fractions
            start = fill_by_blocks(formulation, *prices, may_lack, rounds=pairs, seed=seed, stop=lambda: effort.is_over)
            heat = _GENTLE
        return search(
            formulation,
            gains,
            start,
            relaxed.promise_prices,
            may_lack,
            steps=steps,
            heat=heat,
            seed=seed,
            stop=lambda _done: effort.is_over,
        )

    return _best_of(one, effort)


def _better(formulation: Formulation, one: _Proposal, other: _Proposal) -> _Proposal:
    """The one that is worth more, of two that keep the same promises, with the tighter of their bounds."""
    if one.allowed != other.allowed:
        return one
    more = max(one, other, key=lambda proposal: float(formulation.worth @ proposal.fractions))
    return replace(more, bound=min(one.bound, other.bound), finished=one.finished and other.finished)


def _block_bound(formulation: Formulation, relaxed: highs.Answer, proposal: _Proposal, effort: _Effort) -> Bound:
    part = _SMALL_BOUND_PART if _a_block(formulation) < _LARGE_BLOCK else _BOUND_PART
    return bound_by_blocks(
        formulation,
        relaxed.cell_prices,
        relaxed.promise_prices,
        relaxed.fractions,
        proposal.allowed,
        rounds=max(1, int(part * effort.searching / (_ROUND_COLUMN * len(formulation.worth)))),
        threads=effort.threads,
        enough=float(formulation.worth @ proposal.fractions) * (1 + effort.gap),
        stop=lambda: effort.is_over,
    )


def _by_tree(formulation: Formulation, effort: _Effort) -> _Proposal:
    allowed, proven, start = _shortfalls(formulation, effort, None)
    answer = _tree(formulation, None, allowed, effort, start)
    fractions = answer.fractions if answer.feasible else start
    return _Proposal(
        np.zeros(len(formulation.worth)) if fractions is None else fractions,
        allowed,
        answer.bound if answer.bounded else float("inf"),
        proven and (answer.finished or not effort.is_over),
        proven and answer.finished,
    )


def _tree(
    formulation: Formulation,
    floor: str | None,
    allowed: Mapping[str, float],
    effort: _Effort,
    start: Real | None,
) -> highs.Answer:
    return highs.solve(
        formulation,
        minimise_floor=floor,
        allowed_shortfall=allowed,
        relaxed=False,
        gap=effort.gap,
        seconds=effort.left,
        seed=effort.seed,
        nodes=_NODES,
        start=start,
    )


def _shortfalls(
    formulation: Formulation, effort: _Effort, start: Real | None
) -> tuple[dict[str, float], bool, Real | None]:
    """The least shortfall of each floor, those of a lower rank first; whether each was proven least; and a choice that
    reaches them."""
    floors = [row.promise for row in formulation.floors]
    if not floors:
        return {}, True, None
    none_lacks = {floor.id: 0.0 for floor in floors}
    answer = _tree(formulation, floors[0].id, none_lacks, effort, None)
    if answer.feasible:
        return none_lacks, True, answer.fractions
    allowed: dict[str, float] = {}
    proven = True
    for floor in sorted(floors, key=lambda promise: (promise.rank, promise.id)):
        answer = _tree(formulation, floor.id, allowed, effort, start)
        proven = proven and answer.finished
        if answer.feasible:
            least = max(0.0, answer.shortfalls[floor.id])
            allowed[floor.id] = least + _SLACK * max(1.0, least)
            start = answer.fractions
    return allowed, proven, start


def _lacking(allowed: Mapping[str, float], promises: list[PromiseResult]) -> dict[str, float]:
    """What each floor lacks in the bound: as much as could not be avoided, and no less than it lacks in the plan."""
    return {result.id: max(allowed.get(result.id, 0.0), result.shortfall) for result in promises}
