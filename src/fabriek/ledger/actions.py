"""The two verbs of the ledger: open an account, post a transaction.

Permissions are checked by the rooms that post: the ledger knows accounts and seconds, not roles.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from fabriek.conf.amounts import number_text
from fabriek.conf.rows import insert_rows
from fabriek.ledger.errors import InsufficientHours, LedgerKeyReused
from fabriek.ledger.models import Account, Entry, Transaction


@dataclass(frozen=True, slots=True)
class Move:
    """`amount` seconds (at least 1) from `debit` to `credit`."""

    debit: Account
    credit: Account
    amount: int
    reference: str = ""


def account_code(kind: str, unit: str, partition: str, month: date, programme: str = "", allocation: str = "") -> str:
    """The readable name of a station: `award:accelerator-seconds:molen/gpu:2026-11:P-0012-gpu`."""
    parts = [kind, unit, partition, f"{month:%Y-%m}", "" if allocation else programme, allocation]
    return ":".join(part for part in parts if part)


def account(
    kind: str,
    *,
    unit: str,
    partition: str,
    month: date,
    programme: str = "",
    allocation: str = "",
    minimum: int | None = None,
) -> Account:
    """The account of a station, made where it isn't there.

    Two kinds may go below zero. `machine` is where hours come from. `award` may be used ahead of the even spread over
    its months, and metered use is a fact that can't be refused: the scheduler holds the limit over all months together
    (rule 9), the ledger tells what happened.
    """
    if minimum is None and kind not in ("machine", "award"):
        minimum = 0
    found, _created = Account.objects.get_or_create(
        code=account_code(kind, unit, partition, month, programme, allocation),
        defaults={
            "kind": kind,
            "unit": unit,
            "partition": partition,
            "month": month,
            "programme": programme,
            "allocation": allocation,
            "minimum": minimum,
        },
    )
    return found


def set_minimum(station: Account, minimum: int) -> None:
    """Change how far an account may go down. Errors: InsufficientHours where it holds less already."""
    try:
        with transaction.atomic():
            Account.objects.filter(pk=station.pk).update(minimum=minimum)
    except IntegrityError as error:
        if "account_above_minimum" not in str(error):
            raise
        left = Account.objects.get(pk=station.pk).balance
        raise InsufficientHours(
            _("%(account)s holds %(left)s seconds, which is less than %(minimum)s.")
            % {"account": station.code, "left": left, "minimum": minimum},
            account=station.code,
            left=left,
        ) from error
    station.minimum = minimum


@transaction.atomic
def post(actor: Any, *, key: str, kind: str, moves: Iterable[Move], why: str = "") -> tuple[Transaction | None, bool]:
    """Post a transaction once. Returns it and whether it is new; (None, False) where there is nothing to move.

    The same key with the same moves again changes nothing. Errors: LedgerKeyReused where the moves differ;
    InsufficientHours where an account would go below its minimum. Either all moves are booked or none.
    """
    moves = [move for move in moves if move.amount]
    if not moves:
        return None, False
    posted = Transaction.objects.filter(key=key).first()
    if posted is not None:
        if _moves_of(posted) != _summary((m.debit.pk, m.credit.pk, m.amount) for m in moves):
            raise LedgerKeyReused(
                _("The ledger has a transaction %(key)s already, with other amounts. Use a new key.") % {"key": key},
                key=key,
            )
        return posted, False
    person = actor if getattr(actor, "pk", None) else None
    made = Transaction.objects.create(key=key, kind=kind, actor=person, why=why)
    try:
        with transaction.atomic():
            number = made.pk
            insert_rows(
                Entry,
                ("transaction_id", "debit_id", "credit_id", "amount", "reference"),
                [(number, m.debit.id, m.credit.id, m.amount, m.reference) for m in moves],
            )
    except IntegrityError as error:
        raise _told(error, moves) from error
    return made, True


def _told(error: IntegrityError, moves: list[Move]) -> Exception:
    """The database's refusal as a sentence: the first account that the moves, in order, would empty."""
    if "account_above_minimum" not in str(error):
        return error
    change: dict[int, int] = defaultdict(int)
    stations = {
        a.pk: a for a in Account.objects.filter(pk__in={m.debit.pk for m in moves} | {m.credit.pk for m in moves})
    }
    for move in moves:
        change[move.credit.pk] += move.amount
        change[move.debit.pk] -= move.amount
        station = stations[move.debit.pk]
        if station.minimum is not None and station.balance + change[station.pk] < station.minimum:
            left = station.balance - station.minimum
            return InsufficientHours(
                _("%(account)s has %(left)s hours to give, and %(asked)s are asked. Ask for less, or free hours first.")
                % {
                    "account": station.code,
                    "left": number_text(left / 3600, 1),
                    "asked": number_text(sum(m.amount for m in moves if m.debit.pk == station.pk) / 3600, 1),
                },
                account=station.code,
                left=left,
                asked=sum(m.amount for m in moves if m.debit.pk == station.pk),
            )
    return error


def _summary(moves: Iterable[tuple[int, int, int]]) -> dict[tuple[int, int], int]:
    sums: dict[tuple[int, int], int] = defaultdict(int)
    for debit, credit, amount in moves:
        sums[debit, credit] += amount
    return dict(sums)


def _moves_of(posted: Transaction) -> dict[tuple[int, int], int]:
    return _summary(posted.entries.values_list("debit_id", "credit_id", "amount"))
