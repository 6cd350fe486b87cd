"""Solve a decision problem: floors first, in order of rank, then the greatest value.

The model is told in docs/explanation/allocation.md.

The solver proposes; what counts is exact. Its choice is rounded to whole hours and booked one award after another in
exact fractions, so that no share or cap is exceeded by any amount. The bound is checked apart from the solver by weak
duality: `bound_of` computes it from the prices in the certificate, as `verify` does.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from fractions import Fraction

from fabriek.allocation import highs
from fabriek.allocation.explain import refusals_of
from fabriek.allocation.formulation import Choice, Formulation, formulate
from fabriek.allocation.hours import Room, value_of
from fabriek.allocation.plan import Award, Certificate, Plan, Price, gap_between
from fabriek.allocation.problem import Problem, problem_sha256

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
    began = time.monotonic()
    tell = progress or (lambda _what: None)
    problem = canonical(problem)
    formulation = formulate(problem)

    def left() -> float:
        return max(0.2, seconds - (time.monotonic() - began))

    def ask(floor: str | None, allowed: dict[str, float], *, relaxed: bool = False) -> highs.Answer:
        return highs.solve(
            formulation,
            minimise_floor=floor,
            allowed_shortfall=allowed,
            relaxed=relaxed,
            gap=gap,
            seconds=left(),
            threads=threads,
            seed=seed,
        )

    tell("floors")
    allowed, floors_proven = _shortfalls(formulation, ask)
    tell("value")
    answer = ask(None, allowed)
    tell("certificate")
    prices_answer = ask(None, allowed, relaxed=True)
    tell("exact check")
    awards = _exact(problem, formulation, answer)
    certificate = _certificate(formulation, prices_answer, allowed)
    value = value_of(problem, awards)
    bound = min(certificate.bound, answer.bound) if answer.finished or answer.feasible else certificate.bound
    bound = max(bound, value)
    reached = gap_between(value, bound)
    in_time = answer.finished and floors_proven
    room = Room(problem)
    for award in awards:
        room.take(_choice(problem, award), Fraction(award.hours))
    return Plan(
        problem_sha256=problem_sha256(problem),
        value=value,
        bound=bound,
        gap=reached,
        status="time" if not in_time else "optimal" if reached <= 1e-6 else "gap",
        awards=awards,
        refusals=refusals_of(problem, formulation, awards),
        promises=room.results(),
        certificate=certificate,
    )


def canonical(problem: Problem) -> Problem:
    """The same problem with its rows in order of id, so that their order in the file can't change the plan."""
    return problem.model_copy(
        update={
            "partitions": sorted(problem.partitions, key=lambda row: row.id),
            "programmes": sorted(problem.programmes, key=lambda row: row.id),
            "applications": sorted(problem.applications, key=lambda row: row.id),
            "promises": sorted(problem.promises, key=lambda row: row.id),
        }
    )


def _shortfalls(formulation: Formulation, ask: Callable[..., highs.Answer]) -> tuple[dict[str, float], bool]:
    """The least shortfall of each floor, those of a lower rank first; and whether each was proven least."""
    floors = [promise for promise in formulation.problem.promises if promise.kind == "floor"]
    if not floors:
        return {}, True
    none_lacks = dict.fromkeys(formulation.floors, 0.0)
    if ask(floors[0].id, none_lacks).feasible:
        return none_lacks, True
    allowed: dict[str, float] = {}
    proven = True
    for floor in sorted(floors, key=lambda promise: (promise.rank, promise.id)):
        answer = ask(floor.id, allowed)
        least = max(0.0, answer.shortfalls[floor.id]) if answer.feasible else float("inf")
        proven = proven and answer.finished
        if answer.feasible:
            allowed[floor.id] = least + _SLACK * max(1.0, least)
    return allowed, proven


def _choice(problem: Problem, award: Award) -> Choice:
    application = next(a for a in problem.applications if a.id == award.application)
    alternative = application.alternatives[award.alternative]
    return Choice(application, award.alternative, 0.0, alternative.hours)


def _exact(problem: Problem, formulation: Formulation, answer: highs.Answer) -> list[Award]:
    """The solver's choice in whole hours, booked exactly; what fails by a hair is left out, what still fits is added.

    Most valuable first, so that rounding costs the least; then whatever still fits and opens no floor.
    """
    room = Room(problem)
    taken: dict[str, Award] = {}
    by_worth = sorted(range(len(formulation.choices)), key=lambda n: (-formulation.choices[n].worth, n))
    for number in by_worth:
        choice, fraction = formulation.choices[number], float(answer.fractions[number])
        if fraction < choice.application.least / 2 or choice.application.id in taken:
            continue
        hours = _whole_hours(choice, fraction)
        if hours and not room.cells_without_room(choice, hours) and not room.caps_exceeded(choice, hours):
            room.take(choice, hours)
            taken[choice.application.id] = _award(choice, hours)
    for number in sorted(by_worth, key=lambda n: (formulation.choices[n].place, -formulation.choices[n].worth, n)):
        choice = formulation.choices[number]
        if choice.application.id in taken:
            continue
        hours = Fraction(repr(choice.hours))
        if (
            not room.cells_without_room(choice, hours)
            and not room.caps_exceeded(choice, hours)
            and not room.floors_opened(choice, hours)
        ):
            room.take(choice, hours)
            taken[choice.application.id] = _award(choice, hours)
    return [taken[application] for application in sorted(taken)]


def _whole_hours(choice: Choice, fraction: float) -> Fraction:
    """All that was asked, or the whole hours of a part of it; 0 where less is left than is useful."""
    asked = Fraction(repr(choice.hours))
    if fraction >= 1 - 1e-9 or choice.application.least >= 1:
        return asked
    hours = Fraction(int(float(asked) * fraction + 1e-6))
    least = Fraction(repr(choice.application.least)) * asked
    if hours < least:
        hours = Fraction(-(-least.numerator // least.denominator))
    return min(hours, asked)


def _award(choice: Choice, hours: Fraction) -> Award:
    return Award(application=choice.application.id, alternative=choice.place, hours=float(hours))


def _certificate(formulation: Formulation, answer: highs.Answer, allowed: dict[str, float]) -> Certificate:
    prices = []
    for row in formulation.rows:
        price = answer.duals.get(row.name, 0.0)
        if price <= 0:
            continue
        if row.name[0] == "share":
            _kind, programme, partition, month = row.name
            prices.append(Price(programme=str(programme), partition=str(partition), month=int(str(month)), price=price))
        else:
            # A floor whose shortfall could not be avoided is relaxed by it in the bound.
            prices.append(
                Price(promise=str(row.name[1]), price=price, relaxed=allowed.get(str(row.name[1]), 0.0) or None)
            )
    return Certificate(bound=bound_of(formulation, prices), prices=prices, solver=highs.version())


def bound_of(formulation: Formulation, prices: list[Price]) -> float:
    """No plan is worth more: hours on offer at these prices, plus what each application gains over them.

    For any prices of at least zero (weak duality of linear programming); good prices make it tight.
    """
    price_of = {_name(price): price.price for price in prices}
    relaxed = {_name(price): price.relaxed or 0.0 for price in prices}
    total = 0.0
    cost = [0.0] * len(formulation.choices)
    for row in formulation.rows:
        price = price_of.get(row.name, 0.0)
        if price:
            total += price * (row.limit + relaxed.get(row.name, 0.0))
            for column, coefficient in row.coefficients.items():
                cost[column] += price * coefficient
    for group in formulation.groups:
        total += max(0.0, *(formulation.choices[column].worth - cost[column] for column in group))
    return total


def _name(price: Price) -> tuple[object, ...]:
    if price.promise is not None:
        return ("promise", price.promise)
    return ("share", price.programme, price.partition, price.month)
