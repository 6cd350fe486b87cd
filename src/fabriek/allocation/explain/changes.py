"""The smallest change of an application that would have made it: each one checked by solving the changed problem."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from fabriek.allocation.explain.again import Again, award_of
from fabriek.allocation.explain.estimates import asked_of
from fabriek.allocation.explain.model import Change, Other
from fabriek.allocation.plan import Plan
from fabriek.allocation.problem import HOURS_LIMIT, MOST_ALTERNATIVES, PLACE_DISCOUNT, Alternative, Application

SCORE_TOLERANCE = 0.01
"""Points of score between what is enough and what isn't; scores are tried that are a whole number of these."""

AMOUNT_TOLERANCE = 0.001
"""The part of the request between what is enough and what isn't; an hour at the least."""

_PARTS = (0.9, 0.75, 0.5, 0.25, 0.1, 0.05, 0.01)
_PLACES_TRIED = 8
_PLACES_TOLD = 2


@dataclass(frozen=True)
class Refused:
    """A refused application, and the plan of the unchanged problem in which it is refused. threshold: of the
    application's own call, where that is not the problem's."""

    again: Again
    application: Application
    plan: Plan
    threshold: float | None = None

    def change(self, kind: str, plan: Plan, **fields: object) -> Change:
        """A change that was found to be enough, in this plan of the changed problem."""
        return Change.model_validate(
            {
                "kind": kind,
                "checked": True,
                "award": award_of(plan, self.application.id),
                "displaces": displaced(self.again, self.plan, plan, self.application.id),
                **fields,
            }
        )


def displaced(again: Again, before: Plan, after: Plan, but: str) -> list[Other]:
    """Who is awarded less after than before, the most hours first."""
    scores = {row.id: row.score for row in again.problem.applications}
    kept = {award.application: award.hours for award in after.awards}
    lost = [
        Other(application=award.application, score=float(scores[award.application]), hours=lost)
        for award in before.awards
        if award.application != but and (lost := award.hours - kept.get(award.application, 0.0)) > 0
    ]
    return sorted(lost, key=lambda other: (-other.hours, other.application))


def score_needed(refused: Refused, guess: float | None, ceiling: float) -> Change:
    """The lowest score that is enough, within SCORE_TOLERANCE; none up to the ceiling may be.

    Where plans are optimal, what the application adds grows with its score along a line, so that the score at which it
    comes to what is lost elsewhere can be told from one plan; then it is checked from both sides.
    """
    application = refused.application
    threshold = refused.again.problem.threshold if refused.threshold is None else refused.threshold
    low, low_value = application.score, refused.plan.value

    def plan_at(score: float) -> Plan:
        return refused.again.changed(application, score=score)

    def is_enough(plan: Plan) -> bool:
        return award_of(plan, application.id) is not None

    if application.score < threshold:
        at_threshold = plan_at(threshold)
        if is_enough(at_threshold):
            # Below it the rules exclude an award: nothing lies between.
            return refused.change("score", at_threshold, needed=threshold, not_enough=application.score, tolerance=0.0)
        low, low_value = threshold, at_threshold.value
    if ceiling <= low:
        return Change(kind="score", checked=True, not_enough=low)
    near = None if guess is None else round(guess * 1.02, 2)
    tries = [near] if near is not None and low < near < ceiling else []
    found = None
    for high in [*tries, ceiling]:
        plan = plan_at(high)
        if is_enough(plan):
            found = plan
            break
        low = high
    if found is None:
        return Change(kind="score", checked=True, not_enough=ceiling)
    while (point := _between(low, high, _break_even(refused, found, high, low_value))) is not None:
        plan = plan_at(point)
        if is_enough(plan):
            high, found = point, plan
        else:
            low = point
    return refused.change("score", found, needed=high, not_enough=low, tolerance=high - low)


def _break_even(refused: Refused, plan: Plan, score: float, without: float) -> float | None:
    """The score at which this plan is worth what the best one without the application is."""
    award = award_of(plan, refused.application.id)
    if award is None:
        return None
    hours = refused.application.alternatives[award.alternative].hours
    size = {"score": 1.0, "score*hours": hours, "score*sqrt(hours)": math.sqrt(hours)}[refused.again.problem.value]
    a_point = size * (1 - PLACE_DISCOUNT * award.alternative) * award.hours / hours
    return score - (plan.value - without) / a_point


def _between(low: float, high: float, guess: float | None) -> float | None:
    """The first whole number of hundredths from the guess on, or the one before it if that was tried; else the middle
    one. None: there is none between."""
    first, last = math.floor(low / SCORE_TOLERANCE + 1e-6) + 1, math.ceil(high / SCORE_TOLERANCE - 1e-6) - 1
    if first > last:
        return None
    if guess is not None and math.isfinite(guess):
        for point in (math.ceil(guess / SCORE_TOLERANCE), math.ceil(guess / SCORE_TOLERANCE) - 1):
            if first <= point <= last:
                return round(point * SCORE_TOLERANCE, 2)
    return round((first + last) // 2 * SCORE_TOLERANCE, 2)


def amount_enough(refused: Refused, guesses: Sequence[float]) -> Change:
    """The largest smaller amount that is enough, within AMOUNT_TOLERANCE of the request: of the preferred alternative;
    the others are asked for in proportion. guesses: amounts to try first."""
    application = refused.application
    asked = application.alternatives[0].hours
    step = max(1.0, AMOUNT_TOLERANCE * asked)

    def plan_at(hours: float) -> Plan:
        return refused.again.changed(application, alternatives=scaled(application, hours / asked))

    candidates = {math.floor(hours) for hours in [*guesses, *(part * asked for part in _PARTS)]}
    high, found = asked, None
    for low in sorted((float(hours) for hours in candidates if 1 <= hours < asked), reverse=True):
        plan = plan_at(low)
        if award_of(plan, application.id) is not None:
            found = plan
            break
        high = low
    if found is None:
        return Change(kind="amount", checked=True, not_enough=high)
    while high - low > step:
        middle = float(math.floor((low + high) / 2))
        plan = plan_at(middle)
        if award_of(plan, application.id) is not None:
            low, found = middle, plan
        else:
            high = middle
    return refused.change("amount", found, needed=low, not_enough=high, tolerance=high - low)


def scaled(application: Application, part: float) -> list[Alternative]:
    """Its alternatives with a part of the hours, in whole hours, one at the least."""
    return [
        row.model_copy(update={"hours": max(1.0, float(math.floor(row.hours * part + 1e-6)))})
        for row in application.alternatives
    ]


def places_enough(
    refused: Refused, gain: Callable[[Alternative], float], fits: Callable[[Alternative], bool]
) -> Iterator[Change]:
    """Other periods on the partitions that it asked for, and other partitions, that are enough if they are named as a
    further alternative; those that promise most first. gain: what one is worth over the prices; fits: alone."""
    application = refused.application
    if len(application.alternatives) >= MOST_ALTERNATIVES:
        return
    candidates = sorted(
        (row for row in _other_places(refused) if fits(row)),
        key=lambda row: (-gain(row), abs(row.start - application.alternatives[0].start), row.partition, row.start),
    )
    told = 0
    for row in candidates[:_PLACES_TRIED]:
        plan = refused.again.changed(application, alternatives=[*application.alternatives, row])
        award = award_of(plan, application.id)
        if award is not None and award.alternative == len(application.alternatives):
            yield refused.change("place", plan, place=asked_of(refused.again.problem, row))
            told += 1
            if told == _PLACES_TOLD:
                return


def _other_places(refused: Refused) -> Iterator[Alternative]:
    problem, application = refused.again.problem, refused.application
    [programme] = [row for row in problem.programmes if row.id == application.programme]
    preferred = application.alternatives[0]
    asked = {(row.partition, row.start, row.months) for row in application.alternatives}
    by_partition = {row.partition: row for row in reversed(application.alternatives)}
    for partition in sorted(programme.shares):
        like = by_partition.get(partition, preferred)
        starts = range(len(problem.months) - like.months + 1) if partition in by_partition else [like.start]
        for start in starts:
            if (partition, start, like.months) not in asked and like.hours <= HOURS_LIMIT:
                yield like.model_copy(update={"partition": partition, "start": start})
