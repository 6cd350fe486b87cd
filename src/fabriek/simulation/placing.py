"""Jobs on nodes: which nodes a job gets, and what they leave to others.

A job that fits on one node gets the fullest on which it fits (fewest free GPUs, then cores, then the first); a larger
one gets whole nodes, the first ones. The head's nodes are set aside as of its shadow time.

Nodes with equally much free are on one shelf: `shelves` has how many, and `members` which, a bit each. So a job's nodes
are found by looking at shelves, in the order of fit, and not at nodes. Who still runs at the shadow time asks the same
shelves without the nodes set aside: of any other node at least as much is free then as now. Of the nodes set aside,
only one that a head takes a part of can serve such a job too.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fabriek.simulation.compiled import ENDLESS, bits, jit, needs
from fabriek.simulation.state import LINK, PASS, SHELF

WORD = 32
"""Nodes in each word of bits: not 64, so that none is below nought. No word has nodes of two pools."""


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
def has_nodes(simulation, pool, job, later):
    """Whether enough nodes have room for a job now, and, with `later`, at the shadow time too."""
    if job.spread == 1:
        return _fullest(simulation, pool, job, later) >= 0
    shelf = simulation.shelves[pool, job.gpus, job.cores]
    return shelf.count - (shelf.aside if later else 0) >= job.spread


@jit
def _lowest(simulation, pool, gpus, cores, later, start):
    """The first node of a shelf, from `start`; with `later`, of those that aren't set aside. There is one."""
    shelf, members = simulation.shelves[pool, gpus, cores], simulation.members[gpus, cores]
    word = max(shelf.low, start) // WORD
    while True:
        found = members[word]
        if later:
            found &= ~simulation.aside[word]
        if found:
            break
        word += 1
    number = word * WORD + bits(found & -found)
    if not later:
        shelf.low = number
    return number


@jit
def _fullest(simulation, pool, job, later):
    """The fullest node on which a job fits that takes a part of one; -1: none."""
    shelves, other = simulation.shelves[pool], simulation.pools[pool].apart if later else -1
    if other >= 0:
        node = simulation.nodes[other]
        if min(node.cores, node.later_cores) < job.cores or min(node.gpus, node.later_gpus) < job.gpus:
            other = -1
    for gpus in range(job.gpus, shelves.shape[0]):
        for cores in range(job.cores, shelves.shape[1]):
            best = -1
            if shelves[gpus, cores].count > (shelves[gpus, cores].aside if later else 0):
                best = _lowest(simulation, pool, gpus, cores, later, 0)
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


@needs("nodes", otherwise=None)
def allot(simulation, pool, number, later):
    """Give a job its nodes. `later`: it will still run at the shadow time."""
    job, nodes, links, counts = simulation.jobs[number], simulation.nodes, simulation.links, simulation.counts
    job.link = -1
    chosen = -1
    for _part in range(job.spread):
        if job.spread == 1:
            chosen = _fullest(simulation, pool, job, later)
        else:
            chosen = _lowest(simulation, pool, job.gpus, job.cores, later, chosen + 1)
        _change(simulation, pool, chosen, -job.cores, -job.gpus)
        if later and chosen == simulation.pools[pool].apart:
            nodes[chosen].later_cores -= job.cores
            nodes[chosen].later_gpus -= job.gpus
        # Links that nobody uses are a chain of their own.
        link = counts[LINK]
        counts[LINK] = links[link, 1]
        links[link, 0], links[link, 1] = chosen, job.link
        job.link = link


@needs("nodes", otherwise=None)
def release(simulation, pool, number):
    """Take a job's nodes from it."""
    job, links, counts = simulation.jobs[number], simulation.links, simulation.counts
    while job.link >= 0:
        link = job.link
        _change(simulation, pool, links[link, 0], job.cores, job.gpus)
        job.link = links[link, 1]
        links[link, 1] = counts[LINK]
        counts[LINK] = link


@needs("nodes", otherwise=(ENDLESS, 0))
def set_aside(simulation, pool):
    """When the head, which fits nowhere now, does by the estimates, and a bound of the cores that others may have
    beyond; sets its nodes aside."""
    here = simulation.pools[pool]
    head = simulation.jobs[here.head]
    for word in range(here.first_node // WORD, -(-here.last_node // WORD)):
        simulation.aside[word] = 0
    shelves = simulation.shelves[pool]
    for gpus in range(shelves.shape[0]):
        for cores in range(shelves.shape[1]):
            shelves[gpus, cores].aside = 0
    here.apart = -1
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
    jobs, nodes, links, here = simulation.jobs, simulation.nodes, simulation.links, simulation.pools[pool]
    simulation.counts[PASS] += 1
    seen, found, instant = simulation.counts[PASS], 0, ENDLESS
    for place in range(here.blocks):
        block = simulation.order[pool, place]
        for n in range(simulation.blocks[block].count):
            pair = simulation.pairs[block, n]
            if pair.when > instant:
                return instant, found
            job = jobs[pair.who]
            link = job.link
            while link >= 0:
                number = links[link, 0]
                node = nodes[number]
                if node.seen != seen:
                    node.seen, node.later_cores, node.later_gpus = seen, node.cores, node.gpus
                fitted = node.later_cores >= head.cores and node.later_gpus >= head.gpus
                node.later_cores += job.cores
                node.later_gpus += job.gpus
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
