"""The rules on nodes, written plainly: each instant, the whole queue and all nodes are looked at."""

from __future__ import annotations

from typing import Any

from tests.unit.simulation.plain import FOR_EVER, Plain

from fabriek.simulation.jobs import Jobs
from fabriek.simulation.policy import Held, Machine, Policy


class PlainNodes(Plain):
    """`used` by job: the nodes that it has, or had last."""

    def __init__(self, jobs: Jobs, machine: Machine, policy: Policy) -> None:
        super().__init__(jobs, machine, policy)
        self.pools = {pool.name: pool for pool in machine.pools}
        self.used: list[list[int]] = [[] for _job in range(len(jobs))]
        self.held = [(held, set(self.numbers(place))) for place, held in enumerate(policy.held)]
        self.units = [self.asks(job)[0] * self.asks(job)[1] for job in range(len(jobs))]

    def numbers(self, place: int) -> list[int]:
        """The nodes of what is held in this place of the policy's list."""
        held = self.policy.held[place]
        pool = self.pools[held.partition]
        count = -(-held.processors // pool.node_cores)
        if held.first_node is not None:
            return list(range(held.first_node, held.first_node + count))
        if held.klass is None:
            return list(range(pool.nodes))[-count:]
        free = list(range(pool.nodes))
        for before in range(place):
            other = self.policy.held[before]
            if other.klass is not None and other.partition == held.partition and self.together(held, other):
                free = [node for node in free if node not in self.numbers(before)]
        return free[:count]

    def span(self, held: Held) -> tuple[int, int]:
        return -FOR_EVER if held.since is None else held.since, FOR_EVER if held.until is None else held.until

    def together(self, one: Held, other: Held) -> bool:
        (since, until), (others_since, others_until) = self.span(one), self.span(other)
        return max(since, others_since) < min(until, others_until)

    def asks(self, job: int) -> tuple[int, int, int]:
        """Nodes, and cores and GPUs of each."""
        pool = self.pools[self.pool[job]]
        cores, gpus = int(self.jobs.processors[job]), int(self.jobs.gpus[job])
        spread = max(-(-cores // pool.node_cores), -(-gpus // max(pool.gpus_per_node, 1)))
        return (1, cores, gpus) if spread == 1 else (spread, pool.node_cores, pool.gpus_per_node)

    def free(self, pool: str, at: int, beside: set[int]) -> list[tuple[int, int]]:
        """GPUs and cores of each node that these and what is away leave at an instant."""
        whole = self.pools[pool]
        left = [[whole.gpus_per_node, whole.node_cores] for _node in range(whole.nodes)]
        for job in beside:
            if self.pool[job] == pool and self.estimated_end(job) > at:
                _spread, cores, gpus = self.asks(job)
                for node in self.used[job]:
                    left[node][0] -= gpus
                    left[node][1] -= cores
        for other, node, _units, until in self.away:
            if other == pool and until > at:
                left[node][0] -= whole.gpus_per_node
                left[node][1] -= whole.node_cores
        assert min(min(pair) for pair in left) >= 0, "a node is used twice"
        return [(gpus, cores) for gpus, cores in left]

    def barred(self, job: int, at: int) -> set[int]:
        """Nodes that a job may not have that starts at an instant."""
        until, klass = at + int(self.jobs.estimate[job]), self.name("klass", job)
        found: set[int] = set()
        for held, numbers in self.held:
            begun, over = self.span(held)
            if (
                held.partition == self.pool[job]
                and held.klass != klass
                and begun < over
                and begun < until
                and at < over
            ):
                found |= numbers
        return found

    def choose(self, job: int, at: int, *frees: list[tuple[int, int]]) -> list[int] | None:
        """The fullest nodes, by the first of `frees`, on which the job fits in each of them."""
        spread, cores, gpus = self.asks(job)
        barred = self.barred(job, at)
        fitting = [
            node
            for node in range(len(frees[0]))
            if node not in barred and all(free[node][0] >= gpus and free[node][1] >= cores for free in frees)
        ]
        if len(fitting) < spread:
            return None
        return sorted(fitting, key=lambda node: frees[0][node])[:1] if spread == 1 else fitting[:spread]

    def fits(self, job: int, at: int, beside: set[int]) -> bool:
        return self.choose(job, at, self.free(self.pool[job], at, beside)) is not None

    def begin(self, job: int, now: int, nodes: list[int] | None = None) -> None:
        if nodes is None:
            nodes = self.choose(job, now, self.free(self.pool[job], now, self.running))
        assert nodes is not None
        self.used[job] = nodes
        super().begin(job, now)

    def hit(self, outage: Any) -> tuple[int, list[int]]:
        pool, node = self.machine.pools[outage["pool"]].name, outage["node"]
        mine = [job for job in sorted(self.running) if self.pool[job] == pool and node in self.used[job]]
        return int(outage["units"]), mine

    def backfill(self, waiting: list[int], head: int, shadow: int, now: int) -> None:
        pool = self.pool[head]
        aside = self.choose(head, shadow, self.free(pool, shadow, self.running)) if shadow < FOR_EVER else None
        for job in waiting:
            free = self.free(pool, now, self.running)
            nodes = None
            if self.limited(job, now):
                continue
            if now + int(self.jobs.estimate[job]) <= shadow:
                nodes = self.choose(job, now, free)
            else:
                left = self.free(pool, shadow, self.running)
                _spread, cores, gpus = self.asks(head)
                for node in aside or []:
                    left[node] = (left[node][0] - gpus, left[node][1] - cores)
                nodes = self.choose(job, now, free, left)
            if nodes is not None:
                self.begin(job, now, nodes)
