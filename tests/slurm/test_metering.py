"""Metering at a real Slurm: what it accounted for is told once, whole, and the ledger says the same to the second."""

from __future__ import annotations

import getpass
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from tests.factories.slurm_books import as_file
from tests.factories.world import make_allocation, make_world
from tests.slurm.conftest import short_folder
from tests.slurm.test_bed import let_in, submit, until

from fabriek.compute.records import UsageRecord
from fabriek.compute.slurm.metering import Metering
from fabriek.compute.slurm.proof import Prover
from fabriek.compute.wire import DailyProof
from fabriek.demo.slurm import Bed
from fabriek.demo.slurm.database import Database
from fabriek.ledger.queries import allocation_hours, check
from fabriek.operations.actions import Line, book_usage, prove_usage

ACCOUNT = "metered"
CLUSTER = "alpha"


@dataclass
class Meter:
    """An agent's metering of one account, and what it told so far."""

    bed: Bed
    folder: Path
    cursor: str = ""

    def __post_init__(self) -> None:
        self.told: dict[str, UsageRecord] = {}
        self.start()

    def start(self) -> None:
        self.metering = Metering(as_file(self.run), CLUSTER, self.folder, interval=0, ours=lambda: {ACCOUNT})

    def run(self, words: list[str]) -> str:
        return self.bed.run(CLUSTER, "env", "TZ=UTC", "SLURM_TIME_FORMAT=%s", *words)

    def tell(self) -> list[UsageRecord]:
        new: list[UsageRecord] = []
        while True:
            records, self.cursor = self.metering.usage_since(self.cursor, 3)
            if not records:
                self.told |= {record.key: record for record in new}
                return new
            new += records

    def runs(self, job: str) -> list[UsageRecord]:
        return sorted((r for r in self.told.values() if r.job_id == job), key=lambda r: r.start)


# Of the session: tests with a database run before all others, so that this module's don't run in one go.
@pytest.fixture(scope="session")
def meter(bed: Bed) -> Iterator[Meter]:
    folder = short_folder()
    made = Meter(bed, folder)
    yield made
    made.metering.close()
    shutil.rmtree(folder, ignore_errors=True)


@dataclass
class Jobs:
    """Numbers of the jobs of this module, which run side by side once."""

    plain: str
    array: str
    hetero: str
    requeued: str
    suspended: str
    resized: str
    cancelled: str
    waiting: str


@pytest.fixture(scope="session")
def jobs(bed: Bed, meter: Meter, job_user: str) -> Jobs:
    let_in(bed, CLUSTER, job_user, ACCOUNT)

    def start(script: str, *options: str) -> str:
        return submit(bed, CLUSTER, job_user, ACCOUNT, script, "--time=60", "--partition=gpu", *options)

    def state(job: str) -> str:
        return bed.run(CLUSTER, "squeue", "-h", "-j", job, "-o", "%T", check=False).strip()

    made = Jobs(
        plain=start("sleep 2", "--gres=gpu:2", "--cpus-per-task=2"),
        array=start("sleep 1", "--array=1-3%2", "--gres=gpu:1"),
        hetero="",
        requeued=start('[ "$SLURM_RESTART_COUNT" ] && sleep 4 || sleep 1800', "--requeue", "--gres=gpu:1"),
        suspended=start("sleep 1800", "--gres=gpu:1"),
        resized=start("sleep 1800", "--nodes=2"),
        cancelled=start("sleep 1800", "--gres=gpu:1"),
        waiting=start("true", "--hold", "--gres=gpu:2"),
    )
    made.hetero = start("sleep 2\n", "--gres=gpu:1", ":", "--ntasks=2", f"--account={ACCOUNT}", "--partition=gpu")
    until(lambda: all(state(j) == "RUNNING" for j in (made.requeued, made.suspended, made.resized, made.cancelled)))
    # slurmctld tells slurmdbd of starts within some seconds.
    until(lambda: meter.tell() is not None and meter.metering.running() >= 4)
    # Each first part is to be a second long at least: one that ends in the second it began has nothing to count.
    time.sleep(2)
    bed.run(CLUSTER, "scontrol", "suspend", made.suspended)
    bed.run(CLUSTER, "scontrol", "update", f"job={made.resized}", "NumNodes=1")
    bed.run(CLUSTER, "scontrol", "requeue", made.requeued)
    bed.run(CLUSTER, "scancel", made.cancelled, made.waiting)
    until(lambda: state(made.requeued) == "PENDING")
    bed.run(CLUSTER, "scontrol", "update", f"job={made.requeued}", "StartTime=now")
    time.sleep(3)
    bed.run(CLUSTER, "scontrol", "resume", made.suspended)
    # The second parts too.
    time.sleep(2)
    bed.run(CLUSTER, "scancel", made.suspended, made.resized)
    until(lambda: not bed.run(CLUSTER, "squeue", "-h", "-A", ACCOUNT, "-o", "%A").split())
    until(lambda: not meter.tell() and meter.metering.running() == 0 and meter.runs(made.requeued)[1:])
    return made


def raw(bed: Bed, job: str, *columns: str) -> list[list[str]]:
    """What sacct itself prints of a job's runs."""
    words = ("sacct", "-XnPD", "-j", job, f"--format={','.join(columns)}")
    printed = bed.run(CLUSTER, "env", "TZ=UTC", "SLURM_TIME_FORMAT=%s", *words)
    return [line.split("|") for line in printed.splitlines()]


def test_a_plain_job_counts_what_it_had_for_as_long_as_it_ran(bed: Bed, meter: Meter, jobs: Jobs) -> None:
    ((elapsed,),) = raw(bed, jobs.plain, "ElapsedRaw")
    (run,) = meter.runs(jobs.plain)
    assert (run.accelerators, run.cores, run.seconds) == (2, 2, int(elapsed))
    assert run.seconds >= 2


def test_each_task_of_an_array_and_each_component_of_a_heterogeneous_job_is_a_run(
    bed: Bed, meter: Meter, jobs: Jobs
) -> None:
    tasks = [number for (number,) in raw(bed, jobs.array, "JobIDRaw")]
    assert len(tasks) == 3
    assert [len(meter.runs(number)) for number in tasks] == [1, 1, 1]
    parts = [(number, int(cpus)) for number, cpus in raw(bed, jobs.hetero, "JobIDRaw", "AllocCPUS")]
    assert [(meter.runs(number)[0].cores, meter.runs(number)[0].accelerators) for number, _cpus in parts] == [
        (parts[0][1], 1),
        (parts[1][1], 0),
    ]


def test_both_runs_of_a_requeued_job_count(meter: Meter, jobs: Jobs) -> None:
    first, second = meter.runs(jobs.requeued)
    assert (first.state, second.state) == ("REQUEUED", "COMPLETED")
    assert first.submit < second.submit
    assert first.end <= second.start
    assert second.seconds >= 4


def test_suspended_time_does_not_count(bed: Bed, meter: Meter, jobs: Jobs) -> None:
    ((elapsed,),) = raw(bed, jobs.suspended, "ElapsedRaw")
    (run,) = meter.runs(jobs.suspended)
    assert run.suspended >= 2
    assert run.seconds == int(elapsed) == run.end - run.start - run.suspended


def test_a_resized_job_counts_each_second_once(meter: Meter, jobs: Jobs) -> None:
    wide, narrow = meter.runs(jobs.resized)
    assert (wide.state, wide.nodes, narrow.nodes) == ("RESIZING", 2, 1)
    assert wide.end == narrow.start
    assert wide.cores == 2 * narrow.cores


def test_a_job_that_was_stopped_counts_and_one_that_never_ran_does_not(meter: Meter, jobs: Jobs) -> None:
    assert [run.state for run in meter.runs(jobs.cancelled)] == ["CANCELLED"]
    assert meter.runs(jobs.waiting) == []


def test_everything_again_from_the_start_is_the_same(meter: Meter, jobs: Jobs, tmp_path: Path) -> None:
    again = Meter(meter.bed, tmp_path)
    again.tell()
    assert {key: run for key, run in again.told.items() if int(run.job_id) < 1_000_000} == meter.told
    assert again.metering.notes() == []
    again.metering.close()


def test_what_an_administrator_corrects_in_slurmdbd_is_told_again(bed: Bed, meter: Meter, jobs: Jobs) -> None:
    before = meter.runs(jobs.plain)[0]
    change = f"UPDATE {CLUSTER}_job_table SET time_end = time_end - 1 WHERE id_job = {jobs.plain}"
    Database(bed.folder / "db", getpass.getuser()).ask(change)
    (record,) = meter.tell()
    assert (record.key, record.seconds) == (before.key, before.seconds - 1)


def test_while_slurmdbd_is_down_nothing_is_lost(bed: Bed, meter: Meter, jobs: Jobs, job_user: str) -> None:
    bed.stop("slurmdbd")
    try:
        job = submit(bed, CLUSTER, job_user, ACCOUNT, "true", "--time=1", "--partition=gpu")
        assert meter.tell() == []
        assert "could not be read" in meter.metering.notes()[0]
    finally:
        bed.start("slurmdbd")
    until(lambda: meter.tell() and meter.runs(job))
    assert meter.metering.notes() == []


# A day is proved when it is over, and sreport leaves out the hour at hand: the same runs, a day earlier, as other jobs.
YESTERDAY = """
CREATE TEMPORARY TABLE j AS SELECT * FROM {c}_job_table WHERE account = '{a}' AND id_job < 1000000;
UPDATE j SET job_db_inx = job_db_inx + 1000000, id_job = id_job + 1000000, time_submit = time_submit - 86400,
    id_array_job = IF(id_array_job, id_array_job + 1000000, 0), het_job_id = IF(het_job_id, het_job_id + 1000000, 0),
    time_eligible = IF(time_eligible, time_eligible - 86400, 0), time_start = IF(time_start, time_start - 86400, 0),
    time_end = time_end - 86400;
CREATE TEMPORARY TABLE s AS SELECT * FROM {c}_suspend_table WHERE job_db_inx + 1000000 IN (SELECT job_db_inx FROM j);
UPDATE s SET job_db_inx = job_db_inx + 1000000, time_start = time_start - 86400, time_end = time_end - 86400;
INSERT INTO {c}_job_table SELECT * FROM j; INSERT INTO {c}_suspend_table SELECT * FROM s;
UPDATE {c}_assoc_table SET creation_time = creation_time - 172800;
UPDATE {c}_event_table SET time_start = time_start - 172800 WHERE time_end = 0;
UPDATE cluster_table SET creation_time = creation_time - 172800;
"""


def rolled_up(bed: Bed, days: list[date]) -> None:
    """Let slurmdbd add up whole days that are over."""
    first = int(datetime(days[0].year, days[0].month, days[0].day, tzinfo=UTC).timestamp())
    code = f"from fabriek.demo.slurm.roll_up import roll_up; print(roll_up({first}, {first + 86_400 * len(days)}))"
    assert bed.run(CLUSTER, sys.executable, "-c", code).split()[-1] == "0"


@pytest.mark.django_db
def test_the_ledger_says_what_sacct_and_sreport_say_to_the_second(
    bed: Bed, meter: Meter, jobs: Jobs, tmp_path: Path
) -> None:
    Database(bed.folder / "db", getpass.getuser()).ask(YESTERDAY.format(c=CLUSTER, a=ACCOUNT))
    mine = Meter(bed, tmp_path)
    mine.tell()
    told = [record for record in mine.told.values() if int(record.job_id) > 1_000_000]
    assert len(told) >= 10
    world = make_world()
    allocation = make_allocation(world)
    code = allocation.project.code
    lines = [Line(n, replace(record, account=code)) for n, record in enumerate(told, 1)]
    assert book_usage(world.cluster, "all", lines, "test").broken == []
    used = allocation_hours([allocation.code])[allocation.code].used
    assert used == sum(record.accelerator_seconds for record in told)
    days = sorted({datetime.fromtimestamp(second, tz=UTC).date() for r in told for second in (r.start, r.end)})
    rolled_up(bed, days)
    prover = Prover(CLUSTER, mine.metering.accounting)
    proofs = [of_project(prover.prove(day), code) for day in days]
    for proof in proofs:
        stored = prove_usage(world.cluster, proof)[0]
        assert not stored.differs, stored.lines
        assert stored.roll_up, "sreport says nothing"
        assert not stored.roll_up_differs, stored.roll_up
    assert sum(line.runs for proof in proofs for line in proof.lines) == len(told)
    # Slurm's report counts what was suspended, and until 22.05 the first part of what was resized twice.
    explained = [row for proof in proofs for row in proof.roll_up or []]
    assert sum(row.explained_accelerator_seconds for row in explained) >= 2
    assert (sum(row.explained_core_seconds for row in explained) >= 1) is (bed.version < "23")
    assert check() == []
    mine.metering.close()


def of_project(proof: DailyProof, code: str) -> DailyProof:
    """The lines of the account, as if it were the project's."""
    lines = [line.model_copy(update={"account": code}) for line in proof.lines if line.account == ACCOUNT]
    report = [row.model_copy(update={"account": code}) for row in proof.roll_up or [] if row.account == ACCOUNT]
    return proof.model_copy(update={"lines": lines, "roll_up": report})
