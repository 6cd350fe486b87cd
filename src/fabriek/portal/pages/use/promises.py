"""Promises: whether each is kept, and the numbers behind every figure."""

from __future__ import annotations

import csv
from datetime import date

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from fabriek.people.models import OrganisationClass
from fabriek.portal.access import EVERYBODY, requires
from fabriek.programmes.models import Programme, Promise
from fabriek.promises.measures import Measured
from fabriek.promises.queries import measured_promises
from fabriek.promises.words import as_row


@requires(EVERYBODY)
def index(request: HttpRequest) -> HttpResponse:
    """All promises that hold today."""
    measured = measured_promises()
    if request.GET.get("format") == "csv":
        return _csv(measured)
    bases = {promise.code: promise for promise in Promise.objects.select_related("programme", "base")}
    rows = [(one, bases.get(one.terms.code), bar_of(one)) for one in measured]
    context = {
        "made": [row for row in rows if row[0].terms.kind != "share"],
        "shares": [row for row in rows if row[0].terms.kind == "share"],
        "kept": sum(one.holds for one in measured),
        "total": len(measured),
        "today": date.today(),
    }
    return render(request, "use/promises.html", context)


def bar_of(one: Measured) -> dict[str, float | None]:
    """The figures of a promise as parts of what it is measured against, for a bar."""
    whole = max(one.required["decided"], one.decided, one.queued, one.share, 1)
    return {
        "required": one.required["decided"] / whole,
        "decided": one.decided / whole,
        "queued": one.queued / whole,
        "used": one.used / whole,
    }


@requires(EVERYBODY)
def show(request: HttpRequest, code: str) -> HttpResponse:
    """A promise and the numbers behind it."""
    one = next((found for found in measured_promises() if found.terms.code == code), None)
    if one is None:
        raise Http404
    names = dict(Programme.objects.values_list("code", "name"))
    labels = dict(OrganisationClass.choices)
    numbers = [
        {
            "programme": names.get(row.programme, row.programme),
            "system": row.system,
            "class": labels.get(row.organisation_class, ""),
            "country": row.country,
            "commercial": row.commercial,
            "share": row.share,
            "decided": row.decided,
            "queued": row.queued,
            "used": row.used,
        }
        for row in sorted(one.numbers, key=lambda row: (row.programme, row.system, row.organisation_class, row.country))
    ]
    if request.GET.get("format") == "csv":
        response = HttpResponse(content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="promise-{code}.csv"'
        writer = csv.DictWriter(response, fieldnames=list(numbers[0]) if numbers else ["programme"])
        writer.writeheader()
        writer.writerows(numbers)
        return response
    promise = Promise.objects.select_related("programme", "base").filter(code=code).first()
    return render(
        request,
        "use/promise.html",
        {"one": one, "promise": promise, "numbers": numbers, "bar": bar_of(one), "row": as_row(one)},
    )


def _csv(measured: list[Measured]) -> HttpResponse:
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="promises.csv"'
    rows = [{**as_row(one), "seconds": None, "holds_at": None} for one in measured]
    columns = [name for name in (rows[0] if rows else {}) if name not in ("seconds", "holds_at")]
    writer = csv.DictWriter(response, fieldnames=columns, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return response
