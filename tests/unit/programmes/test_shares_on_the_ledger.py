"""Rules 2, 3 and 4 on the ledger: shares add up, awards stay within them, reallocations balance."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from tests.factories.world import MONTH, NEXT, World, make_allocation, make_partition, make_person, make_world

from fabriek.conf.errors import NotAllowed
from fabriek.ledger.errors import InsufficientHours
from fabriek.ledger.models import Account
from fabriek.ledger.queries import balances, check
from fabriek.people.models import Person
from fabriek.programmes.actions import declare_capacity, establish_programme, establish_shares
from fabriek.programmes.errors import AlreadyGiven, ReallocationRefused, ShareTableRefused
from fabriek.programmes.models import Programme
from fabriek.programmes.moving import reallocate
from fabriek.programmes.queries import share_table
from fabriek.programmes.reference import load_programmes
from fabriek.promises.queries import measured_promises
from fabriek.register.actions import plan_maintenance
from fabriek.register.models import Partition
from fabriek.register.queries import capacity

pytestmark = pytest.mark.django_db
LEAVES = ["eu-industrial-entry", "eu-industrial-large", "eu-science", "eu-regular"]


def establish(world: World, **fractions: str) -> None:
    table = {code.replace("_", "-"): Decimal(fraction) for code, fraction in fractions.items()}
    establish_shares(world.officer, world.partition, [MONTH, NEXT], table)


def programme(code: str) -> Programme:
    return Programme.objects.get(code=code)


class RandomTables(TestCase):
    @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.lists(st.integers(1, 1_000), min_size=4, max_size=4), min_size=1, max_size=3))
    def test_shares_add_up_to_the_capacity_to_the_second(self, tables: list[list[int]]) -> None:
        load_programmes()
        officer, operator = make_person("officer"), make_person("operator")
        _factory, partition = make_partition(operator, nodes=3)
        declare_capacity(operator, partition, [MONTH])
        derived = capacity(partition, MONTH)
        for weights in tables:
            fractions = [(Decimal(w) / sum(weights)).quantize(Decimal("0.00000001")) for w in weights]
            fractions[-1] = 1 - sum(fractions[:-1], Decimal(0))
            establish_shares(officer, partition, [MONTH], dict(zip(LEAVES, fractions, strict=True)))
            for unit, whole in (
                ("accelerator-seconds", derived.accelerator_seconds),
                ("core-seconds", derived.core_seconds),
            ):
                shared = balances(["programme"], kind="share", unit=unit)
                assert sum(shared.values()) == whole
                assert balances(["kind"], kind="capacity", unit=unit)["capacity",] == 0
        assert check() == []


def test_a_table_that_does_not_add_up_changes_nothing() -> None:
    world = make_world()
    before = balances(["code"])
    with pytest.raises(ShareTableRefused):
        establish(world, eu_industrial_entry="0.6", eu_science="0.5")
    with pytest.raises(ShareTableRefused, match="divided further"):
        establish(world, eu_industrial="0.5", eu_science="0.5")
    with pytest.raises(ShareTableRefused, match="no programme"):
        establish(world, nowhere="0.5", eu_science="0.5")
    assert balances(["code"]) == before


def test_awards_never_exceed_the_share() -> None:
    world = make_world()
    free = next(row for row in share_table(world.partition, [MONTH]) if row.programme.code == "eu-industrial-entry")
    make_allocation(world, gpu_hours=free.free // 3600)
    with pytest.raises(InsufficientHours):
        make_allocation(world, gpu_hours=1)
    assert check() == []


def test_awards_may_reach_the_stated_overbooking_and_no_further() -> None:
    world = make_world()
    Programme.objects.filter(code="eu-industrial-entry").update(overbooking=Decimal("1.5"))
    establish(world, eu_industrial_entry="0.5", eu_science="0.5")
    free = next(row for row in share_table(world.partition, [MONTH]) if row.programme.code == "eu-industrial-entry")
    make_allocation(world, gpu_hours=free.free * 3 // 2 // 3600)
    with pytest.raises(InsufficientHours):
        make_allocation(world, gpu_hours=2)


def test_a_share_can_not_become_smaller_than_what_it_awarded() -> None:
    world = make_world()
    free = next(row for row in share_table(world.partition, [MONTH]) if row.programme.code == "eu-industrial-entry")
    make_allocation(world, gpu_hours=free.free // 2 // 3600)
    establish(world, eu_industrial_entry="0.3", eu_science="0.7")
    with pytest.raises(AlreadyGiven):
        establish(world, eu_industrial_entry="0.1", eu_science="0.9")
    assert check() == []


def test_maintenance_takes_from_what_is_not_shared_out_or_is_refused() -> None:
    world = make_world()
    start = datetime(NEXT.year, NEXT.month, 5, tzinfo=UTC)
    plan_maintenance(world.operator, world.partition, start, start + timedelta(days=1), 1, "cooling")
    partition = Partition.objects.get(pk=world.partition.pk)
    with pytest.raises(AlreadyGiven, match="less"):
        declare_capacity(world.operator, partition, [NEXT])
    assert check() == []


def test_declaring_the_same_capacity_again_changes_nothing() -> None:
    world = make_world()
    assert declare_capacity(world.operator, world.partition, [MONTH, NEXT]) == 0


def test_a_reallocation_is_balanced_and_has_its_reason() -> None:
    world = make_world()
    entry, science = programme("eu-industrial-entry"), programme("eu-science")
    before = balances(["programme"], kind="share", unit="accelerator-seconds", month=MONTH)
    reallocate(world.officer, world.partition, MONTH, entry, science, 3_600, "unused")
    after = balances(["programme"], kind="share", unit="accelerator-seconds", month=MONTH)
    assert after["eu-industrial-entry",] == before["eu-industrial-entry",] - 3_600
    assert after["eu-science",] == before["eu-science",] + 3_600
    assert check() == []
    with pytest.raises(ReallocationRefused):
        reallocate(world.officer, world.partition, MONTH, entry, science, 3_600, " ")
    with pytest.raises(ReallocationRefused):
        reallocate(world.officer, world.partition, MONTH, entry, entry, 3_600, "to itself")
    with pytest.raises(AlreadyGiven):
        reallocate(world.officer, world.partition, MONTH, entry, science, 10**12, "all and more")


def test_a_transfer_is_of_a_state() -> None:
    world = make_world()
    state = establish_programme(world.officer, code="nl", name="Netherlands", country="NL")
    entry, science = programme("eu-industrial-entry"), programme("eu-science")
    with pytest.raises(ReallocationRefused):
        reallocate(world.officer, world.partition, MONTH, entry, science, 60, "no state", kind="transfer")
    made = reallocate(world.officer, world.partition, MONTH, science, state, 60, "lent", kind="transfer")
    assert made.kind == "transfer"
    assert Account.objects.get(programme="nl", unit="accelerator-seconds").balance == 60


def test_commercial_use_beyond_a_fifth_breaks_the_promise() -> None:
    """Rule 4, measured: what is awarded for pay is at most 20 % of the Union's time."""
    world = make_world()
    allocation = make_allocation(world, gpu_hours=100)
    assert {one.terms.code: one.holds for one in measured_promises()}["commercial-use"]
    project = allocation.project
    project.commercial = True
    project.save()
    union = sum(row.share for row in share_table(world.partition, [MONTH, NEXT]))
    small = {one.terms.code: one for one in measured_promises()}["commercial-use"]
    assert small.required["decided"] == union // 5
    assert small.holds == (union // 5 >= 100 * 3600)
    free = next(row for row in share_table(world.partition, [MONTH]) if row.programme.code == "eu-industrial-entry")
    large = make_allocation(world, gpu_hours=free.free // 3600)
    large.project.commercial = True
    large.project.save()
    assert not {one.terms.code: one.holds for one in measured_promises()}["commercial-use"]


@pytest.mark.parametrize("role", ["", "reviewer", "board", "administrator"])
def test_who_may_not_establish_shares(role: str) -> None:
    world = make_world()
    person: Person = make_person(role)
    with pytest.raises(NotAllowed):
        establish_shares(person, world.partition, [MONTH], {"eu-science": Decimal(1)})
    with pytest.raises(NotAllowed):
        declare_capacity(person, world.partition, [MONTH])
