"""The hosting entity's yearly report: each part as the ledger, the register and the controls have it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests.factories.ledgers import make_bare_allocation, move_hours
from tests.factories.world import MONTH, NEXT, World, make_allocation, make_organisation, make_world

from fabriek.compute.wire import DailyProof, DriftReport, ProofLine
from fabriek.conf.errors import Invalid, NotFound
from fabriek.ledger.models import Unit
from fabriek.operations.actions import prove_usage
from fabriek.operations.actions.drift import note_drift
from fabriek.programmes.models import Programme, Promise
from fabriek.programmes.moving import reallocate
from fabriek.register.actions import declare_availability, declare_partition, declare_system, plan_maintenance
from fabriek.register.models import Partition
from fabriek.reports.hosting import HostingReport, hosting_report
from fabriek.reports.words import HOSTING_LINE, hosting_lines, hosting_of

pytestmark = pytest.mark.django_db
YEAR = MONTH.year
HOUR = 3600


@pytest.fixture
def world() -> World:
    return make_world()


def report(world: World, **said: str) -> HostingReport:
    return hosting_report(world.partition.system.code, YEAR, MONTH, **said)


def months_on_ledger() -> int:
    """Of this year: the world's shares are of this month and the next."""
    return 1 + (NEXT.year == YEAR)


def test_shares_are_told_by_what_became_of_them(world: World) -> None:
    make_allocation(world, 100)
    told = report(world)
    entry = next(one for one in told.programmes if one.code == "eu-industrial-entry")
    assert (entry.awarded, entry.left, entry.used, entry.lapsed) == (100 * HOUR, 100 * HOUR, 0, 0)
    assert entry.share == entry.not_awarded + 100 * HOUR
    assert sum(one.share for one in told.programmes) == told.partitions[0].declared
    assert (told.awarded, told.used, told.unused) == (100 * HOUR, 0, 100 * HOUR)


def test_capacity_is_derived_and_a_month_that_changed_since_is_named(world: World) -> None:
    (before,) = report(world).partitions
    assert (before.months_known, before.months_declared, before.differing) == (12, months_on_ledger(), [])
    assert before.availability == Fraction(95, 100)
    start = datetime(MONTH.year, MONTH.month, 1, tzinfo=UTC) + timedelta(days=27)
    plan_maintenance(
        world.operator, world.partition, start=start, end=start + timedelta(hours=10), nodes=2, why="power"
    )
    declared = before.declared
    (after,) = report(world).partitions
    assert after.lost_node_hours == 20
    assert after.derived == before.derived - 20 * HOUR * 4 * Fraction(95, 100)
    assert (after.differing == [MONTH]) == (after.declared == declared)


def test_availability_is_the_mean_over_the_year_s_time() -> None:
    world = make_world()
    declare_availability(world.operator, world.partition, Decimal("0.5"), date(YEAR, 7, 1), ends_previous=True)
    (one,) = report(world).partitions
    first = (date(YEAR, 7, 1) - date(YEAR, 1, 1)).days
    days = (date(YEAR + 1, 1, 1) - date(YEAR, 1, 1)).days
    assert one.availability == (Fraction(95, 100) * first + Fraction(1, 2) * (days - first)) / days


def test_what_is_not_known_of_a_partition_is_named_and_not_counted(world: World) -> None:
    Partition.objects.create(code="new", system=world.partition.system, name="new", kind="gpu", accelerators_per_node=4)
    known, unknown = report(world).partitions
    assert (unknown.code, unknown.derived, unknown.months_known) == ("new", 0, 0)
    assert set(unknown.unknown) == {"number of nodes", "availability", "cores per node"}
    assert report(world).capacity == known.derived


def test_paid_use_is_a_part_of_the_unions_time_and_has_its_cap(world: World) -> None:
    programme = Programme.objects.get(code="eu-science")
    made = make_bare_allocation(
        "paid",
        programme=programme,
        partition=world.partition,
        organisation=make_organisation("large-industry"),
        month=MONTH,
        commercial=True,
    )
    of = {"partition": world.partition.code, "month": MONTH, "programme": "eu-science", "allocation": made.code}
    union = sum(one.share for one in report(world).programmes)
    move_hours("paid", **of, source="share", target="award", seconds=union * 22 // 100)
    told = report(world)
    assert (told.paid.granted, told.paid.union_time) == (union * 22 // 100, union)
    assert told.paid.part == Fraction(union * 22 // 100, union)
    assert told.cap is not None
    assert not told.cap.holds
    assert next(miss.required for miss in told.cap.misses()) == union // 5


def test_a_promise_counts_the_months_in_which_it_held(world: World) -> None:
    programme = Programme.objects.get(code="eu-science")
    said = {"kind": "baseline", "programme": programme, "accelerator_seconds_a_month": 5 * HOUR}
    Promise.objects.create(code="this", name="This month", valid_from=MONTH, valid_until=NEXT, **said)
    Promise.objects.create(code="gone", name="Gone", valid_from=date(2000, 1, 1), valid_until=date(YEAR, 1, 1), **said)
    measured = {one.terms.code: one for one in report(world).promises}
    assert "gone" not in measured
    assert measured["this"].required["decided"] == 5 * HOUR
    assert measured["commercial-use"].terms.system == world.partition.system.code
    other = make_world()
    assert {one.terms.code for one in report(other).promises} == measured.keys()


def test_a_system_without_hours_has_nothing_to_tell_and_no_promise(world: World) -> None:
    site = world.partition.system.site
    declare_system(world.operator, code="empty", name="Empty", site=site, factory=world.factory)
    told = hosting_report("empty", YEAR, MONTH)
    assert (told.partitions, told.programmes, told.cells, told.promises) == ([], [], [], [])
    assert told.paid.part is None


def test_controls_are_those_of_the_system_and_year(world: World) -> None:
    code = make_allocation(world).project.code
    reallocate(
        world.officer,
        world.partition,
        MONTH,
        Programme.objects.get(code="eu-science"),
        Programme.objects.get(code="eu-industrial-entry"),
        60 * HOUR,
        why="asked",
    )
    lines = [ProofLine(account=code, partition="gpu", runs=1, accelerator_seconds=7, core_seconds=3)]
    prove_usage(world.cluster, DailyProof(day=MONTH, lines=lines))
    prove_usage(world.cluster, DailyProof(day=MONTH + timedelta(days=1), lines=[]))
    note_drift(world.cluster, [DriftReport(account=code, partition="gpu", what="users", made="a", found="b")])
    told = report(world)
    assert [one.accelerator_seconds for one in told.reallocations] == [60 * HOUR]
    assert (told.proofs.days, told.proofs.differing, told.proofs.last) == (2, 1, MONTH + timedelta(days=1))
    assert (told.drift.found, told.drift.standing) == (1, 1)
    assert told.ledger_faults == []
    note_drift(world.cluster, [])
    assert (report(world).drift.found, report(world).drift.standing) == (1, 0)
    assert report(make_world()).proofs.days == 0
    before = hosting_report(world.partition.system.code, YEAR - 1, MONTH)
    assert (before.reallocations, before.proofs.days, before.drift.found) == ([], 0, 0)


def test_it_is_due_on_31_january(world: World) -> None:
    assert report(world).due == date(YEAR + 1, 1, 31)
    assert not hosting_report(world.partition.system.code, YEAR, date(YEAR, 12, 31)).is_over
    assert hosting_report(world.partition.system.code, YEAR, date(YEAR + 1, 1, 1)).is_over


def test_core_hours_where_there_are_no_accelerators_or_they_are_asked(world: World) -> None:
    assert report(world).unit == Unit.ACCELERATOR_SECONDS
    cores = report(world, unit=Unit.CORE_SECONDS)
    assert cores.capacity == report(world).capacity * 16
    site = world.partition.system.site
    system = declare_system(world.operator, code="cpus", name="CPUs", site=site, factory=world.factory)
    declare_partition(
        world.operator, system, name="cpu", kind="cpu", nodes=2, accelerators_per_node=0, cores_per_node=8
    )
    assert hosting_report("cpus", YEAR, MONTH).unit == Unit.CORE_SECONDS


def test_what_is_not_there_is_refused(world: World) -> None:
    with pytest.raises(NotFound):
        hosting_report("nothing-here", YEAR, MONTH)
    with pytest.raises(Invalid):
        hosting_report(world.partition.system.code, 12, MONTH)


def test_the_number_of_queries_does_not_grow_with_the_ledger(world: World) -> None:
    make_allocation(world)
    with CaptureQueriesContext(connection) as few:
        report(world)
    for number in range(3):
        make_allocation(world, months=2)
        prove_usage(world.cluster, DailyProof(day=MONTH + timedelta(days=number), lines=[]))
    make_world()
    with CaptureQueriesContext(connection) as many:
        report(world)
    assert len(many) == len(few)


def test_as_lines_it_says_the_same_as_nested(world: World) -> None:
    make_allocation(world, 100)
    told = report(world)
    lines = hosting_lines(told)
    assert all(len(line) == len(HOSTING_LINE) for line in lines)
    found = {line[:3]: line[4] for line in lines}
    nested = hosting_of(told)
    assert found["total", "", "awarded"] == nested["total"]["seconds"]["awarded"] == 100 * HOUR
    assert found["programmes", "eu-industrial-entry", "left"] == 100 * HOUR
    assert found["access time", "NL, startup", "granted"] == 100 * HOUR
    assert found["partitions", world.partition.code, "availability"] == 0.95
    assert found["promises", "commercial-use", "holds"] is True
    assert found["ledger", "", "balances"] is True
