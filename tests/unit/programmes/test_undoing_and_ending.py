"""What can be taken back and what can end: a reallocation by its opposite, a promise on a day, a programme's name."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from tests.factories.world import MONTH, World, make_allocation, make_person, make_world

from fabriek.audit.models import Event
from fabriek.conf.errors import NotAllowed
from fabriek.ledger.models import Transaction
from fabriek.ledger.queries import balances, check
from fabriek.people.models import Person
from fabriek.programmes.actions import end_promise, make_promise, rename_programme
from fabriek.programmes.errors import (
    AlreadyGiven,
    ProgrammeRefused,
    PromiseRefused,
    ReallocationRefused,
    UndoneAlready,
)
from fabriek.programmes.models import Programme, Promise, Reallocation
from fabriek.programmes.moving import reallocate, undo_reallocation
from fabriek.programmes.reference import load_programmes
from fabriek.promises.queries import measured_promises

pytestmark = pytest.mark.django_db
TODAY = date.today()


def moved(world: World, seconds: int) -> Reallocation:
    entry, science = (Programme.objects.get(code=code) for code in ("eu-industrial-entry", "eu-science"))
    return reallocate(world.officer, world.partition, MONTH, science, entry, seconds, "unused")


def shares() -> Any:
    return balances(["programme", "unit"], kind="share", month=MONTH)


def test_undoing_moves_back_to_the_second_and_both_stay_on_record() -> None:
    world = make_world()
    before = shares()
    first = moved(world, 3_601)
    assert shares() != before
    undone = undo_reallocation(world.officer, first, "a mistake")
    assert shares() == before
    assert (undone.from_programme, undone.to_programme) == (first.to_programme, first.from_programme)
    assert (undone.accelerator_seconds, undone.core_seconds) == (first.accelerator_seconds, first.core_seconds)
    assert Transaction.objects.filter(kind="reallocation").count() == 2
    assert check() == []


def test_hours_are_undone_once_and_with_a_reason() -> None:
    world = make_world()
    first = moved(world, 3_600)
    with pytest.raises(ReallocationRefused, match="Say why"):
        undo_reallocation(world.officer, first, " ")
    undone = undo_reallocation(world.officer, first, "a mistake")
    with pytest.raises(UndoneAlready):
        undo_reallocation(world.officer, first, "again")
    with pytest.raises(ReallocationRefused, match="Move the hours again"):
        undo_reallocation(world.officer, undone, "again")
    with pytest.raises(NotAllowed):
        undo_reallocation(world.operator, first, "not mine to undo")


def test_hours_that_were_awarded_since_are_not_taken_back() -> None:
    world = make_world()
    free = shares()["eu-industrial-entry", "accelerator-seconds"]
    first = moved(world, 36_000)
    make_allocation(world, gpu_hours=(free + 36_000) // 3600)
    with pytest.raises(AlreadyGiven, match="left to move"):
        undo_reallocation(world.officer, first, "too late")
    assert check() == []


@pytest.fixture
def promise() -> Promise:
    load_programmes()
    return make_promise(
        make_person("officer"),
        code="sme",
        name="SMEs",
        kind="floor",
        organisation_class="sme",
        fraction=Decimal("0.3"),
        of="awarded",
        valid_from=TODAY - timedelta(days=30),
    )


def test_a_promise_that_ends_is_measured_until_that_day(promise: Promise) -> None:
    officer = make_person("officer")
    make_world()
    ended = end_promise(officer, promise, TODAY + timedelta(days=1), "the policy changed")
    assert end_promise(officer, promise, TODAY + timedelta(days=1), "the policy changed") == ended
    assert Event.objects.filter(verb="programmes.end_promise").count() == 1
    assert "sme" in {one.terms.code for one in measured_promises()}
    assert "sme" not in {one.terms.code for one in measured_promises(TODAY + timedelta(days=1))}


@pytest.mark.parametrize(
    ("day", "why", "field"),
    [(-1, "late", "valid_until"), (-30, "never", "valid_until"), (5, " ", "why")],
)
def test_a_promise_does_not_end_in_the_past_or_without_a_reason(
    promise: Promise, day: int, why: str, field: str
) -> None:
    with pytest.raises(PromiseRefused) as refused:
        end_promise(make_person("officer"), promise, TODAY + timedelta(days=day), why)
    assert list(refused.value.faults) == [field]


def test_what_ended_stays_ended(promise: Promise) -> None:
    officer = make_person("officer")
    Promise.objects.filter(pk=promise.pk).update(valid_until=TODAY)
    with pytest.raises(PromiseRefused) as refused:
        end_promise(officer, promise, TODAY + timedelta(days=9), "on second thoughts")
    assert list(refused.value.faults) == ["valid_until"]
    with pytest.raises(NotAllowed):
        end_promise(make_person("board"), promise, TODAY + timedelta(days=9), "no")


def test_a_renamed_programme_keeps_its_code_and_its_former_name() -> None:
    load_programmes()
    officer = make_person("officer")
    programme = Programme.objects.get(code="eu-science")
    before = programme.name
    for _time in range(2):
        programme = rename_programme(officer, programme, "AI for Research", "the policy calls it so")
    assert programme.code == "eu-science"
    assert [former.name for former in programme.former_names.all()] == [before]
    load_programmes()
    assert Programme.objects.get(code="eu-science").name == "AI for Research"


@pytest.mark.parametrize(
    ("name", "why", "field"), [(" ", "x", "name"), ("Large Scale", "x", "name"), ("New", "", "why")]
)
def test_a_name_that_is_empty_or_taken_or_unexplained_is_refused(name: str, why: str, field: str) -> None:
    load_programmes()
    officer: Person = make_person("officer")
    with pytest.raises(ProgrammeRefused) as refused:
        rename_programme(officer, Programme.objects.get(code="eu-science"), name, why)
    assert list(refused.value.faults) == [field]
