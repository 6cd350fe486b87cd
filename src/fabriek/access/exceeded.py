"""Caps that earlier decisions exceed already: nothing more may be awarded to whom they limit.

What follows is plain without a solver: its subjects get nothing, and for all others it says nothing.
"""

from __future__ import annotations

from fabriek.allocation.problem import Application, Problem, Promise, parse_problem
from fabriek.allocation.rules import counts


def exceeded_caps(problem: Problem) -> list[Promise]:
    """The caps on awarded hours that are exceeded before anything of this problem is awarded."""
    return [
        promise
        for promise in problem.promises
        if promise.kind == "cap"
        and promise.of == "awarded"
        and promise.reached_before > promise.fraction * promise.base_before
    ]


def without_exceeded(problem: Problem) -> tuple[Problem, dict[str, list[str]]]:
    """The problem without those whom exceeded caps limit wherever they ask, and these: application -> caps.

    A cap that limits nobody who is left is left out too. Who also asks for what a cap doesn't limit stays, with it.
    """
    caps = exceeded_caps(problem)
    barred: dict[str, list[str]] = {}
    for application in problem.applications:
        limiting = [[cap.id for cap in caps if counts(cap, application, place)] for place in _places(application)]
        if all(limiting):
            barred[application.id] = sorted(set().union(*limiting))
    left = [application for application in problem.applications if application.id not in barred]
    gone = {cap.id for cap in caps if not any(counts(cap, who, place) for who in left for place in _places(who))}
    if not gone and not barred:
        return problem, {}
    document = problem.model_dump(mode="json", by_alias=True, exclude_none=True)
    document["promises"] = [row for row in document["promises"] if row["id"] not in gone]
    document["applications"] = [row for row in document["applications"] if row["id"] not in barred]
    return parse_problem(document), barred


def _places(application: Application) -> list[str]:
    return [alternative.partition for alternative in application.alternatives]
