"""A site to run recipes at: the platform's API, the agent and the embedded engine, with a Python that has PyTorch."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.core.wsgi import get_wsgi_application
from tests.factories.world import World, make_allocation, make_world

from fabriek.compute.agent import Agent
from fabriek.compute.environment import torch_python
from fabriek.compute.local import LocalEngine, LocalPartition
from fabriek.operations.models import ENDED_STATES, Job
from fabriek.people.actions import create_token
from fabriek.people.models import Person
from fabriek.projects.models import Allocation
from fabriek.recipes.actions import run_recipe
from fabriek.recipes.queries import recipe_of

PATIENCE = 180.0
# What a test's model is: learned in seconds on one core of a busy machine.
SMALL = {"stories": 300, "steps": 80, "batch": 8, "cores": 1, "minutes": 5, "accelerators": 0}


def python_with_torch() -> str:
    """Its path. Without one the test is left out; in CI that is an error."""
    found = torch_python()
    if not found:
        if os.environ.get("CI"):
            pytest.fail("PyTorch is missing, and .ci/run installs it")
        pytest.skip("no PyTorch: make torch")
    return found


class Site:
    """One project with hours on one partition, and everything between the button and the job."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.world: World = make_world()
        self.allocation: Allocation = make_allocation(self.world, gpu_hours=2_000)
        self.lead: Person = self.allocation.project.members.get(role="lead").person
        partition = LocalPartition(nodes=4, accelerators_per_node=4, cores_per_node=64, environment=environment)
        self.engine = LocalEngine(folder, self.world.cluster.code, {"gpu": partition})
        code = self.world.cluster.code
        _token, plain = create_token(self.world.operator, name="agent", scopes=["agent"], site=code)
        client = httpx.Client(
            transport=httpx.WSGITransport(app=get_wsgi_application()),
            base_url="http://localhost",
            headers={"Authorization": f"Bearer {plain}"},
        )
        self.agent = Agent(self.engine, client, code, folder)

    def submit(self, recipe: str, **said: Any) -> Job:
        return run_recipe(self.lead, self.allocation, recipe_of(recipe), {"name": recipe, **said})

    def until_ended(self, job: Job) -> Job:
        last = time.monotonic() + PATIENCE
        while True:
            self.agent.round()
            job.refresh_from_db()
            if job.state in ENDED_STATES:
                return job
            assert time.monotonic() < last, f"it has not ended: {job.state} {job.output} {job.error_output}"
            time.sleep(0.1)

    def run(self, recipe: str, **said: Any) -> Job:
        return self.until_ended(self.submit(recipe, **said))

    def close(self) -> None:
        for job in Job.objects.exclude(state__in=ENDED_STATES):
            number = self.engine.find(str(job.uuid))
            if number:
                self.engine.cancel(number)
        last = time.monotonic() + 20
        while not self.engine.is_idle() and time.monotonic() < last:
            self.engine.tick()
            time.sleep(0.05)
        self.engine.close()
