"""Jobs through the platform: submitted here, fetched and run by the site's agent, which reports back."""

from __future__ import annotations

import uuid as uuids
from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from fabriek.audit.actions import record
from fabriek.compute.wire import JobReport
from fabriek.conf.errors import NotFound
from fabriek.operations.errors import JobRefused, ScriptInvalid
from fabriek.operations.estimates import budget_of, directives_of, elsewhere, with_line_ends
from fabriek.operations.models import ENDED_STATES, WAITING_STATES, Cluster, Job, JobState
from fabriek.operations.streams import take_in
from fabriek.people.models import Person
from fabriek.projects.errors import NotAMember, ProjectEnded
from fabriek.projects.models import Allocation
from fabriek.projects.rules import is_member, is_running


@transaction.atomic
def submit_job(actor: Person, allocation: Allocation, name: str, script: str, *, uuid: str | None = None) -> Job:
    """Take in a batch script for an allocation. The same `uuid` again returns the job that was made.

    Errors: NotAMember, ProjectEnded, ScriptInvalid (with the line, or where else it wants to run), JobRefused (beyond
    what is left, with numbers).
    """
    if uuid is not None:
        known = Job.objects.filter(uuid=uuid, submitted_by=actor).first()
        if known is not None:
            return known
    project = allocation.project
    if not is_member(actor, project):
        raise NotAMember(_("You are not a member of this project. Ask its lead to add you."))
    now = timezone.now()
    if not is_running(project, now) or not allocation.starts <= now.date() < allocation.ends:
        raise ProjectEnded(
            _("This allocation runs from %(starts)s until %(ends)s. Jobs can be submitted within that period.")
            % {"starts": allocation.starts, "ends": allocation.last_day}
        )
    cluster = Cluster.objects.filter(partitions=allocation.partition).exclude(engine="log").first()
    if cluster is None:
        raise JobRefused(
            _("No cluster serves %(partition)s yet. The operator connects one by starting an agent at the site.")
            % {"partition": allocation.partition.code}
        )
    script = with_line_ends(script)
    asked = directives_of(script)
    if sentence := elsewhere(asked, allocation):
        raise ScriptInvalid(sentence, faults={"script": [sentence]})
    budget = budget_of(allocation)
    if sentence := budget.refusal(asked):
        seconds = asked.accelerator_seconds
        raise JobRefused(sentence, asked=seconds, left=budget.accelerator_seconds_left)
    job = Job.objects.create(
        uuid=uuid or uuids.uuid4(),
        project=project,
        allocation=allocation,
        cluster=cluster,
        submitted_by=actor,
        name=name.strip()[:120] or "job",
        script=script,
        accelerators=asked.accelerators,
        cores=asked.cores,
        time_limit_seconds=asked.seconds,
        runs=asked.runs,
    )
    record(actor, "operations.submit_job", project, job=str(job.uuid), accelerator_seconds=asked.accelerator_seconds)
    return job


@transaction.atomic
def cancel_job(actor: Person, job: Job) -> Job:
    """Ask for a job to be stopped. An ended job stays as it is.

    The agent stops it, also one that seems to wait for it still: it may have submitted it a moment ago. Only where no
    agent was ever seen it stops at once.
    """
    if not is_member(actor, job.project):
        raise NotAMember(_("You are not a member of this project. Ask its lead to add you."))
    # As it is now: what was read for a page may be older than the agent's last word.
    job = Job.objects.select_for_update(of=("self",)).select_related("project", "cluster").get(pk=job.pk)
    if job.state in ENDED_STATES or job.cancel_requested_at is not None:
        return job
    job.cancel_requested_at = timezone.now()
    if job.state == JobState.QUEUED and job.cluster.last_seen_at is None:
        job.state, job.ended_at = JobState.CANCELLED, job.cancel_requested_at
        job.reason = _("cancelled before it reached the site")
    job.save()
    record(actor, "operations.cancel_job", job.project, job=str(job.uuid))
    return job


@transaction.atomic
def cancel_jobs(actor: Person, jobs: Iterable[Job]) -> list[Job]:
    """Ask for several jobs to be stopped: those that have not ended, all of them or none. Returns those."""
    return [cancel_job(actor, job) for job in jobs if job.state not in ENDED_STATES]


@transaction.atomic
def report_job(cluster: Cluster, uuid: str, report: JobReport) -> Job:
    """Take the agent's word on a job. A job that ended keeps its end: a late, older report changes nothing."""
    job = Job.objects.select_for_update(of=("self",)).filter(cluster=cluster, uuid=uuid).first()
    if job is None:
        raise NotFound(_("%(cluster)s has no job %(uuid)s.") % {"cluster": cluster.code, "uuid": uuid})
    if job.state in ENDED_STATES:
        return job
    before, started_before = job.state, job.started_at
    now = timezone.now()
    job.state = report.state
    job.reason = (report.reason or "")[:300]
    if report.engine_job and not job.engine_job:
        job.accepted_at = now
    job.engine_job = report.engine_job or job.engine_job
    job.started_at = report.started_at or job.started_at
    job.ended_at = report.ended_at or job.ended_at
    if job.state in ENDED_STATES and job.ended_at is None:
        job.ended_at = now
    for name in ("accelerators", "cores", "time_limit_seconds"):
        if getattr(report, name) is not None:
            setattr(job, name, getattr(report, name))
    _forecast(job, report)
    if report.used is not None:
        job.used = report.used.model_dump(mode="json")
    started_over = started_before is not None and job.started_at != started_before
    for name in ("output", "error_output"):
        _join(job, name, report, started_over)
    job.save()
    if job.state != before and job.state in ENDED_STATES:
        record(None, "operations.job_ended", job.project, job=str(job.uuid), state=job.state, reason=job.reason)
    return job


def _forecast(job: Job, report: JobReport) -> None:
    """Where it stands in line. Of what doesn't wait any more nothing is kept."""
    waits = job.state in WAITING_STATES or report.tasks.get("PENDING", 0) > 0
    job.queue_position = report.queue_position if waits else None
    job.expected_start_at = report.expected_start_at if waits else None
    if report.tasks:
        job.tasks, job.failed_tasks = report.tasks, report.failed_tasks


def _join(job: Job, name: str, report: JobReport, started_over: bool) -> None:
    """Put a new part of a stream to what is kept of it."""
    text, place = getattr(report, name), getattr(report, f"{name}_from")
    if text is None:
        if started_over:
            setattr(job, name, "")
            setattr(job, f"{name}_from", 0)
        return
    if job.is_array:
        # Of an array come parts of several files, each time all of them.
        setattr(job, name, text.replace("\x00", "?"))
        setattr(job, f"{name}_from", 0)
    else:
        take_in(job, name, text, place, anew=started_over)
