"""Deciding in continuous calls: each application in the queue's order, by the rule, within its answer time.

A tick of this action can be repeated at any time: what is answered stays answered. What it grants is one published
decision whose problem and plan anybody can verify; what it refuses is in the same decision, with what was free and what
was kept; who waits is told 'not yet', and since when.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from fabriek.access.actions.decisions import HOW_TO_OBJECT, _award, _numbered, _refuse
from fabriek.access.continuous import in_order, request_of, situation_of
from fabriek.access.errors import DecisionStale
from fabriek.access.exceeded import without_exceeded
from fabriek.access.models import (
    Application,
    ApplicationState,
    Call,
    Decision,
    DecisionOrigin,
    DecisionState,
    NotYet,
    Outcome,
)
from fabriek.access.problem import candidates, compose, horizon, row_of
from fabriek.access.queue_words import detail_of
from fabriek.access.rules import conflicts, may_reply
from fabriek.access.signing_off import refuse_interested
from fabriek.allocation.continuous import Verdict, after, answer
from fabriek.allocation.plan import Award, Plan
from fabriek.allocation.problem import Problem, parse_problem
from fabriek.allocation.solve import solve
from fabriek.allocation.verify import verify
from fabriek.audit.actions import record
from fabriek.conf.errors import Refused
from fabriek.people.models import Person
from fabriek.people.permissions import require


@dataclass
class QueueRun:
    """What a tick did. `left`: applications in which the actor has an interest, for another officer."""

    call: Call
    decision: Decision | None = None
    granted: list[Application] = field(default_factory=list)
    refused: list[Application] = field(default_factory=list)
    waiting: list[Application] = field(default_factory=list)
    left: list[Application] = field(default_factory=list)


@transaction.atomic
def decide_queue(actor: Person, call: Call, now: datetime | None = None) -> QueueRun:
    """Answer what can be answered in one continuous call: all of it, or nothing.

    Errors: NotAllowed; Refused where the call is decided after its cut-off.
    """
    require(actor, "decide")
    if not call.continuous:
        raise Refused(_("This call is decided after its cut-off. Propose a decision."))
    now, run = now or timezone.now(), QueueRun(call)
    # Two ticks at once: the second waits here, and finds answered what the first answered.
    list(Call.objects.select_for_update(of=("self",)).filter(programme=call.programme, continuous=True).order_by("pk"))
    # Who may still reply to their reviews keeps the place in the queue, and is answered the next time.
    queue = in_order([a for a in candidates([call]) if not may_reply(a, now)])
    interests = {number for number, _person in conflicts(queue, [actor])}
    run.left = [a for a in queue if a.pk in interests]
    situation = situation_of(call, now)
    grants: dict[str, tuple[int, dict[str, Any]]] = {}
    refusals: dict[str, tuple[str, dict[str, Any]]] = {}
    rows: list[dict[str, Any]] = []
    plan: Plan | None = None
    for application in (a for a in queue if a.pk not in interests):
        if application.score is None or application.score < call.threshold:
            refusals[application.code] = ("threshold", {})
            continue
        request = request_of(application, now)
        made = answer(situation, request)
        detail = detail_of(made, situation, request, now)
        if made.verdict == Verdict.WAIT:
            run.waiting.append(application)
            NotYet.objects.update_or_create(
                application=application, defaults={"at": now, "detail": detail}, create_defaults={
                    "at": now, "first_at": now, "detail": detail,
                },
            )  # fmt: skip
        elif made.verdict == Verdict.REFUSE:
            refusals[application.code] = (made.reason, detail)
        else:
            # The caps are the model's: it says whether this one may be awarded beside those before it.
            row = _row(application, made.alternative)
            problem, barred = _problem(call, [*rows, row], now)
            if application.code in barred:
                refusals[application.code] = ("cap", {"promises": barred[application.code]})
                continue
            tried = solve(problem, seconds=10.0)
            if tried.refusals:
                # One of them has to go, whichever the plan would rather drop: those before it keep their place.
                told = tried.refusals[0]
                own = told.detail if told.application == application.code else {}
                refusals[application.code] = (told.reason, own or {"promises": told.detail.get("promises", [])})
                continue
            rows, plan = [*rows, row], tried
            grants[application.code] = (made.alternative, detail)
            situation = after(situation, request.class_, request.alternatives[made.alternative])
    if grants or refusals:
        by_code = {application.code: application for application in queue}
        _publish(actor, run, by_code, rows, plan, grants, refusals, now)
    return run


def _row(application: Application, number: int) -> dict[str, Any]:
    """An application with the one alternative that the rule found room for."""
    asked = list(application.alternatives.all())[number]
    return row_of(application, [(asked.partition.code, asked.first_month, asked.months, float(asked.gpu_hours))])


def _problem(call: Call, rows: Sequence[dict[str, Any]], now: datetime) -> tuple[Problem, dict[str, list[str]]]:
    """These applications beside what is free and under the caps, and whom a cap bars already.

    Floors are kept by the rule's reserves: a problem of one or two applications would hold up every first one for a
    floor of which the class has not applied yet.
    """
    partitions = sorted(partition.code for partition in call.partitions.all())
    whole = compose(
        horizon([call]),
        partitions,
        [call.programme.code],
        lambda months: [
            {
                **row,
                "alternatives": [
                    {"partition": p, "start": months.index(first), "months": number, "hours": hours}
                    for p, first, number, hours in row["alternatives"]
                ],
            }
            for row in rows
        ],
        threshold=float(call.threshold),
        value=call.value,
        on=now.date(),
    )
    document = whole.model_dump(mode="json", by_alias=True, exclude_none=True)
    document["promises"] = [promise for promise in document["promises"] if promise["kind"] == "cap"]
    return without_exceeded(parse_problem(document))


def _publish(
    actor: Person,
    run: QueueRun,
    by_code: dict[str, Application],
    rows: Sequence[dict[str, Any]],
    plan: Plan | None,
    grants: dict[str, tuple[int, dict[str, Any]]],
    refusals: dict[str, tuple[str, dict[str, Any]]],
    now: datetime,
) -> None:
    call = run.call
    problem, _barred = _problem(call, rows, now)
    plan = plan if plan is not None and rows else solve(problem, seconds=10.0)
    if faults := verify(problem, plan):
        raise DecisionStale(_("The plan does not hold: %(why)s.") % {"why": faults[0]})
    refuse_interested(actor, [by_code[code] for code in [*grants, *refusals]])
    decision = _numbered(
        origin=DecisionOrigin.CONTINUOUS,
        state=DecisionState.PUBLISHED,
        problem=problem.to_json().decode(),
        problem_sha256=plan.problem_sha256,
        plan=plan.to_json(),
        greedy_value=plan.value,
        decided_by=(call.programme.decides or call.programme.name)[:200],
        legal_basis=call.programme.legal_basis[:300],
        how_to_object=HOW_TO_OBJECT,
        proposed_by=actor,
        published_by=actor,
        proposed_at=now,
        published_at=now,
        is_demo=call.is_demo,
    )
    decision.calls.set([call])
    for code, (number, detail) in grants.items():
        application = by_code[code]
        hours = list(application.alternatives.all())[number].gpu_hours
        _award(actor, decision, application, Award(application=code, alternative=number, hours=hours))
        Outcome.objects.filter(decision=decision, application=application).update(detail=detail)
        run.granted.append(application)
    for code, (reason, detail) in refusals.items():
        _refuse(actor, decision, by_code[code], reason, detail)
        run.refused.append(by_code[code])
    record(
        actor,
        "access.decide_queue",
        decision,
        call=call.code,
        awarded=len(grants),
        refused=len(refusals),
        waiting=[application.code for application in run.waiting],
        problem_sha256=plan.problem_sha256,
    )
    run.decision = decision


def decide_queues(actor: Person, now: datetime | None = None) -> list[QueueRun]:
    """Answer what can be answered in every continuous call that has a queue, each call by itself. Can be repeated."""
    require(actor, "decide")
    calls = (
        Call.objects.filter(continuous=True, applications__state=ApplicationState.REVIEWED)
        .select_related("programme", "factory", "access_mode")
        .prefetch_related("partitions")
        .distinct()
        .order_by("code")
    )
    return [decide_queue(actor, call, now) for call in calls]
