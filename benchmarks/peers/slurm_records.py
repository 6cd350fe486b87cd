"""Job records of a real Slurm for sacct_booking.py: some jobs run, slurmdbd's table multiplies them, sacct prints."""

from __future__ import annotations

import getpass
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fabriek.compute.sacct import ASKED
from fabriek.demo.slurm import Bed, ordinary_user
from fabriek.demo.slurm.database import Database

CLUSTER = "alpha"
TASKS = 10
# MariaDB's own sequences (https://mariadb.com/kb/en/sequence-storage-engine/): each copy a minute earlier.
MULTIPLY = """
CREATE TEMPORARY TABLE many AS SELECT j.*, seq AS k FROM {c}_job_table j CROSS JOIN seq_1_to_{copies}
    WHERE time_start > 0 AND time_end > 0;
UPDATE many SET job_db_inx = job_db_inx + k * 1000000, id_job = id_job + k * 100000, id_array_job = 0,
    id_array_task = 4294967294, time_submit = time_submit - k * 60, time_eligible = time_submit,
    time_start = time_start - k * 60, time_end = time_end - k * 60;
ALTER TABLE many DROP COLUMN k;
INSERT INTO {c}_job_table SELECT * FROM many;
"""


@contextmanager
def real_cluster(accounts: list[str], number: int) -> Iterator[tuple[Callable[[list[str]], str], str]]:
    """A cluster whose accounting holds `number` records of these accounts: how to ask it, and all that sacct prints."""
    folder = Path(tempfile.mkdtemp(prefix="fabriek-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    bed = Bed(folder)

    def run(words: list[str]) -> str:
        return bed.run(CLUSTER, "env", "TZ=UTC", "SLURM_TIME_FORMAT=%s", *words)

    try:
        bed.up()
        user = ordinary_user()
        for account in accounts:
            bed.run(CLUSTER, "sacctmgr", "-iQ", "add", "account", account, f"cluster={CLUSTER}")
        names = ",".join(accounts)
        bed.run(CLUSTER, "sacctmgr", "-iQ", "add", "user", user, f"account={names}", f"cluster={CLUSTER}")
        for account in accounts:
            whose = [f"--uid={user}"] if os.geteuid() == 0 else []
            options = [f"--account={account}", f"--array=1-{TASKS}", "--gres=gpu:1", "--time=1", "--output=/dev/null"]
            bed.run(CLUSTER, "sbatch", *whose, "--chdir=/tmp", *options, given="#!/bin/sh\nsleep 1\n")
        database = Database(folder / "db", getpass.getuser())
        jobs = len(accounts) * TASKS
        done = f"SELECT COUNT(*) FROM {CLUSTER}_job_table WHERE time_end > 0 AND time_eligible > 0"
        until = time.monotonic() + 240
        while int(database.ask(done)) < jobs:
            if time.monotonic() > until:
                raise TimeoutError(f"{jobs} jobs did not end within 240 s")
            time.sleep(0.5)
        database.ask(MULTIPLY.format(c=CLUSTER, copies=max(number // jobs - 1, 1)))
        words = ["sacct", "-M", CLUSTER, "-a", "-X", "-P", "-D", "-S", "1970-01-02", "-E", "now"]
        yield run, run([*words, f"--format={','.join(ASKED)}"])
    finally:
        bed.down(remove=True)
        shutil.rmtree(folder, ignore_errors=True)
