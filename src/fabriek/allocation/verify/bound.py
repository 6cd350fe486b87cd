"""Whether a certificate proves its bound: no plan is worth more.

Weak duality (the proof is in docs/explanation/allocation.md): at any prices of at least zero, no plan is worth more
than the hours on offer at these prices plus what each application gains over the prices of what it takes.

A certificate of another kind gets its own function in `_KINDS`; `read_prices`, `gains_at` and `bound_at` serve any
that rests on prices, for all applications or for some.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from fabriek.allocation.plan import Certificate, Plan, Price
from fabriek.allocation.problem import Promise
from fabriek.allocation.verify.awards import exceeded_before
from fabriek.allocation.verify.reading import AGREES, Mask, Reading, Real, agree, exact

# The plan gives the part of a scarce floor as a rounded number: a hair more than it may be is rounding.
_ROUNDING = Fraction(1, 10**9)


def certificate_faults(reading: Reading, plan: Plan) -> list[str]:
    """What the certificate claims and doesn't prove, and what the plan claims beyond it.

    The plan's own `bound` may be smaller than the certificate's, where the solver's search proved more than prices can;
    that part rests on the solver.
    """
    if plan.certificate is None:
        return ["certificate is missing: nothing proves the bound"]
    faults = [fault for check in _KINDS for fault in check(reading, plan, plan.certificate)]
    if plan.bound > plan.certificate.bound and not agree(plan.bound, plan.certificate.bound):
        faults.append(f"bound is {plan.bound}, above the certificate's own {plan.certificate.bound}")
    return faults


@dataclass
class Prices:
    """`cells`: value of an hour, per block and month. `promises`: per promise its price, the part of all awarded hours
    that it asks for or allows (0: it is a number of hours), and the hours that a floor may lack. `faults`: what can't
    be read."""

    cells: Real
    promises: dict[str, tuple[float, Fraction, float]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def _by_prices(reading: Reading, plan: Plan, certificate: Certificate) -> list[str]:
    prices = read_prices(reading, certificate.prices, "certificate.prices")
    if prices.faults:
        return prices.faults
    faults = []
    # The bound is for plans whose floors lack at most what it allows; this plan must be one of them.
    shortfalls = {result.id: result.shortfall for result in plan.promises}
    floors = {promise.id for promise in reading.problem.promises if promise.kind == "floor"}
    for name, (_price, _fraction, relaxed) in prices.promises.items():
        lacks = shortfalls.get(name, 0.0) if name in floors else 0.0
        if lacks - relaxed > AGREES * max(1.0, relaxed):
            faults.append(f"certificate.prices let {name} lack {relaxed} hours; the plan lacks {lacks}")
    bound = bound_at(reading, prices)
    if not agree(bound, certificate.bound):
        faults.append(f"certificate.bound is {certificate.bound}; its prices make it {bound!r}")
    return faults


_KINDS: tuple[Callable[[Reading, Plan, Certificate], list[str]], ...] = (_by_prices,)


def read_prices(reading: Reading, rows: Iterable[Price], where: str) -> Prices:
    """Prices as the plan tells them, and what is wrong with them. where: their place in the file."""
    promises = {promise.id: promise for promise in reading.problem.promises}
    found = Prices(np.zeros_like(reading.limits))
    seen: dict[object, int] = {}
    for n, row in enumerate(rows):
        place = f"{where}[{n}]"
        cell = (row.programme, row.partition, row.month)
        key: object = cell if row.promise is None else row.promise
        if key in seen:
            found.faults.append(f"{place} prices {key!r}, which {where}[{seen[key]}] prices too")
            continue
        seen[key] = n
        if row.promise is None:
            fault = _cell_fault(reading, row)
            if fault is None:
                block = reading.block_number[str(row.programme), str(row.partition)]
                found.cells[block, int(row.month or 0)] = row.price
        elif any(part is not None for part in cell):
            fault = f"prices the promise {row.promise!r} and a share at once"
        elif row.promise not in promises:
            fault = f"prices {row.promise!r}, which is not a promise of the problem"
        else:
            promise = promises[row.promise]
            fault = _promise_fault(reading, promise, row)
            fraction = exact(promise.fraction) if row.fraction is None else Fraction(row.fraction)
            found.promises[promise.id] = row.price, fraction, row.relaxed or 0.0
        if fault is not None:
            found.faults.append(f"{place} {fault}")
    return found


def _cell_fault(reading: Reading, row: Price) -> str | None:
    if (row.programme, row.partition, row.month) not in reading.shares:
        return f"prices {row.programme} on {row.partition} in month {row.month}, which is not a share of the problem"
    if row.relaxed is not None or row.fraction is not None:
        return f"is of a share, which has no {'relaxed' if row.relaxed is not None else 'fraction'}"
    return None


def _promise_fault(reading: Reading, promise: Promise, row: Price) -> str | None:
    if row.relaxed is not None and promise.kind == "cap":
        # What earlier decisions exceed it by is not the plan's doing.
        before = float(exceeded_before(promise, reading.capacity(promise)))
        if row.relaxed > before and not agree(before, row.relaxed):
            return f"lets the cap {promise.id} be exceeded by {row.relaxed} hours; no plan may exceed it"
    if row.fraction is None:
        return None
    if promise.kind == "cap" or promise.of == "capacity":
        return f"has a fraction for {promise.id}, which is not a floor on awarded hours"
    # A floor asks min(its fraction x all that is awarded, what its class could get). A part of all that is awarded is
    # below that for every plan if it is at most the fraction, and of the most that can be awarded at most the demand.
    fraction = Fraction(row.fraction)
    demand = reading.demand(promise)
    if fraction > exact(promise.fraction) or fraction * reading.most(promise) > demand * (1 + _ROUNDING):
        return (
            f"has {promise.id} ask {row.fraction} of all that is awarded; it asks at most {promise.fraction}, "
            f"and {float(demand)!r} hours"
        )
    return None


def bound_at(reading: Reading, prices: Prices, only: Mask | None = None) -> float:
    """No plan is worth more at any prices of at least zero. only: of these alternatives alone. Not a finite number
    where prices are beyond all measure."""
    with np.errstate(over="ignore", invalid="ignore"):
        return _bound_at(reading, prices, only)


def _bound_at(reading: Reading, prices: Prices, only: Mask | None) -> float:
    offered = float((prices.cells * reading.limits).sum())
    for promise in reading.problem.promises:
        price, fraction, relaxed = prices.promises.get(promise.id, (0.0, Fraction(0), 0.0))
        if price:
            offered += price * (float(_limit(reading, promise, fraction)) + relaxed)
    gains = gains_at(reading, prices)
    can_be = reading.fits & reading.eligible[reading.owner]
    gains = np.where(can_be if only is None else can_be & only, gains, 0.0)
    best = np.zeros(len(reading.first) - 1)
    np.maximum.at(best, reading.owner, gains)
    return offered + float(best.sum())


def gains_at(reading: Reading, prices: Prices) -> Real:
    """What each alternative is worth over the prices of what it takes."""
    gains = reading.worth - reading.sum_of(prices.cells) * reading.hours / reading.months
    for promise in reading.problem.promises:
        price, fraction, _relaxed = prices.promises.get(promise.id, (0.0, Fraction(0), 0.0))
        if price:
            takes = reading.subject(promise).astype(np.float64)
            if promise.of == "awarded":
                takes -= float(fraction) * reading.within(promise)
            gains -= price * takes * reading.hours * (1.0 if promise.kind == "cap" else -1.0)
    return gains


def _limit(reading: Reading, promise: Promise, fraction: Fraction) -> Fraction:
    """The right side of a promise's row, turned so that it reads 'at most'."""
    base = reading.capacity(promise) if promise.of == "capacity" else exact(promise.base_before)
    hours = fraction * base
    if promise.kind == "cap":
        # Where earlier decisions exceed it already, a plan may add nothing.
        return max(Fraction(0), hours - exact(promise.reached_before))
    if promise.of == "capacity":
        hours = min(hours, reading.demand(promise))
    return exact(promise.reached_before) - hours
