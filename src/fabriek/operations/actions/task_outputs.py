"""The output of one task of a job array: asked of its site while somebody looks at it."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from fabriek.compute.directives import DirectiveError, read_directives
from fabriek.compute.wire import TaskReport
from fabriek.conf.errors import NotFound
from fabriek.operations.models import Cluster, Job, TaskOutput
from fabriek.operations.streams import take_in

KEPT = 20
"""Tasks of a job whose output is kept, those that were looked at last."""
LOOKS = timedelta(minutes=1)
"""A page looks every few seconds; that is noted as often as this."""


@transaction.atomic
def look_at_task(job: Job, task: int) -> TaskOutput:
    """Have a task's output told from now on, and return what is known of it. Who may see the job may see its tasks; it
    is a look, and no deed that belongs on record. Errors: NotFound.
    """
    if task not in tasks_of(job):
        raise NotFound(_("This job has no task %(task)d.") % {"task": task})
    now = timezone.now()
    found, new = TaskOutput.objects.get_or_create(job=job, task=task)
    if new:
        others = list(job.task_outputs.order_by("-asked_at", "-id").values_list("pk", flat=True))[KEPT:]
        job.task_outputs.filter(pk__in=others).delete()
    elif now - found.asked_at > LOOKS:
        found.asked_at = now
        found.save(update_fields=["asked_at"])
    return found


def tasks_of(job: Job) -> list[int]:
    """The numbers of an array's tasks; none where it is no array."""
    try:
        array = read_directives(job.script).array
    except DirectiveError:
        return []
    return list(array.numbers) if array else []


@transaction.atomic
def report_task(cluster: Cluster, uuid: str, task: int, report: TaskReport) -> None:
    """Take the agent's word on a task that was looked at. Errors: NotFound, also of one that is kept no more."""
    found = TaskOutput.objects.select_for_update().filter(job__cluster=cluster, job__uuid=uuid, task=task).first()
    if found is None:
        raise NotFound(_("Nobody looks at task %(task)d of %(uuid)s.") % {"task": task, "uuid": uuid})
    found.told_at, found.state, found.problem = timezone.now(), report.state, report.problem
    for name in ("output", "error_output"):
        text = getattr(report, name)
        if text is not None:
            take_in(found, name, text, getattr(report, f"{name}_from"))
    found.save()
