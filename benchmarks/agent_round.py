"""What a round of an agent costs with 10,000 awards, the agent's part and the platform's, on a real cluster of Slurm.

    python benchmarks/agent_round.py [AWARDS] [--profile]

All awards stand in Slurm's database already (`peers/slurm_accounts.py` writes them there) but the last twenty, which
the first round makes. Then rounds with nothing to do, two seconds after each other as at a site, and those until a
top-up is in force. Processor time of this process, which is agent and platform, of the platform's part of it alone, and
of the daemons and commands. Beside them the plain way: an agent that remembers nothing, and asks and reads all.
"""

from __future__ import annotations

import cProfile
import os
import pstats
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

os.environ["FABRIEK_FOLDER"] = tempfile.mkdtemp(prefix="fabriek-bench-")
os.environ["DJANGO_SETTINGS_MODULE"] = "fabriek.conf.settings"
sys.path.insert(0, str(Path(__file__).parents[1]))

import django

django.setup()

import httpx  # noqa: E402
from benchmarks.peers import slurm_accounts  # noqa: E402
from benchmarks.peers.slurm_bed import one_cluster  # noqa: E402
from benchmarks.slurm_reconcile import processor_time  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from tests.factories.world import MONTH, NEXT, World, make_allocation, make_world  # noqa: E402

from fabriek.compute.agent import Agent  # noqa: E402
from fabriek.compute.slurm import SlurmEngine  # noqa: E402
from fabriek.compute.slurm.commands import Commands  # noqa: E402
from fabriek.compute.slurm.settings import SlurmSettings  # noqa: E402
from fabriek.compute.slurm.store import Store  # noqa: E402
from fabriek.demo.slurm import Bed, Partition, ordinary_user  # noqa: E402
from fabriek.ledger.actions import Move, post  # noqa: E402
from fabriek.ledger.models import Account, Entry  # noqa: E402
from fabriek.operations.queries import desired_state  # noqa: E402
from fabriek.people.actions import create_token  # noqa: E402
from fabriek.projects.models import Allocation, Member, Project  # noqa: E402

MADE, ROUNDS, PLAIN = 20, 20, 3
SECONDS = 600


def main() -> None:
    awards = next((int(word) for word in sys.argv[1:] if word.isdecimal()), 10_000)
    try:
        with one_cluster(Partition("gpu", nodes=1, gpus=4)) as (bed, folder):
            measure(bed, folder, awards)
    finally:
        shutil.rmtree(os.environ["FABRIEK_FOLDER"], ignore_errors=True)


def fill(world: World, awards: int) -> list[Allocation]:
    """Rows as awards leave them, each of a project with one member and ten GPU-minutes."""
    first = make_allocation(world)
    like = first.project
    projects = Project.objects.bulk_create(
        [
            Project(
                code=f"bench-{n:05d}", title=f"Benchmark project {n}", programme=like.programme,
                organisation=like.organisation, organisation_class="startup", country="NL", starts=MONTH, ends=NEXT,
            )
            for n in range(awards - 1)
        ],
        batch_size=1_000,
    )  # fmt: skip
    lead = like.members.get(role="lead")
    Member.objects.bulk_create(
        [Member(project=p, person=lead.person, role="lead", unix_name=lead.unix_name) for p in projects],
        batch_size=1_000,
    )
    made = Allocation.objects.bulk_create(
        [
            Allocation(code=f"{p.code}.1", project=p, partition=world.partition, starts=MONTH, ends=NEXT)
            for p in projects
        ],
        batch_size=1_000,
    )
    stations = Account.objects.bulk_create(
        [
            Account(
                code=f"award:accelerator-seconds:{a.code}", kind="award", unit="accelerator-seconds",
                partition=world.partition.code, month=MONTH, programme=like.programme.code, allocation=a.code,
            )
            for a in made
        ],
        batch_size=1_000,
    )  # fmt: skip
    post(world.officer, key="benchmark", kind="award", moves=[Move(shares_of(first), s, SECONDS) for s in stations])
    return made


def shares_of(allocation: Allocation) -> Account:
    """Whence an award came."""
    return Entry.objects.filter(credit__allocation=allocation.code).select_related("debit")[0].debit


def measure(bed: Bed, folder: Path, awards: int) -> None:
    call_command("migrate", verbosity=0)
    world = make_world()
    made = fill(world, awards)
    settings = SlurmSettings.model_validate(
        {
            "cluster": "alpha",
            "default_user": ordinary_user(),
            "commands": {"environment": bed.env("alpha")},
            "jobs": {"folder": str(folder / "jobs"), "become": "self" if os.geteuid() else "runuser"},
        }
    )
    wanted = desired_state(world.cluster).accounts
    there = wanted[: len(wanted) - MADE]
    slurm_accounts.write(bed, settings, there)
    store = Store(folder / "slurm.sqlite3")
    store.remember_made(there)
    store.close()
    _token, plain = create_token(world.operator, name="agent", scopes=["agent"], site=world.cluster.code)
    platform = Counted()
    client = httpx.Client(
        transport=platform, base_url="http://localhost", headers={"Authorization": f"Bearer {plain}"}, timeout=600
    )

    def started() -> Agent:
        """One that has read nothing yet."""
        engine = SlurmEngine(folder, "alpha", settings, Commands(settings))
        return Agent(engine, client, world.cluster.code, folder / "agent")

    def took(agent: Agent) -> tuple[float, float, float, float]:
        """Of one round: on the clock, agent, platform, daemons and commands."""
        began, own, all_before, asked = time.perf_counter(), time.process_time(), processor_time(bed), platform.seconds
        summary = agent.round()
        assert not summary.error, summary.error
        mine, theirs = time.process_time() - own, platform.seconds - asked
        return time.perf_counter() - began, mine - theirs, theirs, processor_time(bed) - all_before - mine

    def told(what: str, found: list[tuple[float, float, float, float]]) -> None:
        wall, mine, theirs, daemons = (statistics.mean(column) for column in zip(*found, strict=True))
        line = f"agent {mine:.3f}, platform {theirs:.3f}, Slurm {daemons:.3f} s of processor time"
        print(f"{what:<48}{line}; {wall:.2f} s on the clock", flush=True)

    agent = started()
    told(f"the first of {awards:,} awards, {MADE} made", [took(agent)])
    told("the second", [took(agent)])
    profile = cProfile.Profile()
    idle = []
    for _ in range(ROUNDS):
        if "--profile" in sys.argv:
            profile.enable()
        idle.append(took(agent))
        profile.disable()
        time.sleep(2.0)
    told(f"{ROUNDS} with nothing to do, a round", idle)
    if "--profile" in sys.argv:
        pstats.Stats(profile).sort_stats("tottime").print_stats(25)
    station = Account.objects.get(allocation=made[len(made) // 2].code)
    move = Move(Entry.objects.filter(credit=station).select_related("debit")[0].debit, station, 2 * SECONDS)
    post(world.officer, key="top-up", kind="award", moves=[move])
    until = time.monotonic() + 120
    began, rounds = time.monotonic(), []
    while not any(s.accelerator_seconds_limit == 3 * SECONDS for s in agent.engine.enforced()):
        assert time.monotonic() < until
        rounds.append(took(agent))
        time.sleep(2.0)
    told(f"a top-up, in force after {time.monotonic() - began:.0f} s, a round", rounds)
    told("plain: all asked and read, a round", [took(started()) for _ in range(PLAIN)])


class Counted(httpx.WSGITransport):
    """The platform in this process; `seconds` of processor time that it took."""

    def __init__(self) -> None:
        super().__init__(app=get_wsgi_application())
        self.seconds = 0.0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        began = time.process_time()
        try:
            return super().handle_request(request)
        finally:
            self.seconds += time.process_time() - began


if __name__ == "__main__":
    main()
