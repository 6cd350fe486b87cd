"""Bringing Slurm's database to what was awarded: 10,000 accounts, of which 100 changed, against sacctmgr one by one.

    python benchmarks/slurm_reconcile.py [ACCOUNTS] [CHANGES]

On a real cluster of Debian's Slurm, started here. All but the last accounts are written into slurmdbd's own tables
(`peers/slurm_accounts.py` says why); the last ones are made by the agent's engine, beside all the others.

The plain approach says for every account again what it should be (`sacctmgr modify`, which a script without a memory
does); it is measured on some accounts and multiplied. A script that knows what changed says each change by itself.

Times are told twice: by the clock, and in brackets the processor time of this program, the commands, slurmdbd,
slurmctld and MariaDB together.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.peers import slurm_accounts
from benchmarks.peers.slurm_bed import one_cluster

from fabriek.compute.engine import difference
from fabriek.compute.slurm import SlurmEngine
from fabriek.compute.slurm.accounts import qos_name
from fabriek.compute.slurm.commands import Commands
from fabriek.compute.slurm.settings import SlurmSettings
from fabriek.compute.slurm.store import Store
from fabriek.compute.wire import AccountState
from fabriek.demo.slurm import Bed, ordinary_user
from fabriek.demo.slurm.shape import Partition

MADE = 20
SAMPLE = 50


def main() -> None:
    accounts = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    changes = int(sys.argv[2]) if len(sys.argv) > 2 else 100
    with one_cluster(Partition("gpu", nodes=1, gpus=4)) as (bed, folder):
        measure(bed, folder, accounts, changes)


def measure(bed: Bed, folder: Path, accounts: int, changes: int) -> None:
    settings = SlurmSettings.model_validate(
        {
            "cluster": "alpha",
            "default_user": ordinary_user(),
            "commands": {"environment": bed.env("alpha")},
            "jobs": {"become": "self" if os.geteuid() else "runuser"},
        }
    )
    wanted = [
        AccountState(
            account=f"project-{number:05d}",
            partition="gpu",
            accelerator_seconds_limit=3_600 * (number + 1),
            core_seconds_limit=0,
            users=["u000001"],
            programme=["science", "industry", "playground"][number % 3],
            fairshare=[400, 500, 100][number % 3],
        )
        for number in range(accounts)
    ]
    made = min(MADE, accounts // 2)
    there = wanted[: accounts - made]
    slurm_accounts.write(bed, settings, there)
    # As an agent that made them would remember.
    store = Store(folder / "slurm.sqlite3")
    store.remember_made(there)
    store.close()

    def started() -> SlurmEngine:
        """An engine that has read nothing yet."""
        return SlurmEngine(folder, "alpha", settings, Commands(settings))

    engine = started()
    assert difference(there, engine.enforced()) == []
    took = timed(bed, lambda: engine.provision(wanted[accounts - made :]))
    print(f"{made:,} accounts made beside {len(there):,}: {took}", flush=True)
    print(f"all {accounts:,} read: {timed(bed, engine.enforced)}", flush=True)
    assert difference(wanted, engine.enforced()) == []
    step = max(1, accounts // changes)
    changed = range(0, step * changes, step)
    for place in changed:
        wanted[place] = wanted[place].model_copy(update={"accelerator_seconds_limit": 7_200 * (place + 1)})
    engine.close()
    engine = started()
    ours = timed(bed, lambda: reconcile(engine, wanted, changes))
    print(f"{changes} changes found among them, made, and read back: {ours}", flush=True)
    plain = timed(bed, lambda: one_by_one(bed, settings, wanted[:SAMPLE])) * (accounts / SAMPLE)
    print(f"every account said again by sacctmgr, one by one: {plain} ({SAMPLE} measured): {plain / ours} as long")
    known = timed(bed, lambda: limits_alone(bed, settings, [wanted[place] for place in changed]))
    again = timed(bed, lambda: engine.provision([raised(wanted[place]) for place in changed]))
    print(f"the {changes} alone, known beforehand: {again}; by a sacctmgr each: {known}: {known / again} as long")
    print(f"memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
    engine.close()


def reconcile(engine: SlurmEngine, wanted: list[AccountState], changes: int) -> None:
    """A round: find what differs, make it so, and see that it is."""
    differ = {d.account for d in difference(wanted, engine.enforced())}
    assert len(differ) == changes
    assert engine.provision([state for state in wanted if state.account in differ]) == {}
    assert difference(wanted, engine.enforced()) == []


def raised(state: AccountState) -> AccountState:
    return state.model_copy(update={"accelerator_seconds_limit": state.accelerator_seconds_limit + 60})


def one_by_one(bed: Bed, settings: SlurmSettings, states: list[AccountState]) -> None:
    limits_alone(bed, settings, states)
    for state in states:
        name = qos_name(settings, state.account, state.partition)
        where = ("where", f"name={ordinary_user()}", f"account={state.account}", "cluster=alpha", "partition=gpu")
        bed.run("alpha", "sacctmgr", "-i", "modify", "user", *where, "set", f"qos={name}", f"defaultqos={name}")


def limits_alone(bed: Bed, settings: SlurmSettings, states: list[AccountState]) -> None:
    for state in states:
        name = qos_name(settings, state.account, state.partition)
        minutes = f"GrpTRESMins=gres/gpu={state.accelerator_seconds_limit // 60}"
        bed.run("alpha", "sacctmgr", "-i", "modify", "qos", "where", f"name={name}", "set", minutes)


@dataclass(frozen=True)
class Took:
    """Seconds by the clock and of processors."""

    wall: float
    processors: float

    def __str__(self) -> str:
        return f"{self.wall:.2f} s ({self.processors:.2f} s)"

    def __mul__(self, factor: float) -> Took:
        return Took(self.wall * factor, self.processors * factor)

    def __truediv__(self, other: Took) -> str:
        return f"{self.wall / other.wall:.1f} x ({self.processors / other.processors:.1f} x)"


def timed(bed: Bed, act: Callable[[], object]) -> Took:
    began, before = time.perf_counter(), processor_time(bed)
    act()
    return Took(time.perf_counter() - began, processor_time(bed) - before)


def processor_time(bed: Bed) -> float:
    """Seconds so far, of this program, the commands that it ran, and the daemons (proc(5), stat: utime, stime)."""
    ticks = 0
    for pid in bed.pids.values():
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    own = os.times()
    return own.user + own.system + own.children_user + own.children_system + ticks / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
