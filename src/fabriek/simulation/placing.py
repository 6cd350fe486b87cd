"""Jobs on nodes: which nodes a job gets, and what they leave to others.

A job that fits on one node gets the fullest on which it fits (fewest free GPUs, then cores, then the first); a larger
one gets whole nodes, the first ones. The head's nodes are set aside as of its shadow time.

Nodes with equally much free are on one shelf: `shelves` has how many, and `members` which, a bit each. So a job's nodes
are found by looking at shelves, in the order of fit, and not at nodes. Who still runs at the shadow time asks the same
shelves without the nodes set aside: of any other node at least as much is free then as now. Of the nodes set aside,
only one that a head takes a part of can serve such a job too. Where nodes are barred for a while (`barring.py`), those
of a shelf are asked one by one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fabriek.simulation.barring import bars, open_on_shelf, open_to, take_open, when_open
from fabriek.simulation.compiled import ENDLESS, bits, jit, needs
from fabriek.simulation.state import LINK, PASS, SHELF, WORD


def shelved(nodes: NDArray[Any], first: NDArray[np.int64], last: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    """All nodes on shelves, none set aside: the fields of `Simulation` for that. Pools' nodes are from `first` to
    before `last`."""
    words = -(-len(nodes) // WORD)
    sizes = (int(nodes["gpus"].max(initial=0)) + 1, int(nodes["cores"].max(initial=0)) + 1)
    shelves, members = np.zeros((len(first), *sizes), SHELF), np.zeros((*sizes, words), np.int64)
    for pool, (start, end) in enumerate(zip(first, last, strict=True)):
        shelves[pool]["low"] = end
        if start < end:
            gpus, cores = nodes["gpus"][start], nodes["cores"][start]
            shelves[pool, gpus, cores] = (end - start, 0, start)
            numbers = np.arange(start, end)
            np.bitwise_or.at(members[gpus, cores], numbers // WORD, 1 << numbers % WORD)
    return {
        "shelves": shelves,
        "members": members,
        "aside": np.zeros(words, np.int64),
        "freed": np.zeros(len(nodes), np.int64),
    }


@needs("nodes", otherwise=ENDLESS)
def roomiest(simulation, pool, later):
    """The most cores that a job can be given in a pool, or, with `later`, one that still runs at the shadow time: a
    bound, since GPUs aren't looked at, and several nodes count only if they are wholly free."""
    here, shelves = simulation.pools[pool], simulation.shelves[pool]
    most = 0
    for gpus in range(shelves.shape[0]):
        for cores in range(most + 1, shelves.shape[1]):
            if shelves[gpus, cores].count > (shelves[gpus, cores].aside if later else 0):
                most = cores
    if later and here.apart >= 0:
        node = simulation.nodes[here.apart]
        most = max(most, min(node.cores, node.later_cores))
    whole = shelves[here.node_gpus, here.node_cores]
    return max(most, (whole.count - (whole.aside if later else 0)) * here.node_cores)


@needs("nodes", otherwise=True)
def has_nodes(simulation, pool, number, now, later):
    """Whether enough nodes have room for a job now, and, with `later`, at the shadow time too."""
    shape = simulation.shapes[number]
    if shape.spread == 1:
        return _fullest(simulation, pool, number, now, later) >= 0
    shelf = simulation.shelves[pool, shape.gpus, shape.cores]
    if shelf.count - (shelf.aside if later else 0) < shape.spread:
        return False
    return not bars(simulation) or open_on_shelf(simulation, pool, number, now, later) >= shape.spread


@jit
def _lowest(simulation, pool, gpus, cores, number, now, later, start):
    """The first node of a shelf, from `start`, that a job may have; with `later`, of those that aren't set aside. -1:
    none."""
    shelf, members = simulation.shelves[pool, gpus, cores], simulation.members[gpus, cores]
    last, barred = -(-simulation.pools[pool].last_node // WORD), bars(simulation)
    for word in range(max(shelf.low, start) // WORD, last):
        found = members[word]
        if later:
            found &= ~simulation.aside[word]
        if found and barred:
            found &= open_to(simulation, number, word, now)
        if found:
            node = word * WORD + bits(found & -found)
            if not later and not barred:
                shelf.low = node
            return node
    return -1


@jit
def _fullest(simulation, pool, number, now, later):
    """The fullest node on which a job fits that takes a part of one; -1: none."""
    shelves, other = simulation.shelves[pool], simulation.pools[pool].apart if later else -1
    shape = simulation.shapes[number]
    if other >= 0:
        node = simulation.nodes[other]
        if min(node.cores, node.later_cores) < shape.cores or min(node.gpus, node.later_gpus) < shape.gpus:
            other = -1
    if other >= 0 and bars(simulation) and not open_to(simulation, number, other // WORD, now) & 1 << other % WORD:
        other = -1
    for gpus in range(shape.gpus, shelves.shape[0]):
        for cores in range(shape.cores, shelves.shape[1]):
            best = -1
            if shelves[gpus, cores].count > (shelves[gpus, cores].aside if later else 0):
                best = _lowest(simulation, pool, gpus, cores, number, now, later, 0)
            if other >= 0 and simulation.nodes[other].gpus == gpus and simulation.nodes[other].cores == cores:
                best = other if best < 0 else min(best, other)
            if best >= 0:
                return best
    return -1


@jit
def _change(simulation, pool, number, cores, gpus):
    """So many cores and GPUs of a node become free, or, with numbers below 0, are taken."""
    node, word, bit = simulation.nodes[number], number // WORD, 1 << number % WORD
    aside = 1 if simulation.aside[word] & bit else 0
    shelf = simulation.shelves[pool, node.gpus, node.cores]
    shelf.count -= 1
    shelf.aside -= aside
    simulation.members[node.gpus, node.cores, word] ^= bit
    node.cores += cores
    node.gpus += gpus
    shelf = simulation.shelves[pool, node.gpus, node.cores]
    shelf.count += 1
    shelf.aside += aside
    shelf.low = min(shelf.low, number)
    simulation.members[node.gpus, node.cores, word] ^= bit


@jit
def _link(simulation, shape, node):
    """A node is a job's. Links that nobody uses are a chain of their own."""
    links, counts = simulation.links, simulation.counts
    link = counts[LINK]
    counts[LINK] = links[link, 1]
    links[link, 0], links[link, 1] = node, shape.link
    shape.link = link


@needs("had", otherwise=None)
def _remember(simulation, number, part, node):
    """Where somebody asks which nodes a job had: this is one of them."""
    if len(simulation.had) > 0:
        simulation.had[simulation.had_from[number] + part] = node


@needs("nodes", otherwise=None)
def allot(simulation, pool, number, now, later):
    """Give a job its nodes. `later`: it will still run at the shadow time."""
    shape, nodes, here = simulation.shapes[number], simulation.nodes, simulation.pools[pool]
    shape.link = -1
    chosen = -1
    for part in range(shape.spread):
        if shape.spread == 1:
            chosen = _fullest(simulation, pool, number, now, later)
        else:
            chosen = _lowest(simulation, pool, shape.gpus, shape.cores, number, now, later, chosen + 1)
        _change(simulation, pool, chosen, -shape.cores, -shape.gpus)
        if later and chosen == here.apart:
            nodes[chosen].later_cores -= shape.cores
            nodes[chosen].later_gpus -= shape.gpus
        _link(simulation, shape, chosen)
        _remember(simulation, number, part, chosen - here.first_node)


@needs("nodes", otherwise=None)
def allot_node(simulation, pool, number, node):
    """Give an outage its node, which nobody has."""
    away = simulation.shapes[number]
    away.cores, away.gpus = simulation.pools[pool].node_cores, simulation.pools[pool].node_gpus
    _change(simulation, pool, node, -away.cores, -away.gpus)
    _link(simulation, away, node)


@needs("nodes", otherwise=None)
def lift(simulation, pool, number, sign):
    """Leave what a job has of its nodes to others, or, with -1, take it again. They stay linked to it."""
    shape, links = simulation.shapes[number], simulation.links
    link = shape.link
    while link >= 0:
        _change(simulation, pool, links[link, 0], sign * shape.cores, sign * shape.gpus)
        link = links[link, 1]


@needs("nodes", otherwise=None)
def forget(simulation, number):
    """Unlink a job from nodes that it has left."""
    shape, links, counts = simulation.shapes[number], simulation.links, simulation.counts
    while shape.link >= 0:
        link = shape.link
        shape.link = links[link, 1]
        links[link, 1] = counts[LINK]
        counts[LINK] = link


@needs("nodes", otherwise=None)
def release(simulation, pool, number):
    """Take a job's nodes from it."""
    lift(simulation, pool, number, 1)
    forget(simulation, number)


@needs("nodes", otherwise=(ENDLESS, 0))
def set_aside(simulation, pool):
    """When the head, which fits nowhere now, does by the estimates, and a bound of the cores that others may have
    beyond; sets its nodes aside."""
    here = simulation.pools[pool]
    head = simulation.shapes[here.head]
    for word in range(here.first_node // WORD, -(-here.last_node // WORD)):
        simulation.aside[word] = 0
    shelves = simulation.shelves[pool]
    for gpus in range(shelves.shape[0]):
        for cores in range(shelves.shape[1]):
            shelves[gpus, cores].aside = 0
    here.apart = -1
    if bars(simulation):
        instant = when_open(simulation, pool)
        if instant == ENDLESS:
            return ENDLESS, 0
        take_open(simulation, pool, head)
        return instant, roomiest(simulation, pool, True)
    lacking = 1 if head.spread == 1 else head.spread - shelves[head.gpus, head.cores].count
    instant, freed = _walk(simulation, pool, head, lacking)
    if instant == ENDLESS:
        return ENDLESS, 0
    if head.spread == 1:
        _take_part(simulation, pool, head, freed)
    else:
        _take_whole(simulation, pool, head, freed)
    return instant, roomiest(simulation, pool, True)


@jit
def _walk(simulation, pool, head, lacking):
    """When, by the estimates, so many nodes more have room for a part of the head, and how many have by then: these
    are in `freed`."""
    shapes, nodes, links, here = simulation.shapes, simulation.nodes, simulation.links, simulation.pools[pool]
    simulation.counts[PASS] += 1
    seen, found, instant = simulation.counts[PASS], 0, ENDLESS
    for place in range(here.blocks):
        block = simulation.order[pool, place]
        for n in range(simulation.blocks[block].count):
            pair = simulation.pairs[block, n]
            if pair.when > instant:
                return instant, found
            shape = shapes[pair.who]
            link = shape.link
            while link >= 0:
                number = links[link, 0]
                node = nodes[number]
                if node.seen != seen:
                    node.seen, node.later_cores, node.later_gpus = seen, node.cores, node.gpus
                fitted = node.later_cores >= head.cores and node.later_gpus >= head.gpus
                node.later_cores += shape.cores
                node.later_gpus += shape.gpus
                if not fitted and node.later_cores >= head.cores and node.later_gpus >= head.gpus:
                    simulation.freed[found] = number
                    found += 1
                link = links[link, 1]
            if found >= lacking:
                instant = pair.when
    return instant, found


@jit
def _take_part(simulation, pool, head, freed):
    """Set the head's part of one node aside, the fullest of those freed: before, none had room for it."""
    best = simulation.freed[0]
    for n in range(1, freed):
        number = simulation.freed[n]
        one, other = simulation.nodes[number], simulation.nodes[best]
        if (one.later_gpus, one.later_cores, number) < (other.later_gpus, other.later_cores, best):
            best = number
    node = simulation.nodes[best]
    node.later_cores -= head.cores
    node.later_gpus -= head.gpus
    simulation.pools[pool].apart = best
    simulation.aside[best // WORD] |= 1 << best % WORD
    simulation.shelves[pool, node.gpus, node.cores].aside += 1


@jit
def _take_whole(simulation, pool, head, freed):
    """Set the head's nodes aside, the first of those that are wholly free now and of those freed."""
    aside, here, nodes = simulation.aside, simulation.pools[pool], simulation.nodes
    shelf, members = simulation.shelves[pool, head.gpus, head.cores], simulation.members[head.gpus, head.cores]
    for word in range(here.first_node // WORD, -(-here.last_node // WORD)):
        aside[word] = members[word]
    for n in range(freed):
        number = simulation.freed[n]
        aside[number // WORD] |= 1 << number % WORD
    word = (here.last_node - 1) // WORD
    for _more in range(shelf.count + freed - head.spread):
        while aside[word] == 0:
            word -= 1
        aside[word] ^= 1 << bits(aside[word])
    shelf.aside = head.spread
    for n in range(freed):
        number = simulation.freed[n]
        if aside[number // WORD] & 1 << number % WORD:
            simulation.shelves[pool, nodes[number].gpus, nodes[number].cores].aside += 1
            shelf.aside -= 1
