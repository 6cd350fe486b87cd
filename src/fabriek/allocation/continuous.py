"""Continuous decisions: an application is answered when it comes, and room is kept for those still to come. Pure.

The rule, in words. A class with a floor keeps, in every month of every partition, room for the requests that it waits
for and for those that it may still make: as many as come with a stated certainty, and never more than what its floor
still entitles it to. Everybody else may draw on what is free beyond. The room that is kept is worked out anew at every
decision from the time that is left, so it dissolves towards the end and nothing stays unused for its sake.

Where it comes from: Littlewood's rule (1972) protects for the dearer class the smallest y with P(demand > y) at most
the ratio of the cheaper to the dearer price; EMSR-b (Belobaba 1992) nests such protection levels; see Talluri and van
Ryzin, The Theory and Practice of Revenue Management, chapter 2. Hours have no price here: the ratio is a policy,
1 - certainty, and the floor bounds the protection. Demand is Poisson, its rate estimated with a gamma prior (its
conjugate).

Amounts are whole seconds, so that sums are exact; days are real numbers. The same input gives the same answer.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from statistics import NormalDist

_DAYS_A_MONTH = 30.4

Slot = tuple[str, str]
"""A partition and a month: ("leonardo/booster", "2027-01")."""

Need = Mapping[Slot, int]
"""Seconds that a request takes of each slot."""


@dataclass(frozen=True)
class Rule:
    """The policy's three numbers. `certainty`: how sure we want to be that the kept room is enough.

    `prior_days` and `prior_requests`: how many days, and requests, of observation the prior counts for.
    """

    certainty: float = 0.9
    prior_days: float = 30.0
    prior_requests: float = 3.0

    def __post_init__(self) -> None:
        if not 0 < self.certainty < 1 or self.prior_days <= 0 or self.prior_requests <= 0:
            raise ValueError("certainty lies between 0 and 1; the prior's weights are above 0")


@dataclass(frozen=True)
class Room:
    """One slot: seconds `offered` to the call in all, seconds `free` now, and the days in which it can still be asked
    for."""

    offered: int
    free: int
    open_days: float


@dataclass(frozen=True)
class Asked:
    """Requests that were seen: how many, in how many days, their seconds in all and their seconds of a month."""

    requests: int = 0
    days: float = 0.0
    seconds: int = 0
    seconds_a_month: int = 0

    @property
    def mean(self) -> float:
        return self.seconds / self.requests if self.requests else 0.0

    @property
    def mean_a_month(self) -> float:
        return self.seconds_a_month / self.requests if self.requests else 0.0


@dataclass(frozen=True)
class ClassOf:
    """A class with a floor: the fraction it is entitled to, what it holds, what it waits for, what it asked before.

    here: requests of this class under this call. before: under earlier calls of the mode; none: the stated prior, that
    it asks for exactly its floor, evenly over the call's period, in requests of the typical size.
    """

    floor: float
    taken: Need = field(default_factory=dict)
    waiting: Need = field(default_factory=dict)
    here: Asked = Asked()
    before: Asked = Asked()


@dataclass(frozen=True)
class Situation:
    """All that a decision looks at. `typical` and `typical_a_month`: seconds of a request before any is seen."""

    rooms: Mapping[Slot, Room]
    classes: Mapping[str, ClassOf]
    period_days: float
    typical: int
    typical_a_month: int
    rule: Rule = Rule()


@dataclass(frozen=True)
class Forecast:
    """What is expected of a class until the end: requests (mean), room for how many of them, seconds of one."""

    a_day: float
    expected: float
    room_for: int
    seconds_each: float
    seconds_a_month_each: float
    source: str


@dataclass(frozen=True)
class Request:
    """An application in the queue. alternatives: in order of preference. due: its answer time is over today."""

    code: str
    class_: str
    alternatives: Sequence[Need]
    due: bool = False


class Verdict(StrEnum):
    """`WAIT` is no more than 'not yet': it is answered for good by the time that it is due."""

    GRANT = "grant"
    WAIT = "wait"
    REFUSE = "refuse"


@dataclass(frozen=True)
class Answer:
    """An answer and what it rests on, in seconds of the slot where it was tightest.

    reason: `room` (granted), `reserve` (there is room, kept for others), `capacity` (there is none).
    """

    code: str
    verdict: Verdict
    reason: str
    alternative: int
    slot: Slot | None
    asked: int
    free: int
    kept: Mapping[str, int]


def poisson_quantile(mean: float, certainty: float) -> int:
    """The least n with P(N <= n) >= certainty. Above a mean of 500 by the normal approximation."""
    if mean <= 0:
        return 0
    if mean > 500:
        return max(0, math.ceil(mean + NormalDist().inv_cdf(certainty) * math.sqrt(mean) - 0.5))
    n, term = 0, math.exp(-mean)
    total = term
    while total < certainty and n < 1_000:
        n += 1
        term *= mean / n
        total += term
    return n


def forecast(situation: Situation, class_: str) -> Forecast:
    """What a class is expected to ask until the last slot closes."""
    rule, of = situation.rule, situation.classes[class_]
    seconds = _mean(rule, of, situation.typical, "mean", of.here.seconds)
    a_month = _mean(rule, of, situation.typical_a_month, "mean_a_month", of.here.seconds_a_month)
    offered = sum(room.offered for room in situation.rooms.values())
    if of.before.requests:
        prior, source = of.before.requests / max(of.before.days, 1.0), "history"
    else:
        prior, source = of.floor * offered / max(seconds, 1.0) / max(situation.period_days, 1.0), "prior"
    if of.here.requests:
        source = "call"
    a_day = (prior * rule.prior_days + of.here.requests) / (rule.prior_days + max(of.here.days, 0.0))
    days = max((room.open_days for room in situation.rooms.values()), default=0.0)
    expected = a_day * max(days, 0.0)
    return Forecast(a_day, expected, poisson_quantile(expected, rule.certainty), seconds, a_month, source)


def _mean(rule: Rule, of: ClassOf, typical: int, name: str, seen: int) -> float:
    prior = getattr(of.before, name) or float(typical)
    return (rule.prior_requests * prior + seen) / (rule.prior_requests + of.here.requests)


def reserves(situation: Situation) -> dict[str, dict[Slot, int]]:
    """Seconds of each slot that are kept for each class with a floor. Never more than is free, nor than its floor.

    Where less is free than should be kept, all classes give way in proportion.
    """
    wanted = _wanted(situation)
    for slot, room in situation.rooms.items():
        whole = sum(of[slot] for of in wanted.values())
        if whole > max(room.free, 0):
            for of in wanted.values():
                of[slot] = of[slot] * max(room.free, 0) // whole
    return wanted


def within_reach(situation: Situation, class_: str) -> dict[Slot, int]:
    """Seconds of each slot that a class may draw on: what is free, less what is kept for the other classes."""
    wanted, reach = _wanted(situation), {}
    for slot, room in situation.rooms.items():
        free, whole = max(room.free, 0), sum(of[slot] for of in wanted.values())
        own = wanted[class_][slot] if class_ in wanted else 0
        # Not `free` less what `reserves` gives the others: rounding them one by one would not be monotone in `free`.
        reach[slot] = free - (whole - own) if whole <= free else free * own // whole
    return reach


def _wanted(situation: Situation) -> dict[str, dict[Slot, int]]:
    rooms = situation.rooms
    offered = sum(room.offered for room in rooms.values())
    wanted: dict[str, dict[Slot, int]] = {}
    for name, of in sorted(situation.classes.items()):
        right = {
            slot: max(0, math.floor(of.floor * room.offered) - of.taken.get(slot, 0)) for slot, room in rooms.items()
        }
        left = max(0, math.floor(of.floor * offered) - sum(of.taken.get(slot, 0) for slot in rooms))
        entitled = sum(right.values())
        seen = forecast(situation, name)
        wanted[name] = {}
        # Who asks, asks for the first months that are open: a month is asked for by those who come in the last days
        # before it closes, as many days as a request lasts.
        lasts = _DAYS_A_MONTH * max(1.0, seen.seconds_each / max(seen.seconds_a_month_each, 1.0))
        for slot, room in rooms.items():
            # More than its floor in one month is less in another: it is entitled to the floor of all of them together.
            mine = right[slot] * min(left, entitled) // entitled if entitled else 0
            days = min(max(room.open_days, 0.0), lasts)
            come = poisson_quantile(seen.a_day * days, situation.rule.certainty)
            of_month = sum(other.offered for (_, month), other in rooms.items() if month == slot[1])
            part = come * seen.seconds_a_month_each * room.offered / of_month if of_month else 0.0
            # Room for a part of a request is no room: where one is expected, one fits.
            needed = max(part, seen.seconds_a_month_each if come else 0.0)
            wanted[name][slot] = min(mine, of.waiting.get(slot, 0) + math.floor(needed))
    return wanted


def answer(situation: Situation, request: Request) -> Answer:
    """Answer one application: the first alternative that fits in what is within reach of its class.

    More that is free never makes the answer worse, and what is kept for a class is never refused to it.
    """
    kept, reach = reserves(situation), within_reach(situation, request.class_)
    free = {slot: max(room.free, 0) for slot, room in situation.rooms.items()}
    for number, need in enumerate(request.alternatives):
        if _fits(need, reach):
            slot = _tightest(need, reach)
            return _told(request, Verdict.GRANT, "room", number, slot, need, free, kept)
    for number, need in enumerate(request.alternatives):
        if _fits(need, free):
            verdict = Verdict.REFUSE if request.due else Verdict.WAIT
            return _told(request, verdict, "reserve", number, _tightest(need, reach), need, free, kept)
    first = request.alternatives[0] if request.alternatives else {}
    return _told(request, Verdict.REFUSE, "capacity", 0, _tightest(first, free), first, free, kept)


def answer_queue(situation: Situation, requests: Iterable[Request]) -> list[Answer]:
    """Answer a queue in its order; each sees what those before it were granted. Who waits holds up nobody."""
    answers = []
    for request in requests:
        made = answer(situation, request)
        answers.append(made)
        if made.verdict == Verdict.GRANT:
            situation = after(situation, request.class_, request.alternatives[made.alternative])
    return answers


def after(situation: Situation, class_: str, need: Need) -> Situation:
    """The situation once a request was granted (`need` of its class)."""
    rooms = {slot: replace(room, free=room.free - need.get(slot, 0)) for slot, room in situation.rooms.items()}
    classes = dict(situation.classes)
    if class_ in classes:
        of = classes[class_]
        taken = {slot: of.taken.get(slot, 0) + need.get(slot, 0) for slot in rooms}
        waiting = {slot: max(0, seconds - need.get(slot, 0)) for slot, seconds in of.waiting.items()}
        classes[class_] = replace(of, taken=taken, waiting=waiting)
    return replace(situation, rooms=rooms, classes=classes)


def _fits(need: Need, room: Mapping[Slot, int]) -> bool:
    return bool(need) and all(seconds <= room.get(slot, 0) for slot, seconds in need.items())


def _tightest(need: Need, room: Mapping[Slot, int]) -> Slot | None:
    return min(need, key=lambda slot: (room.get(slot, 0) - need[slot], slot), default=None)


def _told(
    request: Request,
    verdict: Verdict,
    reason: str,
    number: int,
    slot: Slot | None,
    need: Need,
    free: Mapping[Slot, int],
    kept: Mapping[str, Mapping[Slot, int]],
) -> Answer:
    at = slot if slot is not None else ("", "")
    others = {name: of[at] for name, of in kept.items() if name != request.class_ and of.get(at)}
    return Answer(request.code, verdict, reason, number, slot, need.get(at, 0), free.get(at, 0), others)
