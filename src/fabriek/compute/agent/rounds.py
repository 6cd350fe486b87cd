"""A round of an agent: ask, act, report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx

from fabriek.compute.agent.errors import AgentError, PlatformRefused
from fabriek.compute.agent.jobs import JobFollower
from fabriek.compute.agent.limits import Limits
from fabriek.compute.agent.line import Line
from fabriek.compute.agent.outbox import Outbox
from fabriek.compute.agent.proofs import Proofs
from fabriek.compute.agent.summary import RoundSummary
from fabriek.compute.engine import Engine, EngineError
from fabriek.compute.transfers import Transfers


class Agent:
    """One cluster's agent. `client` carries the platform's address and the cluster's token."""

    def __init__(self, engine: Engine, client: httpx.Client, cluster: str, folder: Path, *, patience: int = 4) -> None:
        self.engine, self.client, self.cluster, self.folder = engine, client, cluster, folder
        self._errors: list[str] = []
        self._line = Line(client, cluster, patience)
        self.limits = Limits(engine, self._line, folder, self._errors)
        self._jobs = JobFollower(engine, self._line, self.limits, self._errors)
        self._outbox = Outbox(engine, self._line, folder, self._errors)
        self.proofs = Proofs(engine, self._line, folder, self._errors)
        self._transfers = Transfers(engine, folder)

    def round(self) -> RoundSummary:
        """Ask, act, report, once. Errors: AgentError when the platform can't be reached or won't have us."""
        summary = RoundSummary()
        self._errors.clear()
        try:
            self._guarded(self.limits.provision, summary)
            self._guarded(self._jobs.follow, summary)
        except AgentError:
            # Nobody can say that an award goes on: what ended by the last that was heard, ends.
            self._guarded(self.limits.close_ended, summary)
            raise
        finally:
            # Also when the platform can't be reached: what was taken in before is started, ended and accounted.
            self.engine.tick()
        self._guarded(self._outbox.send, summary)
        self._guarded(self._prove, summary)
        self._guarded(self._move_data, summary)
        self._guarded(self.limits.report, summary)
        summary.error = "; ".join(self._errors)
        return summary

    def _guarded(self, part: Callable[[RoundSummary], None], summary: RoundSummary) -> None:
        """A part of a round. Where the scheduler does not answer, or something at the site is so odd that it can't be
        told (a figure beyond its bounds), the other parts go on, and the platform is told."""
        try:
            part(summary)
        except (EngineError, ValueError) as error:
            self._errors.append(str(error))

    def _prove(self, _summary: RoundSummary) -> None:
        # Not while usage waits: the ledger would lack it.
        if self._outbox.is_empty:
            self.proofs.prove()

    def _move_data(self, _summary: RoundSummary) -> None:
        try:
            self._transfers.round(self._line.call)
        except PlatformRefused as refusal:
            # A platform that knows of no transfers, or of this one no more: the rest of the agent's work goes on.
            self._errors.append(str(refusal))

    def close(self) -> None:
        """Stop what goes on beside the rounds; the next agent takes it up again."""
        self._transfers.close()
