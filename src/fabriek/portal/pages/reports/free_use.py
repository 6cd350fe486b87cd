"""What firms used for free, and what it was worth."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from operator import attrgetter
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from fabriek.conf.sorting import sorted_rows
from fabriek.people.permissions import may
from fabriek.portal.access import requires
from fabriek.portal.components.countries import country_name
from fabriek.portal.pages.decide.replies import csv_file
from fabriek.portal.pages.reports.forms import YearFilter
from fabriek.portal.pages.reports.frame import frame, json_file, years
from fabriek.reports.free_use import FreeUse, free_use, together
from fabriek.reports.periods import period_of
from fabriek.reports.words import HOW_FREE_USE, euros, free_use_of

COLUMNS: dict[str, Callable[[FreeUse], Any]] = {
    "name": lambda use: use.name.casefold(),
    "country": lambda use: country_name(use.country).casefold(),
    "gpu": attrgetter("worth.accelerator_seconds"),
    "core": attrgetter("worth.core_seconds"),
    "value": attrgetter("worth.value"),
    "national": attrgetter("worth.national_value"),
}
SECONDS = ("accelerator_seconds", "core_seconds", "unpriced_seconds")


@requires("read reports")
def show(request: HttpRequest) -> HttpResponse:
    """Firm by firm, those of most worth first."""
    today = date.today()
    form = YearFilter(request.GET, years=years(today))
    shared = {"form": form, "how": HOW_FREE_USE, **frame(request, "free_use")}
    if not form.is_valid():
        return render(request, "reports/free_use.html", shared, status=422)
    year = form.cleaned_data["year"]
    period = period_of(today, year=int(year) if year else None)
    uses = free_use(period)
    name = f"free-use-{period.since:%Y-%m}-{period.last_month:%Y-%m}"
    if request.GET.get("format") == "json":
        return json_file(name, free_use_of(uses, period))
    if request.GET.get("format") == "csv":
        return _as_csv(name, uses)
    whole = together(uses)
    context = {
        "period": period,
        "rows": [
            (use, euros(use.worth.value), euros(use.worth.national_value))
            for use in sorted_rows(uses, request.GET.get("sort", ""), COLUMNS)
        ],
        "total": whole,
        "value": euros(whole.value),
        "national_value": euros(whole.national_value),
        "may_price": may(request.user, "declare capacity"),
    }
    return render(request, "reports/free_use.html", shared | context)


def _as_csv(name: str, uses: list[FreeUse]) -> HttpResponse:
    return csv_file(
        name,
        ["organisation", "name", "country", *SECONDS, "euro", "national_euro"],
        [
            (
                *(use.organisation, use.name, use.country),
                *(getattr(use.worth, column) for column in SECONDS),
                *(euros(use.worth.value), euros(use.worth.national_value)),
            )
            for use in uses
        ],
    )
