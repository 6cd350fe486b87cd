"""The verbs of programmes: establish and rename, declare capacity, establish shares, promise and end a promise.

Moving hours between programmes is in `moving.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from fabriek.audit.actions import record
from fabriek.conf.amounts import month_text, number_text
from fabriek.conf.checking import added, checked, refuse_otherwise
from fabriek.conf.errors import Invalid, NotFound
from fabriek.ledger import actions as ledger
from fabriek.ledger.errors import InsufficientHours
from fabriek.ledger.models import Account, AccountKind, Kind, Transaction, Unit
from fabriek.people.permissions import require
from fabriek.programmes.errors import AlreadyGiven, ProgrammeRefused, ShareTableRefused
from fabriek.programmes.models import FormerName, Pillar, Programme, Promise, Share
from fabriek.programmes.queries import leaves
from fabriek.programmes.rules import (
    check_ending,
    check_programme,
    check_promise,
    check_share_table,
    check_sign_off,
    largest_remainder,
)
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
        country=promise.country,
        commercial=promise.commercial,
        base_holds_it=promise.base is None or _holds(promise.base, promise.programme),
    )
    added(promise)
    record(actor, "programmes.make_promise", promise, kind=promise.kind)
    return promise


def _holds(base: Programme, programme: Programme | None) -> bool:
    """Whether a programme's tree holds another's; None: all programmes."""
    below = leaves()
    return (below[programme.code] if programme else set().union(*below.values())) <= below[base.code]


@transaction.atomic
def rename_programme(actor: Any, programme: Programme, name: str, why: str) -> Programme:
    """Call a programme otherwise from today on; its code, shares and promises stay. The same again changes nothing.

    The name until now is kept: what was decided before names it so. Errors: ProgrammeRefused, Invalid.
    """
    require(actor, "establish shares")
    programme = (
        Programme.objects.select_for_update(of=("self",)).select_related("pillar", "parent").get(pk=programme.pk)
    )
    name, before = name.strip(), programme.name
    if name == before:
        return programme
    faults = {}
    if not name:
        faults["name"] = [_("Give a name.")]
    elif Programme.objects.filter(name__iexact=name).exclude(pk=programme.pk).exists():
        faults["name"] = [_("Another programme has this name.")]
    if not why.strip():
        faults["why"] = [_("Say why: it stays on record.")]
    if faults:
        raise ProgrammeRefused(_("The programme keeps its name for now."), faults=faults)
    programme.name = name
    checked(programme).save(update_fields=["name"])
    FormerName.objects.create(programme=programme, name=before, until=timezone.now().date())
    record(actor, "programmes.rename_programme", programme, why=why.strip(), before=before, after=name)
    return programme


@transaction.atomic
def set_sign_off(actor: Any, programme: Programme, steps: Sequence[Mapping[str, str]], why: str) -> Programme:
    """Who gives initials, in turn, to a proposal of this programme's hours, or of its parts', before it is published.

    Set by who neither proposes nor publishes. What was proposed before keeps its route. The same again changes nothing.
    Errors: ProgrammeRefused.
    """
    require(actor, "set sign-off")
    route = check_sign_off(steps)
    programme = (
        Programme.objects.select_for_update(of=("self",)).select_related("pillar", "parent").get(pk=programme.pk)
    )
    if route == programme.sign_off:
        return programme
    if not why.strip():
        raise ProgrammeRefused(
            _("The sign-off route stays as it is for now."), faults={"why": [_("Say why: it stays on record.")]}
        )
    before, programme.sign_off = programme.sign_off, route
    checked(programme).save(update_fields=["sign_off"])
    record(actor, "programmes.set_sign_off", programme, why=why.strip(), before=before, after=route)
    return programme


@transaction.atomic
def end_promise(actor: Any, promise: Promise, valid_until: date, why: str) -> Promise:
    """A promise ends: `valid_until` is the first day on which it no longer holds, today at the earliest.

    What was decided under it stays as it was decided. The same again changes nothing. Errors: PromiseRefused.
    """
    require(actor, "establish shares")
    promise = Promise.objects.select_for_update().get(pk=promise.pk)
    if promise.valid_until == valid_until:
        return promise
    check_ending(promise.valid_from, promise.valid_until, valid_until, why, timezone.now().date())
    before, promise.valid_until = promise.valid_until, valid_until
    promise.save(update_fields=["valid_until"])
    record(
        actor,
        "programmes.end_promise",
        promise,
        why=why.strip(),
        valid_until=str(valid_until),
        before=str(before) if before else None,
    )
    return promise


@transaction.atomic
def declare_capacity(actor: Any, partition: Partition, months: Sequence[date]) -> int:
    """Put each month's derived capacity on the ledger, and where it was declared before, the difference.

    Returns the accelerator-seconds that were added or taken. Errors: CapacityUnknown; AlreadyGiven where more is taken
    than is free: establish smaller shares first.
    """
    require(actor, "declare capacity")
    one_at_a_time(partition)
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
                    % {
                        "partition": partition.code,
                        "less": number_text(-difference / 3600, 1),
                        "month": month_text(month),
                    }
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


def one_at_a_time(partition: Partition) -> None:
    """Two who divide or move a partition's hours at once: the second waits, and then sees what the first did."""
    Partition.objects.select_for_update().filter(pk=partition.pk).first()


def _times(name: str) -> int:
    """How often something of this name was posted: the next key."""
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
    one_at_a_time(partition)
    programmes = _leaves(fractions)
    declare = [month for month in months if not _is_declared(partition, month)]
    if declare:
        raise NotFound(
            _("The capacity of %(partition)s in %(month)s is not declared yet. The operator does so first.")
            % {"partition": partition.code, "month": month_text(declare[0])}
        )
    shares = []
    for month in months:
        for unit in Unit.values:
            _divide(actor, partition, month, unit, fractions, why)
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
        hold_overbooking(partition, month, unit, wanted.keys() | given.keys())
    except InsufficientHours as refusal:
        raise AlreadyGiven(
            _("A programme has awarded more of %(partition)s in %(month)s than its new share holds: %(why)s")
            % {"partition": partition.code, "month": month_text(month), "why": refusal.sentence}
        ) from refusal


def hold_overbooking(partition: Partition, month: date, unit: str, programmes: Iterable[str]) -> None:
    """Rule 3: awards may go beyond a share, as it is now, by what its programme overbooks, and not a second more. A
    programme that has no share left has nothing to overbook. Three queries and one for each programme.

    Errors: InsufficientHours where a programme has awarded more already.
    """
    given = _given(partition, month, unit)
    stated = dict(Programme.objects.filter(code__in=list(programmes)).values_list("code", "overbooking"))
    for share in Account.objects.filter(
        kind=AccountKind.SHARE, unit=unit, partition=partition.code, month=month, programme__in=stated
    ):
        least = -int((stated[share.programme] - 1) * given.get(share.programme, 0))
        if share.minimum != least:
            ledger.set_minimum(share, least)


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


def months_from(first: date, number: int) -> list[date]:
    """The first days of `number` months from a month on. Errors: Invalid for fewer than one."""
    if number < 1:
        raise Invalid(_("Name at least one month."))
    start = first.year * 12 + first.month - 1
    return [date(n // 12, n % 12 + 1, 1) for n in range(start, start + number)]
