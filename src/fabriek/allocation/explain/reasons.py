"""Why an application got nothing, with the numbers behind the reason.

The first that holds:
threshold  its score is below the threshold;
capacity   no alternative fits the programme's share even if nobody else got anything;
cap        the first alternative that there is room for would exceed a cap; or there is room for none, and each that
           fits its share alone would exceed a cap even if nobody else got anything;
promise    the first alternative that there is room for would open a floor of somebody else;
displaced  it would fit but for others that were awarded.

`detail.alternative` is the one that the numbers are of: the most preferred that fits its share alone.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np

from fabriek.allocation.formulation import Choice, Formulation, Real, Whole
from fabriek.allocation.hours import Room, book
from fabriek.allocation.plan import Award, Refusal
from fabriek.allocation.problem import Application, Problem
from fabriek.allocation.rules import base_capacity, counts, exact, worth

# Hours a month that differ less than this part are compared again, exactly.
_NEAR = 1e-9


def refusals_of(
    problem: Problem, formulation: Formulation, awards: list[Award], room: Room | None = None
) -> list[Refusal]:
    """One refusal, with its reason, for each application without an award; in order of id.

    room: what the awards leave, where it is booked already.
    """
    awarded = {award.application for award in awards}
    board = board_of(problem, formulation, awards, room)
    return [
        _refusal(board, application)
        for application in sorted(problem.applications, key=lambda row: row.id)
        if application.id not in awarded
    ]


@dataclass(frozen=True)
class Board:
    """How things stand after the awards. columns: of each application's id, first and end; `roomy`: of each column,
    whether it may fit in what is left; `scarcest`: of each column, the cell of which least is left; scores: of those
    that hold hours of a cell, in order; full: what a cap on capacity has room for if nobody else were awarded."""

    problem: Problem
    formulation: Formulation
    room: Room
    columns: dict[str, tuple[int, int]]
    roomy: list[bool]
    scarcest: list[int]
    scores: dict[tuple[str, str, int], list[float]]
    full: dict[str, Fraction]


def board_of(problem: Problem, formulation: Formulation, awards: list[Award], room: Room | None = None) -> Board:
    """How things stand after these awards. room: what they leave, where it is booked already."""
    room = room or book(problem, awards, formulation.demand)
    applications = {application.id: application for application in problem.applications}
    scores: dict[tuple[str, str, int], list[float]] = {}
    for award in awards:
        application = applications[award.application]
        for cell in _choice(application, award.alternative).cells:
            scores.setdefault(cell, []).append(application.score)
    for found in scores.values():
        found.sort()
    left = np.array([float(room.left[formulation.cell_name(cell)]) for cell in range(len(formulation.limits))])
    least, scarcest = _least(formulation, left)
    starts = formulation.group_start
    columns = {formulation.choices[start].application.id: (start, end) for start, end in pairwise(starts.tolist())}
    return Board(
        problem,
        formulation,
        room,
        columns,
        (formulation.amount * (1 - _NEAR) <= least).tolist(),
        scarcest.tolist(),
        scores,
        {
            cap.id: max(Fraction(0), exact(cap.fraction) * base_capacity(problem, cap) - exact(cap.reached_before))
            for cap in room.caps
            if cap.of == "capacity"
        },
    )


def _least(formulation: Formulation, left: Real) -> tuple[Real, Whole]:
    """Of each column, the least that is left of a cell it draws on, and the first such cell."""
    if not len(formulation.first):
        return np.zeros(0), np.zeros(0, dtype=np.int64)
    column, cell, _hours = formulation.entries
    begins = np.cumsum(formulation.months) - formulation.months
    least = np.minimum.reduceat(left[cell], begins)
    # The number of the cell where it is the least one, and beyond all numbers elsewhere.
    number = np.where(left[cell] == least[column], cell, len(left))
    return least, np.minimum.reduceat(number, begins)


def _choice(application: Application, place: int) -> Choice:
    return Choice(application, place, 0.0, application.alternatives[place].hours)


def _refusal(board: Board, application: Application) -> Refusal:
    if application.score < board.problem.threshold:
        return _told(application, "threshold", {"score": application.score, "threshold": board.problem.threshold})
    if application.id not in board.columns:
        return _told(application, "capacity", _too_large(board, application, 0))
    first, end = board.columns[application.id]
    for column in range(first, end):
        if board.roomy[column] and (found := _in_the_way(board, board.formulation.choices[column])) is not None:
            return _told(application, *found)
    if board.room.caps:
        alone = [_caps_alone(board, board.formulation.choices[column]) for column in range(first, end)]
        if all(alone):
            place = board.formulation.choices[first].place
            return _told(application, "cap", {"promises": alone[0], "alternative": place})
    return _told(application, "displaced", _displaced(board, first))


@contextmanager
def without(board: Board, application: Application, award: Award) -> Iterator[None]:
    """The board as if this award had not been made, for as long as it is asked."""
    choice, hours = _choice(application, award.alternative), exact(award.hours)
    holders = [board.scores[cell] for cell in choice.cells]
    board.room.give_back(choice, hours)
    for scores in holders:
        scores.remove(application.score)
    try:
        yield
    finally:
        board.room.take(choice, hours)
        for scores in holders:
            insort(scores, application.score)


def why_not(board: Board, application: Application, place: int) -> tuple[str, dict[str, Any]]:
    """Why this alternative was not awarded: a reason as of a refusal, or `value` if nothing stands in its way. The
    board must be that of the awards of all others (`without`)."""
    first, end = board.columns.get(application.id, (0, 0))
    places = {board.formulation.choices[column].place: column for column in range(first, end)}
    if place not in places:
        return "capacity", _too_large(board, application, place)
    column = places[place]
    choice = board.formulation.choices[column]
    if (found := _in_the_way(board, choice)) is not None:
        return found
    if not board.room.cells_without_room(choice, exact(choice.hours)):
        return "value", {}
    if alone := _caps_alone(board, choice):
        return "cap", {"promises": alone, "alternative": place}
    return "displaced", _displaced(board, column, min(choice.cells, key=board.room.left.__getitem__))


def _told(application: Application, reason: Any, detail: dict[str, Any]) -> Refusal:
    # Made as it is: checking fifty thousand rows of our own takes half a second.
    return Refusal.model_construct(application=application.id, reason=reason, detail=detail)


def _in_the_way(board: Board, choice: Choice) -> tuple[str, dict[str, Any]] | None:
    """Which promises stand in the way of an alternative that there is room for; none: there is no room for it."""
    hours = exact(choice.hours)
    if board.room.cells_without_room(choice, hours):
        return None
    if caps := board.room.caps_exceeded(choice, hours):
        return "cap", {"promises": [cap.id for cap in caps], "alternative": choice.place}
    if floors := board.room.floors_opened(choice, hours):
        return "promise", {"promises": [floor.id for floor in floors], "alternative": choice.place}
    return None


def _caps_alone(board: Board, choice: Choice) -> list[str]:
    """Caps on a part of capacity that a useful part of it would exceed if nobody else were awarded anything."""
    least = exact(choice.hours) * exact(choice.application.least)
    return [
        cap.id
        for cap in board.room.caps
        if cap.id in board.full and counts(cap, choice.application, choice.partition) and least > board.full[cap.id]
    ]


def _too_large(board: Board, application: Application, place: int) -> dict[str, Any]:
    """For an alternative: the month in which most lacks, what a month is asked and what the share holds."""
    choice = _choice(application, place)
    numbers = {block: n for n, block in enumerate(board.formulation.blocks)}
    block = numbers.get((application.programme, choice.partition))

    def share(cell: tuple[str, str, int]) -> float:
        return 0.0 if block is None else float(board.formulation.limits[block * board.formulation.horizon + cell[2]])

    cell = min(choice.cells, key=share)
    return {
        "alternative": place,
        "partition": cell[1],
        "month": board.problem.months[cell[2]],
        "asked": choice.hours_a_month * application.least,
        "share": share(cell),
    }


def _displaced(board: Board, column: int, cell: tuple[str, str, int] | None = None) -> dict[str, Any]:
    """The month that is fullest, and the weakest score among those that hold it."""
    choice = board.formulation.choices[column]
    application = choice.application
    if cell is None:
        cell = board.formulation.cell_name(board.scarcest[column])
    others = board.scores.get(cell, [])
    detail: dict[str, Any] = {
        "alternative": choice.place,
        "partition": cell[1],
        "month": board.problem.months[cell[2]],
        "asked": choice.hours_a_month,
        "left": max(0.0, float(board.room.left[cell])),
        "score": application.score,
        "awarded": len(others),
        "worth": worth(board.problem, application, application.alternatives[choice.place], choice.place),
    }
    if others:
        detail["lowest_awarded_score"] = others[0]
        # Who and how much is nobody's business but the board's; the score tells the applicant what was needed.
        detail["higher_scores"] = len(others) - bisect_right(others, application.score)
    return detail
