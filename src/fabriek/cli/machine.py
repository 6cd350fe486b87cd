"""What the operator does on the machine itself: no token, but the right to read the database.

Django is set up only when one of these is called: the pure tools start without it.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from fabriek.cli.remote import looking

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]

_PANEL = "On the platform's machine"


def setup() -> None:
    """Make Django ready."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fabriek.conf.settings")
    import django

    django.setup()


def ready(quiet: bool = False) -> None:
    """Make Django and its database ready: create or migrate it where that is needed."""
    setup()
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", verbosity=0 if quiet else 1, interactive=False)


def migrate() -> None:
    """Create the database, or bring it up to this version. Can be repeated."""
    setup()
    from django.core.management import call_command

    call_command("migrate", interactive=False)


def reference(as_json: Json = False) -> None:
    """Load or refresh what comes with Fabriek: EuroHPC's register, programmes, access modes, the reference catalogue.
    What was declared or taken over here stays."""
    ready(quiet=True)
    from fabriek.access.reference import load_access_modes
    from fabriek.catalogue.reference import load_reference_catalogue
    from fabriek.programmes.reference import load_programmes
    from fabriek.register.reference import load_reference

    counted = load_reference()
    load_programmes()
    counted["access_modes"] = load_access_modes()
    counted["entries"] = sum(load_reference_catalogue().values())
    if as_json:
        print(json.dumps(counted))
        return
    print(
        "{factories} factories, {systems} systems, {partitions} partitions, {antennas} antennas, {access_modes} access "
        "modes, {entries} entries of the catalogue.".format(**counted)
    )


def load_reference_entries(as_json: Json = False) -> None:
    """Add or refresh the entries of the catalogue that come with Fabriek. What a steward took over or retired stays."""
    ready(quiet=True)
    from fabriek.catalogue.reference import load_reference_catalogue
    from fabriek.register.reference import load_reference

    load_reference()
    taken = load_reference_catalogue()
    if as_json:
        print(json.dumps(taken))
        return
    print("{added} added, {changed} changed, {same} the same, {kept} kept as they are here.".format(**taken))


def broken_on(row: dict[str, Any]) -> list[str]:
    """The systems on which a promise of every system is not kept."""
    return [on["system"] for on in row["systems"] if not on["holds"]]


def promises(as_json: Json = False) -> None:
    """Every promise, measured over the ledger: as decided, queued and used."""
    ready(quiet=True)
    from fabriek.promises.queries import measured_promises
    from fabriek.promises.words import as_rows

    rows = as_rows(measured_promises())
    if as_json:
        print(json.dumps({"format": "fabriek/promises/1", "unit": "gpu-hours", "promises": rows}, indent=1))
        return
    table = Table(title="Promises (GPU-hours)")
    for column in ("promise", "kind", "programme", "class"):
        table.add_column(column)
    for column in ("required", "decided", "queued", "used"):
        table.add_column(column, justify="right")
    table.add_column("holds")
    for row in rows:
        table.add_row(
            row["name"],
            row["kind"],
            row["programme"] or "",
            row["class"] or "",
            *(f"{row[moment]:,.1f}" for moment in ("required", "decided", "queued", "used")),
            "[green]yes[/green]" if row["holds"] else " ".join(["[red]no[/red]", *broken_on(row)]),
        )
    Console().print(table)


def ledger_check(as_json: Json = False) -> None:
    """Recompute every account from its entries. Exit status 0: the ledger balances; 1: it doesn't, with what is off."""
    ready(quiet=True)
    from fabriek.ledger.queries import check, totals

    faults, counted = check(), totals()
    if as_json:
        print(json.dumps({"balances": not faults, "faults": faults, **counted}))
    elif faults:
        for fault in faults:
            print(fault, file=sys.stderr)
    else:
        print(
            "The ledger balances: {accounts:,} accounts, {transactions:,} transactions, {entries:,} entries.".format(
                **counted
            )
        )
    raise typer.Exit(1 if faults else 0)


def export(
    folder: Annotated[Path, typer.Argument(help="Where to write; made where it isn't there.")], as_json: Json = False
) -> None:
    """Write everything as open files: one CSV a table, and each decision as the JSON that it was made from."""
    ready(quiet=True)
    from fabriek.demo.export import export_all

    console = Console(stderr=as_json)
    with Progress(SpinnerColumn(), TextColumn("{task.description}"), console=console, transient=True) as progress:
        task = progress.add_task("exporting")
        files = export_all(folder, lambda name: progress.update(task, description=name))
    if as_json:
        print(json.dumps({"folder": str(folder), "files": [{"file": str(f), "rows": rows} for f, rows in files]}))
    else:
        console.print(f"{len(files)} files, {sum(rows for _, rows in files):,} rows in {folder}")


def usage_import(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="Plain or .gz.")],
    cluster: Annotated[str, typer.Option(help="The cluster's code; made where it isn't there.")],
    partition: Annotated[str, typer.Option(help="The partition of the register, as system/partition.")],
    programme: Annotated[str, typer.Option(help="The programme that the imported projects belong to.")],
    format: Annotated[str, typer.Option(help="swf or sacct.")] = "swf",
    actor: Annotated[str, typer.Option(help="E-mail address of the operator who imports.")] = "",
    as_json: Json = False,
) -> None:
    """Book a scheduler's accounting log as usage of one site. The same file again changes nothing."""
    ready(quiet=True)
    from fabriek.cli.imports import run_import

    console = Console(stderr=True)
    bar = Progress(
        SpinnerColumn(), TextColumn("records"), MofNCompleteColumn(), BarColumn(), TimeElapsedColumn(), console=console
    )
    with bar:
        task = bar.add_task("records", total=None)
        report = run_import(
            file, cluster, partition, programme, format, actor, lambda done: bar.update(task, completed=done)
        )
    _print_import(report, as_json)
    raise typer.Exit(1 if report.broken else 0)


def _print_import(report: Any, as_json: bool) -> None:
    figures = {
        "booked": report.booked,
        "repeated": report.repeated,
        "never_ran": report.never_ran,
        "projects": report.projects,
        "accelerator_seconds": report.accelerator_seconds,
        "core_seconds": report.core_seconds,
        "broken": report.broken,
    }
    if as_json:
        print(json.dumps(figures))
        return
    print(
        f"{report.booked:,} records booked, {report.repeated:,} were booked before, {len(report.broken):,} are broken, "
        f"{report.never_ran:,} jobs never ran; {report.projects} projects."
    )
    for fault in report.broken[:20]:
        print(f"  line {fault['line']}: {fault['why']}", file=sys.stderr)
    if len(report.broken) > 20:
        print(f"  and {len(report.broken) - 20:,} more; --json prints all", file=sys.stderr)


def sign_in_link(
    email: Annotated[str, typer.Argument(help="Of a person that the platform knows.")], as_json: Json = False
) -> None:
    """Print a link that signs this person in, once, within fifteen minutes."""
    ready(quiet=True)
    from django.conf import settings

    from fabriek.conf.errors import NotFound
    from fabriek.people.actions import sign_in_token
    from fabriek.people.models import Person

    person = Person.objects.filter(email=email.lower(), is_active=True).first()
    if person is None:
        raise NotFound(f"Nobody has the address {email}. Register them first: fabriek person {email} --name '...'")
    link = f"{settings.FABRIEK_BASE_URL}/sign-in/{sign_in_token(person)}"
    print(json.dumps({"email": person.email, "link": link}) if as_json else link)


def person(
    email: Annotated[str, typer.Argument()],
    name: Annotated[str, typer.Option(help="Full name.")] = "",
    role: Annotated[list[str] | None, typer.Option(help="reviewer, officer, operator, board, administrator.")] = None,
    as_json: Json = False,
) -> None:
    """Register a person, or give a registered one roles. This is how the first administrator comes to be."""
    ready(quiet=True)
    from fabriek.people.actions import give_first_role, register_person
    from fabriek.people.models import Person

    found = Person.objects.filter(email=email.lower()).first() or register_person(email, name)
    for wanted in role or []:
        give_first_role(found, wanted)
    roles = sorted(found.role_names())
    if as_json:
        print(json.dumps({"email": found.email, "name": found.name, "roles": roles}))
    else:
        print(f"{found.name} <{found.email}>: {', '.join(roles)}")


def token(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    email: Annotated[str, typer.Option(help="Whom it speaks for.")] = "",
    cluster: Annotated[str, typer.Option(help="Or: the cluster whose agent it is for.")] = "",
    scope: Annotated[list[str] | None, typer.Option(help="read, apply, review, decide, operate, admin.")] = None,
    as_json: Json = False,
) -> None:
    """Make a token for the API. It is printed once and kept only as its SHA-256."""
    ready(quiet=True)
    from fabriek.people.actions import create_token
    from fabriek.people.models import Person

    speaks_for = Person.objects.get(email=email.lower()) if email else None
    scopes = ["agent"] if cluster else (scope or ["read"])
    _made, plain = create_token(None, name=name, scopes=scopes, person=speaks_for, site=cluster)
    print(json.dumps({"name": name, "scopes": scopes, "token": plain}) if as_json else plain)


def demo(
    serve_after: Annotated[bool, typer.Option("--serve/--no-serve", help="Serve the portal afterwards.")] = True,
    port: Annotated[int, typer.Option(help="On 127.0.0.1.")] = 8000,
    slurm: Annotated[
        bool,
        typer.Option("--slurm", help="On two real Slurm clusters on this machine; installs Debian's packages for it."),
    ] = False,
) -> None:
    """Run the main job on a demonstration AI Factory: from a promise to accounted GPU-hours. Then serve the portal."""
    setup()
    from fabriek.demo.machines import EMBEDDED, ON_SLURM
    from fabriek.demo.on_slurm import clusters
    from fabriek.demo.show import run_and_show

    with clusters(Console()) if slurm else contextlib.nullcontext():
        run_and_show(port if serve_after else None, ON_SLURM if slurm else EMBEDDED)
        if serve_after:
            _serve(port, slurm=slurm)


def serve(port: Annotated[int, typer.Option(help="On 127.0.0.1.")] = 8000) -> None:
    """Serve the portal and the API on loopback, and keep the embedded engine's agent running beside it."""
    _serve(port, slurm=False)


def _serve(port: int, *, slurm: bool) -> None:
    """slurm: the demonstration's clusters are up, so that their agents run too."""
    ready(quiet=True)
    from fabriek.cli.serve import serve_all
    from fabriek.projects.actions import lapse_shares, settle_ended

    settle_ended(None)
    lapse_shares(None)
    raise typer.Exit(serve_all(port, slurm=slurm))


def work(
    once: Annotated[bool, typer.Option("--once", help="Until nothing waits, and not for ever.")] = False,
    at_once: Annotated[int, typer.Option(min=1, max=64, help="Scenarios at once; each takes a core or two.")] = 2,
    as_json: Json = False,
) -> None:
    """Do what takes longer than a request, until it is stopped: checks, assignments and scores by the thousand, and the
    scenarios that officers ask. `fabriek serve` starts it.

    It may be killed at any moment: what was under way is taken up again. One works on a machine; another one waits.
    """
    import signal
    import threading

    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_received: stopped.set())
    ready(quiet=True)
    from fabriek.cli.work import work as work_on
    from fabriek.conf.configuration import configuration

    ended = work_on(configuration().folder, once=once, at_once=at_once, stopped=stopped)
    print(json.dumps({"ended": ended}) if as_json else f"{ended} tasks and scenarios ended.")


def settle(as_json: Json = False) -> None:
    """Give back what ended unused: allocations whose last month has gone by, shares that nobody was awarded.

    Takes back what the rule at half time announced and nobody claimed, and warns whom it concerns now.
    Can be repeated; `fabriek serve` settles when it starts, and a daily timer should do all of it.
    """
    ready(quiet=True)
    from fabriek.projects.actions import lapse_shares, settle_ended, take_back_due, warn_unused

    ended = settle_ended(None)
    taken, warned = take_back_due(None), warn_unused(None)
    lapsed = lapse_shares(None)
    if as_json:
        figures = {
            "allocations": [a.code for a in ended],
            "lapsed_accelerator_seconds": lapsed,
            "taken_back": [one.allocation.code for one in taken],
            "warned": [one.allocation.code for one in warned],
        }
        print(json.dumps(figures))
        return
    print(f"{len(ended)} allocations settled; {lapsed / 3600:,.1f} GPU-hours of shares lapsed.")
    print(f"Unused hours of {len(taken)} allocations taken back; {len(warned)} projects warned.")


def decide_due(
    officer: Annotated[str, typer.Option("--as", help="E-mail address of the officer in whose name it is decided.")],
    as_json: Json = False,
) -> None:
    """Answer what can be answered in all continuous calls, in an officer's name.

    Can be repeated; a timer should, every hour or so: who waits is answered on the last working day at the latest.
    """
    ready(quiet=True)
    from fabriek.access.actions import decide_queues
    from fabriek.conf.errors import NotFound
    from fabriek.people.models import Person

    person = Person.objects.filter(email=officer.lower(), is_active=True).first()
    if person is None:
        raise NotFound(f"Nobody has the address {officer}.")
    runs = decide_queues(person)
    if as_json:
        names = ("granted", "refused", "waiting", "left")
        print(json.dumps([{"call": r.call.code, **{n: [a.code for a in getattr(r, n)] for n in names}} for r in runs]))
        return
    for run in runs:
        print(
            f"{run.call.code}: {len(run.granted)} awarded, {len(run.refused)} not awarded, {len(run.waiting)} wait, "
            f"{len(run.left)} left to another officer."
        )
    if not runs:
        print("No continuous call has a queue.")


def register(app: typer.Typer) -> None:
    """Add these verbs to the command."""
    from fabriek.cli.searching import index_catalogue

    for verb in (
        demo,
        serve,
        work,
        migrate,
        reference,
        promises,
        export,
        settle,
        index_catalogue,
        decide_due,
        sign_in_link,
        person,
        token,
    ):
        app.command(rich_help_panel=_PANEL)(verb)
    ledger = typer.Typer(no_args_is_help=True, help="The double entry of hours.")
    ledger.command("check")(ledger_check)
    app.add_typer(ledger, name="ledger", rich_help_panel=_PANEL)
    usage = typer.Typer(no_args_is_help=True, help="What was used.")
    usage.command("import")(usage_import)
    usage.command("prove")(looking.prove)
    usage.command("proof")(looking.proof)
    app.add_typer(usage, name="usage", rich_help_panel=_PANEL)
    catalogue = typer.Typer(no_args_is_help=True, help="Data, models, software, training, services and money.")
    catalogue.command("load-reference")(load_reference_entries)
    app.add_typer(catalogue, name="catalogue", rich_help_panel=_PANEL)
