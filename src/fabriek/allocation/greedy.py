"""Rank order, as panels decide by hand: down the list of scores, what fits is awarded.

What `solve` is measured against.
"""

from __future__ import annotations

from fractions import Fraction

from fabriek.allocation.explain import refusals_of
from fabriek.allocation.formulation import Choice, formulate
from fabriek.allocation.hours import Room, value_of
from fabriek.allocation.plan import Award, Plan
from fabriek.allocation.problem import Problem, problem_sha256
from fabriek.allocation.rules import worth


def by_rank(problem: Problem) -> Plan:
    """The plan of rank order: shares and caps are kept, floors as they fall out. Without a bound of its own."""
    room = Room(problem)
    awards: dict[str, Award] = {}
    for application in sorted(problem.applications, key=lambda row: (-row.score, row.id)):
        if application.score < problem.threshold:
            continue
        for place, alternative in enumerate(application.alternatives):
            choice = Choice(application, place, worth(problem, application, alternative, place), alternative.hours)
            hours = Fraction(repr(alternative.hours))
            if not room.cells_without_room(choice, hours) and not room.caps_exceeded(choice, hours):
                room.take(choice, hours)
                awards[application.id] = Award(application=application.id, alternative=place, hours=alternative.hours)
                break
    ordered = [awards[application] for application in sorted(awards)]
    value = value_of(problem, ordered)
    return Plan(
        problem_sha256=problem_sha256(problem),
        value=value,
        bound=value,
        gap=0.0,
        status="gap",
        awards=ordered,
        refusals=refusals_of(problem, formulate(problem), ordered),
        promises=room.results(),
    )
