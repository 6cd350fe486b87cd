"""The Slurm engine: see `fabriek.compute.engine.Engine`. Slurm's own commands do the work; this says which."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from fabriek.compute.engine import MANY_ACCOUNTS, AsUser, Difference, EngineError, difference
from fabriek.compute.records import UsageRecord
from fabriek.compute.slurm.accounts import Key, Tree, enforced, read_tree
from fabriek.compute.slurm.changes import left_out, steps, with_known_names, withdrawals
from fabriek.compute.slurm.commands import Commands
from fabriek.compute.slurm.controller import ByCommands
from fabriek.compute.slurm.counts import Counts, Short, as_awarded, as_limited
from fabriek.compute.slurm.jobs import Jobs
from fabriek.compute.slurm.metering import Metering
from fabriek.compute.slurm.preconditions import Preconditions
from fabriek.compute.slurm.proof import Prover
from fabriek.compute.slurm.rest import ByRest
from fabriek.compute.slurm.settings import SlurmSettings, read_settings
from fabriek.compute.slurm.steps import Step, apply
from fabriek.compute.slurm.store import Store
from fabriek.compute.wire import (
    AccountState,
    DailyProof,
    JobOrder,
    JobReport,
    ProofPlace,
    ProofRuns,
    TaskOrder,
    TaskReport,
)

# Many accounts are read so often, in seconds, and after each change.
READ_AGAIN = 20.0


def load_slurm(folder: Path, cluster: str) -> SlurmEngine:
    """The engine that `folder/slurm.toml` describes. Errors: ValueError with what to write."""
    settings = read_settings(folder / "slurm.toml")
    return SlurmEngine(folder, cluster, settings, Commands(settings))


class SlurmEngine:
    """One cluster's Slurm. What it remembers is in `folder/slurm.sqlite3`."""

    def __init__(self, folder: Path, cluster: str, settings: SlurmSettings, commands: Commands) -> None:
        self.folder, self.cluster, self.settings = folder, cluster, settings
        self._commands = commands
        self._store = Store(folder / "slurm.sqlite3")
        rest = settings.rest
        by = ByRest(rest, commands) if rest else ByCommands(commands)
        self._jobs = Jobs(commands, by, settings, self._store)
        self._preconditions = Preconditions(commands, settings)
        self._counts = Counts(commands, settings)
        # What was to be made so last: what could not be is wanted all the same.
        self._planned: frozenset[Key] = frozenset()
        # As it was last read, and when.
        self._tree: Tree | None = None
        self._read_at = 0.0
        self._there: list[AccountState] | None = None
        self._metering = Metering(
            commands.printed, settings.cluster, folder, interval=settings.metering.interval, ours=self._ours
        )
        self._prover = Prover(settings.cluster, self._metering.accounting)

    # Accounts

    def provision(self, accounts: Sequence[AccountState]) -> dict[Key, str]:
        """Apply only what differs, and say why an account could not be made so."""
        self._planned = _open(accounts)
        short = self._short()
        todo, refused = steps(accounts, self._read(), self.settings, short)
        undone = {**apply(self._commands, todo), **refused}
        self._forget_tree()
        made = [with_known_names(a, self.settings) for a in accounts if (a.account, a.partition) not in undone]
        self._store.remember_made([as_limited(state, short) for state in made])
        return {**left_out(accounts, self.settings), **undone}

    def withdraw(self, accounts: Sequence[AccountState]) -> tuple[int, dict[Key, str]]:
        """Close and shut out; all else stays as somebody made it by hand, and is told as before."""
        todo, lessened, refused = withdrawals(accounts, self._read(), self.settings, self._store.made())
        failed = apply(self._commands, todo)
        self._forget_tree()
        self._store.remember_made([a for a in lessened if (a.account, a.partition) not in failed])
        return len(lessened) - len(failed), {**failed, **refused}

    def plan(
        self, accounts: Sequence[AccountState], waiting: Sequence[AccountState] = ()
    ) -> tuple[list[Step], dict[Key, str]]:
        """The commands that `provision` would carry out for these accounts, and `withdraw` for those that wait for the
        operator's choice; and what can't be done. Nothing is changed."""
        self._planned = _open(accounts)
        tree = self._read()
        todo, refused = steps(accounts, tree, self.settings, self._short())
        taken, _lessened, not_taken = withdrawals(waiting, tree, self.settings, self._store.made())
        return [*todo, *taken], {**left_out(accounts, self.settings), **refused, **not_taken}

    def note_booked(self, desired: Sequence[AccountState]) -> None:
        """Compared with what slurmctld counted, see `counts.py`."""
        self._counts.note_booked(desired)

    def enforced(self) -> list[AccountState]:
        """What stands in Slurm's database now, and with it what slurmctld lacks of what was booked: so much more than
        it says is let through."""
        there, short = self._standing(), self._short()
        return [as_awarded(state, short) for state in there] if short else there

    def drift(self) -> list[Difference]:
        """What somebody changed since it was made: `desired` is what it was made to be, `enforced` what it is."""
        made = self._store.made()
        there = self._standing()
        return difference(list(made.values()), [s for s in there if (s.account, s.partition) in made])

    def _read(self) -> Tree:
        if self._tree is None:
            # Of another cluster nothing is read, and so nothing is changed.
            has_gpus = self._preconditions.told().counts_gpus
            self._tree = read_tree(self._commands, self.settings, has_gpus=has_gpus)
            self._read_at = time.monotonic()
        return self._tree

    def _standing(self) -> list[AccountState]:
        if self._there is None:
            self._there = enforced(self._read(), self.settings, self._store.made())
        return self._there

    def _short(self) -> Short:
        """By how much limits are to be lower than awarded."""
        return self._counts.short(has_gpus=self._read().has_gpus)

    def _forget_tree(self) -> None:
        self._tree = self._there = None

    def _ours(self) -> set[str]:
        """The accounts whose runs are the platform's business: what stands below its own, and what ever did."""
        return self._read().below(self.settings.root_account) | {account for account, _partition in self._store.made()}

    # Jobs

    def submit(self, order: JobOrder) -> str:
        """Submit as the mapped user, once for its uuid."""
        self._preconditions.told()
        return self._jobs.submit(order)

    def find(self, uuid: str) -> str | None:
        """Slurm's number of a job with this uuid."""
        return self._jobs.find(uuid)

    def cancel(self, engine_job: str) -> None:
        """Stop a job that was submitted here."""
        self._jobs.cancel(engine_job)

    def report(self, engine_job: str, told: Mapping[str, int] | None = None) -> JobReport:
        """What became of a job so far."""
        return self._jobs.report(engine_job, told or {})

    def report_task(self, order: TaskOrder) -> TaskReport:
        """What became of a task so far."""
        return self._jobs.report_task(order)

    # Usage

    def usage_since(self, cursor: str, most: int) -> tuple[list[UsageRecord], str]:
        """Records that slurmdbd accounted, see `metering`."""
        return self._metering.usage_since(cursor, most)

    def prove(self, day: date) -> DailyProof:
        """sacct's totals of a day, and sreport's."""
        return self._prover.prove(day)

    def proof_runs(self, day: date, places: Sequence[ProofPlace]) -> ProofRuns:
        """The runs behind some of them."""
        return self._prover.runs(day, places)

    def notes(self) -> list[str]:
        """What keeps awards from holding; what metering could not read, and what looks wrong."""
        try:
            tree = self._read()
            problems = self._preconditions.problems(_open(self._standing()) | self._planned, tree)
            problems = [*problems, *self._counts.notes(tree)]
        except EngineError:
            # Who asked what is enforced has heard of it.
            problems = []
        return [*problems, *self._metering.notes()]

    # Data

    def cannot_move(self) -> str:
        """Files move on the machine that the agent is on: rsync's end must be this agent's to watch and to stop."""
        return (
            "its commands run on another machine, over SSH: an agent there could move data"
            if (self.settings.ssh)
            else ""
        )

    def as_user(self, user: str) -> AsUser:
        """As jobs become their users'."""
        name = self.settings.unix_user(user)
        before, environment = self._commands.as_user(name)
        return AsUser(name, tuple(before), environment)

    def tick(self) -> None:
        """Slurm's daemons do the work; what they said is asked again in the next round."""
        self._jobs.forget()
        is_large = self._tree is not None and len(self._tree.parents) >= MANY_ACCOUNTS
        if not is_large or time.monotonic() - self._read_at >= READ_AGAIN:
            self._forget_tree()

    def close(self) -> None:
        """Let go of the files."""
        self._store.close()
        self._metering.close()


def _open(accounts: Sequence[AccountState]) -> frozenset[Key]:
    return frozenset((a.account, a.partition) for a in accounts if a.active)
