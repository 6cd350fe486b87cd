"""The recipes that come with Fabriek, and what is said of one that can't be read."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

import pytest

from fabriek.compute.directives import read_directives
from fabriek.recipes.estimates import SIZES, estimate, parameters_of
from fabriek.recipes.parameters import Asked, check
from fabriek.recipes.recipe import BOOK, PROGRAMS, Recipe, RecipeBroken, Words, read_book, read_recipe
from fabriek.recipes.rendering import render

RECIPES = read_book(BOOK)
CHECKPOINT = "8d8a8f3e-0000-4000-8000-000000000001"


def asked_of(recipe: Recipe, **said: object) -> Asked:
    needed = {"checkpoint": CHECKPOINT} if recipe.parameter("checkpoint") else {}
    asked, faults = check(recipe, {**needed, **said})
    assert asked is not None, faults
    return asked


def words_in(part: object) -> list[Words]:
    if isinstance(part, Words):
        return [part]
    if isinstance(part, list):
        return [words for one in part for words in words_in(one)]
    return [words for name in getattr(type(part), "model_fields", {}) for words in words_in(getattr(part, name))]


def test_the_issue_s_six_are_there() -> None:
    assert RECIPES.keys() == {
        "train-small-lm", "fine-tune-lm", "evaluate-lm", "serve-lm", "train-distributed", "notebook",
    }  # fmt: skip


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=lambda one: one.code)
def test_each_speaks_both_languages_asks_what_slurm_understands_and_carries_its_programs(recipe: Recipe) -> None:
    assert all(words.nl for words in words_in(recipe)), "Dutch lacks"
    asked = asked_of(recipe, name="n", accelerators=recipe.needs.accelerators.most)
    script = render(recipe, asked)
    read = read_directives(script)
    assert (read.name, read.nodes, read.seconds) == (recipe.code, asked.nodes, asked.seconds)
    assert (read.accelerators, read.cores) == (asked.nodes * asked.accelerators, asked.nodes * asked.cores)
    for name in recipe.programs:
        assert (PROGRAMS / f"{name}.py").read_text(encoding="utf-8").rstrip() in script
    assert len(script) < 100_000


def test_a_time_limit_of_days_is_one_that_slurm_understands() -> None:
    script = render(RECIPES["train-small-lm"], asked_of(RECIPES["train-small-lm"], minutes=2880))
    assert read_directives(script).seconds == 172_800


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=lambda one: one.code)
def test_programs_import_only_what_travels_with_them(recipe: Recipe) -> None:
    for name, text in recipe.files.items():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and node.level:
                wanted = {node.module} if node.module else {alias.name for alias in node.names}
                assert wanted <= set(recipe.programs), f"{recipe.code}: {name} wants {wanted}"
            elif isinstance(node, ast.ImportFrom | ast.Import):
                names = [node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
                assert not any(str(one).startswith(("fabriek", "numpy", "pydantic")) for one in names), name


def test_estimates_know_the_models_sizes() -> None:
    """`programs/model.py` needs PyTorch to be imported, so its table is read as text."""
    tree = ast.parse((PROGRAMS / "model.py").read_text(encoding="utf-8"))
    table = next(n.value for n in tree.body if isinstance(n, ast.Assign) and n.targets[0].id == "SIZES")  # type: ignore[attr-defined]
    shapes = {
        key.value: {word.arg: word.value.value for word in call.keywords}
        for key, call in zip(table.keys, table.values, strict=True)  # type: ignore[attr-defined]
    }
    assert {size: (s["layers"], s["width"], s["context"]) for size, s in shapes.items()} == SIZES
    assert parameters_of("tiny") == 120_576, "counted by PyTorch"


def test_the_digest_tells_any_change_of_what_runs(tmp_path: Path) -> None:
    source = BOOK / "evaluate-lm"
    copy = tmp_path / "evaluate-lm"
    shutil.copytree(source, copy)
    assert read_recipe(copy).digest == read_recipe(source).digest
    (copy / "evaluate.py").write_text("print('other')\n")
    changed = read_recipe(copy)
    assert changed.files["evaluate"] == "print('other')\n", "a program beside the recipe goes first"
    assert changed.digest != read_recipe(source).digest
    (copy / "script.sh").write_text("true\n")
    assert read_recipe(copy).digest != changed.digest


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ('code = "notebook"', 'code = "other"', "the folder's name and the code"),
        ('code = "notebook"', 'code = "Note Book"', "code: String should match pattern"),
        ('makes = "notebook"', 'makes = "magic"', "makes: "),
        ('makes = "notebook"', 'makes = "notebook"\nsurprise = 1', "surprise: Extra inputs"),
        ('programs = ["settings", ', 'programs = ["../../../etc/passwd", ', "no name of a program"),
        ('programs = ["settings", ', 'programs = ["nothing_here", ', "No such file"),
        ("least = 0\nmost = 65535", "least = 9\nmost = 1", "a number has a least and a most"),
        ('name = "port"', 'name = "minutes"', "a parameter's name is used once"),
        ("cores = { least = 1", "cores = { least = 100", "least, default and most are in that order"),
        ("format = ", "format", "Expected '='"),
        ('accelerators_are = "either"', 'accelerators_are = "none"', "accelerators.most above 0"),
    ],
)
def test_a_recipe_that_can_t_be_read_is_told_with_its_file_and_what_is_wrong(
    tmp_path: Path, before: str, after: str, told: str
) -> None:
    folder = tmp_path / "notebook"
    shutil.copytree(BOOK / "notebook", folder)
    text = (folder / "recipe.toml").read_text(encoding="utf-8")
    assert before in text
    (folder / "recipe.toml").write_text(text.replace(before, after), encoding="utf-8")
    with pytest.raises(RecipeBroken) as broken:
        read_recipe(folder)
    assert str(folder / "recipe.toml") in str(broken.value)
    assert told in str(broken.value)


def test_the_operator_s_own_recipe_takes_the_place_of_one_of_the_same_code(tmp_path: Path) -> None:
    shutil.copytree(BOOK / "notebook", tmp_path / "notebook")
    (tmp_path / "notebook" / "script.sh").write_text("echo mine\n")
    assert read_book(BOOK, tmp_path)["notebook"].script == "echo mine\n"


def test_more_steps_take_longer_more_gpus_cost_more_and_a_service_takes_its_time() -> None:
    recipe = RECIPES["train-small-lm"]

    def seconds(**said: object) -> int:
        found = estimate(recipe, asked_of(recipe, **said), petaflops=0.5).expected_seconds
        assert found is not None
        return found

    assert seconds(steps=100_000, accelerators=0) > seconds(steps=1_000, accelerators=0)
    assert seconds(size="large", steps=1_000, accelerators=0) > 10 * seconds(size="small", steps=1_000, accelerators=0)
    assert seconds(size="large", steps=1_000, accelerators=1) < seconds(size="large", steps=1_000, accelerators=0)
    spread = RECIPES["train-distributed"]
    two, eight = (estimate(spread, asked_of(spread, accelerators=n)) for n in (2, 8))
    assert eight.most_accelerator_seconds == 4 * two.most_accelerator_seconds == 4 * 2 * 600
    service = estimate(RECIPES["serve-lm"], asked_of(RECIPES["serve-lm"], minutes=60))
    assert (service.expected_seconds, service.expected_accelerator_seconds, service.fits) == (None, 3_600, True)


def test_what_won_t_be_finished_in_time_is_told_with_the_minutes_that_it_takes() -> None:
    recipe = RECIPES["train-small-lm"]
    found = estimate(recipe, asked_of(recipe, size="large", steps=100_000, accelerators=0, minutes=10))
    assert not found.fits
    assert found.expected_core_seconds == 600, "no more than its limit is used"
    assert found.minutes_to_ask * 60 > (found.expected_seconds or 0)


def test_the_size_of_the_checkpoint_counts_where_it_is_known() -> None:
    recipe = RECIPES["fine-tune-lm"]
    asked = asked_of(recipe, accelerators=0, steps=1_000)
    small, large = (estimate(recipe, asked, shape={"parameters": n}).expected_seconds or 0 for n in (120_576, 8.6e7))
    assert large > 10 * small
