"""What jobs made comes back from real Slurm, and a recipe trains on two of its nodes."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.slurm.sites import Site

from fabriek.compute.environment import torch_python
from fabriek.compute.results import MOST_BYTES
from fabriek.compute.wire import ENDED
from fabriek.demo.slurm import Bed
from fabriek.recipes.parameters import check
from fabriek.recipes.recipe import BOOK, read_book
from fabriek.recipes.rendering import render
from fabriek.recipes.result_file import read_result


@pytest.fixture
def site(bed: Bed, job_user: str, folder: Path) -> Site:
    return Site(bed, "alpha", job_user, folder)


def test_what_a_job_wrote_comes_with_its_report_and_nothing_where_it_wrote_nothing(site: Site) -> None:
    state = site.made("one")
    wrote = site.engine.submit(site.order(state, "echo '{\"a\": 1}' > fabriek-result.json"))
    silent = site.engine.submit(site.order(state))
    told = site.ended(wrote)
    assert (told.state, told.results, told.results_problem) == ("COMPLETED", '{"a": 1}\n', "")
    told = site.ended(silent)
    assert (told.state, told.results, told.results_problem) == ("COMPLETED", None, "")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        # what the agent's own user may read, and the job's may not
        ("ln -s {secret} fabriek-result.json", "links are not followed"),
        ("mkdir fabriek-result.json", "can't be read"),
        ("head -c 300000 /dev/zero > fabriek-result.json", f"more than {MOST_BYTES:,} bytes"),
        ("printf '\\377' > fabriek-result.json", "is not UTF-8"),
    ],
)
def test_what_is_no_file_of_the_job_s_own_is_told_and_the_job_has_ended(site: Site, body: str, why: str) -> None:
    secret = site.folder / "agent" / "secret"
    secret.write_text("the agent's token")
    secret.chmod(0o600)
    job = site.engine.submit(site.order(site.made("one"), body.format(secret=secret)))
    told = site.ended(job)
    assert (told.state, told.results) == ("COMPLETED", None)
    assert why in told.results_problem


def test_nobody_waits_for_a_pipe(site: Site) -> None:
    job = site.engine.submit(site.order(site.made("one"), "mkfifo fabriek-result.json"))
    told = site.ended(job)
    assert (told.state, told.results) == ("COMPLETED", "")


def test_two_nodes_train_one_model(site: Site, job_user: str) -> None:
    python = torch_python()
    if not python:
        pytest.skip("no PyTorch: make torch")
    as_user = ["runuser", "-u", job_user, "--"] if os.geteuid() == 0 else []
    if subprocess.run([*as_user, python, "-c", "pass"], capture_output=True, cwd="/").returncode:
        pytest.skip(f"{job_user}, whose jobs run here, may not run {python}")
    environment: dict[str, Any] = {**site.settings.commands.environment, "FABRIEK_TORCH_PYTHON": python}
    commands = site.settings.commands.model_copy(update={"environment": environment})
    site.settings = site.settings.model_copy(update={"commands": commands})
    site.engine = site.new_engine()
    recipe = read_book(BOOK)["train-distributed"]
    said = {"nodes": 2, "cores": 2, "accelerators": 0, "steps": 10, "stories": 200, "batch": 8, "minutes": 5}
    asked, faults = check(recipe, {**said, "name": "two nodes; $(id) '\""})
    assert asked is not None, faults
    state = site.made("cores", partition="cpu", accelerator_seconds_limit=0, core_seconds_limit=6_000)
    order = site.order(state).model_copy(update={"script": render(recipe, asked)})
    told = site.until(site.engine.submit(order), lambda report: report.state in ENDED)
    assert told.state == "COMPLETED", told.error_output
    assert told.results is not None
    made = read_result(told.results)
    assert (made.name, made.environment["processes"]) == ("two nodes; $(id) '\"", "4")
    assert made.metrics["validation_loss"] < made.metrics["validation_loss_first"]
    assert made.metrics["tokens"] == 10 * 8 * 64 * 4
    assert json.loads(told.results)["outputs"][0]["kind"] == "checkpoint"
