"""What nodes, and what is held of them or of units, begin with."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fabriek.simulation.compiled import ENDLESS
from fabriek.simulation.jobs import Jobs
from fabriek.simulation.placing import shelved
from fabriek.simulation.policy import Held, Machine, Policy, Pool
from fabriek.simulation.state import NODE, SHAPE, WORD


def nodes_of(
    records: int,
    pools: NDArray[Any],
    pool: NDArray[np.int64],
    jobs: Jobs,
    machine: Machine,
    keep_nodes: bool,
) -> dict[str, NDArray[Any]]:
    """Free nodes, their shelves, what jobs and outages (so many `records`) ask of them, and links; fills in which nodes
    pools have."""
    nobody = np.zeros(0, np.int64)
    had: dict[str, NDArray[Any]] = {"had": nobody.astype(np.int32), "had_from": nobody}
    if not machine.placed:
        nothing = {"nodes": np.zeros(0, NODE), "shapes": np.zeros(0, SHAPE), "links": np.zeros((0, 2), np.int64)}
        return nothing | had | shelved(np.zeros(0, NODE), nobody, nobody)
    shapes = np.zeros(records, SHAPE)
    for name, column in zip(("spread", "cores", "gpus"), asked_of_nodes(jobs, pool, machine), strict=True):
        shapes[name][: len(jobs)] = column
    shapes["link"] = -1
    # Each pool's nodes begin in a word of bits of their own; what is left of the word before is nobody's.
    count = np.array([one.nodes for one in machine.pools])
    words = np.cumsum(-(-count // WORD))
    first = np.concatenate(([0], words[:-1])) * WORD
    pools["first_node"], pools["last_node"] = first, first + count
    pools["node_cores"] = [one.node_cores for one in machine.pools]
    pools["node_gpus"] = [one.gpus_per_node for one in machine.pools]
    pools["apart"] = -1
    nodes = np.zeros(int(words[-1]) * WORD, NODE)
    for one in pools:
        nodes["cores"][one["first_node"] : one["last_node"]] = one["node_cores"]
        nodes["gpus"][one["first_node"] : one["last_node"]] = one["node_gpus"]
    # A chain of all links, each with the next one: jobs and outages have one for each of their nodes, and a node has
    # no more than it has cores.
    most = min(nodes["cores"].sum(), shapes["spread"].sum() + len(nodes))
    following = np.arange(1, int(most) + 2)
    links = np.column_stack((np.zeros_like(following), following))
    if keep_nodes:
        had["had_from"] = np.concatenate(([0], np.cumsum(shapes["spread"][: len(jobs)])))
        had["had"] = np.full(int(had["had_from"][-1]), -1, np.int32)
    return {"nodes": nodes, "shapes": shapes, "links": links, **had} | shelved(
        nodes, pools["first_node"], pools["last_node"]
    )


def asked_of_nodes(
    jobs: Jobs, pool: NDArray[np.int64], machine: Machine
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """How many nodes each job takes, and how many cores and GPUs of each: a part of one node, or whole nodes."""
    cores = np.array([one.node_cores for one in machine.pools])[pool]
    gpus = np.array([one.gpus_per_node for one in machine.pools])[pool]
    spread = np.maximum(-(-jobs.processors // cores), -(-jobs.gpus // np.maximum(gpus, 1)))
    one = spread == 1
    return spread, np.where(one, jobs.processors, cores), np.where(one, jobs.gpus, gpus)


def bounds_of(policy: Policy) -> NDArray[np.int64]:
    """When each segment of time begins within which what is held stays the same."""
    bounds = {bound for held in policy.held for bound in (held.since, held.until) if bound is not None}
    return np.array([-ENDLESS, *sorted(bounds)], np.int64)


def held_units(jobs: Jobs, machine: Machine, policy: Policy) -> dict[str, NDArray[np.int64]]:
    """Units that are held in each segment of time; no pools at all: none are."""
    since = bounds_of(policy)
    klasses, pools = len(jobs.klasses), 0 if machine.placed or not policy.held else len(machine.pools)
    kept = np.zeros((pools, len(since), klasses + 1), np.int64)
    places = {name: place for place, name in enumerate(jobs.klasses)}
    for held in policy.held if pools else ():
        # A class without jobs keeps what it is held as well: then nobody has it.
        column = klasses if held.klass is None else places.get(held.klass, klasses)
        for place, pool in enumerate(machine.pools):
            if pool.name == held.partition:
                kept[place, _in_force(held, since), column] += held.processors
    return {
        "kept": kept,
        "busy": np.zeros((pools, len(since), klasses + 1), np.int64),
        "then": np.zeros((pools, klasses + 1), np.int64),
    }


def _in_force(held: Held, since: NDArray[np.int64]) -> NDArray[np.bool_]:
    """In which segments something is held."""
    begun = since >= (-ENDLESS if held.since is None else held.since)
    return begun & (since < (ENDLESS if held.until is None else held.until))


def barred_nodes(jobs: Jobs, machine: Machine, policy: Policy, pools: NDArray[Any]) -> dict[str, NDArray[np.int64]]:
    """A bit for each node that a class may not have in a segment of time, and room for such bits. No segments at all:
    no node is ever barred."""
    since = bounds_of(policy)
    words = -(-int(pools["last_node"].max()) // WORD)
    if not machine.placed or not policy.held:
        return {"barred": np.zeros((0, 1, 1), np.int64), "fitting": np.zeros(0, np.int64)}
    barred = np.zeros((len(since), len(jobs.klasses), words), np.int64)
    others = {name: np.array([one != name for one in jobs.klasses]) for name in {held.klass for held in policy.held}}
    for place, pool in enumerate(machine.pools):
        taken = np.zeros((len(since), pool.nodes), np.bool_)
        for held in policy.held:
            if pool.name == held.partition:
                segments = np.flatnonzero(_in_force(held, since))
                numbers = pools["first_node"][place] + _held_nodes(held, pool, taken, segments)
                for segment in segments:
                    for klass in np.flatnonzero(others[held.klass]):
                        np.bitwise_or.at(barred[segment, klass], numbers // WORD, 1 << numbers % WORD)
    return {"barred": barred, "fitting": np.zeros(words, np.int64)}


def _held_nodes(held: Held, pool: Pool, taken: NDArray[np.bool_], segments: NDArray[np.int64]) -> NDArray[np.int64]:
    """Which of a pool's nodes are held; `taken[segment, node]` are held for a class."""
    count = min(-(-held.processors // pool.node_cores), pool.nodes)
    if held.first_node is not None:
        numbers = np.arange(held.first_node, held.first_node + count)
    elif held.klass is None:
        numbers = np.arange(pool.nodes - count, pool.nodes)
    else:
        numbers = np.flatnonzero(~taken[segments].any(axis=0))[:count]
    if len(numbers) < count or numbers[-1] >= pool.nodes:
        raise ValueError(f"{held.klass or 'maintenance'}: {count} nodes are held that {pool.name or 'it'} hasn't left")
    if held.klass is not None:
        taken[np.ix_(segments, numbers)] = True
    return numbers
