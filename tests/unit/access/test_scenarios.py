"""Scenarios: kept as they were asked, solved apart, compared with what stands, and chosen only when they are real."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from tests.factories.world import MONTH, NEXT, World, make_organisation, make_person, make_submitted, make_world

from fabriek.access import actions, apart, solving
from fabriek.access.apart import Answer, Apart, Fault, Message, Question, Step
from fabriek.access.changes import read_changes
from fabriek.access.comparison import as_data, by_group, differences
from fabriek.access.errors import DecisionStale, NotReal, NotSolved, WrongState
from fabriek.access.explaining import marginal_prices
from fabriek.access.models import Application, Call, Decision, Outcome, Review, Scenario, ScenarioAnswer, ScenarioRun
from fabriek.access.problem import build
from fabriek.access.scenarios import reality_of, scenario_of, solved
from fabriek.allocation.plan import load_plan
from fabriek.allocation.problem import load_problem, problem_sha256
from fabriek.allocation.rules import share_hours
from fabriek.allocation.verify import verify
from fabriek.audit.models import Event
from fabriek.conf import apart as conf_apart
from fabriek.conf.errors import Invalid, NotAllowed
from fabriek.people.models import Person
from fabriek.programmes.actions import declare_capacity, establish_shares, make_promise
from fabriek.programmes.models import Programme, Promise
from fabriek.projects.models import Project
from fabriek.register.actions import declare_availability

pytestmark = pytest.mark.django_db
ENTRY, SCIENCE = "eu-industrial-entry", "eu-science"


@pytest.fixture
def world() -> World:
    for _number in range(2):
        make_person("reviewer", organisation=make_organisation("academia", "DE"))
    return make_world()


def scored(world: World, points: float = 5, gpu_hours: int = 100, organisation_class: str = "startup") -> Application:
    person = make_person(organisation=make_organisation(organisation_class))
    application = make_submitted(world, applicant=person, gpu_hours=gpu_hours)
    actions.check_eligibility(world.officer, application)
    actions.assign_reviewers(world.officer, [application])
    for review in Review.objects.filter(application=application):
        scores = {criterion["code"]: points for criterion in world.call.criteria}
        actions.submit_review(review.reviewer, review, scores, "Good.")
    return actions.settle_consensus(world.officer, application)


def with_answer(scenario: Scenario) -> Scenario:
    solving.solve_here(scenario, solving.hold_here(scenario))
    found = scenario_of(scenario.code)
    assert found is not None
    return found


def asked(world: World, *changes: dict[str, Any], why: str = "to know") -> Scenario:
    return with_answer(actions.ask_scenario(world.officer, [world.call], changes, why if changes else ""))


def capacity(percent: str, month: str | None = None) -> dict[str, Any]:
    return {"kind": "capacity", "partition": "", "percent": percent, "month": month}


def floor(world: World, percent: str = "20") -> Promise:
    return make_promise(
        world.officer,
        code="startups",
        name="Start-ups",
        kind="floor",
        programme=Programme.objects.get(code=ENTRY),
        organisation_class="startup",
        fraction=Decimal(percent) / 100,
        of="awarded",
        valid_from=MONTH,
    )


# Kept as asked


def test_a_scenario_keeps_who_asked_what_and_why_and_its_answer_verifies(world: World) -> None:
    scored(world)
    scenario = asked(world)
    assert (scenario.asked_by, scenario.changes, scenario.run.state) == (world.officer, [], "solved")
    problem = load_problem(scenario.problem.encode())
    assert problem_sha256(problem) == scenario.problem_sha256
    assert verify(problem, load_plan(scenario.answer.plan)) == []
    assert Event.objects.filter(verb="access.ask_scenario", subject=scenario.code, actor=world.officer).exists()
    assert Event.objects.filter(verb="access.solve_scenario", subject=scenario.code).exists()


def test_the_same_question_has_the_same_answer_byte_for_byte(world: World) -> None:
    for points in (5, 4, 3.5):
        scored(world, points, gpu_hours=4000)
    first, second = asked(world), asked(world)
    assert first.problem == second.problem
    assert first.answer.plan == second.answer.plan


@pytest.mark.parametrize("table", ["access_scenario", "access_scenarioanswer", "access_scenario_calls"])
def test_the_database_refuses_to_change_or_delete_a_scenario(world: World, table: str) -> None:
    scored(world)
    asked(world)
    for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET scenario_id = 1"):
        if table == "access_scenario":
            statement = statement.replace("scenario_id = 1", "why = 'another'")
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_a_what_if_without_a_reason_or_without_a_difference_is_refused(world: World) -> None:
    scored(world)
    change = {"kind": "threshold", "call": world.call.code, "threshold": "70"}
    with pytest.raises(Invalid, match="Say why"):
        actions.ask_scenario(world.officer, [world.call], [change], " ")
    same = {**change, "threshold": str(world.call.threshold)}
    with pytest.raises(Invalid, match="Nothing differs"):
        actions.ask_scenario(world.officer, [world.call], [same], "why")
    assert not Scenario.objects.exists()


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "capacity", "partition": "nowhere/gpu", "percent": "50"},
        {"kind": "threshold", "call": "no-such-call", "threshold": "70"},
        {"kind": "promise", "promise": "no-such-promise", "percent": "10"},
        {"kind": "overbooking", "programme": SCIENCE, "overbooking": "1.5"},
        {"kind": "share", "programme": ENTRY, "partition": "nowhere/gpu", "percent": "1", "counterpart": SCIENCE},
        {"kind": "weather", "percent": "10"},
        {"kind": "capacity", "partition": "x", "percent": "NaN"},
        {"kind": "capacity", "partition": "x", "percent": "-1"},
        {"kind": "capacity", "partition": "x", "percent": "1", "month": "2026-13"},
    ],
)
def test_a_change_of_what_the_calls_have_nothing_to_do_with_is_refused(world: World, change: dict[str, Any]) -> None:
    scored(world)
    with pytest.raises(Invalid):
        actions.ask_scenario(world.officer, [world.call], [change], "why")


def test_two_changes_of_one_thing_are_refused(world: World) -> None:
    scored(world)
    change = {"kind": "threshold", "call": world.call.code, "threshold": "70"}
    with pytest.raises(Invalid, match="changed twice"):
        actions.ask_scenario(world.officer, [world.call], [change, {**change, "threshold": "80"}], "why")


def test_the_board_asks_what_ifs_and_chooses_none(world: World) -> None:
    scored(world)
    board = make_person("board")
    change = {"kind": "threshold", "call": world.call.code, "threshold": "70"}
    scenario = with_answer(actions.ask_scenario(board, [world.call], [change], "policy"))
    with pytest.raises(NotAllowed):
        actions.choose_scenario(board, scenario)
    with pytest.raises(NotAllowed):
        actions.ask_scenario(make_person("operator"), [world.call])


def test_a_what_if_is_compared_with_what_stood_when_it_was_asked(world: World) -> None:
    scored(world)
    first = asked(world, {"kind": "threshold", "call": world.call.code, "threshold": "70"})
    second = asked(world, {"kind": "threshold", "call": world.call.code, "threshold": "80"})
    assert first.base is not None
    assert first.base == second.base, "nothing changed between them"
    scored(world)
    third = asked(world, {"kind": "threshold", "call": world.call.code, "threshold": "70"})
    assert third.base != first.base
    assert third.base is not None
    assert len(load_problem(third.base.problem.encode()).applications) == 2


# What is supposed, by the arithmetic of the verbs that would make it so


def test_a_dated_capacity_holds_in_its_month_over_a_general_one(world: World) -> None:
    scored(world)
    changes = [
        {**capacity("50"), "partition": world.partition.code},
        {**capacity("80", f"{NEXT:%Y-%m}"), "partition": world.partition.code},
    ]
    before, after = build([world.call]), build([world.call], None, read_changes(changes))
    was, now = before.partitions[0].capacity, after.partitions[0].capacity
    assert now[0] == pytest.approx(was[0] * 0.5, abs=1)
    assert now[1] == pytest.approx(was[1] * 0.8, abs=1)


def test_a_share_moves_from_one_programme_to_another_and_no_hour_is_made(world: World) -> None:
    scored(world)
    change = {
        "kind": "share", "programme": ENTRY, "partition": world.partition.code, "percent": "60", "counterpart": SCIENCE,
    }  # fmt: skip
    before, after = build([world.call]), build([world.call], None, read_changes([change]))
    assert after.partitions[0].capacity[0] == pytest.approx(before.partitions[0].capacity[0] * 60 / 50, abs=1)


def test_a_programme_can_not_give_more_than_it_has(world: World) -> None:
    scored(world)
    table = {ENTRY: Decimal("0.5"), SCIENCE: Decimal("0.4"), "eu-regular": Decimal("0.1")}
    establish_shares(world.officer, world.partition, [MONTH, NEXT], table)
    change = {
        "kind": "share", "programme": ENTRY, "partition": world.partition.code, "percent": "70",
        "counterpart": "eu-regular",
    }  # fmt: skip
    with pytest.raises(Invalid, match=r"eu-regular has 10 % of .* and can't give 20 %"):
        actions.ask_scenario(world.officer, [world.call], [change], "why")


def test_overbooking_lets_awards_reach_the_share_times_it(world: World) -> None:
    scored(world)
    before = build([world.call])
    after = build([world.call], None, read_changes([{"kind": "overbooking", "programme": ENTRY, "overbooking": "1.2"}]))
    was, now = (share_hours(problem)[ENTRY, world.partition.code, 0] for problem in (before, after))
    assert float(now) == pytest.approx(float(was) * 1.2, abs=1)


def test_a_programme_that_overbooks_may_award_that_much_today(world: World) -> None:
    scored(world)
    before = build([world.call])
    Programme.objects.filter(code=ENTRY).update(overbooking=Decimal("1.2"))
    half = Decimal("0.5")
    establish_shares(world.officer, world.partition, [MONTH, NEXT], {ENTRY: half, SCIENCE: half})
    after = build([world.call])
    assert after.partitions[0].capacity[0] == pytest.approx(before.partitions[0].capacity[0] * 1.2, abs=1)


def test_a_higher_threshold_leaves_out_and_a_lower_one_takes_in(world: World) -> None:
    scored(world, points=5)
    weak = scored(world, points=2)
    code = world.call.code
    lower = asked(world, {"kind": "threshold", "call": code, "threshold": "30"})
    higher = asked(world, {"kind": "threshold", "call": code, "threshold": "99.5"})
    assert weak.code in solved(lower).awards
    assert weak.code not in solved(higher).awards
    assert lower.base is not None
    assert weak.code not in load_problem(lower.base.problem.encode()).model_dump_json()


def test_a_floor_and_the_value_rule_are_the_supposed_ones(world: World) -> None:
    floor(world)
    scored(world)
    changes = [{"kind": "promise", "promise": "startups", "percent": "35"}, {"kind": "value", "value": "score"}]
    problem = build([world.call], None, read_changes(changes))
    (supposed,) = [promise for promise in problem.promises if promise.id == "startups"]
    assert (supposed.fraction, problem.value) == (0.35, "score")
    assert Promise.objects.get(code="startups").fraction == Decimal("0.2"), "nothing that is real changes"


# Solved apart


class Scripted:
    """A solver that says what it is told, and remembers whether it was stopped."""

    def __init__(self, *said: Message) -> None:
        self.said, self.was_stopped = list(said), False

    def messages(self) -> list[Message]:
        said, self.said = self.said, []
        return said

    def stop(self) -> None:
        self.was_stopped = True


def solver_of(*scripts: Scripted) -> solving.Solver:
    waiting = list(scripts)
    return solving.Solver(at_once=2, start=lambda _question: waiting.pop(0))  # type: ignore[return-value,arg-type]


def run_of(scenario: Scenario) -> ScenarioRun:
    return ScenarioRun.objects.get(pk=scenario.pk)


def question(world: World, person: Person | None = None) -> Scenario:
    return actions.ask_scenario(person or world.officer, [world.call])


def test_the_solver_takes_up_tells_how_far_it_is_and_keeps_the_answer(world: World) -> None:
    scored(world)
    scenario = question(world)
    script = Scripted(Step("prices"))
    solver = solver_of(script)
    solver.tick()
    assert (run_of(scenario).state, run_of(scenario).step) == ("solving", "prices")
    script.said = [apart.answer(solving.question_of(scenario))]
    solver.tick()
    assert run_of(scenario).state == "solved"
    assert script.was_stopped
    assert ScenarioAnswer.objects.get().scenario == scenario


def test_a_cancelled_scenario_is_let_go_of_and_its_late_answer_is_not_kept(world: World) -> None:
    scored(world)
    scenario = question(world)
    script = Scripted()
    solver = solver_of(script)
    solver.tick()
    actions.cancel_scenario(world.officer, scenario)
    assert solving.keep(scenario, solver.name, apart.answer(solving.question_of(scenario))) is False
    solver.tick()
    assert script.was_stopped
    assert (run_of(scenario).state, ScenarioAnswer.objects.count()) == ("cancelled", 0)
    with pytest.raises(WrongState):
        actions.cancel_scenario(world.officer, scenario)
    assert actions.ask_again(world.officer, scenario).state == "asked"
    assert with_answer(scenario).run.state == "solved"


def test_a_scenario_whose_solver_was_killed_is_taken_up_again_and_after_three_times_no_more(world: World) -> None:
    scored(world)
    scenario = question(world)
    now = timezone.now()
    for attempt in range(solving.ATTEMPTS):
        assert solving.claim(f"solver-{attempt}", now) == scenario, "nothing was lost"
        now += solving.LEASE + timedelta(seconds=1)
    assert solving.claim("another", now) is None
    assert run_of(scenario).state == "failed"
    assert "lost 3 times" in run_of(scenario).fault
    assert actions.ask_again(world.officer, scenario).state == "asked"


def test_a_round_that_comes_late_does_not_take_its_own_scenario_for_a_lost_one(world: World) -> None:
    """A task beside it may hold the process for longer than a lease."""
    scored(world)
    scenario = question(world)
    solver = solver_of(Scripted())
    solver.tick()
    solver.works[0].renewed -= solving.LEASE * 2
    ScenarioRun.objects.update(lease_until=timezone.now() - solving.LEASE)
    solver.tick()
    run = run_of(scenario)
    assert (run.state, run.solver, run.attempts, len(solver.works)) == ("solving", solver.name, 0, 1)


def test_who_lost_it_can_not_keep_an_answer_any_more(world: World) -> None:
    scored(world)
    scenario = question(world)
    now = timezone.now()
    solving.claim("first", now)
    assert solving.claim("second", now + solving.LEASE * 2) == scenario
    said = apart.answer(solving.question_of(scenario))
    assert solving.keep(scenario, "first", said) is False
    assert solving.keep(scenario, "second", said) is True
    assert ScenarioAnswer.objects.count() == 1


def test_one_officers_many_questions_do_not_hold_up_anothers(world: World) -> None:
    scored(world)
    other = make_person("officer")
    mine = [question(world) for _number in range(3)]
    theirs = question(world, other)
    assert solving.claim("solver") == mine[0]
    assert solving.claim("solver") == theirs
    assert solving.claim("solver") == mine[1]


def test_a_solver_that_fails_says_why_and_the_question_stays(world: World) -> None:
    scored(world)
    scenario = question(world)
    solver_of(Scripted(Fault("There was not enough memory."))).tick()
    assert (run_of(scenario).state, run_of(scenario).fault) == ("failed", "There was not enough memory.")
    with pytest.raises(NotSolved):
        actions.choose_scenario(world.officer, scenario)


def test_a_solver_that_is_stopped_puts_its_work_back(world: World) -> None:
    scored(world)
    scenario = question(world)
    script = Scripted()
    solver = solver_of(script)
    solver.tick()
    solver.stop()
    assert script.was_stopped
    assert run_of(scenario).state == "asked"


@pytest.mark.slow
def test_a_process_of_its_own_gives_the_same_plan_as_this_one(world: World) -> None:
    scored(world)
    asking = solving.question_of(question(world))
    started: Apart = apart.start(asking)
    said: list[Message] = []
    while not any(isinstance(message, Answer | Fault) for message in said):
        assert started.pipe.poll(60)
        said += started.messages()
    started.stop()
    here = apart.answer(asking)
    assert isinstance(here, Answer)
    assert isinstance(said[-1], Answer)
    assert said[-1].plan == here.plan
    assert Step("check without the solver") in said


def test_a_bad_problem_is_a_fault_and_not_a_crash() -> None:
    received: list[Any] = []

    class Pipe:
        def recv(self) -> Question:
            return Question("{}", 0.1, 1, 0)

        def send(self, message: Any) -> None:
            received.append(message)

    conf_apart.run(Pipe(), apart.answered, "solver")  # type: ignore[arg-type]
    assert isinstance(received[-1], Fault)


# Chosen only when real


def test_a_chosen_scenario_is_proposed_and_published_by_name(world: World) -> None:
    application = scored(world)
    scenario = asked(world)
    decision = actions.choose_scenario(world.officer, scenario)
    assert (decision.scenario, decision.plan, decision.problem) == (scenario, scenario.answer.plan, scenario.problem)
    actions.publish_decision(world.officer, decision)
    assert Project.objects.get().application == application.code
    assert Event.objects.get(verb="access.publish_decision").data["scenario"] == scenario.code


def test_nothing_is_published_without_a_stored_scenario(world: World) -> None:
    scored(world)
    decision = actions.choose_scenario(world.officer, asked(world))
    Decision.objects.filter(pk=decision.pk).update(scenario=None)
    with pytest.raises(DecisionStale, match="No stored scenario"):
        actions.publish_decision(world.officer, decision)
    assert not Outcome.objects.exists()


def test_a_what_if_of_shares_is_real_once_the_shares_are_established(world: World) -> None:
    scored(world)
    share = {"kind": "share", "programme": ENTRY, "partition": world.partition.code, "counterpart": SCIENCE}
    scenario = asked(world, {**share, "percent": "62.5"})
    with pytest.raises(NotReal, match=r"Share of .* 62.5 %") as refused:
        actions.choose_scenario(world.officer, scenario)
    assert refused.value.extra["changes"][0]["programme"] == ENTRY
    assert not Decision.objects.exists()
    table = {ENTRY: Decimal("0.625"), SCIENCE: Decimal("0.375")}
    establish_shares(world.officer, world.partition, [MONTH, NEXT], table)
    actions.publish_decision(world.officer, actions.choose_scenario(world.officer, scenario))
    assert Project.objects.count() == 1


def test_a_what_if_of_capacity_is_real_once_the_capacity_is_declared_and_shared(world: World) -> None:
    scored(world)
    # 98.8 % available instead of 95 % is 104 % of what it gives now.
    scenario = asked(world, {**capacity("104"), "partition": world.partition.code})
    with pytest.raises(NotReal, match="Capacity of"):
        actions.choose_scenario(world.officer, scenario)
    declare_availability(world.operator, world.partition, Decimal("0.988"), MONTH, ends_previous=True)
    assert declare_capacity(world.operator, world.partition, [MONTH, NEXT]) > 0
    assert not reality_of(scenario).holds, "declared, and nobody's yet"
    half = Decimal("0.5")
    establish_shares(world.officer, world.partition, [MONTH, NEXT], {ENTRY: half, SCIENCE: half})
    assert actions.choose_scenario(world.officer, scenario).scenario == scenario


@pytest.mark.parametrize(
    "change",
    [{"kind": "value", "value": "score"}, {"kind": "threshold", "threshold": "70"}],
)
def test_the_terms_of_a_call_can_be_studied_and_never_decided_on(world: World, change: dict[str, Any]) -> None:
    scored(world)
    if change["kind"] == "threshold":
        change = {**change, "call": world.call.code}
        scored(world, points=3.2)
    scenario = asked(world, change)
    with pytest.raises(NotReal, match="next call"):
        actions.choose_scenario(world.officer, scenario)
    assert {one.kind for one in reality_of(scenario).terms} == {change["kind"]}


def test_a_proposal_is_checked_against_reality_again_when_it_is_published(world: World) -> None:
    scored(world)
    decision = actions.choose_scenario(world.officer, asked(world))
    establish_shares(world.officer, world.partition, [MONTH, NEXT], {ENTRY: Decimal("0.4"), SCIENCE: Decimal("0.6")})
    with pytest.raises(DecisionStale, match="have changed"):
        actions.publish_decision(world.officer, decision)
    assert not Outcome.objects.exists()


# Side by side


def test_who_gains_and_who_loses_is_told_per_application_and_group(world: World) -> None:
    Call.objects.filter(pk=world.call.pk).update(maximum_gpu_hours=None)
    strong, small = scored(world, 5, 5000, "sme"), scored(world, 4, 5000, "startup")
    both = asked(world)
    scenario = asked(world, {**capacity("1.3", f"{MONTH:%Y-%m}"), "partition": world.partition.code})
    before, after = solved(both), solved(scenario)
    lost = {one.application: one for one in differences(before, after)}
    assert set(before.awards) - set(after.awards) == {code for code, one in lost.items() if one.kind == "loses"}
    assert {strong.code, small.code} >= set(lost)
    assert lost
    for row in by_group([before, after], "class"):
        told = sum(one.hours for one in lost.values() if one.organisation_class == row.name)
        assert row.more == [told]
    data = as_data([before, after])
    assert {row["application"] for row in data["applications"]} == set(lost)
    assert json.loads(json.dumps(data)) == data
    assert data["scenarios"][0]["value"] == both.answer.value


def test_values_by_different_rules_are_told_by_one_rule(world: World) -> None:
    scored(world)
    scenario = asked(world, {"kind": "value", "value": "score"})
    assert scenario.base is not None
    base = with_answer(scenario.base)
    one, other = solved(base), solved(scenario)
    assert other.value_by("score*sqrt(hours)") == pytest.approx(base.answer.value)
    assert one.value_by("score") == pytest.approx(scenario.answer.value)


def test_prices_are_told_by_partition_and_month(world: World) -> None:
    for _number in range(3):
        scored(world, 5, 4000)
    scenario = asked(world, {**capacity("2"), "partition": world.partition.code})
    plan = solved(scenario)
    (row,) = marginal_prices(plan.problem, plan.plan)
    assert row.partition == world.partition.code
    assert len(row.an_hour) == world.call.months
