"""The decision problem of one or more calls, built from what is reviewed, free and promised at this moment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from decimal import ROUND_DOWN, ROUND_UP, Decimal
from fractions import Fraction
from typing import Any

from django.db.models import Q

from fabriek.access.awarded import Awarded, awarded_before, system_of
from fabriek.access.changes import Change, PromiseChange, ThresholdChange, ValueChange
from fabriek.access.models import Alternative, Application, ApplicationState, Call
from fabriek.access.standing import Standing, changed, standing
from fabriek.allocation.problem import Problem, parse_problem
from fabriek.conf.errors import Refused
from fabriek.programmes.models import Promise
from fabriek.programmes.queries import leaves, promises_on
from fabriek.projects.rules import month_after
from fabriek.register.models import Partition

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
    # All of these systems: a promise on a system counts its other partitions too.
    systems = {system_of(partition) for partition in partitions}
    whole = Partition.objects.filter(system__code__in=systems).order_by("code").values_list("code", flat=True)
    stands = changed(standing(list(whole), months), changes)
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


def row_of(application: Application, alternatives: list[Any]) -> dict[str, Any]:
    """An application as the problem says it, with these alternatives."""
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
        "alternatives": alternatives,
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

    A promise on every system is a row a system. A row counts what the ledger counts of the promise: hours of all its
    programmes on the whole system, whoever decides on them; what they were awarded before is in the row. A fraction of
    capacity is of the whole shares in these months: what is still to be reached, or still free, is put as a fraction of
    what is left to decide on.
    """
    promises = [
        promise
        for promise in promises
        if promise.kind != "baseline" and (promise.organisation_class or promise.country or promise.commercial)
    ]
    if not promises:
        return
    below = leaves()
    everybody = set().union(*below.values())
    awarded = awarded_before(months[0], month_after(months[-1], 1))
    for promise in promises:
        wanted = below[promise.programme.code] if promise.programme else everybody
        whole = below[promise.base.code] | wanted if promise.base else wanted
        concerned = [q for q in programmes if q in wanted]
        if not concerned:
            continue
        systems = [
            system
            for system in sorted({system_of(partition) for partition in partitions})
            if promise.system is None or system == promise.system.code
        ]
        for system in systems:
            where = [partition for partition in partitions if system_of(partition) == system]
            there = [row for row in awarded if row.system == system]
            mine = [row for row in there if row.programme in wanted and _speaks_of(promise, row)]
            row: dict[str, Any] = {
                "id": promise.code if len(systems) == 1 else f"{promise.code}:{system}",
                "kind": promise.kind,
                "of": promise.of,
                "rank": promise.rank,
            }
            if promise.of == "capacity":
                share = sum(
                    cell.share for (q, p, _month), cell in stands.cells.items() if q in whole and system_of(p) == system
                )
                done = sum(row.inside for row in mine)
                left = sum(free[q, p, month] for q in concerned for p in where for month in months) * 3600
                row["fraction"] = float(_of_what_is_left(promise, share, done, left))
            else:
                row["fraction"] = float(promise.fraction or 0)
                row["reached_before"] = sum(row.seconds for row in mine) / 3600
                row["base_before"] = sum(row.seconds for row in there if row.programme in whole) / 3600
                of = [q for q in programmes if q in whole]
                if of != concerned:
                    row["base"] = of
            if len(concerned) == 1 < len(programmes):
                row["programme"] = concerned[0]
            elif len(concerned) < len(programmes):
                row["programmes"] = concerned
            if len(where) < len(partitions):
                row["partitions"] = where
            if promise.organisation_class:
                row["class"] = promise.organisation_class
            elif promise.country:
                row["country"] = promise.country
            else:
                row["commercial"] = True
            yield row


def _speaks_of(promise: Promise, row: Awarded) -> bool:
    """Whether a promise guarantees or limits hours of such projects."""
    return (
        (not promise.organisation_class or row.organisation_class == promise.organisation_class)
        and (not promise.country or row.country == promise.country)
        and (not promise.commercial or row.commercial)
    )


def _of_what_is_left(promise: Promise, share: int, done: int, left: int) -> Decimal:
    """What a promise still asks or allows, as a fraction of what is left to decide on; never in the promise's favour
    by rounding."""
    if not left:
        return Decimal(0)
    part = min(max((Fraction(promise.fraction or 0) * share - done) / left, Fraction(0)), Fraction(1))
    rounding = ROUND_UP if promise.kind == "floor" else ROUND_DOWN
    return (Decimal(part.numerator) / part.denominator).quantize(_PLACES, rounding)
