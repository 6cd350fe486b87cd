"""What the desk's lists show: allocations, usage, waiting jobs, assessments, systems, access modes, and oneself."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from django.http import Http404, HttpRequest
from ninja import Field, Query, Router, Schema, Status

from fabriek.access.mode_facts import facts_of, mode_sources
from fabriek.access.models import AccessMode, Application
from fabriek.access.queries import assessment_desk
from fabriek.api.authentication import Scope, actor_of
from fabriek.api.paging import PageOf, Paging, page_of, paged
from fabriek.api.routes.access import router as access_router
from fabriek.api.routes.jobs import Jobs, job_row
from fabriek.api.routes.operations import HoursOf
from fabriek.api.routes.operations import router as operations_router
from fabriek.api.routes.register import Systems, system_row
from fabriek.api.routes.register import router as register_router
from fabriek.compute.wire import RollUp
from fabriek.ledger.queries import statement
from fabriek.operations.models import ENDED_STATES, Job, UsageBatch, UsageProof
from fabriek.operations.proofs import Totals, compared_of, proofs
from fabriek.people.actions import revoke_token, update_profile
from fabriek.people.models import Token
from fabriek.projects.models import Allocation
from fabriek.projects.queries import allocation_list, allocation_rows, used_after_end
from fabriek.projects.rules import may_read
from fabriek.register.queries import systems_for_list

router = Router(tags=["reading"])


class AllocationRow(Schema):
    code: str
    project: str
    programme: str
    partition: str
    starts: date
    ends: date
    accelerator_seconds: HoursOf
    core_seconds: HoursOf


class Allocations(PageOf):
    items: list[AllocationRow]


class LedgerEntryOut(Schema):
    at: datetime
    kind: str
    amount: int
    unit: str
    debit: str
    credit: str
    reference: str


class AllocationStatement(AllocationRow):
    ran_on_seconds: int = Field(
        description="accelerator-seconds that runs used after the last month, as no allocation of the project follows"
    )
    entries: list[LedgerEntryOut] = Field(description="of the ledger, newest first, at most a thousand")


class BatchOut(Schema):
    number: int
    cluster: str
    source: str
    received_at: datetime
    booked: int
    repeated: int
    broken: list[dict[str, Any]]


class Batches(PageOf):
    items: list[BatchOut]


class ProofRow(Schema):
    number: int
    cluster: str
    day: date
    received_at: datetime
    confirmed_at: datetime
    differs: bool
    report_differs: bool | None = Field(description="null: the scheduler has no report of the day, or not yet")
    runs_ended: int
    accelerator_seconds: int = Field(description="as the scheduler accounted, of the projects' runs")
    core_seconds: int
    ledger_accelerator_seconds: int
    ledger_core_seconds: int


class Proofs(PageOf):
    items: list[ProofRow]


class TotalsOut(Schema):
    runs: int
    accelerator_seconds: int
    core_seconds: int


class ProofLineOut(Schema):
    account: str
    partition: str
    differs: bool
    accounted: TotalsOut
    ledger: TotalsOut


class ProofOut(ProofRow):
    lines: list[ProofLineOut]
    others: TotalsOut = Field(description="of accounts that are no project here")
    roll_up: list[RollUp] | None
    runs: list[dict[str, Any]] = Field(
        description="that differ, at most a thousand: key, account, partition, and [accelerator-seconds, core-seconds] "
        "as `accounted` and in the `ledger`; null where that side lacks the run"
    )
    runs_found: int
    runs_cut: bool


class AssessmentRow(Schema):
    application: str
    title: str
    call: str
    organisation: str | None
    answer_due: datetime | None
    feasible: bool | None


class Assessments(PageOf):
    items: list[AssessmentRow]


class AccessModeOut(Schema):
    code: str
    name: str
    unit: str
    minimum: int | None
    maximum: int | None
    durations_months: list[int]
    classes: list[str]
    continuous: bool
    answer_working_days: int | None
    review: str
    reviewers: int
    criteria: list[dict[str, Any]]
    threshold: float


class AccessModes(PageOf):
    items: list[AccessModeOut]


class ModeFactOut(Schema):
    name: str
    value: str = Field(description="in the words of its source; empty where it is not known")
    source: str
    confidence: str


class AccessModeDetail(AccessModeOut):
    family: str
    facts: list[ModeFactOut]
    sources: dict[str, str] = Field(description="what each source is")


class Me(Schema):
    email: str
    name: str
    language: str
    expertise: list[str]
    organisation: str | None
    roles: list[str]
    scopes: list[str]


class MeIn(Schema):
    name: str | None = Field(None, min_length=1, max_length=200)
    language: Literal["en", "nl"] | None = None
    expertise: list[str] | None = Field(None, max_length=50)


class TokenOut(Schema):
    number: int
    name: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class Tokens(PageOf):
    items: list[TokenOut]


@router.get("/allocations", response=Allocations, auth=Scope("read"), summary="Allocations")
def allocations(request: HttpRequest, paging: Query[Paging], order: str = "newest") -> dict[str, Any]:
    """Of one's own projects, or all for who may read all."""
    page, rows = allocation_list(actor_of(request), order=order, page=paging.page, per_page=paging.per_page)
    return paged(page, [allocation_row(row) for row in rows])


def allocation_row(row: Any) -> dict[str, Any]:
    """An allocation with its hours."""
    found = row.allocation
    return {
        "code": found.code,
        "project": found.project.code,
        "programme": found.project.programme.code,
        "partition": found.partition.code,
        "starts": found.starts,
        "ends": found.ends,
        "accelerator_seconds": row.hours,
        "core_seconds": row.cores,
    }


@router.get("/allocations/{code}", response=AllocationStatement, auth=Scope("read"), summary="An allocation")
def allocation(request: HttpRequest, code: str) -> dict[str, Any]:
    """With the entries of the ledger that touched it."""
    found = Allocation.objects.select_related("project__programme", "partition").filter(code=code).first()
    if found is None or not may_read(actor_of(request), found.project):
        raise Http404
    entries = [
        {
            "at": entry.transaction.at,
            "kind": entry.transaction.kind,
            "amount": entry.amount,
            "unit": entry.debit.unit,
            "debit": entry.debit.code,
            "credit": entry.credit.code,
            "reference": entry.reference,
        }
        for entry in statement(found.code, 1_000)
    ]
    row = allocation_row(allocation_rows([found])[0])
    return {**row, "ran_on_seconds": used_after_end([found]).get(found.code, 0), "entries": entries}


@router.get("/usage-batches", response=Batches, auth=Scope("read", "read operations"), summary="Usage as it came in")
def usage_batches(request: HttpRequest, paging: Query[Paging], broken: bool = False) -> dict[str, Any]:
    """Newest first; `broken` shows those only in which a record could not be read, each with its line and why."""
    found = UsageBatch.objects.select_related("cluster")
    names = ("source", "received_at", "booked", "repeated", "broken")
    return page_of(
        found.exclude(broken=[]) if broken else found,
        paging,
        lambda batch: {
            "number": batch.pk,
            "cluster": batch.cluster.code,
            **{name: getattr(batch, name) for name in names},
        },
    )


@router.get("/usage-proofs", response=Proofs, auth=Scope("read", "read operations"), summary="Daily proof of usage")
def usage_proofs(
    request: HttpRequest, paging: Query[Paging], cluster: str = "", day: date | None = None, differs: bool = False
) -> dict[str, Any]:
    """The newest proof of each day and cluster: what the scheduler accounted for beside what the ledger says."""
    return page_of(proofs(cluster=cluster, day=day, differs=differs), paging, proof_row)


@router.get(
    "/usage-proofs/{number}", response=ProofOut, auth=Scope("read", "read operations"), summary="The proof of a day"
)
def usage_proof(request: HttpRequest, number: int) -> dict[str, Any]:
    """With each account on each partition, the runs that differ, and the scheduler's own report."""
    found = UsageProof.objects.select_related("cluster").filter(pk=number).first()
    if found is None:
        raise Http404
    lines = [compared_of(line) for line in found.lines]
    return {
        **proof_row(found),
        "lines": [
            {
                "account": line.account,
                "partition": line.partition,
                "differs": line.differs,
                "accounted": line.accounted._asdict(),
                "ledger": line.ledger._asdict(),
            }
            for line in lines
        ],
        "others": Totals(*found.others)._asdict(),
        "roll_up": found.roll_up,
        "runs": found.runs,
        "runs_found": found.runs_found,
        "runs_cut": found.runs_cut,
    }


def proof_row(found: UsageProof) -> dict[str, Any]:
    """A proof and what it came to."""
    lines = [compared_of(line) for line in found.lines]
    return {
        "number": found.pk,
        "cluster": found.cluster.code,
        **{name: getattr(found, name) for name in ("day", "received_at", "confirmed_at", "differs")},
        "report_differs": None if found.roll_up is None else found.roll_up_differs,
        "runs_ended": sum(line.accounted.runs for line in lines),
        "accelerator_seconds": sum(line.accounted.accelerator_seconds for line in lines),
        "core_seconds": sum(line.accounted.core_seconds for line in lines),
        "ledger_accelerator_seconds": sum(line.ledger.accelerator_seconds for line in lines),
        "ledger_core_seconds": sum(line.ledger.core_seconds for line in lines),
    }


@operations_router.get("/jobs", response=Jobs, auth=Scope("read", "read operations"), summary="Jobs that wait or run")
def waiting_jobs(request: HttpRequest, paging: Query[Paging]) -> dict[str, Any]:
    """Of all projects, oldest first; for operators, officers, the board and administrators."""
    found = (
        Job.objects.exclude(state__in=ENDED_STATES)
        .select_related("project", "allocation")
        .defer("script", "output", "error_output")
        .order_by("submitted_at", "id")
    )
    return page_of(found, paging, job_row)


@router.get(
    "/assessments", response=Assessments, auth=Scope("read", "assess technically"), summary="Technical assessments"
)
def assessments(request: HttpRequest, paging: Query[Paging], made: bool = False) -> dict[str, Any]:
    """What waits for one, due first on top; or those that were made, the last one first."""
    waiting, assessed = assessment_desk()
    if made:
        found = assessed.select_related("application__call", "application__organisation")
        return page_of(found, paging, lambda one: assessment_row(one.application, one.feasible))
    return page_of(waiting, paging, assessment_row)


def assessment_row(found: Application, feasible: bool | None = None) -> dict[str, Any]:
    """An application, and what the assessment of it came to."""
    return {
        "application": found.code,
        "title": found.title,
        "call": found.call.code,
        "organisation": found.organisation.name if found.organisation else None,
        "answer_due": found.answer_due,
        "feasible": feasible,
    }


@access_router.get("/access-modes", response=AccessModes, summary="Access modes")
def access_modes(request: HttpRequest, paging: Query[Paging]) -> dict[str, Any]:
    """The templates from which calls are opened."""
    return page_of(AccessMode.objects.filter(is_open_to_calls=True).order_by("pk"), paging, lambda mode: mode)


@access_router.get("/access-modes/{code}", response=AccessModeDetail, summary="An access mode")
def access_mode(request: HttpRequest, code: str) -> dict[str, Any]:
    """With all that is known of it, each fact with its source and confidence."""
    mode = AccessMode.objects.filter(code=code).first()
    if mode is None:
        raise Http404
    facts = facts_of(mode)
    named = {fact.source for fact in facts}
    return {
        **{name: getattr(mode, name) for name in (*AccessModeOut.model_fields, "family")},
        "facts": facts,
        "sources": {code: text for code, text in mode_sources().items() if code in named},
    }


@register_router.get("/systems", response=Systems, summary="Supercomputers")
def systems(request: HttpRequest, paging: Query[Paging], search: str = "") -> dict[str, Any]:
    """By name; `search` looks in names and cities."""
    return page_of(systems_for_list(search=search[:100]), paging, system_row)


def me_row(request: HttpRequest) -> dict[str, Any]:
    """The token's person, and what the token may do."""
    person, token = actor_of(request), request.auth  # type: ignore[attr-defined]
    return {
        **{name: getattr(person, name) for name in ("email", "name", "language", "expertise")},
        "organisation": person.organisation.code if person.organisation else None,
        "roles": sorted(person.role_names()),
        "scopes": token.scopes,
    }


@router.get("/me", response=Me, auth=Scope("read"), summary="Who one is")
def me(request: HttpRequest) -> dict[str, Any]:
    """With one's roles, and the scopes of this token."""
    return me_row(request)


@router.patch("/me", response=Me, auth=Scope("apply"), summary="Change one's profile")
def change_me(request: HttpRequest, body: MeIn) -> dict[str, Any]:
    """Fields that are left out stay as they are."""
    person = actor_of(request)
    update_profile(
        person, name=body.name or person.name, language=body.language or person.language, expertise=body.expertise
    )
    return me_row(request)


@router.get("/me/tokens", response=Tokens, auth=Scope("read"), summary="One's own tokens")
def tokens(request: HttpRequest, paging: Query[Paging]) -> dict[str, Any]:
    """Those that are not void. A token is made where one is signed in: a stolen one can't make another."""
    found = Token.objects.filter(person=actor_of(request), revoked_at__isnull=True).order_by("-created_at")
    names = ("name", "scopes", "created_at", "expires_at", "last_used_at")
    return page_of(found, paging, lambda token: {"number": token.pk, **{name: getattr(token, name) for name in names}})


@router.delete("/me/tokens/{number}", response={204: None}, auth=Scope("read"), summary="Make a token void")
def void_token(request: HttpRequest, number: int) -> Any:
    """One of one's own; this one too."""
    person = actor_of(request)
    found = Token.objects.filter(pk=number, person=person).first() if 0 < number < 2**63 else None
    if found is None:
        raise Http404
    revoke_token(person, found)
    return Status(204, None)
