"""Reads about data between sites: who can copy to whom, a project's transfers, what an agent is to do."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext as _

from fabriek.compute.wire import TransferAbility, TransferOrder
from fabriek.conf.errors import NotFound
from fabriek.conf.sorting import Column, ordered, place_among
from fabriek.operations.models import Cluster, Transfer, TransferState
from fabriek.operations.transfer_lifecycle import ACTIVE, task_at
from fabriek.projects.models import Member, Project
from fabriek.projects.rules import may_read

LATE = timedelta(minutes=5)
TRANSFER_COLUMNS: dict[str, Column] = {
    "path": Lower("path"),
    "from": F("from_cluster__code"),
    "to": F("to_cluster__code"),
    "size": F("bytes_total"),
    "state": place_among("state", TransferState.values),
    "asked": "asked_at",
    "by": Lower("asked_by__name"),
}


def project_clusters(project: Project) -> list[Cluster]:
    """The clusters on whose partitions a project has, or had, hours. One query."""
    return list(
        Cluster.objects.filter(partitions__allocations__project=project)
        .exclude(engine="log")
        .select_related("site")
        .distinct()
        .order_by("code")
    )


def ability_of(cluster: Cluster) -> TransferAbility:
    """What its agent said that it can do."""
    if cluster.transfer_ability is None:
        return TransferAbility(storage=False, why="")
    return TransferAbility.model_validate(cluster.transfer_ability)


def way_between(here: Cluster, there: Cluster) -> tuple[str, str]:
    """Who carries data from one cluster to another: 'fetch' (the receiving agent), 'bring' (the sending one), or '' and
    a sentence that says what lacks. Fetching goes first: a key that only reads can do less harm."""
    for cluster in (here, there):
        if not ability_of(cluster).storage:
            return "", _("%(cluster)s can't move data: its agent was not told where projects' files are.") % {
                "cluster": cluster.code
            }
    if here.code in ability_of(there).fetches_from:
        return "fetch", ""
    if there.code in ability_of(here).brings_to:
        return "bring", ""
    return "", _(
        "Neither may %(to)s fetch from %(from)s, nor %(from)s bring to it. The sites' operators set that up."
    ) % {
        "from": here.code,
        "to": there.code,
    }


def ways_of(project: Project) -> list[tuple[Cluster, Cluster]]:
    """From where to where a project's data can be moved. One query."""
    ends = project_clusters(project)
    return [(one, other) for one in ends for other in ends if one != other and way_between(one, other)[0]]


def transfers_of(project: Project, sort: str = "", *, state: str = "") -> QuerySet[Transfer]:
    """A project's transfers, newest first or by a column. state: one, or 'active'; anything else narrows nothing."""
    found = project.transfers.select_related(
        "project", "from_cluster__site", "to_cluster__site", "asked_by", "error_at__site"
    )
    wanted = ACTIVE if state == "active" else {state} if state in TransferState.values else None
    if wanted is not None:
        found = found.filter(state__in=wanted)
    return ordered(found, sort, TRANSFER_COLUMNS, ("-asked_at", "-id"))


def transfer_of(person: Any, uuid: Any) -> Transfer:
    """A transfer that this person may see. Errors: NotFound, the same whether it isn't there or isn't theirs."""
    found = None
    with contextlib.suppress(ValueError):
        found = (
            Transfer.objects.select_related(
                "project", "from_cluster__site", "to_cluster__site", "asked_by", "error_at__site"
            )
            .filter(uuid=UUID(str(uuid)))
            .first()
        )
    if found is None or not may_read(person, found.project):
        raise NotFound(_("There is no such transfer."))
    return found


def transfer_orders(cluster: Cluster) -> list[TransferOrder]:
    """What the cluster's agent is to do now. Two queries."""
    rows = list(
        Transfer.objects.filter(Q(from_cluster=cluster) | Q(to_cluster=cluster), state__in=ACTIVE)
        .select_related("project", "from_cluster", "to_cluster")
        .order_by("asked_at", "id")
    )
    members = Member.objects.filter(project__in={row.project_id for row in rows})
    unix = {(m.project_id, m.person_id): m.unix_name for m in members} if rows else {}
    orders = []
    for row in rows:
        task = task_at(row, cluster)
        if task is None:
            continue
        sends = row.from_cluster_id == cluster.pk
        orders.append(
            TransferOrder(
                uuid=str(row.uuid),
                attempt=row.attempt,
                task=task,
                account=row.project.code,
                user=unix.get((row.project_id, row.asked_by_id)) or f"u{row.asked_by_id:06d}",
                path=row.path,
                way="bring" if row.carried_by == "bring" else "fetch",
                other=(row.to_cluster if sends else row.from_cluster).code,
                other_user=row.to_user if sends else row.from_user,
                kind="file" if row.kind == "file" else "folder",
                bytes=row.bytes_total,
                moves=row.mode == "move",
                overwrite=row.overwrite,
                resumes=row.was_prepared,
                thorough=row.thorough,
            )
        )
    return orders


@dataclass(frozen=True)
class Waiting:
    """Whose move it is, where an agent's: which one, and whether it is silent."""

    cluster: Cluster
    silent: bool


def waits_for(transfer: Transfer, now: datetime | None = None) -> list[Waiting]:
    """The agents that a transfer waits for."""
    now = now or timezone.now()
    return [
        Waiting(cluster, cluster.last_seen_at is None or now - cluster.last_seen_at > LATE)
        for cluster in (transfer.from_cluster, transfer.to_cluster)
        if task_at(transfer, cluster) is not None
    ]


def expected_end(transfer: Transfer, now: datetime | None = None) -> datetime | None:
    """When the copying ends at the speed of now; None: it doesn't run, or stands still."""
    if transfer.state != TransferState.RUNNING or not transfer.speed or transfer.bytes_total is None:
        return None
    seconds = max(transfer.bytes_total - transfer.bytes_done, 0) / transfer.speed
    return (now or timezone.now()) + timedelta(seconds=min(seconds, 10**9))
