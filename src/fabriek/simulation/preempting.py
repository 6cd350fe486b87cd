"""The first of the queue may stop running jobs of lower tiers."""

from __future__ import annotations

import numpy as np

from fabriek.simulation.compiled import needs
from fabriek.simulation.fitting import fits_now
from fabriek.simulation.starting import go_on, pause, stop
from fabriek.simulation.state import HEAPED, PREEMPTED


@needs("stopped", otherwise=False)
def make_way(simulation, pool, head, now):
    """Stop jobs of lower tiers, the latest started first, if that lets the head start; they wait again.

    Of those, whoever isn't in the way after all runs on: asked from the last one stopped to the first.
    """
    jobs, lanes = simulation.jobs, simulation.lanes
    tier = lanes[jobs[head].lane].tier
    victims, started = np.empty(simulation.counts[HEAPED], np.int64), np.empty(simulation.counts[HEAPED], np.int64)
    found = 0
    for place in range(simulation.pools[pool].blocks):
        block = simulation.order[pool, place]
        for n in range(simulation.blocks[block].count):
            who = simulation.pairs[block, n].who
            if jobs[who].lane >= 0 and lanes[jobs[who].lane].tier < tier:
                victims[found] = who
                found += 1
    # The latest started first; of one instant, who stands last in the trace.
    victims = np.sort(victims[:found])[::-1].copy()
    for n in range(found):
        started[n] = -jobs[victims[n]].start
    victims = victims[np.argsort(started[:found], kind="mergesort")]
    paused = 0
    while paused < found and not fits_now(simulation, head, now):
        pause(simulation, victims[paused], now)
        paused += 1
    fits = fits_now(simulation, head, now)
    for n in range(paused - 1, -1, -1):
        who = victims[n]
        go_on(simulation, who, now)
        if fits and not fits_now(simulation, head, now):
            pause(simulation, who, now)
            stop(simulation, who, now, PREEMPTED)
    return fits
