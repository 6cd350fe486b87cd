"""What you publish of yourself and your ventures: agree, withdraw, erase; letters and looks; what others may do."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from fabriek.cli.remote.asking import LOCAL, Json, Token, Url, Why, ask, everything, group, print_json, show, tell

Code = Annotated[str, typer.Argument(help="The profile's code, as `fabriek profile list` tells it.")]
_ROW = {"profile": "code", "kind": "kind", "title": "title", "state": "state", "hidden since": "hidden_at"}
_ASKED = {"purpose": "purpose", "you agree": "stands", "since": "given_at", "ended": "withdrawn_at", "what": "text"}


def list_profiles(url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """What you publish of yourself, your teams and the projects that you lead."""
    show(everything(url, token, "/me/profiles"), _ROW, as_json)


def begin(
    kind: Annotated[Literal["expert", "team", "venture"], typer.Argument(help="expert: you yourself.")],
    title: Annotated[str, typer.Option(help="Empty: your name, or the project's title.")] = "",
    project: Annotated[str, typer.Option(help="For a venture: a project that you lead.")] = "",
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Begin a profile that nobody else sees; `fabriek catalogue edit` changes it."""
    answer = ask("POST", url, token, "/me/profiles", {"kind": kind, "title": title, "project": project})
    show([answer], _ROW, as_json, answer)


def data(url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """All that the catalogue keeps of you, as JSON."""
    del as_json
    print_json(ask("GET", url, token, "/me/catalogue-data"))


def consents(code: Code, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """What you are asked to agree to, with the words, and what you answered."""
    answer = ask("GET", url, token, f"/catalogue/profiles/{code}/consents")
    show(answer["agreements"], _ASKED, as_json, answer)


def agree(
    code: Code,
    purposes: Annotated[
        list[str] | None, typer.Argument(help="catalogue, feeds, matching, contact, hours. None: withdraw all.")
    ] = None,
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Agree to these purposes and to no others: with 'catalogue' it is shown, without it is gone, at once."""
    answer = ask("PUT", url, token, f"/catalogue/profiles/{code}/consents", {"purposes": purposes or []})
    show(answer["agreements"], _ASKED, as_json, answer)


def erase(code: Code, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Erase a profile with its letters and looks, for good."""
    ask("DELETE", url, token, f"/catalogue/profiles/{code}")
    tell(f"{code} is erased.", {"erased": code}, as_json)


def letters(code: Code, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """What was written to you."""
    rows = everything(url, token, f"/catalogue/profiles/{code}/letters")
    show(rows, {"from": "sender", "of": "organisation", "when": "sent_at", "letter": "text"}, as_json)


def write(
    code: Code,
    text: Annotated[str, typer.Option("--text", help="Your letter. Your name and address go along.")],
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Write to the owner of a profile, without their address."""
    answer = ask("POST", url, token, f"/catalogue/profiles/{code}/letters", {"text": text})
    tell("Sent.", answer, as_json)


def looks(code: Code, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Who looked at your venture: by week, and the last of those who were told that you see it."""
    answer = ask("GET", url, token, f"/catalogue/profiles/{code}/looks", per_page=200)
    if as_json:
        print_json(answer)
        return
    show(answer["weeks"], {"week from": "monday", "by name": "named", "others": "others"}, as_json=False)
    show(answer["items"], {"name": "name", "organisation": "organisation", "day": "day"}, as_json=False)


def look(code: Code, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Tell a venture that you looked: its lead sees your name and organisation."""
    answer = ask("POST", url, token, f"/catalogue/profiles/{code}/looks")
    tell("Told." if answer["counted"] else "It is your own: nothing is counted.", answer, as_json)


def hide(code: Code, why: Why = "", url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Hide a profile, with a reason that its owner reads. For curators."""
    answer = ask("POST", url, token, f"/catalogue/profiles/{code}/hide", {"why": why})
    show([answer], _ROW, as_json, answer)


def lift(code: Code, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Hide a profile no longer. For curators."""
    answer = ask("POST", url, token, f"/catalogue/profiles/{code}/lift")
    show([answer], _ROW, as_json, answer)


def ventures(
    sector: Annotated[str, typer.Option(help="As the catalogue's facets say it: health, energy.")] = "",
    least: Annotated[int | None, typer.Option(min=0, help="Seeks at least, in whole euros.")] = None,
    most: Annotated[int | None, typer.Option(min=0, help="Seeks at most, in whole euros.")] = None,
    sort: Annotated[str, typer.Option(help="title, amount or changed; with a minus the other way.")] = "",
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Ventures by sector and by what they seek."""
    asked = {"sector": sector, "least": least, "most": most, "sort": sort}
    chosen: dict[str, Any] = {name: value for name, value in asked.items() if value not in ("", None)}
    rows = everything(url, token, "/catalogue/ventures", **chosen)
    show(rows, {"venture": "code", "title": "title", "stage": "stage", "seeks": "seeks_amount"}, as_json)


def register(app: typer.Typer) -> None:
    """Add these verbs to the command."""
    verbs: dict[str, Any] = {
        "list": list_profiles,
        "begin": begin,
        "consents": consents,
        "agree": agree,
        "erase": erase,
        "data": data,
        "letters": letters,
        "write": write,
        "looks": looks,
        "look": look,
        "hide": hide,
        "lift": lift,
    }
    group(app, "profile", "What you publish of yourself and your ventures, and what others may do with it.", **verbs)
    group(app, "catalogue", "", ventures=ventures)
