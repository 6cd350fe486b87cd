"""Plots that the server draws: inline SVG that needs no script, is as wide as its place, and has its table beside it.

Shapes live in a square of `SIDE` by `SIDE` that is stretched to the plot's place; letters stand outside of it, at
percents of the width, so that they are as large on a phone as on a wall. All places are texts: a page in Dutch would
else write decimal commas into them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise

from fabriek.portal.components.plots import Column

SIDE = 1000

Text = str | Promise


@dataclass(frozen=True)
class Shape:
    """A path. css: its classes; tip: what a mouse that rests on it is told."""

    d: str
    css: str
    tip: str = ""


@dataclass(frozen=True)
class Tick:
    """Words beside an axis. at: a part of the width, or of the height, from 0 to 1. anchor: start, middle or end."""

    at: float
    label: str
    anchor: str = "middle"

    @property
    def percent(self) -> str:
        return f"{100 * self.at:.2f}%"


@dataclass(frozen=True)
class Key:
    """A line of the legend. css: the classes of the shape that it explains; kind: box, line or dash."""

    label: Text
    css: str
    kind: str = "box"


@dataclass(frozen=True)
class Drawing:
    """A plot with its words, its table and its download.

    summary: what it shows, in a sentence, for who doesn't see it. x, y: ticks; y ones are also lines across. height: of
    the plot's place, lift: of y's words above their lines, in CSS pixels. rows: of the table, values by columns' keys.
    """

    title: Text
    summary: Text
    shapes: Sequence[Shape]
    columns: Sequence[Column]
    rows: Sequence[dict[str, Any]]
    x: Sequence[Tick] = ()
    y: Sequence[Tick] = ()
    legend: Sequence[Key] = ()
    height: int = 200
    lift: int = 5
    text: Text = ""
    csv: str = ""
    x_label: Text = ""

    TOP, BOTTOM = 26, 26

    @property
    def whole(self) -> int:
        """The SVG's height, with room for letters above and below."""
        return self.TOP + self.height + self.BOTTOM

    @property
    def below(self) -> int:
        """The base line of the letters below."""
        return self.whole - 6

    @property
    def lines(self) -> list[tuple[str, str, str]]:
        """Of each tick of y: its place in the square, the base line of its letters, and these."""
        return [
            (f"{SIDE * one.at:.1f}", f"{self.TOP + self.height * one.at - self.lift:.1f}", one.label) for one in self.y
        ]


def line(places: Iterable[tuple[float, float]]) -> str:
    """A path through places, each a part of the width and of the height from the bottom, 0 to 1."""
    return "M" + "L".join(f"{SIDE * x:.1f} {SIDE * (1 - y):.1f}" for x, y in places)


def band(low: Sequence[tuple[float, float]], high: Sequence[tuple[float, float]]) -> str:
    """The area between two lines."""
    return f"{line([*low, *reversed(high)])}Z"


def steps(edges: Sequence[float], heights: Sequence[float]) -> list[tuple[float, float]]:
    """The outline of bars that stand side by side: each height from one edge to the next."""
    return [
        place
        for left, right, height in zip(edges, edges[1:], heights, strict=False)
        for place in ((left, height), (right, height))
    ]


def box(left: float, right: float, bottom: float, top: float) -> str:
    """A rectangle; the same parts of the width and of the height."""
    x, y = SIDE * left, SIDE * (1 - top)
    return f"M{x:.1f} {y:.1f}h{SIDE * (right - left):.1f}v{SIDE * (top - bottom):.1f}h{-SIDE * (right - left):.1f}Z"
