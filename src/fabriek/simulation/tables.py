"""Figures of a schedule as rows: a name and a value for each column, for CSV, Parquet or a data frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from fabriek.simulation.answers import by_group, shares
from fabriek.simulation.floors import floors
from fabriek.simulation.policy import Held
from fabriek.simulation.simulate import Schedule

Row = dict[str, Any]


def class_rows(schedule: Schedule, held: Sequence[Held]) -> list[Row]:
    """A row for each class that had jobs that ran: waits, slowdowns, its share of use, and what became of its floor.

    Of several floors of a class the first is told; None where it has none.
    """
    part, promised = shares(schedule, "klass"), {one.klass: one for one in reversed(floors(schedule, held))}
    rows = []
    for klass, waiting in by_group(schedule, "klass").items():
        floor = promised.get(klass)
        rows.append(
            {
                "class": klass,
                **asdict(waiting),
                "share": part[klass],
                "floor_promised": floor.promised if floor else None,
                "floor_reached": floor.reached if floor else None,
                "floor_broken_seconds": floor.broken_seconds if floor else None,
                "floor_kept": floor.kept if floor else None,
            }
        )
    return rows
