"""`fabriek agent`: at the site, beside the scheduler."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import httpx
import typer

from fabriek.compute.agent import TROUBLES, Agent, Lock, RoundSummary, run, sentence_of
from fabriek.compute.local import load_engine


def agent(
    url: Annotated[str, typer.Option(envvar="FABRIEK_URL", help="The platform's address.")],
    token: Annotated[str, typer.Option(envvar="FABRIEK_TOKEN", help="The cluster's token.")],
    cluster: Annotated[str, typer.Option(help="The cluster's code.")],
    folder: Annotated[Path, typer.Option(help="Where the agent keeps its outbox, and the local engine its jobs.")],
    engine: Annotated[str, typer.Option(help="local: the embedded engine.")] = "local",
    interval: Annotated[float, typer.Option(min=0.1, help="Seconds from round to round.")] = 2.0,
    once: Annotated[bool, typer.Option("--once", help="One round, then exit.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a round.")] = False,
) -> None:
    """Make a cluster as the platform wants it, run its jobs and send what was used, until it is stopped."""

    def tell(summary: RoundSummary) -> None:
        if as_json:
            print(json.dumps(asdict(summary)), flush=True)
        elif summary.error:
            print(f"fabriek agent: {summary.error}", file=sys.stderr, flush=True)
        elif summary:
            done = ", ".join(f"{count} {what}" for what, count in asdict(summary).items() if count)
            print(f"fabriek agent: {done}", flush=True)

    if engine != "local":
        print(f"There is no engine {engine!r} in this version; use local.", file=sys.stderr)
        raise typer.Exit(2)
    try:
        lock = Lock(folder)
        local = load_engine(folder, cluster)
    except TROUBLES as error:
        print(sentence_of(error, folder), file=sys.stderr)
        raise typer.Exit(2) from error
    try:
        with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=30) as client:
            try:
                at_work = Agent(local, client, cluster, folder)
                if not once:
                    run(at_work, interval, tell)
                    return
                tell(at_work.round())
            except TROUBLES as error:
                print(sentence_of(error, folder), file=sys.stderr)
                raise typer.Exit(1) from error
    finally:
        local.close()
        lock.release()
