"""Decisions: proposed by the optimiser, published by a person, carried out in one transaction."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from django.conf import settings
from django.core.mail import send_mail
from django.db import IntegrityError, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from fabriek.access.actions.scenarios import ask_scenario, refuse_unreal
from fabriek.access.errors import DecisionStale, NotSolved, RepliesPending, WrongState
from fabriek.access.lifecycle import advance
from fabriek.access.models import Application, ApplicationState, Call, Decision, DecisionState, Outcome, Scenario
from fabriek.access.problem import candidates
from fabriek.access.rules import may_reply
from fabriek.access.signing_off import refuse_interested, refuse_unsigned, route_of
from fabriek.access.solving import hold_here, solve_here
from fabriek.access.words import award_explained, outcome_words, refusal_explained, stored, threshold_detail
from fabriek.allocation.explain import Explanation, explain_all
from fabriek.allocation.plan import Award, Plan, load_plan
from fabriek.allocation.problem import Problem, load_problem
from fabriek.allocation.verify import verify
from fabriek.audit.actions import record
from fabriek.people.models import Person
from fabriek.people.permissions import require
from fabriek.projects.actions import award, open_project
from fabriek.projects.models import Project
from fabriek.projects.rules import month_after, shortened

_log = logging.getLogger("fabriek.access")

HOW_TO_OBJECT = gettext_noop(
    "You can object on your application's page within thirty days; "
    "somebody who did not take part in the decision answers."
)


def propose_decision(
    actor: Person, calls: Sequence[Call], progress: Callable[[str], None] | None = None, *, is_demo: bool = False
) -> Decision:
    """Ask these calls as they stand, solve while one waits, and choose that scenario. Nothing is awarded yet.

    For scripts and small calls; who doesn't want to wait asks a scenario and chooses it once it is solved.
    Errors: NothingToDecide; NotSolved; Invalid where the calls can't be decided together.
    """
    require(actor, "decide")
    _wait_for_replies(calls)
    with transaction.atomic():
        scenario = ask_scenario(actor, calls, is_demo=is_demo)
        solver = hold_here(scenario)
    # Solved outside a transaction: it may take seconds, and nobody else should wait.
    solve_here(scenario, solver, progress)
    return choose_scenario(actor, Scenario.objects.select_related("run", "answer").get(pk=scenario.pk))


@transaction.atomic
def choose_scenario(actor: Person, scenario: Scenario, why: str = "", *, is_demo: bool | None = None) -> Decision:
    """Propose what a solved scenario says as the decision. Nothing is awarded before somebody publishes it.

    Errors: NotSolved; RepliesPending; NotReal where it supposes what is not so; DecisionStale where something changed.
    """
    require(actor, "decide")
    answer = getattr(scenario, "answer", None)
    if answer is None:
        raise NotSolved(
            scenario.run.fault or _("%(code)s has no plan yet.") % {"code": scenario.code}, state=scenario.run.state
        )
    calls = list(scenario.calls.select_related("programme").order_by("code"))
    _wait_for_replies(calls)
    refuse_unreal(scenario)
    programmes = {call.programme for call in calls}
    decision = _numbered(
        scenario=scenario,
        problem=scenario.problem,
        problem_sha256=scenario.problem_sha256,
        plan=answer.plan,
        greedy_value=answer.greedy_value,
        decided_by=", ".join(sorted({p.decides or p.name for p in programmes}))[:200],
        legal_basis=", ".join(sorted({p.legal_basis for p in programmes if p.legal_basis}))[:300],
        how_to_object=HOW_TO_OBJECT,
        sign_off=route_of(programmes),
        proposed_by=actor,
        is_demo=scenario.is_demo if is_demo is None else is_demo,
    )
    decision.calls.set(calls)
    record(
        actor,
        "access.propose_decision",
        decision,
        why=why,
        scenario=scenario.code,
        calls=[call.code for call in calls],
        problem_sha256=scenario.problem_sha256,
        value=answer.value,
        bound=answer.bound,
    )
    return decision


def _wait_for_replies(calls: Sequence[Call]) -> None:
    """Nothing is decided while somebody may still reply to their reviews. Errors: RepliesPending."""
    now = timezone.now()
    reviewed = Application.objects.filter(call__in=calls, state=ApplicationState.REVIEWED, reply_until__gte=now)
    waiting = [a for a in reviewed.select_related("reply").order_by("code") if may_reply(a, now)]
    if waiting:
        raise RepliesPending(
            ngettext(
                "%(number)s applicant may still reply to the reviews, until %(until)s UTC at the latest. Decide after "
                "that, or once they have replied.",
                "%(number)s applicants may still reply to the reviews, until %(until)s UTC at the latest. Decide after "
                "that, or once they have replied.",
                len(waiting),
            )
            % {
                "number": len(waiting),
                "until": f"{max(a.reply_until for a in waiting if a.reply_until):%Y-%m-%d %H:%M}",
            },
            applications=[a.code for a in waiting],
        )


def _numbered(**values: Any) -> Decision:
    """A new decision with the next number of the day. Of two at once, one takes the number after."""
    prefix = f"decision-{timezone.now().date():%Y-%m-%d}-"
    for attempt in range(10):
        number = Decision.objects.filter(code__startswith=prefix).count() + 1 + attempt
        try:
            with transaction.atomic():
                return Decision.objects.create(code=f"{prefix}{number:02d}", **values)
        except IntegrityError:
            continue
    raise WrongState(_("Too many proposals were made at this moment. Try again."))


@transaction.atomic
def discard_decision(actor: Person, decision: Decision, why: str = "") -> Decision:
    """Put a proposal aside. Only a proposal can be."""
    require(actor, "decide")
    if not Decision.objects.filter(pk=decision.pk, state=DecisionState.PROPOSED).update(state=DecisionState.DISCARDED):
        raise WrongState(_("Only a proposal can be discarded; this one was published or discarded already."))
    decision.state = DecisionState.DISCARDED
    record(actor, "access.discard_decision", decision, why=why)
    return decision


@transaction.atomic
def publish_decision(actor: Person, decision: Decision, why: str = "") -> Decision:
    """Publish a proposal: award, open the projects, tell the applicants. All of it, or nothing.

    Publishing it again changes nothing. Two officers at once: the first wins, the second is told.
    Errors: WrongState, NotSignedOff, DecisionStale (something changed since the proposal), ConflictOfInterest.
    """
    require(actor, "decide")
    decision = Decision.objects.select_for_update(of=("self",)).get(pk=decision.pk)
    if decision.state == DecisionState.PUBLISHED:
        return decision
    # Who publishes another proposal about one of these calls waits here, and then finds this one stale.
    list(Call.objects.select_for_update(of=("self",)).filter(decisions=decision).order_by("pk"))
    now = timezone.now()
    refuse_unsigned(decision)
    if not Decision.objects.filter(pk=decision.pk, state=DecisionState.PROPOSED).update(
        state=DecisionState.PUBLISHED, published_by=actor, published_at=now
    ):
        raise WrongState(_("This proposal was discarded. Make a new one."))
    calls = list(decision.calls.select_related("programme", "factory").order_by("code"))
    applications = candidates(calls)
    problem, plan = _checked_plan(decision)
    refuse_interested(actor, applications)
    told = {row.application: row for row in explain_all(problem, plan)}
    awards = {row.application: row for row in plan.awards}
    refusals = {row.application: row for row in plan.refusals}
    for application in applications:
        explained = told.get(application.code)
        if application.code in awards:
            _award(actor, decision, application, awards[application.code], explained)
        elif application.code in refusals:
            row = refusals[application.code]
            _refuse(actor, decision, application, row.reason, row.detail, explained)
        else:
            _refuse(actor, decision, application, "threshold", {})
    record(
        actor,
        "access.publish_decision",
        decision,
        why=why,
        awarded=len(awards),
        refused=len(applications) - len(awards),
        scenario=decision.scenario.code if decision.scenario else None,
        problem_sha256=decision.problem_sha256,
    )
    decision.refresh_from_db()
    return decision


def _checked_plan(decision: Decision) -> tuple[Problem, Plan]:
    """The problem, and the plan of the chosen scenario, if it holds and is about the state of today.

    Errors: DecisionStale; NotReal where the scenario supposes what is not so.
    """
    if decision.scenario is None:
        raise DecisionStale(_("No stored scenario was chosen for this proposal. Ask one, and choose it."))
    problem, plan = load_problem(decision.problem.encode()), load_plan(decision.plan)
    faults = verify(problem, plan)
    if faults:
        raise DecisionStale(_("The stored plan does not hold: %(why)s. Propose again.") % {"why": faults[0]})
    refuse_unreal(decision.scenario)
    return problem, plan


def _project_of(actor: Person, application: Application, first_month: date, months: int) -> Project:
    """The project that an application becomes when it is awarded."""
    organisation = application.organisation
    if organisation is None:
        raise DecisionStale(_("%(code)s has no organisation.") % {"code": application.code})
    return open_project(
        actor,
        # Applications of before this was bounded may have longer codes than an account.
        code=shortened(application.code),
        title=application.title,
        summary=application.summary,
        factory=application.call.factory,
        programme=application.call.programme,
        organisation=organisation,
        organisation_class=application.organisation_class,
        country=application.country,
        commercial=application.commercial,
        application=application.code,
        lead=application.applicant,
        starts=first_month,
        ends=month_after(first_month, months),
        is_demo=application.is_demo,
    )


def _award(
    actor: Person, decision: Decision, application: Application, row: Award, told: Explanation | None = None
) -> None:
    asked = list(application.alternatives.all())[row.alternative]
    project = _project_of(actor, application, asked.first_month, asked.months)
    award(
        actor,
        project,
        asked.partition,
        asked.first_month,
        asked.months,
        round(row.hours * 3600),
        key=application.code,
    )
    told = told or award_explained(application, asked, int(row.hours), sha256=decision.problem_sha256)
    _outcome(
        decision,
        application,
        gettext_noop("Awarded: %(title)s"),
        awarded=True,
        alternative=asked,
        gpu_hours=int(row.hours),
        project=project,
        why=stored(told),
    )
    advance(actor, application, "award", trusted=True, answered_at=timezone.now())


def _refuse(
    actor: Person,
    decision: Decision,
    application: Application,
    reason: str,
    detail: dict[str, Any],
    told: Explanation | None = None,
) -> None:
    if reason == "threshold":
        detail = {**threshold_detail(application), **detail}
    by_a_plan = "verdict" not in detail
    told = told or (refusal_explained(application, reason, detail, decision.problem_sha256) if by_a_plan else None)
    _outcome(
        decision,
        application,
        gettext_noop("Not awarded: %(title)s"),
        awarded=False,
        reason=reason,
        detail=detail,
        why=stored(told) if told else {},
    )
    advance(actor, application, "reject", trusted=True, answered_at=timezone.now())


def _outcome(decision: Decision, application: Application, subject: str, **values: Any) -> Outcome:
    """Keep the outcome, with its words in the applicant's language, and tell the applicant."""
    outcome = Outcome(decision=decision, application=application, **values)
    with translation.override(application.applicant.language):
        outcome.explanation = outcome_words(outcome)
        outcome.save()
        _tell(application, _(subject) % {"title": application.title}, outcome.explanation)
    return outcome


def _tell(application: Application, subject: str, words: str) -> None:
    """Mail the applicant once the decision stands. A mail that can't be sent undoes nothing: the page says the same."""
    person = application.applicant
    if person.is_demo:
        return
    link = f"{settings.FABRIEK_BASE_URL}/applications/{application.code}"

    def send() -> None:
        try:
            with translation.override(person.language):
                send_mail(
                    subject, f"{words}\n\n{link}\n\n{_(HOW_TO_OBJECT)}", settings.DEFAULT_FROM_EMAIL, [person.email]
                )
        except OSError:
            _log.exception("mail to %s about %s", person.email, application.code)

    transaction.on_commit(send)
