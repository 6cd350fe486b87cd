"""What differs between two records, field by field, for whoever decides on the change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fabriek.catalogue.record import Record


@dataclass(frozen=True)
class Difference:
    """A field by its path, before and after; None: it was or is left out."""

    path: str
    before: Any
    after: Any


def differences(before: Record, after: Record) -> list[Difference]:
    """Each field whose value differs, in the order of the record's fields. Lists of plain words are one field."""
    old, new = dict(_leaves(before.as_json())), dict(_leaves(after.as_json()))
    order = [*dict.fromkeys([*new, *old])]
    return [
        Difference(path, old.get(path), new.get(path))
        for path in order
        if path != "format" and old.get(path) != new.get(path)
    ]


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and any(isinstance(one, dict) for one in value):
        for number, inner in enumerate(value):
            yield from _leaves(inner, f"{path}.{number}")
    else:
        yield path, value
