"""Projects, clusters, the ledger, the record of who did what."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.http import Http404, HttpRequest
from ninja import Field, Query, Router, Schema

from fabriek.api.authentication import Scope, actor_of
from fabriek.api.paging import PageOf, Paging, page_of, paged
from fabriek.audit.queries import events_found
from fabriek.compute.wire import TransferAbility
from fabriek.ledger.queries import check, totals
from fabriek.operations import queries
from fabriek.operations.models import Cluster, JobState
from fabriek.projects.models import Project
from fabriek.projects.queries import ProjectRow, project_list, project_page
from fabriek.projects.reports import hand_in_report, report_figures, report_of
from fabriek.projects.rules import may_read

router = Router(tags=["operations"])


class HoursOf(Schema):
    awarded: int
    used: int
    left: int
    lapsed: int


class ProjectOut(Schema):
    code: str
    title: str
    programme: str
    organisation: str
    starts: date
    ends: date
    accelerator_seconds: HoursOf
    demo: bool


class MonthOut(Schema):
    month: date
    planned: int
    used: int


class ReportIn(Schema):
    results: str = Field(max_length=20_000)
    outputs: str = Field("", max_length=20_000)
    unused_why: str = Field("", max_length=20_000)


class ReportOut(Schema):
    project: str
    accelerator_seconds: dict[str, int]
    months: list[MonthOut]
    energy_kwh: float | None
    co2_kg: float | None
    results: str | None
    outputs: str | None
    unused_why: str | None
    handed_in_at: datetime | None


class Projects(PageOf):
    items: list[ProjectOut]


class AllocationOut(Schema):
    code: str
    partition: str
    starts: date
    ends: date
    accelerator_seconds: HoursOf
    core_seconds: HoursOf


class ProjectDetail(ProjectOut):
    running_jobs: int = Field(description="submitted here and under way: what they use is taken off when they end")
    members: list[str]
    allocations: list[AllocationOut]


class ByHandOut(Schema):
    """Something that somebody changed at the site. `choice` '': still to choose, or the award changed since."""

    account: str
    partition: str
    changed: list[dict[str, str]]
    first_seen_at: datetime
    choice: str
    why: str


class ClusterOut(Schema):
    code: str
    site: str
    engine: str
    partitions: dict[str, str]
    last_seen_at: datetime | None
    agent_version: str
    agent_error: str
    on_drift: str
    differences: list[str]
    by_hand: list[ByHandOut]
    transfer_ability: TransferAbility | None = Field(description="what its agent can do about data; null: not told")


class Clusters(PageOf):
    items: list[ClusterOut]


class RecordedEvent(Schema):
    at: datetime
    actor: str
    verb: str
    subject: str
    why: str
    data: dict[str, Any]


class RecordedEvents(PageOf):
    items: list[RecordedEvent]


def _project(row: ProjectRow) -> dict[str, Any]:
    project = row.project
    return {
        "code": project.code,
        "title": project.title,
        "programme": project.programme.code,
        "organisation": project.organisation.name,
        "starts": project.starts,
        "ends": project.ends,
        "accelerator_seconds": row.hours,
        "demo": project.is_demo,
    }


@router.get("/projects", response=Projects, auth=Scope("read"), summary="Projects")
def projects(request: HttpRequest, paging: Query[Paging], search: str = "", order: str = "newest") -> dict[str, Any]:
    """One's own, or all for who may read all."""
    page, rows = project_list(
        actor_of(request), search=search[:100], order=order, page=paging.page, per_page=paging.per_page
    )
    return paged(page, [_project(row) for row in rows])


def own_project(request: HttpRequest, code: str) -> Project:
    """A project that the token's person may read. Errors: Http404."""
    found = Project.objects.filter(code=code).first()
    if found is None or not may_read(actor_of(request), found):
        raise Http404
    return found


@router.get("/projects/{code}", response=ProjectDetail, auth=Scope("read"), summary="A project")
def project(request: HttpRequest, code: str) -> dict[str, Any]:
    """With its members, allocations and hours in seconds."""
    own_project(request, code)
    page = project_page(code)
    if page is None:
        raise Http404
    return {
        **_project(ProjectRow(page.project, page.hours)),
        "running_jobs": page.project.jobs.filter(state=JobState.RUNNING).count(),
        "members": [member.person.email for member in page.members],
        "allocations": [
            {
                "code": row.allocation.code,
                "partition": row.allocation.partition.code,
                "starts": row.allocation.starts,
                "ends": row.allocation.ends,
                "accelerator_seconds": row.hours,
                "core_seconds": row.cores,
            }
            for row in page.allocations
        ],
    }


def report_row(project: Project) -> dict[str, Any]:
    """The final report with the ledger's figures; null where nothing was handed in or nothing is measured."""
    figures, report = report_figures(project), report_of(project)
    return {
        "project": project.code,
        "accelerator_seconds": {"awarded": figures.awarded, "used": figures.used, "unused": figures.unused},
        "months": [{"month": row.month, "planned": row.planned, "used": row.used} for row in figures.months],
        "energy_kwh": figures.energy_kwh,
        "co2_kg": figures.co2_kg,
        "results": report.results if report else None,
        "outputs": report.outputs if report else None,
        "unused_why": report.unused_why if report else None,
        "handed_in_at": report.handed_in_at if report else None,
    }


@router.get("/projects/{code}/report", response=ReportOut, auth=Scope("read"), summary="A project's final report")
def report(request: HttpRequest, code: str) -> dict[str, Any]:
    """Use against plan from the ledger, in accelerator-seconds, and the lead's words."""
    return report_row(own_project(request, code))


@router.put("/projects/{code}/report", response=ReportOut, auth=Scope("apply"), summary="Hand in the final report")
def hand_in(request: HttpRequest, code: str, body: ReportIn) -> dict[str, Any]:
    """The lead does so, from the project's last month on; again with corrections."""
    project = own_project(request, code)
    hand_in_report(actor_of(request), project, body.results, body.outputs, body.unused_why)
    return report_row(project)


@router.get("/clusters", response=Clusters, auth=Scope("read", "read operations"), summary="Clusters and their agents")
def clusters(request: HttpRequest, paging: Query[Paging]) -> dict[str, Any]:
    """With every difference between what was awarded and what is enforced."""
    return page_of(queries.clusters(), paging, cluster_row)


def cluster_row(cluster: Cluster) -> dict[str, Any]:
    """A cluster, the partitions that its names stand for, and how its agent is."""
    return {
        "code": cluster.code,
        "site": cluster.site.code,
        "engine": cluster.engine,
        "partitions": {name.name: name.partition.code for name in cluster.names.all()},
        "last_seen_at": cluster.last_seen_at,
        "agent_version": cluster.agent_version,
        "agent_error": cluster.agent_error,
        "on_drift": cluster.on_drift,
        "differences": [found.sentence for found in queries.differences(cluster)],
        "transfer_ability": cluster.transfer_ability,
        "by_hand": [by_hand_row(one) for one in queries.changed_by_hand(cluster)],
    }


def by_hand_row(one: queries.ByHand) -> dict[str, Any]:
    """What was changed by hand of an account, and what was chosen."""
    names = ("account", "partition", "first_seen_at", "why")
    return {
        **{name: getattr(one.drift, name) for name in names},
        "changed": one.drift.found,
        "choice": one.choice,
    }


@router.get("/ledger/check", response=dict[str, Any], auth=Scope("read", "read ledger"), summary="Check the ledger")
def ledger_check(request: HttpRequest) -> dict[str, Any]:
    """Recomputes every account from its entries."""
    faults = check()
    return {"balances": not faults, "faults": faults, **totals()}


@router.get("/events", response=RecordedEvents, auth=Scope("read", "read audit"), summary="Who did what, when and why")
def events(
    request: HttpRequest,
    paging: Query[Paging],
    verb: str = "",
    actor: str = "",
    subject: str = "",
    since: date | None = None,
    until: date | None = None,
) -> dict[str, Any]:
    """Newest first; of a verb, by somebody, about something, in the days from `since` to `until`."""
    found = events_found(verb=verb, actor=actor, subject=subject, since=since, until=until)
    return page_of(
        found.order_by("-id"),
        paging,
        lambda event: {
            "at": event.at,
            "actor": event.actor_name,
            "verb": event.verb,
            "subject": f"{event.subject_kind} {event.subject}",
            "why": event.why,
            "data": event.data,
        },
    )
