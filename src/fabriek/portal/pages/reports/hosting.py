"""The hosting entity's yearly report on a system."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from operator import attrgetter
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from fabriek.conf.sorting import sorted_rows
from fabriek.ledger.models import Unit
from fabriek.people.permissions import may
from fabriek.portal.access import requires
from fabriek.portal.components import plots
from fabriek.portal.components.plots import Column, Figure
from fabriek.portal.pages.decide.replies import csv_file
from fabriek.portal.pages.reports.forms import ReportFilter
from fabriek.portal.pages.reports.frame import frame, json_file
from fabriek.reports.access_time import CATEGORIES, systems_on_ledger, together, years_to_choose
from fabriek.reports.hosting import HostingReport, ProgrammeYear, hosting_report
from fabriek.reports.words import HOSTING_LINE, HOW_HOSTING, category_name, hosting_lines, hosting_of

PROGRAMME_COLUMNS: dict[str, Callable[[ProgrammeYear], Any]] = {
    "programme": lambda row: row.name.casefold(),
    **{name: attrgetter(name) for name in ("share", "awarded", "used", "left", "lapsed", "not_awarded")},
}


@requires("read reports")
def show(request: HttpRequest) -> HttpResponse:
    """Of one system and year: the one that is due next, unless another is chosen."""
    today = date.today()
    form = ReportFilter(request.GET, years=_years(today), systems=systems_on_ledger())
    shared = {"form": form, "how": HOW_HOSTING, **frame(request, "hosting_report")}
    if not form.is_valid():
        return render(request, "reports/hosting.html", shared, status=422)
    system, year = form.chosen("system"), form.chosen("year")
    if not system:
        return render(request, "reports/hosting.html", shared)
    report = hosting_report(system, int(year), today, form.cleaned_data["unit"])
    name = f"hosting-{system}-{year}"
    if request.GET.get("format") == "csv":
        return csv_file(name, HOSTING_LINE, hosting_lines(report))
    if request.GET.get("format") == "json":
        return json_file(name, hosting_of(report))
    categories = together(report.cells, "category")
    context = {
        "report": report,
        "programmes": sorted_rows(report.programmes, request.GET.get("sort", ""), PROGRAMME_COLUMNS),
        "categories": [(category_name(one), categories[(one,)]) for one in CATEGORIES if (one,) in categories],
        "plot": _plot(report) if report.programmes else None,
        "may_check": may(request.user, "read audit"),
    }
    return render(request, "reports/hosting.html", shared | context)


def _years(today: date) -> list[tuple[str, str]]:
    """First the year that is reported on next: until the end of January the one before."""
    due = (today - timedelta(days=31)).year
    years = sorted(years_to_choose(today), key=lambda year: (year != due, -year))
    return [(str(year), str(year)) for year in years]


def _plot(report: HostingReport) -> Figure:
    """What became of the shares, stacked by programme: names of programmes are too long to stand under a bar."""
    stations = {
        "used": _("Used"),
        "left": _("Awarded, not used"),
        "lapsed": _("Lapsed"),
        "not_awarded": _("Not awarded"),
    }
    return plots.bars(
        _("What became of the shares"),
        [
            Column("programme", _("Programme")),
            Column("station", _("What became of it")),
            Column("hours", _("Hours"), "core_hours" if report.unit == Unit.CORE_SECONDS else "gpu_hours"),
        ],
        [
            # Awards that were used ahead of their months hold less than nothing: no bar.
            {"programme": one.name, "station": label, "hours": max(getattr(one, name), 0)}
            for name, label in stations.items()
            for one in report.programmes
        ],
        x="station",
        y="hours",
        series="programme",
    )
