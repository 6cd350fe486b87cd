"""Workloads that never were, like one that was: more of it, less of it, or more of one class of applicants.

The model is resampling by user (Zakay and Feitelson: Workload resampling for performance evaluation of parallel job
schedulers, Concurrency and Computation 26, 2014): what one user submitted on one day is a block, kept whole, so that
size, run time and estimate of a job, the likeness of a user's jobs, bursts and working hours all stay as they were. Who
is active on a day is drawn, for each user by itself: on Mondays as often as on Mondays of the trace. A block may be an
hour, a day or a week: longer ones keep more of how work clusters in time, shorter ones vary more.

Blocks come from weeks near by (the local bootstrap of Paparoditis and Politis, Journal of Statistical Planning and
Inference 108, 2002), so that a trace's quiet and busy seasons stay where they were.

So the expected number of jobs in each hour of the week, and the expected mix of sizes, run times and estimates, are the
trace's own. What isn't kept is how long a user stays active over several blocks, and how users follow one another.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fabriek.simulation.jobs import Jobs, Repairs
from fabriek.simulation.workloads.clock import DAY, HOUR, HOURS_OF_WEEK, WEEK, wall_seconds
from fabriek.simulation.workloads.trace import Trace

BLOCKS = (1, 24, 168)
"""Hours that a block may last."""

MOST_LOAD, MOST_WEEKS, MOST_SPREAD = 100.0, 5_200, 3.0
NEAR = 2
"""Weeks: a trace's seasons stay, and a week still varies."""

Load = float | Mapping[str, float]


class TooShort(ValueError):
    """A trace that a workload can't be fitted to."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A trace cut into blocks. A slot is a block's place in the week.

    order: places of the jobs, block by block; first: where in it each block begins, and its end; offset: seconds of
    each job after its block's beginning, by place; user, slot, week: of each block, sorted by these; count: how many
    blocks the trace lasts; users: (class, account, user) of each, places in the names of the trace; midnight: the
    wall's second at which the first block begins.
    """

    trace: Trace
    hours: int
    order: NDArray[np.int64]
    first: NDArray[np.int64]
    offset: NDArray[np.int64]
    user: NDArray[np.int64]
    slot: NDArray[np.int64]
    week: NDArray[np.int64]
    count: int
    users: NDArray[np.int32]
    midnight: int

    def jobs(self) -> Jobs:
        """The jobs of the trace that are in its blocks: all but those of an unfinished first or last one."""
        return self.trace.jobs.taken(np.sort(self.order))


def fitted(trace: Trace, *, block_hours: int = 24) -> Fitted:
    """A workload fitted to a trace. Errors: TooShort where it lasts less than a week; ValueError for other blocks.

    Blocks begin at midnight where the users are. A first or last one that the trace has only a part of isn't used.
    """
    if block_hours not in BLOCKS:
        raise ValueError(f"A block lasts {', '.join(map(str, BLOCKS))} hours, not {block_hours}.")
    length = block_hours * HOUR
    wall = wall_seconds(trace)
    if not len(wall):
        raise TooShort("The trace has no jobs.")
    # A first job just after midnight, or a last one just before, was of a whole day.
    midnight = -(-(int(wall.min()) - HOUR) // DAY) * DAY
    count = (int(wall.max()) + HOUR - midnight) // length
    slots = HOURS_OF_WEEK // block_hours
    if count < slots:
        raise TooShort(
            "The trace has no whole week, from midnight to midnight, so nobody can tell how the hours of a week differ."
        )
    block = (wall - midnight) // length
    inside = np.flatnonzero((block >= 0) & (block < count))
    jobs, block = trace.jobs, block[inside]
    keys = np.stack([jobs.klass[inside], jobs.account[inside], jobs.user[inside]], axis=1)
    users, user = np.unique(keys, axis=0, return_inverse=True)
    slot = block % slots
    sort = np.lexsort((inside, block, slot, user))
    order, user, slot, block = inside[sort], user[sort], slot[sort], block[sort]
    begins = np.flatnonzero(np.diff(user, prepend=-1) | np.diff(block, prepend=-1))
    return Fitted(
        trace=trace,
        hours=block_hours,
        order=order,
        first=np.append(begins, len(order)),
        offset=(wall - midnight) % length,
        user=user[begins],
        slot=slot[begins],
        week=block[begins] // slots,
        count=count,
        users=users,
        midnight=midnight,
    )


def synthesise(
    fit: Fitted,
    *,
    weeks: float,
    seed: int,
    load: Load = 1.0,
    near: int = NEAR,
    spread: float = 0.0,
    klasses: Sequence[str] | None = None,
) -> Trace:
    """A new trace of this many weeks, from midnight of the weekday on which the fitted one began.

    load: how much is submitted, as a multiple of the trace's own, from 0 to 100, by one number or by class (a class
    that isn't named: 1). Above 1 there are more users and accounts, not busier ones: copies of them are called ada~2.
    A load of 1.5 has all jobs of 1, and those of 1 are in that of 2: comparisons differ by what was added alone, and
    a class's load leaves the other classes' jobs as they are.
    near: blocks come from weeks of the trace at most this many from the new one's own, so that its seasons stay; 0
    takes each week as it was (at a load of 1: the trace itself), a number as large as the trace any week. A longer
    trace begins again after the fitted one's last week.
    spread: the standard deviation of the logarithm of a factor on run times, whose mean is 1; 0 repeats the trace's
    own run times. The jobs are then drawn from a mixture of log-normals, one about each job. None grows beyond its
    estimate.
    klasses: these classes alone; None: all.
    Errors: ValueError where a load, the weeks or the spread is none.
    """
    source = fit.trace
    loads = _loads(source.jobs.klasses, load)
    if not (0 < weeks <= MOST_WEEKS and 0 <= spread <= MOST_SPREAD):
        raise ValueError(f"A workload lasts up to {MOST_WEEKS:,} weeks; run times are spread by 0 to {MOST_SPREAD:g}.")
    if near < 0:
        raise ValueError("Blocks come from weeks 0 or more away.")
    wanted = set(source.jobs.klasses if klasses is None else klasses)
    drawn: list[_Drawn] = []
    for user, klass in enumerate(fit.users[:, 0].tolist()):
        name = source.jobs.klasses[klass]
        for copy in range(math.ceil(loads[name]) if name in wanted else 0):
            drawn.append(_of_user(fit, user, copy, min(loads[name] - copy, 1.0), weeks, near, spread, seed))
    place = _joined([one.place for one in drawn])
    submit = _joined([one.submit for one in drawn])
    copies = _joined([np.full(len(one.place), one.copy) for one in drawn])
    # Of one instant, in the order of the trace: which copy a job is of decides nothing.
    order = np.lexsort((copies, place, submit))
    jobs = _copied(source.jobs.taken(place[order]), submit[order], copies[order], math.ceil(max(loads.values())))
    if spread:
        jobs = _spread(jobs, np.concatenate([one.factor for one in drawn] or [np.empty(0)])[order])
    begins = None
    if source.start is not None:
        begins = source.start + fit.midnight - int(wall_seconds(source)[0]) + int(source.jobs.submit[0])
    return Trace(jobs, Repairs(), "synthetic", None, begins, source.zone, source.processors, source.nodes)


def _loads(klasses: tuple[str, ...], load: Load) -> dict[str, float]:
    asked = (
        dict.fromkeys(klasses, load)
        if isinstance(load, int | float)
        else {name: load.get(name, 1.0) for name in klasses}
    )
    unknown = set() if isinstance(load, int | float) else load.keys() - set(klasses)
    if unknown:
        there = ", ".join(map(repr, klasses))
        raise ValueError(f"No job of the trace is of the class {min(unknown)!r}; its classes are {there}.")
    for name, value in asked.items():
        if not 0 <= value <= MOST_LOAD:
            raise ValueError(f"The load{f' of {name}' if name else ''} is {value}; it must be from 0 to {MOST_LOAD:g}.")
    return asked


def _stream(seed: int, key: tuple[str, ...], copy: int) -> np.random.Generator:
    """Random numbers of one user alone, the same whoever else there is."""
    return np.random.default_rng([seed, zlib.crc32("\x1f".join(key).encode("utf-8", "surrogatepass")), copy])


@dataclass(frozen=True, slots=True)
class _Drawn:
    """What a copy of a user submits: places of jobs in the trace, when, and by what their run times are multiplied."""

    place: NDArray[np.int64]
    submit: NDArray[np.int64]
    factor: NDArray[np.float64]
    copy: int


def _of_user(
    fit: Fitted, user: int, copy: int, load: float, weeks: float, near: int, spread: float, seed: int
) -> _Drawn:
    """All is drawn as for a load of 1; a lower one keeps a part of it, always the same, and more of it the higher."""
    jobs, (klass, account, person) = fit.trace.jobs, fit.users[user]
    random = _stream(seed, (jobs.klasses[klass], jobs.accounts[account], jobs.users[person]), copy)
    length = fit.hours * HOUR
    periods = math.ceil(weeks * WEEK / length)
    active, which = random.random((2, periods))
    candidates, often = _candidates(fit, user, periods, near)
    period = np.flatnonzero(active < often)
    there = candidates[period] >= 0
    wanted = (which[period] * there.sum(axis=1)).astype(np.int64)
    # The first place at which more candidates than wanted have been passed.
    block = candidates[period, np.argmax(there.cumsum(axis=1) > wanted[:, None], axis=1)]
    lengths = fit.first[block + 1] - fit.first[block]
    place = fit.order[np.repeat(fit.first[block], lengths) + _counting(lengths)]
    submit = np.repeat(period * length, lengths) + fit.offset[place]
    factor = np.exp(random.normal(-spread * spread / 2, spread, len(place))) if spread else np.ones(len(place))
    kept = np.repeat(active[period] < load * often[period], lengths) & (submit < weeks * WEEK)
    return _Drawn(place[kept], submit[kept], factor[kept], copy)


def _candidates(fit: Fitted, user: int, periods: int, near: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """For each period the user's blocks of the same place in the week (-1: none), of all weeks or of those near the
    period's own, and in which part of these weeks there is one. The trace's last week is followed by its first."""
    slots = HOURS_OF_WEEK // fit.hours
    weeks = -(-fit.count // slots)
    reach = np.arange(weeks) if 2 * near + 1 >= weeks else np.arange(-near, near + 1)
    period = np.arange(periods)
    week = (period[:, None] // slots + reach) % weeks
    slot = (period % slots)[:, None]
    begin, end = np.searchsorted(fit.user, [user, user + 1])
    own = fit.slot[begin:end] * weeks + fit.week[begin:end]
    place = np.minimum(np.searchsorted(own, slot * weeks + week), len(own) - 1)
    there = own[place] == slot * weeks + week
    seen = week * slots + slot < fit.count
    return np.where(there, begin + place, -1), there.sum(axis=1) / seen.sum(axis=1)


def _joined(parts: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.concatenate([np.empty(0, np.int64), *parts])


def _counting(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """0, 1, ... for each length, one after the other."""
    ends = np.cumsum(lengths)
    return np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - lengths, lengths)


def _copied(jobs: Jobs, submit: NDArray[np.int64], copy: NDArray[np.int64], copies: int) -> Jobs:
    """The drawn jobs at their new times, of their copies of users, groups and accounts."""
    changed: dict[str, Any] = {}
    for name, plural in (("user", "users"), ("group", "groups"), ("account", "accounts")):
        names, places = getattr(jobs, plural), getattr(jobs, name)
        if names != ("",) and copies > 1:
            changed[plural] = tuple(f"{one}~{n + 1}" if n else one for n in range(copies) for one in names)
            changed[name] = (places + copy * len(names)).astype(np.int32)
    return replace(jobs, number=np.arange(1, len(submit) + 1), submit=submit.astype(np.int64), **changed)


def _spread(jobs: Jobs, factor: NDArray[np.float64]) -> Jobs:
    run = np.maximum(np.rint(jobs.run * factor), 1).astype(np.int64)
    return replace(jobs, run=np.minimum(run, np.maximum(jobs.run, jobs.estimate)))
