"""Reads of operations: what a site should do, what it does, what ran."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext as _

from fabriek.compute.directives import DirectiveError, read_directives
from fabriek.compute.engine import Difference, difference
from fabriek.compute.tail import Part
from fabriek.compute.wire import AccountState, DesiredState, JobOrder, ResourcesUsed, TaskOrder
from fabriek.conf.errors import NotFound
from fabriek.conf.sorting import Column, ordered, place_among
from fabriek.ledger.queries import allocation_hours
from fabriek.operations.efficiency import Asked, Efficiency, efficiency_of
from fabriek.operations.errors import UnknownCluster
from fabriek.operations.models import (
    ENDED_STATES,
    FAILED_STATES,
    WAITING_STATES,
    Cluster,
    Drift,
    Job,
    JobState,
    TaskOutput,
    UsageRecord,
)
from fabriek.operations.rules import standing_choice
from fabriek.operations.streams import kept_of
from fabriek.programmes.queries import weights
from fabriek.projects.models import Project
from fabriek.projects.queries import added, desired_accounts
from fabriek.projects.rules import may_read
from fabriek.register.models import Partition


def cluster_of(code: str) -> Cluster:
    """The cluster of this name. Errors: UnknownCluster."""
    found = Cluster.objects.filter(code=code).first()
    if found is None:
        raise UnknownCluster(_("There is no cluster %(code)s. Register it first.") % {"code": code})
    return found


def desired_state(cluster: Cluster, now: datetime | None = None) -> DesiredState:
    """What the cluster's scheduler should enforce now. Six queries."""
    now = now or timezone.now()
    names = dict(cluster.names.values_list("partition__code", "name"))
    weight = weights(list(names), now.date().replace(day=1))
    at_once = cluster.on_drift == "correct"
    accounts = [
        AccountState(
            account=desired.account,
            partition=names[desired.partition],
            accelerator_seconds_limit=desired.accelerator_seconds,
            core_seconds_limit=desired.core_seconds,
            active=desired.active,
            users=list(desired.users),
            starts=desired.starts,
            ends=desired.ends,
            programme=desired.programme,
            # A programme without a share this month keeps its accounts, at the least weight there is.
            fairshare=weight.get(desired.programme, 1),
            correct_drift=at_once,
            booked_accelerator_seconds=desired.used_accelerator_seconds,
            booked_core_seconds=desired.used_core_seconds,
        )
        for desired in desired_accounts(list(names), now)
    ]
    chosen = {(d.account, d.partition): d for d in cluster.drift.filter(gone_at__isnull=True)}
    for place, state in enumerate(accounts if chosen else ()):
        if drift := chosen.get((state.account, state.partition)):
            choice = standing_choice(drift.choice, drift.awarded, state)
            may_correct = choice == "correct" or (at_once and choice != "accept")
            accounts[place] = state.model_copy(update={"correct_drift": may_correct})
    digest = hashlib.sha256()
    for account in accounts:
        digest.update(account.model_dump_json().encode())
    return DesiredState(cluster=cluster.code, generation=digest.hexdigest()[:16], accounts=accounts)


def enforced_state(cluster: Cluster) -> list[AccountState]:
    """What the agent last reported. One query."""
    return [
        AccountState.model_validate(state)
        for states in cluster.enforced.values_list("state", flat=True)
        for state in states
    ]


def differences(cluster: Cluster) -> list[Difference]:
    """Where what is enforced differs from what was awarded (rule 9). Shown, never hidden."""
    return difference(desired_state(cluster).accounts, enforced_state(cluster))


@dataclass(frozen=True)
class ByHand:
    """An account that somebody changed at the site, and what the operator chose about it ('' : still to choose)."""

    drift: Drift
    choice: str


def changed_by_hand(cluster: Cluster) -> list[ByHand]:
    """What stands at a site otherwise than it was made. One query, and those of `desired_state` where there is any."""
    rows = list(cluster.drift.filter(gone_at__isnull=True).select_related("chosen_by"))
    if not rows:
        return []
    states = {(a.account, a.partition): a for a in desired_state(cluster).accounts}
    return [
        ByHand(row, standing_choice(row.choice, row.awarded, states.get((row.account, row.partition)))) for row in rows
    ]


def job_orders(cluster: Cluster) -> list[JobOrder]:
    """What the agent should submit, cancel or report on. Two queries."""
    names = dict(cluster.names.values_list("partition_id", "name"))
    jobs = (
        Job.objects.filter(cluster=cluster)
        .exclude(state__in=ENDED_STATES)
        .select_related("project", "allocation")
        .order_by("submitted_at", "id")
    )
    unix = {
        (project, person): name
        for project, person, name in Project.objects.filter(jobs__in=jobs)
        .values_list("pk", "members__person_id", "members__unix_name")
        .distinct()
    }
    return [
        JobOrder(
            uuid=str(job.uuid),
            account=job.project.code,
            user=unix.get((job.project_id, job.submitted_by_id)) or f"u{job.submitted_by_id:06d}",
            partition=names[job.allocation.partition_id],
            name=job.name,
            script=job.script,
            action="cancel" if job.cancel_requested_at else "submit",
            engine_job=job.engine_job,
        )
        for job in jobs
    ]


LOOKED_AT = timedelta(minutes=15)
"""For so long after the last look at a task its output is told."""


def task_orders(cluster: Cluster, now: datetime | None = None) -> list[TaskOrder]:
    """Tasks of arrays that somebody looks at and that may write more. One query."""
    found = TaskOutput.objects.filter(
        job__cluster=cluster, asked_at__gte=(now or timezone.now()) - LOOKED_AT, problem=""
    ).exclude(job__engine_job="")
    return [
        TaskOrder(
            uuid=str(one.job.uuid),
            engine_job=one.job.engine_job,
            task=one.task,
            name=one.job.name,
            script=one.job.script,
            output_from=kept_of(one, "output").end,
            error_output_from=kept_of(one, "error").end,
        )
        for one in found.select_related("job")
        if not one.ended
    ]


def clusters() -> list[Cluster]:
    """All clusters with their partitions. Two queries."""
    return list(Cluster.objects.select_related("site").prefetch_related("names__partition"))


JOB_COLUMNS: dict[str, Column] = {
    "name": Lower("name"),
    "state": place_among("state", JobState.values),
    "submitted": "submitted_at",
    "started": F("started_at"),
    "ended": F("ended_at"),
    "asked": F("accelerators") * F("time_limit_seconds") * F("runs"),
    "by": Lower("submitted_by__name"),
}
JOB_GROUPS: dict[str, frozenset[str]] = {
    "waiting": WAITING_STATES,
    "running": frozenset({JobState.RUNNING}),
    "ended": ENDED_STATES,
    "failed": FAILED_STATES,
}
"""What a list of jobs may be narrowed to, beside each single state."""


def jobs_of(project: Project, sort: str = "", *, state: str = "", search: str = "") -> QuerySet[Job]:
    """A project's jobs, newest first or by a column, without their scripts and output.

    state: one, or one of JOB_GROUPS; anything else narrows nothing. search: in names and the scheduler's numbers.
    """
    found = project.jobs.select_related("submitted_by", "allocation__partition").defer(
        "script", "output", "error_output"
    )
    wanted = JOB_GROUPS.get(state) or ({state} if state in JobState.values else None)
    if wanted is not None:
        found = found.filter(state__in=wanted)
    if search:
        found = found.filter(Q(name__icontains=search) | Q(engine_job=search))
    return ordered(found, sort, JOB_COLUMNS, ("-submitted_at", "-id"))


def job_counts(project: Project) -> dict[str, int]:
    """How many of a project's jobs there are in each group, and in all. One query."""
    counted = {name: Count("pk", filter=Q(state__in=states)) for name, states in JOB_GROUPS.items()}
    return project.jobs.aggregate(all=Count("pk"), **counted)


def jobs_named(project: Project, uuids: Iterable[Any]) -> list[Job]:
    """Those of a project's jobs that are named; what isn't the project's, or is no name at all, is left out."""
    known = []
    for uuid in uuids:
        with contextlib.suppress(ValueError):
            known.append(UUID(str(uuid)))
    return list(project.jobs.filter(uuid__in=known[:MOST_NAMED]).select_related("project"))


MOST_NAMED = 500


def output_after(job: Job, stream: str, place: int) -> Part:
    """What is kept of a job's stream (output, error) from a byte of it on; all of it where that byte isn't kept: cut
    off by now, or of a run before this one."""
    kept = kept_of(job, stream)
    if job.is_array:
        # Of an array come parts of several files, put together anew each time: all of it, unless none is new.
        return Part(place, "") if place == kept.end else kept
    return kept.after(place)


def efficiency(job: Job) -> Efficiency | None:
    """What an ended job asked against what it used; None where nothing of it is known."""
    if job.used is None or job.state not in ENDED_STATES:
        return None
    try:
        parts = read_directives(job.script).tasks
    except DirectiveError:
        parts = 1
    used = ResourcesUsed.model_validate(job.used)
    # Of an array those tasks count that began; one that was cancelled in the queue used nothing. Who doesn't tell how
    # many did leaves those that weren't cancelled.
    ended = sum(number for state, number in job.tasks.items() if state not in ("PENDING", "CANCELLED"))
    runs = max(ended, 1) if used.runs is None else max(used.runs, 1)
    asked = Asked(job.cores, job.accelerators, job.time_limit_seconds, runs, parts)
    return efficiency_of(asked, used, completed=job.state == JobState.COMPLETED)


def booked_seconds(job: Job, of: str = "accelerator_seconds") -> int | None:
    """Accelerator-seconds, or core-seconds, that were booked for a job, over its tasks and runs; None: nothing yet. One
    query."""
    if not job.engine_job:
        return None
    found: int | None = records_of(job).aggregate(all=Sum(of))["all"]
    return found


def records_of(job: Job) -> QuerySet[UsageRecord]:
    """The usage records of a job: all tasks of an array, all components of a heterogeneous job, all runs of each."""
    runs = Q(job_id=job.engine_job) | Q(submitted_as=job.engine_job)
    # Numbers come again after years: what was submitted before this job is another one's.
    since = int(job.submitted_at.timestamp()) - CLOCK_SKEW
    return latest_records(job.project).filter(runs, cluster=job.cluster, submit__gte=since)


CLOCK_SKEW = 3_600
"""Seconds that a cluster's clock may be behind ours."""


def job_of(person: Any, uuid: str) -> Job:
    """A job that this person may see. Errors: NotFound, the same whether it isn't there or isn't theirs."""
    job = (
        Job.objects.select_related("project", "allocation__partition", "cluster", "submitted_by")
        .filter(uuid=uuid)
        .first()
    )
    if job is None or not may_read(person, job.project):
        raise NotFound(_("There is no such job."))
    return job


def queued_seconds() -> dict[tuple[str, str, str, str, bool], int]:
    """What waiting and running jobs ask, in accelerator-seconds: (programme, system, class, country, commercial).

    Asked is accelerators times time limit, as Slurm counts it against a 'safe' limit. One query.
    """
    jobs = (
        Job.objects.exclude(state__in=ENDED_STATES)
        .order_by()
        .values_list(
            "project__programme__code",
            "allocation__partition__system__code",
            "project__organisation_class",
            "project__country",
            "project__commercial",
        )
        .annotate(asked=Sum(F("accelerators") * F("time_limit_seconds") * F("runs")))
    )
    return {
        (programme, system, kind, country, paid): int(asked) for programme, system, kind, country, paid, asked in jobs
    }


def waiting(cluster: Cluster) -> int:
    """How many jobs wait for the agent."""
    return cluster.jobs.filter(state=JobState.QUEUED).count()


@dataclass(frozen=True)
class BurnPoint:
    """What was left at the end of a day, in seconds; `planned` if use were even."""

    day: date
    left: int
    planned: int


_DAY_OF_END = {
    "sqlite": """date(r."end", 'unixepoch')""",
    "postgresql": """to_char(to_timestamp(r."end") AT TIME ZONE 'UTC', 'YYYY-MM-DD')""",
}


def latest_records(project: Project) -> QuerySet[UsageRecord]:
    """The usage records of a project that count: the last revision of each run, newest first."""
    return _last_revisions(UsageRecord.objects.filter(allocation__project=project))


def records_on(partition: Partition, since: int, until: int) -> QuerySet[UsageRecord]:
    """The usage records on a partition that count, of what was submitted from one UNIX second until another."""
    return _last_revisions(
        UsageRecord.objects.filter(allocation__partition=partition, submit__gte=since, submit__lt=until)
    )


def _last_revisions(found: QuerySet[UsageRecord]) -> QuerySet[UsageRecord]:
    return found.extra(
        where=[
            "NOT EXISTS (SELECT 1 FROM operations_usagerecord n WHERE n.cluster_id = operations_usagerecord.cluster_id "
            "AND n.key = operations_usagerecord.key AND n.revision > operations_usagerecord.revision)"
        ]
    )


def burn_down(project: Project, now: datetime | None = None) -> list[BurnPoint]:
    """What was left of a project's accelerator-seconds day by day. Three queries.

    A run counts on the day it ended. Days without use are left out but for the first and the last.
    """
    now = now or timezone.now()
    codes = list(project.allocations.values_list("code", flat=True))
    awarded = added(list(allocation_hours(codes).values())).awarded
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT {_DAY_OF_END[connection.vendor]} AS day, SUM(r.accelerator_seconds)
            FROM operations_usagerecord r
            JOIN projects_allocation l ON l.id = r.allocation_id
            WHERE l.project_id = %s AND NOT EXISTS (
                SELECT 1 FROM operations_usagerecord n
                WHERE n.cluster_id = r.cluster_id AND n.key = r.key AND n.revision > r.revision)
            GROUP BY 1 ORDER BY 1
            """,  # noqa: S608 - the interpolated text is one of two constants above
            [project.pk],
        )
        used = [(date.fromisoformat(text), int(seconds)) for text, seconds in cursor.fetchall()]
    whole = max((project.ends - project.starts).days, 1)

    def planned(on: date) -> int:
        gone = min(max((on - project.starts).days, 0), whole)
        return awarded - awarded * gone // whole

    first = min([project.starts, *(on for on, _seconds in used[:1])])
    points, left = [BurnPoint(first, awarded, planned(first))], awarded
    for on, seconds in used:
        left -= seconds
        points.append(BurnPoint(on, left, planned(on)))
    last = min(now.date(), project.ends)
    if last > points[-1].day:
        points.append(BurnPoint(last, left, planned(last)))
    return points
