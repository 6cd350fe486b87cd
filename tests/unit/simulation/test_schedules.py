"""Schedules that were worked out by hand: four processors, and each line of a table is a job."""

from __future__ import annotations

import pytest

from fabriek.simulation.jobs import Jobs, jobs_of
from fabriek.simulation.policy import CONSERVATIVE, EASY, FCFS, Held, Limit, Machine, Over, Policy, Pool
from fabriek.simulation.simulate import simulate

FOUR = Machine.of(4)


def table(text: str, **more: object) -> Jobs:
    """Jobs of lines `submit run estimate processors`."""
    submit, run, estimate, size = zip(*([int(n) for n in line.split()] for line in text.split(";")), strict=True)
    return jobs_of(submit, run, size, estimate=estimate, **more)  # type: ignore[arg-type]


def starts(jobs: Jobs, policy: Policy, machine: Machine = FOUR) -> list[int]:
    return simulate(jobs, machine, policy).start.tolist()


def test_first_come_first_served_lets_nobody_pass() -> None:
    # 1 runs till 10; 2 needs all four; 3 would fit beside 1, and waits.
    assert starts(table("0 10 10 3; 1 5 5 4; 2 3 3 1"), FCFS) == [0, 10, 15]


def test_easy_lets_pass_who_ends_in_time_and_nobody_else() -> None:
    # 2 is promised 10. 3 is done at 9; 4 would be at 13.
    assert starts(table("0 10 10 3; 1 5 5 4; 2 7 7 1; 3 10 10 1"), EASY) == [0, 10, 2, 15]


def test_easy_lets_long_jobs_have_the_extra_processors() -> None:
    # 2 needs three at 10 and leaves one: 3 may have it for ever, 4 no longer.
    assert starts(table("0 10 10 3; 1 5 5 3; 2 99 99 1; 3 9 9 1"), EASY) == [0, 10, 2, 15]


def test_extra_counts_all_that_end_at_the_shadow_time() -> None:
    # 1 and 2 both end at 10, of which 3 needs one: 4 may have the other two and the free one, so it passes with two.
    assert starts(table("0 10 10 2; 0 10 10 1; 1 5 5 2; 2 20 20 1"), EASY) == [0, 0, 10, 2]


def test_shadow_time_is_of_estimates_and_the_first_starts_as_soon_as_it_can() -> None:
    # 1 asked 20 and ends at 10. 3 passes, as it's done at 18, before 20; 2 gets its four at 18 at the earliest.
    assert starts(table("0 10 20 3; 1 5 5 4; 2 16 16 1"), EASY) == [0, 18, 2]


def test_ends_come_before_arrivals_and_one_instant_is_one_pass() -> None:
    # At 10, 1 ends, and 2 and 3 come: in the order of the file.
    assert starts(table("0 10 10 4; 10 5 5 3; 10 1 1 4"), FCFS) == [0, 10, 15]
    # At 5 both come before anybody is served: 3 doesn't pass 2 though it stands after it, and 2 needs all.
    assert starts(table("0 9 9 2; 5 5 5 4; 5 5 5 2"), EASY) == [0, 9, 14]


def test_a_job_without_time_ends_in_its_second() -> None:
    assert starts(table("0 0 1 4; 0 5 5 4"), EASY) == [0, 0]


def test_estimates_are_raised_to_run_times_or_jobs_are_killed() -> None:
    jobs = table("0 10 5 4; 1 5 5 4")
    assert starts(jobs, EASY) == [0, 10]
    killed = simulate(jobs, FOUR, Policy(kill_at_limit=True))
    assert killed.end.tolist() == [5, 10]


def test_conservative_backfill_delays_nobody() -> None:
    # Under EASY 4 passes 3, which isn't the head: 3 is promised 15 and starts at 22. Conservative keeps 15.
    jobs = table("0 10 10 3; 1 5 5 4; 2 5 5 3; 3 7 7 1; 15 7 7 2")
    assert starts(jobs, CONSERVATIVE) == [0, 10, 15, 3, 20]
    # 1 ends at 4 instead of 10: what is reserved moves forward, in the order of the queue.
    assert starts(table("0 4 10 3; 1 5 5 4; 2 3 3 2"), CONSERVATIVE) == [0, 4, 9]


def test_larger_jobs_are_left_out_and_named() -> None:
    schedule = simulate(table("0 1 1 5; 0 1 1 4; 0 1 1 9"), FOUR, EASY)
    assert [(one.number, one.reason) for one in schedule.skipped] == [
        (1, "asks 5 processors of 4"),
        (3, "asks 9 processors of 4"),
    ]
    assert schedule.jobs.number.tolist() == [2]
    assert simulate(table("0 1 1 5"), FOUR, EASY).start.tolist() == []


def test_whole_nodes() -> None:
    # Three processors are two nodes of two; so are four.
    schedule = simulate(table("0 5 5 3; 0 5 5 2; 0 5 5 1"), Machine.of(3, 2), EASY)
    assert schedule.units.tolist() == [2, 1, 1]
    assert schedule.start.tolist() == [0, 0, 5]


def test_partitions_are_pools_of_their_own() -> None:
    machine = Machine((Pool("gpu", 2), Pool("cpu", 4)))
    jobs = table(
        "0 10 10 2; 0 10 10 2; 0 10 10 4; 0 1 1 3; 0 1 1 1",
        partition=[0, 0, 1, 0, 2],
        partitions=("gpu", "cpu", "debug"),
    )
    schedule = simulate(jobs, machine, EASY)
    assert schedule.start.tolist() == [0, 10, 0]
    assert [one.reason for one in schedule.skipped] == ["asks 3 processors of 2", "no partition 'debug'"]


def test_limits_hold_back_without_holding_up() -> None:
    jobs = table("0 10 10 1; 0 10 10 1; 0 10 10 1; 0 10 10 1", user=[0, 0, 0, 1], users=("ada", "bob"))
    assert starts(jobs, Policy(limits=(Limit(Over.USER, jobs=2),))) == [0, 0, 10, 0]
    assert starts(jobs, Policy(limits=(Limit(Over.USER, "ada", processors=1),))) == [0, 10, 20, 0]
    # 20 processor-seconds for ada in all: one job of ten after the other, and the third never.
    budget = simulate(jobs, FOUR, Policy(limits=(Limit(Over.USER, "ada", processor_minutes=20 / 60),)))
    assert budget.start.tolist() == [0, 0, -1, 0]


def test_budgets_are_given_back_what_was_estimated_too_much() -> None:
    jobs = table("0 5 10 1; 0 5 10 1; 0 5 10 1")
    # 25: two may be under way with 10 each. After 5 both have used 5, and the third fits.
    assert starts(jobs, Policy(limits=(Limit(Over.USER, processor_minutes=25 / 60),))) == [0, 0, 5]


def test_a_floor_is_kept_free_for_its_class() -> None:
    jobs = table("0 10 10 2; 1 10 10 2; 2 10 10 2", klass=[0, 0, 1], klasses=("academia", "startup"))
    assert starts(jobs, EASY) == [0, 1, 10]
    held = Policy(held=(Held(2, "startup"),))
    # Two of four are the start-up's: the second of academia waits, the start-up doesn't.
    assert starts(jobs, held) == [0, 10, 2]


def test_what_a_class_runs_counts_towards_its_floor_first() -> None:
    jobs = table("0 10 10 2; 1 10 10 2; 2 10 10 2", klass=[1, 0, 0], klasses=("academia", "startup"))
    assert starts(jobs, Policy(held=(Held(2, "startup"),))) == [0, 1, 11]


def test_maintenance_is_waited_for() -> None:
    policy = Policy(held=(Held(4, None, since=10, until=20),))
    # 1 is done by 10; 2 wouldn't be, and starts after it; 3 is, and passes.
    assert starts(table("0 5 5 4; 1 6 6 2; 2 5 5 2"), policy) == [0, 20, 5]


def test_a_reservation_ahead_is_kept_for_its_class() -> None:
    jobs = table("0 20 20 2; 0 20 20 2; 10 5 5 2", klass=[0, 0, 1], klasses=("academia", "startup"))
    policy = Policy(held=(Held(2, "startup", since=10, until=30),))
    assert starts(jobs, policy) == [0, 20, 10]


def test_preemption_stops_the_latest_of_a_lower_tier_which_starts_from_nought() -> None:
    jobs = table("0 10 10 2; 1 10 10 2; 2 3 3 2", qos=[0, 0, 1], qoses=("normal", "high"))
    schedule = simulate(jobs, FOUR, Policy(preempt={"high": 1}))
    assert schedule.start.tolist() == [0, 5, 2]
    assert schedule.runs.tolist() == [1, 2, 1]
    assert schedule.lost.tolist() == [0, 2, 0]
    # Who can't make room by it stops nobody: 3 needs three, and has them by stopping 2 only when 1 ends.
    wide = table("0 10 10 2; 1 10 10 2; 2 3 3 3", qos=[1, 0, 1], qoses=("normal", "high"))
    assert simulate(wide, FOUR, Policy(preempt={"high": 1})).start.tolist() == [0, 13, 10]


@pytest.mark.parametrize("policy", [FCFS, EASY, CONSERVATIVE])
def test_times_far_from_nought(policy: Policy) -> None:
    # Nothing is relative to the first second, nor too large before it says so.
    assert starts(table(f"{10**11} 10 10 4; {10**11 + 1} 5 5 4"), policy) == [10**11, 10**11 + 10]
    with pytest.raises(ValueError, match="beyond 1,000,000,000,000 seconds"):
        starts(table(f"0 10 {10**13} 4"), policy)
    with pytest.raises(ValueError, match="below 0"):
        starts(table("-1 10 10 4"), policy)
    with pytest.raises(ValueError, match="processor-seconds"):
        starts(table(f"0 10 {10**11} {10**9}"), policy, Machine.of(10**9))


def test_conservative_goes_without_what_it_does_not_know() -> None:
    with pytest.raises(ValueError, match="conservative"):
        starts(table("0 1 1 1"), Policy(CONSERVATIVE.backfill, limits=(Limit(Over.USER, jobs=1),)))
