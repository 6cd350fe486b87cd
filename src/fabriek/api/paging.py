"""Lists come in pages: `?page=2&per_page=50`, with the number of rows and links in the answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from ninja import Field, Query, Schema

T = TypeVar("T")


class PageOf(Schema):
    """What every list says of itself."""

    page: int
    pages: int
    per_page: int
    total: int


class Paging(Schema):
    """The parameters of a list."""

    page: int = Field(1, ge=1, le=1_000_000)
    per_page: int = Field(25, ge=1, le=200)


PagingQuery = Query(...)


def page_of(found: Sequence[T] | QuerySet[Any], paging: Paging, row: Callable[[Any], Any]) -> dict[str, Any]:
    """The answer of a list: the rows of the page that was asked, each as `row` writes it."""
    page = Paginator(found, paging.per_page).get_page(paging.page)
    return paged(page, [row(one) for one in page])


def paged(page: Page[Any], items: list[Any]) -> dict[str, Any]:
    """The answer of a list."""
    return {
        "page": page.number,
        "pages": page.paginator.num_pages,
        "per_page": page.paginator.per_page,
        "total": page.paginator.count,
        "items": items,
    }
