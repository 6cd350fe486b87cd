"""Recipes and results by the command: listed, shown, estimated, run, and what came of them."""

from __future__ import annotations

import pytest
from tests.factories.world import make_allocation, make_world
from tests.unit.cli.test_over_the_api import Command, _no_network  # noqa: F401
from tests.unit.recipes.test_running import ends, lead_of, written

from fabriek.operations.models import Job

pytestmark = pytest.mark.django_db


def test_a_member_lists_shows_estimates_runs_and_reads_what_came_of_it() -> None:
    world = make_world()
    allocation = make_allocation(world, gpu_hours=10)
    fabriek = Command(lead_of(allocation))
    assert "train-small-lm" in fabriek.run("recipe", "list").output
    shown = fabriek.run("recipe", "show", "train-small-lm").output
    assert "1 to 1e+06" in shown
    assert "tiny, small, medium, large" in shown
    assert len(fabriek.read("recipe", "list")) == 6
    told = fabriek.run("recipe", "estimate", "train-small-lm", allocation.code, "--set", "minutes=5").output
    assert "GPU-hours: about" in told
    assert "at most 0.08; 10.00 are left." in told
    told = fabriek.run(
        "recipe", "estimate", "train-distributed", allocation.code, "--set", "minutes=151", "--set", "accelerators=4",
        "--set", "steps=1000000",
    ).output  # fmt: skip
    assert "it would be refused" in told
    assert "won't be finished" in told
    assert "until its time is over" in fabriek.run("recipe", "estimate", "notebook", allocation.code).output
    assert not Job.objects.exists()
    job = fabriek.read("recipe", "run", "train-small-lm", allocation.code, "--set", "steps=7", "--set", "name=a=b c")
    assert job["name"] == "a=b c"
    made = Job.objects.get()
    assert made.run.parameters["steps"] == 7
    ends(world, made, written("mine"))
    assert "mine" in fabriek.run("result", "list", allocation.project.code).output
    shown = fabriek.run("result", "show", made.uuid).output
    for words in (
        "model mine",
        "loss: 1.5",
        "/results/mine/checkpoint.pt",
        "a" * 64,
        "Recipe train-small-lm 1",
        '"steps": 7',
    ):
        assert words in shown, words
    tuned = fabriek.read("recipe", "run", "fine-tune-lm", allocation.code, "--set", f"checkpoint={made.uuid}")
    assert f"Led to fine-tune-lm ({tuned['uuid']}, fine-tune-lm)" in fabriek.run("result", "show", made.uuid).output
    assert fabriek.read("result", "show", made.uuid)["sha256"] == made.result.digest


def test_what_does_not_hold_ends_with_status_2_and_a_line_for_each_parameter() -> None:
    allocation = make_allocation(make_world(), gpu_hours=10)
    fabriek = Command(lead_of(allocation))
    told = fabriek.run("recipe", "run", "train-small-lm", allocation.code, "--set", "steps=0", status=2)
    assert "steps: From 1 to 1,000,000." in told.output
    told = fabriek.run("recipe", "run", "train-small-lm", allocation.code, "--set", "steps", status=2)
    assert "NAME=VALUE" in told.output
    fabriek.run("recipe", "show", "nothing", status=1)
    assert not Job.objects.exists()
