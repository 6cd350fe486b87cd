"""Posting: once, whole or not at all, never below the minimum, never rewritten."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import DatabaseError, connection, transaction

from fabriek.ledger.actions import Move, account, post
from fabriek.ledger.errors import InsufficientHours, LedgerKeyReused
from fabriek.ledger.models import Account, Entry, Transaction
from fabriek.ledger.queries import allocation_hours, check, totals

pytestmark = pytest.mark.django_db
MONTH = date(2026, 11, 1)


def station(kind: str, **more: object) -> Account:
    return account(kind, unit="accelerator-seconds", partition="molen/gpu", month=MONTH, **more)  # type: ignore[arg-type]


def fill(amount: int = 1_000) -> tuple[Account, Account]:
    machine, capacity = station("machine"), station("capacity")
    post(None, key="fill", kind="capacity", moves=[Move(machine, capacity, amount)])
    return machine, capacity


def balance(of: Account) -> int:
    return Account.objects.get(pk=of.pk).balance


def test_a_transaction_moves_seconds_and_the_ledger_balances() -> None:
    machine, capacity = fill()
    assert (balance(machine), balance(capacity)) == (-1_000, 1_000)
    assert check() == []


def test_the_same_key_again_changes_nothing() -> None:
    machine, capacity = fill()
    _again, created = post(None, key="fill", kind="capacity", moves=[Move(machine, capacity, 1_000)])
    assert not created
    assert totals() == {"accounts": 2, "transactions": 1, "entries": 1}


def test_the_same_key_with_another_amount_is_refused() -> None:
    machine, capacity = fill()
    with pytest.raises(LedgerKeyReused):
        post(None, key="fill", kind="capacity", moves=[Move(machine, capacity, 999)])


def test_a_share_can_not_give_more_than_it_holds_and_nothing_of_it_happens() -> None:
    _machine, capacity = fill()
    share, award = station("share", programme="p"), station("award", programme="p", allocation="a")
    post(None, key="shares", kind="shares", moves=[Move(capacity, share, 600)])
    with pytest.raises(InsufficientHours) as refusal:
        post(None, key="award", kind="award", moves=[Move(share, award, 500), Move(share, award, 101)])
    assert refusal.value.extra["account"] == share.code
    assert balance(share) == 600
    assert not Transaction.objects.filter(key="award").exists()
    assert check() == []


@pytest.mark.parametrize("table", ["ledger_entry", "ledger_transaction"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}"])
def test_the_database_refuses_to_rewrite(table: str, statement: str) -> None:
    fill()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(table))
    assert Entry.objects.count() == 1


def test_the_database_refuses_sums_that_shrink() -> None:
    _machine, capacity = fill()
    with pytest.raises(DatabaseError), transaction.atomic():
        Account.objects.filter(pk=capacity.pk).update(credits=0)


def test_the_database_refuses_a_transfer_between_units() -> None:
    machine = station("machine")
    cores = account("capacity", unit="core-seconds", partition="molen/gpu", month=MONTH)
    with pytest.raises(DatabaseError), transaction.atomic():
        post(None, key="mixed", kind="capacity", moves=[Move(machine, cores, 1)])


def test_check_finds_sums_that_were_forced() -> None:
    _machine, capacity = fill()
    Account.objects.filter(pk=capacity.pk).update(credits=5_000)
    assert any(capacity.code in fault for fault in check())


def test_check_finds_a_missing_trigger() -> None:
    drop = "DROP TRIGGER ledger_entry_moves"
    with connection.cursor() as cursor:
        cursor.execute(drop + (" ON ledger_entry" if connection.vendor == "postgresql" else ""))
    assert any("ledger_entry_moves" in fault for fault in check())


def test_hours_of_an_allocation_add_up() -> None:
    _machine, capacity = fill()
    share = station("share", programme="p")
    award, used = station("award", programme="p", allocation="a"), station("used", programme="p", allocation="a")
    post(None, key="1", kind="shares", moves=[Move(capacity, share, 600)])
    post(None, key="2", kind="award", moves=[Move(share, award, 400)])
    post(None, key="3", kind="usage", moves=[Move(award, used, 150)])
    hours = allocation_hours(["a", "nobody"])
    assert (hours["a"].awarded, hours["a"].used, hours["a"].left) == (400, 150, 250)
    assert hours["nobody"].awarded == 0
