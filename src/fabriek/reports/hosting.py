"""The hosting entity's yearly report on a system: what the hosting agreement asks by 31 January of the next year.

Council Regulation (EU) 2021/1173, Article 10: the hosting agreement covers service level, accounting of access time
and a certified audit, with data on the use of access time each year. What is told here is what an auditor would add up
again: capacity as it was derived and as it is on the ledger, what became of it, and what the controls have found.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from fractions import Fraction

from django.db.models import Count, F, Max, Q, QuerySet, Sum
from django.utils.translation import gettext as _

from fabriek.conf.errors import NotFound
from fabriek.ledger.models import Account, AccountKind, Unit
from fabriek.ledger.queries import check
from fabriek.operations.models import Drift
from fabriek.operations.proofs import proofs
from fabriek.programmes.models import Programme, Reallocation
from fabriek.programmes.queries import reallocations
from fabriek.promises.measures import Measured
from fabriek.promises.queries import measured_on_system
from fabriek.register.models import Partition, System
from fabriek.register.queries import Capacity, capacity
from fabriek.reports.access_time import PAID, Cell, access_time, together
from fabriek.reports.periods import Period, year_of


@dataclass(frozen=True)
class PartitionYear:
    """A partition's capacity in a period, in seconds of the report's unit.

    derived: what the register gives (rule 1), over the `months_known` of which all facts are known. declared: what was
    put on the ledger, of `months_declared`. availability: the part of its time outside maintenance in which it was
    declared to be up, the mean over its months; None: never declared.
    """

    code: str
    derived: int
    months_known: int
    declared: int
    months_declared: int
    differing: list[date]
    """The months of which the ledger has another capacity than the register gives: a fact changed afterwards."""
    unknown: list[str]
    availability: Fraction | None
    lost_node_seconds: int

    @property
    def lost_node_hours(self) -> float:
        return self.lost_node_seconds / 3600


@dataclass(frozen=True)
class ProgrammeYear:
    """What became of a programme's share of a system, in seconds: share = used + left + lapsed + not awarded.

    left: awarded and not used yet. lapsed: awarded, and gone by unused.
    """

    code: str
    name: str
    kind: str
    used: int
    left: int
    lapsed: int
    not_awarded: int

    @property
    def awarded(self) -> int:
        return self.used + self.left + self.lapsed

    @property
    def unused(self) -> int:
        """Awarded, and not used (yet)."""
        return self.left + self.lapsed

    @property
    def share(self) -> int:
        return self.awarded + self.not_awarded


@dataclass(frozen=True)
class PaidUse:
    """Paid commercial use of the Union's access time (Article 18), in seconds; the cap itself is among the promises."""

    granted: int
    used: int
    union_time: int

    @property
    def part(self) -> Fraction | None:
        """Of the Union's access time; None where the Union has none."""
        return Fraction(self.granted, self.union_time) if self.union_time else None


@dataclass(frozen=True)
class DriftFound:
    """What was changed by hand at the site and stood at some time in the period; `standing`: it still does."""

    found: int
    changed_back: int
    let_be: int
    standing: int


@dataclass(frozen=True)
class ProofsMade:
    """Days of clusters on which the scheduler's own totals were laid beside the ledger's: the newest proof of each."""

    days: int
    differing: int
    last: date | None


@dataclass(frozen=True)
class HostingReport:
    """All of it, for one system and period. `ledger_faults`: of the whole ledger, checked just now."""

    system: System
    period: Period
    unit: str
    is_over: bool
    partitions: list[PartitionYear]
    programmes: list[ProgrammeYear]
    cells: list[Cell]
    paid: PaidUse
    promises: list[Measured]
    reallocations: list[Reallocation]
    drift: DriftFound
    proofs: ProofsMade
    ledger_faults: list[str]

    @property
    def due(self) -> date:
        """31 January of the year after."""
        return self.period.until.replace(day=31)

    @property
    def capacity(self) -> int:
        return sum(partition.derived for partition in self.partitions)

    @property
    def awarded(self) -> int:
        return sum(programme.awarded for programme in self.programmes)

    @property
    def used(self) -> int:
        return sum(programme.used for programme in self.programmes)

    @property
    def unused(self) -> int:
        """Awarded, and not used (yet)."""
        return self.awarded - self.used

    @property
    def cap(self) -> Measured | None:
        """The cap on paid commercial use, where one held."""
        return next((one for one in self.promises if one.terms.commercial and one.terms.kind == "cap"), None)


def hosting_report(system: str, year: int, today: date, unit: str = "") -> HostingReport:
    """The report on a system's year. unit: accelerator- or core-seconds; '': cores, where it has no accelerators.

    A fixed number of queries, whatever the ledger holds, and four for each different period in which promises held.
    Errors: NotFound, Invalid for a year that is none.
    """
    period = year_of(year)
    found = System.objects.select_related("site", "hosting_entity").filter(code=system).first()
    if found is None:
        raise NotFound(_("There is no system %(code)s.") % {"code": system})
    partitions = list(found.partitions.prefetch_related("availabilities", "maintenances", "sizes").order_by("name"))
    if not unit:
        only_cores = bool(partitions) and all(partition.counts_cores for partition in partitions)
        unit = Unit.CORE_SECONDS if only_cores else Unit.ACCELERATOR_SECONDS
    stations = Account.objects.filter(
        partition__in=[one.code for one in partitions], unit=unit, month__gte=period.since, month__lt=period.until
    )
    declared = _declared(stations)
    programmes = _programmes(stations)
    cells = access_time(period, unit, system=system)
    paid = together(cells, "category").get((PAID,))
    start, end = (datetime.combine(day, time(), UTC) for day in (period.since, period.until))
    return HostingReport(
        system=found,
        period=period,
        unit=unit,
        is_over=period.is_over(today),
        partitions=[_partition_year(one, period, unit, declared[one.code]) for one in partitions],
        programmes=programmes,
        cells=cells,
        paid=PaidUse(
            granted=paid.granted_union if paid else 0,
            used=paid.used_union if paid else 0,
            union_time=sum(programme.share for programme in programmes if programme.kind == "union"),
        ),
        promises=measured_on_system(system, period.since, period.until),
        reallocations=list(
            reallocations().filter(partition__system=found, month__gte=period.since, month__lt=period.until)
        ),
        drift=_drift(found, start, end),
        proofs=_proofs(found, period),
        ledger_faults=check(),
    )


def _declared(stations: QuerySet[Account]) -> dict[str, dict[date, int]]:
    """What was put on the ledger of each partition, by month. One query."""
    declared: dict[str, dict[date, int]] = defaultdict(dict)
    for machine in stations.filter(kind=AccountKind.MACHINE):
        # The machine gives, so what it has given stands below zero.
        declared[machine.partition][machine.month] = -machine.balance
    return declared


def _partition_year(partition: Partition, period: Period, unit: str, declared: dict[date, int]) -> PartitionYear:
    """No query, where the partition's facts are prefetched."""
    months = [capacity(partition, month) for month in period.months]
    derived = {month.month: seconds for month in months if (seconds := _seconds(month, unit)) is not None}
    up = [month for month in months if month.availability is not None]
    return PartitionYear(
        code=partition.code,
        derived=sum(derived.values()),
        months_known=len(derived),
        declared=sum(declared.values()),
        months_declared=len(declared),
        differing=sorted(month for month, seconds in declared.items() if derived.get(month) != seconds),
        unknown=sorted({fact for month in months if month.month not in derived for fact in month.unknown}),
        availability=(
            sum((Fraction(month.availability or 0) * month.seconds for month in up), Fraction(0))
            / sum(month.seconds for month in up)
            if up
            else None
        ),
        lost_node_seconds=sum(month.lost_node_seconds for month in months),
    )


def _seconds(month: Capacity, unit: str) -> int | None:
    return month.accelerator_seconds if unit == Unit.ACCELERATOR_SECONDS else month.core_seconds


def _programmes(stations: QuerySet[Account]) -> list[ProgrammeYear]:
    """What each programme has of these accounts: the Union's first, by name. Two queries."""
    held = F("credits") - F("debits")
    rows = (
        stations.exclude(programme="")
        .values_list("kind", "programme")
        .annotate(all=Sum(held), of_allocations=Sum(held, filter=~Q(allocation="")))
        .order_by()
    )
    sums: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(("used", "left", "lapsed", "not_awarded"), 0))
    for kind, programme, whole, of_allocations in rows:
        awarded = of_allocations or 0
        sums[programme][_STATIONS.get(kind, "not_awarded")] += awarded
        sums[programme]["not_awarded"] += whole - awarded
    known = {code: (name, kind) for code, name, kind in Programme.objects.values_list("code", "name", "kind")}
    found = []
    for code, of in sums.items():
        name, kind = known.get(code, (code, ""))
        found.append(ProgrammeYear(code, name, kind, **of))
    return sorted(found, key=lambda one: (one.kind != "union", one.name))


_STATIONS = {AccountKind.USED: "used", AccountKind.AWARD: "left", AccountKind.LAPSED: "lapsed"}
"""What the hours of allocations are told as; what a share holds, or has let lapse itself, was not awarded."""


def _drift(system: System, start: datetime, end: datetime) -> DriftFound:
    """One query."""
    clusters = system.partitions.filter(clusters__isnull=False).values("clusters")
    stood = Drift.objects.filter(cluster__in=clusters, first_seen_at__lt=end).filter(
        Q(gone_at__isnull=True) | Q(gone_at__gte=start)
    )
    return DriftFound(
        **stood.aggregate(
            found=Count("pk"),
            changed_back=Count("pk", filter=Q(choice="correct")),
            let_be=Count("pk", filter=Q(choice="accept")),
            standing=Count("pk", filter=Q(gone_at__isnull=True)),
        )
    )


def _proofs(system: System, period: Period) -> ProofsMade:
    """One query."""
    clusters = system.partitions.filter(clusters__isnull=False).values("clusters")
    newest = proofs().filter(cluster__in=clusters, day__gte=period.since, day__lt=period.until)
    return ProofsMade(
        **newest.aggregate(days=Count("pk"), differing=Count("pk", filter=Q(differs=True)), last=Max("day"))
    )
