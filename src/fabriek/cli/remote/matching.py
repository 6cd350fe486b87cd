"""What fits a project or an application."""

from __future__ import annotations

from typing import Annotated

import typer

from fabriek.cli.remote.asking import LOCAL, Json, Token, Url, ask, group, show

_COLUMNS = {"for": "section", "entry": "entry", "title": "title", "why": "why", "to know": "remarks"}


def of_project(
    project: Annotated[str, typer.Argument(metavar="PROJECT")],
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """What of the catalogue fits a project: data, models, courses, people and money, each with why."""
    _show(f"/projects/{project}/matches", url, token, as_json)


def of_application(
    application: Annotated[str, typer.Argument(metavar="APPLICATION")],
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """What of the catalogue fits an application: data, models, courses, people and money, each with why."""
    _show(f"/applications/{application}/matches", url, token, as_json)


def _show(path: str, url: str, token: str, as_json: bool) -> None:
    answer = ask("GET", url, token, path)
    rows = [
        {
            "section": section["title"],
            "entry": match["entry"],
            "title": match["title"],
            "why": " ".join(reason["sentence"] for reason in match["reasons"]),
            "remarks": " ".join(remark["sentence"] for remark in match["remarks"]),
        }
        for section in answer["sections"]
        for match in section["matches"]
    ]
    show(rows, _COLUMNS, as_json, answer)


def register(app: typer.Typer) -> None:
    """Add these verbs to the command."""
    group(app, "project", "A project; `fabriek projects` lists yours.", matches=of_project)
    group(app, "application", "An application.", matches=of_application)
