"""`fabriek allocate`, `verify` and `explain`: files in, files out; no server, no database."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

from fabriek.allocation import explain as why
from fabriek.allocation.faults import FormatError
from fabriek.allocation.plan import Plan, load_plan
from fabriek.allocation.problem import Problem, load_problem, problem_sha256
from fabriek.allocation.solve import solve
from fabriek.allocation.verify import verify as check

SOLVED, BAD_INPUT, OUT_OF_TIME = 0, 2, 3


def allocate(
    problem: Annotated[Path, typer.Argument(help="A fabriek/problem/1 file.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the fabriek/plan/1 file goes.")],
    gap: Annotated[float, typer.Option(min=0, help="Stop within this part of the bound.")] = 1e-6,
    time_limit: Annotated[float, typer.Option(min=0.1, help="Stop after this many seconds.")] = 60.0,
    threads: Annotated[int, typer.Option(min=1, help="Doesn't change the plan.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Of the solver's search.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Decide who gets what: a problem in, a plan with its certificate out.

    Exit status 0: solved; 2: bad input, with the path of the fault; 3: stopped at --time-limit with the best plan.
    """
    console = Console(stderr=True)
    try:
        read = load_problem(problem)
    except FormatError as fault:
        _refuse(problem, fault)
    except OSError as error:
        _refuse(problem, error.strerror or str(error))
    with console.status("reading") as status:
        plan = solve(
            read,
            gap=gap,
            seconds=time_limit,
            threads=threads,
            seed=seed,
            progress=lambda step: status.update(f"{step} ..."),
        )
    try:
        partial = output.with_name(f"{output.name}.partial")
        partial.write_text(plan.to_json(), encoding="utf-8")
        partial.replace(output)
    except OSError as error:
        _refuse(output, f"can't be written: {error.strerror or error}")
    figures = {
        "status": plan.status,
        "value": plan.value,
        "bound": plan.bound,
        "gap": plan.gap,
        "awards": len(plan.awards),
        "refusals": len(plan.refusals),
        "promises_short": [p.id for p in plan.promises if p.shortfall > 0],
    }
    if as_json:
        print(json.dumps(figures))
    else:
        # Of a plan that is worth nothing there is no part.
        part = f"gap {plan.gap:.4%}, " if plan.value else ""
        print(
            f"{len(plan.awards)} awarded, {len(plan.refusals)} refused; value {plan.value:,.2f}, "
            f"at most {plan.bound:,.2f} is possible ({part}{plan.status})."
        )
        for promise in plan.promises:
            if promise.shortfall > 0:
                print(f"  {promise.id} lacks {promise.shortfall:,.1f} of {promise.required:,.1f} GPU-hours")
    raise typer.Exit(OUT_OF_TIME if plan.status == "time" else SOLVED)


def verify(
    problem: Annotated[Path, typer.Argument(help="A fabriek/problem/1 file.")],
    plan: Annotated[Path, typer.Argument(help="A fabriek/plan/1 file.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the faults as JSON.")] = False,
) -> None:
    """Check all that a plan claims, without a solver. Exit status 0: it holds; 1: it doesn't; 2: bad input."""
    read, stored = _both(problem, plan)
    faults = check(read, stored)
    if as_json:
        print(json.dumps({"holds": not faults, "faults": faults}))
    elif faults:
        for found in faults:
            print(found, file=sys.stderr)
    else:
        print("The plan holds: awards, shares, promises, value and bound are what it says.")
    raise typer.Exit(1 if faults else 0)


def explain(
    problem: Annotated[Path, typer.Argument(help="A fabriek/problem/1 file.")],
    plan: Annotated[Path, typer.Argument(help="The fabriek/plan/1 file made of it.")],
    application: Annotated[str | None, typer.Argument(help="Its id; none: all, with estimates only.")] = None,
    promises: Annotated[bool, typer.Option("--promises", help="What keeping each promise costs.")] = False,
    partitions: Annotated[bool, typer.Option("--partitions", help="What more of each partition would add.")] = False,
    officer: Annotated[bool, typer.Option("--officer", help="Also whom a change would displace.")] = False,
    estimate: Annotated[bool, typer.Option("--estimate", help="Don't solve again.")] = False,
    gap: Annotated[float, typer.Option(min=0, help="Of solving again: as the plan was made.")] = 1e-6,
    time_limit: Annotated[float, typer.Option(min=0.1, help="Seconds each time: as the plan was made.")] = 60.0,
    threads: Annotated[int, typer.Option(min=1, help="Doesn't change what is found.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="As the plan was made.")] = 0,
    solves: Annotated[int, typer.Option(min=1, help="Solve again at most this often.")] = 60,
    as_json: Annotated[bool, typer.Option("--json", help="fabriek/explanation/1 on standard output.")] = False,
) -> None:
    """Why an application got what it got, and what would have been enough, checked by solving again.

    Exit status 0: explained; 2: bad input, or no such application.
    """
    read, stored = _both(problem, plan)
    if stored.problem_sha256 != problem_sha256(read):
        _refuse(plan, "problem_sha256 is that of another problem; name the one that the plan was made of")
    if application is not None and all(row.id != application for row in read.applications):
        _refuse(problem, f"applications has none with the id {application!r}")
    with Console(stderr=True).status("reading") as status:
        settings: dict[str, Any] = {
            "gap": gap,
            "seconds": time_limit,
            "threads": threads,
            "seed": seed,
            "progress": lambda step: status.update(f"{step} ..."),
        }
        priced = why.price_promises(read, stored, **settings) if promises else []
        larger = why.price_partitions(read, stored, check=not estimate, **settings) if partitions else []
        if application is not None:
            told = [why.explain_application(read, stored, application, check=not estimate, solves=solves, **settings)]
        else:
            told = [] if promises or partitions else why.explain_all(read, stored)
    if not officer:
        told = [explanation.for_applicant() for explanation in told]
    if as_json:
        rows = [row.model_dump(mode="json", exclude_none=True) for row in told]
        document: Any = rows[0] if application is not None and not (promises or partitions) else {"explanations": rows}
        if promises:
            document["promises"] = [row.model_dump(mode="json") for row in priced]
        if partitions:
            document["partitions"] = [row.model_dump(mode="json") for row in larger]
        print(json.dumps(document, ensure_ascii=False))
        return
    for explanation in told:
        name = "" if application is not None else f"{explanation.application}: "
        print(name + " ".join(why.sentences(explanation, officer=officer)))
    for promise in priced:
        print(why.promise_sentence(promise))
    for partition in larger:
        print(why.partition_sentence(partition))


def _both(problem: Path, plan: Path) -> tuple[Problem, Plan]:
    """The problem and the plan in these files; a fault in one ends the command."""
    try:
        read = load_problem(problem)
    except FormatError as fault:
        _refuse(problem, fault)
    except OSError as error:
        _refuse(problem, error.strerror or str(error))
    try:
        return read, load_plan(plan)
    except FormatError as fault:
        _refuse(plan, fault)
    except OSError as error:
        _refuse(plan, error.strerror or str(error))


def _refuse(path: Path, why: object) -> NoReturn:
    print(f"{path}: {why}", file=sys.stderr)
    raise typer.Exit(BAD_INPUT)
