"""Reads of the register: lists, pages, the map, capacity."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, Prefetch, Q
from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from fabriek.conf.sorting import Column, ordered, place_among
from fabriek.register.errors import CapacityUnknown, ConversionUnknown
from fabriek.register.models import (
    Antenna,
    Factory,
    Link,
    Partition,
    PartitionKind,
    Site,
    Source,
    Stage,
    System,
    UnitConversion,
)
from fabriek.register.rules import Outage, capacity_seconds, lost_node_seconds, month_seconds

FACTORY_COLUMNS: dict[str, Column] = {
    "name": Lower("name"),
    "country": "country",
    "host": Lower(F("hosting_entity__name")),
    "selected": F("selected_on"),
    "stage": place_among("stage", Stage.values),
}


@dataclass(frozen=True)
class Capacity:
    """What a partition can give in a month, and how that was derived. None where a fact is unknown."""

    partition: str
    month: date
    accelerator_seconds: int | None
    core_seconds: int | None
    nodes: int | None
    availability: Decimal | None
    lost_node_seconds: int = 0
    unknown: list[str] = field(default_factory=list)

    @property
    def seconds(self) -> int:
        """The seconds of the month."""
        return month_seconds(self.month)


def capacity(partition: Partition, month: date) -> Capacity:
    """Derive a partition's capacity (rule 1). Two queries, none where they are prefetched."""
    availability = next(
        (
            a.fraction
            for a in partition.availabilities.all()
            if a.valid_from <= month and (a.valid_until is None or a.valid_until > month)
        ),
        None,
    )
    unknown = [
        name
        for name, value in (
            (_("number of nodes"), partition.nodes),
            (_("accelerators per node"), partition.accelerators_per_node),
            (_("cores per node"), partition.cores_per_node),
            (_("availability"), availability),
        )
        if value is None
    ]
    outages = [Outage(m.start, m.end, m.nodes) for m in partition.maintenances.all()]

    def derived(per_node: int | None) -> int | None:
        if partition.nodes is None or per_node is None or availability is None:
            return None
        return capacity_seconds(partition.nodes, per_node, month, availability, outages)

    return Capacity(
        partition=partition.code,
        month=month,
        accelerator_seconds=derived(partition.accelerators_per_node),
        core_seconds=derived(partition.cores_per_node),
        nodes=partition.nodes,
        availability=availability,
        lost_node_seconds=lost_node_seconds(partition.nodes, month, outages) if partition.nodes else 0,
        unknown=unknown,
    )


def known_capacity(partition: Partition, month: date) -> Capacity:
    """As `capacity`, but for use in promises. Errors: CapacityUnknown, with the facts that lack."""
    found = capacity(partition, month)
    if found.accelerator_seconds is None and found.core_seconds is None:
        raise CapacityUnknown(
            _("The capacity of %(partition)s can't be derived: not known are %(facts)s. Add them to the register.")
            % {"partition": partition.code, "facts": ", ".join(found.unknown)},
            unknown=found.unknown,
        )
    return found


def conversion(partition: Partition, unit: str, on: date) -> UnitConversion:
    """What a unit is worth on a partition on a day. Errors: ConversionUnknown."""
    found = (
        partition.conversions.filter(unit=unit, valid_from__lte=on)
        .filter(Q(valid_until__isnull=True) | Q(valid_until__gt=on))
        .order_by("-valid_from")
        .first()
    )
    if found is None:
        raise ConversionUnknown(
            _("What a %(unit)s is worth on %(partition)s on %(day)s is not known. Give the amount in GPU-hours.")
            % {"unit": unit, "partition": partition.code, "day": on}
        )
    return found


def accelerators() -> list[Partition]:
    """Partitions whose accelerators have a known model, with their systems, by name. One query.

    Where `accelerator_petaflops` is null, no peak is known and nothing can be estimated.
    """
    found = Partition.objects.filter(kind=PartitionKind.GPU).exclude(accelerator_model="")
    return list(found.select_related("system").order_by("system__name", "name"))


def middling(partitions: Iterable[Partition]) -> Partition | None:
    """Of the accelerators that run now and whose peak is known the one in the middle, for who doesn't choose."""
    known = [
        partition
        for partition in partitions
        if partition.accelerator_petaflops is not None and partition.system.stage == Stage.OPERATING
    ]
    known.sort(key=lambda partition: (partition.accelerator_petaflops, partition.code))
    return known[len(known) // 2] if known else None


def factories_for_list(*, search: str = "", sort: str = "", stage: str = "") -> list[Factory]:
    """Factories with their systems and hosting entities. Two queries."""
    found = Factory.objects.select_related("hosting_entity").prefetch_related("systems")
    if search:
        found = found.filter(
            Q(name__icontains=search) | Q(country__iexact=search) | Q(hosting_entity__name__icontains=search)
        )
    if stage:
        found = found.filter(stage=stage)
    return list(ordered(found, sort, FACTORY_COLUMNS, ("name",)))


def factory_page(code: str) -> Factory | None:
    """A factory with all that its page shows. Seven queries."""
    return (
        Factory.objects.select_related("hosting_entity")
        .prefetch_related(
            "members",
            "stages",
            "antennas",
            Prefetch("systems", System.objects.select_related("site").prefetch_related("partitions")),
        )
        .filter(code=code)
        .first()
    )


def systems_for_list(*, search: str = "") -> list[System]:
    """Systems with their site and number of accelerators. One query."""
    found = System.objects.select_related("site", "hosting_entity")
    if search:
        found = found.filter(Q(name__icontains=search) | Q(site__city__icontains=search))
    return list(found.order_by("name"))


def system_page(code: str) -> System | None:
    """A system with all that its page shows. Seven queries."""
    return (
        System.objects.select_related("site", "hosting_entity")
        .prefetch_related(
            "factories",
            "stages",
            Prefetch(
                "partitions",
                Partition.objects.prefetch_related("conversions", "availabilities", "maintenances").order_by("name"),
            ),
        )
        .filter(code=code)
        .first()
    )


def map_sites() -> list[Site]:
    """Sites that have a place on the map, with their systems and factories. Three queries."""
    return list(
        Site.objects.filter(latitude__isnull=False, longitude__isnull=False)
        .prefetch_related(Prefetch("systems", System.objects.prefetch_related("factories")), "links_from__to_site")
        .order_by("name")
    )


def links_of(site: Site) -> list[tuple[Site, Link]]:
    """The network links of a site, each with the site at its other end. One query."""
    found = Link.objects.filter(Q(from_site=site) | Q(to_site=site)).select_related("from_site", "to_site")
    return [(link.to_site if link.from_site_id == site.pk else link.from_site, link) for link in found.order_by("pk")]


def antennas() -> list[Antenna]:
    """AI factory antennas with their factories. Two queries."""
    return list(Antenna.objects.prefetch_related("factories"))


def sources(codes: set[str]) -> dict[str, str]:
    """The text of each source. One query."""
    return dict(Source.objects.filter(code__in=codes).values_list("code", "text"))


def figures() -> dict[str, Any]:
    """Figures for the front page. Two queries."""
    partitions = Partition.objects.filter(
        nodes__isnull=False, accelerators_per_node__isnull=False, system__is_demo=False
    )
    accelerators = sum(
        nodes * each for nodes, each in partitions.values_list("nodes", "accelerators_per_node") if nodes and each
    )
    return {
        **Factory.objects.filter(is_demo=False).aggregate(
            factories=Count("id"), countries=Count("country", distinct=True)
        ),
        "accelerators": accelerators,
    }


def accelerators_of(system: System) -> int | None:
    """How many accelerators a system has, as far as known; None: not known at all. Needs prefetched partitions."""
    known = [
        p.nodes * p.accelerators_per_node
        for p in system.partitions.all()
        if p.nodes is not None and p.accelerators_per_node
    ]
    return sum(known) if known else None
