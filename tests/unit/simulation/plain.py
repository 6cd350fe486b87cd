"""The same rules as the simulator's, written as plainly as can be: no index, no shortcut, the whole queue looked at on
each instant. What it takes an hour for, the simulator must answer alike."""

from __future__ import annotations

from decimal import Decimal
from math import ceil
from typing import Any

from fabriek.simulation.failures import outages_of
from fabriek.simulation.jobs import Jobs, held_to_estimates
from fabriek.simulation.policy import Backfill, FairShare, Machine, Policy
from fabriek.simulation.sites import Route

FOR_EVER = 10**15
DIGITS = 15
"""Behind the point, of priorities and levels. They are worked out to 28: rounding makes none unequal that are equal."""


class Plain:
    """One run. `starts` by job, -1 for who never started; `heads`: for each job that was first in the queue and didn't
    fit, the instants by which it was promised to start."""

    def __init__(self, jobs: Jobs, machine: Machine, policy: Policy) -> None:
        self.jobs, self.machine, self.policy = (
            held_to_estimates(jobs, kill_at_limit=policy.kill_at_limit),
            machine,
            policy,
        )
        self.units = [int(-(-p // machine.cores_per_node)) for p in jobs.processors]
        several = len(machine.pools) > 1
        self.pool = [jobs.partitions[p] if several else machine.pools[0].name for p in jobs.partition]
        self.whole = {pool.name: pool.processors for pool in machine.pools}
        self.starts, self.ends = [-1] * len(jobs), [-1] * len(jobs)
        self.runs, self.lost = [0] * len(jobs), [0] * len(jobs)
        self.outages = list(outages_of(machine, int(jobs.submit[0]), 0)) if machine.outages else []
        self.away: list[tuple[str, int, int, int]] = []
        """Pool, node, units, and until when."""
        self.killed: set[int] = set()
        self.arrived = [int(at) for at in jobs.submit]
        self.coming: list[int] = []
        """Jobs that a site was chosen for, and whose data are on their way."""
        self.turn = 0
        self.running: set[int] = set()
        self.queue: set[int] = set()
        self.spent = [0] * len(jobs)
        self.heads: dict[int, list[int]] = {}
        self.pairs = sorted({(int(a), int(u)) for a, u in zip(jobs.account, jobs.user, strict=True)})
        self.usage, self.recent = dict.fromkeys(self.pairs, Decimal()), dict.fromkeys(self.pairs, Decimal())
        self.factor = dict.fromkeys(self.pairs, Decimal(1))
        self.reckoned = int(jobs.submit[0])

    def name(self, over: str, job: int) -> str:
        names = {"user": "users", "account": "accounts", "klass": "klasses", "qos": "qoses"}[over]
        return getattr(self.jobs, names)[getattr(self.jobs, over)[job]]

    def estimated_end(self, job: int) -> int:
        return self.starts[job] + int(self.jobs.estimate[job])

    # What is left to a job

    def limited(self, job: int, now: int) -> bool:
        """Whether a limit keeps this job from starting."""
        for limit in self.policy.limits:
            mine = self.name(limit.over, job)
            if limit.name not in ("", mine):
                continue
            same = [other for other in self.running if self.name(limit.over, other) == mine]
            if limit.jobs is not None and len(same) + 1 > limit.jobs:
                return True
            if limit.processors is not None and sum(self.units[o] for o in [*same, job]) > limit.processors:
                return True
            if limit.processor_minutes is not None:
                spent = sum(self.spent[o] for o in range(len(self.spent)) if self.name(limit.over, o) == mine)
                spent += sum(self.units[o] * int(self.jobs.estimate[o]) for o in [*same, job])
                if spent > int(limit.processor_minutes * 60):
                    return True
        return False

    def fits(self, job: int, at: int, beside: set[int]) -> bool:
        """Whether, with `beside` running to their estimated ends, a job has room from an instant to its own."""
        pool, until = self.pool[job], at + int(self.jobs.estimate[job])
        instants = {at, *(h.since for h in self.policy.held if h.since is not None and at < h.since < until)}
        instants |= {h.until for h in self.policy.held if h.until is not None and at < h.until < until}
        for instant in instants:
            busy: dict[str, int] = {}
            for other in beside:
                if self.pool[other] == pool and self.estimated_end(other) > instant:
                    klass = self.name("klass", other)
                    busy[klass] = busy.get(klass, 0) + self.units[other]
            kept: dict[str | None, int] = {}
            for held in self.policy.held:
                since = -FOR_EVER if held.since is None else held.since
                if held.partition == pool and since <= instant < (FOR_EVER if held.until is None else held.until):
                    known = held.klass if held.klass in self.jobs.klasses else None
                    kept[known] = kept.get(known, 0) + held.processors
            away = sum(units for other, _node, units, end in self.away if other == pool and end > instant)
            room = self.whole[pool] - max(kept.pop(None, 0), away)
            mine = self.name("klass", job)
            for klass in {*busy, *kept} - {mine}:
                room -= max(busy.get(klass, 0), kept.get(klass, 0))
            if self.units[job] > room - busy.get(mine, 0):
                return False
        return True

    # Priorities

    def reckon(self, now: int) -> None:
        """Bring use and fair-share factors up to the last end of a period."""
        weights = self.policy.weights
        if weights is None:
            return
        keep = Decimal("0.5") ** (Decimal(weights.period) / weights.half_life) if weights.half_life else 1
        for pair in self.pairs:
            self.usage[pair] = self.usage[pair] * keep + self.recent[pair]
            self.recent[pair] = Decimal()
        self.reckoned = now
        users_of: dict[int, list[int]] = {}
        for account, user in self.pairs:
            users_of.setdefault(account, []).append(user)
        used = {account: sum(self.usage[account, user] for user in users) for account, users in users_of.items()}
        whole = sum(used.values())
        raw = {account: Decimal(weights.shares.get(self.jobs.accounts[account], 1.0)) for account in users_of}
        share = {account: one / sum(raw.values()) for account, one in raw.items()}
        if weights.algorithm is FairShare.CLASSIC:
            for account, user in self.pairs:
                own = used[account] / whole if whole else Decimal()
                siblings = len(users_of[account])
                mine = self.usage[account, user] / whole if whole else Decimal()
                effective = mine + (own - mine) / siblings
                ratio = effective / (share[account] / siblings)
                self.factor[account, user] = Decimal("0.5") ** (ratio / Decimal(weights.damping))
            return

        def level(part: Decimal, use: Decimal, together: Decimal) -> Decimal:
            return round(part / (use / together), DIGITS) if together and use else Decimal("inf")

        accounts = {a: level(share[a], used[a], whole) for a in users_of}
        rank = len(self.pairs)
        for value in sorted(set(accounts.values()), reverse=True):
            users = {
                (a, u): level(Decimal(1) / len(users_of[a]), self.usage[a, u], used[a])
                for a in users_of
                if accounts[a] == value
                for u in users_of[a]
            }
            for one in sorted(set(users.values()), reverse=True):
                level_ones = [pair for pair, found in users.items() if found == one]
                for pair in level_ones:
                    self.factor[pair] = Decimal(rank) / len(self.pairs)
                rank -= len(level_ones)

    def priority(self, job: int) -> Decimal:
        weights, jobs = self.policy.weights, self.jobs
        if weights is None:
            return Decimal()
        age = Decimal(min(self.reckoned - self.arrived[job], weights.most_age)) / weights.most_age
        part = Decimal(self.units[job]) / self.whole[self.pool[job]]
        factors = [
            (weights.age, age),
            (weights.fair_share, self.factor[int(jobs.account[job]), int(jobs.user[job])]),
            (weights.size, 1 - part if weights.small_first else part),
            (weights.partition, weights.partition_factors.get(jobs.partitions[jobs.partition[job]], 0.0)),
            (weights.qos, weights.qos_factors.get(jobs.qoses[jobs.qos[job]], 0.0)),
        ]
        return round(sum((Decimal(weight) * Decimal(factor) for weight, factor in factors), Decimal()), DIGITS)

    # Events

    def begin(self, job: int, now: int) -> None:
        self.queue.discard(job)
        self.running.add(job)
        self.starts[job], self.ends[job] = now, now + int(self.jobs.run[job])
        self.runs[job] += 1

    def stop(self, job: int, now: int) -> None:
        self.running.discard(job)
        self.spent[job] += self.units[job] * (now - self.starts[job])

    def void(self, job: int, now: int) -> None:
        """What it ran so far is lost."""
        self.stop(job, now)
        self.lost[job] += self.units[job] * (now - self.starts[job])
        self.starts[job] = self.ends[job] = -1
        self.queue.add(job)

    def make_way(self, job: int, now: int) -> bool:
        tiers = self.policy.preempt
        tier = tiers.get(self.name("qos", job), 0)
        lower = [
            other
            for other in self.running
            if self.pool[other] == self.pool[job] and tiers.get(self.name("qos", other), 0) < tier
        ]
        lower.sort(key=lambda other: (-self.starts[other], -other))

        def enough(stopped: list[int]) -> bool:
            """Whether it starts with these stopped. Limits are asked with their use so far as spent."""
            before, spent = self.running, list(self.spent)
            self.running = before - set(stopped)
            for other in stopped:
                self.spent[other] += self.units[other] * (now - self.starts[other])
            answer = self.fits(job, now, self.running) and not self.limited(job, now)
            self.running, self.spent = before, spent
            return answer

        count = next((n for n in range(1, len(lower) + 1) if enough(lower[:n])), None)
        if count is None:
            return False
        stopped = lower[:count]
        for other in reversed(lower[:count]):
            if enough([one for one in stopped if one != other]):
                stopped.remove(other)
        for other in stopped:
            self.void(other, now)
        return True

    # Sites

    def route(self, job: int, now: int) -> None:
        """Choose a site for a job that is submitted now."""
        routing = self.machine.routing
        data = 0 if self.jobs.data is None else int(self.jobs.data[job])
        home, sites = self.pool[job], [pool.name for pool in self.machine.pools]
        delays = {site: self.moving(home, site, data) for site in sites}
        able = [site for site in sites if delays[site] is not None and self.units[job] <= self.whole[site]]
        if routing.rule is Route.ROUND_ROBIN:
            turns = [sites[(self.turn + n) % len(sites)] for n in range(len(sites))]
            site = next(site for site in turns if site in able)
            self.turn = sites.index(site) + 1
        elif routing.rule is Route.HOME:
            site = home
        else:
            expected = {site: self.expected(job, site, now, now + delays[site]) for site in able}
            site = min(able, key=lambda one: (expected[one], one != home, sites.index(one)))
            if routing.rule is Route.HOME_FIRST and expected.get(home) == now:
                site = home
        self.pool[job] = site
        self.arrived[job] = now + delays[site]
        self.coming.append(job)

    def moving(self, home: str, site: str, data: int) -> int | None:
        if home == site or data == 0:
            return 0
        speeds = [link.bytes_per_second for link in self.machine.routing.links if set(link.sites) == {home, site}]
        return ceil(data / max(speeds)) if speeds else None

    def expected(self, job: int, site: str, now: int, arrival: int) -> int:
        before = [other for other in [*self.queue, *self.coming] if self.pool[other] == site]
        there = [(self.units[o], self.estimated_end(o)) for o in self.running if self.pool[o] == site]
        there += [(units, until) for pool, _node, units, until in self.away if pool == site]
        room = self.whole[site] - sum(units for units, _end in there) - sum(self.units[o] for o in before)
        if self.units[job] <= room:
            return arrival
        ahead = sum(self.units[o] * int(self.jobs.estimate[o]) for o in before)
        ahead += sum(units * (end - now) for units, end in there)
        return max(arrival, now + ahead // self.whole[site])

    def hit(self, outage: Any) -> tuple[int, list[int]]:
        """Units that go with an outage, and the jobs that have some of them."""
        pool = self.machine.pools[outage["pool"]].name
        up = self.whole[pool] - sum(units for other, _node, units, _until in self.away if other == pool)
        units = min(int(outage["units"]), up)
        first = int(outage["luck"] * (up - units + 1))
        line = []
        for job in sorted((j for j in self.running if self.pool[j] == pool), key=lambda j: (self.estimated_end(j), j)):
            line += [job] * self.units[job]
        return units, sorted(set(line[first : first + units]))

    def fail(self, outage: Any, now: int) -> None:
        units, hit = self.hit(outage)
        for job in hit:
            start = self.starts[job]
            self.void(job, now)
            if not self.policy.requeue:
                self.queue.remove(job)
                self.killed.add(job)
                self.starts[job], self.ends[job] = start, now
        self.away.append((self.machine.pools[outage["pool"]].name, int(outage["node"]), units, int(outage["until"])))

    def serve(self, pool: str, now: int) -> None:
        while True:
            waiting = [job for job in self.queue if self.pool[job] == pool]
            waiting.sort(key=lambda job: (-self.priority(job), self.arrived[job], job))
            head = next((job for job in waiting if not self.limited(job, now)), None)
            if head is None:
                return
            if self.fits(head, now, self.running) or self.make_way(head, now):
                self.begin(head, now)
                continue
            break
        if self.policy.backfill is Backfill.NONE:
            return
        instants = {self.estimated_end(other) for other in self.running if self.pool[other] == pool}
        instants |= {at for h in self.policy.held for at in (h.since, h.until) if at is not None and at > now}
        instants |= {until for other, _node, _units, until in self.away if other == pool}
        shadow = next((at for at in sorted(instants) if self.fits(head, at, self.running)), FOR_EVER)
        self.heads.setdefault(head, []).append(shadow)
        self.backfill([job for job in waiting if job != head], head, shadow, now)

    def backfill(self, waiting: list[int], head: int, shadow: int, now: int) -> None:
        for job in waiting:
            if self.limited(job, now) or not self.fits(job, now, self.running):
                continue
            self.starts[job] = now
            if shadow == FOR_EVER or self.fits(head, shadow, self.running | {job}):
                self.begin(job, now)
            else:
                self.starts[job] = -1

    def run(self) -> Plain:
        jobs, weights = self.jobs, self.policy.weights
        due, asked = int(jobs.submit[0]), 0
        if not self.machine.routing:
            asked, self.coming = len(jobs), list(range(len(jobs)))
        now = min([due, *(int(one["since"]) for one in self.outages)])
        bounds = sorted({at for h in self.policy.held for at in (h.since, h.until) if at is not None})
        while True:
            nexts = [int(jobs.submit[asked])] if asked < len(jobs) else []
            nexts += [self.arrived[job] for job in self.coming]
            nexts += [self.ends[job] for job in self.running]
            nexts += [at for at in bounds if at > now] if self.queue else []
            nexts += [int(one["since"]) for one in self.outages] + [until for *_which, until in self.away]
            if not nexts:
                return self
            then = min(nexts) if weights is None else min([*nexts, due])
            for job in self.running:
                self.recent[int(jobs.account[job]), int(jobs.user[job])] += self.units[job] * (then - now)
            now = then
            for job in [job for job in self.running if self.ends[job] == now]:
                self.stop(job, now)
            self.away = [one for one in self.away if one[-1] > now]
            while self.outages and self.outages[0]["since"] == now:
                self.fail(self.outages.pop(0), now)
            while asked < len(jobs) and jobs.submit[asked] == now:
                self.route(asked, now)
                asked += 1
            self.queue |= {job for job in self.coming if self.arrived[job] == now}
            self.coming = [job for job in self.coming if self.arrived[job] > now]
            if weights is not None and due == now:
                self.reckon(now)
                due += weights.period
            for pool in self.whole:
                self.serve(pool, now)


def plain_run(jobs: Jobs, machine: Machine, policy: Policy) -> Plain:
    """Run it; all jobs fit the machine."""
    return Plain(jobs, machine, policy).run()


def plain_conservative(jobs: Jobs, whole: int) -> list[int]:
    """Starts under conservative backfill, by asking of every second that something is estimated to end."""
    jobs = held_to_estimates(jobs)
    count = len(jobs)
    starts, reserved = [-1] * count, {}
    running: set[int] = set()
    came = 0

    def earliest(job: int, now: int) -> int:
        taken = [(starts[o], starts[o] + int(jobs.estimate[o]), int(jobs.processors[o])) for o in running]
        taken += [(at, at + int(jobs.estimate[o]), int(jobs.processors[o])) for o, at in reserved.items() if o != job]
        size, length = int(jobs.processors[job]), int(jobs.estimate[job])
        for at in sorted({now, *(end for _since, end, _size in taken if end > now)}):
            instants = [at, *(since for since, _end, _size in taken if at < since < at + length)]
            if all(sum(s for since, end, s in taken if since <= i < end) + size <= whole for i in instants):
                return at
        raise AssertionError("a job that fits an empty machine fits some time")

    while came < count or running or reserved:
        now = min(
            jobs.submit[came : came + 1].tolist()
            + [starts[o] + int(jobs.run[o]) for o in running]
            + list(reserved.values())
        )
        ended = [o for o in running if starts[o] + int(jobs.run[o]) == now]
        running -= set(ended)
        early = any(jobs.run[o] < jobs.estimate[o] for o in ended)
        for job in sorted(reserved) if early else []:
            reserved[job] = earliest(job, now)
        while came < count and jobs.submit[came] == now:
            reserved[came] = earliest(came, now)
            came += 1
        for job in sorted(reserved):
            if reserved[job] == now:
                starts[job] = now
                running.add(job)
                del reserved[job]
    return starts
