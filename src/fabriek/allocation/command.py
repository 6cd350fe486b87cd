"""`fabriek allocate` and `fabriek verify`: files in, files out; no server, no database."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from fabriek.allocation.faults import FormatError
from fabriek.allocation.plan import load_plan
from fabriek.allocation.problem import load_problem
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
        print(
            f"{len(plan.awards)} awarded, {len(plan.refusals)} refused; value {plan.value:,.2f}, "
            f"at most {plan.bound:,.2f} is possible (gap {plan.gap:.4%}, {plan.status})."
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
    faults: list[str] = []
    try:
        read = load_problem(problem)
    except FormatError as fault:
        _refuse(problem, fault)
    except OSError as error:
        _refuse(problem, error.strerror or str(error))
    try:
        faults = check(read, load_plan(plan))
    except FormatError as fault:
        _refuse(plan, fault)
    except OSError as error:
        _refuse(plan, error.strerror or str(error))
    if as_json:
        print(json.dumps({"holds": not faults, "faults": faults}))
    elif faults:
        for found in faults:
            print(found, file=sys.stderr)
    else:
        print("The plan holds: awards, shares, promises, value and bound are what it says.")
    raise typer.Exit(1 if faults else 0)


def _refuse(path: Path, why: object) -> NoReturn:
    print(f"{path}: {why}", file=sys.stderr)
    raise typer.Exit(BAD_INPUT)
