"""Solve a decision problem: floors first, in order of rank, then the greatest value.

The model is told in docs/explanation/allocation.md.

The solver proposes; what counts is exact. `whole.py` makes of its fractions awards in whole hours that exceed no share
or cap by any amount. The bound is checked apart from the solver by weak duality (`certificate.py`), as `verify` does.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from fabriek.allocation import highs
from fabriek.allocation.certificate import certify
from fabriek.allocation.explain import refusals_of
from fabriek.allocation.formulation import Formulation, formulate
from fabriek.allocation.hours import book, value_of
from fabriek.allocation.plan import Plan, PromiseResult, gap_between
from fabriek.allocation.problem import Problem, canonical, problem_sha256
from fabriek.allocation.whole import whole_awards

# Floors that the solver's tolerance could open or close: a part of the floor's own size.
_SLACK = 1e-7


def solve(
    problem: Problem,
    *,
    gap: float = 1e-6,
    seconds: float = 60.0,
    threads: int = 1,
    seed: int = 0,
    progress: Callable[[str], None] | None = None,
) -> Plan:
    """The best plan that was found, with its certificate.

    gap: stop when the plan is within this part of the bound. seconds: stop after this long with the best plan so far
    (status `time`). The plan doesn't depend on threads, nor on the order of rows. `required`, `reached` and
    `shortfall` of the promises are those of the plan itself.
    """
    del threads  # One tree, walked by one thread, gives the same plan on every machine.
    began = time.monotonic()
    tell = progress or (lambda _what: None)
    problem = canonical(problem)
    formulation = formulate(problem)

    def left() -> float:
        return max(0.2, seconds - (time.monotonic() - began))

    def ask(
        floor: str | None, allowed: dict[str, float], *, relaxed: bool = False, start: np.ndarray | None = None
    ) -> highs.Answer:
        return highs.solve(
            formulation,
            minimise_floor=floor,
            allowed_shortfall=allowed,
            relaxed=relaxed,
            start=start,
            gap=gap,
            seconds=left(),
            seed=seed,
        )

    tell("floors")
    allowed, floors_proven, start = _shortfalls(formulation, ask)
    tell("value")
    answer = ask(None, allowed, start=start)
    tell("certificate")
    duals = ask(None, allowed, relaxed=True).duals
    tell("exact check")
    found = answer.fractions if answer.feasible else start
    awards = whole_awards(formulation, np.zeros(len(formulation.choices)) if found is None else found, allowed)
    promises = book(problem, awards).results()
    certificate = certify(formulation, duals, _lacking(allowed, promises))
    value = value_of(problem, awards)
    bound = max(value, min(certificate.bound, answer.bound) if answer.bounded else certificate.bound)
    reached = gap_between(value, bound)
    in_time = answer.finished and floors_proven
    return Plan(
        problem_sha256=problem_sha256(problem),
        value=value,
        bound=bound,
        gap=reached,
        status="time" if not in_time else "optimal" if reached <= 1e-6 else "gap",
        awards=awards,
        refusals=refusals_of(problem, formulation, awards),
        promises=promises,
        certificate=certificate,
    )


def _shortfalls(
    formulation: Formulation, ask: Callable[..., highs.Answer]
) -> tuple[dict[str, float], bool, np.ndarray | None]:
    """The least shortfall of each floor, those of a lower rank first; whether each was proven least; and a choice that
    reaches them."""
    floors = [promise for promise in formulation.problem.promises if promise.kind == "floor"]
    if not floors:
        return {}, True, None
    none_lacks = dict.fromkeys(formulation.floors, 0.0)
    answer = ask(floors[0].id, none_lacks)
    if answer.feasible:
        return none_lacks, True, answer.fractions
    allowed: dict[str, float] = {}
    proven = True
    start: np.ndarray | None = None
    for floor in sorted(floors, key=lambda promise: (promise.rank, promise.id)):
        answer = ask(floor.id, allowed, start=start)
        proven = proven and answer.finished
        if answer.feasible:
            least = max(0.0, answer.shortfalls[floor.id])
            allowed[floor.id] = least + _SLACK * max(1.0, least)
            start = answer.fractions
    return allowed, proven, start


def _lacking(allowed: dict[str, float], promises: list[PromiseResult]) -> dict[str, float]:
    """What each floor lacks in the bound: as much as could not be avoided, and no less than it lacks in the plan."""
    return {result.id: max(allowed.get(result.id, 0.0), result.shortfall) for result in promises}
