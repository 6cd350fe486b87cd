"""Rules as a TOML file: partitions of the machine, weights, limits, what is held, tiers.

[partitions]                 # units of each; without it one pool of --nodes serves all
gpu = 512

[weights]                    # `policy.Weights`; the queue is then in the order of priority
age = 1000
fair_share = 10000
algorithm = "tree"           # or "classic"
shares = { physics = 2.0 }

[[limits]]                   # `policy.Limit`
over = "user"                # or account, klass, qos
jobs = 100

[[held]]                     # `policy.Held`: a floor; with since and until, a reservation; without klass, maintenance
klass = "startup"
processors = 64

[preempt]                    # QOS to tier
urgent = 1
"""

from __future__ import annotations

import tomllib
from dataclasses import replace

from pydantic import BaseModel, ConfigDict, ValidationError

from fabriek.simulation.policy import Count, Held, Limit, Machine, Policy, Pool, Weights


class RulesBroken(ValueError):
    """A file of rules that can't be used: where in it, and what is wrong."""


class _Rules(BaseModel):
    model_config = ConfigDict(extra="forbid")

    partitions: dict[str, Count] = {}
    weights: Weights | None = None
    limits: tuple[Limit, ...] = ()
    held: tuple[Held, ...] = ()
    preempt: dict[str, int] = {}


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
        machine = replace(machine, pools=tuple(Pool(name, units) for name, units in rules.partitions.items()))
    return machine, replace(
        policy,
        weights=rules.weights or policy.weights,
        limits=rules.limits,
        held=rules.held,
        preempt=rules.preempt,
    )
