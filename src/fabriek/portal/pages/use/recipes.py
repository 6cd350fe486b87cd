"""Recipes and results: what one can run, what it will take, and what came of it."""

from __future__ import annotations

import csv
from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from fabriek.catalogue.actions.from_results import KINDS
from fabriek.catalogue.models import Entry
from fabriek.conf.amounts import number_text
from fabriek.conf.errors import Invalid, NotFound, Refused
from fabriek.operations.models import ENDED_STATES
from fabriek.portal.access import EVERYBODY, SIGNED_IN, requires
from fabriek.portal.components import plots
from fabriek.portal.components.plots import Column
from fabriek.portal.pages.use.projects import page_of
from fabriek.portal.pages.use.recipe_forms import RESOURCES, RecipeForm
from fabriek.projects.models import Allocation, Project
from fabriek.projects.rules import is_member
from fabriek.recipes import queries
from fabriek.recipes.actions import estimate_run, run_recipe
from fabriek.recipes.models import Result
from fabriek.recipes.recipe import Recipe
from fabriek.recipes.words import said


@requires(EVERYBODY)
def index(request: HttpRequest) -> HttpResponse:
    """All recipes: what they do and what they need."""
    return render(request, "use/recipes.html", {"recipes": queries.recipes()})


@requires(SIGNED_IN)
def of_project(request: HttpRequest, code: str) -> HttpResponse:
    """The recipes, to be run with a project's hours."""
    project = page_of(request, code).project
    context = {"recipes": queries.recipes(), "project": project, "may_submit": is_member(request.user, project)}
    return render(request, "use/recipes.html", context)


def _form(request: HttpRequest, code: str, recipe: str) -> tuple[Project, Recipe, list[Allocation], RecipeForm]:
    """The form of a recipe for a project's members. Errors: Http404."""
    project = page_of(request, code).project
    try:
        found = queries.recipe_of(recipe)
    except NotFound as unknown:
        raise Http404 from unknown
    if not is_member(request.user, project):
        raise Http404
    allocations = queries.usable_allocations(project)
    asks = any(parameter.kind == "checkpoint" for parameter in found.parameters)
    checkpoints = list(queries.checkpoints(project)[:200]) if asks else []
    # An address may bring answers along: the catalogue's, or the checkpoint that a result's page goes on from.
    names = ("allocation", *(parameter.name for parameter in found.parameters))
    brought = {name: request.GET[name] for name in names if name in request.GET}
    initial = {"uuid": uuid4(), "checkpoint": request.GET.get("from", ""), **brought}
    sent = request.POST if request.method == "POST" else None
    return project, found, allocations, RecipeForm(found, allocations, checkpoints, sent, initial=initial)


def _chosen(allocations: list[Allocation], form: RecipeForm) -> Allocation | None:
    code = form.data.get("allocation") if form.is_bound else form.initial.get("allocation")
    return next((a for a in allocations if code in (None, a.code)), None)


@requires(SIGNED_IN, "GET", "POST")
def run(request: HttpRequest, code: str, recipe: str) -> HttpResponse:
    """A recipe's form, with what it will take beside it."""
    project, found, allocations, form = _form(request, code, recipe)
    person: Any = request.user
    if request.method == "POST" and form.is_valid():
        chosen = _chosen(allocations, form)
        # The number goes with the form: sending it twice makes one job.
        number = str(form.cleaned_data["uuid"] or uuid4())
        try:
            if chosen is None:
                raise Http404
            job = run_recipe(person, chosen, found, form.said, uuid=number)
        except Invalid as fault:
            for name, sentences in fault.faults.items():
                for sentence in sentences:
                    if name in form.fields:
                        # The summary above the form tells it without the field.
                        form.add_error(name, f"{form.fields[name].label}: {sentence}")
                    else:
                        form.add_error(None, sentence)
        except Refused as refusal:
            form.add_error(None, str(refusal.sentence))
        else:
            messages.success(request, _("Submitted. It starts as soon as there is room."))
            return redirect("portal:job", job.uuid)
    context = {
        "project": project,
        "recipe": found,
        "form": form,
        "allocations": allocations,
        "lacks_checkpoint": "checkpoint" in form.fields and len(form.fields["checkpoint"].choices) < 2,  # type: ignore[attr-defined]
        **_prospect(request, found, allocations, form),
    }
    return render(request, "use/run_recipe.html", context, status=422 if form.errors else 200)


@requires(SIGNED_IN, "POST")
def estimate(request: HttpRequest, code: str, recipe: str) -> HttpResponse:
    """What it will take, while the form is filled in."""
    _project, found, allocations, form = _form(request, code, recipe)
    return render(request, "use/recipe_estimate.html", {"live": True, **_prospect(request, found, allocations, form)})


def _prospect(request: HttpRequest, recipe: Recipe, allocations: list[Allocation], form: RecipeForm) -> dict[str, Any]:
    person: Any = request.user
    chosen = _chosen(allocations, form)
    if chosen is None:
        return {"prospect": None}
    try:
        return {"prospect": estimate_run(person, chosen, recipe, form.said), "allocation": chosen}
    except Invalid as fault:
        labels = [str(form.fields[name].label) for name in fault.faults if name in form.fields]
        return {"prospect": None, "lacking": labels}


@requires(SIGNED_IN)
def results(request: HttpRequest, code: str) -> HttpResponse:
    """What a project's jobs made."""
    project = page_of(request, code).project
    page = Paginator(queries.results_of(project), 50).get_page(request.GET.get("page"))
    context = {"project": project, "page": page, "may_submit": is_member(request.user, project)}
    return render(request, "use/results.html", context)


@requires(SIGNED_IN)
def result(request: HttpRequest, uuid: str) -> HttpResponse:
    """What a job made; the part that changes is loaded again while the job goes on."""
    found = queries.result_of(request.user, uuid)
    if request.GET.get("format") == "csv":
        return _series_csv(found)
    job = found.job
    run = getattr(job, "run", None)
    recipe = next((one for one in queries.recipes() if run and one.code == run.recipe), None)
    context = {
        "result": found,
        "job": job,
        "project": job.project,
        "run": run,
        "recipe_title": said(recipe.title) if recipe else (run.recipe if run else ""),
        "is_changed": bool(recipe and run and recipe.digest != run.digest),
        "parameters": _parameters(recipe, run.parameters) if run else [],
        "plots": [_plot(line) for line in _plotted(found)],
        "outputs": list(found.outputs.all()),
        "goes_on": job.state not in ENDED_STATES,
        "lineage": queries.lineage(found),
        "may_submit": is_member(request.user, job.project),
        "next_recipes": _next(found),
        "entry": Entry.objects.filter(result=found).only("code").first(),
        "may_describe": found.kind in KINDS and found.complete and not found.problem and job.state == "COMPLETED",
    }
    template = "use/result_now.html" if request.headers.get("HX-Request") else "use/result.html"
    return render(request, template, context)


def _next(found: Result) -> list[Recipe]:
    """The recipes that go on from this result."""
    if not found.complete or not any(output.kind == "checkpoint" for output in found.outputs.all()):
        return []
    return [one for one in queries.recipes() if any(parameter.kind == "checkpoint" for parameter in one.parameters)]


def _parameters(recipe: Recipe | None, values: dict[str, Any]) -> list[tuple[str, Any]]:
    """What was filled in, with the recipe's labels where it still has the parameter."""
    resources = {"nodes": _("Nodes"), "accelerators": _("GPUs"), "cores": _("Cores"), "minutes": _("Minutes")}
    shown = []
    for name, value in values.items():
        parameter = recipe.parameter(name) if recipe else None
        if value == "" or (parameter is not None and parameter.kind == "checkpoint"):
            continue
        label = said(parameter.label) if parameter else resources.get(name, name)
        choice = next((one for one in parameter.choices if one.value == value), None) if parameter else None
        text = number_text(value) if isinstance(value, int) else value
        shown.append((label, said(choice.label) if choice else text))
    return sorted(shown, key=lambda pair: pair[0] in [resources[name] for name in RESOURCES])


def _plotted(found: Result) -> list[list[dict[str, Any]]]:
    """Series that share what they go along are drawn together, if their names say the same measure (… loss)."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for line in found.series:
        if line["points"]:
            groups.setdefault((line["x"], line["name"].split()[-1]), []).append(line)
    return list(groups.values())


def _plot(lines: list[dict[str, Any]]) -> Any:
    measure, along = lines[0]["name"].split()[-1], lines[0]["x"]
    title = measure.capitalize() if len(lines) > 1 else lines[0]["name"].capitalize()
    columns = [
        Column("x", along.capitalize(), "number"),
        Column("name", _("Series")),
        Column("y", measure.capitalize(), "number"),
    ]
    rows = [{"x": x, "y": y, "name": line["name"]} for line in lines for x, y in line["points"]]
    text = _("As the job reported it, along: %(along)s.") % {"along": along}
    return plots.lines(title, columns, rows, x="x", y="y", series="name", text=text, csv="?format=csv")


def _series_csv(found: Result) -> HttpResponse:
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{found.job.uuid}-series.csv"'
    writer = csv.writer(response)
    writer.writerow(["series", "along", "x", "y"])
    for line in found.series:
        # A name that a job chose must be no formula where somebody opens the table.
        name, along = (text if text[:1] not in "=+-@\t" else f"'{text}" for text in (line["name"], line["x"]))
        writer.writerows([name, along, x, "" if y is None else y] for x, y in line["points"])
    return response
