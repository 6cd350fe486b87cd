"""Rules 2, 3 and 6 on random histories: whatever is asked, the ledger balances and no share is exceeded."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from fabriek.ledger.actions import Move, account, post
from fabriek.ledger.errors import InsufficientHours
from fabriek.ledger.models import Account
from fabriek.ledger.queries import check

MONTH = date(2026, 11, 1)
KINDS = [("capacity", "", ""), ("share", "a", ""), ("share", "b", ""), ("award", "a", "a.1"), ("used", "a", "a.1")]


class RandomHistories(TestCase):
    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(1, 10**12)), min_size=1, max_size=15),
        st.integers(0, 10**12),
    )
    def test_every_history_balances(self, asked: list[tuple[int, int, int]], capacity: int) -> None:
        machine = account("machine", unit="core-seconds", partition="p/x", month=MONTH)
        stations = [
            account(kind, unit="core-seconds", partition="p/x", month=MONTH, programme=p, allocation=a)
            for kind, p, a in KINDS
        ]
        post(None, key="capacity", kind="capacity", moves=[Move(machine, stations[0], capacity)])
        expected = {station.pk: 0 for station in [machine, *stations]}
        expected[machine.pk] -= capacity
        expected[stations[0].pk] += capacity
        for number, (source, target, amount) in enumerate(asked):
            if source == target:
                continue
            move = Move(stations[source], stations[target], amount)
            try:
                post(None, key=f"move {number}", kind="adjustment", moves=[move])
            except InsufficientHours:
                assert stations[source].kind != "award"
                assert expected[stations[source].pk] < amount
                continue
            expected[stations[source].pk] -= amount
            expected[stations[target].pk] += amount
        assert check() == []
        for station in Account.objects.all():
            assert station.balance == expected[station.pk]
            assert station.kind in ("machine", "award") or station.balance >= 0


pytestmark = pytest.mark.django_db
