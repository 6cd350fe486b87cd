"""Clusters and their agents: what should be enforced, and what the agent says is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from fabriek.audit.actions import record
from fabriek.compute.wire import EnforcedReport
from fabriek.conf.checking import added, refuse_otherwise
from fabriek.operations.actions.drift import note_drift
from fabriek.operations.errors import ClusterRefused
from fabriek.operations.models import Cluster, ClusterPartition, EnforcedAccount
from fabriek.people.permissions import require
from fabriek.register.models import Partition, Site


@transaction.atomic
def register_cluster(
    actor: Any, *, code: str, site: Site, engine: str, partitions: Mapping[str, Partition], on_drift: str = ""
) -> Cluster:
    """Make a scheduler known, and which partition of the register each of its partition names stands for.

    The same again changes nothing; more partitions are added, and a partition may get another name. None is taken
    away: awards and jobs hang on it. on_drift: 'ask' or 'correct'; empty: as it was, and 'ask' for a new one.
    Errors: ClusterRefused, KnownOtherwise (another site or engine).
    """
    require(actor, "manage clusters")
    cluster = Cluster.objects.filter(code=code).first()
    if cluster is not None:
        refuse_otherwise(cluster, {"site": site, "engine": engine})
    known = dict(cluster.names.values_list("name", "partition_id")) if cluster else {}
    _check_partitions(code, site, engine, partitions, known)
    created = cluster is None
    if cluster is None:
        cluster = added(Cluster(code=code, site=site, engine=engine))
    new = {name: partition for name, partition in partitions.items() if known.get(name) != partition.pk}
    cluster.names.filter(partition__in=new.values()).delete()
    ClusterPartition.objects.bulk_create(
        ClusterPartition(cluster=cluster, partition=partition, name=name) for name, partition in new.items()
    )
    if created or new:
        said = {name: partition.code for name, partition in sorted(partitions.items())}
        record(actor, "operations.register_cluster", cluster, engine=engine, partitions=said)
    if on_drift and on_drift != cluster.on_drift:
        cluster.on_drift = on_drift
        cluster.save(update_fields=["on_drift"])
        record(actor, "operations.on_drift", cluster, on_drift=on_drift)
    return cluster


def _check_partitions(
    code: str, site: Site, engine: str, partitions: Mapping[str, Partition], known: Mapping[str, int]
) -> None:
    """Every name stands for one partition at this site that no other cluster enforces. Errors: ClusterRefused."""
    faults: list[str] = []
    if not partitions:
        faults.append(_("Name at least one partition."))
    here = {partition.pk for partition in partitions.values()}
    if len(here) < len(partitions):
        faults.append(_("Two names stand for the same partition."))
    for name, partition in partitions.items():
        if not name.strip() or len(name) > 80:
            faults.append(_("%(partition)s needs its name in the scheduler.") % {"partition": partition.code})
        if known.get(name, partition.pk) not in here:
            faults.append(_("%(name)s stands for another partition already.") % {"name": name})
        if partition.system.site_id != site.pk:
            faults.append(
                _("%(partition)s is at %(site)s.") % {"partition": partition.code, "site": partition.system.site.name}
            )
        # Two schedulers that enforce the same award would give its hours twice; an imported log enforces nothing.
        other = partition.clusters.exclude(code=code).exclude(engine="log").first()
        if other is not None and engine != "log":
            faults.append(
                _("%(partition)s is looked after by %(cluster)s.")
                % {"partition": partition.code, "cluster": other.code}
            )
    if faults:
        raise ClusterRefused(
            _("These partitions can't be this cluster's: %(why)s") % {"why": " ".join(faults)},
            faults={"partitions": faults},
        )


@transaction.atomic
def report_enforced(cluster: Cluster, report: EnforcedReport) -> None:
    """Keep what the agent says that its scheduler enforces, whole: accounts it no longer names are gone. Where it could
    not read it, what it said last stays."""
    now = timezone.now()
    Cluster.objects.filter(pk=cluster.pk).update(
        last_seen_at=now, agent_version=report.agent_version[:40], agent_error=report.error
    )
    if report.accounts is None:
        return
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
    note_drift(cluster, report.drift)
