"""What the platform asks of a scheduler. Shaped on Slurm: accounts with GrpTRESMins, batch jobs, accounting records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from fabriek.compute.records import UsageRecord
from fabriek.compute.wire import (
    UNLIMITED,
    AccountState,
    DailyProof,
    JobOrder,
    JobReport,
    ProofPlace,
    ProofRuns,
    TaskOrder,
    TaskReport,
)

# Of so many accounts reading, or comparing, all takes seconds: it is not done in each round.
MANY_ACCOUNTS = 1_000


class SubmitRefused(Exception):
    """The scheduler won't take this job; the sentence says why and what to do."""


class EngineError(Exception):
    """The scheduler did not do what was asked; the sentence says why. It may, later: nothing is lost."""


class EngineUnavailable(EngineError):
    """The scheduler can't be asked at all now."""


@dataclass(frozen=True)
class AsUser:
    """How a command runs as somebody on the agent's machine: their name here, the words before the command, and an
    environment that holds nothing of the agent's own (its token!)."""

    name: str
    before: tuple[str, ...]
    environment: dict[str, str]


class Engine(Protocol):
    """A scheduler. Every call can be repeated: the agent may have been killed after it and before it took note.

    Every call may raise EngineError, or EngineUnavailable.
    """

    def provision(self, accounts: Sequence[AccountState]) -> dict[tuple[str, str], str]:
        """Make accounts, their users and their limits so; return why one could not be, by account and partition.
        Raising or lowering a limit keeps what was used."""

    def withdraw(self, accounts: Sequence[AccountState]) -> tuple[int, dict[tuple[str, str], str]]:
        """Of accounts that somebody changed by hand only take away what they were made to be and should not be any
        more, see `less`. Returns from how many something was taken, and why from one it could not be."""

    def note_booked(self, desired: Sequence[AccountState]) -> None:
        """Before anything else of a round: what is desired, and what of it was booked by now. A scheduler that counts
        use by itself may have lost some; then what it enforces is more than was awarded."""

    def enforced(self) -> list[AccountState]:
        """What the scheduler itself says that it enforces, read back from it."""

    def drift(self) -> list[Difference]:
        """What somebody changed by hand since `provision` made it: `desired` is what it was made to be."""

    def submit(self, order: JobOrder) -> str:
        """Submit a job and return the scheduler's number for it; the same uuid again returns the same number.

        Errors: SubmitRefused.
        """

    def find(self, uuid: str) -> str | None:
        """The scheduler's number of a job that was submitted under this uuid; None: it never arrived."""

    def cancel(self, engine_job: str) -> None:
        """Stop a job; one that has ended stays as it is."""

    def report(self, engine_job: str, told: Mapping[str, int] | None = None) -> JobReport:
        """State, reason, times and the last part of the output of a job. told: up to which byte each stream
        (`output`, `error_output`) is known; only what follows is read then, where its last part holds that byte."""

    def report_task(self, order: TaskOrder) -> TaskReport:
        """State and output of one task of an array."""

    def usage_since(self, cursor: str, most: int) -> tuple[list[UsageRecord], str]:
        """At most `most` records that were accounted after `cursor` ('' from the start), and the cursor after them."""

    def prove(self, day: date) -> DailyProof:
        """What the scheduler's accounting says of a whole day, asked for apart from `usage_since`."""

    def proof_runs(self, day: date, places: Sequence[ProofPlace]) -> ProofRuns:
        """The runs behind some lines of a day's proof."""

    def notes(self) -> list[str]:
        """What somebody at the site should know, each a sentence: what could not be read, what looks wrong."""

    def cannot_move(self) -> str:
        """Why no command of a user's can run on the agent's own machine, which moving data needs; '' where it can."""

    def as_user(self, user: str) -> AsUser:
        """How commands run as somebody of the platform. Errors: EngineError where they are nobody here, or root."""

    def tick(self) -> None:
        """A round is over: let the scheduler do its work, where nobody else wakes it."""

    def close(self) -> None:
        """Let go of files and connections."""


@dataclass(frozen=True)
class Difference:
    """Something that is not enforced as it was awarded."""

    account: str
    partition: str
    what: str
    desired: str
    enforced: str
    sentence: str


def less(made: AccountState, wanted: AccountState) -> AccountState:
    """What an account was made to be, without what isn't wanted any more: open after its end, and who left. Nothing is
    added, and no limit changes."""
    users = [user for user in made.users if user in wanted.users]
    return made.model_copy(update={"active": made.active and wanted.active, "users": users})


def difference(desired: Sequence[AccountState], enforced: Sequence[AccountState]) -> list[Difference]:
    """Every difference between what should be enforced and what is, in order of account."""
    wanted = {(a.account, a.partition): a for a in desired}
    there = {(a.account, a.partition): a for a in enforced}
    found = []
    for key in sorted(wanted.keys() | there.keys()):
        account, partition = key
        want, is_ = wanted.get(key), there.get(key)
        if is_ is None:
            found.append(Difference(*key, "account", "there", "missing", f"{account} is not set up on {partition} yet"))
        elif want is None:
            if is_.active:
                found.append(
                    Difference(
                        *key, "account", "missing", "there", f"{account} may run on {partition} without an award"
                    )
                )
        else:
            found += _fields(want, is_)
    return found


def _fields(want: AccountState, is_: AccountState) -> list[Difference]:
    # Slurm's limits are whole minutes: the rest of a minute can't be enforced, and is no difference.
    def whole(seconds: int) -> int:
        return seconds if seconds >= UNLIMITED else seconds // is_.limit_step_seconds * is_.limit_step_seconds

    pairs: dict[str, tuple[object, object]] = {
        "accelerator-seconds": (whole(want.accelerator_seconds_limit), whole(is_.accelerator_seconds_limit)),
        "core-seconds": (whole(want.core_seconds_limit), whole(is_.core_seconds_limit)),
        "active": (want.active, is_.active),
        "users": (sorted(want.users), sorted(is_.users)),
    }
    if is_.ends is not None:
        pairs["ends"] = want.ends, is_.ends
    if is_.programme:
        pairs["programme"] = want.programme, is_.programme
    if is_.fairshare:
        pairs["fair share"] = want.fairshare, is_.fairshare
    return [
        Difference(
            want.account,
            want.partition,
            what,
            _said(a),
            _said(b),
            f"{what} of {want.account} on {want.partition}: awarded {_said(a)}, enforced {_said(b)}",
        )
        for what, (a, b) in pairs.items()
        if a != b
    ]


def _said(value: object) -> str:
    return (", ".join(value) or "nobody") if isinstance(value, list) else str(value)
