"""What a standard has no word for, beside what it says: the difference to the record, as JSON Patch (RFC 6902).

A writer says in a standard's own words all that it has words for, reads that again as a stranger would, and puts what
is missing beside it. So nothing is said twice, what a stranger changes in the standard's part is believed, and reading
what we wrote gives the same record, by construction and for every standard alike.
"""

from __future__ import annotations

import json
from typing import Any

NAMESPACE = "urn:fabriek:vocabulary:"
"""Of Fabriek's own words in RDF and JSON-LD. `rest`: the changes, as JSON."""

Change = dict[str, Any]
_MOST_CHANGES = 20_000


class NotFitting(ValueError):
    """Changes that are none, or that name what isn't there."""


def missing(said: Any, meant: Any, path: str = "") -> list[Change]:
    """The changes from what is said to what is meant, both parsed JSON."""
    if isinstance(said, dict) and isinstance(meant, dict):
        changes: list[Change] = [{"op": "remove", "path": _step(path, key)} for key in said if key not in meant]
        for key, value in meant.items():
            if key in said:
                changes += missing(said[key], value, _step(path, key))
            else:
                changes.append({"op": "add", "path": _step(path, key), "value": value})
        return changes
    if said == meant:
        return []
    if _parts(said) and _parts(meant) and len(said) == len(meant):
        return [
            change
            for number, (one, other) in enumerate(zip(said, meant, strict=True))
            for change in missing(one, other, _step(path, number))
        ]
    return [{"op": "replace", "path": path, "value": meant}]


def changed(said: dict[str, Any], changes: list[Change]) -> dict[str, Any]:
    """What is said with the changes made. Errors: NotFitting."""
    made: dict[str, Any] = json.loads(json.dumps(said))
    for change in changes:
        steps = [step.replace("~1", "/").replace("~0", "~") for step in change["path"].split("/")[1:]]
        if not steps:
            raise NotFitting("a change of nothing")
        holder: Any = made
        for step in steps[:-1]:
            holder = _held(holder, step)
        _make(holder, steps[-1], change)
    return made


def as_text(changes: list[Change]) -> str:
    """The changes as JSON, of ASCII only, so that no way of writing can spoil them."""
    return json.dumps(changes, separators=(",", ":"))


def from_text(text: str) -> list[Change]:
    """Changes from JSON. Errors: NotFitting."""
    try:
        changes = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NotFitting("it is no JSON") from error
    if not isinstance(changes, list) or len(changes) > _MOST_CHANGES:
        raise NotFitting("it is no list of changes")
    for change in changes:
        if not (
            isinstance(change, dict)
            and isinstance(change.get("path"), str)
            and (change.get("op") == "remove" or (change.get("op") in {"add", "replace"} and "value" in change))
        ):
            raise NotFitting("a change that is none of add, replace and remove")
    return changes


def _parts(items: Any) -> bool:
    return isinstance(items, list) and all(isinstance(item, dict) for item in items)


def _step(path: str, key: str | int) -> str:
    return f"{path}/{str(key).replace('~', '~0').replace('/', '~1')}"


def _held(holder: Any, step: str) -> Any:
    try:
        return holder[int(step) if isinstance(holder, list) else step]
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise NotFitting(f"there is no {step[:80]}") from error


def _make(holder: Any, step: str, change: Change) -> None:
    if isinstance(holder, list):
        _held(holder, step)
        if change["op"] == "remove":
            del holder[int(step)]
        else:
            holder[int(step)] = change["value"]
    elif not isinstance(holder, dict):
        raise NotFitting(f"there is no {step[:80]}")
    elif change["op"] == "remove":
        holder.pop(step, None)
    else:
        holder[step] = change["value"]
