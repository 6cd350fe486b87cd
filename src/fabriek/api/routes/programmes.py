"""Programmes, shares and promises: what was promised, and whether it is kept."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from django.http import Http404, HttpRequest
from ninja import Field, Query, Router, Schema

from fabriek.api.authentication import Scope, actor_of
from fabriek.api.paging import PageOf, Paging, page_of
from fabriek.people.models import OrganisationClass, Person
from fabriek.people.permissions import require
from fabriek.programmes import actions, moving, queries
from fabriek.programmes.models import Pillar, Programme, Promise, Reallocation
from fabriek.promises.queries import measured_promise, measured_promises
from fabriek.promises.words import as_row, number_rows, promised_rows
from fabriek.register.models import Partition, System

router = Router(tags=["programmes"])


class Step(Schema):
    title: str = Field(max_length=80, description="a desk or function")
    role: str = Field(description="officer, board or administrator")


class ProgrammeRow(Schema):
    code: str
    name: str
    kind: str
    country: str
    parent: str | None
    overbooking: float
    former_names: list[str]
    sign_off: list[Step] = Field(description="who gives initials to a proposal before it is published, in turn")


class Programmes(PageOf):
    items: list[ProgrammeRow]


class Promises(PageOf):
    items: list[dict[str, Any]]


class StationSeconds(Schema):
    share: int
    decided: int
    queued: int
    used: int


class NumberRow(Schema):
    programme: str
    system: str
    organisation_class: str | None = Field(alias="class", serialization_alias="class")
    country: str | None
    commercial: bool
    share: float
    decided: float
    queued: float
    used: float
    seconds: StationSeconds


class OnSystem(Schema):
    system: str
    required: float
    required_of_use: float
    share: float
    decided: float
    queued: float
    used: float
    holds: bool
    holds_at: dict[str, bool]
    use_judged: bool = Field(description="false: too little was used to tell; `holds` rests on what was decided")


class Miss(Schema):
    what: str = Field(description="share, decided or used")
    system: str | None
    reached: float
    required: float


class PromiseSeconds(StationSeconds):
    required: int


class PromisedSeconds(Schema):
    whole: int
    promised: int


class PromisedRow(Schema):
    system: str | None = Field(description="null: of all systems together")
    whole: float = Field(description="GPU-hours that it is a part of, or that are given so many times")
    times: float = Field(description="the fraction; the months of a baseline; the overbooking of a share")
    promised: float
    seconds: PromisedSeconds


class PromiseDetail(Schema):
    id: str
    name: str
    kind: str
    programme: str | None
    organisation_class: str | None = Field(alias="class", serialization_alias="class")
    country: str | None
    commercial: bool
    fraction: float | None
    of: str | None
    system: str | None
    valid_from: date | None = Field(None, description="null: the share of a programme, which nobody promised")
    valid_until: date | None = None
    legal_basis: str = ""
    source: str = ""
    required: float = Field(description="GPU-hours, of what was decided; of what was used in `required_of_use`")
    required_of_use: float
    share: float
    decided: float
    queued: float
    used: float
    seconds: PromiseSeconds
    holds: bool
    holds_at: dict[str, bool]
    use_judged: bool = Field(description="false: too little was used to tell; `holds` rests on what was decided")
    systems: list[OnSystem]
    misses: list[Miss]
    promised: list[PromisedRow] = Field(description="how what is required of what was decided comes about")
    numbers: list[NumberRow] = Field(description="each programme on each system by kind of project")
    demo: bool


class ProgrammeIn(Schema):
    code: str = Field(pattern="^[a-z0-9]+(-[a-z0-9]+)*$", max_length=80)
    name: str = Field(min_length=1, max_length=200)
    kind: Literal["union", "national"] = "national"
    country: str = Field("", pattern="^([A-Z]{2})?$")
    parent: str | None = None
    pillar: str | None = None
    overbooking: Decimal = Field(Decimal(1), ge=1, lt=10, decimal_places=3)
    decides: str = Field("", max_length=200)
    legal_basis: str = Field("", max_length=300)


class PromiseIn(Schema):
    code: str = Field(pattern="^[a-z0-9]+(-[a-z0-9]+)*$", max_length=80)
    name: str = Field(min_length=1, max_length=200)
    kind: Literal["floor", "cap", "baseline"]
    programme: str | None = Field(None, description="whose hours are measured; null: all")
    organisation_class: OrganisationClass | Literal[""] = ""
    country: str = Field("", pattern="^([A-Z]{2})?$")
    commercial: bool = False
    fraction: Decimal | None = Field(None, ge=0, le=1, decimal_places=6)
    of: Literal["awarded", "capacity"] = "capacity"
    base: str | None = Field(None, description="the programme that the fraction is of; null: the same")
    accelerator_seconds_a_month: int | None = Field(None, ge=1, le=10**15)
    system: str | None = Field(None, description="null: every system, each")
    rank: int = Field(1, ge=1, le=1_000)
    valid_from: date
    valid_until: date | None = None
    legal_basis: str = Field("", max_length=300)
    source: str = Field("", max_length=200)


class ShareLine(Schema):
    programme: str
    month: date
    fraction: Decimal | None
    share: int
    awarded: int
    used: int
    free: int


class SharesIn(Schema):
    months: list[date] = Field(min_length=1, max_length=60)
    fractions: dict[str, Decimal]
    why: str = Field("", max_length=2000)


class CapacityIn(Schema):
    months: list[date] = Field(min_length=1, max_length=60)


class ReallocationIn(Schema):
    month: date
    from_programme: str
    to_programme: str
    accelerator_seconds: int = Field(gt=0, le=10**15)
    why: str = Field(min_length=1, max_length=2000)
    kind: str = Field("reallocation", pattern="^(reallocation|transfer)$")


class RenameIn(Schema):
    name: str = Field(min_length=1, max_length=200)
    why: str = Field(min_length=1, max_length=1000)


class EndIn(Schema):
    valid_until: date = Field(description="the first day on which it no longer holds; today at the earliest")
    why: str = Field(min_length=1, max_length=1000)


class UndoIn(Schema):
    why: str = Field(min_length=1, max_length=1000)


class ReallocationRow(Schema):
    code: str
    kind: str
    partition: str
    month: date
    from_programme: str
    to_programme: str
    accelerator_seconds: int
    core_seconds: int
    why: str
    made_by: str
    made_at: datetime
    undoes: str | None
    undone_by: str | None


class Reallocations(PageOf):
    items: list[ReallocationRow]


class Made(Schema):
    code: str


def partition_of(system: str, partition: str) -> Partition:
    """The partition of an address. Errors: Http404."""
    found = Partition.objects.filter(code=f"{system}/{partition}").first()
    if found is None:
        raise Http404
    return found


def one_of(kind: Any, code: str | None) -> Any:
    """The row of this code, or None where none is named. Errors: Http404."""
    if not code:
        return None
    found = kind.objects.filter(code=code).first()
    if found is None:
        raise Http404
    return found


def officer_of(request: HttpRequest) -> Person:
    """The token's person, who may establish shares. Errors: NotAllowed."""
    actor = actor_of(request)
    require(actor, "establish shares")
    return actor


def programme_row(programme: Programme) -> dict[str, Any]:
    """A programme and the one that it is part of."""
    return {
        **{name: getattr(programme, name) for name in ("code", "name", "kind", "country")},
        "parent": programme.parent.code if programme.parent else None,
        "overbooking": float(programme.overbooking),
        "former_names": [former.name for former in programme.former_names.all()],
        "sign_off": programme.sign_off,
    }


@router.get("/programmes", response=Programmes, summary="Programmes")
def programmes(request: HttpRequest, paging: Query[Paging]) -> dict[str, Any]:
    """The whole tree, parents by code."""
    found = Programme.objects.select_related("parent").prefetch_related("former_names").order_by("code")
    return page_of(found, paging, programme_row)


@router.post(
    "/programmes", response=ProgrammeRow, auth=Scope("decide", "establish shares"), summary="Establish a programme"
)
def establish_programme(request: HttpRequest, body: ProgrammeIn) -> dict[str, Any]:
    """At the root, or as a part of one that holds no shares itself. The same again changes nothing."""
    actor = officer_of(request)
    said = body.dict() | {"parent": one_of(Programme, body.parent), "pillar": one_of(Pillar, body.pillar)}
    return programme_row(actions.establish_programme(actor, **said))


@router.post(
    "/programmes/{code}/name",
    response=ProgrammeRow,
    auth=Scope("decide", "establish shares"),
    summary="Rename a programme",
)
def rename_programme(request: HttpRequest, code: str, body: RenameIn) -> dict[str, Any]:
    """Its code, shares and promises stay. The same again changes nothing."""
    actor = officer_of(request)
    return programme_row(actions.rename_programme(actor, one_of(Programme, code), body.name, body.why))


@router.get("/promises", response=Promises, summary="Promises, measured")
def promises(request: HttpRequest, paging: Query[Paging], on: date | None = None) -> dict[str, Any]:
    """Every promise that is valid on a day (default: today), at the three moments, in GPU-hours and exact seconds."""
    return page_of(measured_promises(on), paging, as_row)


@router.get("/promises/{code}", response=PromiseDetail, by_alias=True, summary="A promise with its numbers")
def promise_detail(request: HttpRequest, code: str) -> dict[str, Any]:
    """One that ended, or has yet to begin, is measured over the months that began while it held."""
    found = measured_promise(code)
    if found is None:
        raise Http404
    one, made = found
    terms = ("valid_from", "valid_until", "legal_basis", "source")
    said = {name: getattr(made, name) for name in terms} if made else {}
    return {**as_row(one), **said, "promised": promised_rows(one), "numbers": number_rows(one)}


@router.post("/promises", response=Made, auth=Scope("decide", "establish shares"), summary="Make a promise")
def promise(request: HttpRequest, body: PromiseIn) -> dict[str, str]:
    """A floor, a cap or a baseline, measured from now on. The same again changes nothing."""
    actor = officer_of(request)
    named = {
        "programme": one_of(Programme, body.programme),
        "base": one_of(Programme, body.base),
        "system": one_of(System, body.system),
    }
    return {"code": actions.make_promise(actor, **body.dict() | named).code}


@router.post("/promises/{code}/end", response=Made, auth=Scope("decide", "establish shares"), summary="End a promise")
def end_promise(request: HttpRequest, code: str, body: EndIn) -> dict[str, str]:
    """What was decided under it stays as it was decided."""
    actor = officer_of(request)
    return {"code": actions.end_promise(actor, one_of(Promise, code), body.valid_until, body.why).code}


@router.get(
    "/shares/{system}/{partition}",
    response=list[ShareLine],
    auth=Scope("read", "read ledger"),
    summary="The table of shares",
)
def shares(request: HttpRequest, system: str, partition: str) -> list[dict[str, Any]]:
    """Seconds of each programme and month: the share, and what is awarded, used and free of it."""
    found = partition_of(system, partition)
    return [
        {
            "programme": row.programme.code,
            "month": row.month,
            "fraction": row.fraction,
            "share": row.share,
            "awarded": row.awarded,
            "used": row.used,
            "free": row.free,
        }
        for row in queries.share_table(found, queries.months_with_shares())
    ]


@router.put(
    "/shares/{system}/{partition}",
    response=list[ShareLine],
    auth=Scope("decide", "establish shares"),
    summary="Establish shares",
)
def establish(request: HttpRequest, system: str, partition: str, body: SharesIn) -> list[dict[str, Any]]:
    """A table that doesn't add up to one is refused with the row that is off."""
    months = [month.replace(day=1) for month in body.months]
    actions.establish_shares(actor_of(request), partition_of(system, partition), months, body.fractions, body.why)
    return shares(request, system, partition)


@router.post(
    "/capacity/{system}/{partition}",
    response=dict[str, int],
    auth=Scope("operate", "declare capacity"),
    summary="Declare capacity",
)
def declare(request: HttpRequest, system: str, partition: str, body: CapacityIn) -> dict[str, int]:
    """Puts the derived capacity of these months on the ledger."""
    months = [month.replace(day=1) for month in body.months]
    changed = actions.declare_capacity(actor_of(request), partition_of(system, partition), months)
    return {"accelerator_seconds": changed}


@router.post(
    "/reallocations/{system}/{partition}",
    response=Made,
    auth=Scope("decide", "reallocate"),
    summary="Reallocate, transfer",
)
def reallocate(request: HttpRequest, system: str, partition: str, body: ReallocationIn) -> dict[str, str]:
    """One balanced transaction."""
    programme = {p.code: p for p in Programme.objects.filter(code__in=[body.from_programme, body.to_programme])}
    if len({body.from_programme, body.to_programme} - programme.keys()):
        raise Http404
    made = moving.reallocate(
        actor_of(request),
        partition_of(system, partition),
        body.month.replace(day=1),
        programme[body.from_programme],
        programme[body.to_programme],
        body.accelerator_seconds,
        body.why,
        body.kind,
    )
    return {"code": made.code}


def reallocation_row(moved: Reallocation) -> dict[str, Any]:
    """Hours moved between two programmes, and whether they were moved back."""
    names = ("code", "kind", "month", "accelerator_seconds", "core_seconds", "why", "made_at")
    undone = getattr(moved, "undone_by", None)
    return {
        **{name: getattr(moved, name) for name in names},
        "partition": moved.partition.code,
        "from_programme": moved.from_programme.code,
        "to_programme": moved.to_programme.code,
        "made_by": moved.made_by.name,
        "undoes": moved.undoes.code if moved.undoes else None,
        "undone_by": undone.code if undone else None,
    }


@router.get(
    "/reallocations",
    response=Reallocations,
    auth=Scope("read", "read ledger"),
    summary="Hours moved between programmes",
)
def reallocations(request: HttpRequest, paging: Query[Paging]) -> dict[str, Any]:
    """Newest first, those that were undone and what undid them too."""
    return page_of(queries.reallocations(), paging, reallocation_row)


@router.post(
    "/reallocations/{system}/{partition}/{code}/undo",
    response=ReallocationRow,
    auth=Scope("decide", "reallocate"),
    summary="Move hours back",
)
def undo(request: HttpRequest, system: str, partition: str, code: str, body: UndoIn) -> dict[str, Any]:
    """By the balanced opposite; both stay on record."""
    actor = actor_of(request)
    moved = Reallocation.objects.filter(partition=partition_of(system, partition), code=code).first()
    if moved is None:
        raise Http404
    return reallocation_row(moving.undo_reallocation(actor, moved, body.why))
