"""Jobs come into the queue and leave it, each in its lane."""

from __future__ import annotations

from fabriek.simulation.compiled import ENDLESS, jit
from fabriek.simulation.state import ACTIVE
from fabriek.simulation.waiting import put, take


@jit
def lane_of(job, lanes):
    """The number of the lane in which a job waits: its own, or, once it is of full age, its twin."""
    return job.lane + len(lanes) // 2 if job.aged else job.lane


@jit
def place_of(job):
    """Its place in the index of the queue."""
    return job.old if job.aged else job.young


@jit
def enqueue(simulation, number):
    """Let a job wait in its lane."""
    job, lanes, counts = simulation.jobs[number], simulation.lanes, simulation.counts
    place, chosen = place_of(job), lane_of(job, lanes)
    lane = lanes[chosen]
    put(simulation.places, simulation.tree, place)
    lane.front = min(lane.front, place)
    lane.fewest = min(lane.fewest, job.units)
    lane.waiting += 1
    if lane.waiting == 1:
        lane.seat = counts[ACTIVE]
        lanes[lane.seat].active = chosen
        counts[ACTIVE] += 1


@jit
def dequeue(simulation, number):
    """Let it wait no longer."""
    job, lanes, counts = simulation.jobs[number], simulation.lanes, simulation.counts
    place = place_of(job)
    lane = lanes[lane_of(job, lanes)]
    take(simulation.places, simulation.tree, place)
    lane.waiting -= 1
    if place == lane.front:
        lane.front = place + 1
    if lane.waiting == 0:
        lane.front, lane.fewest = lane.last, ENDLESS
        counts[ACTIVE] -= 1
        last = lanes[counts[ACTIVE]].active
        lanes[lane.seat].active = last
        lanes[last].seat = lane.seat
