"""Reports as plain values, for the API, the command and downloads; and in words, how each figure is counted."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.utils.translation import gettext_lazy as _

from fabriek.ledger.models import Unit
from fabriek.people.models import OrganisationClass
from fabriek.promises.words import as_row
from fabriek.reports import free_use as free
from fabriek.reports.access_time import COLUMNS, PAID, Amounts, Cell, total
from fabriek.reports.hosting import HostingReport
from fabriek.reports.periods import Period

UNITS = {Unit.ACCELERATOR_SECONDS: "GPU-hours", Unit.CORE_SECONDS: "core-hours"}
"""What a unit of the ledger is reported in: seconds / 3600."""
AMOUNTS = ("granted", "granted_union", "used", "used_union")

HOW_ACCESS_TIME = {
    "period": _("Hours belong to the month in which they can be used, whatever the day on which they were awarded."),
    "granted": _("What was awarded, less what was given back; used or not."),
    "granted_union": _("Of it what comes out of the shares of the Union's programmes."),
    "used": _("What was metered and booked, corrections included."),
    "country": _("Where the organisation that the award went to was established when it was awarded."),
    "category": _("The organisation's class when it was awarded; paid commercial use is a category of its own."),
    "unit": _("An award on GPUs holds the cores beside them too: core-hours count those as well."),
}
HOW_HOSTING = {
    "capacity": _("Accelerators or cores times hours times availability, less maintenance, month by month."),
    "declared": _("What the operator put on the ledger, over those months."),
    "availability": _("As declared, the mean over the months; nothing measures it from outside."),
    "maintenance": _("Node-hours of planned maintenance; where it overlaps, a node counts once."),
    "share": _(
        "What a programme was given of the machine, reallocations included: used, left, lapsed and not awarded."
    ),
    "awarded": _("What was awarded, less what was given back; used or not."),
    "used": _("What was metered and booked, corrections included."),
    "unused": _("Awarded and not used: it lapsed, or can still be used."),
    "paid": _("Awards for paid commercial use out of the Union's shares, as a part of the Union's access time here."),
    "promises": _(
        "Measured on this system, over the months of the year in which they held; a baseline on all systems."
    ),
    "reallocations": _("Hours moved between two programmes, in months of this year."),
    "drift": _("What the site's agent found changed by hand, and what the operator chose."),
    "proofs": _("Days on which the scheduler's own totals were laid beside the ledger's, to the second."),
    "ledger": _("Every account of the whole ledger was added up again from its entries, just now."),
}
HOW_FREE_USE = {
    "firms": _("Start-ups, SMEs and large industry, by their class when it was awarded; paid use is left out."),
    "value": _("Hours used, times the price of the partition that held on the first day of their month."),
    "national": _("What came out of a state's own share: of the Union's the Union decides."),
    "unpriced": _("Hours on partitions of which no price is declared for that month: they are in no value."),
    "hours": _("GPU-hours, and core-hours on partitions that have no GPUs."),
}
"""How each figure is counted."""


def category_name(category: str) -> str:
    """A user category in the reader's language."""
    if category == PAID:
        return str(_("Paid commercial use"))
    return str(dict(OrganisationClass.choices).get(category, _("Not known")))


def access_time_of(cells: Iterable[Cell], period: Period, unit: str, system: str = "") -> dict[str, Any]:
    """Access time in GPU- or core-hours, the exact seconds beside them. null: the state or category isn't known."""
    cells = list(cells)
    whole = total(cells)
    return {
        "since": period.since.isoformat(),
        "until": period.until.isoformat(),
        "system": system or None,
        "unit": UNITS[Unit(unit)],
        "rows": [
            {**{column: getattr(cell, column) or None for column in COLUMNS}, **_amounts(cell.amounts)}
            for cell in cells
        ],
        "total": _amounts(whole),
        "how": {name: str(words) for name, words in HOW_ACCESS_TIME.items()},
    }


def _amounts(amounts: Amounts) -> dict[str, Any]:
    return _hours({name: getattr(amounts, name) for name in AMOUNTS})


def _hours(seconds: dict[str, int]) -> dict[str, Any]:
    """Amounts in hours, and the seconds that they are of."""
    return {**{name: amount / 3600 for name, amount in seconds.items()}, "seconds": seconds}


def free_use_of(uses: list[free.FreeUse], period: Period) -> dict[str, Any]:
    """What firms used for free: hours, with the seconds beside them, and euros rounded to a cent."""
    return {
        "since": period.since.isoformat(),
        "until": period.until.isoformat(),
        "rows": [
            {"organisation": one.organisation, "name": one.name, "country": one.country, **_worth(one.worth)}
            for one in uses
        ],
        "total": _worth(free.together(uses)),
        "how": {name: str(words) for name, words in HOW_FREE_USE.items()},
    }


def _worth(worth: free.Worth) -> dict[str, Any]:
    return {
        "euro": float(euros(worth.value)),
        "national_euro": float(euros(worth.national_value)),
        "gpu_hours": worth.accelerator_seconds / 3600,
        "core_hours": worth.core_seconds / 3600,
        "unpriced_hours": worth.unpriced_seconds / 3600,
        "seconds": {
            "accelerator": worth.accelerator_seconds,
            "core": worth.core_seconds,
            "unpriced": worth.unpriced_seconds,
        },
    }


def euros(value: Fraction) -> Decimal:
    """An exact value to the cent, half a cent up."""
    return Decimal(int(value * 100 + Fraction(1, 2))) / 100


def hosting_of(report: HostingReport) -> dict[str, Any]:
    """The hosting entity's report in GPU- or core-hours, the exact seconds beside them; parts are fractions of 1."""
    system = report.system
    cap = report.cap
    return {
        "system": system.code,
        "name": system.name,
        "site": system.site.name,
        "hosting_entity": system.hosting_entity.name if system.hosting_entity else None,
        "year": report.period.since.year,
        "is_over": report.is_over,
        "due": report.due.isoformat(),
        "unit": UNITS[Unit(report.unit)],
        "total": _hours(
            {
                "capacity": report.capacity,
                "awarded": report.awarded,
                "used": report.used,
                "unused": report.unused,
            }
        ),
        "partitions": [
            {
                "partition": one.code,
                "availability": None if one.availability is None else float(one.availability),
                "maintenance_node_hours": one.lost_node_hours,
                "months_known": one.months_known,
                "months_declared": one.months_declared,
                "differing": [f"{month:%Y-%m}" for month in one.differing],
                "unknown": one.unknown,
                **_hours({"capacity": one.derived, "declared": one.declared}),
            }
            for one in report.partitions
        ],
        "programmes": [
            {
                "programme": one.code,
                "name": one.name,
                "kind": one.kind,
                **_hours(
                    {
                        "share": one.share,
                        "awarded": one.awarded,
                        "used": one.used,
                        "left": one.left,
                        "lapsed": one.lapsed,
                        "not_awarded": one.not_awarded,
                    }
                ),
            }
            for one in report.programmes
        ],
        "access_time": [
            {"country": cell.country or None, "category": cell.category or None, **_amounts(cell.amounts)}
            for cell in report.cells
        ],
        "paid": {
            "part": None if report.paid.part is None else float(report.paid.part),
            "cap": float(cap.terms.fraction) if cap and cap.terms.fraction is not None else None,
            "holds": cap.holds if cap else None,
            **_hours(
                {
                    "granted": report.paid.granted,
                    "used": report.paid.used,
                    "union_time": report.paid.union_time,
                }
            ),
        },
        "promises": [as_row(one) for one in report.promises],
        "reallocations": [
            {
                "id": one.code,
                "kind": one.kind,
                "partition": one.partition.code,
                "month": f"{one.month:%Y-%m}",
                "from": one.from_programme.code,
                "to": one.to_programme.code,
                "accelerator_seconds": one.accelerator_seconds,
                "core_seconds": one.core_seconds,
                "why": one.why,
            }
            for one in report.reallocations
        ],
        "drift": {
            "found": report.drift.found,
            "changed_back": report.drift.changed_back,
            "let_be": report.drift.let_be,
            "standing": report.drift.standing,
        },
        "proofs": {
            "days": report.proofs.days,
            "differing": report.proofs.differing,
            "last": report.proofs.last.isoformat() if report.proofs.last else None,
        },
        "ledger": {"balances": not report.ledger_faults, "faults": report.ledger_faults},
        "how": {name: str(words) for name, words in HOW_HOSTING.items()},
    }


Line = tuple[str, str, str, str, Any]
HOSTING_LINE = ("section", "item", "figure", "unit", "value")
_PARTITION_FIGURES = (
    ("availability", "part"),
    ("maintenance_node_hours", "node-hours"),
    ("months_known", ""),
    ("months_declared", ""),
)


def hosting_lines(report: HostingReport) -> list[Line]:
    """The same as lines of one table, for a spreadsheet: HOSTING_LINE. Amounts in exact seconds."""
    told = hosting_of(report)
    lines: list[Line] = [
        ("report", "", name, "", told[name]) for name in ("system", "hosting_entity", "site", "year", "is_over", "due")
    ]
    lines += _amount_lines("total", "", told["total"], report.unit)
    for section, name in (("partitions", "partition"), ("programmes", "programme")):
        for row in told[section]:
            lines += _amount_lines(section, row[name], row, report.unit)
    for row in told["partitions"]:
        for figure, unit in _PARTITION_FIGURES:
            lines.append(("partitions", row["partition"], figure, unit, row[figure]))
    for row in told["access_time"]:
        item = f"{row['country'] or 'not known'}, {row['category'] or 'not known'}"
        lines += _amount_lines("access time", item, row, report.unit)
    lines += _amount_lines("paid use", "", told["paid"], report.unit)
    lines += [("paid use", "", name, "part", told["paid"][name]) for name in ("part", "cap")]
    for row in told["promises"]:
        lines += _amount_lines("promises", row["id"], row, Unit.ACCELERATOR_SECONDS)
        lines.append(("promises", row["id"], "holds", "", row["holds"]))
    for row in told["reallocations"]:
        item = f"{row['id']}: {row['from']} to {row['to']}, {row['partition']}, {row['month']}"
        lines.append(("reallocations", item, "moved", Unit.ACCELERATOR_SECONDS, row["accelerator_seconds"]))
        lines.append(("reallocations", item, "moved", Unit.CORE_SECONDS, row["core_seconds"]))
    for section in ("drift", "proofs"):
        lines += [(section, "", name, "", value) for name, value in told[section].items()]
    lines.append(("ledger", "", "balances", "", told["ledger"]["balances"]))
    return lines


def _amount_lines(section: str, item: str, row: dict[str, Any], unit: str) -> list[Line]:
    return [(section, item, figure, unit, amount) for figure, amount in row["seconds"].items()]
