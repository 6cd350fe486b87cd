"""Running a recipe and taking what its job says that it made: who may, what is refused, and what stays on record."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.factories.world import World, make_allocation, make_person, make_world

from fabriek.audit.models import Event
from fabriek.compute.wire import JobReport
from fabriek.operations.errors import JobRefused
from fabriek.operations.models import Job
from fabriek.people.models import Person
from fabriek.projects.errors import NotAMember
from fabriek.projects.models import Allocation
from fabriek.recipes.actions import estimate_run, run_recipe, take_report
from fabriek.recipes.errors import ParametersInvalid, RecipeRefused, UnknownRecipe
from fabriek.recipes.models import Result, Run
from fabriek.recipes.queries import (
    checkpoints,
    for_the_catalogue,
    lineage,
    recipe_of,
    recipes,
    result_of,
    whole_lineage,
)
from fabriek.register.models import Site

pytestmark = pytest.mark.django_db
UUID = "8d8a8f3e-0000-4000-8000-000000000001"


def lead_of(allocation: Allocation) -> Person:
    return allocation.project.members.get(role="lead").person


def run(allocation: Allocation, recipe: str = "train-small-lm", **said: Any) -> Job:
    return run_recipe(lead_of(allocation), allocation, recipe_of(recipe), said)


def written(name: str = "m", **more: Any) -> str:
    output = {"path": f"/results/{name}/checkpoint.pt", "kind": "checkpoint", "bytes": 7, "sha256": "a" * 64}
    said = {"format": "fabriek/result/1", "kind": "model", "name": name, "outputs": [output]}
    return json.dumps({**said, "metrics": {"loss": 1.5, "parameters": 120_576}, **more})


def ends(world: World, job: Job, text: str | None = None, state: str = "COMPLETED", **more: Any) -> Result | None:
    take_report(world.cluster, str(job.uuid), JobReport(state=state, engine_job="7", results=text, **more))  # type: ignore[arg-type]
    return Result.objects.filter(job=job).first()


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def allocation(world: World) -> Allocation:
    return make_allocation(world, gpu_hours=10)


def test_a_run_is_a_job_with_its_recipe_on_record(allocation: Allocation) -> None:
    job = run(allocation, steps=20, name="A first one")
    assert (job.name, job.state) == ("A first one", "QUEUED")
    recipe = recipe_of("train-small-lm")
    found = Run.objects.get(job=job)
    assert (found.recipe, found.version, found.digest) == (recipe.code, recipe.version, recipe.digest)
    assert found.parameters["steps"] == 20
    assert found.parameters["minutes"] == 10
    assert found.expected_seconds is not None
    assert recipe.digest in job.script
    event = Event.objects.get(verb="recipes.run_recipe")
    assert event.data["recipe"] == recipe.code


def test_running_it_with_the_same_number_again_makes_nothing_new(allocation: Allocation) -> None:
    recipe = recipe_of("train-small-lm")
    first, second = (run_recipe(lead_of(allocation), allocation, recipe, {}, uuid=UUID) for _ in range(2))
    assert first == second
    assert Run.objects.count() == 1


def test_only_members_estimate_and_run(allocation: Allocation) -> None:
    recipe = recipe_of("train-small-lm")
    for verb in (run_recipe, estimate_run):
        with pytest.raises(NotAMember):
            verb(make_person("officer"), allocation, recipe, {})


def test_what_does_not_hold_is_told_for_each_parameter_and_nothing_is_submitted(allocation: Allocation) -> None:
    with pytest.raises(ParametersInvalid) as invalid:
        run(allocation, steps=0, size="huge", minutes="soon")
    assert invalid.value.faults == {
        "steps": ["From 1 to 1,000,000."],
        "size": ["Choose one of: tiny, small, medium, large."],
        "minutes": ["Give a whole number."],
    }
    assert not Job.objects.exists()


def test_the_estimate_is_held_against_what_is_left(allocation: Allocation) -> None:
    recipe, lead = recipe_of("train-distributed"), lead_of(allocation)
    fits = estimate_run(lead, allocation, recipe, {"accelerators": 4, "minutes": 150})
    assert (fits.left, fits.estimate.most_accelerator_seconds, fits.exceeds) == (36_000, 36_000, False)
    assert estimate_run(lead, allocation, recipe, {"accelerators": 4, "minutes": 151}).exceeds
    with pytest.raises(JobRefused, match=r"10\.07 GPU-hours and 10\.00 are left"):
        run(allocation, "train-distributed", accelerators=4, minutes=151)
    assert not Run.objects.exists(), "a run without its job would be no run"


def test_cores_are_held_against_what_is_left_of_them(allocation: Allocation) -> None:
    """10 GPU-hours on nodes of 4 GPUs and 64 cores come with 160 core-hours."""
    lead = lead_of(allocation)
    said = {"accelerators": 0, "cores": 64, "minutes": 180}
    found = estimate_run(lead, allocation, recipe_of("train-small-lm"), said)
    assert found.exceeds_cores
    with pytest.raises(RecipeRefused, match=r"192\.00 core-hours and 160\.00 are left"):
        run(allocation, **said)


def test_a_node_has_no_more_than_its_partition_says(allocation: Allocation) -> None:
    with pytest.raises(ParametersInvalid) as invalid:
        run(allocation, "train-distributed", accelerators=8)
    assert invalid.value.faults == {"accelerators": ["A node of this partition has 4."]}


def test_a_result_is_what_the_job_said_with_what_the_platform_knows(world: World, allocation: Allocation) -> None:
    job = run(allocation)
    series = [{"name": "loss", "points": [[0, 5.5], [1, None]]}]
    result = ends(world, job, written(series=series, surprise="passed over"))
    assert result is not None
    assert (result.name, result.kind, result.complete, result.problem) == ("m", "model", True, "")
    assert result.series == [{"name": "loss", "x": "step", "points": [[0.0, 5.5], [1.0, None]]}]
    assert [output.sha256 for output in result.outputs.all()] == ["a" * 64]
    assert list(for_the_catalogue()) == [result]
    assert Event.objects.get(verb="recipes.register_result").data == {
        "job": str(job.uuid),
        "kind": "model",
        "outputs": 1,
    }


def test_a_job_without_a_recipe_may_say_what_it_made(world: World, allocation: Allocation) -> None:
    from fabriek.operations.actions import submit_job

    job = submit_job(lead_of(allocation), allocation, "mine", "#!/bin/bash\n#SBATCH --gpus=1 --time=1\ntrue\n")
    result = ends(world, job, written())
    assert result is not None
    assert result_of(lead_of(allocation), str(job.uuid)) == result


def test_while_it_goes_on_a_result_is_renewed_and_after_the_end_it_stays(world: World, allocation: Allocation) -> None:
    job = run(allocation)
    first = ends(world, job, written("early", complete=False, outputs=[]), "RUNNING")
    assert first is not None
    assert not first.complete
    assert not checkpoints(allocation.project).exists()
    last = ends(world, job, written("late"))
    assert last is not None
    assert (last.pk, last.name, last.complete) == (first.pk, "late", True)
    assert ends(world, job, written("too late")).name == "late"  # type: ignore[union-attr]
    assert [output.path for output in last.outputs.all()] == ["/results/late/checkpoint.pt"]


def test_what_can_t_be_read_is_told_and_loses_neither_job_nor_what_was_read(
    world: World, allocation: Allocation
) -> None:
    job = run(allocation)
    ends(world, job, written("early", complete=False), "RUNNING")
    result = ends(world, job, '{"format": "fabriek/result/1"')
    job.refresh_from_db()
    assert job.state == "COMPLETED"
    assert result is not None
    assert result.problem.startswith("Invalid JSON")
    assert result.name == "early"
    assert list(for_the_catalogue()) == []


def test_why_the_agent_could_not_take_it_is_told(world: World, allocation: Allocation) -> None:
    result = ends(world, run(allocation), results_problem="fabriek-result.json is not a regular file")
    assert result is not None
    assert (result.name, result.problem) == ("", "fabriek-result.json is not a regular file")


def test_a_result_of_any_length_is_taken_by_the_api_and_refused_by_the_room(
    world: World, allocation: Allocation
) -> None:
    result = ends(world, run(allocation), "x" * 300_000)
    assert result is not None
    assert "at most 262,144" in result.problem


def trained(world: World, allocation: Allocation, name: str = "m") -> Job:
    job = run(allocation)
    ends(world, job, written(name))
    return job


def test_lineage_goes_back_over_every_step(world: World, allocation: Allocation) -> None:
    first = trained(world, allocation, "first")
    second = run(allocation, "fine-tune-lm", checkpoint=str(first.uuid))
    assert '"path": "/results/first/checkpoint.pt"' in second.script
    assert f'"sha256": "{"a" * 64}"' in second.script
    ends(world, second, written("second"))
    third = run(allocation, "evaluate-lm", checkpoint=str(second.uuid))
    ends(world, third, written("third", kind="evaluation"))
    assert [one.name for one in whole_lineage(third.result)] == ["second", "first"]
    assert [output.result.job for output in lineage(second.result).came_from] == [first]
    assert list(lineage(second.result).led_to) == [third]
    assert [one.result.name for one in checkpoints(allocation.project)] == ["third", "second", "first"]


def test_one_starts_from_the_own_project_s_checkpoints_only(world: World, allocation: Allocation) -> None:
    other = trained(world, make_allocation(world))
    waiting = run(allocation)
    for number in (other.uuid, waiting.uuid, UUID):
        with pytest.raises(ParametersInvalid) as invalid:
            run(allocation, "fine-tune-lm", checkpoint=str(number))
        assert invalid.value.faults == {"checkpoint": ["Choose a checkpoint of this project."]}


def test_a_checkpoint_lies_at_its_site(world: World, allocation: Allocation) -> None:
    first = trained(world, allocation)
    elsewhere = Site.objects.create(code="elsewhere", name="Elsewhere", country="FI", city="Kajaani")
    there = world.cluster
    there.pk, there.code, there.site = None, "there", elsewhere
    there._state.adding = True
    there.save()
    Job.objects.filter(pk=first.pk).update(cluster=there)
    with pytest.raises(ParametersInvalid) as invalid:
        run(allocation, "evaluate-lm", checkpoint=str(first.uuid))
    assert "lies at there" in invalid.value.faults["checkpoint"][0]


def test_the_operator_s_own_recipes_are_read_from_the_platform_s_folder(tmp_path, settings) -> None:
    import shutil

    from fabriek.recipes.recipe import BOOK

    settings.FABRIEK_FOLDER = tmp_path
    assert [one.code for one in recipes()][:3] == ["train-small-lm", "fine-tune-lm", "evaluate-lm"]
    shutil.copytree(BOOK / "notebook", tmp_path / "recipes" / "ours")
    path = tmp_path / "recipes" / "ours" / "recipe.toml"
    path.write_text(path.read_text().replace('code = "notebook"', 'code = "ours"'))
    assert recipes()[-1].code == "ours"
    with pytest.raises(UnknownRecipe):
        recipe_of("nothing")
