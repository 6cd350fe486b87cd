"""Synthetic workloads: like the trace that they are fitted to, and changed by what was asked alone.

The source is a log of 30 users made up here, with working hours, bursts, and jobs whose size, run time and estimate
belong together; bounds are in standard errors over many seeds.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from fabriek.simulation.jobs import Jobs, jobs_of
from fabriek.simulation.workloads.clock import DAY, HOUR, WEEK, hourly_profile, wall_seconds
from fabriek.simulation.workloads.estimates import with_estimates
from fabriek.simulation.workloads.merging import merged
from fabriek.simulation.workloads.synthetic import BLOCKS, TooShort, fitted, synthesise
from fabriek.simulation.workloads.trace import Trace

WEEKS, USERS, SEEDS = 6, 30, 40
MONDAY = 1_767_571_200
"""2026-01-05, midnight UTC."""


@cache
def source() -> Trace:
    random = np.random.default_rng(7)
    hour = np.arange(WEEKS * 168)
    working = np.where((hour % 168 < 120) & (hour % 24 >= 8) & (hour % 24 < 18), 1.0, 0.1)
    columns: dict[str, list[np.ndarray]] = {name: [] for name in ("submit", "run", "processors", "estimate", "user")}
    for user in range(USERS):
        counts = random.poisson(0.4 * working * random.lognormal(0, 0.5)) * random.integers(1, 5, len(hour))
        at = np.repeat(hour, counts) * HOUR
        count = len(at)
        processors = 2 ** random.integers(0, 6, count)
        run = np.ceil(random.lognormal(5 + user / 10 + 0.3 * np.log(processors), 1))
        columns["submit"].append(at + random.integers(0, HOUR, count))
        columns["run"].append(run)
        columns["processors"].append(processors)
        columns["estimate"].append(np.ceil(run / random.uniform(0.05, 1, count) / 600) * 600)
        columns["user"].append(np.full(count, user))
    joined = {name: np.concatenate(parts) for name, parts in columns.items()}
    user = joined.pop("user")
    jobs = jobs_of(
        **joined,
        user=user,
        account=user // 3,
        klass=(user % 5 == 0).astype(int),
        users=tuple(f"u{n}" for n in range(USERS)),
        accounts=tuple(f"a{n}" for n in range(USERS // 3)),
        klasses=("academia", "startup"),
    )
    return Trace(jobs, start=MONDAY, zone="UTC", processors=512)


def of_class(jobs: Jobs, klass: str) -> Jobs:
    return jobs.taken(jobs.klass == jobs.klasses.index(klass))


def rows(jobs: Jobs) -> set[tuple[object, ...]]:
    """The jobs as what they are, whatever their numbers."""
    named = zip(jobs.submit.tolist(), jobs.run.tolist(), jobs.processors.tolist(), jobs.user.tolist(), strict=True)
    return {(submit, run, processors, jobs.users[user]) for submit, run, processors, user in named}


def figures(jobs: Jobs) -> np.ndarray:
    size, run = np.log2(jobs.processors), np.log(jobs.run)
    return np.array(
        [
            len(jobs),
            jobs.processors.mean(),
            run.mean(),
            run.std(),
            np.corrcoef(size, run)[0, 1],
            (jobs.run / jobs.estimate).mean(),
            (jobs.run * jobs.processors).sum(),
        ]
    )


@pytest.mark.parametrize("near", [2, WEEKS])
@pytest.mark.parametrize("block", BLOCKS)
def test_the_moments_are_those_of_the_source_within_four_standard_errors(block: int, near: int):
    """Of 40 synthetic traces, as long as the source: jobs, sizes, run times, their correlation, accuracy, work."""
    fit = fitted(source(), block_hours=block)
    made = np.array([figures(synthesise(fit, weeks=WEEKS, seed=seed, near=near).jobs) for seed in range(SEEDS)])
    error = made.std(axis=0, ddof=1) / np.sqrt(SEEDS)
    assert (np.abs(made.mean(axis=0) - figures(source().jobs)) < 4 * error).all()
    assert (error / np.abs(made.mean(axis=0)) < 0.02).all(), "the bounds would let anything through"


@pytest.mark.parametrize("near", [2, WEEKS])
@pytest.mark.parametrize("block", BLOCKS)
def test_the_hourly_profile_is_that_of_the_source_within_five_standard_errors(block: int, near: int):
    """168 hours: by chance one in ten thousand such tests would fail. On average they are within one."""
    fit = fitted(source(), block_hours=block)
    made = np.array([hourly_profile(synthesise(fit, weeks=WEEKS, seed=seed, near=near)) for seed in range(SEEDS)])
    made = np.nan_to_num(made)
    error = made.std(axis=0, ddof=1) / np.sqrt(SEEDS)
    off = (made.mean(axis=0) - hourly_profile(source())) / np.maximum(error, 1e-9)
    assert np.abs(off[error > 0]).max() < 5
    assert (hourly_profile(source())[error == 0] == made[0][error == 0]).all()
    assert np.sqrt((off[error > 0] ** 2).mean()) < 1.3
    night, day = made[:, 3].mean(), made[:, 10].mean()
    assert day > 4 * night, "working hours are there"


def test_weeks_as_they_were_are_the_trace_itself_or_a_part_of_it_or_that_and_twins():
    fit = fitted(source())
    real = rows(source().jobs)
    whole, half, twice = (rows(synthesise(fit, weeks=WEEKS, seed=1, near=0, load=n).jobs) for n in (1, 0.5, 2))
    assert whole == real
    assert half < whole
    assert {row for row in twice if "~" not in str(row[3])} == real
    assert {(*row[:3], f"{row[3]}~2") for row in real} == twice - real


def test_seasons_stay_where_weeks_come_from_near_by():
    """A source whose first three weeks have no start-ups: as they are near, and all the same where any week will do."""
    jobs = source().jobs
    late = replace(source(), jobs=jobs.taken((jobs.klass == 0) | (jobs.submit >= 3 * WEEK)))

    def middle(near: int) -> tuple[int, int]:
        """Of start-ups in the second and in the fifth week, whose neighbours are like them."""
        made = [of_class(synthesise(fitted(late), weeks=WEEKS, seed=n, near=near).jobs, "startup") for n in range(10)]
        week = np.concatenate([one.submit // WEEK for one in made])
        return int((week == 1).sum()), int((week == 4).sum())

    assert middle(1)[0] == 0
    quiet, busy = middle(WEEKS)
    assert 0.8 < quiet / busy < 1.25


@pytest.mark.parametrize(("load", "low", "high"), [(0.1, 0.08, 0.12), (3, 2.8, 3.2), (10, 9.5, 10.5)])
def test_a_load_multiplies_what_is_submitted(load: float, low: float, high: float):
    fit = fitted(source())
    made = synthesise(fit, weeks=4 * WEEKS, seed=1, load=load)
    assert low < len(made.jobs) / (4 * len(source().jobs)) < high
    assert made.jobs.submit.max() < 4 * WEEKS * WEEK


def test_a_higher_load_has_all_jobs_of_a_lower_one():
    fit = fitted(source())
    made = [rows(synthesise(fit, weeks=2, seed=5, load=load, spread=0.4).jobs) for load in (0.1, 0.5, 1, 1.5, 2, 3.2)]
    for less, more in pairwise(made):
        assert less < more


def test_twice_the_demand_of_start_ups_leaves_the_others_as_they_are():
    fit = fitted(source())
    now = synthesise(fit, weeks=20, seed=3).jobs
    doubled = synthesise(fit, weeks=20, seed=3, load={"startup": 2}).jobs
    assert rows(of_class(now, "academia")) == rows(of_class(doubled, "academia"))
    assert rows(of_class(now, "startup")) < rows(of_class(doubled, "startup"))
    assert 1.8 < len(of_class(doubled, "startup")) / len(of_class(now, "startup")) < 2.2
    added = {doubled.users[place] for place in of_class(doubled, "startup").user.tolist()}
    assert {name for name in added if "~2" in name} == {f"u{n}~2" for n in range(0, USERS, 5)}, "others, as many again"
    assert "a0~2" in doubled.accounts
    more = synthesise(fit, weeks=20, seed=3, load={"startup": 2}, klasses=["startup"]).jobs
    assert rows(more) == rows(of_class(doubled, "startup"))


def test_the_same_seed_is_the_same_trace_and_another_seed_another():
    fit = fitted(source())
    one, same, other = (synthesise(fit, weeks=2, seed=seed).jobs for seed in (8, 8, 9))
    assert np.array_equal(one.submit, same.submit)
    assert np.array_equal(one.run, same.run)
    assert rows(one) != rows(other)


def test_a_day_of_a_user_stays_whole():
    jobs = synthesise(fitted(source()), weeks=3, seed=2, load=2).jobs
    real = source().jobs
    days = {
        tuple(real.run[(real.user == u) & (real.submit // DAY == d)]) for u in range(USERS) for d in range(WEEKS * 7)
    }
    for user in np.unique(jobs.user):
        own = jobs.taken(jobs.user == user)
        for day in np.unique(own.submit // DAY):
            assert tuple(own.run[own.submit // DAY == day]) in days


def test_spread_run_times_keep_their_mean_and_their_estimates():
    """Where nobody is near the estimate: a factor of mean 1 (within 2 %), whose logarithm spreads by what was asked."""
    roomy = replace(source(), jobs=replace(source().jobs, estimate=source().jobs.run * 1000))
    fit = fitted(roomy)
    plain = synthesise(fit, weeks=60, seed=4).jobs
    spread = synthesise(fit, weeks=60, seed=4, spread=0.5).jobs
    long = plain.run > 200
    factor = spread.run[long] / plain.run[long]
    assert np.array_equal(plain.estimate, spread.estimate)
    assert abs(factor.mean() - 1) < 0.02
    assert abs(np.log(factor).std() - 0.5) < 0.02
    tight = synthesise(fitted(source()), weeks=20, seed=4, spread=1).jobs
    assert (tight.run <= tight.estimate).all()


def test_a_trace_of_less_than_a_week_is_too_short():
    jobs = source().jobs
    for days in (0, 3, 6):
        with pytest.raises(TooShort):
            fitted(replace(source(), jobs=jobs.taken(jobs.submit < days * DAY)))
    assert fitted(replace(source(), jobs=jobs.taken(jobs.submit < 8 * DAY))).count == 8


def test_a_day_that_the_trace_has_a_part_of_is_not_used():
    jobs = source().jobs
    part = replace(source(), jobs=jobs.taken((jobs.submit >= 10 * HOUR) & (jobs.submit < 9 * DAY + 5 * HOUR)))
    kept = fitted(part).jobs().submit
    assert kept.min() // DAY == 1
    assert kept.max() // DAY == 8
    assert synthesise(fitted(part), weeks=1, seed=1).start == MONDAY + DAY


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"load": -1}, "The load of academia is -1; it must be from 0 to 100"),
        ({"load": {"startup": float("nan")}}, "The load of startup is nan"),
        ({"load": {"sme": 2}}, "No job of the trace is of the class 'sme'"),
        ({"weeks": 0}, "A workload lasts"),
        ({"weeks": float("nan")}, "A workload lasts"),
        ({"near": -1}, "weeks 0 or more away"),
        ({"spread": -0.1}, "run times are spread by"),
    ],
)
def test_what_is_no_workload_is_refused(asked: dict[str, object], why: str):
    with pytest.raises(ValueError, match=why):
        synthesise(fitted(source()), **({"weeks": 1, "seed": 1} | asked))
    with pytest.raises(ValueError, match="A block lasts 1, 24, 168 hours, not 5"):
        fitted(source(), block_hours=5)


def test_no_load_is_no_jobs():
    assert len(synthesise(fitted(source()), weeks=1, seed=1, load=0).jobs) == 0


def test_the_clock_on_the_wall_follows_summer_time():
    """Clocks in Amsterdam went forward on Sunday 2026-03-29 at 01:00 UTC."""
    before, after = 1_774_742_400, 1_774_828_800
    trace = Trace(jobs_of([before, after], [1, 1], [1, 1]), start=0, zone="Europe/Amsterdam")
    sunday, monday = wall_seconds(trace) % WEEK
    assert (sunday, monday) == (6 * DAY + HOUR, 2 * HOUR)
    for zone in ("", "Mars/Olympus", "../etc/passwd"):
        assert (wall_seconds(replace(trace, zone=zone)) % WEEK).tolist() == [6 * DAY, 0]


def test_a_profile_counts_how_often_each_hour_was_seen():
    """Of eight days: the hours of Monday twice."""
    trace = Trace(jobs_of([0, 7 * DAY, 7 * DAY + 5, 8 * DAY - 1, DAY], [1] * 5, [1] * 5))
    profile = hourly_profile(trace)
    assert (profile[0], profile[23], profile[24], profile[25]) == (1.5, 0.5, 1, 0)
    assert np.isnan(hourly_profile(Trace(jobs_of([0], [1], [1])))[5])


def test_estimates_are_as_wrong_as_those_of_jobs_that_ran_about_as_long():
    """Short jobs ask ten times their time, long ones twice: so do the ones without estimates, half a percent aside."""
    random = np.random.default_rng(3)
    run = np.sort(np.ceil(random.lognormal(7, 2, 4000)))
    factor = np.where(run < 1000, 10, 2)
    like = jobs_of(np.arange(4000), run, np.ones(4000), estimate=run * factor)
    mine = jobs_of([0, 1, 2], [100, 50_000, 9_000_000], [1, 1, 1])
    given = with_estimates(mine, like, seed=1)
    assert given.estimate.tolist() == [1000, 100_000, 18_000_000]
    assert np.array_equal(with_estimates(mine, like, seed=1).estimate, given.estimate)
    with pytest.raises(ValueError, match="without jobs"):
        with_estimates(mine, like.taken(np.zeros(4000, bool)), seed=1)


def test_merged_traces_have_all_jobs_and_a_name_is_one_user():
    one = Trace(
        jobs_of([0, 9], [1, 2], [3, 4], user=[0, 1], users=("ada", "bob"), memory=[5, 6]), start=7, processors=8
    )
    other = Trace(jobs_of([4], [5], [6], user=[0], users=("bob",)))
    both = merged(one, other)
    assert both.jobs.submit.tolist() == [0, 4, 9]
    assert both.jobs.run.tolist() == [1, 5, 2]
    assert both.jobs.number.tolist() == [1, 2, 3]
    assert [both.jobs.users[place] for place in both.jobs.user] == ["ada", "bob", "bob"]
    assert both.jobs.memory is not None
    assert both.jobs.memory.tolist() == [5, 0, 6]
    assert (both.start, both.processors) == (7, 8)
    with pytest.raises(ValueError, match="no trace to merge"):
        merged()
