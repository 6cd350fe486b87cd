"""Programmes and promises: only what has its place in the tree, and only what can be measured."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from tests.factories.world import make_person, make_world

from fabriek.conf.checking import KnownOtherwise
from fabriek.conf.errors import Invalid, NotAllowed
from fabriek.people.models import Person
from fabriek.programmes.actions import establish_programme, make_promise
from fabriek.programmes.errors import ProgrammeRefused, PromiseRefused
from fabriek.programmes.models import Programme
from fabriek.programmes.reference import load_programmes
from fabriek.promises.queries import measured_promises
from fabriek.promises.words import as_rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def officer() -> Person:
    load_programmes()
    return make_person("officer")


def test_a_programme_has_its_parents_pillar(officer: Person) -> None:
    made = establish_programme(
        officer, code="eu-new", name="New", kind="union", parent=Programme.objects.get(code="eu-regular")
    )
    assert made.pillar.code == "infrastructure"
    assert establish_programme(officer, code="nl", name="Netherlands", country="NL").pillar.code == "national"


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"kind": "national"}, "country"),
        ({"kind": "private", "country": "NL"}, "kind"),
        ({"kind": "union"}, "pillar"),
        ({"kind": "national", "country": "NL", "overbooking": Decimal("0.5")}, "overbooking"),
        ({"kind": "national", "country": "NL", "parent": "eu"}, "parent"),
    ],
)
def test_a_programme_without_its_place_is_refused_at_its_field(officer: Person, terms: Any, field: str) -> None:
    if "parent" in terms:
        terms = {**terms, "parent": Programme.objects.get(code=terms["parent"])}
    with pytest.raises(ProgrammeRefused) as refused:
        establish_programme(officer, code="p", name="P", **terms)
    assert list(refused.value.faults) == [field]


def test_a_programme_that_holds_shares_gets_no_parts() -> None:
    world = make_world()
    parent = Programme.objects.get(code="eu-science")
    with pytest.raises(ProgrammeRefused, match="holds shares itself"):
        establish_programme(world.officer, code="part", name="Part", kind="union", parent=parent)


def test_a_known_programme_is_not_established_otherwise(officer: Person) -> None:
    for _time in range(2):
        establish_programme(officer, code="nl", name="Netherlands", country="NL")
    with pytest.raises(KnownOtherwise, match="overbooking"):
        establish_programme(officer, code="nl", name="Netherlands", country="NL", overbooking=Decimal("1.1"))


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"kind": "floor", "fraction": Decimal("0.2")}, "organisation_class"),
        ({"kind": "cap"}, "fraction"),
        ({"kind": "cap", "fraction": Decimal("1.2")}, "fraction"),
        ({"kind": "cap", "fraction": Decimal("0.2"), "valid_until": date(2026, 1, 1)}, "valid_until"),
        ({"kind": "baseline", "programme": None, "accelerator_seconds_a_month": 3600}, "programme"),
        ({"kind": "baseline"}, "accelerator_seconds_a_month"),
    ],
)
def test_a_promise_that_cannot_be_measured_is_refused_at_its_field(officer: Person, terms: Any, field: str) -> None:
    whole = {"name": "P", "programme": Programme.objects.get(code="eu"), "valid_from": date(2026, 1, 1), **terms}
    with pytest.raises(PromiseRefused) as refused:
        make_promise(officer, code="p", **whole)
    assert list(refused.value.faults) == [field]


def test_every_kind_of_promise_is_measured_as_soon_as_it_is_made() -> None:
    world = make_world()
    science = Programme.objects.get(code="eu-science")
    since = {"valid_from": date(2026, 1, 1), "programme": science}
    make_promise(
        world.officer,
        code="a",
        name="A",
        kind="floor",
        fraction=Decimal("0.1"),
        organisation_class="startup",
        of="awarded",
        **since,
    )
    make_promise(world.officer, code="b", name="B", kind="cap", fraction=Decimal("0.5"), **since)
    make_promise(world.officer, code="c", name="C", kind="baseline", accelerator_seconds_a_month=36_000, **since)
    assert {"a", "b", "c"} <= {row["id"] for row in as_rows(measured_promises())}


def test_a_promise_of_an_unknown_kind_is_refused(officer: Person) -> None:
    with pytest.raises(Invalid) as refused:
        make_promise(officer, code="p", name="P", kind="wish", fraction=Decimal("0.1"), valid_from=date(2026, 1, 1))
    assert list(refused.value.faults) == ["kind"]


def test_only_officers_promise(officer: Person) -> None:
    with pytest.raises(NotAllowed):
        make_promise(make_person("operator"), code="p", name="P", kind="cap", valid_from=date(2026, 1, 1))
