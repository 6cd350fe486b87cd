"""The promises, measured over the ledger. Four queries, whatever the number of projects."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Any, TypeVar

from django.core.cache import cache
from django.db import connection
from django.db.models import Q

from fabriek.conf.sorting import sorted_rows
from fabriek.operations.queries import queued_seconds
from fabriek.programmes.models import Programme, Promise
from fabriek.promises.measures import Hours, Measured, Terms, measure

# Award, use and what lapsed are what a share was given out as: the four stations of a programme add up to its share,
# because an entry only moves hours from one to the other.
_HOURS = """
SELECT a.programme, s.code, COALESCE(p.organisation_class, ''), COALESCE(p.country, ''), COALESCE(p.commercial, false),
       SUM(CASE WHEN a.kind IN ('share', 'award', 'used', 'lapsed') THEN a.credits - a.debits ELSE 0 END),
       SUM(CASE WHEN a.kind = 'share' OR a.allocation = '' THEN 0 ELSE a.credits - a.debits END),
       SUM(CASE WHEN a.kind = 'used' THEN a.credits - a.debits ELSE 0 END)
FROM ledger_account a
JOIN register_partition r ON r.code = a.partition
JOIN register_system s ON s.id = r.system_id
LEFT JOIN projects_allocation l ON l.code = a.allocation
LEFT JOIN projects_project p ON p.id = l.project_id
WHERE a.unit = 'accelerator-seconds' AND a.kind IN ('share', 'award', 'used', 'lapsed')
      AND a.month >= %s AND a.month < %s
GROUP BY a.programme, s.code, p.organisation_class, p.country, p.commercial
"""


# How long sums over the whole ledger may be told again while its last entry is the same, in seconds.
_TOLD_AGAIN = 30

_Key = tuple[str, str, str, str, bool]
T = TypeVar("T")


def hours(since: date = date.min, until: date = date.max) -> list[Hours]:
    """Seconds by programme, system, class, country and commercial use in the months [since, until).

    Three queries: the last entry, the sums over the ledger (not again while the last entry is the same, for half a
    minute at most), and the jobs that wait or run.
    """
    rows = dict(_told_again(f"hours:{since}:{until}", lambda: _summed(since, until)))
    for key, seconds in queued_seconds().items():
        rows[key] = replace(rows.get(key, Hours(*key)), queued=seconds)
    return list(rows.values())


def _told_again(what: str, compute: Callable[[], T]) -> T:
    """Something that follows from the ledger, from memory where nothing was posted since. Inside a transaction it is
    always new: what that has posted may yet be undone, and must not be remembered."""
    if connection.in_atomic_block:
        return compute()
    with connection.cursor() as cursor:
        cursor.execute("SELECT MAX(id) FROM ledger_entry")
        last = cursor.fetchone()[0]
    name = f"promises:{connection.settings_dict['NAME']}:{last}:{what}"
    found: T | None = cache.get(name)
    if found is None:
        found = compute()
        cache.set(name, found, _TOLD_AGAIN)
    return found


def _summed(since: date, until: date) -> dict[_Key, Hours]:
    rows: dict[_Key, Hours] = {}
    with connection.cursor() as cursor:
        cursor.execute(_HOURS, [since, until])
        for (
            programme,
            system,
            organisation_class,
            country,
            commercial,
            share,
            decided,
            used,
        ) in cursor.fetchall():
            key = (programme, system, organisation_class, country, bool(commercial))
            rows[key] = Hours(*key, share=int(share), decided=int(decided), used=int(used))
    return rows


def _subtrees() -> dict[str, frozenset[str]]:
    """For each programme the codes of its leaves (itself, if it is one). One query."""
    children: dict[int | None, list[Programme]] = defaultdict(list)
    programmes = list(Programme.objects.all())
    for programme in programmes:
        children[programme.parent_id].append(programme)

    def leaves(programme: Programme) -> frozenset[str]:
        below = children[programme.pk]
        return frozenset().union(*map(leaves, below)) if below else frozenset({programme.code})

    return {programme.code: leaves(programme) for programme in programmes}


def _terms(promise: Promise, subtrees: dict[str, frozenset[str]], months: int) -> Terms:
    """The promise without its rows. A baseline is a month's amount, so it counts the months that are measured."""
    programmes = subtrees[promise.programme.code] if promise.programme else None
    base = subtrees[promise.base.code] if promise.base else programmes
    return Terms(
        code=promise.code,
        name=promise.name,
        kind=promise.kind,
        programme=promise.programme.code if promise.programme else "",
        programmes=programmes,
        base=base,
        organisation_class=promise.organisation_class,
        country=promise.country,
        commercial=promise.commercial,
        fraction=None if promise.fraction is None else Fraction(promise.fraction),
        of=promise.of,
        seconds=(promise.accelerator_seconds_a_month or 0) * months,
        system=promise.system.code if promise.system else "",
        is_demo=promise.is_demo,
        rounding=months * (len(programmes or ()) + len(base or ())),
    )


def _established() -> dict[str, int]:
    """Seconds a month's share was established or reallocated to, per leaf programme. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT a.programme, SUM(CASE WHEN e.credit_id = a.id THEN e.amount ELSE -e.amount END)
            FROM ledger_transaction t
            JOIN ledger_entry e ON e.transaction_id = t.id
            JOIN ledger_account a ON a.id IN (e.debit_id, e.credit_id)
            WHERE t.kind IN ('shares', 'reallocation', 'transfer') AND a.kind = 'share'
                  AND a.unit = 'accelerator-seconds'
            GROUP BY a.programme
            """
        )
        return {programme: int(seconds) for programme, seconds in cursor.fetchall()}


def _months() -> int:
    """How many months have shares. One query."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(DISTINCT month) FROM ledger_account WHERE kind = 'share'")
        found: int = cursor.fetchone()[0]
        return found


def measured_at_its_end(promise: Promise) -> Measured:
    """A promise that ended, or has yet to begin, over the months that began while it held. Five queries."""
    first = promise.valid_from.replace(day=1)
    until = promise.valid_until or date.max
    return measure(_terms(promise, _subtrees(), _told_again("months", _months)), hours(first, until))


def measured_promises(on: date | None = None) -> list[Measured]:
    """Every promise that is valid on a day (default: today), then every programme's share as a promise of its own."""
    on = on or date.today()
    all_hours = hours()
    subtrees = _subtrees()
    months = _told_again("months", _months)
    promises = (
        Promise.objects.filter(valid_from__lte=on)
        .filter(Q(valid_until__isnull=True) | Q(valid_until__gt=on))
        .select_related("programme", "base", "system")
    )
    managed = {h.programme for h in all_hours}
    terms = [_terms(promise, subtrees, months) for promise in promises]
    # A promise about programmes that have no share here has nothing to be measured on.
    terms = [t for t in terms if t.programmes is None or t.programmes & managed]
    names = dict(Programme.objects.values_list("code", "name"))
    overbooking = {p.code: Fraction(p.overbooking) for p in Programme.objects.all()}
    terms += [
        Terms(
            code=f"share-{programme}",
            name=names[programme],
            kind="share",
            programme=programme,
            programmes=frozenset({programme}),
            seconds=int(seconds * overbooking[programme]),
        )
        for programme, seconds in sorted(_told_again("established", _established).items())
    ]
    return [measure(t, all_hours) for t in terms]


MEASURED_COLUMNS: dict[str, Callable[[Measured], Any]] = {
    "name": lambda one: one.terms.name.lower(),
    "kind": lambda one: one.terms.kind,
    "promised": lambda one: one.required["decided"],
    "decided": lambda one: one.decided,
    "queued": lambda one: one.queued,
    "used": lambda one: one.used,
    "holds": lambda one: one.holds,
}


def in_order(measured: list[Measured], sort: str = "") -> list[Measured]:
    """Measured promises by a column of a list; without one as they are."""
    return sorted_rows(measured, sort, MEASURED_COLUMNS)
