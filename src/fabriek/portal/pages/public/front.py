"""The front page, and the pages that say what this is."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.i18n import set_language as django_set_language

from fabriek.access.queries import free_gpu_hours, open_calls
from fabriek.access.rules import OBJECTION_DAYS
from fabriek.catalogue.actions.looks import KEPT as LOOKS_KEPT
from fabriek.portal.access import EVERYBODY, requires
from fabriek.promises.queries import measured_promises
from fabriek.register.legal import statements_of
from fabriek.register.queries import figures, sources


@requires(EVERYBODY)
def home(request: HttpRequest) -> HttpResponse:
    """What this is and what to do next, in one screen."""
    running = open_calls()
    calls = running[:3]
    free = free_gpu_hours(calls)
    counted = [one for one in measured_promises() if one.is_counted]
    return render(
        request,
        "public/home.html",
        {
            "figures": figures(),
            "calls": [(call, free[call.pk]) for call in calls],
            "open": len(running),
            "kept": sum(one.holds for one in counted),
            "promises": len(counted),
        },
    )


@requires(EVERYBODY)
def legal(request: HttpRequest) -> HttpResponse:
    """What an AI factory is in law, who is responsible, which data are kept and why."""
    statements = statements_of()
    context = {
        "legal": statements,
        "sources": sorted(sources({one.source for one in statements}).items()),
        "objection_days": OBJECTION_DAYS,
        "kept_days": LOOKS_KEPT.days,
    }
    return render(request, "public/legal.html", context)


@requires(EVERYBODY)
def accessibility(request: HttpRequest) -> HttpResponse:
    """How accessible the portal is, and whom to tell."""
    return render(request, "public/accessibility.html")


@requires(EVERYBODY)
def about_demo(request: HttpRequest) -> HttpResponse:
    """What is real in the demonstration and what is invented."""
    return render(request, "public/about_demo.html")


set_language = requires(EVERYBODY, "POST")(django_set_language)
