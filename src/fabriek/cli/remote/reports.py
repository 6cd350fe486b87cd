"""The reports that the law demands, over the API."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from fabriek.cli.remote.asking import LOCAL, REPORTS, Json, Token, Url, ask, group, months_of, show

Year = Annotated[int | None, typer.Option("--year", help="A whole year.")]
First = Annotated[str, typer.Option("--from", help="The first month, such as 2026-01.")]
Last = Annotated[str, typer.Option("--to", help="The last month, such as 2026-06.")]
Cores = Annotated[bool, typer.Option("--cores", help="In core-hours instead of GPU-hours.")]


def access_time(
    year: Year = None,
    first: First = "",
    last: Last = "",
    system: Annotated[str, typer.Option("--system", help="One system only.")] = "",
    cores: Cores = False,
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Access time granted and used per Participating State and user category: the last whole year and the year so far,
    a year, or from one month to another."""
    said = {"system": system, "unit": _unit(cores), **_months(year, first, last)}
    answer = ask("GET", url, token, "/reports/access-time", **said)
    if not as_json:
        print(f"{answer['unit']} from {answer['since']} until {answer['until']}.")
    columns = {
        "system": "system",
        "state": "country",
        "category": "category",
        "granted": "granted",
        "of the Union": "granted_union",
        "used": "used",
        "of the Union ": "used_union",
    }
    rows = [*answer["rows"], {**answer["total"], "system": "together", "country": "", "category": ""}]
    show([_rounded(row) for row in rows] if answer["rows"] else [], columns, as_json, answer)


def free_use(
    year: Year = None,
    first: First = "",
    last: Last = "",
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """What firms used for free, and what that was worth by the prices that are declared; months as of access-time."""
    answer = ask("GET", url, token, "/reports/free-use", **_months(year, first, last))
    columns = {
        "firm": "name",
        "state": "country",
        "GPU-hours": "gpu_hours",
        "core-hours": "core_hours",
        "euros": "euro",
        "of a state's share": "national_euro",
        "hours without a price": "unpriced_hours",
    }
    show([_rounded(row) for row in answer["rows"]], columns, as_json, answer)


def hosting(
    system: Annotated[str, typer.Argument(metavar="SYSTEM")],
    year: Annotated[int, typer.Option("--year")],
    cores: Cores = False,
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """The hosting entity's yearly report on a system. Exit status 1 where the ledger doesn't balance."""
    said = {"unit": _unit(cores)} if cores else {}
    answer = ask("GET", url, token, f"/reports/hosting/{system}", year=year, **said)
    if not as_json:
        _say_first(answer)
    columns = {name: name for name in ("programme", "share", "awarded", "used", "left", "lapsed")}
    show([_rounded(row) for row in answer["programmes"]], {**columns, "not awarded": "not_awarded"}, as_json, answer)
    if not as_json:
        kept = {True: "kept", False: "broken"}
        show(
            [{**row, "holds": kept[row["holds"]]} for row in answer["promises"]], {"promise": "id", "": "holds"}, False
        )
        _say_controls(answer)
    raise typer.Exit(0 if answer["ledger"]["balances"] else 1)


def _say_first(answer: dict[str, Any]) -> None:
    total = answer["total"]
    print(
        f"{answer['name']}, {answer['hosting_entity'] or 'hosting entity not known'}, {answer['year']}"
        f"{'' if answer['is_over'] else ' (not over yet)'}; due {answer['due']}. In {answer['unit']}: "
        f"capacity {total['capacity']:,.1f}, awarded {total['awarded']:,.1f}, used {total['used']:,.1f}, "
        f"unused {total['unused']:,.1f}."
    )


def _say_controls(answer: dict[str, Any]) -> None:
    drift, proofs, paid = answer["drift"], answer["proofs"], answer["paid"]
    if paid["part"] is not None:
        most = f", at most {paid['cap']:.0%}" if paid["cap"] is not None else ""
        print(f"Paid commercial use: {paid['part']:.1%} of the Union's access time{most}.")
    print(f"Reallocations: {len(answer['reallocations'])}.")
    print(f"Changed by hand: {drift['found']}, of which {drift['standing']} still stand.")
    print(f"Daily proofs: {proofs['days']}, of which {proofs['differing']} differ.")
    print("The ledger balances." if answer["ledger"]["balances"] else "The ledger does not balance.")


def _months(year: int | None, first: str, last: str) -> dict[str, Any]:
    """What the API is asked: a year, or months by their first days."""
    said: dict[str, Any] = {"year": year} if year is not None else {}
    return said | {name: months_of(text, 1)[0] for name, text in (("first_month", first), ("last_month", last)) if text}


def _unit(cores: bool) -> str:
    return "core-seconds" if cores else "accelerator-seconds"


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    """Hours with a decimal; what isn't known says so."""
    return {
        name: f"{value:,.1f}" if isinstance(value, float) else "not known" if value is None else value
        for name, value in row.items()
    }


def register(app: typer.Typer) -> None:
    """Add these verbs to the command."""
    group(app, "report", REPORTS, access_time=access_time, free_use=free_use, hosting=hosting)
