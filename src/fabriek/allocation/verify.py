"""Check a plan against its problem without any solver: a second reading of the format, in exact fractions.

Nothing here uses the code that made the plan, but for the meaning of single fields (`rules.py`, `problem.py`).
"""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction

from fabriek.allocation.plan import Award, Plan
from fabriek.allocation.problem import Application, Problem, Promise, problem_sha256
from fabriek.allocation.rules import (
    awardable,
    base_capacity,
    counts,
    eligible_demand,
    exact,
    excused,
    is_within,
    offered,
    share_hours,
    worth,
)

# Sums of a thousand floating-point numbers agree to this part.
_AGREES = 1e-6


def verify(problem: Problem, plan: Plan) -> list[str]:
    """What is wrong with a plan; empty: all that it claims holds."""
    if plan.problem_sha256 != problem_sha256(problem):
        return [
            f"problem_sha256 is {plan.problem_sha256}; this problem's is {problem_sha256(problem)}: another problem"
        ]
    applications = {application.id: application for application in problem.applications}
    faults = _rows(applications, plan)
    if faults:
        return faults
    for award in plan.awards:
        faults += _award(problem, applications[award.application], award)
    faults += _shares(problem, applications, plan)
    faults += _promises(problem, applications, plan)
    faults += _value(problem, applications, plan)
    faults += _bound(problem, plan)
    return faults


def _rows(applications: dict[str, Application], plan: Plan) -> list[str]:
    """Every application exactly once, as an award or as a refusal."""
    faults = []
    seen: dict[str, str] = {}
    named = [(f"awards[{n}]", award.application) for n, award in enumerate(plan.awards)]
    named += [(f"refusals[{n}]", refusal.application) for n, refusal in enumerate(plan.refusals)]
    for where, application in named:
        if application not in applications:
            faults.append(f"{where} names {application!r}, which is not in the problem")
        elif application in seen:
            faults.append(f"{where} names {application!r}, which {seen[application]} names too")
        seen[application] = where
    faults += [f"{missing!r} is neither awarded nor refused" for missing in sorted(applications.keys() - seen.keys())]
    return faults


def _award(problem: Problem, application: Application, award: Award) -> list[str]:
    if application.score < problem.threshold:
        return [f"{application.id} is awarded with {application.score}, below the threshold of {problem.threshold}"]
    if not 0 <= award.alternative < len(application.alternatives):
        return [f"{application.id} has no alternative {award.alternative}"]
    asked = exact(application.alternatives[award.alternative].hours)
    hours = exact(award.hours)
    if hours > asked:
        return [f"{application.id} is awarded {award.hours} hours and asked {float(asked)}"]
    if hours < exact(application.least) * asked:
        return [f"{application.id} is awarded {award.hours} hours, less than the useful part of {float(asked)}"]
    return []


def _shares(problem: Problem, applications: dict[str, Application], plan: Plan) -> list[str]:
    """No programme awards more than its share, no partition gives more than it has (where nothing is overbooked)."""
    used: dict[tuple[str, str, int], Fraction] = defaultdict(Fraction)
    for award in plan.awards:
        application = applications[award.application]
        if award.alternative >= len(application.alternatives):
            continue
        alternative = application.alternatives[award.alternative]
        for month in range(alternative.start, alternative.start + alternative.months):
            used[application.programme, alternative.partition, month] += exact(award.hours) / alternative.months
    limits = share_hours(problem)
    return [
        f"{programme} awards {float(hours):.3f} hours of {partition} in {problem.months[month]}; "
        f"its share is {float(limits.get((programme, partition, month), Fraction(0))):.3f}"
        for (programme, partition, month), hours in sorted(used.items())
        if hours > limits.get((programme, partition, month), Fraction(0))
    ]


def _promises(problem: Problem, applications: dict[str, Application], plan: Plan) -> list[str]:
    """Caps are kept, and required, reached and shortfall are what the awards amount to."""
    faults = []
    told = {result.id: result for result in plan.promises}
    if sorted(result.id for result in plan.promises) != sorted(promise.id for promise in problem.promises):
        return ["promises does not name each promise of the problem once"]
    for promise in problem.promises:
        reached, base = exact(promise.reached_before), exact(promise.base_before)
        for award in plan.awards:
            application = applications[award.application]
            partition = application.alternatives[award.alternative].partition
            if is_within(promise, application, partition):
                base += exact(award.hours)
            if counts(promise, application, partition):
                reached += exact(award.hours)
        if promise.of == "capacity":
            base = base_capacity(problem, promise)
        required = exact(promise.fraction) * base
        if promise.kind == "floor":
            required = min(required, eligible_demand(problem, promise))
        if promise.kind == "cap" and reached > required + excused(problem, promise):
            faults.append(f"{promise.id} caps at {float(required):.3f} hours; {float(reached):.3f} are awarded")
        shortfall = max(Fraction(0), required - reached if promise.kind == "floor" else reached - required)
        for name, is_, says in (
            ("required", required, told[promise.id].required),
            ("reached", reached, told[promise.id].reached),
            ("shortfall", shortfall, told[promise.id].shortfall),
        ):
            if not _close(float(is_), says):
                faults.append(f"{promise.id}: {name} is {float(is_):.3f}, the plan says {says}")
    return faults


def _value(problem: Problem, applications: dict[str, Application], plan: Plan) -> list[str]:
    value = 0.0
    for award in plan.awards:
        application = applications[award.application]
        alternative = application.alternatives[award.alternative]
        value += worth(problem, application, alternative, award.alternative) * award.hours / alternative.hours
    faults = []
    if not _close(value, plan.value):
        faults.append(f"value is {value}, the plan says {plan.value}")
    if plan.bound < plan.value and not _close(plan.bound, plan.value):
        faults.append(f"bound {plan.bound} lies below the value {plan.value}")
    gap = max(0.0, plan.bound - plan.value) / max(abs(plan.value), 1e-9)
    if not _close(gap, plan.gap):
        faults.append(f"gap is {gap}, the plan says {plan.gap}")
    if plan.status == "optimal" and gap > _AGREES:
        faults.append(f"status is optimal with a gap of {gap}")
    return faults


def _bound(problem: Problem, plan: Plan) -> list[str]:
    """Recompute the certificate's bound by weak duality: its proof is in docs/explanation/allocation.md.

    The plan's own `bound` may be smaller, where the solver's search proved more than prices can; that part rests on the
    solver, and `certificate.bound` doesn't.
    """
    if plan.certificate is None:
        return ["there is no certificate: nothing in the plan proves its bound"]
    limits = share_hours(problem)
    share_price: dict[tuple[str, str, int], float] = {}
    promise_price: dict[str, tuple[float, float]] = {}
    bound = 0.0
    promises = {promise.id: promise for promise in problem.promises}
    shortfalls = {result.id: result.shortfall for result in plan.promises}
    faults = []
    for price in plan.certificate.prices:
        if price.promise is not None:
            promise = promises.get(price.promise)
            if promise is None:
                faults.append(f"the certificate prices {price.promise!r}, which is not a promise of the problem")
                continue
            if promise.id in promise_price:
                faults.append(f"the certificate prices {promise.id} twice")
                continue
            fraction = exact(promise.fraction)
            if price.fraction is not None:
                fraction = Fraction(price.fraction)
                if fraction > exact(promise.fraction) or fraction * _most(problem, promise) > _demand(problem, promise):
                    faults.append(f"the certificate has {promise.id} ask {price.fraction} of all, more than it does")
                    continue
            promise_price[promise.id] = price.price, float(fraction)
            sign = 1 if promise.kind == "cap" else -1
            base = base_capacity(problem, promise) if promise.of == "capacity" else exact(promise.base_before)
            required = fraction * base
            if promise.kind == "floor" and promise.of == "capacity":
                required = min(required, eligible_demand(problem, promise))
            widened = excused(problem, promise) if promise.kind == "cap" else Fraction(0)
            bound += price.price * sign * float(required + widened - exact(promise.reached_before))
            relaxed = price.relaxed or 0.0
            # The bound is for plans whose floors lack at most that; this plan must be one of them.
            if shortfalls[promise.id] - relaxed > _AGREES * max(1.0, relaxed):
                faults.append(
                    f"the certificate lets {promise.id} lack {relaxed} hours; the plan lacks {shortfalls[promise.id]}"
                )
            bound += price.price * relaxed
        else:
            cell = (str(price.programme), str(price.partition), price.month if price.month is not None else -1)
            if cell not in limits:
                faults.append(f"the certificate prices {cell}, which is not a share of the problem")
                continue
            if cell in share_price:
                faults.append(f"the certificate prices {cell} twice")
                continue
            share_price[cell] = price.price
            bound += price.price * float(limits[cell])
    for application in problem.applications:
        if application.score >= problem.threshold:
            bound += _gain(problem, application, limits, share_price, promise_price)
    if not _close(bound, plan.certificate.bound):
        faults.append(f"the certificate's prices give a bound of {bound}, it says {plan.certificate.bound}")
    if plan.bound > plan.certificate.bound and not _close(plan.bound, plan.certificate.bound):
        faults.append(f"bound {plan.bound} is above the certificate's own {plan.certificate.bound}")
    return faults


def _gain(
    problem: Problem,
    application: Application,
    limits: dict[tuple[str, str, int], Fraction],
    share_price: dict[tuple[str, str, int], float],
    promise_price: dict[str, tuple[float, float]],
) -> float:
    """The most that an application could add over the prices of what it takes."""
    best = 0.0
    for place, alternative in enumerate(application.alternatives):
        cells = [
            (application.programme, alternative.partition, month)
            for month in range(alternative.start, alternative.start + alternative.months)
        ]
        a_month = alternative.hours / alternative.months
        if any(a_month * application.least > float(limits.get(cell, Fraction(0))) for cell in cells):
            continue
        cost = sum(share_price.get(cell, 0.0) * a_month for cell in cells)
        for promise in problem.promises:
            price, fraction = promise_price.get(promise.id, (0.0, 0.0))
            if price:
                part = 1.0 if counts(promise, application, alternative.partition) else 0.0
                if promise.of == "awarded" and is_within(promise, application, alternative.partition):
                    part -= fraction
                cost += price * part * alternative.hours * (1 if promise.kind == "cap" else -1)
        best = max(best, worth(problem, application, alternative, place) - cost)
    return best


def _most(problem: Problem, floor: Promise) -> Fraction:
    """No plan awards more hours of what the floor is a fraction of: all that is asked, or all that there is."""
    asked, limits = Fraction(0), share_hours(problem)
    for application in problem.applications:
        if application.score < problem.threshold:
            continue
        asked += max(
            (
                exact(alternative.hours)
                for alternative in application.alternatives
                if is_within(floor, application, alternative.partition) and awardable(application, alternative, limits)
            ),
            default=Fraction(0),
        )
    return exact(floor.base_before) + min(asked, offered(problem, floor))


def _demand(problem: Problem, floor: Promise) -> Fraction:
    """What the floor asks at the most, and a hair more, for the certificate's numbers are rounded."""
    return eligible_demand(problem, floor) * (1 + Fraction(1, 10**9))


def _close(a: float, b: float) -> bool:
    return abs(a - b) <= _AGREES * max(1.0, abs(a), abs(b))
