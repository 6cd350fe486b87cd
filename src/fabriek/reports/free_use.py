"""What firms used for free, and what it was worth: free use by a firm can be state aid (Article 107 TFEU).

Of the Union's access time the Union decides, of a national share a state: that is why the part out of national shares
stands apart. Whether something is aid, and under which rule, is for a lawyer; the value is kept here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from django.db import connection

from fabriek.people.models import OrganisationClass
from fabriek.register.models import HourPrice
from fabriek.reports.periods import Period

FIRMS = (OrganisationClass.STARTUP, OrganisationClass.SME, OrganisationClass.LARGE_INDUSTRY)


@dataclass(frozen=True)
class Worth:
    """Seconds of accelerators, and of cores on partitions that have no accelerators; `unpriced_seconds`: those of both
    for which no price is declared, which are in no value. Values in euros, exactly."""

    accelerator_seconds: int = 0
    core_seconds: int = 0
    unpriced_seconds: int = 0
    value: Fraction = Fraction(0)
    national_value: Fraction = Fraction(0)

    def __add__(self, other: Worth) -> Worth:
        return Worth(
            self.accelerator_seconds + other.accelerator_seconds,
            self.core_seconds + other.core_seconds,
            self.unpriced_seconds + other.unpriced_seconds,
            self.value + other.value,
            self.national_value + other.national_value,
        )


@dataclass(frozen=True)
class FreeUse:
    """What one firm used without paying."""

    organisation: str
    name: str
    country: str
    worth: Worth


_USED = """
SELECT o.code, o.name, o.country, r.id, r.accelerators_per_node, a.month, g.kind, SUM(a.credits - a.debits)
FROM ledger_account a
JOIN projects_allocation l ON l.code = a.allocation
JOIN projects_project p ON p.id = l.project_id
JOIN people_organisation o ON o.id = p.organisation_id
JOIN register_partition r ON r.code = a.partition
LEFT JOIN programmes_programme g ON g.code = a.programme
WHERE a.kind = 'used' AND NOT p.commercial AND p.organisation_class IN (%s, %s, %s)
      AND a.month >= %s AND a.month < %s
      AND a.unit = CASE WHEN r.accelerators_per_node = 0 THEN 'core-seconds' ELSE 'accelerator-seconds' END
GROUP BY o.code, o.name, o.country, r.id, r.accelerators_per_node, a.month, g.kind
"""


def free_use(period: Period) -> list[FreeUse]:
    """Each firm that used something for free in a period's months, those of most worth first. Two queries.

    A month counts with the price that holds on its first day, as capacity does with its availability.
    """
    with connection.cursor() as cursor:
        cursor.execute(_USED, [*FIRMS, period.since, period.until])
        rows = [row for row in cursor.fetchall() if row[-1]]
    prices: dict[int, list[HourPrice]] = defaultdict(list)
    for price in HourPrice.objects.filter(partition__in={row[3] for row in rows}):
        prices[price.partition_id].append(price)
    worth: dict[tuple[str, str, str], Worth] = defaultdict(Worth)
    for code, name, country, partition, accelerators, month, kind, seconds in rows:
        worth[code, name, country] += _worth(
            int(seconds), _on(month, prices[partition]), in_cores=accelerators == 0, national=kind == "national"
        )
    return sorted((FreeUse(*firm, of) for firm, of in worth.items()), key=lambda one: (-one.worth.value, one.name))


def _on(month: date | str, prices: Iterable[HourPrice]) -> HourPrice | None:
    """The price that holds on a day; SQLite gives days as text."""
    day = date.fromisoformat(month) if isinstance(month, str) else month
    held = (one for one in prices if one.valid_from <= day and (one.valid_until is None or one.valid_until > day))
    return next(held, None)


def _worth(seconds: int, price: HourPrice | None, *, in_cores: bool, national: bool) -> Worth:
    value = Fraction(price.euro) * seconds / 3600 if price else Fraction(0)
    return Worth(
        accelerator_seconds=0 if in_cores else seconds,
        core_seconds=seconds if in_cores else 0,
        unpriced_seconds=0 if price else seconds,
        value=value,
        national_value=value if national else Fraction(0),
    )


def together(uses: Iterable[FreeUse]) -> Worth:
    """All firms as one."""
    return sum((one.worth for one in uses), Worth())
