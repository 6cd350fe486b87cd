"""Several sites: by which rule a job goes to one of them, and what moving its data there takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from annotated_types import Ge, Gt
from numpy.typing import NDArray

from fabriek.simulation.jobs import Jobs
from fabriek.simulation.state import ASKED

if TYPE_CHECKING:
    from fabriek.simulation.policy import Machine

_STRICT = {"extra": "forbid", "allow_inf_nan": False}


class Route(StrEnum):
    """Where a job goes: to its home; to its home if it is expected to start there at once, else where it is expected
    to start first; always there; or to one site after the other, of those that can run it."""

    HOME = "home"
    HOME_FIRST = "home_first"
    LEAST_WAIT = "least_wait"
    ROUND_ROBIN = "round_robin"


@dataclass(frozen=True, slots=True)
class Link:
    """Between two sites, both ways. Each movement has the whole speed, however many there are."""

    __pydantic_config__ = _STRICT

    sites: tuple[str, str]
    bytes_per_second: Annotated[float, Gt(0)]


@dataclass(frozen=True, slots=True)
class Routing:
    """The partitions of a machine are sites, and a job's own partition is its home, where its data are.

    A job with data starts at another site at the earliest once they were moved there, for as many seconds as bytes over
    speed, rounded up; where no link leads it doesn't go. In a trace that tells nothing of data each job has
    `bytes_of_job`.
    """

    __pydantic_config__ = _STRICT

    rule: Route = Route.LEAST_WAIT
    links: tuple[Link, ...] = ()
    bytes_of_job: Annotated[float, Ge(0)] = 0.0


@dataclass(frozen=True, slots=True)
class Copies:
    """A job for each site that it may go to: `jobs` in the order in which they would come there. By copy `of`, the job
    (a place in what was given), and `pool`, the site; `copy[job, site]`, -1: it doesn't go there; `asked` by job."""

    jobs: Jobs
    of: NDArray[np.int64]
    pool: NDArray[np.int64]
    copy: NDArray[np.int64]
    asked: NDArray[Any]

    @property
    def goes(self) -> NDArray[np.bool_]:
        """Which jobs may go anywhere at all."""
        return np.asarray(self.copy.max(axis=1, initial=-1) >= 0)


def copies_of(
    jobs: Jobs,
    home: NDArray[np.int64],
    machine: Machine,
    routing: Routing,
    fits: Callable[[NDArray[np.int64]], NDArray[np.bool_]],
) -> Copies:
    """All copies of jobs whose `home` is a place in the machine's pools. `fits` tells of each job whether it fits the
    pool that it is given."""
    amount = np.full(len(jobs), routing.bytes_of_job) if jobs.data is None else jobs.data
    rows, sites, arrivals = [], [], []
    for site in range(len(machine.pools)):
        speed = np.array([_speed(machine, routing, other, site) for other in range(len(machine.pools))])[home]
        goes = (home >= 0) & fits(np.full(len(jobs), site)) & ((amount == 0) | (speed > 0))
        if routing.rule is Route.HOME:
            goes &= home == site
        here = np.flatnonzero(goes)
        delay = np.where(amount > 0, np.ceil(amount / np.maximum(speed, 1e-300)), 0.0)[here]
        rows.append(here)
        sites.append(np.full(len(here), site))
        arrivals.append(jobs.submit[here] + delay.astype(np.int64))
    of, pool, arrival = np.concatenate(rows), np.concatenate(sites), np.concatenate(arrivals)
    order = np.lexsort((of, arrival))
    of, pool, arrival = of[order], pool[order], arrival[order]
    copy = np.full((len(jobs), len(machine.pools)), -1, np.int64)
    copy[of, pool] = np.arange(len(of))
    asked = np.zeros(len(jobs), ASKED)
    asked["submit"], asked["home"] = jobs.submit, home
    return Copies(replace(jobs.taken(of), submit=arrival), of, pool, copy, asked)


def check_sites(machine: Machine, routing: Routing) -> None:
    """Refuse sites that there can't be, and links that lead elsewhere. Raises ValueError."""
    names = {pool.name for pool in machine.pools}
    if len(machine.pools) < 2:
        raise ValueError("jobs are sent to one of several sites, which are the partitions: there is one")
    for link in routing.links:
        if unknown := set(link.sites) - names:
            raise ValueError(f"a link leads to {unknown.pop()!r}, which is no partition")


def _speed(machine: Machine, routing: Routing, one: int, other: int) -> float:
    """Bytes per second from one place in the pools to another; nought: no link leads there."""
    if one == other:
        return float("inf")
    names = {machine.pools[one].name, machine.pools[other].name}
    return max((link.bytes_per_second for link in routing.links if set(link.sites) == names), default=0.0)
