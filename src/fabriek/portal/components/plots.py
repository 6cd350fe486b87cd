"""Plots as data: one description feeds the drawing, the table beside it and, on the page, the download.

A view makes a ``Figure`` with one of the functions below; the template shows it with ``{% figure plot %}``.
Rows are mappings; amounts of compute go in as exact seconds in columns of kind ``gpu_hours`` or
``core_hours`` and are turned into hours here, for the drawing only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _

Text = str | Promise

COLUMN_KINDS = frozenset({"text", "number", "gpu_hours", "core_hours", "percent", "month", "date"})
_UNITS = {"gpu_hours": "GPU-hours", "core_hours": "core-hours"}


@dataclass(frozen=True)
class Column:
    """One column of a figure's rows. ``kind`` is one of COLUMN_KINDS; it decides how values are written."""

    key: str
    label: Text
    kind: str = "text"

    def __post_init__(self) -> None:
        if self.kind not in COLUMN_KINDS:
            raise ValueError(f"A column's kind is one of {', '.join(sorted(COLUMN_KINDS))}, not {self.kind!r}.")

    @property
    def numeric(self) -> bool:
        return self.kind in {"number", "gpu_hours", "core_hours", "percent"}


@dataclass(frozen=True)
class Figure:
    """What ``<fabriek-plot>`` draws.

    ``text`` is the caption under the title, ``csv`` where the data is downloaded.
    """

    kind: str
    title: Text
    columns: Sequence[Column]
    rows: Sequence[Mapping[str, Any]]
    x: str
    y: str | None = None
    series: str | None = None
    text: Text = ""
    csv: str = ""
    threshold: float | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = {column.key for column in self.columns}
        wanted = {key for key in (self.x, self.y, self.series) if key}
        if missing := wanted - known:
            raise ValueError(
                f"The figure {self.title!s} draws {', '.join(sorted(missing))}, which no column describes."
            )

    @property
    def data(self) -> dict[str, Any]:
        """What the browser gets: plain JSON, amounts in hours."""
        kinds = {column.key: column.kind for column in self.columns}
        unit = next((_UNITS[kind] for kind in kinds.values() if kind in _UNITS), "")
        return {
            "kind": self.kind,
            "title": str(self.title),
            "unit": unit,
            "x": self.x,
            "y": self.y,
            "series": self.series,
            "threshold": self.threshold,
            "options": {
                key: str(value) if isinstance(value, Promise) else value for key, value in self.options.items()
            },
            "columns": [
                {
                    "key": column.key,
                    "label": str(column.label),
                    "kind": "gpu_hours" if column.kind in _UNITS else column.kind,
                }
                for column in self.columns
            ],
            "rows": [{key: _plain(row.get(key), kinds[key]) for key in kinds} for row in self.rows],
        }


def _plain(value: Any, kind: str) -> Any:
    if value is None:
        return None
    if kind in _UNITS:
        return round(int(value) / 3600, 4)
    if isinstance(value, Fraction | Decimal):
        return float(value)
    if isinstance(value, date | datetime):
        return value.strftime("%Y-%m") if kind == "month" else value.isoformat()
    return str(value) if isinstance(value, Promise) else value


def bars(
    title: Text,
    columns: Sequence[Column],
    rows: Iterable[Mapping[str, Any]],
    *,
    x: str,
    y: str,
    series: str | None = None,
    grouped: bool = False,
    line: str | None = None,
    text: Text = "",
    csv: str = "",
) -> Figure:
    """Bars over months or categories, stacked by ``series`` or side by side (``grouped``).

    ``line`` is a column with one value per x (the capacity of a month): a tick over the bars.
    """
    options = {"grouped": grouped, "line": line}
    return Figure("bars", title, columns, list(rows), x, y, series, text, csv, options=options)


def burndown(
    title: Text,
    columns: Sequence[Column],
    rows: Iterable[Mapping[str, Any]],
    *,
    x: str,
    left: str,
    plan: str | None = None,
    today: date | datetime | None = None,
    text: Text = "",
    csv: str = "",
) -> Figure:
    """What is left of a budget over time as a line, the plan dashed.

    Rows in order of time, either may be None.
    """
    options = {"plan": plan, "today": today.isoformat() if today else None}
    return Figure("burndown", title, columns, list(rows), x, left, None, text, csv, options=options)


def promises(
    title: Text,
    columns: Sequence[Column],
    rows: Iterable[Mapping[str, Any]],
    *,
    name: str,
    required: str,
    measures: Sequence[str],
    text: Text = "",
    csv: str = "",
) -> Figure:
    """Per promise a bar for each measure (decided, queued, used) and a mark at what is required."""
    options = {"required": required, "measures": list(measures)}
    return Figure("promises", title, columns, list(rows), name, measures[0], None, text, csv, options=options)


def diverging(
    title: Text,
    columns: Sequence[Column],
    rows: Iterable[Mapping[str, Any]],
    *,
    x: str,
    y: str,
    more: Text,
    less: Text,
    text: Text = "",
    csv: str = "",
) -> Figure:
    """A bar to the right (``more``) or to the left (``less``) of zero for each category."""
    options = {"more": str(more), "less": str(less)}
    return Figure("diverging", title, columns, list(rows), x, y, None, text, csv, options=options)


def histogram(
    title: Text,
    column: Column,
    values: Iterable[float],
    *,
    bin_width: float | None = None,
    domain: tuple[float, float] | None = None,
    threshold: float | None = None,
    threshold_label: Text = "",
    text: Text = "",
    csv: str = "",
) -> Figure:
    """How often each value occurs, with a threshold as a dashed line. The table lists the bins' counts."""
    label = threshold_label or (_("Threshold") if threshold is not None else "")
    options = {"bin": bin_width, "domain": list(domain) if domain else None, "threshold_label": label}
    rows = [{column.key: value} for value in sorted(values)]
    return Figure("histogram", title, [column], rows, column.key, None, None, text, csv, threshold, options)


def lines(
    title: Text,
    columns: Sequence[Column],
    rows: Iterable[Mapping[str, Any]],
    *,
    x: str,
    y: str,
    series: str | None = None,
    text: Text = "",
    csv: str = "",
) -> Figure:
    """A line per series over dates or another measure."""
    return Figure("lines", title, columns, list(rows), x, y, series, text, csv)


@dataclass(frozen=True)
class Place:
    """A point of the map. ``status`` is a factory's (``operating``; ``selected`` is drawn hollow)."""

    lon: float
    lat: float
    label: str
    href: str
    status: str = ""
    detail: Text = ""


@dataclass(frozen=True)
class Line:
    """A line of the map, from (lon, lat) to (lon, lat), with what it is in words."""

    start: tuple[float, float]
    end: tuple[float, float]
    label: Text = ""


@dataclass(frozen=True)
class Map:
    """What ``<fabriek-map>`` draws over Europe: places, and links between them."""

    title: Text
    places: Sequence[Place]
    links: Sequence[Line] = ()
    text: Text = ""

    @property
    def data(self) -> dict[str, Any]:
        return {
            "title": str(self.title),
            "points": [
                {
                    "lon": float(place.lon),
                    "lat": float(place.lat),
                    "label": str(place.label),
                    "href": place.href,
                    "status": place.status,
                    "detail": str(place.detail),
                }
                for place in self.places
            ],
            "links": [
                {"from": list(line.start), "to": list(line.end), "label": str(line.label)} for line in self.links
            ],
        }
