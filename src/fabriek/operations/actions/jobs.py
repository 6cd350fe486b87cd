"""Jobs through the platform: submitted here, fetched and run by the site's agent, which reports back."""

from __future__ import annotations

import uuid as uuids

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from fabriek.audit.actions import record
from fabriek.compute.directives import DirectiveError, read_directives
from fabriek.compute.wire import JobReport
from fabriek.conf.errors import NotFound
from fabriek.ledger.models import Unit
from fabriek.ledger.queries import allocation_hours
from fabriek.operations.errors import JobRefused, ScriptInvalid
from fabriek.operations.models import ENDED_STATES, Cluster, Job, JobState
from fabriek.people.models import Person
from fabriek.projects.errors import NotAMember, ProjectEnded
from fabriek.projects.models import Allocation
from fabriek.projects.rules import is_member, is_running

_OUTPUT = 100_000


@transaction.atomic
def submit_job(actor: Person, allocation: Allocation, name: str, script: str, *, uuid: str | None = None) -> Job:
    """Take in a batch script for an allocation. The same `uuid` again returns the job that was made.

    Errors: NotAMember, ProjectEnded, ScriptInvalid (with the line), JobRefused (beyond what is left, with numbers).
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
            % {"starts": allocation.starts, "ends": allocation.ends}
        )
    cluster = Cluster.objects.filter(partitions=allocation.partition).exclude(engine="log").first()
    if cluster is None:
        raise JobRefused(
            _("No cluster serves %(partition)s yet. The operator connects one by starting an agent at the site.")
            % {"partition": allocation.partition.code}
        )
    # Browsers send forms with CR LF, and "/bin/bash\r" is no interpreter.
    script = script.replace("\r\n", "\n")
    accelerator_seconds = _asked(script)
    left = allocation_hours([allocation.code], Unit.ACCELERATOR_SECONDS)[allocation.code].left
    if accelerator_seconds > left:
        raise JobRefused(
            _("This job could use %(asked)s GPU-hours and %(left)s are left. Ask for fewer GPUs or less time.")
            % {"asked": f"{accelerator_seconds / 3600:,.2f}", "left": f"{max(left, 0) / 3600:,.2f}"},
            asked=accelerator_seconds,
            left=left,
        )
    job = Job.objects.create(
        uuid=uuid or uuids.uuid4(),
        project=project,
        allocation=allocation,
        cluster=cluster,
        submitted_by=actor,
        name=name.strip()[:120] or "job",
        script=script,
    )
    record(actor, "operations.submit_job", project, job=str(job.uuid), accelerator_seconds=accelerator_seconds)
    return job


def _asked(script: str) -> int:
    """The accelerator-seconds that a script could use at most."""
    try:
        directives = read_directives(script)
    except DirectiveError as fault:
        raise ScriptInvalid(str(fault), faults={"script": [str(fault)]}) from fault
    return directives.accelerator_seconds


@transaction.atomic
def cancel_job(actor: Person, job: Job) -> Job:
    """Ask for a job to be stopped. One that no agent has fetched stops at once. An ended job stays as it is."""
    if not is_member(actor, job.project):
        raise NotAMember(_("You are not a member of this project. Ask its lead to add you."))
    if job.state in ENDED_STATES or job.cancel_requested_at is not None:
        return job
    job.cancel_requested_at = timezone.now()
    if job.state == JobState.QUEUED and not job.engine_job:
        job.state, job.ended_at = JobState.CANCELLED, job.cancel_requested_at
        job.reason = _("cancelled before it reached the site")
    job.save()
    record(actor, "operations.cancel_job", job.project, job=str(job.uuid))
    return job


@transaction.atomic
def report_job(cluster: Cluster, uuid: str, report: JobReport) -> Job:
    """Take the agent's word on a job. A job that ended keeps its end: a late, older report changes nothing."""
    job = Job.objects.select_for_update(of=("self",)).filter(cluster=cluster, uuid=uuid).first()
    if job is None:
        raise NotFound(_("%(cluster)s has no job %(uuid)s.") % {"cluster": cluster.code, "uuid": uuid})
    if job.state in ENDED_STATES:
        return job
    before = job.state
    job.state = report.state
    job.reason = (report.reason or "")[:300]
    job.engine_job = report.engine_job or job.engine_job
    job.started_at = report.started_at or job.started_at
    job.ended_at = report.ended_at or job.ended_at
    if job.state in ENDED_STATES and job.ended_at is None:
        job.ended_at = timezone.now()
    if report.output is not None:
        job.output = report.output[-_OUTPUT:]
    if report.error_output is not None:
        job.error_output = report.error_output[-_OUTPUT:]
    job.save()
    if job.state != before and job.state in ENDED_STATES:
        record(None, "operations.job_ended", job.project, job=str(job.uuid), state=job.state, reason=job.reason)
    return job
