"""Caps that earlier decisions exceed already: nothing more may be awarded to whom they limit.

A cap is a hard constraint, so a problem with one that is exceeded before it begins has no plan at all. What follows
from it is plain without a solver: its subjects get nothing, and for all others it says nothing.
"""

from __future__ import annotations

from fabriek.allocation.problem import Application, Problem, Promise, parse_problem


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
    """The problem without exceeded caps and without those whom they limit, and these: application -> caps."""
    caps = exceeded_caps(problem)
    if not caps:
        return problem, {}
    barred: dict[str, list[str]] = {}
    for application in problem.applications:
        limiting = [cap.id for cap in caps if _limits(cap, application)]
        if limiting:
            barred[application.id] = limiting
    document = problem.model_dump(mode="json", by_alias=True, exclude_none=True)
    gone = {cap.id for cap in caps}
    document["promises"] = [row for row in document["promises"] if row["id"] not in gone]
    document["applications"] = [row for row in document["applications"] if row["id"] not in barred]
    return parse_problem(document), barred


def _limits(cap: Promise, application: Application) -> bool:
    places = {alternative.partition for alternative in application.alternatives}
    return (
        (cap.programme is None or cap.programme == application.programme)
        and (cap.partitions is None or bool(places & set(cap.partitions)))
        and (cap.class_ is None or cap.class_ == application.class_)
        and (cap.country is None or cap.country == application.country)
        and (cap.organisation is None or cap.organisation == application.organisation)
        and (cap.commercial is None or application.commercial)
    )
