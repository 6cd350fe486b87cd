"""A job as a line of a list: what is to be said of it beside its state."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from fabriek.operations.models import ENDED_STATES, Job
from fabriek.operations.reasons import Explanation, explain


@dataclass(frozen=True)
class JobLine:
    """`lasted`: how long it runs or ran; None where it never did."""

    job: Job
    explanation: Explanation | None
    lasted: timedelta | None
    ended: bool
    stopping: bool


def line_of(job: Job, now: datetime | None = None) -> JobLine:
    """What a job's line shows. No query."""
    ended = job.state in ENDED_STATES
    until = job.ended_at if ended else now or timezone.now()
    ran = job.started_at is not None and until is not None and (ended or job.state == "RUNNING")
    return JobLine(
        job,
        explain(job.state, job.reason),
        max(until - job.started_at, timedelta()) if ran and job.started_at and until else None,
        ended,
        job.cancel_requested_at is not None and not ended,
    )


def lines_of(jobs: Iterable[Job]) -> list[JobLine]:
    """Lines of a list."""
    now = timezone.now()
    return [line_of(job, now) for job in jobs]
