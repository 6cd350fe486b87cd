"""The main job on a terminal: a progress display, then the table and the certificate, then the sign-in links."""

from __future__ import annotations

import time

from django.conf import settings
from django.core.management import call_command
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from fabriek.demo.figures import latest_plan, lines
from fabriek.demo.machines import EMBEDDED, Machine
from fabriek.demo.main_job import is_finished, steps
from fabriek.demo.world import ROLES, check_the_folder, load_the_register
from fabriek.people.actions import sign_in_token
from fabriek.people.models import Person
from fabriek.promises.queries import measured_promises


def run_and_show(port: int | None, machines: tuple[Machine, ...] = EMBEDDED) -> None:
    """Run what is still to be run and show all of it. port: where the portal will be served; None: nowhere.

    Errors: Refused where the folder holds the demonstration on other machines.
    """
    console = Console()
    began = time.monotonic()
    fresh = not (settings.FABRIEK_FOLDER / "fabriek.sqlite3").exists()
    call_command("migrate", verbosity=0, interactive=False)
    check_the_folder(machines)
    if is_finished():
        # A newer package may bring newer reference data than the folder has.
        load_the_register()
    else:
        console.print(
            "[bold]Fabriek[/bold]: the main job on a demonstration AI Factory, "
            + ("from a new database." if fresh else "from where it was.")
        )
        _run(console, machines)
    _tables(console)
    console.print(f"{time.monotonic() - began:.1f} seconds. All data is in {settings.FABRIEK_FOLDER}")
    if port is not None:
        _links(console, port)


def _run(console: Console, machines: tuple[Machine, ...]) -> None:
    with Progress(
        SpinnerColumn(finished_text="[green]✓[/green]"),
        TextColumn("{task.description:<14}"),
        TextColumn("{task.fields[told]}"),
        TimeElapsedColumn(),
        console=console,
    ) as progress:
        for step in steps(machines):
            task = progress.add_task(step.title, total=None, told="")
            count = 0

            def another(task: object = task) -> None:
                nonlocal count
                count += 1
                progress.update(task, told=str(count))  # type: ignore[arg-type]

            told = step.run(another)
            progress.update(task, total=1, completed=1, told=told)


def _tables(console: Console) -> None:
    table = Table(title="From the promise to the use, in GPU-hours (demonstration)", title_justify="left")
    table.add_column("programme")
    for name in ("promised", "asked", "awarded", "used"):
        table.add_column(name, justify="right")
    for line in lines():
        name = f"  {line.organisation_class}" if line.organisation_class else f"[bold]{line.programme}[/bold]"
        table.add_row(
            name,
            f"{line.share:,.0f}" if not line.organisation_class else "",
            f"{line.asked:,.0f}",
            f"{line.awarded:,.0f}",
            f"{line.used:,.3f}",
        )
    console.print(table)
    promises = Table(title="Promises", title_justify="left")
    for name in ("promise", "kind", "required", "decided", "used", "holds"):
        promises.add_column(name, justify="right" if name in ("required", "decided", "used") else "left")
    for one in measured_promises():
        promises.add_row(
            one.terms.name,
            one.terms.kind,
            f"{one.required['decided'] / 3600:,.0f}",
            f"{one.decided / 3600:,.0f}",
            f"{one.used / 3600:,.3f}",
            "[green]yes[/green]" if one.holds else " ".join(["[red]no[/red]", *one.broken_on]),
        )
    console.print(promises)
    found = latest_plan()
    if found is not None:
        decision, plan = found
        more = plan.value / decision.greedy_value - 1 if decision.greedy_value else 0.0
        console.print(
            f"Decision [bold]{decision.code}[/bold]: value {plan.value:,.1f}, at most {plan.bound:,.1f} is possible "
            f"(gap {plan.gap:.4%}, {plan.status}); rank order gives {decision.greedy_value:,.1f} ({more:+.1%}). "
            f"problem sha256 {decision.problem_sha256[:16]}…"
        )


def _links(console: Console, port: int) -> None:
    console.print(f"\n[bold]http://127.0.0.1:{port}[/bold] — sign in (each link works once, for an hour):")
    people = {p.email: p for p in Person.objects.filter(is_demo=True)}
    for role, _name, address in ROLES:
        if address in people:
            link = f"http://127.0.0.1:{port}/sign-in/{sign_in_token(people[address], 3600)}"
            console.print(f"  {role:<14} {link}", soft_wrap=True, highlight=False)
