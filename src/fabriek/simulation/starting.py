"""Jobs start, end, are stopped and go on: what they take of their pool, its nodes, limits and shares, and give back."""

from __future__ import annotations

from fabriek.simulation.compiled import jit, needs
from fabriek.simulation.fitting import holds, placed
from fabriek.simulation.holding import charge, occupy
from fabriek.simulation.placing import allot, forget, lift, release
from fabriek.simulation.priorities import accrue
from fabriek.simulation.queueing import dequeue, enqueue
from fabriek.simulation.routing import await_too
from fabriek.simulation.running import ends_add, ends_remove, heap_push, heap_remove
from fabriek.simulation.state import KILLED, STOPPED


@jit
def _take(simulation, number, now):
    """All but nodes, until its estimated end."""
    job = simulation.jobs[number]
    lane = simulation.lanes[job.lane]
    until = job.start + job.estimate
    simulation.pools[lane.pool].free -= job.units
    ends_add(simulation, lane.pool, job.units, until, number)
    charge(simulation, job.lane, job.units, 1, job.units * (until - now))
    accrue(simulation.associations[lane.association], now, job.units)
    if holds(simulation):
        occupy(simulation, lane.pool, lane.klass, job.units, until)


@jit
def _give(simulation, number, now):
    """All but nodes."""
    job = simulation.jobs[number]
    lane = simulation.lanes[job.lane]
    until = job.start + job.estimate
    simulation.pools[lane.pool].free += job.units
    ends_remove(simulation, lane.pool, job.units, until, number)
    charge(simulation, job.lane, -job.units, -1, -job.units * (until - now))
    accrue(simulation.associations[lane.association], now, -job.units)
    if holds(simulation):
        occupy(simulation, lane.pool, lane.klass, -job.units, until)


@jit
def begin(simulation, number, now, outlives):
    """A job that waits starts. `outlives`: it is behind the head, and estimated to run on at the shadow time."""
    job = simulation.jobs[number]
    dequeue(simulation, number)
    if placed(simulation):
        allot(simulation, simulation.lanes[job.lane].pool, number, now, outlives)
    job.start = now
    job.end = now + job.run
    await_too(simulation, simulation.lanes[job.lane].pool, number, -1)
    heap_push(simulation.heap, simulation.counts, job.end, number)
    _take(simulation, number, now)


@jit
def end(simulation, number, now):
    """A running job ends."""
    if placed(simulation):
        release(simulation, simulation.lanes[simulation.jobs[number].lane].pool, number)
    _give(simulation, number, now)


@needs("stopped", otherwise=None)
def pause(simulation, number, now):
    """A running job leaves what it has, and either goes on in the same second or is `stopped`."""
    if placed(simulation):
        lift(simulation, simulation.lanes[simulation.jobs[number].lane].pool, number, 1)
    _give(simulation, number, now)


@needs("stopped", otherwise=None)
def go_on(simulation, number, now):
    """It has again what it left."""
    if placed(simulation):
        lift(simulation, simulation.lanes[simulation.jobs[number].lane].pool, number, -1)
    _take(simulation, number, now)


@needs("stopped", otherwise=None)
def stop(simulation, number, now, cause):
    """What a paused job ran so far is void. It waits again, unless it is killed."""
    job, runs, counts = simulation.jobs[number], simulation.stopped, simulation.counts
    # Beyond the room that there is, runs are counted only: `simulate` sees it, and makes room.
    if counts[STOPPED] < len(runs):
        run = runs[counts[STOPPED]]
        run.job, run.start, run.end, run.cause = number, job.start, now, cause
    counts[STOPPED] += 1
    heap_remove(simulation.heap, counts, number)
    if placed(simulation):
        forget(simulation, number)
    if cause == KILLED:
        job.end = now
    else:
        job.start = job.end = -1
        enqueue(simulation, number)
        await_too(simulation, simulation.lanes[job.lane].pool, number, 1)
