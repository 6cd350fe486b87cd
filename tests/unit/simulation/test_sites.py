"""Several sites: to which a job goes and when it may start there, by hand and beside the plain rules."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.simulation.drawing import TRACES, WHOLE
from tests.unit.simulation.plain import Plain
from tests.unit.simulation.test_against_plain import LIMITS, WEIGHTS

from fabriek.simulation.answers import by_group, by_site
from fabriek.simulation.failures import Outage
from fabriek.simulation.jobs import Jobs, jobs_of
from fabriek.simulation.policy import CONSERVATIVE, EASY, Backfill, Limit, Machine, Policy, Pool, Weights
from fabriek.simulation.simulate import Schedule, simulate
from fabriek.simulation.sites import Link, Route, Routing

_FOURS = (Pool("north", 4), Pool("south", 4))
_LINK = Link(("north", "south"), 4.0)


def at_home(submit: list[int], run: list[int], size: list[int], home: list[int]) -> Jobs:
    return jobs_of(submit, run, size, partition=home, partitions=("north", "south"))


def sent(jobs: Jobs, rule: Route, data: list[int] | None = None, *links: Link) -> Schedule:
    machine = Machine(_FOURS, routing=Routing(rule, links))
    return simulate(jobs if data is None else replace(jobs, data=np.array(data)), machine, EASY)


def test_where_it_starts_first_with_its_data() -> None:
    # 1 has all of north until 10. 2 comes at 1: 20 bytes take 5 s to south, which is before 10.
    jobs = at_home([0, 1], [10, 5], [4, 4], [0, 0])
    schedule = sent(jobs, Route.LEAST_WAIT, [0, 20], _LINK)
    assert (schedule.start.tolist(), schedule.routed.site.tolist()) == ([0, 6], [0, 1])
    assert schedule.routed.moving.tolist() == [0, 5]
    # 21 bytes take a sixth second; 37 take ten, later than north is free.
    assert sent(jobs, Route.LEAST_WAIT, [0, 21], _LINK).start.tolist() == [0, 7]
    assert sent(jobs, Route.LEAST_WAIT, [0, 37], _LINK).start.tolist() == [0, 10]
    # Without data it needs no link; with some, and without a link, it stays.
    assert sent(jobs, Route.LEAST_WAIT).start.tolist() == [0, 1]
    assert sent(jobs, Route.LEAST_WAIT, [0, 1]).start.tolist() == [0, 10]


def test_what_waits_and_what_is_on_its_way_is_counted() -> None:
    # At 1, 2 goes to south, where its data are at 11, before north is free at 12. At 2, 3 would start at 12 in north,
    # and in south after the 20 s of 2, at 22: it stays. 4 has 10 + 20 s before it in north, and 20 in south, where it
    # runs before the data of 2 are there.
    jobs = at_home([0, 1, 2, 2], [12, 20, 20, 5], [4, 4, 4, 4], [0, 0, 0, 0])
    schedule = sent(jobs, Route.LEAST_WAIT, [0, 40, 0, 0], _LINK)
    assert schedule.routed.site.tolist() == [0, 1, 0, 1]
    assert schedule.start.tolist() == [0, 11, 12, 2]


def test_home_first_and_home_only() -> None:
    jobs = at_home([0, 1, 2], [10, 5, 5], [4, 2, 2], [0, 0, 1])
    assert sent(jobs, Route.HOME).start.tolist() == [0, 10, 2]
    assert sent(jobs, Route.HOME).routed.site.tolist() == [0, 0, 1]
    assert sent(jobs, Route.HOME_FIRST).start.tolist() == [0, 1, 2]
    # With equal prospects a job stays.
    assert sent(at_home([0], [1], [1], [1]), Route.LEAST_WAIT).routed.site.tolist() == [1]


def test_one_after_the_other() -> None:
    jobs = at_home([0, 0, 0, 0], [9, 9, 9, 9], [1, 1, 1, 1], [0, 0, 0, 0])
    assert sent(jobs, Route.ROUND_ROBIN).routed.site.tolist() == [0, 1, 0, 1]
    # Who fits one only is sent there, and the next goes after that.
    machine = Machine((Pool("north", 2), Pool("south", 8)), routing=Routing(Route.ROUND_ROBIN))
    some = at_home([0, 0, 0], [9, 9, 9], [4, 1, 1], [0, 0, 0])
    assert simulate(some, machine, EASY).routed.site.tolist() == [1, 0, 1]


def test_figures_of_each_site() -> None:
    jobs = at_home([0, 1], [10, 5], [4, 2], [0, 0])
    schedule = sent(jobs, Route.LEAST_WAIT, [0, 8], _LINK)
    north, south = by_site(schedule)
    assert (north.site, north.jobs, north.from_elsewhere, north.utilisation) == ("north", 1, 0, 1.0)
    assert (south.site, south.jobs, south.from_elsewhere, south.utilisation) == ("south", 1, 1, 0.25)
    assert (south.waiting.mean_wait, south.moving_seconds) == (2.0, 2)
    assert by_group(schedule, "partition")["south"].jobs == 1


def test_who_fits_nowhere_is_left_out_with_the_reason_at_home() -> None:
    jobs = jobs_of([0, 0, 0], [1, 1, 1], [5, 1, 1], partition=[0, 1, 2], partitions=("north", "south", "east"))
    schedule = sent(jobs, Route.LEAST_WAIT, [3, 2, 1], _LINK)
    assert [one.reason for one in schedule.skipped] == ["asks 5 processors of 4", "no partition 'east'"]
    assert schedule.jobs.number.tolist() == [2]


def test_sites_that_cannot_be() -> None:
    jobs = at_home([0], [1], [1], [0])
    with pytest.raises(ValueError, match="there is one"):
        simulate(jobs, Machine((Pool("north", 4),), routing=Routing()), EASY)
    with pytest.raises(ValueError, match="'east'"):
        sent(jobs, Route.HOME, None, Link(("north", "east"), 1.0))
    with pytest.raises(ValueError, match="several sites"):
        simulate(jobs, Machine(_FOURS, routing=Routing()), CONSERVATIVE)


@given(
    TRACES,
    st.sampled_from(Route),
    st.lists(st.sampled_from([0, 3, 40]), min_size=40, max_size=40),
    st.sampled_from([(), (Link(("north", "south"), 4.0), Link(("south", "east"), 10.0))]),
    st.one_of(st.none(), WEIGHTS),
    LIMITS,
    st.sampled_from(Backfill).filter(lambda one: one is not Backfill.CONSERVATIVE),
)
@settings(max_examples=200, deadline=None)
def test_beside_plain_rules(
    jobs: Jobs,
    rule: Route,
    data: list[int],
    links: tuple[Link, ...],
    weights: Weights | None,
    limits: list[Limit],
    backfill: Backfill,
) -> None:
    pools = (Pool("north", WHOLE), Pool("south", WHOLE), Pool("east", 3))
    jobs = replace(jobs, partition=jobs.user, partitions=("south", "north", "north"), data=np.array(data[: len(jobs)]))
    machine, policy = Machine(pools, routing=Routing(rule, links)), Policy(backfill, weights, tuple(limits))
    schedule = simulate(jobs, machine, policy)
    plain = Plain(jobs, machine, policy).run()
    assert [pools[site].name for site in schedule.routed.site] == plain.pool
    assert schedule.start.tolist() == plain.starts
    ran = schedule.ran
    assert (schedule.start >= jobs.submit + schedule.routed.moving)[ran].all()
    for place, pool in enumerate(pools):
        here = ran & (schedule.routed.site == place)
        busy = np.zeros(int(schedule.end.max(initial=0)) + 1, np.int64)
        for start, end, units in zip(schedule.start[here], schedule.end[here], schedule.units[here], strict=True):
            busy[start:end] += units
        assert busy.max(initial=0) <= pool.processors


@given(TRACES, st.sampled_from([Route.LEAST_WAIT, Route.HOME_FIRST]), st.integers(0, 30), st.integers(1, WHOLE))
@settings(max_examples=100, deadline=None)
def test_who_is_stopped_waits_at_the_same_site(jobs: Jobs, rule: Route, since: int, units: int) -> None:
    jobs = replace(jobs, partition=jobs.user % 2, partitions=("north", "south"))
    outages = (Outage(since, since + 9, "north", processors=units),)
    machine = Machine((Pool("north", WHOLE), Pool("south", WHOLE)), outages=outages, routing=Routing(rule))
    policy = Policy(preempt={"high": 1})
    schedule = simulate(jobs, machine, policy)
    plain = Plain(jobs, machine, policy).run()
    assert schedule.start.tolist() == plain.starts
    assert (schedule.runs.tolist(), schedule.lost.tolist()) == (plain.runs, plain.lost)
