"""The event loop: exact to the second, and the same for every policy that starts jobs in the order of a queue.

At each instant first all ends, then all arrivals, then priorities where they are due, then one pass over each pool in
which something may have changed. A job that takes no time ends in the second in which it starts, in a pass of its own.

On an instant with nothing but arrivals behind the head, no job that waited before can start: room has not grown, and
the time to the head's reservation has become shorter. Only the new ones are tried.
"""

from __future__ import annotations

import numpy as np

from fabriek.simulation.compiled import ENDLESS, jit, needs
from fabriek.simulation.holding import (
    charge,
    head_fits_beside,
    held_room,
    held_shadow,
    limit_room,
    occupy,
    occupy_then_too,
    within_budget,
)
from fabriek.simulation.placing import allot, has_nodes, release, roomiest, set_aside
from fabriek.simulation.priorities import accrue, reckon
from fabriek.simulation.queueing import dequeue, enqueue, lane_of, place_of
from fabriek.simulation.running import ends_add, ends_remove, heap_pop, heap_push, heap_remove, room_at
from fabriek.simulation.state import ACTIVE, HEAPED, SEGMENT, lent
from fabriek.simulation.waiting import column_of, may_fit, next_fit


@needs("kept", otherwise=False)
def _holds(simulation):
    """Whether anything is held for a class."""
    return simulation.kept.shape[0] > 0


@needs("nodes", otherwise=False)
def _placed(simulation):
    """Whether jobs are put on nodes."""
    return len(simulation.nodes) > 0


@jit
def _occupy(simulation, number, now):
    """A job that isn't waiting takes its units, until its estimated end."""
    job = simulation.jobs[number]
    lane = simulation.lanes[job.lane]
    until = job.start + job.estimate
    simulation.pools[lane.pool].free -= job.units
    ends_add(simulation, lane.pool, job.units, until, number)
    charge(simulation, job.lane, job.units, 1, job.units * (until - now))
    accrue(simulation.associations[lane.association], now, job.units)
    if _holds(simulation):
        occupy(simulation, lane.pool, lane.klass, job.units, until)


@jit
def _start(simulation, number, now, outlives):
    """A job that waits starts. `outlives`: it is behind the head, and estimated to run on at the shadow time."""
    job = simulation.jobs[number]
    dequeue(simulation, number)
    if _placed(simulation):
        allot(simulation, simulation.lanes[job.lane].pool, number, outlives)
    job.start = now
    job.end = now + job.run
    job.runs += 1
    heap_push(simulation.heap, simulation.counts, job.end, number)
    _occupy(simulation, number, now)


@jit
def _stop(simulation, number, now):
    """A running job ends, or is stopped."""
    job = simulation.jobs[number]
    lane = simulation.lanes[job.lane]
    until = job.start + job.estimate
    simulation.pools[lane.pool].free += job.units
    if _placed(simulation):
        release(simulation, lane.pool, number)
    ends_remove(simulation, lane.pool, job.units, until, number)
    charge(simulation, job.lane, -job.units, -1, -job.units * (until - now))
    accrue(simulation.associations[lane.association], now, -job.units)
    if _holds(simulation):
        occupy(simulation, lane.pool, lane.klass, -job.units, until)


@jit
def _room(simulation, lane, now, estimate):
    """Units that a job of this lane may take now, for as long as it is estimated to run."""
    pool = simulation.lanes[lane].pool
    room = min(simulation.pools[pool].free, limit_room(simulation, lane))
    if _holds(simulation):
        room = min(room, held_room(simulation, pool, simulation.lanes[lane].klass, now + estimate))
    if _placed(simulation) and room > 0:
        room = min(room, roomiest(simulation, pool, False))
    return room


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
    mine, theirs = simulation.lanes[lane].offset + one.key, simulation.lanes[other].offset + two.key
    return mine > theirs or (mine == theirs and one.job < two.job)


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
def _fits_now(simulation, number, now):
    job = simulation.jobs[number]
    if job.units > _room(simulation, job.lane, now, job.estimate):
        return False
    return not _placed(simulation) or has_nodes(simulation, simulation.lanes[job.lane].pool, job, False)


@needs("kept", otherwise=False)
def _make_way(simulation, pool, head, now):
    """Stop jobs of lower tiers, the latest started first, if that lets the head start; they wait again."""
    jobs, lanes = simulation.jobs, simulation.lanes
    tier = lanes[jobs[head].lane].tier
    victims, started = np.empty(simulation.counts[HEAPED], np.int64), np.empty(simulation.counts[HEAPED], np.int64)
    found = 0
    for place in range(simulation.pools[pool].blocks):
        block = simulation.order[pool, place]
        for n in range(simulation.blocks[block].count):
            who = simulation.pairs[block, n].who
            if lanes[jobs[who].lane].tier < tier:
                victims[found] = who
                found += 1
    # The latest started first; of one instant, who stands last in the trace.
    victims = np.sort(victims[:found])[::-1].copy()
    for n in range(found):
        started[n] = -jobs[victims[n]].start
    victims = victims[np.argsort(started[:found], kind="mergesort")]
    stopped = 0
    while stopped < found and not _fits_now(simulation, head, now):
        _stop(simulation, victims[stopped], now)
        stopped += 1
    fits = _fits_now(simulation, head, now)
    for n in range(stopped):
        who = victims[n]
        if fits:
            jobs[who].lost += jobs[who].units * (now - jobs[who].start)
            jobs[who].start = jobs[who].end = -1
            heap_remove(simulation.heap, simulation.counts, who)
            enqueue(simulation, who)
        else:
            _occupy(simulation, who, now)
    return fits


@jit
def _serve(simulation, pool, now, preempts):
    """Start the first of the queue as long as it fits. Who doesn't is the head; -1: nobody waits."""
    while True:
        head = _head_of(simulation, pool)
        simulation.pools[pool].head = head
        if head < 0:
            return
        if not _fits_now(simulation, head, now) and not (preempts and _make_way(simulation, pool, head, now)):
            return
        _start(simulation, head, now, False)


@jit
def _try(simulation, number, now):
    """Start a job behind the head, if it fits and doesn't delay the head."""
    job = simulation.jobs[number]
    lane = simulation.lanes[job.lane]
    pool = simulation.pools[lane.pool]
    until = now + job.estimate
    if not _fits_now(simulation, number, now) or not within_budget(simulation, job.lane, job.units * job.estimate):
        return
    if _holds(simulation):
        if not head_fits_beside(simulation, lane.pool, lane.klass, job.units, until):
            return
        if until > pool.shadow:
            occupy_then_too(simulation, lane.pool, lane.klass, job.units)
    elif until > pool.shadow:
        if job.units > pool.extra or (_placed(simulation) and not has_nodes(simulation, lane.pool, job, True)):
            return
        if not _placed(simulation):
            pool.extra -= job.units
    _start(simulation, number, now, until > pool.shadow)
    if _placed(simulation) and until > pool.shadow:
        pool.extra = roomiest(simulation, lane.pool, True)


@jit
def _candidate(simulation, lane, start, now):
    """The next place of a lane whose job might be backfilled."""
    pool = simulation.pools[simulation.lanes[lane].pool]
    if simulation.lanes[lane].fewest > pool.free:
        return -1
    room = _room(simulation, lane, now, 1)
    # What is held makes of extra units a question of class: then all that have room are tried.
    extra = room if _holds(simulation) else min(room, pool.extra)
    window = pool.shadow - now
    return next_fit(simulation.places, simulation.tree, start, simulation.lanes[lane].last, room, extra, window)


@jit
def _backfill(simulation, pool, now, candidate, served):
    """Start who fits behind the head, in the order of the queue.

    `candidate`, by lane, and `served` are room to work in: each lane's next place, and the lanes that have one."""
    lanes, tree = simulation.lanes, simulation.tree
    free, extra, window = simulation.pools[pool].free, simulation.pools[pool].extra, simulation.pools[pool].shadow - now
    if not _holds(simulation) and not may_fit(tree, 1, column_of(tree, free), min(free, extra), window):
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
    if _holds(simulation):
        pool.shadow, pool.extra = held_shadow(simulation, number)
    elif _placed(simulation):
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


@jit
def run(given, backfills, preempts, priorities):
    """Let all jobs come, run and end. `priorities` None: the queue is in the order of submission."""
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
            _stop(simulation, number, now)
            # What a limit leaves again may be for jobs of another pool.
            if len(simulation.limits) > 0:
                changed[:] = True
            changed[lanes[jobs[number].lane].pool] = True
        # After the ends: who was estimated to end now isn't in the segment that begins.
        while counts[SEGMENT] + 1 < len(since) and since[counts[SEGMENT] + 1] <= now:
            counts[SEGMENT] += 1
            changed[:] = True
        before = came
        while came < len(jobs) and jobs[came].submit == now:
            enqueue(simulation, came)
            came += 1
        if priorities is not None:  # noqa: SIM102 -- only a condition of its own is seen when compiling
            if due == now:
                due = reckon(simulation, priorities, due, now)
                changed[:] = True
        for number in range(before, came):
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
                if not changed[lanes[jobs[number].lane].pool]:
                    _try(simulation, number, now)
        for pool in range(len(changed)):
            if changed[pool]:
                _pass(simulation, pool, now, backfills, preempts, candidate, served)
