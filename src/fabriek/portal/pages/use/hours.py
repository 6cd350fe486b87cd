"""A project's hours before their end: a warning and its claim, giving back, an extension, a move."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabriek.conf.amounts import number_text
from fabriek.conf.errors import Invalid, Refused
from fabriek.portal.access import SIGNED_IN, requires
from fabriek.portal.components.numbers import IntegerField
from fabriek.portal.pages.decide.replies import add_refusal
from fabriek.portal.pages.use.projects import page_of
from fabriek.projects.actions import ask_change, claim_return, give_back
from fabriek.projects.models import Allocation, ChangeKind, Project, Return
from fabriek.projects.queries import allocation_rows, changes
from fabriek.projects.rolling import EXTENSION_MONTHS, EXTENSION_PERCENT
from fabriek.projects.rules import leads
from fabriek.register.models import Partition


class GiveBackForm(forms.Form):
    """Hours that will not be used."""

    allocation = forms.ChoiceField(label=gettext_lazy("Of"))
    hours = IntegerField(label=gettext_lazy("How many"), min_value=1)

    def __init__(self, *arguments: Any, allocations: list[Allocation], **more: Any) -> None:
        super().__init__(*arguments, **more)
        field: Any = self.fields["allocation"]
        field.choices = [(a.code, f"{a.code} · {a.partition.code}") for a in allocations]


class ChangeForm(GiveBackForm):
    """An extension or a move."""

    kind = forms.ChoiceField(label=gettext_lazy("What"), choices=ChangeKind.choices)
    months = IntegerField(
        label=gettext_lazy("Months more"),
        required=False,
        min_value=1,
        max_value=EXTENSION_MONTHS,
        help_text=gettext_lazy("Of an extension."),
    )
    to_partition = forms.ModelChoiceField(
        Partition.objects.none(), label=gettext_lazy("To partition"), required=False, to_field_name="code"
    )
    to_project = forms.ModelChoiceField(
        Project.objects.none(),
        label=gettext_lazy("To project"),
        required=False,
        to_field_name="code",
        help_text=gettext_lazy("One that you lead too."),
    )
    why = forms.CharField(label=gettext_lazy("Why"), widget=forms.Textarea(attrs={"rows": 3}), max_length=2000)

    field_order = ("kind", "allocation", "hours", "months", "to_partition", "to_project", "why")

    def __init__(self, *arguments: Any, project: Project, person: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        partitions: Any = self.fields["to_partition"]
        partitions.queryset = Partition.objects.filter(shares__programme=project.programme).distinct().order_by("code")
        projects: Any = self.fields["to_project"]
        projects.queryset = Project.objects.filter(
            members__person=person, members__left_at__isnull=True, members__role="lead", ended_at__isnull=True
        ).exclude(pk=project.pk)


@requires(SIGNED_IN, "GET", "POST")
def show(request: HttpRequest, code: str) -> HttpResponse:
    """Warnings and what was asked; the lead claims, gives back or asks."""
    project = page_of(request, code).project
    open_ones = list(project.allocations.filter(settled_at__isnull=True).select_related("partition"))
    does = request.POST.get("do", "") if request.method == "POST" else ""
    give = GiveBackForm(
        request.POST if does == "give" else None, allocations=open_ones, prefix="give", auto_id="give_%s"
    )
    change = ChangeForm(
        request.POST if does == "change" else None,
        allocations=open_ones,
        project=project,
        person=request.user,
        prefix="change",
        auto_id="change_%s",
    )
    if does == "give" and "sure" not in request.POST and give.is_valid():
        return _ask_to_give_back(request, project, give)
    if does and _done(request, project, does, give, change):
        return redirect("portal:project_hours", code)
    context = {
        "project": project,
        "rows": allocation_rows(open_ones),
        "returns": Return.objects.filter(allocation__project=project).select_related("allocation", "claimed_by"),
        "changes": changes().filter(project=project),
        "give": give,
        "change": change,
        "may_lead": leads(request.user, project),
        "months": EXTENSION_MONTHS,
        "percent": EXTENSION_PERCENT,
    }
    faulty = give.errors or change.errors
    return render(request, "use/hours.html", context, status=422 if faulty else 200)


def _ask_to_give_back(request: HttpRequest, project: Project, give: GiveBackForm) -> HttpResponse:
    """Names what will go back before it does: it can't be taken back."""
    (row,) = allocation_rows([_allocation(project, give)])
    seconds = give.cleaned_data["hours"] * 3600
    return render(request, "use/give_back.html", {"project": project, "give": give, "row": row, "seconds": seconds})


def _done(request: HttpRequest, project: Project, does: str, give: GiveBackForm, change: ChangeForm) -> bool:
    """Whether what was posted is done; otherwise the forms say why not."""
    person: Any = request.user
    form = {"give": give, "change": change}.get(does)
    if form is not None and not form.is_valid():
        return False
    try:
        if does == "claim":
            _claim(request, project)
        elif does == "give":
            given = give_back(person, _allocation(project, give), give.cleaned_data["hours"] * 3600)
            messages.success(
                request,
                _("%(hours)s GPU-hours went back. Thank you: somebody else can use them.")
                % {"hours": number_text(given.accelerator_seconds // 3600)},
            )
        elif does == "change":
            said = change.cleaned_data
            ask_change(
                person,
                _allocation(project, change),
                said["kind"],
                said["hours"],
                said["why"],
                months=said["months"] or 0,
                to_partition=said["to_partition"],
                to_project=said["to_project"],
            )
            messages.success(request, _("Asked. A programme officer answers; you read it here."))
        else:
            raise Http404
    except Refused as refusal:
        if form is None or not isinstance(refusal, Invalid):
            messages.error(request, str(refusal.sentence))
            return True
        add_refusal(form, refusal)
        return False
    return True


def _allocation(project: Project, form: GiveBackForm) -> Allocation:
    return project.allocations.select_related("project__programme", "partition").get(
        code=form.cleaned_data["allocation"]
    )


def _claim(request: HttpRequest, project: Project) -> None:
    number = request.POST.get("number", "")
    found = Return.objects.filter(allocation__project=project, pk=int(number) if number.isdigit() else 0).first()
    if found is None:
        raise Http404
    claim_return(request.user, found, request.POST.get("why", ""))
    messages.success(request, _("The hours stay with your project."))
