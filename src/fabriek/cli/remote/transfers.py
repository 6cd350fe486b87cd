"""`fabriek transfer`: data of a project copied or moved from one site to another."""

from __future__ import annotations

import sys
import time
import uuid
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from fabriek.cli.remote import asking
from fabriek.cli.remote.asking import LOCAL, Json, Token, Url, ask, everything, group, print_json, show

Transfer = Annotated[str, typer.Argument(metavar="UUID", help="The transfer's number.")]
_OVER = ("done", "failed", "cancelled", "measured")


def ask_(
    project: Annotated[str, typer.Argument(help="The project's code.")],
    path: Annotated[str, typer.Argument(help="A file or folder, relative to the project's folder.")],
    from_: Annotated[str, typer.Option("--from", help="The cluster at which it is.")],
    to: Annotated[str, typer.Option(help="The cluster at which it is to be.")],
    move: Annotated[bool, typer.Option("--move", help="Remove the original, once the checksums are the same.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Files that are there may be replaced.")] = False,
    start: Annotated[bool, typer.Option("--start", help="Don't ask again once it is measured.")] = False,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Wait and show how far it is.")] = False,
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Ask for data to be copied: it is measured first, and waits for `fabriek transfer start`, or --start."""
    body = {
        "from": from_,
        "to": to,
        "path": path,
        "mode": "move" if move else "copy",
        "overwrite": overwrite,
        "start": start,
        "uuid": str(uuid.uuid4()),
    }
    _told(ask("POST", url, token, f"/projects/{project}/transfers", body), url, token, follow, as_json)


def list_(
    project: Annotated[str, typer.Argument(help="The project's code.")],
    state: Annotated[str, typer.Option(help="active, or one of the states.")] = "",
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """A project's transfers, the newest first."""
    rows = everything(url, token, f"/projects/{project}/transfers", state=state)
    columns = {
        "transfer": "uuid",
        "path": "path",
        "from": "from",
        "to": "to",
        "bytes": "bytes_total",
        "done": "bytes_done",
        "state": "state",
        "why": "trouble.sentence",
    }
    show(rows, columns, as_json)


def show_(
    transfer: Transfer,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until it has ended.")] = False,
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """How far a transfer is, how long it takes, and its checksums. Status 1: it failed."""
    _told(ask("GET", url, token, f"/transfers/{transfer}"), url, token, follow, as_json)


def start(
    transfer: Transfer,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Wait and show how far it is.")] = False,
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Start a transfer that was measured."""
    _told(ask("POST", url, token, f"/transfers/{transfer}/start"), url, token, follow, as_json)


def cancel(transfer: Transfer, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Stop a transfer. What was copied stays, for a retry."""
    _told(ask("POST", url, token, f"/transfers/{transfer}/cancel"), url, token, False, as_json)


def retry(
    transfer: Transfer,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Wait and show how far it is.")] = False,
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Try a transfer again that failed or was cancelled: it goes on from what was copied."""
    _told(ask("POST", url, token, f"/transfers/{transfer}/retry"), url, token, follow, as_json)


def _told(answer: dict[str, Any], url: str, token: str, follow: bool, as_json: bool) -> None:
    """Print a transfer, once it has ended where that is asked. Status 1: it failed."""
    if follow:
        answer = _followed(answer, url, token)
    if as_json:
        print_json(answer)
    else:
        _print(answer)
    if answer["state"] == "failed":
        raise typer.Exit(1)


def _followed(answer: dict[str, Any], url: str, token: str) -> dict[str, Any]:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as bar:
        line = bar.add_task(answer["state"], total=answer["bytes_total"])
        while answer["state"] not in _OVER:
            time.sleep(asking.LOOK_AGAIN)
            answer = ask("GET", url, token, f"/transfers/{answer['uuid']}")
            bar.update(line, description=answer["state"], total=answer["bytes_total"], completed=answer["bytes_done"])
    return answer


def _print(answer: dict[str, Any]) -> None:
    print(
        f"{answer['uuid']}  {answer['path']}: {answer['from']} to {answer['to']}, {answer['mode']}: {answer['state']}"
    )
    if answer["bytes_total"] is not None:
        print(f"{answer['files_total']:,} files, {answer['bytes_total']:,} bytes, {answer['bytes_done']:,} copied")
    estimate = answer["estimate"]
    speed = estimate["bytes_per_second"]
    if answer["state"] == "measured":
        if estimate["seconds"] is None:
            print("How long it takes can't be said: nothing was measured between these sites, and no speed declared.")
        else:
            measured = estimate["measured"]
            on = f"measured over {measured['transfers']} transfers" if measured else "half of the link's declared speed"
            print(f"Takes about {_clock(estimate['seconds'])}, at {speed / 1e6:,.1f} MB/s ({on}).")
        print(f"Start it with: fabriek transfer start {answer['uuid']}")
    if answer["expected_end_at"]:
        print(f"Expected to end: {answer['expected_end_at']}")
    if answer["waits_for"]:
        print(f"Waits for: {', '.join(answer['waits_for'])}")
    if answer["verified"]:
        print(f"SHA-256 at both sites: {answer['sha256_from']}")
    if trouble := answer["trouble"]:
        where = f" ({trouble['at']})" if trouble["at"] else ""
        print(f"{trouble['sentence']}{where} {trouble['advice']}".rstrip(), file=sys.stderr)
        if trouble["detail"]:
            print(trouble["detail"], file=sys.stderr)


def _clock(seconds: float) -> str:
    whole = max(int(seconds), 1)
    return f"{whole // 3600:,}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def register(app: typer.Typer) -> None:
    """Add these verbs to the command."""
    verbs: dict[str, Any] = {
        "ask": ask_, "list": list_, "show": show_, "start": start, "cancel": cancel, "retry": retry,
    }  # fmt: skip
    group(app, "transfer", "Data of a project between sites: copy, move, follow, stop.", **verbs)
