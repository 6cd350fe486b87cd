"""Verbs of searches that are kept: what is new in the catalogue, without looking for it again."""

from __future__ import annotations

from typing import Annotated

import typer

from fabriek.cli.remote.asking import LOCAL, Json, Token, Url, ask, everything, group, show, tell
from fabriek.cli.remote.catalogue import Facet

Number = Annotated[int, typer.Argument(help="The search's number, as `fabriek catalogue searches` tells it.")]
_SEARCH = {"number": "number", "name": "name", "asks": "query", "new": "new"}


def searches(url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Searches that you keep, each with how many entries are new."""
    show(everything(url, token, "/catalogue/searches"), _SEARCH, as_json)


def save(
    name: Annotated[str, typer.Argument(help="What you call it.")],
    words: Annotated[list[str] | None, typer.Argument(help="Words, in any language of the Union.")] = None,
    kind: Facet = "",
    licence: Facet = "",
    access: Facet = "",
    factory: Facet = "",
    language: Facet = "",
    task: Facet = "",
    sector: Facet = "",
    exact: Annotated[bool, typer.Option("--exact", help="All words as typed, when you repeat it.")] = False,
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Keep a search: mail tells you what is published that meets it."""
    facets = {
        "kind": kind,
        "licence": licence,
        "access": access,
        "factory": factory,
        "language": language,
        "task": task,
        "sector": sector,
    }
    body = {"name": name, "q": " ".join(words or []), "exact": exact, **facets}
    answer = ask("POST", url, token, "/catalogue/searches", body)
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
    verbs = {"searches": searches, "save": save, "news": news, "seen": seen, "forget": forget}
    group(app, "catalogue", "", **verbs)
