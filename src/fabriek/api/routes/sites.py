"""What a site's agent says and asks. The token names the cluster; it opens no other one."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Router, Status

from fabriek.api.authentication import Scope, cluster_for
from fabriek.compute.records import BrokenRecord, RecordError, UsageRecord, record_of
from fabriek.compute.wire import (
    DailyProof,
    DesiredState,
    EnforcedReport,
    JobOrders,
    JobReport,
    ProofAnswer,
    ProofRuns,
    TaskReport,
    TransferAbility,
    TransferOrders,
    TransferReport,
    UsageAnswer,
    UsageBatch,
)
from fabriek.operations import queries
from fabriek.operations.actions import (
    AGENT,
    Line,
    book_usage,
    note_proof_runs,
    prove_usage,
    report_enforced,
    report_task,
    report_transfer,
    report_transfer_ability,
)
from fabriek.operations.transfer_queries import transfer_orders
from fabriek.recipes.actions import take_report

router = Router(auth=Scope("agent"), tags=["sites"])


@router.get("/{cluster}/desired-state", response=DesiredState, summary="What the scheduler should enforce")
def desired_state(request: HttpRequest, cluster: str) -> DesiredState:
    """Accounts with their limits in seconds over their whole life, and who may submit."""
    return queries.desired_state(cluster_for(request, cluster))


@router.put("/{cluster}/enforced-state", response={204: None}, summary="What the scheduler enforces")
def enforced_state(request: HttpRequest, cluster: str, report: EnforcedReport) -> Any:
    """Replaces what was reported before."""
    report_enforced(cluster_for(request, cluster), report)
    return Status(204, None)


@router.get("/{cluster}/jobs", response=JobOrders, summary="Jobs to submit, follow or cancel")
def jobs(request: HttpRequest, cluster: str) -> JobOrders:
    """All jobs of the cluster that have not ended, and tasks of arrays that somebody looks at."""
    found = cluster_for(request, cluster)
    return JobOrders(jobs=queries.job_orders(found), tasks=queries.task_orders(found))


@router.post("/{cluster}/jobs/{uuid}/status", response={204: None}, summary="What became of a job")
def job_status(request: HttpRequest, cluster: str, uuid: UUID, report: JobReport) -> Any:
    """A job that ended stays as it ended. `results`, what the job says that it made, is read apart from the rest."""
    take_report(cluster_for(request, cluster), str(uuid), report)
    return Status(204, None)


@router.post("/{cluster}/jobs/{uuid}/tasks/{task}", response={204: None}, summary="What a task of an array writes")
def task_status(request: HttpRequest, cluster: str, uuid: UUID, task: int, report: TaskReport) -> Any:
    """Of a task that somebody looks at: its state, and what it wrote since it was told of last."""
    report_task(cluster_for(request, cluster), str(uuid), task, report)
    return Status(204, None)


@router.post("/{cluster}/usage-batches", response=UsageAnswer, summary="Usage records")
def usage_batches(request: HttpRequest, cluster: str, batch: UsageBatch) -> UsageAnswer:
    """Books a batch once. Broken records are named by their place and don't hold up the others."""
    found = cluster_for(request, cluster)
    lines = [Line(place, _read(row, place)) for place, row in enumerate(batch.records, start=1)]
    booked = book_usage(found, batch.key, lines, AGENT)
    return UsageAnswer(booked=booked.booked, repeated=booked.repeated, broken=booked.broken)


@router.put("/{cluster}/proofs/{day}", response=ProofAnswer, summary="A day's totals, to prove the ledger by")
def proof(request: HttpRequest, cluster: str, day: date, proof: DailyProof) -> ProofAnswer:
    """Compares them with the ledger, keeps the result, and says of which lines the runs are wanted."""
    found = cluster_for(request, cluster)
    made, wanted = prove_usage(found, proof.model_copy(update={"day": day}))
    return ProofAnswer(differs=made.differs, wanted=wanted)


@router.put("/{cluster}/proofs/{day}/runs", response=ProofAnswer, summary="The runs of lines that differ")
def proof_runs(request: HttpRequest, cluster: str, day: date, runs: ProofRuns) -> ProofAnswer:
    """Finds out which runs make the difference."""
    made = note_proof_runs(cluster_for(request, cluster), day, runs)
    return ProofAnswer(differs=made.differs)


@router.put("/{cluster}/transfer-ability", response={204: None}, summary="What the agent can do about moving data")
def transfer_ability(request: HttpRequest, cluster: str, ability: TransferAbility) -> Any:
    """Replaces what was told before."""
    report_transfer_ability(cluster_for(request, cluster), ability)
    return Status(204, None)


@router.get("/{cluster}/transfers", response=TransferOrders, summary="Data to measure, copy, check or remove")
def transfers(request: HttpRequest, cluster: str) -> TransferOrders:
    """Only what is to be done now: what isn't named is to be stopped."""
    return TransferOrders(transfers=transfer_orders(cluster_for(request, cluster)))


@router.post("/{cluster}/transfers/{uuid}/status", response={204: None}, summary="How far a transfer's step is")
def transfer_status(request: HttpRequest, cluster: str, uuid: UUID, report: TransferReport) -> Any:
    """Of a step that isn't asked any more, nothing is taken."""
    report_transfer(cluster_for(request, cluster), str(uuid), report)
    return Status(204, None)


def _read(row: Any, place: int) -> UsageRecord | BrokenRecord:
    """One row of a batch, or what is wrong with it."""
    try:
        return record_of(row, place)
    except RecordError as fault:
        return BrokenRecord(place, str(fault))
