"""What a job made becomes an entry, with where it came from."""

from __future__ import annotations

import re
from typing import Any

from django.db import transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from fabriek.catalogue.actions.entries import draft_entry
from fabriek.catalogue.errors import WrongState
from fabriek.catalogue.models import Entry, Place
from fabriek.catalogue.record import MOST_PARTS, Record
from fabriek.catalogue.words import record_from
from fabriek.conf.errors import NotAllowed
from fabriek.people.models import Person
from fabriek.projects.rules import is_member
from fabriek.recipes.models import Output, Result
from fabriek.recipes.queries import for_the_catalogue, lineage

KINDS = ("model", "dataset")
"""Results that become entries; an evaluation is a figure of its model."""


def draft_from_result(actor: Person, result: Result) -> Entry:
    """A draft about what a job made, for its steward to complete.

    Errors: NotAllowed for who is not in the project; WrongState where there is an entry already (`extra`: code), or
    where the result is none that a catalogue gathers.
    """
    if not is_member(actor, result.job.project):
        raise NotAllowed(_("Only members of the project describe what its jobs made."))
    with transaction.atomic():
        there = Entry.objects.filter(result=result).first()
        if there is not None:
            raise WrongState(_("This result has an entry already: %(code)s.") % {"code": there.code}, code=there.code)
        found = for_the_catalogue().filter(pk=result.pk, kind__in=KINDS).first()
        if found is None:
            raise WrongState(_("Only models and data of jobs that ended well become entries."))
        return draft_entry(actor, record_of(found), result=found)


def record_of(result: Result) -> Record:
    """What the platform and the job know of a result, as a record. What neither knows is left out.

    Its ties are what the job says it read and the checkpoints that it went on from: entries where the catalogue has
    them, else the digest or the job's number.
    """
    job = result.job
    project = job.project
    name = result.name or job.name
    run = getattr(job, "run", None)
    said: dict[str, Any] = {
        "code": f"{slugify(name)[:80].strip('-') or result.kind}-{str(job.uuid)[:8]}",
        "title": name,
        "summary": result.summary[:1_000],
        "description": _made_by(result),
        "version": run.version if run else "",
        "owner": {"name": project.organisation.name},
        "factory": project.factory.code if project.factory else None,
        "issued": job.ended_at.date().isoformat() if job.ended_at else None,
        "distributions": [_place(output) for output in result.outputs.all()][:MOST_PARTS],
        "relations": [*_read(result), *_came_from(result)],
        "facts": {"*": {"source": f"urn:uuid:{job.uuid}", "confidence": "medium"}},
        "details": {"kind": result.kind, **(_model(result) if result.kind == "model" else {})},
    }
    return record_from(said)


def _made_by(result: Result) -> str:
    job, run = result.job, getattr(result.job, "run", None)
    by = f"the recipe {run.recipe} {run.version} (SHA-256 {run.digest})" if run else f"the job {job.name}"
    return f"Made by {by} on {job.allocation.partition.code}, job {job.uuid}, as the job itself reported."


def _place(output: Output) -> dict[str, Any]:
    return {
        "storage": "posix",
        "location": output.path,
        "site": output.result.job.cluster.site.code,
        "name": output.path.rpartition("/")[2][:200],
        "bytes": output.bytes,
        "sha256": output.sha256 if re.fullmatch("[0-9a-f]{64}", output.sha256) else "",
    }


def _read(result: Result) -> list[dict[str, Any]]:
    """The data that the job says it read: the entry that lies with the same checksum, else the checksum itself."""
    data = [one for one in result.datasets if one.get("sha256")]
    known = dict(
        Place.objects.filter(sha256__in=[one["sha256"] for one in data])
        .order_by("-id")
        .values_list("sha256", "entry__code")
    )
    kind = "trained-on" if result.kind == "model" else "derived-from"
    return [
        {
            "kind": kind,
            "target": known.get(one["sha256"], f"urn:sha256:{one['sha256']}"),
            "title": str(one.get("name", ""))[:200],
        }
        for one in data
    ]


def _came_from(result: Result) -> list[dict[str, Any]]:
    """The checkpoints that it went on from: their entries, else the numbers of the jobs that made them."""
    steps = {output.result_id: output.result for output in lineage(result).came_from}
    codes = dict(Entry.objects.filter(result__in=steps).values_list("result", "code"))
    return [
        {
            "kind": "derived-from",
            "target": codes.get(number, f"urn:uuid:{one.job.uuid}"),
            "title": (one.name or one.job.name)[:200],
        }
        for number, one in steps.items()
    ]


def _model(result: Result) -> dict[str, Any]:
    parameters = result.metrics.get("parameters")
    job = result.job
    hours = None
    if job.started_at and job.ended_at and job.accelerators:
        hours = round((job.ended_at - job.started_at).total_seconds() * job.accelerators / 3600, 3)
    return {
        "parameters": int(parameters) if isinstance(parameters, int | float) and parameters >= 0 else None,
        "training_gpu_hours": hours,
        "metrics": [
            {"name": name, "value": value}
            for name, value in result.metrics.items()
            if name != "parameters" and isinstance(value, int | float)
        ][:MOST_PARTS],
    }
