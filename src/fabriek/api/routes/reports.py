"""Reports that the law demands, out of the ledger."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from fabriek.api.authentication import Scope
from fabriek.ledger.models import Unit
from fabriek.reports.access_time import access_time
from fabriek.reports.free_use import free_use
from fabriek.reports.hosting import hosting_report
from fabriek.reports.periods import period_of
from fabriek.reports.words import access_time_of, free_use_of, hosting_of

router = Router(tags=["reports"])

UnitName = Literal["accelerator-seconds", "core-seconds"]


class Months(Schema):
    """A year, or from one month to another; neither: the last whole year and the year so far."""

    year: int | None = Field(None, description="a whole year")
    first_month: date | None = Field(None, description="any day of the first month")
    last_month: date | None = Field(None, description="any day of the last month")


class AccessTimeAsked(Months):
    system: str = Field("", description="one system; else all of them")
    unit: UnitName = Field("accelerator-seconds", description="what is counted")


class AmountSeconds(Schema):
    granted: int
    granted_union: int
    used: int
    used_union: int


class AmountsOut(Schema):
    granted: float = Field(description="hours awarded and not given back, used or not")
    granted_union: float = Field(description="of it out of the Union's shares")
    used: float
    used_union: float
    seconds: AmountSeconds


class AccessTimeRow(AmountsOut):
    system: str | None
    country: str | None = Field(description="of the organisation, when it was awarded; null: not known")
    category: str | None = Field(description="the organisation's class, or paid: commercial use; null: not known")


class AccessTimeOut(Schema):
    since: date
    until: date = Field(description="first day after the last month")
    system: str | None
    unit: str
    rows: list[AccessTimeRow]
    total: AmountsOut
    how: dict[str, str] = Field(description="how each figure is counted")


@router.get(
    "/reports/access-time",
    response=AccessTimeOut,
    auth=Scope("read", "read reports"),
    summary="Access time per state and category",
)
def access_time_report(request: HttpRequest, asked: Query[AccessTimeAsked]) -> dict[str, Any]:
    """Granted and used, per state, user category and system: Regulation (EU) 2021/1173, Article 17(11)."""
    period = period_of(date.today(), year=asked.year, first_month=asked.first_month, last_month=asked.last_month)
    return access_time_of(access_time(period, asked.unit, system=asked.system), period, asked.unit, asked.system)


class FreeUseSeconds(Schema):
    accelerator: int
    core: int = Field(description="on partitions without accelerators")
    unpriced: int = Field(description="of both those for which no price is declared")


class FreeUseSum(Schema):
    euro: float
    national_euro: float = Field(description="of it out of national shares")
    gpu_hours: float
    core_hours: float
    unpriced_hours: float
    seconds: FreeUseSeconds


class FreeUseRow(FreeUseSum):
    organisation: str
    name: str
    country: str


class FreeUseOut(Schema):
    since: date
    until: date = Field(description="first day after the last month")
    rows: list[FreeUseRow]
    total: FreeUseSum
    how: dict[str, str] = Field(description="how each figure is counted")


@router.get(
    "/reports/free-use",
    response=FreeUseOut,
    auth=Scope("read", "read reports"),
    summary="What firms used for free",
)
def free_use_report(request: HttpRequest, asked: Query[Months]) -> dict[str, Any]:
    """Firm by firm, with its worth by declared prices: free use by a firm can be state aid."""
    period = period_of(date.today(), year=asked.year, first_month=asked.first_month, last_month=asked.last_month)
    return free_use_of(free_use(period), period)


@router.get(
    "/reports/hosting/{system}",
    response=dict[str, Any],
    auth=Scope("read", "read reports"),
    summary="The hosting entity's yearly report",
)
def hosting(request: HttpRequest, system: str, year: int, unit: UnitName | None = None) -> dict[str, Any]:
    """Capacity, shares, awards, use, promises and controls of a system's year (Article 10, due 31 January).

    Without a unit accelerators are counted, or cores on a system that has none.
    """
    return hosting_of(hosting_report(system, year, date.today(), Unit(unit) if unit else ""))
