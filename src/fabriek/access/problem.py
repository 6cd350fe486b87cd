"""The decision problem of one or more calls, built from what is reviewed, free and promised at this moment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from decimal import ROUND_DOWN, Decimal
from fractions import Fraction
from typing import Any

from django.db.models import Q, QuerySet

from fabriek.access.changes import Change, PromiseChange, ThresholdChange, ValueChange
from fabriek.access.models import Alternative, Application, ApplicationState, Call
from fabriek.access.standing import Standing, changed, standing
from fabriek.allocation.problem import Problem, parse_problem
from fabriek.conf.errors import Refused
from fabriek.ledger.models import Account, AccountKind, Unit
from fabriek.programmes.models import Promise
from fabriek.programmes.queries import leaves, promises_on
from fabriek.projects.models import Allocation
from fabriek.projects.rules import month_after

_PLACES = Decimal("0.000000000001")


def candidates(calls: Sequence[Call]) -> list[Application]:
    """The reviewed applications of these calls, with what the problem says of them. Three queries."""
    return list(
        Application.objects.filter(call__in=calls, state=ApplicationState.REVIEWED)
        .select_related("call__programme", "call__factory", "organisation", "applicant", "reply")
        .prefetch_related("alternatives__partition")
        .order_by("code")
    )


def build(calls: Sequence[Call], on: date | None = None, changes: Sequence[Change] = ()) -> Problem:
    """The problem `fabriek/problem/1` of these calls. The same state of the database gives the same problem.

    Capacity is what these calls' programmes may still award, in whole GPU-hours (rounded down: odd seconds stay in the
    share); a programme that overbooks may award that much more (rule 3). Applications below the threshold of their own
    call are left out: they are refused for that. changes: what a what-if supposes instead.
    """
    thresholds = {change.call: change.threshold for change in changes if isinstance(change, ThresholdChange)}
    needed = {call.code: thresholds.get(call.code, call.threshold) for call in calls}
    value = next((change.value for change in changes if isinstance(change, ValueChange)), calls[0].value)
    return compose(
        horizon(calls),
        sorted({p.code for call in calls for p in call.partitions.all()}),
        sorted({call.programme.code for call in calls}),
        lambda months: _applications(calls, needed, months),
        threshold=float(min(needed.values(), default=0)),
        value=value,
        on=on,
        changes=changes,
    )


def compose(
    months: list[date],
    partitions: list[str],
    programmes: list[str],
    applications: Callable[[list[date]], list[dict[str, Any]]],
    *,
    threshold: float = 0.0,
    value: str = "score*sqrt(hours)",
    on: date | None = None,
    changes: Sequence[Change] = (),
) -> Problem:
    """The problem of any requests for what is free of these programmes' shares, under the promises of the day.

    applications: the rows, given the months that they count their starts in.
    """
    stands = changed(standing(partitions, months), changes)
    free = _whole_hours(stands.free(), programmes, partitions, months)
    capacity = {
        partition: [sum(free[q, partition, month] for q in programmes) for month in months] for partition in partitions
    }
    fractions = {change.promise: change.percent / 100 for change in changes if isinstance(change, PromiseChange)}
    promises = [_with_fraction(promise, fractions) for promise in promises_on(on or date.today())]
    return parse_problem(
        {
            "format": "fabriek/problem/1",
            "months": [f"{month:%Y-%m}" for month in months],
            "partitions": [{"id": p, "capacity": [float(hours) for hours in capacity[p]]} for p in partitions],
            "programmes": [
                {
                    "id": q,
                    "shares": {
                        p: [_part(free[q, p, month], hours) for month, hours in zip(months, capacity[p], strict=True)]
                        for p in partitions
                    },
                }
                for q in programmes
            ],
            "threshold": threshold,
            "value": value,
            "applications": applications(months),
            "promises": list(_promises(promises, programmes, partitions, months, free, stands)),
        }
    )


def _with_fraction(promise: Promise, fractions: Mapping[str, Decimal]) -> Promise:
    """The promise with another fraction where a what-if gives it one; in memory only."""
    if promise.kind != "baseline":
        promise.fraction = fractions.get(promise.code, promise.fraction)
    return promise


def horizon(calls: Sequence[Call]) -> list[date]:
    """All months that the calls offer. Errors: Refused where calls can't be decided together."""
    if not calls:
        raise Refused("Choose at least one call.")
    first = min(call.first_month for call in calls)
    last = max(month_after(call.first_month, call.months) for call in calls)
    months = []
    while first < last:
        months.append(first)
        first = month_after(first, 1)
    return months


def _whole_hours(
    free: dict[tuple[str, str, date], int], programmes: list[str], partitions: list[str], months: list[date]
) -> dict[tuple[str, str, date], int]:
    return {
        (q, p, month): max(free.get((q, p, month), 0), 0) // 3600
        for q in programmes
        for p in partitions
        for month in months
    }


def _part(hours: int, of: int) -> float:
    """A share as a decimal that is never too large."""
    return float((Decimal(hours) / of).quantize(_PLACES, ROUND_DOWN)) if of else 0.0


def _applications(calls: Sequence[Call], needed: Mapping[str, Decimal], months: list[date]) -> list[dict[str, Any]]:
    """The rows of the reviewed applications that reach what their call needs. Two queries, without making objects of
    them: there may be tens of thousands, and a what-if builds the problem several times."""
    reach = Q()
    for call in calls:
        reach |= Q(call=call, score__gte=needed[call.code])
    found = Application.objects.filter(reach, state=ApplicationState.REVIEWED)
    place = {month: number for number, month in enumerate(months)}
    alternatives: dict[int, list[dict[str, Any]]] = defaultdict(list)
    asked = Alternative.objects.filter(application__in=found).order_by("application", "place")
    for application, partition, first, duration, hours in asked.values_list(
        "application_id", "partition__code", "first_month", "months", "gpu_hours"
    ):
        alternatives[application].append(
            {"partition": partition, "start": place[first], "months": duration, "hours": float(hours)}
        )
    return [
        {
            "id": code,
            "programme": programme,
            "class": organisation_class,
            "organisation": organisation or code,
            "country": country,
            "commercial": commercial,
            "score": float(score or 0),
            "least": 1.0,
            "alternatives": alternatives[number],
        }
        for number, code, programme, organisation_class, organisation, country, commercial, score in found.order_by(
            "code"
        ).values_list(
            "pk",
            "code",
            "call__programme__code",
            "organisation_class",
            "organisation__code",
            "country",
            "commercial",
            "score",
        )
    ]


def _application(application: Application, months: list[date]) -> dict[str, Any]:
    organisation = application.organisation
    return {
        "id": application.code,
        "programme": application.call.programme.code,
        "class": application.organisation_class,
        "organisation": organisation.code if organisation else application.code,
        "country": application.country,
        "commercial": application.commercial,
        "score": float(application.score or 0),
        "least": 1.0,
        "alternatives": [
            {
                "partition": asked.partition.code,
                "start": months.index(asked.first_month),
                "months": asked.months,
                "hours": float(asked.gpu_hours),
            }
            for asked in application.alternatives.all()
        ],
    }


def _promises(
    promises: Iterable[Promise],
    programmes: list[str],
    partitions: list[str],
    months: list[date],
    free: dict[tuple[str, str, date], int],
    stands: Standing,
) -> Iterable[dict[str, Any]]:
    """Floors and caps that speak of who gets hours; a promise about a programme as such is kept by its share.

    A promise over several of the programmes is put to each of them: where each keeps it, all together do. A fraction of
    capacity is of the whole share, so what was awarded before counts: what is still to be reached, or still free, is
    put as a fraction of what is left to decide on.
    """
    below = leaves()
    for promise in promises:
        if promise.kind == "baseline" or promise.fraction is None:
            continue
        if not (promise.organisation_class or promise.country or promise.commercial):
            continue
        wanted = below[promise.programme.code] if promise.programme else set(programmes)
        concerned = [q for q in programmes if q in wanted]
        where = [p for p in partitions if promise.system is None or p.startswith(f"{promise.system.code}/")]
        if not concerned or not where:
            continue
        together = set(concerned) == set(programmes) and (promise.programme is None or wanted <= set(programmes))
        for programme in [None] if together else concerned:
            fraction = promise.fraction
            if promise.of == "capacity":
                mine = programmes if programme is None else [programme]
                fraction = _of_what_is_left(promise, mine, where, months, free, stands)
            before = {}
            if promise.of == "awarded":
                scope = sorted(wanted) if programme is None else [programme]
                before = _awarded_before(promise, scope)
            row: dict[str, Any] = {
                **before,
                "id": promise.code if programme is None or len(concerned) == 1 else f"{promise.code}:{programme}",
                "kind": promise.kind,
                "fraction": float(fraction),
                "of": promise.of,
                "rank": promise.rank,
            }
            if programme is not None:
                row["programme"] = programme
            if len(where) < len(partitions):
                row["partitions"] = where
            if promise.organisation_class:
                row["class"] = promise.organisation_class
            elif promise.country:
                row["country"] = promise.country
            else:
                row["commercial"] = True
            yield row


def _of_what_is_left(
    promise: Promise,
    programmes: list[str],
    partitions: list[str],
    months: list[date],
    free: dict[tuple[str, str, date], int],
    stands: Standing,
) -> Decimal:
    whole = sum(
        cell.share
        for (programme, partition, month), cell in stands.cells.items()
        if programme in programmes and partition in partitions and month in months
    )
    done = _done(promise, programmes, partitions, months)
    left = sum(free[q, p, month] for q in programmes for p in partitions for month in months) * 3600
    if not left:
        return Decimal(0)
    part = (Fraction(promise.fraction or 0) * whole - done) / left
    part = min(max(part, Fraction(0)), Fraction(1))
    return (Decimal(part.numerator) / part.denominator).quantize(_PLACES, ROUND_DOWN)


def _awarded_before(promise: Promise, programmes: list[str]) -> dict[str, float]:
    """GPU-hours that earlier decisions awarded: to the promise's subject, and of what it is a fraction of."""
    stations = Account.objects.filter(
        programme__in=programmes,
        unit=Unit.ACCELERATOR_SECONDS,
        kind__in=[AccountKind.AWARD, AccountKind.USED, AccountKind.LAPSED],
    ).exclude(allocation="")
    if promise.system is not None:
        stations = stations.filter(partition__startswith=f"{promise.system.code}/")
    awarded: dict[str, int] = defaultdict(int)
    for allocation, credits, debits in stations.values_list("allocation", "credits", "debits"):
        awarded[allocation] += credits - debits
    reached = sum(awarded[code] for code in _subject(promise, awarded).values_list("code", flat=True))
    return {"reached_before": reached / 3600, "base_before": sum(awarded.values()) / 3600}


def _subject(promise: Promise, codes: Iterable[str]) -> QuerySet[Allocation]:
    """Those of these allocations that a promise speaks of."""
    subject = Allocation.objects.filter(code__in=[code for code in codes if code])
    if promise.organisation_class:
        subject = subject.filter(project__organisation_class=promise.organisation_class)
    if promise.country:
        subject = subject.filter(project__country=promise.country)
    if promise.commercial:
        subject = subject.filter(project__commercial=True)
    return subject


def _done(promise: Promise, programmes: list[str], partitions: list[str], months: list[date]) -> int:
    """Seconds of these programmes' shares that the promise's subject was awarded before."""
    stations = Account.objects.filter(
        programme__in=programmes,
        partition__in=partitions,
        month__in=months,
        unit=Unit.ACCELERATOR_SECONDS,
        kind__in=[AccountKind.AWARD, AccountKind.USED, AccountKind.LAPSED],
    )
    by_allocation: dict[str, int] = defaultdict(int)
    for allocation, credits, debits in stations.values_list("allocation", "credits", "debits"):
        by_allocation[allocation] += credits - debits
    return sum(by_allocation[code] for code in _subject(promise, by_allocation).values_list("code", flat=True))
