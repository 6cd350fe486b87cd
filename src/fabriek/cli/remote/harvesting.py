"""Verbs for operators: what is harvested from other catalogues."""

from __future__ import annotations

from typing import Annotated

import typer

from fabriek.cli.remote.asking import LOCAL, Json, Token, Url, ask, everything, group, show, tell

Code = Annotated[str, typer.Argument(metavar="SOURCE", help="The source's code.")]
_SOURCE = {
    "code": "code",
    "kind": "kind",
    "address": "address",
    "every hours": "every_hours",
    "active": "is_active",
    "last run": "last_state",
    "next run": "next_run",
}
_RUN = {
    "started": "started_at",
    "state": "state",
    "added": "added",
    "changed": "changed",
    "same": "same",
    "gone": "gone",
    "double": "double",
    "broken": "broken",
    "uuid": "uuid",
}


def sources(url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Catalogues that are harvested."""
    show(everything(url, token, "/harvest/sources"), _SOURCE, as_json)


def add(
    code: Code,
    name: Annotated[str, typer.Option("--name")],
    kind: Annotated[str, typer.Option("--kind", help="dcat, oai-pmh, aiod or hub.")],
    address: Annotated[str, typer.Option("--address", help="Where it answers: https://…")],
    part: Annotated[str, typer.Option("--part", help="A set, a filter, or kinds of resource.")] = "",
    every_hours: Annotated[int, typer.Option("--every-hours", min=1)] = 24,
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Have a catalogue harvested from now on. The same again changes nothing."""
    body = {"code": code, "name": name, "kind": kind, "address": address, "part": part, "every_hours": every_hours}
    answer = ask("POST", url, token, "/harvest/sources", body)
    tell(f"{code} is asked at the worker's next look, and every {every_hours} hours.", answer, as_json)


def change(
    code: Code,
    active: Annotated[bool | None, typer.Option("--active/--asleep", help="Whether it is asked.")] = None,
    every_hours: Annotated[int | None, typer.Option("--every-hours", min=1)] = None,
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Let a source sleep, wake it, or have it asked more or less often."""
    answer = ask("POST", url, token, f"/harvest/sources/{code}", {"is_active": active, "every_hours": every_hours})
    tell(
        f"{code} is {'asked' if answer['is_active'] else 'asleep'}, every {answer['every_hours']} hours.",
        answer,
        as_json,
    )


def soon(
    code: Code,
    accept_losses: Annotated[
        bool, typer.Option("--accept-losses", help="What it no longer names is gone, however much that is.")
    ] = False,
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Have a source asked at the worker's next look."""
    answer = ask("POST", url, token, f"/harvest/sources/{code}/ask", {"accept_losses": accept_losses})
    tell(f"{code} is asked at the worker's next look.", answer, as_json)


def runs(code: Code, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """What came of each run of a source, the newest first."""
    show(everything(url, token, f"/harvest/sources/{code}/runs"), _RUN, as_json)


def remarks(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Its uuid.")],
    faults: Annotated[bool, typer.Option("--faults", help="Only what could not be used.")] = False,
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """What a run could not take as it was."""
    rows = everything(url, token, f"/harvest/runs/{run}/remarks", faults=faults)
    show(rows, {"identifier": "identifier", "remark": "text", "unusable": "is_fault"}, as_json)


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    group(
        app,
        "harvest",
        "What is harvested from other catalogues.",
        sources=sources,
        add=add,
        change=change,
        ask=soon,
        runs=runs,
        remarks=remarks,
    )
