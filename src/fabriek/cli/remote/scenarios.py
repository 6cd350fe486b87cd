"""The verbs of scenarios: ask a what-if, wait for its plan, compare, choose."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any

import typer

from fabriek.cli.remote import explaining
from fabriek.cli.remote.asking import (
    LOCAL,
    Json,
    Token,
    Url,
    Why,
    ask,
    end,
    end_if_faulty,
    everything,
    group,
    once_over,
    send,
    show,
    tell,
)

Code = Annotated[str, typer.Argument(metavar="SCENARIO")]
UNDER_WAY = ("asked", "solving")
_COLUMNS = {
    "scenario": "code",
    "state": "state",
    "supposes": "supposes",
    "awarded": "answer.awarded",
    "value": "answer.value",
    "bound": "answer.bound",
    "gap": "answer.gap",
    "promises short": "answer.shortfalls",
}


def listed(
    call: Annotated[str, typer.Option("--call", help="Only those of this call.")] = "",
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """The stored scenarios, newest first."""
    show(everything(url, token, "/scenarios", **({"call": call} if call else {})), _COLUMNS, as_json)


def asked(
    calls: Annotated[list[str], typer.Argument(metavar="CALL...", help="Decided together.")],
    capacity: Annotated[
        list[str] | None, typer.Option(metavar="PARTITION[@MONTH]=PERCENT", help="Of what it gives now.")
    ] = None,
    share: Annotated[
        list[str] | None,
        typer.Option(metavar="PROGRAMME:PARTITION[@MONTH]=PERCENT:OTHER", help="OTHER gives or takes the difference."),
    ] = None,
    promise: Annotated[list[str] | None, typer.Option(metavar="CODE=PERCENT", help="A floor or a cap.")] = None,
    threshold: Annotated[list[str] | None, typer.Option(metavar="CALL=SCORE", help="To study only.")] = None,
    overbooking: Annotated[list[str] | None, typer.Option(metavar="PROGRAMME=TIMES")] = None,
    value: Annotated[str, typer.Option(help="score, score*hours or score*sqrt(hours); to study only.")] = "",
    why: Why = "",
    wait: Annotated[bool, typer.Option("--wait", help="Until it is solved.")] = False,
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Ask the calls as they stand, or with something changed. The answer is kept; --wait shows it when it is there."""
    changes = [
        *(_capacity(text) for text in capacity or []),
        *(_share(text) for text in share or []),
        *({"kind": "promise", **_pair(text, "promise", "percent")} for text in promise or []),
        *({"kind": "threshold", **_pair(text, "call", "threshold")} for text in threshold or []),
        *({"kind": "overbooking", **_pair(text, "programme", "overbooking")} for text in overbooking or []),
        *([{"kind": "value", "value": value}] if value else []),
    ]
    answer = ask("POST", url, token, "/scenarios", {"calls": calls, "changes": changes, "why": why})
    if wait:
        answer = once_over(url, token, f"/scenarios/{answer['code']}", UNDER_WAY)
    _told(answer, as_json)


def waited(code: Code, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Wait until a scenario is solved, then show it."""
    _told(once_over(url, token, f"/scenarios/{code}", UNDER_WAY), as_json)


def shown(code: Code, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """A scenario: what it supposes, how far it is, its figures, and whether it can be chosen."""
    _told(ask("GET", url, token, f"/scenarios/{code}"), as_json)


def compared(
    codes: Annotated[
        list[str], typer.Argument(metavar="SCENARIO...", help="Two or three; the first is what others are set against.")
    ],
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Stored plans side by side: value, promises, who gains and who loses."""
    answer = ask("GET", url, token, "/scenarios/compare", plan=codes)
    if as_json:
        show([], {}, True, answer)
        return
    figures = {"scenario": "code", "awarded": "awarded", "GPU-hours": "hours", "value": "value", "gap": "gap"}
    show(answer["scenarios"], {**figures, "value by the first rule": "value_by_first_rule"}, False)
    promises = [
        {"promise": row["id"], **{str(n): _kept(result) for n, result in enumerate(row["results"])}}
        for row in answer["promises"]
    ]
    show(promises, {"promise": "promise", **{code: str(n) for n, code in enumerate(codes)}}, False)
    for name in ("class", "programme", "country", "partition"):
        rows = [
            {"name": row["name"], **{str(n): f"{hours:,.0f}" for n, hours in enumerate(row["hours"])}}
            for row in answer["groups"][name]
        ]
        show(rows, {name: "name", **{code: str(n) for n, code in enumerate(codes)}}, False)
    show(
        answer["applications"],
        {"with": "with", "application": "application", "change": "change", "before": "hours_before",
         "after": "hours_after", "why": "why"},
        False,
    )  # fmt: skip


def cancelled(code: Code, why: Why = "", url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Stop solving it. It stays, and can be asked again."""
    _told(ask("POST", url, token, f"/scenarios/{code}/cancel", {"why": why}), as_json)


def asked_again(code: Code, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Ask the very same question again, where it was cancelled, failed, or lost its solver."""
    _told(ask("POST", url, token, f"/scenarios/{code}/again"), as_json)


def chosen(code: Code, why: Why = "", url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Propose its plan as the decision; `fabriek decision publish` publishes it."""
    answer = ask("POST", url, token, f"/scenarios/{code}/choose", {"why": why})
    show([answer], {"decision": "code", "state": "state", "scenario": "scenario", "calls": "calls"}, as_json, answer)


def download(
    code: Code,
    folder: Annotated[Path, typer.Argument(help="Where to write problem.json and plan.json.")],
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Write a scenario's problem and plan, byte for byte, for `fabriek verify`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("problem", "plan"):
        (folder / f"{name}.json").write_bytes(send("GET", url, token, f"/scenarios/{code}/{name}").content)
    files = {name: str(folder / f"{name}.json") for name in ("problem", "plan")}
    tell(f"fabriek verify {files['problem']} {files['plan']}", files, as_json)


def _told(answer: dict[str, Any], as_json: bool) -> None:
    show([answer], _COLUMNS, as_json, answer)
    end_if_faulty(answer)


def _kept(result: dict[str, Any] | None) -> str:
    if result is None:
        return "-"
    lacks = f", lacks {result['shortfall']:,.0f}" if result["shortfall"] else ""
    return f"{result['reached']:,.0f} of {result['required']:,.0f}{lacks}"


def _number(text: str) -> str:
    try:
        return f"{Decimal(text.rstrip('%')):f}"
    except InvalidOperation:
        end(f"{text} is no number.", 2)


def _pair(text: str, name: str, number: str) -> dict[str, str]:
    left, equals, right = text.rpartition("=")
    if not (left and equals and right):
        end(f"{text}: give it as {name.upper()}=NUMBER.", 2)
    return {name: left, number: _number(right)}


def _dated(text: str) -> dict[str, str]:
    partition, _at, month = text.partition("@")
    return {"partition": partition, **({"month": month} if month else {})}


def _capacity(text: str) -> dict[str, str]:
    said = _pair(text, "partition", "percent")
    return {"kind": "capacity", **_dated(said["partition"]), "percent": said["percent"]}


def _share(text: str) -> dict[str, str]:
    what, equals, amount = text.partition("=")
    programme, colon, place = what.partition(":")
    percent, other_colon, other = amount.partition(":")
    if not (equals and colon and other_colon and other):
        end(f"{text}: give it as PROGRAMME:PARTITION[@MONTH]=PERCENT:OTHER.", 2)
    return {
        "kind": "share",
        "programme": programme,
        **_dated(place),
        "percent": _number(percent),
        "counterpart": other,
    }


def register(app: typer.Typer) -> None:
    """Add these verbs to the command."""
    group(
        app,
        "scenario",
        "What-ifs: ask, compare, choose.",
        list=listed,
        ask=asked,
        wait=waited,
        show=shown,
        compare=compared,
        cancel=cancelled,
        again=asked_again,
        choose=chosen,
        download=download,
        explain=explaining.explained,
        prices=explaining.prices,
    )
