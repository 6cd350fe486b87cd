"""Jobs: what they would ask, submitting, following, cancelling."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from django.http import Http404, HttpRequest
from ninja import Field, Query, Schema

from fabriek.api.authentication import Scope, actor_of
from fabriek.api.paging import PageOf, Paging, page_of
from fabriek.api.routes.operations import own_project, router
from fabriek.compute.directives import Directives
from fabriek.compute.wire import ResourcesUsed
from fabriek.operations import queries
from fabriek.operations.actions import cancel_job, cancel_jobs, look_at_task, submit_job
from fabriek.operations.estimates import estimate
from fabriek.operations.models import ENDED_STATES, Job
from fabriek.operations.reasons import explain
from fabriek.operations.streams import kept_of
from fabriek.projects.models import Allocation
from fabriek.projects.rules import may_read


class JobIn(Schema):
    allocation: str = Field(max_length=80)
    name: str = Field("job", max_length=120)
    script: str = Field(max_length=200_000)
    uuid: UUID | None = None


class JobReasonOut(Schema):
    sentence: str
    advice: str
    move: Literal["nobody", "member", "site"] = Field(description="who can do something about it")
    detail: str = Field(description="the scheduler's own words, where they say more")


class JobOut(Schema):
    uuid: UUID
    project: str
    allocation: str
    name: str
    state: str
    reason: str = Field(description="the scheduler's own word")
    explanation: JobReasonOut | None = Field(description="the reason or the end, as a sentence with what to do")
    engine_job: str
    submitted_at: datetime
    accepted_at: datetime | None
    expected_start_at: datetime | None = Field(description="the scheduler's own forecast")
    queue_position: int | None
    started_at: datetime | None
    ended_at: datetime | None
    accelerators: int
    cores: int
    time_limit_seconds: int
    runs: int = Field(description="tasks of an array, or 1")
    tasks: dict[str, int] = Field(description="of an array: how many are in each state")
    failed_tasks: list[int] = Field(description="of an array: the first 20 that went wrong, by their numbers")
    asked_accelerator_seconds: int


class Jobs(PageOf):
    items: list[JobOut]


class MeasureOut(Schema):
    what: Literal["cores", "memory", "accelerators", "time"]
    asked: float = Field(description="memory in bytes, time in seconds")
    used: float
    ratio: float


class AdviceOut(Schema):
    what: str
    sentence: str
    change: str = Field(description="as an option of sbatch, where there is one")


class EfficiencyOut(Schema):
    measures: list[MeasureOut]
    advice: list[AdviceOut]
    too_short: bool = Field(description="it ran too briefly to be judged")


class JobDetail(JobOut):
    output: str = Field(description="the last part of it")
    output_from: int = Field(description="the byte at which `output` starts")
    error_output: str
    error_output_from: int
    script: str
    used: ResourcesUsed | None
    efficiency: EfficiencyOut | None
    booked_accelerator_seconds: int | None


class OutputOut(Schema):
    stream: Literal["output", "error"]
    start: int = Field(description="the byte of the stream at which `text` starts; not `from`, where that isn't kept")
    end: int = Field(description="ask from here on for what comes next")
    text: str
    ended: bool = Field(description="nothing more will come")
    told: bool = Field(description="of a task: whether its site has told of it yet; else true")
    problem: Literal["", "unknown-task", "unknown-file"] = Field(description="of a task: why its site can't tell it")


class EstimateIn(Schema):
    allocation: str = Field(max_length=80)
    script: str = Field(max_length=200_000)


class AskedOut(Schema):
    nodes: int
    accelerators: int
    cores: int
    memory_bytes: int | None
    time_limit_seconds: int
    runs: int
    accelerator_seconds: int
    core_seconds: int


class JobEstimateOut(Schema):
    allocation: str
    asked: AskedOut | None
    accelerator_seconds_left: int
    core_seconds_left: int
    accelerator_seconds_queued: int = Field(description="what jobs that wait or run may still come to")
    fault: str = Field(description="why it can't be submitted; empty: it can")
    notes: list[str]


class CancelIn(Schema):
    jobs: list[UUID] = Field([], max_length=queries.MOST_NAMED)
    state: Literal["", "waiting", "running"] = Field("", description="instead: all that wait, or that run")


class Cancelled(Schema):
    cancelled: list[UUID]


def job_row(job: Job) -> dict[str, Any]:
    """A job in a list."""
    names = (
        "uuid", "name", "state", "reason", "engine_job", "submitted_at", "accepted_at", "expected_start_at",
        "queue_position", "started_at", "ended_at", "accelerators", "cores", "time_limit_seconds", "runs", "tasks",
        "failed_tasks", "asked_accelerator_seconds",
    )  # fmt: skip
    said = explain(job.state, job.reason)
    return {
        **{name: getattr(job, name) for name in names},
        "project": job.project.code,
        "allocation": job.allocation.code,
        "explanation": said
        and {
            "sentence": str(said.sentence),
            "advice": str(said.advice),
            "move": said.move,
            "detail": said.detail,
        },
    }


@router.get("/projects/{code}/jobs", response=Jobs, auth=Scope("read"), summary="A project's jobs")
def jobs(
    request: HttpRequest, code: str, paging: Query[Paging], state: str = "", search: str = "", order: str = ""
) -> dict[str, Any]:
    """Newest first. `state`: waiting, running, ended, failed, or one of Slurm's; `search`: in names."""
    found = queries.jobs_of(own_project(request, code), order, state=state, search=search[:100])
    return page_of(found.select_related("project", "allocation"), paging, job_row)


@router.post("/projects/{code}/jobs/cancel", response=Cancelled, auth=Scope("apply"), summary="Cancel several jobs")
def cancel_several(request: HttpRequest, code: str, body: CancelIn) -> dict[str, Any]:
    """Those that are named, or all in a state; those that ended stay as they are."""
    project = own_project(request, code)
    found = queries.jobs_named(project, body.jobs)
    if body.state:
        found = list(queries.jobs_of(project, state=body.state).select_related("project"))
    return {"cancelled": [job.uuid for job in cancel_jobs(actor_of(request), found)]}


def own_allocation(request: HttpRequest, code: str) -> Allocation:
    """An allocation of a project that the token's person may read. Errors: Http404."""
    found = Allocation.objects.select_related("project", "partition").filter(code=code).first()
    if found is None or not may_read(actor_of(request), found.project):
        raise Http404
    return found


@router.post("/jobs", response=JobDetail, auth=Scope("apply"), summary="Submit a job")
def submit(request: HttpRequest, body: JobIn) -> dict[str, Any]:
    """A batch script for an allocation. Sending the same `uuid` again submits nothing new."""
    uuid = str(body.uuid) if body.uuid else None
    allocation = own_allocation(request, body.allocation)
    return job_detail(submit_job(actor_of(request), allocation, body.name, body.script, uuid=uuid))


@router.post("/jobs/estimate", response=JobEstimateOut, auth=Scope("read"), summary="What a script would ask")
def estimate_job(request: HttpRequest, body: EstimateIn) -> dict[str, Any]:
    """Beside what is left of the allocation. Nothing is submitted."""
    found = estimate(own_allocation(request, body.allocation), body.script)
    return {
        "allocation": body.allocation,
        "asked": asked_row(found.asked) if found.asked else None,
        "accelerator_seconds_left": found.budget.accelerator_seconds_left,
        "core_seconds_left": found.budget.core_seconds_left,
        "accelerator_seconds_queued": found.budget.accelerator_seconds_queued,
        "fault": found.fault,
        "notes": list(found.notes),
    }


def asked_row(asked: Directives) -> dict[str, Any]:
    """What a script asks."""
    names = ("nodes", "accelerators", "cores", "memory_bytes", "runs", "accelerator_seconds", "core_seconds")
    return {**{name: getattr(asked, name) for name in names}, "time_limit_seconds": asked.seconds}


def job_detail(job: Job) -> dict[str, Any]:
    """A job with its script, its output and what it used."""
    names = ("output", "output_from", "error_output", "error_output_from", "script", "used")
    found = queries.efficiency(job)
    return {
        **job_row(job),
        **{name: getattr(job, name) for name in names},
        "booked_accelerator_seconds": queries.booked_seconds(job),
        "efficiency": found
        and {
            "measures": [
                {"what": one.what, "asked": one.asked, "used": one.used, "ratio": one.ratio} for one in found.measures
            ],
            "advice": [{"what": one.what, "sentence": one.sentence, "change": one.change} for one in found.advice],
            "too_short": found.too_short,
        },
    }


@router.get("/jobs/{uuid}", response=JobDetail, auth=Scope("read"), summary="A job")
def job(request: HttpRequest, uuid: UUID) -> dict[str, Any]:
    """With the last part of its output, what it asked and used, and what to ask next time."""
    return job_detail(queries.job_of(actor_of(request), str(uuid)))


@router.get("/jobs/{uuid}/output", response=OutputOut, auth=Scope("read"), summary="What a job writes")
def output(
    request: HttpRequest,
    uuid: UUID,
    stream: Literal["output", "error"] = "output",
    place: int = Query(0, alias="from", ge=0, le=2**62),
    task: int | None = Query(None, ge=0, le=2**31 - 1),
) -> dict[str, Any]:
    """From a byte on: what was given before isn't given again. Only its last part is kept here.

    `task`: of that task of an array alone. Its site is asked for it then, and tells it from its next round on.
    """
    found = queries.job_of(actor_of(request), str(uuid))
    if task is None:
        part, ended, told, problem = queries.output_after(found, stream, place), found.state in ENDED_STATES, True, ""
    else:
        looked = look_at_task(found, task)
        part, ended = kept_of(looked, stream).after(place), looked.ended
        told, problem = looked.told_at is not None, looked.problem
    kept = {"start": part.start, "end": part.end, "text": part.text}
    return {"stream": stream, **kept, "ended": ended, "told": told, "problem": problem}


@router.post("/jobs/{uuid}/cancel", response=JobDetail, auth=Scope("apply"), summary="Cancel a job")
def cancel(request: HttpRequest, uuid: UUID) -> dict[str, Any]:
    """One that ended stays as it is."""
    actor = actor_of(request)
    return job_detail(cancel_job(actor, queries.job_of(actor, str(uuid))))
