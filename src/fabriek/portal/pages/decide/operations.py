"""Operations: the capacity calendar, maintenance, clusters and what they enforce, usage as it came in, waiting jobs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from fabriek.compute.engine import Difference
from fabriek.conf.amounts import number_text
from fabriek.conf.errors import Refused
from fabriek.conf.sorting import ordered, sorted_rows
from fabriek.ledger.models import AccountKind, Unit
from fabriek.ledger.queries import balances
from fabriek.operations.actions import choose_about_drift
from fabriek.operations.models import ENDED_STATES, Cluster, Drift, Job, UsageBatch
from fabriek.operations.proofs import proofs
from fabriek.operations.queries import ByHand, changed_by_hand, clusters, differences, waiting
from fabriek.people.permissions import may
from fabriek.portal.access import requires
from fabriek.portal.components import plots
from fabriek.portal.components.job_lines import lines_of
from fabriek.portal.components.plots import Column, Figure
from fabriek.portal.pages.decide.forms import ByHandForm, CapacityForm, MaintenanceForm
from fabriek.portal.pages.decide.replies import (
    acted,
    add_refusal,
    csv_file,
    page,
    person_of,
    posted,
    see_other,
    show_refusal,
)
from fabriek.programmes.actions import declare_capacity, months_from
from fabriek.register import actions as register
from fabriek.register.models import Maintenance, Partition
from fabriek.register.queries import Capacity, capacity, links_on

MONTHS = 6
PER_PAGE = 25

BATCH_COLUMNS = {
    "received": "id",
    "cluster": "cluster__code",
    "source": "source",
    "booked": "booked",
    "repeated": "repeated",
}
JOB_COLUMNS = {
    "job": "name",
    "state": "state",
    "project": "project__code",
    "partition": "allocation__partition__code",
    "submitted": "submitted_at",
}
LATE = timedelta(minutes=5)
SILENT = timedelta(hours=1)
"""An agent speaks every few seconds to a minute: after these it is late, and then silent."""


@dataclass(frozen=True)
class Cell:
    """A partition's month: what is derived, and what the ledger was told, in accelerator-seconds."""

    month: date
    derived: Capacity
    declared: int

    @property
    def is_declared(self) -> bool:
        """Whether the ledger has what is derived now."""
        return self.derived.accelerator_seconds == self.declared


@dataclass(frozen=True)
class Watched:
    """A cluster with how long its agent is silent and where what it enforces differs."""

    cluster: Cluster
    state: str
    differences: list[Difference]
    by_hand: list[ByHand]
    waiting: int


CLUSTER_COLUMNS: dict[str, Callable[[Watched], Any]] = {
    "cluster": lambda one: one.cluster.code,
    "agent": lambda one: ("silent", "late", "online").index(one.state),
    "seen": lambda one: one.cluster.last_seen_at,
    "version": lambda one: one.cluster.agent_version,
    "enforced": lambda one: len(one.differences),
    "waiting": lambda one: one.waiting,
}


@requires("read operations")
def index(request: HttpRequest) -> HttpResponse:
    """Everything an operator looks at in the morning."""
    partitions = list(_managed())
    months = _months()
    calendar = _calendar(partitions, months)
    watched = [_watched(cluster) for cluster in clusters()]
    if request.GET.get("format") == "csv":
        return _as_csv(calendar)
    return page(
        request,
        "operations",
        months=months,
        calendar=calendar,
        plot=_plot(calendar) if calendar else None,
        maintenances=Maintenance.objects.filter(end__gt=timezone.now()).select_related("partition"),
        watched=sorted_rows(watched, request.GET.get("sort", ""), CLUSTER_COLUMNS),
        nothing_by_hand=not any(one.by_hand for one in watched),
        has_slurm=any(one.cluster.engine == "slurm" for one in watched),
        batches=UsageBatch.objects.select_related("cluster")[:10],
        unproved=proofs(differs=True).count(),
        jobs=Job.objects.exclude(state__in=ENDED_STATES).count(),
        links=links_on().count(),
        may_declare=may(request.user, "declare capacity"),
        may_harvest=may(request.user, "harvest"),
        may_manage=may(request.user, "manage clusters"),
    )


def _managed() -> QuerySet[Partition]:
    """Partitions that this platform manages: those with an agent, or with capacity that can be derived."""
    return (
        (Partition.objects.filter(clusters__isnull=False) | Partition.objects.filter(shares__isnull=False))
        .distinct()
        .select_related("system")
        .prefetch_related("availabilities", "maintenances", "sizes")
        .order_by("code")
    )


def _declarable() -> QuerySet[Partition]:
    """Partitions whose capacity is known to be derivable, by what the register holds."""
    return Partition.objects.filter(nodes__isnull=False, availabilities__isnull=False).distinct().order_by("code")


def _months() -> list[date]:
    return months_from(timezone.now().date().replace(day=1), MONTHS)


def _calendar(partitions: list[Partition], months: list[date]) -> list[tuple[Partition, list[Cell]]]:
    declared = balances(
        ["partition", "month"], kind=AccountKind.MACHINE, unit=Unit.ACCELERATOR_SECONDS, month__in=months
    )
    return [
        (
            partition,
            [Cell(month, capacity(partition, month), -declared.get((partition.code, month), 0)) for month in months],
        )
        for partition in partitions
    ]


def _plot(calendar: list[tuple[Partition, list[Cell]]]) -> Figure:
    rows = [
        {"month": cell.month, "partition": partition.code, "hours": cell.derived.accelerator_seconds}
        for partition, cells in calendar
        for cell in cells
    ]
    return plots.bars(
        _("Capacity by month, GPU-hours"),
        [
            Column("month", _("Month"), "month"),
            Column("partition", _("Partition")),
            Column("hours", _("Capacity"), "gpu_hours"),
        ],
        sorted(rows, key=lambda row: (row["month"], row["partition"])),
        x="month",
        y="hours",
        series="partition",
    )


def _as_csv(calendar: list[tuple[Partition, list[Cell]]]) -> HttpResponse:
    return csv_file(
        "capacity",
        [
            "partition",
            "month",
            "nodes",
            "nodes_at_end",
            "availability",
            "lost_node_seconds",
            "accelerator_seconds",
            "core_seconds",
            "declared",
        ],
        [
            (
                partition.code,
                f"{cell.month:%Y-%m}",
                cell.derived.nodes if cell.derived.nodes is not None else "",
                cell.derived.nodes_at_end if cell.derived.nodes_at_end is not None else "",
                cell.derived.availability if cell.derived.availability is not None else "",
                cell.derived.lost_node_seconds,
                cell.derived.accelerator_seconds if cell.derived.accelerator_seconds is not None else "",
                cell.derived.core_seconds if cell.derived.core_seconds is not None else "",
                cell.declared,
            )
            for partition, cells in calendar
            for cell in cells
        ],
    )


def _watched(cluster: Cluster) -> Watched:
    seen = cluster.last_seen_at
    ago = timezone.now() - seen if seen else None
    state = "silent" if ago is None or ago > SILENT else "late" if ago > LATE else "online"
    return Watched(cluster, state, differences(cluster), changed_by_hand(cluster), waiting(cluster))


@requires("declare capacity", "GET", "POST")
def declare(request: HttpRequest) -> HttpResponse:
    """Put the derived capacity of some months on the ledger."""
    suggested: dict[str, Any] = {
        "partition": request.GET.get("partition", ""),
        "first": timezone.now().date().replace(day=1),
        "months": 3,
    }
    form = CapacityForm(posted(request), initial=suggested, partitions=_declarable())
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            changed = declare_capacity(
                person_of(request), said["partition"], months_from(said["first"], said["months"])
            )
        except Refused as refusal:
            add_refusal(form, refusal)
        else:
            if changed:
                hours = ("+" if changed > 0 else "") + number_text(changed / 3600, 1)
                messages.success(request, _("Declared: %(hours)s GPU-hours.") % {"hours": hours})
            else:
                messages.info(request, _("The ledger had this capacity already."))
            return see_other(reverse("portal:operations"))
    return page(request, "declare_capacity", form)


@requires("declare capacity", "GET", "POST")
def plan_maintenance(request: HttpRequest) -> HttpResponse:
    """Nodes that will be down."""
    start = (timezone.now() + timedelta(days=7)).replace(hour=8, minute=0, second=0, microsecond=0)
    suggested = {"partition": request.GET.get("partition", ""), "start": start, "end": start + timedelta(hours=10)}
    form = MaintenanceForm(posted(request), initial=suggested, partitions=_managed())
    return acted(
        request,
        form,
        lambda: register.plan_maintenance(person_of(request), **form.cleaned_data),
        lambda _made: (
            _("Planned. The derived capacity has changed: declare it again."),
            reverse("portal:operations"),
        ),
    ) or page(request, "plan_maintenance", form)


@requires("declare capacity", "GET", "POST")
def cancel_maintenance(request: HttpRequest, number: int) -> HttpResponse:
    """Maintenance that won't happen, after asking."""
    maintenance = Maintenance.objects.select_related("partition").filter(pk=number).first()
    if maintenance is None:
        raise Http404
    back = reverse("portal:operations")
    if request.method != "POST":
        return page(request, "cancel_maintenance", maintenance=maintenance, back=back)
    try:
        register.cancel_maintenance(person_of(request), maintenance)
    except Refused as refusal:
        return show_refusal(request, refusal, back)
    messages.success(request, _("Cancelled. The derived capacity has changed: declare it again."))
    return see_other(back)


@requires("manage clusters", "GET", "POST")
def by_hand(request: HttpRequest, number: int) -> HttpResponse:
    """What somebody changed at the site: change it back, or let it be."""
    drift = Drift.objects.select_related("cluster", "chosen_by").filter(pk=number, gone_at__isnull=True).first()
    if drift is None:
        raise Http404
    form = ByHandForm(posted(request), initial={"choice": drift.choice, "why": drift.why})
    return acted(
        request,
        form,
        lambda: choose_about_drift(
            person_of(request), drift.cluster, account=drift.account, partition=drift.partition, **form.cleaned_data
        ),
        lambda made: (
            _("The agent changes it back in its next round.")
            if made.choice == "correct"
            else _("It stays as it is, until another award is made."),
            f"{reverse('portal:operations')}#clusters",
        ),
    ) or page(request, "by_hand", form, drift=drift)


@requires("read operations")
def batches(request: HttpRequest) -> HttpResponse:
    """Usage as it came in, with the records that could not be read."""
    found = ordered(UsageBatch.objects.select_related("cluster"), request.GET.get("sort", ""), BATCH_COLUMNS, ("-id",))
    only_broken = request.GET.get("broken") == "1"
    if only_broken:
        found = found.exclude(broken=[])
    return page(
        request,
        "usage_batches",
        shown=Paginator(found, PER_PAGE).get_page(request.GET.get("page")),
        only_broken=only_broken,
    )


@requires("read operations")
def jobs(request: HttpRequest) -> HttpResponse:
    """Every job that waits or runs, oldest first."""
    found = (
        Job.objects.exclude(state__in=ENDED_STATES)
        .select_related("project", "allocation__partition", "cluster", "submitted_by")
        .defer("script", "output", "error_output")
    )
    found = ordered(found, request.GET.get("sort", ""), JOB_COLUMNS, ("submitted_at", "id"))
    if request.GET.get("format") == "csv":
        return csv_file(
            "jobs",
            ["job", "name", "project", "partition", "cluster", "state", "reason", "submitted", "started"],
            [
                (
                    str(job.uuid),
                    job.name,
                    job.project.code,
                    job.allocation.partition.code,
                    job.cluster.code,
                    job.state,
                    job.reason,
                    job.submitted_at.isoformat(),
                    job.started_at.isoformat() if job.started_at else "",
                )
                for job in found
            ],
        )
    shown = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    return page(request, "waiting_jobs", shown=shown, lines=lines_of(shown.object_list))
