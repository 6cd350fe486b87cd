"""The verbs of administrators: people and their roles."""

from __future__ import annotations

from typing import Annotated

import typer

from fabriek.cli.remote.asking import LOCAL, PANEL, Json, Token, Url, ask, everything, group, show, tell

Email = Annotated[str, typer.Argument(metavar="E-MAIL")]
Role = Annotated[str, typer.Argument(help="reviewer, officer, operator, board or administrator.")]


def people(
    search: Annotated[str, typer.Option("--search", help="In names and addresses.")] = "",
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """People and their roles, by name."""
    columns = {"name": "name", "e-mail": "email", "organisation": "organisation", "roles": "roles"}
    show(everything(url, token, "/people", search=search), columns, as_json)


def give(email: Email, role: Role, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Give somebody a role."""
    ask("POST", url, token, f"/people/{email}/roles", {"role": role})
    tell(f"{email} is now {role}.", {"email": email, "role": role}, as_json)


def withdraw(email: Email, role: Role, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Withdraw a role; the last administrator stays."""
    ask("DELETE", url, token, f"/people/{email}/roles/{role}")
    tell(f"{email} is no longer {role}.", {"email": email, "role": role}, as_json)


def register(app: typer.Typer) -> None:
    """Add these verbs to the command."""
    app.command(rich_help_panel=PANEL)(people)
    group(app, "role", "Who may do what.", give=give, withdraw=withdraw)
