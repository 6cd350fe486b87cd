"""Bringing Slurm's database to what was awarded: 10,000 accounts, of which 100 changed, against sacctmgr one by one.

    python benchmarks/slurm_reconcile.py [ACCOUNTS] [CHANGES]

On a real cluster of Debian's Slurm, started here. The plain approach says for every account again what it should be
(`sacctmgr modify`, which a script without a memory does); it is measured on some accounts and multiplied.
"""

from __future__ import annotations

import os
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path

from fabriek.compute.engine import difference
from fabriek.compute.slurm import SlurmEngine
from fabriek.compute.slurm.accounts import qos_name
from fabriek.compute.slurm.commands import Commands
from fabriek.compute.slurm.settings import SlurmSettings
from fabriek.compute.wire import AccountState
from fabriek.demo.slurm import Bed
from fabriek.demo.slurm.shape import Cluster, Partition

SAMPLE = 50


def main() -> None:
    accounts = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    changes = int(sys.argv[2]) if len(sys.argv) > 2 else 100
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="fabriek-", dir=memory if memory.is_dir() else None))
    # munge wants the folders above its socket open to all.
    folder.chmod(0o755)
    bed = Bed(folder / "bed", [Cluster("alpha", (Partition("gpu", nodes=1, gpus=4),))])
    try:
        measure(bed.up(), folder, accounts, changes)
    finally:
        bed.down(remove=True)
        shutil.rmtree(folder, ignore_errors=True)


def measure(bed: Bed, folder: Path, accounts: int, changes: int) -> None:
    settings = SlurmSettings.model_validate(
        {
            "cluster": "alpha",
            "default_user": "nobody",
            "commands": {"environment": bed.env("alpha")},
            "jobs": {"become": "self" if os.geteuid() else "runuser"},
        }
    )
    engine = SlurmEngine(folder, "alpha", settings, Commands(settings))
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
    took = timed(lambda: engine.provision(wanted))
    print(f"{accounts:,} accounts made: {took:.1f} s ({accounts / took:.0f} a second)", flush=True)
    engine.tick()
    read = timed(engine.enforced)
    assert difference(wanted, engine.enforced()) == []
    print(f"all read back and compared, none differs: {read:.2f} s", flush=True)
    step = max(1, accounts // changes)
    for place in range(0, step * changes, step):
        wanted[place] = wanted[place].model_copy(update={"accelerator_seconds_limit": 7_200 * (place + 1)})
    engine.tick()
    began = time.perf_counter()
    differ = {d.account for d in difference(wanted, engine.enforced())}
    assert len(differ) == changes
    assert engine.provision([state for state in wanted if state.account in differ]) == {}
    took = time.perf_counter() - began
    assert difference(wanted, engine.enforced()) == []
    plain = timed(lambda: one_by_one(bed, settings, wanted[:SAMPLE])) / SAMPLE * accounts
    print(
        f"{changes} changes found among them and made: {took:.2f} s; every account said again by sacctmgr, one by one: "
        f"{plain:.0f} s ({SAMPLE} measured): {plain / took:.0f} times"
    )
    print(f"memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
    engine.close()


def one_by_one(bed: Bed, settings: SlurmSettings, states: list[AccountState]) -> None:
    for state in states:
        name = qos_name(settings, state.account, state.partition)
        minutes = f"GrpTRESMins=gres/gpu={state.accelerator_seconds_limit // 60}"
        bed.run("alpha", "sacctmgr", "-i", "modify", "qos", "where", f"name={name}", "set", minutes)
        where = ("where", "name=nobody", f"account={state.account}", "cluster=alpha", "partition=gpu")
        bed.run("alpha", "sacctmgr", "-i", "modify", "user", *where, "set", f"qos={name}", f"defaultqos={name}")


def timed(act: object) -> float:
    began = time.perf_counter()
    act()  # type: ignore[operator]
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
