"""Programmes, shares and promises: what was promised, and whether it is kept."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django.http import Http404, HttpRequest
from ninja import Field, Router, Schema

from fabriek.api.authentication import Scope, actor_of
from fabriek.people.permissions import require
from fabriek.programmes import actions, queries
from fabriek.programmes.models import Programme
from fabriek.promises.queries import measured_promises
from fabriek.promises.words import as_row
from fabriek.register.models import Partition

router = Router(tags=["programmes"])


class ProgrammeRow(Schema):
    code: str
    name: str
    kind: str
    country: str
    parent: str | None
    overbooking: float


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


class Made(Schema):
    code: str


def partition_of(system: str, partition: str) -> Partition:
    """The partition of an address. Errors: Http404."""
    found = Partition.objects.filter(code=f"{system}/{partition}").first()
    if found is None:
        raise Http404
    return found


@router.get("/programmes", response=list[ProgrammeRow], summary="Programmes")
def programmes(request: HttpRequest) -> list[dict[str, Any]]:
    """The whole tree, parents by code."""
    return [
        {
            "code": p.code,
            "name": p.name,
            "kind": p.kind,
            "country": p.country,
            "parent": p.parent.code if p.parent else None,
            "overbooking": float(p.overbooking),
        }
        for p in Programme.objects.select_related("parent")
    ]


@router.get("/promises", response=list[dict[str, Any]], summary="Promises, measured")
def promises(request: HttpRequest, on: date | None = None) -> list[dict[str, Any]]:
    """Every promise that is valid on a day (default: today), at the three moments, in GPU-hours and exact seconds."""
    return [as_row(one) for one in measured_promises(on)]


@router.get("/shares/{system}/{partition}", response=list[ShareLine], auth=Scope("read"), summary="The table of shares")
def shares(request: HttpRequest, system: str, partition: str) -> list[dict[str, Any]]:
    """Seconds of each programme and month: the share, and what is awarded, used and free of it."""
    require(actor_of(request), "read ledger")
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


@router.put("/shares/{system}/{partition}", response=list[ShareLine], auth=Scope("decide"), summary="Establish shares")
def establish(request: HttpRequest, system: str, partition: str, body: SharesIn) -> list[dict[str, Any]]:
    """A table that doesn't add up to one is refused with the row that is off."""
    months = [month.replace(day=1) for month in body.months]
    actions.establish_shares(actor_of(request), partition_of(system, partition), months, body.fractions, body.why)
    return shares(request, system, partition)


@router.post(
    "/capacity/{system}/{partition}", response=dict[str, int], auth=Scope("operate"), summary="Declare capacity"
)
def declare(request: HttpRequest, system: str, partition: str, body: CapacityIn) -> dict[str, int]:
    """Puts the derived capacity of these months on the ledger."""
    months = [month.replace(day=1) for month in body.months]
    changed = actions.declare_capacity(actor_of(request), partition_of(system, partition), months)
    return {"accelerator_seconds": changed}


@router.post("/reallocations/{system}/{partition}", response=Made, auth=Scope("decide"), summary="Reallocate, transfer")
def reallocate(request: HttpRequest, system: str, partition: str, body: ReallocationIn) -> dict[str, str]:
    """One balanced transaction."""
    programme = {p.code: p for p in Programme.objects.filter(code__in=[body.from_programme, body.to_programme])}
    if len({body.from_programme, body.to_programme} - programme.keys()):
        raise Http404
    made = actions.reallocate(
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
