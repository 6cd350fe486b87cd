"""The catalogue in the standards' words, over the API: all of it, or one entry."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn

from fabriek.cli.remote.asking import LOCAL, Json, Token, Url, end, group, print_json, send

if TYPE_CHECKING:  # rdflib is read when it is needed: other verbs start without it
    from fabriek.catalogue.standards.dcat import Form

_FORMS: dict[str, Form] = {".ttl": "turtle", ".jsonld": "json-ld", ".rdf": "xml"}
PER_PAGE = 200
"""Entries asked at once: as many as the API gives."""


def export(
    file: Annotated[Path, typer.Argument(help="Where to: .ttl (Turtle), .jsonld (JSON-LD) or .rdf (RDF/XML).")],
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Write the whole catalogue as one DCAT-AP document: all pages of its feed together."""
    from fabriek.catalogue.standards import dcat
    from fabriek.catalogue.standards.rdf_words import DCAT, HYDRA, new_graph

    form = _FORMS.get(file.suffix)
    if form is None:
        end(f"{file} ends in none of {', '.join(_FORMS)}.", 2)
    graph, page, more = new_graph(), 0, True
    with Progress(SpinnerColumn(), TextColumn("page {task.completed}"), console=Console(stderr=True)) as bar:
        shown = bar.add_task("pages", total=None)
        while more:
            page += 1
            # RDF/XML can't hold every character, so that the pages for it are asked as such.
            asked: Form = "xml" if form == "xml" else "turtle"
            sent = send("GET", url, token, "/catalogue/feed", page=page, per_page=PER_PAGE, form=asked)
            read = dcat.graph_from(sent.content, asked)
            more = bool(dcat.next_page(read))
            for node in set(read.subjects(HYDRA.totalItems, None)):
                read.remove((node, None, None))  # one document has no pages
            graph += read
            bar.advance(shown)
    try:
        file.write_text(dcat.as_text(graph, form), encoding="utf-8")
    except OSError as error:
        end(f"{file} can't be written: {error.strerror}.", 1)
    entries = len({*graph.objects(None, DCAT.dataset), *graph.objects(None, DCAT.resource)})
    if as_json:
        print_json({"file": str(file), "entries": entries, "statements": len(graph)})
    else:
        print(f"{file}: {entries} entries, {len(graph)} statements.")


def document(
    code: Annotated[str, typer.Argument(help="The entry's code.")],
    standard: Annotated[str, typer.Argument(help="turtle, json-ld, schema-org, croissant or card.")],
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """An entry in the words of a standard, as it is published."""
    text = send("GET", url, token, f"/catalogue/entries/{code}/as/{standard}").text
    if as_json:
        print_json({"code": code, "standard": standard, "document": text})
    else:
        print(text, end="" if text.endswith("\n") else "\n")


def lineage(
    uuid: Annotated[str, typer.Argument(help="The job whose result it is.")],
    form: Annotated[str, typer.Option(help="prov-json, prov-o or openlineage.")] = "prov-json",
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """What a result was made of and by what, in a standard."""
    text = send("GET", url, token, f"/results/{uuid}/lineage", form=form).text
    if as_json and form == "prov-o":
        print_json({"uuid": uuid, "form": form, "document": text})
    else:
        print(text)


def crate(
    project: Annotated[str, typer.Argument(help="The project's code.")],
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """A project's jobs with what they used and made, as RO-Crate metadata (ro-crate-metadata.json)."""
    del as_json  # it is JSON
    print(send("GET", url, token, f"/projects/{project}/crate").text)


def register(app: typer.Typer) -> None:
    """Add these verbs to the command."""
    about = "What there is to build with: data, models, software, people, money."
    group(app, "catalogue", about, export=export, document=document, lineage=lineage, crate=crate)
