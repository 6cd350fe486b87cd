"""How far an application was from an award, by the certificate's prices: for all at once, and not checked.

At the prices an award pays if it is worth at least what its hours cost. A score that is worth that much, or an amount
that costs that little, is near what would have been enough where prices are near the truth: for many small requests.
"""

from __future__ import annotations

import numpy as np

from fabriek.allocation.certificate import gains_of
from fabriek.allocation.explain.model import Asked, Change
from fabriek.allocation.formulation import Formulation, Real, formulate
from fabriek.allocation.plan import Certificate, Plan
from fabriek.allocation.problem import Alternative, Problem, canonical


def price_arrays(formulation: Formulation, certificate: Certificate) -> tuple[Real, Real]:
    """The certificate's prices: of each cell, and of each promise of the formulation."""
    number = {formulation.cell_name(cell): cell for cell in range(len(formulation.limits))}
    cells = np.zeros(len(formulation.limits))
    promises = {}
    for row in certificate.prices:
        if row.promise is not None:
            promises[row.promise] = row.price
        elif (cell := number.get((str(row.programme), str(row.partition), int(row.month or 0)))) is not None:
            cells[cell] = row.price
    return cells, np.array([promises.get(row.promise.id, 0.0) for row in formulation.promises])


def estimates_of(problem: Problem, plan: Plan) -> dict[str, list[Change]]:
    """For each refused application that could fit: the score and the amount that the prices ask for, unchecked."""
    if plan.certificate is None:
        return {}
    problem = canonical(problem)
    formulation = formulate(problem)
    cells, promises = price_arrays(formulation, plan.certificate)
    cost = formulation.worth - gains_of(formulation, cells, promises)
    score = np.array([choice.application.score for choice in formulation.choices])
    with np.errstate(divide="ignore", invalid="ignore"):
        needed = np.where(score > 0, cost * score / formulation.worth, np.inf)
        part = formulation.worth / cost
    if problem.value == "score*sqrt(hours)":
        part = part**2
    refused = {refusal.application for refusal in plan.refusals}
    found: dict[str, list[Change]] = {}
    starts = formulation.group_start.tolist()
    for group in range(formulation.groups):
        column = starts[group] + int(np.argmin(needed[starts[group] : starts[group + 1]]))
        application = formulation.choices[column].application
        if application.id not in refused:
            continue
        changes = []
        if application.score < needed[column] < np.inf:
            changes.append(Change(kind="score", checked=False, needed=float(needed[column])))
        # Of score x hours, less asked is less worth in the same measure: the amount changes nothing.
        if problem.value != "score*hours" and 0 < part[column] < 1:
            asked = application.alternatives[0].hours
            changes.append(Change(kind="amount", checked=False, needed=float(part[column]) * asked))
        found[application.id] = changes
    return found


def asked_of(problem: Problem, alternative: Alternative) -> Asked:
    """An alternative with its first month by name."""
    return Asked(
        partition=alternative.partition,
        start=problem.months[alternative.start],
        months=alternative.months,
        hours=float(alternative.hours),
    )
