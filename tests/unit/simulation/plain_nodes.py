"""EASY on nodes, written plainly: each instant, the whole queue and all nodes are looked at."""

from __future__ import annotations

from fabriek.simulation.jobs import Jobs, held_to_estimates


class PlainNodes:
    """One pool of equal nodes. `starts` by job; `used` by job: its nodes."""

    def __init__(self, jobs: Jobs, nodes: int, cores: int, gpus: int) -> None:
        self.jobs = held_to_estimates(jobs)
        self.nodes, self.cores, self.gpus = nodes, cores, gpus
        self.starts, self.used = [-1] * len(jobs), [[] for _job in range(len(jobs))]
        self.running: list[int] = []
        self.queue: list[int] = []

    def asks(self, job: int) -> tuple[int, int, int]:
        """Nodes, and cores and GPUs of each."""
        cores, gpus = int(self.jobs.processors[job]), int(self.jobs.gpus[job])
        spread = max(-(-cores // self.cores), -(-gpus // max(self.gpus, 1)))
        return (1, cores, gpus) if spread == 1 else (spread, self.cores, self.gpus)

    def free(self, running: list[int]) -> list[tuple[int, int]]:
        """GPUs and cores of each node that these leave."""
        left = [[self.gpus, self.cores] for _node in range(self.nodes)]
        for job in running:
            _spread, cores, gpus = self.asks(job)
            for node in self.used[job]:
                left[node][0] -= gpus
                left[node][1] -= cores
        assert min(min(pair) for pair in left) >= 0, "a node is used twice"
        return [(gpus, cores) for gpus, cores in left]

    def choose(self, job: int, *frees: list[tuple[int, int]]) -> list[int] | None:
        """The fullest nodes, by the first of `frees`, on which the job fits in each of them."""
        spread, cores, gpus = self.asks(job)
        fitting = [n for n in range(self.nodes) if all(f[n][0] >= gpus and f[n][1] >= cores for f in frees)]
        if len(fitting) < spread:
            return None
        return sorted(fitting, key=lambda node: frees[0][node])[:spread] if spread == 1 else fitting[:spread]

    def begin(self, job: int, now: int, nodes: list[int]) -> None:
        self.queue.remove(job)
        self.running.append(job)
        self.starts[job], self.used[job] = now, nodes

    def serve(self, now: int) -> None:
        while self.queue and (nodes := self.choose(self.queue[0], self.free(self.running))) is not None:
            self.begin(self.queue[0], now, nodes)
        if not self.queue:
            return
        head = self.queue[0]
        expected = {job: self.starts[job] + int(self.jobs.estimate[job]) for job in self.running}
        for shadow in sorted(set(expected.values())):
            later = self.free([job for job in self.running if expected[job] > shadow])
            aside = self.choose(head, later)
            if aside is not None:
                break
        for job in list(self.queue[1:]):
            free = self.free(self.running)
            if now + int(self.jobs.estimate[job]) <= shadow:
                nodes = self.choose(job, free)
            else:
                staying = [j for j in self.running if self.starts[j] + int(self.jobs.estimate[j]) > shadow]
                left = self.free(staying)
                _spread, cores, gpus = self.asks(head)
                for node in aside or []:
                    left[node] = (left[node][0] - gpus, left[node][1] - cores)
                nodes = self.choose(job, free, left)
            if nodes is not None:
                self.begin(job, now, nodes)

    def run(self) -> PlainNodes:
        came = 0
        while came < len(self.jobs) or self.running:
            ends = {job: self.starts[job] + int(self.jobs.run[job]) for job in self.running}
            now = min(self.jobs.submit[came : came + 1].tolist() + list(ends.values()))
            self.running = [job for job in self.running if ends[job] > now]
            while came < len(self.jobs) and self.jobs.submit[came] == now:
                self.queue.append(came)
                came += 1
            self.serve(now)
        return self
