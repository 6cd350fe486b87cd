"""Nodes go away though nobody expected it, and come back: of these, jobs are stopped that run there.

An outage has a record among the jobs, behind those of the trace: while it lasts, it has its units and its node as a job
has, until an end that is known once it has begun. Where any unit serves any job, which units go is a matter of luck:
those that are up lie side by side, the jobs' in the order of their estimated ends and then the free ones, and the
outage takes neighbours from a place that was drawn.
"""

from __future__ import annotations

import numpy as np

from fabriek.simulation.compiled import ENDLESS, jit, needs
from fabriek.simulation.fitting import holds, placed
from fabriek.simulation.holding import nobody, occupy
from fabriek.simulation.placing import allot_node, release
from fabriek.simulation.running import ends_add, ends_remove, heap_push
from fabriek.simulation.starting import pause, stop
from fabriek.simulation.state import FAILED, HEAPED, KILLED, OUTAGE_AT


@needs("outages", otherwise=ENDLESS)
def next_outage(simulation):
    """When the next outage begins; ENDLESS: none does."""
    place = simulation.counts[OUTAGE_AT]
    return simulation.outages[place].since if place < len(simulation.outages) else ENDLESS


@needs("outages", otherwise=False)
def is_outage(simulation, number):
    """Whether this is no job but an outage."""
    return simulation.jobs[number].lane < 0


@needs("outages", otherwise=-1)
def fail(simulation, now, requeues):
    """The next outage begins. Jobs wait again whose nodes go, or, without `requeues`, are killed. Returns the pool."""
    place = simulation.counts[OUTAGE_AT]
    simulation.counts[OUTAGE_AT] += 1
    outage = simulation.outages[place]
    hit = np.empty(simulation.counts[HEAPED], np.int64)
    if placed(simulation):
        units, found = outage.units, _on_node(simulation, outage.pool, outage.node, hit)
    else:
        units, found = _side_by_side(simulation, outage, hit)
    for n in range(found):
        pause(simulation, hit[n], now)
        stop(simulation, hit[n], now, FAILED if requeues else KILLED)
    if units == 0:
        return outage.pool
    number = len(simulation.jobs) - len(simulation.outages) + place
    away = simulation.jobs[number]
    away.units, away.start, away.end, away.estimate = units, now, outage.until, outage.until - now
    simulation.pools[outage.pool].free -= units
    if placed(simulation):
        allot_node(simulation, outage.pool, number, outage.node)
    ends_add(simulation, outage.pool, units, outage.until, number)
    heap_push(simulation.heap, simulation.counts, outage.until, number)
    if holds(simulation):
        occupy(simulation, outage.pool, nobody(simulation), units, outage.until)
    return outage.pool


@needs("outages", otherwise=-1)
def repair(simulation, number):
    """An outage ends. Returns its pool."""
    away = simulation.jobs[number]
    pool = simulation.outages[number - len(simulation.jobs) + len(simulation.outages)].pool
    if placed(simulation):
        release(simulation, pool, number)
    simulation.pools[pool].free += away.units
    ends_remove(simulation, pool, away.units, away.end, number)
    if holds(simulation):
        occupy(simulation, pool, nobody(simulation), -away.units, away.end)
    return pool


@jit
def _on_node(simulation, pool, node, hit):
    """Fill `hit` with the jobs that have a node, and return how many they are."""
    jobs, links, found = simulation.jobs, simulation.links, 0
    for place in range(simulation.pools[pool].blocks):
        block = simulation.order[pool, place]
        for n in range(simulation.blocks[block].count):
            who = simulation.pairs[block, n].who
            link = simulation.shapes[who].link if jobs[who].lane >= 0 else -1
            while link >= 0 and links[link, 0] != node:
                link = links[link, 1]
            if link >= 0:
                hit[found] = who
                found += 1
    return found


@jit
def _side_by_side(simulation, outage, hit):
    """How many units go, at most all that are up, and how many jobs, in `hit`, that have some of them."""
    jobs, here = simulation.jobs, simulation.pools[outage.pool]
    up = here.whole
    for place in range(here.blocks):
        block = simulation.order[outage.pool, place]
        for n in range(simulation.blocks[block].count):
            who = simulation.pairs[block, n].who
            if jobs[who].lane < 0:
                up -= jobs[who].units
    units = min(outage.units, up)
    first = int(outage.luck * (up - units + 1))
    found, low = 0, 0
    for place in range(here.blocks):
        block = simulation.order[outage.pool, place]
        for n in range(simulation.blocks[block].count):
            who = simulation.pairs[block, n].who
            if jobs[who].lane >= 0:
                if low < first + units and low + jobs[who].units > first:
                    hit[found] = who
                    found += 1
                low += jobs[who].units
    return units, found
