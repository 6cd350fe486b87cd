"""What came back is offered to the displaced, and awards are changed, through the same model as a first decision."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from tests.factories.world import MONTH, NEXT, World, make_allocation, make_organisation, make_person, make_world
from tests.unit.access.test_continuous import free_hours, scored

from fabriek.access.actions import (
    close_call,
    grant_change,
    make_objection,
    offer_again,
    propose_decision,
    publish_decision,
    would_be_granted,
)
from fabriek.access.actions import rolling as rolling_actions
from fabriek.access.errors import ConflictOfInterest, DecisionStale, NothingToDecide, WrongState
from fabriek.access.models import Application, Decision, Outcome
from fabriek.access.queries import outcome_of
from fabriek.access.rolling import calls_to_offer_in, displaced, offer_of
from fabriek.allocation.plan import load_plan
from fabriek.allocation.problem import load_problem
from fabriek.allocation.verify import verify
from fabriek.conf.errors import Invalid, NotAllowed, Refused
from fabriek.ledger import actions as ledger
from fabriek.ledger.models import Account, Kind
from fabriek.ledger.queries import allocation_hours, check
from fabriek.people.models import Person
from fabriek.programmes.actions import make_promise
from fabriek.programmes.models import Programme
from fabriek.programmes.queries import free_seconds
from fabriek.projects.actions import ask_change, award, give_back, refuse_change, station
from fabriek.projects.errors import NotAMember
from fabriek.projects.models import Allocation, Project

pytestmark = pytest.mark.django_db


def decided_world() -> tuple[World, Application, Application]:
    """A cut-off call over this month and the next: one awarded nearly everything, one displaced."""
    make_person("reviewer", organisation=make_organisation("academia"))
    world = make_world(
        maximum_gpu_hours=100_000, continuous=False, closes=datetime.now(UTC) + timedelta(days=20), durations_months=[]
    )
    most = free_hours(world)
    first, second = scored(world, "startup", int(most * 0.8), points=5), scored(world, "sme", int(most * 0.4), points=4)
    close_call(world.officer, world.call)
    publish_decision(world.officer, propose_decision(world.officer, [world.call]))
    world.call.refresh_from_db()
    return world, first, second


def lead_of(project: Project) -> Person:
    return project.members.get(role="lead").person


def give_half_back(application: Application) -> Allocation:
    allocation = Allocation.objects.get(project__code=application.code)
    left = allocation_hours([allocation.code])[allocation.code].left
    give_back(lead_of(allocation.project), allocation, left // 2)
    return allocation


def on_ledger() -> int:
    """All seconds of accelerators outside the machine's own account: what there is, wherever it is."""
    return sum(a.balance for a in Account.objects.filter(unit="accelerator-seconds").exclude(kind="machine"))


def test_what_came_back_goes_to_the_displaced_by_a_fresh_plan_that_anybody_can_verify() -> None:
    world, first, second = decided_world()
    assert [o.application.code for o in displaced(world.call)] == [second.code]
    assert offer_of(world.call).awards == []
    before = on_ledger()
    give_half_back(first)
    assert [call.code for call in calls_to_offer_in()] == [world.call.code]
    offer = offer_of(world.call)
    (row,) = offer.awards
    assert (row.application.code, row.shifted.first_month if row.shifted else None) == (second.code, NEXT)
    decision = offer_again(world.officer, world.call, offer.sha256, "hours came back")
    assert decision.origin == "rolling"
    assert verify(load_problem(decision.problem.encode()), load_plan(decision.plan)) == []
    second = Application.objects.get(code=second.code)
    assert second.state == "awarded"
    outcome = outcome_of(second)
    assert outcome is not None
    # Two months were asked and one is left: half of the hours, and the applicant is told so.
    assert outcome.gpu_hours == second.alternatives.get().gpu_hours // 2
    assert "Fewer months" in outcome.explanation
    assert Outcome.objects.filter(application=second, set_aside_at__isnull=False).count() == 1
    assert on_ledger() == before
    assert check() == []


def test_an_offer_that_was_looked_at_too_long_ago_is_looked_at_again() -> None:
    world, first, _second = decided_world()
    give_half_back(first)
    seen = offer_of(world.call).sha256
    allocation = Allocation.objects.get(project__code=first.code)
    give_back(lead_of(allocation.project), allocation, 3600)
    with pytest.raises(DecisionStale):
        offer_again(world.officer, world.call, seen)


def test_offering_twice_offers_once() -> None:
    world, first, _second = decided_world()
    give_half_back(first)
    seen = offer_of(world.call).sha256
    offer_again(world.officer, world.call, seen)
    with pytest.raises((DecisionStale, NothingToDecide)):
        offer_again(world.officer, world.call, seen)
    assert Decision.objects.filter(origin="rolling").count() == 1


def test_a_kill_in_the_middle_leaves_nothing_and_the_next_try_does_it_all(monkeypatch: pytest.MonkeyPatch) -> None:
    world, first, second = decided_world()
    give_half_back(first)
    seen, before = offer_of(world.call).sha256, Outcome.objects.count()

    def killed(*_arguments: object, **_more: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(rolling_actions, "record", killed)
        with pytest.raises(KeyboardInterrupt):
            offer_again(world.officer, world.call, seen)
    assert Outcome.objects.count() == before
    assert not Project.objects.filter(code=second.code).exists()
    assert check() == []
    offer_again(world.officer, world.call, offer_of(world.call).sha256)
    assert Project.objects.filter(code=second.code).exists()


def test_hours_are_not_offered_again_while_applicants_wait() -> None:
    make_person("reviewer", organisation=make_organisation("academia"))
    world = make_world(continuous=False)
    with pytest.raises(WrongState):
        offer_again(world.officer, world.call, "0" * 64)


def test_who_objects_is_left_to_the_objection() -> None:
    world, first, second = decided_world()
    give_half_back(first)
    second.refresh_from_db()
    make_objection(second.applicant, second, "This is wrong.")
    assert displaced(world.call) == []


def test_promises_count_all_decisions_in_the_fresh_plan() -> None:
    world, first, _second = decided_world()
    give_half_back(first)
    make_promise(
        world.officer,
        code="cap-sme",
        name="SMEs at most",
        programme=Programme.objects.get(code="eu-industrial-entry"),
        kind="cap",
        fraction=Decimal("0.05"),
        of="awarded",
        rank=1,
        valid_from=date(2020, 1, 1),
        organisation_class="sme",
    )
    offer = offer_of(world.call)
    (promise,) = [p for p in offer.problem.promises if p.id == "cap-sme"]
    awarded = allocation_hours(list(Allocation.objects.values_list("code", flat=True)))
    assert promise.base_before == pytest.approx(sum(of.awarded for of in awarded.values()) / 3600)
    assert offer.awards == []
    with pytest.raises(NothingToDecide):
        offer_again(world.officer, world.call, offer.sha256)


def test_an_officer_with_an_interest_leaves_it_to_another() -> None:
    world, first, second = decided_world()
    give_half_back(first)
    second.refresh_from_db()
    colleague = make_person("officer", organisation=second.organisation)
    with pytest.raises(ConflictOfInterest):
        offer_again(colleague, world.call, offer_of(world.call).sha256)
    with pytest.raises(NotAllowed):
        offer_again(make_person(), world.call, "0" * 64)


# Changes


def test_an_extension_moves_what_is_left_and_a_tenth_on_top_to_the_months_after() -> None:
    world = make_world()
    allocation, before = make_allocation(world, gpu_hours=100), on_ledger()
    lead = lead_of(allocation.project)
    change = ask_change(lead, allocation, "extension", 110, "The data came late.", months=1)
    assert would_be_granted(world.officer, change) == ""
    assert change.state == "asked"
    change = grant_change(world.officer, change)
    made = change.granted
    assert made is not None
    assert (made.starts, made.ends) == (NEXT, (NEXT + timedelta(days=32)).replace(day=1))
    hours = allocation_hours([allocation.code, made.code])
    assert (hours[allocation.code].left, hours[made.code].left) == (0, 110 * 3600)
    project = Project.objects.get(pk=allocation.project_id)
    assert project.ends == made.ends
    assert verify(load_problem(change.problem.encode()), load_plan(change.plan)) == []
    assert on_ledger() == before
    assert check() == []
    assert grant_change(world.officer, change).granted_id == made.pk
    with pytest.raises(Refused):
        ask_change(lead, made, "extension", 10, "Once more.", months=1)


@pytest.mark.parametrize(
    ("hours", "months", "field"), [(111, 1, "hours"), (0, 1, "hours"), (10, 4, "months"), (10, 0, "months")]
)
def test_an_extension_is_three_months_and_a_tenth_at_most(hours: int, months: int, field: str) -> None:
    world = make_world()
    allocation = make_allocation(world, gpu_hours=100)
    with pytest.raises(Invalid) as refusal:
        ask_change(lead_of(allocation.project), allocation, "extension", hours, "Why not.", months=months)
    assert list(refusal.value.faults) == [field]


def test_an_extension_for_which_there_is_no_room_is_refused_by_the_model_and_nothing_moves() -> None:
    world = make_world()
    allocation = make_allocation(world, gpu_hours=100)
    change = ask_change(lead_of(allocation.project), allocation, "extension", 110, "Late.", months=1)
    left = free_seconds([world.partition.code])["eu-industrial-entry", world.partition.code, NEXT]
    award(world.officer, allocation.project, world.partition, NEXT, 1, left - 50 * 3600, key="the-rest")
    before = on_ledger(), allocation_hours([allocation.code])
    why = would_be_granted(world.officer, change)
    assert "110" in why
    with pytest.raises(Refused):
        grant_change(world.officer, change)
    assert (on_ledger(), allocation_hours([allocation.code])) == before
    change = refuse_change(world.officer, change, why)
    assert (change.state, change.answer) == ("refused", why)


def test_hours_move_to_another_project_of_the_same_lead_and_promises_see_it() -> None:
    world = make_world()
    lead = make_person(organisation=make_organisation("startup"))
    source, target = make_allocation(world, lead=lead), make_allocation(world, lead=lead)
    before = on_ledger()
    change = ask_change(lead, source, "project", 40, "One of the two goes faster.", to_project=target.project)
    change = grant_change(world.officer, change)
    assert change.granted is not None
    assert change.granted.project_id == target.project_id
    assert allocation_hours([source.code])[source.code].left == 60 * 3600
    assert allocation_hours([change.granted.code])[change.granted.code].left == 40 * 3600
    assert on_ledger() == before
    assert check() == []


def test_a_move_to_a_class_that_a_cap_holds_is_refused() -> None:
    world = make_world()
    lead = make_person(organisation=make_organisation("startup"))
    source, target = make_allocation(world, lead=lead), make_allocation(world, lead=lead)
    Project.objects.filter(pk=target.project_id).update(organisation_class="large-industry")
    make_promise(
        world.officer,
        code="cap-large",
        name="Large industry at most",
        programme=Programme.objects.get(code="eu-industrial-entry"),
        kind="cap",
        fraction=Decimal("0.5"),
        of="awarded",
        rank=1,
        valid_from=date(2020, 1, 1),
        organisation_class="large-industry",
    )
    target.project.refresh_from_db()
    change = ask_change(lead, source, "project", 40, "Faster there.", to_project=target.project)
    assert "Large industry at most" in would_be_granted(world.officer, change)


def test_only_a_lead_asks_and_only_of_what_is_left() -> None:
    world = make_world()
    allocation = make_allocation(world, gpu_hours=100)
    lead = lead_of(allocation.project)
    with pytest.raises(NotAMember):
        ask_change(world.officer, allocation, "extension", 10, "Mine.", months=1)
    with pytest.raises(Invalid):
        ask_change(lead, allocation, "partition", 10, "Same.", to_partition=world.partition)
    with pytest.raises(Invalid):
        ask_change(lead, allocation, "project", 10, "Not mine.", to_project=make_allocation(world).project)
    change = ask_change(lead, allocation, "extension", 10, "Late.", months=1)
    with pytest.raises(NotAllowed):
        grant_change(lead, change)
    lead.roles.create(role="officer")
    with pytest.raises(NotAMember):
        grant_change(Person.objects.get(pk=lead.pk), change)


def test_hours_used_since_an_extension_was_asked_are_not_extended() -> None:
    world = make_world()
    allocation = make_allocation(world, gpu_hours=100)
    change = ask_change(lead_of(allocation.project), allocation, "extension", 110, "Late.", months=1)
    held, used = (station(kind, allocation, MONTH, "accelerator-seconds") for kind in ("award", "used"))
    moves = [ledger.Move(held, used, 50 * 3600)]
    ledger.post(world.officer, key="used", kind=Kind.USAGE, moves=moves)
    with pytest.raises(Refused, match="60"):
        grant_change(world.officer, change)
    assert check() == []


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_given_back_extended_and_moved_no_hour_is_lost_or_made(seed: int) -> None:
    draws, world = random.Random(seed), make_world()
    lead = make_person(organisation=make_organisation("startup"))
    for months in (1, 2, 2):
        make_allocation(world, lead=lead, gpu_hours=draws.randint(10, 900), months=months)
    before, done = on_ledger(), 0
    for _step in range(25):
        allocation = draws.choice(list(Allocation.objects.filter(project__members__person=lead)))
        hours = draws.randint(1, 400)
        try:
            if draws.random() < 0.4:
                give_back(lead, allocation, hours * 3600)
            else:
                kind = draws.choice(["extension", "project"])
                other = draws.choice(list(Project.objects.filter(members__person=lead)))
                change = ask_change(lead, allocation, kind, hours, "So it goes.", months=1, to_project=other)
                grant_change(world.officer, change)
            done += 1
        except Refused:
            continue
        finally:
            assert on_ledger() == before
            for of in allocation_hours(list(Allocation.objects.values_list("code", flat=True))).values():
                assert of.left >= 0
    assert done >= 5
    assert check() == []
