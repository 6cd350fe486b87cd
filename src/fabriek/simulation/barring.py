"""Nodes that a class may not have for a while: those held for others, and those in maintenance.

`barred` has a bit for each node in each segment of time. A job may have a node if it is barred in none of the segments
that it is estimated to run in.
"""

from __future__ import annotations

from fabriek.simulation.compiled import ENDLESS, bits, jit, needs, ones
from fabriek.simulation.state import PASS, SEGMENT, WORD


@needs("barred", otherwise=False)
def bars(simulation):
    """Whether any node is barred at any time."""
    return simulation.barred.shape[0] > 0


@jit
def open_nodes(simulation, klass, word, instant, until):
    """Bits of the nodes of a word that a class may have from an instant, not before now, until another."""
    since, shut = simulation.since, 0
    for segment in range(simulation.counts[SEGMENT], len(since)):
        if segment + 1 < len(since) and since[segment + 1] <= instant:
            continue
        if since[segment] >= until:
            break
        shut |= simulation.barred[segment, klass, word]
    return ~shut


@needs("barred", otherwise=-1)
def open_to(simulation, number, word, now):
    """Bits of the nodes of a word that a job may have that starts now."""
    job = simulation.jobs[number]
    return open_nodes(simulation, simulation.lanes[job.lane].klass, word, now, now + job.estimate)


@needs("barred", otherwise=0)
def open_on_shelf(simulation, pool, number, now, later):
    """How many nodes a job that takes whole ones may have now, and, with `later`, still at the shadow time."""
    here, shape, found = simulation.pools[pool], simulation.shapes[number], 0
    for word in range(here.first_node // WORD, -(-here.last_node // WORD)):
        members = simulation.members[shape.gpus, shape.cores, word]
        if later:
            members &= ~simulation.aside[word]
        if members:
            found += ones(members & open_to(simulation, number, word, now))
    return found


@needs("barred", otherwise=ENDLESS)
def when_open(simulation, pool):
    """When, by the estimates, the head has nodes until its own end, and these nodes' bits in `fitting`. ENDLESS: never.

    At each end and each bound of a segment, all nodes are asked that have room for a part of the head by then.
    """
    shapes, nodes, links, here = simulation.shapes, simulation.nodes, simulation.links, simulation.pools[pool]
    since, order, pairs, fitting = simulation.since, simulation.order, simulation.pairs, simulation.fitting
    head, estimate = shapes[here.head], simulation.jobs[here.head].estimate
    klass = simulation.lanes[simulation.jobs[here.head].lane].klass
    first, last = here.first_node // WORD, -(-here.last_node // WORD)
    _fit_now(simulation, pool, head, first, last)
    simulation.counts[PASS] += 1
    seen, segment, place, n = simulation.counts[PASS], simulation.counts[SEGMENT] + 1, 0, 0
    while True:
        instant = ENDLESS
        if place < here.blocks:
            instant = pairs[order[pool, place], n].when
        if segment < len(since) and since[segment] <= instant:
            instant = since[segment]
            segment += 1
        if instant == ENDLESS:
            return ENDLESS
        while place < here.blocks and pairs[order[pool, place], n].when == instant:
            shape = shapes[pairs[order[pool, place], n].who]
            link = shape.link
            while link >= 0:
                number = links[link, 0]
                node = nodes[number]
                if node.seen != seen:
                    node.seen, node.later_cores, node.later_gpus = seen, node.cores, node.gpus
                node.later_cores += shape.cores
                node.later_gpus += shape.gpus
                if node.later_cores >= head.cores and node.later_gpus >= head.gpus:
                    fitting[number // WORD] |= 1 << number % WORD
                link = links[link, 1]
            n += 1
            if n == simulation.blocks[order[pool, place]].count:
                place, n = place + 1, 0
        until, found = instant + estimate, 0
        for word in range(first, last):
            if fitting[word]:
                found += ones(fitting[word] & open_nodes(simulation, klass, word, instant, until))
        if found >= head.spread:
            for word in range(first, last):
                fitting[word] &= open_nodes(simulation, klass, word, instant, until)
            return instant


@jit
def _fit_now(simulation, pool, head, first, last):
    """Fill `fitting` with the nodes that have room for a part of the head now."""
    shelves = simulation.shelves[pool]
    for word in range(first, last):
        simulation.fitting[word] = 0
    for gpus in range(head.gpus, shelves.shape[0]):
        for cores in range(head.cores, shelves.shape[1]):
            if shelves[gpus, cores].count > 0:
                for word in range(first, last):
                    simulation.fitting[word] |= simulation.members[gpus, cores, word]


@needs("barred", otherwise=None)
def take_open(simulation, pool, head):
    """Set the head's nodes aside, of those in `fitting`: a part of the fullest by then, or whole ones, the first."""
    here, nodes, shelves = simulation.pools[pool], simulation.nodes, simulation.shelves[pool]
    seen, best, taken = simulation.counts[PASS], -1, 0
    for word in range(here.first_node // WORD, -(-here.last_node // WORD)):
        left = simulation.fitting[word]
        while left and taken < head.spread:
            number = word * WORD + bits(left & -left)
            left &= left - 1
            node = nodes[number]
            if head.spread > 1:
                taken += 1
                simulation.aside[word] |= 1 << number % WORD
                shelves[node.gpus, node.cores].aside += 1
                continue
            if node.seen != seen:
                node.seen, node.later_cores, node.later_gpus = seen, node.cores, node.gpus
            if best < 0 or (node.later_gpus, node.later_cores) < (nodes[best].later_gpus, nodes[best].later_cores):
                best = number
    if best >= 0:
        node = nodes[best]
        node.later_cores -= head.cores
        node.later_gpus -= head.gpus
        here.apart = best
        simulation.aside[best // WORD] |= 1 << best % WORD
        shelves[node.gpus, node.cores].aside += 1
