"""What the fields of a problem mean, in exact arithmetic: shares, what a promise counts, what an award is worth."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping
from fractions import Fraction
from functools import lru_cache

from fabriek.allocation.problem import PLACE_DISCOUNT, Alternative, Application, Problem, Promise


@lru_cache(maxsize=65_536)
def exact(number: float) -> Fraction:
    """The decimal that was written, exactly: 0.1 is one tenth, not the nearest binary number."""
    return Fraction(repr(number))


def share_hours(problem: Problem) -> dict[tuple[str, str, int], Fraction]:
    """GPU-hours that each programme may award: (programme, partition, month) -> share x overbooking.

    Shares that add up to a rounding error above one are scaled down, so that capacity itself is never exceeded.
    """
    capacity = {partition.id: [exact(hours) for hours in partition.capacity] for partition in problem.partitions}
    sums: dict[tuple[str, int], Fraction] = defaultdict(Fraction)
    for programme in problem.programmes:
        for partition, shares in programme.shares.items():
            for month, share in enumerate(shares):
                sums[partition, month] += exact(share)
    return {
        (programme.id, partition, month): exact(share)
        / max(Fraction(1), sums[partition, month])
        * capacity[partition][month]
        * exact(programme.overbooking)
        for programme in problem.programmes
        for partition, shares in programme.shares.items()
        for month, share in enumerate(shares)
    }


def subject_programmes(promise: Promise) -> Collection[str] | None:
    """The programmes whose hours a promise guarantees or limits; None: all."""
    return promise.programmes if promise.programme is None else (promise.programme,)


def base_programmes(promise: Promise) -> Collection[str] | None:
    """The programmes whose hours a promise is a fraction of, its subject's among them; None: all."""
    return subject_programmes(promise) if promise.base is None else promise.base


def base_capacity(problem: Problem, promise: Promise) -> Fraction:
    """What a promise `of: capacity` is a fraction of: its programmes' shares (without overbooking), or all capacity."""
    partitions = None if promise.partitions is None else set(promise.partitions)
    programmes = base_programmes(promise)
    if programmes is None:
        return sum(
            (
                sum((exact(hours) for hours in partition.capacity), Fraction(0))
                for partition in problem.partitions
                if partitions is None or partition.id in partitions
            ),
            Fraction(0),
        )
    booked = {programme.id: exact(programme.overbooking) for programme in problem.programmes}
    return sum(
        (
            hours / booked[programme]
            for (programme, partition, _month), hours in share_hours(problem).items()
            if programme in programmes and (partitions is None or partition in partitions)
        ),
        Fraction(0),
    )


def excused(problem: Problem, cap: Promise) -> Fraction:
    """Hours by which earlier decisions exceed a cap already: they stay, and what is decided now keeps it by itself."""
    base = base_capacity(problem, cap) if cap.of == "capacity" else exact(cap.base_before)
    return max(Fraction(0), exact(cap.reached_before) - exact(cap.fraction) * base)


def offered(problem: Problem, promise: Promise) -> Fraction:
    """All hours that could be awarded of what the promise is a fraction of, overbooking included."""
    programmes = base_programmes(promise)
    return sum(
        (
            hours
            for (programme, partition, _month), hours in share_hours(problem).items()
            if (programmes is None or programme in programmes)
            and (promise.partitions is None or partition in promise.partitions)
        ),
        Fraction(0),
    )


def eligible_demand(problem: Problem, floor: Promise) -> Fraction:
    """The most hours that a floor's class could be awarded if nobody else asked: a floor holds only as far as that.

    Of each application that reaches the threshold: the largest alternative of which a useful part fits its share.
    """
    limits = share_hours(problem)
    total = exact(floor.reached_before)
    for application in problem.applications:
        if application.score < problem.threshold or application.class_ != floor.class_:
            continue
        total += max(
            (
                awardable(application, alternative, limits)
                for alternative in application.alternatives
                if counts(floor, application, alternative.partition)
            ),
            default=Fraction(0),
        )
    return total


def awardable(
    application: Application, alternative: Alternative, limits: Mapping[tuple[str, str, int], Fraction]
) -> Fraction:
    """The most hours of an alternative that its share has room for; 0 where that is less than a useful part."""
    room = min(
        limits.get((application.programme, alternative.partition, month), Fraction(0))
        for month in range(alternative.start, alternative.start + alternative.months)
    )
    asked = exact(alternative.hours)
    most = min(asked, room * alternative.months)
    return most if most >= exact(application.least) * asked else Fraction(0)


def is_within(promise: Promise, application: Application, partition: str) -> bool:
    """Whether hours of this application on this partition are in what the promise is a fraction of."""
    programmes = base_programmes(promise)
    return (programmes is None or application.programme in programmes) and (
        promise.partitions is None or partition in promise.partitions
    )


def counts(promise: Promise, application: Application, partition: str) -> bool:
    """Whether hours of this application on this partition are the promise's subject."""
    programmes = subject_programmes(promise)
    return (
        is_within(promise, application, partition)
        and (programmes is None or application.programme in programmes)
        and (promise.class_ is None or promise.class_ == application.class_)
        and (promise.organisation is None or promise.organisation == application.organisation)
        and (promise.country is None or promise.country == application.country)
        and (promise.commercial is None or application.commercial)
    )


def worth(problem: Problem, application: Application, alternative: Alternative, place: int) -> float:
    """What awarding all of an alternative is worth; a later alternative counts 5 % less for each place."""
    of_hours = {"score": 1.0, "score*hours": alternative.hours, "score*sqrt(hours)": math.sqrt(alternative.hours)}
    return application.score * of_hours[problem.value] * (1.0 - PLACE_DISCOUNT * place)
