"""The promises, measured over the ledger. Four queries, whatever the number of projects."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Any, TypeVar

from django.core.cache import cache
from django.db import connection
from django.db.models import Count, Max, Q

from fabriek.conf.sorting import sorted_rows
from fabriek.ledger.models import Account, AccountKind
from fabriek.operations.queries import queued_seconds
from fabriek.programmes.models import Programme, Promise
from fabriek.promises.measures import Hours, Measured, Terms, measure

# What each account holds, and the last entry, in one statement: hence of one moment.
_ACCOUNTS = """
SELECT (SELECT MAX(id) FROM ledger_entry) AS last, programme, partition, allocation, kind, month, unit,
       credits - debits AS held
FROM ledger_account
"""
# The same of some accounts, with what entries have changed of them. CROSS: from these few to their rows, not the other
# way round, which SQLite's planner would take for the shorter.
_CHANGED = """
WITH m (id, held) AS (VALUES {changes})
SELECT 0 AS last, c.programme, c.partition, c.allocation, c.kind, c.month, c.unit, m.held
FROM m CROSS JOIN ledger_account c WHERE c.id = m.id
"""
_CHANGES = """
SELECT account, SUM(amount) FROM (
    SELECT credit_id AS account, amount FROM ledger_entry WHERE id > %s AND id <= %s
    UNION ALL
    SELECT debit_id, -amount FROM ledger_entry WHERE id > %s AND id <= %s
) moved GROUP BY account
"""
# Award, use and what lapsed are what a share was given out as: the four stations of a programme add up to its share,
# because an entry only moves hours from one to the other.
_HOURS = """
SELECT MAX(a.last), a.programme, s.code, COALESCE(p.organisation_class, ''), COALESCE(p.country, ''),
       COALESCE(p.commercial, false),
       SUM(a.held),
       SUM(CASE WHEN a.kind = 'share' OR a.allocation = '' THEN 0 ELSE a.held END),
       SUM(CASE WHEN a.kind = 'used' THEN a.held ELSE 0 END)
FROM ({accounts}) a
JOIN register_partition r ON r.code = a.partition
JOIN register_system s ON s.id = r.system_id
LEFT JOIN projects_allocation l ON l.code = a.allocation
LEFT JOIN projects_project p ON p.id = l.project_id
WHERE a.unit = 'accelerator-seconds' AND a.kind IN ('share', 'award', 'used', 'lapsed')
      AND a.month >= %s AND a.month < %s
GROUP BY a.programme, s.code, p.organisation_class, p.country, p.commercial
"""


# How long sums over the whole ledger may be told again, in seconds; what was posted since is added to them. On
# PostgreSQL a transaction may commit after a later entry's, and would be passed over until the sums are made anew.
_TOLD_AGAIN = 30
_SUMMED_AGAIN = {"sqlite": 3_600, "postgresql": 30}
# Beyond so many new entries, or accounts that they changed, summing all accounts is as fast.
_MOST_NEW, _MOST_CHANGED = 20_000, 5_000

_Key = tuple[str, str, str, str, bool]
T = TypeVar("T")


def hours(since: date = date.min, until: date = date.max) -> list[Hours]:
    """Seconds by programme, system, class, country and commercial use in the months [since, until).

    Three queries at most: the last entry, the sums (over the whole ledger once in a while, else over what was posted
    since), and the jobs that wait or run.
    """
    rows = dict(_sums(since, until))
    for key, seconds in queued_seconds().items():
        rows[key] = replace(rows.get(key, Hours(*key)), queued=seconds)
    return list(rows.values())


def _sums(since: date, until: date) -> dict[_Key, Hours]:
    """The sums over the ledger: from memory, and what was posted since. What a sum is told by never changes: an
    account keeps its identity, an allocation its project, a project its class and country.

    Inside a transaction they are always new: what that has posted may yet be undone, and must not be remembered.
    """
    if connection.in_atomic_block:
        return _summed(since, until)[1]

    def posted(after: int, last: int) -> tuple[int, dict[_Key, Hours]] | None:
        new = _posted(after, last, since, until) if after < last <= after + _MOST_NEW else None
        return None if new is None else (last, new)

    return _kept(f"hours:{since}:{until}", _last_entry, lambda: _summed(since, until), posted, added)


def _kept(
    what: str,
    last_now: Callable[[], int],
    whole: Callable[[], tuple[int, T]],
    since: Callable[[int, int], tuple[int, T] | None],
    add: Callable[[T, T], T],
) -> T:
    """Sums from memory, with what came since; made anew once in a while. last_now: the last row that they are over.
    whole: up to which row, and the sums; since (a row, the last one): the same of what came after it, None where
    there was too much."""
    name = f"promises:{connection.settings_dict['NAME']}:{what}"
    known: tuple[int, float, T] | None = cache.get(name)
    last = last_now()
    if known is not None and known[0] == last:
        return known[2]
    new = since(known[0], last) if known is not None else None
    if known is not None and new is not None:
        kept_until, (upto, sums) = known[1], (new[0], add(known[2], new[1]))
    else:
        upto, sums = whole()
        kept_until = time.time() + _SUMMED_AGAIN[connection.vendor]
    cache.set(name, (upto or last, kept_until, sums), kept_until - time.time())
    return sums


def added(rows: dict[_Key, Hours], more: dict[_Key, Hours]) -> dict[_Key, Hours]:
    """Sums with what has come since."""
    both = dict(rows)
    for key, new in more.items():
        old = both.get(key, Hours(*key))
        both[key] = replace(
            old, share=old.share + new.share, decided=old.decided + new.decided, used=old.used + new.used
        )
    return both


def _last_entry() -> int:
    return _last_of("ledger_entry")


def _last_of(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT MAX(id) FROM {table}")  # noqa: S608 - a name of ours
        return int(cursor.fetchone()[0] or 0)


def _told_again(what: str, compute: Callable[[], T]) -> T:
    """Something that follows from the ledger, from memory where nothing was posted since. Inside a transaction it is
    always new: what that has posted may yet be undone, and must not be remembered."""
    if connection.in_atomic_block:
        return compute()
    name = f"promises:{connection.settings_dict['NAME']}:{_last_entry()}:{what}"
    found: T | None = cache.get(name)
    if found is None:
        found = compute()
        cache.set(name, found, _TOLD_AGAIN)
    return found


def _summed(since: date, until: date) -> tuple[int, dict[_Key, Hours]]:
    """The last entry, and the sums over all accounts at that moment."""
    return _asked(_ACCOUNTS, [since, until])


def _posted(after: int, upto: int, since: date, until: date) -> dict[_Key, Hours] | None:
    """What the entries after one, up to another, have changed; None where they changed too much to add up."""
    with connection.cursor() as cursor:
        cursor.execute(_CHANGES, [after, upto, after, upto])
        changes = [number for row in cursor.fetchall() for number in map(int, row)]
    if not changes:
        return {}
    if len(changes) > 2 * _MOST_CHANGED:
        return None
    marks = ", ".join(["(%s, %s)"] * (len(changes) // 2))
    return _asked(_CHANGED.format(changes=marks), [*changes, since, until])[1]


def _asked(accounts: str, parameters: list[Any]) -> tuple[int, dict[_Key, Hours]]:
    rows: dict[_Key, Hours] = {}
    last = 0
    with connection.cursor() as cursor:
        cursor.execute(_HOURS.format(accounts=accounts), parameters)
        for upto, programme, system, organisation_class, country, commercial, share, decided, used in cursor.fetchall():
            key = (programme, system, organisation_class, country, bool(commercial))
            rows[key] = Hours(*key, share=int(share), decided=int(decided), used=int(used))
            last = int(upto or 0)
    return last, rows


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


def _terms(promise: Promise, subtrees: dict[str, frozenset[str]], shared: tuple[int, date | None], on: date) -> Terms:
    """The promise without its rows, as on a day. A baseline is a month's amount, so it counts the months that are
    measured. shared: how many months have shares, and the last (`_months`)."""
    months, last = shared
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
        each=promise.accelerator_seconds_a_month or 0,
        times=Fraction(months),
        system=promise.system.code if promise.system else "",
        is_demo=promise.is_demo,
        is_over=(promise.valid_until or date.max) <= on or (last is not None and last < on.replace(day=1)),
        rounding=months * (len(programmes or ()) + len(base or ())),
    )


_ESTABLISHED = """
SELECT (SELECT MAX(id) FROM ledger_transaction), a.programme,
       SUM(CASE WHEN e.credit_id = a.id THEN e.amount ELSE -e.amount END)
FROM ledger_transaction t
JOIN ledger_entry e ON e.transaction_id = t.id
JOIN ledger_account a ON a.id IN (e.debit_id, e.credit_id)
WHERE t.kind IN ('shares', 'reallocation', 'transfer') AND a.kind = 'share' AND a.unit = 'accelerator-seconds'
      AND t.id > %s
GROUP BY a.programme
"""


def _established() -> dict[str, int]:
    """Seconds a month's share was established or reallocated to, per leaf programme. Two queries; from memory, with
    what was established since, as `_sums`."""
    if connection.in_atomic_block:
        return _established_since(0)[1]

    def add(before: dict[str, int], more: dict[str, int]) -> dict[str, int]:
        return {code: before.get(code, 0) + more.get(code, 0) for code in before | more}

    return _kept(
        "established",
        lambda: _last_of("ledger_transaction"),
        lambda: _established_since(0),
        lambda after, _last: _established_since(after),
        add,
    )


def _established_since(transaction: int) -> tuple[int, dict[str, int]]:
    with connection.cursor() as cursor:
        cursor.execute(_ESTABLISHED, [transaction])
        rows = cursor.fetchall()
    return (int(rows[0][0]) if rows else 0), {programme: int(seconds) for _last, programme, seconds in rows}


def _months(since: date = date.min, until: date = date.max) -> tuple[int, date | None]:
    """How many of the months [since, until) have shares, and the last of them; None where none has. One query."""
    shares = Account.objects.filter(kind=AccountKind.SHARE, month__gte=since, month__lt=until)
    found = shares.aggregate(n=Count("month", distinct=True), last=Max("month"))
    return found["n"], found["last"]


def measured_at_its_end(promise: Promise) -> Measured:
    """A promise that ended, or has yet to begin, over the months that began while it held. Five queries."""
    first, until = _while_it_held(promise)
    return measure(_terms(promise, _subtrees(), _months(first, until), date.today()), hours(first, until))


def _while_it_held(promise: Promise, since: date = date.min, until: date = date.max) -> tuple[date, date]:
    """Those of the months [since, until) that began while a promise held, and the one in which it began."""
    return max(since, promise.valid_from.replace(day=1)), min(until, promise.valid_until or date.max)


def measured_on_system(system: str, since: date, until: date) -> list[Measured]:
    """The promises about one system that held in the months [since, until), each over those in which it held.

    A fraction is measured on this system alone; an amount (a baseline) is of all systems together, and told where a
    programme that it is about has hours here. Two queries, and four for each different period in which promises held.
    """
    subtrees = _subtrees()
    held = (
        Promise.objects.filter(valid_from__lt=until)
        .filter(Q(valid_until__isnull=True) | Q(valid_until__gt=since))
        .filter(Q(system__isnull=True) | Q(system__code=system))
        .select_related("programme", "base", "system")
    )
    of_period: dict[tuple[date, date], tuple[list[Hours], tuple[int, date | None]]] = {}
    measured = []
    for promise in held:
        period = _while_it_held(promise, since, until)
        if period not in of_period:
            of_period[period] = hours(*period), _months(*period)
        rows, months = of_period[period]
        terms = _terms(promise, subtrees, months, date.today())
        if terms.fraction is not None:
            terms = replace(terms, system=system)
        if any(row.system == system and (terms.counts(row) or terms.is_measured_against(row)) for row in rows):
            measured.append(measure(terms, rows))
    return measured


def measured_promise(code: str) -> tuple[Measured, Promise | None] | None:
    """A promise that holds today, or one that ended or has yet to begin; None: there is none of this code. A
    programme's share is a promise of its own, which nobody made."""
    promise = Promise.objects.select_related("programme", "base", "system").filter(code=code).first()
    one = next((found for found in measured_promises() if found.terms.code == code), None)
    if one is None and promise is not None:
        one = measured_at_its_end(promise)
    return None if one is None else (one, promise)


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
    terms = [_terms(promise, subtrees, months, on) for promise in promises]
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
            each=seconds,
            times=overbooking[programme],
        )
        for programme, seconds in sorted(_established().items())
    ]
    return [measure(t, all_hours) for t in terms]


def broken_promises() -> dict[str, str]:
    """The promises that are not kept now: name by code."""
    return {one.terms.code: one.terms.name for one in measured_promises() if not one.holds}


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
