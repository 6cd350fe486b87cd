"""Why, as it is read: of an application in a scenario's plan, of its promises and partitions; stored answers first."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from fabriek.access.changes import ThresholdChange, read_changes
from fabriek.access.models import Application, Inquiry, InquiryOf, InquiryState, Scenario
from fabriek.access.problem import row_of as problem_row
from fabriek.access.queries import outcome_of
from fabriek.access.scenarios import scenario_of
from fabriek.access.words import refusal_explained
from fabriek.allocation.explain import (
    Explanation,
    PartitionPrice,
    PromisePrice,
    explain_application,
    price_partitions,
)
from fabriek.allocation.plan import load_plan
from fabriek.allocation.problem import load_problem, parse_problem


def inquiry_about(scenario: Scenario, of: str, application: Application | None = None) -> Inquiry | None:
    """What was asked of this plan already. One query."""
    return Inquiry.objects.filter(scenario=scenario, of=of, application=application).select_related("asked_by").first()


def inquiry_of(number: int) -> Inquiry | None:
    """One inquiry. One query."""
    if not 0 < number < 2**63:
        return None
    return (
        Inquiry.objects.filter(pk=number)
        .select_related("asked_by", "scenario", "application")
        .defer("scenario__problem")
        .first()
    )


def can_be_asked(inquiry: Inquiry | None) -> bool:
    """Whether solving again can tell more: nobody asked yet, or it failed."""
    return inquiry is None or inquiry.state == InquiryState.FAILED


def told_by(inquiry: Inquiry | None) -> Explanation | None:
    """What an inquiry about an application found; None: nothing yet."""
    return None if inquiry is None or not inquiry.answer else Explanation.model_validate_json(inquiry.answer)


def plan_behind(application: Application) -> Scenario | None:
    """The scenario that the published answer to an application comes from."""
    outcome = outcome_of(application)
    return scenario_of(outcome.decision.scenario.code) if outcome and outcome.decision.scenario else None


def prices_asked(scenario: Scenario) -> dict[str, Inquiry]:
    """What was asked of this plan's promises and partitions. One query."""
    found = Inquiry.objects.filter(scenario=scenario, application=None).select_related("asked_by")
    return {one.of: one for one in found}


# An application


def needed_in(scenario: Scenario, application: Application) -> Decimal:
    """The score that its call needs in this scenario."""
    for change in read_changes(scenario.changes):
        if isinstance(change, ThresholdChange) and change.call == application.call.code:
            return change.threshold
    return application.call.threshold


def place_of(scenario: Scenario, application: Application) -> str:
    """What became of it in the plan: awarded, refused, or `none`, where it has nothing to do with it."""
    plan = json.loads(scenario.answer.plan)
    if any(row["application"] == application.code for row in plan["awards"]):
        return "awarded"
    if any(row["application"] == application.code for row in plan["refusals"]) or is_below(scenario, application):
        return "refused"
    return "none"


def is_below(scenario: Scenario, application: Application) -> bool:
    """Whether it is of these calls, and its score is below what they need: it is not in the problem then."""
    score = application.score
    concerned = {call.pk for call in scenario.calls.all()}
    return score is not None and application.call_id in concerned and score < needed_in(scenario, application)


def row_in(scenario: Scenario, application: Application) -> str:
    """Its row, as JSON, where its score keeps it out of the problem; else nothing."""
    problem = json.loads(scenario.problem)
    if any(row["id"] == application.code for row in problem["applications"]):
        return ""
    alternatives = [
        {
            "partition": asked.partition.code,
            "start": problem["months"].index(f"{asked.first_month:%Y-%m}"),
            "months": asked.months,
            "hours": float(asked.gpu_hours),
        }
        for asked in application.alternatives.all()
    ]
    return json.dumps(problem_row(application, alternatives))


@dataclass(frozen=True)
class Explained:
    """An explanation, and the inquiry by which its changes were found; none: nobody asked yet."""

    explanation: Explanation
    inquiry: Inquiry | None

    @property
    def can_be_asked(self) -> bool:
        """Whether solving again can tell more: of a refusal only."""
        return can_be_asked(self.inquiry) and self.explanation.outcome == "refused"


def explained(scenario: Scenario, application: Application) -> Explained | None:
    """Why it got what it got in this plan. As it was told where somebody asked; else from the plan, with estimates.

    None: the plan does not speak of it.
    """
    inquiry = inquiry_about(scenario, InquiryOf.APPLICATION, application)
    if told := told_by(inquiry):
        return Explained(told, inquiry)
    place = place_of(scenario, application)
    if place == "none":
        return None
    problem, plan = load_problem(scenario.problem.encode()), load_plan(scenario.answer.plan)
    if any(row.id == application.code for row in problem.applications):
        return Explained(explain_application(problem, plan, application.code, check=False), inquiry)
    detail = {"score": float(application.score or 0), "threshold": float(needed_in(scenario, application))}
    return Explained(refusal_explained(application, "threshold", detail, plan.problem_sha256), inquiry)


# Prices


def promise_prices(inquiry: Inquiry | None) -> list[PromisePrice]:
    """As they were found."""
    return [] if inquiry is None or not inquiry.answer else _rows(PromisePrice, inquiry.answer)


def partition_prices(inquiry: Inquiry | None) -> list[PartitionPrice]:
    """As they were found."""
    return [] if inquiry is None or not inquiry.answer else _rows(PartitionPrice, inquiry.answer)


def _rows(kind: Any, text: str) -> list[Any]:
    return [kind.model_validate_json(json.dumps(row)) for row in json.loads(text)]


def marginal_prices(problem: dict[str, Any], plan: dict[str, Any]) -> list[PartitionPrice]:
    """What an hour and a month more of each partition are worth at the certificate's prices, without solving; the
    partitions whose hours are worth most first. problem, plan: as JSON values."""
    if not plan.get("certificate"):
        return []
    without = {**problem, "applications": [], "promises": []}
    bare = {**plan, "awards": [], "refusals": [], "promises": []}
    prices = price_partitions(parse_problem(without), load_plan(json.dumps(bare)), check=False)
    return sorted(prices, key=lambda price: (-max(price.an_hour, default=0.0), price.partition))


def certified_prices(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """The prices of a plan's certificate; none where it has none. plan: as JSON values."""
    return list((plan.get("certificate") or {"prices": []})["prices"])


def hourly_prices(plan: dict[str, Any]) -> dict[str, float]:
    """Of each promise that costs something, what an hour less of it is worth at the certificate's prices."""
    return {row["promise"]: row["price"] for row in certified_prices(plan) if row.get("promise")}


def applications_of(prices: Sequence[PromisePrice]) -> set[str]:
    """Whom the prices of promises name."""
    return {code for price in prices for code in (*price.gains, *price.loses)}
