"""The verbs of programmes: declare capacity, establish shares, reallocate, promise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from fabriek.audit.actions import record
from fabriek.conf.checking import added, refuse_otherwise
from fabriek.conf.errors import Invalid, NotFound
from fabriek.ledger import actions as ledger
from fabriek.ledger.errors import InsufficientHours
from fabriek.ledger.models import Account, AccountKind, Kind, Transaction, Unit
from fabriek.people.permissions import require
from fabriek.programmes.errors import AlreadyGiven, ProgrammeRefused, ReallocationRefused, ShareTableRefused
from fabriek.programmes.models import Pillar, Programme, Promise, Reallocation, Share
from fabriek.programmes.rules import check_programme, check_promise, check_share_table, largest_remainder
from fabriek.register.models import Partition
from fabriek.register.queries import known_capacity


@transaction.atomic
def establish_programme(
    actor: Any,
    *,
    code: str,
    name: str,
    kind: str = "national",
    country: str = "",
    parent: Programme | None = None,
    pillar: Pillar | None = None,
    overbooking: Decimal = Decimal(1),
    **more: Any,
) -> Programme:
    """Make a programme, at the root or as a part of another. The same again changes nothing.

    Without a pillar it has its parent's, or 'national'. Errors: ProgrammeRefused, KnownOtherwise.
    """
    require(actor, "establish shares")
    said = {"name": name, "kind": kind, "country": country, "parent": parent, "overbooking": overbooking, **more}
    known = Programme.objects.filter(code=code).first()
    if known is not None:
        refuse_otherwise(known, said)
        return known
    check_programme(kind, country, overbooking, parent.kind if parent else None)
    if parent is not None and Account.objects.filter(kind=AccountKind.SHARE, programme=parent.code).exists():
        raise ProgrammeRefused(
            _("%(parent)s holds shares itself, and only programmes without parts can.") % {"parent": parent.name},
            faults={"parent": [_("Choose one that holds no shares itself.")]},
        )
    if pillar is None:
        pillar = parent.pillar if parent else Pillar.objects.filter(code="national").first()
    if pillar is None or (kind == "union" and pillar.code == "national"):
        raise ProgrammeRefused(
            _("Every programme belongs to a pillar."), faults={"pillar": [_("Choose one of the Union's pillars.")]}
        )
    programme = added(Programme(code=code, pillar=pillar, **said))
    record(actor, "programmes.establish_programme", programme, parent=parent.code if parent else None)
    return programme


@transaction.atomic
def make_promise(actor: Any, *, code: str, **terms: Any) -> Promise:
    """Write down a floor, a baseline or a cap. The same again changes nothing.

    Errors: PromiseRefused, KnownOtherwise.
    """
    require(actor, "establish shares")
    known = Promise.objects.filter(code=code).first()
    if known is not None:
        refuse_otherwise(known, terms)
        return known
    promise = Promise(code=code, **terms)
    check_promise(
        promise.kind,
        programme=promise.programme.code if promise.programme else None,
        organisation_class=promise.organisation_class,
        fraction=promise.fraction,
        accelerator_seconds_a_month=promise.accelerator_seconds_a_month,
        valid_from=promise.valid_from,
        valid_until=promise.valid_until,
    )
    added(promise)
    record(actor, "programmes.make_promise", promise, kind=promise.kind)
    return promise


@transaction.atomic
def declare_capacity(actor: Any, partition: Partition, months: Sequence[date]) -> int:
    """Put each month's derived capacity on the ledger, and where it was declared before, the difference.

    Returns the accelerator-seconds that were added or taken. Errors: CapacityUnknown; AlreadyGiven where more is taken
    than is free: establish smaller shares first.
    """
    require(actor, "declare capacity")
    changed = 0
    for month in months:
        derived = known_capacity(partition, month)
        for unit, seconds in (
            (Unit.ACCELERATOR_SECONDS, derived.accelerator_seconds),
            (Unit.CORE_SECONDS, derived.core_seconds),
        ):
            if seconds is None:
                continue
            machine = ledger.account(AccountKind.MACHINE, unit=unit, partition=partition.code, month=month)
            capacity = ledger.account(AccountKind.CAPACITY, unit=unit, partition=partition.code, month=month)
            machine.refresh_from_db()
            difference = seconds + machine.balance
            if difference == 0:
                continue
            move = (
                ledger.Move(machine, capacity, difference)
                if difference > 0
                else ledger.Move(capacity, machine, -difference)
            )
            name = f"capacity:{partition.code}:{month:%Y-%m}:{unit}"
            try:
                ledger.post(actor, key=f"{name}:{_times(name)}", kind=Kind.CAPACITY, moves=[move])
            except InsufficientHours as refusal:
                raise AlreadyGiven(
                    _(
                        "%(partition)s will give %(less)s GPU-hours less in %(month)s than is shared out. "
                        "Lower the shares first."
                    )
                    % {"partition": partition.code, "less": f"{-difference / 3600:,.1f}", "month": f"{month:%Y-%m}"}
                ) from refusal
            changed += difference if unit == Unit.ACCELERATOR_SECONDS else 0
    if changed:
        record(
            actor,
            "programmes.declare_capacity",
            partition,
            months=[f"{m:%Y-%m}" for m in months],
            accelerator_seconds=changed,
        )
    return changed


def _times(name: str) -> int:
    """How often something of this name was posted: the next key. Two at once take the same key, and one is refused."""
    return Transaction.objects.filter(key__startswith=f"{name}:").count() + 1


@transaction.atomic
def establish_shares(
    actor: Any, partition: Partition, months: Sequence[date], fractions: Mapping[str, Decimal], why: str = ""
) -> list[Share]:
    """Divide a partition's capacity over leaf programmes for these months (rule 2).

    The seconds add up exactly to the capacity. Establishing other fractions later moves the differences, as far as
    programmes have not awarded them. Errors: ShareTableRefused with the row that is off, AlreadyGiven, CapacityUnknown.
    """
    require(actor, "establish shares")
    check_share_table(fractions)
    programmes = _leaves(fractions)
    declare = [month for month in months if not _is_declared(partition, month)]
    if declare:
        raise NotFound(
            _("The capacity of %(partition)s in %(month)s is not declared yet. The operator does so first.")
            % {"partition": partition.code, "month": f"{declare[0]:%Y-%m}"}
        )
    shares = []
    for month in months:
        for unit in Unit.values:
            _divide(actor, partition, month, unit, fractions, programmes, why)
        Share.objects.filter(partition=partition, month=month).exclude(programme__code__in=fractions).delete()
        for code, fraction in fractions.items():
            share, _made = Share.objects.update_or_create(
                programme=programmes[code], partition=partition, month=month, defaults={"fraction": fraction}
            )
            shares.append(share)
    record(
        actor,
        "programmes.establish_shares",
        partition,
        why=why,
        months=[f"{m:%Y-%m}" for m in months],
        shares={code: str(fraction) for code, fraction in fractions.items()},
    )
    return shares


def _leaves(fractions: Mapping[str, Decimal]) -> dict[str, Programme]:
    programmes = {p.code: p for p in Programme.objects.filter(code__in=fractions).prefetch_related("children")}
    for code in fractions:
        if code not in programmes:
            raise ShareTableRefused(
                _("There is no programme %(row)s. Correct its code, or establish it first.") % {"row": code},
                faults={code: [_("There is no such programme.")]},
                row=code,
            )
        if programmes[code].children.all():
            raise ShareTableRefused(
                _("%(row)s is divided further. Give its parts their shares instead.") % {"row": code},
                faults={code: [_("Give its parts their shares.")]},
                row=code,
            )
    return programmes


def _is_declared(partition: Partition, month: date) -> bool:
    return Account.objects.filter(kind=AccountKind.MACHINE, partition=partition.code, month=month).exists()


def _divide(
    actor: Any,
    partition: Partition,
    month: date,
    unit: str,
    fractions: Mapping[str, Decimal],
    programmes: Mapping[str, Programme],
    why: str,
) -> None:
    machine = Account.objects.filter(kind=AccountKind.MACHINE, partition=partition.code, month=month, unit=unit).first()
    if machine is None:
        return
    capacity = ledger.account(AccountKind.CAPACITY, unit=unit, partition=partition.code, month=month)
    wanted = dict(zip(fractions, largest_remainder(-machine.balance, list(fractions.values())), strict=True))
    given = _given(partition, month, unit)
    back, forth = [], []
    for code in sorted(wanted.keys() | given.keys()):
        difference = wanted.get(code, 0) - given.get(code, 0)
        if difference:
            share = ledger.account(AccountKind.SHARE, unit=unit, partition=partition.code, month=month, programme=code)
            if difference > 0:
                forth.append(ledger.Move(capacity, share, difference, code))
            else:
                back.append(ledger.Move(share, capacity, -difference, code))
    name = f"shares:{partition.code}:{month:%Y-%m}:{unit}"
    try:
        ledger.post(actor, key=f"{name}:{_times(name)}", kind=Kind.SHARES, moves=[*back, *forth], why=why)
        for code, seconds in wanted.items():
            # Rule 3: awards may go beyond the share by what the programme overbooks, and not a second more.
            share = ledger.account(AccountKind.SHARE, unit=unit, partition=partition.code, month=month, programme=code)
            ledger.set_minimum(share, -int((programmes[code].overbooking - 1) * seconds))
    except InsufficientHours as refusal:
        raise AlreadyGiven(
            _("A programme has awarded more of %(partition)s in %(month)s than its new share holds: %(why)s")
            % {"partition": partition.code, "month": f"{month:%Y-%m}", "why": refusal.sentence}
        ) from refusal


def _given(partition: Partition, month: date, unit: str) -> dict[str, int]:
    """What each programme's share amounts to now: what it holds and all that came out of it."""
    sums: dict[str, int] = {}
    stations = Account.objects.filter(
        partition=partition.code,
        month=month,
        unit=unit,
        kind__in=[AccountKind.SHARE, AccountKind.AWARD, AccountKind.USED, AccountKind.LAPSED],
    )
    for programme, credits, debits in stations.values_list("programme", "credits", "debits"):
        sums[programme] = sums.get(programme, 0) + credits - debits
    return {programme: seconds for programme, seconds in sums.items() if seconds}


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
            % {"programme": from_programme.name, "partition": partition.code, "month": f"{month:%Y-%m}"}
        )
    number = Reallocation.objects.count() + 1
    code = f"{kind}-{month:%Y-%m}-{number:04d}"
    held = moves[0].debit.balance
    if moves[0].debit.unit == Unit.ACCELERATOR_SECONDS and held < accelerator_seconds:
        # An overbooked share could go below zero here; lent hours must be hours that are there.
        raise AlreadyGiven(
            _("%(programme)s has %(left)s GPU-hours left to move in %(month)s.")
            % {"programme": from_programme.name, "left": f"{max(held, 0) / 3600:,.1f}", "month": f"{month:%Y-%m}"},
            left=held,
        )
    ledger.post(
        actor,
        key=f"reallocation:{code}",
        kind=Kind.TRANSFER if kind == "transfer" else Kind.REALLOCATION,
        moves=moves,
        why=why,
    )
    made = Reallocation.objects.create(
        code=code,
        kind=kind,
        partition=partition,
        month=month,
        from_programme=from_programme,
        to_programme=to_programme,
        accelerator_seconds=accelerator_seconds,
        core_seconds=core_seconds,
        why=why.strip(),
        made_by=actor,
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


def months_from(first: date, number: int) -> list[date]:
    """The first days of `number` months from a month on. Errors: Invalid for fewer than one."""
    if number < 1:
        raise Invalid(_("Name at least one month."))
    start = first.year * 12 + first.month - 1
    return [date(n // 12, n % 12 + 1, 1) for n in range(start, start + number)]
