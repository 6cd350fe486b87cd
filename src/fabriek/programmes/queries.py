"""Reads of programmes: the tree, the table of shares, promises."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import F, Q, QuerySet, Sum

from fabriek.conf.sorting import sorted_rows
from fabriek.ledger.models import Account, AccountKind, Unit
from fabriek.programmes.models import Programme, Promise, Reallocation, Share
from fabriek.register.models import Partition


@dataclass(frozen=True)
class ShareRow:
    """A programme's share of a partition in a month, in accelerator-seconds.

    `share` is what it amounts to now, reallocations included; `free` what is not awarded yet.
    """

    programme: Programme
    month: date
    fraction: Decimal | None
    share: int
    awarded: int
    used: int
    free: int


def leaves() -> dict[str, set[str]]:
    """For each programme the codes of its leaves (its own, where it has no parts). One query."""
    children: dict[int | None, list[Programme]] = defaultdict(list)
    programmes = list(Programme.objects.all())
    for programme in programmes:
        children[programme.parent_id].append(programme)

    def below(programme: Programme) -> set[str]:
        parts = children[programme.pk]
        return set().union(*map(below, parts)) if parts else {programme.code}

    return {programme.code: below(programme) for programme in programmes}


def subtree(programme: Programme) -> set[str]:
    """The codes of a programme's leaves."""
    return leaves()[programme.code]


def leaf_programmes() -> QuerySet[Programme]:
    """Programmes that can hold shares."""
    return Programme.objects.filter(children__isnull=True).select_related("pillar", "parent").order_by("kind", "name")


def promises_on(day: date) -> QuerySet[Promise]:
    """The promises that hold on a day."""
    return (
        Promise.objects.filter(valid_from__lte=day)
        .filter(Q(valid_until__isnull=True) | Q(valid_until__gt=day))
        .select_related("programme", "base", "system")
    )


def promises_not_on(day: date) -> QuerySet[Promise]:
    """The promises that ended by a day or begin after it, those that ended last first."""
    return (
        Promise.objects.filter(Q(valid_from__gt=day) | Q(valid_until__lte=day))
        .select_related("programme", "base", "system")
        .order_by(F("valid_until").desc(nulls_first=True), "code")
    )


def share_table(partition: Partition, months: Sequence[date], unit: str = Unit.ACCELERATOR_SECONDS) -> list[ShareRow]:
    """Programme by month: the share and what became of it. Three queries."""
    sums: dict[tuple[str, date], dict[str, int]] = defaultdict(dict)
    stations = Account.objects.filter(
        partition=partition.code,
        month__in=list(months),
        unit=unit,
        kind__in=[AccountKind.SHARE, AccountKind.AWARD, AccountKind.USED, AccountKind.LAPSED],
    ).exclude(programme="")
    rows = stations.values_list("programme", "month", "kind").annotate(total=Sum(F("credits") - F("debits"))).order_by()
    for programme, month, kind, total in rows:
        sums[programme, month][kind] = total
    fractions = {
        (code, month): fraction
        for code, month, fraction in Share.objects.filter(partition=partition, month__in=list(months)).values_list(
            "programme__code", "month", "fraction"
        )
    }
    programmes = {p.code: p for p in Programme.objects.filter(code__in={code for code, _month in sums})}
    table = []
    for (code, month), of in sorted(sums.items()):
        awarded = of.get(AccountKind.AWARD, 0) + of.get(AccountKind.USED, 0) + of.get(AccountKind.LAPSED, 0)
        table.append(
            ShareRow(
                programme=programmes[code],
                month=month,
                fraction=fractions.get((code, month)),
                share=awarded + of.get(AccountKind.SHARE, 0),
                awarded=awarded,
                used=of.get(AccountKind.USED, 0),
                free=of.get(AccountKind.SHARE, 0),
            )
        )
    return table


SHARE_COLUMNS: dict[str, Callable[[ShareRow], Any]] = {
    "programme": lambda row: row.programme.name.casefold(),
    "month": lambda row: row.month,
    "fraction": lambda row: row.fraction,
    "share": lambda row: row.share,
    "awarded": lambda row: row.awarded,
    "used": lambda row: row.used,
    "free": lambda row: row.free,
}


def in_order(table: Iterable[ShareRow], sort: str) -> list[ShareRow]:
    """A table of shares by a column."""
    return sorted_rows(table, sort, SHARE_COLUMNS)


def declared_capacity(partition: Partition, months: Sequence[date]) -> dict[date, int | None]:
    """The capacity of each month that is on the ledger, in accelerator-seconds; None where it is not. One query."""
    found = Account.objects.filter(
        kind=AccountKind.MACHINE, unit=Unit.ACCELERATOR_SECONDS, partition=partition.code, month__in=list(months)
    ).values_list("month", "credits", "debits")
    declared = {month: debits - credits for month, credits, debits in found}
    return {month: declared.get(month) for month in months}


def free_seconds(
    partitions: Sequence[str] | None = None, since: date | None = None
) -> dict[tuple[str, str, date], int]:
    """Seconds of each share that are not awarded: (programme, partition, month) -> accelerator-seconds. One query."""
    stations = Account.objects.filter(kind=AccountKind.SHARE, unit=Unit.ACCELERATOR_SECONDS)
    if partitions is not None:
        stations = stations.filter(partition__in=list(partitions))
    if since is not None:
        stations = stations.filter(month__gte=since)
    return {
        (programme, partition, month): credits - debits
        for programme, partition, month, credits, debits in stations.values_list(
            "programme", "partition", "month", "credits", "debits"
        )
    }


def weights(partitions: Sequence[str], month: date) -> dict[str, int]:
    """How heavily each programme weighs on some partitions together in a month, in thousandths of what is shared out
    there, at least 1: what a scheduler's fair share is told. By GPU-hours; by core-hours where no GPUs are shared out.
    One query.
    """
    kinds = [AccountKind.SHARE, AccountKind.AWARD, AccountKind.USED, AccountKind.LAPSED]
    sums = (
        Account.objects.filter(kind__in=kinds, partition__in=list(partitions), month=month)
        .exclude(programme="")
        .values_list("unit", "programme")
        .annotate(total=Sum(F("credits") - F("debits")))
        .order_by()
    )
    of: dict[str, dict[str, int]] = defaultdict(dict)
    for unit, programme, total in sums:
        of[unit][programme] = total
    shared = of[Unit.ACCELERATOR_SECONDS] if any(of[Unit.ACCELERATOR_SECONDS].values()) else of[Unit.CORE_SECONDS]
    whole = sum(shared.values()) or 1
    return {programme: max(1, round(1000 * seconds / whole)) for programme, seconds in shared.items()}


def reallocations() -> QuerySet[Reallocation]:
    """Newest first."""
    return Reallocation.objects.select_related(
        "partition", "from_programme", "to_programme", "made_by", "undoes", "undone_by"
    )


def months_with_shares() -> list[date]:
    """Months for which shares are on the ledger, in order. One query."""
    return sorted(Account.objects.filter(kind=AccountKind.SHARE).values_list("month", flat=True).distinct())
