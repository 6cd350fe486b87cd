"""Lists come in pages: `?page=2&per_page=50`, with the number of rows and links in the answer."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Page
from ninja import Field, Query, Schema


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


def paged(page: Page[Any], items: list[Any]) -> dict[str, Any]:
    """The answer of a list."""
    return {
        "page": page.number,
        "pages": page.paginator.num_pages,
        "per_page": page.paginator.per_page,
        "total": page.paginator.count,
        "items": items,
    }
