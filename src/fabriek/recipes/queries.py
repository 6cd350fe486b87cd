"""Reads of recipes: the book, what there is to start from, what jobs made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from fabriek.conf.errors import NotFound
from fabriek.ledger.models import Unit
from fabriek.ledger.queries import allocation_hours
from fabriek.operations.models import ENDED_STATES, Cluster, Job
from fabriek.projects.models import Allocation, Project
from fabriek.projects.rules import may_read
from fabriek.recipes.errors import UnknownRecipe
from fabriek.recipes.estimates import Estimate, estimate
from fabriek.recipes.models import Output, Result
from fabriek.recipes.parameters import Asked, Fault, check
from fabriek.recipes.recipe import BOOK, Recipe, read_book

# In the order in which one comes to need them; a site's own come after.
_ORDER = ("train-small-lm", "fine-tune-lm", "evaluate-lm", "serve-lm", "train-distributed", "notebook")


def recipes() -> list[Recipe]:
    """All recipes: those that come with Fabriek, and the operator's own in the folder `recipes` of the platform's.

    Errors: RecipeBroken with the file and what is wrong in it.
    """
    own = settings.FABRIEK_FOLDER / "recipes"
    stamps = tuple(sorted((str(path), path.stat().st_mtime_ns) for path in own.glob("*/*"))) if own.is_dir() else ()
    return list(_read(str(own), stamps))


@lru_cache(maxsize=4)
def _read(own: str, stamps: tuple[Any, ...]) -> tuple[Recipe, ...]:
    """Read again when a file of the operator's changed."""
    del stamps
    book = read_book(BOOK, Path(own))
    place = {code: number for number, code in enumerate(_ORDER)}
    return tuple(sorted(book.values(), key=lambda one: (place.get(one.code, len(place)), one.code)))


def recipe_of(code: str) -> Recipe:
    """The recipe of this code. Errors: UnknownRecipe."""
    found = next((one for one in recipes() if one.code == code), None)
    if found is None:
        raise UnknownRecipe(_("There is no recipe %(code)s.") % {"code": code})
    return found


def usable_allocations(project: Project, today: date | None = None) -> list[Allocation]:
    """The allocations that jobs may be submitted for today. One query."""
    today = today or timezone.now().date()
    found = project.allocations.filter(starts__lte=today, ends__gt=today, settled_at__isnull=True)
    return list(found.select_related("partition__system", "project").order_by("-id"))


def cluster_for(allocation: Allocation) -> Cluster | None:
    """The cluster that would run a job of this allocation. One query."""
    return Cluster.objects.filter(partitions=allocation.partition).exclude(engine="log").first()


def checkpoints(project: Project) -> QuerySet[Output]:
    """What there is to start from: checkpoints that ended jobs of the project left, newest first."""
    found = Output.objects.filter(
        kind="checkpoint", result__job__project=project, result__complete=True, result__job__state__in=ENDED_STATES
    )
    return found.exclude(sha256="").select_related("result__job__cluster").order_by("-id")


def checkpoint_of(project: Project, uuid: str) -> Output | None:
    """The checkpoint of the project's job with this number."""
    return checkpoints(project).filter(result__job__uuid=uuid).first()


@dataclass(frozen=True)
class Prospect:
    """What a run would take, against what is left (seconds)."""

    estimate: Estimate
    left: int
    cores_left: int

    @property
    def exceeds(self) -> bool:
        """Whether the scheduler would have to set aside more than is left."""
        return self.estimate.most_accelerator_seconds > self.left

    @property
    def exceeds_cores(self) -> bool:
        """As `exceeds`, of a run without accelerators."""
        return not self.estimate.accelerators and self.estimate.most_core_seconds > self.cores_left


def looked_at(
    recipe: Recipe, allocation: Allocation, said: dict[str, Any]
) -> tuple[Asked | None, list[Fault], dict[str, Output]]:
    """What was filled in, checked against the recipe, the partition and the project's checkpoints."""
    per_node = allocation.partition.accelerators_per_node
    asked, faults = check(recipe, said, accelerators_per_node=per_node)
    inputs: dict[str, Output] = {}
    if asked is None:
        return None, faults, inputs
    cluster = cluster_for(allocation)
    for parameter in recipe.parameters:
        chosen = asked.parameters.get(parameter.name)
        if parameter.kind != "checkpoint" or not chosen:
            continue
        output = checkpoint_of(allocation.project, chosen)
        if output is None:
            faults.append(Fault(parameter.name, "no checkpoint"))
        elif cluster is not None and output.result.job.cluster.site_id != cluster.site_id:
            faults.append(Fault(parameter.name, "other site", {"cluster": output.result.job.cluster.code}))
        else:
            inputs[parameter.name] = output
    return (None if faults else asked), faults, inputs


def prospect(recipe: Recipe, allocation: Allocation, asked: Asked, inputs: dict[str, Output]) -> Prospect:
    """What the run will take, before it is submitted. Two queries."""
    metrics: dict[str, Any] = next((output.result.metrics for output in inputs.values()), {})
    shape = {"parameters": metrics["parameters"]} if metrics.get("parameters") else {}
    found = estimate(recipe, asked, petaflops=allocation.partition.accelerator_petaflops, shape=shape)
    return Prospect(
        found,
        left=allocation_hours([allocation.code])[allocation.code].left,
        cores_left=allocation_hours([allocation.code], Unit.CORE_SECONDS)[allocation.code].left,
    )


def results_of(project: Project) -> QuerySet[Result]:
    """What the project's jobs made, newest first, without their series."""
    return (
        Result.objects.filter(job__project=project)
        .select_related("job__submitted_by", "job__project", "job__allocation__partition", "job__run")
        .defer("series", "job__script", "job__output", "job__error_output")
        .order_by("-id")
    )


def result_of(person: Any, uuid: str) -> Result:
    """What a job made. Errors: NotFound, the same whether it isn't there or isn't theirs."""
    found = (
        Result.objects.select_related(
            "job__project__organisation", "job__allocation__partition__system", "job__cluster", "job__submitted_by"
        )
        .defer("job__output", "job__error_output")
        .filter(job__uuid=uuid)
        .first()
    )
    if found is None or not may_read(person, found.job.project):
        raise NotFound(_("There is no such result."))
    return found


@dataclass(frozen=True)
class Lineage:
    """What a result came from, and what came from it: results of the same project, by one step."""

    came_from: Sequence[Output]
    led_to: Sequence[Job]


def lineage(result: Result) -> Lineage:
    """Two queries."""
    came_from = Output.objects.filter(used_by__job=result.job).select_related("result__job__run")
    led_to = (
        Job.objects.filter(run__inputs__result=result)
        .select_related("run", "result")
        .defer("script", "output", "error_output")
        .order_by("id")
        .distinct()
    )
    return Lineage(list(came_from), list(led_to))


def whole_lineage(result: Result, most: int = 100) -> list[Result]:
    """All results that it came from, over any number of steps, the nearest first. A query for each step."""
    found: list[Result] = []
    seen, edge = {result.pk}, [result.job_id]
    while edge and len(found) < most:
        step = list(
            Result.objects.filter(outputs__used_by__job__in=edge)
            .exclude(pk__in=seen)
            .select_related("job")
            .defer("series", "job__script", "job__output", "job__error_output")
            .distinct()
        )
        found += step
        seen |= {one.pk for one in step}
        edge = [one.job_id for one in step]
    return found[:most]


def for_the_catalogue() -> QuerySet[Result]:
    """What may become an entry of the catalogue: complete results of jobs that ended well, newest first."""
    return (
        Result.objects.filter(complete=True, problem="", job__state="COMPLETED")
        .exclude(Q(kind="service") | Q(kind="notebook"))
        .select_related("job__project", "job__allocation__partition", "job__cluster", "job__submitted_by", "job__run")
        .prefetch_related("outputs")
        .order_by("-id")
    )
