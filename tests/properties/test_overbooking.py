"""Rule 3 on random histories: awards of a programme never exceed its share times its stated overbooking.

Shares are established anew, hours moved and moved back, overbooking stated otherwise, awards made; in the ledger alone,
minima are set at random. What is refused changes nothing, and what the rule leaves room for is not refused.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import count

import pytest
from django.db import transaction
from django.db.models import F, Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from tests.factories.world import MONTH, NEXT, make_organisation, make_person, make_world

from fabriek.conf.errors import Refused
from fabriek.ledger.actions import Move, account, post, set_minimum
from fabriek.ledger.errors import InsufficientHours
from fabriek.ledger.models import Account
from fabriek.ledger.queries import check
from fabriek.programmes.actions import establish_shares
from fabriek.programmes.models import Programme, Reallocation
from fabriek.programmes.moving import reallocate, undo_reallocation
from fabriek.projects.actions import award, open_project

pytestmark = pytest.mark.django_db
PROGRAMMES = ("eu-industrial-entry", "eu-science", "eu-regular")
WHICH = st.integers(0, len(PROGRAMMES) - 1)
# Few values, on both sides of what fits, so that histories in which they meet come up soon.
OVERBOOKING = st.sampled_from([1_000, 1_333, 2_000, 3_000])
PARTS = st.sampled_from([Fraction(1, 1_000), Fraction(1, 3), Fraction(1, 2), Fraction(1), Fraction(5, 4)])
_keys = count(1)


class Overbooked(RuleBasedStateMachine):
    """Three programmes share a partition over two months, and award what they may."""

    @initialize(overbooking=st.lists(OVERBOOKING, min_size=3, max_size=3))
    def begin(self, overbooking: list[int]) -> None:
        self.savepoint = transaction.savepoint()
        self.world = make_world()
        self.lead = make_person(organisation=make_organisation())
        self.programmes = [Programme.objects.get(code=code) for code in PROGRAMMES]
        self.stated: dict[tuple[str, date], Fraction] = {}
        for which, thousandths in enumerate(overbooking):
            self.state(which, thousandths)
        self.establish([1, 1, 1])

    def teardown(self) -> None:
        if hasattr(self, "savepoint"):
            transaction.savepoint_rollback(self.savepoint)

    def held(self, code: str, month: date) -> tuple[int, int]:
        """A programme's share of a month, and what it has awarded of it."""
        found = Account.objects.filter(
            programme=code, partition=self.world.partition.code, month=month, unit="accelerator-seconds"
        )
        sums = dict(found.values_list("kind").annotate(held=Sum(F("credits") - F("debits"))).order_by())
        awarded = sum(sums.get(kind, 0) for kind in ("award", "used", "lapsed"))
        return sums.get("share", 0) + awarded, awarded

    def attempt(self, act: Callable[[], object]) -> bool:
        before = self.all_held()
        try:
            with transaction.atomic():
                act()
        except Refused:
            assert self.all_held() == before
            return False
        return True

    def all_held(self) -> list[tuple[int, int]]:
        return [self.held(code, month) for code in PROGRAMMES for month in (MONTH, NEXT)]

    def touch(self, *programmes: Programme, months: tuple[date, ...] = (MONTH, NEXT)) -> None:
        """From now on these shares are held to what is stated now."""
        for programme in programmes:
            for month in months:
                self.stated[programme.code, month] = Fraction(Programme.objects.get(pk=programme.pk).overbooking)

    @rule(which=WHICH, thousandths=OVERBOOKING)
    def state(self, which: int, thousandths: int) -> None:
        """What a programme states holds from when its shares are next touched."""
        Programme.objects.filter(pk=self.programmes[which].pk).update(overbooking=Decimal(thousandths) / 1_000)

    @rule(weights=st.lists(st.integers(0, 4), min_size=3, max_size=3))
    def establish(self, weights: list[int]) -> None:
        """A weight of 0 leaves a programme out of the table."""
        whole = sum(weights)
        if not whole:
            return
        table = {
            programme.code: (Decimal(weight) / whole).quantize(Decimal("0.00000001"))
            for programme, weight in zip(self.programmes, weights, strict=True)
            if weight
        }
        last = list(table)[-1]
        table[last] = 1 - sum((part for code, part in table.items() if code != last), Decimal(0))
        if self.attempt(
            lambda: establish_shares(self.world.officer, self.world.partition, [MONTH, NEXT], table, "A test.")
        ):
            self.touch(*self.programmes)

    @rule(giver=WHICH, taker=WHICH, next_month=st.booleans(), part=PARTS)
    def move(self, giver: int, taker: int, next_month: bool, part: Fraction) -> None:
        month, one, other = NEXT if next_month else MONTH, self.programmes[giver], self.programmes[taker]
        share, _awarded = self.held(one.code, month)
        if self.attempt(
            lambda: reallocate(
                self.world.officer, self.world.partition, month, one, other, max(1, int(part * share)), "A test."
            )
        ):
            self.touch(one, other, months=(month,))

    @rule()
    def move_back(self) -> None:
        last = Reallocation.objects.filter(undoes=None, partition=self.world.partition).order_by("-pk").first()
        if last and self.attempt(lambda: undo_reallocation(self.world.officer, last, "A test.")):
            self.touch(last.from_programme, last.to_programme, months=(last.month,))

    @rule(which=WHICH, months=st.integers(1, 2), part=PARTS)
    def award(self, which: int, months: int, part: Fraction) -> None:
        """A part of the room that is left, up to half as much again: refused if, and only if, it does not fit."""
        programme = self.programmes[which]
        room = min(self.room(programme.code, month) for month in (MONTH, NEXT)[:months])
        seconds = max(1, int(part * max(room, 0))) * months

        def act() -> None:
            number = next(_keys)
            project = open_project(
                self.world.officer,
                code=f"overbooked-{number}",
                title="A project",
                programme=programme,
                organisation=self.lead.organisation,
                lead=self.lead,
                starts=MONTH,
                ends=date(NEXT.year + 1, NEXT.month, 1),
                factory=self.world.factory,
            )
            award(self.world.officer, project, self.world.partition, MONTH, months, seconds, key=project.code)

        assert self.attempt(act) == (seconds // months <= room)

    def room(self, code: str, month: date) -> int:
        share, awarded = self.held(code, month)
        return int(share * self.stated[code, month]) - awarded

    @invariant()
    def no_programme_awards_more_than_its_share_times_what_it_states(self) -> None:
        for code, month in getattr(self, "stated", {}):
            share, awarded = self.held(code, month)
            assert 0 <= awarded <= share * self.stated[code, month], (code, month)

    @invariant()
    def the_ledger_balances(self) -> None:
        if hasattr(self, "world"):
            assert check() == []


class RandomOverbooking(TestCase):
    def test_awards_stay_within_the_share_times_the_overbooking(self) -> None:
        run_state_machine_as_test(
            Overbooked,
            settings=settings(
                max_examples=20, stateful_step_count=14, deadline=None, suppress_health_check=list(HealthCheck)
            ),
        )

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        st.integers(0, 10**12),
        st.lists(
            st.tuples(st.just("award"), st.integers(1, 10**12)) | st.tuples(st.just("beyond"), st.integers(0, 10**12)),
            max_size=15,
        ),
    )
    def test_whatever_minima_are_set_a_share_never_holds_less(self, share: int, asked: list[tuple[str, int]]) -> None:
        month, more = date(2026, 11, 1), {"unit": "core-seconds", "partition": "p/x"}
        machine = account("machine", month=month, **more)
        station = account("share", month=month, programme="a", **more)
        awarded = account("award", month=month, programme="a", allocation="a.1", **more)
        post(None, key="share", kind="capacity", moves=[Move(machine, station, share)])
        left, least = share, 0
        for number, (what, amount) in enumerate(asked):
            if what == "beyond":
                fits = left >= -amount
                act: Callable[[], object] = lambda amount=amount: set_minimum(station, -amount)  # type: ignore[misc]  # noqa: E731
            else:
                fits = left - amount >= least
                act = lambda number=number, amount=amount: post(  # type: ignore[misc]  # noqa: E731
                    None, key=f"award {number}", kind="award", moves=[Move(station, awarded, amount)]
                )
            if not fits:
                with pytest.raises(InsufficientHours):
                    act()
                continue
            act()
            if what == "beyond":
                least = -amount
            else:
                left -= amount
            found = Account.objects.get(pk=station.pk)
            assert (found.balance, found.minimum) == (left, least)
        assert check() == []
