"""Calls: what is open, on which terms, and how it is decided."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from fabriek.access.actions import is_open, start_application
from fabriek.access.queries import call_of, calls_for_list, free_gpu_hours
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
        "mine": mine,
        "factory_theme": call.factory.theme,
    }
    return render(request, "apply/call.html", context)


@requires("apply", "POST")
def start(request: HttpRequest, code: str) -> HttpResponse:
    """Begin an application."""
    call = call_of(code)
    if call is None:
        raise Http404
    person: Any = request.user
    try:
        application = start_application(person, call)
    except Refused as refusal:
        messages.error(request, str(refusal.sentence))
        return redirect("portal:call", code)
    return redirect("portal:application_step", application.code, "organisation")
