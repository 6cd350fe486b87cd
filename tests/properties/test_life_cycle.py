"""Rule 8 on random lives of applications: no step but those of the table, each on record, nobody with an interest.

Where a route is to be signed off, nothing is published before as many people as it has steps gave their initials.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from tests.factories.world import make_draft, make_organisation, make_person, make_world

from fabriek.access import actions
from fabriek.access.lifecycle import APPLICANT, TRANSITIONS
from fabriek.access.models import Application, Call, Decision, DecisionState, Objection, Outcome, Review
from fabriek.access.rules import conflict_of, conflicts
from fabriek.audit.models import Event
from fabriek.conf.errors import Refused
from fabriek.ledger.queries import check
from fabriek.people.permissions import may
from fabriek.programmes.actions import set_sign_off
from fabriek.projects.models import Project

pytestmark = pytest.mark.django_db

# The officer and the operator without an interest more often than the others, so that steps are taken too.
PEOPLE = st.one_of(st.sampled_from([0, 1]), st.integers(0, 8))
ROUTE = [{"title": "Second officer", "role": "officer"}, {"title": "Board", "role": "board"}]
STEPS = {transition.name: transition for transition in TRANSITIONS}


class LifeOfApplications(RuleBasedStateMachine):
    """Random people try random acts on random applications. What is refused must have changed nothing."""

    @initialize(
        peers=st.booleans(),
        stages=st.lists(st.sampled_from([0, 1, 2, 3, 4, 5, 5, 5]), min_size=4, max_size=4),
        decided=st.booleans(),
        route=st.lists(st.sampled_from(ROUTE), max_size=2, unique_by=lambda step: step["title"]),
    )
    def begin(self, peers: bool, stages: list[int], decided: bool, route: list[dict[str, str]]) -> None:
        self.savepoint = transaction.savepoint()
        self.world = make_world()
        Call.objects.filter(pk=self.world.call.pk).update(review="peer" if peers else "technical", reviewers=1)
        self.world.call.refresh_from_db()
        self.applicants = [make_person(organisation=make_organisation()) for _ in range(2)]
        self.people = [
            self.world.officer,
            self.world.operator,
            make_person("officer", organisation=make_organisation("public-sector", "FR")),
            # An officer and a reviewer with an interest: the first applicant's colleagues.
            make_person("officer", organisation=self.applicants[0].organisation),
            make_person("reviewer", organisation=self.applicants[0].organisation),
            make_person("reviewer", organisation=make_organisation("academia", "DE")),
            make_person("board"),
            *self.applicants,
        ]
        self.applications = [make_draft(self.world, applicant) for applicant in self.applicants for _ in range(2)]
        for application, stage in zip(self.applications, stages, strict=True):
            self.lead(application, stage)
        if decided and 5 in stages:
            proposed = actions.propose_decision(self.world.officer, [self.world.call])
            actions.publish_decision(self.world.officer, proposed)
        set_sign_off(make_person("administrator"), self.world.call.programme, route, "four eyes")
        self.world.call.refresh_from_db()
        # A proposal that waits, so that lives in which it is signed off or published too early are tried too.
        if not decided and 5 in stages:
            actions.propose_decision(self.world.officer, [self.world.call])

    def teardown(self) -> None:
        if hasattr(self, "savepoint"):
            transaction.savepoint_rollback(self.savepoint)

    def lead(self, application: Application, stage: int) -> None:
        """Bring an application some way along the right path, so that lives that end late are tried too."""
        good = application.pk % 2
        officer, operator = self.world.officer, self.world.operator
        if stage > 0:
            actions.submit_application(application.applicant, application)
        if stage > 1:
            actions.check_eligibility(officer, application, True, "Seen.")
        if stage > 2 and self.world.call.review == "peer":
            actions.assess_technically(operator, self.again(application), True, "Sound.")
        if stage > 3:
            for review in actions.assign_reviewers(officer, [self.again(application)]):
                scores = {criterion["code"]: 4 if good else 1 for criterion in self.world.call.criteria}
                actions.submit_review(review.reviewer, review, scores, "Good.")
        if stage > 4:
            actions.settle_consensus(officer, self.again(application))

    def again(self, application: Application) -> Application:
        return Application.objects.select_related("call__factory", "organisation", "applicant").get(pk=application.pk)

    def attempt(self, act: Any) -> None:
        events = Event.objects.count()
        before = list(Application.objects.order_by("pk").values_list("pk", "state"))
        refusal = None
        try:
            act()
        except Refused as error:
            refusal = error
        if refusal is not None:
            assert str(refusal.sentence)
            assert Event.objects.count() == events
            assert list(Application.objects.order_by("pk").values_list("pk", "state")) == before

    def application(self, which: int) -> Application:
        return self.again(self.applications[which])

    @rule(who=PEOPLE, which=st.integers(0, 3), what=st.sampled_from(["submit", "withdraw", "object"]))
    def ask(self, who: int, which: int, what: str) -> None:
        person, application = self.people[who], self.application(which)
        acts = {
            "submit": lambda: actions.submit_application(application.applicant, application),
            "withdraw": lambda: actions.withdraw_application(person, application),
            "object": lambda: actions.make_objection(person, application, "It is wrong."),
        }
        self.attempt(acts[what])

    @rule(who=PEOPLE, which=st.integers(0, 3), good=st.booleans())
    def check_eligibility(self, who: int, which: int, good: bool) -> None:
        self.attempt(lambda: actions.check_eligibility(self.people[who], self.application(which), good, "A remark."))

    @rule(who=PEOPLE, which=st.integers(0, 3), good=st.booleans())
    def assess(self, who: int, which: int, good: bool) -> None:
        self.attempt(lambda: actions.assess_technically(self.people[who], self.application(which), good, "A remark."))

    @rule(who=PEOPLE, which=st.integers(0, 3))
    def assign(self, who: int, which: int) -> None:
        self.attempt(lambda: actions.assign_reviewers(self.people[who], [self.application(which)]))

    @rule(points=st.integers(0, 6), decline=st.booleans())
    def review(self, points: int, decline: bool) -> None:
        review = Review.objects.filter(state="assigned").select_related("reviewer").first()
        if review is None:
            return
        scores = {criterion["code"]: points for criterion in self.world.call.criteria}
        if decline:
            self.attempt(lambda: actions.decline_review(review.reviewer, review, "I know them."))
        else:
            self.attempt(lambda: actions.submit_review(review.reviewer, review, scores, "A remark."))

    @rule(who=PEOPLE, which=st.integers(0, 3))
    def settle(self, who: int, which: int) -> None:
        self.attempt(lambda: actions.settle_consensus(self.people[who], self.application(which)))

    @rule(who=PEOPLE, which=st.integers(0, 3), upheld=st.booleans())
    def answer(self, who: int, which: int, upheld: bool) -> None:
        objection = Objection.objects.filter(outcome__application=self.applications[which], answered_at=None).first()
        if objection is not None:
            self.attempt(lambda: actions.answer_objection(self.people[who], objection, "So be it.", upheld=upheld))

    @rule(who=PEOPLE)
    def propose(self, who: int) -> None:
        self.attempt(lambda: actions.propose_decision(self.people[who], [self.world.call]))

    @rule(who=PEOPLE)
    def publish(self, who: int) -> None:
        decision = Decision.objects.filter(state=DecisionState.PROPOSED).order_by("-pk").first()
        if decision is not None:
            self.attempt(lambda: actions.publish_decision(self.people[who], decision))

    @rule(who=PEOPLE, agrees=st.sampled_from([True, True, True, False]))
    def sign(self, who: int, agrees: bool) -> None:
        decision = Decision.objects.filter(state=DecisionState.PROPOSED).order_by("-pk").first()
        if decision is not None:
            verb = actions.initial_decision if agrees else actions.send_back_decision
            self.attempt(lambda: verb(self.people[who], decision, "A remark."))

    @invariant()
    def what_is_published_was_signed_off(self) -> None:
        for decision in Decision.objects.exclude(sign_off=[]):
            given = list(decision.initials.select_related("person"))
            assert len({initial.person_id for initial in given} - {decision.proposed_by_id}) == len(given)
            for initial in given:
                assert decision.sign_off[initial.step]["role"] in initial.person.role_names()
                about = Application.objects.filter(outcomes__decision=decision)
                assert not conflicts(list(about), [initial.person])
            if decision.state == DecisionState.PUBLISHED:
                assert [initial.step for initial in given if initial.agrees] == list(range(len(decision.sign_off)))
            if any(not initial.agrees for initial in given):
                assert decision.state == DecisionState.DISCARDED

    @invariant()
    def every_state_follows_from_the_record(self) -> None:
        if not hasattr(self, "applications"):
            return
        for application in Application.objects.all():
            state = "draft"
            for event in Event.objects.filter(subject=application.code, subject_kind="access.application").order_by(
                "id"
            ):
                step = STEPS.get(event.verb.partition(".")[2])
                if step is None:
                    continue
                assert state in step.sources
                state = step.target
                assert event.actor is not None
                if step.who == APPLICANT:
                    assert event.actor_id == application.applicant_id
                else:
                    assert may(event.actor, step.who)
                    assert not conflict_of(event.actor, application)
            assert application.state == state

    @invariant()
    def awarded_is_a_project_once(self) -> None:
        if not hasattr(self, "applications"):
            return
        awarded = set(Application.objects.filter(state="awarded").values_list("code", flat=True))
        assert set(Project.objects.values_list("code", flat=True)) == awarded
        holding = Outcome.objects.filter(set_aside_at=None, awarded=True).values_list("application__code", flat=True)
        assert set(holding) == awarded
        assert check() == []


class OnTheDatabase(TestCase):
    def test_every_life_keeps_the_rules(self) -> None:
        run_state_machine_as_test(
            LifeOfApplications,
            settings=settings(
                max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
            ),
        )
