"""The verbs of operations, by subject."""

from fabriek.operations.actions.clusters import register_cluster, report_enforced
from fabriek.operations.actions.drift import choose_about_drift
from fabriek.operations.actions.jobs import cancel_job, cancel_jobs, report_job, submit_job
from fabriek.operations.actions.proofs import note_proof_runs, prove_usage
from fabriek.operations.actions.task_outputs import look_at_task, report_task, tasks_of
from fabriek.operations.actions.transfers import (
    ask_transfer,
    cancel_transfer,
    report_transfer,
    report_transfer_ability,
    retry_transfer,
    start_transfer,
)
from fabriek.operations.actions.usage import AGENT, Line, book_usage

__all__ = [
    "AGENT",
    "Line",
    "ask_transfer",
    "book_usage",
    "cancel_job",
    "cancel_jobs",
    "cancel_transfer",
    "choose_about_drift",
    "look_at_task",
    "note_proof_runs",
    "prove_usage",
    "register_cluster",
    "report_enforced",
    "report_job",
    "report_task",
    "report_transfer",
    "report_transfer_ability",
    "retry_transfer",
    "start_transfer",
    "submit_job",
    "tasks_of",
]
