"""Jobs: what a script would ask, submitting it, following it, stopping it, and what it made of what it asked."""

from __future__ import annotations

import csv
import hashlib
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.core.paginator import Paginator
from django.core.validators import MaxLengthValidator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.cache import get_conditional_response, patch_cache_control, patch_vary_headers
from django.utils.http import quote_etag
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from fabriek.conf.amounts import number_text
from fabriek.conf.errors import Invalid, Refused
from fabriek.operations import queries
from fabriek.operations.actions import cancel_job, cancel_jobs, submit_job
from fabriek.operations.actions import tasks_of as task_numbers
from fabriek.operations.efficiency import ACCELERATORS, CORES, MEMORY, TIME, Efficiency
from fabriek.operations.estimates import budget_of, estimate
from fabriek.operations.models import ENDED_STATES, WAITING_STATES, Job
from fabriek.portal.access import SIGNED_IN, requires
from fabriek.portal.components.amounts import bytes_text, hours_text, lasting_text
from fabriek.portal.components.job_lines import line_of, lines_of
from fabriek.portal.components.states import look_of
from fabriek.portal.pages.use.job_output import streams_of
from fabriek.portal.pages.use.projects import page_of
from fabriek.projects.models import Allocation, Project
from fabriek.projects.queries import allocation_rows
from fabriek.projects.rules import is_member, is_running
from fabriek.recipes.queries import results_of

TEMPLATE = """#!/bin/bash
#SBATCH --job-name=train
#SBATCH --gpus=1
#SBATCH --ntasks=1
#SBATCH --time=00:01:00

echo "Running on $SLURM_JOB_PARTITION as $SLURM_JOB_ACCOUNT"
"""
PER_PAGE = 50
LONGEST_SCRIPT = 200_000
# A site that hasn't been heard for so long is told of: it asks every few seconds.
SILENT_AFTER = timedelta(minutes=2)
# What a job's page shows of others, such as the hours that are left, is looked up so often, in seconds.
SHOWN_AGAIN = 30
_LONG_TEXTS = frozenset({"script", "output", "error_output"})


class JobForm(forms.Form):
    """A batch script for one of the project's allocations, written here or in a file."""

    allocation = forms.ChoiceField(label=gettext_lazy("Hours to use"))
    name = forms.CharField(label=gettext_lazy("Name"), max_length=120, initial="train")
    uuid = forms.UUIDField(widget=forms.HiddenInput, required=False)
    file = forms.FileField(
        label=gettext_lazy("Take the script from a file"),
        help_text=gettext_lazy("What it holds takes the place of what stands below."),
        required=False,
    )
    script = forms.CharField(
        label=gettext_lazy("Batch script"),
        help_text=gettext_lazy("As for sbatch: #SBATCH lines say how many GPUs you need, and for how long."),
        widget=forms.Textarea(attrs={"rows": 14, "spellcheck": "false", "class": "mono"}),
        validators=[MaxLengthValidator(LONGEST_SCRIPT)],
        initial=TEMPLATE,
        required=False,
        strip=False,
    )

    def __init__(self, *arguments: Any, allocations: list[Allocation], **more: Any) -> None:
        super().__init__(*arguments, **more)
        field: Any = self.fields["allocation"]
        # The script's field fills from the file where there is JavaScript (`filling.js`).
        self.fields["file"].widget.attrs["data-fills"] = self["script"].id_for_label
        left = {row.allocation.code: row.hours.left for row in allocation_rows(allocations)}
        field.choices = [
            (
                a.code,
                _("%(partition)s, %(hours)s GPU-hours left (%(code)s)")
                % {"partition": a.partition.code, "hours": hours_text(left[a.code]), "code": a.code},
            )
            for a in allocations
        ]

    def clean_file(self) -> str:
        """The file's text, empty where none was given."""
        file: UploadedFile | None = self.cleaned_data["file"]
        if not file:
            return ""
        if (file.size or 0) > LONGEST_SCRIPT:
            raise ValidationError(_("This file is larger than a batch script may be: 200 kB."))
        try:
            return file.read().decode("utf-8")
        except UnicodeDecodeError:
            raise ValidationError(_("This file is no text. Choose a batch script.")) from None

    def clean(self) -> dict[str, Any]:
        """One script, of the file where there is one."""
        said: dict[str, Any] = super().clean() or self.cleaned_data
        said["script"] = said.get("file") or said.get("script", "")
        if not said["script"].strip() and not self.errors:
            self.add_error("script", _("Write a batch script, or choose a file."))
        return said


def usable_allocations(project: Project) -> list[Allocation]:
    """Those whose hours may be used today."""
    today: date = timezone.now().date()
    running = project.allocations.filter(starts__lte=today, ends__gt=today, settled_at__isnull=True)
    return list(running.select_related("partition", "project__programme"))


@requires(SIGNED_IN, "GET", "POST")
def new_job(request: HttpRequest, code: str) -> HttpResponse:
    """Submit a batch script."""
    project = page_of(request, code).project
    if not is_member(request.user, project):
        raise Http404
    allocations = usable_allocations(project)
    like = _job_like(request, project)
    initial = {"name": like.name, "script": like.script, "allocation": like.allocation.code} if like else {}
    form = JobForm(
        request.POST or None, request.FILES or None, allocations=allocations, initial={"uuid": uuid4(), **initial}
    )
    if request.method == "POST" and form.is_valid():
        chosen = next(a for a in allocations if a.code == form.cleaned_data["allocation"])
        person: Any = request.user
        try:
            # The number goes with the form: sending it twice makes one job.
            number = str(form.cleaned_data["uuid"] or uuid4())
            job = submit_job(person, chosen, form.cleaned_data["name"], form.cleaned_data["script"], uuid=number)
        except Invalid as fault:
            form.add_error("script", str(fault.sentence))
        except Refused as refusal:
            form.add_error(None, str(refusal.sentence))
        else:
            messages.success(request, _("Submitted. It starts as soon as there is room."))
            return redirect("portal:job", job.uuid)
    context: dict[str, Any] = {"project": project, "form": form, "allocations": allocations}
    if allocations:
        named = form["allocation"].value()
        chosen = next((a for a in allocations if a.code == named), allocations[0])
        context |= {"allocation": chosen, "estimate": estimate(chosen, form["script"].value() or "")}
    return render(request, "use/new_job.html", context, status=422 if form.errors else 200)


@requires(SIGNED_IN, "POST")
def job_estimate(request: HttpRequest, code: str) -> HttpResponse:
    """What the script that is being written would ask."""
    project = page_of(request, code).project
    allocations = usable_allocations(project)
    named = request.POST.get("allocation", "")
    chosen = next((a for a in allocations if a.code == named), None)
    if chosen is None:
        raise Http404
    found = estimate(chosen, request.POST.get("script", "")[:LONGEST_SCRIPT])
    context = {"allocation": chosen, "estimate": found, "live": True}
    return render(request, "use/job_estimate.html", context)


def _job_like(request: HttpRequest, project: Project) -> Job | None:
    """The job of this project whose script one starts from, if the address names one."""
    try:
        return project.jobs.select_related("allocation").filter(uuid=request.GET.get("like", "")).first()
    except ValidationError:
        return None


class SearchForm(forms.Form):
    """What to look for in the list."""

    search = forms.CharField(label=gettext_lazy("Search in names and numbers"), required=False, max_length=100)


@requires(SIGNED_IN)
def jobs(request: HttpRequest, code: str) -> HttpResponse:
    """All jobs of a project; the list is loaded again by itself, and what one chose or reads stays."""
    project = page_of(request, code).project
    state, search, sort = (request.GET.get(name, "")[:100] for name in ("state", "search", "sort"))
    found = queries.jobs_of(project, sort, state=state, search=search)
    if request.GET.get("format") == "csv":
        return jobs_csv(project, found)
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    lines = lines_of(page.object_list)
    counts = queries.job_counts(project)
    context = {
        "project": project,
        "page": page,
        "lines": lines,
        "counts": counts,
        "tabs": _tabs(counts, state, {"search": search, "sort": sort}),
        "state": state,
        "search": search,
        "filters": SearchForm(initial={"search": search}),
        # Where nothing goes on there is little news.
        "every": 5 if counts["waiting"] + counts["running"] else 30,
        "may_submit": is_member(request.user, project),
    }
    part = bool(request.headers.get("HX-Request"))
    return render(request, "use/jobs_now.html" if part else "use/jobs.html", context)


def _tabs(counts: dict[str, int], state: str, kept: dict[str, str]) -> list[dict[str, Any]]:
    words = [
        ("", "all", _("All")),
        ("waiting", "waiting", _("Waiting")),
        ("running", "running", _("Running")),
        ("ended", "ended", _("Ended")),
        ("failed", "failed", _("Went wrong")),
    ]
    return [
        {
            "label": label,
            "url": "?" + urlencode({name: value for name, value in {"state": key, **kept}.items() if value}),
            "current": state == key,
            "count": counts[name],
        }
        for key, name, label in words
    ]


def jobs_csv(project: Project, found: QuerySet[Job]) -> HttpResponse:
    """The project's jobs, one a line."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{project.code}-jobs.csv"'
    writer = csv.writer(response)
    numbers = ["accelerators", "cores", "time_limit_seconds", "runs", "asked_accelerator_seconds"]
    writer.writerow(["uuid", "engine_job", "name", "state", "reason", "submitted", "started", "ended", "by", *numbers])
    for job in found.iterator(chunk_size=1_000):
        by = job.submitted_by.name
        moments = [moment.isoformat() if moment else "" for moment in (job.submitted_at, job.started_at, job.ended_at)]
        asked = [getattr(job, name) for name in numbers]
        writer.writerow([job.uuid, job.engine_job, job.name, job.state, job.reason, *moments, by, *asked])
    return response


@requires(SIGNED_IN)
def job(request: HttpRequest, uuid: str) -> HttpResponse:
    """A job; what changes is loaded again while it hasn't ended, but for what it writes: that comes by its parts."""
    found = queries.job_of(request.user, uuid)
    if not request.headers.get("HX-Request"):
        return render(request, "use/job.html", job_context(request, found))
    version = quote_etag(version_of(request, found))
    if unchanged := get_conditional_response(request, etag=version):
        return unchanged
    # Where the page has what it writes already, that comes by its own way (`job_output`).
    context = {**job_context(request, found), "part": request.GET.get("streams") == "1"}
    response = render(request, "use/job_now.html", context)
    response["ETag"] = version
    # The browser keeps it, and asks each time whether it still holds.
    patch_cache_control(response, private=True, no_cache=True)
    patch_vary_headers(response, ["HX-Request"])
    return response


def version_of(request: HttpRequest, found: Job) -> str:
    """Names what the part of a job's page that is loaded again shows: the same name, the same part, but for what the
    ledger and others say, which comes half a minute late."""
    now = timezone.now()
    since = found.started_at if found.state == "RUNNING" else None
    if found.state in WAITING_STATES and not found.expected_start_at:
        since = found.submitted_at
    shown = [getattr(found, field.attname) for field in Job._meta.concrete_fields if field.name not in _LONG_TEXTS]
    shown += [bool(found.output), bool(found.error_output), lasting_text(now - since) if since else ""]
    shown += [get_language(), request.user.pk, int(now.timestamp()) // SHOWN_AGAIN]
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:32]


def job_context(request: HttpRequest, found: Job) -> dict[str, Any]:
    """What a job's page shows."""
    member = is_member(request.user, found.project)
    line = line_of(found)
    seen = found.cluster.last_seen_at
    ends_by = None
    if found.state == "RUNNING" and found.started_at and found.runs == 1 and found.time_limit_seconds:
        ends_by = found.started_at + timedelta(seconds=found.time_limit_seconds)
    efficiency = queries.efficiency(found)
    # A job without GPUs is counted in cores on any partition: 0 GPU-hours would say nothing of it.
    in_cores = not found.accelerators
    return {
        "job": found,
        "result": results_of(found.project).filter(job=found).first(),
        "line": line,
        "project": found.project,
        "ended": line.ended,
        "waits": found.state in WAITING_STATES,
        "runs": found.state == "RUNNING",
        "waited": (found.started_at or found.ended_at or timezone.now()) - found.submitted_at,
        "ends_by": ends_by,
        "limit": timedelta(seconds=found.time_limit_seconds),
        "budget": budget_of(found.allocation),
        "booked": queries.booked_seconds(found, "core_seconds" if in_cores else "accelerator_seconds"),
        "in_cores": in_cores,
        "silent_since": seen if not line.ended and seen and timezone.now() - seen > SILENT_AFTER else None,
        "tasks": tasks_of(found),
        "numbers": _numbers_of(found),
        # As text: a task's number is no amount, with separators.
        "failed": [str(number) for number in found.failed_tasks],
        "failed_more": found.tasks_failed - len(found.failed_tasks),
        "tasks_ended": sum(number for state, number in found.tasks.items() if state in ENDED_STATES),
        "shows_streams": bool(line.ended or found.started_at or found.output or found.error_output),
        "streams": streams_of(found),
        "efficiency": efficiency,
        "measures": measures_of(efficiency) if efficiency else [],
        "may_submit": member and is_running(found.project, timezone.now()),
        "may_cancel": not line.ended and member,
        "call_tone": call_tone(line),
    }


def call_tone(line: Any) -> str:
    """How loud the sentence about a job is."""
    if line.explanation is None:
        return ""
    if line.ended:
        return "danger" if line.job.state in ("FAILED", "OUT_OF_MEMORY", "NODE_FAIL", "REFUSED") else "warning"
    return {"member": "warning", "site": "warning"}.get(line.explanation.move, "info")


def tasks_of(found: Job) -> list[dict[str, Any]]:
    """The tasks of an array by their state, those that go on first."""
    order = ["RUNNING", "PENDING", "COMPLETED"]
    return [
        {"state": state, "label": look_of(state).label, "number": number}
        for state, number in sorted(
            found.tasks.items(), key=lambda one: order.index(one[0]) if one[0] in order else len(order)
        )
    ]


def _numbers_of(found: Job) -> dict[str, str] | None:
    """The first and the last task of an array, which may be asked for its output, and the one to begin with: the first
    that went wrong."""
    numbers = task_numbers(found)
    if not numbers:
        return None
    begin = found.failed_tasks[0] if found.failed_tasks else numbers[0]
    return {"first": str(numbers[0]), "last": str(numbers[-1]), "begin": str(begin)}


def measures_of(efficiency: Efficiency) -> list[dict[str, Any]]:
    """What was used of what was asked, in words."""
    words: dict[str, tuple[str, Any]] = {
        ACCELERATORS: (_("GPUs"), lambda value: number_text(round(value, 1))),
        CORES: (_("Cores"), lambda value: number_text(round(value, 1))),
        MEMORY: (_("Memory"), bytes_text),
        TIME: (_("Time"), lambda value: lasting_text(timedelta(seconds=value))),
    }
    advised = {one.what for one in efficiency.advice}
    return [
        {
            "label": words[one.what][0],
            "asked": words[one.what][1](one.asked),
            "used": words[one.what][1](one.used),
            "ratio": one.ratio,
            "value": min(one.ratio, 1.0),
            "tone": "warning" if one.what in advised else "accent",
        }
        for one in efficiency.measures
    ]


@requires(SIGNED_IN, "POST")
def stop(request: HttpRequest, uuid: str) -> HttpResponse:
    """Cancel a job."""
    person: Any = request.user
    found = queries.job_of(person, uuid)
    if found.state in ENDED_STATES:
        messages.info(request, _("It had ended already."))
    else:
        cancel_job(person, found)
        messages.success(request, _("It is being stopped."))
    return redirect("portal:job", uuid)


@requires(SIGNED_IN, "POST")
def stop_several(request: HttpRequest, code: str) -> HttpResponse:
    """Cancel the jobs that were chosen in the list."""
    project = page_of(request, code).project
    person: Any = request.user
    chosen = queries.jobs_named(project, request.POST.getlist("job"))
    stopped = cancel_jobs(person, chosen)
    if not chosen:
        messages.error(request, _("Choose the jobs to stop in the list first."))
    elif not stopped:
        messages.info(request, _("They had ended already."))
    else:
        said = ngettext("%(n)s job is being stopped.", "%(n)s jobs are being stopped.", len(stopped))
        messages.success(request, said % {"n": len(stopped)})
    return redirect("portal:jobs", code)
