"""Jobs on nodes: which nodes a job gets, and what they leave to others.

A job that fits on one node gets the fullest on which it fits (fewest free GPUs, then cores, then the first); a larger
one gets whole nodes. The head's nodes are set aside as of its shadow time: `later_cores` and `later_gpus` of a node are
what the head and all who run then leave of it.
"""

from __future__ import annotations

from fabriek.simulation.compiled import ENDLESS, jit
from fabriek.simulation.state import LINK


@jit
def roomiest(simulation, pool, later):
    """The most cores that a job can be given in a pool, now or at the shadow time: a bound, since GPUs aren't looked
    at, and several nodes count only if they are wholly free."""
    nodes, here = simulation.nodes, simulation.pools[pool]
    whole, most = 0, 0
    for number in range(here.first_node, here.last_node):
        free = nodes[number].later_cores if later else nodes[number].cores
        most = max(most, free)
        if free == here.node_cores:
            whole += 1
    return max(most, whole * here.node_cores)


@jit
def _fits(node, job, later):
    if node.cores < job.cores or node.gpus < job.gpus:
        return False
    return not later or (node.later_cores >= job.cores and node.later_gpus >= job.gpus)


@jit
def has_nodes(simulation, pool, job, later):
    """Whether enough nodes have room for a job now, and, with `later`, at the shadow time too."""
    found = 0
    for number in range(simulation.pools[pool].first_node, simulation.pools[pool].last_node):
        if _fits(simulation.nodes[number], job, later):
            found += 1
            if found == job.spread:
                return True
    return False


@jit
def _fullest(simulation, pool, job, later, start):
    """The node from `start` that is the fullest of those on which a part of a job fits."""
    nodes, best = simulation.nodes, -1
    for number in range(start, simulation.pools[pool].last_node):
        node = nodes[number]
        if _fits(node, job, later):
            if job.spread > 1:
                return number
            if best < 0 or (node.gpus, node.cores) < (nodes[best].gpus, nodes[best].cores):
                best = number
    return best


@jit
def allot(simulation, pool, number, later):
    """Give a job its nodes. `later`: it will still run at the shadow time."""
    job, nodes, links, counts = simulation.jobs[number], simulation.nodes, simulation.links, simulation.counts
    job.link = -1
    start = simulation.pools[pool].first_node
    for _part in range(job.spread):
        chosen = _fullest(simulation, pool, job, later, start)
        nodes[chosen].cores -= job.cores
        nodes[chosen].gpus -= job.gpus
        if later:
            nodes[chosen].later_cores -= job.cores
            nodes[chosen].later_gpus -= job.gpus
        # Links that nobody uses are a chain of their own.
        link = counts[LINK]
        counts[LINK] = links[link, 1]
        links[link, 0], links[link, 1] = chosen, job.link
        job.link = link
        if job.spread > 1:
            start = chosen + 1


@jit
def release(simulation, number):
    """Take a job's nodes from it."""
    job, nodes, links, counts = simulation.jobs[number], simulation.nodes, simulation.links, simulation.counts
    while job.link >= 0:
        link = job.link
        nodes[links[link, 0]].cores += job.cores
        nodes[links[link, 0]].gpus += job.gpus
        job.link = links[link, 1]
        links[link, 1] = counts[LINK]
        counts[LINK] = link


@jit
def set_aside(simulation, pool):
    """When the head fits by the estimates, and a bound of the cores that are left then; sets its nodes aside."""
    jobs, nodes, links, here = simulation.jobs, simulation.nodes, simulation.links, simulation.pools[pool]
    head = jobs[here.head]
    fitting = 0
    for number in range(here.first_node, here.last_node):
        node = nodes[number]
        node.later_cores, node.later_gpus = node.cores, node.gpus
        if node.cores >= head.cores and node.gpus >= head.gpus:
            fitting += 1
    instant = ENDLESS
    for place in range(here.blocks):
        block = simulation.order[pool, place]
        for n in range(simulation.blocks[block].count):
            pair = simulation.pairs[block, n]
            if instant < ENDLESS and pair.when > instant:
                return instant, _without_head(simulation, pool, head)
            job = jobs[pair.who]
            link = job.link
            while link >= 0:
                node = nodes[links[link, 0]]
                fitted = node.later_cores >= head.cores and node.later_gpus >= head.gpus
                node.later_cores += job.cores
                node.later_gpus += job.gpus
                if not fitted and node.later_cores >= head.cores and node.later_gpus >= head.gpus:
                    fitting += 1
                link = links[link, 1]
            if instant == ENDLESS and fitting >= head.spread:
                instant = pair.when
    return instant, _without_head(simulation, pool, head) if instant < ENDLESS else 0


@jit
def _without_head(simulation, pool, head):
    """Set the head's nodes aside, the fullest at the shadow time; the bound of cores that are left."""
    nodes, here = simulation.nodes, simulation.pools[pool]
    start = here.first_node
    for _part in range(head.spread):
        best = -1
        for number in range(start, here.last_node):
            node = nodes[number]
            if node.later_cores >= head.cores and node.later_gpus >= head.gpus:
                if best < 0 or (node.later_gpus, node.later_cores) < (nodes[best].later_gpus, nodes[best].later_cores):
                    best = number
                if head.spread > 1:
                    break
        nodes[best].later_cores -= head.cores
        nodes[best].later_gpus -= head.gpus
        if head.spread > 1:
            start = best + 1
    return roomiest(simulation, pool, True)
