"""Foresee: the list of studies, asking one, one with what came out."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from fabriek.conf.errors import NotFound, Refused
from fabriek.foresight import actions
from fabriek.foresight.errors import StudyInvalid
from fabriek.foresight.models import ClassesAre, Study, StudyState, Workload
from fabriek.foresight.queries import figures_of, machines, promised_floors, studies, study_of, workloads
from fabriek.foresight.settings_of_slurm import settings_of
from fabriek.foresight.tables import TABLES, table_of
from fabriek.foresight.words import (
    class_name,
    demand_words,
    policy_words,
    repeats_words,
    span_words,
    verdict_of,
    verdict_words,
)
from fabriek.foresight.working import LINE
from fabriek.people.permissions import may
from fabriek.portal.access import requires
from fabriek.portal.pages.decide.replies import add_refusal, csv_file, person_of, posted, see_other, show_refusal
from fabriek.portal.pages.foresee import plots
from fabriek.portal.pages.foresee.study_form import StudyForm, class_words, floors_in

PER_PAGE = 30


def page(request: HttpRequest, template: str, status: int = 200, **context: Any) -> HttpResponse:
    """A page of this desk."""
    may_study = may(request.user, "study policies")
    return render(request, f"foresee/{template}.html", {"may_study": may_study, **context}, status=status)


@requires("read studies")
def index(request: HttpRequest) -> HttpResponse:
    """All studies, newest first; the one that was just deleted can be taken back."""
    shown = Paginator(studies(request.GET.get("sort", "")), PER_PAGE).get_page(request.GET.get("page"))
    rows = [(one, StudyState(LINE.state_now(one.run)), policy_words(one.after)) for one in shown]
    return page(request, "studies", page=shown, rows=rows, deleted=_deleted(request.GET.get("deleted", "")))


def _deleted(code: str) -> Study | None:
    try:
        study = study_of(code, deleted=True) if code else None
    except NotFound:
        return None
    return study if study and study.deleted_at else None


@requires("study policies", "GET", "POST")
def new(request: HttpRequest) -> HttpResponse:
    """Ask a study of a workload (`workload`), or go on from another one (`from`)."""
    asked = request.POST or request.GET
    start = study_of(asked["from"]) if asked.get("from") else None
    every = list(workloads())
    workload = _chosen(every, asked.get("workload") or (start.workload.code if start else ""))
    if workload is None:
        return page(request, "study_form", workloads=every)
    form = StudyForm(posted(request), workload, machines(), start)
    if request.method == "POST" and form.is_valid():
        try:
            study = actions.ask_study(
                person_of(request), workload, form.asked(), copied_from=start, is_demo=workload.is_demo
            )
        except StudyInvalid as refusal:
            # What is wrong with a policy or a demand stands on top: no one field is to blame.
            add_refusal(form, refusal, {"before": "", "after": "", "demand": ""})
        else:
            return see_other(reverse("portal:study", args=[study.code]))
    return page(
        request,
        "study_form",
        422 if form.is_bound else 200,
        form=form,
        start=start,
        workload=workload,
        workloads=every,
        classes=class_words(workload),
        promised=promised_floors(),
        **_weighed(form),
    )


def _chosen(every: list[Workload], code: str) -> Workload | None:
    """The workload that is asked for; else the newest."""
    newest = max(every, key=lambda one: one.made_at, default=None)
    return next((one for one in every if one.code == code), newest)


def _weighed(form: StudyForm) -> dict[str, Any]:
    """What the floors that are being set come to. kept: (class, percent, colour, its left edge) of each."""
    said = floors_in(form.after) if form.after.is_bound else _initial_floors(form)
    kept, left = [], 0.0
    for place, (klass, percent) in enumerate(said.items()):
        if percent:
            shown = min(percent, max(100 - left, 0))
            kept.append((class_name(klass), percent, place % plots.SERIES + 1, f"{left:.1f}%", f"{shown:.1f}%"))
            left += percent
    return {"kept": kept, "kept_sum": left, "free": max(100 - left, 0), "is_over": left > 100}


def _initial_floors(form: StudyForm) -> dict[str, float]:
    return {klass: float(form.after.fields[f"floor-{klass}"].initial or 0) for klass in form.classes}


@requires("study policies")
def weigh(request: HttpRequest) -> HttpResponse:
    """What the floors come to while their sliders move."""
    workload = _chosen(list(workloads()), request.GET.get("workload", ""))
    if workload is None:
        raise Http404
    return page(request, "weighed", live=True, **_weighed(StudyForm(request.GET, workload, [], None)))


@requires("read studies")
def show(request: HttpRequest, code: str) -> HttpResponse:
    """A study: how far it is; once simulated, verdicts, plots, promises, the machine."""
    study = study_of(code)
    has_answer = hasattr(study, "answer")
    if request.GET.get("format") == "csv" and has_answer:
        return _csv(request, study)
    context: dict[str, Any] = {
        "study": study,
        "today": policy_words(study.before),
        "tried": policy_words(study.after),
        "demand": demand_words(study),
        "repeats": repeats_words(study),
        "classes": class_words(study.workload),
        "is_made_up": study.workload.classes_are == ClassesAre.MADE_UP,
        "has_answer": has_answer,
        **_progress(study),
    }
    if has_answer:
        context |= _answered(study)
    return page(request, "study", **context)


def _answered(study: Study) -> dict[str, Any]:
    figures = figures_of(study)
    return {
        "verdicts": [
            {
                "name": class_name(row["name"]),
                "direction": verdict_of(row).direction,
                "sentence": verdict_words(row),
                "jobs": row["jobs"][1],
                "share": row["share"],
                "slowdown": row["median_slowdown"],
            }
            for row in figures["classes"]
        ],
        "whole": figures["whole"],
        "figures": figures,
        "repeats_done": figures["repeats"],
        "changes": plots.changes(figures),
        "waiting": plots.waiting(figures, "?format=csv&of=waits"),
        "use": plots.use(figures, "?format=csv&of=use"),
        "machine": plots.machine(figures, "?format=csv&of=machine"),
        "busy_day": round(figures["machine"]["since"] / 86_400),
        "floors": [_floor(one, figures["repeats"]) for one in figures["floors"]],
        "programmes": [
            {"name": row["name"], "wait": _spans(row["median_wait"]), "share": row["share"]}
            for row in figures["programmes"]
        ],
    }


def _floor(one: dict[str, Any], repeats: int) -> dict[str, Any]:
    return {
        "class": class_name(one["class"]),
        "is_tried": one["policy"] == "after",
        "promised": one["promised"],
        "repeats": repeats,
        **{
            policy: {**one[policy], "broken": span_words(one[policy]["broken_seconds"])}
            for policy in ("before", "after")
        },
    }


def _spans(one: dict[str, Any]) -> dict[str, str]:
    return {name: span_words(one[name]) for name in ("before", "after")}


def _csv(request: HttpRequest, study: Study) -> HttpResponse:
    of = request.GET.get("of", "classes")
    if of not in TABLES:
        raise Http404
    only = {name: request.GET[name] for name in ("class", "policy") if name in request.GET}
    columns, rows = table_of(figures_of(study), of, only)
    return csv_file(f"{study.code}-{of}", columns, rows)


def _progress(study: Study) -> dict[str, Any]:
    run, now = study.run, timezone.now()
    state = LINE.state_now(run, now)
    done, _of, most = run.step.partition("/")
    return {
        "run": run,
        "state": state,
        "state_words": StudyState(state).label,
        "was_lost": (state == StudyState.ASKED and run.state == StudyState.SIMULATING) or run.attempts > 0,
        "is_under_way": state in (StudyState.ASKED, StudyState.SIMULATING),
        "nobody_works": LINE.is_left_waiting(run, now),
        "done": int(done or 0),
        "most": int(most or 0),
        "ahead": LINE.ahead_of(run) if state == StudyState.ASKED else 0,
    }


@requires("read studies")
def now(request: HttpRequest, code: str) -> HttpResponse:
    """How far it is, for a page that asks again and again; once it is over, the page is loaded anew."""
    study = study_of(code)
    context = {"study": study, **_progress(study)}
    response = page(request, "study_now", **context)
    if not context["is_under_way"]:
        response["HX-Refresh"] = "true"
    return response


@requires("read studies")
def slurm(request: HttpRequest, code: str) -> HttpResponse:
    """The policy that was tried as settings of Slurm, a text."""
    study = study_of(code)
    try:
        said = settings_of(study)
    except Refused as refusal:
        return show_refusal(request, refusal, reverse("portal:study", args=[code]))
    return HttpResponse(
        said,
        content_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{code}-slurm.txt"'},
    )


@requires("study policies", "POST")
def cancel(request: HttpRequest, code: str) -> HttpResponse:
    """Stop simulating."""
    back = reverse("portal:study", args=[code])
    try:
        actions.cancel_study(person_of(request), study_of(code))
    except Refused as refusal:
        return show_refusal(request, refusal, back)
    messages.success(request, _("Cancelled. The study stays, and can be asked again."))
    return see_other(back)


@requires("study policies", "POST")
def again(request: HttpRequest, code: str) -> HttpResponse:
    """Ask the very same question again."""
    actions.ask_study_again(person_of(request), study_of(code))
    return see_other(reverse("portal:study", args=[code]))


@requires("study policies", "GET", "POST")
def delete(request: HttpRequest, code: str) -> HttpResponse:
    """Take a study out of the list, after asking; the list offers to take it back."""
    study = study_of(code)
    if request.method != "POST":
        return page(request, "delete_study", study=study)
    actions.delete_study(person_of(request), study)
    return see_other(f"{reverse('portal:studies')}?deleted={code}")


@requires("study policies", "POST")
def restore(request: HttpRequest, code: str) -> HttpResponse:
    """Take a deleted study back."""
    actions.restore_study(person_of(request), study_of(code, deleted=True))
    messages.success(request, _("The study is back."))
    return see_other(reverse("portal:study", args=[code]))
