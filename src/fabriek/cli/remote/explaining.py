"""Why: of an application in a plan or after its answer, and what promises and more hours are worth."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer
from rich.console import Console

from fabriek.cli.remote.asking import LOCAL, LOOK_AGAIN, Json, Token, Url, ask, end, print_json, show

Code = Annotated[str, typer.Argument(metavar="SCENARIO")]
ApplicationCode = Annotated[str, typer.Argument(metavar="APPLICATION")]
Again = Annotated[bool, typer.Option("--again", help="Have it solved again for what would have changed it, and wait.")]
UNDER_WAY = ("asked", "solving")


def explained(
    code: Code, application: ApplicationCode, again: Again = False, url: Url = LOCAL, token: Token = "",
    as_json: Json = False,
) -> None:  # fmt: skip
    """Why an application got what it got in a scenario, and what would have changed that."""
    _explained(f"/scenarios/{code}/explanations/{application}", again, url, token, as_json)


def why(
    code: ApplicationCode, again: Again = False, url: Url = LOCAL, token: Token = "", as_json: Json = False
) -> None:
    """Why your application got the answer that it got, and what would have been enough."""
    _explained(f"/applications/{code}/explanation", again, url, token, as_json)


def _explained(path: str, again: bool, url: str, token: str, as_json: bool) -> None:
    if again:
        ask("POST", url, token, path)
    answer = _waited(path, "inquiry", url, token)
    if as_json:
        print_json(answer)
        return
    for sentence in [*answer["sentences"], *answer["changes"]]:
        print(sentence)


def prices(
    code: Code,
    of: Annotated[str, typer.Option("--again", help="promises or partitions: have these solved again, and wait.")] = "",
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """What one more hour and month of each partition is worth, and what keeping each promise costs."""
    path = f"/scenarios/{code}/prices"
    if of not in ("", "promises", "partitions"):
        end(f"{of}: give promises or partitions.", 2)
    if of:
        ask("POST", url, token, path, {"of": of})
    answer = _waited(path, f"{of}_asked", url, token) if of else ask("GET", url, token, path)
    if as_json:
        print_json(answer)
        return
    show(answer["partitions"], {"partition": "partition", "a month more": "a_month", "checked": "sentence"}, False)
    show(answer["promises"], {"promise": "name", "an hour less": "an_hour", "checked": "sentence"}, False)


def _waited(path: str, field: str, url: str, token: str) -> dict[str, Any]:
    """The answer, once what was asked is found where something was; a failure ends the command with its sentence."""
    with Console(stderr=True).status("waiting") as status:
        while True:
            answer: dict[str, Any] = ask("GET", url, token, path)
            inquiry = answer[field]
            if inquiry is None or inquiry["state"] not in UNDER_WAY:
                break
            status.update(f"{inquiry['done']} of at most {inquiry['most']} decided again ...")
            time.sleep(LOOK_AGAIN)
    if inquiry is not None and inquiry["state"] == "failed":
        end(inquiry["fault"], 1)
    return answer
