"""A promise of every system: pages, API and command say on which of them it fails."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from tests.factories.world import (
    MONTH,
    NEXT,
    make_allocation,
    make_organisation,
    make_partition,
    make_person,
    make_world,
)
from typer.testing import CliRunner

from fabriek.cli.main import app
from fabriek.programmes.actions import declare_capacity, establish_shares, make_promise
from fabriek.programmes.models import Programme, Promise
from fabriek.promises.queries import measured_promise, measured_promises
from fabriek.register.models import Partition

pytestmark = pytest.mark.django_db


@pytest.fixture
def broken_there() -> tuple[Partition, Partition]:
    """The floor is kept on the first system, by far, and not on the second. Both partitions."""
    world = make_world()
    make_allocation(world, gpu_hours=900)
    _factory, other = make_partition(world.operator)
    declare_capacity(world.operator, other, [MONTH, NEXT])
    half = Decimal("0.5")
    establish_shares(world.officer, other, [MONTH, NEXT], {"eu-industrial-entry": half, "eu-science": half})
    here, world.partition = world.partition, other
    make_allocation(world, gpu_hours=100, lead=make_person(organisation=make_organisation("sme")))
    make_promise(
        world.officer,
        code="startups",
        name="Room for start-ups",
        kind="floor",
        programme=Programme.objects.get(code="eu-industrial"),
        organisation_class="startup",
        fraction=Decimal("0.2"),
        of="awarded",
        rank=1,
        valid_from=date(2020, 1, 1),
    )
    return here, other


def test_the_pages_name_the_system_that_fails(broken_there: tuple[Partition, Partition]) -> None:
    here, there = (partition.system.code for partition in broken_there)
    address = reverse("portal:promise", args=["startups"])
    page = Client().get(address).content.decode()
    assert f'<a href="#systems">{there}</a>' in page
    assert f'<a href="#systems">{here}</a>' not in page
    assert page.count(f'href="{reverse("portal:system", args=[here])}"') >= 2, "in the table of systems too"
    assert f'href="{address}#systems">{there}</a>' in Client().get(reverse("portal:promises")).content.decode()
    rows = Client().get(f"{reverse('portal:promises')}?format=csv").content.decode().splitlines()
    column = rows[0].split(",").index("broken_on")
    assert next(row.split(",")[column] for row in rows if row.startswith("startups,")) == there


def test_the_api_and_the_command_name_it_too(broken_there: tuple[Partition, Partition]) -> None:
    here, there = (partition.system.code for partition in broken_there)
    rows = Client().get("/api/v1/promises?per_page=200").json()["items"]
    (found,) = [row for row in rows if row["id"] == "startups"]
    assert (found["holds"], found["required"], found["decided"]) == (False, 200.0, 900.0)
    assert [(on["system"], on["required"], on["decided"], on["holds"]) for on in found["systems"]] == [
        (here, 180.0, 900.0, True),
        (there, 20.0, 0.0, False),
    ]
    printed = CliRunner().invoke(app, ["promises", "--json"])
    assert found in json.loads(printed.stdout)["promises"]


def test_what_is_promised_leads_to_what_it_comes_from(broken_there: tuple[Partition, Partition]) -> None:
    listed = Client().get(reverse("portal:promises")).content.decode()
    for code in ("startups", "share-eu-industrial-entry"):
        assert f'href="{reverse("portal:promise", args=[code])}#promised"' in listed
    page = Client().get(reverse("portal:promise", args=["startups"])).content.decode()
    table = page[page.index('<section class="section" id="promised">') :]
    table = table[: table.index("</section>")]
    assert "Fraction" in table
    assert table.count("20%") == 2, "once for each system"
    assert [value in table for value in (">900", ">100", ">180", ">20", ">200")] == [True] * 5


def test_what_is_promised_is_the_product_of_its_parts_for_every_kind(broken_there: tuple[Partition, Partition]) -> None:
    officer = make_person("officer")
    make_promise(
        officer,
        code="science",
        name="Science as before",
        kind="baseline",
        programme=Programme.objects.get(code="eu-science"),
        accelerator_seconds_a_month=3_600_000,
        valid_from=date(2020, 1, 1),
    )
    Programme.objects.filter(code="eu-science").update(overbooking=Decimal("1.25"))
    rows = Client().get("/api/v1/promises?per_page=200").json()["items"]
    assert {row["kind"] for row in rows} >= {"floor", "baseline", "share"}
    for row in rows:
        detail = Client().get(f"/api/v1/promises/{row['id']}").json()
        parts = detail["promised"]
        assert sum(part["seconds"]["promised"] for part in parts) == detail["seconds"]["required"], row["id"]
        for part in parts:
            product = part["seconds"]["whole"] * part["times"]
            assert abs(product - part["seconds"]["promised"]) <= 1, (row["id"], part)
    found = {row["id"]: Client().get(f"/api/v1/promises/{row['id']}").json()["promised"] for row in rows}
    assert found["science"] == [
        {
            "system": None,
            "whole": 1000.0,
            "times": 2.0,
            "promised": 2000.0,
            "seconds": {"whole": 3_600_000, "promised": 7_200_000},
        }
    ]
    assert found["share-eu-science"][0]["times"] == 1.25


def test_what_nothing_was_awarded_of_is_not_called_kept_and_not_counted(
    broken_there: tuple[Partition, Partition],
) -> None:
    page = Client().get(reverse("portal:promise", args=["share-eu-science"])).content.decode()
    assert "Nothing awarded yet" in page
    assert ">Kept<" not in page
    assert ">Kept<" in Client().get(reverse("portal:promise", args=["share-eu-industrial-entry"])).content.decode()
    measured = measured_promises()
    made = [one for one in measured if one.terms.kind != "share"]
    kept = sum(one.holds for one in made)
    assert kept < len(made) < len(measured), "one is broken, and shares are promises too"
    assert f"of {len(made)} floors, caps and baselines" in Client().get(reverse("portal:promises")).content.decode()
    assert f"{kept} of {len(made)}</a>" in Client().get(reverse("portal:home")).content.decode()


def test_a_page_says_that_too_little_was_used_to_tell(broken_there: tuple[Partition, Partition]) -> None:
    address = reverse("portal:promise", args=["startups"])
    assert "judged from 10%" in Client().get(address).content.decode()
    Promise.objects.filter(code="startups").update(valid_until=date.today())
    assert "Too little was used" not in Client().get(address).content.decode(), "its months are over"
    assert measured_promise("startups")[0].use_judged


def test_a_protected_amount_stands_beside_the_share_that_there_is_now(
    broken_there: tuple[Partition, Partition],
) -> None:
    officer = make_person("officer")
    make_promise(
        officer,
        code="before",
        name="As before",
        programme=Programme.objects.get(code="eu-science"),
        kind="baseline",
        accelerator_seconds_a_month=500 * 3600,
        rank=1,
        valid_from=MONTH,
    )
    measured = measured_promise("before")[0]
    assert measured.required["decided"] == 2 * 500 * 3600
    share = f"{round(measured.share / 3600):,}"
    for address in (reverse("portal:promise", args=["before"]), reverse("portal:promises")):
        page = Client().get(address).content.decode()
        assert "Baselines: a share should reach what was there before" in page
        assert "Before, protected" in page
        assert "1,000" in page
        assert share in page


def test_plots_have_room_for_the_names_of_the_law() -> None:
    make_world()
    page = Client().get(reverse("portal:promises")).content.decode()
    assert '"Playground and Fast Lane together"' in page
    assert "…" not in page.split("<table")[0]
