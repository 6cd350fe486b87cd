"""Studies of policies, and the workloads that they are about."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from ninja import Field, File, Form, Query, Router, Schema, Status, UploadedFile

from fabriek.api.authentication import Scope, actor_of
from fabriek.api.paging import PageOf, Paging, page_of
from fabriek.foresight import actions
from fabriek.foresight.actions.workloads import By
from fabriek.foresight.asking import MOST_DEMAND, MOST_REPEATS, MOST_UNITS, MOST_WEEKS, Asked
from fabriek.foresight.models import Study, Way, Workload
from fabriek.foresight.policies import StudyPolicy
from fabriek.foresight.queries import figures_of, studies, study_of, workload_of, workloads
from fabriek.foresight.settings_of_slurm import settings_of
from fabriek.foresight.tables import TABLES, table_of
from fabriek.foresight.trace_files import MOST_BYTES
from fabriek.foresight.words import policy_words, verdict_words
from fabriek.foresight.working import LINE
from fabriek.people.permissions import require
from fabriek.register.models import Partition

router = Router(tags=["foresight"])
READ, WRITE = Scope("read", "read studies"), Scope("decide", "study policies")


class WorkloadOut(Schema):
    code: str
    name: str
    origin: str
    jobs: int
    days: float
    units: int | None = Field(description="of the machine, where its file says so")
    classes: list[dict[str, Any]] = Field(description='{"class", "jobs", "part" of all unit-seconds}')
    classes_are: str = Field(description="recorded, told, made-up or none (not known)")
    left_out: int
    note: str
    sha256: str
    made_at: datetime


class Workloads(PageOf):
    items: list[WorkloadOut]


class RecordIn(Schema):
    name: str = Field(min_length=1, max_length=120)
    partition: str = Field(max_length=80)
    since: date
    until: date = Field(description="this day not included")


class StudyIn(Schema):
    """Either a partition, whose size of today is taken, or units."""

    name: str = Field(min_length=1, max_length=160)
    workload: str = Field(max_length=60)
    partition: str | None = Field(None, max_length=80)
    units: int | None = Field(None, ge=1, le=MOST_UNITS)
    before: StudyPolicy = StudyPolicy()
    after: StudyPolicy
    way: Way = Way.WINDOWS
    count: int = Field(20, ge=2, le=MOST_REPEATS)
    weeks: int = Field(4, ge=1, le=MOST_WEEKS, description="of each workload that is drawn")
    demand: dict[str, float] = Field(default_factory=dict, description=f"by class, 0 to {MOST_DEMAND:g} times now's")
    demand_before: bool = Field(True, description="today's policy sees that demand too")
    copied_from: str | None = Field(None, max_length=60)
    why: str = Field("", max_length=500)


class StudyRow(Schema):
    code: str
    name: str
    state: str
    step: str = Field(description="simulations that are done, of how many")
    fault: str
    workload: str
    partition: str | None
    units: int
    before: dict[str, Any]
    after: dict[str, Any]
    tries: list[str] = Field(description="the policy that is tried, in words")
    way: str
    count: int
    weeks: int
    demand: dict[str, float]
    demand_before: bool
    copied_from: str | None
    why: str
    asked_by: str
    asked_at: datetime


class Studies(PageOf):
    items: list[StudyRow]


class StudyOut(StudyRow):
    verdicts: list[str] = Field(description="a sentence for each class, once it is simulated")
    figures: dict[str, Any] | None = Field(description="fabriek/study/1")


class TableOut(Schema):
    columns: list[str]
    rows: list[list[Any]]


def _workload(workload: Workload) -> dict[str, Any]:
    return {name: getattr(workload, name) for name in WorkloadOut.model_fields}


def _row(study: Study) -> dict[str, Any]:
    names = (
        "code", "name", "units", "before", "after", "way", "count", "weeks", "demand", "demand_before", "why",
        "asked_at",
    )  # fmt: skip
    return {
        **{name: getattr(study, name) for name in names},
        "state": LINE.state_now(study.run),
        "step": study.run.step,
        "fault": study.run.fault,
        "workload": study.workload.code,
        "partition": study.partition.code if study.partition else None,
        "tries": policy_words(study.after),
        "copied_from": study.copied_from.code if study.copied_from else None,
        "asked_by": study.asked_by.name,
    }


def _whole(study: Study) -> dict[str, Any]:
    figures = figures_of(study) if hasattr(study, "answer") else None
    said = [verdict_words(row) for row in figures["classes"]] if figures else []
    return {**_row(study), "verdicts": said, "figures": figures}


def _found(request: HttpRequest, code: str, permission: str = "read studies", *, deleted: bool = False) -> Study:
    require(actor_of(request), permission)
    return study_of(code, deleted=deleted)


def _partition(code: str) -> Partition:
    found = Partition.objects.prefetch_related("sizes").filter(code=code).first()
    if found is None:
        raise Http404
    return found


# Workloads


@router.get("/workloads", response=Workloads, auth=READ, summary="Workloads")
def workload_list(request: HttpRequest, paging: Query[Paging], sort: str = "") -> dict[str, Any]:
    """Jobs as they came, by name; `sort` takes name, jobs, days, studies or made_at, falling with a minus."""
    require(actor_of(request), "read studies")
    return page_of(workloads(sort), paging, _workload)


@router.post("/workloads", response=WorkloadOut, auth=WRITE, summary="Send a workload")
def send(
    request: HttpRequest,
    file: File[UploadedFile],
    name: Form[str],
    note: Form[str] = "",
    classes: Form[str] = "",
    others: Form[str] = "others",
    made_up: Form[str] = "",
    by: Form[By] = "account",
) -> dict[str, Any]:
    """As a form with one file: SWF, sacct's output or a GPU trace, plain or gzip. Who is of which class, by names of
    accounts (or of what `by` says): `classes`, such as g12=startup,g13=academia; or `made_up`, such as
    startup=20,academia=80, divides the accounts so that the classes have these parts of all use."""
    told = actions.Classes(
        told=_pairs(classes),
        others=others if classes else "",
        made_up={klass: _number(part) for klass, part in _pairs(made_up).items()},
        by=by,
    )
    return _workload(actions.send_workload(actor_of(request), name, file.read(MOST_BYTES + 1), told, note))


def _pairs(text: str) -> dict[str, str]:
    return dict(pair.partition("=")[::2] for pair in text.split(",") if pair)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return -1.0  # which no part may be


@router.post("/workloads/recorded", response=WorkloadOut, auth=WRITE, summary="Take jobs that ran here")
def recorded(request: HttpRequest, body: RecordIn) -> dict[str, Any]:
    """What was submitted to a partition from a day until another, with programmes and classes; people are numbered."""
    partition = _partition(body.partition)
    return _workload(actions.record_workload(actor_of(request), body.name, partition, body.since, body.until))


@router.delete("/workloads/{code}", response={204: None}, auth=WRITE, summary="Delete a workload")
def delete_workload(request: HttpRequest, code: str) -> Status[None]:
    """With its file; one that studies are about stays."""
    actor = actor_of(request)
    require(actor, "study policies")
    actions.delete_workload(actor, workload_of(code))
    return Status(204, None)


# Studies


@router.get("/studies", response=Studies, auth=READ, summary="Studies of policies")
def listed(request: HttpRequest, paging: Query[Paging], sort: str = "") -> dict[str, Any]:
    """Newest first; `sort` takes name, state, workload, units, asked_at or asked_by, falling with a minus."""
    require(actor_of(request), "read studies")
    return page_of(studies(sort).select_related("copied_from"), paging, _row)


@router.post("/studies", response=StudyRow, auth=WRITE, summary="Ask a study")
def ask(request: HttpRequest, body: StudyIn) -> dict[str, Any]:
    """Kept, and simulated by the worker: look at it until its state is simulated. Nothing real changes."""
    actor = actor_of(request)
    require(actor, "study policies")
    same = set(Asked.__dataclass_fields__) - {"partition"}
    asked = Asked(
        partition=_partition(body.partition) if body.partition else None, **{name: getattr(body, name) for name in same}
    )
    start = study_of(body.copied_from) if body.copied_from else None
    made = actions.ask_study(actor, workload_of(body.workload), asked, copied_from=start)
    return _row(study_of(made.code))


@router.get("/studies/{code}", response=StudyOut, auth=READ, summary="A study, with its figures")
def show(request: HttpRequest, code: str) -> dict[str, Any]:
    """How far it is; once simulated, a verdict for each class and all figures."""
    return _whole(_found(request, code))


@router.get("/studies/{code}/figures", response=TableOut, auth=READ, summary="Figures of a study as a table")
def figures(request: HttpRequest, code: str, of: str = "classes") -> dict[str, Any]:
    """One of classes, programmes, waits, use, machine, floors."""
    study = _found(request, code)
    if of not in TABLES:
        raise Http404
    columns, rows = table_of(figures_of(study), of)
    return {"columns": columns, "rows": rows}


@router.get("/studies/{code}/slurm", auth=READ, summary="The policy that was tried, as settings of Slurm")
def slurm(request: HttpRequest, code: str) -> HttpResponse:
    """Lines for slurm.conf, commands of sacctmgr and scontrol, and where Slurm does otherwise."""
    return HttpResponse(settings_of(_found(request, code)), content_type="text/plain; charset=utf-8")


@router.post("/studies/{code}/cancel", response=StudyRow, auth=WRITE, summary="Cancel a study")
def cancel(request: HttpRequest, code: str) -> dict[str, Any]:
    """Stop simulating. It stays, and can be asked again."""
    actions.cancel_study(actor_of(request), _found(request, code, "study policies"))
    return _row(study_of(code))


@router.post("/studies/{code}/again", response=StudyRow, auth=WRITE, summary="Ask a study again")
def again(request: HttpRequest, code: str) -> dict[str, Any]:
    """The very same question, where it was cancelled, failed, or lost its worker."""
    actions.ask_study_again(actor_of(request), _found(request, code, "study policies"))
    return _row(study_of(code))


@router.delete("/studies/{code}", response={204: None}, auth=WRITE, summary="Delete a study")
def delete(request: HttpRequest, code: str) -> Status[None]:
    """Out of the list; it can be taken back for 30 days."""
    actions.delete_study(actor_of(request), _found(request, code, "study policies"))
    return Status(204, None)


@router.post("/studies/{code}/restore", response=StudyRow, auth=WRITE, summary="Take a deleted study back")
def restore(request: HttpRequest, code: str) -> dict[str, Any]:
    """With its figures."""
    actions.restore_study(actor_of(request), _found(request, code, "study policies", deleted=True))
    return _row(study_of(code))
