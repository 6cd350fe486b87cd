"""`fabriek simulate`: a trace in, a schedule and its figures out. No server, no database."""

from __future__ import annotations

import csv
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from fabriek.cli.workload import Classes, ClassOf, read_with_classes, refusing

if TYPE_CHECKING:
    from fabriek.simulation.jobs import Jobs, Repairs
    from fabriek.simulation.policy import Machine, Policy
    from fabriek.simulation.simulate import Schedule
    from fabriek.simulation.workloads.trace import Trace

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
    against: Annotated[
        Path | None, typer.Option(help="Another file of rules: what it would change, for each class.")
    ] = None,
    window_count: Annotated[
        int,
        typer.Option("--windows", min=2, max=1000, help="Into how many the trace is cut to tell chance from change."),
    ] = 20,
    seeds: Annotated[
        int | None,
        typer.Option(
            min=2, max=1000, help="Compare on so many synthetic workloads like the trace, too.", show_default=False
        ),
    ] = None,
    weeks: Annotated[float, typer.Option(help="How long each of these lasts.")] = 4.0,
    classes: Classes = None,
    class_of: ClassOf = "account",
    data: Annotated[
        Path | None, typer.Option(help="A CSV file of job,bytes: what moves where a job doesn't run at home.")
    ] = None,
    kill_at_limit: Annotated[
        bool, typer.Option("--kill-at-limit", help="End jobs at the time that they asked.")
    ] = False,
    starts: Annotated[Path | None, typer.Option(help="Where to write job,submit,start,end,processors.")] = None,
    placement: Annotated[
        Path | None, typer.Option(help="Where to write job,start,end,partition,nodes.", show_default=False)
    ] = None,
    figures: Annotated[
        Path | None, typer.Option(help="Where to write figures by class and window: CSV, or .parquet.")
    ] = None,
    swf: Annotated[
        Path | None, typer.Option(help="Where to write the jobs that ran, with their waits, as SWF.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
    emit_slurm: Annotated[
        bool, typer.Option("--emit-slurm", help="Print the policy as Slurm's settings instead; no trace is read.")
    ] = False,
) -> None:
    """Run a trace on a described machine under a policy: who waits, how long, and what the machine is used for.

    Exit status 0; 2: bad input. Jobs that don't fit the machine are left out, counted and named on standard error.
    """
    from fabriek.simulation.policy import BY_NAME, Machine

    machine = Machine.of(nodes, cores_per_node)
    named = replace(BY_NAME[policy], kill_at_limit=kill_at_limit)
    asked = _asked(rules, machine, named)
    if emit_slurm:
        _emit(*asked, rules)
        return
    if trace is None:
        raise typer.BadParameter("a file to simulate, or --emit-slurm", param_hint="TRACE")
    other = None if against is None else _asked(against, machine, named)
    if seeds and not (other or figures):
        raise typer.BadParameter("goes with --against or --figures", param_hint="--seeds")
    from fabriek.cli.simulated_figures import figure_rows, write_figures
    from fabriek.simulation.comparing import alike

    with Console(stderr=True).status("reading") as status, refusing(trace):
        read = read_with_classes(trace, "requested", "UTC", classes, class_of)
        if data is not None:
            from fabriek.cli.simulated_sites import with_data

            with refusing(data):
                read = replace(read, jobs=with_data(read.jobs, data))
        status.update("simulating; the first time on a machine a minute of compiling goes before")
        drawn = alike(read, range(1, seeds + 1), weeks) if seeds else []
        count = window_count if other or figures else 0
        ran = _run(read.jobs, asked, count, drawn, keep_nodes=placement is not None)
        changed = None if other is None else _run(read.jobs, other, count, drawn)
    _tell_what_is_left_out(read.repairs, ran.schedule)
    if starts is not None:
        with refusing(starts):
            _write(starts, ran.schedule)
    if placement is not None:
        from fabriek.cli.simulated_nodes import write_nodes

        with refusing(placement):
            write_nodes(placement, ran.schedule)
    if swf is not None:
        with refusing(swf):
            _write_swf(swf, read, ran.schedule)
    if figures is not None:
        rows = figure_rows("rules", ran.schedule, ran.parts, ran.drawn, ran.policy.held)
        if changed is not None:
            rows += figure_rows("against", changed.schedule, changed.parts, changed.drawn, changed.policy.held)
        with refusing(figures):
            write_figures(figures, rows)
    told = _figures(ran, len(read.repairs.skipped))
    if changed is not None:
        told |= _compared(ran, changed, len(read.repairs.skipped), weeks)
    if as_json:
        print(json.dumps(told))
    else:
        _show(told)


@dataclass(frozen=True)
class _Ran:
    """A policy's schedule of the whole trace, those of its windows and of workloads like it, and seconds of computing
    the first."""

    policy: Policy
    schedule: Schedule
    parts: list[Schedule]
    drawn: list[Schedule]
    seconds: float


def _asked(rules: Path | None, machine: Machine, policy: Policy) -> tuple[Machine, Policy]:
    """The machine and the policy with what a file of rules adds."""
    from fabriek.simulation.rules import with_rules

    if rules is None:
        return machine, policy
    with refusing(rules):
        return with_rules(rules.read_text(encoding="utf-8"), machine, policy)


def _run(
    jobs: Jobs, asked: tuple[Machine, Policy], count: int, drawn: Sequence[Jobs], *, keep_nodes: bool = False
) -> _Ran:
    """With so many windows and these workloads, each on an empty machine."""
    from fabriek.simulation.comparing import windows
    from fabriek.simulation.simulate import simulate as run

    begun = time.perf_counter()
    schedule = run(jobs, *asked, keep_nodes=keep_nodes)
    seconds = time.perf_counter() - begun
    parts = [run(one, *asked) for one in windows(jobs, count)] if count else []
    return _Ran(asked[1], schedule, parts, [run(one, *asked) for one in drawn], seconds)


def _figures(ran: _Ran, skipped: int) -> dict[str, Any]:
    from fabriek.cli.simulated_figures import floor_rows
    from fabriek.cli.simulated_sites import site_rows
    from fabriek.simulation.answers import outcome

    found = outcome(ran.schedule)
    told: dict[str, Any] = {
        "jobs": found.waiting.jobs,
        "skipped": found.skipped + skipped,
        "never_started": found.stuck,
        "mean_wait": found.waiting.mean_wait,
        "median_wait": found.waiting.median_wait,
        "wait_95": found.waiting.wait_95,
        "mean_bounded_slowdown": found.waiting.mean_slowdown,
        "utilisation": found.utilisation,
        "makespan": found.makespan,
        "lost_unit_seconds": found.lost,
        "seconds": ran.seconds,
    }
    if floors := floor_rows(ran.schedule, ran.policy.held):
        told["floors"] = floors
    if sites := site_rows(ran.schedule):
        told["sites"] = sites
    if ran.schedule.machine.outages or ran.schedule.machine.failures:
        told["outages"] = {
            "outages": len(ran.schedule.away.since),
            "away_unit_seconds": found.away,
            "stopped_runs": found.failed_runs,
            "killed_jobs": found.killed,
            "lost_unit_seconds": found.lost_to_failures,
            "lost_node_hours": found.lost_node_hours,
        }
    return told


def _compared(ran: _Ran, changed: _Ran, skipped: int, weeks: float) -> dict[str, Any]:
    """What the other policy changes; its floors also on the first's schedule: what is reached without them."""
    from fabriek.cli.simulated_figures import changes, floor_rows

    against = _figures(changed, skipped)
    if "floors" in against:
        against["floors_before"] = floor_rows(ran.schedule, changed.policy.held)
    told = {"against": against, "windows": len(ran.parts), "classes": changes(ran.parts, changed.parts)}
    if ran.drawn:
        told["seeds"] = {"count": len(ran.drawn), "weeks": weeks, "classes": changes(ran.drawn, changed.drawn)}
    return told


def _emit(machine: Machine, policy: Policy, rules: Path | None) -> None:
    from fabriek.simulation.emitting import slurm_settings

    with refusing(rules or Path()):
        print(slurm_settings(machine, policy).text(), end="")


def _show(told: dict[str, Any]) -> None:
    for name, one in (("", told), ("against: ", told.get("against"))):
        if one is None:
            continue
        print(
            f"{name}{one['jobs']:,} jobs; wait: mean {one['mean_wait']:,.0f} s, median {one['median_wait']:,.0f} s, "
            f"95 % within {one['wait_95']:,.0f} s; mean bounded slowdown {one['mean_bounded_slowdown']:,.2f}; "
            f"utilisation {one['utilisation']:.1%} of {one['makespan']:,} s; computed in {one['seconds']:.2f} s."
        )
        for site in one.get("sites", ()):
            print(
                f"{name}site {site['site']}: {site['jobs']:,} jobs, of which {site['from_elsewhere']:,} from "
                f"elsewhere; wait: mean {site['mean_wait']:,.0f} s, 95 % within {site['wait_95']:,.0f} s; "
                f"utilisation {site['utilisation']:.1%}."
            )
        if outages := one.get("outages"):
            hours = outages["lost_node_hours"]
            lost = f"{outages['lost_unit_seconds']:,} unit-seconds" if hours is None else f"{hours:,.1f} node-hours"
            print(
                f"{name}{outages['outages']:,} outages stopped {outages['stopped_runs']:,} runs, of which "
                f"{outages['killed_jobs']:,} for good: {lost} lost."
            )
        for floor in one.get("floors", ()):
            kept = "kept" if floor["kept"] else f"broken for {floor['broken_seconds']:,} s"
            print(
                f"{name}floor of {floor['class']}: promised {floor['promised']:.1%} of "
                f"{floor['partition'] or 'the machine'}, reached {floor['reached']:.1%}: {kept}."
            )
    if "classes" in told:
        _show_verdicts(f"Over {told['windows']} windows of the trace:", told["classes"])
    if "seeds" in told:
        seeds = told["seeds"]
        _show_verdicts(f"Over {seeds['count']} workloads like it, of {seeds['weeks']:g} weeks:", seeds["classes"])


def _show_verdicts(over: str, classes: list[dict[str, Any]]) -> None:
    print(over)
    for one in classes:
        print(one["verdict"])


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


def _write_swf(path: Path, read: Trace, schedule: Schedule) -> None:
    """The jobs that ran as a trace of the machine that was described: waits are what the simulation made of them."""
    from fabriek.simulation.answers import waits
    from fabriek.simulation.workloads.swf_writing import write_swf

    machine = schedule.machine
    units = sum(pool.processors for pool in machine.pools)
    ran = replace(
        read,
        jobs=schedule.jobs.taken(schedule.ran),
        waits=waits(schedule),
        processors=units * machine.cores_per_node,
        nodes=units if machine.cores_per_node > 1 else sum(pool.nodes for pool in machine.pools) or None,
    )
    write_swf(ran, path)


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
