"""Whether an agent's memory stays flat over 10,000 jobs, on a real cluster of Debian's Slurm, started here.

    python benchmarks/agent_soak.py [RUNS] [TASKS] [--aged]

The agent is the command itself (`fabriek agent`), in a process of its own; so is the platform. RUNS runs are submitted
through the platform as job arrays of TASKS tasks each (20), some arrays at a time; each run is accounted for by Slurm,
told and booked by itself. Printed: the agent's resident memory (VmRSS) at its start, at each tenth of the records, and
at the end; whether all that sacct says was booked, once.

Each scan of the accounting reads the last hour again, and all 10,000 are of one hour here. --aged: what was booked is
moved two hours back in slurmdbd at each tenth, as if the soak took a day.
"""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_MEMORY = Path("/dev/shm")
FOLDER = Path(tempfile.mkdtemp(prefix="fabriek-", dir=_MEMORY if _MEMORY.is_dir() else None))
# munge wants the folders above its socket open to all.
FOLDER.chmod(0o755)
os.environ["FABRIEK_FOLDER"] = str(FOLDER / "platform")
os.environ["DJANGO_SETTINGS_MODULE"] = "fabriek.conf.settings"
sys.path.insert(0, str(Path(__file__).parents[1]))

import django  # noqa: E402

django.setup()

from django.core.management import call_command  # noqa: E402
from tests.factories.world import World, make_allocation, make_world  # noqa: E402
from tests.slurm.faults.platform import Platform  # noqa: E402

from fabriek.demo.slurm import Bed, Cluster, Partition, ordinary_user  # noqa: E402
from fabriek.demo.slurm.database import Database  # noqa: E402
from fabriek.operations.actions import submit_job  # noqa: E402
from fabriek.operations.models import ENDED_STATES, Job, UsageRecord  # noqa: E402
from fabriek.people.actions import create_token  # noqa: E402

AT_ONCE = 20
SCRIPT = "#!/bin/bash\n#SBATCH --gpus=1 --time=1 --array=1-{tasks}\necho task $SLURM_ARRAY_TASK_ID\n"


def main() -> None:
    numbers = [int(word) for word in sys.argv[1:] if word.isdecimal()]
    runs, tasks = numbers[0] if numbers else 10_000, numbers[1] if len(numbers) > 1 else 20
    platform = Platform()
    bed = Bed(FOLDER / "bed", [Cluster("alpha", (Partition("gpu", nodes=4, gpus=16, cores=16),))])
    agent: subprocess.Popen[bytes] | None = None
    try:
        bed.up()
        call_command("migrate", verbosity=0)
        world = make_world()
        platform.start()
        agent = start_agent(bed, world, platform.url)
        soak(bed, world, agent.pid, runs, tasks)
    finally:
        if agent is not None:
            # Not asked to: it would finish its round first.
            agent.kill()
            agent.wait()
        platform.kill()
        bed.down(remove=True)
        shutil.rmtree(FOLDER, ignore_errors=True)


def start_agent(bed: Bed, world: World, url: str) -> subprocess.Popen[bytes]:
    """The command, with a folder of its own."""
    folder, jobs = FOLDER / "agent", FOLDER / "jobs"
    folder.mkdir()
    jobs.mkdir()
    jobs.chmod(0o1777)
    environment = ", ".join(f'{name} = "{value}"' for name, value in bed.env("alpha").items())
    user = ordinary_user()
    become = "runuser" if os.geteuid() == 0 else "self"
    (folder / "slurm.toml").write_text(
        f'cluster = "alpha"\ndefault_user = "{user}"\n[commands]\nenvironment = {{ {environment} }}\n'
        f'[jobs]\nfolder = "{jobs}"\nbecome = "{become}"\n[metering]\ninterval = 2\n'
    )
    _token, plain = create_token(world.operator, name="agent", scopes=["agent"], site=world.cluster.code)
    words = [sys.executable, "-m", "fabriek.cli.main", "agent", "--engine", "slurm", "--cluster", world.cluster.code]
    with (FOLDER / "agent.out").open("wb") as output:
        return subprocess.Popen(
            [*words, "--folder", str(folder), "--url", url],
            env={**os.environ, "FABRIEK_TOKEN": plain},
            stdout=output,
            stderr=output,
        )


def soak(bed: Bed, world: World, agent: int, runs: int, tasks: int) -> None:
    allocation = make_allocation(world, gpu_hours=2_000)
    lead = allocation.project.members.get(role="lead").person
    began, submitted, printed = time.monotonic(), 0, 0
    while not world.cluster.enforced.exists():
        time.sleep(0.5)
    print(f"{runs:,} runs in arrays of {tasks}; the agent at its start: {resident(agent):.1f} MiB", flush=True)
    while True:
        booked = UsageRecord.objects.count()
        while printed < 10 * booked // runs:
            printed += 1
            print(f"{printed * 10:>4} %  {booked:>7,} booked  {resident(agent):.1f} MiB", flush=True)
            if "--aged" in sys.argv:
                age(bed)
        if booked >= runs:
            break
        going = Job.objects.exclude(state__in=ENDED_STATES).count()
        while going < AT_ONCE and submitted < runs:
            submit_job(lead, allocation, f"array {submitted}", SCRIPT.format(tasks=min(tasks, runs - submitted)))
            going, submitted = going + 1, submitted + tasks
        time.sleep(0.5)
    told = bed.run("alpha", "sacct", "-aXnPD", "--format=JobIDRaw,Submit", "-S", "now-2days", "-E", "now+1hour")
    assert len(set(told.splitlines())) == UsageRecord.objects.count() == runs
    print(
        f"at the end: {resident(agent):.1f} MiB; {Job.objects.count():,} jobs, {time.monotonic() - began:.0f} s; "
        "what sacct says was booked, each run once"
    )


def age(bed: Bed) -> None:
    """Move what was booked two hours back."""
    numbers = ",".join(UsageRecord.objects.order_by("-id").values_list("job_id", flat=True))
    moved = ", ".join(f"time_{name} = time_{name} - 7200" for name in ("submit", "eligible", "start", "end"))
    recent = f"time_end > {int(time.time()) - 3_600}"
    Database(bed.folder / "db", getpass.getuser()).ask(
        f"UPDATE alpha_job_table SET {moved} WHERE {recent} AND id_job IN ({numbers})"
    )


def resident(pid: int) -> float:
    """MiB."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0]) / 1024


if __name__ == "__main__":
    main()
