"""The reference of the catalogue's format: its example is read, and valid by the schema that the page links."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema

from fabriek.catalogue.record import published, read_record

DOCS = Path(__file__).parents[3] / "docs" / "reference"


def test_the_example_is_read_and_valid_by_the_schema_that_the_page_links() -> None:
    page = (DOCS / "formats.md").read_text(encoding="utf-8")
    section = page[page.index("## An entry of the catalogue") :]
    said = json.loads(re.search(r"^```json\n(.*?)^```", section, re.MULTILINE | re.DOTALL)[1])  # type: ignore[index]
    assert read_record(said).as_json() == said
    linked = json.loads((DOCS / "schema" / "entry-1.json").read_text(encoding="utf-8"))
    assert linked == published(), "write it anew: fabriek.catalogue.record.published"
    jsonschema.validate(said, linked)
