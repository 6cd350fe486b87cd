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
from fabriek.programmes.models import Programme
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
