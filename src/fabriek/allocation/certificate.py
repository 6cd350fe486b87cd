"""The bound that anyone can recompute: hours on offer at some prices, plus what each application gains over them.

For any prices of at least zero no plan is worth more (weak duality of linear programming); the proof stands in
docs/explanation/allocation.md. The relaxed problem's duals are the prices that make it tight.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from fabriek.allocation import highs
from fabriek.allocation.formulation import Formulation, Real
from fabriek.allocation.plan import Certificate, Price


def certify(
    formulation: Formulation, cell_prices: Real, promise_prices: Real, relaxed: Mapping[str, float]
) -> Certificate:
    """The certificate at these prices (value an hour of each cell, and of each of `formulation.promises`), for plans
    whose floors lack at most `relaxed` (promise to hours; a floor that isn't named lacks nothing)."""
    prices = []
    for cell in np.flatnonzero(cell_prices > 0):
        programme, partition, month = formulation.cell_name(int(cell))
        prices.append(Price(programme=programme, partition=partition, month=month, price=float(cell_prices[cell])))
    for row, price in zip(formulation.promises, promise_prices, strict=True):
        if price > 0:
            name = row.promise.id
            prices.append(
                Price(
                    promise=name,
                    price=float(price),
                    relaxed=relaxed.get(name, 0.0) or None,
                    fraction=row.fraction if name in formulation.scarce else None,
                )
            )
    bound = bound_of(formulation, cell_prices, promise_prices, relaxed)
    return Certificate(bound=bound, prices=prices, solver=highs.version())


def bound_of(formulation: Formulation, cell_prices: Real, promise_prices: Real, relaxed: Mapping[str, float]) -> float:
    """No plan is worth more, at any prices of at least zero."""
    total = float(cell_prices @ formulation.limits)
    for row, price in zip(formulation.promises, promise_prices, strict=True):
        total += float(price) * (row.limit + relaxed.get(row.promise.id, 0.0))
    gains = gains_of(formulation, cell_prices, promise_prices)
    best = np.zeros(formulation.groups)
    np.maximum.at(best, formulation.group, gains)
    return total + float(best.sum())


def gains_of(formulation: Formulation, cell_prices: Real, promise_prices: Real) -> Real:
    """What each column is worth over the prices of what it takes: its reduced cost, before its own application's."""
    column, cell, hours = formulation.entries
    cost = np.bincount(column, hours * cell_prices[cell], minlength=len(formulation.worth))
    for row, price in zip(formulation.promises, promise_prices, strict=True):
        if price:
            cost[row.columns] += price * row.coefficients
    gains: Real = formulation.worth - cost
    return gains
