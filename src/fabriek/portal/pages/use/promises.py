"""Promises: whether each is kept, and the numbers behind every figure."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date
from operator import itemgetter
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabriek.audit.queries import events_of
from fabriek.conf.amounts import number_text
from fabriek.conf.sorting import sorted_rows
from fabriek.people.models import OrganisationClass
from fabriek.people.permissions import may
from fabriek.portal.access import EVERYBODY, requires
from fabriek.portal.components import plots
from fabriek.portal.components.amounts import percent_text
from fabriek.portal.components.countries import country_name
from fabriek.portal.components.plots import Column, Figure
from fabriek.portal.components.promise_names import short_name
from fabriek.programmes.models import Programme, Promise
from fabriek.programmes.queries import promises_not_on
from fabriek.promises.measures import USE_TELLS_FROM, Measured
from fabriek.promises.queries import in_order, measured_promise, measured_promises
from fabriek.promises.words import as_row

MISSED = {
    "share": gettext_lazy("The share itself"),
    "decided": gettext_lazy("What was decided"),
    "used": gettext_lazy("What was used"),
}
TWO_LINES = 60
"""So many letters of a name have room beside the bars of a plot."""
NUMBER_COLUMNS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "programme": lambda row: row["programme"].casefold(),
    "system": itemgetter("system"),
    "class": lambda row: str(row["class"]).casefold() or None,
    "country": itemgetter("country_name"),
    "share": itemgetter("share"),
    "decided": itemgetter("decided"),
    "queued": itemgetter("queued"),
    "used": itemgetter("used"),
}
"""What the numbers behind a promise are sorted by: as they are shown, so words by the reader's language."""


@requires(EVERYBODY)
def index(request: HttpRequest) -> HttpResponse:
    """All promises that hold today."""
    measured = measured_promises()
    if request.GET.get("format") == "csv":
        return _csv(measured)
    bases = {promise.code: promise for promise in Promise.objects.select_related("programme", "base")}
    counted = [one for one in measured if one.is_counted]
    rows = [(one, bases.get(one.terms.code)) for one in in_order(measured, request.GET.get("sort", ""))]
    context = {
        "plots": [
            plot
            for plot in (_before_and_after(measured), *(_plot_of_all(kind, measured) for kind in ("floor", "cap")))
            if plot is not None
        ],
        "made": [row for row in rows if row[0].is_counted],
        "shares": [row for row in rows if not row[0].is_counted],
        "kept": sum(one.holds for one in counted),
        "broken": [one for one in measured if not one.holds],
        "total": len(counted),
        "use_tells_from": percent_text(USE_TELLS_FROM),
        "others": promises_not_on(date.today()),
        "today": date.today(),
    }
    return render(request, "use/promises.html", context)


def _before_and_after(measured: list[Measured]) -> Figure | None:
    """The protected amounts: what each programme had before, and its share now."""
    rows = [
        {
            "name": short_name(one.terms.code, one.terms.name, TWO_LINES),
            "before": one.required["decided"],
            "now": one.share,
        }
        for one in measured
        if one.terms.kind == "baseline"
    ]
    if not rows:
        return None
    return plots.promises(
        _("Baselines: a share should reach what was there before"),
        [
            Column("name", _("Promise")),
            Column("before", _("Before, protected"), "gpu_hours"),
            Column("now", _("Share now"), "gpu_hours"),
        ],
        rows,
        name="name",
        required="before",
        measures=["now"],
        text=_("In GPU-hours, over all months that have shares."),
    )


def _plot_of_all(kind: str, measured: list[Measured]) -> Figure | None:
    """All floors, or all caps: each at its moments as a part of what it is a fraction of, and its fraction."""
    rows = [
        {
            "name": short_name(one.terms.code, one.terms.name, TWO_LINES),
            "required": float(one.terms.fraction),
            **{moment: float(one.part(moment) or 0) for moment in ("decided", "used")},
        }
        for one in measured
        if one.terms.kind == kind and one.terms.fraction
    ]
    if not rows:
        return None
    return plots.promises(
        _("Floors: a bar should reach its mark") if kind == "floor" else _("Caps: a bar should stay below its mark"),
        [
            Column("name", _("Promise")),
            Column("required", _("At least") if kind == "floor" else _("At most"), "percent"),
            Column("decided", _("Decided"), "percent"),
            Column("used", _("Used"), "percent"),
        ],
        rows,
        name="name",
        required="required",
        measures=["decided", "used"],
    )


def plot_of(one: Measured, is_cap: bool) -> Any:
    """A promise at its three moments, and a mark at what it asks."""
    if one.terms.kind == "baseline":
        return _before_and_after([one])
    columns = [
        Column("name", _("Promise")),
        Column("required", _("At most") if is_cap else _("At least"), "gpu_hours"),
        Column("decided", _("Decided"), "gpu_hours"),
        Column("queued", _("Queued"), "gpu_hours"),
        Column("used", _("Used"), "gpu_hours"),
    ]
    row = {
        "name": one.terms.name,
        "required": one.required["decided"],
        "decided": one.decided,
        "queued": one.queued,
        "used": one.used,
    }
    return plots.promises(
        _("In GPU-hours"), columns, [row], name="name", required="required", measures=["decided", "queued", "used"]
    )


@requires(EVERYBODY)
def show(request: HttpRequest, code: str) -> HttpResponse:
    """A promise and the numbers behind it."""
    found = measured_promise(code)
    if found is None:
        raise Http404
    one, promise = found
    today = date.today()
    names = dict(Programme.objects.values_list("code", "name"))
    labels = dict(OrganisationClass.choices)
    numbers: list[dict[str, Any]] = [
        {
            "programme": names.get(row.programme, row.programme),
            "system": row.system,
            "class": labels.get(row.organisation_class, ""),
            "country": row.country,
            "country_name": country_name(row.country) if row.country else None,
            "commercial": row.commercial,
            "share": row.share,
            "decided": row.decided,
            "queued": row.queued,
            "used": row.used,
        }
        for row in sorted(one.numbers, key=lambda row: (row.programme, row.system, row.organisation_class, row.country))
    ]
    numbers = sorted_rows(numbers, request.GET.get("sort", ""), NUMBER_COLUMNS)
    if request.GET.get("format") == "csv":
        response = HttpResponse(content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="promise-{code}.csv"'
        columns = [name for name in numbers[0] if name != "country_name"] if numbers else ["programme"]
        writer = csv.DictWriter(response, fieldnames=columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(numbers)
        return response
    is_cap = promise is None or promise.kind == "cap"
    context = {
        "one": one,
        "promise": promise,
        "is_cap": is_cap,
        "promised": [
            (row, number_text(float(row.times)) if one.terms.fraction is None else percent_text(row.times))
            for row in one.promised()
        ],
        "promised_words": _derivation(one),
        "systems": one.systems if len(one.systems) > 1 else [],
        "misses": [(MISSED[miss.what], miss) for miss in one.misses()],
        "use_untold": "" if one.use_judged else _use_untold(one),
        "numbers": numbers,
        "total": {name: sum(row[name] for row in numbers) for name in ("share", "decided", "queued", "used")},
        "plot": plot_of(one, is_cap),
        "begins": promise is not None and promise.valid_from > today,
        "ended": _ending(promise, today),
        "may_end": promise is not None
        and (promise.valid_until is None or promise.valid_until > today)
        and may(request.user, "establish shares"),
    }
    return render(request, "use/promise.html", context)


def _use_untold(one: Measured) -> str:
    """Why what was used says nothing of it yet."""
    if one.terms.of == "capacity":
        return _("What was used of the capacity is judged when its months are over.")
    return _(
        "Too little was used to tell: what was used is judged from %(part)s of what was decided on, or when its months "
        "are over."
    ) % {"part": percent_text(USE_TELLS_FROM)}


def _derivation(one: Measured) -> tuple[str, str]:
    """What is multiplied by what to give what is promised, in words."""
    if one.terms.fraction is not None:
        return (_("Capacity") if one.terms.of == "capacity" else _("Awarded")), _("Fraction")
    return (_("Each month"), _("Months")) if one.terms.kind == "baseline" else (_("Share"), _("Overbooking"))


def _ending(promise: Promise | None, today: date) -> dict[str, Any] | None:
    """When a promise ends or ended, and why where somebody said so; None: no end is known."""
    if promise is None or promise.valid_until is None:
        return None
    event = events_of(promise).filter(verb="programmes.end_promise").last()
    return {"on": promise.valid_until, "past": promise.valid_until <= today, "why": event.why if event else ""}


def _csv(measured: list[Measured]) -> HttpResponse:
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="promises.csv"'
    rows = [{**as_row(one), "broken_on": " ".join(one.broken_on)} for one in measured]
    columns = [name for name in (rows[0] if rows else {}) if name not in ("seconds", "holds_at", "systems", "misses")]
    writer = csv.DictWriter(response, fieldnames=columns, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return response
