"""The figures of a study as tables, for files and programs: plain names, seconds and parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from fabriek.simulation.comparing import Measure

Row = Mapping[str, Any]
Table = tuple[list[str], list[list[Any]]]

TABLES = ("classes", "programmes", "waits", "use", "machine", "floors")


def table_of(figures: Row, of: str, only: Mapping[str, str] | None = None) -> Table:
    """One of TABLES: its columns and rows. only: a column's value, of rows that are wanted ({"class": "startup"}).
    Errors: KeyError for another table."""
    columns, rows = {
        "classes": _groups("class", figures["classes"]),
        "programmes": _groups("programme", figures["programmes"]),
        "waits": _waits(figures),
        "use": _use(figures),
        "machine": _machine(figures),
        "floors": _floors(figures),
    }[of]
    wanted = {columns.index(name): value for name, value in (only or {}).items() if name in columns}
    return columns, [row for row in rows if all(row[place] == value for place, value in wanted.items())]


def _groups(name: str, groups: list[Row]) -> Table:
    columns = [name, "measure", "before", "after", "change", "low", "high", "repeats"]
    return columns, [
        [row["name"], measure, *(row[measure][key] for key in ("before", "after", "change", "low", "high", "pairs"))]
        for row in groups
        for measure in get_args(Measure)
    ]


def _waits(figures: Row) -> Table:
    columns = ["class", "policy", "within_seconds", "started", "low", "high"]
    return columns, [
        [row["name"], policy, seconds, curve["started"][place], *_bounds(curve, place)]
        for row in figures["classes"]
        for policy, curve in row["curves"].items()
        if curve
        for place, seconds in enumerate(figures["grid"])
    ]


def _bounds(curve: Row, place: int) -> list[float | None]:
    return [curve[name][place] if name in curve else None for name in ("low", "high")]


def _use(figures: Row) -> Table:
    used = figures["use"]
    return ["policy", "since_seconds", "class", "units"], [
        [policy, place * used["step"], name, row[at]]
        for policy in ("before", "after")
        for place, row in enumerate(used[policy])
        for at, name in enumerate(used["classes"])
    ]


def _machine(figures: Row) -> Table:
    columns = ["policy", "job", "class", "submit", "start", "end", "units"]
    return columns, [
        [policy, *(job[name] for name in columns[1:])]
        for policy in ("before", "after")
        for job in figures["machine"][policy]
    ]


def _floors(figures: Row) -> Table:
    columns = ["of_policy", "class", "promised", "under_policy", "reached", "broken_seconds", "kept_repeats", "repeats"]
    return columns, list(_floor_rows(figures))


def _floor_rows(figures: Row) -> Iterator[list[Any]]:
    for floor in figures["floors"]:
        for policy in ("before", "after"):
            found = floor[policy]
            yield [
                floor["policy"],
                floor["class"],
                floor["promised"],
                policy,
                found["reached"],
                found["broken_seconds"],
                found["kept"],
                figures["repeats"],
            ]
