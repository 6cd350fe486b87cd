"""How often a study simulates, and on which jobs: the windows of a trace, or traces drawn like it. Knows no web
framework."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from fabriek.foresight.policies import APART
from fabriek.simulation.comparing import windows
from fabriek.simulation.jobs import Jobs
from fabriek.simulation.workloads.synthetic import fitted, synthesise
from fabriek.simulation.workloads.trace import Trace


@dataclass(frozen=True)
class Repeats:
    """way: `windows` cuts the trace into `count` spans; `seeds` draws `count` traces of `weeks` weeks like it.

    demand: how much each class submits, as a multiple of now (others: 1); only with seeds. both: today's policy sees
    that demand too; else it is simulated with the demand of now.
    """

    way: Literal["windows", "seeds"] = "windows"
    count: int = 20
    weeks: int = 4
    demand: Mapping[str, float] = field(default_factory=dict)
    both: bool = True

    @property
    def pairs(self) -> int:
        """How often both policies are simulated: with windows also once on the whole trace, for the drawings."""
        return self.count + (self.way == "windows")


Pair = tuple[Jobs, Jobs]


def drawn(trace: Trace, repeats: Repeats) -> Iterator[Pair]:
    """The jobs that today's policy sees and those that the tried one does, each time. With windows the first is the
    whole trace, which is drawn and doesn't count as a repeat.

    Errors: synthetic.TooShort where nothing can be drawn like the trace; ValueError for a demand that none can be.
    """
    if repeats.way == "windows":
        jobs = by_class(trace.jobs)
        for part in (jobs, *windows(jobs, repeats.count)):
            yield part, part
        return
    fit = fitted(trace)
    demand = {klass: repeats.demand.get(klass, 1.0) for klass in trace.jobs.klasses}
    for seed in range(1, repeats.count + 1):
        after = by_class(synthesise(fit, weeks=repeats.weeks, seed=seed, load=demand).jobs)
        before = after if repeats.both else by_class(synthesise(fit, weeks=repeats.weeks, seed=seed).jobs)
        yield before, after


def by_class(jobs: Jobs) -> Jobs:
    """The same jobs as policies of classes need them: accounts are each of one class ("startup.p1"), programmes or
    accounts as they were are groups, and the QOS is the class."""
    pairs, place = np.unique(jobs.klass.astype(np.int64) * len(jobs.accounts) + jobs.account, return_inverse=True)
    accounts = tuple(
        f"{jobs.klasses[pair // len(jobs.accounts)]}{APART}{jobs.accounts[pair % len(jobs.accounts)]}"
        for pair in pairs.tolist()
    )
    return replace(
        jobs,
        account=place.astype(np.int32),
        accounts=accounts or ("",),
        group=jobs.account,
        groups=jobs.accounts,
        qos=jobs.klass,
        qoses=jobs.klasses,
    )
