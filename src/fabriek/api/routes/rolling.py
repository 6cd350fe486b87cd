"""Continuous calls and what comes back: queues, returns, offers, changes of awards."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from django.http import Http404, HttpRequest
from django.utils import timezone
from ninja import Field, Query, Schema

from fabriek.access import actions
from fabriek.access.actions import QueueRun
from fabriek.access.continuous import queue_page
from fabriek.access.models import Call
from fabriek.access.queries import call_of
from fabriek.access.queue_words import queue_words
from fabriek.access.rolling import is_decided, offer_of
from fabriek.api.authentication import Scope, actor_of
from fabriek.api.paging import PageOf, Paging, page_of
from fabriek.api.routes.access import DecisionRow, Why, decision_row
from fabriek.api.routes.access import router as access_router
from fabriek.api.routes.operations import own_project
from fabriek.api.routes.operations import router as operations_router
from fabriek.projects.actions import ask_change, claim_return, give_back, refuse_change, take_back, warn_unused
from fabriek.projects.actions.returning import would_return
from fabriek.projects.models import Allocation, Change, Project, Return
from fabriek.projects.queries import changes, returns
from fabriek.register.models import Partition


class ClassKept(Schema):
    """Seconds of accelerators; `expected`: applications until the end, `room_for`: for how many room is wanted."""

    organisation_class: str
    floor: float
    awarded: int
    waiting: int
    kept: int
    expected: float
    room_for: int
    seconds_each: float
    source: str


class Queued(Schema):
    application: str
    organisation_class: str
    answer_due: datetime | None
    working_days_left: int
    verdict: str
    words: str


class Queue(Schema):
    call: str
    offered: int
    free: int
    kept: int
    certainty: float
    classes: list[ClassKept]
    queue: list[Queued]


class Ran(Schema):
    call: str
    decision: str | None
    awarded: list[str]
    refused: list[str]
    waiting: list[str]
    left: list[str]


class ReturnRow(Schema):
    """`number` is null where nobody was warned yet."""

    number: int | None
    project: str
    allocation: str
    kind: str
    state: str
    used: int
    planned: int
    accelerator_seconds: int
    due: date
    claim: str


class Returns(PageOf):
    items: list[ReturnRow]


class GiveBackIn(Schema):
    allocation: str = Field(max_length=80)
    hours: int = Field(ge=1, le=10**10)


class ChangeIn(Schema):
    allocation: str = Field(max_length=80)
    kind: Literal["extension", "partition", "project"]
    hours: int = Field(ge=1, le=10**10)
    why: str = Field(max_length=2000)
    months: int = Field(0, ge=0, le=36)
    to_partition: str = Field("", max_length=80)
    to_project: str = Field("", max_length=60)


class ChangeRow(Schema):
    number: int
    project: str
    allocation: str
    kind: str
    state: str
    accelerator_seconds: int
    months: int
    to_partition: str | None
    to_project: str | None
    why: str
    answer: str
    granted: str | None


class Changes(PageOf):
    items: list[ChangeRow]


class Offered(Schema):
    application: str
    partition: str | None
    first_month: date | None
    months: int
    gpu_hours: int
    reason: str


class OfferAgainOut(Schema):
    """`problem_sha256` is what the confirmation names: another state of affairs is another problem."""

    call: str
    problem_sha256: str
    free_gpu_hours: int
    decided: bool
    offers: list[Offered]


class Confirmation(Schema):
    problem_sha256: str = Field(min_length=64, max_length=64)
    why: str = Field("", max_length=2000)


# Continuous calls


def _call(code: str, continuous: bool) -> Call:
    found = call_of(code)
    if found is None or found.continuous != continuous:
        raise Http404
    return found


@access_router.get(
    "/calls/{code}/queue", response=Queue, auth=Scope("read", "read applications"), summary="A continuous call's queue"
)
def queue(request: HttpRequest, code: str) -> dict[str, Any]:
    """What is free, what is kept for whom, and what each application would be answered now."""
    found = queue_page(_call(code, True))
    return {
        "call": code,
        "offered": found.offered,
        "free": found.free,
        "kept": found.kept,
        "certainty": found.situation.rule.certainty,
        "classes": [
            {
                "organisation_class": of.name,
                "floor": of.floor,
                "awarded": of.taken,
                "waiting": of.waiting,
                "kept": of.kept,
                "expected": of.forecast.expected,
                "room_for": of.forecast.room_for,
                "seconds_each": of.forecast.seconds_each,
                "source": of.forecast.source,
            }
            for of in found.classes
        ],
        "queue": [
            {
                "application": row.application.code,
                "organisation_class": row.application.organisation_class,
                "answer_due": row.application.answer_due,
                "working_days_left": row.days_left,
                "verdict": row.answer.verdict if row.answer else "refuse",
                "words": queue_words(row.answer.reason, row.detail) if row.answer else "",
            }
            for row in found.rows
        ],
    }


@access_router.post("/calls/{code}/queue", response=Ran, auth=Scope("decide", "decide"), summary="Answer a queue")
def decide_queue(request: HttpRequest, code: str) -> dict[str, Any]:
    """Every application that can be answered now, by the rule. Can be repeated."""
    actor = actor_of(request)
    return _ran(actions.decide_queue(actor, _call(code, True)))


def _ran(run: QueueRun) -> dict[str, Any]:
    return {
        "call": run.call.code,
        "decision": run.decision.code if run.decision else None,
        "awarded": [application.code for application in run.granted],
        "refused": [application.code for application in run.refused],
        "waiting": [application.code for application in run.waiting],
        "left": [application.code for application in run.left],
    }


@access_router.post("/queues", response=list[Ran], auth=Scope("decide", "decide"), summary="Answer all queues")
def decide_queues(request: HttpRequest) -> list[dict[str, Any]]:
    """Of every continuous call. Can be repeated; a timer may do so in an officer's name."""
    return [_ran(run) for run in actions.decide_queues(actor_of(request))]


# What comes back


def return_row(one: Return) -> dict[str, Any]:
    """A return, announced or done."""
    return {
        "number": one.pk,
        "project": one.allocation.project.code,
        "allocation": one.allocation.code,
        "used": one.used_seconds,
        "planned": one.planned_seconds,
        **{name: getattr(one, name) for name in ("kind", "state", "accelerator_seconds", "due", "claim")},
    }


@operations_router.get("/returns", response=Returns, auth=Scope("read", "read decisions"), summary="What comes back")
def all_returns(request: HttpRequest, paging: Query[Paging], new: bool = False) -> dict[str, Any]:
    """Announced and claimed returns, those due first on top; with `new`, those that the rule would warn of now."""
    found = would_return(timezone.now().date()) if new else returns(["warned", "claimed"])
    return page_of(found, paging, return_row)


@operations_router.post(
    "/returns", response=list[ReturnRow], auth=Scope("decide", "decide"), summary="Warn of unused hours"
)
def warn(request: HttpRequest) -> list[dict[str, Any]]:
    """Everybody whom the rule concerns and who was not warned. Can be repeated."""
    actor = actor_of(request)
    return [return_row(one) for one in warn_unused(actor)]


def _return(number: int) -> Return:
    found = (
        Return.objects.select_related("allocation__project", "allocation__partition")
        .filter(pk=number if number < 2**63 else 0)
        .first()
    )
    if found is None:
        raise Http404
    return found


@operations_router.post(
    "/returns/{number}/take", response=ReturnRow, auth=Scope("decide", "decide"), summary="Take back unused hours"
)
def take(request: HttpRequest, number: int) -> dict[str, Any]:
    """That are due and were not claimed. Can be repeated."""
    return return_row(take_back(actor_of(request), _return(number)))


@operations_router.post(
    "/returns/{number}/claim", response=ReturnRow, auth=Scope("apply"), summary="Claim one's unused hours"
)
def claim(request: HttpRequest, number: int, body: Why) -> dict[str, Any]:
    """By the project's lead: the hours stay."""
    found = _return(number)
    own_project(request, found.allocation.project.code)
    return return_row(claim_return(actor_of(request), found, body.why))


def _allocation(project: Project, code: str) -> Allocation:
    found = project.allocations.select_related("project__programme", "partition").filter(code=code).first()
    if found is None:
        raise Http404
    return found


@operations_router.get("/projects/{code}/returns", response=Returns, auth=Scope("read"), summary="A project's returns")
def returns_of_project(request: HttpRequest, code: str, paging: Query[Paging]) -> dict[str, Any]:
    """Announced, stopped and done, newest first."""
    project = own_project(request, code)
    every = returns(["warned", "claimed", "returned", "cancelled"], newest=True)
    return page_of(every.filter(allocation__project=project), paging, return_row)


@operations_router.post("/projects/{code}/returns", response=ReturnRow, auth=Scope("apply"), summary="Give back hours")
def give(request: HttpRequest, code: str, body: GiveBackIn) -> dict[str, Any]:
    """That the project will not use; by its lead."""
    allocation = _allocation(own_project(request, code), body.allocation)
    return return_row(give_back(actor_of(request), allocation, body.hours * 3600))


# Changes of awards


def change_row(change: Change) -> dict[str, Any]:
    """A change that was asked, and its answer."""
    names = ("kind", "state", "accelerator_seconds", "months", "why", "answer")
    return {
        "number": change.pk,
        "project": change.project.code,
        "allocation": change.allocation.code,
        **{name: getattr(change, name) for name in names},
        "to_partition": change.to_partition.code if change.to_partition else None,
        "to_project": change.to_project.code if change.to_project else None,
        "granted": change.granted.code if change.granted else None,
    }


@operations_router.get("/projects/{code}/changes", response=Changes, auth=Scope("read"), summary="A project's changes")
def changes_of_project(request: HttpRequest, code: str, paging: Query[Paging]) -> dict[str, Any]:
    """What it asked for, newest first."""
    project = own_project(request, code)
    return page_of(changes(newest=True).filter(project=project), paging, change_row)


@operations_router.post(
    "/projects/{code}/changes", response=ChangeRow, auth=Scope("apply"), summary="Ask for a change of an award"
)
def ask(request: HttpRequest, code: str, body: ChangeIn) -> dict[str, Any]:
    """An extension (once), or a move to another partition or to another project that one leads."""
    allocation = _allocation(own_project(request, code), body.allocation)
    partition = Partition.objects.filter(code=body.to_partition).first() if body.to_partition else None
    project = own_project(request, body.to_project) if body.to_project else None
    made = ask_change(
        actor_of(request),
        allocation,
        body.kind,
        body.hours,
        body.why,
        months=body.months,
        to_partition=partition,
        to_project=project,
    )
    return change_row(made)


@operations_router.get("/changes", response=Changes, auth=Scope("read", "read decisions"), summary="What projects ask")
def asked(request: HttpRequest, paging: Query[Paging]) -> dict[str, Any]:
    """Changes that wait for an answer, oldest first."""
    return page_of(changes(["asked"]), paging, change_row)


def _change(number: int) -> Change:
    found = changes().filter(pk=number if number < 2**63 else 0).first()
    if found is None:
        raise Http404
    return found


@operations_router.post(
    "/changes/{number}/grant", response=ChangeRow, auth=Scope("decide", "decide"), summary="Grant a change of an award"
)
def grant(request: HttpRequest, number: int) -> dict[str, Any]:
    """As far as shares, caps and promises allow it. Can be repeated."""
    return change_row(actions.grant_change(actor_of(request), _change(number)))


@operations_router.post(
    "/changes/{number}/refuse",
    response=ChangeRow,
    auth=Scope("decide", "decide"),
    summary="Refuse a change of an award",
)
def refuse(request: HttpRequest, number: int, body: Why) -> dict[str, Any]:
    """With the reason, which the project reads."""
    return change_row(refuse_change(actor_of(request), _change(number), body.why))


# Offering again


@access_router.get(
    "/calls/{code}/offer",
    response=OfferAgainOut,
    auth=Scope("decide", "decide"),
    summary="To whom hours would be offered again",
)
def offer(request: HttpRequest, code: str) -> dict[str, Any]:
    """A fresh plan over the displaced, with what is free in the months to come. Nothing is written."""
    call = _call(code, False)
    found = offer_of(call)
    return {
        "call": code,
        "problem_sha256": found.sha256,
        "free_gpu_hours": found.free_hours,
        "decided": is_decided(call, timezone.now()),
        "offers": [
            {
                "application": row.application.code,
                "partition": row.shifted.asked.partition.code if row.shifted else None,
                "first_month": row.shifted.first_month if row.shifted else None,
                "months": row.shifted.months if row.shifted else 0,
                "gpu_hours": row.hours,
                "reason": row.reason,
            }
            for row in found.rows
        ],
    }


@access_router.post(
    "/calls/{code}/offer",
    response=DecisionRow,
    auth=Scope("decide", "decide"),
    summary="Offer hours again to the displaced",
)
def confirm(request: HttpRequest, code: str, body: Confirmation) -> dict[str, Any]:
    """As the plan says that was looked at. Awards, opens the projects and tells the applicants."""
    actor = actor_of(request)
    return decision_row(actions.offer_again(actor, _call(code, False), body.problem_sha256, body.why))
