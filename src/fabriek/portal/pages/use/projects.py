"""Projects: the budget, the people, what ran."""

from __future__ import annotations

import csv
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabriek.access.queries import application_of
from fabriek.conf.errors import Refused
from fabriek.ledger.queries import statement
from fabriek.operations import queries
from fabriek.operations.models import JobState
from fabriek.operations.transfer_queries import project_clusters, transfers_of
from fabriek.people.models import Person
from fabriek.portal.access import SIGNED_IN, requires
from fabriek.portal.components import plots
from fabriek.portal.components.job_lines import lines_of
from fabriek.portal.components.plots import Column
from fabriek.portal.components.transfer_lines import line_of as line_of_transfer
from fabriek.projects.actions import add_member, remove_member
from fabriek.projects.models import Allocation, Project
from fabriek.projects.queries import (
    ProjectPage,
    allocation_list,
    allocation_rows,
    days_left,
    given_back,
    project_list,
    project_page,
    returns,
    used_after_end,
)
from fabriek.projects.rules import is_member, leads, may_read
from fabriek.recipes.queries import results_of


class FilterForm(forms.Form):
    """What to show of the list."""

    search = forms.CharField(label=gettext_lazy("Search in titles and codes"), required=False, max_length=100)


class MemberForm(forms.Form):
    """Somebody to take in."""

    email = forms.EmailField(
        label=gettext_lazy("E-mail address"), help_text=gettext_lazy("They must have signed in here once.")
    )


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
            "given_back": given_back(project),
            "days_left": days_left(project),
            "has_ended": project.ended_at is not None or project.ends <= timezone.now().date(),
            "application_url": reverse("portal:application", args=[application.code]) if application else "",
            "lines": lines_of(queries.jobs_of(project)[:10]),
            "jobs_count": project.jobs.count(),
            "results": results_of(project)[:5],
            "running": project.jobs.filter(state=JobState.RUNNING).count(),
            "ran_on": sum(used_after_end([row.allocation for row in page.allocations]).values()),
            "transfers": [line_of_transfer(one) for one in transfers_of(project)[:5]],
            "has_two_sites": len(project_clusters(project)) > 1,
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
        "ran_on": used_after_end([found]).get(found.code, 0),
        "entries": statement(found.code, 50),
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
