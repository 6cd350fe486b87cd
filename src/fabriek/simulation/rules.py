"""Rules as a TOML file: partitions of the machine and how they fail, weights, limits, what is held, tiers.

What it may say is told, with an example, in `docs/reference/simulation.md`; the tables `weights`, `limits` and `held`
are `policy.Weights`, `policy.Limit` and `policy.Held`, `outages` and `failures` are `failures.Outage` and `Failures`,
and `routing` is `sites.Routing`.
"""

from __future__ import annotations

import tomllib
from dataclasses import replace
from typing import Annotated

from annotated_types import Ge
from pydantic import BaseModel, ConfigDict, ValidationError

from fabriek.simulation.failures import Failures, Outage
from fabriek.simulation.policy import Count, Held, Limit, Machine, Policy, Pool, Weights
from fabriek.simulation.sites import Routing


class RulesBroken(ValueError):
    """A file of rules that can't be used: where in it, and what is wrong."""


class _OnNodes(BaseModel):
    model_config = ConfigDict(extra="forbid")

    processors: Count
    nodes: Count
    gpus_per_node: Annotated[int, Ge(0)] = 0


class _Rules(BaseModel):
    model_config = ConfigDict(extra="forbid")

    partitions: dict[str, Count | _OnNodes] = {}
    weights: Weights | None = None
    limits: tuple[Limit, ...] = ()
    held: tuple[Held, ...] = ()
    preempt: dict[str, int] = {}
    outages: tuple[Outage, ...] = ()
    failures: Failures | None = None
    requeue: bool = True
    routing: Routing | None = None


def with_rules(text: str, machine: Machine, policy: Policy) -> tuple[Machine, Policy]:
    """The machine and the policy with what the file says added. Raises RulesBroken."""
    try:
        rules = _Rules.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as fault:
        raise RulesBroken(f"it is no TOML: {fault}") from None
    except ValidationError as fault:
        first = fault.errors()[0]
        raise RulesBroken(f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}") from None
    if rules.partitions:
        machine = replace(machine, pools=tuple(_pool(name, said) for name, said in rules.partitions.items()))
    machine = replace(machine, outages=rules.outages, failures=rules.failures, routing=rules.routing)
    return machine, replace(
        policy,
        weights=rules.weights or policy.weights,
        limits=rules.limits,
        held=rules.held,
        preempt=rules.preempt,
        requeue=rules.requeue,
    )


def _pool(name: str, said: int | _OnNodes) -> Pool:
    return Pool(name, said) if isinstance(said, int) else Pool(name, said.processors, said.nodes, said.gpus_per_node)
