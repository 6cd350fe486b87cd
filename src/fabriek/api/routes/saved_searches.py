"""Searches of the catalogue that a person keeps, and what they found since."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema, Status

from fabriek.api.authentication import Scope, actor_of
from fabriek.api.paging import PageOf, Paging, page_of
from fabriek.api.routes.catalogue import EntryRow, Question, entry_row
from fabriek.catalogue import actions, queries
from fabriek.catalogue.models import Notice

router = Router(tags=["catalogue"])
READ, WRITE = Scope("read"), Scope("describe", "describe entries")


class Kept(Question):
    name: str = Field(max_length=200, description="yours; the same under it again changes nothing")


class SavedSearchOut(Schema):
    number: int
    name: str
    asked: dict[str, Any] = Field(description="words (`q`), `exact`, and a list of values by facet")
    query: str = Field(description="what repeats it, after `/catalogue/entries?`")
    new: int = Field(description="entries that it found and that you haven't seen")
    created_at: datetime


class SavedSearches(PageOf):
    items: list[SavedSearchOut]


class NewsRow(EntryRow):
    found_at: datetime


class News(PageOf):
    items: list[NewsRow]


class Seen(Schema):
    seen: int = Field(description="how many were new")


@router.get("/catalogue/searches", response=SavedSearches, auth=READ, summary="Searches that you keep")
def searches(request: HttpRequest, paging: Query[Paging]) -> dict[str, Any]:
    """By name, each with how many are new."""
    return page_of(queries.searches_of(actor_of(request)), paging, _search_row)


@router.post("/catalogue/searches", response=SavedSearchOut, auth=WRITE, summary="Keep a search")
def save(request: HttpRequest, body: Kept) -> dict[str, Any]:
    """You are told by mail, at most once a day, of what is published from now on that meets it."""
    actor = actor_of(request)
    made = actions.save_search(actor, body.name, body.asked())
    return _search_row(queries.search_of(actor, made.pk))


@router.put("/catalogue/searches/{number}", response=SavedSearchOut, auth=WRITE, summary="Change a search")
def change(request: HttpRequest, number: int, body: Kept) -> dict[str, Any]:
    """The whole search as it is to be. Where it asks something else, what it found is forgotten, and you are told of
    what is published from now on."""
    actor = actor_of(request)
    actions.change_search(actor, queries.search_of(actor, number), body.name, body.asked())
    return _search_row(queries.search_of(actor, number))


@router.get("/catalogue/searches/{number}/news", response=News, auth=READ, summary="What a search found since")
def news(request: HttpRequest, number: int, paging: Query[Paging]) -> dict[str, Any]:
    """What you haven't seen, the newest first."""
    return page_of(queries.news_of(queries.search_of(actor_of(request), number)), paging, _news_row)


@router.post("/catalogue/searches/{number}/seen", response=Seen, auth=WRITE, summary="You have seen what is new")
def seen(request: HttpRequest, number: int) -> dict[str, int]:
    """It is new no more, and no mail tells of it."""
    actor = actor_of(request)
    return {"seen": actions.see_news(actor, queries.search_of(actor, number))}


@router.delete("/catalogue/searches/{number}", response={204: None}, auth=WRITE, summary="Keep a search no longer")
def forget(request: HttpRequest, number: int) -> Any:
    """With what it found."""
    actor = actor_of(request)
    actions.forget_search(actor, queries.search_of(actor, number))
    return Status(204, None)


def _search_row(search: Any) -> dict[str, Any]:
    """A search as `searches_of` gives it."""
    names = ("name", "asked", "query", "new", "created_at")
    return {"number": search.pk, **{name: getattr(search, name) for name in names}}


def _news_row(notice: Notice) -> dict[str, Any]:
    return {**entry_row(notice.entry), "found_at": notice.found_at}
