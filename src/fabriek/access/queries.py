"""Reads of access: what is open, one's own, what waits for a reviewer or an officer, decisions, the front door."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from django.db.models import Count, F, Max, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Lower
from django.utils import timezone

from fabriek.access.limits import worths_of_units
from fabriek.access.models import (
    AccessMode,
    Alternative,
    Application,
    ApplicationState,
    Call,
    CallState,
    Decision,
    DecisionState,
    Objection,
    Outcome,
    Review,
    ReviewKind,
    ReviewState,
    Task,
    TechnicalAssessment,
)
from fabriek.access.room import FreeByMonth, best_run, free_by_month
from fabriek.access.rules import Establishment, Wish, answer_due, establishment, may_read, misfits
from fabriek.conf.sorting import Column, ordered, place_among, sorted_rows
from fabriek.people.models import OrganisationClass, Person

# What lists may be sorted by. What an application asks is its largest alternative.
_ASKED = (
    Alternative.objects.filter(application=OuterRef("pk"))
    .order_by()
    .values("application")
    .annotate(asked=Max("gpu_hours"))
    .values("asked")
)
_REVIEWED = (
    Review.objects.filter(application=OuterRef("pk"), state=ReviewState.SUBMITTED)
    .order_by()
    .values("application")
    .annotate(number=Count("pk"))
    .values("number")
)
CALL_COLUMNS: dict[str, Column] = {
    "title": Lower("title"),
    "factory": Lower("factory__name"),
    "mode": Lower("access_mode__name"),
    "most": F("maximum_gpu_hours"),
    "opens": "opens",
    "closes": "closes",
    "state": place_among("state", CallState.values),
}
APPLICATION_COLUMNS: dict[str, Column] = {
    "title": Lower("title"),
    "call": Lower("call__title"),
    "class": place_among("organisation_class", OrganisationClass.values),
    "state": place_among("state", ApplicationState.values),
    "asked": Subquery(_ASKED),
    "reviews": Coalesce(Subquery(_REVIEWED), 0),
    "score": F("score"),
    "due": F("answer_due"),
}
REVIEW_COLUMNS: dict[str, Column] = {
    "title": Lower("application__title"),
    "call": Lower("application__call__title"),
    "state": place_among("state", ReviewState.values),
    "due": F("application__answer_due"),
}


def open_calls(now: datetime | None = None) -> list[Call]:
    """Calls that take applications now, those that close first on top. Two queries."""
    now = now or timezone.now()
    return list(
        Call.objects.filter(state=CallState.OPEN, opens__lte=now, closes__gt=now)
        .select_related("factory", "programme", "access_mode")
        .prefetch_related("partitions__system")
        .order_by("closes", "code")
    )


def calls_for_list(sort: str = "") -> list[Call]:
    """All calls, newest first or by a column, with how many applications each has. Two queries."""
    found = (
        Call.objects.select_related("factory", "programme", "access_mode")
        .prefetch_related("partitions")
        .annotate(submitted=Count("applications", filter=~Q(applications__state=ApplicationState.DRAFT)))
    )
    return list(ordered(found, sort, CALL_COLUMNS, ("-opens", "code")))


def call_of(code: str) -> Call | None:
    """A call with its factory, programme and partitions. Two queries."""
    return (
        Call.objects.select_related("factory", "programme", "access_mode")
        .prefetch_related("partitions__system")
        .filter(code=code)
        .first()
    )


def free_gpu_hours(calls: Sequence[Call]) -> dict[int, int]:
    """GPU-hours that each call's programme has free in the months on offer, all together. One query."""
    return {call: _total(free) for call, free in free_by_month(calls).items()}


def _total(free: FreeByMonth) -> int:
    return sum(seconds for there in free.values() for seconds in there.values()) // 3600


def my_applications(person: Person, sort: str = "") -> list[Application]:
    """One's own applications, newest first or by a column. Three queries."""
    found = (
        Application.objects.filter(applicant=person)
        .select_related("call__factory", "call__access_mode", "reply")
        .prefetch_related("alternatives__partition")
    )
    return list(ordered(found, sort, APPLICATION_COLUMNS, ("-created_at", "-id")))


_OUTCOMES = Outcome.objects.select_related("decision__scenario", "project", "alternative__partition").defer(
    "decision__problem", "decision__plan", "decision__scenario__problem"
)


def application_of(person: Any, code: str) -> Application | None:
    """An application that this person may read, with what its page shows; None: not there, or not theirs."""
    application = (
        Application.objects.select_related(
            "call__factory",
            "call__programme",
            "call__access_mode",
            "organisation",
            "applicant",
            "eligibility_check",
            "technical_assessment__made_by",
            "reply",
        )
        .prefetch_related(
            "alternatives__partition__system",
            "partners__organisation",
            "call__partitions__system",
            Prefetch("outcomes", _OUTCOMES),
            Prefetch("reviews", Review.objects.select_related("reviewer")),
            "attachments",
        )
        .filter(code=code)
        .first()
    )
    return application if application is not None and may_read(person, application) else None


def outcome_of(application: Application) -> Outcome | None:
    """The outcome that holds. No query where outcomes are prefetched."""
    return next((outcome for outcome in application.outcomes.all() if outcome.set_aside_at is None), None)


def to_be_reviewed(call: Call) -> QuerySet[Application]:
    """The applications of a call that may get reviewers now: eligible, and under peer review technically sound."""
    ready = ApplicationState.ASSESSED if call.review == ReviewKind.PEER else ApplicationState.ELIGIBLE
    return applications_of([call], ready)


def to_be_settled(call: Call) -> list[Application]:
    """The applications of a call in review that have all their reviews. Three queries."""
    ready = []
    for application in applications_of([call], ApplicationState.IN_REVIEW):
        reviews = [review for review in application.reviews.all() if review.state != ReviewState.DECLINED]
        if len(reviews) >= call.reviewers and all(review.state == ReviewState.SUBMITTED for review in reviews):
            ready.append(application)
    return ready


def tasks_of(call: Call) -> QuerySet[Task]:
    """Work on a call's applications that goes on by itself, the last first. One query."""
    return Task.objects.filter(call=call).select_related("call", "asked_by")


def task_of(number: int) -> Task | None:
    """One task. One query."""
    if not 0 < number < 2**63:
        return None
    return Task.objects.select_related("call", "asked_by").filter(pk=number).first()


def assessment_desk(sort: str = "") -> tuple[list[Application], QuerySet[TechnicalAssessment]]:
    """What waits for a technical assessment, those due first on top or by a column; what was assessed, newest first."""
    found = (
        Application.objects.filter(state=ApplicationState.ELIGIBLE, call__review=ReviewKind.PEER)
        .select_related("call__factory", "organisation")
        .prefetch_related("alternatives__partition")
    )
    waiting = ordered(found, sort, APPLICATION_COLUMNS, ("answer_due", "code"))
    assessed = TechnicalAssessment.objects.select_related("application", "made_by").order_by("-made_at")
    return list(waiting), assessed


def review_desk(person: Person, sort: str = "") -> list[Review]:
    """A reviewer's reviews, those to do and due first on top, or by a column. One query."""
    found = (
        Review.objects.filter(reviewer=person)
        .exclude(state=ReviewState.DECLINED)
        .select_related("application__call__factory", "application__organisation")
    )
    return list(ordered(found, sort, REVIEW_COLUMNS, ("state", "application__answer_due", "pk")))


def review_of(person: Person, number: int) -> Review | None:
    """A review that was given to this person."""
    return (
        Review.objects.select_related(
            "application__call__factory",
            "application__organisation",
            "application__applicant",
            "application__technical_assessment",
        )
        .prefetch_related("application__alternatives__partition", "application__attachments")
        .filter(pk=number, reviewer=person)
        .first()
    )


@dataclass(frozen=True)
class CallProgress:
    """How far a call's applications are: state -> number."""

    call: Call
    states: Counter[str]

    @property
    def ready(self) -> int:
        """How many have their score and wait for a decision."""
        return self.states[ApplicationState.REVIEWED]

    @property
    def total(self) -> int:
        """All but drafts."""
        return sum(self.states.values()) - self.states[ApplicationState.DRAFT]


PROGRESS_COLUMNS: dict[str, Callable[[CallProgress], Any]] = {
    "call": lambda one: one.call.title.lower(),
    "state": lambda one: CallState.values.index(one.call.state),
    "closes": lambda one: one.call.closes,
    "ready": lambda one: one.ready,
    **{
        state.value: lambda one, state=state.value: one.states[state]  # type: ignore[misc]
        for state in ApplicationState
    },
}


def progress_of_calls(sort: str = "") -> list[CallProgress]:
    """Each call and the states of its applications, newest call first or by a column. Three queries."""
    counted: dict[int, Counter[str]] = {}
    for call, state, number in Application.objects.values_list("call", "state").annotate(number=Count("pk")).order_by():
        counted.setdefault(call, Counter())[state] = number
    progress = [CallProgress(call, counted.get(call.pk, Counter())) for call in calls_for_list()]
    return sorted_rows(progress, sort, PROGRESS_COLUMNS)


def applications_of(calls: Sequence[Call], state: str = "", sort: str = "") -> QuerySet[Application]:
    """The applications of some calls for an officer, drafts left out; those whose answer is due first on top, or by a
    column."""
    found = (
        Application.objects.filter(call__in=calls)
        .exclude(state=ApplicationState.DRAFT)
        .select_related("call__factory", "organisation", "applicant")
        .prefetch_related("alternatives__partition", "reviews")
    )
    return ordered(found.filter(state=state) if state else found, sort, APPLICATION_COLUMNS, ("answer_due", "code"))


DECISION_COLUMNS: dict[str, Column] = {
    "decision": "code",
    "state": place_among("state", DecisionState.values),
    "proposed": "proposed_at",
    "published": F("published_at"),
    "awarded": "awarded",
}


def decisions(sort: str = "") -> list[Decision]:
    """All decisions, newest first or by a column. Four queries."""
    found = (
        Decision.objects.select_related("proposed_by", "published_by", "scenario")
        .defer("problem", "plan", "scenario__problem")
        .prefetch_related("calls", "initials__person")
        .annotate(awarded=Count("outcomes", filter=Q(outcomes__awarded=True)), decided=Count("outcomes"))
    )
    # The order is said here, because Django leaves out a model's own order where it groups.
    return list(ordered(found, sort, DECISION_COLUMNS, ("-proposed_at", "-id")))


@dataclass
class DecisionPage:
    """A decision with its plan as the officer reads it: ranked rows, promises before and after, the certificate."""

    decision: Decision
    plan: dict[str, Any]
    problem: dict[str, Any]
    rows: list[DecisionRow] = field(default_factory=list)


@dataclass(frozen=True)
class DecisionRow:
    """One application in a decision. `hours` 0: refused, for `reason`."""

    application: Application
    score: float
    asked: int
    hours: int
    reason: str
    detail: dict[str, Any]


def decision_page(code: str) -> DecisionPage | None:
    """A decision, its plan and its applications by score. Five queries."""
    decision = (
        Decision.objects.select_related("proposed_by", "published_by", "scenario")
        .prefetch_related("calls__programme", "calls__factory", "initials__person")
        .filter(code=code)
        .first()
    )
    if decision is None:
        return None
    plan, problem = json.loads(decision.plan), json.loads(decision.problem)
    page = DecisionPage(decision, plan, problem)
    awards = {row["application"]: row for row in plan["awards"]}
    refusals = {row["application"]: row for row in plan["refusals"]}
    applications = (
        Application.objects.filter(code__in=[*awards, *refusals])
        .select_related("organisation", "call")
        .prefetch_related("alternatives")
    )
    # Below their call's threshold: not in the problem, and refused for that when the proposal is published.
    below = Q(call__in=decision.calls.all(), state=ApplicationState.REVIEWED, score__lt=F("call__threshold"))
    belongs = Q(outcomes__decision=decision)
    outside = Application.objects.filter(belongs | below if decision.state == DecisionState.PROPOSED else belongs)
    outside = outside.exclude(code__in=[*awards, *refusals]).distinct()
    told = {
        code: (reason, detail)
        for code, reason, detail in decision.outcomes.values_list("application__code", "reason", "detail")
    }
    for application in [
        *applications,
        *outside.select_related("organisation", "call").prefetch_related("alternatives"),
    ]:
        award, refusal = awards.get(application.code), refusals.get(application.code)
        page.rows.append(
            DecisionRow(
                application=application,
                score=float(application.score or 0),
                asked=max((asked.gpu_hours for asked in application.alternatives.all()), default=0),
                hours=int(award["hours"]) if award else 0,
                reason="" if award else refusal["reason"] if refusal else told.get(application.code, ("threshold",))[0],
                detail=refusal.get("detail", {}) if refusal else told.get(application.code, ("", {}))[1],
            )
        )
    page.rows.sort(key=lambda row: (-row.score, row.application.code))
    return page


def open_objections() -> QuerySet[Objection]:
    """Objections that wait for an answer, oldest first."""
    return (
        Objection.objects.filter(answered_at__isnull=True)
        .select_related("outcome__application", "outcome__decision", "made_by")
        .order_by("made_at")
    )


def answered_objections() -> QuerySet[Objection]:
    """Objections that were answered, the last one first."""
    return (
        Objection.objects.filter(answered_at__isnull=False)
        .select_related("outcome__application__organisation", "outcome__decision", "made_by", "answered_by")
        .order_by("-answered_at")
    )


# The front door


@dataclass(frozen=True)
class Offer:
    """An open call that fits: what is free in it, by when an answer comes if one applies today, on which accelerators.

    `free_gpu_hours`: in all its months together. `at_once`: the most of them that one request of the wished-for months
    can get, which lie evenly over months that begin now or later. `is_enough`: that covers the wish.
    """

    call: Call
    free_gpu_hours: int
    at_once: int
    answer_by: date
    accelerators: list[str]
    is_enough: bool


@dataclass(frozen=True)
class Match:
    """An access mode and whether it fits, by its own terms or by those of an open call; `why` holds what doesn't.

    `elsewhere`: calls that fit, at other factories than those that were chosen.
    """

    mode: AccessMode
    fits: bool
    why: list[str]
    offers: list[Offer]
    elsewhere: list[Offer] = field(default_factory=list)


def front_door(wish: Wish, now: datetime | None = None) -> list[Match]:
    """The access modes for a wish: those that fit and are open first, the smallest on top. Six queries."""
    now = now or timezone.now()
    calls = open_calls(now)
    free = free_by_month(calls)
    worths = worths_of_units(now.date(), wish.factories)
    matches = []
    for mode in AccessMode.objects.filter(is_open_to_calls=True):
        fitting = [
            _offer(call, free[call.pk], wish, now)
            for call in calls
            if call.access_mode_id == mode.pk and not misfits(call, wish)
        ]
        fitting.sort(key=lambda offer: (not offer.is_enough, offer.answer_by, -offer.free_gpu_hours))
        near = [offer for offer in fitting if not wish.factories or offer.call.factory.code in wish.factories]
        # A call has terms of its own: where one fits, its mode does.
        why = [] if fitting else misfits(mode, wish, worths.get(mode.unit, ()))
        matches.append(Match(mode, not why, why, near, [offer for offer in fitting if offer not in near]))
    return sorted(
        matches, key=lambda m: (not m.fits, not m.offers, not m.elsewhere, m.mode.maximum or 10**12, m.mode.name)
    )


def matches_for(wish: Wish, now: datetime | None = None) -> list[Match]:
    """As `front_door`; who is established elsewhere, and may not apply, sees what a partner who may could ask for."""
    is_elsewhere = bool(wish.country) and establishment(wish.country) == Establishment.ELSEWHERE
    return front_door(replace(wish, country="") if is_elsewhere else wish, now)


def _offer(call: Call, free: FreeByMonth, wish: Wish, now: datetime) -> Offer:
    # Of the durations that the call gives, the shortest that is long enough.
    months = min((n for n in call.durations_months if n >= wish.months), default=wish.months)
    at_once = best_run(free, months, now.date().replace(day=1)) // 3600
    models = [partition.accelerator_model or partition.name for partition in call.partitions.all()]
    return Offer(
        call=call,
        free_gpu_hours=_total(free),
        at_once=at_once,
        answer_by=answer_due(now, call.answer_working_days, call.factory.country).date(),
        accelerators=sorted(set(models)),
        is_enough=at_once >= (wish.gpu_hours or 1),
    )
