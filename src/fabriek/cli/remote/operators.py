"""The verbs of operators: what there is, what it gives, when it is down, and what its scheduler enforces."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from typing import Annotated, Any

import typer

from fabriek.cli.remote import looking
from fabriek.cli.remote.asking import (
    LOCAL,
    Content,
    Json,
    PartitionCode,
    Token,
    Url,
    ask,
    content_of,
    end,
    everything,
    group,
    months_of,
    pairs_of,
    show,
    tell,
)

ClusterCode = Annotated[str, typer.Argument(metavar="CLUSTER")]
Since = Annotated[str, typer.Option("--from", help="A day, such as 2026-12-01.")]
Until = Annotated[str, typer.Option("--until", help="The first day on which it no longer holds.")]
EndsPrevious = Annotated[bool, typer.Option("--ends-previous", help="What holds without an end now ends on that day.")]
Source = Annotated[str, typer.Option("--source", help="Where this can be read.")]
Confidence = Annotated[str, typer.Option("--confidence", help="high, medium or low.")]
_MOMENTS = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]


def clusters(url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Clusters, their agents, and in how much what they enforce differs."""
    answer = everything(url, token, "/clusters")
    rows = [
        {
            **row,
            "partitions": list(row["partitions"].values()),
            "number": len(row["differences"]),
            "hands": len(row["by_hand"]),
        }
        for row in answer
    ]
    columns = {
        "cluster": "code",
        "engine": "engine",
        "partitions": "partitions",
        "last seen": "last_seen_at",
        "agent": "agent_version",
        "error": "agent_error",
        "differences": "number",
        "by hand": "hands",
    }
    show(rows, columns, as_json, answer)


def differences(cluster: ClusterCode, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Every difference between what was awarded and what is enforced. Exit status 0: none; 1: some."""
    found = next((row for row in everything(url, token, "/clusters") if row["code"] == cluster), None)
    if found is None:
        end(f"There is no cluster {cluster}.", 1)
    sentences = found["differences"]
    tell("\n".join(sentences) or "What is enforced equals what was awarded.", sentences, as_json)
    raise typer.Exit(1 if sentences else 0)


def by_hand(cluster: ClusterCode, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """What somebody changed at the site, and what was chosen about it."""
    found = next((row for row in everything(url, token, "/clusters") if row["code"] == cluster), None)
    if found is None:
        end(f"There is no cluster {cluster}.", 1)
    rows = [
        {**row, "what": "; ".join(f"{one['what']}: made {one['made']}, found {one['found']}" for one in row["changed"])}
        for row in found["by_hand"]
    ]
    columns = {
        "account": "account",
        "partition": "partition",
        "what": "what",
        "first seen": "first_seen_at",
        "choice": "choice",
        "why": "why",
    }
    show(rows, columns, as_json, found["by_hand"])


def choose(
    cluster: ClusterCode,
    account: Annotated[str, typer.Argument(help="The account, which is the project's code.")],
    partition: Annotated[str, typer.Argument(help="The partition's name in the scheduler.")],
    choice: Annotated[str, typer.Argument(help="correct: change it back; accept: let it be.")],
    why: Annotated[str, typer.Option("--why", help="Needed to let it be.")] = "",
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Choose about something that was changed by hand at a site."""
    body = {"account": account, "partition": partition, "choice": choice, "why": why}
    answer = ask("POST", url, token, f"/clusters/{cluster}/by-hand", body)
    tell("The agent changes it back." if choice == "correct" else "It stays as it is.", answer, as_json)


def register_cluster(
    cluster: ClusterCode,
    site: Annotated[str, typer.Option("--site", help="The site's code.")],
    partition: Annotated[
        list[str], typer.Option("--partition", metavar="NAME=SYSTEM/PARTITION", help="Once for each partition.")
    ],
    engine: Annotated[str, typer.Option("--engine", help="slurm, local or log.")] = "slurm",
    on_drift: Annotated[str, typer.Option("--on-drift", help="Of changes by hand: ask, or correct them.")] = "",
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Register a scheduler, and which partition each of its partition names stands for."""
    partitions = pairs_of(partition, "partitions")
    body = {"code": cluster, "site": site, "engine": engine, "partitions": partitions, "on_drift": on_drift}
    answer = ask("POST", url, token, "/clusters", body)
    tell(f"{cluster} is registered. Its agent's token: fabriek token agent --cluster {cluster}", answer, as_json)


def declare(what: str, path: str) -> Any:
    """A verb that declares one kind of thing from a file."""

    def verb(file: Content, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
        answer = ask("POST", url, token, path, content_of(file))
        tell(f"{answer['code']} is declared.", answer, as_json)

    verb.__doc__ = f"Declare a {what} from a file."
    return verb


def declare_partition(
    system: Annotated[str, typer.Argument()],
    file: Content,
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Declare a partition from a file: name, kind, nodes, accelerators_per_node, cores_per_node ..."""
    answer = ask("POST", url, token, f"/systems/{system}/partitions", content_of(file))
    tell(f"{answer['code']} is declared.", answer, as_json)


def declare_availability(
    partition: PartitionCode,
    percent: Annotated[float, typer.Option("--percent", min=0, max=100, help="Up, of the time.")],
    since: Since,
    until: Until = "",
    ends_previous: EndsPrevious = False,
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Say which part of its time a partition is up. Declare its capacity again afterwards."""
    body = {
        "fraction": f"{percent / 100:.5f}",
        "valid_from": since,
        "valid_until": until or None,
        "ends_previous": ends_previous,
    }
    answer = ask("POST", url, token, f"/partitions/{partition}/availability", body)
    tell(f"{partition} is up {percent:g} % of the time from {since}.", answer, as_json)


def declare_size(
    partition: PartitionCode,
    nodes: Annotated[int, typer.Option("--nodes", min=0, help="All of them together; 0: out of service.")],
    since: Since,
    why: Annotated[str, typer.Option("--why", help="The reason, which stays on record.")],
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """A partition grows or shrinks on a day. Declare its capacity again afterwards."""
    body = {"nodes": nodes, "valid_from": since, "why": why}
    answer = ask("POST", url, token, f"/partitions/{partition}/sizes", body)
    tell(f"{partition} has {nodes:,} nodes from {since}.", answer, as_json)


def declare_conversion(
    partition: PartitionCode,
    unit: Annotated[str, typer.Option("--unit", help="node-hour, core-hour, gcd-hour or sbu.")],
    worth: Annotated[str, typer.Option("--worth", help="In GPU-hours, such as 4 or 1/192.")],
    since: Since,
    until: Until = "",
    ends_previous: EndsPrevious = False,
    source: Source = "operator",
    confidence: Confidence = "high",
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Say what a unit of a partition is worth in GPU-hours."""
    try:
        fraction = Fraction(worth)
    except (ValueError, ZeroDivisionError):
        end("--worth is a number or a fraction, such as 4 or 1/192.", 2)
    body = {
        "unit": unit,
        "numerator": fraction.numerator,
        "denominator": fraction.denominator,
        "valid_from": since,
        "valid_until": until or None,
        "ends_previous": ends_previous,
        "source": source,
        "confidence": confidence,
    }
    answer = ask("POST", url, token, f"/partitions/{partition}/conversions", body)
    tell(f"A {unit} on {partition} is worth {fraction} GPU-hours from {since}.", answer, as_json)


def declare_price(
    partition: PartitionCode,
    euro: Annotated[float, typer.Option("--euro", help="An hour of a GPU; of a core, where it has no GPUs.")],
    since: Since,
    source: Source,
    until: Until = "",
    ends_previous: EndsPrevious = False,
    confidence: Confidence = "high",
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Say what an hour on a partition costs on the market: what free use by firms is worth follows from it."""
    body = {
        "euro": euro,
        "valid_from": since,
        "valid_until": until or None,
        "ends_previous": ends_previous,
        "source": source,
        "confidence": confidence,
    }
    answer = ask("POST", url, token, f"/partitions/{partition}/prices", body)
    tell(f"An hour on {partition} costs {euro} euros from {since}.", answer, as_json)


def declare_stage(
    code: Annotated[str, typer.Argument(help="A system's code; with --factory a factory's.")],
    stage: Annotated[str, typer.Option("--stage", help="selected, agreed, procured, installed, operating or retired.")],
    on: Annotated[str, typer.Option("--on", help="A year, a month or a day, such as 2026-11.")],
    factory: Annotated[bool, typer.Option("--factory", help="Of a factory, not of a system.")] = False,
    text: Annotated[str, typer.Option("--text", help="In a few words.")] = "",
    source: Source = "operator",
    confidence: Confidence = "high",
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """A system or a factory entered a stage. The one entered last is the one that it is in."""
    body = {"stage": stage, "on": on, "text": text, "source": source, "confidence": confidence}
    kind = "factories" if factory else "systems"
    answer = ask("POST", url, token, f"/{kind}/{code}/stages", body)
    tell(f"{code}: {stage} since {on}.", answer, as_json)


def declare_statement(
    code: Annotated[str, typer.Argument(help="A factory's code.")],
    subject: Annotated[
        str,
        typer.Option("--on", help="person, basis, form, agreement, contracts, conditions, shares, paid or existing."),
    ],
    text: Annotated[str, typer.Option("--text", help="In the words of its source.")],
    source: Source,
    basis: Annotated[str, typer.Option("--basis", help="The act and its article.")] = "",
    since: Annotated[str, typer.Option("--from", help="YYYY-MM-DD. Empty: always.")] = "",
    until: Until = "",
    confidence: Confidence = "high",
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Say what a factory is in law. The same subject and first day again corrects what was told."""
    body = {
        "subject": subject,
        "text": text,
        "source": source,
        "basis": basis,
        "valid_from": since or None,
        "valid_until": until or None,
        "confidence": confidence,
    }
    answer = ask("POST", url, token, f"/factories/{code}/legal", body)
    tell(f"{code}: {subject} is on record.", answer, as_json)


def links(
    ended: Annotated[bool, typer.Option("--ended", help="Those that ended too.")] = False,
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Network links between sites that hold today."""
    columns = {
        "number": "number",
        "between": "site",
        "and": "other",
        "network": "network",
        "Gbit/s": "gigabits_per_second",
        "from": "valid_from",
        "until": "valid_until",
    }
    show(everything(url, token, "/links", ended=ended), columns, as_json)


def declare_link(
    site: Annotated[str, typer.Argument(help="A site's code.")],
    other: Annotated[str, typer.Argument(help="The other site's code.")],
    since: Since,
    speed: Annotated[float | None, typer.Option("--gigabits", min=0.001, help="A second; left out: not known.")] = None,
    network: Annotated[str, typer.Option("--network", help="Who carries it, such as GÉANT.")] = "",
    until: Until = "",
    ends_previous: Annotated[
        bool, typer.Option("--ends-previous", help="This network's link that holds without an end ends on that day.")
    ] = False,
    source: Source = "operator",
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Declare a network link between two sites, either way."""
    body = {
        "site": site,
        "other": other,
        "network": network,
        "gigabits_per_second": speed,
        "valid_from": since,
        "valid_until": until or None,
        "ends_previous": ends_previous,
        "source": source,
    }
    answer = ask("POST", url, token, "/links", body)
    tell(f"Declared, number {answer['number']}.", answer, as_json)


def end_link(
    number: Annotated[int, typer.Argument(min=1)],
    on: Annotated[str, typer.Option("--on", help="The first day on which it no longer holds.")],
    why: Annotated[str, typer.Option("--why", help="The reason, which stays on record.")] = "",
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """End a link on a day; it stays on record."""
    answer = ask("POST", url, token, f"/links/{number}/end", {"valid_until": on, "why": why})
    tell(f"Link {number} ends on {on}.", answer, as_json)


def declare_capacity(
    partition: PartitionCode,
    month: Annotated[str, typer.Option("--month", help="The first month, such as 2026-11.")],
    months: Annotated[int, typer.Option("--months", min=1, max=60, help="How many months from there.")] = 1,
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Put the derived capacity of these months on the ledger, or the difference to what was declared before."""
    answer = ask("POST", url, token, f"/capacity/{partition}", {"months": months_of(month, months)})
    tell(f"{answer['accelerator_seconds'] / 3600:+,.1f} GPU-hours.", answer, as_json)


def maintenance(partition: PartitionCode, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Planned maintenance of a partition."""
    columns = {"number": "number", "from": "start", "until": "end", "nodes": "nodes", "what": "why"}
    show(ask("GET", url, token, f"/maintenance/{partition}"), columns, as_json)


def plan(
    partition: PartitionCode,
    start: Annotated[datetime, typer.Option("--start", formats=_MOMENTS, help="In UTC, such as 2026-12-01T08:00.")],
    until: Annotated[datetime, typer.Option("--end", formats=_MOMENTS, help="In UTC.")],
    why: Annotated[str, typer.Option("--why", help="What is done.")],
    nodes: Annotated[int | None, typer.Option("--nodes", min=1, help="Left out: all of them.")] = None,
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Plan for nodes to be down. Declare the capacity again afterwards."""
    body = {"start": f"{start.isoformat()}Z", "end": f"{until.isoformat()}Z", "nodes": nodes, "why": why}
    answer = ask("POST", url, token, f"/maintenance/{partition}", body)
    tell(f"Planned, number {answer['number']}.", answer, as_json)


def cancel(
    partition: PartitionCode,
    number: Annotated[int, typer.Argument(min=1)],
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Cancel maintenance that won't happen."""
    ask("DELETE", url, token, f"/maintenance/{partition}/{number}")
    tell("Cancelled. Declare the capacity again.", {"cancelled": number}, as_json)


def register(app: typer.Typer) -> None:
    """Add these verbs to the command."""
    group(
        app,
        "cluster",
        "Schedulers and their agents.",
        list=clusters,
        register=register_cluster,
        differences=differences,
        by_hand=by_hand,
        choose=choose,
        jobs=looking.waiting,
        usage=looking.batches,
    )
    group(
        app,
        "declare",
        "What there is: saying the same again changes nothing.",
        site=declare("site", "/sites"),
        factory=declare("factory", "/factories"),
        system=declare("system", "/systems"),
        partition=declare_partition,
        availability=declare_availability,
        size=declare_size,
        conversion=declare_conversion,
        price=declare_price,
        stage=declare_stage,
        statement=declare_statement,
        capacity=declare_capacity,
    )
    group(app, "link", "Network links between sites.", list=links, declare=declare_link, end=end_link)
    group(app, "maintenance", "When nodes are down.", list=maintenance, plan=plan, cancel=cancel)
