"""The verbs by which one looks: at allocations, usage, jobs, events, systems, access modes, and at oneself."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from fabriek.cli.remote.asking import LOCAL, PANEL, Json, Token, Url, ask, everything, group, show, tell


def allocations(url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Allocations and what they have left."""
    columns = {
        "allocation": "code",
        "project": "project",
        "partition": "partition",
        "awarded": "accelerator_seconds.awarded",
        "used": "accelerator_seconds.used",
        "left": "accelerator_seconds.left",
        "ends": "ends",
    }
    show(everything(url, token, "/allocations"), columns, as_json)


def statement(
    allocation: Annotated[str, typer.Argument(metavar="ALLOCATION")],
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """The entries of the ledger that touched an allocation, newest first."""
    answer = ask("GET", url, token, f"/allocations/{allocation}")
    columns = {"at": "at", "kind": "kind", "seconds": "amount", "unit": "unit", "from": "debit", "to": "credit"}
    show(answer["entries"], columns, as_json, answer)


def batches(
    broken: Annotated[bool, typer.Option("--broken", help="Those only in which a record could not be read.")] = False,
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Usage as it came in, newest first."""
    columns = {
        "number": "number",
        "cluster": "cluster",
        "from": "source",
        "received": "received_at",
        "booked": "booked",
        "repeated": "repeated",
        "broken": "broken",
    }
    show(everything(url, token, "/usage-batches", broken=broken), columns, as_json)


def prove(
    cluster: Annotated[str, typer.Option("--cluster", help="One cluster only.")] = "",
    day: Annotated[str, typer.Option("--day", help="One day only, such as 2026-11-01.")] = "",
    differs: Annotated[bool, typer.Option("--differs", help="Those only that differ.")] = False,
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Daily proofs: what schedulers accounted for beside what the ledger says. Exit status 1 where one differs."""
    said = {"cluster": cluster, "day": day}
    columns = {
        "proof": "number",
        "day": "day",
        "cluster": "cluster",
        "differs": "differs",
        "report differs": "report_differs",
        "runs": "runs_ended",
        "GPU-seconds": "accelerator_seconds",
        "in the ledger": "ledger_accelerator_seconds",
        "core-seconds": "core_seconds",
        "in the ledger ": "ledger_core_seconds",
    }
    rows = everything(
        url, token, "/usage-proofs", differs=differs, **{name: value for name, value in said.items() if value}
    )
    show(rows, columns, as_json)
    raise typer.Exit(1 if any(row["differs"] for row in rows) else 0)


def proof(
    number: Annotated[int, typer.Argument(min=1)], url: Url = LOCAL, token: Token = "", as_json: Json = False
) -> None:
    """One proof: each account on each partition, and the runs that differ. Exit status 1 where it differs."""
    answer = ask("GET", url, token, f"/usage-proofs/{number}")
    columns = {
        "account": "account",
        "partition": "partition",
        "runs": "accounted.runs",
        "in the ledger": "ledger.runs",
        "GPU-seconds": "accounted.accelerator_seconds",
        "in the ledger ": "ledger.accelerator_seconds",
        "core-seconds": "accounted.core_seconds",
        "in the ledger  ": "ledger.core_seconds",
    }
    show(answer["lines"], columns, as_json, answer)
    if answer["runs"] and not as_json:
        print(f"{answer['runs_found']} runs differ:")
        show(
            answer["runs"],
            {"run": "key", "account": "account", "accounted": "accounted", "ledger": "ledger"},
            as_json,
        )
    raise typer.Exit(1 if answer["differs"] else 0)


def waiting(url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Jobs of all projects that wait or run, oldest first."""
    columns = {"job": "uuid", "name": "name", "project": "project", "state": "state", "submitted": "submitted_at"}
    show(everything(url, token, "/jobs"), columns, as_json)


def events(
    verb: Annotated[str, typer.Option("--verb", help="Such as publish_decision.")] = "",
    actor: Annotated[str, typer.Option("--by", help="A name, or an e-mail address.")] = "",
    subject: Annotated[str, typer.Option("--about", help="A code.")] = "",
    since: Annotated[str, typer.Option("--since", help="A day, such as 2026-11-01.")] = "",
    until: Annotated[str, typer.Option("--until", help="The last day.")] = "",
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Who did what, when and why, newest first."""
    said = {"verb": verb, "actor": actor, "subject": subject, "since": since, "until": until}
    columns = {"at": "at", "who": "actor", "what": "verb", "about": "subject", "why": "why"}
    show(everything(url, token, "/events", **{name: value for name, value in said.items() if value}), columns, as_json)


def systems(
    search: Annotated[str, typer.Option("--search", help="In names and cities.")] = "",
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Supercomputers of the register."""
    columns = {"system": "code", "name": "name", "country": "country", "site": "site", "stage": "stage"}
    show(everything(url, token, "/systems", search=search), columns, as_json)


def factories(
    search: Annotated[str, typer.Option("--search", help="In names, countries and hosting entities.")] = "",
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """AI factories of the register."""
    columns = {"factory": "code", "name": "name", "country": "country", "host": "hosting_entity", "stage": "stage"}
    show(everything(url, token, "/factories", search=search), columns, as_json)


def show_system(
    system: Annotated[str, typer.Argument(metavar="SYSTEM")], url: Url = LOCAL, token: Token = "", as_json: Json = False
) -> None:
    """A supercomputer and its partitions."""
    answer = ask("GET", url, token, f"/systems/{system}")
    if not as_json:
        print(f"{answer['name']}, {answer['site']}, {answer['country']}: {answer['stage']}.")
    columns = {
        "partition": "code",
        "kind": "kind",
        "nodes": "nodes",
        "GPUs a node": "accelerators_per_node",
        "GPU": "accelerator_model",
        "cores a node": "cores_per_node",
    }
    show(answer["partitions"], columns, as_json, answer)


def show_factory(
    factory: Annotated[str, typer.Argument(metavar="FACTORY")],
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """An AI factory: who hosts it, its systems, partners and sectors, and what it is in law."""
    answer = ask("GET", url, token, f"/factories/{factory}")
    columns = {
        "factory": "name",
        "country": "country",
        "host": "hosting_entity",
        "stage": "stage_text",
        "systems": "systems",
        "partners": "partners",
        "sectors": "sectors",
        "website": "website",
    }
    show([answer], columns, as_json, answer)
    if not as_json:
        _say_law(answer["legal"])


def legal(url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """What an AI factory is in law; of one: `fabriek factory show`."""
    answer = ask("GET", url, token, "/legal")
    if as_json:
        show(answer, {}, as_json, answer)
    else:
        _say_law(answer)


def _say_law(statements: list[dict[str, Any]]) -> None:
    for one in statements:
        origin = f" ({', '.join(text for text in (one['basis'], one['source'], one['confidence']) if text)})"
        print(f"{one['subject']}: {one['sentence'] + origin if one['known'] else 'not known'}")


def show_project(
    project: Annotated[str, typer.Argument(metavar="PROJECT")],
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """A project: its members, and what each of its allocations has left."""
    answer = ask("GET", url, token, f"/projects/{project}")
    if not as_json:
        print(f"{answer['title']}. Members: {', '.join(answer['members'])}.")
    columns = {
        "allocation": "code",
        "partition": "partition",
        "awarded": "accelerator_seconds.awarded",
        "used": "accelerator_seconds.used",
        "left": "accelerator_seconds.left",
        "starts": "starts",
        "ends": "ends",
    }
    show(answer["allocations"], columns, as_json, answer)


def access_modes(url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """The templates from which calls are opened."""
    columns = {
        "mode": "code",
        "name": "name",
        "least": "minimum",
        "most": "maximum",
        "unit": "unit",
        "review": "review",
    }
    show(everything(url, token, "/access-modes"), columns, as_json)


def show_access_mode(
    mode: Annotated[str, typer.Argument(metavar="MODE")], url: Url = LOCAL, token: Token = "", as_json: Json = False
) -> None:
    """An access mode: what is known of it, each fact with its source and how sure it is."""
    answer = ask("GET", url, token, f"/access-modes/{mode}")
    rows = [{**fact, "value": fact["value"] or "not known"} for fact in answer["facts"]]
    show(rows, {"fact": "name", "value": "value", "source": "source", "sure": "confidence"}, as_json, answer)


def assessments(
    made: Annotated[bool, typer.Option("--made", help="Those that were made.")] = False,
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Applications that wait for a technical assessment, due first on top."""
    columns = {"application": "application", "title": "title", "call": "call", "answer due": "answer_due"}
    columns |= {"feasible": "feasible"} if made else {}
    show(everything(url, token, "/assessments", made=made), columns, as_json)


def what_can_i_get(
    country: Annotated[str, typer.Option("--country", help="Where your organisation is established, such as NL.")],
    organisation_class: Annotated[
        str, typer.Option("--class", help="startup, sme, large-industry, public-sector or academia.")
    ],
    hours: Annotated[int | None, typer.Option("--hours", help="GPU-hours, where you know them.")] = None,
    purpose: Annotated[str, typer.Option("--for", help="What to estimate: train, tune or run.")] = "train",
    parameters: Annotated[float | None, typer.Option("--parameters", help="Of your model, in billions.")] = None,
    tokens: Annotated[float | None, typer.Option("--tokens", help="Of your data, in billions, times passes.")] = None,
    accelerator: Annotated[str, typer.Option("--on", metavar="SYSTEM/PARTITION", help="Whose GPUs.")] = "",
    efficiency: Annotated[int | None, typer.Option("--efficiency", help="Percent of the peak that is reached.")] = None,
    months: Annotated[int, typer.Option("--months")] = 1,
    factory: Annotated[list[str] | None, typer.Option("--factory", help="Only there; once for each.")] = None,
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """What fits you: access modes and open calls, for GPU-hours that you know, or estimated for a language model."""
    said = {
        "country": country,
        "organisation_class": organisation_class,
        "gpu_hours": hours,
        "purpose": purpose,
        "parameters": parameters,
        "tokens": tokens,
        "accelerator": accelerator or None,
        "efficiency": efficiency,
        "months": months,
        "factory": factory or None,
    }
    answer = ask("GET", url, token, "/what-can-i-get", **{n: value for n, value in said.items() if value is not None})
    if not as_json:
        _say_first(answer)
    rows = [
        {**match, **offer, "fits": "yes" if offer.get("is_enough", True) else "less is free"}
        if match["fits"]
        else {**match, "fits": f"no: {', '.join(match['why'])}"}
        for match in answer["matches"]
        for offer in match["offers"] or [{}]
    ]
    columns = {
        "mode": "mode",
        "fits": "fits",
        "call": "call",
        "factory": "factory",
        "free GPU-hours": "free_gpu_hours",
        "answer by": "answer_by",
        "closes": "closes",
    }
    show(rows, columns, as_json, answer)


def _say_first(answer: dict[str, Any]) -> None:
    if answer["establishment"] == "elsewhere":
        print(
            "You can't apply from there; this is what a partner in a Member State or an associated country could get."
        )
    if estimate := answer["estimate"]:
        print(
            f"About {estimate['gpu_hours']:,} GPU-hours on {estimate['partition']} ({estimate['accelerator']}), "
            f"at {estimate['efficiency']} % of its peak."
        )


def me(url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Who you are, and what this token may do."""
    answer = ask("GET", url, token, "/me")
    columns = {"name": "name", "e-mail": "email", "organisation": "organisation", "roles": "roles", "scopes": "scopes"}
    show([answer], columns, as_json, answer)


def change(
    name: Annotated[str, typer.Option("--name")] = "",
    language: Annotated[str, typer.Option("--language", help="en or nl.")] = "",
    expertise: Annotated[
        list[str] | None, typer.Option("--expertise", help="Once for each; replaces what was.")
    ] = None,
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Change your name, language or expertise; what is left out stays."""
    said = {"name": name or None, "language": language or None, "expertise": expertise or None}
    answer = ask("PATCH", url, token, "/me", said)
    tell(f"{answer['name']}, {answer['language']}.", answer, as_json)


def join(
    name: Annotated[str, typer.Argument(help="Its legal name.")],
    organisation_class: Annotated[
        str, typer.Option("--class", help="startup, sme, large-industry, public-sector or academia.")
    ],
    country: Annotated[str, typer.Option("--country", help="Where it is established, such as NL.")],
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Say for whom you work."""
    said = {"name": name, "organisation_class": organisation_class, "country": country}
    answer = ask("POST", url, token, "/organisation", said)
    tell(f"You work for {answer['code']}.", answer, as_json)


def tokens(url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Your tokens that are not void."""
    columns = {"number": "number", "name": "name", "scopes": "scopes", "made": "created_at", "used": "last_used_at"}
    show(everything(url, token, "/me/tokens"), columns, as_json)


def void(
    number: Annotated[int, typer.Argument(min=1)], url: Url = LOCAL, token: Token = "", as_json: Json = False
) -> None:
    """Make one of your tokens void."""
    ask("DELETE", url, token, f"/me/tokens/{number}")
    tell(f"Token {number} is void.", {"void": number}, as_json)


def register(app: typer.Typer) -> None:
    """Add these verbs to the command."""
    for verb in (allocations, statement, events, systems, factories, legal, access_modes, assessments, what_can_i_get):
        app.command(rich_help_panel=PANEL)(verb)
    group(app, "system", "A supercomputer; `fabriek systems` lists them.", show=show_system)
    group(app, "access-mode", "An access mode; `fabriek access-modes` lists them.", show=show_access_mode)
    group(app, "factory", "An AI factory; `fabriek factories` lists them.", show=show_factory)
    group(app, "project", "A project; `fabriek projects` lists yours.", show=show_project)
    group(
        app,
        "me",
        "You: your profile and your tokens.",
        show=me,
        change=change,
        join=join,
        tokens=tokens,
        void_token=void,
    )
