"""The awarded run: the agent sets up their projects on the embedded engine, short jobs run, every second is booked.

The agent speaks to the platform's own API, through its web application, without a socket: the same code as over HTTPS.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import httpx
from django.core.wsgi import get_wsgi_application
from django.utils import timezone

from fabriek.access.models import Application
from fabriek.compute.agent import Agent, Lock
from fabriek.compute.local import load_engine
from fabriek.demo.applicants import ORIGIN
from fabriek.demo.demand import demand
from fabriek.demo.world import CLUSTER, World, agent_folder
from fabriek.ledger.queries import allocation_hours
from fabriek.operations.actions import submit_job
from fabriek.operations.models import ENDED_STATES, Job, UsageRecord
from fabriek.people.actions import create_token
from fabriek.projects.models import Allocation

PATIENCE = 60.0
LIMIT = 60

SCRIPT = """#!/bin/bash
#SBATCH --job-name={name}
#SBATCH --gpus={gpus}
#SBATCH --ntasks=1
#SBATCH --time=00:01:00
echo "Job $SLURM_JOB_ID of $SLURM_JOB_ACCOUNT on $SLURM_GPUS declared accelerator slots"
sum=0
for number in $(seq 1 20000); do sum=$((sum + number * number)); done
echo "sum of squares: $sum"
sleep {seconds}
"""


def agent_token() -> str:
    """The token of the demo's agent, made once and kept in a file that only its owner reads."""
    path = agent_folder() / "token"
    if not path.exists():
        _token, plain = create_token(None, name="demo agent", scopes=["agent"], site=CLUSTER)
        path.touch(mode=0o600)
        path.write_text(plain, encoding="utf-8")
    return path.read_text(encoding="utf-8").strip()


def submit_jobs(_world: World, step: Callable[[], None]) -> str:
    """One job for each awarded project whose months have begun, as large as its group's largest real job, at most 8."""
    largest = {f"{ORIGIN}: virtual cluster {row.cluster}, {row.month}": row.largest_job_gpus for row in demand()}
    origins = dict(_origins())
    for allocation in _running_allocations():
        if not allocation.project.jobs.exists():
            left = allocation_hours([allocation.code])[allocation.code].left
            gpus = max(1, min(8, largest.get(origins.get(allocation.project.code, ""), 1), left // LIMIT))
            script = SCRIPT.format(name="demo", gpus=gpus, seconds=f"0.{len(allocation.code) % 9 + 1}")
            lead = allocation.project.members.get(role="lead").person
            submit_job(lead, allocation, "demo", script)
        step()
    return f"{Job.objects.count()} jobs submitted"


def _origins() -> list[tuple[str, str]]:
    return list(Application.objects.filter(is_demo=True).values_list("code", "origin"))


def _running_allocations() -> list[Allocation]:
    today = timezone.now().date()
    found = Allocation.objects.filter(project__is_demo=True, starts__lte=today, ends__gt=today, settled_at__isnull=True)
    return list(found.select_related("project__programme", "partition").order_by("code"))


def run_the_agent(_world: World, step: Callable[[], None]) -> str:
    """Round after round until every job has ended and its use is booked."""
    folder = agent_folder()
    lock = Lock(folder)
    engine = load_engine(folder, CLUSTER)
    transport = httpx.WSGITransport(app=get_wsgi_application())
    headers = {"Authorization": f"Bearer {agent_token()}"}
    began = time.monotonic()
    booked = 0
    try:
        with httpx.Client(transport=transport, base_url="http://localhost", headers=headers) as client:
            agent = Agent(engine, client, CLUSTER, folder)
            while True:
                summary = agent.round()
                booked += summary.booked
                step()
                if not Job.objects.exclude(state__in=ENDED_STATES).exists() and not summary.booked:
                    break
                if time.monotonic() - began > PATIENCE:
                    raise TimeoutError(f"jobs still run after {PATIENCE:.0f} seconds; run again to go on")
                time.sleep(0.1)
    finally:
        engine.close()
        lock.release()
    return f"{UsageRecord.objects.count()} usage records booked"


def is_done() -> bool:
    """Whether everything ran and nothing waits to be sent."""
    outbox = agent_folder() / "outbox"
    return (
        Job.objects.exists()
        and not Job.objects.exclude(state__in=ENDED_STATES).exists()
        and not (outbox.exists() and any(outbox.glob("*.json")))
    )
