"""What jobs used and made, as lineage for the standards (PROV, OpenLineage, RO-Crate).

Whoever did it is told as the project's organisation: lineage is published, and names no person.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from django.db.models import QuerySet

from fabriek.catalogue.models import Entry, EntryState
from fabriek.catalogue.standards.lineage import Agent, Lineage, Thing, Work
from fabriek.operations.models import ENDED_STATES, Job
from fabriek.projects.models import Project
from fabriek.recipes.models import Output, Result

MOST_JOBS = 1_000
"""Of a project, the newest: a crate is for a reader."""
_STATES: dict[str, Literal["running", "completed", "cancelled"]] = {
    "RUNNING": "running",
    "COMPLETED": "completed",
    "CANCELLED": "cancelled",
}


def of_project(project: Project, site: str) -> Lineage:
    """All that ran in a project. `site`: the platform's address. Six queries."""
    started = _with_what_is_told(Job.objects.filter(project=project, started_at__isnull=False))
    return _lineage(started.order_by("-started_at", "-id")[:MOST_JOBS], site)


def of_result(result: Result, site: str) -> Lineage:
    """The job that made a result, with what it used and made. Six queries."""
    return _lineage(_with_what_is_told(Job.objects.filter(pk=result.job_id)), site)


def _with_what_is_told(jobs: QuerySet[Job]) -> QuerySet[Job]:
    return (
        jobs.select_related("project__organisation", "run", "result")
        .defer("script", "output", "error_output", "result__series")
        .prefetch_related("run__inputs__result__job", "result__outputs")
    )


def _lineage(jobs: Iterable[Job], site: str) -> Lineage:
    jobs = list(jobs)
    things: dict[str, Thing] = {}
    agents: dict[str, Agent] = {}
    works: list[Work] = []
    entries = {
        entry.result_id: entry
        for entry in Entry.objects.filter(state=EntryState.PUBLISHED, result__job__in=jobs).defer("proposed")
    }
    for job in jobs:
        run, result = getattr(job, "run", None), getattr(job, "result", None)
        used = [_file(output, site) for output in (run.inputs.all() if run else [])]
        made: list[Thing] = []
        if result:
            known = {thing.sha256 for thing in used if thing.sha256}
            used += [thing for thing in _said_to_be_used(result, job, site) if thing.sha256 not in known]
            made = [_file(output, site) for output in result.outputs.all()]
            if entry := entries.get(result.pk):
                made.append(_entry(entry, made, site))
        for thing in (*used, *made):
            things.setdefault(thing.address, thing)
        organisation = job.project.organisation
        agent = Agent(f"{site}projects/{job.project.code}/#organisation", organisation.name)
        agents.setdefault(agent.address, agent)
        works.append(
            Work(
                f"{site}jobs/{job.uuid}/",
                str(job.uuid),
                job.name,
                _STATES.get(job.state, "failed" if job.state in ENDED_STATES else "running"),
                started=job.started_at,
                ended=job.ended_at,
                used=tuple(dict.fromkeys(thing.address for thing in used)),
                made=tuple(thing.address for thing in made),
                by=(agent.address,),
                recipe=run.recipe if run else "",
            )
        )
    return Lineage(tuple(things.values()), tuple(works), tuple(agents.values()))


def _file(output: Output, site: str) -> Thing:
    """A file that a job made. It lies at a site and has no address of its own: the result's page tells of it."""
    page = f"{site}results/{output.result.job.uuid}/"
    return Thing(f"{page}#file-{output.pk}", output.path, sha256=output.sha256, bytes=output.bytes)


def _entry(entry: Entry, files: list[Thing], site: str) -> Thing:
    return Thing(
        f"{site}catalogue/entries/{entry.code}",
        entry.title,
        entry.kind,
        licence=entry.licence,
        derived_from=tuple(file.address for file in files),
    )


def _said_to_be_used(result: Result, job: Job, site: str) -> list[Thing]:
    """What the job says that it read: data by its address, where it has one; files as they are at the site."""
    page = f"{site}results/{job.uuid}/"

    def thing(one: dict[str, Any], number: int, name: str, kind: str) -> Thing:
        source = str(one.get("source", ""))
        is_address = source.startswith(("https://", "http://")) and not any(map(str.isspace, source))
        return Thing(
            source if is_address else f"{page}#{name}-{number}",
            str(one.get("name") or one.get("path") or name),
            kind,
            sha256=str(one.get("sha256", "")),
            bytes=one.get("bytes"),
            licence=str(one.get("licence", "")),
        )

    said = [thing(one, number, "data", "dataset") for number, one in enumerate(result.datasets, 1)]
    return said + [thing(one, number, "read", "file") for number, one in enumerate(result.read, 1)]
