"""Stored plans side by side: what changes, who gains, who loses. Pure: from problems and plans as JSON values.

The first plan is what the others are compared with. Hours are GPU-hours.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from fabriek.allocation.explain import Explanation, explain_some
from fabriek.allocation.hours import value_of
from fabriek.allocation.plan import load_plan
from fabriek.allocation.problem import load_problem

Group = Literal["class", "programme", "country", "partition"]
GROUPS: tuple[Group, ...] = ("class", "programme", "country", "partition")


@dataclass(frozen=True)
class Award:
    """What an application gets in a plan. place: which of its alternatives, from 0."""

    hours: float
    partition: str
    first_month: str
    months: int
    place: int

    @property
    def where(self) -> tuple[str, str, int]:
        """Partition and period."""
        return self.partition, self.first_month, self.months


@dataclass(frozen=True)
class SolvedScenario:
    """A scenario with its answer; `problem_text` and `plan_text` as they are stored."""

    code: str
    problem_text: str
    plan_text: str

    @cached_property
    def problem(self) -> dict[str, Any]:
        """`fabriek/problem/1`."""
        found: dict[str, Any] = json.loads(self.problem_text)
        return found

    @cached_property
    def plan(self) -> dict[str, Any]:
        """`fabriek/plan/1`."""
        found: dict[str, Any] = json.loads(self.plan_text)
        return found

    @cached_property
    def applications(self) -> dict[str, dict[str, Any]]:
        """The problem's applications by id."""
        return {row["id"]: row for row in self.problem["applications"]}

    @cached_property
    def awards(self) -> dict[str, Award]:
        """Who gets what."""
        months = self.problem["months"]
        found = {}
        for row in self.plan["awards"]:
            asked = self.applications[row["application"]]["alternatives"][row["alternative"]]
            found[row["application"]] = Award(
                row["hours"], asked["partition"], months[asked["start"]], asked["months"], row["alternative"]
            )
        return found

    @cached_property
    def promises(self) -> dict[str, dict[str, Any]]:
        """Each promise: its terms and how the plan keeps it."""
        terms = {row["id"]: row for row in self.problem.get("promises", [])}
        return {row["id"]: {**terms[row["id"]], **row} for row in self.plan["promises"] if row["id"] in terms}

    def value_by(self, rule: str) -> float:
        """What its awards are worth by another value rule: values by different rules can't be compared."""
        if rule == self.problem["value"]:
            return float(self.plan["value"])
        problem = load_problem(self.problem_text.encode())
        return value_of(problem.model_copy(update={"value": rule}), load_plan(self.plan_text).awards)


@dataclass(frozen=True)
class Difference:
    """An application that gets something else. kind: gains, loses, more, less or moves."""

    application: str
    organisation_class: str
    programme: str
    country: str
    before: Award | None
    after: Award | None

    @property
    def hours(self) -> float:
        """More than before; negative: less."""
        return (self.after.hours if self.after else 0.0) - (self.before.hours if self.before else 0.0)

    @property
    def is_told_before(self) -> bool:
        """Whether what stood in its way before says more than what stands in it after: it gains, or gets a choice that
        it prefers."""
        return self.before is None or (self.after is not None and self.after.place < self.before.place)

    @property
    def kind(self) -> str:
        if self.before is None:
            return "gains"
        if self.after is None:
            return "loses"
        return "more" if self.hours > 0 else "less" if self.hours < 0 else "moves"


def differences(before: SolvedScenario, after: SolvedScenario) -> list[Difference]:
    """Applications that get something else in the second plan, those that lose most first."""
    found = []
    for code in before.awards.keys() | after.awards.keys():
        then, now = before.awards.get(code), after.awards.get(code)
        if then and now and then.hours == now.hours and then.where == now.where:
            continue
        row = after.applications.get(code) or before.applications[code]
        found.append(Difference(code, row["class"], row["programme"], row["country"], then, now))
    return sorted(found, key=lambda one: (one.hours, one.application))


@dataclass(frozen=True)
class GroupRow:
    """A class, programme, country or partition in each plan: hours, and how many applications get any."""

    name: str
    hours: list[float]
    awarded: list[int]

    @property
    def more(self) -> list[float]:
        """Hours more than in the first plan, of each of the others."""
        return [hours - self.hours[0] for hours in self.hours[1:]]


def by_group(plans: Sequence[SolvedScenario], group: Group) -> list[GroupRow]:
    """Hours and awards of each group in each plan, in order of name."""
    hours: dict[str, list[float]] = defaultdict(lambda: [0.0] * len(plans))
    awarded: dict[str, list[int]] = defaultdict(lambda: [0] * len(plans))
    for number, plan in enumerate(plans):
        for code, award in plan.awards.items():
            name = award.partition if group == "partition" else plan.applications[code][group]
            hours[name][number] += award.hours
            awarded[name][number] += 1
    return [GroupRow(name, hours[name], awarded[name]) for name in sorted(hours)]


@dataclass(frozen=True)
class PromiseRow:
    """A promise in each plan (None: not in that problem)."""

    code: str
    is_cap: bool
    results: list[dict[str, Any] | None]


def promises_of(plans: Sequence[SolvedScenario]) -> list[PromiseRow]:
    """Each promise of any of the plans, in order of id."""
    rows = []
    for code in sorted({code for plan in plans for code in plan.promises}):
        results = [plan.promises.get(code) for plan in plans]
        rows.append(PromiseRow(code, any(r["kind"] == "cap" for r in results if r), results))
    return rows


def reasons_of(before: SolvedScenario, after: SolvedScenario, found: Sequence[Difference]) -> dict[str, Explanation]:
    """Why each of these gets something else, by application: what stood in the way before, or what does after."""
    gains = {one.application for one in found if one.is_told_before}
    told: dict[str, Explanation] = {}
    for plan, codes in ((before, gains), (after, {one.application for one in found} - gains)):
        if not codes:
            continue
        told |= explain_some(load_problem(plan.problem_text.encode()), load_plan(plan.plan_text), codes)
        other = after if plan is before else before
        for code in codes - plan.applications.keys():
            # Left out of the problem for its score: below the lowest threshold of the calls, or that of its own.
            score, threshold = other.applications[code]["score"], plan.problem["threshold"]
            told[code] = Explanation(
                problem_sha256=plan.plan["problem_sha256"],
                application=code,
                outcome="refused",
                reason="threshold",
                detail={"score": score} | ({"threshold": threshold} if score < threshold else {}),
                asked=[],
            )
    return told


def as_data(plans: Sequence[SolvedScenario]) -> dict[str, Any]:
    """The whole comparison as JSON values: `fabriek/comparison/1`."""
    first = plans[0]
    return {
        "format": "fabriek/comparison/1",
        "scenarios": [
            {
                "code": one.code,
                "problem_sha256": one.plan["problem_sha256"],
                "rule": one.problem["value"],
                "value": one.plan["value"],
                "value_by_first_rule": one.value_by(first.problem["value"]),
                "bound": one.plan["bound"],
                "gap": one.plan["gap"],
                "status": one.plan["status"],
                "awarded": len(one.awards),
                "hours": sum(award.hours for award in one.awards.values()),
            }
            for one in plans
        ],
        "groups": {
            group: [{"name": r.name, "hours": r.hours, "awarded": r.awarded} for r in by_group(plans, group)]
            for group in GROUPS
        },
        "promises": [
            {
                "id": row.code,
                "results": [
                    result and {k: result[k] for k in ("kind", "fraction", "required", "reached", "shortfall")}
                    for result in row.results
                ],
            }
            for row in promises_of(plans)
        ],
        "applications": [
            {
                **_reason(told.get(one.application)),
                "with": other.code,
                "application": one.application,
                "class": one.organisation_class,
                "programme": one.programme,
                "country": one.country,
                "change": one.kind,
                "hours_before": one.before.hours if one.before else 0.0,
                "hours_after": one.after.hours if one.after else 0.0,
                "where_before": _place(one.before),
                "where_after": _place(one.after),
            }
            for other in plans[1:]
            for found in [differences(first, other)]
            for told in [reasons_of(first, other, found)]
            for one in found
        ],
    }


def _reason(told: Explanation | None) -> dict[str, Any]:
    """The code and the numbers: of a refusal, or of the choice that was passed over. `reason` is empty where it gets
    what it prefers."""
    if told is not None and told.outcome == "refused":
        return {"reason": told.reason, "detail": told.detail}
    if told is not None and told.passed_over:
        return {"reason": told.passed_over[0].reason, "detail": told.passed_over[0].detail}
    return {"reason": "", "detail": {}}


def _place(award: Award | None) -> dict[str, Any] | None:
    if award is None:
        return None
    return {"partition": award.partition, "first_month": award.first_month, "months": award.months}


def counted(found: Iterable[Difference]) -> dict[str, int]:
    """How many gain, lose, get more, get less, move."""
    numbers = dict.fromkeys(("gains", "loses", "more", "less", "moves"), 0)
    for one in found:
        numbers[one.kind] += 1
    return numbers
