"""The documentation's examples of the formats: read by the models, valid by the schemas, and true of each other."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest

from fabriek.allocation.explain.model import Explanation
from fabriek.allocation.plan import load_plan
from fabriek.allocation.problem import load_problem
from fabriek.allocation.schema import published
from fabriek.allocation.verify import verify

DOCS = Path(__file__).parents[3] / "docs"
# The last example is the catalogue's: test_entry_format.
PROBLEM, PLAN, EXPLANATION, _ENTRY = re.findall(
    r"^```json\n(.*?)^```", (DOCS / "reference" / "formats.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
)


def test_the_plan_is_a_plan_of_the_problem_and_holds() -> None:
    assert verify(load_problem(PROBLEM.encode()), load_plan(PLAN)) == []


def test_the_explanation_is_of_a_refusal_of_the_plan() -> None:
    explained, plan = Explanation.model_validate_json(EXPLANATION), load_plan(PLAN)
    assert explained.problem_sha256 == plan.problem_sha256
    assert explained.application in {refusal.application for refusal in plan.refusals}


@pytest.mark.parametrize(
    ("name", "text"), [("problem-1.json", PROBLEM), ("plan-1.json", PLAN), ("explanation-1.json", EXPLANATION)]
)
def test_each_is_valid_by_the_schema_that_the_page_links(name: str, text: str) -> None:
    jsonschema.validate(json.loads(text), published(name))
    linked = json.loads((DOCS / "reference" / "schema" / name).read_text(encoding="utf-8"))
    assert linked == published(name)
