"""What limits and what is held for others leave to a job."""

from __future__ import annotations

from fabriek.simulation.compiled import ENDLESS, jit, needs
from fabriek.simulation.state import SEGMENT


@jit
def limit_room(simulation, lane):
    """Units that a lane's limits leave for one more job; 0 where it may have none. `lane` is a number of a lane or of
    its twin, here and below."""
    room = ENDLESS
    for number in simulation.of_lane[lane % len(simulation.of_lane)]:
        if number < 0:
            break
        limit = simulation.limits[number]
        if limit.jobs >= limit.most_jobs:
            return 0
        room = min(room, limit.most_units - limit.units)
    return room


@jit
def within_budget(simulation, lane, seconds):
    """Whether a lane's limits leave so many unit-seconds."""
    for number in simulation.of_lane[lane % len(simulation.of_lane)]:
        if number < 0:
            break
        limit = simulation.limits[number]
        if limit.seconds + seconds > limit.most_seconds:
            return False
    return True


@jit
def charge(simulation, lane, units, jobs, seconds):
    """Book a start on a lane's limits, or, with amounts below 0, an end."""
    for number in simulation.of_lane[lane % len(simulation.of_lane)]:
        if number < 0:
            break
        limit = simulation.limits[number]
        limit.units += units
        limit.jobs += jobs
        limit.seconds += seconds


@needs("kept", otherwise=0)
def nobody(simulation):
    """The column of what nobody may use: what is held for nobody, and busy with nobody, as it is away."""
    return simulation.kept.shape[2] - 1


@needs("kept", otherwise=None)
def occupy(simulation, pool, klass, units, until):
    """A job of this class takes, or, with units below 0, leaves, what it is estimated to have until then."""
    now, since = simulation.counts[SEGMENT], simulation.since
    simulation.busy[pool, now, klass] += units
    for segment in range(now + 1, len(since)):
        if since[segment] >= until:
            break
        simulation.busy[pool, segment, klass] += units


@jit
def _room_beside(kept, busy, whole, klass):
    """Units that a class may still take, of a segment with so many kept and busy by class."""
    room = whole - busy[klass]
    for other in range(len(kept)):
        if other != klass:
            room -= max(kept[other], busy[other])
    return room


@needs("kept", otherwise=ENDLESS)
def held_room(simulation, pool, klass, until):
    """Units that a class may take from now until then; what ends meanwhile counts where segments begin, not before."""
    since, whole = simulation.since, simulation.pools[pool].whole
    room = ENDLESS
    for segment in range(simulation.counts[SEGMENT], len(since)):
        if segment > simulation.counts[SEGMENT] and since[segment] >= until:
            break
        room = min(room, _room_beside(simulation.kept[pool, segment], simulation.busy[pool, segment], whole, klass))
    return room


@jit
def _room_from(simulation, pool, klass, instant, until):
    """As `held_room`, from a later instant, at which `then[pool]` are busy by the estimates."""
    since, whole = simulation.since, simulation.pools[pool].whole
    room = ENDLESS
    for segment in range(simulation.counts[SEGMENT], len(since)):
        if segment + 1 < len(since) and since[segment + 1] <= instant:
            continue
        busy = simulation.busy[pool, segment]
        if since[segment] <= instant:
            busy = simulation.then[pool]
        elif since[segment] >= until:
            break
        room = min(room, _room_beside(simulation.kept[pool, segment], busy, whole, klass))
    return room


@needs("kept", otherwise=(ENDLESS, 0))
def held_shadow(simulation, pool):
    """When the head of a pool fits by the estimates, and how many units more; fills `then`. ENDLESS: never."""
    jobs, lanes, order, pairs = simulation.jobs, simulation.lanes, simulation.order, simulation.pairs
    since, then, now = simulation.since, simulation.then[pool], simulation.counts[SEGMENT]
    head = jobs[simulation.pools[pool].head]
    then[:] = simulation.busy[pool, now]
    segment, place, n = now + 1, 0, 0
    while True:
        instant = ENDLESS
        if place < simulation.pools[pool].blocks:
            instant = pairs[order[pool, place], n].when
        if segment < len(since) and since[segment] <= instant:
            instant = since[segment]
            segment += 1
        if instant == ENDLESS:
            return ENDLESS, 0
        while place < simulation.pools[pool].blocks and pairs[order[pool, place], n].when == instant:
            job = jobs[pairs[order[pool, place], n].who]
            then[lanes[job.lane].klass if job.lane >= 0 else nobody(simulation)] -= job.units
            n += 1
            if n == simulation.blocks[order[pool, place]].count:
                place, n = place + 1, 0
        room = _room_from(simulation, pool, lanes[head.lane].klass, instant, instant + head.estimate)
        if room >= head.units:
            return instant, room - head.units


@needs("kept", otherwise=True)
def head_fits_beside(simulation, number, klass, units, until):
    """Whether the head of a pool can still start at its shadow time with so many units more busy until then, of this
    class."""
    pool = simulation.pools[number]
    if until <= pool.shadow:
        return True
    head = simulation.jobs[pool.head]
    _occupy_then(simulation, number, klass, units, until)
    of_head = simulation.lanes[head.lane].klass
    room = _room_from(simulation, number, of_head, pool.shadow, pool.shadow + head.estimate)
    _occupy_then(simulation, number, klass, -units, until)
    return room >= head.units


@needs("kept", otherwise=None)
def occupy_then_too(simulation, number, klass, units):
    """So many units of a class more will be busy at the shadow time."""
    simulation.then[number, klass] += units


@jit
def _occupy_then(simulation, number, klass, units, until):
    """Take or leave units from the shadow time on."""
    since, shadow = simulation.since, simulation.pools[number].shadow
    simulation.then[number, klass] += units
    for segment in range(simulation.counts[SEGMENT] + 1, len(since)):
        if since[segment] >= until:
            break
        if since[segment] > shadow:
            simulation.busy[number, segment, klass] += units
