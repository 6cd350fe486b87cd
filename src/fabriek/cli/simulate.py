"""`fabriek simulate`: a trace in, a schedule and its figures out. No server, no database."""

from __future__ import annotations

import csv
import json
import sys
import time
from collections import Counter
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console

if TYPE_CHECKING:
    from fabriek.simulation.answers import Outcome
    from fabriek.simulation.jobs import Repairs
    from fabriek.simulation.policy import Machine, Policy
    from fabriek.simulation.simulate import Schedule

BAD_INPUT = 2
_MOST_UNITS = 10**9
_NAMED = 20


class PolicyName(StrEnum):
    """The policies that have a name; files of rules say more."""

    FCFS = "fcfs"
    EASY = "easy"
    CONSERVATIVE = "conservative"
    MULTIFACTOR = "multifactor"


def simulate(
    nodes: Annotated[int, typer.Option(min=1, max=_MOST_UNITS, help="Of the machine; processors are the unit.")],
    trace: Annotated[
        Path | None, typer.Argument(help="SWF, sacct --parsable2, or a GPU trace; plain or .gz.", show_default=False)
    ] = None,
    cores_per_node: Annotated[
        int, typer.Option(min=1, max=_MOST_UNITS, help="Jobs take whole nodes of so many processors.")
    ] = 1,
    policy: Annotated[PolicyName, typer.Option(help="By which jobs are started.")] = PolicyName.EASY,
    rules: Annotated[
        Path | None, typer.Option(help="A TOML file with weights, limits, what is held, partitions.")
    ] = None,
    kill_at_limit: Annotated[
        bool, typer.Option("--kill-at-limit", help="End jobs at the time that they asked.")
    ] = False,
    starts: Annotated[Path | None, typer.Option(help="Where to write job,submit,start,end,processors.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
    emit_slurm: Annotated[
        bool, typer.Option("--emit-slurm", help="Print the policy as Slurm's settings instead; no trace is read.")
    ] = False,
) -> None:
    """Run a trace on a described machine under a policy: who waits, how long, and what the machine is used for.

    Exit status 0; 2: bad input. Jobs that don't fit the machine are left out, counted and named on standard error.
    """
    from fabriek.simulation.answers import outcome
    from fabriek.simulation.policy import BY_NAME, Machine
    from fabriek.simulation.rules import RulesBroken, with_rules
    from fabriek.simulation.simulate import simulate as run
    from fabriek.simulation.workloads.reading import read_trace

    machine = Machine.of(nodes, cores_per_node)
    chosen = replace(BY_NAME[policy], kill_at_limit=kill_at_limit)
    try:
        if rules is not None:
            machine, chosen = with_rules(rules.read_text(encoding="utf-8"), machine, chosen)
    except OSError as error:
        _refuse(rules, error.strerror or str(error))
    except (RulesBroken, UnicodeDecodeError) as fault:
        _refuse(rules, str(fault))
    if emit_slurm:
        _emit(machine, chosen, rules)
        return
    if trace is None:
        raise typer.BadParameter("a file to simulate, or --emit-slurm", param_hint="TRACE")
    try:
        with Console(stderr=True).status("reading") as status:
            read = read_trace(trace)
            status.update("simulating; the first time on a machine a minute of compiling goes before")
            begun = time.perf_counter()
            schedule = run(read.jobs, machine, chosen)
            seconds = time.perf_counter() - begun
    except OSError as error:
        _refuse(trace, error.strerror or str(error))
    except ValueError as fault:
        _refuse(trace, str(fault))
    _tell_what_is_left_out(read.repairs, schedule)
    if starts is not None:
        try:
            _write(starts, schedule)
        except OSError as error:
            _refuse(starts, f"can't be written: {error.strerror or error}")
    found = outcome(schedule)
    figures = {
        "jobs": found.waiting.jobs,
        "skipped": found.skipped + len(read.repairs.skipped),
        "never_started": found.stuck,
        "mean_wait": found.waiting.mean_wait,
        "median_wait": found.waiting.median_wait,
        "mean_bounded_slowdown": found.waiting.mean_slowdown,
        "utilisation": found.utilisation,
        "makespan": found.makespan,
        "lost_unit_seconds": found.lost,
        "seconds": seconds,
    }
    if as_json:
        print(json.dumps(figures))
    else:
        _show(found, seconds)


def _emit(machine: Machine, policy: Policy, rules: Path | None) -> None:
    from fabriek.simulation.emitting import slurm_settings

    try:
        print(slurm_settings(machine, policy).text(), end="")
    except ValueError as fault:
        _refuse(rules, str(fault))


def _show(found: Outcome, seconds: float) -> None:
    waiting = found.waiting
    print(
        f"{waiting.jobs:,} jobs; wait: mean {waiting.mean_wait:,.0f} s, median {waiting.median_wait:,.0f} s, 95 % "
        f"within {waiting.wait_95:,.0f} s; mean bounded slowdown {waiting.mean_slowdown:,.2f}; utilisation "
        f"{found.utilisation:.1%} of {found.makespan:,} s; computed in {seconds:.2f} s."
    )


def _write(path: Path, schedule: Schedule) -> None:
    """One row a job that ran, in the order of job number; a file that is there stays whole until the new one is."""
    import numpy as np

    jobs, ran = schedule.jobs, schedule.ran
    columns = np.column_stack(
        (jobs.number[ran], jobs.submit[ran], schedule.start[ran], schedule.end[ran], jobs.processors[ran])
    )
    partial = path.with_name(f"{path.name}.partial")
    with partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("job", "submit", "start", "end", "processors"))
        writer.writerows(columns[np.argsort(columns[:, 0], kind="stable")].tolist())
    partial.replace(path)


def _tell_what_is_left_out(repairs: Repairs, schedule: Schedule) -> None:
    """On standard error: repairs by name, and jobs that are left out, with numbers and reasons."""
    for name, count in repairs.repaired.items():
        print(f"{count:,} repaired: {name}", file=sys.stderr)
    left_out = [(one.number, one.reason) for one in (*repairs.skipped, *schedule.skipped)]
    if left_out:
        reasons = Counter(reason for _number, reason in left_out)
        print(f"{len(left_out):,} jobs left out:", file=sys.stderr)
        for number, reason in left_out if len(left_out) <= _NAMED else []:
            print(f"  job {number}: {reason}", file=sys.stderr)
        for reason, count in reasons.most_common() if len(left_out) > _NAMED else []:
            numbers = [str(number) for number, why in left_out if why == reason]
            print(f"  {count:,}: {reason}: jobs {' '.join(numbers)}", file=sys.stderr)
    stuck = schedule.jobs.number[~schedule.ran]
    if len(stuck):
        print(
            f"{len(stuck):,} jobs never started: limits or what is held leave them no room: "
            f"{' '.join(str(number) for number in stuck)}",
            file=sys.stderr,
        )


def _refuse(path: Path | None, why: str) -> NoReturn:
    Console(stderr=True).print(f"[red]{path}: {why}[/red]", soft_wrap=True, highlight=False)
    raise typer.Exit(BAD_INPUT)
