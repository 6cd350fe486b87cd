"""Projects and jobs: the budget, the people, what ran."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabriek.access.queries import application_of
from fabriek.conf.errors import Invalid, Refused
from fabriek.ledger.queries import statement
from fabriek.operations import queries
from fabriek.operations.actions import cancel_job, submit_job
from fabriek.operations.models import ENDED_STATES, Job
from fabriek.people.models import Person
from fabriek.portal.access import SIGNED_IN, requires
from fabriek.portal.components import plots
from fabriek.portal.components.amounts import hours_text
from fabriek.portal.components.plots import Column
from fabriek.projects.actions import add_member, remove_member
from fabriek.projects.models import Allocation, Project
from fabriek.projects.queries import (
    ProjectPage,
    allocation_list,
    allocation_rows,
    days_left,
    project_list,
    project_page,
    returns,
)
from fabriek.projects.rules import is_member, is_running, leads, may_read

TEMPLATE = """#!/bin/bash
#SBATCH --job-name=train
#SBATCH --gpus=1
#SBATCH --ntasks=1
#SBATCH --time=00:01:00

echo "Running on $SLURM_JOB_PARTITION as $SLURM_JOB_ACCOUNT"
"""


class FilterForm(forms.Form):
    """What to show of the list."""

    search = forms.CharField(label=gettext_lazy("Search in titles and codes"), required=False, max_length=100)


class MemberForm(forms.Form):
    """Somebody to take in."""

    email = forms.EmailField(
        label=gettext_lazy("E-mail address"), help_text=gettext_lazy("They must have signed in here once.")
    )


class JobForm(forms.Form):
    """A batch script for one of the project's allocations."""

    allocation = forms.ChoiceField(label=gettext_lazy("Hours to use"))
    name = forms.CharField(label=gettext_lazy("Name"), max_length=120, initial="train")
    uuid = forms.UUIDField(widget=forms.HiddenInput, required=False)
    script = forms.CharField(
        label=gettext_lazy("Batch script"),
        help_text=gettext_lazy("As for sbatch: #SBATCH lines say how many GPUs you need, and for how long."),
        widget=forms.Textarea(attrs={"rows": 14, "spellcheck": "false", "class": "mono"}),
        initial=TEMPLATE,
    )

    def __init__(self, *arguments: Any, allocations: list[Allocation], **more: Any) -> None:
        super().__init__(*arguments, **more)
        field: Any = self.fields["allocation"]
        left = {row.allocation.code: row.hours.left for row in allocation_rows(allocations)}
        field.choices = [
            (
                a.code,
                _("%(partition)s, %(hours)s GPU-hours left (%(code)s)")
                % {"partition": a.partition.code, "hours": hours_text(left[a.code]), "code": a.code},
            )
            for a in allocations
        ]


@requires(SIGNED_IN)
def index(request: HttpRequest) -> HttpResponse:
    """One's projects, or all of them for who may read all."""
    search, order = request.GET.get("search", "")[:100], request.GET.get("sort", "")
    if request.GET.get("format") == "csv":
        return _csv(request, search, order)
    page, rows = project_list(request.user, search=search, order=order, page=request.GET.get("page", 1))
    context = {"page": page, "rows": rows, "search": search, "filters": FilterForm(initial={"search": search})}
    return render(request, "use/projects.html", context)


def _csv(request: HttpRequest, search: str, order: str) -> HttpResponse:
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="projects.csv"'
    writer = csv.writer(response)
    names = ("awarded_seconds", "used_seconds", "left_seconds")
    writer.writerow(["project", "title", "programme", "organisation", "starts", "ends", *names])
    number, more = 1, True
    while more:
        page, rows = project_list(request.user, search=search, order=order, page=number, per_page=1_000)
        for row in rows:
            p, h = row.project, row.hours
            writer.writerow(
                [p.code, p.title, p.programme.code, p.organisation.name, p.starts, p.ends, h.awarded, h.used, h.left]
            )
        number, more = number + 1, page.has_next()
    return response


def page_of(request: HttpRequest, code: str) -> ProjectPage:
    """A project that the reader may see. Errors: Http404."""
    page = project_page(code)
    if page is None or not may_read(request.user, page.project):
        raise Http404
    return page


@requires(SIGNED_IN)
def show(request: HttpRequest, code: str) -> HttpResponse:
    """A project: budget, people, jobs."""
    page = page_of(request, code)
    project = page.project
    if request.GET.get("format") == "csv":
        return burn_down_csv(project)
    application = application_of(request.user, project.application) if project.application else None
    return render(
        request,
        "use/project.html",
        {
            "page": page,
            "project": project,
            "burn": burn_down_plot(project),
            "warnings": returns(["warned"]).filter(allocation__project=project),
            "days_left": days_left(project),
            "last_day": project.ends - timedelta(days=1),
            "has_ended": project.ended_at is not None or project.ends <= timezone.now().date(),
            "application_url": reverse("portal:application", args=[application.code]) if application else "",
            "jobs": queries.jobs_of(project)[:10],
            "jobs_count": project.jobs.count(),
            "may_submit": is_member(request.user, project),
            "may_lead": leads(request.user, project),
            "member_form": MemberForm(),
            "records": queries.latest_records(project).select_related("cluster")[:10],
        },
    )


def burn_down_plot(project: Project) -> Any:
    """The budget, day by day."""
    points = queries.burn_down(project)
    columns = [
        Column("day", _("Day"), "date"),
        Column("left", _("Left"), "gpu_hours"),
        Column("plan", _("If used evenly"), "gpu_hours"),
    ]
    rows: list[dict[str, Any]] = [{"day": point.day, "left": point.left, "plan": point.planned} for point in points]
    today = min(timezone.now().date(), project.ends)
    if today < project.ends:
        # The plan goes on to the end, so that one sees what is to come.
        rows.append({"day": project.ends, "left": None, "plan": 0})
    text = _("What is left at the end of each day on which something ended, against even use until the project ends.")
    return plots.burndown(
        _("Budget"), columns, rows, x="day", left="left", plan="plan", today=today, text=text, csv="?format=csv"
    )


def burn_down_csv(project: Project) -> HttpResponse:
    """The budget's data, in exact seconds."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{project.code}-budget.csv"'
    writer = csv.writer(response)
    writer.writerow(["day", "left_seconds", "planned_seconds"])
    writer.writerows([point.day, point.left, point.planned] for point in queries.burn_down(project))
    return response


@requires(SIGNED_IN)
def allocations(request: HttpRequest) -> HttpResponse:
    """All allocations that the reader may see."""
    page, rows = allocation_list(request.user, order=request.GET.get("sort", ""), page=request.GET.get("page", 1))
    return render(request, "use/allocations.html", {"page": page, "rows": rows})


@requires(SIGNED_IN)
def allocation(request: HttpRequest, code: str) -> HttpResponse:
    """An allocation: its hours, and every entry of the ledger that touched it."""
    found = Allocation.objects.select_related("project", "partition__system").filter(code=code).first()
    if found is None or not may_read(request.user, found.project):
        raise Http404
    if request.GET.get("format") == "csv":
        return statement_csv(found)
    context = {
        "allocation": found,
        "row": allocation_rows([found])[0],
        "entries": statement(found.code, 50),
        "last_day": found.ends - timedelta(days=1),
    }
    return render(request, "use/allocation.html", context)


def statement_csv(found: Allocation) -> HttpResponse:
    """All entries of an allocation, in exact seconds."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{found.code}-entries.csv"'
    writer = csv.writer(response)
    writer.writerow(["at", "kind", "from", "from_month", "to", "to_month", "seconds", "unit", "about"])
    for entry in statement(found.code, 1_000_000):
        debit, credit = entry.debit, entry.credit
        parties = [debit.kind, debit.month, credit.kind, credit.month]
        at = entry.transaction.at.isoformat()
        writer.writerow([at, entry.transaction.kind, *parties, entry.amount, debit.unit, entry.reference])
    return response


@requires(SIGNED_IN, "POST")
def take_in(request: HttpRequest, code: str) -> HttpResponse:
    """Take a person into the project."""
    project = page_of(request, code).project
    form = MemberForm(request.POST)
    person = Person.objects.filter(email=request.POST.get("email", "").strip().lower()).first()
    if not form.is_valid() or person is None:
        messages.error(request, _("Nobody with this address has signed in here yet. Ask them to do so first."))
    else:
        add_member(request.user, project, person)
        messages.success(request, _("%(person)s is a member now.") % {"person": person.name})
    return redirect("portal:project", code)


@requires(SIGNED_IN, "POST")
def let_go(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Let a member go."""
    project = page_of(request, code).project
    member = project.members.filter(pk=number).select_related("person").first()
    if member is None:
        raise Http404
    try:
        remove_member(request.user, project, member.person)
        messages.success(request, _("%(person)s has left the project.") % {"person": member.person.name})
    except Refused as refusal:
        messages.error(request, str(refusal.sentence))
    return redirect("portal:project", code)


@requires(SIGNED_IN)
def jobs(request: HttpRequest, code: str) -> HttpResponse:
    """All jobs of a project."""
    project = page_of(request, code).project
    found = queries.jobs_of(project, request.GET.get("sort", ""))
    if request.GET.get("format") == "csv":
        return jobs_csv(project, found)
    page = Paginator(found, 50).get_page(request.GET.get("page"))
    context = {"project": project, "page": page, "may_submit": is_member(request.user, project)}
    return render(request, "use/jobs.html", context)


def jobs_csv(project: Project, found: QuerySet[Job]) -> HttpResponse:
    """The project's jobs, one a line."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{project.code}-jobs.csv"'
    writer = csv.writer(response)
    writer.writerow(["uuid", "engine_job", "name", "state", "reason", "submitted", "started", "ended", "by"])
    for job in found.iterator(chunk_size=1_000):
        by = job.submitted_by.name
        moments = [moment.isoformat() if moment else "" for moment in (job.submitted_at, job.started_at, job.ended_at)]
        writer.writerow([job.uuid, job.engine_job, job.name, job.state, job.reason, *moments, by])
    return response


@requires(SIGNED_IN, "GET", "POST")
def new_job(request: HttpRequest, code: str) -> HttpResponse:
    """Submit a batch script."""
    project = page_of(request, code).project
    if not is_member(request.user, project):
        raise Http404
    today: date = timezone.now().date()
    running = project.allocations.filter(starts__lte=today, ends__gt=today, settled_at__isnull=True)
    allocations = list(running.select_related("partition", "project__programme"))
    like = _job_like(request, project)
    initial = {"name": like.name, "script": like.script} if like else {}
    form = JobForm(request.POST or None, allocations=allocations, initial={"uuid": uuid4(), **initial})
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
    context = {"project": project, "form": form, "allocations": allocations}
    return render(request, "use/new_job.html", context, status=422 if form.errors else 200)


def _job_like(request: HttpRequest, project: Project) -> Job | None:
    """The job of this project whose script one starts from, if the address names one."""
    try:
        return project.jobs.filter(uuid=request.GET.get("like", "")).first()
    except ValidationError:
        return None


@requires(SIGNED_IN)
def job(request: HttpRequest, uuid: str) -> HttpResponse:
    """A job; the part that changes is loaded again while it hasn't ended."""
    found = queries.job_of(request.user, uuid)
    template = "use/job_now.html" if request.headers.get("HX-Request") else "use/job.html"
    return render(request, template, job_context(request, found))


def job_context(request: HttpRequest, found: Job) -> dict[str, Any]:
    """What a job's page shows."""
    record = queries.latest_records(found.project).filter(job_id=found.engine_job, cluster=found.cluster).first()
    return {
        "job": found,
        "project": found.project,
        "ended": found.state in ENDED_STATES,
        "stopping": found.cancel_requested_at is not None and found.state not in ENDED_STATES,
        "lasted": found.ended_at - found.started_at if found.started_at and found.ended_at else None,
        "may_submit": is_member(request.user, found.project) and is_running(found.project, timezone.now()),
        "asked": queries.asked_seconds(found.script),
        "record": record if found.engine_job else None,
        "may_cancel": found.state not in ENDED_STATES and is_member(request.user, found.project),
    }


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
