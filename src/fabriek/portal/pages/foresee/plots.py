"""The plots of a study: who waits how long, how much that changes, what the machine is used for, which jobs ran."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from fabriek.conf.amounts import number_text
from fabriek.foresight.words import class_name, span_words
from fabriek.portal.components.amounts import percent_text
from fabriek.portal.components.drawings import Drawing, Key, Shape, Tick, band, box, line, steps
from fabriek.portal.components.plots import Column

Row = Mapping[str, Any]

TALL = 280
"""Of the machine's picture, in CSS pixels."""

SERIES = 8
"""Colours of the theme, in the order in which classes take them."""


def colours(figures: Row) -> dict[str, int]:
    """A colour's number for each class, the same in all plots of a study."""
    names = sorted({row["name"] for row in figures["classes"]} | set(figures["use"]["classes"]))
    return {name: place % SERIES + 1 for place, name in enumerate(names)}


# Who waits how long


def waiting(figures: Row, csv: str) -> list[Drawing]:
    """A plot for each class: the part of its jobs that have started, by how long they had waited."""
    numbers = colours(figures)
    return [
        _curve(row, figures["grid"], numbers[row["name"]], f"{csv}&class={row['name']}") for row in figures["classes"]
    ]


def _curve(row: Row, grid: Sequence[int], number: int, csv: str) -> Drawing:
    before, after = (row["curves"][name] for name in ("before", "after"))
    shapes = [*_bounds(before, len(grid), "before"), *_bounds(after, len(grid), f"series-{number}")]
    for curve, css in ((before, "drawing__curve drawing__curve--before"), (after, f"drawing__curve series-{number}")):
        if curve:
            shapes.append(Shape(line(_placed(curve["started"], len(grid))), css))
    name = class_name(row["name"])
    return Drawing(
        title=name,
        summary=_("Of half of the jobs the wait is at most %(before)s today and %(after)s as tried.")
        % {"before": span_words(row["median_wait"]["before"]), "after": span_words(row["median_wait"]["after"])},
        shapes=shapes,
        columns=[
            Column("within", _("Started within")),
            Column("before", _("Today"), "percent"),
            Column("before_between", _("Between")),
            Column("after", _("As tried"), "percent"),
            Column("after_between", _("Between")),
        ],
        rows=[
            {
                "within": _("at once") if seconds == 0 else span_words(seconds),
                **_started("before", before, place),
                **_started("after", after, place),
            }
            for place, seconds in enumerate(grid)
        ],
        x=_times(grid),
        y=[Tick(0.0, percent_text(1)), Tick(0.5, percent_text(0.5)), Tick(1.0, "")],
        height=180,
        csv=csv,
    )


def _placed(values: Sequence[float], count: int) -> list[tuple[float, float]]:
    return [(place / max(count - 1, 1), value) for place, value in enumerate(values[:count])]


def _bounds(curve: Row | None, count: int, css: str) -> list[Shape]:
    if not curve or "low" not in curve:
        return []
    low, high = _placed(curve["low"], count), _placed(curve["high"], count)
    return [Shape(band(low, high), f"drawing__band {css}")]


def _started(name: str, curve: Row | None, place: int) -> dict[str, Any]:
    if not curve:
        return {name: None, f"{name}_between": None}
    between = None
    if "low" in curve:
        between = f"{percent_text(curve['low'][place])} – {percent_text(curve['high'][place])}"
    return {name: curve["started"][place], f"{name}_between": between}


def _times(grid: Sequence[int]) -> list[Tick]:
    """Words for some of the times, not so many that they run into each other on a phone."""
    last = len(grid) - 1
    chosen = sorted({0, *range(0, last, max(1, last // 3)), last})
    # The one before the last gives way where it is too near.
    chosen = [place for place in chosen if place == last or last - place >= max(2, last // 4) or place == 0]
    return [
        Tick(
            place / max(last, 1),
            _("at once") if grid[place] == 0 else span_words(grid[place]),
            "start" if place == 0 else "end" if place == last else "middle",
        )
        for place in chosen
    ]


# How much waits change


def changes(figures: Row) -> Drawing | None:
    """For each class the change of the typical and of the longest waits, with its 95 % interval, about no change."""
    rows = [
        (row, name, row[measure])
        for row in figures["classes"]
        for name, measure in ((_("typical"), "median_wait"), (_("longest"), "wait_95"))
        if row[measure]["low"] is not None
    ]
    if not rows:
        return None
    widest = max(max(abs(one["low"]), abs(one["high"])) for _row, _name, one in rows) or 1.0
    shapes = [Shape(line([(0.5, 0), (0.5, 1)]), "drawing__zero")]
    for place, (row, name, one) in enumerate(rows):
        top = 1 - (place + 0.5) / len(rows)
        low, middle, high = (0.5 + one[key] / widest / 2.1 for key in ("low", "change", "high"))
        css = _direction(one)
        tip = f"{class_name(row['name'])}, {name}: {_signed(one['change'])}"
        half = 0.12 / len(rows)
        shapes.append(Shape(box(low, high, top - half, top + half), f"drawing__interval {css}", tip))
        shapes.append(Shape(box(middle - 0.002, middle + 0.002, top - 2 * half, top + 2 * half), "drawing__mark", tip))
    return Drawing(
        title=_("How much waits change"),
        text=_("Each bar holds the change, 19 times in 20. One that lies across the middle may be no change at all."),
        summary="; ".join(
            f"{class_name(row['name'])}, {name}: {_signed(one['low'])} – {_signed(one['high'])}"
            for row, name, one in rows
        ),
        shapes=shapes,
        columns=[
            Column("class", _("Class")),
            Column("wait", _("Waits")),
            Column("before", _("Today")),
            Column("after", _("As tried")),
            Column("change", _("Change")),
            Column("between", _("Surely between")),
        ],
        rows=[
            {
                "class": class_name(row["name"]),
                "wait": name,
                "before": span_words(one["before"]),
                "after": span_words(one["after"]),
                "change": _signed(one["change"]),
                "between": f"{_signed(one['low'])} – {_signed(one['high'])}",
            }
            for row, name, one in rows
        ],
        x=[
            Tick(0.0, _("shorter by %(span)s") % {"span": span_words(widest)}, "start"),
            Tick(0.5, _("no change")),
            Tick(1.0, _("longer by %(span)s") % {"span": span_words(widest)}, "end"),
        ],
        y=[
            Tick((place + 0.5) / len(rows), f"{class_name(row['name'])}, {name}")
            for place, (row, name, _one) in enumerate(rows)
        ],
        height=44 * len(rows),
        lift=12,
    )


def _direction(one: Row) -> str:
    if one["low"] > 0:
        return "drawing__interval--longer"
    return "drawing__interval--shorter" if one["high"] < 0 else "drawing__interval--unsure"


def _signed(seconds: float) -> str:
    """With its sign; a minus that is as wide as a plus."""
    return ("−" if seconds < 0 else "+" if seconds > 0 else "") + span_words(abs(seconds))


# What the machine is used for


def use(figures: Row, csv: str) -> list[Drawing]:
    """Two plots, today's and the tried: units in use by class, through the trace."""
    return [
        _stacked(figures, "before", _("Today"), f"{csv}&policy=before"),
        _stacked(figures, "after", _("As tried"), f"{csv}&policy=after"),
    ]


def _stacked(figures: Row, policy: str, title: str, csv: str) -> Drawing:
    used, numbers = figures["use"], colours(figures)
    rows, names, units, step = used[policy], used["classes"], used["units"], used["step"]
    longest = max(len(used["before"]), len(used["after"]), 1)
    edges = [place / longest for place in range(len(rows) + 1)]
    below = [0.0] * len(rows)
    shapes = []
    for place, name in enumerate(names):
        above = [low + row[place] / units for low, row in zip(below, rows, strict=True)]
        shapes.append(
            Shape(
                band(steps(edges, below), steps(edges, above)),
                f"drawing__area series-{numbers[name]}",
                class_name(name),
            )
        )
        below = above
    days = longest * step / 86_400
    busy = figures["whole"][policy]["busy"]
    return Drawing(
        title=title,
        summary=_("%(part)s of the machine is used, from the first submission to the last.")
        % {"part": percent_text(busy)},
        shapes=shapes,
        columns=[
            Column("since", _("From day"), "number"),
            *(Column(name, class_name(name), "number") for name in names),
        ],
        rows=[
            {"since": round(place * step / 86_400, 1), **{name: round(row[at], 1) for at, name in enumerate(names)}}
            for place, row in enumerate(rows)
        ],
        x=[
            Tick(0.0, _("first job"), "start"),
            Tick(0.5, _("day %(day)s") % {"day": number_text(round(days / 2))}),
            Tick(1.0, _("day %(day)s") % {"day": number_text(round(days))}, "end"),
        ],
        y=[
            Tick(0.0, _("all %(units)s units") % {"units": number_text(units)}),
            Tick(0.5, percent_text(0.5)),
            Tick(1.0, ""),
        ],
        legend=[Key(class_name(name), f"series-{numbers[name]} drawing__area") for name in names],
        height=200,
        csv=csv,
    )


def _top(units: int) -> Tick:
    return Tick(0.0, _("all %(units)s units") % {"units": number_text(units)})


# Which jobs ran on it


def machine(figures: Row, csv: str) -> list[Drawing]:
    """Two plots of the same busy hours: each job on its units, from its start to its end."""
    return [
        _gantt(figures, "before", _("Today"), f"{csv}&policy=before"),
        _gantt(figures, "after", _("As tried"), f"{csv}&policy=after"),
    ]


def _gantt(figures: Row, policy: str, title: str, csv: str) -> Drawing:
    shown, numbers, units = figures["machine"], colours(figures), figures["use"]["units"]
    since, until = shown["since"], shown["until"]
    length = until - since
    shapes, rows = [], []
    for job in shown[policy]:
        left, right = (min(max(job[end], since), until) - since for end in ("start", "end"))
        told = _job_words(job)
        for first, count in job["pieces"]:
            shape = box(left / length, right / length, first / units, (first + count) / units)
            css = f"drawing__job series-{numbers.get(job['class'], SERIES)}"
            # An edge about what is only a hair's breadth high would be all that is seen of it.
            edged = count / units * TALL >= 4
            shapes.append(Shape(shape, f"{css} drawing__job--edged" if edged else css, told))
        rows.append(
            {
                "job": str(job["job"]),
                "class": class_name(job["class"]),
                "units": job["units"],
                "waited": span_words(job["start"] - job["submit"]),
                "ran": span_words(job["end"] - job["start"]),
            }
        )
    names = sorted({job["class"] for job in shown[policy]})
    return Drawing(
        title=title,
        summary=_("%(jobs)s jobs ran in these %(span)s.")
        % {"jobs": number_text(len(rows)), "span": span_words(length)},
        shapes=shapes,
        columns=[
            Column("job", _("Job")),
            Column("class", _("Class")),
            Column("units", _("Units"), "number"),
            Column("waited", _("Waited")),
            Column("ran", _("Ran")),
        ],
        rows=rows,
        x=[
            Tick(0.0, "0", "start"),
            Tick(0.5, span_words(length / 2)),
            Tick(1.0, span_words(length), "end"),
        ],
        y=[_top(units), Tick(1.0, "")],
        legend=[Key(class_name(name), f"series-{numbers.get(name, SERIES)} drawing__job") for name in names],
        height=TALL,
        csv=csv,
    )


def _job_words(job: Row) -> str:
    return _("Job %(job)s, %(klass)s: %(units)s units for %(ran)s, after a wait of %(waited)s") % {
        "job": job["job"],
        "klass": class_name(job["class"]),
        "units": number_text(job["units"]),
        "ran": span_words(job["end"] - job["start"]),
        "waited": span_words(job["start"] - job["submit"]),
    }
