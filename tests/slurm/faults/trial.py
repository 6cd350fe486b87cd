"""One trial: two jobs and an array live their lives, one thing is broken on the way, and all is put right after.

What must hold then: Slurm has each job once; what is enforced is what was awarded; the usage records are sacct's runs,
and their sum is what the ledger says; nothing waits in the agent's folder.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from django.db import connections
from tests.factories.world import World, make_allocation, make_world
from tests.slurm.faults.boundaries import Boundaries, Place, kill_self
from tests.slurm.faults.line import Cable
from tests.slurm.faults.platform import Platform
from tests.slurm.sites import Site

from fabriek.compute.agent import TROUBLES, Agent
from fabriek.compute.engine import difference
from fabriek.demo.slurm import Bed
from fabriek.ledger.queries import allocation_hours
from fabriek.operations.actions import cancel_job, submit_job
from fabriek.operations.models import ENDED_STATES, Job, UsageRecord
from fabriek.operations.queries import desired_state
from fabriek.people.actions import create_token
from fabriek.projects.models import Allocation

SHORT = "#!/bin/bash\n#SBATCH --gpus=1 --time=1\nsleep 1\n"
LONG = "#!/bin/bash\n#SBATCH --gpus=2 --time=60\nsleep 3000\n"
ARRAY = "#!/bin/bash\n#SBATCH --gpus=1 --time=1 --array=1-2\nsleep 1\n"
EXPECTED = {"short": "COMPLETED", "array": "COMPLETED", "long": "CANCELLED"}
PATIENCE = 300.0
RIGHT_AFTER = 200.0
"""Seconds after which a job won't end, and after which what is wrong stays wrong, on however busy a machine."""
CLUSTER = "alpha"


@dataclass(frozen=True)
class Fault:
    """What is broken, and where. `act` runs in the agent at the place; `daemons` are found dead and started again after
    `away` seconds; `platform`: the place is one of the platform's. `cut`: the part of the output that is left there.
    `clock`: by how much the agent's is off. `patience`: seconds for which the agent waits for an answer."""

    kind: str
    place: Place
    act: Callable[[], None] | None = None
    cut: float = 1.0
    away: float = 0.0
    platform: bool = False
    clock: float = 0.0
    loses_jobs: bool = False
    patience: float = 30.0

    def __str__(self) -> str:
        return f"{self.kind} {self.place}"


@dataclass
class Outcome:
    """What became of a trial. No `wrong`: it survived."""

    fault: Fault | None
    fired: bool = False
    wrong: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Ground:
    """A bed, a platform with its world, and an agent's folder, all of which go on from trial to trial."""

    def __init__(self, bed: Bed, folder: Path, user: str, cable: Cable | None = None) -> None:
        self.bed, self.folder = bed, folder
        self.platform = Platform(cable)
        self.world: World = make_world()
        self.site = Site(bed, CLUSTER, user, folder)
        # What was not answered is not made again before this and half a minute are over.
        commands = self.site.settings.commands.model_copy(update={"timeout": 20.0})
        self.site.settings = self.site.settings.model_copy(update={"commands": commands})
        self.site.engine.close()
        _token, self.token = create_token(
            self.world.operator, name="agent", scopes=["agent"], site=self.world.cluster.code
        )
        self._number = 0

    def new_seen(self) -> Path:
        """A file in which boundaries are noted."""
        self._number += 1
        return self.folder / f"trial-{self._number}.seen"

    def fork_agent(self, boundaries: Boundaries | None, clock: float = 0.0, patience: float = 30.0) -> int:
        """An agent at work, in a process of its own, until it is killed."""
        connections.close_all()
        pid = os.fork()
        if pid:
            return pid
        try:
            if clock:
                now = time.time
                time.time = lambda: now() + clock
            if boundaries is not None:
                boundaries.install()
            _work(self, patience)
        finally:
            os._exit(1)


def _work(ground: Ground, patience: float) -> None:
    engine = ground.site.new_engine()
    headers = {"Authorization": f"Bearer {ground.token}"}
    client = httpx.Client(
        base_url=ground.platform.url, headers=headers, timeout=patience, transport=httpx.HTTPTransport()
    )
    agent = Agent(engine, client, ground.world.cluster.code, ground.folder / "agent", patience=1)
    while True:
        try:
            summary = agent.round()
            if summary.error:
                _say(ground, summary.error)
        except TROUBLES as error:
            _say(ground, str(error))
        time.sleep(0.1)


def _say(ground: Ground, text: str) -> None:
    with (ground.folder / "agent.log").open("a") as file:
        file.write(f"{time.strftime('%X')} {text[:500]}\n")


def run_trial(ground: Ground, fault: Fault | None = None) -> Outcome:
    """One trial, with a fault or without."""
    outcome, began = Outcome(fault), time.monotonic()
    # So many that what the jobs may use fits, and so few that the share carries a thousand trials.
    allocation = make_allocation(ground.world, gpu_hours=5)
    lead = allocation.project.members.get(role="lead").person
    scripts = {"short": SHORT, "long": LONG, "array": ARRAY}
    jobs = [submit_job(lead, allocation, name, script) for name, script in scripts.items()]
    seen = ground.new_seen()
    boundaries = Boundaries(seen)
    if fault is not None and not fault.platform:
        boundaries = Boundaries(seen, fault.place, fault.act, fault.cut)
    if fault is not None and fault.platform:
        ground.platform.start(seen, fault.place, fault.act)
        agent = ground.fork_agent(None, patience=fault.patience)
    else:
        ground.platform.start()
        agent = ground.fork_agent(boundaries, fault.clock if fault else 0.0, fault.patience if fault else 30.0)
    try:
        agent = _until_over(ground, agent, jobs, fault, outcome, seen)
        _until_right(ground, allocation, jobs, outcome, fault)
    finally:
        _end(agent)
        ground.platform.kill()
        ground.bed.set_clock(CLUSTER, 0)
    if not outcome.wrong:
        outcome.wrong += _not_enforced(ground, allocation)
    outcome.fired = seen.with_suffix(".fired").exists() or bool(fault and fault.clock)
    outcome.seen = seen.read_text().split("\n")[:-1] if seen.exists() else []
    outcome.seconds = time.monotonic() - began
    return outcome


def _until_over(ground: Ground, agent: int, jobs: list[Job], fault: Fault | None, outcome: Outcome, seen: Path) -> int:
    """Look after what was killed, cancel the long job once it runs, until both have ended. Returns the agent's pid."""
    until = time.monotonic() + PATIENCE
    while True:
        agent = _mend(ground, agent, fault, outcome)
        states = dict(Job.objects.filter(pk__in=[job.pk for job in jobs]).values_list("name", "state"))
        long = jobs[1]
        long.refresh_from_db()
        others_ended = {states["short"], states["array"]} <= ENDED_STATES
        if states["long"] == "RUNNING" and others_ended and not long.cancel_requested_at:
            cancel_job(long.submitted_by, long)
        if set(states.values()) <= ENDED_STATES:
            # A fault may wait for what comes after the jobs' end.
            return agent
        if time.monotonic() > until:
            outcome.wrong.append(f"after {PATIENCE:.0f} s the jobs are {states}")
            return agent
        time.sleep(0.1)


def _mend_daemons(ground: Ground, fault: Fault | None) -> None:
    """An operator's, or systemd's, part."""
    if not ground.platform.is_alive:
        ground.platform.start()
    dead = [name for name in ground.bed.daemons if name not in ground.bed.pids]
    if dead:
        time.sleep(fault.away if fault else 0)
        for name in dead:
            ground.bed.start(name)


def _mend(ground: Ground, agent: int, fault: Fault | None, outcome: Outcome) -> int:
    """Start again what died, an agent too. One that wasn't killed doesn't die."""
    _mend_daemons(ground, fault)
    done, _status = os.waitpid(agent, os.WNOHANG)
    if not done:
        return agent
    if fault is None or fault.act is not kill_self:
        outcome.wrong.append("the agent ended by itself")
    return ground.fork_agent(None)


def _end(agent: int) -> None:
    try:
        os.kill(agent, signal.SIGKILL)
        os.waitpid(agent, 0)
    except (ProcessLookupError, ChildProcessError):
        pass


def _until_right(
    ground: Ground, allocation: Allocation, jobs: list[Job], outcome: Outcome, fault: Fault | None
) -> None:
    """Until all is as it must be; what isn't after some time is wrong."""
    if outcome.wrong:
        return
    until = time.monotonic() + RIGHT_AFTER
    while True:
        _mend_daemons(ground, fault)
        wrong = _wrong(ground, allocation, jobs, fault)
        if not wrong:
            return
        if time.monotonic() > until:
            outcome.wrong += wrong
            return
        time.sleep(0.3)


def _wrong(ground: Ground, allocation: Allocation, jobs: list[Job], fault: Fault | None) -> list[str]:
    """What does not hold, in words."""
    wrong = []
    for job in jobs:
        job.refresh_from_db()
    if not (fault and fault.loses_jobs):
        wrong += [f"{job.name} is {job.state} ({job.reason})" for job in jobs if job.state != EXPECTED[job.name]]
    numbers = {job.engine_job for job in jobs if job.engine_job}
    account = allocation.project.code
    in_slurm = _sacct(ground.bed, "-a", f"--accounts={account}", "-S", "now-2hours")
    mine = _sacct(ground.bed, f"--jobs={','.join(sorted(numbers))}") if numbers else Accounted()
    if extra := in_slurm.jobs - numbers:
        wrong.append(f"Slurm has jobs {sorted(extra)} beside {sorted(numbers)}: submitted twice")
    told = {**in_slurm.runs, **mine.runs}
    runs = {key: seconds for key, seconds in told.items() if seconds is not None}
    if len(runs) < len(told):
        wrong.append("a run has no end in slurmdbd")
    latest: dict[tuple[str, int], int] = {}
    for record in UsageRecord.objects.filter(allocation=allocation).order_by("revision"):
        latest[record.job_id, record.start] = record.accelerator_seconds
    # A run that was over within its first second may be booked as nought, or not at all: it is the same to everyone.
    latest = {key: seconds for key, seconds in latest.items() if seconds}
    if latest != runs:
        wrong.append(f"booked {latest}, in sacct {runs}")
    used = allocation_hours([allocation.code])[allocation.code].used
    if used != sum(runs.values()):
        wrong.append(f"the ledger says {used} s, sacct {sum(runs.values())} s")
    if waiting := [p.name for name in ("outbox", "returned") for p in (ground.folder / "agent" / name).glob("*.json")]:
        wrong.append(f"still to be sent: {waiting}")
    return wrong


@dataclass
class Accounted:
    """What sacct says: the jobs (an array is one), and GPU-seconds of each run that began, by its number and start;
    None: it has no end yet."""

    jobs: set[str] = field(default_factory=set)
    runs: dict[tuple[str, int], int | None] = field(default_factory=dict)


def _sacct(bed: Bed, *where: str) -> Accounted:
    os.environ["TZ"] = "UTC"
    words = ["sacct", "-X", "-D", "-n", "-P", *where, "--format=JobID,JobIDRaw,Start,End,ElapsedRaw,AllocTRES"]
    found = Accounted()
    for line in bed.run(CLUSTER, *words, check=False).splitlines():
        job, number, start, end, elapsed, tres = line.split("|")
        if start in ("Unknown", "None"):
            continue
        counts = dict(part.split("=") for part in tres.split(",") if part)
        began = int(time.mktime(time.strptime(start, "%Y-%m-%dT%H:%M:%S")))
        if int(elapsed) == 0 and end != "Unknown":
            # It never ran, or for less than a second: there is nothing to book.
            continue
        found.jobs.add(job.partition("_")[0])
        found.runs[number, began] = None if end == "Unknown" else int(elapsed) * int(counts.get("gres/gpu", 0))
    return found


def _not_enforced(ground: Ground, allocation: Allocation) -> list[str]:
    """Where Slurm doesn't enforce what was awarded. Asked by a new engine, when no agent works."""
    engine = ground.site.new_engine()
    try:
        wanted = [a for a in desired_state(ground.world.cluster).accounts if a.account == allocation.project.code]
        there = [a for a in engine.enforced() if a.account == allocation.project.code]
        return [d.sentence for d in difference(wanted, there)]
    finally:
        engine.close()
