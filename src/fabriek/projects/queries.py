"""Reads of projects. Lists cost a fixed number of queries, whatever their length."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from django.core.paginator import Page, Paginator
from django.db.models import Count, F, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Lower
from django.utils import timezone

from fabriek.conf.sorting import Column, ordered
from fabriek.ledger.models import Account, AccountKind, Unit
from fabriek.ledger.queries import AllocationHours, allocation_hours, held
from fabriek.people.models import Person
from fabriek.people.permissions import may
from fabriek.projects.models import Allocation, Change, Member, Project, Return, ReturnState

# Which accounts together are an amount: what was awarded is left, used or lapsed.
_AMOUNTS = {
    "awarded": (AccountKind.AWARD, AccountKind.USED, AccountKind.LAPSED),
    "used": (AccountKind.USED,),
    "left": (AccountKind.AWARD,),
}
PROJECT_COLUMNS: dict[str, Column] = {
    "code": "code",
    "title": Lower("title"),
    "programme": Lower("programme__name"),
    "ends": "ends",
    **{
        name: held(kinds, Allocation.objects.filter(project=OuterRef(OuterRef("pk"))).order_by().values("code"))
        for name, kinds in _AMOUNTS.items()
    },
}
ALLOCATION_COLUMNS: dict[str, Column] = {
    "code": "code",
    "project": Lower("project__title"),
    "partition": "partition__code",
    "ends": "ends",
    **{name: held(kinds, OuterRef("code")) for name, kinds in _AMOUNTS.items()},
}


@dataclass(frozen=True)
class ProjectRow:
    """A line of a list of projects: the project, and its accelerator-seconds over all allocations."""

    project: Project
    hours: AllocationHours


@dataclass(frozen=True)
class AllocationRow:
    """An allocation and its hours, in the unit that its partition counts."""

    allocation: Allocation
    hours: AllocationHours
    cores: AllocationHours

    @property
    def in_cores(self) -> bool:
        """Whether its partition counts core-hours."""
        return self.allocation.partition.counts_cores


@dataclass
class ProjectPage:
    """What a project's page shows."""

    project: Project
    allocations: list[AllocationRow]
    members: list[Any]
    hours: AllocationHours = field(default_factory=AllocationHours)


def visible_projects(person: Any) -> QuerySet[Project]:
    """The projects that this person may read."""
    if may(person, "read projects"):
        return Project.objects.all()
    if person is None or not person.is_authenticated:
        return Project.objects.none()
    return Project.objects.filter(members__person=person, members__left_at__isnull=True)


def projects_of(person: Person) -> list[ProjectRow]:
    """The person's own projects, newest first. Two queries."""
    mine = Project.objects.filter(members__person=person, members__left_at__isnull=True).select_related(
        "programme", "organisation", "factory"
    )
    return with_hours(list(mine))


def project_list(
    person: Any, *, search: str = "", order: str = "newest", page: int | str = 1, per_page: int = 25
) -> tuple[Page[Project], list[ProjectRow]]:
    """One page of the projects that a person may read, newest first or by a column: the number, the rows, their
    allocations and their hours. Four queries, whatever the order."""
    found = visible_projects(person)
    if search:
        found = found.filter(Q(title__icontains=search) | Q(code__icontains=search))
    found = ordered(found.select_related("programme", "organisation"), order, PROJECT_COLUMNS, ("-created_at", "-id"))
    shown = Paginator(found, per_page).get_page(page)
    return shown, with_hours(list(shown.object_list))


def with_hours(projects: list[Project]) -> list[ProjectRow]:
    """Put the hours beside each project: one query over the ledger's accounts."""
    allocations = Allocation.objects.filter(project__in=projects).values_list("code", "project_id")
    project_of = dict(allocations)
    sums: dict[int, list[AllocationHours]] = defaultdict(list)
    for code, hours in allocation_hours(list(project_of)).items():
        sums[project_of[code]].append(hours)
    return [ProjectRow(project, added(sums[project.pk])) for project in projects]


def added(hours: list[AllocationHours]) -> AllocationHours:
    """Hours of several allocations together."""
    return AllocationHours(
        awarded=sum(h.awarded for h in hours),
        used=sum(h.used for h in hours),
        left=sum(h.left for h in hours),
        lapsed=sum(h.lapsed for h in hours),
    )


def allocation_list(
    person: Any, *, order: str = "newest", page: int | str = 1, per_page: int = 25
) -> tuple[Page[Allocation], list[AllocationRow]]:
    """One page of allocations of the projects that a person may read, newest first or by a column. Four queries."""
    found = (
        Allocation.objects.filter(project__in=visible_projects(person))
        if not may(person, "read projects")
        else Allocation.objects.all()
    )
    found = ordered(found.select_related("project__programme", "partition"), order, ALLOCATION_COLUMNS, ("-id",))
    shown = Paginator(found, per_page).get_page(page)
    return shown, allocation_rows(list(shown.object_list))


def allocation_rows(allocations: list[Allocation]) -> list[AllocationRow]:
    """Allocations with their hours. Two queries."""
    codes = [a.code for a in allocations]
    accelerators, cores = allocation_hours(codes), allocation_hours(codes, Unit.CORE_SECONDS)
    return [AllocationRow(a, accelerators[a.code], cores[a.code]) for a in allocations]


def used_after_end(allocations: Sequence[Allocation]) -> dict[str, int]:
    """Accelerator-seconds that runs used after the last month of the allocation that they are booked to, by its code.

    A run that goes on when its allocation ends is booked to the project's next one on that partition; where there is
    none, it stays with the one that ended. One query; allocations without such use are left out.
    """
    ends = {allocation.code: allocation.ends for allocation in allocations}
    sums: dict[str, int] = defaultdict(int)
    used = Account.objects.filter(allocation__in=list(ends), kind=AccountKind.USED, unit=Unit.ACCELERATOR_SECONDS)
    for code, month, seconds in used.values_list("allocation", "month", F("credits") - F("debits")):
        if seconds and month >= ends[code]:
            sums[code] += seconds
    return dict(sums)


def project_page(code: str) -> ProjectPage | None:
    """A project with its members and allocations. Five queries."""
    project = Project.objects.select_related("programme__pillar", "organisation", "factory").filter(code=code).first()
    if project is None:
        return None
    rows = allocation_rows(list(project.allocations.select_related("partition__system").order_by("id")))
    members = list(project.members.filter(left_at__isnull=True).select_related("person__organisation"))
    return ProjectPage(project, rows, members, added([row.hours for row in rows]))


@dataclass(frozen=True)
class DesiredAccount:
    """What a site should enforce for a project on one partition: limits since its first allocation there began, and
    how much of them was used."""

    account: str
    partition: str
    accelerator_seconds: int
    core_seconds: int
    active: bool
    users: tuple[str, ...]
    starts: date
    ends: date
    programme: str
    used_accelerator_seconds: int
    used_core_seconds: int


def desired_accounts(partitions: list[str], now: datetime | None = None) -> list[DesiredAccount]:
    """The accounts that should exist on these partitions (codes of the register). Three queries.

    The limit is everything that was awarded and hasn't lapsed: Slurm counts use against it from the start
    (GrpTRESMins, https://slurm.schedmd.com/resource_limits.html). An allocation to come isn't in it before its first
    day (UTC), as jobs on it are refused until then: its hours would be spent early. An ended project stays, inactive,
    so that nobody submits and nothing is lost.
    """
    today = (now or timezone.now()).date()
    limits: dict[tuple[str, str], int] = defaultdict(int)
    used: dict[tuple[str, str], int] = defaultdict(int)
    awards = Account.objects.filter(partition__in=partitions, kind__in=[AccountKind.AWARD, AccountKind.USED])
    for code, unit, kind, credits, debits in awards.values_list("allocation", "unit", "kind", "credits", "debits"):
        limits[code, unit] += credits - debits
        if kind == AccountKind.USED:
            used[code, unit] += credits - debits
    # Plain values, and by a subquery: an agent asks every few seconds, and ten thousand projects' numbers are more than
    # a statement may hold.
    theirs = Allocation.objects.filter(partition__code__in=partitions, project__origin="awarded")
    members = (
        Member.objects.filter(project__in=theirs.values("project"), left_at__isnull=True)
        .values_list("project_id", "unix_name")
        .order_by("unix_name")
    )
    users: dict[int, list[str]] = defaultdict(list)
    for number, name in members:
        users[number].append(name)
    merged: dict[tuple[str, str], list[_Part]] = defaultdict(list)
    for account, partition, *values in theirs.values_list(
        "project__code", "partition__code", "code", "starts", "ends", "settled_at",
        "project_id", "project__ended_at", "project__programme__code",
    ):  # fmt: skip
        merged[account, partition].append(_Part._make(values))
    desired = []
    for (account, partition), parts in sorted(merged.items()):
        first = parts[0]
        begun = [part.code for part in parts if part.starts <= today]
        running = first.project_ended_at is None and any(
            part.settled_at is None and part.starts <= today < part.ends for part in parts
        )
        desired.append(
            DesiredAccount(
                account=account,
                partition=partition,
                accelerator_seconds=sum(limits[code, Unit.ACCELERATOR_SECONDS] for code in begun),
                core_seconds=sum(limits[code, Unit.CORE_SECONDS] for code in begun),
                active=running,
                users=tuple(users[first.project]),
                starts=min(part.starts for part in parts),
                ends=max(part.ends for part in parts),
                programme=first.programme,
                used_accelerator_seconds=sum(used[code, Unit.ACCELERATOR_SECONDS] for code in begun),
                used_core_seconds=sum(used[code, Unit.CORE_SECONDS] for code in begun),
            )
        )
    return desired


class _Part(NamedTuple):
    """One of an account's allocations on a partition."""

    code: str
    starts: date
    ends: date
    settled_at: datetime | None
    project: int
    project_ended_at: datetime | None
    programme: str


def counts() -> dict[str, int]:
    """How many projects there are, and how many are running. One query."""
    today = timezone.now().date()
    return Project.objects.aggregate(
        all=Count("id"),
        running=Count("id", filter=Q(starts__lte=today, ends__gt=today, ended_at__isnull=True)),
    )


def days_left(project: Project, on: date | None = None) -> int:
    """Whole days until the project ends."""
    return max((project.ends - (on or timezone.now().date())) // timedelta(days=1), 0)


def returns(states: Sequence[str], *, newest: bool = False) -> QuerySet[Return]:
    """Returns in these states, those due first on top; or the newest."""
    found = Return.objects.filter(state__in=states).select_related(
        "allocation__project__organisation", "allocation__partition", "claimed_by"
    )
    return found.order_by("-pk") if newest else found.order_by("due", "pk")


def given_back(project: Project) -> int:
    """Accelerator-seconds that went back before their time: what was awarded to it is less by them. One query."""
    found = Return.objects.filter(
        allocation__project=project, state=ReturnState.RETURNED, allocation__partition__accelerators_per_node__gt=0
    )
    return found.aggregate(all=Sum("accelerator_seconds"))["all"] or 0


def changes(states: Sequence[str] | None = None, *, newest: bool = False) -> QuerySet[Change]:
    """Changes that projects asked for, oldest first or newest."""
    found = Change.objects.select_related(
        "project__organisation",
        "project__programme",
        "allocation__partition",
        "allocation__project",
        "to_partition",
        "to_project",
        "asked_by",
        "decided_by",
        "granted",
    )
    if states is not None:
        found = found.filter(state__in=states)
    return found.order_by("-pk") if newest else found.order_by("asked_at", "pk")
