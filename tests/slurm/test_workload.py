"""What a real slurmdbd says of its jobs is a trace for the simulator."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tests.slurm.test_bed import let_in, submit, until

from fabriek.demo.slurm import Bed
from fabriek.simulation.workloads.reading import read_trace
from fabriek.simulation.workloads.trace import NEVER_RAN

ACCOUNT = "traced"


def test_the_documented_command_prints_a_trace(bed: Bed, job_user: str, folder: Path) -> None:
    let_in(bed, "alpha", job_user, ACCOUNT)

    def start(script: str, *options: str) -> str:
        return submit(bed, "alpha", job_user, ACCOUNT, script, "--job-name=a|b", *options)

    two = start("sleep 2", "--partition=gpu", "--gres=gpu:2", "--cpus-per-task=3", "--time=5")
    array = start("sleep 1", "--partition=cpu", "--array=1-3", "--mem-per-cpu=100")
    cancelled = start("sleep 600", "--partition=cpu", "--time=1:00:00", "--mem=200")

    def states() -> dict[str, str]:
        lines = bed.run("alpha", "sacct", "-XnP", "-A", ACCOUNT, "--format=JobID,State").split("\n")
        return dict(line.split("|") for line in lines if line)

    until(lambda: states().get(cancelled) == "RUNNING")
    # One that ends in the second it began never ran.
    until(lambda: int(bed.run("alpha", "sacct", "-XnP", "-j", cancelled, "--format=ElapsedRaw").strip() or 0) >= 1)
    bed.run("alpha", "scancel", cancelled)
    until(lambda: len(found := states()) == 5 and not {"RUNNING", "PENDING"} & set(found.values()))

    # As the reader's documentation has it, of this account alone.
    printed = bed.run(
        "alpha", "env", "TZ=UTC", "SLURM_TIME_FORMAT=%s", "sacct", "-a", "-X", "-P", "-D", "--noconvert",
        "-S", "now-1hour", "-E", "now", "-A", ACCOUNT,
        "--format=JobIDRaw,Submit,Eligible,Start,End,ElapsedRaw,State,TimelimitRaw,User,Group,Account,Partition,QOS,"
        "ReqCPUS,AllocCPUS,ReqTRES,AllocTRES,JobName",
    )  # fmt: skip
    (folder / "trace.txt").write_text(printed)
    trace = read_trace(folder / "trace.txt")
    elapsed = {
        job: int(seconds)
        for job, seconds in (
            line.split("|")
            for line in bed.run("alpha", "sacct", "-XnP", "-A", ACCOUNT, "--format=JobID,ElapsedRaw").split()
        )
    }
    jobs = trace.jobs
    read = Counter(
        zip(jobs.processors, jobs.gpus, jobs.memory, jobs.run, jobs.estimate, strict=True)  # type: ignore[arg-type]
    )
    tasks = [elapsed[f"{array}_{task}"] for task in (1, 2, 3)]
    ran = [seconds for seconds in tasks if seconds]
    assert read == Counter(
        [
            (3, 2, 3_072, elapsed[two], 300),
            *((1, 0, 100, seconds, 3_600) for seconds in ran),
            (1, 0, 200, elapsed[cancelled], 3_600),
        ]
    )
    assert trace.format == "sacct"
    assert trace.repairs.reasons() == +Counter({NEVER_RAN: len(tasks) - len(ran)})
    assert {jobs.accounts[place] for place in jobs.account} == {ACCOUNT}
    assert trace.waits is not None
    assert (trace.waits >= 0).all()
