"""Records and entries for tests."""

from __future__ import annotations

from itertools import count
from typing import Any

from fabriek.catalogue.actions import draft_entry, publish_entry
from fabriek.catalogue.models import Entry
from fabriek.catalogue.record import Record, read_record
from fabriek.people.models import Person
from tests.factories.world import make_person

_numbers = count(1)


def make_record(kind: str = "dataset", **said: Any) -> Record:
    """A record that may be published; `details` are added to its kind."""
    number = next(_numbers)
    details = said.pop("details", {})
    return read_record(
        {
            "code": f"{kind}-{number}",
            "title": f"Entry {number}",
            "summary": f"What entry {number} is, in a sentence.",
            "licence": "CC-BY-4.0",
            "owner": {"name": "An owner"},
            "homepage": f"https://example.org/{number}",
            **said,
            "details": {"kind": kind, **details},
        }
    )


def make_entry(kind: str = "dataset", *, steward: Person | None = None, **said: Any) -> Entry:
    """A published entry."""
    entry = draft_entry(steward or make_person(), make_record(kind, **said))
    return publish_entry(make_person("officer"), entry)
