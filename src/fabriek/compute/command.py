"""`fabriek agent`: at the site, beside the scheduler."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import sys
from collections.abc import Callable
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import httpx
import typer

from fabriek.compute.agent import TROUBLES, Agent, AgentError, Lock, RoundSummary, run, sentence_of
from fabriek.compute.engine import Engine, difference
from fabriek.compute.local import load_engine
from fabriek.compute.slurm import SlurmEngine, load_slurm

ENGINES: dict[str, Callable[[Path, str], Engine]] = {"local": load_engine, "slurm": load_slurm}


class What(StrEnum):
    """What the agent is asked to do."""

    run = "run"
    plan = "plan"


def agent(
    url: Annotated[str, typer.Option(envvar="FABRIEK_URL", help="The platform's address.")],
    cluster: Annotated[str, typer.Option(help="The cluster's code.")],
    folder: Annotated[Path, typer.Option(help="Where the agent keeps its outbox, and the local engine its jobs.")],
    engine: Annotated[
        str, typer.Option(help="slurm: Slurm (slurm.toml in the folder); local: the embedded engine (engine.json).")
    ],
    what: Annotated[What, typer.Argument(help="run; or plan: show what a round would change, and change nothing.")] = (
        What.run
    ),
    token_file: Annotated[
        Path | None, typer.Option(envvar="FABRIEK_TOKEN_FILE", help="A file with the cluster's token.")
    ] = None,
    token: Annotated[
        str, typer.Option(envvar="FABRIEK_TOKEN", help="The token itself: everybody on the machine sees an option.")
    ] = "",
    root_jobs: Annotated[
        bool, typer.Option("--root-jobs", help="As root, with the embedded engine: everybody's jobs run as root.")
    ] = False,
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

    if engine not in ENGINES:
        print(f"There is no engine {engine!r}; use {' or '.join(ENGINES)}.", file=sys.stderr)
        raise typer.Exit(2)
    try:
        bearer = token_of(token_file) if token_file else token
        if not bearer:
            raise AgentError(
                "The agent needs the cluster's token: --token-file FILE, or FABRIEK_TOKEN in its environment."
            )
        if engine == "local" and not root_jobs:
            refuse_root()
        # Looking changes nothing, and may be done beside an agent at work.
        lock = Lock(folder) if what is What.run else None
        chosen = ENGINES[engine](folder, cluster)
    except TROUBLES as error:
        print(sentence_of(error, folder), file=sys.stderr)
        raise typer.Exit(2) from error
    try:
        with (
            contextlib.ExitStack() as closing,
            httpx.Client(base_url=url, headers={"Authorization": f"Bearer {bearer}"}, timeout=30) as client,
        ):
            try:
                at_work = Agent(chosen, client, cluster, folder)
                closing.callback(at_work.close)
                if what is What.plan:
                    show_plan(at_work, as_json=as_json)
                elif once:
                    tell(at_work.round())
                else:
                    run(at_work, interval, tell)
            except TROUBLES as error:
                print(sentence_of(error, folder), file=sys.stderr)
                raise typer.Exit(1) from error
    finally:
        chosen.close()
        if lock is not None:
            lock.release()


def token_of(file: Path) -> str:
    """The cluster's token, from a file that not everybody may read. Errors: OSError, AgentError with what to do."""
    if file.stat().st_mode & stat.S_IROTH:
        raise AgentError(
            f"Everybody can read the token in {file}. Say chmod 600 {file}, and void the token if need be."
        )
    token = file.read_text(encoding="utf-8").strip()
    if not token:
        raise AgentError(f"There is no token in {file}.")
    return token


def refuse_root() -> None:
    """The embedded engine runs everybody's jobs as the agent's own user, which must not be root unasked. Errors:
    AgentError."""
    if os.geteuid() == 0:
        raise AgentError(
            "The embedded engine runs everybody's jobs as the agent's own user, and this agent is root. Start it as a "
            "user without rights; for a cluster with Slurm say --engine slurm. Where all who submit may be root, as in "
            "a demonstration, say --root-jobs."
        )


def show_plan(agent: Agent, *, as_json: bool) -> None:
    """Print what is wrong at the site, what differs, what was changed by hand, and the commands of the next round;
    none is carried out."""
    desired = agent.limits.desired().accounts
    found = difference(desired, agent.engine.enforced())
    by_hand = agent.engine.drift()
    changes, waiting = agent.limits.sorted_out(desired)
    packed, refused = agent.engine.plan(changes, waiting) if isinstance(agent.engine, SlurmEngine) else ([], {})
    # What is loaded in one go is told one by one.
    todo = [each for step in packed for each in step.instead or (step,)]
    wrong = agent.engine.notes()
    if as_json:
        plan = {
            "differences": [asdict(d) for d in found],
            "by_hand": [asdict(d) for d in by_hand],
            "steps": [{"command": list(step.words), "why": step.why} for step in todo],
            "impossible": [{"account": a, "partition": p, "why": why} for (a, p), why in refused.items()],
            "wrong": wrong,
        }
        print(json.dumps(plan, indent=2))
        return
    for sentence in wrong:
        print(f"wrong     {sentence}")
    if not found and not wrong:
        print("All is enforced as it was awarded.")
    for d in found:
        print(f"differs   {d.sentence}")
    for d in by_hand:
        print(f"by hand   {d.what} of {d.account} on {d.partition}: made {d.desired}, somebody made it {d.enforced}")
    for step in todo:
        print(f"would do  {' '.join(step.words)}\n          {step.why}")
    for (account, partition), why in refused.items():
        print(f"can't     {account} on {partition}: {why}")
    for account, partition in sorted((a.account, a.partition) for a in waiting):
        print(f"waits     {account} on {partition}: what else differs, for the operator's choice on the cluster's page")
