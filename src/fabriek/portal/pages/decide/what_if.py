"""A what-if: what stands now beside what would be."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from fabriek.access import actions
from fabriek.access.changes import Change, read_changes
from fabriek.access.models import Call
from fabriek.access.problem import build
from fabriek.access.scenarios import facts_of, scenario_of
from fabriek.conf.errors import Refused
from fabriek.portal.access import requires
from fabriek.portal.pages.decide.replies import add_refusal, page, person_of, see_other, show_refusal
from fabriek.portal.pages.decide.what_if_form import WhatIfForm


@requires("ask scenarios", "GET", "POST")
def new(request: HttpRequest) -> HttpResponse:
    """Ask a what-if of some calls (`calls`), or of the calls of a scenario, going on from what it supposes (`from`)."""
    asked = request.POST or request.GET
    start = scenario_of(asked.get("from", ""))
    kept: list[Change] = read_changes(start.changes) if start else []
    codes = [call.code for call in start.calls.all()] if start else asked.getlist("calls")
    calls = list(
        Call.objects.filter(code__in=codes)
        .select_related("programme", "factory")
        .prefetch_related("partitions")
        .order_by("code")
    )
    back = reverse("portal:decisions")
    if not calls:
        messages.error(request, _("Choose the calls that are decided together."))
        return see_other(back)
    try:
        today = timezone.now().date()
        facts = facts_of(calls, build(calls, today), today)
    except Refused as refusal:
        return show_refusal(request, refusal, back)
    form = WhatIfForm(request.POST or None, facts=facts, kept=kept)
    if request.method == "POST" and form.is_valid() and not form.changes():
        form.add_error(None, _("Nothing differs from what is so now. Change something."))
    elif request.method == "POST" and form.is_valid():
        try:
            scenario = actions.ask_scenario(
                person_of(request),
                calls,
                form.changes(),
                form.cleaned_data["why"],
                is_demo=all(call.is_demo for call in calls),
            )
        except Refused as refusal:
            add_refusal(form, refusal, {"changes": "", "why": "why"})
        else:
            return see_other(reverse("portal:scenario", args=[scenario.code]))
    return page(request, "what_if", form, calls=calls, start=start, facts=facts)
