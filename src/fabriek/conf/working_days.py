"""Working days: Monday to Friday, and no public holiday of the country (PyPI: holidays)."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from typing import Any

import holidays


@lru_cache(maxsize=64)
def _holidays(country: str) -> Any:
    try:
        return holidays.country_holidays(country)
    except NotImplementedError:
        return {}


def is_working_day(day: date, country: str) -> bool:
    """Monday to Friday, and no public holiday of the country."""
    return day.weekday() < 5 and day not in _holidays(country)


def working_days_after(day: date, number: int, country: str) -> date:
    """The last of `number` working days after a day, which itself doesn't count."""
    left = number
    while left > 0:
        day += timedelta(days=1)
        left -= is_working_day(day, country)
    return day
