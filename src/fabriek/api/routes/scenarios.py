"""Scenarios: what-ifs asked, solved apart, compared; one is chosen for the decision."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from ninja import Field, Query, Schema

from fabriek.access import actions
from fabriek.access.change_words import words_of
from fabriek.access.changes import MOST, AnyChange, stored
from fabriek.access.comparison import as_data
from fabriek.access.models import Call, Scenario
from fabriek.access.scenarios import compared, reality_of, scenario_of, scenarios, solved, state_now
from fabriek.access.words import names_of_promises, promises_in, speech
from fabriek.allocation.explain import short_words
from fabriek.api.authentication import Scope, actor_of
from fabriek.api.paging import PageOf, Paging, page_of

# One address, one router: a router answers 405 for methods that it does not know itself.
from fabriek.api.routes.access import DecisionRow, Why, decision_row, router
from fabriek.people.permissions import require


class Asked(Schema):
    calls: list[str] = Field(min_length=1, max_length=200)
    changes: list[AnyChange] = Field(default_factory=list, max_length=MOST)
    why: str = Field("", max_length=500)


class AnswerIO(Schema):
    value: float
    bound: float
    gap: float
    status: str
    awarded: int
    gpu_hours: float
    shortfalls: int
    greedy_value: float
    took: float
    solved_at: datetime


class ScenarioRow(Schema):
    code: str
    state: str
    step: str
    fault: str
    calls: list[str]
    base: str | None
    changes: list[dict[str, Any]]
    supposes: list[str]
    why: str
    asked_by: str
    asked_at: datetime
    problem_sha256: str
    answer: AnswerIO | None
    decisions: list[str]


class ScenarioRows(PageOf):
    items: list[ScenarioRow]


class ScenarioDetail(ScenarioRow):
    """`real`: its problem is today's, so that it can be chosen (null before it is solved). `untrue`: what isn't so."""

    real: bool | None
    untrue: list[dict[str, Any]]


class ComparisonOut(Schema):
    format: str
    scenarios: list[dict[str, Any]]
    groups: dict[str, list[dict[str, Any]]]
    promises: list[dict[str, Any]]
    applications: list[dict[str, Any]]


class Plans(Schema):
    plan: list[str] = Field(min_length=2, max_length=3, description="Codes of scenarios.")


def scenario_row(scenario: Scenario) -> dict[str, Any]:
    """A scenario without its problem and plan."""
    names = ("code", "changes", "why", "asked_at", "problem_sha256")
    return {
        **{name: getattr(scenario, name) for name in names},
        "state": state_now(scenario.run),
        "step": scenario.run.step,
        "fault": scenario.run.fault,
        "calls": sorted(call.code for call in scenario.calls.all()),
        "base": scenario.base.code if scenario.base else None,
        "supposes": words_of(scenario),
        "asked_by": scenario.asked_by.name,
        "answer": getattr(scenario, "answer", None),
        "decisions": [decision.code for decision in scenario.decisions.all()],
    }


def found(request: HttpRequest, code: str, permission: str = "read decisions") -> Scenario:
    """A scenario, for who may do this with it. Errors: NotAllowed, Http404."""
    require(actor_of(request), permission)
    scenario = scenario_of(code)
    if scenario is None:
        raise Http404
    return scenario


@router.get("/scenarios", response=ScenarioRows, auth=Scope("read", "read decisions"), summary="Scenarios")
def listed(request: HttpRequest, paging: Query[Paging], call: str = "") -> dict[str, Any]:
    """Newest first; `call` narrows to those of one call."""
    return page_of(scenarios([call] if call else []), paging, scenario_row)


@router.post("/scenarios", response=ScenarioRow, auth=Scope("decide", "ask scenarios"), summary="Ask a scenario")
def ask(request: HttpRequest, body: Asked) -> dict[str, Any]:
    """Kept, and solved apart: look at it until its state is solved. Without changes: the calls as they stand."""
    actor = actor_of(request)
    calls = list(
        Call.objects.filter(code__in=body.calls).select_related("programme", "factory").prefetch_related("partitions")
    )
    if len(calls) != len(set(body.calls)):
        raise Http404
    demo = all(call.is_demo for call in calls)
    return scenario_row(actions.ask_scenario(actor, calls, body.changes, body.why, is_demo=demo))


@router.get(
    "/scenarios/compare", response=ComparisonOut, auth=Scope("read", "read decisions"), summary="Scenarios side by side"
)
def compare(request: HttpRequest, plans: Query[Plans]) -> dict[str, Any]:
    """Two or three solved scenarios; the first is what the others are compared with. `fabriek/comparison/1`."""
    data = as_data([solved(scenario) for scenario in compared(plans.plan)])
    said = speech(names_of_promises(promises_in(*(row["detail"] for row in data["applications"]))))
    for row in data["applications"]:
        row["why"] = short_words(row["reason"], row["detail"], said) if row["reason"] else ""
    return data


@router.get("/scenarios/{code}", response=ScenarioDetail, auth=Scope("read", "read decisions"), summary="A scenario")
def scenario(request: HttpRequest, code: str) -> dict[str, Any]:
    """With how far it is, its figures, and whether what it supposes is so."""
    one = found(request, code)
    if not hasattr(one, "answer"):
        return {**scenario_row(one), "real": None, "untrue": []}
    reality = reality_of(one)
    return {**scenario_row(one), "real": reality.holds, "untrue": stored(reality.untrue)}


@router.get("/scenarios/{code}/problem", auth=Scope("read", "read decisions"), summary="The problem of a scenario")
def scenario_problem(request: HttpRequest, code: str) -> HttpResponse:
    """`fabriek/problem/1`, byte for byte."""
    return HttpResponse(found(request, code).problem, content_type="application/json")


@router.get(
    "/scenarios/{code}/plan",
    auth=Scope("read", "read decisions"),
    summary="The plan of a scenario, with its certificate",
)
def scenario_plan(request: HttpRequest, code: str) -> HttpResponse:
    """`fabriek/plan/1`; check it with `fabriek verify`."""
    one = found(request, code)
    return HttpResponse(solved(one).plan_text, content_type="application/json")


@router.post(
    "/scenarios/{code}/cancel", response=ScenarioRow, auth=Scope("decide", "ask scenarios"), summary="Cancel a scenario"
)
def cancel(request: HttpRequest, code: str, body: Why) -> dict[str, Any]:
    """The solver lets go of it at once; it stays, and can be asked again."""
    actions.cancel_scenario(actor_of(request), found(request, code), body.why)
    return scenario_row(found(request, code))


@router.post(
    "/scenarios/{code}/again",
    response=ScenarioRow,
    auth=Scope("decide", "ask scenarios"),
    summary="Ask a scenario again",
)
def again(request: HttpRequest, code: str) -> dict[str, Any]:
    """The very same question, where it was cancelled, failed, or lost its solver."""
    actions.ask_again(actor_of(request), found(request, code))
    return scenario_row(found(request, code))


@router.post(
    "/scenarios/{code}/choose", response=DecisionRow, auth=Scope("decide", "decide"), summary="Choose a scenario"
)
def choose(request: HttpRequest, code: str, body: Why) -> dict[str, Any]:
    """Proposes its plan as the decision; refused while it supposes what is not so."""
    return decision_row(actions.choose_scenario(actor_of(request), found(request, code), body.why))
