"""The verbs of continuous calls and of what comes back: queues, returns, offers, changes of awards."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from fabriek.cli.remote.asking import LOCAL, Json, Token, Url, Why, ask, everything, group, show, tell

CallCode = Annotated[str, typer.Argument(metavar="CALL")]
ProjectCode = Annotated[str, typer.Argument(metavar="PROJECT")]
Number = Annotated[int, typer.Argument(metavar="NUMBER")]
Allocation = Annotated[str, typer.Option("--allocation", help="The allocation's code.")]
Hours = Annotated[int, typer.Option("--hours", min=1, help="GPU-hours.")]
_RETURN = {
    "number": "number",
    "project": "project",
    "allocation": "allocation",
    "state": "state",
    "GPU-hours": "accelerator_seconds",
    "due": "due",
    "claim": "claim",
}
_CHANGE = {
    "number": "number",
    "project": "project",
    "allocation": "allocation",
    "kind": "kind",
    "state": "state",
    "GPU-hours": "accelerator_seconds",
    "answer": "answer",
    "new allocation": "granted",
}


def queue_show(call: CallCode, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """What is free, what is kept for whom, and what each would be answered now."""
    answer = ask("GET", url, token, f"/calls/{call}/queue")
    columns = {
        "application": "application",
        "class": "organisation_class",
        "days left": "working_days_left",
        "now": "verdict",
        "why": "words",
    }
    show(answer["queue"], columns, as_json, answer)
    if not as_json:
        print(f"{answer['free'] / 3600:,.0f} GPU-hours free, {answer['kept'] / 3600:,.0f} of them kept for floors.")


def queue_decide(call: CallCode, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Answer every application of a continuous call that can be answered now."""
    _ran([ask("POST", url, token, f"/calls/{call}/queue")], as_json)


def queue_decide_all(url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """The same for all continuous calls: for a timer, with an officer's token."""
    _ran(ask("POST", url, token, "/queues"), as_json)


def _ran(answers: list[dict[str, Any]], as_json: bool) -> None:
    columns = {
        "call": "call",
        "decision": "decision",
        "awarded": "awarded",
        "refused": "refused",
        "waiting": "waiting",
        "left to others": "left",
    }
    show(answers, columns, as_json)


def return_list(
    new: Annotated[bool, typer.Option("--new", help="Those that the rule would warn of now.")] = False,
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """What goes back and when, and who claimed it."""
    show(everything(url, token, "/returns", new=new), _RETURN, as_json)


def return_warn(url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Warn every project that the rule concerns."""
    show(ask("POST", url, token, "/returns"), _RETURN, as_json)


def return_take(number: Number, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Take back hours that are due and were not claimed."""
    answer = ask("POST", url, token, f"/returns/{number}/take")
    tell(f"{number} is {answer['state']}: {answer['accelerator_seconds'] / 3600:,.0f} GPU-hours.", answer, as_json)


def return_claim(number: Number, why: Why, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Keep hours that would go back: say what you need them for."""
    answer = ask("POST", url, token, f"/returns/{number}/claim", {"why": why})
    tell("The hours stay with your project.", answer, as_json)


def return_give(
    project: ProjectCode,
    allocation: Allocation,
    hours: Hours,
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Give back hours that your project will not use."""
    answer = ask("POST", url, token, f"/projects/{project}/returns", {"allocation": allocation, "hours": hours})
    tell(f"{hours:,} GPU-hours of {allocation} went back.", answer, as_json)


def change_ask(
    project: ProjectCode,
    kind: Annotated[str, typer.Argument(metavar="extension|partition|project")],
    allocation: Allocation,
    hours: Hours,
    why: Why,
    months: Annotated[int, typer.Option("--months", min=0, max=36, help="Of an extension.")] = 0,
    to: Annotated[str, typer.Option("--to", help="The partition or project that the hours move to.")] = "",
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Ask for an extension, or for a move of hours."""
    body = {
        "allocation": allocation,
        "kind": kind,
        "hours": hours,
        "why": why,
        "months": months,
        "to_partition": to if kind == "partition" else "",
        "to_project": to if kind == "project" else "",
    }
    answer = ask("POST", url, token, f"/projects/{project}/changes", body)
    tell(f"Asked, number {answer['number']}. A programme officer answers.", answer, as_json)


def change_list(
    project: Annotated[str, typer.Option("--project", help="Of one project; else those that wait.")] = "",
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Changes of awards that projects ask for."""
    path = f"/projects/{project}/changes" if project else "/changes"
    show(everything(url, token, path), _CHANGE, as_json)


def change_grant(number: Number, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Grant a change, if shares, caps and promises allow it."""
    answer = ask("POST", url, token, f"/changes/{number}/grant")
    tell(f"Granted: {answer['granted']}.", answer, as_json)


def change_refuse(number: Number, why: Why, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Refuse a change, with the reason."""
    tell("Refused.", ask("POST", url, token, f"/changes/{number}/refuse", {"why": why}), as_json)


def offer_show(call: CallCode, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """To whom a fresh plan would offer what is free in a call's months to come."""
    answer = ask("GET", url, token, f"/calls/{call}/offer")
    columns = {
        "application": "application",
        "partition": "partition",
        "from": "first_month",
        "months": "months",
        "GPU-hours": "gpu_hours",
        "why not": "reason",
    }
    show(answer["offers"], columns, as_json, answer)
    if not as_json:
        print(f"Confirm with: fabriek offer confirm {call} {answer['problem_sha256']}")


def offer_confirm(
    call: CallCode,
    sha256: Annotated[str, typer.Argument(metavar="SHA256", help="Of the problem, as `offer show` told it.")],
    why: Why = "",
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Award and publish what was looked at."""
    answer = ask("POST", url, token, f"/calls/{call}/offer", {"problem_sha256": sha256, "why": why})
    tell(f"{answer['code']} is published.", answer, as_json)


def register(app: typer.Typer) -> None:
    """Add these verbs to the command."""
    group(
        app,
        "queue",
        "Continuous calls: answered as applications come.",
        show=queue_show,
        decide=queue_decide,
        decide_all=queue_decide_all,
    )
    group(
        app,
        "return",
        "Hours that go back before their end.",
        list=return_list,
        warn=return_warn,
        take=return_take,
        claim=return_claim,
        give=return_give,
    )
    group(
        app,
        "change",
        "Extensions and moves of awarded hours.",
        ask=change_ask,
        list=change_list,
        grant=change_grant,
        refuse=change_refuse,
    )
    group(app, "offer", "What came back, offered to the displaced.", show=offer_show, confirm=offer_confirm)
