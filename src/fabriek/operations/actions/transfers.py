"""Data between sites: asked and started by a member, done by the sites' agents, who report."""

from __future__ import annotations

import uuid as uuids
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from fabriek.audit.actions import record
from fabriek.compute.transfers.paths import PathRefused, clean_path, overlap
from fabriek.compute.wire import TransferAbility, TransferReport
from fabriek.conf.errors import NotFound
from fabriek.operations.errors import TransferInvalid, TransferRefused
from fabriek.operations.models import Cluster, Transfer, TransferState
from fabriek.operations.transfer_lifecycle import ACTIVE, advance, task_at
from fabriek.operations.transfer_queries import project_clusters, way_between
from fabriek.operations.transfer_words import PATH_WORDS
from fabriek.people.models import Person
from fabriek.projects.errors import NotAMember
from fabriek.projects.models import Project
from fabriek.projects.rules import is_member

MOST_ACTIVE = 10
"""Of one project at a time."""


@transaction.atomic
def ask_transfer(
    actor: Person,
    project: Project,
    *,
    from_cluster: str,
    to_cluster: str,
    path: str,
    mode: str = "copy",
    overwrite: bool = False,
    start_at_once: bool = False,
    uuid: str | None = None,
) -> Transfer:
    """Ask for a file or folder to be copied or moved. It is measured first; see `start_transfer`.

    The same `uuid` again returns the transfer that was made. Errors: NotAMember, TransferInvalid, TransferRefused.
    """
    if uuid is not None:
        known = Transfer.objects.filter(uuid=uuid, asked_by=actor, project=project).first()
        if known is not None:
            return known
    _require_member(actor, project)
    here, there = _ends(project, from_cluster, to_cluster)
    try:
        clean = clean_path(path)
    except PathRefused as refused:
        why = str(PATH_WORDS[refused.code])
        raise TransferInvalid(why, faults={"path": [why]}) from refused
    if mode not in ("copy", "move"):
        raise TransferInvalid(_("It can be copied or moved."), faults={"mode": [_("It can be copied or moved.")]})
    way = _way(here, there)
    _refuse_beside_others(project, clean, here, there)
    transfer = Transfer.objects.create(
        uuid=uuid or uuids.uuid4(),
        project=project,
        from_cluster=here,
        to_cluster=there,
        path=clean,
        mode=mode,
        overwrite=overwrite,
        start_at_once=start_at_once,
        carried_by=way,
        asked_by=actor,
    )
    _record(actor, "ask_transfer", transfer, path=clean, sites=f"{here.code} {there.code}", mode=mode)
    return transfer


@transaction.atomic
def start_transfer(actor: Person, transfer: Transfer) -> Transfer:
    """Let a transfer that was measured go. Errors: NotAMember, TransferMoved."""
    transfer = _taken(actor, transfer)
    advance(transfer, "start")
    _record(actor, "start_transfer", transfer)
    return transfer


@transaction.atomic
def cancel_transfer(actor: Person, transfer: Transfer) -> Transfer:
    """Stop a transfer; its agent does so when it next asks. What was copied stays there, for a retry.

    One that ended stays as it is. Errors: NotAMember, TransferMoved while the original is being removed.
    """
    transfer = _taken(actor, transfer)
    if transfer.state not in ACTIVE:
        return transfer
    advance(transfer, "cancel", ended_at=timezone.now(), speed=None, error="", error_detail="", error_at=None)
    _record(actor, "cancel_transfer", transfer)
    return transfer


@transaction.atomic
def retry_transfer(actor: Person, transfer: Transfer) -> Transfer:
    """Try a transfer again that failed or was cancelled: it is measured anew, and goes on from what was copied.

    Errors: NotAMember, TransferMoved, TransferRefused.
    """
    transfer = _taken(actor, transfer)
    way = _way(transfer.from_cluster, transfer.to_cluster)
    _refuse_beside_others(transfer.project, transfer.path, transfer.from_cluster, transfer.to_cluster)
    advance(
        transfer,
        "retry",
        attempt=transfer.attempt + 1,
        carried_by=way,
        start_at_once=True,
        measured_at=None,
        prepared_at=None,
        ended_at=None,
        from_digest="",
        to_digest="",
        error="",
        error_detail="",
        error_at=None,
    )
    _record(actor, "retry_transfer", transfer)
    return transfer


@transaction.atomic
def report_transfer_ability(cluster: Cluster, ability: TransferAbility) -> None:
    """Keep what the agent says that it can do about data."""
    Cluster.objects.filter(pk=cluster.pk).update(transfer_ability=ability.model_dump(mode="json"))


@transaction.atomic
def report_transfer(cluster: Cluster, uuid: str, report: TransferReport) -> Transfer:
    """Take an agent's word on its step. One that isn't asked any more changes nothing: it came late."""
    transfer = (
        Transfer.objects.select_for_update(of=("self",))
        .select_related("project", "from_cluster__site", "to_cluster__site", "error_at")
        .filter(uuid=uuid)
        .first()
    )
    if transfer is None or cluster.pk not in (transfer.from_cluster_id, transfer.to_cluster_id):
        raise NotFound(_("%(cluster)s has no transfer %(uuid)s.") % {"cluster": cluster.code, "uuid": uuid})
    if report.attempt != transfer.attempt or report.task != task_at(transfer, cluster):
        return transfer
    if report.state == "failed":
        _fail(transfer, cluster, report.error or "failed", report.detail)
    elif report.state == "running":
        _go_on(transfer, cluster, report)
    else:
        _STEPS[report.task](transfer, cluster, report)
    return transfer


def _fail(transfer: Transfer, cluster: Cluster | None, error: str, detail: str = "", **changes: Any) -> None:
    said = {"error": error[:40], "error_detail": detail.replace("\x00", "?")[:4_000], "error_at": cluster}
    advance(transfer, "fail", ended_at=timezone.now(), speed=None, **said, **changes)
    _record(None, "transfer_failed", transfer, error=error, at=cluster.code if cluster else "")


def _go_on(transfer: Transfer, cluster: Cluster, report: TransferReport) -> None:
    """How far it is. Only copying is shown by its bytes."""
    if report.task != "carry":
        return
    said: dict[str, Any] = {
        "bytes_done": min(report.bytes or 0, transfer.bytes_total or 0) or transfer.bytes_done,
        "speed": report.bytes_per_second,
        "error": report.error,
        "error_detail": report.detail.replace("\x00", "?"),
        "error_at": cluster if report.error else None,
    }
    if transfer.state == TransferState.READY:
        advance(transfer, "begin", started_at=transfer.started_at or timezone.now(), **said)
        return
    # Nobody decides anything by these: what a cancelling meanwhile wrote stays.
    Transfer.objects.filter(pk=transfer.pk, state=TransferState.RUNNING, attempt=report.attempt).update(**said)


def _measured(transfer: Transfer, _cluster: Cluster, report: TransferReport) -> None:
    transfer.measured_at = timezone.now()
    transfer.bytes_total, transfer.files_total = report.bytes or 0, report.files or 0
    transfer.passed_over = report.passed_over or 0
    transfer.kind, transfer.from_user = report.kind or "folder", report.user
    transfer.save(update_fields=["measured_at", "bytes_total", "files_total", "passed_over", "kind", "from_user"])
    _both_have_answered(transfer)


def _prepared(transfer: Transfer, _cluster: Cluster, report: TransferReport) -> None:
    transfer.prepared_at, transfer.was_prepared = timezone.now(), True
    transfer.free_bytes, transfer.to_user = report.free_bytes, report.user
    transfer.save(update_fields=["prepared_at", "was_prepared", "free_bytes", "to_user"])
    _both_have_answered(transfer)


def _both_have_answered(transfer: Transfer) -> None:
    if transfer.measured_at is None or transfer.prepared_at is None:
        return
    known = transfer.free_bytes is not None and transfer.bytes_total is not None
    # Of what goes on or replaces, part is there already: whether the rest has room, rsync finds.
    begins = transfer.attempt == 1 and not transfer.overwrite
    if known and begins and (transfer.free_bytes or 0) < (transfer.bytes_total or 0):
        _fail(transfer, transfer.to_cluster, "no-room")
        return
    advance(transfer, "go_on" if transfer.start_at_once else "measure")


def _arrived(transfer: Transfer, _cluster: Cluster, report: TransferReport) -> None:
    said = {"carried_bytes": report.carried_bytes, "carried_seconds": report.carried_seconds}
    advance(
        transfer,
        "arrive",
        started_at=transfer.started_at or timezone.now(),
        bytes_done=transfer.bytes_total or 0,
        speed=None,
        error="",
        error_detail="",
        error_at=None,
        **said,
    )


def _digested(transfer: Transfer, cluster: Cluster, report: TransferReport) -> None:
    name = "from_digest" if cluster.pk == transfer.from_cluster_id else "to_digest"
    if not report.digest:
        _fail(transfer, cluster, "failed", "no checksum came")
        return
    setattr(transfer, name, report.digest)
    transfer.save(update_fields=[name])
    if not transfer.from_digest or not transfer.to_digest:
        return
    if transfer.from_digest != transfer.to_digest:
        _fail(transfer, transfer.to_cluster, "differs", thorough=True)
    elif transfer.mode == "move":
        advance(transfer, "clear")
    else:
        _finish(transfer)


def _removed(transfer: Transfer, _cluster: Cluster, _report: TransferReport) -> None:
    _finish(transfer)


def _finish(transfer: Transfer) -> None:
    advance(transfer, "finish", ended_at=timezone.now())
    _record(None, "transfer_done", transfer, bytes=transfer.bytes_total, sha256=transfer.from_digest)


_STEPS = {
    "measure": _measured,
    "prepare": _prepared,
    "carry": _arrived,
    "digest": _digested,
    "remove": _removed,
}


def _require_member(actor: Person, project: Project) -> None:
    if not is_member(actor, project):
        raise NotAMember(_("You are not a member of this project. Ask its lead to add you."))


def _taken(actor: Person, transfer: Transfer) -> Transfer:
    """The row as it is now, for a member. Errors: NotAMember."""
    _require_member(actor, transfer.project)
    return (
        Transfer.objects.select_for_update(of=("self",))
        .select_related("project", "from_cluster__site", "to_cluster__site", "error_at__site", "asked_by")
        .get(pk=transfer.pk)
    )


def _ends(project: Project, from_cluster: str, to_cluster: str) -> tuple[Cluster, Cluster]:
    """Errors: TransferInvalid."""
    known = {cluster.code: cluster for cluster in project_clusters(project)}
    faults: dict[str, list[str]] = {}
    for name, code in (("from", from_cluster), ("to", to_cluster)):
        if code not in known:
            names = ", ".join(sorted(known)) or _("none")
            faults[name] = [_("Choose one on which the project has hours: %(names)s.") % {"names": names}]
    if not faults and from_cluster == to_cluster:
        faults["to"] = [_("Choose two different ones.")]
    if faults:
        raise TransferInvalid(next(iter(faults.values()))[0], faults=faults)
    return known[from_cluster], known[to_cluster]


def _way(here: Cluster, there: Cluster) -> str:
    """Errors: TransferRefused, with what lacks."""
    way, why = way_between(here, there)
    if not way:
        raise TransferRefused(why)
    return way


def _refuse_beside_others(project: Project, path: str, here: Cluster, there: Cluster) -> None:
    """Two that touch the same files at a site would spoil each other's checksums. Errors: TransferRefused."""
    active = list(project.transfers.filter(state__in=ACTIVE))
    if len(active) >= MOST_ACTIVE:
        raise TransferRefused(
            _("%(number)s transfers of this project are under way. Wait until one has ended.") % {"number": len(active)}
        )
    ends = {here.pk, there.pk}
    for other in active:
        if overlap(other.path, path) and ends & {other.from_cluster_id, other.to_cluster_id}:
            raise TransferRefused(
                _("%(path)s is being moved already.") % {"path": other.path}, transfer=str(other.uuid)
            )


def _record(actor: Person | None, verb: str, transfer: Transfer, **said: Any) -> None:
    record(actor, f"operations.{verb}", transfer.project, transfer=str(transfer.uuid), **said)
