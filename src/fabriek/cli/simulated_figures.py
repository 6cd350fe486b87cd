"""What `fabriek simulate` tells of classes: figures by class and window, floors, two policies side by side."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from fabriek.simulation.comparing import Difference, Measure, compared
from fabriek.simulation.floors import floors
from fabriek.simulation.policy import Held
from fabriek.simulation.simulate import Schedule
from fabriek.simulation.tables import Row, class_rows
from fabriek.simulation.verdict_words import sentence
from fabriek.simulation.verdicts import verdict

MEASURES: tuple[Measure, ...] = ("median_wait", "wait_95", "mean_slowdown", "median_slowdown", "slowdown_95", "share")


def changes(before: Sequence[Schedule], after: Sequence[Schedule]) -> list[Row]:
    """By class: each measure before and after, its change with the 95 % interval (None where one pair leaves it open),
    and the verdict. Shares are of the use while jobs were submitted."""
    found = {measure: compared(before, after, "klass", measure) for measure in MEASURES}
    return [
        {
            "class": klass,
            "pairs": found["median_wait"][klass].pairs,
            **{measure: _said(found[measure][klass]) for measure in MEASURES},
            "verdict": sentence(verdict(klass, found["median_wait"][klass], found["wait_95"][klass])),
        }
        for klass in found["median_wait"]
    ]


def _said(one: Difference) -> Row:
    told: Row = {"before": one.before, "after": one.after, "change": one.change, "low": one.low, "high": one.high}
    if one.pairs < 2:
        told |= {"low": None, "high": None}
    return {**told, "sure": one.sure}


def floor_rows(schedule: Schedule, held: Sequence[Held]) -> list[Row]:
    """The floors of a file of rules, measured."""
    return [
        {("class" if name == "klass" else name): value for name, value in asdict(one).items()} | {"kept": one.kept}
        for one in floors(schedule, held)
    ]


def figure_rows(
    policy: str, whole: Schedule, parts: Sequence[Schedule], drawn: Sequence[Schedule], held: Sequence[Held]
) -> list[Row]:
    """A row for each class of the whole trace (window 0), of each window (from 1), and of each synthetic workload (with
    its seed, and no window), with what became of its floor."""
    runs: list[tuple[int | None, int | None, Schedule]] = [
        *((window, None, schedule) for window, schedule in enumerate((whole, *parts))),
        *((None, seed, schedule) for seed, schedule in enumerate(drawn, 1)),
    ]
    return [
        {"policy": policy, "window": window, "seed": seed, "since": int(schedule.jobs.submit[0]), **row}
        for window, seed, schedule in runs
        for row in class_rows(schedule, held)
    ]


def write_figures(path: Path, rows: Sequence[Row]) -> None:
    """CSV, or Parquet where the name ends so; a file that is there stays whole until the new one is.

    Raises OSError, and ValueError for Parquet where pyarrow isn't installed.
    """
    partial = path.with_name(f"{path.name}.partial")
    if path.suffix == ".parquet":
        try:
            import pyarrow
            from pyarrow import parquet
        except ImportError:
            raise ValueError("pyarrow isn't installed here: pip install 'fabriek[parquet]', or write CSV") from None
        parquet.write_table(pyarrow.Table.from_pylist(list(rows)), partial)
    else:
        with partial.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]) if rows else [], lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    partial.replace(path)
