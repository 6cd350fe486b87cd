"""Clusters and their agents: what should be enforced, and what the agent says is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from fabriek.audit.actions import record
from fabriek.compute.wire import EnforcedReport
from fabriek.operations.models import Cluster, ClusterPartition, EnforcedAccount
from fabriek.people.permissions import require
from fabriek.register.models import Partition, Site


@transaction.atomic
def register_cluster(actor: Any, *, code: str, site: Site, engine: str, partitions: Mapping[str, Partition]) -> Cluster:
    """Make a scheduler known, and which partition of the register each of its partition names stands for."""
    require(actor, "manage clusters")
    cluster, created = Cluster.objects.get_or_create(code=code, defaults={"site": site, "engine": engine})
    for name, partition in partitions.items():
        ClusterPartition.objects.update_or_create(cluster=cluster, partition=partition, defaults={"name": name})
    if created:
        record(actor, "operations.register_cluster", cluster, engine=engine, partitions=sorted(partitions))
    return cluster


@transaction.atomic
def report_enforced(cluster: Cluster, report: EnforcedReport) -> None:
    """Keep what the agent says that its scheduler enforces, whole: accounts it no longer names are gone."""
    now = timezone.now()
    Cluster.objects.filter(pk=cluster.pk).update(
        last_seen_at=now, agent_version=report.agent_version[:40], agent_error=report.error
    )
    states: dict[str, list[Any]] = {}
    for account in report.accounts:
        states.setdefault(account.account, []).append(account.model_dump(mode="json"))
    cluster.enforced.exclude(account__in=states).delete()
    EnforcedAccount.objects.bulk_create(
        [EnforcedAccount(cluster=cluster, account=a, state=rows, reported_at=now) for a, rows in states.items()],
        update_conflicts=True,
        unique_fields=["cluster", "account"],
        update_fields=["state", "reported_at"],
    )
