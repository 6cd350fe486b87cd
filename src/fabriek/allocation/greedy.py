"""Rank order, as panels decide by hand: down the list of scores, what fits is awarded.

What `solve` is measured against.
"""

from __future__ import annotations

from fabriek.allocation import highs
from fabriek.allocation.certificate import certify
from fabriek.allocation.explain import refusals_of
from fabriek.allocation.formulation import Choice, formulate
from fabriek.allocation.hours import Room, value_of
from fabriek.allocation.plan import Award, Plan, gap_between
from fabriek.allocation.problem import Application, Problem, canonical, problem_sha256
from fabriek.allocation.rules import exact, worth


def by_rank(problem: Problem) -> Plan:
    """The plan of rank order: shares and caps are kept, floors as they fall out. The bound is for plans that keep
    shares and caps; floors do not count in it, for the plan does not mind them.
    """
    problem = canonical(problem)
    ordered, room = rank_order(problem)
    formulation = formulate(problem)
    answer = highs.solve(formulation, allowed_shortfall={}, relaxed=True, seconds=60.0)
    certificate = certify(formulation, answer.cell_prices, answer.promise_prices, {})
    value = value_of(problem, ordered)
    gap = gap_between(value, certificate.bound)
    return Plan(
        problem_sha256=problem_sha256(problem),
        value=value,
        bound=certificate.bound,
        gap=gap,
        status="optimal" if gap <= 1e-6 else "gap",
        awards=ordered,
        refusals=refusals_of(problem, formulation, ordered, room),
        promises=room.results(),
        certificate=certificate,
    )


def rank_order(problem: Problem) -> tuple[list[Award], Room]:
    """The awards to a canonical problem, and what room is left. The list is gone down until nothing more is awarded,
    for a cap on a part of what is awarded opens as awards are made."""
    room = Room(problem)
    awards: dict[str, Award] = {}
    ranked = [
        application
        for application in sorted(problem.applications, key=lambda row: (-row.score, row.id))
        if application.score >= problem.threshold
    ]
    before = -1
    while before < len(awards):
        before = len(awards)
        for application in ranked:
            if application.id not in awards and (award := _award(problem, room, application)) is not None:
                awards[application.id] = award
    return [awards[application] for application in sorted(awards)], room


def _award(problem: Problem, room: Room, application: Application) -> Award | None:
    """The first alternative for which there is room, taken."""
    for place, alternative in enumerate(application.alternatives):
        choice = Choice(application, place, worth(problem, application, alternative, place), alternative.hours)
        hours = exact(alternative.hours)
        if not room.cells_without_room(choice, hours) and not room.caps_exceeded(choice, hours):
            room.take(choice, hours)
            return Award(application=application.id, alternative=place, hours=alternative.hours)
    return None
