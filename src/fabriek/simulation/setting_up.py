"""From jobs, machine and policy to the arrays that the loop works on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fabriek.simulation.compiled import ENDLESS, ROUNDING
from fabriek.simulation.failures import outages_of
from fabriek.simulation.fairshare import Tree, tree_of
from fabriek.simulation.jobs import Jobs
from fabriek.simulation.policy import FairShare, Machine, Policy, Weights
from fabriek.simulation.priorities import Reckoning
from fabriek.simulation.running import room_for_ends
from fabriek.simulation.setting_up_nodes import barred_nodes, bounds_of, held_units, nodes_of
from fabriek.simulation.sites import Copies
from fabriek.simulation.state import (
    ASSOCIATION,
    JOB,
    LANE,
    LIMIT,
    PLACE,
    POOL,
    RUN,
    SPARE,
    TURN,
    Simulation,
)
from fabriek.simulation.waiting import empty_tree

_RARE = ("had", "had_from", "barred", "fitting", "stopped")
"""What is used only where runs are stopped, nodes are held, or somebody asks which nodes jobs had."""

_MORE = (
    *("nodes", "shapes", "links", "shelves", "members", "aside", "freed"),
    *("kept", "busy", "then"),
    *_RARE,
)
"""What only nodes, floors, reservations, preemption and outages use."""

_NAMES = {"user": "users", "account": "accounts", "klass": "klasses", "qos": "qoses"}


def pool_of(jobs: Jobs, machine: Machine) -> NDArray[np.int64]:
    """Place of each job's pool in the machine's; -1: no pool has the name of its partition."""
    if len(machine.pools) == 1:
        return np.zeros(len(jobs), np.int64)
    places = {pool.name: place for place, pool in enumerate(machine.pools)}
    return np.array([places.get(name, -1) for name in jobs.partitions])[jobs.partition]


def simulation_of(
    jobs: Jobs,
    units: NDArray[np.int64],
    pool: NDArray[np.int64],
    machine: Machine,
    policy: Policy,
    *,
    keep_nodes: bool = False,
    stopped: int = 0,
    copies: Copies | None = None,
) -> tuple[Simulation, Reckoning | None]:
    """The state before the first of one or more jobs comes. `units` are what each takes of its pool; there is room for
    so many `stopped` runs. `copies`: the jobs are those, of which some come."""
    outages = _outages(jobs, units, machine)
    lane, sample = _lanes_of(jobs, pool, policy)
    # Outages stand behind the jobs, and are never submitted.
    records = np.zeros(len(jobs) + len(outages), JOB)
    mine = records[: len(jobs)]
    records["submit"] = ENDLESS
    mine["submit"], mine["run"], mine["estimate"], mine["units"] = jobs.submit, jobs.run, jobs.estimate, units
    records["start"] = records["end"] = records["lane"] = -1
    mine["lane"] = lane
    places = _order_of_service(jobs, mine, pool, machine, policy.weights)
    association, accounts = _associations(jobs, policy.weights)
    tiers = np.array([policy.preempt.get(name, 0) for name in jobs.qoses])[jobs.qos[sample]]
    lanes = _lanes(places, mine, len(sample))
    of_lanes: dict[str, NDArray[Any]] = {
        "pool": pool[sample],
        "klass": jobs.klass[sample],
        "tier": tiers,
        "association": association[sample],
    }
    for name, column in of_lanes.items():
        lanes[name] = np.tile(column, len(lanes) // len(sample))

    pools = np.zeros(len(machine.pools), POOL)
    pools["whole"] = pools["free"] = [one.processors for one in machine.pools]
    pools["head"] = -1

    associations = np.zeros(int(association.max()) + 1, ASSOCIATION)
    associations["since"] = jobs.submit[0]
    more: dict[str, Any] = dict.fromkeys(_MORE)
    if machine.placed or policy.held or policy.preempt or len(outages):
        more = {
            **nodes_of(len(records), pools, pool, jobs, machine, keep_nodes),
            **held_units(jobs, machine, policy),
            **barred_nodes(jobs, machine, policy, pools),
            "stopped": np.zeros(stopped, RUN),
        }
        if not (policy.preempt or len(outages) or keep_nodes or (machine.placed and policy.held)):
            more |= dict.fromkeys(_RARE)
        if len(outages):
            # A pool's first node has a number of its own among all nodes.
            outages["node"] += pools["first_node"][outages["pool"]]
    running = room_for_ends(len(pools), int(min(len(records), pools["whole"].sum())))
    limits, of_lane = _limits(jobs, policy, sample)
    return Simulation(
        jobs=records,
        lanes=lanes,
        pools=pools,
        limits=limits,
        associations=associations,
        places=places,
        tree=empty_tree(len(places), int(units.max())),
        of_lane=of_lane,
        counts=_counts(len(running["spare"])),
        asked=None if copies is None else copies.asked,
        copies=None if copies is None else copies.copy,
        since=bounds_of(policy),
        outages=outages if len(outages) else None,
        **running,
        **more,
    ), _reckoning(jobs, policy.weights, accounts)


def _counts(spare: int) -> NDArray[np.int64]:
    counts = np.zeros(TURN + 1, np.int64)
    counts[SPARE] = spare
    return counts


def _outages(jobs: Jobs, units: NDArray[np.int64], machine: Machine) -> NDArray[Any]:
    """Those listed, and those drawn from the first submission to the last and as much longer as a machine that is never
    idle would need for all jobs."""
    if not machine.failures:
        return outages_of(machine, 0, 0)
    whole = sum(pool.processors for pool in machine.pools)
    after = int((units.astype(np.float64) * jobs.run).sum() / whole) + int(jobs.run.max())
    return outages_of(machine, int(jobs.submit[0]), int(jobs.submit[-1]) + after)


def _lanes_of(jobs: Jobs, pool: NDArray[np.int64], policy: Policy) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Lane by job, and a job of each. Lanes are told apart by what the policy looks at: without priorities, limits and
    floors there is one for each pool."""
    facets: dict[str, NDArray[Any]] = {"pool": pool}
    if policy.weights is not None:
        facets |= {"user": jobs.user, "account": jobs.account}
    if policy.held:
        facets["klass"] = jobs.klass
    if policy.preempt:
        facets["qos"] = jobs.qos
    for limit in policy.limits:
        facets[limit.over] = getattr(jobs, limit.over)
    code = np.zeros(len(jobs), np.int64)
    for column in facets.values():
        code = np.unique(code * (int(column.max()) + 1) + column, return_inverse=True)[1].astype(np.int64)
    sample = np.unique(code, return_index=True)[1]
    return code, sample


def _order_of_service(
    jobs: Jobs, records: NDArray[Any], pool: NDArray[np.int64], machine: Machine, weights: Weights | None
) -> NDArray[Any]:
    """Places in the queue's index, lane by lane, each with its job and what of its priority is its own; fills in the
    places of each job while its age grows and after.

    Of two jobs whose ages grow, the same one stays ahead: what an age gains is in common, and its beginning is its own.
    """
    count = len(jobs)
    own = np.zeros(count) if weights is None else _own_factors(jobs, records["units"], pool, machine, weights)
    places = np.zeros(count if weights is None else 2 * count, PLACE)
    for twin, name in enumerate(("young",) if weights is None else ("young", "old")):
        key = own
        if weights is not None and name == "young":
            key = own - weights.age / weights.most_age * (jobs.submit - jobs.submit[0])
        order = np.lexsort((-_without_rounding(key), records["lane"]))
        here = places[twin * count : (twin + 1) * count]
        here["job"], here["key"] = order, key[order]
        here["units"], here["estimate"] = records["units"][order], records["estimate"][order]
        records[name][order] = np.arange(count) + twin * count
    if weights is None:
        records["old"] = records["young"]
    return places


def _without_rounding(key: NDArray[np.float64]) -> NDArray[np.float64]:
    """Whole numbers in the order of these, the same for those that are equal but for rounding."""
    return np.rint(np.ldexp(key / ROUNDING, -np.frexp(np.abs(key).max())[1]))


def _lanes(places: NDArray[Any], records: NDArray[Any], count: int) -> NDArray[Any]:
    """So many empty lanes, and their twins where there are: which places of the index are whose."""
    twins = len(places) // len(records)
    edges = np.searchsorted(records["lane"][places["job"][: len(records)]], np.arange(count + 1))
    lanes = np.zeros(count * twins, LANE)
    lanes["first"] = np.concatenate([edges[:-1] + len(records) * twin for twin in range(twins)])
    lanes["last"] = np.concatenate([edges[1:] + len(records) * twin for twin in range(twins)])
    lanes["front"], lanes["fewest"] = lanes["last"], ENDLESS
    return lanes


def _own_factors(
    jobs: Jobs, units: NDArray[np.int64], pool: NDArray[np.int64], machine: Machine, weights: Weights
) -> NDArray[np.float64]:
    """What size, partition and QOS add to each job's priority."""
    whole = np.array([one.processors for one in machine.pools], np.float64)[pool]
    part = 1 - units / whole if weights.small_first else units / whole
    partition = np.array([weights.partition_factors.get(name, 0.0) for name in jobs.partitions])
    qos = np.array([weights.qos_factors.get(name, 0.0) for name in jobs.qoses])
    return weights.size * part + weights.partition * partition[jobs.partition] + weights.qos * qos[jobs.qos]


def _associations(jobs: Jobs, weights: Weights | None) -> tuple[NDArray[np.int64], Tree]:
    """Association (user of an account) by job, and the tree of accounts above them."""
    if weights is None:
        return np.zeros(len(jobs), np.int64), tree_of([-1, 0], [1.0, 1.0], [-1, 0])
    users = len(jobs.users)
    pairs, association = np.unique(jobs.account.astype(np.int64) * users + jobs.user, return_inverse=True)
    parent, raw, leaf = [-1], [1.0], [-1]
    node_of: dict[str, int] = {}

    def node(account: str, below: tuple[str, ...] = ()) -> int:
        if account in below:
            raise ValueError(f"account {account} is below itself")
        if account not in node_of:
            above = weights.parents.get(account)
            parent.append(0 if above is None else node(above, (*below, account)))
            raw.append(weights.shares.get(account, 1.0))
            leaf.append(-1)
            node_of[account] = len(parent) - 1
        return node_of[account]

    for account in sorted({int(pair) // users for pair in pairs}):
        node(jobs.accounts[account])
    for place, pair in enumerate(pairs):
        parent.append(node_of[jobs.accounts[int(pair) // users]])
        raw.append(weights.user_shares.get(jobs.users[int(pair) % users], 1.0))
        leaf.append(place)
    return association, tree_of(parent, raw, leaf)


def _reckoning(jobs: Jobs, weights: Weights | None, tree: Tree) -> Reckoning | None:
    if weights is None:
        return None
    return Reckoning(
        period=weights.period,
        first=int(jobs.submit[0]),
        keep=0.5 ** (weights.period / weights.half_life) if weights.half_life else 1.0,
        ageing=weights.age / weights.most_age,
        most_age=weights.most_age,
        fair_share=float(weights.fair_share),
        damping=float(weights.damping),
        by_rank=weights.algorithm is FairShare.TREE,
        tree=tree,
        young=np.zeros(1, np.int64),
    )


def _limits(jobs: Jobs, policy: Policy, sample: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """A record for each limit of one name, and the numbers of those that each lane is under."""
    most: list[tuple[int, int, int]] = []
    rows: list[list[int]] = [[] for _lane in sample]
    for limit in policy.limits:
        names = getattr(jobs, _NAMES[limit.over])
        minutes = limit.processor_minutes
        number_of: dict[int, int] = {}
        for lane, job in enumerate(sample):
            one = int(getattr(jobs, limit.over)[job])
            if limit.name not in ("", names[one]):
                continue
            if one not in number_of:
                number_of[one] = len(most)
                most.append(
                    (
                        ENDLESS if limit.processors is None else limit.processors,
                        ENDLESS if limit.jobs is None else limit.jobs,
                        ENDLESS if minutes is None else int(minutes * 60),
                    )
                )
            rows[lane].append(number_of[one])
    of_lane = np.full((len(sample), 1 + max(len(row) for row in rows)), -1, np.int64)
    for lane, row in enumerate(rows):
        of_lane[lane, : len(row)] = row
    limits = np.zeros(len(most), LIMIT)
    for column, name in enumerate(("most_units", "most_jobs", "most_seconds")):
        limits[name] = [one[column] for one in most]
    return limits, of_lane
