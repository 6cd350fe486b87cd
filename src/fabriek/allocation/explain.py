"""Why an application got nothing, with the numbers behind the reason.

Reasons are tried in this order, and the first that holds is given:
threshold  its score is below the threshold;
capacity   no alternative fits the programme's share even if nobody else got anything;
displaced  it would fit but for others that were awarded and are worth more together;
cap        there is room, but a cap would be exceeded;
promise    there is room, but a floor of somebody else would be opened.
"""

from __future__ import annotations

from bisect import bisect_right
from fractions import Fraction
from typing import Any

from fabriek.allocation.formulation import Choice, Formulation
from fabriek.allocation.hours import Room, book
from fabriek.allocation.plan import Award, Refusal
from fabriek.allocation.problem import Application, Problem
from fabriek.allocation.rules import worth


def refusals_of(problem: Problem, formulation: Formulation, awards: list[Award]) -> list[Refusal]:
    """One refusal, with its reason, for each application without an award; in order of id."""
    awarded = {award.application: award for award in awards}
    applications = {application.id: application for application in problem.applications}
    room = book(problem, awards, formulation.demand)
    holders: dict[tuple[str, str, int], list[float]] = {}
    for award in awards:
        application = applications[award.application]
        choice = _choice(application, award.alternative)
        for cell in choice.cells:
            holders.setdefault(cell, []).append(application.score)
    for scores in holders.values():
        scores.sort()
    possible = {choice.application.id for choice in formulation.choices}
    empty = Room(problem, formulation.demand)
    return [
        _refusal(problem, application, room, empty, possible, holders)
        for application in sorted(problem.applications, key=lambda row: row.id)
        if application.id not in awarded
    ]


def _choice(application: Application, place: int) -> Choice:
    return Choice(application, place, 0.0, application.alternatives[place].hours)


def _refusal(
    problem: Problem,
    application: Application,
    room: Room,
    empty: Room,
    possible: set[str],
    holders: dict[tuple[str, str, int], list[float]],
) -> Refusal:
    if application.score < problem.threshold:
        return _told(application, "threshold", {"score": application.score, "threshold": problem.threshold})
    if application.id not in possible:
        return _told(application, "capacity", _too_large(problem, application, empty))
    for place in range(len(application.alternatives)):
        choice = _choice(application, place)
        hours = Fraction(repr(choice.hours))
        if not room.cells_without_room(choice, hours):
            if caps := room.caps_exceeded(choice, hours):
                return _told(application, "cap", {"promises": [cap.id for cap in caps]})
            if floors := room.floors_opened(choice, hours):
                return _told(application, "promise", {"promises": [floor.id for floor in floors]})
    return _told(application, "displaced", _displaced(problem, application, room, holders))


def _told(application: Application, reason: Any, detail: dict[str, Any]) -> Refusal:
    return Refusal(application=application.id, reason=reason, detail=detail)


def _too_large(problem: Problem, application: Application, empty: Room) -> dict[str, Any]:
    """For the preferred alternative: the month in which most lacks, what a month is asked and what the share holds."""
    choice = _choice(application, 0)
    asked = choice.hours_a_month * application.least
    cell = min(choice.cells, key=lambda cell: empty.left.get(cell, Fraction(0)))
    return {
        "partition": cell[1],
        "month": problem.months[cell[2]],
        "asked": asked,
        "share": float(empty.left.get(cell, Fraction(0))),
    }


def _displaced(
    problem: Problem,
    application: Application,
    room: Room,
    holders: dict[tuple[str, str, int], list[float]],
) -> dict[str, Any]:
    """For the preferred alternative: the month that is fullest, and the weakest score among those that hold it."""
    choice = _choice(application, 0)
    a_month = Fraction(repr(choice.hours)) / application.alternatives[0].months
    cell = min(choice.cells, key=lambda cell: room.left.get(cell, Fraction(0)) - a_month)
    others = holders.get(cell, [])
    detail: dict[str, Any] = {
        "partition": cell[1],
        "month": problem.months[cell[2]],
        "asked": float(a_month),
        "left": max(0.0, float(room.left.get(cell, Fraction(0)))),
        "score": application.score,
        "awarded": len(others),
        "worth": worth(problem, application, application.alternatives[0], 0),
    }
    if others:
        detail["lowest_awarded_score"] = others[0]
        # Who and how much is nobody's business but the board's; the score tells the applicant what was needed.
        detail["higher_scores"] = len(others) - bisect_right(others, application.score)
    return detail
