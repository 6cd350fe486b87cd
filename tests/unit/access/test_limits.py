"""A mode that counts in node-hours opens a call with limits in GPU-hours, as its partitions' conversions say."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from django.utils.translation import override
from tests.factories.world import MONTH, World, make_draft, make_organisation, make_person, make_world

from fabriek.access.actions import open_call, submit_application
from fabriek.access.models import AccessMode, Call
from fabriek.access.queries import front_door
from fabriek.access.rules import Wish, misfits
from fabriek.conf.errors import Invalid
from fabriek.programmes.models import Programme
from fabriek.register.actions import declare_partition
from fabriek.register.errors import ConversionUnknown
from fabriek.register.models import Partition
from fabriek.register.queries import conversion

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world()


def second_partition(world: World, accelerators: int, since: date = date(2021, 1, 1)) -> Partition:
    return declare_partition(
        world.operator,
        world.partition.system,
        name=f"gpu-{accelerators}",
        kind="gpu",
        nodes=2,
        accelerators_per_node=accelerators,
        cores_per_node=64,
        since=since,
    )


def science(world: World, *partitions: Partition, **terms: Any) -> Call:
    return open_call(
        world.officer,
        **{
            "access_mode": AccessMode.objects.get(code="aif-science"),
            "factory": world.factory,
            "programme": Programme.objects.get(code="eu-science"),
            "partitions": [world.partition, *partitions],
            "title": "Science",
            "opens": datetime.now(UTC) - timedelta(hours=1),
            "closes": datetime.now(UTC) + timedelta(days=5),
            "first_month": MONTH,
            "months": 2,
            "durations_months": [1, 2],
            **terms,
        },
    )


def test_a_science_call_opened_from_its_template_refuses_a_request_over_its_limit(world: World) -> None:
    call = science(world)
    assert (call.minimum_gpu_hours, call.maximum_gpu_hours) == (80_000, 360_000)  # 20,000 to 90,000 nodes of 4
    applicant = make_person(organisation=make_organisation("academia"))
    of_call = World(world.officer, world.operator, world.factory, world.partition, world.cluster, call)
    draft = make_draft(of_call, applicant=applicant, gpu_hours=360_001)
    with pytest.raises(Invalid) as refused:
        submit_application(applicant, draft)
    assert "360,001 GPU-hours are more than this call's 360,000" in str(refused.value.faults)


def test_where_partitions_differ_the_strictest_holds(world: World) -> None:
    call = science(world, second_partition(world, 8))
    assert (call.minimum_gpu_hours, call.maximum_gpu_hours) == (160_000, 360_000)


def test_limits_that_leave_nothing_to_ask_for_are_refused_and_the_officers_own_hold(world: World) -> None:
    single = second_partition(world, 1)
    with pytest.raises(Invalid) as refused:
        science(world, single, maximum_gpu_hours=1)
    assert "80,000" in str(refused.value.faults["maximum_gpu_hours"])
    call = science(world, single, minimum_gpu_hours=0, maximum_gpu_hours=1)
    assert (call.minimum_gpu_hours, call.maximum_gpu_hours) == (0, 1)


def test_an_unknown_conversion_is_refused_unless_the_officer_gives_the_limits(world: World) -> None:
    later = second_partition(world, 4, since=MONTH + timedelta(days=1))
    with pytest.raises(Invalid) as refused:
        science(world, later)
    assert set(refused.value.faults) == {"minimum_gpu_hours", "maximum_gpu_hours"}
    assert later.code in refused.value.faults["maximum_gpu_hours"][0]
    assert not Call.objects.filter(title="Science").exists()
    call = science(world, later, minimum_gpu_hours=None, maximum_gpu_hours=1_000)
    assert (call.minimum_gpu_hours, call.maximum_gpu_hours) == (None, 1_000)


def test_a_fraction_of_an_hour_is_cut_to_the_strict_side(world: World) -> None:
    world.partition.conversions.filter(unit="node-hour").update(numerator=1, denominator=7)
    call = science(world)
    assert (call.minimum_gpu_hours, call.maximum_gpu_hours) == (2_858, 12_857)


def test_the_front_door_tells_by_what_a_node_hour_may_be_worth(world: World) -> None:
    mode = AccessMode.objects.get(code="aif-science")
    worths = [Fraction(2), Fraction(4)]
    assert misfits(mode, Wish("academia", 360_001), worths) == ["too-much"]
    assert misfits(mode, Wish("academia", 360_000), worths) == []
    assert misfits(mode, Wish("academia", 39_999), worths) == ["too-little"]
    assert misfits(mode, Wish("academia", 39_999), []) == []
    here = frozenset({world.factory.code})
    (told,) = [m for m in front_door(Wish("academia", 360_001, factories=here)) if m.mode == mode]
    assert told.why == ["too-much"]


@pytest.mark.parametrize(("language", "unit"), [("en", "node-hour"), ("nl", "node-uur")])
def test_a_refusal_names_the_unit_in_the_readers_language(world: World, language: str, unit: str) -> None:
    world.partition.conversions.all().delete()
    with override(language), pytest.raises(ConversionUnknown) as refusal:
        conversion(world.partition, "node-hour", MONTH)
    assert f" {unit} " in str(refusal.value)
