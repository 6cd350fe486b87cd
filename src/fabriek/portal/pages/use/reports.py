"""A project's final report: figures that the ledger fills in, words that the lead adds."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabriek.conf.errors import Invalid, Refused
from fabriek.portal.access import SIGNED_IN, requires
from fabriek.portal.pages.use.projects import page_of
from fabriek.projects.reports import LONGEST, hand_in_report, report_figures, report_of
from fabriek.projects.rules import leads, report_is_due


class ReportForm(forms.Form):
    """What the ledger can't know. What is required is the room's to say."""

    results = forms.CharField(
        label=gettext_lazy("What came of it, and for whom is it good?"),
        required=False,
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 8}),
    )
    outputs = forms.CharField(
        label=gettext_lazy("Publications, models, data sets, patents, talks"),
        required=False,
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    unused_why = forms.CharField(
        label=gettext_lazy("Why were hours not used?"),
        required=False,
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


@requires(SIGNED_IN, "GET", "POST")
def report(request: HttpRequest, code: str) -> HttpResponse:
    """Read it, and for the lead: write it."""
    project = page_of(request, code).project
    found, figures = report_of(project), report_figures(project)
    initial = {name: getattr(found, name) for name in ReportForm.base_fields} if found else {}
    form = ReportForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        person: Any = request.user
        try:
            hand_in_report(person, project, **form.cleaned_data)
        except Invalid as fault:
            for field, sentences in fault.faults.items():
                form.add_error(field, sentences)
        except Refused as refusal:
            form.add_error(None, str(refusal.sentence))
        else:
            messages.success(request, _("Your report was handed in. You can still correct it."))
            return redirect("portal:report", code)
    context = {
        "project": project,
        "report": found,
        "figures": figures,
        "form": form,
        "may_write": leads(request.user, project),
        "is_due": report_is_due(project, timezone.now().date()),
    }
    return render(request, "use/report.html", context, status=422 if form.errors else 200)
