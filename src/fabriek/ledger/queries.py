"""Reads of the ledger. Balances come from the accounts' rows, whatever the number of entries."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import F, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from fabriek.audit.append_only import missing_triggers
from fabriek.ledger.models import Account, AccountKind, Entry, Unit


@dataclass(frozen=True)
class AllocationHours:
    """Seconds of one allocation in one unit. `awarded` = left + used + lapsed."""

    awarded: int = 0
    used: int = 0
    left: int = 0
    lapsed: int = 0

    @property
    def used_fraction(self) -> float:
        return self.used / self.awarded if self.awarded else 0.0


def balances(by: Iterable[str], **filters: Any) -> dict[tuple[Any, ...], int]:
    """Sum of balances of the accounts that match, by the named columns: `balances(["programme"], kind="share")`."""
    rows = Account.objects.filter(**filters).values(*by).annotate(total=Sum(F("credits") - F("debits")))
    return {tuple(row[name] for name in by): row["total"] for row in rows.order_by()}


def allocation_hours(
    codes: Collection[str] | QuerySet[Any], unit: str = Unit.ACCELERATOR_SECONDS
) -> dict[str, AllocationHours]:
    """What each allocation was awarded, used and has left. One query; unknown codes get zeros."""
    sums: dict[str, dict[str, int]] = {}
    if isinstance(codes, QuerySet):
        wanted: Any = codes
    else:
        wanted = list(codes)
        sums = {code: {} for code in wanted}
    rows = (
        Account.objects.filter(allocation__in=wanted, unit=unit)
        .values_list("allocation", "kind")
        .annotate(total=Sum(F("credits") - F("debits")))
        .order_by()
    )
    for code, kind, total in rows:
        sums.setdefault(code, {})[kind] = total
    return {
        code: AllocationHours(
            awarded=sum(of.values()),
            used=of.get(AccountKind.USED, 0),
            left=of.get(AccountKind.AWARD, 0),
            lapsed=of.get(AccountKind.LAPSED, 0),
        )
        for code, of in sums.items()
    }


def held(kinds: Iterable[str], allocations: Any) -> Coalesce:
    """Accelerator-seconds on these kinds of accounts of the allocations that an outer query says (`OuterRef`, or a
    query of codes): to sort a list by, in the list's own query."""
    of = {"allocation__in": allocations} if isinstance(allocations, QuerySet) else {"allocation": allocations}
    accounts = Account.objects.filter(unit=Unit.ACCELERATOR_SECONDS, kind__in=list(kinds), **of)
    sums = accounts.order_by().values("unit").annotate(total=Sum(F("credits") - F("debits")))
    return Coalesce(Subquery(sums.values("total")), 0)


def statement(allocation: str, limit: int = 200) -> QuerySet[Entry]:
    """The newest entries of one allocation, with their accounts and transactions. Two queries."""
    accounts = list(Account.objects.filter(allocation=allocation).values_list("pk", flat=True))
    return (
        Entry.objects.filter(Q(debit__in=accounts) | Q(credit__in=accounts))
        .select_related("debit", "credit", "transaction__actor")
        .order_by("-id")[:limit]
    )


def check() -> list[str]:
    """Recompute every account from its entries. Returns what doesn't hold; empty: the ledger balances."""
    faults: list[str] = []
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT a.code, a.debits, a.credits, COALESCE(d.total, 0), COALESCE(c.total, 0)
            FROM ledger_account a
            LEFT JOIN (SELECT debit_id, SUM(amount) AS total FROM ledger_entry GROUP BY debit_id) d ON d.debit_id = a.id
            LEFT JOIN (SELECT credit_id, SUM(amount) AS total FROM ledger_entry GROUP BY credit_id) c
                   ON c.credit_id = a.id
            WHERE a.debits <> COALESCE(d.total, 0) OR a.credits <> COALESCE(c.total, 0)
            """
        )
        faults += [
            f"{code}: kept debits {debits} and credits {credits}, entries say {int(d)} and {int(c)}"
            for code, debits, credits, d, c in cursor.fetchall()
        ]
        cursor.execute(
            """
            SELECT code, credits - debits, minimum FROM ledger_account
            WHERE minimum IS NOT NULL AND credits - debits < minimum
            """
        )
        faults += [f"{code}: holds {held}, its minimum is {least}" for code, held, least in cursor.fetchall()]
        cursor.execute("SELECT unit, SUM(credits) - SUM(debits) FROM ledger_account GROUP BY unit")
        faults += [f"{unit}: all accounts together hold {total}, not 0" for unit, total in cursor.fetchall() if total]
        cursor.execute(
            """
            SELECT t.key FROM ledger_transaction t
            WHERE NOT EXISTS (SELECT 1 FROM ledger_entry e WHERE e.transaction_id = t.id)
            """
        )
        faults += [f"transaction {key} has no entries" for (key,) in cursor.fetchall()]
        cursor.execute(
            """
            SELECT e.id FROM ledger_entry e
            JOIN ledger_account d ON d.id = e.debit_id JOIN ledger_account c ON c.id = e.credit_id
            WHERE d.unit <> c.unit OR d.partition <> c.partition OR d.month <> c.month
            """
        )
        faults += [f"entry {pk} moves between units, partitions or months" for (pk,) in cursor.fetchall()]
    faults += [f"the database misses the trigger {name}; run `fabriek migrate`" for name in missing_triggers("ledger_")]
    return faults


def totals() -> dict[str, int]:
    """How many accounts, transactions and entries there are."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT COUNT(*) FROM ledger_account), (SELECT COUNT(*) FROM ledger_transaction), "
            "(SELECT COUNT(*) FROM ledger_entry)"
        )
        accounts, transactions, entries = cursor.fetchone()
    return {"accounts": accounts, "transactions": transactions, "entries": entries}
