"""Records and entries for tests."""

from __future__ import annotations

from collections.abc import Collection
from itertools import count
from typing import Any

from fabriek.catalogue.actions import agree, draft_entry, publish_entry
from fabriek.catalogue.consents import purposes_of
from fabriek.catalogue.models import Entry
from fabriek.catalogue.record import Record, read_record
from fabriek.catalogue.rules import PROFILES
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


def make_entry(
    kind: str = "dataset", *, steward: Person | None = None, purposes: Collection[str] | None = None, **said: Any
) -> Entry:
    """A published entry. Of a profile its steward agrees to these purposes, or to all that are asked."""
    steward = steward or make_person()
    entry = draft_entry(steward, make_record(kind, **said))
    if kind in PROFILES:
        return agree(steward, entry, purposes_of(kind) if purposes is None else purposes)
    return publish_entry(make_person("officer"), entry)
