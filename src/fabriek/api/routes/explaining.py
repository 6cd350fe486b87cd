"""Why: of an application in a plan, for officers and for its applicant; what promises and partitions are worth."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from django.http import Http404, HttpRequest
from ninja import Schema

from fabriek.access import actions
from fabriek.access.comparison import SolvedScenario
from fabriek.access.explaining import (
    Explained,
    explained,
    hourly_prices,
    inquiry_about,
    marginal_prices,
    partition_prices,
    plan_behind,
    prices_asked,
    promise_prices,
    told_by,
)
from fabriek.access.models import Application, Inquiry, InquiryOf, Scenario
from fabriek.access.queries import application_of, outcome_of
from fabriek.access.scenarios import solved
from fabriek.access.words import explanation_of, names_of_promises, outcome_words, speech, speech_for, stored
from fabriek.allocation.explain import (
    change_sentences,
    outcome_sentences,
    partition_sentence,
    promise_sentence,
)
from fabriek.api.authentication import Scope, actor_of

# One address, one router: a router answers 405 for methods that it does not know itself.
from fabriek.api.routes.access import own, router
from fabriek.api.routes.scenarios import found
from fabriek.people.permissions import may


class InquiryOut(Schema):
    """What was asked that takes solving again. Ask again until `state` is done or failed."""

    state: str
    done: int
    most: int
    fault: str
    asked_at: datetime
    ended_at: datetime | None


class ExplanationOut(Schema):
    """`sentences`: what was decided and why; `changes`: what would have changed it. Both in the asker's language.

    `explanation` is `fabriek/explanation/1`; for an applicant nobody else is in it. `inquiry`: null where nobody asked
    for solving again, and the changes are estimates.
    """

    application: str
    scenario: str | None
    sentences: list[str]
    changes: list[str]
    explanation: dict[str, Any] | None
    inquiry: InquiryOut | None


class PricesIn(Schema):
    of: Literal["promises", "partitions"]


class PartitionOut(Schema):
    partition: str
    an_hour: list[float]
    a_month: float
    checked: dict[str, Any] | None
    sentence: str


class PromiseOut(Schema):
    promise: str
    name: str
    an_hour: float
    checked: dict[str, Any] | None
    sentence: str


class PricesOut(Schema):
    """`an_hour`, `a_month`: value of one more, at the certificate's prices; of a promise, of one hour less of it.

    `checked`: what solving again found, once it was asked.
    """

    scenario: str
    months: list[str]
    partitions: list[PartitionOut]
    promises: list[PromiseOut]
    partitions_asked: InquiryOut | None
    promises_asked: InquiryOut | None


def told_of(application: Application, scenario: Scenario, one: Explained, officer: bool) -> dict[str, Any]:
    """An explanation for an officer, or for its applicant."""
    explanation = one.explanation if officer else one.explanation.for_applicant()
    said = speech_for(explanation)
    return {
        "application": application.code,
        "scenario": scenario.code,
        "sentences": outcome_sentences(explanation, said, officer=officer),
        "changes": change_sentences(explanation, said, officer=officer),
        "explanation": stored(explanation),
        "inquiry": one.inquiry,
    }


def in_plan(request: HttpRequest, code: str, application: str) -> tuple[Scenario, Application]:
    """A solved scenario, and an application, for who reads decisions. Errors: NotAllowed, NotSolved, Http404."""
    scenario = found(request, code)
    solved(scenario)
    one = application_of(actor_of(request), application)
    if one is None:
        raise Http404
    return scenario, one


@router.get(
    "/scenarios/{code}/explanations/{application}",
    response=ExplanationOut,
    auth=Scope("read", "read decisions"),
    summary="Why, in a scenario",
)
def why_in_scenario(request: HttpRequest, code: str, application: str) -> dict[str, Any]:
    """What became of an application in this plan and why, by name; estimates of what would have changed it until
    somebody asked for solving again."""
    scenario, one = in_plan(request, code, application)
    told = explained(scenario, one)
    if told is None:
        raise Http404
    return told_of(one, scenario, told, officer=True)


@router.post(
    "/scenarios/{code}/explanations/{application}",
    response=ExplanationOut,
    auth=Scope("decide", "read decisions"),
    summary="Find what would have changed it",
)
def ask_in_scenario(request: HttpRequest, code: str, application: str) -> dict[str, Any]:
    """Asked once, and solved apart: look at it until its state is done. Asked before: the same."""
    scenario, one = in_plan(request, code, application)
    actions.ask_why(actor_of(request), scenario, one)
    return why_in_scenario(request, code, application)


@router.get(
    "/applications/{code}/explanation", response=ExplanationOut, auth=Scope("read"), summary="Why, once it is answered"
)
def why(request: HttpRequest, code: str) -> dict[str, Any]:
    """For its applicant, and for officers, the board and administrators: nobody else is in it."""
    application, actor = own(request, code), actor_of(request)
    outcome = outcome_of(application)
    if outcome is None or not (application.applicant_id == actor.pk or may(actor, "read decisions")):
        raise Http404
    kept, scenario = explanation_of(outcome), outcome.decision.scenario
    inquiry = None if scenario is None else inquiry_about(scenario, InquiryOf.APPLICATION, application)
    # Estimates are for officers: what an applicant is told of what would have been enough is checked.
    found_again = told_by(inquiry)
    kept = found_again or kept
    told = kept.for_applicant() if kept is not None else None
    return {
        "application": application.code,
        "scenario": scenario.code if scenario else None,
        "sentences": [outcome_words(outcome)] if told is None else outcome_sentences(told, speech_for(told)),
        "changes": change_sentences(told, speech_for(told)) if told and found_again else [],
        "explanation": stored(told) if told is not None else None,
        "inquiry": inquiry,
    }


@router.post(
    "/applications/{code}/explanation",
    response=ExplanationOut,
    auth=Scope("apply"),
    summary="Find what would have been enough",
)
def ask(request: HttpRequest, code: str) -> dict[str, Any]:
    """For the applicant of one that was refused: the smallest change that would have made it, checked by solving
    again. Asked once, and solved apart."""
    application = own(request, code)
    scenario = plan_behind(application)
    if scenario is None:
        raise Http404
    actions.ask_why(actor_of(request), scenario, application)
    return why(request, code)


def prices_row(scenario: Scenario) -> dict[str, Any]:
    """What hours and promises of a plan are worth."""
    plan = solved(scenario)
    asked = prices_asked(scenario)
    return {
        "scenario": scenario.code,
        "months": plan.problem["months"],
        "partitions": _partitions(plan, asked.get(InquiryOf.PARTITIONS)),
        "promises": _promises(plan, asked.get(InquiryOf.PROMISES)),
        "partitions_asked": asked.get(InquiryOf.PARTITIONS),
        "promises_asked": asked.get(InquiryOf.PROMISES),
    }


def _partitions(plan: SolvedScenario, asked: Inquiry | None) -> list[dict[str, Any]]:
    checked = {price.partition: price for price in partition_prices(asked)}
    said = speech()
    return [
        {
            "partition": row.partition,
            "an_hour": row.an_hour,
            "a_month": row.a_month,
            "checked": one.model_dump(mode="json") if (one := checked.get(row.partition)) else None,
            "sentence": partition_sentence(one, said) if one else "",
        }
        for row in marginal_prices(plan.problem, plan.plan)
    ]


def _promises(plan: SolvedScenario, asked: Inquiry | None) -> list[dict[str, Any]]:
    checked = {price.promise: price for price in promise_prices(asked)}
    hourly = hourly_prices(plan.plan)
    names = names_of_promises(row["id"] for row in plan.problem.get("promises", []))
    said = speech(names)
    return [
        {
            "promise": code,
            "name": name,
            "an_hour": hourly.get(code, 0.0),
            "checked": one.model_dump(mode="json") if (one := checked.get(code)) else None,
            "sentence": promise_sentence(one, said) if one else "",
        }
        for code, name in names.items()
    ]


@router.get(
    "/scenarios/{code}/prices",
    response=PricesOut,
    auth=Scope("read", "read decisions"),
    summary="What hours and promises cost",
)
def prices(request: HttpRequest, code: str) -> dict[str, Any]:
    """Prices of the certificate at once, and what solving again found beside them."""
    return prices_row(found(request, code))


@router.post(
    "/scenarios/{code}/prices",
    response=PricesOut,
    auth=Scope("decide", "ask scenarios"),
    summary="Find what these cost",
)
def ask_prices(request: HttpRequest, code: str, body: PricesIn) -> dict[str, Any]:
    """Solved apart, once for each promise or partition: look at it until its state is done."""
    scenario = found(request, code)
    actions.ask_prices(actor_of(request), scenario, body.of)
    return prices_row(scenario)
