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
from fabriek.conf.amounts import number_text
from fabriek.conf.checking import added, checked, refuse_otherwise
from fabriek.conf.errors import Invalid
from fabriek.people.permissions import require
from fabriek.register.conversions import add_conversions
from fabriek.register.errors import PeriodInvalid
from fabriek.register.models import (
    Availability,
    Factory,
    HostingEntity,
    Link,
    Maintenance,
    Partition,
    PartitionKind,
    PartitionSize,
    Site,
    Stage,
    System,
    UnitConversion,
)
from fabriek.register.queries import most_nodes, nodes_of

MOST_NODES = 10_000_000
MOST_GIGABITS = 1_000_000
"""A petabit a second: more than any fibre between two sites carries."""


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
        add_conversions(
            partition,
            [
                UnitConversion(
                    partition=partition,
                    unit=unit,
                    numerator=numerator,
                    denominator=denominator,
                    valid_from=since,
                    source="declared by the operator",
                )
                for unit, numerator, denominator in (
                    ("gpu-hour", 1, 1),
                    ("node-hour", accelerators_per_node, 1),
                    ("core-hour", accelerators_per_node, cores_per_node),
                )
            ],
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
def resize_partition(
    actor: Any, partition: Partition, nodes: int, valid_from: date, why: str, *, source: str = "operator"
) -> PartitionSize:
    """From a day on a partition has this many nodes; 0: it is out of service. The same again changes nothing.

    Said otherwise of the same day: the new number holds, and both are on record. The capacity that follows is another
    one from that day on: declare it again. Errors: Invalid.
    """
    require(actor, "declare capacity")
    faults = {}
    if not 0 <= nodes <= MOST_NODES:
        faults["nodes"] = [_("Give 0 to %(most)s.") % {"most": number_text(MOST_NODES)}]
    if not why.strip():
        faults["why"] = [_("Say why.")]
    if faults:
        raise Invalid(_("This is no size yet."), faults=faults)
    known = partition.sizes.filter(valid_from=valid_from).first()
    if known is not None and known.nodes == nodes:
        return known
    before = nodes_of(partition, valid_from)
    if known is None and before == nodes:
        raise Invalid(
            _("%(partition)s has %(nodes)s nodes on that day already.") % {"partition": partition.code, "nodes": nodes},
            faults={"nodes": [_("Give another number.")]},
        )
    size = known or PartitionSize(partition=partition, valid_from=valid_from)
    size.nodes, size.why, size.source, size.confidence = nodes, why.strip()[:200], source, "high"
    checked(size).save()
    record(
        actor,
        "register.resize_partition",
        partition,
        why=size.why,
        nodes=nodes,
        before=before,
        valid_from=str(valid_from),
    )
    return size


@transaction.atomic
def declare_link(
    actor: Any,
    site: Site,
    other: Site,
    *,
    valid_from: date,
    gigabits_per_second: float | None = None,
    network: str = "",
    valid_until: date | None = None,
    ends_previous: bool = False,
    source: str = "operator",
    **more: Any,
) -> Link:
    """Make a network link between two sites known, either way, in [valid_from, valid_until). The same again: the same.

    ends_previous: the link of this network between the two that began before and holds without an end, ends on
    `valid_from`: it became faster or slower. Errors: Invalid; PeriodInvalid where another one of this network holds.
    """
    require(actor, "declare capacity")
    _check_link(site, other, gigabits_per_second, valid_from, valid_until)
    first, second = sorted((site, other), key=lambda one: one.code)
    facts = {} if gigabits_per_second is None else {"gigabits_per_second": {"source": source, "confidence": "high"}}
    link = Link(
        from_site=first,
        to_site=second,
        gigabits_per_second=gigabits_per_second,
        network=network.strip(),
        valid_from=valid_from,
        valid_until=valid_until,
        facts=facts,
        **more,
    )
    checked(link)
    of_network = Link.objects.filter(from_site=first, to_site=second, network=link.network)
    same = of_network.filter(
        valid_from=valid_from, valid_until=valid_until, gigabits_per_second=gigabits_per_second
    ).first()
    if same is not None:
        return same
    if ends_previous:
        of_network.filter(valid_until__isnull=True).exclude(valid_from__gte=valid_from).update(valid_until=valid_from)
    overlap = of_network.filter(Q(valid_until__isnull=True) | Q(valid_until__gt=valid_from))
    if valid_until is not None:
        overlap = overlap.filter(Q(valid_from__isnull=True) | Q(valid_from__lt=valid_until))
    if overlap.exists():
        raise PeriodInvalid(
            _("%(site)s and %(other)s have a link of this network in that period already. End that one first.")
            % {"site": first.name, "other": second.name},
            faults={"valid_from": [_("Another link of this network holds in this period.")]},
        )
    link.save()
    record(
        actor,
        "register.declare_link",
        first,
        other=second.code,
        network=link.network,
        gigabits_per_second=gigabits_per_second,
        valid_from=str(valid_from),
        valid_until=str(valid_until) if valid_until else None,
        ends_previous=ends_previous,
    )
    return link


def _check_link(site: Site, other: Site, speed: float | None, valid_from: date, valid_until: date | None) -> None:
    if site.pk == other.pk:
        raise Invalid(_("A link is between two sites."), faults={"other": [_("Choose another site.")]})
    # NaN is not above zero either.
    if speed is not None and not 0 < speed <= MOST_GIGABITS:
        raise Invalid(
            _("A link has a speed above zero, or none that is known."),
            faults={"gigabits_per_second": [_("Give more than 0 and at most %(most)s.") % {"most": MOST_GIGABITS}]},
        )
    if valid_until is not None and valid_until <= valid_from:
        raise PeriodInvalid(
            _("A link ends after it begins."), faults={"valid_until": [_("Choose a day after the first.")]}
        )


@transaction.atomic
def end_link(actor: Any, link: Link, valid_until: date, why: str = "") -> Link:
    """A link ends on a day: the first on which it no longer holds. The same again changes nothing.

    Errors: PeriodInvalid where it would end before it began, or has ended on another day.
    """
    require(actor, "declare capacity")
    link = Link.objects.select_for_update(of=("self",)).select_related("from_site", "to_site").get(pk=link.pk)
    if link.valid_until == valid_until:
        return link
    if link.valid_until is not None and link.valid_until <= date.today():
        raise PeriodInvalid(_("This link ended on %(day)s.") % {"day": link.valid_until})
    if link.valid_from is not None and valid_until <= link.valid_from:
        raise PeriodInvalid(
            _("A link ends after it begins."), faults={"valid_until": [_("Choose a day after the first.")]}
        )
    link.valid_until = valid_until
    link.save(update_fields=["valid_until"])
    record(
        actor,
        "register.end_link",
        link.from_site,
        why=why,
        other=link.to_site.code,
        network=link.network,
        valid_until=str(valid_until),
    )
    return link


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
    there = most_nodes(partition, start.date(), end.date())
    if nodes is not None and there is not None and not 1 <= nodes <= there:
        raise Invalid(
            _("%(partition)s has %(nodes)s nodes.") % {"partition": partition.code, "nodes": there},
            faults={"nodes": [_("Give at most %(nodes)s.") % {"nodes": there}]},
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
