"""Access time granted and used, per Participating State and user category."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabriek.conf.sorting import sorted_rows
from fabriek.ledger.models import Unit
from fabriek.portal.access import requires
from fabriek.portal.components import plots
from fabriek.portal.components.countries import country_name
from fabriek.portal.components.plots import Column, Figure
from fabriek.portal.pages.decide.replies import csv_file
from fabriek.portal.pages.reports.forms import ReportFilter
from fabriek.portal.pages.reports.frame import frame, json_file, years
from fabriek.reports.access_time import (
    CATEGORIES,
    COLUMNS,
    Amounts,
    Cell,
    access_time,
    systems_on_ledger,
    together,
    total,
)
from fabriek.reports.periods import period_of
from fabriek.reports.words import AMOUNTS, HOW_ACCESS_TIME, access_time_of, category_name

LABELS = {
    "country": gettext_lazy("Participating State"),
    "category": gettext_lazy("Category"),
    "system": gettext_lazy("System"),
}
WAYS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "": (gettext_lazy("State and category"), ("country", "category")),
    "state": (LABELS["country"], ("country",)),
    "category": (LABELS["category"], ("category",)),
    "system": (LABELS["system"], ("system",)),
}
"""The tables that the page can show: `?by=`, their tab, and the columns that they add up by."""


@dataclass(frozen=True)
class Row:
    """A line of the table: its names as they are shown, by column; None: not known."""

    names: dict[str, str | None]
    amounts: Amounts
    part: Fraction | None

    @property
    def cells(self) -> list[tuple[Any, str | None]]:
        """The names with their columns' labels."""
        return [(LABELS[column], name) for column, name in self.names.items()]


@requires("read reports")
def show(request: HttpRequest) -> HttpResponse:
    """By state and category, or by one of these or by system."""
    today = date.today()
    form = ReportFilter(request.GET, years=years(today), systems=[("", _("All systems")), *systems_on_ledger()])
    shared = {"form": form, "how": HOW_ACCESS_TIME, **frame(request, "access_time")}
    if not form.is_valid():
        return render(request, "reports/access_time.html", shared, status=422)
    year, system, unit = form.cleaned_data["year"], form.cleaned_data["system"], form.chosen("unit")
    period = period_of(today, year=int(year) if year else None)
    cells = access_time(period, unit, system=system)
    name = f"access-time-{period.since:%Y-%m}-{period.last_month:%Y-%m}"
    if request.GET.get("format") == "csv":
        return _as_csv(name, cells, unit)
    if request.GET.get("format") == "json":
        return json_file(name, access_time_of(cells, period, unit, system))
    by = request.GET.get("by", "")
    by = by if by in WAYS else ""
    columns = WAYS[by][1]
    whole = total(cells)
    rows = [
        Row(dict(zip(columns, map(_shown, columns, values), strict=True)), amounts, amounts.part_of_union(whole))
        for values, amounts in together(cells, *columns).items()
    ]
    context = {
        "period": period,
        "is_over": period.is_over(today),
        "system": system,
        "unit": unit,
        "tabs": [(label, way, way == by) for way, (label, _columns) in WAYS.items()],
        "columns": [(column, LABELS[column]) for column in columns],
        "rows": sorted_rows(_by_name(rows), request.GET.get("sort", ""), _sorting(columns)),
        "total": whole,
        "states": len({cell.country for cell in cells if cell.country}),
        "plot": _plot(cells, unit) if cells else None,
    }
    return render(request, "reports/access_time.html", shared | context)


def _shown(column: str, value: str) -> str | None:
    """A value as its reader reads it; None: not known."""
    if not value:
        return None
    return {"country": country_name, "category": category_name}.get(column, str)(value)


def _by_name(rows: list[Row]) -> list[Row]:
    """In the order of the names, what isn't known last."""
    return sorted(rows, key=lambda row: [(name is None, (name or "").casefold()) for name in row.names.values()])


def _sorting(columns: tuple[str, ...]) -> dict[str, Callable[[Row], Any]]:
    def by_name(column: str) -> Callable[[Row], Any]:
        return lambda row: (row.names[column] or "").casefold() or None

    def by_amount(amount: str) -> Callable[[Row], Any]:
        return lambda row: getattr(row.amounts, amount)

    return {column: by_name(column) for column in columns} | {amount: by_amount(amount) for amount in AMOUNTS}


def _plot(cells: list[Cell], unit: str) -> Figure:
    """What was granted, a bar for each state, stacked by category: of the Union's share, where any of it was. By the
    states' codes: some thirty names don't fit under an axis."""
    of = "granted_union" if total(cells).granted_union else "granted"
    kind = "core_hours" if unit == Unit.CORE_SECONDS else "gpu_hours"
    sums = sorted(together(cells, "country", "category").items(), key=lambda row: CATEGORIES.index(row[0][1]))
    rows = [
        {
            "country": country or _("Not known"),
            "category": category_name(category),
            "granted": getattr(amounts, of),
        }
        for (country, category), amounts in sums
        if getattr(amounts, of)
    ]
    return plots.bars(
        _("Awarded of the Union's share") if of == "granted_union" else _("Awarded"),
        [
            Column("country", LABELS["country"]),
            Column("category", LABELS["category"]),
            Column("granted", _("Awarded"), kind),
        ],
        sorted(rows, key=lambda row: (row["country"] == _("Not known"), row["country"])),
        x="country",
        y="granted",
        series="category",
    )


def _as_csv(name: str, cells: list[Cell], unit: str) -> HttpResponse:
    """Every state and category on every system, in exact seconds."""
    return csv_file(
        name,
        [*COLUMNS, "unit", *AMOUNTS],
        [
            (cell.system, cell.country, cell.category, unit, *(getattr(cell.amounts, amount) for amount in AMOUNTS))
            for cell in cells
        ],
    )
