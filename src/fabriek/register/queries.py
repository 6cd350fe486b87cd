"""Reads of the register: lists, pages, the map, capacity."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, Prefetch, Q, QuerySet
from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from fabriek.conf.errors import NotFound
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
    unit_name,
)
from fabriek.register.rules import (
    Outage,
    capacity_seconds,
    lost_node_seconds,
    month_seconds,
    nodes_on,
    stretches,
)

FACTORY_COLUMNS: dict[str, Column] = {
    "name": Lower("name"),
    "country": "country",
    "host": Lower(F("hosting_entity__name")),
    "selected": F("selected_on"),
    "stage": place_among("stage", Stage.values),
}


LINK_COLUMNS: dict[str, Column] = {
    "from": Lower(F("from_site__name")),
    "to": Lower(F("to_site__name")),
    "network": Lower("network"),
    "speed": F("gigabits_per_second"),
    "since": F("valid_from"),
    "until": F("valid_until"),
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
    nodes_at_end: int | None = None

    @property
    def seconds(self) -> int:
        """The seconds of the month."""
        return month_seconds(self.month)

    @property
    def changes(self) -> bool:
        """Whether the partition grows or shrinks in this month."""
        return self.nodes != self.nodes_at_end


def capacity(partition: Partition, month: date) -> Capacity:
    """Derive a partition's capacity (rule 1). Three queries, none where they are prefetched.

    A month counts with the availability that holds on its first day, and with each size for as long as it holds.
    """
    parts = stretches(month, partition.nodes, sizes_of(partition))
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
            (_("number of nodes"), parts),
            (_("accelerators per node"), partition.accelerators_per_node),
            (_("cores per node"), partition.cores_per_node),
            (_("availability"), availability),
        )
        if value is None
    ]
    outages = [Outage(m.start, m.end, m.nodes) for m in partition.maintenances.all()]

    def derived(per_node: int | None) -> int | None:
        if parts is None or per_node is None or availability is None:
            return None
        return capacity_seconds(parts, per_node, availability, outages)

    return Capacity(
        partition=partition.code,
        month=month,
        accelerator_seconds=derived(partition.accelerators_per_node),
        core_seconds=derived(partition.cores_per_node),
        nodes=parts[0].nodes if parts else None,
        nodes_at_end=parts[-1].nodes if parts else None,
        availability=availability,
        lost_node_seconds=lost_node_seconds(parts, outages) if parts else 0,
        unknown=unknown,
    )


def sizes_of(partition: Partition) -> list[tuple[date, int]]:
    """When a partition grew or shrank, and to how many nodes. One query, none where they are prefetched."""
    return [(size.valid_from, size.nodes) for size in partition.sizes.all()]


def nodes_of(partition: Partition, day: date | None = None) -> int | None:
    """How many nodes a partition has on a day (default: today). One query, none where sizes are prefetched."""
    return nodes_on(day or date.today(), partition.nodes, sizes_of(partition))


def most_nodes(partition: Partition, start: date, end: date) -> int | None:
    """The most nodes that a partition has on the days from `start` to `end`. One query."""
    days = [start, *(day for day, _nodes in sizes_of(partition) if start < day <= end)]
    known = [nodes for day in days if (nodes := nodes_of(partition, day)) is not None]
    return max(known) if known else None


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
            % {"unit": unit_name(unit), "partition": partition.code, "day": on}
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


def factory_of(code: str) -> Factory:
    """The factory of this code. Errors: NotFound. One query."""
    found = Factory.objects.filter(code=code).first()
    if found is None:
        raise NotFound(_("There is no factory %(code)s.") % {"code": code})
    return found


def factory_page(code: str) -> Factory | None:
    """A factory with all that its page shows. Eight queries."""
    return (
        Factory.objects.select_related("hosting_entity")
        .prefetch_related(
            "members",
            "stages",
            "antennas",
            Prefetch("systems", System.objects.select_related("site").prefetch_related("partitions__sizes")),
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
    """A system with all that its page shows. Eight queries."""
    return (
        System.objects.select_related("site", "hosting_entity")
        .prefetch_related(
            "factories",
            "stages",
            Prefetch(
                "partitions",
                Partition.objects.prefetch_related("conversions", "availabilities", "maintenances", "sizes").order_by(
                    "name"
                ),
            ),
        )
        .filter(code=code)
        .first()
    )


def map_sites() -> list[Site]:
    """Sites that have a place on the map, with their systems and factories. Three queries."""
    return list(
        Site.objects.filter(latitude__isnull=False, longitude__isnull=False)
        .prefetch_related(Prefetch("systems", System.objects.prefetch_related("factories")))
        .order_by("name")
    )


def links_on(day: date | None = None, sites: Iterable[Site] | None = None) -> QuerySet[Link]:
    """Links that hold on a day (default: today), with their sites; of these sites only where they are given.

    One query. A link whose first day is not known holds until its last.
    """
    day = day or date.today()
    found = (
        Link.objects.filter(Q(valid_from__isnull=True) | Q(valid_from__lte=day))
        .filter(Q(valid_until__isnull=True) | Q(valid_until__gt=day))
        .select_related("from_site", "to_site")
    )
    if sites is not None:
        numbers = [site.pk for site in sites]
        found = found.filter(Q(from_site__in=numbers) | Q(to_site__in=numbers))
    return found


def links_for_list(sort: str = "") -> QuerySet[Link]:
    """Every link that was declared, those that ended too. One query."""
    found = Link.objects.select_related("from_site", "to_site")
    return ordered(found, sort, LINK_COLUMNS, ("from_site__name", "to_site__name", "-valid_from", "id"))


def links_of(site: Site) -> list[tuple[Site, Link]]:
    """The network links of a site that hold today, each with the site at its other end. One query."""
    return [(link.other(site), link) for link in links_on(sites=[site]).order_by("pk")]


def antennas() -> list[Antenna]:
    """AI factory antennas with their factories, by name. Two queries."""
    return list(Antenna.objects.prefetch_related("factories"))


def sources(codes: set[str]) -> dict[str, str]:
    """The text of each source. One query."""
    return dict(Source.objects.filter(code__in=codes).values_list("code", "text"))


def figures() -> dict[str, Any]:
    """Figures for the front page. Three queries."""
    partitions = Partition.objects.filter(accelerators_per_node__isnull=False, system__is_demo=False).prefetch_related(
        "sizes"
    )
    accelerators = sum((nodes_of(p) or 0) * (p.accelerators_per_node or 0) for p in partitions)
    return {
        **Factory.objects.filter(is_demo=False).aggregate(
            factories=Count("id"), countries=Count("country", distinct=True)
        ),
        "accelerators": accelerators,
    }


def accelerators_of(system: System) -> int | None:
    """How many accelerators a system has now, as far as known; None: not known at all. Needs prefetched partitions
    with their sizes."""
    known = [
        nodes * p.accelerators_per_node
        for p in system.partitions.all()
        if p.accelerators_per_node and (nodes := nodes_of(p)) is not None
    ]
    return sum(known) if known else None
