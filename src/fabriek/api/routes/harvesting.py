"""What is harvested from other catalogues: sources, when they are asked, and what came of it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from fabriek.api.authentication import Scope, actor_of
from fabriek.api.paging import PageOf, Paging, page_of
from fabriek.harvest.actions import add_source, ask_soon, change_source
from fabriek.harvest.models import Remark, Run, Source, SourceKind
from fabriek.harvest.queries import run_of, runs_of, source_of, sources
from fabriek.people.permissions import require

router = Router(tags=["harvesting"])
READ, WRITE = Scope("read", "harvest"), Scope("operate", "harvest")


class SourceIn(Schema):
    code: Annotated[str, Field(pattern="^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
    name: str = Field(min_length=1, max_length=200)
    kind: SourceKind
    address: str = Field(max_length=500)
    part: str = Field(
        "", max_length=200, description="a set (OAI-PMH), a filter (Hub), kinds of resource (AI-on-Demand)"
    )
    every_hours: int = Field(24, ge=1, le=8_784)


class SourceChange(Schema):
    is_active: bool | None = None
    every_hours: int | None = Field(None, ge=1, le=8_784)


class AskSourceIn(Schema):
    accept_losses: bool = Field(False, description="what a whole sweep doesn't name is gone, however much that is")


class SourceOut(Schema):
    code: str
    name: str
    kind: SourceKind
    address: str
    part: str
    every_hours: int
    is_active: bool
    since: datetime | None = Field(description="what changed before is here")
    under_way: bool = Field(description="a sweep was begun and has not ended")
    next_run: datetime
    last_started: datetime | None
    last_state: str | None


class Sources(PageOf):
    items: list[SourceOut]


class HarvestRunOut(Schema):
    uuid: UUID
    source: str
    state: str
    why: str
    resumed: bool
    started_at: datetime
    ended_at: datetime | None
    pages: int
    added: int
    changed: int
    same: int
    kept: int = Field(description="taken over or retired here: left as they are")
    gone: int = Field(description="no longer at the source: retired")
    double: int = Field(description="known here already from elsewhere")
    passed_over: int = Field(description="of no kind that the catalogue has")
    broken: int


class Runs(PageOf):
    items: list[HarvestRunOut]


class RemarkOut(Schema):
    identifier: str
    text: str
    is_fault: bool


class Remarks(PageOf):
    items: list[RemarkOut]


def _row(source: Source) -> dict[str, Any]:
    named = set(SourceOut.model_fields) - {"under_way"}
    return {**{name: getattr(source, name) for name in named}, "under_way": source.sweep is not None}


def _run(run: Run) -> dict[str, Any]:
    named = set(HarvestRunOut.model_fields) - {"source"}
    return {**{name: getattr(run, name) for name in named}, "source": run.source.code}


def _may(request: HttpRequest) -> Any:
    actor = actor_of(request)
    require(actor, "harvest")
    return actor


@router.get("/sources", response=Sources, auth=READ, summary="Catalogues that are harvested")
def list_sources(request: HttpRequest, paging: Query[Paging]) -> dict[str, Any]:
    """By name, with how the last run went."""
    _may(request)
    return page_of(sources(), paging, _row)


@router.post("/sources", response=SourceOut, auth=WRITE, summary="Have a catalogue harvested")
def add(request: HttpRequest, body: SourceIn) -> dict[str, Any]:
    """The worker asks it at its next look. The same again changes nothing."""
    return _row(source_of(add_source(_may(request), **body.dict()).code))


@router.get("/sources/{code}", response=SourceOut, auth=READ, summary="A source")
def one(request: HttpRequest, code: str) -> dict[str, Any]:
    """When it is asked, and how far it is."""
    _may(request)
    return _row(source_of(code))


@router.post(
    "/sources/{code}", response=SourceOut, auth=WRITE, summary="Let a source sleep, wake it, ask it more often"
)
def change(request: HttpRequest, code: str, body: SourceChange) -> dict[str, Any]:
    """What is not said stays."""
    change_source(_may(request), source_of(code), **body.dict())
    return _row(source_of(code))


@router.post("/sources/{code}/ask", response=SourceOut, auth=WRITE, summary="Ask a source soon")
def ask(request: HttpRequest, code: str, body: AskSourceIn) -> dict[str, Any]:
    """The worker asks it at its next look."""
    ask_soon(_may(request), source_of(code), accept_losses=body.accept_losses)
    return _row(source_of(code))


@router.get("/sources/{code}/runs", response=Runs, auth=READ, summary="Runs of a source")
def runs(request: HttpRequest, code: str, paging: Query[Paging]) -> dict[str, Any]:
    """The newest first, each with its report."""
    _may(request)
    return page_of(runs_of(source_of(code)).select_related("source"), paging, _run)


@router.get("/runs/{uuid}", response=HarvestRunOut, auth=READ, summary="A run")
def run(request: HttpRequest, uuid: UUID) -> dict[str, Any]:
    """Its report."""
    _may(request)
    return _run(run_of(uuid))


@router.get("/runs/{uuid}/remarks", response=Remarks, auth=READ, summary="What a run could not take as it was")
def remarks(request: HttpRequest, uuid: UUID, paging: Query[Paging], faults: bool = False) -> dict[str, Any]:
    """Items that can't be used (`is_fault`), and what was cut or left out of others. At most a thousand are kept."""
    _may(request)
    found = run_of(uuid).remarks.all()
    return page_of(found.filter(is_fault=True) if faults else found, paging, _remark)


def _remark(one: Remark) -> dict[str, Any]:
    return {"identifier": one.identifier, "text": one.text, "is_fault": one.is_fault}
