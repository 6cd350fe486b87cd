"""Over which months a report goes. Pure.

The ledger counts by months of the machine: hours belong to the month in which they can be used, whatever the day on
which they were awarded. So a report of a year is of the hours of that year's months.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _

from fabriek.conf.errors import Invalid
from fabriek.projects.rules import month_after, months_between

FIRST_YEAR, LAST_YEAR = 2018, 2100
"""The Joint Undertaking was first established in 2018; a year beyond these is a slip."""


@dataclass(frozen=True)
class Period:
    """The months [since, until), both the first day of a month."""

    since: date
    until: date

    @property
    def months(self) -> list[date]:
        """The first day of each month."""
        return months_between(self.since, self.until)

    @property
    def last_month(self) -> date:
        return self.months[-1]

    def is_over(self, today: date) -> bool:
        """Whether its last day has gone by, so that nothing can be used in it any more."""
        return self.until <= today


def year_of(year: int) -> Period:
    """A whole year. Errors: Invalid."""
    _check_year(year, "year")
    return Period(date(year, 1, 1), date(year + 1, 1, 1))


def up_to_now(today: date) -> Period:
    """The last whole year and the year so far, this month included."""
    return Period(date(today.year - 1, 1, 1), month_after(today, 1))


def period_of(
    today: date, *, year: int | None = None, first_month: date | None = None, last_month: date | None = None
) -> Period:
    """A year, or from one month to another, both included; neither: `up_to_now`. A month is named by any of its days.

    Errors: Invalid, where both are given, or the months are the wrong way round.
    """
    if year is not None and (first_month or last_month):
        raise _fault("year", _("Give a year, or a first and a last month, not both."))
    if year is not None:
        return year_of(year)
    for field, day in (("first_month", first_month), ("last_month", last_month)):
        if day is not None:
            _check_year(day.year, field)
    whole = up_to_now(today)
    since = first_month.replace(day=1) if first_month else whole.since
    until = month_after(last_month, 1) if last_month else whole.until
    if until <= since:
        raise _fault("last_month", _("The last month is before the first."))
    return Period(since, until)


def _check_year(year: int, field: str) -> None:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise _fault(field, _("Give a year from %(first)s to %(last)s.") % {"first": FIRST_YEAR, "last": LAST_YEAR})


def _fault(field: str, sentence: str) -> Invalid:
    return Invalid(sentence, faults={field: [sentence]})
