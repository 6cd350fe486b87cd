"""The published JSON Schemas of the formats (draft 2020-12), made from the models.

Made again by `python -m fabriek.allocation.schema`; a test finds what differs.
"""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from fabriek.allocation.explain.model import Explanation
from fabriek.allocation.plan import Plan
from fabriek.allocation.problem import Problem

FORMATS: dict[str, type[BaseModel]] = {
    "problem-1.json": Problem,
    "plan-1.json": Plan,
    "explanation-1.json": Explanation,
}


def made(name: str) -> dict[str, Any]:
    """The schema as the models say it now."""
    schema = FORMATS[name].model_json_schema(by_alias=True)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:fabriek:schema:{name.removesuffix('.json')}",
        **schema,
    }


def published(name: str) -> dict[str, Any]:
    """The schema as it comes with the package."""
    found: dict[str, Any] = json.loads(resources.files(__name__).joinpath(name).read_text(encoding="utf-8"))
    return found


def write() -> None:
    """Publish the schemas anew, beside this file."""
    for name in FORMATS:
        text = json.dumps(made(name), indent=1, sort_keys=True) + "\n"
        (Path(__file__).parent / name).write_text(text, encoding="utf-8")
