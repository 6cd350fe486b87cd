"""What a study keeps of its schedules: `fabriek/study/1`, plain figures from which pages, files and sentences are made.

Times are seconds, of the trace where they are instants; amounts are unit-seconds. Figures of classes are means over the
repeats with their 95 % intervals; use through time, the machine's picture and the promises are of one schedule: the
whole trace, or the first that was drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, get_args

import numpy as np

from fabriek.foresight import gantt
from fabriek.foresight.curves import GRID, curves, last_needed
from fabriek.simulation.answers import by_group, outcome, use_through_time
from fabriek.simulation.comparing import Difference, Measure, compared
from fabriek.simulation.floors import floors
from fabriek.simulation.policy import Held
from fabriek.simulation.simulate import Schedule

FORMAT = "fabriek/study/1"
STEPS = 96
"""Of use through time."""

Row = dict[str, Any]


def figures(
    before: Sequence[Schedule],
    after: Sequence[Schedule],
    whole: tuple[Schedule, Schedule],
    held: tuple[Sequence[Held], Sequence[Held]],
    *,
    programmes: bool,
) -> Row:
    """All that is kept. before, after: schedules of the repeats, of the same jobs at the same place. whole: the two
    that are drawn. held: what each policy promises. programmes: whether groups are told apart as well."""
    classes = _groups(before, after, "klass")
    for row in classes:
        name = row["name"]
        row["jobs"] = [_jobs(one, name) for one in whole]
        row["curves"] = {"before": curves(before, name), "after": curves(after, name)}
    drawn = [curve for row in classes for curve in row["curves"].values() if curve]
    return {
        "format": FORMAT,
        "repeats": len(before),
        "classes": classes,
        "grid": list(GRID[: last_needed(drawn)]),
        "programmes": _groups(before, after, "group") if programmes else [],
        "whole": {"before": _whole(whole[0]), "after": _whole(whole[1])},
        "floors": [
            *_floors("before", before, after, whole, held[0]),
            *_floors("after", before, after, whole, held[1]),
        ],
        "use": _use(*whole),
        "machine": _machine(*whole),
    }


def _groups(before: Sequence[Schedule], after: Sequence[Schedule], grouping: Any) -> list[Row]:
    """By name, each measure before and after, and its change; of names that ran under both in some repeat."""
    found = {measure: compared(before, after, grouping, measure) for measure in get_args(Measure)}
    return [
        {"name": name, "repeats": one.pairs, **{measure: _said(found[measure][name]) for measure in found}}
        for name, one in found["median_wait"].items()
    ]


def _said(one: Difference) -> Row:
    """Bounds are none where one repeat leaves them open; JSON has no infinity."""
    told = asdict(one)
    if one.pairs < 2:
        told |= {"low": None, "high": None}
    return told


def difference(told: Row) -> Difference:
    """What `figures` kept of a difference."""
    low, high = told["low"], told["high"]
    open_ended = low is None or high is None
    return Difference(**(told | {"low": -float("inf"), "high": float("inf")} if open_ended else told))


def _jobs(schedule: Schedule, klass: str) -> int:
    found = by_group(schedule, "klass").get(klass)
    return found.jobs if found else 0


def _whole(schedule: Schedule) -> Row:
    found = outcome(schedule)
    return {
        **asdict(found.waiting),
        "busy": _busy(schedule),
        "utilisation": found.utilisation,
        "makespan": found.makespan,
        "lost": found.lost,
        "stuck": found.stuck,
        "skipped": found.skipped,
    }


def _submitting(schedule: Schedule) -> int:
    """Seconds from the first submission to the last, at least one."""
    submit = schedule.jobs.submit
    return max(int(submit[-1] - submit[0]), 1) if len(submit) else 1


def _busy(schedule: Schedule) -> float:
    """The part of the machine that was in use while jobs were submitted."""
    if not schedule.ran.any():
        return 0.0
    first, last = int(schedule.jobs.submit[0]), int(schedule.jobs.submit[0]) + _submitting(schedule)
    start, end = schedule.start[schedule.ran], schedule.end[schedule.ran]
    inside = np.clip(np.minimum(end, last) - np.maximum(start, first), 0, None)
    whole = sum(pool.processors for pool in schedule.machine.pools) * (last - first)
    return float((inside * schedule.units[schedule.ran]).sum()) / whole


def _floors(
    whose: str,
    before: Sequence[Schedule],
    after: Sequence[Schedule],
    whole: tuple[Schedule, Schedule],
    held: Sequence[Held],
) -> list[Row]:
    """What became of one policy's promises under both: also what they would have been worth without being held."""
    rows = []
    for promise in held:
        told: Row = {"policy": whose, "class": promise.klass, "units": promise.processors}
        for name, one, repeats in (("before", whole[0], before), ("after", whole[1], after)):
            (found,) = floors(one, [promise]) or (None,)
            if found is not None:
                told["promised"] = found.promised
                told[name] = {
                    "reached": found.reached,
                    "broken_seconds": found.broken_seconds,
                    "kept": sum(floor.kept for part in repeats for floor in floors(part, [promise])),
                }
        if "promised" in told:
            rows.append(told)
    return rows


def _use(before: Schedule, after: Schedule) -> Row:
    """Mean units in use by class, in STEPS equal steps while jobs were submitted: what ran on after the last one says
    nothing about a policy."""
    step = max(1, -(-max(_submitting(one) for one in (before, after)) // STEPS))
    names = sorted({name for one in (before, after) for name in by_group(one, "klass")})
    return {
        "step": step,
        "units": sum(pool.processors for pool in after.machine.pools),
        "classes": names,
        "before": _use_of(before, names, step),
        "after": _use_of(after, names, step),
    }


def _use_of(schedule: Schedule, names: Sequence[str], step: int) -> list[list[float]]:
    _instants, used = use_through_time(schedule, "klass", step)
    there = schedule.jobs.klasses
    used = used[: -(-_submitting(schedule) // step)]
    columns = [used[:, there.index(name)] if name in there else np.zeros(len(used)) for name in names]
    return [[round(float(value), 2) for value in row] for row in np.stack(columns, axis=1)] if columns else []


def _machine(before: Schedule, after: Schedule) -> Row:
    since, until = gantt.busiest(before, after)
    return {
        "since": since,
        "until": until,
        "before": gantt.placed(before, since, until),
        "after": gantt.placed(after, since, until),
    }
