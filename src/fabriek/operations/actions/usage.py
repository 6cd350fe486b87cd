"""Booking use: every record exactly once, however often it arrives (rule 5), and none of it lost (rule 10)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _
from tenacity import retry, retry_if_exception_type, stop_after_attempt

from fabriek.audit.actions import record as audit
from fabriek.compute.records import BrokenRecord, UsageRecord
from fabriek.conf.rows import insert_rows
from fabriek.ledger import actions as ledger
from fabriek.ledger.models import Account, AccountKind, Kind, Unit
from fabriek.operations import models
from fabriek.operations.models import Cluster, UsageBatch
from fabriek.operations.rules import by_month, going_on, month_start
from fabriek.projects.models import Allocation

# Plain text: a member of an enumeration takes longer to hash, twice a record.
_ACCELERATORS, _CORES = str(Unit.ACCELERATOR_SECONDS), str(Unit.CORE_SECONDS)
# The columns of a usage record, in the order of `_Row.values`.
_COLUMNS = (
    "cluster_id", "batch_id", "key", "revision", "allocation_id", "job_id", "account", "user", "state", "submit",
    "start", "end", "accelerators", "cores", "suspended", "parts", "accelerator_seconds", "core_seconds",
    "submitted_as",
)  # fmt: skip


@dataclass(frozen=True)
class Line:
    """A record and where it stood in what was sent: a line of a file, or a place in a batch (from 1)."""

    number: int
    record: UsageRecord | BrokenRecord


class _Figures(NamedTuple):
    """What makes two records of one run the same use."""

    allocation_id: int
    state: str
    start: int
    end: int
    accelerators: int
    cores: int
    suspended: int
    # of a run that went on into another allocation: a line '2026-03 CODE' for each month; else ''
    parts: str


class _Row(NamedTuple):
    """A record that is booked, or will be: its revision and the code of the allocation that its figures name."""

    key: str
    revision: int
    allocation: str
    figures: _Figures
    # none where the row is read back
    record: Any = None

    def values(self, cluster: int, batch: int) -> tuple[Any, ...]:
        """As it is written, see `_COLUMNS`."""
        (allocation, state, start, end, accelerators, cores, suspended, parts), record = self.figures, self.record
        seconds = end - start - suspended
        return (
            cluster, batch, self.key, self.revision, allocation, record.job_id, record.account, record.user, state,
            record.submit, start, end, accelerators, cores, suspended, parts, accelerators * seconds, cores * seconds,
            record.submitted_as,
        )  # fmt: skip


@dataclass
class _Booking:
    """What one batch adds up to before it is written."""

    rows: list[_Row] = field(default_factory=list)
    # (allocation, unit, month, whether it corrects an earlier revision) -> [(record's key, seconds)]
    seconds: dict[tuple[str, str, date, bool], list[tuple[str, int]]] = field(default_factory=lambda: defaultdict(list))
    broken: list[dict[str, Any]] = field(default_factory=list)
    repeated: int = 0


AGENT = "agent"
"""What sends usage is a site's agent."""


@retry(retry=retry_if_exception_type(IntegrityError), stop=stop_after_attempt(3), reraise=True)
def book_usage(cluster: Cluster, key: str, lines: Sequence[Line], source: str, actor: Any = None) -> UsageBatch:
    """Book a batch of usage records and return what became of it.

    A batch whose key was received before changes nothing. In a new batch, a record that was booked before is counted
    as repeated; one with the same run but other figures becomes a new revision, and the difference an adjustment; a
    broken one is kept with its line and what is wrong with it, and doesn't hold up the others.
    source: `AGENT`, or the name of the imported file.
    Two senders at once: the database's unique keys let one win; the other starts again and finds all of it booked.
    """
    with transaction.atomic():
        known = UsageBatch.objects.filter(cluster=cluster, key=key).first()
        if known is not None:
            return known
        booking = _sort(cluster, lines, refuses_early=source == AGENT)
        batch = UsageBatch.objects.create(
            cluster=cluster,
            key=key,
            source=source[:300],
            booked=len(booking.rows),
            repeated=booking.repeated,
            broken=booking.broken,
        )
        cluster_id, batch_id = cluster.pk, batch.pk
        insert_rows(models.UsageRecord, _COLUMNS, [row.values(cluster_id, batch_id) for row in booking.rows])
        _post(cluster, batch, booking, actor)
        if booking.rows or booking.broken:
            audit(
                actor,
                "operations.book_usage",
                cluster,
                batch=key,
                booked=len(booking.rows),
                repeated=booking.repeated,
                broken=len(booking.broken),
            )
        return batch


def _sort(cluster: Cluster, lines: Sequence[Line], *, refuses_early: bool) -> _Booking:
    """Tell new records from repeated, corrected and broken ones. Two queries, whatever the number of lines.

    refuses_early: whether runs that were over before their award began are none of its. An agent tells all it finds
    of an account; who imports a file has chosen what is in it.
    """
    booking = _Booking()
    good = [line.record for line in lines if isinstance(line.record, UsageRecord)]
    allocations = _Allocations(cluster, {record.account for record in good})
    booked = _latest_revisions(cluster, (record.key for record in good))
    for line in lines:
        if isinstance(line.record, BrokenRecord):
            booking.broken.append({"line": line.number, "why": str(line.record.why)})
            continue
        record = line.record
        found = allocations.find(record)
        if isinstance(found, str):
            booking.broken.append({"line": line.number, "why": found, "record": record.key})
            continue
        key = record.key
        before = booked.get(key)
        # What was booked before the award's months were moved is corrected as ever.
        if refuses_early and before is None and _ended_before(record, found):
            why = _("It ended before the award's first day, %(starts)s, and isn't booked.") % {"starts": found.starts}
            booking.broken.append({"line": line.number, "why": why, "record": key, "final": True})
            continue
        row = _Row(key, 0, found.code, _figures(record, found, allocations.parts(record, found)), record)
        if before is not None:
            if before.figures == row.figures:
                booking.repeated += 1
                continue
            row = row._replace(revision=before.revision + 1)
            _take(booking, before, sign=-1, corrects=True)
        _take(booking, row, sign=1, corrects=before is not None)
        booked[key] = row
        booking.rows.append(row)
    return booking


def _ended_before(record: UsageRecord, allocation: Allocation) -> bool:
    """Whether a run was over when its allocation began: a site may have run the account's jobs before there was one."""
    begins = month_start(allocation.starts)
    return record.start < begins and record.end <= begins


def _figures(record: UsageRecord, allocation: Allocation, parts: str) -> _Figures:
    return _Figures(
        allocation.id,
        record.state,
        record.start,
        record.end,
        record.accelerators,
        record.cores,
        record.suspended,
        parts,
    )


# Past Django's `key__in`, which takes longer over thousands of keys than the database over finding them.
_LATEST = """
SELECT r.key, r.revision, a.code, r.allocation_id, r.state, r.start, r."end", r.accelerators, r.cores, r.suspended,
    r.parts
FROM operations_usagerecord r JOIN projects_allocation a ON a.id = r.allocation_id
WHERE r.cluster_id = %s AND r.key IN ({keys}) ORDER BY r.revision
"""


def _latest_revisions(cluster: Cluster, keys: Iterable[str]) -> dict[str, _Row]:
    latest: dict[str, _Row] = {}
    wanted = list(set(keys))
    with connection.cursor() as cursor:
        for first in range(0, len(wanted), 10_000):
            some = wanted[first : first + 10_000]
            cursor.execute(_LATEST.format(keys=", ".join(["%s"] * len(some))), [cluster.pk, *some])
            for key, revision, code, *figures in cursor.fetchall():
                latest[key] = _Row(key, revision, code, _Figures(*figures))
    return latest


def _take(booking: _Booking, row: _Row, *, sign: int, corrects: bool) -> None:
    """Add a record's seconds to what will be posted, month by month, on the allocations that its row names."""
    figures = row.figures
    went_on = dict(line.split(" ", 1) for line in figures.parts.splitlines()) if figures.parts else {}
    for month, seconds in by_month(figures.start, figures.end, figures.suspended):
        allocation = went_on.get(f"{month:%Y-%m}", row.allocation) if went_on else row.allocation
        for unit, many in ((_ACCELERATORS, figures.accelerators), (_CORES, figures.cores)):
            if many and seconds:
                booking.seconds[allocation, unit, month, corrects].append((row.key, sign * seconds * many))


def _post(cluster: Cluster, batch: UsageBatch, booking: _Booking, actor: Any) -> None:
    """Award to used for new records; adjustments, in either direction, for corrected ones."""
    stations = _Stations({code for code, *_ in booking.seconds})
    usage: list[ledger.Move] = []
    adjustments: list[ledger.Move] = []
    for (code, unit, month, corrects), amounts in booking.seconds.items():
        award, used = stations.get(code, unit, month, "award"), stations.get(code, unit, month, "used")
        if not corrects:
            usage += [ledger.Move(award, used, seconds, key) for key, seconds in amounts]
            continue
        net: dict[str, int] = defaultdict(int)
        for key, seconds in amounts:
            net[key] += seconds
        for key, seconds in net.items():
            if seconds > 0:
                adjustments.append(ledger.Move(award, used, seconds, key))
            elif seconds < 0:
                adjustments.append(ledger.Move(used, award, -seconds, key))
    name = f"{cluster.code}:{batch.key}"
    ledger.post(actor, key=f"usage:{name}", kind=Kind.USAGE, moves=usage, why=batch.source)
    ledger.post(actor, key=f"adjust:{name}", kind=Kind.ADJUSTMENT, moves=adjustments, why=batch.source)


class _Allocations:
    """Finds the allocation of a record: its account is the project's code, its partition the cluster's name for one."""

    def __init__(self, cluster: Cluster, accounts: set[str]) -> None:
        self._cluster = cluster.code
        self._names = dict(cluster.names.values_list("name", "partition_id"))
        self._of: dict[tuple[str, int], list[Allocation]] = defaultdict(list)
        self._projects: set[str] = set()
        found = Allocation.objects.filter(project__code__in=accounts).select_related("project__programme", "partition")
        for allocation in found.order_by("starts", "id"):
            self._of[allocation.project.code, allocation.partition_id].append(allocation)
            self._projects.add(allocation.project.code)

    def find(self, record: UsageRecord) -> Allocation | str:
        """The allocation, or a sentence that says why there is none.

        Of several the one that holds the day on which the run began; else the last that had begun by then, and the
        first where none had.
        """
        names = self._names
        partition = names.get(record.partition) if record.partition else next(iter(names.values()), None)
        if partition is None:
            return _("%(cluster)s has no partition %(name)s. Add it to the cluster, then send the record again.") % {
                "cluster": self._cluster,
                "name": record.partition,
            }
        candidates = self._of.get((record.account, partition))
        if not candidates:
            return _("No project %(account)s has hours on %(name)s. Award some, then send the record again.") % {
                "account": record.account,
                "name": record.partition or self._cluster,
            }
        if len(candidates) == 1:
            return candidates[0]
        day = datetime.fromtimestamp(record.start, tz=UTC).date()
        begun = [a for a in reversed(candidates) if a.starts <= day] or candidates[:1]
        return next((a for a in begun if day < a.ends), begun[0])

    def parts(self, record: UsageRecord, first: Allocation) -> str:
        """A line for each month of a run that goes on into another allocation than its first, see `going_on`; else ''.

        Stored with the record, so that a correction reverses what was booked, whatever was awarded since.
        """
        if record.end <= month_start(first.ends):
            return ""
        candidates = self._of[record.account, first.partition_id]
        if len(candidates) == 1:
            return ""
        months = [month for month, _seconds in by_month(record.start, record.end)]
        held = list(going_on(first, candidates, months))
        if all(allocation is first for _month, allocation in held):
            return ""
        return "\n".join(f"{month:%Y-%m} {allocation.code}" for month, allocation in held)


class _Stations:
    """The award and used accounts of some allocations, read in one query and made where they lack."""

    def __init__(self, codes: set[str]) -> None:
        self._allocations = {
            a.code: a
            for a in Allocation.objects.filter(code__in=codes).select_related("project__programme", "partition")
        }
        self._there = {
            (a.allocation, a.unit, a.month, a.kind): a
            for a in Account.objects.filter(allocation__in=codes, kind__in=[AccountKind.AWARD, AccountKind.USED])
        }

    def get(self, code: str, unit: str, month: date, kind: str) -> Account:
        station = self._there.get((code, unit, month, kind))
        if station is None:
            allocation = self._allocations[code]
            station = self._there[code, unit, month, kind] = ledger.account(
                kind,
                unit=unit,
                partition=allocation.partition.code,
                month=month,
                programme=allocation.project.programme.code,
                allocation=code,
            )
        return station
