"""The verbs of users, over the API: with --url and --token, or FABRIEK_URL and FABRIEK_TOKEN."""

from __future__ import annotations

import json
import sys
import uuid
from pathlib import Path
from typing import Annotated, Any, NoReturn

import httpx
import typer
from rich.console import Console
from rich.table import Table

Url = Annotated[str, typer.Option("--url", envvar="FABRIEK_URL", help="The platform's address.")]
Token = Annotated[str, typer.Option("--token", envvar="FABRIEK_TOKEN", help="Made on your account's page.")]
Json = Annotated[bool, typer.Option("--json", help="Print the API's own answer.")]

_LOCAL = "http://127.0.0.1:8000"
_PANEL = "Over the API"


def ask(method: str, url: str, token: str, path: str, body: Any = None, **parameters: Any) -> Any:
    """One call. A refusal is printed with its sentence and ends the command with status 1, bad input with 2."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        answer = httpx.request(method, f"{url}/api/v1{path}", json=body, params=parameters, headers=headers, timeout=60)
    except httpx.HTTPError as error:
        _end(f"{url} can't be reached: {error}", 1)
    if answer.is_success:
        return answer.json() if answer.content else None
    try:
        problem = answer.json()
    except ValueError:
        _end(f"{url} answered {answer.status_code} and no JSON; is this the platform's address?", 1)
    print(problem.get("detail", answer.text), file=sys.stderr)
    for field, sentences in (problem.get("faults") or {}).items():
        for sentence in sentences:
            print(f"  {field}: {sentence}", file=sys.stderr)
    raise typer.Exit(2 if answer.status_code == 422 else 1)


def _end(sentence: str, status: int) -> NoReturn:
    print(sentence, file=sys.stderr)
    raise typer.Exit(status)


def show(rows: list[dict[str, Any]], columns: dict[str, str], as_json: bool, whole: Any = None) -> None:
    """Rows as a table, or the answer as JSON."""
    if as_json:
        print(json.dumps(rows if whole is None else whole, indent=1))
        return
    if not rows:
        print("Nothing here yet.")
        return
    table = Table()
    for title in columns:
        table.add_column(title)
    for row in rows:
        table.add_row(*(str(_field(row, field)) for field in columns.values()))
    Console().print(table)


def _field(row: dict[str, Any], path: str) -> Any:
    value: Any = row
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    if path.startswith("accelerator_seconds"):
        return f"{(value or 0) / 3600:,.1f}"
    return "" if value is None else value


def calls(url: Url = _LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Open calls, with what is free in each."""
    rows = ask("GET", url, token, "/calls")
    show(rows, {"call": "code", "title": "title", "closes": "closes", "free GPU-hours": "free_gpu_hours"}, as_json)


def applications(url: Url = _LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Your applications."""
    answer = ask("GET", url, token, "/applications", per_page=200)
    columns = {"application": "code", "title": "title", "state": "state", "answer due": "answer_due"}
    show(answer["items"], columns, as_json, answer)


def apply(
    call: Annotated[str, typer.Argument(help="The call's code.")],
    file: Annotated[Path, typer.Argument(help="JSON with title, summary, method, data_statement, alternatives ...")],
    submit: Annotated[bool, typer.Option("--submit", help="Submit it too.")] = False,
    url: Url = _LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Write an application from a file; with --submit, submit it."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        _end(f"{file} can't be read as JSON: {error}", 2)
    draft = ask("POST", url, token, f"/calls/{call}/applications")
    draft = ask("PATCH", url, token, f"/applications/{draft['code']}", {**content, "version": draft["version"]})
    if submit:
        draft = ask("POST", url, token, f"/applications/{draft['code']}/submit")
    show([draft], {"application": "code", "state": "state", "answer due": "answer_due"}, as_json, draft)


def projects(url: Url = _LOCAL, token: Token = "", search: str = "", as_json: Json = False) -> None:
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


def submit(
    allocation: Annotated[str, typer.Argument(help="The allocation's code.")],
    script: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A batch script with #SBATCH lines.")],
    name: Annotated[str, typer.Option(help="The job's name.")] = "",
    url: Url = _LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Submit a batch script."""
    body = {
        "allocation": allocation,
        "name": name or script.stem,
        "script": script.read_text(encoding="utf-8"),
        "uuid": str(uuid.uuid4()),
    }
    answer = ask("POST", url, token, "/jobs", body)
    show([answer], {"job": "uuid", "state": "state"}, as_json, answer)


def jobs(
    project: Annotated[str, typer.Argument(help="The project's code.")],
    url: Url = _LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """A project's jobs."""
    answer = ask("GET", url, token, f"/projects/{project}/jobs", per_page=200)
    columns = {"job": "uuid", "name": "name", "state": "state", "reason": "reason", "submitted": "submitted_at"}
    show(answer["items"], columns, as_json, answer)


def job(
    number: Annotated[str, typer.Argument(metavar="UUID")],
    cancel: Annotated[bool, typer.Option("--cancel", help="Stop it.")] = False,
    url: Url = _LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """A job's state and output; with --cancel, stop it."""
    path = f"/jobs/{number}"
    answer = ask("POST", url, token, f"{path}/cancel") if cancel else ask("GET", url, token, path)
    if as_json:
        print(json.dumps(answer, indent=1))
        return
    print(f"{answer['state']} {answer['reason']}".strip())
    print(answer["output"], end="")
    print(answer["error_output"], end="", file=sys.stderr)


def register(app: typer.Typer) -> None:
    """Add these verbs to the command."""
    for verb in (calls, apply, applications, projects, submit, jobs, job):
        app.command(rich_help_panel=_PANEL)(verb)
