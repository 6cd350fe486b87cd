"""What earlier decisions awarded, to whom and where: it counts for the promises of the next decision."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date

from fabriek.ledger.models import Account, AccountKind, Unit
from fabriek.projects.models import Allocation


@dataclass(frozen=True)
class Awarded:
    """Accelerator-seconds of a programme on a system in a month that one kind of project was awarded."""

    programme: str
    system: str
    month: date
    organisation_class: str
    country: str
    commercial: bool
    seconds: int


def system_of(partition: str) -> str:
    """The system of a partition's code."""
    return partition.partition("/")[0]


def awarded_before() -> list[Awarded]:
    """All that was awarded and not given back, whether it is used, waits or lapsed. Two queries."""
    stations = Account.objects.filter(
        unit=Unit.ACCELERATOR_SECONDS, kind__in=[AccountKind.AWARD, AccountKind.USED, AccountKind.LAPSED]
    ).exclude(allocation="")
    projects = {
        code: (organisation_class, country, commercial)
        for code, organisation_class, country, commercial in Allocation.objects.values_list(
            "code", "project__organisation_class", "project__country", "project__commercial"
        )
    }
    nobody = ("", "", False)
    sums: dict[tuple[str, str, date, tuple[str, str, bool]], int] = defaultdict(int)
    for programme, partition, month, allocation, credits, debits in stations.values_list(
        "programme", "partition", "month", "allocation", "credits", "debits"
    ):
        sums[programme, system_of(partition), month, projects.get(allocation, nobody)] += credits - debits
    return [
        Awarded(programme, system, month, *who, seconds)
        for (programme, system, month, who), seconds in sorted(sums.items())
    ]
