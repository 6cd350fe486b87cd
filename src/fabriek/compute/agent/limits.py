"""Awards as limits at the site: what the platform wants, what the scheduler enforces, and the way between the two."""

from __future__ import annotations

import hashlib
import time
from datetime import UTC, datetime
from pathlib import Path

from fabriek import __version__
from fabriek.compute.agent.line import Line
from fabriek.compute.agent.summary import RoundSummary
from fabriek.compute.engine import MANY_ACCOUNTS, Difference, Engine, EngineError, difference
from fabriek.compute.local import supervisor
from fabriek.compute.wire import LONGEST_SAID, AccountState, DesiredState, DriftReport, EnforcedReport

# Report what is enforced at least this often, so that the platform knows that the agent lives.
HEARTBEAT = 20.0


class Limits:
    """`ready`: the accounts that are set up, by name and partition. What could not be done is added to `errors`."""

    def __init__(self, engine: Engine, line: Line, folder: Path, errors: list[str]) -> None:
        self._engine, self._line, self._folder, self._errors = engine, line, folder, errors
        self.ready: set[tuple[str, str]] = set()
        self._generation = ""
        self._ask_again_at = 0.0
        self._looked = False
        self._reported = ""
        self._reported_error = ""
        self._reported_at = 0.0

    def provision(self, summary: RoundSummary) -> None:
        """Make the site as the platform wants it."""
        self._looked = time.monotonic() >= self._ask_again_at
        if not self._looked:
            return
        desired = self.desired().accounts
        changes, waiting = self.sorted_out(desired)
        self._make_so(changes, summary)
        self._take_from(waiting, summary)
        self.ready = {(a.account, a.partition) for a in self._engine.enforced()}
        if len(desired) >= MANY_ACCOUNTS:
            # 10,000: every ten seconds.
            self._ask_again_at = time.monotonic() + len(desired) / 1_000

    def desired(self) -> DesiredState:
        """What the platform wants; kept on disk, for when it can't be asked."""
        desired = DesiredState.model_validate(self._line.call("GET", "desired-state"))
        self._engine.note_booked(desired.accounts)
        if desired.generation != self._generation:
            supervisor.write_whole(self._folder / "desired.json", desired.model_dump(mode="json"))
            self._generation = desired.generation
        return desired

    def sorted_out(self, desired: list[AccountState]) -> tuple[list[AccountState], list[AccountState]]:
        """Accounts that are not as they should be: those that may be made so, and those that somebody changed by hand,
        which wait for the operator's choice, unless the platform says to correct them. One that is not desired any more
        is closed."""
        enforced = self._engine.enforced()
        differ = {(d.account, d.partition) for d in difference(desired, enforced)}
        by_hand = {(d.account, d.partition) for d in self._engine.drift()}
        wanted = {(a.account, a.partition) for a in desired}
        changes = [_closed(a) for a in enforced if (a.account, a.partition) in differ - wanted]
        waiting: list[AccountState] = []
        for account in desired:
            if (key := (account.account, account.partition)) in differ:
                waits = key in by_hand and not account.correct_drift
                (waiting if waits else changes).append(account)
        return changes, waiting

    def close_ended(self, summary: RoundSummary) -> None:
        """Without the platform: no new jobs for awards whose last day, by what it said last, is over."""
        try:
            last = DesiredState.model_validate_json((self._folder / "desired.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return
        self._engine.note_booked(last.accounts)
        today = datetime.now(UTC).date()
        over = {(a.account, a.partition) for a in last.accounts if a.ends is not None and a.ends <= today}
        open_ = [a for a in self._engine.enforced() if a.active and (a.account, a.partition) in over]
        self._make_so([_closed(a) for a in open_], summary)

    def _make_so(self, changes: list[AccountState], summary: RoundSummary) -> None:
        if not changes:
            return
        failed = self._engine.provision(changes)
        summary.provisioned += len(changes) - len(failed)
        self._failed(failed)

    def _take_from(self, waiting: list[AccountState], summary: RoundSummary) -> None:
        """An award's end and who left wait for nobody's choice."""
        if not waiting:
            return
        taken, failed = self._engine.withdraw(waiting)
        summary.provisioned += taken
        self._failed(failed)

    def _failed(self, why_not: dict[tuple[str, str], str]) -> None:
        self._errors += [f"account {account} on {partition}: {why}" for (account, partition), why in why_not.items()]

    def report(self, _summary: RoundSummary) -> None:
        """Say what is enforced, and what went wrong in this round."""
        accounts: list[AccountState] | None = None
        drift: list[Difference] = []
        try:
            accounts, drift = self._engine.enforced(), self._engine.drift()
        except EngineError as unread:
            # The platform hears of it, and keeps what it was told last.
            if str(unread) not in self._errors:
                self._errors.append(str(unread))
        error = "; ".join(self._errors)[:10_000]
        due = time.monotonic() - self._reported_at >= HEARTBEAT
        if not (self._looked or due or error != self._reported_error):
            return
        report = EnforcedReport(
            agent_version=__version__,
            error=error,
            accounts=accounts,
            drift=[
                DriftReport(
                    account=d.account,
                    partition=d.partition,
                    what=d.what,
                    made=_within(d.desired),
                    found=_within(d.enforced),
                )
                for d in drift
            ],
        )
        content = report.model_dump_json()
        if content == self._reported and not due:
            return
        self._line.call("PUT", "enforced-state", content)
        self._reported, self._reported_error, self._reported_at = content, error, time.monotonic()


def _within(text: str) -> str:
    """What was changed by hand, in so many characters as may be told. Two that begin alike can still be told apart: the
    operator's choice is about one of them."""
    if len(text) <= LONGEST_SAID:
        return text
    end = f" … ({len(text)} characters, {hashlib.sha256(text.encode()).hexdigest()[:16]})"
    return text[: LONGEST_SAID - len(end)] + end


def _closed(account: AccountState) -> AccountState:
    """An account that the platform no longer knows: kept, for its records, and closed."""
    return account.model_copy(update={"active": False})
