"""Nodes that fail: a list of outages, or a distribution from which outages are drawn with a seed.

Times up to a failure are Weibull distributed and times of repair log-normal, as they were found to be on real machines,
where the shape of the first is 0.7 to 0.8: Schroeder and Gibson, "A Large-Scale Study of Failures in High-Performance
Computing Systems", DSN 2006.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gamma, log
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from annotated_types import Ge
from numpy.typing import NDArray

from fabriek.simulation.state import OUTAGE

if TYPE_CHECKING:
    from fabriek.simulation.policy import Machine, Pool

Count = Annotated[int, Ge(1)]
Seconds = Annotated[int, Ge(1)]
_STRICT = {"extra": "forbid", "allow_inf_nan": False}

MOST_OUTAGES = 1_000_000
"""A simulation has at most so many outages."""

LONGEST = 10**12
"""The longest outage, and the latest beginning of one, in seconds."""


@dataclass(frozen=True, slots=True)
class Outage:
    """Part of a partition is away from an instant until another, though nobody expected it: `nodes` from `first_node`
    on, or, where the partition has no nodes, so many `processors` (units of it), of which it is drawn which they are.
    """

    __pydantic_config__ = _STRICT

    since: Annotated[int, Ge(0)]
    until: Annotated[int, Ge(1)]
    partition: str = ""
    first_node: Annotated[int, Ge(0)] = 0
    nodes: Count = 1
    processors: Count = 1


@dataclass(frozen=True, slots=True)
class Failures:
    """Every node fails by itself: `mean_up` seconds after the beginning or its last repair, on average, for
    `mean_repair` seconds, on average.

    `shape` is that of the Weibull distribution of times up (1: exponential; below 1: who failed lately fails sooner),
    `repair_spread` the standard deviation of the logarithm of times of repair (0: all are the mean). Where a partition
    has no nodes, so many `processors` (units of it) fail together. The same seed gives the same outages, whatever the
    policy.
    """

    __pydantic_config__ = _STRICT

    mean_up: Seconds
    mean_repair: Seconds
    shape: Annotated[float, Ge(0.1)] = 1.0
    repair_spread: Annotated[float, Ge(0)] = 0.0
    processors: Count = 1
    seed: Annotated[int, Ge(0)] = 0


def outages_of(machine: Machine, since: int, until: int) -> NDArray[Any]:
    """All outages of a machine, in the order of their beginning: those listed, and those drawn that begin from `since`
    to before `until`. On nodes an outage has one node, and a node one outage at a time.

    Raises ValueError for one that the machine can't have, and for more than `MOST_OUTAGES`.
    """
    draw = np.random.default_rng(machine.failures.seed if machine.failures else 0)
    parts = [np.zeros(0, OUTAGE)]
    if machine.failures:
        parts += [_drawn(machine.failures, pool, place, since, until, draw) for place, pool in enumerate(machine.pools)]
    # The last to be drawn for, so that one more in the list changes nothing else.
    parts += [_listed(machine, one) for one in machine.outages]
    found = np.concatenate(parts)
    _check_number(len(found))
    found["luck"] = draw.random(len(found))
    if machine.placed:
        found = _united(found)
    return found[np.lexsort((found["node"], found["pool"], found["since"]))]


def _listed(machine: Machine, outage: Outage) -> NDArray[Any]:
    places = [place for place, pool in enumerate(machine.pools) if pool.name == outage.partition]
    if not places:
        raise ValueError(f"an outage is of {outage.partition!r}, which is no partition of the machine")
    if outage.until <= outage.since:
        raise ValueError(f"an outage from {outage.since} ends at {outage.until}")
    if max(outage.since, outage.until - outage.since) > LONGEST:
        raise ValueError(f"an outage from {outage.since} until {outage.until} goes beyond {LONGEST:,} seconds")
    pool = machine.pools[places[0]]
    if not pool.nodes:
        return _records(places[0], [-1], outage.since, outage.until, outage.processors)
    last = outage.first_node + outage.nodes
    if last > pool.nodes:
        raise ValueError(
            f"an outage is of node {last - 1}, and {pool.name or 'the machine'} has {pool.nodes} from 0 on"
        )
    return _records(places[0], np.arange(outage.first_node, last), outage.since, outage.until, pool.node_cores)


def _drawn(
    failures: Failures, pool: Pool, place: int, since: int, until: int, draw: np.random.Generator
) -> NDArray[Any]:
    """Round by round, the next failure of each node that still has one before `until`."""
    count, units = (pool.nodes, pool.node_cores) if pool.nodes else (pool.processors // failures.processors, 0)
    _check_number(max(count, count * (until - since) // (failures.mean_up + failures.mean_repair)))
    scale = failures.mean_up / gamma(1 + 1 / failures.shape)
    middle = log(failures.mean_repair) - failures.repair_spread**2 / 2
    nodes, at, rounds = np.arange(count), np.full(count, float(since)), [np.zeros(0, OUTAGE)]
    while len(nodes):
        begin = np.ceil(at + scale * draw.weibull(failures.shape, len(nodes)))
        end = begin + np.clip(np.rint(draw.lognormal(middle, failures.repair_spread, len(nodes))), 1, LONGEST)
        begun = begin < until
        nodes, at = nodes[begun], end[begun]
        which = nodes if pool.nodes else np.full(len(nodes), -1)
        rounds.append(_records(place, which, begin[begun], at, units or failures.processors))
        _check_number(sum(map(len, rounds)))
    return np.concatenate(rounds)


def _check_number(outages: int) -> None:
    if outages > MOST_OUTAGES:
        raise ValueError(f"some {outages:,} nodes or outages; at most {MOST_OUTAGES:,} are simulated")


def _records(place: int, nodes: Any, since: Any, until: Any, units: int) -> NDArray[Any]:
    found = np.zeros(len(nodes), OUTAGE)
    found["pool"], found["node"], found["since"], found["until"], found["units"] = place, nodes, since, until, units
    return found


def _united(outages: NDArray[Any]) -> NDArray[Any]:
    """Outages of one node that overlap or follow at once become one."""
    outages = outages[np.lexsort((outages["since"], outages["node"], outages["pool"]))]
    kept: list[int] = []
    for number, one in enumerate(outages):
        last = outages[kept[-1]] if kept else None
        same = last is not None and (last["pool"], last["node"]) == (one["pool"], one["node"])
        if last is None or not same or one["since"] > last["until"]:
            kept.append(number)
        else:
            outages["until"][kept[-1]] = max(last["until"], one["until"])
    return outages[kept]
