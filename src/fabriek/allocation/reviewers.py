"""Who reviews what: never with a conflict of interest, within load limits, evenly, by expertise.

A flow of least cost: each application sends out as many units as it needs reviews, over pairs of one unit, into
reviewers, whose next review costs more than the one before. The optimum over all pairs is found, not over the pairs
that look best: the linear programme starts with some pairs of each application, and its prices tell which of the others
could still help, until none can (column generation: Dantzig and Wolfe 1960; Ahuja, Magnanti and Orlin, 'Network Flows',
1993, sections 9.3 and 14.4). The matrix is that of a flow, so the vertices of the programme are whole numbers.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import highspy
import numpy as np

from fabriek.allocation.highs import new_solver

# Pairs of each application that the programme begins with, and how many more it may ask for in one round.
_FIRST, _MORE = 6, 4
# Far below the fourth place of a fit, far above what the solver may be wrong by: it only settles ties.
_TIE = 1e-5
_EXACT = 1e-9


class TooFewReviewers(ValueError):
    """Applications can't get enough reviewers. `application` names one, `together` all that compete for the room.

    wanted: reviews it needs. able: reviewers without a conflict of interest. free: those of them with room left.
    needed, room: reviews that `together` need, and that all who may review them can still take.
    """

    def __init__(
        self, application: str, wanted: int, able: int, free: int, together: Sequence[str], needed: int, room: int
    ) -> None:
        reviews = "1 reviewer" if wanted == 1 else f"{wanted} reviewers"
        if able < wanted:
            why = f"and only {able} have no conflict of interest; add reviewers or ask for fewer reviews"
        elif len(together) == 1:
            why = (
                f"and of the {able} without a conflict of interest only {free} have room within their load limit; "
                "raise the limit, add reviewers or ask for fewer reviews"
            )
        else:
            why = (
                f"and {able} have no conflict of interest, but it and {len(together) - 1} others need {needed} reviews "
                f"and those who may do them have room for {room}; raise the load limit, add reviewers or ask for fewer"
            )
        super().__init__(f"{application} needs {reviews} {why}")
        self.application, self.wanted, self.able, self.free = application, wanted, able, free
        self.together, self.needed, self.room = tuple(together), needed, room


def assign_reviewers(
    applications: Sequence[str],
    reviewers: Sequence[str],
    per_application: int | Mapping[str, int],
    conflicts: Collection[tuple[str, str]] = (),
    fit: np.ndarray | Mapping[tuple[str, str], float] | None = None,
    load: Mapping[str, int] | None = None,
    limits: Mapping[str, int] | None = None,
    evenness: float = 1.0,
) -> dict[str, list[str]]:
    """`per_application` different reviewers for each application: {application: [reviewer, ...]}, in order of name.

    applications, reviewers: names, each once. conflicts: pairs (application, reviewer) that are never assigned.
    fit: shape (applications, reviewers) or {(application, reviewer): fit}, 0 to 1. load: reviews that a reviewer
    has to do already. limits: the most reviews of a reviewer, those to do already among them; who isn't named has
    no limit. evenness: how much fit a review more than another reviewer's is worth; 1 puts even loads before expertise.
    Least is sum over reviewers of evenness x (1 + 2 + ... + load) minus the sum of fits. The same input in any order
    gives the same answer. Errors: TooFewReviewers; ValueError for a name twice or a fit outside 0 to 1.
    """
    problem = _problem(applications, reviewers, per_application, conflicts, fit, load or {}, limits or {}, evenness)
    assigned: dict[str, list[str]] = {application: [] for application in problem.applications}
    if not problem.wanted.any():
        return assigned
    _refuse_what_is_short(problem)
    chosen = _Programme(problem).solve()
    for a, r in zip(*np.nonzero(chosen), strict=True):
        assigned[problem.applications[a]].append(problem.reviewers[r])
    return assigned


@dataclass(frozen=True)
class _Problem:
    """In order of name. able: pairs without a conflict. cost: of a pair. load, room: per reviewer, reviews."""

    applications: list[str]
    reviewers: list[str]
    wanted: np.ndarray
    able: np.ndarray
    cost: np.ndarray
    load: np.ndarray
    room: np.ndarray
    evenness: float


def _problem(
    applications: Sequence[str],
    reviewers: Sequence[str],
    per_application: int | Mapping[str, int],
    conflicts: Collection[tuple[str, str]],
    fit: np.ndarray | Mapping[tuple[str, str], float] | None,
    load: Mapping[str, int],
    limits: Mapping[str, int],
    evenness: float,
) -> _Problem:
    for names, what in ((applications, "application"), (reviewers, "reviewer")):
        if len(set(names)) != len(names):
            raise ValueError(f"an {what} is named twice" if what == "application" else f"a {what} is named twice")
    if not 0 <= evenness <= 100:
        raise ValueError(f"evenness lies between 0 and 100, not at {evenness}")
    shape = (len(applications), len(reviewers))
    if isinstance(fit, Mapping):
        fits = np.array([[fit.get((a, r), 0.0) for r in reviewers] for a in applications], float).reshape(shape)
    else:
        fits = np.zeros(shape) if fit is None else np.asarray(fit, float)
    if fits.shape != shape:
        raise ValueError(f"fit has the shape {fits.shape} and not {shape}: applications, reviewers")
    if not np.all((fits >= 0) & (fits <= 1)):
        raise ValueError("a fit lies outside 0 to 1")
    by_name_a = sorted(range(shape[0]), key=applications.__getitem__)
    by_name_r = sorted(range(shape[1]), key=reviewers.__getitem__)
    a_names, r_names = [applications[n] for n in by_name_a], [reviewers[n] for n in by_name_r]
    place_a, place_r = {name: n for n, name in enumerate(a_names)}, {name: n for n, name in enumerate(r_names)}
    able = np.ones(shape, bool)
    for application, reviewer in conflicts:
        if application in place_a and reviewer in place_r:
            able[place_a[application], place_r[reviewer]] = False
    wanted = [per_application if isinstance(per_application, int) else per_application.get(a, 0) for a in a_names]
    loads = np.array([load.get(r, 0) for r in r_names], int)
    room = np.array([max(0, limits[r] - load.get(r, 0)) if r in limits else shape[0] for r in r_names], int)
    return _Problem(
        applications=a_names,
        reviewers=r_names,
        wanted=np.array(wanted, int),
        able=able,
        cost=-fits[np.ix_(by_name_a, by_name_r)] - _TIE * _draws(shape),
        load=loads,
        room=np.minimum(room, able.sum(axis=0)),
        evenness=evenness,
    )


def _draws(shape: tuple[int, int]) -> np.ndarray:
    """A number in [0, 1) for each pair, the same on every machine: ties fall the same way (SplitMix64's mixer)."""
    mixed = np.arange(shape[0] * shape[1], dtype=np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((mixed ^ (mixed >> np.uint64(31))) >> np.uint64(11)).astype(float).reshape(shape) / 2.0**53


# What can't be done


def _refuse_what_is_short(problem: _Problem) -> None:
    """Raise TooFewReviewers where no assignment exists, and say where it is short."""
    able = problem.able.sum(axis=1)
    short = np.flatnonzero(able < problem.wanted)
    if short.size:
        raise _shortage(problem, [int(short[np.argmin((able - problem.wanted)[short])])])
    if np.all(problem.room >= problem.able.sum(axis=0)):
        return
    witness = _short_of_room(problem)
    if witness:
        raise _shortage(problem, witness)


def _shortage(problem: _Problem, together: list[int]) -> TooFewReviewers:
    """Of those that are short together the one with the fewest reviewers to choose from is named."""
    has_room = problem.able & (problem.room > 0)
    worst = min(together, key=lambda a: (has_room[a].sum() - problem.wanted[a], a))
    if has_room[worst].sum() < problem.wanted[worst]:
        together = [worst]
    capacity = np.minimum(problem.room, problem.able[together].sum(axis=0))
    return TooFewReviewers(
        problem.applications[worst],
        wanted=int(problem.wanted[worst]),
        able=int(problem.able[worst].sum()),
        free=int(has_room[worst].sum()),
        together=[problem.applications[a] for a in together],
        needed=int(problem.wanted[together].sum()),
        room=int(capacity.sum()),
    )


def _short_of_room(problem: _Problem) -> list[int]:
    """Applications that need more reviews than those who may do them have room for; none: it can be done.

    By the greatest flow and its least cut (Ford and Fulkerson 1956; on this graph Hall's condition).
    """
    # Here, because a third of a second is much for a command that assigns nobody.
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import breadth_first_order, maximum_flow

    count_a, count_r = problem.able.shape
    source, sink = count_a + count_r, count_a + count_r + 1
    a, r = np.nonzero(problem.able)
    rows = np.concatenate([np.full(count_a, source), a, count_a + np.arange(count_r)])
    columns = np.concatenate([np.arange(count_a), count_a + r, np.full(count_r, sink)])
    capacity = np.concatenate([problem.wanted, np.ones(len(a), int), problem.room]).astype(np.int32)
    graph = csr_array((capacity, (rows, columns)), shape=(sink + 1, sink + 1), dtype=np.int32)
    flow = maximum_flow(graph, source, sink)
    if flow.flow_value >= problem.wanted.sum():
        return []
    left = (graph - flow.flow).tocsr()
    left.eliminate_zeros()
    reached = breadth_first_order(left, source, return_predecessors=False)
    return sorted(int(node) for node in reached if node < count_a)


# The programme


@dataclass
class _Programme:
    """The restricted linear programme: rows are applications, then reviewers; columns pairs, steps and what lacks."""

    problem: _Problem
    solver: Any = field(default_factory=new_solver)
    pairs: list[np.ndarray] = field(default_factory=list)
    columns_of_pairs: list[np.ndarray] = field(default_factory=list)

    def solve(self) -> np.ndarray:
        """The best of all assignments: shape (applications, reviewers), true where assigned."""
        problem = self.problem
        self._begin()
        while True:
            values, prices = self._run()
            wanting = self._wanting(prices)
            reached_last = self._open_steps(values)
            if not wanting.any() and not reached_last:
                break
            self._add_pairs(wanting)
        chosen = np.zeros(problem.able.shape, bool)
        for pairs, columns in zip(self.pairs, self.columns_of_pairs, strict=True):
            chosen[tuple(pairs[:, values[columns] > 0.5])] = True
        if not (np.array_equal(chosen.sum(axis=1), problem.wanted) and np.all(chosen.sum(axis=0) <= problem.room)):
            raise RuntimeError("the solver's assignment is not whole")  # a vertex of a flow always is
        return chosen

    def _begin(self) -> None:
        problem = self.problem
        count_a, count_r = problem.able.shape
        for option, setting in (
            ("solver", "simplex"),
            # The same number as in highs.py: HiGHS keeps one pool of threads for a process and refuses another size.
            ("threads", 1),
            ("parallel", "off"),
            ("presolve", "off"),
            ("primal_feasibility_tolerance", _EXACT),
            ("dual_feasibility_tolerance", _EXACT),
        ):
            self.solver.setOptionValue(option, setting)
        none = (0, np.array([], np.int32), np.array([], np.int32), np.array([], float))
        wanted = problem.wanted.astype(float)
        self.solver.addRows(count_a, wanted, wanted, *none)
        self.solver.addRows(count_r, np.zeros(count_r), np.zeros(count_r), *none)
        # What an application lacks: dearer than any way round. It is there so that each round has an answer.
        most = problem.evenness * (problem.load.max(initial=0) + problem.room.max(initial=0) + 1)
        self._add(np.full(count_a, 2.0 * (count_r + 1) + most), wanted, [np.arange(count_a)], [1.0])
        share = -(-int(problem.wanted.sum()) // max(1, count_r))
        self.opened = np.zeros(count_r, int)
        self.tails = np.full(count_r, -1)
        self._open(np.arange(count_r), share + 4)
        self._add_pairs(self._first_pairs())

    def _first_pairs(self) -> np.ndarray:
        """Those that fit best, and as many that go round the reviewers, so that room is met from the start."""
        problem = self.problem
        cost = np.where(problem.able, problem.cost, np.inf)
        more = min(cost.shape[1], int(problem.wanted.max(initial=0)) + _FIRST)
        first = np.zeros(cost.shape, bool)
        if more:
            np.put_along_axis(first, np.argpartition(cost, more - 1, axis=1)[:, :more], True, axis=1)
            turns = np.where(problem.able, _draws(cost.shape), np.inf)
            np.put_along_axis(first, np.argpartition(turns, more - 1, axis=1)[:, :more], True, axis=1)
        return first & problem.able

    def _add(
        self, cost: np.ndarray, upper: np.ndarray, rows: list[np.ndarray], coefficients: list[float]
    ) -> np.ndarray:
        """New columns, each with an entry in each of `rows`; returns their numbers."""
        count, first = len(cost), self.solver.getNumCol()
        index = np.stack(rows, axis=1).ravel().astype(np.int32)
        starts = (np.arange(count) * len(rows)).astype(np.int32)
        value = np.tile(np.array(coefficients), count)
        self.solver.addCols(
            count, np.asarray(cost, float), np.zeros(count), np.asarray(upper, float), len(index), starts, index, value
        )
        return np.arange(first, first + count)

    def _add_pairs(self, which: np.ndarray) -> None:
        pairs = np.array(np.nonzero(which))
        if pairs.shape[1]:
            cost = self.problem.cost[tuple(pairs)]
            rows = [pairs[0], len(self.problem.applications) + pairs[1]]
            self.columns_of_pairs.append(self._add(cost, np.ones(len(cost)), rows, [1.0, 1.0]))
            self.pairs.append(pairs)

    def _open(self, reviewers: np.ndarray, number: int) -> None:
        """The next `number` reviews of these reviewers, each at its own cost, and the rest at the cost of the next."""
        problem = self.problem
        for r in reviewers:
            if self.tails[r] >= 0:
                self.solver.changeColBounds(int(self.tails[r]), 0.0, 0.0)
        until = np.minimum(self.opened + number, problem.room)
        steps = [(r, k) for r in reviewers for k in range(self.opened[r], until[r])]
        who = np.array([r for r, _k in steps], int)
        place = np.array([k for _r, k in steps], int)
        row = len(problem.applications)
        self._add(self._step_cost(who, place), np.ones(len(who)), [row + who], [-1.0])
        rest = np.array([r for r in reviewers if until[r] < problem.room[r]], int)
        self.tails[reviewers] = -1
        if rest.size:
            cost, upper = self._step_cost(rest, until[rest]), problem.room[rest] - until[rest]
            self.tails[rest] = self._add(cost, upper, [row + rest], [-1.0])
        self.opened[reviewers] = until[reviewers]

    def _step_cost(self, reviewers: np.ndarray, place: np.ndarray) -> np.ndarray:
        return self.problem.evenness * (self.problem.load[reviewers] + place + 1.0)

    def _open_steps(self, values: np.ndarray) -> bool:
        """More steps for who takes reviews at the cost of 'the rest', which is too low for all but the first."""
        over = np.array([r for r, tail in enumerate(self.tails) if tail >= 0 and values[tail] > 0.5], int)
        if over.size and self.problem.evenness > 0:
            self._open(over, int(self.opened[over].max()))
            return True
        return False

    def _run(self) -> tuple[np.ndarray, np.ndarray]:
        self.solver.run()
        if self.solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            raise RuntimeError(f"no assignment: {self.solver.modelStatusToString(self.solver.getModelStatus())}")
        solution = self.solver.getSolution()
        return np.array(solution.col_value), np.array(solution.row_dual)

    def _wanting(self, prices: np.ndarray) -> np.ndarray:
        """The pairs outside the programme that would make it better, at most `_MORE` of each application."""
        problem = self.problem
        count_a = len(problem.applications)
        reduced = problem.cost - prices[:count_a, None] - prices[None, count_a:]
        reduced[~problem.able] = np.inf
        for pairs in self.pairs:
            reduced[tuple(pairs)] = np.inf
        more = min(_MORE, reduced.shape[1])
        wanting = np.zeros(reduced.shape, bool)
        if more:
            np.put_along_axis(wanting, np.argpartition(reduced, more - 1, axis=1)[:, :more], True, axis=1)
        return wanting & (reduced < -100 * _EXACT)
