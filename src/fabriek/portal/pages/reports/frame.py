"""What the pages of reports have in common: the tabs, the years to choose, and how they are downloaded."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from fabriek.reports.access_time import years_to_choose
from fabriek.reports.periods import up_to_now


def frame(request: HttpRequest, current: str) -> dict[str, Any]:
    """What each of these pages shows around its report. current: the page's name."""
    tabs = {
        "access_time": _("Access time"),
        "hosting_report": _("Hosting entity's yearly report"),
        "free_use": _("Free use by firms"),
    }
    return {
        "reports": [(label, reverse(f"portal:{name}"), name == current) for name, label in tabs.items()],
        "csv_url": _download_url(request, "csv"),
        "json_url": _download_url(request, "json"),
    }


def years(today: date) -> list[tuple[str, str]]:
    """For a form: the last year and this one so far, then each by itself."""
    so_far = _("%(before)s and %(now)s so far") % {"before": up_to_now(today).since.year, "now": today.year}
    return [("", so_far), *((str(year), str(year)) for year in years_to_choose(today))]


def _download_url(request: HttpRequest, kind: str) -> str:
    """This page, for the same year and system, as a file."""
    query = request.GET.copy()
    query["format"] = kind
    return f"?{query.urlencode()}"


def json_file(name: str, content: dict[str, Any]) -> JsonResponse:
    """A report as a JSON file."""
    answer = JsonResponse(content, json_dumps_params={"indent": 1})
    answer["Content-Disposition"] = f'attachment; filename="{name}.json"'
    return answer
