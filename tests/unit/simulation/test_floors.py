"""Floors as promises, by hand, and against a walk through every second."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fabriek.simulation.floors import Floor, floors
from fabriek.simulation.jobs import Jobs, jobs_of
from fabriek.simulation.policy import EASY, FCFS, Held, Limit, Machine, Over, Policy
from fabriek.simulation.simulate import Schedule, simulate

FLOOR = Held(2, "startup")


def of(submit: list[int], run: list[int], size: list[int], klass: list[int]) -> Jobs:
    return jobs_of(submit, run, size, klass=klass, klasses=("academia", "startup"))


def test_a_floor_that_nobody_held() -> None:
    # Academia has all four from 0 to 100; the start-up's two wait from 10 on. The last is submitted at 200.
    jobs = of([0, 10, 200], [100, 50, 1], [4, 2, 1], [0, 1, 0])
    (found,) = floors(simulate(jobs, Machine.of(4), EASY), [FLOOR])
    assert found == Floor("startup", "", 2, 0.5, 50 * 2 / 4 / 200, 90)
    assert not found.kept


def test_the_same_floor_held() -> None:
    jobs = of([0, 10, 200], [100, 50, 1], [2, 2, 1], [0, 1, 0])
    (found,) = floors(simulate(jobs, Machine.of(4), Policy(held=(FLOOR,))), [FLOOR])
    assert (found.broken_seconds, found.reached) == (0, pytest.approx(100 / 800))


def test_a_job_larger_than_what_is_left_breaks_nothing() -> None:
    # One of the floor's two runs; the next asks two, and waits until it ends.
    jobs = of([0, 0, 0, 200], [100, 100, 5, 1], [1, 1, 2, 1], [1, 0, 1, 0])
    schedule = simulate(jobs, Machine.of(4), Policy(held=(FLOOR, Held(1))))
    assert schedule.start[2] == 100
    assert floors(schedule, [FLOOR])[0].kept


def test_only_while_it_is_in_force() -> None:
    jobs = of([0, 10, 200], [100, 50, 1], [4, 2, 1], [0, 1, 0])
    schedule = simulate(jobs, Machine.of(4), EASY)
    held = [replace(FLOOR, since=40, until=120), replace(FLOOR, since=500), Held(4, None, 40, 60)]
    found = floors(schedule, held)
    assert [one.broken_seconds for one in found] == [60, 0]
    assert found[0].reached == pytest.approx(20 * 2 / 4 / 80)


def test_who_never_starts_waits_to_the_end() -> None:
    jobs = of([0, 10, 100], [5, 5, 5], [1, 2, 1], [0, 1, 0])
    schedule = simulate(jobs, Machine.of(4), Policy(limits=(Limit(Over.KLASS, "startup", processors=1),)))
    assert floors(schedule, [FLOOR])[0].broken_seconds == 90


def second_by_second(schedule: Schedule, floor: Held, klass: int) -> int:
    jobs, broken = schedule.jobs, 0
    for second in range(int(jobs.submit[0]), int(jobs.submit[-1])):
        mine = jobs.klass == klass
        runs = mine & (schedule.start <= second) & (second < schedule.end)
        waits = mine & (jobs.submit <= second) & (schedule.start > second)
        left = floor.processors - schedule.units[runs].sum()
        broken += bool(waits.any() and schedule.units[waits].min() <= left)
    return broken


@pytest.mark.parametrize("seed", range(6))
def test_against_every_second(seed: int) -> None:
    draws = np.random.default_rng(seed)
    count = 80
    jobs = of(
        np.sort(draws.integers(0, 400, count)).tolist(),
        draws.integers(0, 30, count).tolist(),
        draws.integers(1, 5, count).tolist(),
        draws.integers(0, 2, count).tolist(),
    )
    floor = Held(4, "startup")
    for policy in (FCFS, EASY, Policy(held=(floor,))):
        schedule = simulate(jobs, Machine.of(8), policy)
        assert floors(schedule, [floor])[0].broken_seconds == second_by_second(schedule, floor, 1)


def test_nothing_to_measure() -> None:
    nothing = simulate(of([0], [1], [9], [1]), Machine.of(4), EASY)
    assert floors(nothing, [FLOOR]) == ()
