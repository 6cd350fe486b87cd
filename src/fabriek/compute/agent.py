"""The agent: makes the site as the platform wants it, runs its jobs, sends what was used. Can be killed at any moment.

Why nothing is lost and nothing counts twice: every order can be carried out again (a job's uuid, an account's limits);
a usage batch gets its key and is on disk before it is sent, and the cursor moves only when the platform has answered.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import signal
import sqlite3
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any

import httpx
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from fabriek import __version__
from fabriek.compute.engine import Engine, EngineError, EngineUnavailable, SubmitRefused, difference
from fabriek.compute.local.supervisor import write_whole
from fabriek.compute.tail import Part
from fabriek.compute.transfers import Transfers
from fabriek.compute.wire import (
    AccountState,
    DesiredState,
    DriftReport,
    EnforcedReport,
    JobOrder,
    JobOrders,
    JobReport,
    ProofAnswer,
    UsageAnswer,
)

BATCH = 1_000
# Report what is enforced at least this often, so that the platform knows that the agent lives.
HEARTBEAT = 20.0
# A record that the platform could not book (no such project yet, say) is sent again this many seconds later.
AGAIN = 600.0


# Days are proved for a week, an hour after their end at the earliest.
PROOF_DAYS = 7
PROOF_AFTER = 3_600
PROOF_EVERY = 86_400
PROOF_AGAIN = 3_600


class AgentError(Exception):
    """The platform can't be talked to; the sentence says what to look at."""


TROUBLES = (AgentError, EngineError, OSError, sqlite3.Error, ValueError)
"""What may stop a round, or an agent before its first: the platform, the scheduler, the disk, a file that makes no
sense."""


def sentence_of(error: Exception, folder: Path) -> str:
    """What stopped it, and what becomes of what it has."""
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    if full or (isinstance(error, sqlite3.Error) and "disk is full" in str(error)):
        return f"The agent can't write in {folder}: the disk is full. Nothing is lost; it goes on once there is room."
    if isinstance(error, OSError | sqlite3.Error):
        return f"The agent can't work in {folder}: {error}. Nothing is lost; it goes on once that is mended."
    return str(error)


class PlatformRefused(AgentError):
    """The platform won't take this one request; others may go on."""


class AlreadyRunning(AgentError):
    """Another agent works in this folder."""


@dataclass
class RoundSummary:
    """What one round did."""

    provisioned: int = 0
    submitted: int = 0
    refused: int = 0
    cancelled: int = 0
    reported: int = 0
    booked: int = 0
    repeated: int = 0
    broken: int = 0
    error: str = ""

    def __bool__(self) -> bool:
        return any(asdict(self).values())


@dataclass(frozen=True)
class _Told:
    """What the platform was told of a job last: enough to know what is new, and small, for there may be thousands."""

    digest: str
    started_at: datetime | None
    ends: dict[str, int]


def _again(error: BaseException) -> bool:
    """Whether it may go better in a moment: no connection, too busy, or a mistake of the server's."""
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code in (429, 502, 503, 504, 507)
    return isinstance(error, httpx.TransportError)


class Agent:
    """One cluster's agent. `client` carries the platform's address and the cluster's token."""

    def __init__(self, engine: Engine, client: httpx.Client, cluster: str, folder: Path, *, patience: int = 4) -> None:
        self.engine, self.client, self.cluster, self.folder = engine, client, cluster, folder
        self._outbox = folder / "outbox"
        self._outbox.mkdir(parents=True, exist_ok=True)
        self._returned = folder / "returned"
        self._returned.mkdir(exist_ok=True)
        self._told: dict[str, _Told] = {}
        self._enforced: str = ""
        self._generation = ""
        self._ready: set[tuple[str, str]] = set()
        self._enforced_at = 0.0
        self._errors: list[str] = []
        self._patience = patience
        self._transfers = Transfers(engine, folder)

    def round(self) -> RoundSummary:
        """Ask, act, report, once. Errors: AgentError when the platform can't be reached or won't have us."""
        summary = RoundSummary()
        self._errors = []
        try:
            self._guarded(self._provision, summary)
            self._guarded(self._jobs, summary)
        except AgentError:
            # Nobody can say that an award goes on: what ended by the last that was heard, ends.
            self._guarded(self._close_ended, summary)
            raise
        finally:
            # Also when the platform can't be reached: what was taken in before is started, ended and accounted.
            self.engine.tick()
        self._guarded(self._send_usage, summary)
        self._guarded(self._prove, summary)
        self._guarded(self._move_data, summary)
        self._guarded(self._report_enforced, summary)
        summary.error = "; ".join(self._errors)
        return summary

    def _guarded(self, part: Callable[[RoundSummary], None], summary: RoundSummary) -> None:
        """A part of a round. Where the scheduler does not answer, the other parts go on, and the platform is told."""
        try:
            part(summary)
        except EngineError as error:
            self._errors.append(str(error))

    # Limits

    def _provision(self, summary: RoundSummary) -> None:
        self._make_so(self.changes(self.desired().accounts), summary)
        self._ready = {(a.account, a.partition) for a in self.engine.enforced()}

    def desired(self) -> DesiredState:
        """What the platform wants; kept on disk, for when it can't be asked."""
        desired = DesiredState.model_validate(self._call("GET", "desired-state"))
        if desired.generation != self._generation:
            write_whole(self.folder / "desired.json", desired.model_dump(mode="json"))
            self._generation = desired.generation
        return desired

    def changes(self, desired: list[AccountState]) -> list[AccountState]:
        """Accounts that are not as they should be and may be made so. One that is not desired any more is closed; one
        that somebody changed by hand waits for the operator's choice, unless the platform says to correct it."""
        enforced = self.engine.enforced()
        differ = {(d.account, d.partition) for d in difference(desired, enforced)}
        by_hand = {(d.account, d.partition) for d in self.engine.drift()}
        wanted = {(a.account, a.partition) for a in desired}
        return [
            a
            for a in desired
            if (key := (a.account, a.partition)) in differ and (a.correct_drift or key not in by_hand)
        ] + [_closed(a) for a in enforced if (a.account, a.partition) in differ - wanted]

    def _close_ended(self, summary: RoundSummary) -> None:
        """Without the platform: no new jobs for awards whose last day, by what it said last, is over."""
        try:
            last = DesiredState.model_validate_json((self.folder / "desired.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return
        today = datetime.now(UTC).date()
        over = {(a.account, a.partition) for a in last.accounts if a.ends is not None and a.ends <= today}
        open_ = [a for a in self.engine.enforced() if a.active and (a.account, a.partition) in over]
        self._make_so([_closed(a) for a in open_], summary)

    def _make_so(self, changes: list[AccountState], summary: RoundSummary) -> None:
        if not changes:
            return
        failed = self.engine.provision(changes)
        summary.provisioned += len(changes) - len(failed)
        self._errors += [f"account {account} on {partition}: {why}" for (account, partition), why in failed.items()]

    def _report_enforced(self, _summary: RoundSummary) -> None:
        report = EnforcedReport(
            agent_version=__version__,
            error="; ".join(self._errors)[:10_000],
            accounts=self.engine.enforced(),
            drift=[
                DriftReport(account=d.account, partition=d.partition, what=d.what, made=d.desired, found=d.enforced)
                for d in self.engine.drift()
            ],
        )
        content = report.model_dump_json()
        if content == self._enforced and time.monotonic() - self._enforced_at < HEARTBEAT:
            return
        self._call("PUT", "enforced-state", content)
        self._enforced, self._enforced_at = content, time.monotonic()

    # Jobs

    def _jobs(self, summary: RoundSummary) -> None:
        orders = JobOrders.model_validate(self._call("GET", "jobs")).jobs
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
            told = self._told.get(order.uuid)
            digest = hashlib.sha256(report.model_dump_json().encode()).hexdigest()
            if told is None or told.digest != digest:
                try:
                    self._call("POST", f"jobs/{order.uuid}/status", _news(report, told).model_dump_json())
                except PlatformRefused as refusal:
                    self._errors.append(f"job {order.uuid}: {refusal}")
                    continue
                self._told[order.uuid] = _Told(digest, report.started_at, _ends(report))
                summary.reported += 1
        self._told = {order.uuid: self._told[order.uuid] for order in orders if order.uuid in self._told}

    def _carry_out(self, order: JobOrder, summary: RoundSummary) -> JobReport:
        # The engine's own memory first: an agent killed before it could report a number must not lose the job.
        number = order.engine_job or self.engine.find(order.uuid) or ""
        if not number:
            if order.action == "cancel":
                return JobReport(state="CANCELLED", reason="cancelled before it was submitted")
            if (order.account, order.partition) not in self._ready:
                # A scheduler that doesn't know the account would refuse the job for good.
                raise EngineError(f"it waits until {order.account} is set up on {order.partition}")
            number = self.engine.submit(order)
            summary.submitted += 1
        report = self.engine.report(number)
        if order.action == "cancel" and report.state in ("PENDING", "RUNNING"):
            self.engine.cancel(number)
            summary.cancelled += 1
            report = self.engine.report(number)
        return report

    # Usage

    def _send_usage(self, summary: RoundSummary) -> None:
        while True:
            waiting = sorted(self._outbox.glob("*.json"))
            if not waiting and not self._take_returned() and not self._fill_outbox():
                self._errors += self.engine.notes()
                return
            for path in waiting or sorted(self._outbox.glob("*.json")):
                batch = json.loads(path.read_text(encoding="utf-8"))
                if batch["cursor"] is not None:
                    self._drop_returned(batch["records"])
                body = json.dumps({"key": batch["key"], "records": batch["records"]})
                answer = UsageAnswer.model_validate(self._call("POST", "usage-batches", body))
                self._keep_returned(batch, answer)
                # The cursor first: killed between the two, the batch is sent again, and counts as repeated.
                if batch["cursor"] is not None:
                    write_whole(self.folder / "cursor.json", {"cursor": batch["cursor"]})
                path.unlink()
                summary.booked += answer.booked
                summary.repeated += answer.repeated
                summary.broken += len(answer.broken)
                self._errors += [f"usage record {fault.get('line')}: {fault.get('why')}" for fault in answer.broken]

    def _fill_outbox(self) -> bool:
        records, cursor = self.engine.usage_since(self._cursor(), BATCH)
        if not records:
            return False
        rows = [
            {**record.as_dict(), "accelerator_seconds": record.accelerator_seconds, "core_seconds": record.core_seconds}
            for record in records
        ]
        self._put_in_outbox(rows, cursor)
        return True

    def _put_in_outbox(self, rows: list[Any], cursor: str | None) -> None:
        """Fix a batch and its key on disk before it is sent. cursor None: it leaves the cursor where it is."""
        key = f"{int(time.time()):012d}-{uuid.uuid4().hex}"
        write_whole(self._outbox / f"{key}.json", {"key": key, "cursor": cursor, "records": rows})

    def _keep_returned(self, batch: dict[str, Any], answer: UsageAnswer) -> None:
        """Keep what the platform could not book: it is sent again later, for ever, until somebody mends the cause."""
        places = sorted({int(fault.get("line", 0)) for fault in answer.broken})
        rows = [batch["records"][place - 1] for place in places if 1 <= place <= len(batch["records"])]
        if rows:
            write_whole(self._returned / f"{batch['key']}.json", {"records": rows, "broken": answer.broken})

    def _take_returned(self) -> bool:
        """Put the records that came back long enough ago into the outbox again. Killed between the two writes, they
        are sent twice, and booked once: a record has its own key."""
        for path in sorted(self._returned.glob("*.json")):
            if time.time() - path.stat().st_mtime >= AGAIN:
                self._put_in_outbox(json.loads(path.read_text(encoding="utf-8"))["records"], None)
                path.unlink()
                return True
        return False

    def _drop_returned(self, rows: list[Any]) -> None:
        """Of what came back, forget what is told anew: sent again later, the old word would count as the last one."""
        told = {_run_of(row) for row in rows}
        for path in self._returned.glob("*.json"):
            kept = json.loads(path.read_text(encoding="utf-8"))
            rest = [row for row in kept["records"] if _run_of(row) not in told]
            if not rest:
                path.unlink()
            elif len(rest) < len(kept["records"]):
                # It waits as long as it would have: what came back when is the file's own time.
                since = path.stat().st_mtime
                write_whole(path, {**kept, "records": rest})
                os.utime(path, (since, since))

    def _cursor(self) -> str:
        try:
            return str(json.loads((self.folder / "cursor.json").read_text(encoding="utf-8"))["cursor"])
        except FileNotFoundError:
            return ""

    # The daily proof

    def _prove(self, _summary: RoundSummary) -> None:
        """Send the totals of days that are over, and the runs of the lines that differ. Not while usage waits."""
        now = datetime.now(UTC)
        if any(self._outbox.glob("*.json")):
            return
        proved = self._proved(now)
        for day in due_days(now, proved):
            proof = self.engine.prove(day)
            try:
                answer = ProofAnswer.model_validate(self._call("PUT", f"proofs/{day}", proof.model_dump_json()))
                if answer.wanted:
                    runs = self.engine.proof_runs(day, answer.wanted)
                    self._call("PUT", f"proofs/{day}/runs", runs.model_dump_json())
            except PlatformRefused as refusal:
                # Jobs and limits must not wait for it: a platform that is older than this agent takes no proofs.
                self._errors.append(f"proof of {day}: {refusal}")
                return
            proved["days"][str(day)] = {"at": now.timestamp(), "differs": answer.differs}
            first = str((now - timedelta(days=PROOF_DAYS)).date())
            proved["days"] = {known: what for known, what in proved["days"].items() if known >= first}
            write_whole(self.folder / "proved.json", proved)

    def _proved(self, now: datetime) -> dict[str, Any]:
        """What was proved when, and the first day that is: the one on which this agent began."""
        try:
            found: dict[str, Any] = json.loads((self.folder / "proved.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            found = {"since": str(now.date()), "days": {}}
            write_whole(self.folder / "proved.json", found)
        return found

    # Data between sites

    def _move_data(self, _summary: RoundSummary) -> None:
        try:
            self._transfers.round(self._call)
        except PlatformRefused as refusal:
            # A platform that knows of no transfers, or of this one no more: the rest of the agent's work goes on.
            self._errors.append(str(refusal))

    def close(self) -> None:
        """Stop what goes on beside the rounds; the next agent takes it up again."""
        self._transfers.close()

    # The line to the platform

    def _call(self, method: str, path: str, body: str | None = None) -> Any:
        """One call, with patience where that may help."""
        retrying = Retrying(
            retry=retry_if_exception(_again),
            stop=stop_after_attempt(self._patience),
            wait=wait_random_exponential(multiplier=0.2, max=5),
            reraise=True,
        )
        try:
            return retrying(self._once, method, f"/api/v1/sites/{self.cluster}/{path}", body)
        except httpx.HTTPStatusError as error:
            refused = PlatformRefused if error.response.status_code in (400, 404, 409, 413, 422) else AgentError
            raise refused(
                f"The platform answered {error.response.status_code} to {method} {path}: {_detail(error.response)}"
            ) from error
        except httpx.HTTPError as error:
            raise AgentError(f"The platform can't be reached at {self.client.base_url}: {error}") from error

    def _once(self, method: str, path: str, body: str | None) -> Any:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        response = self.client.request(method, path, content=body, headers=headers)
        response.raise_for_status()
        return response.json() if response.content else None


def due_days(now: datetime, proved: dict[str, Any]) -> list[date]:
    """Which days are to be proved now, the oldest first.

    Days of the last week that are over for an hour, since this agent began: each once a day again, because records are
    corrected; every hour while it differs.
    """
    found = []
    for ago in range(PROOF_DAYS, 0, -1):
        day = (now - timedelta(days=ago)).date()
        is_over = now >= datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1, seconds=PROOF_AFTER)
        known = proved["days"].get(str(day))
        every = PROOF_AGAIN if known and known["differs"] else PROOF_EVERY
        if is_over and str(day) >= proved["since"] and (not known or not 0 <= now.timestamp() - known["at"] < every):
            found.append(day)
    return found


def _run_of(row: Any) -> tuple[Any, Any]:
    return row.get("job_id"), row.get("submit")


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


def _closed(account: AccountState) -> AccountState:
    """An account that the platform no longer knows: kept, for its records, and closed."""
    return account.model_copy(update={"active": False})


def _detail(response: httpx.Response) -> str:
    try:
        return str(response.json().get("detail", ""))[:500]
    except ValueError:
        return response.text[:200]


class Lock:
    """Lets one agent at a time work in a folder. The system lets go of it when the process ends, however it ends."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = os.open(folder / "agent.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._file)
            raise AlreadyRunning(
                f"Another agent works in {folder}. Stop it first, or give this one its own folder."
            ) from None

    def release(self) -> None:
        """Let another agent in."""
        os.close(self._file)


def run(agent: Agent, interval: float, tell: Callable[[RoundSummary], None]) -> None:
    """Round after round until SIGTERM or SIGINT, which ends it after the round at hand."""
    stop: list[int] = []

    def asked(number: int, _frame: FrameType | None) -> None:
        stop.append(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, asked)
    while not stop:
        began = time.monotonic()
        try:
            summary = agent.round()
        except TROUBLES as error:
            # No platform, an answer that makes no sense, or no room on the disk: what was done stays done, and the
            # next round goes on from there.
            summary = RoundSummary(error=sentence_of(error, agent.folder))
        tell(summary)
        while not stop and time.monotonic() - began < interval:
            time.sleep(min(0.2, interval))
