"""`fabriek usage import`: a scheduler's accounting log as usage of one site, every record once.

Each account (SWF: group) of the log becomes a project of its own, marked imported, without an award: what was used
before the platform came is on the books as used, and never as promised. The same file again changes nothing: the
batches' keys come from its bytes, and every record has the key of its run.
"""

from __future__ import annotations

import gzip
import hashlib
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path
from typing import IO, Any

from django.db import transaction
from django.utils.translation import gettext as _

from fabriek.compute.records import BrokenRecord, UsageRecord
from fabriek.compute.sacct import read_sacct
from fabriek.compute.swf import read_swf
from fabriek.conf.errors import Invalid
from fabriek.operations.actions.usage import Line, book_usage
from fabriek.operations.models import Cluster, UsageBatch
from fabriek.operations.rules import next_month
from fabriek.people.models import Organisation
from fabriek.people.permissions import require
from fabriek.programmes.models import Programme
from fabriek.projects.actions import open_project
from fabriek.projects.models import Allocation
from fabriek.register.models import Partition

BATCH = 5_000


@dataclass
class ImportReport:
    """What became of the file.

    `never_ran`: jobs that were cancelled before they held anything. `broken`, of all
    batches: [{"line": 12, "why": "..."}].
    """

    booked: int = 0
    repeated: int = 0
    never_ran: int = 0
    projects: int = 0
    accelerator_seconds: int = 0
    core_seconds: int = 0
    broken: list[dict[str, Any]] = field(default_factory=list)


def import_usage(
    actor: Any,
    cluster: Cluster,
    file: Path,
    *,
    format: str,
    programme: Programme,
    partition: Partition,
    organisation: Organisation,
    progress: Callable[[int], None] | None = None,
) -> ImportReport:
    """Book a whole accounting log. `format`: swf or sacct; a name that ends in .gz is unpacked on the way.

    progress is called with the number of records that were done. An import that was interrupted is simply repeated.
    Errors: Invalid where the file can't be read as its format; NotAllowed.
    """
    require(actor, "import usage")
    if format not in ("swf", "sacct"):
        raise Invalid(_("%(format)s is not a format that can be imported. Use swf or sacct.") % {"format": format})
    report = ImportReport()
    digest = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
    projects = _Projects(actor, cluster, programme, partition, organisation)
    source = f"{file.name} ({format}, sha256 {digest})"
    read = read_swf if format == "swf" else read_sacct
    with opened(file) as text:
        log = read(text)
        records = iter(log)
        first = 0
        while chunk := list(islice(records, BATCH)):
            lines = [Line(_line(record, first + n + 1), record) for n, record in enumerate(chunk)]
            projects.span(line.record for line in lines if isinstance(line.record, UsageRecord))
            key = f"{digest}:{first}"
            known = UsageBatch.objects.filter(cluster=cluster, key=key).exists()
            batch = book_usage(cluster, key, lines, source, actor)
            first += len(chunk)
            _add(report, batch, lines, known=known)
            if progress is not None:
                progress(first)
    report.projects = len(projects)
    report.never_ran = getattr(log, "skipped", 0)
    return report


def _line(record: UsageRecord | BrokenRecord, place: int) -> int:
    return int(getattr(record, "line", 0) or place)


def _add(report: ImportReport, batch: UsageBatch, lines: list[Line], *, known: bool) -> None:
    """What this import did with a batch; one that an earlier import booked counts as repeated, all of it."""
    report.booked += 0 if known else batch.booked
    report.repeated += batch.repeated + (batch.booked if known else 0)
    report.broken += batch.broken
    for line in lines:
        if isinstance(line.record, UsageRecord):
            report.accelerator_seconds += line.record.accelerator_seconds
            report.core_seconds += line.record.core_seconds


def opened(file: Path) -> IO[str]:
    """The file as text, unpacked where its name says so; what isn't UTF-8 is kept, to be reported with its line."""
    raw: Any = gzip.open(file, "rb") if file.suffix == ".gz" else file.open("rb")  # noqa: SIM115
    return io.TextIOWrapper(raw, encoding="utf-8", errors="backslashreplace")


class _Projects:
    """The imported projects: one for each account of the log, with one allocation that spans all of its runs."""

    def __init__(
        self,
        actor: Any,
        cluster: Cluster,
        programme: Programme,
        partition: Partition,
        organisation: Organisation,
    ) -> None:
        self._actor, self._cluster, self._programme = actor, cluster, programme
        self._partition, self._organisation = partition, organisation
        self._allocations: dict[str, Allocation] = {}

    def __len__(self) -> int:
        return len(self._allocations)

    @transaction.atomic
    def span(self, records: Iterable[UsageRecord]) -> None:
        """Make sure that each record's account has a project whose period holds the record."""
        periods: dict[str, tuple[int, int]] = {}
        for record in records:
            first, last = periods.get(record.account, (record.start, record.end))
            periods[record.account] = (min(first, record.start), max(last, record.end))
        for account, (first, last) in periods.items():
            self._span(account, _month(first), next_month(_month(last)))

    def _span(self, account: str, starts: date, ends: date) -> None:
        allocation = self._allocations.get(account) or self._open(account, starts, ends)
        self._allocations[account] = allocation
        if starts < allocation.starts or ends > allocation.ends:
            allocation.starts, allocation.ends = min(starts, allocation.starts), max(ends, allocation.ends)
            allocation.save(update_fields=["starts", "ends"])
            project = allocation.project
            project.starts, project.ends = (
                min(project.starts, allocation.starts),
                max(project.ends, allocation.ends),
            )
            project.save(update_fields=["starts", "ends"])

    def _open(self, account: str, starts: date, ends: date) -> Allocation:
        project = open_project(
            self._actor,
            code=account,
            title=_("Imported: %(account)s on %(cluster)s") % {"account": account, "cluster": self._cluster.code},
            programme=self._programme,
            organisation=self._organisation,
            lead=None,
            starts=starts,
            ends=ends,
            origin="imported",
        )
        allocation, _made = Allocation.objects.get_or_create(
            code=f"{account}.{self._cluster.code}"[:80],
            defaults={"project": project, "partition": self._partition, "starts": starts, "ends": ends},
        )
        return allocation


def _month(second: int) -> date:
    moment = datetime.fromtimestamp(second, tz=UTC)
    return date(moment.year, moment.month, 1)
