"""Whether a job may start now: what units, limits, what is held for others, and nodes leave to it."""

from __future__ import annotations

from fabriek.simulation.compiled import jit, needs
from fabriek.simulation.holding import held_room, limit_room
from fabriek.simulation.placing import has_nodes, roomiest


@needs("kept", otherwise=False)
def holds(simulation):
    """Whether units are held for a class."""
    return simulation.kept.shape[0] > 0


@needs("nodes", otherwise=False)
def placed(simulation):
    """Whether jobs are put on nodes."""
    return len(simulation.nodes) > 0


@jit
def room_for(simulation, lane, now, estimate):
    """Units that a job of this lane may take now, for as long as it is estimated to run: on nodes, a bound."""
    pool = simulation.lanes[lane].pool
    room = min(simulation.pools[pool].free, limit_room(simulation, lane))
    if holds(simulation):
        room = min(room, held_room(simulation, pool, simulation.lanes[lane].klass, now + estimate))
    if placed(simulation) and room > 0:
        room = min(room, roomiest(simulation, pool, False))
    return room


@jit
def fits_now(simulation, number, now):
    """Whether a job that waits has room and nodes now. Budgets aren't looked at."""
    job = simulation.jobs[number]
    if job.units > room_for(simulation, job.lane, now, job.estimate):
        return False
    return not placed(simulation) or has_nodes(simulation, simulation.lanes[job.lane].pool, number, now, False)
