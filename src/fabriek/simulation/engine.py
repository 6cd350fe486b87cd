"""The event loop: exact to the second, and the same for every policy that starts jobs in the order of a queue.

At each instant first all ends and repairs, then outages, then all arrivals, then priorities where they are due, then
one pass over each pool in which something may have changed. A job that takes no time ends in the second in which it
starts, in a pass of its own.

On an instant with nothing but arrivals behind the head, no job that waited before can start: room has not grown, and
the time to the head's reservation has become shorter. Only the new ones are tried.
"""

from __future__ import annotations

import numpy as np

from fabriek.simulation.compiled import ENDLESS, ROUNDING, entry, jit
from fabriek.simulation.failing import fail, is_outage, next_outage, repair
from fabriek.simulation.fitting import fits_now, holds, placed, room_for
from fabriek.simulation.holding import head_fits_beside, held_shadow, limit_room, occupy_then_too, within_budget
from fabriek.simulation.placing import has_nodes, roomiest, set_aside
from fabriek.simulation.preempting import make_way
from fabriek.simulation.priorities import reckon
from fabriek.simulation.queueing import enqueue, lane_of, place_of
from fabriek.simulation.routing import goes_here, next_to_route, route
from fabriek.simulation.running import heap_pop, room_at
from fabriek.simulation.starting import begin, end
from fabriek.simulation.state import ACTIVE, HEAPED, SEGMENT, lent
from fabriek.simulation.waiting import column_of, may_fit, next_fit


@jit
def _first_of(simulation, number):
    """Place of the first job of a lane that its limits let start at all; -1: none."""
    lane, places, tree = simulation.lanes[number], simulation.places, simulation.tree
    room = limit_room(simulation, number)
    place = lane.front
    if room < ENDLESS or not places[place].queued:
        place = next_fit(places, tree, place, lane.last, room, room, ENDLESS)
    if room == ENDLESS and place >= 0:
        lane.front = place
    while place >= 0 and not within_budget(simulation, number, places[place].units * places[place].estimate):
        place = next_fit(places, tree, place + 1, lane.last, room, room, ENDLESS)
    return place


@jit
def _before(simulation, lane, place, other, rival):
    """Whether the job at this place of this lane is served before the rival's."""
    one, two = simulation.places[place], simulation.places[rival]
    mine, theirs = simulation.lanes[lane].offset, simulation.lanes[other].offset
    more = (mine + one.key) - (theirs + two.key)
    # Sums of the same may differ by their rounding, which is a matter of what was summed.
    if abs(more) > ROUNDING * (abs(mine) + abs(one.key) + abs(theirs) + abs(two.key)):
        return more > 0
    return one.job < two.job


@jit
def _head_of(simulation, pool):
    """The first job of a pool's queue, of those that limits let start; -1: none."""
    best, chosen = -1, -1
    for seat in range(simulation.counts[ACTIVE]):
        lane = simulation.lanes[seat].active
        if simulation.lanes[lane].pool == pool:
            place = _first_of(simulation, lane)
            if place >= 0 and (best < 0 or _before(simulation, lane, place, chosen, best)):
                best, chosen = place, lane
    return simulation.places[best].job if best >= 0 else -1


@jit
def _serve(simulation, pool, now, preempts):
    """Start the first of the queue as long as it fits. Who doesn't is the head; -1: nobody waits."""
    while True:
        head = _head_of(simulation, pool)
        simulation.pools[pool].head = head
        if head < 0:
            return
        if not fits_now(simulation, head, now) and not (preempts and make_way(simulation, pool, head, now)):
            return
        begin(simulation, head, now, False)


@jit
def _try(simulation, number, now):
    """Start a job behind the head, if it fits and doesn't delay the head."""
    job = simulation.jobs[number]
    lane = simulation.lanes[job.lane]
    pool = simulation.pools[lane.pool]
    until = now + job.estimate
    if not fits_now(simulation, number, now) or not within_budget(simulation, job.lane, job.units * job.estimate):
        return
    if holds(simulation):
        if not head_fits_beside(simulation, lane.pool, lane.klass, job.units, until):
            return
        if until > pool.shadow:
            occupy_then_too(simulation, lane.pool, lane.klass, job.units)
    elif until > pool.shadow:
        if job.units > pool.extra or (placed(simulation) and not has_nodes(simulation, lane.pool, number, now, True)):
            return
        if not placed(simulation):
            pool.extra -= job.units
    begin(simulation, number, now, until > pool.shadow)
    if placed(simulation) and until > pool.shadow:
        pool.extra = roomiest(simulation, lane.pool, True)


@jit
def _candidate(simulation, lane, start, now):
    """The next place of a lane whose job might be backfilled."""
    pool = simulation.pools[simulation.lanes[lane].pool]
    if simulation.lanes[lane].fewest > pool.free:
        return -1
    room = room_for(simulation, lane, now, 1)
    # What is held makes of extra units a question of class: then all that have room are tried.
    extra = room if holds(simulation) else min(room, pool.extra)
    window = pool.shadow - now
    return next_fit(simulation.places, simulation.tree, start, simulation.lanes[lane].last, room, extra, window)


@jit
def _backfill(simulation, pool, now, candidate, served):
    """Start who fits behind the head, in the order of the queue.

    `candidate`, by lane, and `served` are room to work in: each lane's next place, and the lanes that have one."""
    lanes, tree = simulation.lanes, simulation.tree
    free, extra, window = simulation.pools[pool].free, simulation.pools[pool].extra, simulation.pools[pool].shadow - now
    if not holds(simulation) and not may_fit(tree, 1, column_of(tree, free), min(free, extra), window):
        return
    held = 0
    for seat in range(simulation.counts[ACTIVE]):
        lane = lanes[seat].active
        if lanes[lane].pool == pool:
            candidate[lane] = _candidate(simulation, lane, lanes[lane].front, now)
            if candidate[lane] >= 0:
                served[held] = lane
                held += 1
    while held > 0 and simulation.pools[pool].free > 0:
        first = 0
        for n in range(1, held):
            if _before(simulation, served[n], candidate[served[n]], served[first], candidate[served[first]]):
                first = n
        lane = served[first]
        place = candidate[lane]
        job = simulation.places[place].job
        if job != simulation.pools[pool].head:
            _try(simulation, job, now)
        candidate[lane] = _candidate(simulation, lane, place + 1, now)
        if candidate[lane] < 0:
            held -= 1
            served[first] = served[held]


@jit
def _pass(simulation, number, now, backfills, preempts, candidate, served):
    _serve(simulation, number, now, preempts)
    pool = simulation.pools[number]
    if pool.head < 0 or not backfills:
        return
    if pool.free == 0:
        # Whoever comes before something ends can't start, whatever the reservation is.
        pool.shadow, pool.extra = now, 0
        return
    if holds(simulation):
        pool.shadow, pool.extra = held_shadow(simulation, number)
    elif placed(simulation):
        pool.shadow, pool.extra = set_aside(simulation, number)
    else:
        pool.shadow, pool.extra = room_at(simulation, number, simulation.jobs[pool.head].units)
    _backfill(simulation, number, now, candidate, served)


@jit
def _outranks_head(simulation, number):
    job, lanes = simulation.jobs[number], simulation.lanes
    head = simulation.pools[lanes[job.lane].pool].head
    if head < 0:
        return True
    other = simulation.jobs[head]
    return _before(simulation, lane_of(job, lanes), place_of(job), lane_of(other, lanes), place_of(other))


@entry
def run(given, backfills, preempts, requeues, rule, priorities):
    """Let all jobs come, run and end. `priorities` None: the queue is in the order of submission. `requeues`: who runs
    on a node that fails waits again. `rule`: by which sites are chosen."""
    simulation = lent(given)
    jobs, lanes, heap, since, counts = (
        simulation.jobs,
        simulation.lanes,
        simulation.heap,
        simulation.since,
        simulation.counts,
    )
    candidate, served = np.full(len(lanes), -1, np.int64), np.empty(len(lanes), np.int64)
    changed = np.zeros(len(simulation.pools), np.bool_)
    newest = np.empty(len(simulation.pools), np.int64)
    came = 0
    due = ENDLESS if priorities is None else priorities.first
    while True:
        now = jobs[came].submit if came < len(jobs) else ENDLESS
        if counts[HEAPED] > 0:
            now = min(now, heap[0].when)
        if counts[ACTIVE] > 0 and counts[SEGMENT] + 1 < len(since):
            now = min(now, since[counts[SEGMENT] + 1])
        now = min(now, next_outage(simulation), next_to_route(simulation))
        if now == ENDLESS:
            return
        if priorities is not None:
            if counts[ACTIVE] > 0:
                now = min(now, due)
            elif due < now:
                due = reckon(simulation, priorities, due, now - 1)
        changed[:] = False
        newest[:] = -1
        while counts[HEAPED] > 0 and heap[0].when == now:
            number = heap_pop(heap, counts)
            if is_outage(simulation, number):
                changed[repair(simulation, number)] = True
                continue
            end(simulation, number, now)
            # What a limit leaves again may be for jobs of another pool.
            if len(simulation.limits) > 0:
                changed[:] = True
            changed[lanes[jobs[number].lane].pool] = True
        while next_outage(simulation) == now:
            changed[fail(simulation, now, requeues)] = True
            if len(simulation.limits) > 0:
                changed[:] = True
        # After the ends: who was estimated to end now isn't in the segment that begins.
        while counts[SEGMENT] + 1 < len(since) and since[counts[SEGMENT] + 1] <= now:
            counts[SEGMENT] += 1
            changed[:] = True
        while next_to_route(simulation) == now:
            route(simulation, rule, now)
        before = came
        while came < len(jobs) and jobs[came].submit == now:
            if goes_here(simulation, came):
                enqueue(simulation, came)
            came += 1
        if priorities is not None:  # noqa: SIM102 -- only a condition of its own is seen when compiling
            if due == now:
                due = reckon(simulation, priorities, due, now)
                changed[:] = True
        for number in range(before, came):
            if not goes_here(simulation, number):
                continue
            pool = lanes[jobs[number].lane].pool
            # Several at once that priorities put in order are a matter for a whole pass; so is a head that may by now
            # stop those who started behind it.
            if preempts or _outranks_head(simulation, number) or (priorities is not None and newest[pool] >= 0):
                changed[pool] = True
            if preempts and len(simulation.limits) > 0:
                changed[:] = True
            newest[pool] = number
        if backfills:
            for number in range(before, came):
                if goes_here(simulation, number) and not changed[lanes[jobs[number].lane].pool]:
                    _try(simulation, number, now)
        for pool in range(len(changed)):
            if changed[pool]:
                _pass(simulation, pool, now, backfills, preempts, candidate, served)
