"""What accounts of the embedded engine may use, and what they did."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from datetime import UTC, date, datetime

from fabriek.compute.directives import Directives
from fabriek.compute.engine import SubmitRefused
from fabriek.compute.local.store import Store
from fabriek.compute.wire import AccountState, JobOrder

# Why a job waits, in Slurm's own words (https://slurm.schedmd.com/job_reason_codes.html); the platform explains them.
_NO_TIME = "AssocGrpGRESMinutes"
_NO_CORE_TIME = "AssocGrpCPUMinutesLimit"


class Accounts:
    """Limits over an account's whole life, as Slurm's GrpTRESMins with AccountingStorageEnforce=safe."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def make(self, accounts: Sequence[AccountState]) -> None:
        """Make them so, all or none."""
        with self._store.change() as change:
            change.executemany(
                "INSERT OR REPLACE INTO account VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        account.account,
                        account.partition,
                        account.accelerator_seconds_limit,
                        account.core_seconds_limit,
                        int(account.active),
                        json.dumps(sorted(account.users)),
                        account.ends.isoformat() if account.ends else None,
                    )
                    for account in accounts
                ],
            )

    def enforced(self) -> list[AccountState]:
        """What the queue holds jobs to."""
        return [_account(row) for row in self._store.rows("SELECT * FROM account ORDER BY account, partition")]

    def admit(self, order: JobOrder, asked: Directives) -> None:
        """As a QOS with DenyOnLimit: what can never fit is refused at once, with numbers. Errors: SubmitRefused."""
        row = self._row(order.account, order.partition)
        if row is None or not row["active"] or _is_over(row):
            raise SubmitRefused(f"Invalid account: {order.account} is not active on {order.partition}")
        if order.user not in json.loads(row["users"]):
            raise SubmitRefused(f"{order.user} is not a member of {order.account} on this machine")
        left = row["accelerator_limit"] - self._used(order.account, order.partition)[0]
        if asked.accelerator_seconds > left:
            raise SubmitRefused(
                f"The job could use {asked.accelerator_seconds / 3600:,.2f} GPU-hours and "
                f"{max(left, 0) / 3600:,.2f} are left; ask for fewer GPUs or less time"
            )
        cores_left = row["core_limit"] - self._used(order.account, order.partition)[1]
        if _counts_cores(row, asked.accelerators) and asked.core_seconds > cores_left:
            raise SubmitRefused(
                f"The job could use {asked.core_seconds / 3600:,.2f} core-hours and "
                f"{max(cores_left, 0) / 3600:,.2f} are left; ask for fewer cores or less time"
            )

    def why_waits(self, row: sqlite3.Row, behind: sqlite3.Row | None = None) -> str:
        """Why a job can't start within its account's limits, or ''.

        behind: the job that this one would pass; of one account, it must leave that job its budget too.
        """
        account = self._row(row["account"], row["partition"])
        if account is None or not account["active"] or _is_over(account):
            return "InvalidAccount"
        # AccountingStorageEnforce=safe: a job starts only if it can run to its limit within the budget.
        used, cores_used = self._used(row["account"], row["partition"])
        reserved, cores_reserved = self._reserved(row["account"], row["partition"])
        if behind is not None and behind["account"] == row["account"]:
            reserved += behind["accelerators"] * behind["seconds"]
            cores_reserved += behind["cores"] * behind["seconds"]
        if used + reserved + row["accelerators"] * row["seconds"] > account["accelerator_limit"]:
            return _NO_TIME
        cores_asked = cores_used + cores_reserved + row["cores"] * row["seconds"]
        if _counts_cores(account, row["accelerators"]) and cores_asked > account["core_limit"]:
            return _NO_CORE_TIME
        return ""

    def _row(self, account: str, partition: str) -> sqlite3.Row | None:
        return self._store.row("SELECT * FROM account WHERE account = ? AND partition = ?", account, partition)

    def _used(self, account: str, partition: str) -> tuple[int, int]:
        """Accelerator-seconds and core-seconds of the account's ended jobs."""
        row = self._store.row(
            """SELECT COALESCE(SUM(accelerators * ("end" - start)), 0) AS a,
                COALESCE(SUM(cores * ("end" - start)), 0) AS c
            FROM job WHERE account = ? AND partition = ? AND start IS NOT NULL AND "end" IS NOT NULL""",
            account,
            partition,
        )
        return (row["a"], row["c"]) if row else (0, 0)

    def _reserved(self, account: str, partition: str) -> tuple[int, int]:
        """Accelerator-seconds and core-seconds that running jobs of the account may still come to."""
        row = self._store.row(
            "SELECT COALESCE(SUM(accelerators * seconds), 0) AS a, COALESCE(SUM(cores * seconds), 0) AS c FROM job "
            "WHERE account = ? AND partition = ? AND state = 'RUNNING'",
            account,
            partition,
        )
        return (row["a"], row["c"]) if row else (0, 0)


def _account(row: sqlite3.Row) -> AccountState:
    return AccountState(
        account=row["account"],
        partition=row["partition"],
        accelerator_seconds_limit=row["accelerator_limit"],
        core_seconds_limit=row["core_limit"],
        active=bool(row["active"]),
        users=json.loads(row["users"]),
        ends=date.fromisoformat(row["ends"]) if row["ends"] else None,
    )


def _counts_cores(account: sqlite3.Row, accelerators: int) -> bool:
    """Core-seconds bind where some were awarded. Where the register doesn't know a node's cores none are, and a job
    with accelerators is held to its accelerator-seconds alone."""
    return bool(account["core_limit"]) or not accelerators


def _is_over(account: sqlite3.Row) -> bool:
    """Whether its award has ended, also while the platform can't be asked. `ends` is the first day without."""
    return bool(account["ends"]) and datetime.now(UTC).date() >= date.fromisoformat(account["ends"])
