"""What officers, operators and administrators do beside deciding: calls, objections, maintenance, members, roles."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from django.http import Http404, HttpRequest
from ninja import Field, Query, Router, Schema, Status

from fabriek.access import actions as access
from fabriek.access import queries as access_queries
from fabriek.access.models import AccessMode, Objection
from fabriek.api.authentication import Scope, actor_of
from fabriek.api.paging import PageOf, Paging, paged
from fabriek.api.routes.access import CallRow, Why, call_row, own
from fabriek.api.routes.access import router as access_router
from fabriek.api.routes.operations import own_project
from fabriek.api.routes.programmes import Made, partition_of
from fabriek.people import actions as people
from fabriek.people.models import Person
from fabriek.people.permissions import require
from fabriek.people.queries import people as people_page
from fabriek.programmes.models import Programme
from fabriek.projects.actions import add_member, remove_member
from fabriek.register.actions import cancel_maintenance, plan_maintenance
from fabriek.register.models import Factory, Maintenance, Partition

router = Router(tags=["administration"])


class CallIn(Schema):
    access_mode: str
    factory: str
    programme: str
    partitions: list[str] = Field(min_length=1, max_length=50)
    title: str = Field(min_length=1, max_length=200)
    opens: datetime
    closes: datetime
    first_month: date
    months: int = Field(ge=1, le=36)
    minimum_gpu_hours: int | None = Field(None, ge=0, le=10**10, description="null: the mode's; 0: none")
    maximum_gpu_hours: int | None = Field(
        None, ge=1, le=10**10, description="null: the mode's, converted where it counts in another unit"
    )
    reviewers: int | None = Field(None, ge=1, le=20)
    reviewer_limit: int | None = Field(None, ge=1, le=1_000)
    scoring: Literal["mean", "calibrated"] = "mean"
    reply_working_days: int | None = Field(None, ge=0, le=30)


class AnswerIn(Schema):
    answer: str = Field(min_length=1, max_length=20_000)
    upheld: bool


class MaintenanceIn(Schema):
    start: datetime
    end: datetime
    nodes: int | None = Field(None, ge=1, le=1_000_000)
    why: str = Field(min_length=1, max_length=200)


class MaintenanceOut(Schema):
    number: int
    start: datetime
    end: datetime
    nodes: int | None
    why: str


class PersonOut(Schema):
    email: str
    name: str
    organisation: str | None
    roles: list[str]


class People(PageOf):
    items: list[PersonOut]


class RoleIn(Schema):
    role: str = Field(max_length=20)


class EmailIn(Schema):
    email: str = Field(max_length=254)


def found_or_404(rows: Any) -> Any:
    """The first row. Errors: Http404."""
    row = rows.first()
    if row is None:
        raise Http404
    return row


# One address, one router: a router answers 405 for methods that it does not know itself.
@access_router.post("/calls", response=CallRow, auth=Scope("decide", "open calls"), summary="Open a call")
def open_call(request: HttpRequest, body: CallIn) -> dict[str, Any]:
    """With the terms of an access mode; limits that are given replace its own."""
    partitions = list(Partition.objects.filter(code__in=body.partitions))
    if len(partitions) != len(set(body.partitions)):
        raise Http404
    names = ("minimum_gpu_hours", "maximum_gpu_hours", "reviewers", "reviewer_limit", "scoring", "reply_working_days")
    terms = {name: value for name in names if (value := getattr(body, name)) is not None}
    call = access.open_call(
        actor_of(request),
        access_mode=found_or_404(AccessMode.objects.filter(code=body.access_mode)),
        factory=found_or_404(Factory.objects.filter(code=body.factory)),
        programme=found_or_404(Programme.objects.filter(code=body.programme)),
        partitions=partitions,
        title=body.title,
        opens=body.opens,
        closes=body.closes,
        first_month=body.first_month,
        months=body.months,
        **terms,
    )
    return call_row(call, access_queries.free_gpu_hours([call])[call.pk])


@router.post("/calls/{code}/close", response=Made, auth=Scope("decide", "open calls"), summary="Close a call")
def close_call(request: HttpRequest, code: str, body: Why) -> dict[str, str]:
    """Nobody can submit any more."""
    call = access_queries.call_of(code)
    if call is None:
        raise Http404
    access.close_call(actor_of(request), call, body.why)
    return {"code": code}


@router.post(
    "/applications/{code}/reviewer",
    response=Made,
    auth=Scope("decide", "assign reviewers"),
    summary="Replace a reviewer",
)
def replace_reviewer(request: HttpRequest, code: str) -> dict[str, str]:
    """For each review that was declined."""
    access.replace_reviewer(actor_of(request), own(request, code))
    return {"code": code}


@router.post(
    "/applications/{code}/objection/answer",
    response=Made,
    auth=Scope("decide", "answer objections"),
    summary="Answer an objection",
)
def answer_objection(request: HttpRequest, code: str, body: AnswerIn) -> dict[str, str]:
    """By somebody who did not publish the decision."""
    application = own(request, code)
    objection = found_or_404(Objection.objects.filter(outcome__application=application).order_by("-pk"))
    access.answer_objection(actor_of(request), objection, body.answer, upheld=body.upheld)
    return {"code": code}


@router.get(
    "/maintenance/{system}/{partition}",
    response=list[MaintenanceOut],
    auth=Scope("read", "read operations"),
    summary="Planned maintenance",
)
def maintenance(request: HttpRequest, system: str, partition: str) -> list[dict[str, Any]]:
    """Of a partition, by start."""
    return [_maintenance(row) for row in partition_of(system, partition).maintenances.all()]


@router.post(
    "/maintenance/{system}/{partition}",
    response=MaintenanceOut,
    auth=Scope("operate", "declare capacity"),
    summary="Plan maintenance",
)
def plan(request: HttpRequest, system: str, partition: str, body: MaintenanceIn) -> dict[str, Any]:
    """Declare the capacity again afterwards."""
    found = partition_of(system, partition)
    return _maintenance(plan_maintenance(actor_of(request), found, body.start, body.end, body.nodes, body.why))


def _maintenance(row: Maintenance) -> dict[str, Any]:
    return {"number": row.pk, "start": row.start, "end": row.end, "nodes": row.nodes, "why": row.why}


@router.delete(
    "/maintenance/{system}/{partition}/{number}",
    response={204: None},
    auth=Scope("operate", "declare capacity"),
    summary="Cancel it",
)
def unplan(request: HttpRequest, system: str, partition: str, number: int) -> Any:
    """Maintenance that won't happen."""
    if not 0 < number < 2**63:
        raise Http404
    row = found_or_404(partition_of(system, partition).maintenances.filter(pk=number))
    cancel_maintenance(actor_of(request), row)
    return Status(204, None)


@router.get("/people", response=People, auth=Scope("admin", "manage people"), summary="People and their roles")
def everybody(request: HttpRequest, paging: Query[Paging], search: str = "") -> dict[str, Any]:
    """By name."""
    page = people_page(search=search[:100], page=paging.page, per_page=paging.per_page)
    rows = [
        {
            "email": person.email,
            "name": person.name,
            "organisation": person.organisation.name if person.organisation else None,
            "roles": sorted(role.role for role in person.roles.all()),
        }
        for person in page
    ]
    return paged(page, rows)


def person_of(request: HttpRequest, email: str) -> Person:
    """Somebody by address, for who manages people. Errors: NotAllowed, Http404."""
    require(actor_of(request), "manage people")
    person: Person = found_or_404(Person.objects.filter(email=email.lower()))
    return person


@router.post("/people/{email}/roles", response={204: None}, auth=Scope("admin", "manage people"), summary="Give a role")
def give_role(request: HttpRequest, email: str, body: RoleIn) -> Any:
    """Giving it again changes nothing."""
    people.give_role(actor_of(request), person_of(request, email), body.role)
    return Status(204, None)


@router.delete(
    "/people/{email}/roles/{role}",
    response={204: None},
    auth=Scope("admin", "manage people"),
    summary="Withdraw a role",
)
def withdraw_role(request: HttpRequest, email: str, role: str) -> Any:
    """The last administrator stays."""
    people.withdraw_role(actor_of(request), person_of(request, email), role)
    return Status(204, None)


@router.post("/projects/{code}/members", response={204: None}, auth=Scope("apply"), summary="Take in a member")
def take_in(request: HttpRequest, code: str, body: EmailIn) -> Any:
    """Somebody who has signed in once."""
    project = own_project(request, code)
    person = found_or_404(Person.objects.filter(email=body.email.strip().lower()))
    add_member(actor_of(request), project, person)
    return Status(204, None)


@router.delete("/projects/{code}/members/{email}", response={204: None}, auth=Scope("apply"), summary="Let a member go")
def let_go(request: HttpRequest, code: str, email: str) -> Any:
    """What they did stays on record; the lead stays."""
    project = own_project(request, code)
    person = found_or_404(Person.objects.filter(email=email.lower()))
    remove_member(actor_of(request), project, person)
    return Status(204, None)
