"""Submitting through the platform against sbatch itself, on a real cluster of Debian's Slurm, started here.

    python benchmarks/slurm_submit.py [JOBS]

One by one, in turns: sbatch as the same user; the agent's engine by commands; the engine by slurmrestd (JWT). And what
the platform adds: taking the job in over the API, and the agent's round, a job. Medians, and the ratio to
sbatch. An agent asks for jobs every two seconds (`--interval`): that waiting is not in these figures, it is no work.
"""

from __future__ import annotations

import getpass
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ["FABRIEK_FOLDER"] = tempfile.mkdtemp(prefix="fabriek-bench-")
os.environ["DJANGO_SETTINGS_MODULE"] = "fabriek.conf.settings"
sys.path.insert(0, str(Path(__file__).parents[1]))

import django

django.setup()

import httpx  # noqa: E402
from benchmarks.peers.slurm_bed import one_cluster  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from tests.factories.world import make_allocation, make_world  # noqa: E402

from fabriek.compute.agent import Agent  # noqa: E402
from fabriek.compute.slurm import SlurmEngine  # noqa: E402
from fabriek.compute.slurm.accounts import qos_name  # noqa: E402
from fabriek.compute.slurm.commands import Commands  # noqa: E402
from fabriek.compute.slurm.settings import SlurmSettings  # noqa: E402
from fabriek.compute.wire import JobOrder  # noqa: E402
from fabriek.demo.slurm import Bed, Partition, ordinary_user  # noqa: E402
from fabriek.people.actions import create_token  # noqa: E402

SCRIPT = "#!/bin/bash\n#SBATCH --gpus=1 --time=1\ntrue\n"
AS_ROOT = os.geteuid() == 0
USER = ordinary_user()


def main() -> None:
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    try:
        with one_cluster(Partition("gpu", nodes=1, gpus=8, cores=32), rest=True) as (bed, folder):
            measure(bed, folder, jobs)
    finally:
        shutil.rmtree(os.environ["FABRIEK_FOLDER"], ignore_errors=True)


def measure(bed: Bed, folder: Path, jobs: int) -> None:
    call_command("migrate", verbosity=0)
    world = make_world()
    allocation = make_allocation(world, gpu_hours=1_000)
    (folder / "jobs").mkdir()
    (folder / "jobs").chmod(0o1777)
    settings = SlurmSettings.model_validate(
        {
            "cluster": "alpha",
            "default_user": USER,
            "commands": {"environment": bed.env("alpha")},
            "jobs": {"folder": str(folder / "jobs"), "become": "runuser" if AS_ROOT else "self"},
        }
    )
    rest = {"url": bed.rest_url("alpha"), "user": getpass.getuser()}
    with_rest = SlurmSettings.model_validate({**settings.model_dump(), "rest": rest})
    by_commands = SlurmEngine(folder / "commands", "alpha", settings, Commands(settings))
    by_rest = SlurmEngine(folder / "rest", "alpha", with_rest, Commands(with_rest))
    _token, plain = create_token(world.operator, name="agent", scopes=["agent"], site=world.cluster.code)
    lead = allocation.project.members.get(role="lead").person
    _token, own = create_token(lead, name="me", scopes=["apply", "read"], person=lead)
    app = httpx.WSGITransport(app=get_wsgi_application())
    agent = Agent(
        by_rest,
        httpx.Client(transport=app, base_url="http://localhost", headers={"Authorization": f"Bearer {plain}"}),
        world.cluster.code,
        folder / "agent",
    )
    agent.round()
    account = allocation.project.code
    qos = qos_name(settings, account, "gpu")
    words = ["sbatch", "--parsable", f"--account={account}", "--partition=gpu", f"--qos={qos}", "--output=/dev/null"]
    words = ["runuser", "-u", USER, "--", *words] if AS_ROOT else words
    environment = {**os.environ, **bed.env("alpha")}

    def plain_sbatch(_number: int) -> None:
        subprocess.run(words, input=SCRIPT, text=True, env=environment, cwd="/", check=True, capture_output=True)

    def through(engine: SlurmEngine, name: str) -> Callable[[int], None]:
        def submit(number: int) -> None:
            order = {"uuid": f"{name}-{number}", "account": account, "user": "u000001", "partition": "gpu"}
            engine.submit(JobOrder(**order, name="job", script=SCRIPT))

        return submit

    ways: dict[str, Callable[[int], None]] = {
        "sbatch itself": plain_sbatch,
        "engine, by commands": through(by_commands, "commands"),
        "engine, by slurmrestd": through(by_rest, "rest"),
    }
    took: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(jobs):
        for way, submit in ways.items():
            began = time.perf_counter()
            submit(number)
            took[way].append(time.perf_counter() - began)
    client = httpx.Client(transport=app, base_url="http://localhost", headers={"Authorization": f"Bearer {own}"})
    posts = []
    for _ in range(jobs):
        began = time.perf_counter()
        body = {"allocation": allocation.code, "name": "job", "script": SCRIPT}
        client.post("/api/v1/jobs", json=body).raise_for_status()
        posts.append(time.perf_counter() - began)
    began = time.perf_counter()
    summary = agent.round()
    rounds = (time.perf_counter() - began) / jobs
    assert summary.submitted == jobs, summary
    plain_median = statistics.median(took["sbatch itself"])
    print(f"{jobs} jobs each, medians")
    for way, times in took.items():
        median = statistics.median(times)
        print(f"{way:<44}{1000 * median:>8.1f} ms{median / plain_median:>8.2f} of sbatch")
    post = statistics.median(posts)
    print(f"{'taken in by the platform, over the API':<44}{1000 * post:>8.1f} ms{post / plain_median:>8.2f}")
    label = "the agent's round, a job: submitted, reported"
    print(f"{label:<44}{1000 * rounds:>8.1f} ms{rounds / plain_median:>8.2f}")


if __name__ == "__main__":
    main()
