"""Verbs for who asks a factory's experts, and for the experts."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from fabriek.cli.remote.asking import LOCAL, Json, Token, Url, Why, ask, end, everything, group, print_json, show, tell

Number = Annotated[int, typer.Argument(metavar="NUMBER", help="The question's number.")]
Text = Annotated[str, typer.Option("--text", help="What you say.")]
_TICKET = {
    "number": "number",
    "subject": "subject",
    "factory": "factory",
    "state": "state",
    "since": "state_since",
    "asked by": "asked_by",
}
_MESSAGE = {"at": "at", "by": "by", "answer": "is_answer", "text": "text"}
_HANDOVER = {"at": "at", "by": "by", "from": "from_factory", "to": "to_factory", "why": "why"}


def ask_(
    factory: Annotated[str, typer.Argument(metavar="FACTORY", help="The code of the factory whose experts you ask.")],
    subject: Annotated[str, typer.Option("--subject")],
    text: Text,
    about: Annotated[str, typer.Option("--about", help="What it is about, as job:UUID or project:CODE.")] = "",
    page: Annotated[str, typer.Option("--page", help="Where you met it, as /projects/aurora/.")] = "",
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Ask the experts of a factory."""
    kind, colon, code = about.partition(":")
    if about and not (kind and colon and code):
        end("Give --about as KIND:CODE, such as project:aurora.", 2)
    body: dict[str, Any] = {"factory": factory, "subject": subject, "text": text, "page": page}
    if about:
        body |= {"about_kind": kind, "about": code}
    answer = ask("POST", url, token, "/tickets", body)
    tell(f"Asked, as number {answer['number']}. The answer comes by mail.", answer, as_json)


def list_(
    desk: Annotated[bool, typer.Option("--desk", help="What waits for the experts, instead of your own.")] = False,
    state: Annotated[str, typer.Option("--state", help="Of the desk: open, answered, closed or all.")] = "open",
    factory: Annotated[str, typer.Option("--factory", help="Of the desk: one factory's.")] = "",
    sort: Annotated[str, typer.Option("--sort", help="A column, such as asked or -asked.")] = "",
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Your questions, or those on the experts' desk."""
    path = "/desk/tickets" if desk else "/tickets"
    only = {"state": state, "factory": factory} if desk else {}
    show(everything(url, token, path, sort=sort, **only), _TICKET, as_json)


def show_(number: Number, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """A question, what was said on it, and the factories that had it."""
    found = ask("GET", url, token, f"/tickets/{number}")
    said = everything(url, token, f"/tickets/{number}/messages")
    if as_json:
        print_json({**found, "messages": said})
        return
    show([found], _TICKET, False)
    show(said, _MESSAGE, False)
    if found["handovers"]:
        show(found["handovers"], _HANDOVER, False)


def answer(number: Number, text: Text, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Answer a question; of your own, ask more."""
    said = ask("POST", url, token, f"/tickets/{number}/messages", {"text": text})
    tell(f"Said. Question {number} is {said['state']}.", said, as_json)


def hand_over(
    number: Number,
    to: Annotated[str, typer.Option("--to", help="The code of the factory that gets it.")],
    why: Why,
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Give a question to another factory's experts."""
    said = ask("POST", url, token, f"/tickets/{number}/hand-over", {"factory": to, "why": why})
    tell(f"Question {number} waits for the experts of {to}.", said, as_json)


def close(
    number: Number,
    why: Annotated[str, typer.Option("--why", help="Needed of an expert where it waits for an answer.")] = "",
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Close a question."""
    said = ask("POST", url, token, f"/tickets/{number}/close", {"why": why})
    tell(f"Question {number} is closed.", said, as_json)


def reopen(number: Number, why: Why, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Open a question again."""
    said = ask("POST", url, token, f"/tickets/{number}/reopen", {"why": why})
    tell(f"Question {number} waits for an answer again.", said, as_json)


def addresses(url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """For experts: where those of each factory are mailed of what waits for them."""
    show(everything(url, token, "/desk/addresses"), {"factory": "factory", "mailed": "email"}, as_json)


def mail_to(
    factory: Annotated[str, typer.Argument(metavar="FACTORY", help="A factory's code.")],
    email: Annotated[str, typer.Argument(metavar="[EMAIL]", help="Left out: nobody is mailed any more.")] = "",
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """For experts: have those of a factory mailed of new questions."""
    said = ask("PUT", url, token, f"/desk/addresses/{factory}", {"email": email})
    tell(f"New questions to {factory} are mailed to {email or 'nobody'}.", said, as_json)


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    group(
        app,
        "ticket",
        "Questions to a factory's experts.",
        ask=ask_,
        list_=list_,
        show_=show_,
        answer=answer,
        hand_over=hand_over,
        close=close,
        reopen=reopen,
        addresses=addresses,
        mail_to=mail_to,
    )
