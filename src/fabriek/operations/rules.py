"""How seconds fall into months, months to allocations, and when a change by hand may be changed back. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, Protocol, TypeVar

from fabriek.compute.wire import AccountState


@lru_cache(maxsize=4096)
def month_start(month: date) -> int:
    """Seconds since 1970 at which a month starts, UTC."""
    return int(datetime(month.year, month.month, 1, tzinfo=UTC).timestamp())


def next_month(month: date) -> date:
    """The first day of the month after."""
    return date(month.year + (month.month == 12), month.month % 12 + 1, 1)


def by_month(start: int, end: int, suspended: int = 0) -> Iterator[tuple[date, int]]:
    """The seconds of a run [start, end) that count in each month that it touches; none for a run of no length.

    Slurm says for how long a run was suspended, not when (sacct, Suspended). So that time is taken evenly from all of
    the run: until the end of each month, as many seconds have counted as are in proportion, whole ones, rounded down.
    The months always add up to end - start - suspended.
    """
    whole, counts = end - start, end - start - suspended
    if whole <= 0:
        return
    month, since, counted = _month_of(start // 86_400), start, 0
    while since < end:
        following = next_month(month)
        since = min(end, month_start(following))
        until_then = (since - start) * counts // whole
        yield month, until_then - counted
        month, counted = following, until_then


@lru_cache(maxsize=65_536)
def _month_of(day: int) -> date:
    moment = datetime.fromtimestamp(day * 86_400, tz=UTC)
    return date(moment.year, moment.month, 1)


class Period(Protocol):
    """Whole months [starts, ends), such as those of an allocation."""

    starts: date
    ends: date


P = TypeVar("P", bound=Period)


def going_on(first: P, others: Sequence[P], months: Iterable[date]) -> Iterator[tuple[date, P]]:
    """Which allocation holds each month of a run that began in `first`.

    A run stays where it began until that allocation ends, whatever begins meanwhile. Then it goes on in the one of the
    same project and partition that holds the month, the latest to begin if there are several. Where none does, the
    rest stays with the one that ended: it was used, and shows there.
    """
    now = first
    for month in months:
        if month >= now.ends:
            now = max((p for p in others if p.starts <= month < p.ends), key=lambda p: p.starts, default=now)
        yield month, now


def what_was_awarded(state: AccountState) -> dict[str, Any]:
    """What an operator had before them when they let a change by hand be; another award makes them choose again."""
    names = {"accelerator_seconds_limit", "core_seconds_limit", "active", "users"}
    return state.model_dump(mode="json", include=names)


def standing_choice(choice: str, awarded: dict[str, Any] | None, state: AccountState | None) -> str:
    """'correct', 'accept', or '' where the operator has still to choose, or what was awarded changed since."""
    if choice == "accept" and (state is None or awarded != what_was_awarded(state)):
        return ""
    return choice
