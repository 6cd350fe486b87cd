"""How a run's seconds fall into months, and when a change by hand may be changed back. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from fabriek.compute.wire import AccountState


@lru_cache(maxsize=4096)
def month_start(month: date) -> int:
    """Seconds since 1970 at which a month starts, UTC."""
    return int(datetime(month.year, month.month, 1, tzinfo=UTC).timestamp())


def next_month(month: date) -> date:
    """The first day of the month after."""
    return date(month.year + (month.month == 12), month.month % 12 + 1, 1)


def by_month(start: int, end: int) -> Iterator[tuple[date, int]]:
    """The seconds of a run [start, end) in each month that it touches; none for a run of no length."""
    if end <= start:
        return
    month = _month_of(start // 86_400)
    while start < end:
        following = next_month(month)
        until = min(end, month_start(following))
        yield month, until - start
        start, month = until, following


@lru_cache(maxsize=65_536)
def _month_of(day: int) -> date:
    moment = datetime.fromtimestamp(day * 86_400, tz=UTC)
    return date(moment.year, moment.month, 1)


def what_was_awarded(state: AccountState) -> dict[str, Any]:
    """What an operator had before them when they let a change by hand be; another award makes them choose again."""
    names = {"accelerator_seconds_limit", "core_seconds_limit", "active", "users"}
    return state.model_dump(mode="json", include=names)


def standing_choice(choice: str, awarded: dict[str, Any] | None, state: AccountState | None) -> str:
    """'correct', 'accept', or '' where the operator has still to choose, or what was awarded changed since."""
    if choice == "accept" and (state is None or awarded != what_was_awarded(state)):
        return ""
    return choice
