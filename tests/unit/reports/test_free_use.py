"""What firms used for free is worth what was declared, exactly; what has no price is told and not guessed."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests.factories.ledgers import make_bare_allocation, move_hours
from tests.factories.world import MONTH, NEXT, World, make_organisation, make_person, make_world

from fabriek.audit.models import Event
from fabriek.conf.errors import Invalid, NotAllowed
from fabriek.people.models import Organisation
from fabriek.programmes.models import Programme
from fabriek.register.actions import declare_partition
from fabriek.register.errors import PeriodInvalid
from fabriek.register.models import HourPrice, Partition
from fabriek.register.prices import declare_price
from fabriek.reports.free_use import free_use, together
from fabriek.reports.periods import Period
from fabriek.reports.words import euros

pytestmark = pytest.mark.django_db
PERIOD = Period(MONTH, (NEXT + timedelta(days=32)).replace(day=1))
HOUR = 3600


@pytest.fixture
def world() -> World:
    return make_world()


def use(
    world: World,
    organisation: Organisation,
    seconds: int,
    *,
    month: date = MONTH,
    programme: str = "eu-science",
    commercial: bool = False,
    partition: Partition | None = None,
) -> None:
    code = f"{organisation.code}-{month:%Y%m}-{programme}-{commercial}"
    partition = partition or world.partition
    made = make_bare_allocation(
        code,
        programme=Programme.objects.get(code=programme),
        partition=partition,
        organisation=organisation,
        month=month,
        organisation_class=organisation.organisation_class,
        commercial=commercial,
    )
    of = {"partition": partition.code, "month": month, "programme": programme, "allocation": made.code}
    move_hours(code, **of, source="award", target="used", seconds=seconds)


def price(world: World, euro: str, since: date, **said: object) -> HourPrice:
    return declare_price(
        world.operator, world.partition, euro=Decimal(euro), valid_from=since, source="a quote", **said
    )  # type: ignore[arg-type]


def test_each_month_counts_with_the_price_that_held_when_it_began(world: World) -> None:
    firm = make_organisation("sme")
    price(world, "1.5", date(2020, 1, 1))
    price(world, "2.0001", NEXT, ends_previous=True)
    use(world, firm, 10 * HOUR)
    use(world, firm, 1, month=NEXT)
    (told,) = free_use(PERIOD)
    assert (told.organisation, told.country) == (firm.code, "NL")
    assert told.worth.value == 15 + Fraction("2.0001") / 3600
    assert euros(told.worth.value) == Decimal("15.00")
    assert told.worth.unpriced_seconds == 0


def test_who_pays_and_who_is_no_firm_is_left_out(world: World) -> None:
    price(world, "1", date(2020, 1, 1))
    use(world, make_organisation("academia"), HOUR)
    use(world, make_organisation("public-sector"), HOUR)
    paying = make_organisation("large-industry")
    use(world, paying, HOUR, commercial=True)
    assert free_use(PERIOD) == []
    use(world, paying, 2 * HOUR)
    assert [one.worth.value for one in free_use(PERIOD)] == [2]


def test_what_came_out_of_a_states_share_stands_apart(world: World) -> None:
    price(world, "3", date(2020, 1, 1))
    union = Programme.objects.get(code="eu-science")
    Programme.objects.create(code="nl-own", name="National", pillar=union.pillar, kind="national", country="NL")
    firm = make_organisation("startup")
    use(world, firm, HOUR)
    use(world, firm, 2 * HOUR, programme="nl-own")
    (told,) = free_use(PERIOD)
    assert (told.worth.value, told.worth.national_value) == (9, 6)


def test_without_a_price_hours_are_told_and_worth_nothing(world: World) -> None:
    price(world, "1", NEXT)
    firm = make_organisation("startup")
    use(world, firm, HOUR)
    use(world, firm, HOUR, month=NEXT)
    whole = together(free_use(PERIOD))
    assert (whole.accelerator_seconds, whole.unpriced_seconds, whole.value) == (2 * HOUR, HOUR, 1)


def test_on_a_partition_without_accelerators_cores_are_counted(world: World) -> None:
    cpu = declare_partition(
        world.operator,
        world.partition.system,
        name="cpu",
        kind="cpu",
        nodes=2,
        accelerators_per_node=0,
        cores_per_node=8,
    )
    use(world, make_organisation("sme"), HOUR, partition=cpu)
    assert free_use(PERIOD) == []  # seconds of accelerators, of which this partition has none


def test_two_queries_whatever_there_is(world: World) -> None:
    price(world, "1", date(2020, 1, 1))
    for _number in range(3):
        use(world, make_organisation("sme"), HOUR)
    with CaptureQueriesContext(connection) as queries:
        assert len(free_use(PERIOD)) == 3
    assert len(queries) == 2


def test_a_partition_has_one_price_on_a_day(world: World) -> None:
    first = price(world, "1", date(2026, 1, 1))
    assert price(world, "1", date(2026, 1, 1)) == first
    with pytest.raises(PeriodInvalid, match="known already"):
        price(world, "2", date(2026, 7, 1))
    price(world, "2", date(2026, 7, 1), ends_previous=True)
    first.refresh_from_db()
    assert first.valid_until == date(2026, 7, 1)
    with pytest.raises(PeriodInvalid):
        price(world, "2", date(2030, 1, 1), valid_until=date(2029, 1, 1))
    with pytest.raises(Invalid):
        price(world, "0", date(2025, 1, 1), valid_until=date(2025, 2, 1))
    with pytest.raises(NotAllowed):
        declare_price(make_person("board"), world.partition, euro=Decimal(1), valid_from=MONTH, source="a quote")
    assert Event.objects.filter(verb="register.declare_price").count() == 2
