"""The reference of recipes and results: its examples are read, and say what they say that they do."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema

from fabriek.recipes.parameters import check
from fabriek.recipes.recipe import BOOK, read_book, read_recipe
from fabriek.recipes.rendering import render
from fabriek.recipes.result_file import published, read_result

DOCS = Path(__file__).parents[3] / "docs" / "reference"
PAGE = (DOCS / "recipes.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    return re.search(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)[1]  # type: ignore[index]


def test_the_example_of_a_recipe_can_be_read_and_rendered(tmp_path: Path) -> None:
    folder = tmp_path / "count-letters"
    folder.mkdir()
    (folder / "recipe.toml").write_text(block("toml"), encoding="utf-8")
    (folder / "script.sh").write_text(block("bash"), encoding="utf-8")
    (folder / "count.py").write_text("print('counted')\n", encoding="utf-8")
    recipe = read_recipe(folder)
    asked, faults = check(recipe, {"path": "/project/text"})
    assert faults == []
    assert asked is not None
    assert block("bash").strip() in render(recipe, asked)


def test_the_example_of_a_result_is_read_and_valid_by_the_schema_that_the_page_links() -> None:
    read = read_result(block("json"))
    assert read.series[0].points[-1] == (3.0, None)
    linked = json.loads((DOCS / "schema" / "result-1.json").read_text(encoding="utf-8"))
    assert linked == published()
    jsonschema.validate(json.loads(block("json")), linked)


def test_every_recipe_is_on_the_page() -> None:
    for code in read_book(BOOK):
        assert f"| `{code}` |" in PAGE
