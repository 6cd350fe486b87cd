"""Verbs of searches that are kept: what is new in the catalogue, without looking for it again."""

from __future__ import annotations

from typing import Annotated

import typer

from fabriek.cli.remote.asking import LOCAL, Json, Token, Url, ask, end, everything, group, show, tell
from fabriek.cli.remote.catalogue import Words
from fabriek.cli.remote.facets import narrowed

Number = Annotated[int, typer.Argument(help="The search's number, as `fabriek catalogue searches` tells it.")]
_SEARCH = {"number": "number", "name": "name", "asks": "query", "new": "new"}


def searches(url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Searches that you keep, each with how many entries are new."""
    show(everything(url, token, "/catalogue/searches"), _SEARCH, as_json)


@narrowed
def save(
    name: Annotated[str, typer.Argument(help="What you call it.")],
    facets: dict[str, list[str]],
    words: Words = None,
    exact: Annotated[bool, typer.Option("--exact", help="All words as typed, when you repeat it.")] = False,
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Keep a search: mail tells you what is published that meets it."""
    body = {"name": name, "q": " ".join(words or []), "exact": exact, **facets}
    answer = ask("POST", url, token, "/catalogue/searches", body)
    show([answer], _SEARCH, as_json, answer)


@narrowed
def change(
    number: Number,
    facets: dict[str, list[str]],
    words: Words = None,
    name: Annotated[str, typer.Option("--name", help="What you call it from now on.")] = "",
    exact: Annotated[bool, typer.Option("--exact", help="All words as typed, when you repeat it.")] = False,
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Call a search otherwise, or, with words or choices, have it look for these instead."""
    kept = next((one for one in everything(url, token, "/catalogue/searches") if one["number"] == number), None)
    if kept is None:
        end(f"You keep no search {number}.", 1)
    asked = {"q": " ".join(words or []), "exact": exact, **facets} if words or facets else kept["asked"]
    body = {**asked, "name": name or kept["name"]}
    answer = ask("PUT", url, token, f"/catalogue/searches/{number}", body)
    show([answer], _SEARCH, as_json, answer)


def news(number: Number, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """What a search of yours found that you haven't seen."""
    rows = everything(url, token, f"/catalogue/searches/{number}/news")
    show(rows, {"entry": "code", "kind": "kind", "title": "title", "found": "found_at"}, as_json)


def seen(number: Number, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """You have seen what is new: no mail tells of it."""
    answer = ask("POST", url, token, f"/catalogue/searches/{number}/seen")
    tell(f"{answer['seen']} seen.", answer, as_json)


def forget(number: Number, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Keep a search no longer."""
    ask("DELETE", url, token, f"/catalogue/searches/{number}")
    tell(f"Search {number} is forgotten.", {"forgotten": number}, as_json)


def register(app: typer.Typer) -> None:
    """Add these verbs to the command."""
    verbs = {"searches": searches, "save": save, "change-search": change, "news": news, "seen": seen, "forget": forget}
    group(app, "catalogue", "", **verbs)
