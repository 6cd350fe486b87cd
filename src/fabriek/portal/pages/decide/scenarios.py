"""Scenarios: the list, one of them, side by side, choosing."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabriek.access import actions
from fabriek.access.change_words import value_words, words_of, words_of_changes
from fabriek.access.comparison import SolvedScenario
from fabriek.access.models import Application, RunState, Scenario
from fabriek.access.scenarios import compared, is_unsolved_by_nobody, reality_of, scenario_of, scenarios, state_now
from fabriek.access.scenarios import solved as solved_scenario
from fabriek.access.solving import LINE
from fabriek.access.words import names_of_promises, promises_in, speech
from fabriek.allocation.explain import short_words
from fabriek.conf.errors import Refused
from fabriek.people.permissions import may
from fabriek.portal.access import requires
from fabriek.portal.components.amounts import percent_text
from fabriek.portal.pages.decide.comparing import comparison_csv, comparison_of, where_words
from fabriek.portal.pages.decide.prices import prices_csv, prices_of
from fabriek.portal.pages.decide.replies import csv_file, page, person_of, see_other, show_refusal

# What the solver says it is doing, in words of the page.
STEPS = {
    "rows and columns": gettext_lazy("Writing down the rows and columns"),
    "prices": gettext_lazy("Finding the prices of hours and promises"),
    "floors": gettext_lazy("Keeping the floors"),
    "value": gettext_lazy("Finding the greatest value"),
    "tree search": gettext_lazy("Searching the tree"),
    "search": gettext_lazy("Searching for the best plan"),
    "bound": gettext_lazy("Bounding what is possible"),
    "exact check": gettext_lazy("Checking in exact hours"),
    "certificate": gettext_lazy("Writing the certificate"),
    "rank order, to compare": gettext_lazy("Ranking, to compare"),
    "check without the solver": gettext_lazy("Checking the plan without the solver"),
}


@requires("read decisions")
def index(request: HttpRequest) -> HttpResponse:
    """All stored scenarios, newest first; two or three of them are compared."""
    found = Paginator(scenarios(), 30).get_page(request.GET.get("page"))
    return page(
        request,
        "scenarios",
        page=found,
        rows=[(one, words_of(one)) for one in found],
        may_ask=may(request.user, "ask scenarios"),
    )


@requires("read decisions")
def room(request: HttpRequest, code: str) -> HttpResponse:
    """One scenario: how far it is; once solved, the plan, what it changes, its certificate."""
    scenario = _found(code)
    answer = getattr(scenario, "answer", None)
    if request.GET.get("format") == "csv" and answer is not None:
        plan = solved_scenario(scenario)
        return prices_csv(plan, scenario, request.GET.get("of", "")) or _awards_csv(plan)
    context: dict[str, Any] = {
        "scenario": scenario,
        "supposes": words_of(scenario),
        "answer": answer,
        "fingerprint": _in_groups(scenario.problem_sha256),
        "may_ask": may(request.user, "ask scenarios"),
        "may_decide": may(request.user, "decide"),
        **_progress(scenario),
    }
    if answer is not None:
        context |= _solved(request, scenario)
    return page(request, "scenario", **context)


def _solved(request: HttpRequest, scenario: Scenario) -> dict[str, Any]:
    plan = solved_scenario(scenario)
    base = scenario.base
    is_compared = base is not None and hasattr(base, "answer")
    reality = reality_of(scenario) if may(request.user, "decide") else None
    return {
        "prices": prices_of(plan, scenario, may(request.user, "ask scenarios"), "?format=csv&of=months"),
        "rule": value_words(plan.problem["value"]),
        "offered": sum(sum(row["capacity"]) for row in plan.problem["partitions"]) * 3600,
        "asked_for": len(plan.problem["applications"]),
        "awarded_seconds": round(scenario.answer.gpu_hours * 3600),
        "more": scenario.answer.value / scenario.answer.greedy_value - 1 if scenario.answer.greedy_value else None,
        "gap_words": percent_text(scenario.answer.gap, 4),
        "status_words": STATUS_WORDS.get(scenario.answer.status, ""),
        "solver_name": (plan.plan.get("certificate") or {}).get("solver", ""),
        "comparison": comparison_of([base, scenario]) if is_compared and base is not None else None,
        "awards": _awards(plan)[:AWARDS_SHOWN],
        "awards_total": len(plan.awards),
        "awards_opened": not scenario.is_what_if,
        "refused": _refused(plan)[:AWARDS_SHOWN],
        "refused_total": len(plan.plan["refusals"]),
        "reality": reality,
        "untrue": words_of_changes(reality.untrue) if reality else [],
    }


AWARDS_SHOWN = 50

STATUS_WORDS = {
    "optimal": gettext_lazy("No plan is worth more: the value reaches the bound."),
    "gap": gettext_lazy("At most this much better is possible: more seconds may find it, or prove that there is none."),
    "time": gettext_lazy("The time was up; the bound says how much better, at most, another plan could be."),
}


def _awards(plan: SolvedScenario) -> list[dict[str, Any]]:
    """Who gets what, the highest score first."""
    codes = sorted(plan.awards, key=lambda code: (-plan.applications[code]["score"], code))
    found = Application.objects.filter(code__in=codes[:AWARDS_SHOWN]).select_related("organisation")
    titles = {application.code: application for application in found}
    return [
        {
            "code": code,
            "application": titles.get(code),
            "score": plan.applications[code]["score"],
            "country": plan.applications[code]["country"],
            "award": plan.awards[code],
            "seconds": round(plan.awards[code].hours * 3600),
        }
        for code in codes
    ]


def _refused(plan: SolvedScenario) -> list[dict[str, Any]]:
    """Who gets nothing and why, the highest score first."""
    scores = {code: row["score"] for code, row in plan.applications.items()}
    rows = sorted(plan.plan["refusals"], key=lambda row: (-scores[row["application"]], row["application"]))
    shown = rows[:AWARDS_SHOWN]
    codes = [row["application"] for row in shown]
    found = {a.code: a for a in Application.objects.filter(code__in=codes).select_related("organisation")}
    said = speech(names_of_promises(promises_in(*(row["detail"] for row in shown))))
    return [
        {
            "code": row["application"],
            "application": found.get(row["application"]),
            "score": plan.applications[row["application"]]["score"],
            "country": plan.applications[row["application"]]["country"],
            "why": short_words(row["reason"], row["detail"], said),
        }
        for row in shown
    ]


def _awards_csv(plan: SolvedScenario) -> HttpResponse:
    refusals = {row["application"]: row["reason"] for row in plan.plan["refusals"]}
    return csv_file(
        plan.code,
        ["application", "class", "programme", "country", "score", "awarded_gpu_hours", "where", "reason"],
        [
            (
                code,
                row["class"],
                row["programme"],
                row["country"],
                row["score"],
                plan.awards[code].hours if code in plan.awards else 0,
                where_words(plan.awards.get(code)),
                refusals.get(code, ""),
            )
            for code, row in sorted(plan.applications.items(), key=lambda item: (-item[1]["score"], item[0]))
        ],
    )


def _progress(scenario: Scenario) -> dict[str, Any]:
    run, now = scenario.run, timezone.now()
    state = state_now(run, now)
    elapsed = (now - run.began_at).total_seconds() if run.began_at and state == RunState.SOLVING else 0.0
    return {
        "run": run,
        "state": state,
        "was_lost": (state == RunState.ASKED and run.state == RunState.SOLVING) or run.attempts > 0,
        "is_under_way": state in (RunState.ASKED, RunState.SOLVING),
        "nobody_solves": is_unsolved_by_nobody(run, now),
        "step": STEPS.get(run.step, run.step),
        "elapsed": min(elapsed, scenario.seconds),
        "ahead": LINE.ahead_of(run) if state == RunState.ASKED else 0,
    }


@requires("read decisions")
def now(request: HttpRequest, code: str) -> HttpResponse:
    """How far it is, for a page that asks again and again; once it is over, the page is loaded anew."""
    scenario = _found(code)
    context = {"scenario": scenario, "may_ask": may(request.user, "ask scenarios"), **_progress(scenario)}
    response = page(request, "scenario_now", **context)
    if not context["is_under_way"]:
        response["HX-Refresh"] = "true"
    return response


@requires("read decisions")
def compare(request: HttpRequest) -> HttpResponse:
    """Two or three stored plans side by side."""
    try:
        # What stood before what was supposed, the older before the newer.
        chosen = sorted(compared(request.GET.getlist("plan")), key=lambda one: (one.is_what_if, one.asked_at, one.pk))
    except Refused as refusal:
        return show_refusal(request, refusal, reverse("portal:scenarios"))
    if request.GET.get("format") == "csv":
        return comparison_csv(chosen, request.GET.get("of", ""))
    return page(request, "compare_scenarios", comparison=comparison_of(chosen))


@requires("ask scenarios", "POST")
def cancel(request: HttpRequest, code: str) -> HttpResponse:
    """Stop asking."""
    back = reverse("portal:scenario", args=[code])
    try:
        actions.cancel_scenario(person_of(request), _found(code))
    except Refused as refusal:
        return show_refusal(request, refusal, back)
    messages.success(request, _("Cancelled. The scenario stays, and can be asked again."))
    return see_other(back)


@requires("ask scenarios", "POST")
def again(request: HttpRequest, code: str) -> HttpResponse:
    """Ask the very same question again."""
    actions.ask_again(person_of(request), _found(code))
    return see_other(reverse("portal:scenario", args=[code]))


@requires("decide", "GET", "POST")
def choose(request: HttpRequest, code: str) -> HttpResponse:
    """Propose what a scenario says as the decision, after asking."""
    scenario = _found(code)
    back = reverse("portal:scenario", args=[code])
    if request.method != "POST":
        return page(request, "choose_scenario", scenario=scenario, back=back)
    try:
        decision = actions.choose_scenario(person_of(request), scenario, why=request.POST.get("why", "")[:2000])
    except Refused as refusal:
        return show_refusal(request, refusal, back)
    messages.success(request, _("Proposed. Nothing is awarded until somebody publishes it."))
    return see_other(reverse("portal:decision", args=[decision.code]))


@requires("read decisions")
def problem(request: HttpRequest, code: str) -> HttpResponse:
    """The stored problem, byte for byte."""
    del request
    return _file(_found(code).problem, f"{code}.problem")


@requires("read decisions")
def plan(request: HttpRequest, code: str) -> HttpResponse:
    """The stored plan, byte for byte."""
    del request
    answer = getattr(_found(code), "answer", None)
    if answer is None:
        raise Http404
    return _file(answer.plan, f"{code}.plan")


def _file(text: str, name: str) -> HttpResponse:
    return HttpResponse(
        text.encode(),
        content_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{name}.json"'},
    )


def _found(code: str) -> Scenario:
    found = scenario_of(code)
    if found is None:
        raise Http404
    return found


def _in_groups(digest: str) -> str:
    """A fingerprint that can be read aloud, and that breaks on a phone."""
    return " ".join(digest[at : at + 8] for at in range(0, len(digest), 8))
