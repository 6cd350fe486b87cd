"""Why: one application in a scenario's plan for its officer, what is asked of a plan, and how far that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from fabriek.access import actions
from fabriek.access.explaining import Explained, explained, inquiry_of
from fabriek.access.models import Application, Decision, Inquiry, Scenario
from fabriek.access.queries import application_of
from fabriek.access.scenarios import scenario_of
from fabriek.access.words import speech_for
from fabriek.allocation.explain import Holder, change_sentences, outcome_sentences
from fabriek.allocation.explain.model import Other as Displaced
from fabriek.conf.errors import Refused
from fabriek.people.permissions import may
from fabriek.portal.access import SIGNED_IN, requires
from fabriek.portal.pages.decide.replies import page, person_of, see_other, show_refusal

HOLDERS_SHOWN = 50


@requires("read decisions", "GET", "POST")
def application(request: HttpRequest, code: str, application: str) -> HttpResponse:
    """Why an application got what it got in this plan; posted: find the smallest change that would have made it."""
    scenario, found = _scenario(code), application_of(request.user, application)
    if found is None or not hasattr(scenario, "answer"):
        raise Http404
    back = reverse("portal:scenario_why", args=[code, application])
    if request.method == "POST":
        try:
            actions.ask_why(person_of(request), scenario, found)
        except Refused as refusal:
            return show_refusal(request, refusal, back)
        return see_other(f"{back}#changes")
    told = explained(scenario, found)
    if told is None:
        raise Http404
    return page(request, "why", **_context(request, scenario, found, told))


def _scenario(code: str) -> Scenario:
    found = scenario_of(code)
    if found is None:
        raise Http404
    return found


@dataclass(frozen=True)
class Other:
    """Another application, for the officer. hours: in seconds, of the month or less than it has."""

    code: str
    title: str
    organisation: str
    class_words: str
    score: float
    hours: int


def _context(request: HttpRequest, scenario: Scenario, application: Application, told: Explained) -> dict[str, Any]:
    one = told.explanation
    said = speech_for(one)
    displaced = {other.application for change in one.changes for other in change.displaces}
    shown = one.holders[:HOLDERS_SHOWN]
    known = {
        row.code: row
        for row in Application.objects.filter(
            code__in=displaced | {holder.application for holder in shown}
        ).select_related("organisation")
    }
    return {
        "scenario": scenario,
        "application": application,
        "explanation": one,
        "inquiry": told.inquiry,
        "sentences": outcome_sentences(one, said, officer=True),
        "changes": change_sentences(one, said),
        "has_found": any(change.checked for change in one.changes),
        "holders": [_other(known, row, said.classes, row.organisation_class) for row in shown],
        "holders_total": len(one.holders),
        "month": one.detail.get("month", ""),
        "partition": one.detail.get("partition", ""),
        "displaced": [
            (
                change_sentences(one.model_copy(update={"changes": [change], "status": "optimal"}), said)[0],
                [_other(known, row, said.classes) for row in change.displaces],
            )
            for change in one.changes
            if change.displaces
        ],
        "decisions": list(scenario.decisions.all()),
        "may_ask": told.can_be_asked and may(request.user, "ask scenarios"),
    }


def _other(known: dict[str, Application], one: Holder | Displaced, classes: Mapping[str, str], name: str = "") -> Other:
    row = known.get(one.application)
    return Other(
        code=one.application,
        title=(row.title if row else "") or one.application,
        organisation=row.organisation.name if row and row.organisation else "",
        class_words=classes.get(name or (row.organisation_class if row else ""), name),
        score=one.score,
        hours=round(one.hours * 3600),
    )


@requires("ask scenarios", "POST")
def prices(request: HttpRequest, code: str) -> HttpResponse:
    """Ask what keeping each promise costs, or what more of each partition adds; back to where it was asked."""
    scenario = _scenario(code)
    decision = Decision.objects.filter(code=request.POST.get("decision", ""), scenario=scenario).first()
    back = reverse("portal:decision", args=[decision.code]) if decision else reverse("portal:scenario", args=[code])
    try:
        actions.ask_prices(person_of(request), scenario, request.POST.get("of", ""))
    except Refused as refusal:
        return show_refusal(request, refusal, back)
    return see_other(f"{back}#prices")


@requires(SIGNED_IN)
def now(request: HttpRequest, number: int) -> HttpResponse:
    """How far an inquiry is, for a page that asks again and again; once it is over, the page is loaded anew."""
    inquiry = inquiry_of(number)
    if inquiry is None or not _may_see(request, inquiry):
        raise Http404
    response = render(request, "components/inquiry_now.html", {"inquiry": inquiry})
    if not inquiry.is_under_way:
        response["HX-Refresh"] = "true"
    return response


def _may_see(request: HttpRequest, inquiry: Inquiry) -> bool:
    if may(request.user, "read decisions"):
        return True
    return inquiry.application is not None and inquiry.application.applicant_id == request.user.pk
