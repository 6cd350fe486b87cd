"""What reviewers and officers read, and what they do with many applications at once."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.http import Http404, HttpRequest
from ninja import Field, Query, Schema, Status

from fabriek.access import actions, queries
from fabriek.access.findings import eligibility_findings, in_words
from fabriek.access.models import Application, Call, Objection, Review, Task, TaskVerb
from fabriek.api.authentication import Scope, actor_of
from fabriek.api.paging import PageOf, Paging, page_of

# One address, one router: a router answers 405 for methods that it does not know itself.
from fabriek.api.routes.access import (
    AlternativeIO,
    DecisionRow,
    ReviewDraft,
    ReviewRow,
    Why,
    decision_of,
    decision_row,
    own,
    review_row,
    router,
)
from fabriek.people.permissions import require


class Criterion(Schema):
    code: str
    name: str
    scale: float
    weight: float | None = None


class ReviewDetail(Schema):
    number: int
    application: str
    kind: str
    state: str
    title: str
    organisation: str | None
    organisation_class: str
    summary: str
    method: str
    data_statement: str
    ethics: dict[str, Any]
    keywords: list[str]
    alternatives: list[AlternativeIO]
    technical_assessment: str | None
    criteria: list[Criterion]
    answer_due: datetime | None
    scores: dict[str, float]
    remark: str
    confidential_remark: str
    version: int
    saved_at: datetime | None
    draft: dict[str, Any] = Field(description="What is saved and not handed in; empty where nothing is.")


class DeclineIn(Schema):
    why: str = Field(min_length=1, max_length=300)


class ApplicationRow(Schema):
    code: str
    title: str
    organisation: str | None
    organisation_class: str
    country: str
    state: str
    gpu_hours: int
    reviews: int
    reviews_done: int
    score: Decimal | None
    submitted_at: datetime | None
    answer_due: datetime | None


class ApplicationRows(PageOf):
    items: list[ApplicationRow]


class Finding(Schema):
    rule: str
    holds: bool
    sentence: str


class Assessed(Schema):
    feasible: bool
    remark: str
    confidential_remark: str
    by: str


class Judged(Schema):
    number: int
    reviewer: str
    state: str
    scores: dict[str, float]
    remark: str
    confidential_remark: str


class Judgement(Schema):
    code: str
    state: str
    eligible: bool | None
    findings: list[Finding]
    technical_assessment: Assessed | None
    reviews: list[Judged]
    score: Decimal | None


class Done(Schema):
    """What was done of many at once, and the sentence of each that was refused."""

    done: int
    refused: list[str]


class TaskOut(Schema):
    """Work on many applications that goes on by itself. Ask again until `state` is done or failed."""

    task: int
    call: str
    verb: str
    state: str
    stage: str
    done: int
    total: int
    refused: list[str]
    sentence: str
    asked_by: str
    asked_at: datetime
    ended_at: datetime | None


class Tasks(PageOf):
    items: list[TaskOut]


class Ranked(Schema):
    application: str
    title: str
    organisation: str | None
    score: float
    asked_gpu_hours: int
    awarded_hours: int
    reason: str


class DecisionDetail(DecisionRow):
    proposed_by: str
    proposed_at: datetime
    published_by: str | None
    published_at: datetime | None
    decided_by: str
    legal_basis: str
    ranking: list[Ranked]


class ObjectionRow(Schema):
    application: str
    decision: str
    made_at: datetime
    made_by: str
    text: str
    answered_at: datetime | None
    upheld: bool | None
    answer: str


class Objections(PageOf):
    items: list[ObjectionRow]


# Reviewers


def own_review(request: HttpRequest, number: int) -> Review:
    """A review that was given to the token's person. Errors: NotAllowed, Http404."""
    actor = actor_of(request)
    require(actor, "review")
    found = queries.review_of(actor, number) if 0 < number < 2**63 else None
    if found is None or found.state == "declined":
        raise Http404
    return found


def review_detail(review: Review) -> dict[str, Any]:
    """A review beside its application, as its reviewer reads it."""
    application = review.application
    of_it = ("title", "organisation_class", "summary", "method", "data_statement", "ethics", "keywords", "answer_due")
    own_words = ("kind", "state", "scores", "remark", "confidential_remark", "version", "saved_at", "draft")
    assessment = getattr(application, "technical_assessment", None)
    return {
        "number": review.pk,
        "application": application.code,
        "organisation": application.organisation.name if application.organisation else None,
        "criteria": application.call.criteria,
        "technical_assessment": assessment.remark if assessment else None,
        "alternatives": [
            {
                "partition": asked.partition.code,
                "first_month": asked.first_month,
                "months": asked.months,
                "gpu_hours": asked.gpu_hours,
            }
            for asked in application.alternatives.all()
        ],
        **{name: getattr(application, name) for name in of_it},
        **{name: getattr(review, name) for name in own_words},
    }


@router.get(
    "/reviews/{number}", response=ReviewDetail, auth=Scope("review", "review"), summary="A review and its application"
)
def review(request: HttpRequest, number: int) -> dict[str, Any]:
    """With the call's criteria, as its reviewer reads it."""
    return review_detail(own_review(request, number))


@router.patch("/reviews/{number}", response=ReviewRow, auth=Scope("review", "review"), summary="Save a review")
def save(request: HttpRequest, number: int, body: ReviewDraft) -> dict[str, Any]:
    """While it is written. It counts for nothing, and only its reviewer reads it, until it is handed in."""
    said = body.dict(exclude_none=True, exclude={"version"})
    return review_row(actions.save_review(actor_of(request), own_review(request, number), body.version, **said))


@router.post(
    "/reviews/{number}/decline", response=dict[str, str], auth=Scope("review", "review"), summary="Decline a review"
)
def decline(request: HttpRequest, number: int, body: DeclineIn) -> dict[str, str]:
    """For an interest, which is remembered; the officer finds somebody else."""
    found = own_review(request, number)
    actions.decline_review(actor_of(request), found, body.why)
    return {"application": found.application.code}


# Officers


def call_for(request: HttpRequest, code: str, permission: str) -> Call:
    """A call, for who may do this with it. Errors: NotAllowed, Http404."""
    require(actor_of(request), permission)
    found = queries.call_of(code)
    if found is None:
        raise Http404
    return found


def row_of(application: Application) -> dict[str, Any]:
    """An application in its officer's list."""
    names = (
        "code", "title", "organisation_class", "country", "state", "score", "submitted_at", "answer_due",
    )  # fmt: skip
    reviews = [review for review in application.reviews.all() if review.state != "declined"]
    return {
        **{name: getattr(application, name) for name in names},
        "organisation": application.organisation.name if application.organisation else None,
        "gpu_hours": max((asked.gpu_hours for asked in application.alternatives.all()), default=0),
        "reviews": len(reviews),
        "reviews_done": sum(review.state == "submitted" for review in reviews),
    }


@router.get(
    "/calls/{code}/applications",
    response=ApplicationRows,
    auth=Scope("read", "read applications"),
    summary="The applications of a call",
)
def applications_of_call(request: HttpRequest, code: str, paging: Query[Paging], state: str = "") -> dict[str, Any]:
    """For officers, the board and administrators: drafts left out, those whose answer is due first on top."""
    found = queries.applications_of([call_for(request, code, "read applications")], state[:20])
    return page_of(found, paging, row_of)


@router.get(
    "/applications/{code}/judgement",
    response=Judgement,
    auth=Scope("read", "read applications"),
    summary="What was found of an application",
)
def judgement(request: HttpRequest, code: str) -> dict[str, Any]:
    """For officers, the board and administrators: eligibility with its findings, assessment, reviews, score."""
    found = own(request, code)
    check = getattr(found, "eligibility_check", None)
    assessment = getattr(found, "technical_assessment", None)
    return {
        "code": found.code,
        "state": found.state,
        "score": found.score,
        "eligible": check.eligible if check else None,
        "findings": in_words(check.findings if check else eligibility_findings(found)),
        "technical_assessment": {
            "feasible": assessment.feasible,
            "remark": assessment.remark,
            "confidential_remark": assessment.confidential_remark,
            "by": assessment.made_by.name,
        }
        if assessment
        else None,
        "reviews": [
            {
                "number": review.pk,
                "reviewer": review.reviewer.name,
                "state": review.state,
                "scores": review.scores,
                "remark": review.remark,
                "confidential_remark": review.confidential_remark,
            }
            for review in found.reviews.all()
        ],
    }


def task_row(task: Task) -> dict[str, Any]:
    """A task and how far it is."""
    names = ("verb", "state", "stage", "done", "total", "refused", "sentence", "asked_at", "ended_at")
    return {
        "task": task.pk,
        "call": task.call.code,
        "asked_by": task.asked_by.name,
        **{name: getattr(task, name) for name in names},
    }


def with_all(request: HttpRequest, code: str, verb: TaskVerb) -> Any:
    """200 with what was done at once, or 202 with the task by which it goes on."""
    call = queries.call_of(code)
    if call is None:
        raise Http404
    found = actions.do_with_all(actor_of(request), call, verb)
    if isinstance(found, Task):
        return Status(202, task_row(found))
    return found


@router.post(
    "/calls/{code}/eligibility",
    response={200: Done, 202: TaskOut},
    auth=Scope("decide", "check eligibility"),
    summary="Check all, as found",
)
def check_all(request: HttpRequest, code: str) -> Any:
    """Follows the automatic findings for every application of a call that was submitted."""
    return with_all(request, code, TaskVerb.CHECK)


@router.post(
    "/calls/{code}/scores",
    response={200: Done, 202: TaskOut},
    auth=Scope("decide", "assign reviewers"),
    summary="Settle all scores",
)
def settle_all(request: HttpRequest, code: str) -> Any:
    """Of every application of a call whose reviews are all in, as the call chose when it opened."""
    return with_all(request, code, TaskVerb.SETTLE)


@router.post(
    "/calls/{code}/reviewers",
    response={200: list[ReviewRow], 202: TaskOut},
    auth=Scope("decide", "assign reviewers"),
    summary="Assign reviewers",
)
def assign(request: HttpRequest, code: str) -> Any:
    """To all applications of a call that may be reviewed; never with a conflict of interest."""
    found = with_all(request, code, TaskVerb.ASSIGN)
    return found if isinstance(found, Status) else [review_row(review) for review in found.reviews]


@router.get(
    "/calls/{code}/tasks", response=Tasks, auth=Scope("read", "read applications"), summary="Work on many applications"
)
def tasks(request: HttpRequest, code: str, paging: Query[Paging]) -> dict[str, Any]:
    """Of a call, the last first."""
    found = queries.tasks_of(call_for(request, code, "read applications"))
    return page_of(found, paging, task_row)


@router.get("/tasks/{number}", response=TaskOut, auth=Scope("read", "read applications"), summary="How far it is")
def task(request: HttpRequest, number: int) -> dict[str, Any]:
    """Ask again every second or so until it has ended."""
    found = queries.task_of(number)
    if found is None:
        raise Http404
    return task_row(found)


@router.get("/decisions/{code}", response=DecisionDetail, auth=Scope("read", "read decisions"), summary="A decision")
def decision(request: HttpRequest, code: str) -> dict[str, Any]:
    """With its applications by score: what each asked, got, or why not."""
    found = decision_of(request, code)
    page = queries.decision_page(code)
    return {
        **decision_row(found),
        "proposed_by": found.proposed_by.name,
        "proposed_at": found.proposed_at,
        "published_by": found.published_by.name if found.published_by else None,
        "published_at": found.published_at,
        "decided_by": found.decided_by,
        "legal_basis": found.legal_basis,
        "ranking": [
            {
                "application": row.application.code,
                "title": row.application.title,
                "organisation": row.application.organisation.name if row.application.organisation else None,
                "score": row.score,
                "asked_gpu_hours": row.asked,
                "awarded_hours": row.hours,
                "reason": row.reason,
            }
            for row in (page.rows if page else [])
        ],
    }


@router.post(
    "/decisions/{code}/discard", response=DecisionRow, auth=Scope("decide", "decide"), summary="Discard a proposal"
)
def discard(request: HttpRequest, code: str, body: Why) -> dict[str, Any]:
    """The applications keep their scores and wait for another proposal."""
    return decision_row(actions.discard_decision(actor_of(request), decision_of(request, code), body.why))


@router.get("/objections", response=Objections, auth=Scope("read", "read applications"), summary="Objections")
def objections(request: HttpRequest, paging: Query[Paging], answered: bool = False) -> dict[str, Any]:
    """Those that wait for an answer, oldest first; or those that were answered, the last one first."""
    found = queries.answered_objections() if answered else queries.open_objections()
    return page_of(found, paging, objection_row)


def objection_row(objection: Objection) -> dict[str, Any]:
    """An objection and its answer."""
    return {
        "application": objection.outcome.application.code,
        "decision": objection.outcome.decision.code,
        "made_by": objection.made_by.name,
        **{name: getattr(objection, name) for name in ("made_at", "text", "answered_at", "upheld", "answer")},
    }
