"""The daily proof: a scheduler's own totals of a day beside what the ledger's entries say of the same runs.

Both sides count runs that ended on the day. The ledger's side is added up from its entries, not from the records: an
entry's `reference` names the run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet

from fabriek.compute.wire import ProofLine
from fabriek.operations.models import Cluster, UsageProof

DAY = 86_400
Place = tuple[str, str]
"""An account, and the scheduler's name for a partition."""


class Totals(NamedTuple):
    """What ended on a day, at one place or of one run."""

    runs: int = 0
    accelerator_seconds: int = 0
    core_seconds: int = 0


@dataclass(frozen=True)
class Compared:
    """A line of a proof: what the scheduler's accounting says, and what the ledger says."""

    account: str
    partition: str
    accounted: Totals
    ledger: Totals

    @property
    def differs(self) -> bool:
        return self.accounted != self.ledger

    @property
    def difference(self) -> Totals:
        """What the ledger says more than the scheduler; negative: less."""
        return Totals(*(ours - theirs for ours, theirs in zip(self.ledger, self.accounted, strict=True)))

    def as_dict(self) -> dict[str, Any]:
        """As it is stored."""
        return {
            "account": self.account,
            "partition": self.partition,
            "accounted": list(self.accounted),
            "ledger": list(self.ledger),
        }


def compared_of(stored: Mapping[str, Any]) -> Compared:
    """A line as it was stored."""
    return Compared(stored["account"], stored["partition"], Totals(*stored["accounted"]), Totals(*stored["ledger"]))


def compare(lines: Iterable[ProofLine], booked: Mapping[Place, Totals]) -> list[Compared]:
    """Every place that either side names, in order. Pure."""
    accounted = {(p.account, p.partition): Totals(p.runs, p.accelerator_seconds, p.core_seconds) for p in lines}
    return [
        Compared(*place, accounted.get(place, Totals()), booked.get(place, Totals()))
        for place in sorted(accounted.keys() | booked.keys())
    ]


@dataclass(frozen=True)
class RunCompared:
    """One run of a line that differs. None: that side doesn't have it on this day."""

    account: str
    partition: str
    key: str
    accounted: tuple[int, int] | None
    ledger: tuple[int, int] | None

    @property
    def job(self) -> str:
        return self.key.partition("/")[0]


def compare_runs(
    accounted: Mapping[str, tuple[Place, int, int]], booked: Mapping[str, tuple[Place, int, int]]
) -> list[RunCompared]:
    """The runs about which both sides don't say the same, by key. Pure."""
    found = []
    for key in sorted(accounted.keys() | booked.keys()):
        theirs, ours = accounted.get(key), booked.get(key)
        if theirs == ours:
            continue
        place = (theirs or ours or (("", ""), 0, 0))[0]
        if theirs and ours and theirs[0] != ours[0]:
            # Under another account or partition: each side has a run that the other lacks.
            found += [RunCompared(*theirs[0], key, theirs[1:], None), RunCompared(*ours[0], key, None, ours[1:])]
            continue
        found.append(RunCompared(*place, key, theirs and theirs[1:], ours and ours[1:]))
    return found


def proofs(*, cluster: str = "", day: date | None = None, differs: bool = False) -> QuerySet[UsageProof]:
    """The newest proof of each day and cluster, newest days first. differs: those only in which a line does."""
    newer = UsageProof.objects.filter(cluster=OuterRef("cluster"), day=OuterRef("day"), pk__gt=OuterRef("pk"))
    found = UsageProof.objects.select_related("cluster").filter(~Exists(newer))
    if cluster:
        found = found.filter(cluster__code=cluster)
    if day is not None:
        found = found.filter(day=day)
    return found.filter(differs=True) if differs else found


# The last revision of each run that ended in a time, with the scheduler's name for its partition.
_ENDED = """
ended AS (
    SELECT r.key, r.account, COALESCE(n.name, '') AS place
    FROM operations_usagerecord r
    JOIN projects_allocation l ON l.id = r.allocation_id
    LEFT JOIN operations_clusterpartition n ON n.cluster_id = r.cluster_id AND n.partition_id = l.partition_id
    WHERE r.cluster_id = %s AND r."end" >= %s AND r."end" < %s AND NOT EXISTS (
        SELECT 1 FROM operations_usagerecord newer
        WHERE newer.cluster_id = r.cluster_id AND newer.key = r.key AND newer.revision > r.revision)
)
"""
# What the ledger holds of them: of all their revisions, what went to used less what went back.
_HELD = """
batches AS (
    SELECT DISTINCT b.key FROM ended e
    JOIN operations_usagerecord r ON r.cluster_id = %s AND r.key = e.key
    JOIN operations_usagebatch b ON b.id = r.batch_id
),
posted AS (
    SELECT t.id FROM batches JOIN ledger_transaction t ON t.key = 'usage:' || %s || ':' || batches.key
    UNION ALL
    SELECT t.id FROM batches JOIN ledger_transaction t ON t.key = 'adjust:' || %s || ':' || batches.key
),
held AS (
    SELECT e.key, e.account, e.place,
        SUM(CASE WHEN c.unit <> 'accelerator-seconds' THEN 0 WHEN c.kind = 'used' THEN n.amount ELSE -n.amount END)
            AS accelerator_seconds,
        SUM(CASE WHEN c.unit <> 'core-seconds' THEN 0 WHEN c.kind = 'used' THEN n.amount ELSE -n.amount END)
            AS core_seconds
    FROM posted JOIN ledger_entry n ON n.transaction_id = posted.id
    JOIN ended e ON e.key = n.reference
    JOIN ledger_account c ON c.id = n.credit_id
    GROUP BY e.key, e.account, e.place
)
"""


def booked_on(cluster: Cluster, day: date) -> dict[Place, Totals]:
    """What the ledger says of the runs that ended on a day, by account and partition. One query."""
    query = f"""
        WITH {_ENDED}, {_HELD}
        SELECT e.account, e.place, COUNT(*), COALESCE(SUM(h.accelerator_seconds), 0), COALESCE(SUM(h.core_seconds), 0)
        FROM ended e LEFT JOIN held h ON h.key = e.key GROUP BY e.account, e.place
        """  # noqa: S608 - the interpolated texts are the constants above
    return {(account, place): Totals(*map(int, sums)) for account, place, *sums in _rows(query, cluster, day)}


def booked_runs(cluster: Cluster, day: date, places: Iterable[Place]) -> dict[str, tuple[Place, int, int]]:
    """The same run by run: key -> ((account, partition), accelerator-seconds, core-seconds). One query."""
    wanted = set(places)
    query = f"""
        WITH {_ENDED}, {_HELD}
        SELECT e.key, e.account, e.place, COALESCE(h.accelerator_seconds, 0), COALESCE(h.core_seconds, 0)
        FROM ended e LEFT JOIN held h ON h.key = e.key
        """  # noqa: S608 - as above
    return {
        key: ((account, place), int(accelerators), int(cores))
        for key, account, place, accelerators, cores in _rows(query, cluster, day)
        if (account, place) in wanted
    }


def _rows(query: str, cluster: Cluster, day: date) -> list[tuple[Any, ...]]:
    first = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
    with connection.cursor() as cursor:
        cursor.execute(query, [cluster.pk, first, first + DAY, cluster.pk, cluster.code, cluster.code])
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found
