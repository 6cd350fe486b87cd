"""One project on two real clusters: jobs on both, one account of them; its data moved between their agents."""

from __future__ import annotations

import os
import pwd
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.factories.world import World, make_allocation, make_partition, make_world
from tests.slurm.conftest import short_folder
from tests.slurm.sites import PATIENCE, Site
from tests.slurm.test_spine import SCRIPT, gpu_seconds_of, job_state, new_agent

from fabriek.compute.agent import Agent
from fabriek.demo.slurm import Bed
from fabriek.ledger.queries import allocation_hours, check
from fabriek.operations.actions import ask_transfer, register_cluster, submit_job
from fabriek.operations.models import ENDED_STATES, Transfer, UsageRecord
from fabriek.operations.queries import burn_down, differences
from fabriek.operations.transfer_lifecycle import ACTIVE
from fabriek.programmes.actions import declare_capacity, establish_shares
from fabriek.projects.actions import award
from fabriek.projects.models import Allocation, Project
from fabriek.promises.queries import hours

pytestmark = pytest.mark.django_db(transaction=True)


class TwoSites:
    """A project with hours on alpha and on beta, an agent at each, and a folder of the project at each."""

    def __init__(self, bed: Bed, user: str, folder: Path) -> None:
        self.user, self.folder = user, folder
        self.world: World = make_world()
        first = make_allocation(self.world)
        self.project: Project = first.project
        self.lead = self.project.members.get(role="lead").person
        second = self._award_at_another_site(first)
        self.allocations = [first, second]
        self.sites = [Site(bed, name, user, folder / name) for name in ("alpha", "beta")]
        for site in self.sites:
            self._storage(site)
        self.agents: list[Agent] = [
            new_agent(site, world) for site, world in zip(self.sites, self._worlds(second), strict=True)
        ]

    def _award_at_another_site(self, first: Allocation) -> Allocation:
        from decimal import Decimal

        _factory, partition = make_partition(self.world.operator)
        self.second_cluster = register_cluster(
            self.world.operator,
            code=f"{self.world.cluster.code}-b",
            site=partition.system.site,
            engine="slurm",
            partitions={"gpu": partition},
        )
        declare_capacity(self.world.operator, partition, [first.starts])
        establish_shares(self.world.officer, partition, [first.starts], {"eu-industrial-entry": Decimal(1)})
        return award(
            self.world.officer, self.project, partition, first.starts, 1, 100 * 3600, key=f"{self.project.code}-b"
        )

    def _worlds(self, _second: Allocation) -> list[World]:
        from dataclasses import replace

        return [self.world, replace(self.world, cluster=self.second_cluster)]

    def _storage(self, site: Site) -> None:
        """Each agent's transfers.toml: beta fetches from alpha, both with folders that belong to the jobs' user."""
        root = site.folder / "projects" / self.project.code
        root.mkdir(parents=True)
        if os.geteuid() == 0:
            found = pwd.getpwnam(self.user)
            os.chown(root, found.pw_uid, found.pw_gid)
        root.chmod(0o700)
        text = f'folder = "{site.folder}/projects"\n'
        if site.cluster == "beta":
            text += f'[fetch.{self.world.cluster.code}]\nfolder = "{self.folder}/alpha/projects"\n'
        (site.folder / "agent" / "transfers.toml").write_text(text)

    def root(self, number: int) -> Path:
        return self.sites[number].folder / "projects" / self.project.code

    def rounds_until(self, enough: Callable[[], object], patience: float = PATIENCE) -> None:
        began = time.monotonic()
        while not enough():
            summaries = [agent.round() for agent in self.agents]
            assert time.monotonic() - began < patience, summaries
            time.sleep(0.3)

    def moved(self, path: str, mode: str = "copy") -> Transfer:
        made = ask_transfer(
            self.lead,
            self.project,
            from_cluster=self.world.cluster.code,
            to_cluster=self.second_cluster.code,
            path=path,
            mode=mode,
            start_at_once=True,
        )

        def over() -> bool:
            made.refresh_from_db()
            return made.state not in ACTIVE

        self.rounds_until(over)
        return made


@pytest.fixture
def two(bed: Bed, job_user: str) -> Iterator[TwoSites]:
    folder = short_folder()
    folder.chmod(0o755)
    made = TwoSites(bed, job_user, folder)
    yield made
    for agent in made.agents:
        agent.close()
    shutil.rmtree(folder, ignore_errors=True)


def test_a_project_uses_two_clusters_and_has_one_account_of_it(two: TwoSites, bed: Bed) -> None:
    before = sum(row.used for row in hours())
    script = SCRIPT.format(gpus=1, minutes=1, body="sleep 2")
    jobs = [submit_job(two.lead, allocation, "job", script) for allocation in two.allocations]
    assert jobs[0].cluster != jobs[1].cluster
    two.rounds_until(lambda: all(job_state(job) in ENDED_STATES for job in jobs))
    assert [job_state(job) for job in jobs] == ["COMPLETED", "COMPLETED"]
    two.rounds_until(lambda: UsageRecord.objects.filter(allocation__project=two.project).count() == 2)
    used = allocation_hours([a.code for a in two.allocations])
    for site, allocation in zip(two.sites, two.allocations, strict=True):
        assert used[allocation.code].used == gpu_seconds_of(bed, site.cluster, two.project.code) > 0
        assert differences(allocation.partition.clusters.get()) == []
    whole = sum(one.used for one in used.values())
    points = burn_down(two.project)
    assert (points[0].left, points[-1].left) == (200 * 3600, 200 * 3600 - whole), "one burn-down for both"
    assert sum(row.used for row in hours()) - before == whole, "and one promise"
    assert check() == []


def test_data_moves_between_the_two_agents_as_the_projects_own_user(two: TwoSites) -> None:
    _said = [agent.round() for agent in two.agents]
    data = two.root(0) / "data"
    (data / "deep").mkdir(parents=True)
    (data / "deep" / "weights").write_bytes(os.urandom(300_000))
    (data / "notes $(touch hostile)").write_text("hello")
    if os.geteuid() == 0:
        found = pwd.getpwnam(two.user)
        for path in [data, *data.rglob("*")]:
            os.chown(path, found.pw_uid, found.pw_gid)
    done = two.moved("data")
    assert (done.state, done.error, done.error_detail) == ("done", "", "")
    assert done.from_digest == done.to_digest != ""
    assert (done.files_total, done.bytes_total) == (2, 300_005)
    there = two.root(1) / "data"
    assert (there / "deep" / "weights").read_bytes() == (data / "deep" / "weights").read_bytes()
    owners = {pwd.getpwuid(path.stat().st_uid).pw_name for path in [there, *there.rglob("*")]}
    assert owners == {two.user}, "never the agent's own"
    gone = two.moved("data/deep/weights", "move")
    assert (gone.state, gone.error) == ("failed", "exists"), "what is there is never written over unasked"
    shutil.rmtree(there)
    moved = two.moved("data", "move")
    assert (moved.state, moved.error_detail) == ("done", "")
    assert not data.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's agent becomes others")
def test_what_the_agent_may_read_and_the_user_may_not_stays_where_it_is(two: TwoSites) -> None:
    _said = [agent.round() for agent in two.agents]
    secret = two.root(0) / "secret"
    secret.write_text("of root's")
    secret.chmod(0o600)
    failed = two.moved("secret")
    assert (failed.state, failed.error) == ("failed", "denied")
    assert not (two.root(1) / "secret").exists()
