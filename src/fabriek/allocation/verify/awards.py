"""Awards, shares, promises and the value: what the plan's numbers are when counted again."""

from __future__ import annotations

import math
from fractions import Fraction

from fabriek.allocation.plan import Plan
from fabriek.allocation.problem import Promise
from fabriek.allocation.verify.reading import Reading, agree, common_unit, exact, exact_sum

OPTIMAL = 1e-6
"""A plan is called optimal if its gap is at most this."""


def number_faults(plan: Plan) -> list[str]:
    """Everything that is a number is one, and of a sign that it can have."""
    named = [("value", plan.value, False), ("bound", plan.bound, False), ("gap", plan.gap, True)]
    for n, award in enumerate(plan.awards):
        named.append((f"awards[{n}].hours ({award.application})", award.hours, True))
    for n, result in enumerate(plan.promises):
        named.append((f"promises[{n}].required ({result.id})", result.required, False))
        named.append((f"promises[{n}].reached ({result.id})", result.reached, False))
        named.append((f"promises[{n}].shortfall ({result.id})", result.shortfall, True))
    if plan.certificate is not None:
        named.append(("certificate.bound", plan.certificate.bound, False))
        for n, price in enumerate(plan.certificate.prices):
            named.append((f"certificate.prices[{n}].price", price.price, True))
            if price.relaxed is not None:
                named.append((f"certificate.prices[{n}].relaxed", price.relaxed, True))
            if price.fraction is not None:
                named.append((f"certificate.prices[{n}].fraction", price.fraction, True))
    return [
        f"{where} is {number}, which is {'negative' if math.isfinite(number) else 'not a number'}"
        for where, number, from_zero in named
        if not math.isfinite(number) or (from_zero and number < 0)
    ]


def row_faults(reading: Reading, plan: Plan) -> list[str]:
    """Every application exactly once, as an award or as a refusal."""
    faults = []
    seen: dict[str, str] = {}
    named = [(f"awards[{n}]", award.application) for n, award in enumerate(plan.awards)]
    named += [(f"refusals[{n}]", refusal.application) for n, refusal in enumerate(plan.refusals)]
    for where, application in named:
        if application not in reading.number:
            faults.append(f"{where} names {application!r}, which is not in the problem")
        elif application in seen:
            faults.append(f"{where} names {application!r}, which {seen[application]} names too")
        seen.setdefault(application, where)
    missing = sorted(reading.number.keys() - seen.keys())
    return faults + [f"awards and refusals leave out {who!r}: it is neither awarded nor refused" for who in missing]


def award_faults(reading: Reading, plan: Plan) -> list[str]:
    """Each award is of an alternative that was asked, and of a useful part of it."""
    faults = []
    for n, award in enumerate(plan.awards):
        where = f"awards[{n}] ({award.application})"
        application = reading.problem.applications[reading.number[award.application]]
        threshold = reading.problem.threshold
        if application.score < threshold:
            faults.append(f"{where} has a score of {application.score}, below the threshold of {threshold}")
        if not 0 <= award.alternative < len(application.alternatives):
            faults.append(f"{where} names alternative {award.alternative}; there are {len(application.alternatives)}")
            continue
        asked = application.alternatives[award.alternative].hours
        if award.hours > asked:
            faults.append(f"{where} gives {award.hours} hours where {asked} were asked")
        elif award.hours <= 0 or exact(award.hours) < exact(application.least) * exact(asked):
            faults.append(
                f"{where} gives {award.hours} of {asked} hours, less than the useful part {application.least}"
            )
    return faults


class Booked:
    """The awards, counted: `used` of each share and `left` (parts of an hour, `unit` of them an hour; rounded down,
    which a whole number of parts does not notice), and of each promise `reached`, `base`, `required`, `shortfall`."""

    def __init__(self, reading: Reading, plan: Plan) -> None:
        self.reading = reading
        self.alternative = {
            award.application: int(reading.first[reading.number[award.application]]) + award.alternative
            for award in plan.awards
        }
        self.hours = {award.application: award.hours for award in plan.awards}
        lengths = {int(months) for months in set(reading.months.tolist())}
        self.unit = common_unit([*reading.hours.tolist(), *self.hours.values()], lengths)
        self.used: dict[tuple[str, str, int], int] = {}
        for application, n in self.alternative.items():
            a_month = self.parts(self.hours[application]) // int(reading.months[n])
            for cell in reading.cells(n):
                self.used[cell] = self.used.get(cell, 0) + a_month
        self.left = {
            cell: math.floor(hours * self.unit) - self.used.get(cell, 0) for cell, hours in reading.shares.items()
        }
        self.reached: dict[str, Fraction] = {}
        self.base: dict[str, Fraction] = {}
        self.asks: dict[str, Fraction] = {}
        for promise in reading.problem.promises:
            self._count(promise)

    def parts(self, hours: float) -> int:
        """Hours in parts."""
        return int(exact(hours) * self.unit)

    def hours_left(self, cell: tuple[str, str, int]) -> Fraction:
        """What is left of a share."""
        return self.reading.shares.get(cell, Fraction(0)) - Fraction(self.used.get(cell, 0), self.unit)

    def _count(self, promise: Promise) -> None:
        subject, within = self.reading.subject(promise), self.reading.within(promise)
        self.reached[promise.id] = exact(promise.reached_before) + exact_sum(
            self.hours[application] for application, n in self.alternative.items() if subject[n]
        )
        if promise.of == "capacity":
            self.base[promise.id] = self.reading.capacity(promise)
        else:
            self.base[promise.id] = exact(promise.base_before) + exact_sum(
                self.hours[application] for application, n in self.alternative.items() if within[n]
            )
        if promise.kind == "floor":
            self.asks[promise.id] = self.reading.demand(promise)

    def required(self, promise: Promise, more: Fraction = Fraction(0)) -> Fraction:
        """Hours that a floor asks for, as far as its class asks for them, or that a cap allows, if `more` hours of what
        it is a fraction of were awarded."""
        base = self.base[promise.id] + (more if promise.of == "awarded" else 0)
        required = exact(promise.fraction) * base
        return min(required, self.asks[promise.id]) if promise.kind == "floor" else required

    def shortfall(self, promise: Promise) -> Fraction:
        """What a floor lacks, or what exceeds a cap."""
        over = self.reached[promise.id] - self.required(promise)
        return max(Fraction(0), over if promise.kind == "cap" else -over)


def exceeded_before(cap: Promise, base: Fraction) -> Fraction:
    """What earlier decisions exceed a cap by: no plan can mend that, but none may make it more. base: of a cap on
    capacity, what it is a fraction of."""
    base = base if cap.of == "capacity" else exact(cap.base_before)
    return max(Fraction(0), exact(cap.reached_before) - exact(cap.fraction) * base)


def share_faults(reading: Reading, booked: Booked) -> list[str]:
    """No programme awards more than its share of a partition in a month."""
    return [
        f"awards of {cell[0]} on {cell[1]} in {reading.problem.months[cell[2]]} are "
        f"{float(Fraction(parts, booked.unit))!r} hours; "
        f"its share is {float(reading.shares.get(cell, Fraction(0)))!r}"
        for cell, parts in sorted(booked.used.items())
        if parts > reading.shares.get(cell, Fraction(0)) * booked.unit
    ]


def promise_faults(reading: Reading, booked: Booked, plan: Plan) -> list[str]:
    """Caps are kept, and required, reached and shortfall are what the awards amount to."""
    promises = {promise.id: promise for promise in reading.problem.promises}
    faults = []
    seen: set[str] = set()
    for n, told in enumerate(plan.promises):
        where = f"promises[{n}] ({told.id})"
        if told.id not in promises or told.id in seen:
            why = "is told twice" if told.id in seen else "is not a promise of the problem"
            faults.append(f"{where} {why}")
            continue
        seen.add(told.id)
        promise = promises[told.id]
        for field, is_ in (
            ("required", booked.required(promise)),
            ("reached", booked.reached[promise.id]),
            ("shortfall", booked.shortfall(promise)),
        ):
            if not agree(float(is_), getattr(told, field)):
                faults.append(f"{where}: {field} is {getattr(told, field)}; the awards make it {float(is_)!r}")
    faults += [f"promises leaves out {missing!r}" for missing in sorted(promises.keys() - seen)]
    faults += [
        f"awards count {float(booked.reached[promise.id])!r} hours for the cap {promise.id}; "
        f"it allows {float(booked.required(promise))!r}"
        for promise in reading.problem.promises
        if promise.kind == "cap" and booked.shortfall(promise) > exceeded_before(promise, booked.base[promise.id])
    ]
    return faults


def value_faults(reading: Reading, plan: Plan) -> list[str]:
    """The value is that of the awards, and gap and status follow from it and the bound."""
    terms = []
    for award in plan.awards:
        n = int(reading.first[reading.number[award.application]]) + award.alternative
        terms.append(float(reading.worth[n]) * (award.hours / float(reading.hours[n])))
    value = math.fsum(terms)
    faults = []
    if not agree(value, plan.value):
        faults.append(f"value is {plan.value}; the awards are worth {value!r}")
    if plan.bound < plan.value and not agree(plan.bound, plan.value):
        faults.append(f"bound is {plan.bound}, below the value {plan.value}")
    gap = max(0.0, plan.bound - plan.value) / max(abs(plan.value), 1e-9)
    if not agree(gap, plan.gap):
        faults.append(f"gap is {plan.gap}; value and bound make it {gap!r}")
    if plan.status == "optimal" and gap > OPTIMAL * (1 + 1e-6):
        faults.append(f"status is optimal, with a gap of {gap!r}")
    if plan.status == "gap" and gap < OPTIMAL * (1 - 1e-6):
        faults.append(f"status is gap, and a gap of {gap!r} is optimal")
    return faults
