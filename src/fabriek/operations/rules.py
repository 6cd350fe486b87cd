"""How a run's seconds fall into months. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import lru_cache


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
