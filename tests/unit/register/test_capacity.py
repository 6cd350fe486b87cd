"""Rule 1: capacity follows from hardware, availability and maintenance; the register keeps its sources."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.factories.world import make_partition, make_person

from fabriek.register.actions import cancel_maintenance, declare_availability, plan_maintenance
from fabriek.register.errors import ConversionUnknown, PeriodInvalid
from fabriek.register.models import Confidence, Factory, Partition, System
from fabriek.register.queries import capacity, conversion, known_capacity
from fabriek.register.reference import load_reference
from fabriek.register.rules import (
    Outage,
    Stretch,
    capacity_seconds,
    gpu_hours_for_training,
    lost_node_seconds,
    month_bounds,
    month_seconds,
    nodes_on,
    stretches,
)

MONTHS = st.dates(date(2024, 1, 1), date(2032, 12, 1)).map(lambda day: day.replace(day=1))


def whole(month: date, nodes: int) -> list[Stretch]:
    """A month in which a partition neither grows nor shrinks."""
    return [Stretch(*month_bounds(month), nodes)]


@given(MONTHS, st.integers(1, 10_000), st.integers(1, 8), st.decimals(0, 1, places=5))
def test_capacity_is_units_times_seconds_times_availability(
    month: date, nodes: int, each: int, availability: Decimal
) -> None:
    seconds = capacity_seconds(whole(month, nodes), each, availability)
    exact = Fraction(nodes * each) * month_seconds(month) * Fraction(availability)
    assert exact - 1 < seconds <= exact


@given(
    MONTHS,
    st.integers(1, 500),
    st.lists(st.tuples(st.integers(-40, 70), st.integers(1, 400), st.none() | st.integers(1, 900)), max_size=6),
)
def test_maintenance_takes_what_is_down_and_never_more_than_there_is(
    month: date, nodes: int, plans: list[tuple[int, int, int | None]]
) -> None:
    first, last = month_bounds(month)
    outages = [
        Outage(first + timedelta(days=day), first + timedelta(days=day, hours=hours), down)
        for day, hours, down in plans
    ]
    lost = lost_node_seconds(whole(month, nodes), outages)
    assert 0 <= lost <= nodes * month_seconds(month)
    # By the hour, one after another: the plain way.
    plain = 0
    moment = first
    while moment < last:
        down = sum(nodes if o.nodes is None else min(o.nodes, nodes) for o in outages if o.start <= moment < o.end)
        plain += min(down, nodes) * 3600
        moment += timedelta(hours=1)
    assert lost == plain


@given(
    MONTHS,
    st.integers(1, 500),
    st.dictionaries(st.integers(-40, 70), st.integers(0, 900), max_size=6),
    st.lists(st.tuples(st.integers(-40, 70), st.integers(1, 40), st.none() | st.integers(1, 900)), max_size=4),
)
def test_a_partition_that_grows_or_shrinks_counts_each_day_with_the_nodes_of_that_day(
    month: date, first: int, changes: dict[int, int], plans: list[tuple[int, int, int | None]]
) -> None:
    begin, end = month_bounds(month)
    sizes = [(begin.date() + timedelta(days=day), nodes) for day, nodes in changes.items()]
    outages = [
        Outage(begin + timedelta(days=day), begin + timedelta(days=day + length), down) for day, length, down in plans
    ]
    parts = stretches(month, first, sizes)
    assert parts is not None
    plain, day = 0, begin
    while day < end:
        nodes = nodes_on(day.date(), first, sizes)
        assert nodes is not None
        down = sum(nodes if o.nodes is None else min(o.nodes, nodes) for o in outages if o.start <= day < o.end)
        plain += (nodes - min(down, nodes)) * 86_400
        day += timedelta(days=1)
    assert capacity_seconds(parts, 4, Decimal(1), outages) == 4 * plain


def test_before_the_first_known_size_a_month_is_not_known() -> None:
    grown = [(date(2027, 3, 10), 8)]
    assert stretches(date(2027, 3, 1), None, grown) is None
    known = stretches(date(2027, 4, 1), None, grown)
    assert known is not None
    assert [part.nodes for part in known] == [8]


def test_a_leap_february_has_a_day_more() -> None:
    assert month_seconds(date(2028, 2, 1)) - month_seconds(date(2027, 2, 1)) == 86_400


def test_the_estimate_is_six_n_d_over_what_the_machine_does() -> None:
    hours = gpu_hours_for_training(7e9, 20e9, petaflops=0.989, efficiency=0.35)
    assert hours == pytest.approx(6 * 7e9 * 20e9 / (0.989e15 * 0.35) / 3600)
    with pytest.raises(ValueError, match="positive"):
        gpu_hours_for_training(7e9, 0, petaflops=1, efficiency=0.3)


@pytest.mark.django_db
def test_planned_maintenance_lowers_the_capacity_and_cancelling_restores_it() -> None:
    operator = make_person("operator")
    _factory, partition = make_partition(operator, nodes=4)
    month = date(2027, 3, 1)
    whole = capacity(partition, month).accelerator_seconds
    start = datetime(2027, 3, 10, tzinfo=UTC)
    planned = plan_maintenance(operator, partition, start, start + timedelta(days=1), 2, "cooling")
    less = capacity(Partition.objects.get(pk=partition.pk), month).accelerator_seconds
    assert whole is not None
    assert less is not None
    assert whole - less == 2 * 4 * 86_400 * 95 // 100
    cancel_maintenance(operator, planned)
    assert capacity(Partition.objects.get(pk=partition.pk), month).accelerator_seconds == whole
    with pytest.raises(PeriodInvalid):
        plan_maintenance(operator, partition, start, start, None, "nothing")


@pytest.mark.django_db
def test_two_availabilities_for_one_day_are_refused() -> None:
    operator = make_person("operator")
    _factory, partition = make_partition(operator)
    with pytest.raises(PeriodInvalid):
        declare_availability(operator, partition, Decimal("0.9"), date(2027, 1, 1))


@pytest.mark.django_db
def test_the_reference_register_is_whole_and_loading_it_again_changes_nothing() -> None:
    counted = load_reference()
    assert counted["factories"] == 19
    assert counted["antennas"] == 13
    before = list(Partition.objects.order_by("pk").values_list("pk", "code", "nodes"))
    assert load_reference() == counted
    assert list(Partition.objects.order_by("pk").values_list("pk", "code", "nodes")) == before
    for row in [*Factory.objects.all(), *System.objects.all(), *Partition.objects.all()]:
        for field, fact in row.facts.items():
            assert fact["source"], (row, field)
            assert fact["confidence"] in Confidence.values, (row, field)


@pytest.mark.django_db
def test_what_is_not_known_is_said_and_never_guessed() -> None:
    load_reference()
    lumi_ai = Partition.objects.get(code="lumi-ai/lumi-ai")
    assert lumi_ai.nodes is None
    found = capacity(lumi_ai, date(2027, 1, 1))
    assert found.accelerator_seconds is None
    assert "number of nodes" in found.unknown
    from fabriek.register.errors import CapacityUnknown

    with pytest.raises(CapacityUnknown, match="number of nodes"):
        known_capacity(lumi_ai, date(2027, 1, 1))


@pytest.mark.django_db
def test_units_are_worth_what_the_partition_says() -> None:
    load_reference()
    lumi = Partition.objects.get(code="lumi/lumi-g")
    day = date(2026, 11, 1)
    assert (conversion(lumi, "node-hour", day).numerator, conversion(lumi, "gcd-hour", day).denominator) == (4, 2)
    snellius = Partition.objects.get(code="snellius/gpu_h100")
    assert conversion(snellius, "sbu", day).denominator == 192
    with pytest.raises(ConversionUnknown):
        conversion(lumi, "sbu", day)
    with pytest.raises(ConversionUnknown):
        conversion(lumi, "node-hour", date(2019, 1, 1))
