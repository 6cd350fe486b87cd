"""The verbs of the register: declare what there is and when it is down."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.text import slugify
from django.utils.translation import gettext as _

from fabriek.audit.actions import record
from fabriek.conf.errors import Invalid
from fabriek.people.permissions import require
from fabriek.register.errors import PeriodInvalid
from fabriek.register.models import (
    Availability,
    Factory,
    HostingEntity,
    Maintenance,
    Partition,
    Site,
    Stage,
    StageChange,
    System,
    UnitConversion,
)


@transaction.atomic
def declare_factory(
    actor: Any, *, code: str, name: str, country: str, hosting_entity: str, stage: str = Stage.OPERATING, **more: Any
) -> Factory:
    """Make a factory and its hosting entity known; one that is known stays as it is."""
    require(actor, "declare capacity")
    demo = bool(more.get("is_demo"))
    entity, _made = HostingEntity.objects.get_or_create(
        code=slugify(hosting_entity)[:120], defaults={"name": hosting_entity, "country": country, "is_demo": demo}
    )
    factory, created = Factory.objects.get_or_create(
        code=code, defaults={"name": name, "country": country, "hosting_entity": entity, "stage": stage, **more}
    )
    if created:
        record(actor, "register.declare_factory", factory)
    return factory


@transaction.atomic
def declare_system(
    actor: Any,
    *,
    code: str,
    name: str,
    site: Site,
    factory: Factory,
    stage: str = Stage.OPERATING,
    **more: Any,
) -> System:
    """Make a system known at a site, for a factory."""
    require(actor, "declare capacity")
    system, created = System.objects.get_or_create(
        code=code,
        defaults={
            "name": name,
            "country": site.country,
            "site": site,
            "hosting_entity": factory.hosting_entity,
            "stage": stage,
            **more,
        },
    )
    system.factories.add(factory)
    if created:
        record(actor, "register.declare_system", system)
    return system


@transaction.atomic
def change_stage(actor: Any, thing: Factory | System, stage: str, on: str, text: str = "") -> None:
    """A factory or a system enters a stage."""
    require(actor, "declare capacity")
    if stage not in Stage.values:
        raise Invalid(_("There is no stage %(stage)s.") % {"stage": stage})
    field = "factory" if isinstance(thing, Factory) else "system"
    StageChange.objects.create(stage=stage, on=on, text=text, source="operator", **{field: thing})
    thing.stage = stage
    thing.save(update_fields=["stage"])
    record(actor, "register.change_stage", thing, stage=stage, on=on)


@transaction.atomic
def declare_partition(
    actor: Any,
    system: System,
    *,
    name: str,
    kind: str,
    nodes: int,
    accelerators_per_node: int,
    cores_per_node: int,
    since: date = date(2021, 1, 1),
    **more: Any,
) -> Partition:
    """Make a partition known, with what its node- and core-hours are worth."""
    require(actor, "declare capacity")
    partition, created = Partition.objects.get_or_create(
        code=f"{system.code}/{slugify(name)}",
        defaults={
            "system": system,
            "name": name,
            "kind": kind,
            "nodes": nodes,
            "accelerators_per_node": accelerators_per_node,
            "cores_per_node": cores_per_node,
            **more,
        },
    )
    if created:
        if accelerators_per_node:
            for unit, numerator, denominator in (
                ("gpu-hour", 1, 1),
                ("node-hour", accelerators_per_node, 1),
                ("core-hour", accelerators_per_node, cores_per_node),
            ):
                UnitConversion.objects.create(
                    partition=partition,
                    unit=unit,
                    numerator=numerator,
                    denominator=denominator,
                    valid_from=since,
                    source="declared by the operator",
                )
        record(actor, "register.declare_partition", partition, nodes=nodes)
    return partition


@transaction.atomic
def declare_availability(
    actor: Any,
    partition: Partition,
    fraction: Decimal,
    valid_from: date,
    valid_until: date | None = None,
    *,
    source: str = "operator",
) -> Availability:
    """Say which part of its time a partition is up. Errors: PeriodInvalid where another holds in the same period."""
    require(actor, "declare capacity")
    if not 0 <= fraction <= 1:
        raise Invalid(
            _("Availability lies between 0 and 1."), faults={"fraction": [_("Give a number between 0 and 1.")]}
        )
    same = partition.availabilities.filter(valid_from=valid_from, valid_until=valid_until, fraction=fraction).first()
    if same is not None:
        return same
    overlap = partition.availabilities.filter(Q(valid_until__isnull=True) | Q(valid_until__gt=valid_from))
    if valid_until is not None:
        overlap = overlap.filter(valid_from__lt=valid_until)
    if overlap.exists():
        raise PeriodInvalid(
            _("%(partition)s has an availability for part of this period already. End that one first.")
            % {"partition": partition.code}
        )
    made = Availability.objects.create(
        partition=partition,
        fraction=fraction,
        valid_from=valid_from,
        valid_until=valid_until,
        source=source,
        confidence="high",
    )
    record(actor, "register.declare_availability", partition, fraction=str(fraction), valid_from=str(valid_from))
    return made


@transaction.atomic
def plan_maintenance(
    actor: Any, partition: Partition, start: datetime, end: datetime, nodes: int | None, why: str
) -> Maintenance:
    """Plan for nodes to be down. Declare the capacity again afterwards: it follows from this."""
    require(actor, "declare capacity")
    if end <= start:
        raise PeriodInvalid(
            _("Maintenance ends after it starts."), faults={"end": [_("Choose a moment after the start.")]}
        )
    if not why.strip():
        raise Invalid(_("Say what is done."), faults={"why": [_("Say what is done.")]})
    if nodes is not None and partition.nodes is not None and not 1 <= nodes <= partition.nodes:
        raise Invalid(
            _("%(partition)s has %(nodes)s nodes.") % {"partition": partition.code, "nodes": partition.nodes},
            faults={"nodes": [_("Give at most %(nodes)s.") % {"nodes": partition.nodes}]},
        )
    planned = Maintenance.objects.create(partition=partition, start=start, end=end, nodes=nodes, why=why.strip()[:200])
    record(
        actor,
        "register.plan_maintenance",
        partition,
        why=why,
        start=start.isoformat(),
        end=end.isoformat(),
        nodes=nodes,
    )
    return planned


@transaction.atomic
def cancel_maintenance(actor: Any, maintenance: Maintenance, why: str = "") -> None:
    """Maintenance that won't happen."""
    require(actor, "declare capacity")
    record(
        actor,
        "register.cancel_maintenance",
        maintenance.partition,
        why=why,
        start=maintenance.start.isoformat(),
        end=maintenance.end.isoformat(),
    )
    maintenance.delete()
