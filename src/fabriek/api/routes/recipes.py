"""Recipes: what can be run, what it will take, running it; and what jobs made, with where it came from."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from fabriek.api.authentication import Scope, actor_of
from fabriek.api.paging import PageOf, Paging, page_of
from fabriek.api.routes.jobs import JobDetail, job_detail, own_allocation
from fabriek.api.routes.operations import own_project
from fabriek.operations.models import Job
from fabriek.recipes import queries
from fabriek.recipes.actions import estimate_run, run_recipe
from fabriek.recipes.models import Result
from fabriek.recipes.recipe import Parameter, Recipe
from fabriek.recipes.words import said

router = Router(tags=["recipes"])


class AmountOut(Schema):
    least: int
    most: int
    default: int


class RecipeNeedsOut(Schema):
    accelerators_are: str
    environment: str
    nodes: AmountOut
    accelerators: AmountOut
    cores: AmountOut
    minutes: AmountOut


class ChoiceOut(Schema):
    value: str
    label: str


class ParameterOut(Schema):
    name: str
    kind: str
    label: str
    help: str
    default: int | float | str | None
    required: bool
    least: float | None
    most: float | None
    choices: list[ChoiceOut]
    only_if: dict[str, str]


class RecipeOut(Schema):
    code: str
    version: str
    sha256: str
    title: str
    about: str
    makes: str
    needs: RecipeNeedsOut
    parameters: list[ParameterOut]


class Recipes(PageOf):
    items: list[RecipeOut]


class RunIn(Schema):
    allocation: str = Field(max_length=80)
    parameters: dict[str, Any] = Field({}, description="the recipe's, and name, nodes, accelerators, cores, minutes")
    uuid: UUID | None = None


class RunEstimateIn(Schema):
    allocation: str = Field(max_length=80)
    parameters: dict[str, Any] = {}


class ProspectOut(Schema):
    expected_seconds: int | None
    limit_seconds: int
    accelerators: int
    cores: int
    expected_accelerator_seconds: int
    most_accelerator_seconds: int
    most_core_seconds: int
    left_accelerator_seconds: int
    left_core_seconds: int
    fits_in_time: bool
    exceeds: bool


class FileOut(Schema):
    path: str
    kind: str
    bytes: int | None
    sha256: str
    about: str


class ResultOut(Schema):
    uuid: UUID
    project: str
    kind: str
    name: str
    summary: str
    complete: bool
    problem: str
    job_state: str
    reported_at: datetime


class Results(PageOf):
    items: list[ResultOut]


class RecipeRunOut(Schema):
    recipe: str
    version: str
    sha256: str
    parameters: dict[str, Any]
    expected_seconds: int | None


class StepOut(Schema):
    """A result beside another: what it came from, or what came from it."""

    uuid: UUID
    name: str
    recipe: str


class ResultDetail(ResultOut):
    """The record of a result with its lineage, from which a catalogue makes an entry."""

    code: dict[str, str]
    datasets: list[dict[str, Any]]
    read: list[dict[str, Any]]
    outputs: list[FileOut]
    metrics: dict[str, float]
    series: list[dict[str, Any]]
    environment: dict[str, str]
    sha256: str
    run: RecipeRunOut | None
    job: UUID
    cluster: str
    partition: str
    submitted_by: str
    started_at: datetime | None
    ended_at: datetime | None
    came_from: list[StepOut]
    led_to: list[StepOut]


@router.get("/recipes", response=Recipes, auth=None, summary="Recipes")
def recipes(request: HttpRequest, paging: Query[Paging]) -> dict[str, Any]:
    """What can be run without writing a batch script, with each recipe's needs and parameters."""
    return page_of(queries.recipes(), paging, recipe_row)


def recipe_row(recipe: Recipe) -> dict[str, Any]:
    """A recipe in the reader's language."""
    needs = recipe.needs
    amounts = {name: getattr(needs, name).model_dump() for name in ("nodes", "accelerators", "cores", "minutes")}
    return {
        "code": recipe.code,
        "version": recipe.version,
        "sha256": recipe.digest,
        "title": said(recipe.title),
        "about": said(recipe.about),
        "makes": recipe.makes,
        "needs": {"accelerators_are": needs.accelerators_are, "environment": said(needs.environment), **amounts},
        "parameters": [_parameter(one) for one in recipe.parameters],
    }


def _parameter(one: Parameter) -> dict[str, Any]:
    return {
        **one.model_dump(include={"name", "kind", "default", "required", "least", "most", "only_if"}),
        "label": said(one.label),
        "help": said(one.help),
        "choices": [{"value": choice.value, "label": said(choice.label)} for choice in one.choices],
    }


@router.get("/recipes/{code}", response=RecipeOut, auth=None, summary="A recipe")
def recipe(request: HttpRequest, code: str) -> dict[str, Any]:
    """With the limits and defaults of its parameters."""
    return recipe_row(queries.recipe_of(code))


_ESTIMATED = (
    "expected_seconds",
    "limit_seconds",
    "accelerators",
    "cores",
    "expected_accelerator_seconds",
    "most_accelerator_seconds",
    "most_core_seconds",
)


@router.post("/recipes/{code}/estimate", response=ProspectOut, auth=Scope("read"), summary="What a run would take")
def estimate(request: HttpRequest, code: str, body: RunEstimateIn) -> dict[str, Any]:
    """Against what is left of the allocation. Submits nothing."""
    allocation = own_allocation(request, body.allocation)
    found = estimate_run(actor_of(request), allocation, queries.recipe_of(code), body.parameters)
    return {
        **{name: getattr(found.estimate, name) for name in _ESTIMATED},
        "left_accelerator_seconds": found.left,
        "left_core_seconds": found.cores_left,
        "fits_in_time": found.estimate.fits,
        "exceeds": found.exceeds or found.exceeds_cores,
    }


@router.post("/recipes/{code}/runs", response=JobDetail, auth=Scope("apply"), summary="Run a recipe")
def run(request: HttpRequest, code: str, body: RunIn) -> dict[str, Any]:
    """Submits a job. Sending the same `uuid` again submits nothing new."""
    allocation = own_allocation(request, body.allocation)
    uuid = str(body.uuid) if body.uuid else None
    job = run_recipe(actor_of(request), allocation, queries.recipe_of(code), body.parameters, uuid=uuid)
    return job_detail(job)


@router.get("/projects/{code}/results", response=Results, auth=Scope("read"), summary="What a project's jobs made")
def results(request: HttpRequest, code: str, paging: Query[Paging]) -> dict[str, Any]:
    """Newest first."""
    return page_of(queries.results_of(own_project(request, code)), paging, result_row)


def result_row(found: Result) -> dict[str, Any]:
    """A result in a list. It has the number of its job."""
    names = ("kind", "name", "summary", "complete", "problem", "reported_at")
    return {
        **{name: getattr(found, name) for name in names},
        "uuid": found.job.uuid,
        "project": found.job.project.code,
        "job_state": found.job.state,
    }


@router.get("/results/{uuid}", response=ResultDetail, auth=Scope("read"), summary="What a job made, and from what")
def result(request: HttpRequest, uuid: UUID) -> dict[str, Any]:
    """The record with its lineage. `code` to `environment` are the job's own words; `run`, `job` and the steps are the
    platform's."""
    found = queries.result_of(actor_of(request), str(uuid))
    job, near = found.job, queries.lineage(found)
    run = getattr(job, "run", None)
    said_by_job = ("code", "datasets", "read", "metrics", "series", "environment")
    return {
        **result_row(found),
        **{name: getattr(found, name) for name in said_by_job},
        "outputs": list(found.outputs.all()),
        "sha256": found.digest,
        "run": None
        if run is None
        else {
            "recipe": run.recipe,
            "version": run.version,
            "sha256": run.digest,
            "parameters": run.parameters,
            "expected_seconds": run.expected_seconds,
        },
        "job": job.uuid,
        "cluster": job.cluster.code,
        "partition": job.allocation.partition.code,
        "submitted_by": job.submitted_by.name,
        "started_at": job.started_at,
        "ended_at": job.ended_at,
        "came_from": [_step(output.result.job) for output in near.came_from],
        "led_to": [_step(one) for one in near.led_to],
    }


def _step(job: Job) -> dict[str, Any]:
    run = getattr(job, "run", None)
    return {"uuid": job.uuid, "name": job.name, "recipe": run.recipe if run else ""}
