"""What hours and promises are worth: prices of the certificate at once, what solving again found beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _

from fabriek.access.comparison import SolvedScenario
from fabriek.access.explaining import (
    applications_of,
    can_be_asked,
    certified_prices,
    hourly_prices,
    marginal_prices,
    partition_prices,
    prices_asked,
    promise_prices,
)
from fabriek.access.models import Application, Inquiry, InquiryOf, Scenario
from fabriek.access.words import names_of_promises
from fabriek.allocation.explain import PartitionPrice, PromisePrice
from fabriek.conf.amounts import month_text
from fabriek.portal.components import plots
from fabriek.portal.components.plots import Column, Figure
from fabriek.portal.pages.decide.replies import csv_file

DRAWN = 5
"""Partitions in the plot; the table has more, the download all."""
SHOWN = 20
NAMED = 10
"""Applications by name under each promise."""
HOURS = 1000
"""Prices are told per so many GPU-hours: one is worth too little to read."""


@dataclass(frozen=True)
class Cell:
    """A month of a partition. heat: 0 to 5, by what its hours are worth beside the dearest ones."""

    price: float
    heat: int


@dataclass(frozen=True)
class PartitionLine:
    """A partition: what its hours are worth by month, what a month more is worth, what more of it was found to add."""

    name: str
    cells: list[Cell]
    a_month: float
    checked: PartitionPrice | None


@dataclass(frozen=True)
class PromiseLine:
    """A promise: what an hour less of it is worth, and what keeping it was found to cost: between the `least` and the
    `most` of `checked`, `found` in the best plan that was found, `part` of the plan's value. gains: who would be
    awarded without it only, loses: with it only; code and title."""

    name: str
    price: float
    checked: PromisePrice | None
    found: float
    part: float | None
    gains: list[tuple[str, str]]
    loses: list[tuple[str, str]]


@dataclass(frozen=True)
class Prices:
    """All that the section of a page shows. promises_asked, partitions_asked: what was asked of it, if anything was."""

    months: list[str]
    partitions: list[PartitionLine]
    total: int
    any: bool
    figure: Figure | None
    promises: list[PromiseLine]
    promises_asked: Inquiry | None
    partitions_asked: Inquiry | None
    can_ask_promises: bool
    can_ask_partitions: bool


def prices_of(plan: SolvedScenario, scenario: Scenario | None, may_ask: bool, csv: str) -> Prices:
    """The prices of a plan. scenario: whose plan it is; none: nothing can be asked of it. Three queries at most."""
    rows = marginal_prices(plan.problem, plan.plan)
    asked = prices_asked(scenario) if scenario is not None else {}
    by_partition, by_promise = asked.get(InquiryOf.PARTITIONS), asked.get(InquiryOf.PROMISES)
    top = max((price for row in rows for price in row.an_hour), default=0.0)
    found = {price.partition: price for price in partition_prices(by_partition)}
    promises = _promise_lines(plan, promise_prices(by_promise))
    can_ask = scenario is not None and may_ask
    return Prices(
        months=[month_text(month) for month in plan.problem["months"]],
        partitions=[_partition_line(row, top, found.get(row.partition)) for row in rows[:SHOWN]],
        total=len(rows),
        any=top > 0,
        figure=_figure(plan, rows, csv) if top > 0 else None,
        promises=promises,
        promises_asked=by_promise,
        partitions_asked=by_partition,
        can_ask_promises=can_ask and bool(promises) and can_be_asked(by_promise),
        can_ask_partitions=can_ask and can_be_asked(by_partition),
    )


def _partition_line(row: PartitionPrice, top: float, found: PartitionPrice | None) -> PartitionLine:
    cells = [
        Cell(price * HOURS, 0 if price <= 0 or not top else min(5, 1 + int(4.999 * price / top)))
        for price in row.an_hour
    ]
    return PartitionLine(row.partition, cells, row.a_month, found)


def _figure(plan: SolvedScenario, rows: Sequence[PartitionPrice], csv: str) -> Figure:
    months = plan.problem["months"]
    capacity = {row["id"]: row["capacity"] for row in plan.problem["partitions"]}
    drawn = [row for row in rows[:DRAWN] if max(row.an_hour, default=0.0) > 0]
    return plots.bars(
        _("What more hours would add to the value"),
        [
            Column("month", _("Month"), "month"),
            Column("partition", _("Partition")),
            Column("price", _("1,000 GPU-hours more add"), "number"),
            Column("a_month", _("As much again adds"), "number"),
        ],
        [
            {
                "month": month,
                "partition": row.partition,
                "price": round(price * HOURS, 3),
                "a_month": round(price * capacity[row.partition][number], 3),
            }
            for row in drawn
            for number, (month, price) in enumerate(zip(months, row.an_hour, strict=True))
        ],
        x="month",
        y="price",
        series="partition" if len(drawn) > 1 else None,
        grouped=len(drawn) > 1,
        text=_("Value of 1,000 GPU-hours more in each month, at the prices of the certificate."),
        csv=csv,
    )


def _promise_lines(plan: SolvedScenario, found: Sequence[PromisePrice]) -> list[PromiseLine]:
    rows = plan.problem.get("promises", [])
    if not rows:
        return []
    names = names_of_promises(row["id"] for row in rows)
    hourly = hourly_prices(plan.plan)
    checked = {price.promise: price for price in found}
    titles = _titles(found)
    value = plan.plan["value"]

    def named(codes: Sequence[str]) -> list[tuple[str, str]]:
        return [(code, titles.get(code, code)) for code in codes[:NAMED]]

    return [
        PromiseLine(
            name=names[row["id"]],
            price=hourly.get(row["id"], 0.0) * HOURS,
            checked=(price := checked.get(row["id"])),
            found=(cost := price.value_without - value if price else 0.0),
            part=cost / value if price and value else None,
            gains=named(price.gains) if price else [],
            loses=named(price.loses) if price else [],
        )
        for row in rows
    ]


def _titles(found: Sequence[PromisePrice]) -> dict[str, str]:
    codes = {code for price in found for code in (*price.gains[:NAMED], *price.loses[:NAMED])}
    if not codes & applications_of(found):
        return {}
    return dict(Application.objects.filter(code__in=codes).exclude(title="").values_list("code", "title"))


# Files


def months_csv(plan: SolvedScenario) -> HttpResponse:
    """A row for each partition and month."""
    capacity: Mapping[str, Any] = {row["id"]: row["capacity"] for row in plan.problem["partitions"]}
    return csv_file(
        f"{plan.code}-months",
        ["partition", "month", "gpu_hours", "value_of_one_more_gpu_hour", "value_of_as_much_again"],
        [
            (row.partition, month, capacity[row.partition][number], price, price * capacity[row.partition][number])
            for row in marginal_prices(plan.problem, plan.plan)
            for number, (month, price) in enumerate(zip(plan.problem["months"], row.an_hour, strict=True))
        ],
    )


def partitions_csv(plan: SolvedScenario, scenario: Scenario | None) -> HttpResponse:
    """A row for each partition: what a month more is worth at the prices, and what solving again found."""
    asked = prices_asked(scenario).get(InquiryOf.PARTITIONS) if scenario is not None else None
    found = {price.partition: price for price in partition_prices(asked)}
    return csv_file(
        f"{plan.code}-partitions",
        ["partition", "value_of_a_month_more", "more", "adds_at_least", "adds_at_most"],
        [
            (
                row.partition,
                row.a_month,
                *((one.more, one.least, one.most) if (one := found.get(row.partition)) else ("", "", "")),
            )
            for row in marginal_prices(plan.problem, plan.plan)
        ],
    )


def promises_csv(plan: SolvedScenario, scenario: Scenario | None) -> HttpResponse:
    """A row for each promise: what solving without it found."""
    asked = prices_asked(scenario).get(InquiryOf.PROMISES) if scenario is not None else None
    found = {price.promise: price for price in promise_prices(asked)}
    hourly = hourly_prices(plan.plan)
    return csv_file(
        f"{plan.code}-promises",
        ["promise", "value_of_one_gpu_hour_less", "costs_at_least", "costs_at_most", "gain_without", "lose_without"],
        [
            (
                row["id"],
                hourly.get(row["id"], 0.0),
                *(
                    (one.least, one.most, " ".join(one.gains), " ".join(one.loses))
                    if (one := found.get(row["id"]))
                    else ("", "", "", "")
                ),
            )
            for row in plan.problem.get("promises", [])
        ],
    )


def shares_csv(plan: SolvedScenario) -> HttpResponse:
    """The prices of the certificate as they are: a row for each share and promise that is worth something."""
    months = plan.problem["months"]
    return csv_file(
        f"{plan.code}-prices",
        ["programme", "partition", "month", "promise", "value_of_one_more_gpu_hour"],
        [
            (
                price.get("programme", ""),
                price.get("partition", ""),
                months[price["month"]] if price.get("month") is not None else "",
                price.get("promise", ""),
                price["price"],
            )
            for price in certified_prices(plan.plan)
        ],
    )


def prices_csv(plan: SolvedScenario, scenario: Scenario | None, of: str) -> HttpResponse | None:
    """One of these files; None: it is not one of these."""
    if of == "prices":
        return shares_csv(plan)
    if of == "months":
        return months_csv(plan)
    if of == "partitions":
        return partitions_csv(plan, scenario)
    if of == "promises":
        return promises_csv(plan, scenario)
    return None
