"""An entry in a recipe: which of a recipe's questions it answers, and with what."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from fabriek.catalogue.models import Entry, EntryKind
from fabriek.operations.models import ENDED_STATES
from fabriek.projects.models import Allocation
from fabriek.recipes.queries import recipes
from fabriek.recipes.recipe import Parameter, Recipe


@dataclass(frozen=True)
class Use:
    """A recipe that takes an entry. `answers`: to its form. `is_there`: it lies where the hours are; otherwise its form
    is filled but for the path, and the data are to be brought there first."""

    allocation: Allocation
    recipe: Recipe
    answers: dict[str, str]
    is_there: bool


Taking = list[tuple[Recipe, Parameter]]
"""Recipes, each with the question that an entry answers."""


def recipes_that_take(entry: Entry) -> Taking:
    """Recipes that such an entry answers a question of: data a path, a model that a job here made a checkpoint."""
    if entry.kind == EntryKind.DATASET:
        return _asking("path")
    if entry.kind == EntryKind.MODEL and entry.result_id is not None:
        return _asking("checkpoint")
    return []


def _asking(kind: str) -> Taking:
    return [(recipe, one) for recipe in recipes() for one in recipe.parameters if one.kind == kind]


def uses(person: Any, entry: Entry) -> list[Use]:
    """Where this person could use it now: each of their projects with hours, each recipe that takes it. Those where it
    lies come first. Three queries, whatever their number."""
    taking = recipes_that_take(entry)
    if not taking:
        return []
    today = timezone.now().date()
    allocations = (
        Allocation.objects.filter(
            project__members__person=person,
            project__members__left_at__isnull=True,
            project__ended_at__isnull=True,
            starts__lte=today,
            ends__gt=today,
            settled_at__isnull=True,
        )
        .select_related("project", "partition__system__site")
        .order_by("project__title", "-id")
    )
    of = _of_data if entry.kind == EntryKind.DATASET else _of_model
    found = of(entry, allocations, taking)
    return sorted(found, key=lambda use: not use.is_there)


def _of_data(entry: Entry, allocations: Iterable[Allocation], taking: Taking) -> Iterable[Use]:
    paths = dict(
        entry.places.filter(storage="posix").exclude(site=None).order_by("-id").values_list("site", "location")
    )
    for allocation in allocations:
        path = paths.get(allocation.partition.system.site_id, "")
        for recipe, parameter in taking:
            answers = {**parameter.only_if, parameter.name: path} if path else dict(parameter.only_if)
            yield Use(allocation, recipe, answers, bool(path))


def _of_model(entry: Entry, allocations: Iterable[Allocation], taking: Taking) -> Iterable[Use]:
    result = entry.result
    if result is None or result.job.state not in ENDED_STATES:
        return
    if not result.outputs.filter(kind="checkpoint").exclude(sha256="").exists():
        return
    for allocation in allocations:
        # A checkpoint is read within its project (recipes.queries.checkpoints).
        if allocation.project_id != result.job.project_id:
            continue
        is_there = allocation.partition.system.site_id == result.job.cluster.site_id
        for recipe, parameter in taking:
            yield Use(allocation, recipe, {parameter.name: str(result.job.uuid)}, is_there)
