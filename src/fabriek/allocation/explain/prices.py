"""What keeping each promise costs, and what more of each partition would add: by prices, and by solving again."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from fabriek.allocation.explain.again import Again, Enough, Settings, worst
from fabriek.allocation.explain.model import PartitionPrice, PromisePrice
from fabriek.allocation.plan import Plan
from fabriek.allocation.problem import HOURS_LIMIT, Problem, canonical
from fabriek.allocation.rules import share_hours

MORE = 0.1
"""A tenth more capacity in every month is what is tried."""


def price_promises(
    problem: Problem,
    plan: Plan,
    *,
    only: str | None = None,
    gap: float = 1e-6,
    seconds: float = 60.0,
    threads: int = 2,
    seed: int = 0,
    within: float | None = None,
    progress: Callable[[str], None] | None = None,
) -> list[PromisePrice]:
    """Of each promise, or of `only` one: the value without it less that with it, and who gains and loses.

    within: seconds after which no further one is begun, the dearest by the prices first; those that are left are not
    among what is returned.
    Promises come before value: without a promise others may be kept better, which can even cost value.
    """
    problem = canonical(problem)
    settings = Settings(gap, seconds, threads, seed)
    again = Again(problem, settings, most=len(problem.promises), progress=progress, within=within)
    hourly = {} if plan.certificate is None else {row.promise: row.price for row in plan.certificate.prices}
    with_it = {award.application for award in plan.awards}
    found = []
    for promise in sorted(problem.promises, key=lambda row: -abs(hourly.get(row.id, 0.0))):
        if only not in (None, promise.id):
            continue
        others = [row for row in problem.promises if row.id != promise.id]
        try:
            without = again.solve(problem.model_copy(update={"promises": others}))
        except Enough:
            break
        without_it = {award.application for award in without.awards}
        least, most = _between(plan, without)
        found.append(
            PromisePrice(
                promise=promise.id,
                least=least,
                most=most,
                exact=_is_optimal(plan, without),
                an_hour=hourly.get(promise.id, 0.0),
                value_without=without.value,
                gains=sorted(without_it - with_it),
                loses=sorted(with_it - without_it),
                status=worst(plan.status, without.status),
            )
        )
    place = {row.id: number for number, row in enumerate(problem.promises)}
    return sorted(found, key=lambda price: place[price.promise])


def price_partitions(
    problem: Problem,
    plan: Plan,
    *,
    only: str | None = None,
    more: float = MORE,
    check: bool = True,
    gap: float = 1e-6,
    seconds: float = 60.0,
    threads: int = 2,
    seed: int = 0,
    within: float | None = None,
    progress: Callable[[str], None] | None = None,
) -> list[PartitionPrice]:
    """Of each partition, or of `only` one: what an hour and a month more of it are worth at the certificate's prices,
    and what a part more in every month adds by solving again. check: False leaves that out (`most` is then at the
    prices, and `least` is 0). within: as of `price_promises`."""
    problem = canonical(problem)
    settings = Settings(gap, seconds, threads, seed)
    again = Again(problem, settings, most=len(problem.partitions), progress=progress, within=within)
    hourly = _an_hour(problem, plan)
    found = []
    for partition in sorted(problem.partitions, key=lambda row: -max(hourly[row.id], default=0.0)):
        if only not in (None, partition.id):
            continue
        a_month = sum(price * hours for price, hours in zip(hourly[partition.id], partition.capacity, strict=True))
        least, most, status, is_exact = 0.0, more * a_month, plan.status, False
        if check:
            larger = partition.model_copy(
                update={"capacity": [min(HOURS_LIMIT, hours * (1 + more)) for hours in partition.capacity]}
            )
            rows = [larger if row.id == partition.id else row for row in problem.partitions]
            try:
                after = again.solve(problem.model_copy(update={"partitions": rows}))
            except Enough:
                break
            least, most = _between(plan, after)
            status, is_exact = worst(plan.status, after.status), _is_optimal(plan, after)
        found.append(
            PartitionPrice(
                partition=partition.id,
                an_hour=hourly[partition.id],
                a_month=a_month / len(problem.months),
                more=more,
                least=least,
                most=most,
                exact=is_exact,
                status=status,
            )
        )
    place = {row.id: number for number, row in enumerate(problem.partitions)}
    return sorted(found, key=lambda price: place[price.partition])


def _between(before: Plan, after: Plan) -> tuple[float, float]:
    """What the best plan after is worth more than the best one before: at the least, and at the most."""
    if _is_optimal(before, after):
        return after.value - before.value, after.value - before.value
    return after.value - before.bound, after.bound - before.value


def _is_optimal(*plans: Plan) -> bool:
    return all(plan.status == "optimal" for plan in plans)


def _an_hour(problem: Problem, plan: Plan) -> dict[str, list[float]]:
    """Of each partition and month: what one more GPU-hour is worth, divided over the programmes by their shares."""
    priced = (
        {}
        if plan.certificate is None
        else {
            (row.programme, row.partition, row.month): row.price
            for row in plan.certificate.prices
            if row.promise is None
        }
    )
    limits = share_hours(problem)
    return {
        partition.id: [
            sum(
                priced.get((programme.id, partition.id, month), 0.0)
                * float(limits.get((programme.id, partition.id, month), Fraction(0)))
                / hours
                for programme in problem.programmes
            )
            if hours
            else 0.0
            for month, hours in enumerate(partition.capacity)
        ]
        for partition in problem.partitions
    }
