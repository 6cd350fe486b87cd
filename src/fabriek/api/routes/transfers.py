"""Data of projects between sites: asking, starting, following, stopping, trying again."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, Query, Schema

from fabriek.api.authentication import Scope, actor_of
from fabriek.api.paging import PageOf, Paging, page_of
from fabriek.api.routes.operations import own_project, router
from fabriek.operations import actions
from fabriek.operations.models import Transfer
from fabriek.operations.speeds import Measured, estimate_of
from fabriek.operations.transfer_lifecycle import MEMBER, possible
from fabriek.operations.transfer_queries import expected_end, transfer_of, transfers_of, waits_for
from fabriek.operations.transfer_words import trouble_of


class TransferIn(Schema):
    from_: str = Field(alias="from", max_length=60, description="the cluster at which it is")
    to: str = Field(max_length=60, description="the cluster at which it is to be")
    path: str = Field(max_length=2_000, description="a file or folder, relative to the project's folder")
    mode: Literal["copy", "move"] = "copy"
    overwrite: bool = Field(False, description="whether files that are there already may be replaced")
    start: bool = Field(False, description="without asking again once it is measured")
    uuid: UUID | None = Field(None, description="sending it again asks for nothing new")


class TroubleOut(Schema):
    code: str
    sentence: str
    advice: str
    at: str = Field(description="the cluster")
    detail: str = Field(description="what the site's own command said")


class MeasuredOut(Schema):
    bytes_per_second: float = Field(description="the median of the last transfers, either way")
    transfers: int
    first: datetime
    last: datetime


class TransferEstimateOut(Schema):
    basis: Literal["measured", "declared", "unknown"]
    bytes_per_second: float | None
    seconds: float | None
    measured: MeasuredOut | None


class TransferOut(Schema):
    uuid: UUID
    project: str
    from_: str = Field(alias="from")
    to: str
    path: str
    mode: Literal["copy", "move"]
    overwrite: bool
    carried_by: Literal["fetch", "bring"] = Field(description="the receiving site fetches, or the sending site brings")
    state: str
    may: list[str] = Field(description="what a member can do now: start, cancel, retry")
    asked_by: str
    asked_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    attempt: int
    bytes_total: int | None
    files_total: int | None
    bytes_done: int
    bytes_per_second: float | None = Field(description="now")
    expected_end_at: datetime | None
    waits_for: list[str] = Field(description="the clusters whose agents have the next move")
    sha256_from: str = Field(description="of the sorted checksums of what is there")
    sha256_to: str
    verified: bool
    trouble: TroubleOut | None


class TransferDetail(TransferOut):
    estimate: TransferEstimateOut
    free_bytes: int | None = Field(description="at the receiving site")
    passed_over: int = Field(description="sockets, pipes and devices, which aren't copied")


class Transfers(PageOf):
    items: list[TransferOut]


def measured_row(found: Measured | None) -> dict[str, Any] | None:
    """What was measured between two sites."""
    if found is None:
        return None
    return {
        "bytes_per_second": found.bytes_per_second,
        "transfers": found.number,
        "first": found.first,
        "last": found.last,
    }


def transfer_row(transfer: Transfer) -> dict[str, Any]:
    """A transfer in a list."""
    names = (
        "uuid", "path", "mode", "overwrite", "carried_by", "state", "asked_at", "started_at", "ended_at", "attempt",
        "bytes_total", "files_total", "bytes_done",
    )  # fmt: skip
    trouble = trouble_of(transfer)
    return {
        **{name: getattr(transfer, name) for name in names},
        "project": transfer.project.code,
        "from": transfer.from_cluster.code,
        "to": transfer.to_cluster.code,
        "may": sorted(possible(transfer, MEMBER)),
        "asked_by": transfer.asked_by.name,
        "bytes_per_second": transfer.speed,
        "expected_end_at": expected_end(transfer),
        "waits_for": [one.cluster.code for one in waits_for(transfer)],
        "sha256_from": transfer.from_digest,
        "sha256_to": transfer.to_digest,
        "verified": bool(transfer.from_digest) and transfer.from_digest == transfer.to_digest,
        "trouble": trouble
        and {
            "code": transfer.error,
            "sentence": str(trouble.sentence),
            "advice": str(trouble.advice),
            "at": transfer.error_at.code if transfer.error_at else "",
            "detail": trouble.detail,
        },
    }


def transfer_detail(transfer: Transfer) -> dict[str, Any]:
    """A transfer with how long it takes, and on what that rests."""
    found = estimate_of(transfer)
    return {
        **transfer_row(transfer),
        "free_bytes": transfer.free_bytes,
        "passed_over": transfer.passed_over,
        "estimate": {
            "basis": found.basis,
            "bytes_per_second": found.bytes_per_second,
            "seconds": found.seconds,
            "measured": measured_row(found.measured),
        },
    }


@router.get(
    "/projects/{code}/transfers", response=Transfers, by_alias=True, auth=Scope("read"), summary="A project's transfers"
)
def transfers(
    request: HttpRequest, code: str, paging: Query[Paging], state: str = "", order: str = ""
) -> dict[str, Any]:
    """Newest first. `state`: active, or one of them."""
    return page_of(transfers_of(own_project(request, code), order, state=state), paging, transfer_row)


@router.post(
    "/projects/{code}/transfers",
    response=TransferDetail,
    by_alias=True,
    auth=Scope("apply"),
    summary="Copy or move data to a site",
)
def ask(request: HttpRequest, code: str, body: TransferIn) -> dict[str, Any]:
    """It is measured first; then it waits for `start`, unless that was said at once."""
    project = own_project(request, code)
    made = actions.ask_transfer(
        actor_of(request),
        project,
        from_cluster=body.from_,
        to_cluster=body.to,
        path=body.path,
        mode=body.mode,
        overwrite=body.overwrite,
        start_at_once=body.start,
        uuid=str(body.uuid) if body.uuid else None,
    )
    return transfer_detail(made)


@router.get("/transfers/{uuid}", response=TransferDetail, by_alias=True, auth=Scope("read"), summary="A transfer")
def show(request: HttpRequest, uuid: UUID) -> dict[str, Any]:
    """How far it is, how long it takes, and the checksums of both sites."""
    return transfer_detail(transfer_of(actor_of(request), uuid))


@router.post(
    "/transfers/{uuid}/start", response=TransferDetail, by_alias=True, auth=Scope("apply"), summary="Start a transfer"
)
def start(request: HttpRequest, uuid: UUID) -> dict[str, Any]:
    """Once it is measured."""
    actor = actor_of(request)
    return transfer_detail(actions.start_transfer(actor, transfer_of(actor, uuid)))


@router.post(
    "/transfers/{uuid}/cancel", response=TransferDetail, by_alias=True, auth=Scope("apply"), summary="Cancel a transfer"
)
def cancel(request: HttpRequest, uuid: UUID) -> dict[str, Any]:
    """The agent stops when it next asks. What was copied stays, for a retry."""
    actor = actor_of(request)
    return transfer_detail(actions.cancel_transfer(actor, transfer_of(actor, uuid)))


@router.post(
    "/transfers/{uuid}/retry",
    response=TransferDetail,
    by_alias=True,
    auth=Scope("apply"),
    summary="Try a transfer again",
)
def retry(request: HttpRequest, uuid: UUID) -> dict[str, Any]:
    """One that failed or was cancelled: it goes on from what was copied."""
    actor = actor_of(request)
    return transfer_detail(actions.retry_transfer(actor, transfer_of(actor, uuid)))
