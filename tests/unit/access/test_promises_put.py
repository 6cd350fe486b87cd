"""Promises in the problem of a decision say what they say: over all their programmes, on each system, of their base."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from tests.factories.world import (
    MONTH,
    NEXT,
    World,
    make_allocation,
    make_draft,
    make_organisation,
    make_partition,
    make_person,
    make_submitted,
)
from tests.factories.world import make_world as a_world

from fabriek.access import actions
from fabriek.access.actions import open_call
from fabriek.access.exceeded import without_exceeded
from fabriek.access.models import AccessMode, Application
from fabriek.access.problem import compose
from fabriek.allocation.plan import load_plan
from fabriek.allocation.problem import Problem, parse_problem
from fabriek.allocation.problem import Promise as Row
from fabriek.people.models import Organisation
from fabriek.programmes.actions import declare_capacity, establish_shares, make_promise
from fabriek.programmes.errors import PromiseRefused
from fabriek.programmes.models import Programme
from fabriek.promises.queries import measured_promises
from fabriek.register.actions import declare_availability, declare_partition
from fabriek.register.models import Partition

pytestmark = pytest.mark.django_db
ENTRY, LARGE, SCIENCE, UNION = "eu-industrial-entry", "eu-industrial-large", "eu-science", "eu"


@pytest.fixture
def world() -> World:
    world = a_world()
    share(world, world.partition)
    return world


def share(world: World, partition: Partition) -> None:
    table = {ENTRY: Decimal("0.3"), LARGE: Decimal("0.3"), SCIENCE: Decimal("0.4")}
    establish_shares(world.officer, partition, [MONTH, NEXT], table)


def another_system(world: World) -> Partition:
    _factory, partition = make_partition(world.operator)
    declare_capacity(world.operator, partition, [MONTH, NEXT])
    share(world, partition)
    return partition


def promise(world: World, programme: str | None = "eu-industrial", **more: Any) -> None:
    make_promise(
        world.officer,
        **{
            "code": "startups",
            "name": "Room for start-ups",
            "kind": "floor",
            "programme": Programme.objects.get(code=programme) if programme else None,
            "organisation_class": "startup",
            "fraction": Decimal("0.2"),
            "of": "awarded",
            "rank": 1,
            "valid_from": date(2020, 1, 1),
            **more,
        },
    )


def problem(world: World, programmes: Sequence[str], *more: Partition) -> Problem:
    return compose([MONTH, NEXT], [world.partition.code, *(p.code for p in more)], list(programmes), lambda _: [])


def rows(found: Problem, code: str = "startups") -> list[Row]:
    return [row for row in found.promises if row.id.split(":")[0] == code]


def sme() -> Organisation:
    return make_organisation("sme")


def test_over_two_of_three_programmes_it_is_one_row(world: World) -> None:
    promise(world)
    (row,) = rows(problem(world, [ENTRY, LARGE, SCIENCE]))
    assert (row.id, row.programme, row.programmes, row.base, row.partitions) == (
        "startups", None, [ENTRY, LARGE], None, None
    )  # fmt: skip
    (alone,) = rows(problem(world, [ENTRY, SCIENCE]))
    assert (alone.programme, alone.programmes) == (ENTRY, None)
    (only,) = rows(problem(world, [ENTRY]))
    assert (only.programme, only.programmes) == (None, None)
    assert rows(problem(world, [SCIENCE])) == []


def test_what_other_programmes_of_it_were_awarded_counts_as_on_the_ledger(world: World) -> None:
    make_allocation(world, gpu_hours=100)
    make_allocation(world, gpu_hours=300, lead=make_person(organisation=sme()))
    promise(world)
    promise(world, None, code="of-all")
    measured = {one.terms.code: one for one in measured_promises()}
    # The awards are of the entry programme; the decision is on others.
    for decided, code in (([LARGE], "startups"), ([LARGE, SCIENCE], "startups"), ([SCIENCE], "of-all")):
        (row,) = rows(problem(world, decided), code)
        assert (row.reached_before, row.base_before) == (100.0, 400.0)
        assert measured[code].decided == row.reached_before * 3600
        assert measured[code].required["decided"] == row.base_before * row.fraction * 3600


def test_after_publishing_the_ledger_says_what_the_plan_said(world: World) -> None:
    make_person("reviewer", organisation=make_organisation("academia", "DE"))
    make_allocation(world, gpu_hours=300, lead=make_person(organisation=sme()))
    promise(world)
    promise(world, ENTRY, code="of-the-union", base=Programme.objects.get(code=UNION))
    application = make_submitted(world, gpu_hours=100)
    actions.check_eligibility(world.officer, application)
    for review in actions.assign_reviewers(world.officer, [application]):
        scores = {criterion["code"]: 5 for criterion in world.call.criteria}
        actions.submit_review(review.reviewer, review, scores, "Good.")
    actions.settle_consensus(world.officer, application)
    decision = actions.propose_decision(world.officer, [world.call])
    actions.publish_decision(world.officer, decision)
    told = {row.id: row for row in load_plan(decision.plan.encode()).promises}
    measured = {one.terms.code: one for one in measured_promises()}
    for code in ("startups", "of-the-union"):
        assert measured[code].decided == told[code].reached * 3600 == 100 * 3600
        assert measured[code].required["decided"] == told[code].required * 3600 == 80 * 3600


def test_on_every_system_it_is_a_row_a_system(world: World) -> None:
    other = another_system(world)
    make_allocation(world, gpu_hours=100)
    promise(world)
    promise(world, code="here", system=other.system)
    found = problem(world, [ENTRY, LARGE], other)
    here, there = world.partition.system.code, other.system.code
    each = {row.id: row for row in rows(found)}
    assert each.keys() == {f"startups:{here}", f"startups:{there}"}
    assert each[f"startups:{here}"].partitions == [world.partition.code]
    assert each[f"startups:{there}"].partitions == [other.code]
    assert each[f"startups:{here}"].reached_before == 100.0
    assert each[f"startups:{there}"].reached_before == 0.0
    (named,) = rows(found, "here")
    assert (named.id, named.partitions) == ("here", [other.code])


def test_a_wider_base_is_in_the_row(world: World) -> None:
    make_allocation(world, gpu_hours=100)
    promise(world, ENTRY, base=Programme.objects.get(code=UNION))
    (row,) = rows(problem(world, [ENTRY, LARGE, SCIENCE]))
    assert (row.programme, row.base) == (ENTRY, [ENTRY, LARGE, SCIENCE])
    (row,) = rows(problem(world, [ENTRY]))
    assert (row.programme, row.base, row.base_before) == (None, None, 100.0)


def test_a_fraction_of_capacity_is_of_the_whole_share_on_the_system(world: World) -> None:
    """Two partitions on a system, of which one is decided on; half is free to be given, a quarter was."""
    second = declare_partition(
        world.operator, world.partition.system, name="more", kind="gpu", nodes=4, accelerators_per_node=4,
        cores_per_node=64,
    )  # fmt: skip
    declare_availability(world.operator, second, Decimal("0.95"), date(2020, 1, 1))
    declare_capacity(world.operator, second, [MONTH, NEXT])
    share(world, second)
    make_allocation(world, gpu_hours=100, lead=make_person(organisation=sme()))
    promise(world, "eu-industrial", kind="cap", organisation_class="sme", of="capacity")
    found = problem(world, [LARGE, SCIENCE])
    (row,) = rows(found)
    (one,) = [one for one in measured_promises() if one.terms.code == "startups"]
    mine = sum(
        part * hours
        for part, hours in zip(
            next(p for p in found.programmes if p.id == LARGE).shares[world.partition.code],
            found.partitions[0].capacity,
            strict=True,
        )
    )
    assert row.fraction * mine == pytest.approx(one.required["decided"] / 3600 - 100, abs=1)


def test_a_cap_that_is_exceeded_bars_those_who_ask_nowhere_else(world: World) -> None:
    row = {
        "programme": ENTRY, "class": "sme", "organisation": "o", "country": "NL", "score": 80.0,
    }  # fmt: skip
    other = another_system(world)
    asked = {"start": 0, "months": 1, "hours": 10.0}
    places = {"here": [world.partition.code], "both": [world.partition.code, other.code], "there": [other.code]}
    found = compose(
        [MONTH],
        [world.partition.code, other.code],
        [ENTRY],
        lambda _: [{**row, "id": who, "alternatives": [{**asked, "partition": p} for p in where]}
                   for who, where in places.items()],
    )  # fmt: skip
    cap = {"kind": "cap", "class": "sme", "fraction": 0.1, "of": "awarded", "reached_before": 50.0, "base_before": 60.0}
    document = found.model_dump(mode="json", by_alias=True, exclude_none=True)
    document["promises"] = [{**cap, "id": "cap", "partitions": [world.partition.code]}]
    left, barred = without_exceeded(parse_problem(document))
    assert barred == {"here": ["cap"]}
    assert [application.id for application in left.applications] == ["both", "there"]
    assert [promise.id for promise in left.promises] == ["cap"]
    document["promises"] = [{**cap, "id": "cap"}]
    left, barred = without_exceeded(parse_problem(document))
    assert (left.applications, left.promises, set(barred)) == ([], [], set(places))


def test_a_decision_awards_no_more_than_a_fifth_of_the_union_s_time_on_a_system_to_paid_use() -> None:
    """Article 18 is about each system: three that together are below a fifth of two systems, two of them on one."""
    world = a_world(maximum_gpu_hours=100_000)
    make_person("reviewer", organisation=make_organisation("academia", "DE"))
    here, there = world.partition, another_system(world)
    world.call = open_call(
        world.officer,
        access_mode=AccessMode.objects.get(code="aif-playground"),
        factory=world.factory,
        programme=Programme.objects.get(code=ENTRY),
        partitions=[here, there],
        title="On two systems",
        opens=datetime.now(UTC) - timedelta(days=1),
        closes=datetime.now(UTC) + timedelta(days=10),
        first_month=MONTH,
        months=2,
        maximum_gpu_hours=100_000,
    )
    capacity = {p.id: sum(p.capacity) for p in problem(world, [ENTRY, LARGE, SCIENCE], there).partitions}
    part = {code: int(hours * 0.15) for code, hours in capacity.items()}

    def asked(partition: Partition, *, commercial: bool) -> Application:
        applicant = make_person(organisation=make_organisation("large-industry" if commercial else "sme"))
        draft = make_draft(world, applicant)
        place = {"partition": partition, "first_month": MONTH, "months": 2, "gpu_hours": part[partition.code]}
        draft = actions.save_draft(applicant, draft, draft.version, commercial=commercial, alternatives=[place])
        application = actions.submit_application(applicant, draft)
        actions.check_eligibility(world.officer, application)
        for review in actions.assign_reviewers(world.officer, [application]):
            scores = {criterion["code"]: 5 for criterion in world.call.criteria}
            actions.submit_review(review.reviewer, review, scores, "Good.")
        return actions.settle_consensus(world.officer, application)

    paid = [asked(here, commercial=True), asked(here, commercial=True), asked(there, commercial=True)]
    decision = actions.propose_decision(world.officer, [world.call])
    plan = load_plan(decision.plan.encode())
    awarded = {award.application for award in plan.awards}
    assert paid[2].code in awarded
    assert len(awarded & {paid[0].code, paid[1].code}) == 1
    assert [refusal.reason for refusal in plan.refusals] == ["cap"]
    actions.publish_decision(world.officer, decision)
    (measured,) = [one for one in measured_promises() if one.terms.code == "commercial-use"]
    assert measured.holds
    assert 0 < part[here.code] <= 0.2 * capacity[here.code]

    # It was not for want of room: the same on the same system, not paid for, is awarded.
    free = asked(here, commercial=False)
    decision = actions.propose_decision(world.officer, [world.call])
    assert [award.application for award in load_plan(decision.plan.encode()).awards] == [free.code]


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"country": "NL"}, "country"),
        ({"commercial": True}, "commercial"),
        ({"base": SCIENCE}, "base"),
    ],
)
def test_a_promise_that_no_decision_could_keep_as_it_says_is_not_made(
    world: World, more: dict[str, Any], field: str
) -> None:
    if "base" in more:
        more = {"base": Programme.objects.get(code=more["base"])}
    with pytest.raises(PromiseRefused) as refused:
        promise(world, **more)
    assert set(refused.value.faults) == {field}
