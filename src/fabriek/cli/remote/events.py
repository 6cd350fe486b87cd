"""Verbs for who comes to events, and for who organises them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from fabriek.cli.remote.asking import (
    LOCAL,
    Content,
    Json,
    Token,
    Url,
    Why,
    ask,
    content_of,
    end,
    everything,
    group,
    print_json,
    send,
    show,
    tell,
)

Code = Annotated[str, typer.Argument(metavar="EVENT", help="The event's code.")]
When = Annotated[str, typer.Option("--when", help="coming, past or all.")]
Numbers = Annotated[list[int] | None, typer.Option(help="The number of a registration, once for each.")]
_EVENT = {
    "code": "code",
    "title": "title",
    "kind": "kind",
    "factory": "factory",
    "state": "state",
    "starts": "starts",
    "seats": "seats",
    "taken": "taken",
}
_MINE = {"event": "event.code", "title": "event.title", "starts": "starts", "state": "state", "place": "place_in_line"}
_SESSION = {"starts": "starts", "ends": "ends"}
_PARTICIPANT = {
    "number": "number",
    "name": "name",
    "e-mail": "email",
    "organisation": "organisation",
    "state": "state",
    "asked": "asked_at",
    "came": "came",
}


def list_(
    when: When = "coming",
    factory: Annotated[str, typer.Option("--factory", help="One factory's.")] = "",
    kind: Annotated[str, typer.Option("--kind", help="training, workshop, webinar, information or other.")] = "",
    language: Annotated[str, typer.Option("--language", help="Its code, such as nl.")] = "",
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Events: what comes, the next first."""
    narrowed = {"factory": factory, "language": language, **({"kind": kind} if kind else {})}
    rows = everything(url, token, "/calendar/events", when=when, **narrowed)
    show(_with_start(rows), _EVENT, as_json, rows)


def show_(code: Code, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """An event, its sessions, and with a token what your registration is."""
    found = ask("GET", url, token, f"/calendar/events/{code}")
    if as_json:
        print_json(found)
        return
    show(_with_start([found]), {**_EVENT, "yours": "registration", "place in line": "place_in_line"}, False)
    show(found["sessions"], _SESSION, False)
    for name in ("place", "link", "summary", "why"):
        if found[name]:
            print(f"{name}: {found[name]}")


def register_(code: Code, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Register: a seat where one is free, else the end of the waiting list."""
    said = ask("POST", url, token, f"/calendar/events/{code}/registration")
    place = said["place_in_line"]
    tell(f"You are number {place} on the waiting list." if place else "You have a seat.", said, as_json)


def withdraw(code: Code, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Withdraw: your seat goes to who waits longest."""
    said = ask("DELETE", url, token, f"/calendar/events/{code}/registration")
    tell("You are not registered any more.", said, as_json)


def mine(when: When = "coming", url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """What you registered for."""
    rows = everything(url, token, "/calendar/registrations", when=when)
    show([{**row, "starts": _start(row["event"])} for row in rows], _MINE, as_json, rows)


def calendar(
    code: Annotated[str, typer.Argument(metavar="[EVENT]", help="One event's code; without it all of them.")] = "",
    factory: Annotated[str, typer.Option("--factory", help="One factory's.")] = "",
    to: Annotated[Path | None, typer.Option("--to", help="A file to write, such as events.ics.")] = None,
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Events as iCalendar."""
    if code:
        text = send("GET", url, token, f"/calendar/events/{code}/ics").text
    else:
        text = send("GET", url, token, "/calendar/feed", **({"factory": factory} if factory else {})).text
    if to is not None:
        try:
            to.write_bytes(text.encode())
        except OSError as error:
            end(f"{to} can't be written: {error.strerror}.", 1)
        tell(f"Written to {to}.", {"file": str(to)}, as_json)
    elif as_json:
        print_json({"calendar": text})
    else:
        print(text, end="")


def own_calendar(url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """A new address of your own calendar, told once; the one before opens nothing any more."""
    said = ask("POST", url, token, "/calendar/own")
    tell(said["address"], said, as_json)


def desk(
    state: Annotated[str, typer.Option("--state", help="draft, published or cancelled.")] = "",
    factory: Annotated[str, typer.Option("--factory", help="One factory's.")] = "",
    sort: Annotated[str, typer.Option("--sort", help="A column, such as starts or -taken.")] = "",
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Events with their drafts, and how many wait, for who organises."""
    only = {"state": state} if state else {}
    rows = everything(url, token, "/calendar/desk/events", factory=factory, sort=sort, **only)
    show(_with_start(rows), {**_EVENT, "waiting": "waiting"}, as_json, rows)


def plan(file: Content, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Plan an event, as a draft."""
    said = ask("POST", url, token, "/calendar/events", content_of(file))
    tell(f"Planned, as {said['code']}. Publish it with `fabriek event publish {said['code']}`.", said, as_json)


def change(code: Code, file: Content, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Change an event, whole; who registered is mailed of another time or place."""
    said = ask("PUT", url, token, f"/calendar/events/{code}", content_of(file))
    tell(f"{code} is changed.", said, as_json)


def publish(code: Code, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Publish an event."""
    tell(f"{code} is published.", ask("POST", url, token, f"/calendar/events/{code}/publish"), as_json)


def cancel(code: Code, why: Why, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Cancel an event; everybody who registered is mailed why."""
    tell(f"{code} is cancelled.", ask("POST", url, token, f"/calendar/events/{code}/cancel", {"why": why}), as_json)


def discard(code: Code, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Throw away a draft."""
    ask("DELETE", url, token, f"/calendar/events/{code}")
    tell(f"{code} is discarded.", {"code": code}, as_json)


def participants(
    code: Code,
    state: Annotated[str, typer.Option("--state", help="seat, waiting or withdrawn.")] = "",
    sort: Annotated[str, typer.Option("--sort", help="A column, such as name.")] = "",
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Who comes and who waits, for who organises."""
    only = {"state": state} if state else {}
    show(everything(url, token, f"/calendar/events/{code}/participants", sort=sort, **only), _PARTICIPANT, as_json)


def attendance(
    code: Code,
    came: Numbers = None,
    absent: Numbers = None,
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Note who came, once it has begun."""
    marks: dict[str, Any] = {str(one): True for one in came or []} | {str(one): False for one in absent or []}
    if not marks:
        end("Name somebody: --came N or --absent N, with the numbers of `fabriek event participants`.", 2)
    said = ask("POST", url, token, f"/calendar/events/{code}/attendance", {"came": marks})
    tell(f"{said['changed']} marks changed.", said, as_json)


def _start(event: dict[str, Any]) -> str:
    return str(event["sessions"][0]["starts"]) if event["sessions"] else ""


def _with_start(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**row, "starts": _start(row)} for row in rows]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    group(
        app,
        "event",
        "Training and other events: what there is, coming along, organising.",
        list_=list_,
        show_=show_,
        register_=register_,
        withdraw=withdraw,
        mine=mine,
        calendar=calendar,
        own_calendar=own_calendar,
        desk=desk,
        plan=plan,
        change=change,
        publish=publish,
        cancel=cancel,
        discard=discard,
        participants=participants,
        attendance=attendance,
    )
