"""What every reader of a standard gives back, and how what a stranger wrote is made to fit a record.

A reader takes what it understands, says what it could not use, and refuses only documents that it can't read at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from fabriek.catalogue.record import Record
from fabriek.catalogue.standards.beside import Change, NotFitting, changed

_ROUNDS = 20
_MOST_TOLD = 200


class StandardBroken(ValueError):
    """A document that is not what it is said to be, or that is refused because reading it is not safe."""


@dataclass(frozen=True)
class Reading:
    """What a document said. `unused`: sentences about what it said beyond that, each once."""

    records: tuple[Record, ...]
    unused: tuple[str, ...] = ()

    @property
    def record(self) -> Record:
        """The only record of a document that tells of one thing."""
        return self.records[0]


def told(remarks: Iterable[str]) -> tuple[str, ...]:
    """Each remark once, and no more than anybody reads."""
    once = list(dict.fromkeys(remarks))
    more = len(once) - _MOST_TOLD
    return tuple(once[:_MOST_TOLD] + ([f"and {more} more"] if more > 0 else []))


def fitted(said: dict[str, Any]) -> tuple[Record, list[str]]:
    """A record of what holds in `said`, and what had to be left out or cut. Errors: StandardBroken where nothing is
    left that a record could be made of (no title)."""
    said = _copied(said)
    remarks: list[str] = []
    for _round in range(_ROUNDS):
        try:
            return Record.model_validate(said), remarks
        except ValidationError as error:
            # From the last item of a list to the first, so that the numbers of those before stay right.
            for fault in sorted(error.errors(include_url=False, include_input=False), key=_place, reverse=True):
                _mend(said, fault, remarks)
    raise StandardBroken("nothing is left of it that a record could be made of: " + "; ".join(told(remarks)))


def with_beside(said: dict[str, Any], changes: list[Change] | None) -> tuple[Record, list[str]]:
    """The record that a document means: what its standard says, then what stands beside it in Fabriek's own words
    (beside.py). What stands beside and doesn't hold is passed over and told."""
    record, remarks = fitted(said)
    if not changes:
        return record, remarks
    try:
        return Record.model_validate(changed(record.as_json(), changes)), remarks
    except (ValidationError, NotFitting) as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        return record, [*remarks, f"what stands in Fabriek's namespace does not fit the rest: {reason}"]


def _place(fault: Any) -> tuple[str, ...]:
    return tuple(f"{step:09d}" if isinstance(step, int) else step for step in fault["loc"])


def _mend(said: dict[str, Any], fault: Any, remarks: list[str]) -> None:
    """Cuts what is too long, leaves out what doesn't hold: of a part that lacks what it must have, the part."""
    path = [step for step in fault["loc"] if step != "[key]"]
    if path and path[0] == "details" and len(path) > 1:
        del path[1]  # pydantic names the kind there, which is no field
    most = fault.get("ctx", {}).get("max_length")
    if most is None and path in ([], ["title"], ["code"], ["format"]):
        raise StandardBroken(f"{'.'.join(map(str, path)) or 'the document'}: {fault['msg']}")
    name = ".".join(map(str, path))
    *steps, last = path[:-1] if fault["type"] == "missing" and len(path) > 1 else path
    holder: Any = said
    try:
        for step in steps:
            holder = holder[step]
        if most is None:
            del holder[last]
            remarks.append(f"{name} was left out: {fault['msg'].removeprefix('Value error, ')}")
        else:
            cut = holder[last][:most]
            holder[last] = cut.rstrip() if isinstance(cut, str) else cut
            remarks.append(f"{name} was cut: it may be {most} long")
    except (KeyError, IndexError, TypeError):
        return  # it went with what held it


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_copied(one) for one in value]
    return value
