"""Access time granted and used, per Participating State and user category.

Council Regulation (EU) 2021/1173, Article 17(11): the Governing Board regularly monitors the Union's access time
granted per Participating State and per user category, commercial use included; the annual activity report tells the
access time that each Participating State has used (Statutes, Article 19). Both are sums over the same accounts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from django.db import connection

from fabriek.ledger.models import Account, Unit
from fabriek.people.models import OrganisationClass
from fabriek.register.models import Partition
from fabriek.reports.periods import Period

PAID = "paid"
"""The category of paid commercial use (Article 18), whatever the class of who pays."""
CATEGORIES = (*OrganisationClass.values, PAID, "")
"""The user categories in order: the classes of applicant, paid commercial use apart; '' is not known."""
COLUMNS = ("system", "country", "category")


@dataclass(frozen=True)
class Amounts:
    """Seconds of one unit. `granted`: awarded and not given back, used or not; `..._union`: of it the Union's share."""

    granted: int = 0
    granted_union: int = 0
    used: int = 0
    used_union: int = 0

    def __add__(self, other: Amounts) -> Amounts:
        return Amounts(
            self.granted + other.granted,
            self.granted_union + other.granted_union,
            self.used + other.used,
            self.used_union + other.used_union,
        )

    def part_of_union(self, whole: Amounts) -> Fraction | None:
        """What part of the Union's granted time this is; None where none was granted."""
        return Fraction(self.granted_union, whole.granted_union) if whole.granted_union else None


@dataclass(frozen=True)
class Cell:
    """What one Participating State's users of one category have on one system. '' where one of these isn't known.

    country: where the organisation that the award went to is established, as it was when it was awarded.
    """

    system: str
    country: str
    category: str
    amounts: Amounts


# An allocation's hours are left (award), used or lapsed; the three add up to what was awarded and not given back. All
# joins are outer ones: hours of which the state or the category isn't known are a row, never left out.
_CELLS = """
SELECT COALESCE(s.code, ''), COALESCE(p.country, ''),
       CASE WHEN p.commercial THEN %s ELSE COALESCE(p.organisation_class, '') END AS category,
       SUM(a.credits - a.debits),
       SUM(CASE WHEN g.kind = 'union' THEN a.credits - a.debits ELSE 0 END),
       SUM(CASE WHEN a.kind = 'used' THEN a.credits - a.debits ELSE 0 END),
       SUM(CASE WHEN a.kind = 'used' AND g.kind = 'union' THEN a.credits - a.debits ELSE 0 END)
FROM ledger_account a
LEFT JOIN register_partition r ON r.code = a.partition
LEFT JOIN register_system s ON s.id = r.system_id
LEFT JOIN programmes_programme g ON g.code = a.programme
LEFT JOIN projects_allocation l ON l.code = a.allocation
LEFT JOIN projects_project p ON p.id = l.project_id
WHERE a.unit = %s AND a.kind IN ('award', 'used', 'lapsed') AND a.allocation <> '' AND a.month >= %s AND a.month < %s
GROUP BY 1, 2, 3
"""


def access_time(period: Period, unit: str = Unit.ACCELERATOR_SECONDS, *, system: str = "") -> list[Cell]:
    """Access time of a period's months, by system, country and category; of one system where it is named. One query.

    unit: accelerator- or core-seconds; an award on GPUs holds the cores beside them too. Cells in which nothing was
    granted and nothing used are left out.
    """
    with connection.cursor() as cursor:
        cursor.execute(_CELLS, [PAID, unit, period.since, period.until])
        rows = cursor.fetchall()
    cells = [Cell(code, country, category, Amounts(*map(int, sums))) for code, country, category, *sums in rows]
    return sorted(
        (cell for cell in cells if cell.amounts != Amounts() and (not system or cell.system == system)),
        key=lambda cell: (cell.system, cell.country, CATEGORIES.index(cell.category)),
    )


def total(cells: Iterable[Cell]) -> Amounts:
    """All of them together."""
    return sum((cell.amounts for cell in cells), Amounts())


def together(cells: Iterable[Cell], *columns: str) -> dict[tuple[str, ...], Amounts]:
    """Sums by some of COLUMNS: `together(cells, "country")[("NL",)]`. They add up to the total, whichever they are."""
    sums: dict[tuple[str, ...], Amounts] = defaultdict(Amounts)
    for cell in cells:
        sums[tuple(getattr(cell, column) for column in columns)] += cell.amounts
    return dict(sums)


def years_to_choose(today: date) -> list[int]:
    """This year, the last one, and those of which the ledger has months: the last first. One query."""
    on_ledger = {day.year for day in Account.objects.dates("month", "year")}
    return sorted(on_ledger | {today.year, today.year - 1}, reverse=True)


def systems_on_ledger() -> list[tuple[str, str]]:
    """The systems of which the ledger has hours: (code, name), by name. One query."""
    found = Partition.objects.filter(code__in=Account.objects.values("partition").distinct())
    return list(found.order_by("system__name").values_list("system__code", "system__name").distinct())
