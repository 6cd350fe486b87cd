"""The verbs of the catalogue: find, describe, publish."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from fabriek.cli.remote.asking import (
    LOCAL,
    Content,
    Json,
    Token,
    Url,
    Why,
    ask,
    content_of,
    end,
    everything,
    group,
    print_json,
    send,
    show,
    tell,
)
from fabriek.cli.remote.facets import narrowed

Code = Annotated[str, typer.Argument(help="The entry's code.")]
Words = Annotated[list[str] | None, typer.Argument(help="Words, in any language of the Union.")]
STATE = {"entry": "code", "state": "state", "version": "published", "waits since": "asked_at"}


@narrowed
def list_entries(
    facets: dict[str, list[str]],
    words: Words = None,
    exact: Annotated[bool, typer.Option("--exact", help="All words as typed: none is taken for another.")] = False,
    sort: Annotated[str, typer.Option(help="title, kind, access or changed; with a minus the other way.")] = "",
    state: Annotated[
        Literal["published", "mine", "waiting", "hidden"],
        typer.Option(help="mine: yours; waiting: for a curator; hidden: profiles that curators hide."),
    ] = "published",
    most: Annotated[int, typer.Option(min=1, max=200, help="How many are shown.")] = 50,
    page: Annotated[int, typer.Option(min=1, help="Which of the pages.")] = 1,
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Find entries, or list yours (--state mine) or those that wait for a curator (--state waiting)."""
    chosen: dict[str, Any] = {**facets, "sort": sort, "q": " ".join(words or [])}
    if exact:
        chosen["exact"] = "true"
    answer = ask("GET", url, token, "/catalogue/entries", state=state, page=page, per_page=most, **chosen)
    columns = {"entry": "code", "kind": "kind", "title": "title", "licence": "licence", "access": "access"}
    if state != "published":
        columns |= {"state": "state", "waits since": "asked_at"}
    show(answer["items"], columns, as_json, answer)
    if as_json:
        return
    for typed, taken in answer["corrected"].items():
        print(f"“{typed}” was taken for “{taken}”. --exact searches what you typed.")
    if answer["relaxed"]:
        print("Next to nothing has all these words: entries with some of them are listed too.")
    if answer["sorted_best"]:
        print(f"Only the {answer['sorted_best']:,} that fit best are sorted: narrow it to sort all.")
    if answer["pages"] > 1:
        print(f"Page {answer['page']} of {answer['pages']}, {answer['total']} entries.")


def show_entry(
    code: Code,
    record: Annotated[bool, typer.Option("--record", help="Print the record alone, as `edit` takes it.")] = False,
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """An entry: what it says, where it lies, what came from it."""
    answer = ask("GET", url, token, f"/catalogue/entries/{code}")
    if record:
        print_json(answer["proposed"] or answer["record"])
        return
    if as_json:
        print_json(answer)
        return
    said = answer["record"]
    print(f"{answer['title']} ({answer['kind']}, {answer['state']}, version {answer['published']})")
    if answer["summary"]:
        print(answer["summary"])
    print(f"Licence: {answer['licence'] or 'not known'}. Access: {answer['access']}.")
    for name in ("owner", "contact"):
        if said.get(name):
            print(f"{name.capitalize()}: {', '.join(said[name].values())}")
    places = {"where": "location", "site": "site", "bytes": "bytes", "SHA-256": "sha256"}
    show(said.get("distributions", []), places, as_json=False)
    for one in said.get("relations", []):
        print(f"{one['kind']} {one['target']} {one.get('title', '')}".rstrip())
    for one in answer["tied_by"]:
        print(f"{one['code']} ({one['title']}): {one['kind']} this")
    if answer["remark"]:
        print(f"Remark: {answer['remark']}")


def new(file: Content, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """Draft an entry from a file with its record (fabriek/entry/1: code, title, details.kind and more)."""
    answer = ask("POST", url, token, "/catalogue/entries", {"record": content_of(file)})
    show([answer], STATE, as_json, answer)


def from_result(
    number: Annotated[str, typer.Argument(metavar="UUID", help="The number of the job that made it.")],
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Draft an entry about what a job made, with its files, figures and lineage."""
    answer = ask("POST", url, token, f"/results/{number}/entry")
    show([answer], STATE, as_json, answer)


def edit(
    code: Code,
    file: Content,
    read: Annotated[
        str, typer.Option("--read", help="`read` of what you had before you; another change is then not overwritten.")
    ] = "",
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Change an entry to the record of a file. Of what is published it is a proposal."""
    body = {"record": content_of(file), "read": read}
    answer = ask("PUT", url, token, f"/catalogue/entries/{code}", body)
    show([answer], STATE, as_json, answer)


def _verb(name: str, about: str) -> Any:
    def act(code: Code, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
        answer = ask("POST", url, token, f"/catalogue/entries/{code}/{name}")
        show([answer], STATE, as_json, answer)

    act.__doc__ = about
    return act


def _verb_with_reason(name: str, about: str) -> Any:
    def act(code: Code, why: Why = "", url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
        answer = ask("POST", url, token, f"/catalogue/entries/{code}/{name}", {"why": why})
        show([answer], STATE, as_json, answer)

    act.__doc__ = about
    return act


def versions(code: Code, url: Url = LOCAL, token: Token = "", as_json: Json = False) -> None:
    """The published versions of an entry, newest first."""
    rows = everything(url, token, f"/catalogue/entries/{code}/versions")
    show(rows, {"version": "number", "published": "published_at", "SHA-256": "sha256"}, as_json)


def version(
    code: Code,
    number: Annotated[int, typer.Argument(help="The version's number.")],
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """An entry as it was published: its record."""
    answer = ask("GET", url, token, f"/catalogue/entries/{code}/versions/{number}")
    print_json(answer if as_json else answer["record"])


def upload(
    code: Code,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A small file.")],
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Upload a small file to an entry; its SHA-256 is sent along and proved."""
    content = file.read_bytes()
    files = {"file": (file.name, content), "sha256": (None, hashlib.sha256(content).hexdigest())}
    answer = send("POST", url, token, f"/catalogue/entries/{code}/files", files=files).json()
    record = answer["proposed"] or answer["record"]
    show(record["distributions"], {"file": "name", "bytes": "bytes", "SHA-256": "sha256"}, as_json, answer)


def download(
    code: Code,
    sha256: Annotated[str, typer.Argument(metavar="SHA256", help="Which file.")],
    file: Annotated[Path, typer.Argument(help="Where to write it.")],
    url: Url = LOCAL,
    token: Token = "",
    as_json: Json = False,
) -> None:
    """Write a file that an entry holds, once its SHA-256 is what was asked."""
    content = send("GET", url, token, f"/catalogue/entries/{code}/files/{sha256}").content
    if hashlib.sha256(content).hexdigest() != sha256:
        end("What came is not the file that was asked: its SHA-256 differs. Try again.", 1)
    file.write_bytes(content)
    tell(str(file), {"file": str(file), "bytes": len(content)}, as_json)


def register(app: typer.Typer) -> None:
    """Add these verbs to the command."""
    verbs: dict[str, Any] = {
        "list": list_entries,
        "show": show_entry,
        "new": new,
        "from-result": from_result,
        "edit": edit,
        "ask": _verb("ask", "Ask a curator to publish an entry; what it lacks is told by field."),
        "publish": _verb("publish", "Publish an entry, or what is proposed of it."),
        "send-back": _verb_with_reason("send-back", "Send an entry back to its steward, with what should be mended."),
        "retire": _verb_with_reason("retire", "Retire an entry: it is found no more."),
        "versions": versions,
        "version": version,
        "upload": upload,
        "download": download,
    }
    group(app, "catalogue", "What there is to build with: data, models, software, people, money.", **verbs)
