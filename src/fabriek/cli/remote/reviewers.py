"""The verbs of reviewers: `fabriek review list | show | save | submit | decline`."""

from __future__ import annotations

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
    everything,
    group,
    print_json,
    show,
    tell,
)

Number = Annotated[int, typer.Argument(min=1, help="The review's number, as `fabriek review list` says.")]
_COLUMNS = {
    "review": "number",
    "application": "application",
    "kind": "kind",
    "state": "state",
    "scores": "scores",
    "draft saved": "saved_at",
}


def mine(url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Your reviews, those to do first."""
    show(everything(url, token, "/reviews"), _COLUMNS, as_json)


def read(number: Number, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """The application to review, and the criteria."""
    answer = ask("GET", url, token, f"/reviews/{number}")
    if as_json:
        print_json(answer)
        return
    for line in _lines(answer):
        print(line)


def _lines(review: dict[str, Any]) -> list[str]:
    asked = [
        f"  {row['gpu_hours']:,} GPU-hours on {row['partition']}, {row['months']} months from {row['first_month'][:7]}"
        for row in review["alternatives"]
    ]
    criteria = [f"  {row['code']}: {row['name']}, 0 to {row['scale']:g}" for row in review["criteria"]]
    assessed = ["", f"Technical assessment: {review['technical_assessment']}"] if review["technical_assessment"] else []
    texts = [
        line
        for title, name in (("What and why", "summary"), ("How", "method"), ("Data", "data_statement"))
        for line in ("", title, review[name])
    ]
    ethics = [f"  {code}: {answer}" for code, answer in review["ethics"].items()]
    return [
        f"{review['application']}: {review['title']}",
        f"{review['organisation']} ({review['organisation_class']}), {review['kind']} review, {review['state']}",
        "",
        "Asked, best first",
        *asked,
        *texts,
        "",
        "Ethics",
        *ethics,
        *assessed,
        "",
        "Criteria",
        *criteria,
        *_draft_lines(review),
    ]


def _draft_lines(review: dict[str, Any]) -> list[str]:
    draft = review["draft"]
    if not draft:
        return []
    return ["", f"Saved {review['saved_at'][:16]}, not handed in", f"  {draft['scores']}", f"  {draft['remark']}"]


def save(number: Number, file: Content, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Keep what you have so far, from a file as for submitting; leave out what is not there yet. It doesn't count yet.

    The file may carry the `version` that `fabriek review show --json` gave: then a newer one is not written over.
    """
    said = content_of(file)
    if "version" not in said:
        said = {**said, "version": ask("GET", url, token, f"/reviews/{number}")["version"]}
    answer = ask("PATCH", url, token, f"/reviews/{number}", said)
    show([answer], _COLUMNS, as_json, answer)


def submit(number: Number, file: Content, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Hand in a review from a file: {"scores": {criterion: points}, "remark": ..., "confidential_remark": ...}.

    It can be handed in again until the score is settled.
    """
    answer = ask("POST", url, token, f"/reviews/{number}", content_of(file))
    show([answer], _COLUMNS, as_json, answer)


def decline(number: Number, why: Why, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Decline a review for an interest, which is remembered; somebody else is found."""
    answer = ask("POST", url, token, f"/reviews/{number}/decline", {"why": why})
    tell("Declined. The officer finds somebody else.", answer, as_json)


def register(app: typer.Typer) -> None:
    """Add these verbs to the command."""
    group(app, "review", "What you review.", list=mine, show=read, save=save, submit=submit, decline=decline)
