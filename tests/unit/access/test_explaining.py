"""Why: kept with the outcome in the applicant's language; asked of a plan once, answered apart, told without others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from tests.factories.world import World, make_organisation, make_person, make_submitted, make_world
from tests.unit.access.test_scenarios import capacity, floor, scored, with_answer

from fabriek.access import actions
from fabriek.access.actions.explaining import Explainer, claim_inquiry
from fabriek.access.apart import Apart, Fault, Message, Step, Told, Why
from fabriek.access.comparison import differences, reasons_of
from fabriek.access.errors import NothingToExplain, NotSolved
from fabriek.access.explaining import explained, partition_prices, promise_prices
from fabriek.access.models import Application, Inquiry, Outcome, Scenario
from fabriek.access.queries import outcome_of
from fabriek.access.scenarios import scenario_of, solved
from fabriek.access.words import explanation_of, outcome_words, speech_of
from fabriek.allocation.explain import short_reason
from fabriek.audit.models import Event
from fabriek.cli.work import work
from fabriek.conf.errors import Invalid, NotAllowed
from fabriek.people.models import Person

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    for _number in range(2):
        make_person("reviewer", organisation=make_organisation("academia", "DE"))
    return make_world()


def one_too_many(world: World, others: int = 1) -> tuple[Scenario, Application]:
    """Applications that fill the share together, and one of a lower score for which there is no room."""
    for _number in range(others):
        scored(world, 5, 4800 // others)
    refused = scored(world, 4, 4000)
    return with_answer(actions.ask_scenario(world.officer, [world.call])), refused


def published(world: World, scenario: Scenario) -> None:
    actions.publish_decision(world.officer, actions.choose_scenario(world.officer, scenario))


def again(application: Application) -> Application:
    return Application.objects.get(pk=application.pk)


def outcome(application: Application) -> Outcome:
    found = outcome_of(again(application))
    assert found is not None
    return found


# Kept with the outcome


def test_an_outcome_keeps_why_as_data_and_says_it_in_the_reader_s_language(world: World) -> None:
    scenario, refused = one_too_many(world)
    Person.objects.filter(pk=refused.applicant_id).update(language="nl", is_demo=False)
    published(world, scenario)
    kept = outcome(refused)
    told = explanation_of(kept)
    assert told is not None
    assert (told.reason, told.problem_sha256) == ("displaced", scenario.problem_sha256)
    assert [(kind.organisation_class, kind.number) for kind in told.held_by] == [("startup", 1)]
    assert kept.explanation.startswith("Anderen hebben de ruimte"), "the words that are sent are the applicant's"
    assert outcome_words(kept).startswith("Others hold the room")
    with translation.override("nl"):
        assert outcome_words(kept) == kept.explanation


def test_the_mail_is_in_the_applicant_s_language(world: World, django_capture_on_commit_callbacks: Any) -> None:
    scenario, refused = one_too_many(world)
    Person.objects.filter(pk=refused.applicant_id).update(language="nl")
    with django_capture_on_commit_callbacks(execute=True):
        published(world, scenario)
    [letter] = [letter for letter in mail.outbox if refused.applicant.email in letter.to]
    assert letter.subject.startswith("Niet toegekend")
    assert "Anderen hebben de ruimte" in letter.body
    assert "Je kunt" in letter.body


def test_of_one_or_two_others_no_score_is_told(world: World) -> None:
    scenario, refused = one_too_many(world, others=2)
    published(world, scenario)
    words = outcome_words(outcome(refused))
    assert "Applications that hold hours there: 2 (Start-up 2)." in words
    assert "lowest" not in words
    found = explained(scenario, again(refused))
    assert found is not None
    assert found.explanation.detail["lowest_awarded_score"] == 100, "an officer reads it"


def test_of_three_others_the_lowest_score_is_told(world: World) -> None:
    scenario, refused = one_too_many(world, others=3)
    published(world, scenario)
    assert "The lowest of their scores is 100; yours is 80." in outcome_words(outcome(refused))


def test_what_was_decided_before_explanations_were_kept_is_said_too(world: World) -> None:
    scenario, refused = one_too_many(world)
    low = scored(world, 2)
    scenario = with_answer(actions.ask_scenario(world.officer, [world.call]))
    published(world, scenario)
    Outcome.objects.update(why={})
    assert outcome_words(outcome(refused)).startswith("Others hold the room that you asked for")
    assert outcome_words(outcome(low)) == "Your score is 40; the threshold is 60."
    [awarded] = Outcome.objects.filter(awarded=True)
    assert "your preferred choice" in outcome_words(awarded)


def test_the_words_of_many_outcomes_take_one_query_for_the_promises(world: World) -> None:
    floor(world)
    scored(world, 5, 4800)
    for _number in range(3):
        refused = scored(world, 4, 4000)
        Outcome.objects.filter(application=refused).delete()
    scenario = with_answer(actions.ask_scenario(world.officer, [world.call]))
    published(world, scenario)
    Outcome.objects.filter(awarded=False).update(why={}, reason="promise", detail={"promises": ["startups"]})
    rows = list(
        Outcome.objects.select_related("application__call").prefetch_related("application__alternatives__partition")
    )
    with CaptureQueriesContext(connection) as queries:
        said = speech_of(rows)
        words = [outcome_words(row, said) for row in rows]
    assert sum("promise" in query["sql"] for query in queries) == 1
    assert sum("Start-ups" in text for text in words) == 3


# Asked of a plan


def test_an_officer_asks_once_and_reads_by_name_what_was_found(world: World) -> None:
    scenario, refused = one_too_many(world)
    inquiry = actions.ask_why(world.officer, scenario, refused)
    assert actions.ask_why(make_person("board"), scenario, refused) == inquiry
    assert Event.objects.filter(verb="access.ask_why").count() == 1
    assert actions.answer_here(inquiry).state == "done"
    found = explained(scenario, refused)
    assert found is not None
    assert not found.can_be_asked
    kinds = {change.kind for change in found.explanation.changes if change.checked}
    assert {"score", "amount"} <= kinds
    [other] = Application.objects.exclude(pk=refused.pk)
    assert [holder.application for holder in found.explanation.holders] == [other.code]
    displaced = {row.application for change in found.explanation.changes for row in change.displaces}
    assert displaced <= {other.code}
    told = found.explanation.for_applicant().model_dump_json()
    assert other.code not in told
    assert actions.ask_why(world.officer, scenario, refused).state == "done", "asked again: as it was found"


def test_the_score_below_the_threshold_that_would_have_been_enough_is_found_by_deciding_again(world: World) -> None:
    scored(world, 4, 4800)
    low = scored(world, 2, 4000)
    scenario = with_answer(actions.ask_scenario(world.officer, [world.call]))
    inquiry = actions.answer_here(actions.ask_why(world.officer, scenario, low))
    told = json.loads(inquiry.answer)
    [change] = told["changes"]
    assert (told["reason"], change["kind"], change["checked"]) == ("threshold", "score", True)
    assert change["needed"] > 80, "the threshold of 60 alone would not have been enough: another holds the room"
    assert change["not_enough"] < change["needed"] <= change["not_enough"] + 0.011


def test_a_threshold_of_a_what_if_is_the_one_that_is_told(world: World) -> None:
    application = scored(world, 4)
    change = {"kind": "threshold", "call": world.call.code, "threshold": "90"}
    scenario = with_answer(actions.ask_scenario(world.officer, [world.call], [change], "stricter"))
    found = explained(scenario, application)
    assert found is not None
    assert found.explanation.detail == {"score": 80.0, "threshold": 90.0}
    told = json.loads(actions.answer_here(actions.ask_why(world.officer, scenario, application)).answer)
    assert told["changes"][0]["needed"] == 90.0


def test_an_applicant_asks_once_the_answer_is_published_and_of_nobody_else(world: World) -> None:
    scenario, refused = one_too_many(world)
    other = Application.objects.exclude(pk=refused.pk).get()
    with pytest.raises(NotAllowed):
        actions.ask_why(refused.applicant, scenario, refused)
    published(world, scenario)
    with pytest.raises(NotAllowed):
        actions.ask_why(other.applicant, scenario, again(refused))
    assert actions.ask_why(refused.applicant, scenario, again(refused)).state == "asked"
    stranger = make_person("reviewer")
    with pytest.raises(NotAllowed):
        actions.ask_why(stranger, scenario, again(refused))
    assert Inquiry.objects.count() == 1


def test_what_has_a_plan_and_was_refused_can_be_asked_alone(world: World) -> None:
    scenario, refused = one_too_many(world)
    awarded = Application.objects.exclude(pk=refused.pk).get()
    with pytest.raises(NothingToExplain):
        actions.ask_why(world.officer, scenario, awarded)
    with pytest.raises(NothingToExplain):
        actions.ask_why(world.officer, scenario, make_submitted(world))
    unsolved = actions.ask_scenario(world.officer, [world.call])
    with pytest.raises(NotSolved):
        actions.ask_why(world.officer, unsolved, refused)
    with pytest.raises(NotSolved):
        actions.ask_prices(world.officer, unsolved, "partitions")
    with pytest.raises(Invalid):
        actions.ask_prices(world.officer, scenario, "weather")
    with pytest.raises(NotAllowed):
        actions.ask_prices(refused.applicant, scenario, "partitions")


def test_the_database_keeps_one_inquiry_of_a_kind(world: World) -> None:
    scenario, refused = one_too_many(world)
    actions.ask_prices(world.officer, scenario, "partitions")
    actions.ask_why(world.officer, scenario, refused)
    for values in ({"of": "partitions"}, {"of": "application", "application": refused}, {"of": "application"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Inquiry.objects.create(scenario=scenario, most=1, asked_by=world.officer, **values)


def test_prices_of_promises_and_partitions_are_found_and_kept(world: World) -> None:
    floor(world, "60")
    scored(world, 5, 3000, "sme")
    scored(world, 4, 3500)
    scenario = with_answer(actions.ask_scenario(world.officer, [world.call]))
    inquiry = actions.ask_prices(world.officer, scenario, "promises")
    assert inquiry.most == len(json.loads(scenario.problem)["promises"])
    found = {price.promise: price for price in promise_prices(actions.answer_here(inquiry))}
    assert len(found) == inquiry.most
    assert found["startups"].value_without > scenario.answer.value, "the floor keeps the better application out"
    assert found["startups"].least > 0
    [partition] = partition_prices(actions.answer_here(actions.ask_prices(world.officer, scenario, "partitions")))
    assert partition.partition == world.partition.code
    assert partition.least <= partition.most


# The worker


def messages(*said: Message) -> Any:
    """A process apart that says this, all at once."""

    class Pretended(Apart):
        def __init__(self) -> None:
            self.left = list(said)

        def messages(self) -> list[Message]:
            left, self.left = self.left, []
            return left

        def stop(self) -> None:
            pass

    asked: list[Why] = []

    def start(question: Why) -> Apart:
        asked.append(question)
        return Pretended()

    start.asked = asked  # type: ignore[attr-defined]
    return start


def test_the_worker_counts_what_it_solves_and_keeps_the_answer(world: World) -> None:
    scenario, refused = one_too_many(world)
    inquiry = actions.ask_why(world.officer, scenario, refused)
    start = messages(Step("solving again (1)"), Step("solving again (2)"))
    explainer = Explainer("here", start)
    assert not explainer.tick()
    inquiry.refresh_from_db()
    assert (inquiry.state, inquiry.done, explainer.is_busy) == ("solving", 2, True)
    [question] = start.asked
    assert (question.gap, question.seconds, question.seed) == (scenario.gap, scenario.seconds, scenario.seed)
    explainer._work.apart.left = [Told("{}")]  # type: ignore[union-attr]
    assert explainer.tick()
    inquiry.refresh_from_db()
    assert (inquiry.state, inquiry.answer, explainer.is_busy) == ("done", "{}", False)


def test_what_failed_is_told_and_can_be_asked_again(world: World) -> None:
    scenario, refused = one_too_many(world)
    inquiry = actions.ask_why(world.officer, scenario, refused)
    assert Explainer("here", messages(Fault("There was not enough memory."))).tick()
    inquiry.refresh_from_db()
    assert (inquiry.state, inquiry.fault) == ("failed", "There was not enough memory.")
    board = make_person("board")
    asked = actions.ask_why(board, scenario, refused)
    assert (asked.pk, asked.state, asked.fault, asked.asked_by) == (inquiry.pk, "asked", "", board)


def test_what_was_under_way_when_the_worker_stopped_is_taken_up_again(world: World) -> None:
    scenario, refused = one_too_many(world)
    inquiry = actions.ask_why(world.officer, scenario, refused)
    Explainer("here", messages(Step("solving again (1)"))).tick()
    assert claim_inquiry("here") is None
    assert actions.resume_inquiries("another machine") == 0
    assert actions.resume_inquiries("here") == 1
    inquiry.refresh_from_db()
    assert (inquiry.state, inquiry.done) == ("asked", 0)


def test_officers_come_before_the_many_applicants(world: World) -> None:
    scenario, refused = one_too_many(world)
    published(world, scenario)
    actions.ask_why(refused.applicant, scenario, again(refused))
    prices = actions.ask_prices(world.officer, scenario, "partitions")
    assert claim_inquiry("here") == prices


def test_the_worker_answers_in_a_process_of_its_own(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    scenario, refused = one_too_many(world)
    inquiry = actions.ask_why(world.officer, scenario, refused)
    monkeypatch.setattr("fabriek.cli.work.close_old_connections", lambda: None)
    assert work(tmp_path, once=True) == 1
    inquiry.refresh_from_db()
    assert inquiry.state == "done", inquiry.fault
    assert inquiry.done == json.loads(inquiry.answer)["solved"] > 0


# Side by side


def test_who_gains_is_told_what_stood_in_the_way_before_and_who_loses_what_does_after(world: World) -> None:
    big, small = scored(world, 5, 4500), scored(world, 4, 3000)
    change = {**capacity("80"), "partition": world.partition.code}
    scenario = with_answer(actions.ask_scenario(world.officer, [world.call], [change], "a failure"))
    base = scenario_of(str(scenario.base and scenario.base.code))
    assert base is not None
    before, after = solved(base if hasattr(base, "answer") else with_answer(base)), solved(scenario)
    for first, second in ((before, after), (after, before)):
        found = differences(first, second)
        told = reasons_of(first, second, found)
        assert told.keys() == {one.application for one in found}
        for one in found:
            assert short_reason(told[one.application]).startswith(("No room left on", "Larger than the whole share"))
    assert {one.application for one in differences(before, after)} <= {big.code, small.code}


def test_who_is_left_out_by_a_threshold_is_told_so(world: World) -> None:
    kept, lost = scored(world, 5), scored(world, 4)
    change = {"kind": "threshold", "call": world.call.code, "threshold": "90"}
    scenario = with_answer(actions.ask_scenario(world.officer, [world.call], [change], "stricter"))
    assert scenario.base is not None
    before, after = solved(with_answer(scenario.base)), solved(scenario)
    found = differences(before, after)
    told = reasons_of(before, after, found)
    assert kept.code not in told
    assert short_reason(told[lost.code]) == "Below the threshold: 80 of 90"
