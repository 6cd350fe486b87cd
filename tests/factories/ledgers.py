"""Ledgers for tests of sums over them: accounts and entries of any station, made without asking what may be awarded."""

from __future__ import annotations

from datetime import date

from fabriek.ledger.actions import Move, account, post
from fabriek.people.models import Organisation
from fabriek.programmes.models import Programme
from fabriek.projects.models import Allocation, Project
from fabriek.register.models import Partition


def make_bare_allocation(
    code: str,
    *,
    programme: Programme,
    partition: Partition,
    organisation: Organisation,
    month: date,
    country: str = "NL",
    organisation_class: str = "startup",
    commercial: bool = False,
) -> Allocation:
    """An allocation of one month without hours. country, organisation_class: '' where it isn't known."""
    ends = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    project = Project.objects.create(
        code=code,
        title=code,
        programme=programme,
        organisation=organisation,
        organisation_class=organisation_class,
        country=country,
        commercial=commercial,
        starts=month,
        ends=ends,
    )
    return Allocation.objects.create(code=f"{code}.1", project=project, partition=partition, starts=month, ends=ends)


def move_hours(
    key: str, *, partition: str, month: date, programme: str, allocation: str, source: str, target: str, seconds: int
) -> None:
    """Seconds from one station to another. `share` is the programme's; award, used and lapsed are the allocation's."""
    stations = [
        account(
            kind,
            unit="accelerator-seconds",
            partition=partition,
            month=month,
            programme=programme,
            allocation="" if kind == "share" else allocation,
            minimum=-(10**15),
        )
        for kind in (source, target)
    ]
    post(None, key=key, kind="adjustment", moves=[Move(*stations, seconds)])
