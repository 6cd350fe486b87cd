"""A proposal is signed off in turn, by as many people as its route has steps, none of whom made it."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from tests.factories.world import World, make_organisation, make_person, make_submitted, make_world

from fabriek.access.actions import (
    assign_reviewers,
    check_eligibility,
    discard_decision,
    initial_decision,
    propose_decision,
    publish_decision,
    send_back_decision,
    settle_consensus,
    submit_review,
)
from fabriek.access.errors import ConflictOfInterest, NotSignedOff, NotYourTurn, WrongState
from fabriek.access.models import Call, Decision, Initial
from fabriek.access.signing_off import next_turn, route_of, turns, versions, waiting_for
from fabriek.audit.models import Event
from fabriek.conf.errors import Invalid, NotAllowed
from fabriek.people.actions import give_first_role
from fabriek.people.models import Person
from fabriek.programmes.actions import set_sign_off
from fabriek.programmes.errors import ProgrammeRefused
from fabriek.programmes.models import Programme
from fabriek.programmes.rules import LONGEST_ROUTE
from fabriek.projects.models import Project

pytestmark = pytest.mark.django_db

ROUTE = [{"title": "Second officer", "role": "officer"}, {"title": "Governing Board", "role": "board"}]
LAST = {"title": "Cabinet", "role": "board"}


@pytest.fixture
def world() -> World:
    world = make_world()
    set_sign_off(make_person("administrator"), world.call.programme, ROUTE, "four eyes and the board's")
    # What the action wrote is read again: a request does so too.
    world.call.refresh_from_db()
    return world


@pytest.fixture
def second() -> Person:
    return make_person("officer", organisation=make_organisation("public-sector"))


@pytest.fixture
def board() -> Person:
    return make_person("board")


def proposed(world: World) -> Decision:
    for _ in range(world.call.reviewers):
        make_person("reviewer")
    application = make_submitted(world)
    check_eligibility(world.officer, application)
    for review in assign_reviewers(world.officer, [application]):
        scores = {criterion["code"]: 5 for criterion in world.call.criteria}
        submit_review(review.reviewer, review, scores, "Good.")
    settle_consensus(world.officer, application)
    return propose_decision(world.officer, [world.call])


def test_it_is_published_once_all_have_given_their_initials(world: World, second: Person, board: Person) -> None:
    decision = proposed(world)
    with pytest.raises(NotSignedOff, match=r"Second officer \(Programme officer\)"):
        publish_decision(world.officer, decision)
    initial_decision(second, decision, "I asked about the SMEs' floor; it holds.")
    with pytest.raises(NotSignedOff, match="Governing Board"):
        publish_decision(world.officer, decision)
    assert not Project.objects.exists()
    initial_decision(board, decision)
    assert publish_decision(world.officer, decision).state == "published"
    assert Project.objects.count() == 1
    given = Event.objects.filter(verb="access.initial_decision").order_by("id")
    assert [(event.actor, event.data["step"], event.why) for event in given] == [
        (second, "Second officer", "I asked about the SMEs' floor; it holds."),
        (board, "Governing Board", ""),
    ]


def test_nobody_out_of_turn(world: World, second: Person, board: Person) -> None:
    decision = proposed(world)
    with pytest.raises(NotYourTurn, match="turn of Second officer"):
        initial_decision(board, decision)
    with pytest.raises(NotAllowed):
        initial_decision(make_person("operator"), decision)
    initial_decision(second, decision)
    with pytest.raises(NotYourTurn, match="turn of Governing Board"):
        initial_decision(second, decision)
    assert [turn.initial is None for turn in turns(decision)] == [False, True]


def test_who_proposed_gives_none_and_nobody_gives_two(world: World, second: Person) -> None:
    decision = proposed(world)
    with pytest.raises(NotYourTurn, match="You made this proposal"):
        initial_decision(world.officer, decision)
    # Somebody with both roles is still one pair of eyes.
    give_first_role(second, "board")
    second = Person.objects.get(pk=second.pk)
    initial_decision(second, decision)
    with pytest.raises(NotYourTurn, match="You gave your initials before"):
        initial_decision(second, decision)
    with pytest.raises(IntegrityError), transaction.atomic():
        Initial.objects.create(decision=decision, step=1, person=second, agrees=True)
    with pytest.raises(IntegrityError), transaction.atomic():
        Initial.objects.create(decision=decision, step=0, person=make_person("officer"), agrees=True)


def test_who_has_an_interest_gives_none(world: World) -> None:
    decision = proposed(world)
    applicant = world.call.applications.get().applicant
    colleague = make_person("officer", organisation=applicant.organisation)
    with pytest.raises(ConflictOfInterest, match="can't take part in this decision"):
        initial_decision(colleague, decision)
    assert not Initial.objects.exists()


def test_sent_back_it_is_put_aside_and_another_version_is_made(world: World, second: Person, board: Person) -> None:
    decision = proposed(world)
    initial_decision(second, decision)
    with pytest.raises(Invalid) as refused:
        send_back_decision(board, decision, " ")
    assert "remark" in refused.value.faults
    send_back_decision(board, decision, "The floor of start-ups lacks 20 hours.")
    decision.refresh_from_db()
    assert decision.state == "discarded"
    with pytest.raises(WrongState):
        publish_decision(world.officer, decision)
    with pytest.raises(WrongState, match="waits for nobody"):
        initial_decision(make_person("board"), decision)
    again = propose_decision(world.officer, [world.call])
    assert [one.pk for one in versions(again)] == [decision.pk, again.pk]
    turn = next_turn(again)
    assert turn is not None
    assert turn.number == 0


def test_a_proposal_keeps_the_route_that_it_was_made_under(world: World, second: Person, board: Person) -> None:
    decision = proposed(world)
    set_sign_off(make_person("board"), Programme.objects.get(pk=world.call.programme_id), [], "enough")
    with pytest.raises(NotSignedOff):
        publish_decision(world.officer, decision)
    discard_decision(world.officer, decision)
    call = Call.objects.get(pk=world.call.pk)
    assert publish_decision(world.officer, propose_decision(world.officer, [call])).state == "published"


def test_what_waits_is_told_to_whose_turn_it_is(world: World, second: Person, board: Person) -> None:
    decision = proposed(world)
    assert waiting_for(world.officer) == []
    assert [(one.pk, turn.title) for one, turn in waiting_for(second)] == [(decision.pk, "Second officer")]
    assert waiting_for(board) == []
    initial_decision(second, decision)
    assert [turn.title for _one, turn in waiting_for(board)] == ["Governing Board"]
    assert waiting_for(second) == []


def test_over_several_programmes_each_step_once(world: World) -> None:
    first, other = Programme(code="a", sign_off=ROUTE), Programme(code="b", sign_off=[*ROUTE[1:], *ROUTE[:1], LAST])
    assert route_of([other, first]) == [*ROUTE, LAST]
    assert route_of([Programme(code="c")]) == []


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([{"title": " ", "role": "board"}], "title, such as"),
        ([{"title": "Board", "role": "board"}, {"title": "board ", "role": "officer"}], "of its own"),
        ([{"title": "Board", "role": "applicant"}], "Initials are given by"),
        ([{"title": "Board", "role": "nobody"}], "Initials are given by"),
        ([{"title": "B" * 81, "role": "board"}], "80 characters"),
        ([{"title": f"Desk {n}", "role": "board"} for n in range(LONGEST_ROUTE + 1)], "at most 8 steps"),
    ],
)
def test_a_route_that_cannot_be_walked_is_refused(steps: list[dict[str, str]], said: str) -> None:
    programme = make_world().call.programme
    with pytest.raises(ProgrammeRefused) as refused:
        set_sign_off(make_person("board"), programme, steps, "why not")
    assert said in " ".join(refused.value.faults["steps"])
    programme.refresh_from_db()
    assert programme.sign_off == []


def test_the_steps_of_what_a_programme_is_part_of_come_after_its_own(world: World) -> None:
    set_sign_off(make_person("board"), Programme.objects.get(code="eu"), [LAST], "all of the Union's time")
    assert proposed(world).sign_off == [*ROUTE, LAST]


def test_it_is_set_by_who_neither_proposes_nor_publishes(world: World) -> None:
    programme = world.call.programme
    with pytest.raises(NotAllowed):
        set_sign_off(world.officer, programme, [], "quicker")
    with pytest.raises(ProgrammeRefused) as refused:
        set_sign_off(make_person("board"), programme, [], " ")
    assert "why" in refused.value.faults
    set_sign_off(make_person("board"), programme, ROUTE, "the same again changes nothing")
    assert Event.objects.filter(verb="programmes.set_sign_off").count() == 1
