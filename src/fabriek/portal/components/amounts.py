"""Amounts as text in the reader's language.

The ledger's units are exact: accelerator-seconds and core-seconds.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

from django.utils import formats
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from fabriek.conf.amounts import month_text, number_text

SECONDS_IN_AN_HOUR = 3600


def hours_text(seconds: int) -> str:
    """Seconds as hours, as many decimals as help: 1,234 · 12.5 · 49.99 · 0.01 · <0.01."""
    if seconds < 0:
        return "−" + hours_text(-seconds)
    hours = Decimal(seconds) / SECONDS_IN_AN_HOUR
    if seconds and hours < Decimal("0.005"):
        return "<" + number_text(Decimal("0.01"), 2)
    decimals = 0 if hours >= 100 or hours == hours.to_integral() else 1 if hours >= 10 else 2
    if decimals == 1 and hours.quantize(Decimal("0.1"), ROUND_HALF_UP) == hours.to_integral():
        # 49.99 of 50 is not 50: what a first short job used is seen.
        decimals = 2
    return number_text(hours.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP), decimals)


def bytes_text(amount: float) -> str:
    """Bytes in the largest binary unit that fits: 512 B · 64 KiB · 1.5 GiB."""
    for unit, size in (("TiB", 2**40), ("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if amount >= size:
            return f"{number_text(round(amount / size, 1 if amount < 100 * size else 0))} {unit}"
    return f"{number_text(int(amount))} B"


def exact_text(seconds: int, unit: str) -> str:
    """The exact amount behind a rounded one. ``unit`` is ``accelerator`` or ``core``."""
    amount = number_text(seconds)
    if unit == "core":
        return ngettext("%(amount)s core-second", "%(amount)s core-seconds", abs(seconds)) % {"amount": amount}
    return ngettext("%(amount)s accelerator-second", "%(amount)s accelerator-seconds", abs(seconds)) % {
        "amount": amount
    }


def percent_text(ratio: Any, decimals: int | None = None) -> str:
    """A ratio (0.2, Fraction(1, 5), Decimal) as a percentage: 20% · 12.5%.

    One decimal at most unless asked.
    """
    if isinstance(ratio, Fraction):
        share = Decimal(ratio.numerator) / Decimal(ratio.denominator) * 100
    else:
        share = Decimal(str(ratio)) * 100
    if decimals is None:
        rounded = share.quantize(Decimal("0.1"), ROUND_HALF_UP)
        decimals = 0 if rounded == rounded.to_integral() else 1
    quantum = Decimal(1).scaleb(-decimals)
    text = number_text(share.quantize(quantum, ROUND_HALF_UP), decimals)
    return _("%(number)s%%") % {"number": text}


def lasting_text(value: timedelta) -> str:
    """A length of time by its two largest units."""
    seconds = max(int(value.total_seconds()), 0)
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, SECONDS_IN_AN_HOUR)
    minutes, left = divmod(rest, 60)
    parts = [
        (days, ngettext("%(n)s day", "%(n)s days", days)),
        (hours, ngettext("%(n)s hour", "%(n)s hours", hours)),
        (minutes, ngettext("%(n)s minute", "%(n)s minutes", minutes)),
        (left, ngettext("%(n)s second", "%(n)s seconds", left)),
    ]
    said = [text % {"n": n} for n, text in parts if n]
    return " ".join(said[:2]) or parts[-1][1] % {"n": 0}


def rough_date_text(text: str) -> str:
    """A date as exact as its source is: ``2026`` · ``August 2026`` · ``31 Aug 2026``; other text as it is."""
    try:
        match text.count("-"):
            case 1:
                return month_text(text)
            case 2:
                return moment_text(date.fromisoformat(text))
    except ValueError:
        pass
    return text


def weekday_text(value: date | datetime) -> str:
    """A date with its day of the week: ``Fri 20 Nov 2026``."""
    return f"{formats.date_format(value, 'D')} {moment_text(value, 'date')}"


def moment_text(value: date | datetime, style: str = "") -> str:
    """A date as ``20 Nov 2026``, a moment as ``20 Nov 2026, 14:00 UTC`` (before the zone is known); ``style="seconds"``
    with its seconds."""
    day = formats.date_format(value, "j M Y")
    if (get_language() or "").startswith("nl"):
        # Django writes short months with a capital, which Dutch has not.
        day = day.lower()
    if not isinstance(value, datetime) or style == "date":
        return day
    clock = f"{formats.date_format(value, 'H:i:s' if style == 'seconds' else 'H:i')} UTC"
    return clock if style == "time" else f"{day}, {clock}"


def iso_text(value: date | datetime) -> str:
    """For the datetime attribute of <time>: ISO 8601, moments in UTC with a Z."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds").replace("+00:00", "Z")
    return value.isoformat()
