"""Jobs of the platform at the site: submitted once, followed, stopped, and told of when there is news."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from fabriek.compute.agent.errors import AgentError, PlatformRefused
from fabriek.compute.agent.limits import Limits
from fabriek.compute.agent.line import Line
from fabriek.compute.agent.summary import RoundSummary
from fabriek.compute.engine import Engine, EngineError, EngineUnavailable, SubmitRefused
from fabriek.compute.tail import Part
from fabriek.compute.wire import JobOrder, JobOrders, JobReport


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
        orders = JobOrders.model_validate(self._line.call("GET", "jobs")).jobs
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
        report = self._engine.report(number)
        if order.action == "cancel" and report.state in ("PENDING", "RUNNING"):
            self._engine.cancel(number)
            summary.cancelled += 1
            report = self._engine.report(number)
        return report

    def _tell(self, order: JobOrder, report: JobReport, summary: RoundSummary) -> None:
        told = self._told.get(order.uuid)
        digest = hashlib.sha256(report.model_dump_json().encode()).hexdigest()
        if told is not None and told.digest == digest:
            return
        try:
            self._line.call("POST", f"jobs/{order.uuid}/status", _news(report, told).model_dump_json())
        except PlatformRefused as refusal:
            self._errors.append(f"job {order.uuid}: {refusal}")
            return
        self._told[order.uuid] = _Told(digest, report.started_at, _ends(report))
        summary.reported += 1


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


def _news(report: JobReport, told: _Told | None) -> JobReport:
    """A report with only that part of its output that wasn't told before. Whoever tells for the first time since it was
    started, or of another run, tells all it has: the platform puts the parts together by their places."""
    if told is None or told.started_at != report.started_at:
        return report
    changes: dict[str, Any] = {}
    for name in _ends(report).keys() & told.ends.keys():
        part = Part(getattr(report, f"{name}_from"), getattr(report, name)).after(told.ends[name])
        changes |= {name: part.text or None, f"{name}_from": part.start if part.text else None}
    return report.model_copy(update=changes)
