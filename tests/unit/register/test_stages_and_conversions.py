"""Stages through time, and what units are worth: dated, with source and confidence, never two things at once."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st
from tests.api.test_rest import client_of, post
from tests.factories.world import World, make_person, make_world
from tests.unit.portal.test_declaring import faults_of, send, signed_in

from fabriek.audit.models import Event
from fabriek.conf.errors import Invalid, NotAllowed
from fabriek.register.conversions import declare_conversion
from fabriek.register.errors import PeriodInvalid
from fabriek.register.models import StageChange, System, UnitConversion
from fabriek.register.queries import conversion
from fabriek.register.reference import load_reference
from fabriek.register.rules import first_overlap
from fabriek.register.stages import change_stage

TODAY = date.today()
FIRST = date(2026, 1, 1)
DAYS = st.integers(0, 30).map(lambda n: FIRST + timedelta(days=n))
PERIODS = st.lists(
    st.tuples(DAYS, st.none() | st.integers(1, 10)).map(
        lambda found: (found[0], None if found[1] is None else found[0] + timedelta(days=found[1]))
    ),
    max_size=5,
)


@pytest.fixture
def world() -> World:
    return make_world()


@given(PERIODS)
def test_periods_overlap_where_some_day_lies_in_two_of_them(periods: list[tuple[date, date | None]]) -> None:
    days = [FIRST + timedelta(days=n) for n in range(60)]
    twice = [d for d in days if sum(start <= d and (until is None or d < until) for start, until in periods) > 1]
    assert first_overlap(periods) == (twice[0] if twice else None)


@pytest.mark.django_db
def test_the_stage_is_the_one_entered_last_and_earlier_days_are_history(world: World) -> None:
    system = world.partition.system
    change_stage(world.operator, system, "operating", "2025-03", "first jobs", source="https://example.org/")
    change_stage(world.operator, system, "procured", "2023", confidence="low")
    change_stage(world.operator, system, "procured", "2023", confidence="low")
    system.refresh_from_db()
    assert (system.stage, system.stage_text) == ("operating", "first jobs")
    assert system.facts["stage"] == {"source": "https://example.org/", "confidence": "high"}
    assert [change.on for change in system.stages.all()] == ["2023", "2025-03"]
    assert Event.objects.filter(verb="register.change_stage").count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("stage", "on", "field"),
    [
        ("sold", "2025", "stage"),
        ("retired", "soon", "on"),
        ("retired", "2025-13", "on"),
        ("retired", "2025-02-30", "on"),
        ("retired", str(TODAY + timedelta(days=1)), "on"),
    ],
)
def test_no_such_stage_no_such_day_and_no_day_to_come(world: World, stage: str, on: str, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        change_stage(world.operator, world.partition.system, stage, on)
    assert set(refused.value.faults) == {field}
    assert not StageChange.objects.exists()


@pytest.mark.django_db
def test_what_is_in_a_stage_does_not_enter_it(world: World) -> None:
    change_stage(world.operator, world.factory, "operating", "2025")
    with pytest.raises(Invalid, match="since 2025"):
        change_stage(world.operator, world.factory, "operating", "2026")
    with pytest.raises(NotAllowed):
        change_stage(world.officer, world.factory, "retired", "2026")


@pytest.mark.django_db
def test_one_unit_has_one_worth_on_a_day(world: World) -> None:
    partition, day = world.partition, date(2026, 7, 1)
    with pytest.raises(PeriodInvalid, match="known already"):
        declare_conversion(world.operator, partition, unit="node-hour", numerator=8, valid_from=day)
    declare_conversion(world.operator, partition, unit="node-hour", numerator=8, valid_from=day, ends_previous=True)
    declare_conversion(world.operator, partition, unit="node-hour", numerator=8, valid_from=day, ends_previous=True)
    assert conversion(partition, "node-hour", day - timedelta(days=1)).numerator == 4
    assert conversion(partition, "node-hour", day).numerator == 8
    assert Event.objects.filter(verb="register.declare_conversion").count() == 1
    declare_conversion(world.operator, partition, unit="sbu", numerator=1, denominator=192, valid_from=day)
    with pytest.raises(PeriodInvalid):
        declare_conversion(
            world.operator,
            partition,
            unit="sbu",
            numerator=1,
            valid_from=date(2020, 1, 1),
            valid_until=date(2027, 1, 1),
        )
    with pytest.raises(NotAllowed):
        declare_conversion(world.officer, partition, unit="sbu", numerator=1, valid_from=day)


@pytest.mark.django_db
def test_loading_the_reference_again_keeps_what_the_operator_declared() -> None:
    load_reference()
    operator, system = make_person("operator"), System.objects.get(code="lumi")
    partition = system.partitions.get(code="lumi/lumi-g")
    change_stage(operator, system, "retired", "2026-02")
    declare_conversion(
        operator, partition, unit="node-hour", numerator=8, valid_from=date(2026, 1, 1), ends_previous=True
    )
    counted = UnitConversion.objects.count(), StageChange.objects.count()
    load_reference()
    system.refresh_from_db()
    assert system.stage == "retired"
    assert conversion(partition, "node-hour", date(2026, 1, 1)).numerator == 8
    assert (UnitConversion.objects.count(), StageChange.objects.count()) == counted


@pytest.mark.django_db
def test_pages_declare_them_and_show_them_with_source_and_confidence(world: World) -> None:
    client, system = signed_in(world.operator), world.partition.system
    stage = {"thing": f"system:{system.code}", "stage": "retired", "on": "2026-02", "confidence": "low", "text": "sold"}
    assert "on" in faults_of(send(client, "change_stage", {**stage, "on": "2999"}))
    done = send(client, "change_stage", stage)
    assert done["Location"] == f"{reverse('portal:system', args=[system.code])}#stages"
    worth = {"partition": world.partition.code, "unit": "sbu", "numerator": "1", "denominator": "192"}
    worth |= {"valid_from": "2026-01-01", "valid_until": "2027-01-01", "confidence": "medium", "source": "the tariff"}
    assert send(client, "declare_conversion", worth).status_code == 303
    assert "valid_from" in faults_of(send(client, "declare_conversion", {**worth, "numerator": "2"}))
    shown = Client().get(reverse("portal:system", args=[system.code])).content.decode()
    for told in ("February 2026", "sold", "Low confidence", "1/192", "1 Jan 2027", "the tariff", "Medium confidence"):
        assert told in shown, told
    for kind, thing in (("system", system), ("factory", world.factory)):
        asked = client.get(reverse("portal:change_stage"), {"thing": f"{kind}:{thing.code}"})
        assert thing.name in asked.content.decode()
    send(client, "change_stage", {**stage, "thing": f"factory:{world.factory.code}", "source": "a letter"})
    assert "a letter" in Client().get(reverse("portal:factory", args=[world.factory.code])).content.decode()


@pytest.mark.django_db
def test_the_api_declares_them_and_shows_them(world: World) -> None:
    operator, (system, partition) = client_of(world.operator, "read", "operate"), world.partition.code.split("/")
    stage = {"stage": "retired", "on": "2026-02", "source": "a letter", "confidence": "low"}
    for address in (f"/systems/{system}", f"/factories/{world.factory.code}"):
        assert post(operator, f"{address}/stages", stage).status_code == 200
        detail = operator.get(f"/api/v1{address}").json()
        assert (detail["stage"], detail["stages"]) == ("retired", [{**stage, "text": ""}])
    worth = {"unit": "sbu", "numerator": 1, "denominator": 192, "valid_from": "2026-01-01"}
    address = f"/partitions/{system}/{partition}/conversions"
    assert post(operator, address, worth).status_code == 200
    assert post(operator, address, {**worth, "numerator": 2}).status_code == 422
    (part,) = operator.get(f"/api/v1/systems/{system}").json()["partitions"]
    assert {"node-hour", "sbu"} <= {row["unit"] for row in part["conversions"]}
    assert post(operator, "/systems/nothing/stages", stage).status_code == 404
    for role in ("", "reviewer", "officer", "administrator"):
        other = client_of(make_person(role), "read", "apply", "review", "decide", "operate", "admin")
        assert post(other, f"/systems/{system}/stages", stage).status_code == 403
        assert post(other, address, worth).status_code == 403
