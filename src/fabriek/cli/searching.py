"""The search index, on the machine that holds it."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from fabriek.cli.machine import Json, ready


def index_catalogue(
    anew: Annotated[bool, typer.Option("--anew", help="Forget what the index holds first.")] = False,
    as_json: Json = False,
) -> None:
    """Compare the search index with the catalogue and mend what differs. `fabriek work` does so by itself, every hour.

    It may be killed at any moment, and goes on where it was.
    """
    ready(quiet=True)
    from fabriek.catalogue.search import feeding
    from fabriek.conf.errors import Refused

    done = feeding.reconcile(anew=anew)
    if done is None:
        raise Refused("Another process is writing the index. It ends up the same; try again to be sure.")
    if as_json:
        print(json.dumps({"put": done.put, "removed": done.removed}))
    else:
        print(f"{done.put} entries put in the index, {done.removed} taken out.")
