"""What somebody filled in, checked against a recipe. Pure: faults have names here, and words in `words.py`."""

from __future__ import annotations

import math
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fabriek.recipes.recipe import Amount, Parameter, Recipe

LONGEST_NAME = 120
# Control characters have no place in a name or a path, and PostgreSQL takes no NUL.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u2028\u2029]")
_RESOURCES = ("nodes", "accelerators", "cores", "minutes")


@dataclass(frozen=True)
class Fault:
    """What is wrong with a parameter: `what` is a key of `words.FAULTS`, `values` fill its blanks."""

    name: str
    what: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """A run that holds together: the parameters that count, and the machine that it asks for (of each node)."""

    name: str
    parameters: dict[str, Any]
    nodes: int
    accelerators: int
    cores: int
    minutes: int

    @property
    def seconds(self) -> int:
        """The time limit."""
        return self.minutes * 60

    @property
    def accelerator_seconds(self) -> int:
        """What it could use at most: what the scheduler sets aside."""
        return self.nodes * self.accelerators * self.seconds

    @property
    def core_seconds(self) -> int:
        """As `accelerator_seconds`, of cores."""
        return self.nodes * self.cores * self.seconds


def check(
    recipe: Recipe, said: Mapping[str, Any], *, accelerators_per_node: int | None = None
) -> tuple[Asked | None, list[Fault]]:
    """Check what was said: texts of a form or of a command line, or JSON values. Either it holds, or the faults.

    accelerators_per_node: of the partition, where it is known; a node has no more, and a recipe that can do without is
    given none there.
    """
    faults: list[Fault] = []
    known = {parameter.name for parameter in recipe.parameters} | {"name", *_RESOURCES}
    faults += [Fault(str(name)[:40], "unknown") for name in said if name not in known]
    name = _name(said.get("name"), recipe, faults)
    resources = {one: _amount(one, said.get(one), getattr(recipe.needs, one), faults) for one in _RESOURCES}
    _hold_to_partition(recipe, said, resources, accelerators_per_node, faults)
    values: dict[str, Any] = {}
    for parameter in recipe.parameters:
        if any(values.get(other) != wanted for other, wanted in parameter.only_if.items()):
            continue
        values[parameter.name] = _value(parameter, said.get(parameter.name), faults)
    if faults:
        return None, faults
    return Asked(name, values, **resources), []


def _name(said: Any, recipe: Recipe, faults: list[Fault]) -> str:
    text = recipe.code if said is None else said
    if not isinstance(text, str) or not text.strip():
        faults.append(Fault("name", "missing"))
        return ""
    text = text.strip()
    if len(text) > LONGEST_NAME:
        faults.append(Fault("name", "too long", {"most": LONGEST_NAME}))
    elif not _is_plain(text) or "\n" in text or "\t" in text:
        faults.append(Fault("name", "control characters"))
    return text


def _amount(name: str, said: Any, amount: Amount, faults: list[Fault]) -> int:
    if _is_left_out(said):
        return amount.default
    whole = _whole(said)
    if whole is None:
        faults.append(Fault(name, "no whole number"))
        return amount.default
    if not amount.least <= whole <= amount.most:
        faults.append(Fault(name, "out of range", {"least": amount.least, "most": amount.most}))
        return amount.default
    return whole


def _hold_to_partition(
    recipe: Recipe, said: Mapping[str, Any], resources: dict[str, int], per_node: int | None, faults: list[Fault]
) -> None:
    if per_node is None or any(fault.name == "accelerators" for fault in faults):
        return
    if per_node == 0 and recipe.needs.accelerators_are == "required":
        faults.append(Fault("accelerators", "no accelerators here"))
    elif resources["accelerators"] > per_node:
        if _is_left_out(said.get("accelerators")) and per_node >= recipe.needs.accelerators.least:
            resources["accelerators"] = per_node
        else:
            faults.append(Fault("accelerators", "too many on a node", {"most": per_node}))


def _value(parameter: Parameter, said: Any, faults: list[Fault]) -> Any:
    if _is_left_out(said):
        if parameter.default is not None:
            return parameter.default
        if parameter.required:
            faults.append(Fault(parameter.name, "missing"))
        return ""
    if parameter.kind in ("integer", "number"):
        return _number(parameter, said, faults)
    if not isinstance(said, str):
        faults.append(Fault(parameter.name, "no text"))
        return ""
    checked = {"choice": _choice, "text": _text, "path": _path, "checkpoint": _checkpoint}[parameter.kind]
    return checked(parameter, said, faults)


def _number(parameter: Parameter, said: Any, faults: list[Fault]) -> int | float | None:
    number: int | float | None = _whole(said) if parameter.kind == "integer" else _real(said)
    if number is None:
        what = "no whole number" if parameter.kind == "integer" else "no number"
        faults.append(Fault(parameter.name, what))
    elif not (parameter.least or 0) <= number <= (parameter.most or 0):
        limits = {"least": parameter.least or 0, "most": parameter.most or 0}
        faults.append(Fault(parameter.name, "out of range", limits))
    return number


def _choice(parameter: Parameter, said: str, faults: list[Fault]) -> str:
    if said not in {choice.value for choice in parameter.choices}:
        choices = ", ".join(choice.value for choice in parameter.choices)
        faults.append(Fault(parameter.name, "no such choice", {"choices": choices}))
    return said


def _text(parameter: Parameter, said: str, faults: list[Fault]) -> str:
    text = said.replace("\r\n", "\n")
    if len(text) > parameter.longest:
        faults.append(Fault(parameter.name, "too long", {"most": parameter.longest}))
    elif not _is_plain(text):
        faults.append(Fault(parameter.name, "control characters"))
    return text


def _path(parameter: Parameter, said: str, faults: list[Fault]) -> str:
    path = said.strip()
    if len(path) > parameter.longest:
        faults.append(Fault(parameter.name, "too long", {"most": parameter.longest}))
    elif not path.startswith("/") or ".." in path.split("/") or not _is_plain(path) or "\n" in path:
        faults.append(Fault(parameter.name, "no path"))
    return path


def _checkpoint(parameter: Parameter, said: str, faults: list[Fault]) -> str:
    try:
        return str(uuid.UUID(said.strip()))
    except ValueError:
        faults.append(Fault(parameter.name, "no checkpoint"))
        return ""


def _is_left_out(said: Any) -> bool:
    return said is None or (isinstance(said, str) and not said.strip())


def _is_plain(text: str) -> bool:
    """Whether it can be kept and shown: no control characters, no half of a pair of surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return not _CONTROL.search(text)


def _whole(said: Any) -> int | None:
    if isinstance(said, bool):
        return None
    if isinstance(said, int):
        return said
    if isinstance(said, str) and re.fullmatch(r"\s*[+-]?[0-9]{1,15}\s*", said):
        return int(said)
    return None


def _real(said: Any) -> float | None:
    if isinstance(said, bool):
        return None
    if isinstance(said, int | float):
        return float(said) if math.isfinite(said) else None
    # A reader in Dutch writes a comma.
    if isinstance(said, str) and re.fullmatch(r"\s*[+-]?[0-9]{0,15}[.,]?[0-9]{1,15}([eE][+-]?[0-9]{1,2})?\s*", said):
        return float(said.replace(",", "."))
    return None
