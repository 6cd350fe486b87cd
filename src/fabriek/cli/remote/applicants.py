"""The verbs of applicants and members of projects."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fabriek.cli.remote.asking import (
    LOCAL,
    PANEL,
    REPORTS,
    Content,
    Json,
    Token,
    Url,
    Why,
    ask,
    content_of,
    everything,
    group,
    send,
    show,
    tell,
)


def calls(url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Open calls, with what is free in each."""
    rows = everything(url, token, "/calls")
    show(rows, {"call": "code", "title": "title", "closes": "closes", "free GPU-hours": "free_gpu_hours"}, as_json)


def applications(url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Your applications."""
    columns = {"application": "code", "title": "title", "state": "state", "answer due": "answer_due"}
    show(everything(url, token, "/applications"), columns, as_json)


def apply(
    call: Annotated[str, typer.Argument(help="The call's code.")],
    file: Content,
    submit: Annotated[bool, typer.Option("--submit", help="Submit it too.")] = False,
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Write an application from a file (title, summary, method, data_statement, alternatives ...)."""
    content = content_of(file)
    draft = ask("POST", url, token, f"/calls/{call}/applications")
    draft = ask("PATCH", url, token, f"/applications/{draft['code']}", {**content, "version": draft["version"]})
    if submit:
        draft = ask("POST", url, token, f"/applications/{draft['code']}/submit")
    show([draft], {"application": "code", "state": "state", "answer due": "answer_due"}, as_json, draft)


def projects(url: Url = LOCAL, token: Token = "", search: str = "", as_json: Json = False) -> None:
    """Your projects and what they have left."""
    answer = ask("GET", url, token, "/projects", per_page=200, search=search)
    columns = {
        "project": "code",
        "title": "title",
        "awarded": "accelerator_seconds.awarded",
        "used": "accelerator_seconds.used",
        "left": "accelerator_seconds.left",
        "ends": "ends",
    }
    show(answer["items"], columns, as_json, answer)


def withdraw(
    code: Annotated[str, typer.Argument()],
    why: Why = "",
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Withdraw your application, any time before the decision."""
    answer = ask("POST", url, token, f"/applications/{code}/withdraw", {"why": why})
    show([answer], {"application": "code", "state": "state"}, as_json, answer)


def attach(
    code: Annotated[str, typer.Argument()],
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A PDF of at most 10 MB.")],
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Attach a PDF to your draft."""
    files = {"file": (file.name, file.read_bytes(), "application/pdf")}
    answer = send("POST", url, token, f"/applications/{code}/attachments", files=files).json()
    show(answer["attachments"], {"number": "number", "name": "name", "bytes": "size"}, as_json)


def detach(
    code: Annotated[str, typer.Argument()],
    number: Annotated[int, typer.Argument()],
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Take an attachment away from your draft."""
    answer = ask("DELETE", url, token, f"/applications/{code}/attachments/{number}")
    show(answer["attachments"], {"number": "number", "name": "name", "bytes": "size"}, as_json)


def attachment(
    code: Annotated[str, typer.Argument()],
    number: Annotated[int, typer.Argument()],
    file: Annotated[Path, typer.Argument(help="Where to write it.")],
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Write an attachment of an application that you may read to a file."""
    file.write_bytes(send("GET", url, token, f"/applications/{code}/attachments/{number}").content)
    tell(str(file), {"file": str(file)}, as_json)


def reply(
    code: Annotated[str, typer.Argument()],
    text: Annotated[str, typer.Option("--text", help="What you answer; left out: you have nothing to add.")] = "",
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Reply to the reviews of your application, before it is decided. Once."""
    answer = ask("POST", url, token, f"/applications/{code}/reply", {"text": text})
    tell("Your reply is on record." if text else "On record: nothing to add.", answer, as_json)


def object_to(
    code: Annotated[str, typer.Argument()],
    why: Why,
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Object to the decision on your application; somebody who did not publish it answers."""
    answer = ask("POST", url, token, f"/applications/{code}/objection", {"why": why})
    tell("Your objection is on record.", answer, as_json)


def show_report(
    project: Annotated[str, typer.Argument()],
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """A project's use against plan and, once handed in, its final report."""
    answer = ask("GET", url, token, f"/projects/{project}/report")
    rows = [{**row, "planned": row["planned"] / 3600, "used": row["used"] / 3600} for row in answer["months"]]
    show(rows, {"month": "month", "planned GPU-hours": "planned", "used GPU-hours": "used"}, as_json, answer)
    if answer["results"] and not as_json:
        print(answer["results"])


def hand_in_report(
    project: Annotated[str, typer.Argument()],
    file: Content,
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Hand in your project's final report: results, outputs and unused_why."""
    answer = ask("PUT", url, token, f"/projects/{project}/report", content_of(file))
    tell(f"The report of {project} was handed in.", answer, as_json)


def take_in(
    project: Annotated[str, typer.Argument()],
    email: Annotated[str, typer.Argument()],
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Take somebody who has signed in once into your project."""
    ask("POST", url, token, f"/projects/{project}/members", {"email": email})
    tell(f"{email} is a member of {project}.", {"project": project, "email": email}, as_json)


def let_go(
    project: Annotated[str, typer.Argument()],
    email: Annotated[str, typer.Argument()],
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Let a member go; what they did stays on record."""
    ask("DELETE", url, token, f"/projects/{project}/members/{email}")
    tell(f"{email} is no longer a member of {project}.", {"project": project, "email": email}, as_json)


def register(app: typer.Typer) -> None:
    """Add these verbs to the command."""
    for verb in (calls, apply, applications, projects):
        app.command(rich_help_panel=PANEL)(verb)
    group(app, "report", REPORTS, show=show_report, submit=hand_in_report)
    group(app, "member", "Who is in a project.", add=take_in, remove=let_go)
