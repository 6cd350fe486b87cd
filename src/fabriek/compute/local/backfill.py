"""EASY backfill: who waits behind a job that waits for room may pass it, if that job starts no later for it.

Lifka, The ANL/IBM SP Scheduling System (1995). The first job that waits for room has a reservation: the moment at which
running jobs, at their limits, will have left enough. Another passes if it ends before, or takes only what that job
leaves over. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

# A job that is stopped at its limit may hold its slots this much longer: SIGTERM, two seconds, SIGKILL, whole seconds.
GRACE = 4


@dataclass(frozen=True)
class Room:
    """Accelerators and cores, free or asked for."""

    accelerators: int
    cores: int

    def holds(self, asked: Room) -> bool:
        return asked.accelerators <= self.accelerators and asked.cores <= self.cores

    def __add__(self, other: Room) -> Room:
        return Room(self.accelerators + other.accelerators, self.cores + other.cores)

    def __sub__(self, other: Room) -> Room:
        return Room(self.accelerators - other.accelerators, self.cores - other.cores)


@dataclass
class Reservation:
    """When the first waiting job starts at the latest (seconds since 1970), and what it leaves over then."""

    at: int
    over: Room

    def lets_pass(self, asked: Room, seconds: int, now: int) -> bool:
        """Whether a job that could start now would not hold up the one that has the reservation."""
        return now + seconds + GRACE <= self.at or self.over.holds(asked)

    def passed(self, asked: Room, seconds: int, now: int) -> None:
        """Take note of a job that passed: what it holds beyond the reservation is no longer left over."""
        if now + seconds + GRACE > self.at:
            self.over = self.over - asked


def reservation(asked: Room, free: Room, running: Iterable[tuple[int, Room]], now: int) -> Reservation:
    """The reservation of a job that waits for room. running: (end at the limit, what it holds).

    A job beyond its limit ends at any moment. One that never fits has its reservation when all have ended.
    """
    at = now
    for end, held in sorted(running, key=lambda one: one[0]):
        if free.holds(asked):
            break
        free = free + held
        at = max(end + GRACE, now + 1)
    return Reservation(at, free - asked)


def forecast(
    free: Room, running: Iterable[tuple[int, Room]], waiting: Iterable[tuple[Room, int]], now: int
) -> list[int | None]:
    """When each waiting job starts at the latest if none comes before it any more: (asked, seconds) in their order.

    Conservative backfill (Mu'alem and Feitelson, Utilization, Predictability, Workloads, and User Runtime Estimates,
    2001): each has the first gap that holds it, behind those before it. Jobs that end before their limit only make it
    earlier. None: it never fits.
    """
    freed: dict[int, Room] = {}
    for end, held in running:
        at = max(end + GRACE, now + 1)
        freed[at] = freed.get(at, Room(0, 0)) + held
    # What is free from each moment on.
    profile = [(now, free)]
    for at in sorted(freed):
        profile.append((at, profile[-1][1] + freed[at]))
    starts: list[int | None] = []
    for asked, seconds in waiting:
        start = _first_gap(profile, asked, seconds + GRACE)
        if start is not None:
            _take(profile, asked, start, start + seconds + GRACE)
        starts.append(start)
    return starts


def _first_gap(profile: list[tuple[int, Room]], asked: Room, lasting: int) -> int | None:
    start: int | None = None
    for at, room in profile:
        if start is not None and at >= start + lasting:
            break
        if not room.holds(asked):
            start = None
        elif start is None:
            start = at
    return start


def _take(profile: list[tuple[int, Room]], asked: Room, start: int, end: int) -> None:
    """Take the room from start until end out of the profile, which has a step at `start` already."""
    places = [at for at, _room in profile]
    if end not in places:
        before = max(place for place, at in enumerate(places) if at < end)
        profile.insert(before + 1, (end, profile[before][1]))
    for place, (at, room) in enumerate(profile):
        if start <= at < end:
            profile[place] = at, room - asked
