"""Catalogues elsewhere that are harvested: which, when, and what came of each run."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabriek.conf.sorting import ordered
from fabriek.harvest.actions import add_source, ask_soon, change_source
from fabriek.harvest.models import Source, SourceKind
from fabriek.harvest.queries import run_of, runs_of, source_of, sources
from fabriek.portal.access import requires
from fabriek.portal.components.numbers import IntegerField
from fabriek.portal.pages.decide.declaring_forms import CodeField, Declaring
from fabriek.portal.pages.decide.replies import acted, csv_file, form_about, page, person_of, posted

PER_PAGE = 25
COLUMNS = {"name": "name", "kind": "kind", "last": "last_started", "next": "next_run"}
RUN_COLUMNS = {
    name: name
    for name in ("started_at", "state", "added", "changed", "same", "kept", "gone", "double", "passed_over", "broken")
}


class SourceForm(Declaring):
    """What is harvested, and how often."""

    widths = {"code": "md", "kind": "lg", "every_hours": "sm"}
    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    code = CodeField()
    kind = forms.ChoiceField(
        label=gettext_lazy("How it answers"), choices=[("", gettext_lazy("Choose")), *SourceKind.choices]
    )
    address = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=500,
        help_text=gettext_lazy("Of the feed or the API itself, such as https://zenodo.org/oai2d."),
    )
    part = forms.CharField(
        label=gettext_lazy("Part of it"),
        max_length=200,
        required=False,
        help_text=gettext_lazy(
            "A set (OAI-PMH), a filter such as language:nl (Hub), or kinds of resource with commas (AI-on-Demand). "
            "Empty: all."
        ),
    )
    every_hours = IntegerField(label=gettext_lazy("Every so many hours"), min_value=1, max_value=8_784, initial=24)


class ChangeForm(Declaring):
    """Whether it is asked, and how often."""

    widths = {"every_hours": "sm"}
    is_active = forms.BooleanField(label=gettext_lazy("It is asked"), required=False)
    every_hours = IntegerField(label=gettext_lazy("Every so many hours"), min_value=1, max_value=8_784)


class AskForm(Declaring):
    """What may become of what it no longer names."""

    accept_losses = forms.BooleanField(
        label=gettext_lazy("What it no longer names is gone, however much that is"), required=False
    )


@requires("harvest")
def index(request: HttpRequest) -> HttpResponse:
    """The sources, each with how its last run went."""
    return page(request, "harvest_sources", sources=ordered(sources(), request.GET.get("sort", ""), COLUMNS, ("name",)))


@requires("harvest", "GET", "POST")
def add(request: HttpRequest) -> HttpResponse:
    """A source more."""
    form = SourceForm(posted(request))
    return acted(
        request,
        form,
        lambda: add_source(person_of(request), **form.cleaned_data),
        lambda made: (
            _("%(name)s is asked at the worker's next look.") % {"name": made.name},
            reverse("portal:harvest_source", args=[made.code]),
        ),
    ) or page(
        request,
        "declare",
        form,
        up=reverse("portal:harvest_sources"),
        up_words=_("Harvested catalogues"),
        heading=_("Harvest a catalogue"),
        lead=_(
            "What it publishes becomes part of this catalogue, with its source told, and is refreshed until somebody "
            "here takes it over. Addresses of inner networks are refused unless the site allows them."
        ),
        submit=_("Harvest it"),
    )


@requires("harvest")
def source(request: HttpRequest, code: str) -> HttpResponse:
    """A source and its runs."""
    found = source_of(code)
    runs = ordered(runs_of(found), request.GET.get("sort", ""), RUN_COLUMNS, ("-started_at", "-id"))
    if request.GET.get("format") == "csv":
        names = [*RUN_COLUMNS, "ended_at", "why"]
        return csv_file(f"harvest-{code}", names, [[getattr(run, name) for name in names] for run in runs])
    return page(
        request, "harvest_source", source=found, shown=Paginator(runs, PER_PAGE).get_page(request.GET.get("page"))
    )


@requires("harvest", "GET", "POST")
def change(request: HttpRequest, code: str) -> HttpResponse:
    """Let it sleep, wake it, have it asked more or less often."""
    found = source_of(code)
    form = ChangeForm(posted(request), initial={"is_active": found.is_active, "every_hours": found.every_hours})
    return acted(
        request,
        form,
        lambda: change_source(person_of(request), found, **form.cleaned_data),
        lambda made: (
            _("%(name)s is asked every %(hours)s hours.") % {"name": made.name, "hours": made.every_hours}
            if made.is_active
            else _("%(name)s sleeps: it is not asked.") % {"name": made.name},
            reverse("portal:harvest_source", args=[code]),
        ),
    ) or form_about(request, form, _about(found), _("When it is asked"), _("What was taken in stays."), _("Save"))


@requires("harvest", "GET", "POST")
def ask(request: HttpRequest, code: str) -> HttpResponse:
    """Have it asked at the worker's next look."""
    found = source_of(code)
    form = AskForm(posted(request))
    return acted(
        request,
        form,
        lambda: ask_soon(person_of(request), found, **form.cleaned_data),
        lambda made: (
            _("%(name)s is asked at the worker's next look.") % {"name": made.name},
            reverse("portal:harvest_source", args=[code]),
        ),
    ) or form_about(
        request,
        form,
        _about(found),
        _("Ask it now"),
        _("A source that no longer names most of what it named is thought ill: nothing is retired unless you say so."),
        _("Ask it"),
    )


@requires("harvest")
def run(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """What came of a run, and what it could not take as it was."""
    found = run_of(uuid)
    faults_only = request.GET.get("faults") == "1"
    remarks = found.remarks.order_by("-is_fault", "id")
    if faults_only:
        remarks = remarks.filter(is_fault=True)
    if request.GET.get("format") == "csv":
        rows = [(one.identifier, one.text, one.is_fault) for one in remarks]
        return csv_file(f"harvest-{found.source.code}-remarks", ["identifier", "remark", "unusable"], rows)
    shown = Paginator(remarks, PER_PAGE).get_page(request.GET.get("page"))
    return page(request, "harvest_run", run=found, shown=shown, faults_only=faults_only)


def _about(source: Source) -> tuple[str, str]:
    return source.name, reverse("portal:harvest_source", args=[source.code])
