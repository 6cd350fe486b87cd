"""Hours moved between programmes, and moved back: reallocations, and transfers between states."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from fabriek.audit.actions import record
from fabriek.conf.amounts import month_text, number_text
from fabriek.ledger import actions as ledger
from fabriek.ledger.models import Account, AccountKind, Kind, Unit
from fabriek.people.permissions import require
from fabriek.programmes.actions import hold_overbooking, one_at_a_time
from fabriek.programmes.errors import AlreadyGiven, ReallocationRefused, UndoneAlready
from fabriek.programmes.models import Programme, Reallocation
from fabriek.register.models import Partition


@transaction.atomic
def reallocate(
    actor: Any,
    partition: Partition,
    month: date,
    from_programme: Programme,
    to_programme: Programme,
    accelerator_seconds: int,
    why: str,
    kind: str = "reallocation",
) -> Reallocation:
    """Move hours of one programme's share to another's, in one balanced transaction; core-seconds go in proportion.

    kind 'transfer': a state lends unused time to another state or to the Joint Undertaking (Regulation (EU) 2026/150,
    recital 19): between two programmes of which one at least is national. Errors: ReallocationRefused, AlreadyGiven.
    """
    require(actor, "reallocate")
    if accelerator_seconds <= 0:
        raise ReallocationRefused(
            _("Move at least one hour."), faults={"hours": [_("Give a number of hours above 0.")]}
        )
    if from_programme.pk == to_programme.pk:
        raise ReallocationRefused(
            _("Choose two different programmes."), faults={"to_programme": [_("Choose another one.")]}
        )
    if not why.strip():
        raise ReallocationRefused(_("Say why: it stays on record."), faults={"why": [_("Say why.")]})
    if kind == "transfer" and "national" not in (from_programme.kind, to_programme.kind):
        raise ReallocationRefused(_("A transfer is between states, or between a state and the Joint Undertaking."))
    one_at_a_time(partition)
    moves, core_seconds = [], 0
    for unit in Unit.values:
        source = Account.objects.filter(
            code=ledger.account_code(AccountKind.SHARE, unit, partition.code, month, from_programme.code)
        ).first()
        if source is None:
            continue
        to = ledger.account(
            AccountKind.SHARE, unit=unit, partition=partition.code, month=month, programme=to_programme.code
        )
        amount = accelerator_seconds
        if unit == Unit.CORE_SECONDS:
            amount = accelerator_seconds * (partition.cores_per_node or 0) // (partition.accelerators_per_node or 1)
            amount = core_seconds = min(amount, max(source.balance, 0))
        moves.append(ledger.Move(source, to, amount, why[:200]))
    if not moves:
        raise ReallocationRefused(
            _("%(programme)s has no share of %(partition)s in %(month)s.")
            % {"programme": from_programme.name, "partition": partition.code, "month": month_text(month)}
        )
    made = _moved(
        actor,
        moves,
        kind=kind,
        partition=partition,
        month=month,
        from_programme=from_programme,
        to_programme=to_programme,
        accelerator_seconds=accelerator_seconds,
        core_seconds=core_seconds,
        why=why.strip(),
    )
    record(
        actor,
        "programmes.reallocate",
        made,
        why=why,
        partition=partition.code,
        month=f"{month:%Y-%m}",
        accelerator_seconds=accelerator_seconds,
    )
    return made


@transaction.atomic
def undo_reallocation(actor: Any, reallocation: Reallocation, why: str) -> Reallocation:
    """Move hours back by the balanced opposite: a transaction of its own, to the second. The first stays on record.

    Errors: UndoneAlready; ReallocationRefused without a reason, or for what is itself an undoing; AlreadyGiven where
    the programme that got the hours has awarded them.
    """
    require(actor, "reallocate")
    if not why.strip():
        raise ReallocationRefused(_("Say why: it stays on record."), faults={"why": [_("Say why.")]})
    one_at_a_time(reallocation.partition)
    if reallocation.undoes_id is not None:
        raise ReallocationRefused(_("This one undid another. Move the hours again instead."))
    if Reallocation.objects.filter(undoes=reallocation).exists():
        raise UndoneAlready(_("%(code)s was undone already.") % {"code": reallocation.code})
    partition, month = reallocation.partition, reallocation.month
    moves = []
    for unit, amount in (
        (Unit.ACCELERATOR_SECONDS, reallocation.accelerator_seconds),
        (Unit.CORE_SECONDS, reallocation.core_seconds),
    ):
        if amount:
            holder, to = (
                ledger.account(
                    AccountKind.SHARE, unit=unit, partition=partition.code, month=month, programme=programme.code
                )
                for programme in (reallocation.to_programme, reallocation.from_programme)
            )
            moves.append(ledger.Move(holder, to, amount, why[:200]))
    made = _moved(
        actor,
        moves,
        kind=reallocation.kind,
        partition=partition,
        month=month,
        from_programme=reallocation.to_programme,
        to_programme=reallocation.from_programme,
        accelerator_seconds=reallocation.accelerator_seconds,
        core_seconds=reallocation.core_seconds,
        why=why.strip(),
        undoes=reallocation,
    )
    record(actor, "programmes.undo_reallocation", made, why=why.strip(), undoes=reallocation.code)
    return made


def _moved(actor: Any, moves: Sequence[ledger.Move], **row: Any) -> Reallocation:
    """Post the moves as one transaction, and keep the row that tells of it. Errors: AlreadyGiven."""
    month, giver = row["month"], row["from_programme"]
    for move in moves:
        held = move.debit.balance
        if held < move.amount:
            # An overbooked share could go below zero here; lent hours must be hours that are there.
            raise AlreadyGiven(
                _("%(programme)s has %(left)s GPU-hours left to move in %(month)s.")
                % {"programme": giver.name, "left": number_text(max(held, 0) / 3600, 1), "month": month_text(month)}
                if move.debit.unit == Unit.ACCELERATOR_SECONDS
                else _("%(programme)s has too few core-hours left to move in %(month)s.")
                % {"programme": giver.name, "month": month_text(month)},
                left=held,
            )
    code = f"{row['kind']}-{month:%Y-%m}-{Reallocation.objects.count() + 1:04d}"
    kind = Kind.TRANSFER if row["kind"] == "transfer" else Kind.REALLOCATION
    ledger.post(actor, key=f"reallocation:{code}", kind=kind, moves=moves, why=row["why"])
    # The hours that were moved were there, so what the giver has left is never below what it may overbook now.
    for unit in {move.debit.unit for move in moves}:
        hold_overbooking(row["partition"], month, unit, (giver.code, row["to_programme"].code))
    return Reallocation.objects.create(code=code, made_by=actor, **row)
