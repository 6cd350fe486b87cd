"""Lineage in the standards' words: of one result, and of all that a project ran. For who may read the project."""

from __future__ import annotations

import json
from typing import Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router

from fabriek.api.authentication import Scope, actor_of
from fabriek.api.routes.operations import own_project
from fabriek.catalogue import lineages
from fabriek.catalogue.standards import openlineage, prov, ro_crate
from fabriek.recipes.queries import result_of

router = Router(tags=["catalogue"])


@router.get("/results/{uuid}/lineage", auth=Scope("read"), summary="Where a result comes from, in a standard")
def result_lineage(
    request: HttpRequest, uuid: UUID, form: Literal["prov-json", "prov-o", "openlineage"] = "prov-json"
) -> HttpResponse:
    """W3C PROV as PROV-JSON or as PROV-O in Turtle, or the run's events of OpenLineage as a list."""
    result = result_of(actor_of(request), str(uuid))
    site = request.build_absolute_uri("/")
    lineage = lineages.of_result(result, site)
    if form == "prov-o":
        return HttpResponse(
            prov.as_graph(lineage).serialize(format="turtle"), content_type="text/turtle; charset=utf-8"
        )
    if form == "openlineage":
        return _json(openlineage.events(lineage, producer=site, namespace=result.job.cluster.code))
    return _json(prov.as_json(lineage))


@router.get("/projects/{code}/crate", auth=Scope("read"), summary="A project as RO-Crate")
def project_crate(request: HttpRequest, code: str) -> HttpResponse:
    """`ro-crate-metadata.json`: what ran, with what it used and made, as a Process Run Crate. Files stay where they
    are."""
    project = own_project(request, code)
    site = request.build_absolute_uri("/")
    text = ro_crate.write(
        lineages.of_project(project, site),
        title=project.title,
        description=project.summary,
        published=timezone.now(),
        address=f"{site}projects/{project.code}/",
    )
    return HttpResponse(text, content_type="application/ld+json; charset=utf-8")


def _json(said: object) -> HttpResponse:
    return HttpResponse(json.dumps(said, ensure_ascii=False), content_type="application/json; charset=utf-8")
