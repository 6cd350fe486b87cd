"""When priorities are worked out, and from what."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fabriek.simulation.compiled import jit
from fabriek.simulation.fairshare import Tree, classic, fair_tree
from fabriek.simulation.queueing import dequeue, enqueue


class Reckoning(NamedTuple):
    """How priorities are worked out: each `period` seconds from `first` on.

    `keep` is what a second of use is still worth a period later, `ageing` the weight of a second of age, of which
    `most_age` count. `young[0]` is the first job that isn't of full age yet.
    """

    period: int
    first: int
    keep: float
    ageing: float
    most_age: int
    fair_share: float
    damping: float
    by_rank: bool
    tree: Tree
    young: NDArray[np.int64]


@jit
def accrue(association, now, units):
    """So many units more, or fewer, are used from now on."""
    association.pending += association.units * (now - association.since)
    association.since = now
    association.units += units


@jit
def _fade(associations, priorities, due, periods):
    """Bring use up to the last of so many ends of periods, the first of them at `due`; nothing starts or ends between.

    What was used within a period counts in full at its end, and fades from then on. Returns the use of each.
    """
    keep, more = priorities.keep, periods - 1
    lasting = (1.0 - keep**more) / (1.0 - keep) if keep < 1.0 else float(more)
    usage = np.empty(len(associations))
    for number in range(len(associations)):
        one = associations[number]
        accrue(one, due, 0)
        one.usage = (one.usage * keep + one.pending) * keep**more + one.units * priorities.period * lasting
        one.pending = 0.0
        one.since = due + more * priorities.period
        usage[number] = one.usage
    return usage


@jit
def reckon(simulation, priorities, due, now):
    """Work out, for the last end of a period that isn't after now, what the priorities of each lane have in common, and
    let jobs of full age change lanes. `due` is the first such end; returns the next one."""
    lanes, jobs = simulation.lanes, simulation.jobs
    periods = (now - due) // priorities.period + 1
    usage = _fade(simulation.associations, priorities, due, periods)
    instant = due + (periods - 1) * priorities.period
    factor = np.empty(len(usage))
    if priorities.by_rank:
        fair_tree(priorities.tree, usage, factor)
    else:
        classic(priorities.tree, usage, priorities.damping, factor)
    twins = len(lanes) // 2
    for number in range(twins):
        common = priorities.fair_share * factor[lanes[number].association]
        lanes[number].offset = common + priorities.ageing * (instant - priorities.first)
        lanes[number + twins].offset = common + priorities.ageing * priorities.most_age
    number = priorities.young[0]
    while number < len(jobs) and jobs[number].submit <= instant - priorities.most_age:
        if simulation.places[jobs[number].young].queued:
            dequeue(simulation, number)
            jobs[number].aged = True
            enqueue(simulation, number)
        jobs[number].aged = True
        number += 1
    priorities.young[0] = number
    return instant + priorities.period
