"""How fast data moves between two sites: measured by finished transfers, else declared, else not known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Literal

from django.db.models import F
from django.utils import timezone

from fabriek.operations.models import Transfer, TransferState
from fabriek.register.models import Link
from fabriek.register.queries import links_on

LEAST_SECONDS = 5.0
"""A shorter copying measures the handshake more than the link."""
LEAST_WHOLE = 0.9
"""Of one that went on from an earlier try, most wasn't sent: it measures nothing."""
LAST = 15
DAYS = 365
MOST_ROWS = 5_000
DECLARED_EFFICIENCY = 0.5
"""What one rsync over SSH may get of a link's declared speed, where nothing was measured: half, as a rule of thumb."""

Pair = frozenset[int]


@dataclass(frozen=True)
class Measured:
    """The median of the last transfers between two sites, either way."""

    bytes_per_second: float
    number: int
    first: datetime
    last: datetime

    @property
    def gigabits_per_second(self) -> float:
        return self.bytes_per_second * 8 / 1e9


@dataclass(frozen=True)
class Estimate:
    """How long a transfer takes, and on what that rests. `seconds` None: nothing is known."""

    basis: Literal["measured", "declared", "unknown"]
    bytes_per_second: float | None
    seconds: float | None
    measured: Measured | None = None
    link: Link | None = None


def pair(one: int, other: int) -> Pair:
    """Two sites, either way."""
    return frozenset({one, other})


def speed_of(transfer: Transfer) -> float | None:
    """Bytes a second that a finished transfer measured; None: it measures nothing, by the same rule as below."""
    seconds, size = transfer.carried_seconds or 0, transfer.carried_bytes or 0
    whole = size > 0 and size >= (transfer.bytes_total or 0) * LEAST_WHOLE
    return size / seconds if transfer.state == TransferState.DONE and seconds >= LEAST_SECONDS and whole else None


def measured_speeds(pairs: Iterable[Pair] | None = None) -> dict[Pair, Measured]:
    """What was measured between sites, of these pairs or all. One query."""
    found = (
        Transfer.objects.filter(
            state=TransferState.DONE,
            carried_seconds__gte=LEAST_SECONDS,
            carried_bytes__gt=0,
            carried_bytes__gte=F("bytes_total") * LEAST_WHOLE,
            ended_at__gte=timezone.now() - timedelta(days=DAYS),
        )
        .order_by("-ended_at")
        .values_list("from_cluster__site", "to_cluster__site", "carried_bytes", "carried_seconds", "ended_at")
    )
    wanted = None if pairs is None else set(pairs)
    if wanted is not None:
        sites = set().union(*wanted)
        found = found.filter(from_cluster__site__in=sites, to_cluster__site__in=sites)
    rows: dict[Pair, list[tuple[float, datetime]]] = {}
    for one, other, size, seconds, ended in found[:MOST_ROWS]:
        between = pair(one, other)
        if size and seconds and ended and (wanted is None or between in wanted):
            rows.setdefault(between, []).append((size / seconds, ended))
    return {
        between: Measured(median(speed for speed, _at in of[:LAST]), len(of[:LAST]), of[:LAST][-1][1], of[0][1])
        for between, of in rows.items()
    }


def estimate_of(transfer: Transfer) -> Estimate:
    """How long a transfer takes once it starts. Two queries."""
    one, other = transfer.from_cluster.site, transfer.to_cluster.site
    between = pair(one.pk, other.pk)
    size = transfer.bytes_total
    if measured := measured_speeds([between]).get(between):
        speed = measured.bytes_per_second
        return Estimate("measured", speed, None if size is None else size / speed, measured)
    declared = [
        link
        for link in links_on(sites=[one])
        if pair(link.from_site_id, link.to_site_id) == between and link.gigabits_per_second
    ]
    if declared:
        link = max(declared, key=lambda link: link.gigabits_per_second or 0)
        speed = (link.gigabits_per_second or 0) * 1e9 / 8 * DECLARED_EFFICIENCY
        return Estimate("declared", speed, None if size is None else size / speed, link=link)
    return Estimate("unknown", None, None)
