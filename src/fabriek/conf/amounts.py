"""Numbers and months in the reader's language, for sentences that any room says.

An amount in a translated sentence is written by these: Python's own `:,` is English, and reads a thousand times too
small in Dutch.
"""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.utils import formats


def number_text(value: Any, decimals: int | None = None) -> str:
    """A number with the reader's separators, rounded to so many decimals; None keeps those it has: 400.0 has none."""
    if decimals is not None:
        # Django's own formatting cuts off: 1.76 days would be 1.
        value = Decimal(str(value)).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    elif isinstance(value, float) and value.is_integer():
        value = int(value)
    return formats.number_format(value, decimal_pos=decimals, use_l10n=True, force_grouping=True)


def points_text(score: Any) -> str:
    """A score, with the hundredths that count and no more: 53.33 and 70, on every page the same."""
    exact = Decimal(str(score)).quantize(Decimal("0.01"), ROUND_HALF_UP).normalize()
    # Normalised, 70.00 is 7E+1; a sum with 0 has no such exponent.
    return number_text(exact + 0)


def month_text(value: Any) -> str:
    """``"2026-11"``, a date or a datetime as ``November 2026``."""
    if isinstance(value, str):
        year, month = value.split("-")[:2]
        value = date(int(year), int(month), 1)
    return formats.date_format(value, "F Y")
