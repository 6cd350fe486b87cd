"""From jobs, machine and policy to the arrays that the loop works on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fabriek.simulation.compiled import ENDLESS
from fabriek.simulation.fairshare import Tree, tree_of
from fabriek.simulation.jobs import Jobs
from fabriek.simulation.placing import WORD, shelved
from fabriek.simulation.policy import FairShare, Machine, Policy, Weights
from fabriek.simulation.priorities import Reckoning
from fabriek.simulation.running import room_for_ends
from fabriek.simulation.state import ASSOCIATION, JOB, LANE, LIMIT, NODE, POOL, Simulation
from fabriek.simulation.waiting import index_of

_MORE = ("nodes", "links", "shelves", "members", "aside", "freed", "kept", "busy", "then")
"""What only nodes, floors, reservations and preemption use."""

_NAMES = {"user": "users", "account": "accounts", "klass": "klasses", "qos": "qoses"}


def pool_of(jobs: Jobs, machine: Machine) -> NDArray[np.int64]:
    """Place of each job's pool in the machine's; -1: no pool has the name of its partition."""
    if len(machine.pools) == 1:
        return np.zeros(len(jobs), np.int64)
    places = {pool.name: place for place, pool in enumerate(machine.pools)}
    return np.array([places.get(name, -1) for name in jobs.partitions])[jobs.partition]


def simulation_of(
    jobs: Jobs, units: NDArray[np.int64], pool: NDArray[np.int64], machine: Machine, policy: Policy
) -> tuple[Simulation, Reckoning | None]:
    """The state before the first of one or more jobs comes. `units` are what each takes of its pool."""
    lane, sample = _lanes_of(jobs, pool, policy)
    job_at, key_at, young, old = _order_of_service(jobs, units, pool, lane, machine, policy.weights)
    places, tree = index_of(job_at, key_at, units, jobs.estimate)
    association, accounts = _associations(jobs, policy.weights)

    records = np.zeros(len(jobs), JOB)
    records["submit"], records["run"], records["estimate"] = jobs.submit, jobs.run, jobs.estimate
    records["units"], records["lane"], records["young"], records["old"] = units, lane, young, old
    records["start"] = records["end"] = records["link"] = -1

    twins = len(job_at) // len(jobs)
    edges = np.searchsorted(lane[job_at[: len(jobs)]], np.arange(len(sample) + 1))
    lanes = np.zeros(len(sample) * twins, LANE)
    lanes["first"] = np.concatenate([edges[:-1] + len(jobs) * twin for twin in range(twins)])
    lanes["last"] = np.concatenate([edges[1:] + len(jobs) * twin for twin in range(twins)])
    lanes["front"], lanes["fewest"] = lanes["last"], ENDLESS
    tiers = np.array([policy.preempt.get(name, 0) for name in jobs.qoses])[jobs.qos]
    of_jobs: dict[str, NDArray[Any]] = {
        "pool": pool,
        "klass": jobs.klass,
        "tier": tiers,
        "association": association,
    }
    for name, column in of_jobs.items():
        lanes[name] = np.tile(column[sample], twins)

    pools = np.zeros(len(machine.pools), POOL)
    pools["whole"] = pools["free"] = [one.processors for one in machine.pools]
    pools["head"] = -1

    associations = np.zeros(int(association.max()) + 1, ASSOCIATION)
    associations["since"] = jobs.submit[0]
    more: dict[str, Any] = dict.fromkeys(_MORE)
    if machine.placed or policy.held or policy.preempt:
        more = {**_nodes(records, pools, pool, jobs, machine), **_held(jobs, machine, policy)}
    running = room_for_ends(len(pools), int(min(len(jobs), pools["whole"].sum())))
    limits, of_lane = _limits(jobs, policy, sample)
    return Simulation(
        jobs=records,
        lanes=lanes,
        pools=pools,
        limits=limits,
        associations=associations,
        places=places,
        tree=tree,
        of_lane=of_lane,
        counts=np.array([0, 0, 0, len(running["spare"]), 0, 0]),
        since=_since(policy),
        **running,
        **more,
    ), _reckoning(jobs, policy.weights, accounts)


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
    jobs: Jobs,
    units: NDArray[np.int64],
    pool: NDArray[np.int64],
    lane: NDArray[np.int64],
    machine: Machine,
    weights: Weights | None,
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """By place, the job and what of its priority is its own; by job, its places while its age grows and after.

    Of two jobs whose ages grow, the same one stays ahead: what an age gains is in common, and its beginning is its own.
    """
    count = len(jobs)
    if weights is None:
        orders, keys = [np.argsort(lane, kind="stable")], [np.zeros(count)]
    else:
        own = _own_factors(jobs, units, pool, machine, weights)
        keys = [own - weights.age / weights.most_age * (jobs.submit - jobs.submit[0]), own]
        orders = [np.lexsort((-key, lane)) for key in keys]
    places = []
    for twin, order in enumerate(orders):
        place = np.empty(count, np.int64)
        place[order] = np.arange(count) + twin * count
        places.append(place)
    key_at = np.concatenate([key[order] for key, order in zip(keys, orders, strict=True)])
    return np.concatenate(orders), key_at, places[0], places[-1]


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


def _nodes(
    records: NDArray[Any], pools: NDArray[Any], pool: NDArray[np.int64], jobs: Jobs, machine: Machine
) -> dict[str, NDArray[Any]]:
    """Free nodes, their shelves, and links; fills in what jobs ask of nodes, and which nodes pools have."""
    if not machine.placed:
        nobody = np.zeros(0, np.int64)
        return {"nodes": np.zeros(0, NODE), "links": np.zeros((0, 2), np.int64)} | shelved(
            np.zeros(0, NODE), nobody, nobody
        )
    for name, column in zip(("spread", "cores", "gpus"), asked_of_nodes(jobs, pool, machine), strict=True):
        records[name] = column
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
    # A chain of all links, each with the next one: at most one for each core, and for each node of each job.
    following = np.arange(1, int(min(nodes["cores"].sum(), records["spread"].sum())) + 2)
    links = np.column_stack((np.zeros_like(following), following))
    return {"nodes": nodes, "links": links} | shelved(nodes, pools["first_node"], pools["last_node"])


def asked_of_nodes(
    jobs: Jobs, pool: NDArray[np.int64], machine: Machine
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """How many nodes each job takes, and how many cores and GPUs of each: a part of one node, or whole nodes."""
    cores = np.array([one.node_cores for one in machine.pools])[pool]
    gpus = np.array([one.gpus_per_node for one in machine.pools])[pool]
    spread = np.maximum(-(-jobs.processors // cores), -(-jobs.gpus // np.maximum(gpus, 1)))
    one = spread == 1
    return spread, np.where(one, jobs.processors, cores), np.where(one, jobs.gpus, gpus)


def _since(policy: Policy) -> NDArray[np.int64]:
    """When each segment of time begins within which what is held stays the same."""
    bounds = {bound for held in policy.held for bound in (held.since, held.until) if bound is not None}
    return np.array([-ENDLESS, *sorted(bounds)], np.int64)


def _held(jobs: Jobs, machine: Machine, policy: Policy) -> dict[str, NDArray[np.int64]]:
    """What is held in each segment of time; no pools at all: nothing is."""
    if not policy.held:
        nothing = np.zeros((0, 1, 2), np.int64)
        return {"kept": nothing, "busy": nothing, "then": nothing[:, 0].copy()}
    since = _since(policy)
    klasses, pools = len(jobs.klasses), len(machine.pools)
    kept = np.zeros((pools, len(since), klasses + 1), np.int64)
    places = {name: place for place, name in enumerate(jobs.klasses)}
    for held in policy.held:
        # A class without jobs keeps what it is held as well: then nobody has it.
        column = klasses if held.klass is None else places.get(held.klass, klasses)
        begun = since >= (-ENDLESS if held.since is None else held.since)
        going = since < (ENDLESS if held.until is None else held.until)
        for place, pool in enumerate(machine.pools):
            if pool.name == held.partition:
                kept[place, begun & going, column] += held.processors
    return {
        "kept": kept,
        "busy": np.zeros((pools, len(since), klasses), np.int64),
        "then": np.zeros((pools, klasses), np.int64),
    }
