"""`fabriek workload`: traces of jobs, read, told, converted, and made like others. Files in, files out."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn
from zoneinfo import ZoneInfo, available_timezones

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from fabriek.simulation.workloads.trace import Trace

BAD_INPUT = 2

TraceFile = Annotated[
    Path, typer.Argument(help="SWF, sacct --parsable2, or a table of Philly or Alibaba; plain or .gz.")
]
Output = Annotated[Path, typer.Argument(help="SWF, as gzip where it ends with .gz; a table of jobs where with .csv.")]
Processors = Annotated[Literal["requested", "allocated"], typer.Option(help="Which size counts in SWF.")]
Zone = Annotated[str, typer.Option(help="Of sacct's times without one, like Europe/Amsterdam.")]
Classes = Annotated[Path | None, typer.Option(help="A CSV file of lines like 'g12,startup': who is of which class.")]
ClassOf = Annotated[Literal["account", "group", "user", "partition", "qos"], typer.Option(help="What --classes names.")]
Json = Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")]


def register(app: typer.Typer, panel: str) -> None:
    """Hang the verbs under `fabriek workload`."""
    workload = typer.Typer(no_args_is_help=True, help="Traces of jobs: read, told, converted, and made like others.")
    for verb in (describe, convert, synthesise):
        workload.command()(verb)
    app.add_typer(workload, name="workload", rich_help_panel=panel)


def describe(
    trace: TraceFile,
    processors: Processors = "requested",
    zone: Zone = "UTC",
    classes: Classes = None,
    class_of: ClassOf = "account",
    as_json: Json = False,
) -> None:
    """Tell what a trace holds: jobs, sizes, run times, estimates, waits, hours of the week, repairs.

    Exit status 0; 2: it can't be read, with the line and what is wrong.
    """
    from fabriek.simulation.workloads.describing import described

    figures = described(read_with_classes(trace, processors, zone, classes, class_of))
    if as_json:
        print(json.dumps(figures))
    else:
        _show(trace.name, figures)


def convert(
    trace: TraceFile,
    output: Output,
    processors: Processors = "requested",
    zone: Zone = "UTC",
    classes: Classes = None,
    class_of: ClassOf = "account",
    as_json: Json = False,
) -> None:
    """Write a trace in another format, sorted and repaired. What was repaired or left out is told on standard error.

    Exit status 0; 2: it can't be read or written, with the line and what is wrong.
    """
    read = read_with_classes(trace, processors, zone, classes, class_of)
    _write(read, output)
    _tell(read, output, as_json)


def synthesise(
    trace: TraceFile,
    output: Output,
    weeks: Annotated[float, typer.Option(help="How long the new trace lasts.")] = 4.0,
    seed: Annotated[int, typer.Option(min=0, help="The same seed is the same trace.")] = 1,
    load: Annotated[
        list[str] | None,
        typer.Option(help="How much is submitted: 1.5 of all, or startup=2 of one class. May be given more than once."),
    ] = None,
    block: Annotated[int, typer.Option(help="Hours that a user's submissions stay together: 1, 24 or 168.")] = 24,
    near: Annotated[int, typer.Option(min=0, help="Weeks: how far a week's submissions may come from.")] = 2,
    spread: Annotated[float, typer.Option(help="Of run times: 0 as they were, 0.3 a third up or down.")] = 0.0,
    estimates: Annotated[
        Path | None, typer.Option(help="A trace whose users' estimates the jobs get, where they asked for no time.")
    ] = None,
    processors: Processors = "requested",
    zone: Zone = "UTC",
    classes: Classes = None,
    class_of: ClassOf = "account",
    as_json: Json = False,
) -> None:
    """Make a new trace like another: as many jobs in each hour of the week, of the same users' sizes and run times.

    A higher load has all jobs of a lower one with the same seed, and more users. Exit status 0; 2: bad input.
    """
    from fabriek.simulation.workloads.estimates import with_estimates
    from fabriek.simulation.workloads.synthetic import fitted
    from fabriek.simulation.workloads.synthetic import synthesise as made_like

    source = read_with_classes(trace, processors, zone, classes, class_of)
    with refusing(trace):
        made = made_like(
            fitted(source, block_hours=block),
            weeks=weeks,
            seed=seed,
            load=_loads(load or [], source.jobs.klasses),
            near=near,
            spread=spread,
        )
    if estimates is not None:
        like = read_with_classes(estimates, processors, zone, None, class_of)
        with refusing(estimates):
            made = replace(made, jobs=with_estimates(made.jobs, like.jobs, seed))
    _write(made, output)
    _tell(made, output, as_json)


def read_with_classes(path: Path, processors: Processors, zone: str, classes: Path | None, class_of: ClassOf) -> Trace:
    """A trace, with the classes that a file names; what can't be read ends the command."""
    from fabriek.simulation.workloads.classes import read_classes, with_classes
    from fabriek.simulation.workloads.reading import read_trace

    if zone not in available_timezones():
        raise typer.BadParameter(f"{zone!r} is no zone; write it like Europe/Amsterdam", param_hint="--zone")
    with refusing(path):
        trace = read_trace(path, processors=processors, zone=ZoneInfo(zone))
    if classes is None:
        return trace
    with refusing(classes):
        return replace(trace, jobs=with_classes(trace.jobs, read_classes(classes), class_of))


def _loads(asked: list[str], klasses: tuple[str, ...]) -> dict[str, float]:
    """A load for each class: what was said of it, or of all."""
    loads = dict.fromkeys(klasses, 1.0)
    for text in sorted(asked, key=lambda one: "=" in one):
        klass, equals, value = text.rpartition("=")
        try:
            number = float(value)
        except ValueError:
            raise typer.BadParameter(f"{text!r}; write 1.5 or startup=2", param_hint="--load") from None
        loads |= {klass: number} if equals else dict.fromkeys(klasses, number)
    return loads


def _write(trace: Trace, output: Path) -> None:
    from fabriek.simulation.workloads.swf_writing import write_swf

    with refusing(output):
        if output.suffix != ".csv":
            write_swf(trace, output)
            return
        partial = output.with_name(f"{output.name}.partial")
        with partial.open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerows(_rows(trace))
        partial.replace(output)


def _rows(trace: Trace) -> Iterator[list[Any]]:
    jobs = trace.jobs
    numbers = ("number", "submit", "run", "estimate", "processors", "gpus")
    named = {
        "user": jobs.users, "group": jobs.groups, "account": jobs.accounts, "klass": jobs.klasses,
        "partition": jobs.partitions, "qos": jobs.qoses,
    }  # fmt: skip
    yield ["job", *numbers[1:], *("class" if name == "klass" else name for name in named)]
    columns = [getattr(jobs, name).tolist() for name in numbers]
    columns += [[names[place] for place in getattr(jobs, name).tolist()] for name, names in named.items()]
    yield from map(list, zip(*columns, strict=True))


def _tell(trace: Trace, output: Path, as_json: bool) -> None:
    from fabriek.simulation.workloads.describing import described

    if as_json:
        print(json.dumps(described(trace) | {"file": str(output)}))
        return
    print(f"{len(trace.jobs):,} jobs written to {output}.")
    for name, count in trace.repairs.repaired.items():
        print(f"  {count:,} repaired: {name}", file=sys.stderr)
    for reason, count in trace.repairs.reasons().items():
        numbers = [str(one.number) for one in trace.repairs.skipped if one.reason == reason]
        more = f" and {count - 10:,} more" if count > 10 else ""
        print(f"  {count:,} left out, {reason}: {', '.join(numbers[:10])}{more}", file=sys.stderr)


def _show(name: str, figures: dict[str, Any]) -> None:
    console = Console()
    table = Table(title=name, show_header=False)
    for row, value in _told(figures):
        table.add_row(row, value)
    console.print(table)
    levels = Table(title="of the jobs")
    for column in ("", "least", "median", "90 %", "99 %", "most", "mean"):
        levels.add_column(column, justify="right" if column else "left")
    for row in ("processors", "gpus", "run_seconds", "estimate_seconds", "accuracy", "wait_seconds"):
        if figures[row] is not None:
            levels.add_row(
                row.replace("_", " "),
                *(f"{value:,.4g}" if value < 10 else f"{value:,.0f}" for value in figures[row].values()),
            )
    console.print(levels)
    _show_hours(console, figures["jobs_an_hour"])


def _told(figures: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "format", figures["source"]
    for name in ("jobs", "days", "users", "accounts", "processor_hours", "gpu_hours"):
        yield name.replace("_", " "), f"{figures[name]:,}"
    machine = figures["machine"]
    if machine["processors"]:
        yield "machine", f"{machine['nodes'] or '?'} nodes, {machine['processors']:,} processors"
        yield "jobs larger than it", f"{figures['larger_than_machine']:,}"
    if figures["load"] is not None:
        yield "load", f"{figures['load']:.1%} of the machine"
    yield "ran beyond the estimate", f"{figures['beyond_estimate']:,}"
    for one in figures["classes"]:
        yield (
            f"class {one['class'] or '(none)'}",
            f"{one['jobs']:,} jobs, {one['processor_hours']:,.0f} processor hours",
        )
    for name, count in figures["repaired"].items():
        yield "repaired", f"{count:,} {name}"
    for reason, count in figures["left_out"].items():
        yield "left out", f"{count:,}: {reason}"


def _show_hours(console: Console, rates: list[float | None]) -> None:
    """Jobs an hour: a row for each weekday, a bar for each hour."""
    bars, most = " ▁▂▃▄▅▆▇█", max((rate for rate in rates if rate), default=1.0)
    console.print(f"jobs an hour, Monday to Sunday, midnight to midnight (█ is {most:,.1f})")
    for first in range(0, len(rates), 24):
        day = rates[first : first + 24]
        console.print("  " + "".join("?" if rate is None else bars[round(rate / most * 8)] for rate in day))


@contextmanager
def refusing(path: Path) -> Iterator[None]:
    """A fault of this file ends the command with a sentence."""
    try:
        yield
    except OSError as error:
        _refuse(path, error.strerror or error)
    except ValueError as fault:
        _refuse(path, fault)


def _refuse(path: Path, why: object) -> NoReturn:
    print(f"{path}: {why}", file=sys.stderr)
    raise typer.Exit(BAD_INPUT)
