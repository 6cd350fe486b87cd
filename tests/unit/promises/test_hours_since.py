"""The sums over the ledger, told again with what was posted since, are those that are made anew."""

from __future__ import annotations

from datetime import date

import pytest
from django.core.cache import cache
from tests.factories.world import MONTH, NEXT, make_allocation, make_world

from fabriek.ledger.actions import Move, post
from fabriek.ledger.models import Account
from fabriek.promises import queries
from fabriek.promises.queries import hours


@pytest.mark.django_db(transaction=True)
def test_what_was_posted_since_is_added() -> None:
    world = make_world()
    allocations = [make_allocation(world, months=2) for _ in range(3)]
    periods = [(date.min, date.max), (MONTH, NEXT), (NEXT, date.max)]
    for turn in range(4):
        for allocation in allocations[: turn + 1]:
            for month in (MONTH, NEXT):
                award = Account.objects.get(
                    kind="award", allocation=allocation.code, month=month, unit="accelerator-seconds"
                )
                used = Account.objects.filter(kind="used", allocation=allocation.code, month=month).first() or _used(
                    award
                )
                post(None, key=f"{turn}:{award.code}", kind="usage", moves=[Move(award, used, 7 + turn)])
        remembered = [set(hours(*period)) for period in periods]
        cache.clear()
        assert remembered == [set(hours(*period)) for period in periods]


@pytest.mark.django_db(transaction=True)
def test_after_a_posting_only_what_is_new_is_summed(monkeypatch: pytest.MonkeyPatch) -> None:
    world = make_world()
    allocation = make_allocation(world)
    before = {h.organisation_class: h.decided for h in hours()}
    monkeypatch.setattr(queries, "_summed", None)
    assert {h.organisation_class: h.decided for h in hours()} == before
    monkeypatch.undo()
    award = Account.objects.get(kind="award", allocation=allocation.code, unit="accelerator-seconds")
    post(None, key="used", kind="usage", moves=[Move(award, _used(award), 60)])
    monkeypatch.setattr(queries, "_summed", None)
    assert sum(h.used for h in hours()) == 60
    assert {h.organisation_class: h.decided for h in hours()} == before


def _used(award: Account) -> Account:
    return Account.objects.create(
        code=award.code.replace("award", "used", 1),
        kind="used",
        unit=award.unit,
        partition=award.partition,
        month=award.month,
        programme=award.programme,
        allocation=award.allocation,
    )
