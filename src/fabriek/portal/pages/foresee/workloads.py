"""Workloads: the list, a file that is sent, what ran here."""

from __future__ import annotations

import csv
import io
from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabriek.conf.amounts import number_text
from fabriek.conf.errors import Refused
from fabriek.foresight import actions
from fabriek.foresight.errors import WorkloadInvalid
from fabriek.foresight.models import Workload
from fabriek.foresight.queries import machines, workload_of, workloads
from fabriek.foresight.trace_files import MOST_BYTES, MOST_JOBS
from fabriek.foresight.words import class_names
from fabriek.portal.access import requires
from fabriek.portal.components.amounts import bytes_text
from fabriek.portal.components.numbers import DecimalField
from fabriek.portal.pages.decide.replies import acted, person_of, posted, see_other, show_refusal
from fabriek.portal.pages.foresee.studies import PER_PAGE, page
from fabriek.portal.pages.foresee.study_form import class_words
from fabriek.register.models import Partition

BY = (
    ("account", gettext_lazy("accounts")),
    ("group", gettext_lazy("groups")),
    ("user", gettext_lazy("users")),
    ("partition", gettext_lazy("partitions")),
    ("qos", gettext_lazy("QOS")),
)


class SendForm(forms.Form):
    """A file, and who in it is of which class."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    file = forms.FileField(label=gettext_lazy("File"), max_length=200)
    note = forms.CharField(
        label=gettext_lazy("Where it comes from"),
        max_length=500,
        required=False,
        help_text=gettext_lazy("Its origin and licence, for who reads the studies."),
    )
    by = forms.ChoiceField(label=gettext_lazy("Classes are told of"), choices=BY, initial="account")
    classes = forms.CharField(
        label=gettext_lazy("Who is of which class"),
        required=False,
        max_length=100_000,
        widget=forms.Textarea(attrs={"rows": 6, "placeholder": "g12,startup"}),
        help_text=gettext_lazy("A line for each name in the file, such as g12,startup. Others are “others”."),
    )

    def __init__(self, data: Any = None, files: Any = None) -> None:
        super().__init__(data, files)
        for klass, name in class_names().items():
            self.fields[f"part-{klass}"] = DecimalField(
                label=name, required=False, min_value=0, max_value=100, max_digits=5, decimal_places=1
            )

    @property
    def parts(self) -> list[Any]:
        return [self[f"part-{klass}"] for klass in class_names()]

    def said(self) -> actions.Classes:
        """Who is of which class. Errors: WorkloadInvalid where a line can't be read."""
        told: dict[str, str] = {}
        for number, row in enumerate(csv.reader(io.StringIO(self.cleaned_data["classes"])), 1):
            if len(row) == 2:
                told[row[0].strip()] = row[1].strip()
            elif row:
                sentence = _("Line %(number)s isn't a name and its class with a comma between.") % {"number": number}
                raise WorkloadInvalid(sentence, faults={"classes": [sentence]})
        parts = {klass: self.cleaned_data.get(f"part-{klass}") for klass in class_names()}
        made_up = {} if told else {klass: float(part) for klass, part in parts.items() if part}
        return actions.Classes(told=told, others="others" if told else "", made_up=made_up, by=self.cleaned_data["by"])


class RecordForm(forms.Form):
    """A partition and days."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    partition = forms.ChoiceField(label=gettext_lazy("Partition"))
    since = forms.DateField(
        label=gettext_lazy("Submitted from"), widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    )
    until = forms.DateField(
        label=gettext_lazy("Until, this day not included"),
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )

    def __init__(self, data: Any, partitions: list[Partition]) -> None:
        super().__init__(data)
        self.partitions = {partition.code: partition for partition in partitions}
        self.fields["partition"].choices = [(code, code) for code in self.partitions]  # type: ignore[attr-defined]


@requires("read studies")
def index(request: HttpRequest) -> HttpResponse:
    """All workloads, by name."""
    shown = Paginator(workloads(request.GET.get("sort", "")), PER_PAGE).get_page(request.GET.get("page"))
    return page(request, "workloads", page=shown, rows=[(one, class_words(one)) for one in shown])


@requires("study policies", "GET", "POST")
def send(request: HttpRequest) -> HttpResponse:
    """Take in a file."""
    form = SendForm(request.POST, request.FILES) if request.method == "POST" else SendForm()

    def act() -> Workload:
        said, file = form.cleaned_data, form.cleaned_data["file"]
        # One byte more than is allowed tells that it is too large; the rest isn't read.
        content = file.read(MOST_BYTES + 1)
        return actions.send_workload(person_of(request), said["name"], content, form.said(), said["note"])

    return acted(request, form, act, _taken_in) or page(
        request,
        "send_workload",
        422 if form.is_bound else 200,
        form=form,
        most_bytes=bytes_text(MOST_BYTES),
        most_jobs=number_text(MOST_JOBS),
    )


@requires("study policies", "GET", "POST")
def record(request: HttpRequest) -> HttpResponse:
    """Take what ran here."""
    form = RecordForm(posted(request), machines())

    def act() -> Workload:
        said = form.cleaned_data
        partition = form.partitions[said["partition"]]
        return actions.record_workload(person_of(request), said["name"], partition, said["since"], said["until"])

    return acted(request, form, act, _taken_in) or page(
        request, "record_workload", 422 if form.is_bound else 200, form=form
    )


def _taken_in(made: Workload) -> tuple[str, str]:
    words = _("%(name)s is taken in, with %(jobs)s jobs.") % {"name": made.name, "jobs": number_text(made.jobs)}
    return words, f"{reverse('portal:ask_study')}?workload={made.code}"


@requires("study policies", "GET", "POST")
def delete(request: HttpRequest, code: str) -> HttpResponse:
    """Delete a workload and its file, after asking."""
    workload, back = workload_of(code), reverse("portal:workloads")
    if request.method != "POST":
        return page(request, "delete_workload", workload=workload)
    try:
        actions.delete_workload(person_of(request), workload)
    except Refused as refusal:
        return show_refusal(request, refusal, back)
    messages.success(request, _("%(name)s is deleted.") % {"name": workload.name})
    return see_other(back)
