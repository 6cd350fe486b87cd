"""To which of several sites a job goes: decided when it is submitted, by what is known then.

A site is a pool. Each job has a copy for every site that it may go to, which is submitted there when the job's data are
there; the copies that aren't chosen never come. What waits at a pool or is on its way to it is summed up.
"""

from __future__ import annotations

from fabriek.simulation.compiled import ENDLESS, jit, needs
from fabriek.simulation.state import ROUTED, TURN

# The rules of `sites.Route`, by place.
HOME, HOME_FIRST, LEAST_WAIT, ROUND_ROBIN = 0, 1, 2, 3


@needs("copies", otherwise=ENDLESS)
def next_to_route(simulation):
    """When the next job is submitted that no site was chosen for; ENDLESS: there is none."""
    number = simulation.counts[ROUTED]
    return simulation.asked[number].submit if number < len(simulation.asked) else ENDLESS


@needs("copies", otherwise=True)
def goes_here(simulation, number):
    """Whether this copy of a job is the chosen one."""
    return simulation.jobs[number].chosen


@needs("copies", otherwise=None)
def await_too(simulation, pool, number, sign):
    """A job is on its way to a pool or waits again there, or, with -1, it does no longer."""
    job, here = simulation.jobs[number], simulation.pools[pool]
    here.waiting_units += sign * job.units
    here.waiting_seconds += sign * job.units * job.estimate


@needs("copies", otherwise=None)
def route(simulation, rule, now):
    """Choose a site for the next job: its home is asked first, then the others in their order."""
    asked, copies = simulation.asked[simulation.counts[ROUTED]], simulation.copies[simulation.counts[ROUTED]]
    simulation.counts[ROUTED] += 1
    sites = len(simulation.pools)
    chosen, best = -1, ENDLESS
    for n in range(-1, sites):
        pool = asked.home if n < 0 else n
        if rule == ROUND_ROBIN:
            pool = (simulation.counts[TURN] + n + 1) % sites
        if copies[pool] < 0:
            continue
        if rule in (HOME, ROUND_ROBIN):
            chosen = pool
            break
        start = _expected(simulation, pool, copies[pool], now)
        if chosen < 0 or start < best:
            chosen, best = pool, start
        if n < 0 and rule == HOME_FIRST and start == now:
            break
    if rule == ROUND_ROBIN:
        simulation.counts[TURN] = (chosen + 1) % sites
    simulation.jobs[copies[chosen]].chosen = True
    await_too(simulation, chosen, copies[chosen], 1)


@jit
def _expected(simulation, pool, number, now):
    """When a job is expected to start at a pool: once its data are there, and, if it doesn't fit beside all that is
    there or on its way, once the whole pool has worked off what all these are still estimated to take."""
    job, here = simulation.jobs[number], simulation.pools[pool]
    if job.units <= here.free - here.waiting_units:
        return job.submit
    ahead = here.waiting_seconds
    for place in range(here.blocks):
        block = simulation.order[pool, place]
        for n in range(simulation.blocks[block].count):
            pair = simulation.pairs[block, n]
            ahead += simulation.jobs[pair.who].units * (pair.when - now)
    return max(job.submit, now + ahead // here.whole)
