"""How every verb over the API asks, shows and ends: --url, --token, --json, and the exit status."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Collection, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, NoReturn

import httpx
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

Url = Annotated[str, typer.Option("--url", envvar="FABRIEK_URL", help="The platform's address.")]
Token = Annotated[str, typer.Option("--token", envvar="FABRIEK_TOKEN", help="Made on your account's page.")]
Json = Annotated[bool, typer.Option("--json", help="Print the API's own answer.")]
Why = Annotated[str, typer.Option("--why", help="The reason, which stays on record.")]
Content = Annotated[Path, typer.Argument(help="JSON with the fields that the API takes; - is standard input.")]
PartitionCode = Annotated[str, typer.Argument(metavar="SYSTEM/PARTITION")]

LOCAL = "http://127.0.0.1:8000"
PANEL = "Over the API"
REPORTS = "A project's final report, and the reports that the law demands."
LOOK_AGAIN = 1.0
"""Seconds between two looks at a task that goes on."""


def ask(method: str, url: str, token: str, path: str, body: Any = None, **parameters: Any) -> Any:
    """One call. A refusal is printed with its sentence and ends the command with status 1, bad input with 2."""
    answer = send(method, url, token, path, body, **parameters)
    return answer.json() if answer.content else None


def send(
    method: str, url: str, token: str, path: str, body: Any = None, *, files: Any = None, **parameters: Any
) -> httpx.Response:
    """As `ask`, the answer as it came. files: a form's, as httpx takes them."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    sent = {"files": files} if files else {"json": body}
    try:
        answer = httpx.request(method, f"{url}/api/v1{path}", params=parameters, headers=headers, timeout=60, **sent)
    except httpx.HTTPError as error:
        end(f"{url} can't be reached: {error}", 1)
    if answer.is_success:
        return answer
    try:
        problem = answer.json()
    except ValueError:
        end(f"{url} answered {answer.status_code} and no JSON; is this the platform's address?", 1)
    print(problem.get("detail", answer.text), file=sys.stderr)
    for field, sentences in (problem.get("faults") or {}).items():
        for sentence in sentences:
            print(f"  {field}: {sentence}", file=sys.stderr)
    raise typer.Exit(2 if answer.status_code == 422 else 1)


def everything(url: str, token: str, path: str, **parameters: Any) -> list[dict[str, Any]]:
    """All rows of a list that comes in pages."""
    rows: list[dict[str, Any]] = []
    page = pages = 1
    while page <= pages:
        answer = ask("GET", url, token, path, page=page, per_page=200, **parameters)
        rows += answer["items"]
        page, pages = page + 1, answer["pages"]
    return rows


def finished(url: str, token: str, answer: Any) -> Any:
    """What became of a task that goes on by itself, once it has ended; any other answer as it is.

    A terminal shows how far it is. A task that failed ends the command with its sentence and status 1.
    """
    if not (isinstance(answer, dict) and "task" in answer):
        return answer
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=Console(stderr=True)
    ) as bar:
        shown = bar.add_task(answer["verb"], total=answer["total"])
        while answer["ended_at"] is None:
            time.sleep(LOOK_AGAIN)
            answer = ask("GET", url, token, f"/tasks/{answer['task']}")
            # While it is at something that doesn't go one by one, the bar only moves to and fro.
            total = None if answer["stage"] else answer["total"]
            bar.update(shown, completed=answer["done"], total=total, description=answer["stage"] or answer["verb"])
    if answer["state"] == "failed":
        end(answer["sentence"], 1)
    return answer


def once_over(url: str, token: str, path: str, under_way: Collection[str]) -> dict[str, Any]:
    """What stands at a path once its state is none of those, looked at again and again; a terminal shows its step."""
    code = path.rpartition("/")[2]
    with Console(stderr=True).status(code) as status:
        while True:
            answer: dict[str, Any] = ask("GET", url, token, path)
            if answer["state"] not in under_way:
                return answer
            status.update(f"{code}: {answer['step'] or answer['state']} ...")
            time.sleep(LOOK_AGAIN)


def end_if_faulty(answer: Mapping[str, Any]) -> None:
    """End the command with the fault that an answer tells, if it tells one."""
    if answer["fault"]:
        end(answer["fault"], 1)


def end(sentence: str, status: int) -> NoReturn:
    """End the command with a sentence."""
    print(sentence, file=sys.stderr)
    raise typer.Exit(status)


def content_of(file: Path) -> dict[str, Any]:
    """The JSON object of a file, or of standard input for '-'. What can't be read ends the command with status 2."""
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        content = json.loads(text)
    except (OSError, ValueError) as error:
        end(f"{file} can't be read as JSON: {error}", 2)
    if not isinstance(content, dict):
        end(f"{file} holds no JSON object: write {{...}} with the fields.", 2)
    return content


def pairs_of(texts: list[str], what: str) -> dict[str, str]:
    """NAME=VALUE texts as a table."""
    pairs = dict(text.partition("=")[::2] for text in texts)
    if not pairs or not all(name and value for name, value in pairs.items()):
        end(f"Give {what} as NAME=VALUE, once for each.", 2)
    return pairs


def months_of(first: str, number: int) -> list[str]:
    """The first days of `number` months from a month such as 2026-11 on."""
    try:
        start = date.fromisoformat(f"{first}-01")
    except ValueError:
        end(f"{first} is no month. Give one such as 2026-11.", 2)
    begin = start.year * 12 + start.month - 1
    return [f"{n // 12:04d}-{n % 12 + 1:02d}-01" for n in range(begin, begin + number)]


def show(rows: list[dict[str, Any]], columns: Mapping[str, str], as_json: bool, whole: Any = None) -> None:
    """Rows as a table, or the answer as JSON."""
    if as_json:
        print_json(rows if whole is None else whole)
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


def tell(sentence: str, answer: Any, as_json: bool) -> None:
    """What was done, in a sentence or as JSON."""
    if as_json:
        print_json(answer)
    else:
        print(sentence)


def print_json(answer: Any) -> None:
    """An answer of the API as it came, indented."""
    print(json.dumps(answer, indent=1))


def _field(row: dict[str, Any], path: str) -> Any:
    value: Any = row
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    if path.startswith("accelerator_seconds"):
        return f"{(value or 0) / 3600:,.1f}"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else value


def group(app: typer.Typer, name: str, about: str, **verbs: Any) -> None:
    """Add `fabriek NAME VERB ...`: to the group of this name, where one is there already."""
    made = next((one.typer_instance for one in app.registered_groups if one.name == name), None)
    if made is None:
        made = typer.Typer(no_args_is_help=True, help=about)
        app.add_typer(made, name=name, rich_help_panel=PANEL)
    for verb, act in verbs.items():
        made.command(verb.rstrip("_").replace("_", "-"))(act)
