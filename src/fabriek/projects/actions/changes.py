"""Asking for a change of an award: an extension, or a move to another partition or project. An officer decides."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from fabriek.audit.actions import record
from fabriek.conf.amounts import number_text
from fabriek.conf.errors import Invalid, Refused
from fabriek.ledger import actions as ledger
from fabriek.ledger.models import Kind
from fabriek.ledger.queries import allocation_hours
from fabriek.people.permissions import require
from fabriek.projects.actions.returning import held_by_month, main_unit, taking
from fabriek.projects.errors import NotAMember
from fabriek.projects.models import Allocation, Change, ChangeKind, ChangeState, Project
from fabriek.projects.rolling import EXTENSION_MONTHS, EXTENSION_PERCENT, most_of_extension, released
from fabriek.projects.rules import leads
from fabriek.register.models import Partition


@transaction.atomic
def ask_change(
    actor: Any,
    allocation: Allocation,
    kind: str,
    hours: int,
    why: str,
    *,
    months: int = 0,
    to_partition: Partition | None = None,
    to_project: Project | None = None,
) -> Change:
    """Ask for a change, as the project's lead. Errors: NotAMember, Invalid with the fields' faults, Refused."""
    project = allocation.project
    if not leads(actor, project):
        raise NotAMember(_("Only the project's lead may ask for this."))
    if allocation.settled_at is not None or project.ended_at is not None:
        raise Refused(_("This allocation has ended; its hours went back."))
    of = allocation_hours([allocation.code], main_unit(allocation))[allocation.code]
    faults: dict[str, list[str]] = {}
    if not why.strip():
        faults["why"] = [_("Say why.")]
    most = of.left if kind != ChangeKind.EXTENSION else most_of_extension(of.awarded, of.left)
    if not 0 < hours * 3600 <= most:
        faults["hours"] = [
            _("Ask for 1 to %(most)s GPU-hours: what is left, and with an extension %(percent)s %% of the award.")
            % {"most": number_text(most // 3600), "percent": EXTENSION_PERCENT}
        ]
    if kind == ChangeKind.EXTENSION and not 1 <= months <= EXTENSION_MONTHS:
        faults["months"] = [_("Ask for 1 to %(most)s months.") % {"most": EXTENSION_MONTHS}]
    if kind == ChangeKind.PARTITION and (to_partition is None or to_partition.pk == allocation.partition_id):
        faults["to_partition"] = [_("Choose another partition.")]
    if kind == ChangeKind.PROJECT and (to_project is None or to_project.pk == project.pk or to_project.ended_at):
        faults["to_project"] = [_("Choose another project that is running.")]
    elif kind == ChangeKind.PROJECT and to_project is not None and not leads(actor, to_project):
        # Otherwise anybody's code could be guessed at, and hours pushed to who didn't ask for them.
        faults["to_project"] = [_("You must lead both projects.")]
    if faults:
        raise Invalid(_("This can't be asked."), faults=faults)
    try:
        with transaction.atomic():
            change = Change.objects.create(
                project=project,
                allocation=allocation,
                kind=kind,
                accelerator_seconds=hours * 3600,
                months=months if kind == ChangeKind.EXTENSION else 0,
                to_partition=to_partition if kind == ChangeKind.PARTITION else None,
                to_project=to_project if kind == ChangeKind.PROJECT else None,
                why=why.strip()[:2000],
                asked_by=actor,
            )
    except IntegrityError as error:
        raise Refused(_("This project asked for its extension already; there is one.")) from error
    record(actor, "projects.ask_change", project, why=change.why, kind=kind, allocation=allocation.code, hours=hours)
    return change


@transaction.atomic
def refuse_change(actor: Any, change: Change, answer: str) -> Change:
    """Refuse a change, with the reason. Errors: Invalid, Refused where it was answered."""
    require(actor, "decide")
    if not answer.strip():
        raise Invalid(_("Say why."), faults={"answer": [_("Say why.")]})
    refuse_own(actor, change)
    done = Change.objects.filter(pk=change.pk, state=ChangeState.ASKED).update(
        state=ChangeState.REFUSED, answer=answer.strip()[:2000], decided_by=actor, decided_at=timezone.now()
    )
    change.refresh_from_db()
    if not done:
        raise Refused(_("This was answered already."))
    record(actor, "projects.refuse_change", change.project, why=answer, kind=change.kind)
    return change


def refuse_own(actor: Any, change: Change) -> None:
    """Nobody decides on what they have an interest in (rule 8). Errors: NotAMember."""
    concerned = [change.project, *([change.to_project] if change.to_project else [])]
    for project in concerned:
        if project.members.filter(person=actor).exists() or project.organisation_id == actor.organisation_id:
            raise NotAMember(
                _("You have an interest in %(code)s. Let another officer decide.") % {"code": project.code}
            )


def release(actor: Any, change: Change, now: datetime) -> int:
    """Take the hours that a change moves out of its allocation. Returns the seconds; inside the caller's transaction.

    An extension's tenth on top is not taken from anywhere: it comes from the share of the months that it gets.
    """
    # Two at once (a move and a giving back): the second sees what the first left.
    allocation = (
        Allocation.objects.select_for_update(of=("self",))
        .select_related("project__programme", "partition")
        .get(pk=change.allocation_id)
    )
    if allocation.settled_at is not None:
        raise Refused(_("This allocation has ended; its hours went back."))
    of = allocation_hours([allocation.code], main_unit(allocation))[allocation.code]
    if change.kind == ChangeKind.EXTENSION and change.accelerator_seconds > most_of_extension(of.awarded, of.left):
        raise Refused(
            _("Hours were used since this was asked: %(most)s GPU-hours are the most now. Let the project ask again.")
            % {"most": number_text(most_of_extension(of.awarded, of.left) // 3600)}
        )
    held = held_by_month(allocation, main_unit(allocation))
    taken = released(held, now.date(), change.accelerator_seconds)
    ledger.post(
        actor,
        key=f"change:{change.pk}",
        kind=Kind.ADJUSTMENT,
        moves=taking(allocation, taken, now.date()),
        why=f"{change.kind} of {allocation.code}",
    )
    return sum(taken.values())
