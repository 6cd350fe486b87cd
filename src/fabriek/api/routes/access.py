"""Calls, applications, reviews, decisions."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import Prefetch
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from ninja import Field, File, Query, Router, Schema, UploadedFile

from fabriek.access import actions, queries
from fabriek.access.attachments import path_of
from fabriek.access.ethics import QUESTIONS
from fabriek.access.findings import refusal_of
from fabriek.access.models import Application, Attachment, Call, Decision, Outcome, Review
from fabriek.access.rules import ATTACHMENT_MIB, remarks_are_open
from fabriek.access.signing_off import Turn, turns
from fabriek.access.words import explanation_of, outcome_words, speech_of, stored
from fabriek.allocation.explain import Speech
from fabriek.api.authentication import Scope, actor_of
from fabriek.api.paging import PageOf, Paging, page_of
from fabriek.people.actions import join_organisation, register_organisation
from fabriek.people.models import OrganisationClass
from fabriek.people.permissions import require
from fabriek.register.models import Partition

router = Router(tags=["access"])


class CallRow(Schema):
    code: str
    title: str
    access_mode: str
    factory: str
    programme: str
    partitions: list[str]
    opens: datetime
    closes: datetime
    first_month: date
    months: int
    minimum_gpu_hours: int | None
    maximum_gpu_hours: int | None
    durations_months: list[int]
    classes: list[str]
    answer_working_days: int
    reviewers: int
    reviewer_limit: int | None
    scoring: str
    reply_working_days: int
    criteria: list[dict[str, Any]]
    threshold: float
    free_gpu_hours: int
    demo: bool


class Calls(PageOf):
    items: list[CallRow]


class AlternativeIO(Schema):
    partition: str
    first_month: date
    months: int = Field(ge=1, le=60)
    gpu_hours: int = Field(ge=1, le=10**10)


class ApplicationIO(Schema):
    code: str
    call: str
    title: str
    state: str
    version: int
    organisation: str | None
    organisation_class: str
    country: str
    commercial: bool
    summary: str
    method: str
    data_statement: str
    ethics: dict[str, Any]
    keywords: list[str]
    alternatives: list[AlternativeIO]
    submitted_at: datetime | None
    answer_due: datetime | None
    score: float | None
    not_eligible: str = Field(description="Why it was found not eligible; empty where it wasn't.")
    outcome: dict[str, Any] | None
    remarks: list[str] = Field(description="What the reviewers say to the applicant, once it may be read.")
    attachments: list[dict[str, Any]] = Field(description="number, name, size in bytes and sha256 of each PDF.")
    reply_until: datetime | None
    reply: str | None = Field(description="The applicant's reply; empty: nothing to add; null: none was given.")


class Applications(PageOf):
    items: list[ApplicationIO]


class Draft(Schema):
    version: int = Field(ge=0)
    title: str | None = None
    summary: str | None = None
    method: str | None = None
    data_statement: str | None = None
    ethics: dict[str, str] | None = Field(
        None, description=f"Needed to submit: yes or no to each of {', '.join(code for code, _question in QUESTIONS)}."
    )
    keywords: list[str] | None = None
    commercial: bool | None = None
    alternatives: list[AlternativeIO] | None = Field(None, max_length=20)


class OrganisationIn(Schema):
    name: str = Field(min_length=1, max_length=200)
    organisation_class: OrganisationClass
    country: str = Field(pattern="^[A-Z]{2}$")
    website: str = ""


class Why(Schema):
    why: str = Field("", max_length=2000)


class ReplyIn(Schema):
    text: str = Field("", max_length=5_000, description="Empty: nothing to add.")


class Eligibility(Schema):
    eligible: bool | None = None
    remark: str = Field("", max_length=5000)


class AssessmentIn(Schema):
    feasible: bool
    remark: str
    confidential_remark: str = ""


class ReviewIn(Schema):
    scores: dict[str, float]
    remark: str = Field(max_length=20_000)
    confidential_remark: str = Field("", max_length=20_000)


class ReviewDraft(Schema):
    """What of a review is to be kept; what is left out stays as it was written."""

    version: int = Field(ge=0, description="The one that was read.")
    scores: dict[str, float] | None = None
    remark: str | None = Field(None, max_length=20_000)
    confidential_remark: str | None = Field(None, max_length=20_000)


class ReviewRow(Schema):
    number: int
    application: str
    kind: str
    state: str
    scores: dict[str, float]
    version: int
    saved_at: datetime | None = Field(description="When a draft was saved that is not handed in.")


class Reviews(PageOf):
    items: list[ReviewRow]


class Score(Schema):
    score: Decimal | None = Field(None, ge=0, le=100)
    remark: str = Field("", max_length=5000)


class Proposal(Schema):
    calls: list[str] = Field(min_length=1)


class SignOffStep(Schema):
    title: str
    role: str
    state: str = Field(description="waits, signed or sent-back")
    person: str | None
    given_at: datetime | None
    remark: str


class DecisionRow(Schema):
    code: str
    state: str
    scenario: str | None
    calls: list[str]
    problem_sha256: str
    greedy_value: float
    sign_off: list[SignOffStep]


class Decisions(PageOf):
    items: list[DecisionRow]


def call_row(call: Call, free: int) -> dict[str, Any]:
    """A call as the API tells it."""
    names = (
        "code", "title", "opens", "closes", "first_month", "months", "minimum_gpu_hours", "maximum_gpu_hours",
        "durations_months", "classes", "answer_working_days", "reviewers", "reviewer_limit", "scoring", "criteria",
        "threshold", "reply_working_days",
    )  # fmt: skip
    return {
        **{name: getattr(call, name) for name in names},
        "access_mode": call.access_mode.code,
        "factory": call.factory.code,
        "programme": call.programme.code,
        "partitions": [partition.code for partition in call.partitions.all()],
        "free_gpu_hours": free,
        "demo": call.is_demo,
    }


def application_row(application: Application, said: Speech | None = None) -> dict[str, Any]:
    """An application as its applicant may read it; the score comes with the answer. said: for many, their speech."""
    names = (
        "code", "title", "state", "version", "organisation_class", "country", "commercial", "summary", "method",
        "data_statement", "ethics", "keywords", "submitted_at", "answer_due", "reply_until",
    )  # fmt: skip
    outcome = queries.outcome_of(application)
    is_readable = outcome is not None or remarks_are_open(application)
    reviews = [review for review in application.reviews.all() if review.state == "submitted"] if is_readable else []
    return {
        **{name: getattr(application, name) for name in names},
        "attachments": [
            {"number": file.pk, "name": file.name, "size": file.size, "sha256": file.sha256}
            for file in application.attachments.all()
        ],
        "remarks": [review.remark for review in reviews],
        "reply": application.reply.text if hasattr(application, "reply") else None,
        "call": application.call.code,
        "organisation": application.organisation.name if application.organisation else None,
        "alternatives": [
            {
                "partition": asked.partition.code,
                "first_month": asked.first_month,
                "months": asked.months,
                "gpu_hours": asked.gpu_hours,
            }
            for asked in application.alternatives.all()
        ],
        "score": application.score if outcome else None,
        "not_eligible": refusal_of(application.eligibility_check) if application.state == "ineligible" else "",
        "outcome": {
            "awarded": outcome.awarded,
            "gpu_hours": outcome.gpu_hours,
            "reason": outcome.reason,
            "explanation": outcome_words(outcome, said),
            "why": _why(outcome),
            "project": outcome.project.code if outcome.project else None,
            "decision": outcome.decision.code,
        }
        if outcome
        else None,
    }


def _why(outcome: Outcome) -> dict[str, Any] | None:
    """The same as data, `fabriek/explanation/1`, without anybody else in it."""
    told = explanation_of(outcome)
    return stored(told.for_applicant()) if told is not None else None


def own(request: HttpRequest, code: str) -> Application:
    """An application that the token's person may read. Errors: Http404."""
    found = queries.application_of(actor_of(request), code)
    if found is None:
        raise Http404
    return found


@router.get("/calls", response=Calls, summary="Open calls")
def calls(request: HttpRequest, paging: Query[Paging]) -> dict[str, Any]:
    """With what is free in each now."""
    found = queries.open_calls()
    free = queries.free_gpu_hours(found)
    return page_of(found, paging, lambda call: call_row(call, free[call.pk]))


@router.get("/calls/{code}", response=CallRow, summary="A call")
def call(request: HttpRequest, code: str) -> dict[str, Any]:
    """Open or not."""
    found = queries.call_of(code)
    if found is None:
        raise Http404
    return call_row(found, queries.free_gpu_hours([found])[found.pk])


@router.post("/calls/{code}/applications", response=ApplicationIO, auth=Scope("apply"), summary="Begin an application")
def start(request: HttpRequest, code: str) -> dict[str, Any]:
    """A draft under an open call."""
    found = queries.call_of(code)
    if found is None:
        raise Http404
    return application_row(own(request, actions.start_application(actor_of(request), found).code))


@router.get("/applications", response=Applications, auth=Scope("read"), summary="One's own applications")
def applications(request: HttpRequest, paging: Query[Paging]) -> dict[str, Any]:
    """Newest first."""
    found = (
        Application.objects.filter(applicant=actor_of(request))
        .select_related("call", "organisation", "reply")
        .prefetch_related(
            "alternatives__partition",
            Prefetch("outcomes", Outcome.objects.select_related("project", "decision", "alternative")),
            "reviews",
            "attachments",
        )
    )
    answer = page_of(found, paging, lambda application: application)
    rows = list(answer["items"])
    said = speech_of(outcome for row in rows for outcome in row.outcomes.all())
    return {**answer, "items": [application_row(row, said) for row in rows]}


@router.get("/applications/{code}", response=ApplicationIO, auth=Scope("read"), summary="An application")
def application(request: HttpRequest, code: str) -> dict[str, Any]:
    """For its applicant, its reviewers, officers and the board."""
    return application_row(own(request, code))


@router.patch("/applications/{code}", response=ApplicationIO, auth=Scope("apply"), summary="Save a draft")
def save(request: HttpRequest, code: str, draft: Draft) -> dict[str, Any]:
    """Fields that are left out stay as they are; `version` is the one that was read."""
    found = own(request, code)
    fields = draft.dict(exclude_none=True, exclude={"version", "alternatives"})
    alternatives = None
    if draft.alternatives is not None:
        there = {p.code: p for p in Partition.objects.filter(code__in=[a.partition for a in draft.alternatives])}
        if any(asked.partition not in there for asked in draft.alternatives):
            raise Http404
        alternatives = [{**asked.dict(), "partition": there[asked.partition]} for asked in draft.alternatives]
    actions.save_draft(actor_of(request), found, draft.version, alternatives=alternatives, **fields)
    return application_row(own(request, code))


@router.post("/applications/{code}/submit", response=ApplicationIO, auth=Scope("apply"), summary="Submit")
def submit(request: HttpRequest, code: str) -> dict[str, Any]:
    """Within the call's period and limits; from then on the content is fixed."""
    actions.submit_application(actor_of(request), own(request, code))
    return application_row(own(request, code))


@router.post("/applications/{code}/withdraw", response=ApplicationIO, auth=Scope("apply"), summary="Withdraw")
def withdraw(request: HttpRequest, code: str, body: Why) -> dict[str, Any]:
    """Any time before the decision."""
    actions.withdraw_application(actor_of(request), own(request, code), body.why)
    return application_row(own(request, code))


def attachment_of(request: HttpRequest, code: str, number: int) -> Attachment:
    """An attachment of an application that the token's person may read. Errors: Http404."""
    found = own(request, code).attachments.filter(pk=number).first()
    if found is None or not path_of(found.key).is_file():
        raise Http404
    return found


@router.post("/applications/{code}/attachments", response=ApplicationIO, auth=Scope("apply"), summary="Attach a PDF")
def attach(request: HttpRequest, code: str, file: File[UploadedFile]) -> dict[str, Any]:
    """To a draft: at most three, 10 MB each. As a form with one file."""
    content = file.read(ATTACHMENT_MIB * 1024 * 1024 + 1)
    actions.add_attachment(actor_of(request), own(request, code), str(file.name), content)
    return application_row(own(request, code))


@router.get("/applications/{code}/attachments/{int:number}", auth=Scope("read"), summary="An attachment")
def attachment(request: HttpRequest, code: str, number: int) -> FileResponse:
    """The PDF, for whoever may read the application."""
    found = attachment_of(request, code, number)
    return FileResponse(
        path_of(found.key).open("rb"), as_attachment=True, filename=found.name, content_type="application/pdf"
    )


@router.delete(
    "/applications/{code}/attachments/{int:number}", response=ApplicationIO, auth=Scope("apply"), summary="Remove it"
)
def detach(request: HttpRequest, code: str, number: int) -> dict[str, Any]:
    """From a draft."""
    actions.remove_attachment(actor_of(request), own(request, code), attachment_of(request, code, number))
    return application_row(own(request, code))


@router.post("/applications/{code}/reply", response=ApplicationIO, auth=Scope("apply"), summary="Reply to the reviews")
def reply(request: HttpRequest, code: str, body: ReplyIn) -> dict[str, Any]:
    """Once, before the decision, where the call gives a right to reply."""
    actions.reply_to_reviews(actor_of(request), own(request, code), body.text)
    return application_row(own(request, code))


@router.post("/applications/{code}/objection", response=dict[str, str], auth=Scope("apply"), summary="Object")
def object_to(request: HttpRequest, code: str, body: Why) -> dict[str, str]:
    """To a decision on one's own application."""
    actions.make_objection(actor_of(request), own(request, code), body.why)
    return {"application": code}


@router.post("/organisation", response=dict[str, str], auth=Scope("apply"), summary="Say for whom one works")
def organisation(request: HttpRequest, body: OrganisationIn) -> dict[str, str]:
    """Registers the organisation where it isn't known."""
    actor = actor_of(request)
    found = register_organisation(actor, **body.dict())
    join_organisation(actor, found)
    return {"code": found.code}


@router.post(
    "/applications/{code}/eligibility",
    response=ApplicationIO,
    auth=Scope("decide", "check eligibility"),
    summary="Check eligibility",
)
def eligibility(request: HttpRequest, code: str, body: Eligibility) -> dict[str, Any]:
    """`eligible` null follows the automatic findings."""
    actions.check_eligibility(actor_of(request), own(request, code), body.eligible, body.remark)
    return application_row(own(request, code))


@router.post(
    "/applications/{code}/assessment",
    response=ApplicationIO,
    auth=Scope("review", "assess technically"),
    summary="Assess technically",
)
def assessment(request: HttpRequest, code: str, body: AssessmentIn) -> dict[str, Any]:
    """Before peer review: whether it can be done on what is asked for. Not feasible ends the application."""
    actions.assess_technically(
        actor_of(request), own(request, code), body.feasible, body.remark, body.confidential_remark
    )
    return application_row(own(request, code))


def review_row(review: Review) -> dict[str, Any]:
    """A review as its reviewer reads it."""
    return {
        "number": review.pk,
        "application": review.application.code,
        "kind": review.kind,
        "state": review.state,
        "scores": review.scores,
        "version": review.version,
        "saved_at": review.saved_at,
    }


@router.get("/reviews", response=Reviews, auth=Scope("review", "review"), summary="One's own reviews")
def reviews(request: HttpRequest, paging: Query[Paging]) -> dict[str, Any]:
    """Those to do first."""
    return page_of(queries.review_desk(actor_of(request)), paging, review_row)


@router.post("/reviews/{number}", response=ReviewRow, auth=Scope("review", "review"), summary="Hand in a review")
def review(request: HttpRequest, number: int, body: ReviewIn) -> dict[str, Any]:
    """Points for each criterion of the call."""
    found = queries.review_of(actor_of(request), number) if number < 2**63 else None
    if found is None:
        raise Http404
    return review_row(
        actions.submit_review(actor_of(request), found, body.scores, body.remark, body.confidential_remark)
    )


@router.post(
    "/applications/{code}/score",
    response=ApplicationIO,
    auth=Scope("decide", "assign reviewers"),
    summary="Settle the score",
)
def settle(request: HttpRequest, code: str, body: Score) -> dict[str, Any]:
    """The score that counts under the call (the mean or the calibrated mean), or another score with a remark."""
    actions.settle_consensus(actor_of(request), own(request, code), body.score, body.remark)
    return application_row(own(request, code))


def decision_row(decision: Decision) -> dict[str, Any]:
    """A decision without its problem and plan."""
    return {
        "code": decision.code,
        "state": decision.state,
        "scenario": decision.scenario.code if decision.scenario else None,
        "calls": [call.code for call in decision.calls.all()],
        "problem_sha256": decision.problem_sha256,
        "greedy_value": decision.greedy_value,
        "sign_off": [_step(turn) for turn in turns(decision)],
    }


def _step(turn: Turn) -> dict[str, Any]:
    given = turn.initial
    return {
        "title": turn.title,
        "role": turn.role,
        "state": ("signed" if given.agrees else "sent-back") if given else "waits",
        "person": given.person.name if given else None,
        "given_at": given.given_at if given else None,
        "remark": given.remark if given else "",
    }


def decision_of(request: HttpRequest, code: str) -> Decision:
    """A decision, for who may read decisions. Errors: NotAllowed, Http404."""
    require(actor_of(request), "read decisions")
    found = (
        Decision.objects.select_related("scenario")
        .prefetch_related("calls", "initials__person")
        .filter(code=code)
        .first()
    )
    if found is None:
        raise Http404
    return found


@router.get("/decisions", response=Decisions, auth=Scope("read", "read decisions"), summary="Decisions")
def decisions(request: HttpRequest, paging: Query[Paging]) -> dict[str, Any]:
    """Newest first."""
    return page_of(queries.decisions(), paging, decision_row)


@router.post("/decisions", response=DecisionRow, auth=Scope("decide", "decide"), summary="Propose a decision")
def propose(request: HttpRequest, body: Proposal) -> dict[str, Any]:
    """Asks these calls as they stand, waits for the plan, and chooses it: for small calls. Larger ones, and what-ifs,
    are asked as scenarios. Nothing is awarded before it is published."""
    found = list(Call.objects.filter(code__in=body.calls).select_related("programme", "factory"))
    if len(found) != len(set(body.calls)):
        raise Http404
    return decision_row(actions.propose_decision(actor_of(request), found))


@router.get("/decisions/{code}/problem", auth=Scope("read", "read decisions"), summary="The problem that was decided")
def problem(request: HttpRequest, code: str) -> HttpResponse:
    """`fabriek/problem/1`, byte for byte as it was solved."""
    return HttpResponse(decision_of(request, code).problem, content_type="application/json")


@router.get("/decisions/{code}/plan", auth=Scope("read", "read decisions"), summary="The plan with its certificate")
def plan(request: HttpRequest, code: str) -> HttpResponse:
    """`fabriek/plan/1`; check it with `fabriek verify`."""
    return HttpResponse(decision_of(request, code).plan, content_type="application/json")


@router.post(
    "/decisions/{code}/publish", response=DecisionRow, auth=Scope("decide", "decide"), summary="Publish a decision"
)
def publish(request: HttpRequest, code: str, body: Why) -> dict[str, Any]:
    """Awards, opens the projects and tells the applicants: all of it, or nothing."""
    return decision_row(actions.publish_decision(actor_of(request), decision_of(request, code), body.why))
