"""The register: factories, systems, partitions, capacity. Open to everybody."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import Http404, HttpRequest
from ninja import Field, Query, Router, Schema

from fabriek.api.paging import PageOf, Paging, page_of
from fabriek.register import queries
from fabriek.register.legal import Statement, statements_of
from fabriek.register.models import Factory, Partition, System

router = Router(tags=["register"])


class FactoryRow(Schema):
    code: str
    name: str
    country: str
    stage: str
    hosting_entity: str
    systems: list[str]
    demo: bool


class Factories(PageOf):
    items: list[FactoryRow]


class StageOut(Schema):
    stage: str
    on: str = Field(description="YYYY, YYYY-MM or YYYY-MM-DD, as exact as the source is")
    text: str
    source: str
    confidence: str


class ConversionOut(Schema):
    unit: str
    numerator: int
    denominator: int = Field(description="a unit is worth numerator / denominator GPU-hours")
    valid_from: date
    valid_until: date | None = Field(description="the first day on which it no longer holds")
    source: str
    confidence: str


class LegalOut(Schema):
    subject: str
    known: bool
    says: str = Field(description="the code of the sentence, where the law says it of every factory")
    sentence: str = Field(description="in the reader's language; empty where nothing is known")
    basis: str = Field(description="the act and its article")
    valid_from: date | None
    valid_until: date | None = Field(description="the first day on which it no longer holds")
    source: str
    confidence: str


class FactoryDetail(FactoryRow):
    stage_text: str
    selected_on: date | None
    sectors: list[str]
    website: str
    states: list[str]
    partners: list[str]
    legal: list[LegalOut] = Field(description="what it is in law today, a statement for each subject")
    stages: list[StageOut]
    facts: dict[str, Any]


class PartitionDetail(Schema):
    code: str
    name: str
    kind: str
    nodes: int | None = Field(description="today")
    accelerators_per_node: int | None
    accelerator_model: str
    accelerator_memory_gib: float | None
    cores_per_node: int | None
    conversions: list[ConversionOut]
    facts: dict[str, Any]


class SystemDetail(Schema):
    code: str
    name: str
    country: str
    site: str
    stage: str
    union_share_maximum: float | None
    partitions: list[PartitionDetail]
    stages: list[StageOut]
    facts: dict[str, Any]
    demo: bool


class SystemRow(Schema):
    code: str
    name: str
    country: str
    site: str
    stage: str
    hosting_entity: str
    demo: bool


class Systems(PageOf):
    items: list[SystemRow]


class CapacityRow(Schema):
    partition: str
    month: date
    accelerator_seconds: int | None
    core_seconds: int | None
    unknown: list[str]


def _row(factory: Factory) -> dict[str, Any]:
    return {
        "code": factory.code,
        "name": factory.name,
        "country": factory.country,
        "stage": factory.stage,
        "hosting_entity": factory.hosting_entity.name if factory.hosting_entity else "",
        "systems": [system.code for system in factory.systems.all()],
        "demo": factory.is_demo,
    }


@router.get("/factories", response=Factories, summary="AI factories")
def factories(request: HttpRequest, paging: Query[Paging], search: str = "") -> dict[str, Any]:
    """By name; `search` looks in names, countries and hosting entities."""
    return page_of(queries.factories_for_list(search=search[:100]), paging, _row)


@router.get("/factories/{code}", response=FactoryDetail, summary="An AI factory")
def factory(request: HttpRequest, code: str) -> dict[str, Any]:
    """With the source and confidence of each fact."""
    found = queries.factory_page(code)
    if found is None:
        raise Http404
    members = list(found.members.all())
    return {
        **_row(found),
        "stage_text": found.stage_text,
        "selected_on": found.selected_on,
        "sectors": found.sectors,
        "website": found.website,
        "states": [member.name for member in members if member.kind == "state"],
        "partners": [member.name for member in members if member.kind == "partner"],
        "legal": statements_of(found),
        "stages": list(found.stages.all()),
        "facts": found.facts,
    }


@router.get("/legal", response=list[LegalOut], summary="What an AI factory is in law")
def legal(request: HttpRequest) -> list[Statement]:
    """What the law says of every AI factory today; what is known of one stands with it."""
    return statements_of()


def partition_detail(partition: Partition) -> dict[str, Any]:
    """A partition, with the nodes that it has today."""
    names = set(PartitionDetail.model_fields) - {"nodes", "conversions"}
    return {
        **{name: getattr(partition, name) for name in names},
        "nodes": queries.nodes_of(partition),
        "conversions": list(partition.conversions.all()),
    }


def system_row(system: System) -> dict[str, Any]:
    """A system in a list."""
    return {
        **{name: getattr(system, name) for name in ("code", "name", "country", "stage")},
        "site": system.site.name,
        "hosting_entity": system.hosting_entity.name if system.hosting_entity else "",
        "demo": system.is_demo,
    }


def _system(system: System) -> dict[str, Any]:
    return {
        "code": system.code,
        "name": system.name,
        "country": system.country,
        "site": system.site.name,
        "stage": system.stage,
        "union_share_maximum": system.union_share_maximum,
        "partitions": [partition_detail(partition) for partition in system.partitions.all()],
        "stages": list(system.stages.all()),
        "facts": system.facts,
        "demo": system.is_demo,
    }


@router.get("/systems/{code}", response=SystemDetail, summary="A supercomputer")
def system(request: HttpRequest, code: str) -> dict[str, Any]:
    """With its partitions; a figure that isn't known is null."""
    found = queries.system_page(code)
    if found is None:
        raise Http404
    return _system(found)


@router.get("/partitions/{system}/{partition}/capacity", response=CapacityRow, summary="Capacity of a month")
def capacity(request: HttpRequest, system: str, partition: str, month: date) -> Any:
    """Derived from hardware, availability and maintenance; null with the facts that lack where it can't be."""
    found = Partition.objects.filter(code=f"{system}/{partition}").first()
    if found is None:
        raise Http404
    return queries.capacity(found, month.replace(day=1))
