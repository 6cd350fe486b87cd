"""Over which months a report goes."""

from __future__ import annotations

from datetime import date

import pytest

from fabriek.conf.errors import Invalid
from fabriek.reports.periods import Period, period_of, up_to_now, year_of

TODAY = date(2026, 11, 28)


def test_by_default_it_is_the_last_whole_year_and_the_year_so_far() -> None:
    assert period_of(TODAY) == up_to_now(TODAY) == Period(date(2025, 1, 1), date(2026, 12, 1))
    assert up_to_now(date(2026, 12, 31)).until == date(2027, 1, 1)


def test_a_year_has_twelve_months_and_is_over_after_its_last_day() -> None:
    year = year_of(2026)
    assert [month.month for month in year.months] == list(range(1, 13))
    assert year.last_month == date(2026, 12, 1)
    assert not year.is_over(date(2026, 12, 31))
    assert year.is_over(date(2027, 1, 1))


def test_from_one_month_to_another_both_are_counted() -> None:
    asked = period_of(TODAY, first_month=date(2026, 2, 20), last_month=date(2026, 3, 1))
    assert asked.months == [date(2026, 2, 1), date(2026, 3, 1)]
    assert period_of(TODAY, last_month=date(2025, 1, 1)).months == [date(2025, 1, 1)]


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"year": 2026, "first_month": date(2026, 1, 1)}, "year"),
        ({"year": 2}, "year"),
        ({"first_month": date(2026, 3, 1), "last_month": date(2026, 2, 28)}, "last_month"),
        ({"last_month": date.max}, "last_month"),
        ({"first_month": date.min}, "first_month"),
    ],
)
def test_what_is_no_period_is_refused_at_its_field(said: dict[str, int | date], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        period_of(TODAY, **said)  # type: ignore[arg-type]
    assert refusal.value.faults.keys() == {field}
