"""`fabriek`: the one command. Verbs on this machine (`machine.py`), over the API (`remote.py`), and the pure tools."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.console import Console

from fabriek import __version__
from fabriek.allocation.command import allocate, explain, verify
from fabriek.cli import machine, remote, workload
from fabriek.cli.simulate import simulate
from fabriek.cli.sweep import sweep
from fabriek.cli.trouble import sentence_of
from fabriek.compute.command import agent

app = typer.Typer(
    name="fabriek",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    help="Every GPU-hour accounted for, from the promise to the use.",
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"fabriek {__version__}")
        raise typer.Exit


@app.callback()
def _about(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show it and exit.")
    ] = False,
) -> None:
    del version


_PURE = "Pure tools: files in, files out"
_SITE = "At the site"
app.command(rich_help_panel=_PURE)(allocate)
app.command(rich_help_panel=_PURE)(verify)
app.command(rich_help_panel=_PURE)(explain)
app.command(rich_help_panel=_PURE)(simulate)
app.command(rich_help_panel=_PURE)(sweep)
workload.register(app, _PURE)
app.command(rich_help_panel=_SITE)(agent)
machine.register(app)
remote.register(app)


def main() -> None:
    """Run, and tell a refusal in one sentence instead of a traceback.

    Exit status 1: refused; 2: bad input; 4: the machine's trouble (no room on the disk, a database that is locked or
    away): the same again may well pass later.
    """
    from pydantic import ValidationError

    from fabriek.conf.errors import Invalid, Refused

    try:
        app()
    except (Refused, ValidationError) as refusal:
        console = Console(stderr=True)
        console.print(f"[red]{getattr(refusal, 'sentence', None) or refusal}[/red]")
        for field, sentences in getattr(refusal, "faults", {}).items():
            for sentence in sentences:
                console.print(f"  {field}: {sentence}")
        sys.exit(2 if isinstance(refusal, Invalid | ValidationError) else 1)
    except BrokenPipeError:
        sys.exit(0)
    except Exception as error:
        if (sentence := sentence_of(error)) is None:
            raise
        Console(stderr=True).print(f"[red]{sentence}[/red]", soft_wrap=True)
        sys.exit(4)


if __name__ == "__main__":
    main()
