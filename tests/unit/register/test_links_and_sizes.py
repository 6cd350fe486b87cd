"""Links between sites, either way and with their period; partitions that grow and shrink on a day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from tests.factories.world import MONTH, NEXT, make_partition, make_person, make_world

from fabriek.audit.models import Event
from fabriek.conf.errors import Invalid, NotAllowed
from fabriek.people.models import Person
from fabriek.programmes.actions import declare_capacity
from fabriek.programmes.errors import AlreadyGiven
from fabriek.register.actions import declare_link, declare_site, end_link, plan_maintenance, resize_partition
from fabriek.register.errors import PeriodInvalid
from fabriek.register.models import Link, Partition, Site
from fabriek.register.queries import accelerators_of, capacity, links_on, nodes_of, system_page
from fabriek.register.rules import least_seconds_to_move

pytestmark = pytest.mark.django_db
DAY = date(2027, 1, 1)


@pytest.fixture
def operator() -> Person:
    return make_person("operator")


@pytest.fixture
def ends(operator: Person) -> tuple[Site, Site]:
    first, second = (
        declare_site(operator, code=code, name=code.upper(), country="NL", city="Delft") for code in ("a", "b")
    )
    return first, second


def test_a_link_is_known_once_whichever_end_it_is_told_from(operator: Person, ends: tuple[Site, Site]) -> None:
    said = {"valid_from": DAY, "gigabits_per_second": 400.0, "network": "GÉANT"}
    there = declare_link(operator, ends[1], ends[0], **said)
    back = declare_link(operator, ends[0], ends[1], **said)
    assert there == back
    assert (there.from_site.code, there.to_site.code) == ("a", "b")
    assert there.facts["gigabits_per_second"]["source"] == "operator"
    assert Event.objects.filter(verb="register.declare_link").count() == 1


def test_a_faster_link_ends_the_one_before_where_that_is_asked(operator: Person, ends: tuple[Site, Site]) -> None:
    declare_link(operator, *ends, valid_from=DAY, gigabits_per_second=100.0)
    later = DAY + timedelta(days=90)
    with pytest.raises(PeriodInvalid):
        declare_link(operator, *ends, valid_from=later, gigabits_per_second=400.0)
    declare_link(operator, *ends, valid_from=later, gigabits_per_second=400.0, ends_previous=True)
    assert [link.gigabits_per_second for link in links_on(DAY)] == [100]
    assert [link.gigabits_per_second for link in links_on(later)] == [400]
    # Another network's link may be there beside it, and its speed may be unknown.
    declare_link(operator, *ends, valid_from=later, network="SURF")
    assert sorted(str(link.gigabits_per_second) for link in links_on(later, [ends[0]])) == ["400.0", "None"]


def test_a_link_ends_on_a_day(operator: Person, ends: tuple[Site, Site]) -> None:
    link = declare_link(operator, *ends, valid_from=DAY)
    with pytest.raises(PeriodInvalid):
        end_link(operator, link, DAY)
    last = DAY + timedelta(days=10)
    end_link(operator, link, last, "the contract ended")
    assert list(links_on(last)) == []
    assert [found.pk for found in links_on(last - timedelta(days=1))] == [link.pk]


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan"), float("inf"), 1e9])
def test_a_speed_that_is_none_is_refused(operator: Person, ends: tuple[Site, Site], speed: float) -> None:
    with pytest.raises(Invalid) as refused:
        declare_link(operator, *ends, valid_from=DAY, gigabits_per_second=speed)
    assert list(refused.value.faults) == ["gigabits_per_second"]


def test_a_link_to_itself_or_by_who_may_not_is_refused(operator: Person, ends: tuple[Site, Site]) -> None:
    with pytest.raises(Invalid):
        declare_link(operator, ends[0], ends[0], valid_from=DAY)
    with pytest.raises(NotAllowed):
        declare_link(make_person("officer"), *ends, valid_from=DAY)
    assert not Link.objects.exists()


def test_a_terabyte_over_a_hundred_gigabits_takes_eighty_seconds() -> None:
    assert least_seconds_to_move(10**12, 100) == pytest.approx(80)


def test_a_partition_that_grows_gives_more_from_that_day_on(operator: Person) -> None:
    _factory, partition = make_partition(operator, nodes=4)
    month = date(2027, 3, 1)
    whole = capacity(partition, month).accelerator_seconds
    resize_partition(operator, partition, 6, date(2027, 3, 21), "a rack more")
    grown = capacity(partition, month)
    assert whole is not None
    assert grown.accelerator_seconds == whole + 2 * 4 * 11 * 86_400 * 95 // 100
    assert (grown.nodes, grown.nodes_at_end, grown.changes) == (4, 6, True)
    assert nodes_of(partition, date(2027, 3, 20)) == 4
    assert nodes_of(partition, date(2027, 3, 21)) == 6
    # No more nodes are down than there are at that moment.
    with pytest.raises(Invalid):
        plan_maintenance(
            operator, partition, datetime(2027, 3, 1, tzinfo=UTC), datetime(2027, 3, 2, tzinfo=UTC), 6, "cooling"
        )


def test_the_same_size_again_changes_nothing_and_another_for_that_day_replaces_it(operator: Person) -> None:
    _factory, partition = make_partition(operator, nodes=4)
    for _time in range(2):
        resize_partition(operator, partition, 6, DAY, "a rack more")
    assert Event.objects.filter(verb="register.resize_partition").count() == 1
    resize_partition(operator, partition, 8, DAY, "two racks")
    assert nodes_of(partition, DAY) == 8
    with pytest.raises(Invalid):
        resize_partition(operator, partition, 8, DAY + timedelta(days=1), "no change")
    with pytest.raises(Invalid):
        resize_partition(operator, partition, 9, DAY, " ")


def test_a_partition_does_not_shrink_under_what_was_shared_out() -> None:
    world = make_world()
    resize_partition(world.operator, world.partition, 1, MONTH, "sold")
    partition = Partition.objects.get(pk=world.partition.pk)
    with pytest.raises(AlreadyGiven, match="Lower the shares first"):
        declare_capacity(world.operator, partition, [NEXT])


def test_a_system_counts_the_accelerators_that_it_has_now(operator: Person) -> None:
    _factory, partition = make_partition(operator, nodes=4)
    today = date.today()
    resize_partition(operator, partition, 6, today, "a rack more")
    resize_partition(operator, partition, 0, today + timedelta(days=1), "out of service")
    system = system_page(partition.system.code)
    assert system is not None
    assert accelerators_of(system) == 24
