"""Initials under a proposal, and who has to give them."""

from __future__ import annotations

from typing import Annotated

import typer

from fabriek.cli.remote.asking import LOCAL, Json, Token, Url, Why, ask, end, tell

Decision = Annotated[str, typer.Argument(metavar="DECISION")]


def initial(
    code: Decision,
    remark: Annotated[str, typer.Option("--remark", help="Stands in the minutes.")] = "",
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Give the initials whose turn it is; after the last ones the proposal can be published."""
    answer = ask("POST", url, token, f"/decisions/{code}/initial", {"remark": remark})
    waits = [step["title"] for step in answer["sign_off"] if step["state"] == "waits"]
    tell(f"Initials given. {f'Next: {waits[0]}.' if waits else 'It can be published.'}", answer, as_json)


def send_back(code: Decision, why: Why, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Don't agree: the proposal is put aside, with why, and another one can be made."""
    answer = ask("POST", url, token, f"/decisions/{code}/send-back", {"why": why})
    tell(f"{code} is sent back.", answer, as_json)


def sign_off(
    programme: Annotated[str, typer.Argument(metavar="PROGRAMME")],
    why: Why,
    steps: Annotated[
        list[str] | None,
        typer.Option("--step", metavar="TITLE=ROLE", help="In turn, such as 'Governing Board=board'. None: no route."),
    ] = None,
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Set who gives initials to a programme's proposals before they are published, in turn."""
    route = [dict(zip(("title", "role"), step.rpartition("=")[::2], strict=True)) for step in steps or []]
    if any(not step["title"] for step in route):
        end("Write each step as TITLE=ROLE, such as 'Governing Board=board'.", 2)
    answer = ask("PUT", url, token, f"/programmes/{programme}/sign-off", {"steps": route, "why": why})
    told = ", ".join(step["title"] for step in answer["sign_off"]) or "nobody: an officer publishes alone"
    tell(f"{programme} is signed off by {told}.", answer, as_json)
