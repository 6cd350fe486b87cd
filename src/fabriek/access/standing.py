"""What stands on the ledger for a decision, and what would stand there after changes.

The arithmetic is that of the verbs that make a change real (`establish_shares`: largest remainder, then the minimum for
overbooking), so that a what-if has the very problem that there would be once it is real.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from django.db.models import F, Min, Sum
from django.utils.translation import gettext as _

from fabriek.access.changes import CapacityChange, Change, OverbookingChange, ShareChange, holds_in
from fabriek.conf.amounts import month_text
from fabriek.conf.errors import Invalid
from fabriek.ledger.models import Account, AccountKind, Unit
from fabriek.programmes.models import Programme, Share
from fabriek.programmes.rules import PLACES, largest_remainder

Place = tuple[str, str, date]
"""programme, partition, month"""


@dataclass(frozen=True)
class Cell:
    """A programme's share of a partition in a month, in accelerator-seconds. beyond: what may be awarded over it."""

    share: int = 0
    awarded: int = 0
    beyond: int = 0

    @property
    def free(self) -> int:
        """What may still be awarded (rule 3)."""
        return max(self.share + self.beyond - self.awarded, 0)


@dataclass(frozen=True)
class Standing:
    """capacity: seconds that a partition gives in a month. fractions: who has which part of it, as established."""

    cells: dict[Place, Cell]
    capacity: dict[tuple[str, date], int]
    fractions: dict[tuple[str, date], dict[str, Decimal]]
    overbooking: dict[str, Decimal]

    def free(self) -> dict[Place, int]:
        """What may still be awarded of each share, in seconds."""
        return {place: cell.free for place, cell in self.cells.items()}


def standing(partitions: Sequence[str], months: Sequence[date]) -> Standing:
    """What stands on the ledger now. Three queries."""
    cells: dict[Place, Cell] = defaultdict(Cell)
    capacity: dict[tuple[str, date], int] = {}
    stations = Account.objects.filter(
        partition__in=list(partitions),
        month__in=list(months),
        unit=Unit.ACCELERATOR_SECONDS,
        kind__in=[AccountKind.MACHINE, AccountKind.SHARE, AccountKind.AWARD, AccountKind.USED, AccountKind.LAPSED],
    )
    rows = stations.values_list("kind", "programme", "partition", "month").annotate(
        held=Sum(F("credits") - F("debits")), least=Min("minimum")
    )
    for kind, programme, partition, month, held, least in rows.order_by():
        place = (programme, partition, month)
        if kind == AccountKind.MACHINE:
            capacity[partition, month] = -held
        elif kind == AccountKind.SHARE:
            cell = cells[place]
            cells[place] = replace(cell, share=cell.share + held, beyond=-(least or 0))
        else:
            cell = cells[place]
            cells[place] = replace(cell, share=cell.share + held, awarded=cell.awarded + held)
    fractions: dict[tuple[str, date], dict[str, Decimal]] = defaultdict(dict)
    table = Share.objects.filter(partition__code__in=list(partitions), month__in=list(months)).order_by("pk")
    names = ("programme__code", "partition__code", "month", "fraction")
    for code, partition, month, fraction in table.values_list(*names):
        fractions[partition, month][code] = fraction
    return Standing(
        cells=dict(cells),
        capacity=capacity,
        fractions=dict(fractions),
        overbooking=dict(Programme.objects.values_list("code", "overbooking")),
    )


def changed(now: Standing, changes: Iterable[Change]) -> Standing:
    """What would stand there after changes of capacity, shares and overbooking. Errors: Invalid, as the verb refuses.

    Shares of a month that is touched are divided anew by its table of shares; earlier reallocations of that month are
    in it no more, just as when somebody establishes the shares again.
    """
    capacity, fractions = dict(now.capacity), {key: dict(row) for key, row in now.fractions.items()}
    overbooking = dict(now.overbooking)
    touched: set[tuple[str, date]] = set()
    rebooked: set[str] = set()
    for change in changes:
        if isinstance(change, CapacityChange):
            # A dated change counts from what the partition gives now, whatever holds for all months.
            keys = _months_of(now, change)
            for key in keys:
                capacity[key] = int(now.capacity[key] * change.percent / 100)
            touched |= set(keys)
        elif isinstance(change, ShareChange):
            for key in _months_of(now, change):
                fractions[key] = _moved(now.fractions[key], fractions[key], change)
                touched.add(key)
        elif isinstance(change, OverbookingChange):
            if change.programme not in overbooking:
                raise _unknown("overbooking", change.programme)
            overbooking[change.programme] = change.overbooking
            rebooked.add(change.programme)
    cells = dict(now.cells)
    for partition, month in sorted(touched):
        row = fractions[partition, month]
        shares = dict(zip(row, largest_remainder(capacity[partition, month], list(row.values())), strict=True))
        for programme in {*row, *(q for q, p, m in now.cells if (p, m) == (partition, month))}:
            cell = cells.get((programme, partition, month), Cell())
            share = shares.get(programme, 0)
            cells[programme, partition, month] = replace(
                cell, share=share, beyond=_beyond(overbooking[programme], share)
            )
    for place, cell in cells.items():
        if place[0] in rebooked:
            cells[place] = replace(cell, beyond=_beyond(overbooking[place[0]], cell.share))
    return Standing(cells, capacity, fractions, overbooking)


def _beyond(overbooking: Decimal, share: int) -> int:
    return int((overbooking - 1) * share)


def _months_of(now: Standing, change: CapacityChange | ShareChange) -> list[tuple[str, date]]:
    """The months of the partition that a change is about, among those that are divided."""
    keys = sorted(key for key in now.fractions if key[0] == change.partition and key in now.capacity)
    if not keys:
        raise _unknown(change.kind, change.partition)
    wanted = [key for key in keys if holds_in(change, key[1])]
    if not wanted:
        raise Invalid(
            _("%(partition)s is not divided in %(month)s. Choose one of the calls' months.")
            % {"partition": change.partition, "month": month_text(change.month)},
            faults={"changes": [_("Choose one of the calls' months.")]},
        )
    return wanted


def _moved(established: dict[str, Decimal], row: dict[str, Decimal], change: ShareChange) -> dict[str, Decimal]:
    """A month's table of shares after one programme's share was set, at the cost or to the good of another.

    established: the table before all changes, which a dated change counts from as well.
    """
    if change.programme == change.counterpart:
        raise Invalid(
            _("Choose another programme to give or take the difference."),
            faults={"changes": [_("Choose two different programmes.")]},
        )
    for programme in (change.programme, change.counterpart):
        if programme not in row and programme not in established:
            raise _unknown("share", programme, change.partition)
    wanted = round(change.percent / 100, PLACES)
    left = row.get(change.counterpart, Decimal(0)) - (wanted - row.get(change.programme, Decimal(0)))
    if not 0 <= left <= 1:
        raise Invalid(
            _("%(programme)s has %(share)s %% of %(partition)s and can't give %(more)s %%.")
            % {
                "programme": change.counterpart,
                "share": _percent(row.get(change.counterpart, Decimal(0))),
                "partition": change.partition,
                "more": _percent(wanted - row.get(change.programme, Decimal(0))),
            },
            faults={"changes": [_("The shares of a partition are the whole together.")]},
        )
    return {q: f for q, f in {**row, change.programme: wanted, change.counterpart: left}.items() if f}


def _percent(fraction: Decimal) -> str:
    return f"{fraction * 100:.6f}".rstrip("0").rstrip(".") or "0"


def _unknown(kind: str, *codes: str) -> Invalid:
    return Invalid(
        _("There is nothing to change of %(what)s.") % {"what": ", ".join(codes)},
        faults={"changes": [f"{kind}: {', '.join(codes)}"]},
    )
