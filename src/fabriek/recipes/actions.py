"""Verbs of recipes: estimate, run, and take what a job says that it made."""

from __future__ import annotations

import hashlib
import uuid as uuids
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from fabriek.audit.actions import record
from fabriek.compute.wire import JobReport
from fabriek.conf.amounts import number_text
from fabriek.operations.actions import report_job, submit_job
from fabriek.operations.models import ENDED_STATES, Cluster, Job
from fabriek.people.models import Person
from fabriek.projects.errors import NotAMember
from fabriek.projects.models import Allocation
from fabriek.projects.rules import is_member
from fabriek.recipes.errors import ParametersInvalid, RecipeRefused
from fabriek.recipes.models import Output, Result, Run
from fabriek.recipes.queries import Prospect, looked_at, prospect
from fabriek.recipes.recipe import Recipe
from fabriek.recipes.rendering import render
from fabriek.recipes.result_file import ResultBroken, ResultFile, read_result
from fabriek.recipes.words import faults_of


def estimate_run(actor: Person, allocation: Allocation, recipe: Recipe, said: dict[str, Any]) -> Prospect:
    """What a run would take, against what is left. Writes nothing. Errors: NotAMember, ParametersInvalid."""
    _require_member(actor, allocation)
    asked, faults, inputs = looked_at(recipe, allocation, said)
    if asked is None:
        raise ParametersInvalid(_("Some of what was filled in does not hold."), faults=faults_of(faults))
    return prospect(recipe, allocation, asked, inputs)


@transaction.atomic
def run_recipe(
    actor: Person, allocation: Allocation, recipe: Recipe, said: dict[str, Any], *, uuid: str | None = None
) -> Job:
    """Submit a run of a recipe. The same `uuid` again returns the job that was made.

    Errors: NotAMember, ParametersInvalid with each parameter, RecipeRefused and JobRefused beyond what is left.
    """
    if uuid is not None:
        known = Job.objects.filter(uuid=uuid, submitted_by=actor).first()
        if known is not None:
            return known
    _require_member(actor, allocation)
    asked, faults, inputs = looked_at(recipe, allocation, said)
    if asked is None:
        raise ParametersInvalid(_("Some of what was filled in does not hold."), faults=faults_of(faults))
    found = prospect(recipe, allocation, asked, inputs)
    if found.exceeds_cores:
        raise RecipeRefused(
            _("This job could use %(asked)s core-hours and %(left)s are left. Ask for fewer cores or less time.")
            % {
                "asked": number_text(found.estimate.most_core_seconds / 3600, 2),
                "left": number_text(max(found.cores_left, 0) / 3600, 2),
            }
        )
    files = {
        name: {"path": output.path, "sha256": output.sha256, "bytes": output.bytes} for name, output in inputs.items()
    }
    script = render(recipe, asked, files)
    job = submit_job(actor, allocation, asked.name, script, uuid=uuid or str(uuids.uuid4()))
    resources = {one: getattr(asked, one) for one in ("nodes", "accelerators", "cores", "minutes")}
    run = Run.objects.create(
        job=job,
        recipe=recipe.code,
        version=recipe.version,
        digest=recipe.digest,
        parameters={**asked.parameters, **resources},
        expected_seconds=found.estimate.expected_seconds,
    )
    run.inputs.set(inputs.values())
    record(actor, "recipes.run_recipe", job.project, job=str(job.uuid), recipe=recipe.code, version=recipe.version)
    return job


def _require_member(actor: Person, allocation: Allocation) -> None:
    if not is_member(actor, allocation.project):
        raise NotAMember(_("You are not a member of this project. Ask its lead to add you."))


@transaction.atomic
def take_report(cluster: Cluster, uuid: str, report: JobReport) -> Job:
    """Take the agent's word on a job, and with it what the job says that it made.

    What can't be read of that is noted, and changes nothing of the job: it has ended, and is accounted for, as if it
    had written nothing. After a job's end, neither changes any more.
    """
    before = Job.objects.select_for_update(of=("self",)).filter(cluster=cluster, uuid=uuid).first()
    had_ended = before is not None and before.state in ENDED_STATES
    job = report_job(cluster, uuid, report)
    if not had_ended and (report.results is not None or report.results_problem):
        _register(job, report)
    return job


def _register(job: Job, report: JobReport) -> None:
    result = Result.objects.filter(job=job).first() or Result(job=job)
    result.reported_at = timezone.now()
    digest = hashlib.sha256((report.results or "").encode(errors="replace")).hexdigest() if report.results else ""
    if digest and digest == result.digest and not result.problem:
        return
    try:
        if report.results is None:
            raise ResultBroken(report.results_problem)
        said = read_result(report.results)
    except ResultBroken as broken:
        result.problem = _storable(str(broken))[:600] or "no reason was given"
        result.save()
        return
    _fill(result, said, digest)
    result.save()
    _keep_outputs(result, said)
    if job.state in ENDED_STATES and said.complete:
        record(
            None, "recipes.register_result", job.project, job=str(job.uuid), kind=said.kind, outputs=len(said.outputs)
        )


def _fill(result: Result, said: ResultFile, digest: str) -> None:
    result.kind, result.name, result.complete, result.summary = said.kind, said.name, said.complete, said.summary
    result.code, result.environment, result.metrics = said.code, said.environment, said.metrics
    result.datasets = [one.model_dump() for one in said.datasets]
    result.read = [one.model_dump() for one in said.inputs]
    result.series = [one.model_dump(mode="json") for one in said.series]
    result.digest, result.problem = digest, ""


def _keep_outputs(result: Result, said: ResultFile) -> None:
    """Make the rows as the file says: of a path that is named twice the last word counts."""
    wanted = {one.path: one for one in said.outputs}
    result.outputs.exclude(path__in=wanted).delete()
    for one in wanted.values():
        values = {"kind": one.kind or "other", "bytes": one.bytes, "sha256": one.sha256, "about": one.about}
        Output.objects.update_or_create(result=result, path=one.path, defaults=values)


def _storable(text: str) -> str:
    """A text that any database keeps."""
    return text.encode(errors="replace").decode().replace("\x00", "?")
