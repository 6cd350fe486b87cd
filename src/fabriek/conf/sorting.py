"""Lists in the order of a column: what `?sort=title` and `?sort=-title` mean, the same for every list.

A room names the columns that its list may be sorted by; an unknown one leaves the list as it was. Rows that have no
value stand last in both directions, on SQLite and PostgreSQL alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from django.db.models import Case, Expression, F, Model, QuerySet, Subquery, Value, When
from django.db.models.expressions import OrderBy

Row = TypeVar("Row")
M = TypeVar("M", bound=Model)
if TYPE_CHECKING:
    Column = str | Expression | F | Subquery[Any]
else:  # Django's own classes take no parameters where they run.
    Column = str | Expression | F | Subquery


def column_of(sort: str) -> tuple[str, bool]:
    """The column that a `sort` names, and whether it falls."""
    return sort.removeprefix("-"), sort.startswith("-")


def ordered(found: QuerySet[M], sort: str, columns: Mapping[str, Column], default: Iterable[str]) -> QuerySet[M]:
    """Rows by a column: a field that is never null by its name, anything else as an expression. Ties by number."""
    name, falls = column_of(sort)
    column = columns.get(name)
    if column is None:
        return found.order_by(*default)
    # A row's number goes the column's way, so that turning the order turns the whole list.
    return found.order_by(_turned(column, falls), "-pk" if falls else "pk")


def _turned(column: Column, falls: bool) -> str | OrderBy:
    if isinstance(column, str):
        return f"-{column}" if falls else column
    return OrderBy(column, descending=falls, nulls_last=True)


def place_among(field: str, values: Iterable[str]) -> Case:
    """A field by the place of its value in this list, such as states in the order in which they come."""
    return Case(*[When(**{field: value}, then=Value(place)) for place, value in enumerate(values)], default=Value(-1))


def sorted_rows(rows: Iterable[Row], sort: str, columns: Mapping[str, Callable[[Row], Any]]) -> list[Row]:
    """Rows that are worked out and not stored by a column, in their own order where they are equal."""
    name, falls = column_of(sort)
    column = columns.get(name)
    rows = list(rows)
    if column is None:
        return rows
    filled = [row for row in rows if column(row) is not None]
    empty = [row for row in rows if column(row) is None]
    return sorted(filled, key=column, reverse=falls) + empty
