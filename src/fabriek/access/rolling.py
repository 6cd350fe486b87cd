"""Who may be offered what came back: the displaced of a call, decided by the same model as the first time.

What was asked for months that have gone by is asked for the months to come: it keeps its length where the call still
has so many months, else its months and its hours are cut in the same proportion.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils import timezone

from fabriek.access.exceeded import without_exceeded
from fabriek.access.models import Alternative, Application, ApplicationState, Call, CallState, Outcome
from fabriek.access.problem import compose, horizon, row_of
from fabriek.allocation.plan import Plan
from fabriek.allocation.problem import Problem, problem_sha256
from fabriek.allocation.solve import solve
from fabriek.projects.rules import month_after

DISPLACED = ("displaced", "capacity", "promise", "cap")
"""Reasons that more free hours can lift; below the threshold is none of them."""

GAP, SECONDS = 1e-4, 20.0


@dataclass(frozen=True)
class Shifted:
    """An alternative in the months that are left. `number`: its place in the application's own list."""

    number: int
    asked: Alternative
    first_month: date
    months: int
    gpu_hours: int

    @property
    def is_cut(self) -> bool:
        return self.months < self.asked.months


def displaced(call: Call) -> list[Outcome]:
    """The refusals of a call that more free hours can lift, and that nobody objected to. Three queries."""
    return list(
        Outcome.objects.filter(
            application__call=call,
            application__state=ApplicationState.REJECTED,
            awarded=False,
            set_aside_at__isnull=True,
            reason__in=DISPLACED,
            application__score__gte=call.threshold,
        )
        .exclude(objection__answered_at__isnull=True, objection__isnull=False)
        .select_related(
            "application__call__programme",
            "application__call__factory",
            "application__organisation",
            "application__applicant",
        )
        .prefetch_related("application__alternatives__partition")
        .order_by("application__code")
    )


def shifted(application: Application, call: Call, now: datetime) -> list[Shifted]:
    """Its alternatives in the months from the next one on, in its own order; none where no month is left."""
    first, last = month_after(now.date().replace(day=1), 1), month_after(call.first_month, call.months)
    found = []
    for number, asked in enumerate(application.alternatives.all()):
        begin = max(asked.first_month, first)
        left = (last.year - begin.year) * 12 + last.month - begin.month
        months = min(asked.months, left)
        if months < 1:
            continue
        hours = asked.gpu_hours * months // asked.months
        if hours:
            found.append(Shifted(number, asked, begin, months, hours))
    return found


@dataclass(frozen=True)
class OfferRow:
    """To whom it would be offered, or why not. `hours` 0: not."""

    application: Application
    old: Outcome
    shifted: Shifted | None
    hours: int
    reason: str
    detail: dict[str, Any]


@dataclass(frozen=True)
class Offer:
    """What a fresh plan would do with what is free in a call's months to come."""

    call: Call
    problem: Problem
    plan: Plan
    rows: list[OfferRow]
    free_hours: int

    @property
    def sha256(self) -> str:
        """What an officer saw: it changes with anything that the plan rests on."""
        return self.plan.problem_sha256

    @property
    def awards(self) -> list[OfferRow]:
        return [row for row in self.rows if row.hours]


def calls_to_offer_in(now: datetime | None = None) -> list[Call]:
    """Calls that were decided, have months to come and somebody displaced, newest first. One query and its prefetch."""
    now = now or timezone.now()
    found = (
        Call.objects.filter(
            continuous=False,
            applications__state=ApplicationState.REJECTED,
            applications__outcomes__set_aside_at__isnull=True,
            applications__outcomes__reason__in=DISPLACED,
        )
        .select_related("programme", "factory", "access_mode")
        .prefetch_related("partitions")
        .distinct()
        .order_by("-opens", "code")
    )
    first = month_after(now.date().replace(day=1), 1)
    return [call for call in found if month_after(call.first_month, call.months) > first]


def is_decided(call: Call, now: datetime) -> bool:
    """Whether nobody can still apply or waits for the first decision: only then are hours offered again."""
    if call.state != CallState.CLOSED and now < call.closes:
        return False
    return not call.applications.exclude(
        state__in=[
            ApplicationState.DRAFT,
            ApplicationState.INELIGIBLE,
            ApplicationState.INFEASIBLE,
            ApplicationState.AWARDED,
            ApplicationState.REJECTED,
            ApplicationState.WITHDRAWN,
        ]
    ).exists()


def offer_of(call: Call, now: datetime | None = None) -> Offer:
    """A fresh plan over the displaced, with what is free in the months to come, under the promises of the day.

    Promises count all decisions before it (`reached_before`, `base_before`). The same state gives the same plan.
    """
    now = now or timezone.now()
    outcomes = displaced(call)
    ways = {o.application.code: shifted(o.application, call, now) for o in outcomes}
    months = horizon([call])
    problem = compose(
        months,
        sorted(p.code for p in call.partitions.all()),
        [call.programme.code],
        lambda all_months: [
            _row(o.application, ways[o.application.code], all_months) for o in outcomes if ways[o.application.code]
        ],
        threshold=float(call.threshold),
        value=call.value,
        on=now.date(),
    )
    problem, barred = without_exceeded(problem)
    plan = solve(problem, gap=GAP, seconds=SECONDS)
    awards = {award.application: award for award in plan.awards}
    refusals = {refusal.application: refusal for refusal in plan.refusals}
    rows = []
    for old in outcomes:
        code = old.application.code
        if code in awards:
            way = ways[code][awards[code].alternative]
            rows.append(OfferRow(old.application, old, way, way.gpu_hours, "", {}))
        elif code in refusals:
            rows.append(OfferRow(old.application, old, None, 0, refusals[code].reason, refusals[code].detail))
        elif code in barred:
            rows.append(OfferRow(old.application, old, None, 0, "cap", {"promises": barred[code]}))
        else:
            rows.append(OfferRow(old.application, old, None, 0, "late", {}))
    rows.sort(key=lambda row: (not row.hours, -float(row.application.score or 0), row.application.code))
    first = month_after(now.date().replace(day=1), 1)
    to_come = [n for n, month in enumerate(months) if month >= first]
    free = sum(partition.capacity[n] for partition in problem.partitions for n in to_come)
    return Offer(call, problem, plan, rows, int(free))


def _row(application: Application, ways: Sequence[Shifted], months: list[date]) -> dict[str, Any]:
    return row_of(
        application,
        [
            {
                "partition": way.asked.partition.code,
                "start": months.index(way.first_month),
                "months": way.months,
                "hours": float(way.gpu_hours),
            }
            for way in ways
        ],
    )


def same_offer(offer: Offer, sha256: str) -> bool:
    """Whether an offer is the one that was looked at."""
    return problem_sha256(offer.problem) == sha256
