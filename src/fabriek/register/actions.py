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
from fabriek.conf.checking import added, checked, refuse_otherwise
from fabriek.conf.errors import Invalid
from fabriek.people.permissions import require
from fabriek.register.errors import PeriodInvalid
from fabriek.register.models import (
    Availability,
    Factory,
    HostingEntity,
    Maintenance,
    Partition,
    PartitionKind,
    Site,
    Stage,
    StageChange,
    System,
    UnitConversion,
)


def hosting_entity_of(name: str, country: str, *, demo: bool = False) -> HostingEntity:
    """The hosting entity of this name; made known where it isn't."""
    made = checked(HostingEntity(code=slugify(name)[:120], name=name, country=country, is_demo=demo))
    return HostingEntity.objects.get_or_create(
        code=made.code, defaults={"name": name, "country": country, "is_demo": demo}
    )[0]


@transaction.atomic
def declare_factory(
    actor: Any, *, code: str, name: str, country: str, hosting_entity: str, stage: str = Stage.OPERATING, **more: Any
) -> Factory:
    """Make a factory and its hosting entity known. The same again changes nothing; KnownOtherwise where it differs."""
    require(actor, "declare capacity")
    said = {"name": name, "country": country, **more}
    known = Factory.objects.filter(code=code).first()
    if known is not None:
        refuse_otherwise(known, said)
        return known
    entity = hosting_entity_of(hosting_entity, country, demo=bool(more.get("is_demo")))
    factory = added(Factory(code=code, stage=stage, hosting_entity=entity, **said))
    record(actor, "register.declare_factory", factory)
    return factory


@transaction.atomic
def declare_site(
    actor: Any, *, code: str, name: str, country: str, city: str = "", hosting_entity: str = "", **more: Any
) -> Site:
    """Make a data centre known. The same again changes nothing; KnownOtherwise where it differs."""
    require(actor, "declare capacity")
    said = {"name": name, "country": country, "city": city, **more}
    known = Site.objects.filter(code=code).first()
    if known is not None:
        refuse_otherwise(known, said)
        return known
    entity = hosting_entity_of(hosting_entity, country, demo=bool(more.get("is_demo"))) if hosting_entity else None
    site = added(Site(code=code, hosting_entity=entity, **said))
    record(actor, "register.declare_site", site)
    return site


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
    """Make a system known at a site, for a factory. The same again changes nothing, for another factory adds that one.

    Errors: Invalid; KnownOtherwise where a known system differs.
    """
    require(actor, "declare capacity")
    said = {"name": name, "site": site, **more}
    system = System.objects.filter(code=code).first()
    if system is not None:
        refuse_otherwise(system, said)
        if system.factories.filter(pk=factory.pk).exists():
            return system
    else:
        more_of_it = {"country": site.country, "hosting_entity": factory.hosting_entity, "stage": stage}
        system = added(System(code=code, **said, **more_of_it))
    system.factories.add(factory)
    record(actor, "register.declare_system", system, factory=factory.code)
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
    """Make a partition known, with what its node- and core-hours are worth. The same again changes nothing.

    Errors: Invalid; KnownOtherwise where a known partition differs.
    """
    require(actor, "declare capacity")
    said = {
        "name": name,
        "kind": kind,
        "nodes": nodes,
        "accelerators_per_node": accelerators_per_node,
        "cores_per_node": cores_per_node,
        **more,
    }
    code = f"{system.code}/{slugify(name)}"
    known = Partition.objects.filter(code=code).first()
    if known is not None:
        refuse_otherwise(known, said)
        return known
    _check_partition(slugify(name), kind, nodes, accelerators_per_node, cores_per_node)
    partition = added(Partition(system=system, code=code, **said))
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


def _check_partition(slug: str, kind: str, nodes: int, accelerators_per_node: int, cores_per_node: int) -> None:
    faults = {}
    if not slug:
        faults["name"] = [_("Give a name with letters or digits.")]
    if nodes < 1:
        faults["nodes"] = [_("Give at least 1.")]
    if cores_per_node < 1:
        faults["cores_per_node"] = [_("Give at least 1.")]
    if accelerators_per_node < (1 if kind == PartitionKind.GPU else 0):
        faults["accelerators_per_node"] = [_("A GPU partition has at least one in each node.")]
    if faults:
        raise Invalid(_("This is no partition yet."), faults=faults)


@transaction.atomic
def declare_availability(
    actor: Any,
    partition: Partition,
    fraction: Decimal,
    valid_from: date,
    valid_until: date | None = None,
    *,
    ends_previous: bool = False,
    source: str = "operator",
) -> Availability:
    """Say which part of its time a partition is up, in [valid_from, valid_until). The same again changes nothing.

    ends_previous: what began before and holds without an end now ends on `valid_from`. The capacity that follows is
    another one from then on: declare it again. Errors: Invalid; PeriodInvalid where another holds in the same period.
    """
    require(actor, "declare capacity")
    if not 0 <= fraction <= 1:
        raise Invalid(
            _("Availability lies between 0 and 1."), faults={"fraction": [_("Give a number between 0 and 1.")]}
        )
    if valid_until is not None and valid_until <= valid_from:
        raise PeriodInvalid(
            _("An availability ends after it begins."), faults={"valid_until": [_("Choose a day after the first.")]}
        )
    row = Availability(
        partition=partition,
        fraction=fraction,
        valid_from=valid_from,
        valid_until=valid_until,
        source=source,
        confidence="high",
    )
    checked(row)
    same = partition.availabilities.filter(valid_from=valid_from, valid_until=valid_until, fraction=fraction).first()
    if same is not None:
        return same
    if ends_previous:
        partition.availabilities.filter(valid_from__lt=valid_from, valid_until__isnull=True).update(
            valid_until=valid_from
        )
    overlap = partition.availabilities.filter(Q(valid_until__isnull=True) | Q(valid_until__gt=valid_from))
    if valid_until is not None:
        overlap = overlap.filter(valid_from__lt=valid_until)
    if overlap.exists():
        raise PeriodInvalid(
            _("%(partition)s has an availability for part of this period already. End that one first.")
            % {"partition": partition.code},
            faults={"valid_from": [_("Another availability holds in this period.")]},
        )
    row.save()
    record(
        actor,
        "register.declare_availability",
        partition,
        fraction=str(fraction),
        valid_from=str(valid_from),
        valid_until=str(valid_until) if valid_until else None,
        ends_previous=ends_previous,
    )
    return row


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
