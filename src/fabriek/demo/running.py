"""The awarded run: each cluster's agent sets up their projects, short jobs run, every second is booked.

The agents speak to the platform's own API, through its web application, without a socket: the same code as over HTTPS.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from datetime import UTC, datetime

import httpx
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db.models import Exists, OuterRef
from django.utils import timezone

from fabriek.access.models import Application
from fabriek.compute.agent import Agent, Lock
from fabriek.compute.command import ENGINES
from fabriek.demo import moving
from fabriek.demo.applicants import ORIGIN
from fabriek.demo.demand import demand
from fabriek.demo.machines import Machine
from fabriek.demo.world import World, agent_folder, describe_the_engine
from fabriek.ledger.errors import InsufficientHours
from fabriek.ledger.queries import allocation_hours
from fabriek.operations.actions import submit_job
from fabriek.operations.models import ENDED_STATES, Job, UsageRecord
from fabriek.people.actions import create_token
from fabriek.projects.actions import award
from fabriek.projects.models import Allocation, Project
from fabriek.projects.rules import months_between

PATIENCE = {"local": 60.0, "slurm": 300.0}
LIMIT = 60
# On the embedded engine a job may have all slots of several nodes; Slurm gives one task the GPUs of one node.
MOST_GPUS = {"local": 8, "slurm": 4}
CORE_HOURS = 200
HOURS_ELSEWHERE = 20

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


CORES_SCRIPT = """#!/bin/bash
#SBATCH --job-name={name}
#SBATCH --ntasks=2
#SBATCH --time=00:01:00
echo "Job $SLURM_JOB_ID of $SLURM_JOB_ACCOUNT on $SLURM_NTASKS cores"
sleep {seconds}
"""


def agent_token(machine: Machine) -> str:
    """The token of a machine's agent, made once and kept in a file that only its owner reads."""
    path = agent_folder(machine) / "token"
    if not path.exists():
        _token, plain = create_token(None, name=f"demo agent {machine.cluster}", scopes=["agent"], site=machine.cluster)
        path.touch(mode=0o600)
        path.write_text(plain, encoding="utf-8")
    return path.read_text(encoding="utf-8").strip()


def award_beside(world: World, step: Callable[[], None]) -> str:
    """What no call gives: core-hours for the awarded projects, and for universities' some hours at the other site."""
    made = 0
    for project in Project.objects.filter(is_demo=True, allocations__isnull=False).distinct().order_by("code"):
        for partition in world.partitions:
            if partition.accelerators_per_node and project.organisation_class != "academia":
                continue
            if project.allocations.filter(partition=partition).exists():
                continue
            months = len(months_between(project.starts, project.ends))
            hours = HOURS_ELSEWHERE if partition.accelerators_per_node else CORE_HOURS
            key = f"demo-beside:{project.code}:{partition.code}"
            # Where the calls have given all, there is nothing beside.
            with contextlib.suppress(InsufficientHours):
                award(world.officer, project, partition, project.starts, months, hours * 3600, key=key)
                made += 1
        step()
    return f"{made} awards beside the calls"


def submit_jobs(_world: World, machines: tuple[Machine, ...], step: Callable[[], None]) -> str:
    """One job for each awarded project whose months have begun, as large as its group's largest real job, at most 8."""
    largest = {f"{ORIGIN}: virtual cluster {row.cluster}, {row.month}": row.largest_job_gpus for row in demand()}
    origins = dict(_origins())
    most = MOST_GPUS[machines[0].engine]
    for allocation in _running_allocations():
        if not allocation.jobs.exists():
            seconds = f"0.{len(allocation.code) % 9 + 1}"
            script = CORES_SCRIPT.format(name="demo", seconds=seconds)
            if allocation.partition.accelerators_per_node:
                left = allocation_hours([allocation.code])[allocation.code].left
                gpus = max(1, min(most, largest.get(origins.get(allocation.project.code, ""), 1), left // LIMIT))
                script = SCRIPT.format(name="demo", gpus=gpus, seconds=seconds)
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


def run_the_agents(machines: tuple[Machine, ...], step: Callable[[], None]) -> str:
    """Round after round of each machine's agent until every job has ended and its use is booked, and of several sites
    some data have been moved between them; on the embedded engine the day so far is proved by its accounting."""
    patience = sum(PATIENCE[machine.engine] for machine in machines)
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        agents = [_agent(machine, stack) for machine in machines]
        while True:
            booked = sum(agent.round().booked for agent in agents)
            step()
            moving.move_data(machines)
            if not booked and not _unfinished():
                break
            if time.monotonic() - began > patience:
                raise TimeoutError(f"jobs still run after {patience:.0f} seconds; run again to go on")
            time.sleep(0.1)
        # The first whole day is proved tomorrow; until then there is to be seen what ended today.
        for machine, agent in zip(machines, agents, strict=True):
            if machine.engine == "local":
                agent.proofs.prove_day(datetime.now(UTC).date())
    return ", ".join(filter(None, [f"{UsageRecord.objects.count()} usage records booked", moving.told()]))


def _agent(machine: Machine, stack: contextlib.ExitStack) -> Agent:
    """The machine's agent, alone in its folder until the stack is left."""
    folder = agent_folder(machine)
    describe_the_engine(machine)
    lock = Lock(folder)
    stack.callback(lock.release)
    engine = ENGINES[machine.engine](folder, machine.cluster)
    stack.callback(engine.close)
    client = httpx.Client(
        transport=httpx.WSGITransport(app=get_wsgi_application()),
        base_url="http://localhost",
        headers={"Authorization": f"Bearer {agent_token(machine)}"},
    )
    stack.callback(client.close)
    agent = Agent(engine, client, machine.cluster, folder)
    stack.callback(agent.close)
    return agent


def _unfinished() -> bool:
    """Whether a job has not ended, data are being moved, or one of the demonstration's own jobs ran and isn't booked
    yet: schedulers account for a job some seconds after its end."""
    if Job.objects.exclude(state__in=ENDED_STATES).exists() or moving.is_moving():
        return True
    record = UsageRecord.objects.filter(cluster=OuterRef("cluster"), job_id=OuterRef("engine_job"))
    return Job.objects.filter(name="demo", state="COMPLETED").exclude(Exists(record)).exists()


def is_done() -> bool:
    """Whether everything ran and nothing waits to be sent."""
    waiting = any(settings.FABRIEK_FOLDER.glob("agent*/outbox/*.json"))
    return Job.objects.exists() and not _unfinished() and not waiting
