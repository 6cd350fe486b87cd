"""The bound that anyone can recompute: hours on offer at some prices, plus what each application gains over them.

For any prices of at least zero no plan is worth more (weak duality of linear programming); the proof stands in
docs/explanation/allocation.md. The relaxed problem's duals are the prices that make it tight.
"""

from __future__ import annotations

from collections.abc import Mapping

from fabriek.allocation import highs
from fabriek.allocation.formulation import Formulation
from fabriek.allocation.plan import Certificate, Price


def certify(
    formulation: Formulation, duals: Mapping[tuple[object, ...], float], relaxed: Mapping[str, float]
) -> Certificate:
    """The certificate at the prices `duals` (row name to value an hour), for plans whose floors lack at most `relaxed`
    (promise to hours; a floor that isn't named lacks nothing)."""
    prices = []
    for row in formulation.rows:
        price = duals.get(row.name, 0.0)
        if price <= 0:
            continue
        if row.name[0] == "share":
            _kind, programme, partition, month = row.name
            prices.append(Price(programme=str(programme), partition=str(partition), month=int(str(month)), price=price))
        else:
            promise = str(row.name[1])
            prices.append(Price(promise=promise, price=price, relaxed=relaxed.get(promise, 0.0) or None))
    return Certificate(bound=bound_of(formulation, prices), prices=prices, solver=highs.version())


def bound_of(formulation: Formulation, prices: list[Price]) -> float:
    """No plan is worth more, at any prices of at least zero."""
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
