"""Jobs of the platform at the site: submitted once, followed, stopped, and told of when there is news."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

import httpx

from fabriek.compute.agent.errors import AgentError, PlatformRefused
from fabriek.compute.agent.limits import Limits
from fabriek.compute.agent.line import Line
from fabriek.compute.agent.summary import RoundSummary
from fabriek.compute.engine import Engine, EngineError, EngineUnavailable, SubmitRefused
from fabriek.compute.tail import Part
from fabriek.compute.wire import ENDED, JobOrder, JobOrders, JobReport, TaskOrder


@dataclass(frozen=True)
class _Told:
    """What the platform was told of a job last: enough to know what is new, and small, for there may be thousands."""

    digest: str
    started_at: datetime | None
    ends: dict[str, int]


class JobFollower:
    """Carries out what the platform orders. What can't be done is added to `errors`."""

    def __init__(self, engine: Engine, line: Line, limits: Limits, errors: list[str]) -> None:
        self._engine, self._line, self._limits, self._errors = engine, line, limits, errors
        self._told: dict[str, _Told] = {}

    def follow(self, summary: RoundSummary) -> None:
        """All that have not ended, once."""
        answer = JobOrders.model_validate(self._line.call("GET", "jobs"))
        orders = answer.jobs
        for order in orders:
            try:
                report = self._carry_out(order, summary)
            except SubmitRefused as refusal:
                summary.refused += 1
                report = JobReport(state="REFUSED", reason=str(refusal)[:2_000])
            except (AgentError, httpx.HTTPError, EngineUnavailable):
                raise
            except Exception as error:
                self._errors.append(f"job {order.uuid}: {error}")
                continue
            self._tell(order, report, summary)
        for task in answer.tasks:
            self._tell_task(task, summary)
        self._told = {order.uuid: self._told[order.uuid] for order in orders if order.uuid in self._told}

    def _carry_out(self, order: JobOrder, summary: RoundSummary) -> JobReport:
        # The engine's own memory first: an agent killed before it could report a number must not lose the job.
        number = order.engine_job or self._engine.find(order.uuid) or ""
        if not number:
            if order.action == "cancel":
                return JobReport(state="CANCELLED", reason="cancelled before it was submitted")
            if (order.account, order.partition) not in self._limits.ready:
                # A scheduler that doesn't know the account would refuse the job for good.
                raise EngineError(f"it waits until {order.account} is set up on {order.partition}")
            number = self._engine.submit(order)
            summary.submitted += 1
        report = self._report(order.uuid, number)
        if order.action == "cancel" and report.state in ("PENDING", "RUNNING"):
            self._engine.cancel(number)
            summary.cancelled += 1
            report = self._report(order.uuid, number)
        return report

    def _report(self, uuid: str, number: str) -> JobReport:
        """With that part of its output that wasn't told before. Whoever tells for the first time since it was started,
        or of another run, tells all it has: the platform puts the parts together by their places."""
        told = self._told.get(uuid)
        report = self._engine.report(number, told.ends if told else None)
        if told is not None and told.started_at != report.started_at:
            del self._told[uuid]
            report = self._engine.report(number)
        return report

    def _tell(self, order: JobOrder, report: JobReport, summary: RoundSummary) -> None:
        told = self._told.get(order.uuid)
        ends = _ends(report)
        # Of output with a place only its end counts: what is before it was told.
        state = report.model_copy(update={name: None for end in ends for name in (end, f"{end}_from")})
        digest = hashlib.sha256(f"{state.model_dump_json()}{ends}".encode()).hexdigest()
        if told is not None and told.digest == digest:
            return
        try:
            self._line.call("POST", f"jobs/{order.uuid}/status", _news(report).model_dump_json())
        except PlatformRefused as refusal:
            self._errors.append(f"job {order.uuid}: {refusal}")
            return
        self._told[order.uuid] = _Told(digest, report.started_at, ends)
        summary.reported += 1

    def _tell_task(self, order: TaskOrder, summary: RoundSummary) -> None:
        """A task that somebody looks at. Nothing is remembered of it: the order says what is known."""
        try:
            report = self._engine.report_task(order)
            if report.output or report.error_output or report.problem or report.state in ENDED:
                self._line.call("POST", f"jobs/{order.uuid}/tasks/{order.task}", report.model_dump_json())
                summary.reported += 1
        except EngineUnavailable:
            raise
        except (EngineError, PlatformRefused) as error:
            self._errors.append(f"task {order.task} of job {order.uuid}: {error}")


def _news(report: JobReport) -> JobReport:
    """Without streams to which nothing came."""
    old = [name for name in ("output", "error_output") if not getattr(report, name)]
    return report.model_copy(update={field: None for name in old for field in (name, f"{name}_from")})


def _ends(report: JobReport) -> dict[str, int]:
    """Up to which byte each stream is told, where that is known."""
    return {
        name: Part(start, text).end
        for name, text, start in (
            ("output", report.output, report.output_from),
            ("error_output", report.error_output, report.error_output_from),
        )
        if text is not None and start is not None
    }
