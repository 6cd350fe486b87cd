"""Calls: what is open, on which terms, and how it is decided."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fabriek.access.actions import is_open, save_draft, start_application
from fabriek.access.models import Application, Call
from fabriek.access.queries import call_of, calls_for_list, free_gpu_hours
from fabriek.access.words import criterion_name
from fabriek.conf.errors import Refused
from fabriek.people.models import OrganisationClass
from fabriek.portal.access import EVERYBODY, requires


@requires(EVERYBODY)
def index(request: HttpRequest) -> HttpResponse:
    """Open calls first, then a table of those that come and those that are over."""
    calls = calls_for_list(request.GET.get("sort", ""))
    running = [call for call in calls if is_open(call)]
    free = free_gpu_hours(running)
    context = {
        "open": [(call, free[call.pk]) for call in sorted(running, key=lambda call: call.closes)],
        "others": [call for call in calls if call not in running],
    }
    return render(request, "apply/calls.html", context)


@requires(EVERYBODY)
def show(request: HttpRequest, code: str) -> HttpResponse:
    """A call's terms."""
    call = call_of(code)
    if call is None:
        raise Http404
    labels = dict(OrganisationClass.choices)
    mine = []
    if request.user.is_authenticated:
        mine = list(call.applications.filter(applicant=request.user).order_by("-created_at"))
    context = {
        "call": call,
        "is_open": is_open(call),
        "free": free_gpu_hours([call])[call.pk],
        "classes": [labels.get(name, name) for name in call.classes],
        "criteria": [(criterion_name(criterion), criterion) for criterion in call.criteria],
        "mine": mine,
        "durations": durations_text(call.durations_months),
        "factory_theme": call.factory.theme,
    }
    return render(request, "apply/call.html", context)


def durations_text(months: list[int]) -> str:
    """Durations in words: 1, 2 or 3 months; empty where any will do."""
    if not months:
        return _("as long as the months on offer")
    *first, last = (str(n) for n in sorted(months))
    said = _("%(first)s or %(last)s") % {"first": ", ".join(first), "last": last} if first else last
    return ngettext("%(said)s month", "%(said)s months", max(months)) % {"said": said}


def _take_over(request: HttpRequest, application: Application, call: Call) -> None:
    """What the front door worked out goes into the draft, as its first choice."""
    hours, months = request.POST.get("gpu_hours", ""), request.POST.get("months", "1")
    partition = call.partitions.order_by("code").first()
    if application.version or partition is None or not (hours.isdecimal() and months.isdecimal()):
        return
    offered = [n for n in call.durations_months or range(1, call.months + 1) if n <= call.months]
    fitting = next((n for n in sorted(offered) if n >= int(months[:3])), max(offered, default=1))
    asked = {
        "partition": partition,
        "first_month": call.first_month,
        "months": fitting,
        "gpu_hours": max(1, int(hours[:10])),
    }
    save_draft(application.applicant, application, application.version, alternatives=[asked])


@requires("apply", "GET", "POST")
def start(request: HttpRequest, code: str) -> HttpResponse:
    """Begin an application. A page asks once more where one came from signing in, so that no address begins one."""
    call = call_of(code)
    if call is None:
        raise Http404
    if request.method != "POST":
        if not is_open(call):
            return redirect("portal:call", code)
        return render(request, "apply/begin.html", {"call": call, "factory_theme": call.factory.theme})
    person: Any = request.user
    try:
        application = start_application(person, call)
        _take_over(request, application, call)
    except Refused as refusal:
        messages.error(request, str(refusal.sentence))
        return redirect("portal:call", code)
    return redirect("portal:application_step", application.code, "organisation")
