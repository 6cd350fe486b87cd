"""What earlier decisions awarded, to whom and where: it counts for the promises of the next decision."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db import connection

# All that was awarded and not given back, whether it is used, waits or lapsed.
_AWARDED = """
SELECT a.programme, s.code, COALESCE(p.organisation_class, ''), COALESCE(p.country, ''), COALESCE(p.commercial, false),
       SUM(a.credits - a.debits),
       SUM(CASE WHEN a.month >= %s AND a.month < %s THEN a.credits - a.debits ELSE 0 END)
FROM ledger_account a
JOIN register_partition r ON r.code = a.partition
JOIN register_system s ON s.id = r.system_id
LEFT JOIN projects_allocation l ON l.code = a.allocation
LEFT JOIN projects_project p ON p.id = l.project_id
WHERE a.unit = 'accelerator-seconds' AND a.kind IN ('award', 'used', 'lapsed') AND a.allocation <> ''
GROUP BY a.programme, s.code, p.organisation_class, p.country, p.commercial
"""


@dataclass(frozen=True)
class Awarded:
    """Accelerator-seconds of a programme on a system that one kind of project was awarded; `inside`: of these, in the
    months that were asked."""

    programme: str
    system: str
    organisation_class: str
    country: str
    commercial: bool
    seconds: int
    inside: int


def system_of(partition: str) -> str:
    """The system of a partition's code."""
    return partition.partition("/")[0]


def awarded_before(since: date, until: date) -> list[Awarded]:
    """Of all months, and of those in [since, until). One query, whatever the number of projects."""
    with connection.cursor() as cursor:
        cursor.execute(_AWARDED, [since, until])
        return [
            Awarded(programme, system, organisation_class, country, bool(commercial), int(seconds), int(inside))
            for programme, system, organisation_class, country, commercial, seconds, inside in cursor.fetchall()
        ]
