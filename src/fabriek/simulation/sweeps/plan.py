"""The file of a sweep (`fabriek/sweep/1`, YAML or JSON): what is varied, and what each value of it means."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

import yaml
from annotated_types import Ge, Gt, Le, MinLen
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from fabriek.simulation.policy import BY_NAME, Count
from fabriek.simulation.workloads.classes import By
from fabriek.simulation.workloads.swf import Processors
from fabriek.simulation.workloads.synthetic import MOST_LOAD, MOST_WEEKS, NEAR

MOST_SEEDS = 10_000
_FAULTS = 5
"""So many are told at once."""


class SweepBroken(ValueError):
    """A sweep that can't be run as it is described: where in its file, and what is wrong."""


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"{name!r} is no zone; write it like Europe/Amsterdam")
    return name


def _policy(name: str) -> str:
    if name not in BY_NAME:
        raise ValueError(f"{name!r} is no policy; there are {', '.join(BY_NAME)}")
    return name


Name = Annotated[str, MinLen(1)]
Part = Annotated[float, Gt(0), Le(1)]
LoadFactor = Annotated[float, Ge(0), Le(MOST_LOAD)]
Seed = Annotated[int, Ge(0)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class TraceFile(_Table):
    """A trace, and who in it is of which class. Files are named from the sweep's own folder."""

    file: Name
    classes: Name | None = None
    class_of: By = "account"
    processors: Processors = "requested"
    zone: Annotated[str, AfterValidator(_zone)] = "UTC"


class MachineSize(_Table):
    """As `--nodes` and `--cores-per-node` of `fabriek simulate`; partitions are said by a policy's rules."""

    nodes: Annotated[int, Ge(1), Le(10**9)]
    cores_per_node: Count = 1


class PolicyRules(_Table):
    """A named policy, and a file of rules that says more."""

    policy: Annotated[str, AfterValidator(_policy)] = "easy"
    rules: Name | None = None
    kill_at_limit: bool = False


class LeftOut(_Table):
    """Points that aren't run: those that have all of these names. A load's name is as in the table of results."""

    trace: str | None = None
    machine: str | None = None
    policy: str | None = None
    floor: str | None = None
    load: str | None = None


class Sweep(_Table):
    """The whole file. Every combination is a point, but for those that `leave_out` names.

    `floors`: by name, what part of each partition is held for which class, beside what a policy's rules hold. `seeds`:
    synthetic workloads fitted to each trace, so many from 1 on or those that are listed; without it the traces are run
    as they are. `loads` (of all, or by class), `weeks` and `near` are of those workloads, as for `fabriek workload
    synthesise`.
    """

    format: Literal["fabriek/sweep/1"]
    traces: Annotated[dict[Name, TraceFile], MinLen(1)]
    machines: Annotated[dict[Name, MachineSize], MinLen(1)]
    policies: Annotated[dict[Name, PolicyRules], MinLen(1)]
    floors: Annotated[dict[Name, dict[Name, Part]], MinLen(1)] = {"none": {}}
    loads: Annotated[tuple[LoadFactor | dict[Name, LoadFactor], ...], MinLen(1)] = (1.0,)
    seeds: Annotated[int, Ge(1), Le(MOST_SEEDS)] | Annotated[tuple[Seed, ...], MinLen(1)] | None = None
    weeks: Annotated[float, Gt(0), Le(MOST_WEEKS)] = 4.0
    near: Annotated[int, Ge(0)] = NEAR
    leave_out: tuple[LeftOut, ...] = ()


def read_sweep(path: Path) -> Sweep:
    """The sweep in a file: JSON where its name ends so, else YAML. Errors: SweepBroken, OSError."""
    return sweep_in(path.read_text(encoding="utf-8"), as_json=path.suffix == ".json")


def sweep_in(text: str, *, as_json: bool = False) -> Sweep:
    """The sweep in a text. Errors: SweepBroken."""
    try:
        said = json.loads(text, object_pairs_hook=_once) if as_json else yaml.load(text, _Loader)  # noqa: S506 -- a SafeLoader
    except (json.JSONDecodeError, yaml.YAMLError, RecursionError) as fault:
        raise SweepBroken(f"it is no {'JSON' if as_json else 'YAML'}: {' '.join(str(fault).split())}") from None
    try:
        sweep = Sweep.model_validate(said)
    except ValidationError as fault:
        raise SweepBroken(_told(fault)) from None
    if sweep.seeds is None and sweep.loads != (1.0,):
        raise SweepBroken("loads: a trace that is run as it is has a load of 1; say `seeds` for workloads like it")
    return sweep


def published() -> dict[str, Any]:
    """The format's JSON Schema (draft 2020-12), as it comes with the package."""
    found: dict[str, Any] = json.loads(resources.files(__package__).joinpath("sweep-1.json").read_text("utf-8"))
    return found


def schema() -> dict[str, Any]:
    """The same as the models say it now; a test holds the two together."""
    named = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "urn:fabriek:schema:sweep-1"}
    return named | Sweep.model_json_schema()


def _told(fault: ValidationError) -> str:
    faults = fault.errors()
    told = [f"{'.'.join(map(str, one['loc'])) or 'the file'}: {one['msg']}" for one in faults[:_FAULTS]]
    return "; ".join([*told, f"and {len(faults) - _FAULTS} more"] if len(faults) > _FAULTS else told)


def _once(pairs: list[tuple[Any, Any]]) -> dict[Any, Any]:
    """A mapping, whose names come once: of two policies of a name one would go unseen."""
    found: dict[Any, Any] = {}
    for name, value in pairs:
        if name in found:
            raise SweepBroken(f"{name!r} comes twice in one table. Name each once.")
        found[name] = value
    return found


class _Loader(yaml.SafeLoader):
    """YAML's plain values, with names that come once."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    loader.flatten_mapping(node)
    pairs = loader.construct_pairs(node, deep=True)
    if unusable := [name for name, _value in pairs if type(name) not in (str, int, float)]:
        raise SweepBroken(f"{unusable[0]!r} can't be a name; put it in quotes")
    return _once([(str(name), value) for name, value in pairs])


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
