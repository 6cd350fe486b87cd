"""What a decision in a continuous call looks at: what is free, who waits, what the floors' classes may still ask.

A pool is the continuous calls of one programme: they draw on the same shares, so they are looked at together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.utils import timezone

from fabriek.access.models import Alternative, Application, ApplicationState, Call
from fabriek.access.problem import candidates
from fabriek.access.queue_words import detail_of
from fabriek.access.rules import working_days_left
from fabriek.allocation.continuous import (
    Answer,
    Asked,
    ClassOf,
    Forecast,
    Request,
    Room,
    Rule,
    Situation,
    Slot,
    Verdict,
    after,
    answer,
    forecast,
    reserves,
)
from fabriek.ledger.models import Account, AccountKind, Unit
from fabriek.programmes.queries import leaves, promises_on
from fabriek.projects.models import Allocation
from fabriek.projects.rules import month_after, months_between, spread_evenly

RULE = Rule()
_WAITING = (
    ApplicationState.SUBMITTED,
    ApplicationState.ELIGIBLE,
    ApplicationState.ASSESSED,
    ApplicationState.IN_REVIEW,
    ApplicationState.REVIEWED,
)


def pool_of(call: Call) -> list[Call]:
    """The continuous calls that draw on the same programme's shares. Two queries."""
    return list(
        Call.objects.filter(programme=call.programme, continuous=True)
        .select_related("programme", "factory", "access_mode")
        .prefetch_related("partitions")
        .order_by("code")
    )


def need_of(asked: Alternative) -> dict[Slot, int]:
    """Seconds of each month of its partition."""
    months = months_between(asked.first_month, month_after(asked.first_month, asked.months))
    parts = spread_evenly(asked.gpu_hours * 3600, asked.months)
    return {(asked.partition.code, f"{m:%Y-%m}"): part for m, part in zip(months, parts, strict=True)}


def request_of(application: Application, now: datetime) -> Request:
    """An application as the rule reads it: due on the last working day of its answer time, and when its call closed."""
    due = application.answer_due
    late = due is not None and working_days_left(now, due, application.call.factory.country) <= 0
    return Request(
        application.code,
        application.organisation_class,
        [need_of(asked) for asked in application.alternatives.all()],
        due=late or now >= application.call.closes,
    )


def floors_of(calls: Sequence[Call], on: date) -> dict[str, float]:
    """Class -> the largest fraction that a floor promises it in these calls' programme, if it may apply here."""
    below, programme = leaves(), calls[0].programme.code
    floors: dict[str, float] = {}
    for promise in promises_on(on):
        if promise.kind != "floor" or not promise.organisation_class or promise.fraction is None:
            continue
        concerned = promise.programme is None or programme in below[promise.programme.code]
        admitted = any(not call.classes or promise.organisation_class in call.classes for call in calls)
        if concerned and admitted:
            fraction = float(promise.fraction)
            floors[promise.organisation_class] = max(floors.get(promise.organisation_class, 0.0), fraction)
    return floors


def situation_of(call: Call, now: datetime | None = None) -> Situation:
    """All that a decision in this call looks at. About ten queries, whatever the numbers."""
    now = now or timezone.now()
    pool = pool_of(call) or [call]
    floors = floors_of(pool, now.date())
    rooms, taken = _rooms(pool, now)
    here = _asked([c for c in pool if c.opens <= now], now)
    modes = {c.access_mode_id for c in pool}
    earlier = list(
        Call.objects.filter(access_mode__in=modes, opens__lt=now).exclude(pk__in=[c.pk for c in pool]).order_by("pk")
    )
    before = _asked(earlier, now)
    waiting = _waiting_of(pool, rooms)
    most = max((c.maximum_gpu_hours or 0 for c in pool), default=0)
    offered = sum(room.offered for room in rooms.values())
    # Before anything is seen: half of the most that may be asked for, but a twentieth of the offer at most.
    typical = max(min(most * 1800, offered // 20) if most else offered // 20, 3600)
    lasts = max(1, min((d for c in pool for d in c.durations_months), default=1))
    return Situation(
        rooms=rooms,
        classes={
            name: ClassOf(
                floor=fraction,
                taken=taken.get(name, {}),
                waiting=waiting.get(name, {}),
                here=here.get(name, Asked(days=_days(pool, now))),
                before=before.get(name, Asked()),
            )
            for name, fraction in sorted(floors.items())
        },
        period_days=max((c.closes - c.opens).total_seconds() / 86_400 for c in pool),
        typical=typical,
        typical_a_month=typical // lasts,
        rule=RULE,
    )


def _rooms(pool: Sequence[Call], now: datetime) -> tuple[dict[Slot, Room], dict[str, dict[Slot, int]]]:
    """The months from this one on, and what each class was awarded in them. Two queries."""
    closes: dict[Slot, datetime] = {}
    this = now.date().replace(day=1)
    for call in pool:
        for month in months_between(call.first_month, month_after(call.first_month, call.months)):
            if month < this:
                continue
            ends = datetime.combine(month_after(month, 1), datetime.min.time(), UTC)
            for place in call.partitions.all():
                at = (place.code, f"{month:%Y-%m}")
                closes[at] = max(closes.get(at, now), min(call.closes, ends))
    accounts = Account.objects.filter(
        programme=pool[0].programme.code,
        partition__in={p for p, _ in closes},
        month__gte=this,
        unit=Unit.ACCELERATOR_SECONDS,
        kind__in=[AccountKind.SHARE, AccountKind.AWARD, AccountKind.USED, AccountKind.LAPSED],
    ).values_list("kind", "partition", "month", "allocation", "credits", "debits")
    offered: dict[Slot, int] = defaultdict(int)
    free: dict[Slot, int] = defaultdict(int)
    held: dict[tuple[str, Slot], int] = defaultdict(int)
    for kind, partition, month, allocation, credits, debits in accounts:
        slot = (partition, f"{month:%Y-%m}")
        offered[slot] += credits - debits
        if kind == AccountKind.SHARE:
            free[slot] += credits - debits
        elif allocation:
            held[allocation, slot] += credits - debits
    known = Allocation.objects.filter(code__in={code for code, _ in held})
    classes = dict(known.values_list("code", "project__organisation_class"))
    taken: dict[str, dict[Slot, int]] = defaultdict(lambda: defaultdict(int))
    for (allocation, slot), seconds in held.items():
        if allocation in classes:
            taken[classes[allocation]][slot] += max(seconds, 0)
    rooms = {
        slot: Room(max(offered[slot], 0), free[slot], max((ends - now) / timedelta(days=1), 0.0))
        for slot, ends in sorted(closes.items())
    }
    return rooms, {name: dict(of) for name, of in taken.items()}


def _asked(calls: Sequence[Call], now: datetime) -> dict[str, Asked]:
    """What each class asked for under some calls: first choices of all that were submitted. One query."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    rows = Alternative.objects.filter(
        application__call__in=[c.pk for c in calls], place=0, application__submitted_at__isnull=False
    ).values_list("application__organisation_class", "gpu_hours", "months")
    for name, hours, months in rows:
        of = sums[name]
        of[0], of[1], of[2] = of[0] + 1, of[1] + hours * 3600, of[2] + hours * 3600 // months
    days = _days(calls, now)
    return {name: Asked(of[0], days, of[1], of[2]) for name, of in sums.items()}


def _days(calls: Sequence[Call], now: datetime) -> float:
    """Days for which calls took applications, counted once where they overlap."""
    days, until = 0.0, None
    for opens, closes in sorted((c.opens, min(c.closes, now)) for c in calls if c.opens < now):
        begin = opens if until is None else max(opens, until)
        days += max((closes - begin) / timedelta(days=1), 0.0)
        until = closes if until is None else max(until, closes)
    return days


def _waiting_of(pool: Sequence[Call], rooms: dict[Slot, Room]) -> dict[str, dict[Slot, int]]:
    """What the applications that wait for an answer ask for, by class: their first choices. One query."""
    waiting: dict[str, dict[Slot, int]] = defaultdict(lambda: defaultdict(int))
    asked = Alternative.objects.filter(
        application__call__in=[c.pk for c in pool], place=0, application__state__in=_WAITING
    ).select_related("application", "partition")
    for one in asked:
        for slot, seconds in need_of(one).items():
            if slot in rooms:
                waiting[one.application.organisation_class][slot] += seconds
    return {name: dict(of) for name, of in waiting.items()}


@dataclass(frozen=True)
class ClassRow:
    """A class with a floor on the queue's page. Amounts in seconds, over all months that are open."""

    name: str
    floor: float
    entitled: int
    taken: int
    waiting: int
    kept: int
    forecast: Forecast
    seen: int


@dataclass(frozen=True)
class QueueRow:
    """An application in the queue, and what it would be answered at this moment."""

    application: Application
    asked: int
    days_left: int
    answer: Answer | None
    detail: dict[str, Any]

    @property
    def verdict(self) -> Verdict:
        """What it would be answered: without an answer its score is below the threshold."""
        return self.answer.verdict if self.answer else Verdict.REFUSE


@dataclass(frozen=True)
class QueuePage:
    """A continuous call as its officer sees it. `early`: applications that are not ready to be answered yet."""

    call: Call
    pool: list[Call]
    situation: Situation
    offered: int
    free: int
    kept: int
    classes: list[ClassRow]
    rows: list[QueueRow]
    early: list[Application]


def in_order(applications: Iterable[Application]) -> list[Application]:
    """The order of the queue: who submitted first."""
    return sorted(applications, key=lambda a: (a.submitted_at or a.created_at, a.code))


def queue_page(call: Call, now: datetime | None = None) -> QueuePage:
    """What the rule sees and what it would answer now. Nothing is written. About fifteen queries."""
    now = now or timezone.now()
    situation = situation_of(call, now)
    kept = reserves(situation)
    country = call.factory.country
    rows, rolling = [], situation
    for application in in_order(candidates([call])):
        request, made, detail = request_of(application, now), None, {}
        if application.score is not None and application.score >= call.threshold:
            made = answer(rolling, request)
            detail = detail_of(made, rolling, request, now)
            if made.verdict == "grant":
                rolling = after(rolling, request.class_, request.alternatives[made.alternative])
        days = working_days_left(now, application.answer_due, country) if application.answer_due else 0
        rows.append(QueueRow(application, _most(application), days, made, detail))
    early = Application.objects.filter(call=call, state__in=[s for s in _WAITING if s != ApplicationState.REVIEWED])
    return QueuePage(
        call=call,
        pool=pool_of(call),
        situation=situation,
        offered=sum(room.offered for room in situation.rooms.values()),
        free=sum(max(room.free, 0) for room in situation.rooms.values()),
        kept=sum(sum(of.values()) for of in kept.values()),
        classes=[
            ClassRow(
                name=name,
                floor=of.floor,
                entitled=int(of.floor * sum(room.offered for room in situation.rooms.values())),
                taken=sum(of.taken.get(slot, 0) for slot in situation.rooms),
                waiting=sum(of.waiting.values()),
                kept=sum(kept[name].values()),
                forecast=forecast(situation, name),
                seen=of.here.requests,
            )
            for name, of in situation.classes.items()
        ],
        rows=rows,
        early=list(early.select_related("organisation").order_by("answer_due", "code")),
    )


def _most(application: Application) -> int:
    return max((asked.gpu_hours for asked in application.alternatives.all()), default=0) * 3600
