"""The verbs of recipes and results."""

from __future__ import annotations

import json
import uuid
from typing import Annotated, Any

import typer

from fabriek.cli.remote.asking import LOCAL, Json, Token, Url, ask, end, everything, group, print_json, show, tell

Code = Annotated[str, typer.Argument(help="The recipe's code.")]
AllocationCode = Annotated[str, typer.Argument(help="The allocation's code.")]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="NAME=VALUE", help="A parameter, or name, nodes, accelerators, cores, minutes; once for each."
    ),
]
Number = Annotated[str, typer.Argument(metavar="UUID", help="The number of the job that made it.")]


def list_recipes(url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """What can be run without writing a batch script."""
    rows = everything(url, token, "/recipes")
    columns = {"recipe": "code", "title": "title", "makes": "makes", "accelerators": "needs.accelerators_are"}
    show(rows, columns, as_json)


def show_recipe(code: Code, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """A recipe: what it does, what it needs, its parameters with their limits and defaults."""
    recipe = ask("GET", url, token, f"/recipes/{code}")
    if as_json:
        print_json(recipe)
        return
    print(
        f"{recipe['title']} ({recipe['code']} {recipe['version']})\n{recipe['about']}\n{recipe['needs']['environment']}"
    )
    rows = [
        {
            "name": name,
            "kind": "integer",
            "label": "",
            "limits": f"{a['least']} to {a['most']}",
            "default": a["default"],
        }
        for name, a in recipe["needs"].items()
        if isinstance(a, dict)
    ]
    for one in recipe["parameters"]:
        choices = ", ".join(choice["value"] for choice in one["choices"])
        limits = f"{one['least']:g} to {one['most']:g}" if one["least"] is not None else choices
        rows.append({**one, "limits": limits})
    columns = {"parameter": "name", "kind": "kind", "what": "label", "limits": "limits", "default": "default"}
    show(rows, columns, as_json=False)


def estimate(
    code: Code,
    allocation: AllocationCode,
    settings: Set = None,
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """What a run would take, against what is left. Submits nothing."""
    body = {"allocation": allocation, "parameters": _parameters(settings)}
    answer = ask("POST", url, token, f"/recipes/{code}/estimate", body)
    if as_json:
        print_json(answer)
        return
    hours = {name: seconds / 3600 for name, seconds in answer.items() if name.endswith("accelerator_seconds")}
    expected = answer["expected_seconds"]
    print("It runs until its time is over." if expected is None else f"It takes about {expected / 60:,.0f} minutes.")
    print(
        f"GPU-hours: about {hours['expected_accelerator_seconds']:,.2f}, at most "
        f"{hours['most_accelerator_seconds']:,.2f}; {hours['left_accelerator_seconds']:,.2f} are left."
    )
    if not answer["fits_in_time"]:
        print("It won't be finished within its time limit: set minutes to more.")
    if answer["exceeds"]:
        print("More would be set aside for it than is left: it would be refused.")


def run(
    code: Code,
    allocation: AllocationCode,
    settings: Set = None,
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Run a recipe: submits a job."""
    body = {"allocation": allocation, "parameters": _parameters(settings), "uuid": str(uuid.uuid4())}
    answer = ask("POST", url, token, f"/recipes/{code}/runs", body)
    show([answer], {"job": "uuid", "name": "name", "state": "state"}, as_json, answer)


def _parameters(settings: list[str] | None) -> dict[str, str]:
    found = {}
    for text in settings or []:
        name, equals, value = text.partition("=")
        if not equals:
            end("Give each parameter as NAME=VALUE.", 2)
        found[name.strip()] = value
    return found


def list_results(
    project: Annotated[str, typer.Argument(help="The project's code.")],
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """What a project's jobs made, newest first."""
    columns = {"result": "uuid", "kind": "kind", "name": "name", "summary": "summary", "complete": "complete"}
    show(everything(url, token, f"/projects/{project}/results"), {**columns, "problem": "problem"}, as_json)


def show_result(number: Number, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """What a job made: figures, files with their digests, and what it came from."""
    answer = ask("GET", url, token, f"/results/{number}")
    if as_json:
        print_json(answer)
        return
    tell(f"{answer['kind']} {answer['name']}: {answer['summary'] or answer['problem']}", answer, as_json=False)
    for name, value in answer["metrics"].items():
        print(f"  {name}: {value:g}")
    files = {"file": "path", "kind": "kind", "bytes": "bytes", "SHA-256": "sha256"}
    show(answer["outputs"], files, as_json=False)
    if answer["run"]:
        print(f"Recipe {answer['run']['recipe']} {answer['run']['version']}: {json.dumps(answer['run']['parameters'])}")
    for title, steps in (("Came from", answer["came_from"]), ("Led to", answer["led_to"])):
        for step in steps:
            print(f"{title} {step['name']} ({step['uuid']}, {step['recipe']})")


def register(app: typer.Typer) -> None:
    """Add these verbs to the command."""
    verbs: dict[str, Any] = {"list": list_recipes, "show": show_recipe, "estimate": estimate, "run": run}
    group(app, "recipe", "Batch templates: train, fine-tune, evaluate, serve.", **verbs)
    group(app, "result", "What jobs made, and from what.", list=list_results, show=show_result)
