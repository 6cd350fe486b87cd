"""What a policy of a study says, in classes and percents, and what that is to the simulator. Knows no web framework."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from annotated_types import Ge, Le
from pydantic import BaseModel, ConfigDict

from fabriek.simulation.jobs import Jobs
from fabriek.simulation.policy import Backfill, Held, Limit, Over, Policy, Weights

Percent = Annotated[float, Ge(0), Le(100)]
MOST_JOBS = 1_000_000

APART = "."
"""Between a class and an account: each account is of one class, so that shares of classes are shares of accounts."""


class ClassRules(BaseModel):
    """Of one class: what of the machine is held for it; its part in fair-share (none: as much as any other that has
    none); the most that it may have at once (none: all); and whether its jobs may stop others' running ones."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    floor: Percent = 0.0
    share: Percent | None = None
    most: Annotated[float, Ge(0.1), Le(100)] | None = None
    urgent: bool = False


class StudyPolicy(BaseModel):
    """By which rules jobs start. by_shares: who has used less of its share goes first; else who came first. jobs_each:
    how many jobs one user may run at once."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    backfill: Literal["none", "easy", "conservative"] = "easy"
    by_shares: bool = False
    jobs_each: Annotated[int, Ge(1), Le(MOST_JOBS)] | None = None
    classes: dict[str, ClassRules] = {}

    @property
    def floors(self) -> float:
        """Percent of the machine that is held in all."""
        return sum(rules.floor for rules in self.classes.values())

    @property
    def is_plain(self) -> bool:
        """Whether it says no more than who may overtake."""
        return not (self.by_shares or self.jobs_each or any(rules != ClassRules() for rules in self.classes.values()))


def simulated(policy: StudyPolicy, units: int, parents: Mapping[str, str]) -> Policy:
    """The policy for a machine of so many units. parents: the class of each account."""
    rules = dict(sorted(policy.classes.items()))
    limits = [
        Limit(Over.KLASS, klass, processors=_part(said.most, units)) for klass, said in rules.items() if said.most
    ]
    if policy.jobs_each:
        limits.append(Limit(Over.USER, jobs=policy.jobs_each))
    shares = {klass: said.share for klass, said in rules.items() if said.share is not None}
    return Policy(
        backfill=Backfill(policy.backfill),
        weights=Weights(shares=shares, parents=dict(parents)) if policy.by_shares else None,
        limits=tuple(limits),
        held=tuple(Held(_part(said.floor, units), klass) for klass, said in rules.items() if said.floor),
        preempt={klass: 1 for klass, said in rules.items() if said.urgent},
    )


def classes_of_accounts(jobs: Jobs) -> dict[str, str]:
    """The class of each account that `repeats.by_class` named."""
    return {account: account.split(APART, 1)[0] for account in jobs.accounts if APART in account}


def _part(percent: float, units: int) -> int:
    """Rounded down, so that all floors together fit; at least one unit."""
    return max(1, int(units * percent / 100))
