"""Offering again what came back, and deciding on changes of awards: both through the same model as a first decision."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from fabriek.access.actions.decisions import HOW_TO_OBJECT, _numbered, _outcome, _project_of
from fabriek.access.errors import DecisionStale, NothingToDecide, WrongState
from fabriek.access.exceeded import without_exceeded
from fabriek.access.lifecycle import advance
from fabriek.access.models import Call, Decision, DecisionOrigin, DecisionState, Outcome
from fabriek.access.problem import compose
from fabriek.access.rolling import Offer, OfferRow, is_decided, offer_of, same_offer
from fabriek.access.signing_off import refuse_interested
from fabriek.access.words import award_explained, refusal_words, stored
from fabriek.allocation.explain.model import Asked
from fabriek.allocation.plan import Plan
from fabriek.allocation.problem import Problem
from fabriek.allocation.solve import solve
from fabriek.allocation.verify import verify
from fabriek.audit.actions import record
from fabriek.conf.amounts import month_text, number_text
from fabriek.conf.errors import Refused
from fabriek.people.models import Person
from fabriek.people.permissions import require
from fabriek.projects.actions import award, release
from fabriek.projects.actions.changes import refuse_own
from fabriek.projects.models import Change, ChangeKind, ChangeState, Project
from fabriek.projects.rules import month_after, months_between


class ChangeStands(Refused):
    """A change that shares, caps or promises don't allow. The sentence says which."""

    slug = "change-refused"


@transaction.atomic
def offer_again(actor: Person, call: Call, sha256: str, why: str = "", now: datetime | None = None) -> Decision:
    """Award what came back to the displaced of a call, as the fresh plan says. All of it, or nothing.

    sha256: of the problem that the officer looked at; where anything has changed since, look again (DecisionStale).
    Errors: WrongState (the call is not decided yet), NothingToDecide, DecisionStale, ConflictOfInterest.
    """
    require(actor, "decide")
    now = now or timezone.now()
    # Two officers at once: the second waits here, and then finds another problem.
    list(Call.objects.select_for_update(of=("self",)).filter(pk=call.pk))
    if call.continuous or not is_decided(call, now):
        raise WrongState(
            _("%(call)s still takes applications or has some to decide on: what is free goes to them first.")
            % {"call": call.title}
        )
    offer = offer_of(call, now)
    if not same_offer(offer, sha256):
        raise DecisionStale(_("What is free or promised has changed since you looked. Look again."))
    if not offer.awards:
        raise NothingToDecide(_("Nothing of what is free fits anybody who was displaced."))
    if faults := verify(offer.problem, offer.plan):
        raise DecisionStale(_("The plan does not hold: %(why)s.") % {"why": faults[0]})
    refuse_interested(actor, [row.application for row in offer.rows])
    decision = _decision(actor, offer, now)
    for row in offer.awards:
        _award(actor, decision, row, now)
    record(
        actor,
        "access.offer_again",
        decision,
        why=why,
        call=call.code,
        awarded=[row.application.code for row in offer.awards],
        problem_sha256=decision.problem_sha256,
    )
    return decision


def _decision(actor: Person, offer: Offer, now: datetime) -> Decision:
    programme = offer.call.programme
    decision = _numbered(
        origin=DecisionOrigin.ROLLING,
        state=DecisionState.PUBLISHED,
        problem=offer.problem.to_json().decode(),
        problem_sha256=offer.plan.problem_sha256,
        plan=offer.plan.to_json(),
        greedy_value=offer.plan.value,
        decided_by=(programme.decides or programme.name)[:200],
        legal_basis=programme.legal_basis[:300],
        how_to_object=HOW_TO_OBJECT,
        proposed_by=actor,
        published_by=actor,
        proposed_at=now,
        published_at=now,
        is_demo=offer.call.is_demo,
    )
    decision.calls.set([offer.call])
    return decision


def _award(actor: Person, decision: Decision, row: OfferRow, now: datetime) -> None:
    application, way = row.application, row.shifted
    if way is None:
        raise DecisionStale(_("%(code)s has no organisation.") % {"code": application.code})
    project = _project_of(actor, application, way.first_month, way.months)
    Outcome.objects.filter(pk=row.old.pk).update(set_aside_at=now)
    award(actor, project, way.asked.partition, way.first_month, way.months, row.hours * 3600, key=application.code)
    left = Asked(
        partition=way.asked.partition.code,
        start=f"{way.first_month:%Y-%m}",
        months=way.months,
        hours=float(way.gpu_hours),
    )
    told = award_explained(application, way.asked, row.hours, asked=left, sha256=decision.problem_sha256)
    _outcome(
        decision,
        application,
        gettext_noop("Awarded after all: %(title)s"),
        awarded=True,
        alternative=way.asked,
        gpu_hours=row.hours,
        project=project,
        detail={"offered_again": True, "is_cut": way.is_cut},
        why=stored(told),
    )
    advance(actor, application, "offer_again", trusted=True, answered_at=now)


# Changes of awards


@transaction.atomic
def grant_change(actor: Person, change: Change, now: datetime | None = None) -> Change:
    """Grant an extension or a move: the hours are taken out, and awarded anew if the model allows it. Or nothing.

    Granting it again changes nothing. Errors: ChangeStands with what doesn't allow it, NotAMember for an interest.
    """
    require(actor, "decide")
    now = now or timezone.now()
    change = (
        Change.objects.select_for_update(of=("self",))
        .select_related(
            "project__programme",
            "project__organisation",
            "project__factory",
            "allocation__partition",
            "allocation__project__programme",
            "to_partition",
            "to_project__programme",
            "to_project__organisation",
        )
        .get(pk=change.pk)
    )
    if change.state == ChangeState.GRANTED:
        return change
    if change.state != ChangeState.ASKED:
        raise WrongState(_("This was answered already."))
    refuse_own(actor, change)
    problem, plan, first, months = _carry_out(actor, change, now)
    target = change.to_project or change.project
    partition = change.to_partition or change.allocation.partition
    made = award(actor, target, partition, first, months, change.accelerator_seconds, key=f"change:{change.pk}")
    ends = month_after(first, months)
    if ends > target.ends:
        target.ends = ends
        target.save(update_fields=["ends"])
    change.state, change.granted, change.answer = ChangeState.GRANTED, made, ""
    change.decided_by, change.decided_at = actor, now
    change.problem, change.plan = problem.to_json().decode(), plan.to_json()
    change.save()
    record(
        actor,
        "access.grant_change",
        change.project,
        kind=change.kind,
        allocation=change.allocation.code,
        new_allocation=made.code,
        accelerator_seconds=change.accelerator_seconds,
        problem_sha256=plan.problem_sha256,
    )
    return change


def _carry_out(actor: Person, change: Change, now: datetime) -> tuple[Problem, Plan, date, int]:
    """Take the hours out and put the new request to the model as things are then."""
    left = release(actor, change, now)
    if change.kind != ChangeKind.EXTENSION and left < change.accelerator_seconds:
        raise ChangeStands(
            _("Only %(left)s GPU-hours are left of this allocation.") % {"left": number_text(left // 3600)}
        )
    first, months = _period(change, now)
    target = change.to_project or change.project
    partition = change.to_partition or change.allocation.partition
    problem = compose(
        months_between(first, month_after(first, months)),
        [partition.code],
        [target.programme.code],
        lambda _months: [
            {
                "id": target.code,
                "programme": target.programme.code,
                "class": target.organisation_class,
                "organisation": target.organisation.code,
                "country": target.country,
                "commercial": target.commercial,
                "score": 100.0,
                "least": 1.0,
                "alternatives": [
                    {
                        "partition": partition.code,
                        "start": 0,
                        "months": months,
                        "hours": change.accelerator_seconds / 3600,
                    }
                ],
            }
        ],
        on=now.date(),
    )
    problem, barred = without_exceeded(problem)
    if target.code in barred:
        raise ChangeStands(refusal_words("cap", {"promises": barred[target.code]}))
    plan = solve(problem, seconds=10.0)
    if faults := verify(problem, plan):
        raise DecisionStale(_("The plan does not hold: %(why)s.") % {"why": faults[0]})
    if not plan.awards:
        refusal = plan.refusals[0]
        if refusal.reason == "capacity" and not refusal.detail.get("share"):
            raise ChangeStands(
                _("%(programme)s has nothing free on %(partition)s in %(month)s.")
                % {
                    "programme": target.programme.name,
                    "partition": partition.code,
                    "month": month_text(refusal.detail.get("month", first)),
                }
            )
        raise ChangeStands(refusal_words(refusal.reason, refusal.detail))
    return problem, plan, first, months


def _period(change: Change, now: datetime) -> tuple[date, int]:
    """The months in which the hours are to be used: after the end, or what is left of the allocation's own."""
    allocation, this = change.allocation, now.date().replace(day=1)
    if change.kind == ChangeKind.EXTENSION:
        return max(allocation.ends, this), change.months
    first = max(allocation.starts, this)
    months = len(months_between(first, allocation.ends))
    if not months:
        raise ChangeStands(_("No month is left of this allocation."))
    return first, months


def would_be_granted(actor: Person, change: Change, now: datetime | None = None) -> str:
    """Why a change can't be granted as things are, in a sentence; empty: it can. Nothing is kept of the attempt."""
    try:
        with transaction.atomic():
            grant_change(actor, change, now)
            raise _Tried
    except _Tried:
        return ""
    except Refused as refusal:
        return str(refusal.sentence)


class _Tried(Exception):
    """Takes an attempt back."""


def ending_soon(project: Project, now: datetime) -> bool:
    """Whether a project's page should tell of the extension: it ends within two months."""
    return project.ended_at is None and now.date() >= project.ends - timedelta(days=60)
