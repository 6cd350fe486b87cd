"""Access time per state and category: as the ledger has it, and nobody is left out."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests.factories.ledgers import make_bare_allocation, move_hours
from tests.factories.world import MONTH, NEXT, World, make_allocation, make_organisation, make_person, make_world

from fabriek.ledger.actions import Move, account, post
from fabriek.ledger.models import Account
from fabriek.programmes.actions import establish_programme
from fabriek.programmes.models import Programme
from fabriek.projects.actions import settle
from fabriek.reports.access_time import Amounts, Cell, access_time, systems_on_ledger, together, total, years_to_choose
from fabriek.reports.periods import Period

pytestmark = pytest.mark.django_db
BOTH = Period(MONTH, (NEXT + timedelta(days=32)).replace(day=1))
HOUR = 3600


@pytest.fixture
def world() -> World:
    return make_world()


def bare(world: World, code: str, seconds: int, *, used: int = 0, **said: object) -> None:
    """An allocation with so much awarded out of a share, and so much used of it."""
    programme = said.pop("programme", Programme.objects.get(code="eu-science"))
    made = make_bare_allocation(
        code, programme=programme, partition=world.partition, organisation=make_organisation(), month=MONTH, **said
    )  # type: ignore[arg-type]
    of = {"partition": world.partition.code, "month": MONTH, "programme": programme.code, "allocation": made.code}
    move_hours(f"{code}:award", **of, source="share", target="award", seconds=seconds)
    if used:
        move_hours(f"{code}:used", **of, source="award", target="used", seconds=used)


def test_an_award_is_counted_where_its_organisation_is_established(world: World) -> None:
    make_allocation(world, 100, months=2, lead=make_person(organisation=make_organisation("academia", "FR")))
    make_allocation(world, 30, lead=make_person(organisation=make_organisation("startup", "DE")))
    system = world.partition.system.code
    assert access_time(BOTH) == [
        Cell(system, "DE", "startup", Amounts(30 * HOUR, 30 * HOUR)),
        Cell(system, "FR", "academia", Amounts(100 * HOUR, 100 * HOUR)),
    ]


def test_hours_belong_to_the_month_in_which_they_can_be_used(world: World) -> None:
    make_allocation(world, 100, months=2)
    assert total(access_time(Period(MONTH, NEXT))).granted == 50 * HOUR
    assert total(access_time(Period(NEXT, BOTH.until))).granted == 50 * HOUR
    assert access_time(Period(date(2020, 1, 1), MONTH)) == []


def test_what_was_given_back_was_not_granted_and_what_lapsed_was(world: World) -> None:
    bare(world, "back", 10, used=4)
    of = {"partition": world.partition.code, "month": MONTH, "programme": "eu-science", "allocation": "back.1"}
    move_hours("lapse", **of, source="award", target="lapsed", seconds=1)
    assert total(access_time(BOTH)) == Amounts(10, 10, 4, 4)
    move_hours("return", **of, source="award", target="share", seconds=5)
    assert total(access_time(BOTH)) == Amounts(5, 5, 4, 4)
    allocation = make_allocation(world, 8)
    settle(world.officer, allocation)
    assert total(access_time(BOTH)) == Amounts(5, 5, 4, 4)


def test_paid_commercial_use_is_a_category_of_its_own(world: World) -> None:
    bare(world, "paid", 7, commercial=True, organisation_class="large-industry")
    bare(world, "free", 5, organisation_class="large-industry")
    assert together(access_time(BOTH), "category") == {
        ("paid",): Amounts(7, 7),
        ("large-industry",): Amounts(5, 5),
    }


def test_of_a_states_own_share_nothing_is_the_unions(world: World) -> None:
    national = establish_programme(
        world.officer, code="nl", name="National", kind="national", country="NL", pillar=None
    )
    bare(world, "own", 9, used=2, programme=national)
    bare(world, "union", 6, used=1)
    assert total(access_time(BOTH)) == Amounts(15, 6, 3, 1)


def test_what_is_not_known_is_a_row(world: World) -> None:
    bare(world, "nowhere", 3, country="")
    bare(world, "classless", 4, organisation_class="")
    nobody = account(
        "award", unit="accelerator-seconds", partition="gone/gpu", month=MONTH, programme="gone", allocation="gone.1"
    )
    share = account(
        "share", unit="accelerator-seconds", partition="gone/gpu", month=MONTH, programme="gone", minimum=-9
    )
    post(None, key="gone", kind="award", moves=[Move(share, nobody, 5)])
    cells = access_time(BOTH)
    assert together(cells, "country") == {("",): Amounts(8, 3), ("NL",): Amounts(4, 4)}
    assert together(cells, "system")["",] == Amounts(5, 0)
    assert together(cells, "category")["",] == Amounts(9, 4)


def test_core_hours_are_counted_from_their_own_accounts(world: World) -> None:
    make_allocation(world, 10)
    cores = total(access_time(BOTH, "core-seconds")).granted
    assert cores == 10 * HOUR * 16  # 64 cores beside 4 accelerators
    held = Account.objects.filter(kind="award", unit="core-seconds")
    assert cores == sum(one.balance for one in held)


def test_one_query_whatever_there_is(world: World) -> None:
    for number in range(4):
        bare(world, f"many-{number}", 10, country=("NL", "DE", "FR", "")[number])
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert len(access_time(BOTH)) == 4
    assert len(queries) == 1


def test_one_system_is_asked_alone(world: World) -> None:
    other = make_world()
    make_allocation(world, 10)
    make_allocation(other, 20)
    (cell,) = access_time(BOTH, system=other.partition.system.code)
    assert cell.amounts.granted == 20 * HOUR
    assert {code for code, _name in systems_on_ledger()} == {world.partition.system.code, other.partition.system.code}


def test_this_year_and_the_last_can_always_be_chosen(world: World) -> None:
    assert set(years_to_choose(date(2031, 5, 1))) == {2031, 2030, MONTH.year, NEXT.year}
