"""What operators declare: factories, sites, systems, partitions, availability, clusters.

Saying the same again changes nothing; saying something else of what is known is refused (`known-otherwise`).
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from django.http import Http404, HttpRequest
from ninja import Field, Query, Schema

from fabriek.api.authentication import Scope, actor_of
from fabriek.api.paging import PageOf, Paging, page_of
from fabriek.api.routes.operations import ClusterOut, cluster_row
from fabriek.api.routes.operations import router as operations_router
from fabriek.api.routes.programmes import partition_of
from fabriek.api.routes.register import (
    ConversionOut,
    FactoryDetail,
    PartitionDetail,
    StageOut,
    SystemDetail,
    factory,
    partition_detail,
    router,
    system,
)
from fabriek.operations.actions import choose_about_drift, register_cluster
from fabriek.operations.models import Cluster
from fabriek.operations.speeds import Measured, Pair, measured_speeds, pair
from fabriek.people.models import Person
from fabriek.people.permissions import require
from fabriek.register import actions
from fabriek.register.conversions import declare_conversion
from fabriek.register.legal import declare_statement
from fabriek.register.models import (
    Availability,
    Confidence,
    Factory,
    HourPrice,
    LegalSubject,
    Link,
    Partition,
    PartitionKind,
    PartitionSize,
    Site,
    Stage,
    StageChange,
    System,
    UnitConversion,
)
from fabriek.register.prices import declare_price
from fabriek.register.queries import links_for_list, links_on
from fabriek.register.stages import change_stage

Code = Annotated[str, Field(pattern="^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Country = Annotated[str, Field(pattern="^[A-Z]{2}$")]
Number = Annotated[int, Field(ge=0, le=10_000_000)]


class FactoryIn(Schema):
    code: Code
    name: Name
    country: Country
    hosting_entity: Name
    stage: Stage = Stage.OPERATING


class SiteIn(Schema):
    code: Code
    name: Name
    country: Country
    city: str = Field("", max_length=100)
    hosting_entity: str = Field("", max_length=200)
    latitude: float | None = Field(None, ge=-90, le=90)
    longitude: float | None = Field(None, ge=-180, le=180)


class SiteOut(Schema):
    code: str
    name: str
    country: str
    city: str
    hosting_entity: str | None
    latitude: float | None
    longitude: float | None


class Sites(PageOf):
    items: list[SiteOut]


class SystemIn(Schema):
    code: Code
    name: Name
    site: str
    factory: str
    stage: Stage = Stage.OPERATING


class PartitionIn(Schema):
    name: str = Field(min_length=1, max_length=80, description="its code is system/name")
    kind: PartitionKind = PartitionKind.GPU
    nodes: Number
    accelerators_per_node: Number
    cores_per_node: Number
    accelerator_model: str = Field("", max_length=200)


class AvailabilityIn(Schema):
    fraction: Decimal = Field(ge=0, le=1, decimal_places=5)
    valid_from: date
    valid_until: date | None = None
    ends_previous: bool = Field(False, description="what holds without an end now ends on valid_from")


class AvailabilityOut(Schema):
    fraction: Decimal
    valid_from: date
    valid_until: date | None
    source: str


class SizeIn(Schema):
    nodes: int = Field(ge=0, le=10_000_000, description="all of them together; 0: out of service")
    valid_from: date
    why: str = Field(min_length=1, max_length=200)


class SizeOut(Schema):
    nodes: int
    valid_from: date
    why: str
    source: str


class ConversionIn(Schema):
    unit: Literal["node-hour", "gcd-hour", "sbu", "core-hour"]
    numerator: int = Field(ge=1, le=10**9)
    denominator: int = Field(1, ge=1, le=10**9, description="a unit is worth numerator / denominator GPU-hours")
    valid_from: date
    valid_until: date | None = None
    ends_previous: bool = Field(False, description="what holds without an end now ends on valid_from")
    source: str = Field("operator", min_length=1, max_length=200)
    confidence: Confidence = Confidence.HIGH


class PriceIn(Schema):
    euro: Decimal = Field(
        gt=0, lt=100_000, decimal_places=4, description="an hour of a GPU; of a core where it has none"
    )
    valid_from: date
    valid_until: date | None = None
    ends_previous: bool = Field(False, description="what holds without an end now ends on valid_from")
    source: str = Field(min_length=1, max_length=200)
    confidence: Confidence = Confidence.HIGH


class PriceOut(Schema):
    euro: Decimal
    valid_from: date
    valid_until: date | None = Field(description="the first day on which it no longer holds")
    source: str
    confidence: str


class StageIn(Schema):
    stage: Stage
    on: str = Field(max_length=10, description="YYYY, YYYY-MM or YYYY-MM-DD, as exact as it is known; not to come")
    text: str = Field("", max_length=200)
    source: str = Field("operator", min_length=1, max_length=200)
    confidence: Confidence = Confidence.HIGH


class StatementIn(Schema):
    subject: LegalSubject
    text: str = Field(min_length=1, max_length=2_000, description="in the words of its source")
    basis: str = Field("", max_length=200, description="the act and its article")
    valid_from: date | None = Field(None, description="null: always")
    valid_until: date | None = Field(None, description="the first day on which it no longer holds")
    source: str = Field(min_length=1, max_length=200)
    confidence: Confidence = Confidence.HIGH


class LinkIn(Schema):
    site: str
    other: str
    network: str = Field("", max_length=100)
    gigabits_per_second: float | None = Field(None, gt=0, le=1_000_000, description="null: not known")
    valid_from: date
    valid_until: date | None = None
    ends_previous: bool = Field(False, description="this network's link that holds without an end ends on valid_from")
    source: str = Field("operator", min_length=1, max_length=200)


class MeasuredLinkOut(Schema):
    gigabits_per_second: float = Field(description="the median of the last ones")
    transfers: int
    first: datetime
    last: datetime


class LinkOut(Schema):
    number: int
    site: str
    other: str
    network: str
    gigabits_per_second: float | None
    valid_from: date | None
    valid_until: date | None
    source: str | None
    measured: MeasuredLinkOut | None = Field(description="by finished transfers, either way; null: by none")


class Links(PageOf):
    items: list[LinkOut]


class LinkEnd(Schema):
    valid_until: date
    why: str = Field("", max_length=1000)


class ClusterIn(Schema):
    code: Code
    site: str
    engine: str = Field(pattern="^(local|slurm|log)$")
    partitions: dict[str, str] = Field(description="the scheduler's name -> system/partition", max_length=100)
    on_drift: str = Field(default="", pattern="^(|ask|correct)$", description="what becomes of changes by hand")


class ByHandIn(Schema):
    account: str = Field(max_length=80)
    partition: str = Field(max_length=80, description="its name in the scheduler")
    choice: str = Field(pattern="^(correct|accept)$")
    why: str = Field(default="", max_length=500)


def operator_of(request: HttpRequest, permission: str = "declare capacity") -> Person:
    """The token's person, who may do this. Errors: NotAllowed."""
    actor = actor_of(request)
    require(actor, permission)
    return actor


def one_of(kind: Any, code: str) -> Any:
    """The row of this code. Errors: Http404."""
    found = kind.objects.filter(code=code).first()
    if found is None:
        raise Http404
    return found


@router.post(
    "/factories", response=FactoryDetail, auth=Scope("operate", "declare capacity"), summary="Declare a factory"
)
def declare_factory(request: HttpRequest, body: FactoryIn) -> dict[str, Any]:
    """With its hosting entity, which is made known too."""
    made = actions.declare_factory(operator_of(request), **body.dict())
    return factory(request, made.code)


def site_row(site: Site) -> dict[str, Any]:
    """A data centre."""
    names = ("code", "name", "country", "city", "latitude", "longitude")
    entity = site.hosting_entity.name if site.hosting_entity else None
    return {**{name: getattr(site, name) for name in names}, "hosting_entity": entity}


@router.get("/sites", response=Sites, summary="Sites")
def sites(request: HttpRequest, paging: Query[Paging]) -> dict[str, Any]:
    """Data centres, by name."""
    return page_of(Site.objects.select_related("hosting_entity").order_by("name", "pk"), paging, site_row)


@router.post("/sites", response=SiteOut, auth=Scope("operate", "declare capacity"), summary="Declare a site")
def declare_site(request: HttpRequest, body: SiteIn) -> dict[str, Any]:
    """A data centre: a place on the map."""
    return site_row(actions.declare_site(operator_of(request), **body.dict(exclude_none=True)))


@router.post("/systems", response=SystemDetail, auth=Scope("operate", "declare capacity"), summary="Declare a system")
def declare_system(request: HttpRequest, body: SystemIn) -> dict[str, Any]:
    """A supercomputer at a site, for a factory; said again for another factory, it serves both."""
    actor, said = operator_of(request), body.dict()
    said |= {"site": one_of(Site, body.site), "factory": one_of(Factory, body.factory)}
    return system(request, actions.declare_system(actor, **said).code)


@router.post(
    "/systems/{code}/partitions",
    response=PartitionDetail,
    auth=Scope("operate", "declare capacity"),
    summary="Declare a partition",
)
def declare_partition(request: HttpRequest, code: str, body: PartitionIn) -> dict[str, Any]:
    """A homogeneous part of a system, with what its node- and core-hours are worth."""
    return partition_detail(actions.declare_partition(operator_of(request), one_of(System, code), **body.dict()))


@router.get(
    "/partitions/{system}/{partition}/availability",
    response=list[AvailabilityOut],
    summary="Availability by period",
)
def availability(request: HttpRequest, system: str, partition: str) -> list[Availability]:
    """By period: [valid_from, valid_until)."""
    return list(partition_of(system, partition).availabilities.all())


@router.post(
    "/partitions/{system}/{partition}/availability",
    response=AvailabilityOut,
    auth=Scope("operate", "declare capacity"),
    summary="Declare availability",
)
def declare_availability(request: HttpRequest, system: str, partition: str, body: AvailabilityIn) -> Availability:
    """The part of its time that a partition is up. Declare its capacity again afterwards."""
    return actions.declare_availability(operator_of(request), partition_of(system, partition), **body.dict())


@router.get("/partitions/{system}/{partition}/sizes", response=list[SizeOut], summary="When it grew or shrank")
def sizes(request: HttpRequest, system: str, partition: str) -> list[PartitionSize]:
    """By day; before the first of them the partition has the nodes that it was declared with."""
    return list(partition_of(system, partition).sizes.all())


@router.post(
    "/partitions/{system}/{partition}/sizes",
    response=SizeOut,
    auth=Scope("operate", "declare capacity"),
    summary="A partition grows or shrinks",
)
def resize(request: HttpRequest, system: str, partition: str, body: SizeIn) -> PartitionSize:
    """From a day on it has this many nodes. Declare its capacity again afterwards."""
    return actions.resize_partition(operator_of(request), partition_of(system, partition), **body.dict())


@router.post(
    "/partitions/{system}/{partition}/conversions",
    response=ConversionOut,
    auth=Scope("operate", "declare capacity"),
    summary="What a unit is worth",
)
def convert(request: HttpRequest, system: str, partition: str, body: ConversionIn) -> UnitConversion:
    """In GPU-hours, for a period. Never two worths of one unit on one day; open calls keep their limits."""
    return declare_conversion(operator_of(request), partition_of(system, partition), **body.dict())


@router.get("/partitions/{system}/{partition}/prices", response=list[PriceOut], summary="What an hour costs")
def prices(request: HttpRequest, system: str, partition: str) -> list[HourPrice]:
    """On the market, by period: what free use by a firm is worth follows from it."""
    return list(partition_of(system, partition).prices.all())


@router.post(
    "/partitions/{system}/{partition}/prices",
    response=PriceOut,
    auth=Scope("operate", "declare capacity"),
    summary="Declare what an hour costs",
)
def price(request: HttpRequest, system: str, partition: str, body: PriceIn) -> HourPrice:
    """In euros, for a period. Never two prices on one day."""
    return declare_price(operator_of(request), partition_of(system, partition), **body.dict())


@router.post(
    "/factories/{code}/stages",
    response=StageOut,
    auth=Scope("operate", "declare capacity"),
    summary="A factory entered a stage",
)
def factory_stage(request: HttpRequest, code: str, body: StageIn) -> StageChange:
    """On a day, as exactly as it is known. The one entered last is the one that it is in."""
    actor = operator_of(request)
    return change_stage(actor, one_of(Factory, code), **body.dict())


@router.post(
    "/factories/{code}/legal",
    response=FactoryDetail,
    auth=Scope("operate", "declare capacity"),
    summary="Say what a factory is in law",
)
def factory_statement(request: HttpRequest, code: str, body: StatementIn) -> dict[str, Any]:
    """On one subject. Of the same subject and first day again: it takes the place of what was told before."""
    declare_statement(operator_of(request), one_of(Factory, code), **body.dict())
    return factory(request, code)


@router.post(
    "/systems/{code}/stages",
    response=StageOut,
    auth=Scope("operate", "declare capacity"),
    summary="A system entered a stage",
)
def system_stage(request: HttpRequest, code: str, body: StageIn) -> StageChange:
    """On a day, as exactly as it is known. The one entered last is the one that it is in."""
    actor = operator_of(request)
    return change_stage(actor, one_of(System, code), **body.dict())


def link_row(link: Link, speeds: dict[Pair, Measured] | None = None) -> dict[str, Any]:
    """A link between two sites, by their codes. speeds: where they are known already, for a list."""
    between = pair(link.from_site_id, link.to_site_id)
    found = (measured_speeds([between]) if speeds is None else speeds).get(between)
    names = ("network", "gigabits_per_second", "valid_from", "valid_until")
    return {
        "number": link.pk,
        "site": link.from_site.code,
        "other": link.to_site.code,
        "source": link.facts.get("gigabits_per_second", {}).get("source"),
        "measured": found
        and {
            "gigabits_per_second": found.gigabits_per_second,
            "transfers": found.number,
            "first": found.first,
            "last": found.last,
        },
        **{name: getattr(link, name) for name in names},
    }


@router.get("/links", response=Links, summary="Links between sites")
def links(request: HttpRequest, paging: Query[Paging], on: date | None = None, ended: bool = False) -> dict[str, Any]:
    """Those that hold on a day (default: today), or every one that was declared."""
    speeds = measured_speeds()
    return page_of(links_for_list() if ended else links_on(on), paging, lambda link: link_row(link, speeds))


@router.post("/links", response=LinkOut, auth=Scope("operate", "declare capacity"), summary="Declare a link")
def declare_link(request: HttpRequest, body: LinkIn) -> dict[str, Any]:
    """Between two sites, either way. The same again changes nothing."""
    actor, said = operator_of(request), body.dict()
    site, other = one_of(Site, said.pop("site")), one_of(Site, said.pop("other"))
    return link_row(actions.declare_link(actor, site, other, **said))


@router.post("/links/{number}/end", response=LinkOut, auth=Scope("operate", "declare capacity"), summary="End a link")
def end_link(request: HttpRequest, number: int, body: LinkEnd) -> dict[str, Any]:
    """On the first day on which it no longer holds."""
    actor = operator_of(request)
    found = Link.objects.filter(pk=number).first() if 0 < number < 2**63 else None
    if found is None:
        raise Http404
    return link_row(actions.end_link(actor, found, body.valid_until, body.why))


@operations_router.post(
    "/clusters", response=ClusterOut, auth=Scope("operate", "manage clusters"), summary="Register a cluster"
)
def register(request: HttpRequest, body: ClusterIn) -> dict[str, Any]:
    """A scheduler, and which partition each of its partition names stands for. Then make its agent's token."""
    actor = operator_of(request, "manage clusters")
    there = {
        partition.code: partition
        for partition in Partition.objects.filter(code__in=body.partitions.values()).select_related("system__site")
    }
    if missing := set(body.partitions.values()) - there.keys():
        raise Http404(", ".join(sorted(missing)))
    made = register_cluster(
        actor,
        code=body.code,
        site=one_of(Site, body.site),
        engine=body.engine,
        partitions={name: there[code] for name, code in body.partitions.items()},
        on_drift=body.on_drift,
    )
    return cluster_row(made)


@operations_router.post(
    "/clusters/{code}/by-hand",
    response=ClusterOut,
    auth=Scope("operate", "manage clusters"),
    summary="Choose about a change by hand",
)
def by_hand(request: HttpRequest, code: str, body: ByHandIn) -> dict[str, Any]:
    """`correct`: the agent changes it back in its next round. `accept`, with the reason: it stays, until another award
    is made."""
    actor = operator_of(request, "manage clusters")
    found = one_of(Cluster, code)
    choose_about_drift(actor, found, **body.dict())
    return cluster_row(found)
