"""The life of an application: from a draft to an award, and all that is refused on the way."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from tests.factories.world import (
    ETHICS,
    MONTH,
    World,
    make_draft,
    make_organisation,
    make_person,
    make_submitted,
    make_world,
)

from fabriek.access import lifecycle
from fabriek.access.actions import (
    answer_objection,
    assess_technically,
    assign_reviewers,
    check_eligibility,
    decline_review,
    discard_decision,
    make_objection,
    propose_decision,
    publish_decision,
    replace_reviewer,
    save_draft,
    settle_consensus,
    start_application,
    submit_application,
    submit_review,
    withdraw_application,
)
from fabriek.access.errors import (
    CallClosed,
    ConflictOfInterest,
    DecisionStale,
    Incomplete,
    NotAssessed,
    NotEnoughReviewers,
    OldVersion,
    OutsideLimits,
    ReviewsMissing,
    WrongState,
)
from fabriek.access.models import Application, Call, Decision, Review
from fabriek.access.queries import Wish, front_door, outcome_of
from fabriek.access.rules import answer_due, score_of, working_days_left
from fabriek.allocation.plan import load_plan
from fabriek.allocation.problem import load_problem
from fabriek.allocation.verify import verify
from fabriek.audit.models import Event
from fabriek.conf.errors import Invalid, NotAllowed
from fabriek.ledger.queries import allocation_hours, check
from fabriek.projects.models import Project

pytestmark = pytest.mark.django_db


def to_review(world: World, application: Application) -> list[Review]:
    check_eligibility(world.officer, application)
    return assign_reviewers(world.officer, [application])


def to_score(world: World, application: Application, points: int = 4) -> Application:
    for review in to_review(world, application):
        scores = {criterion["code"]: points for criterion in world.call.criteria}
        submit_review(review.reviewer, review, scores, "Good.")
    return settle_consensus(world.officer, application)


def decided(world: World, *applications: Application) -> Decision:
    for application in applications:
        to_score(world, application)
    decision = propose_decision(world.officer, [world.call])
    return publish_decision(world.officer, decision)


def test_the_whole_way() -> None:
    world = make_world()
    make_person("reviewer")
    application = make_submitted(world, gpu_hours=100)
    decision = decided(world, application)
    application.refresh_from_db()
    assert application.state == "awarded"
    project = Project.objects.get(code=application.code)
    allocation = project.allocations.get()
    assert allocation_hours([allocation.code])[allocation.code].left == 100 * 3600
    assert verify(load_problem(decision.problem.encode()), load_plan(decision.plan)) == []
    assert check() == []
    steps = Event.objects.filter(subject=application.code, subject_kind="access.application")
    assert [step.verb for step in steps.order_by("id")] == [
        "access.start_application",
        "access.submit",
        "access.find_eligible",
        "access.send_to_review",
        "access.submit_review",
        "access.settle_score",
        "access.award",
    ]


def test_publishing_again_changes_nothing() -> None:
    world = make_world()
    make_person("reviewer")
    decision = decided(world, make_submitted(world))
    before = Event.objects.count()
    publish_decision(world.officer, decision)
    assert Event.objects.count() == before
    assert Project.objects.count() == 1


def test_submitting_after_the_deadline_is_refused() -> None:
    world = make_world()
    draft = make_draft(world)
    now = datetime.now(UTC)
    Call.objects.filter(pk=world.call.pk).update(closes=now - timedelta(minutes=1))
    draft.refresh_from_db()
    with pytest.raises(CallClosed):
        submit_application(draft.applicant, draft)
    assert Application.objects.get(pk=draft.pk).state == "draft"


def test_a_request_over_the_limit_is_refused_with_its_field() -> None:
    world = make_world()
    draft = make_draft(world, gpu_hours=5_001)
    with pytest.raises(OutsideLimits) as refusal:
        submit_application(draft.applicant, draft)
    assert "5,000" in refusal.value.faults["alternatives.0"][0]


def test_a_choice_over_itself_is_refused_and_a_smaller_one_is_a_fallback() -> None:
    """The order of preference would contradict itself, and no decision could be made of it."""
    world = make_world()
    draft = make_draft(world, gpu_hours=1_000)
    first = draft.alternatives.get()
    asked = {"partition": first.partition, "first_month": first.first_month, "months": first.months}
    twice = [{**asked, "gpu_hours": 1_000}, {**asked, "gpu_hours": 1_000}]
    with pytest.raises(Invalid) as refusal:
        save_draft(draft.applicant, draft, draft.version, alternatives=twice)
    assert "alternatives.1" in refusal.value.faults
    save_draft(
        draft.applicant,
        draft,
        draft.version,
        alternatives=[{**asked, "gpu_hours": 1_000}, {**asked, "gpu_hours": 500}],
    )
    assert [row.gpu_hours for row in draft.alternatives.all()] == [1_000, 500]


def test_an_empty_draft_is_refused_with_what_lacks() -> None:
    world = make_world()
    draft = start_application(make_person(organisation=make_organisation()), world.call)
    with pytest.raises(Incomplete) as refusal:
        submit_application(draft.applicant, draft)
    assert {"title", "summary", "method", "data_statement"} <= refusal.value.faults.keys()


def test_a_question_of_ethics_without_an_answer_is_asked_before_submitting() -> None:
    """No answer is not a no."""
    draft = make_draft(make_world())
    for given in ("", "perhaps"):
        save_draft(draft.applicant, draft, draft.version, ethics={**ETHICS, "dual-use": given})
        with pytest.raises(Incomplete) as refusal:
            submit_application(draft.applicant, draft)
        assert refusal.value.faults.keys() == {"ethics.dual-use"}
        assert "military ends" in refusal.value.faults["ethics.dual-use"][0]
    save_draft(draft.applicant, draft, draft.version, ethics={**ETHICS, "dual-use": "yes"})
    assert submit_application(draft.applicant, draft).state == "submitted"


def test_an_older_version_of_a_draft_is_refused_and_nothing_is_lost() -> None:
    world = make_world()
    draft = make_draft(world)
    save_draft(draft.applicant, draft, draft.version, title="Newer")
    with pytest.raises(OldVersion):
        save_draft(draft.applicant, draft, draft.version - 1, title="Older")
    assert Application.objects.get(pk=draft.pk).title == "Newer"


def test_only_the_applicant_may_write() -> None:
    world = make_world()
    draft = make_draft(world)
    with pytest.raises(NotAllowed):
        save_draft(make_person(), draft, draft.version, title="Mine")
    with pytest.raises(NotAllowed):
        submit_application(make_person(), draft)


def test_a_submitted_application_is_fixed() -> None:
    world = make_world()
    application = make_submitted(world)
    with pytest.raises(WrongState):
        save_draft(application.applicant, application, application.version, title="Other")


@pytest.mark.parametrize("interest", ["same organisation", "applicant", "declared"])
def test_nobody_with_an_interest_reviews(interest: str) -> None:
    world = make_world()
    application = make_submitted(world)
    if interest == "same organisation":
        make_person("reviewer", organisation=application.organisation)
    elif interest == "applicant":
        from fabriek.people.actions import give_first_role

        give_first_role(application.applicant, "reviewer")
    else:
        from fabriek.access.models import Conflict

        Conflict.objects.create(application=application, person=make_person("reviewer"), why="a friend")
    check_eligibility(world.officer, application)
    with pytest.raises(NotEnoughReviewers):
        assign_reviewers(world.officer, [application])


def test_a_reviewer_who_comes_to_have_an_interest_is_refused() -> None:
    world = make_world()
    reviewer = make_person("reviewer")
    application = make_submitted(world)
    (review,) = to_review(world, application)
    reviewer.organisation = application.organisation
    reviewer.save()
    with pytest.raises(ConflictOfInterest):
        submit_review(reviewer, review, {"feasibility": 5, "need": 5}, "Splendid.")


def test_a_declined_review_goes_to_somebody_else() -> None:
    world = make_world()
    first, second = make_person("reviewer"), make_person("reviewer")
    application = make_submitted(world)
    (review,) = to_review(world, application)
    decline_review(review.reviewer, review, "We publish together.")
    with pytest.raises(ReviewsMissing):
        settle_consensus(world.officer, application)
    (other,) = replace_reviewer(world.officer, application)
    assert {review.reviewer, other.reviewer} == {first, second}


def test_an_officer_with_an_interest_can_not_publish() -> None:
    world = make_world()
    make_person("reviewer")
    application = to_score(world, make_submitted(world))
    officer = make_person("officer", organisation=application.organisation)
    decision = propose_decision(officer, [world.call])
    with pytest.raises(ConflictOfInterest):
        publish_decision(officer, decision)
    assert not Project.objects.exists()


def test_two_officers_decide_at_once_and_the_second_is_told() -> None:
    world = make_world()
    make_person("reviewer")
    to_score(world, make_submitted(world))
    second = make_person("officer")
    mine, theirs = propose_decision(world.officer, [world.call]), propose_decision(second, [world.call])
    publish_decision(world.officer, mine)
    with pytest.raises(DecisionStale):
        publish_decision(second, theirs)
    assert Project.objects.count() == 1
    assert check() == []


def test_a_proposal_goes_stale_when_a_score_is_added() -> None:
    world = make_world()
    make_person("reviewer")
    to_score(world, make_submitted(world))
    decision = propose_decision(world.officer, [world.call])
    to_score(world, make_submitted(world))
    with pytest.raises(DecisionStale):
        publish_decision(world.officer, decision)


def test_the_same_state_gives_the_same_problem_and_plan() -> None:
    """Rule 7."""
    world = make_world()
    make_person("reviewer")
    for hours in (1_000, 2_000, 5_000):
        to_score(world, make_submitted(world, gpu_hours=hours))
    first, second = (propose_decision(world.officer, [world.call]) for _ in range(2))
    assert first.problem == second.problem
    assert first.plan == second.plan


def test_a_discarded_proposal_can_not_be_published() -> None:
    world = make_world()
    make_person("reviewer")
    to_score(world, make_submitted(world))
    decision = discard_decision(world.officer, propose_decision(world.officer, [world.call]))
    with pytest.raises(WrongState):
        publish_decision(world.officer, decision)


def test_below_the_threshold_is_refused_with_both_numbers() -> None:
    world = make_world()
    make_person("reviewer")
    application = make_submitted(world)
    to_score(world, application, points=2)
    publish_decision(world.officer, propose_decision(world.officer, [world.call]))
    outcome = outcome_of(Application.objects.get(pk=application.pk))
    assert outcome is not None
    assert outcome.reason == "threshold"
    assert "Your score is 40; the threshold is 60." in outcome.explanation


def test_an_upheld_objection_reopens_and_another_officer_answers() -> None:
    world = make_world()
    make_person("reviewer")
    application = make_submitted(world)
    to_score(world, application, points=2)
    publish_decision(world.officer, propose_decision(world.officer, [world.call]))
    objection = make_objection(application.applicant, application, "The score is of another application.")
    with pytest.raises(NotAllowed):
        answer_objection(world.officer, objection, "No.", upheld=False)
    answer_objection(make_person("officer"), objection, "You are right.", upheld=True)
    application.refresh_from_db()
    assert application.state == "reviewed"
    assert outcome_of(Application.objects.get(pk=application.pk)) is None


def test_going_against_the_findings_needs_a_remark() -> None:
    from fabriek.conf.errors import Invalid

    world = make_world()
    application = make_submitted(world, applicant=make_person(organisation=make_organisation("academia")))
    with pytest.raises(Invalid):
        check_eligibility(world.officer, application, eligible=True)
    verdict = check_eligibility(world.officer, application, eligible=True, remark="A spin-off.")
    assert verdict.eligible


@pytest.mark.parametrize("step", [transition.name for transition in lifecycle.TRANSITIONS])
@pytest.mark.parametrize("state", ["draft", "submitted", "eligible", "in-review", "reviewed", "awarded", "withdrawn"])
def test_no_step_leads_on_from_a_state_that_is_not_in_the_table(step: str, state: str) -> None:
    world = make_world()
    make_person("reviewer")
    application = make_submitted(world)
    Application.objects.filter(pk=application.pk).update(state=state)
    transition = lifecycle.BY_NAME[step]
    actor = application.applicant if transition.who == lifecycle.APPLICANT else world.officer
    if state in transition.sources:
        lifecycle.advance(actor, application, step)
        assert Application.objects.get(pk=application.pk).state == transition.target
    else:
        with pytest.raises(WrongState):
            lifecycle.advance(actor, application, step)
        assert Application.objects.get(pk=application.pk).state == state


def test_withdrawing_ends_it() -> None:
    world = make_world()
    application = make_submitted(world)
    withdraw_application(application.applicant, application, "We found another machine.")
    with pytest.raises(WrongState):
        check_eligibility(world.officer, application)


def test_the_clock_counts_working_days() -> None:
    friday_before_kings_day = datetime(2026, 4, 24, 15, tzinfo=UTC)
    # Saturday, Sunday, and Monday 27 April (King's Day) don't count.
    assert answer_due(friday_before_kings_day, 2, "NL").date() == date(2026, 4, 29)
    assert answer_due(friday_before_kings_day, 2, "DE").date() == date(2026, 4, 28)
    due = datetime(2026, 4, 29, 23, 59, tzinfo=UTC)
    assert working_days_left(friday_before_kings_day, due, "NL") == 2
    assert working_days_left(datetime(2026, 5, 1, 8, tzinfo=UTC), due, "NL") == -2


def test_scores_are_weighted() -> None:
    criteria = [{"code": "a", "weight": 2, "scale": 5}, {"code": "b", "weight": 1, "scale": 10}]
    assert score_of(criteria, {"a": 5, "b": 0}) == Decimal("66.67")


def test_the_front_door_shows_what_fits_with_free_hours() -> None:
    world = make_world()
    matches = front_door(Wish("startup", gpu_hours=3_000))
    first = matches[0]
    assert first.mode.code == "aif-playground"
    assert first.fits
    assert first.offers[0].call == world.call
    assert first.offers[0].free_gpu_hours > 0
    academic = {match.mode.code: match for match in front_door(Wish("academia", gpu_hours=3_000))}
    assert academic["aif-playground"].why == ["class"]
    assert {m.mode.code for m in matches if not m.fits and "too-little" in m.why} or MONTH


# Technical assessment before peer review


def peer_call(world: World, application: Application) -> Application:
    """The same application under a call with peer review."""
    Call.objects.filter(pk=application.call_id).update(review="peer")
    return Application.objects.select_related("call__factory", "organisation").get(pk=application.pk)


def test_peers_review_only_what_was_found_technically_sound() -> None:
    world = make_world()
    make_person("reviewer")
    application = peer_call(world, make_submitted(world))
    check_eligibility(world.officer, application)
    with pytest.raises(NotAssessed):
        assign_reviewers(world.officer, [application])
    assess_technically(world.operator, application, True, "Scales to eight nodes.")
    assert application.state == "assessed"
    reviews = assign_reviewers(world.officer, [application])
    assert reviews
    with pytest.raises(WrongState):
        assess_technically(world.operator, application, False, "Too late.")


def test_what_is_not_feasible_ends_with_the_reason_as_its_answer() -> None:
    world = make_world()
    application = peer_call(world, make_submitted(world))
    check_eligibility(world.officer, application)
    with pytest.raises(Invalid):
        assess_technically(world.operator, application, False, " ")
    assess_technically(world.operator, application, False, "It needs more memory than a node has.")
    application.refresh_from_db()
    assert application.state == "infeasible"
    assert application.answered_at is not None
    event = Event.objects.get(verb="access.find_infeasible")
    assert event.why == "It needs more memory than a node has."


def test_who_has_an_interest_does_not_assess() -> None:
    world = make_world()
    application = peer_call(world, make_submitted(world))
    check_eligibility(world.officer, application)
    colleague = make_person("operator", organisation=application.organisation)
    with pytest.raises(ConflictOfInterest):
        assess_technically(colleague, application, True, "Fine.")
    with pytest.raises(NotAllowed):
        assess_technically(make_person("reviewer"), application, True, "Fine.")


def test_without_peer_review_there_is_no_separate_assessment() -> None:
    world = make_world()
    application = make_submitted(world)
    check_eligibility(world.officer, application)
    with pytest.raises(WrongState):
        assess_technically(world.operator, application, True, "Fine.")
