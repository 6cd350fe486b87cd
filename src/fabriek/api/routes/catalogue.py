"""The catalogue: what there is, one entry with its versions, and an entry's way from a draft to being found."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import FileResponse, HttpRequest, HttpResponse
from ninja import Field, File, Form, Query, Router, Schema, UploadedFile
from ninja.errors import AuthenticationError
from pydantic import field_validator

from fabriek.api.authentication import Scope, actor_of, reader_of
from fabriek.api.paging import PageOf, Paging, page_of
from fabriek.catalogue import actions, queries
from fabriek.catalogue.actions.entries import working_record
from fabriek.catalogue.asked import MOST_VALUES, Asked
from fabriek.catalogue.downloads import file_of
from fabriek.catalogue.errors import ChangedMeanwhile
from fabriek.catalogue.models import Access, Entry, EntryKind, Version
from fabriek.catalogue.rules import may_see_inside
from fabriek.catalogue.search.documents import FACETS
from fabriek.catalogue.search.finding import Hit
from fabriek.catalogue.words import record_from
from fabriek.people.models import Person
from fabriek.people.permissions import require
from fabriek.recipes.queries import result_of

router = Router(tags=["catalogue"])


Values = Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=MOST_VALUES)]


class Question(Schema):
    """Of a facet several values may be given, each of which widens what it leaves; facets narrow."""

    q: str = Field("", max_length=200, description="words, in any language of the Union")
    kind: list[EntryKind] = Field([], max_length=MOST_VALUES)
    licence: Values = []
    access: list[Access] = Field([], max_length=MOST_VALUES)
    factory: Values = Field([], description="codes of factories")
    language: Values = Field([], description="of what it holds, speaks or teaches in")
    task: Values = []
    sector: Values = Field([], description="as `facets` says it: health, public-administration")
    exact: bool = Field(False, description="all words as they are typed: none is taken for another")

    @field_validator(*FACETS, mode="before")
    @classmethod
    def _listed(cls, said: Any) -> Any:
        """One value may stand without a list, and an empty one is none."""
        values = [said] if isinstance(said, str) else said
        return [one for one in values if one != ""] if isinstance(values, list) else values

    def asked(self, sort: str = "") -> Asked:
        """What is looked for."""
        return Asked.of({**self.dict(include={"q", "exact", *FACETS}), "sort": sort})


class Search(Question):
    sort: str = Field("", max_length=20, description="title, kind, access or changed; with a minus the other way")
    state: Literal["published", "mine", "waiting", "hidden"] = Field(
        "published",
        description="mine: what your token's person describes; waiting: what waits for a curator; hidden: profiles "
        "that curators hide",
    )


class EntryRow(Schema):
    code: str
    kind: EntryKind
    title: str
    summary: str
    state: str
    published: int = Field(description="number of the newest published version; 0: none")
    language: str
    licence: str
    access: Access
    factory: str | None
    asked_at: datetime | None = Field(description="since when it waits for a curator")
    changed_at: datetime
    is_demo: bool


class PieceOut(Schema):
    text: str = Field(description="plain text, not HTML")
    marked: bool = Field(description="whether it is what was asked")


class Reasons(Schema):
    title: list[PieceOut]
    snippet: list[PieceOut] = Field(description="the part of its texts that says most of what was asked")
    means: list[str] = Field(description="the concepts that were asked and that it is of, in your language")
    language: str = Field(description="of this title: yours where the entry was translated to it")


class FoundRow(EntryRow):
    why: Reasons | None = Field(description="why it was found; null where nothing was searched: `state` says so")


class FacetOut(Schema):
    value: str
    count: int


class Entries(PageOf):
    items: list[FoundRow]
    facets: dict[str, list[FacetOut]] = Field(description="how many there would be by each value, the most first")
    corrected: dict[str, str] = Field(description="words that were taken for others, by what was typed")
    relaxed: bool = Field(description="next to nothing has all words: entries with some of them are there too")
    sorted_best: int = Field(description="so many of those that fit best were sorted, the others left out; 0: all were")


class VersionRow(Schema):
    number: int
    sha256: str
    published_at: datetime


class Versions(PageOf):
    items: list[VersionRow]


class VersionOut(VersionRow):
    record: dict[str, Any] = Field(description="fabriek/entry/1, as it was published")


class TieOut(Schema):
    kind: str
    code: str
    title: str
    entry_kind: EntryKind


class EntryOut(EntryRow):
    uuid: UUID
    record: dict[str, Any] = Field(description="fabriek/entry/1")
    sha256: str = Field(description="of the record")
    proposed: dict[str, Any] | None = Field(description="the record as it is to be next; for those who may change it")
    read: str = Field(description="digest of what a change starts from: send it back as `If-Match` or `read`")
    remark: str = Field(description="why it was sent back or retired; for those who may change it")
    origin: str
    organisation: str | None
    result: UUID | None = Field(description="the job that made it")
    published_at: datetime | None
    created_at: datetime
    versions: list[VersionRow] = Field(description="the newest first")
    tied_by: list[TieOut] = Field(description="published entries that name this one")


class Reason(Schema):
    why: str = Field("", max_length=5_000)


class EntrySent(Schema):
    """A record is read by `fabriek/entry/1`'s own rules, which name each field that doesn't hold."""

    record: dict[str, Any] = Field(description="fabriek/entry/1, docs/reference/schema/entry-1.json")


class Changed(EntrySent):
    read: str = Field("", max_length=64, description="digest of what you had before you; the header If-Match does too")


@router.get("/catalogue/entries", response=Entries, auth=None, summary="Entries of the catalogue")
def entries(request: HttpRequest, search: Query[Search], paging: Query[Paging]) -> dict[str, Any]:
    """What is published, to everybody. Other states take a token, and no words or facets."""
    reader = reader_of(request)
    if search.state == "published":
        found = queries.found(search.asked(search.sort))
        facets = {
            name: [{"value": value, "count": count} for value, count in counts] for name, counts in found.facets.items()
        }
        told = {"facets": facets, "corrected": found.corrected, "relaxed": found.relaxed, "sorted_best": found.best}
        return {**page_of(found.hits, paging, _hit_row), **told}
    if reader is None:
        raise AuthenticationError
    if search.state == "mine":
        listed = queries.entries_of(reader, search.sort)
    else:
        require(reader, "curate the catalogue")
        listed = queries.to_curate() if search.state == "waiting" else queries.hidden_profiles()
    rows = page_of(listed.select_related("factory"), paging, lambda entry: {**entry_row(entry), "why": None})
    return {**rows, "facets": {}, "corrected": {}, "relaxed": False, "sorted_best": 0}


def _hit_row(hit: Hit) -> dict[str, Any]:
    pieces = {name: [piece._asdict() for piece in getattr(hit, name)] for name in ("title", "snippet")}
    return {**entry_row(hit.entry), "why": {**pieces, "means": hit.means, "language": hit.language}}


def entry_row(entry: Entry) -> dict[str, Any]:
    """An entry in a list."""
    names = (
        "code",
        "kind",
        "title",
        "summary",
        "state",
        "published",
        "language",
        "licence",
        "access",
        "asked_at",
        "changed_at",
        "is_demo",
    )
    return {
        **{name: getattr(entry, name) for name in names},
        "factory": entry.factory.code if entry.factory else None,
    }


@router.post(
    "/catalogue/entries", response=EntryOut, auth=Scope("describe", "describe entries"), summary="Draft an entry"
)
def draft(request: HttpRequest, body: EntrySent, response: HttpResponse) -> dict[str, Any]:
    """Yours alone until a curator publishes it. `code` and `details.kind` stay as they are."""
    actor = actor_of(request)
    made = actions.draft_entry(actor, record_from(body.record))
    return _answer(actor, response, made.code)


@router.get("/catalogue/entries/{code}", response=EntryOut, auth=None, summary="An entry")
def entry(request: HttpRequest, code: str, response: HttpResponse) -> dict[str, Any]:
    """With a token of its steward or of a curator also while it is a draft, and with what is proposed. What was
    published once and is retired answers 410."""
    return _answer(reader_of(request), response, code)


@router.put("/catalogue/entries/{code}", response=EntryOut, auth=Scope("describe"), summary="Change an entry")
def change(request: HttpRequest, code: str, body: Changed, response: HttpResponse) -> dict[str, Any]:
    """The whole record as it is to be. A draft changes at once; of what is published it is a proposal that a curator
    publishes. With `If-Match` a change meanwhile answers 412, with `read` 409."""
    actor = actor_of(request)
    matched = request.headers.get("If-Match", "").strip().removeprefix("W/").strip('"')
    try:
        actions.edit_entry(
            actor, queries.entry_of(actor, code), record_from(body.record), read=matched.strip("*") or body.read
        )
    except ChangedMeanwhile as changed:
        if matched:
            changed.status = 412
        raise
    return _answer(actor, response, code)


@router.post(
    "/catalogue/entries/{code}/ask", response=EntryOut, auth=Scope("describe"), summary="Ask to publish an entry"
)
def ask(request: HttpRequest, code: str, response: HttpResponse) -> dict[str, Any]:
    """What it lacks is told by field."""
    return _done(request, response, code, actions.ask_to_publish)


@router.post(
    "/catalogue/entries/{code}/publish",
    response=EntryOut,
    auth=Scope("curate", "curate the catalogue"),
    summary="Publish an entry",
)
def publish(request: HttpRequest, code: str, response: HttpResponse) -> dict[str, Any]:
    """As its next version, which stands for ever."""
    return _done(request, response, code, actions.publish_entry)


@router.post(
    "/catalogue/entries/{code}/send-back",
    response=EntryOut,
    auth=Scope("curate", "curate the catalogue"),
    summary="Send an entry back",
)
def send_back(request: HttpRequest, code: str, body: Reason, response: HttpResponse) -> dict[str, Any]:
    """To its steward, with what should be mended."""
    return _done(request, response, code, lambda actor, found: actions.send_back(actor, found, body.why))


@router.post("/catalogue/entries/{code}/retire", response=EntryOut, auth=Scope("describe"), summary="Retire an entry")
def retire(request: HttpRequest, code: str, body: Reason, response: HttpResponse) -> dict[str, Any]:
    """It is found no more; its address goes on to say why."""
    return _done(request, response, code, lambda actor, found: actions.retire_entry(actor, found, body.why))


@router.get("/catalogue/entries/{code}/versions", response=Versions, auth=None, summary="Versions of an entry")
def versions(request: HttpRequest, code: str, paging: Query[Paging]) -> dict[str, Any]:
    """The newest first."""
    found = queries.entry_of(reader_of(request), code)
    return page_of(found.versions.defer("record"), paging, lambda version: version)


@router.get(
    "/catalogue/entries/{code}/versions/{number}", response=VersionOut, auth=None, summary="A version of an entry"
)
def version(request: HttpRequest, code: str, number: int) -> Version:
    """As it was published. Of people none is kept."""
    return queries.version_of(queries.entry_of(reader_of(request), code), number)


@router.post(
    "/catalogue/entries/{code}/files", response=EntryOut, auth=Scope("describe"), summary="Upload a small file"
)
def upload(
    request: HttpRequest, code: str, file: File[UploadedFile], response: HttpResponse, sha256: Form[str] = ""
) -> dict[str, Any]:
    """As a form with one file, at most FABRIEK_UPLOAD_MIB large; it is named among the places where the entry lies.
    `sha256`: what you say that it is; other bytes are refused."""
    actor = actor_of(request)
    actions.upload_file(
        actor,
        queries.entry_of(actor, code),
        file,
        name=str(file.name),
        media_type=str(file.content_type or ""),
        sha256=sha256.strip().lower(),
    )
    return _answer(actor, response, code)


@router.get("/catalogue/entries/{code}/files/{sha256}", auth=None, summary="A file that an entry holds")
def download(request: HttpRequest, code: str, sha256: str) -> FileResponse:
    """As it was uploaded."""
    reader = reader_of(request)
    return file_of(reader, queries.entry_of(reader, code), sha256)


@router.post(
    "/results/{uuid}/entry",
    response=EntryOut,
    auth=Scope("describe", "describe entries"),
    summary="Draft an entry about what a job made",
)
def draft_from_result(request: HttpRequest, uuid: UUID, response: HttpResponse) -> dict[str, Any]:
    """With its files, figures and lineage. For members of its project, once."""
    actor = actor_of(request)
    made = actions.draft_from_result(actor, result_of(actor, str(uuid)))
    return _answer(actor, response, made.code)


def _done(request: HttpRequest, response: HttpResponse, code: str, verb: Callable[[Person, Entry], Entry]) -> Any:
    actor = actor_of(request)
    verb(actor, queries.entry_of(actor, code))
    return _answer(actor, response, code)


def _answer(reader: Person | None, response: HttpResponse, code: str) -> dict[str, Any]:
    """An entry as its reader may see it, with the digest that a change starts from as its ETag."""
    found = queries.entry_of(reader, code)
    near = queries.surroundings(reader, found)
    inside = may_see_inside(reader, found)
    read = working_record(found).sha256() if inside else found.sha256
    response["ETag"] = f'"{read}"'
    names = ("uuid", "record", "sha256", "origin", "published_at", "created_at")
    return {
        **entry_row(found),
        **{name: getattr(found, name) for name in names},
        "proposed": found.proposed if inside else None,
        "read": read,
        "remark": found.remark if inside else "",
        "organisation": found.organisation.name if found.organisation else None,
        "result": found.result.job.uuid if found.result else None,
        "versions": near.versions,
        "tied_by": [
            {"kind": tie.kind, "code": tie.entry.code, "title": tie.entry.title, "entry_kind": tie.entry.kind}
            for tie in near.tied_by
        ],
    }
