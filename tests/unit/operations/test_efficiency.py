"""Asked against used: what `seff` would compute, and what to ask next time."""

from __future__ import annotations

import pytest

from fabriek.compute.wire import ResourcesUsed
from fabriek.operations.efficiency import GIB, Asked, Efficiency, efficiency_of

HOUR = 3600


def judged(completed: bool = True, used: dict | None = None, **asked: int) -> Efficiency:
    said = {"cores": 8, "accelerators": 0, "seconds": HOUR} | asked
    return efficiency_of(Asked(**said), ResourcesUsed(**{"elapsed_seconds": HOUR, **(used or {})}), completed=completed)


def advice(found: Efficiency, what: str) -> str:
    return next((f"{one.sentence} {one.change}" for one in found.advice if one.what == what), "")


def test_the_measures_are_those_of_seff() -> None:
    """As seff has it: 3-23:17:34 of processor time in 2:24:01 on 40 cores is 99.25 %, 102.99 MB of 80 GB 0.13 %."""
    used = {"elapsed_seconds": 8641, "cpu_seconds": 343054, "memory_bytes_asked": 83886080 * 1024}
    found = judged(cores=40, seconds=8641, used={**used, "memory_bytes_peak": 105460 * 1024})
    ratios = {measure.what: measure.ratio for measure in found.measures}
    assert ratios["cores"] == pytest.approx(0.9925, abs=1e-4)
    assert ratios["memory"] == pytest.approx(0.0013, abs=1e-4)


def test_cores_that_did_nothing_are_named_with_what_is_enough() -> None:
    said = advice(judged(used={"cpu_seconds": 0.9 * HOUR}), "cores")
    assert "You asked 8 cores and used 0.9 on average: ask 2 and wait less." in said
    assert "--cpus-per-task=2" in said


@pytest.mark.parametrize(
    ("asked", "cpu"),
    [({"cores": 8}, 5.0), ({"cores": 1}, 0.1), ({"cores": 4, "accelerators": 4}, 0.4), ({"cores": 2}, 3.9)],
)
def test_cores_that_worked_or_feed_a_gpu_are_left_alone(asked: dict[str, int], cpu: float) -> None:
    assert advice(judged(used={"cpu_seconds": cpu * HOUR}, **asked), "cores") == ""


def test_memory_is_a_fifth_above_its_peak() -> None:
    """jobstats' own example: 15 % of 100 GB used, --mem=18G advised."""
    used = {"memory_bytes_asked": 100 * GIB, "memory_bytes_peak": 15 * GIB}
    said = advice(judged(used=used), "memory")
    assert "100 GiB" in said
    assert "--mem=18G" in said


def test_memory_that_was_nearly_full_is_warned_of() -> None:
    used = {"memory_bytes_asked": 10 * GIB, "memory_bytes_peak": int(9.9 * GIB)}
    said = advice(judged(used=used), "memory")
    assert "9.9 GiB of 10 GiB" in said
    assert "--mem=12G" in said


def test_of_several_tasks_the_largest_one_s_memory_says_nothing() -> None:
    found = judged(parts=4, used={"memory_bytes_asked": 100 * GIB, "memory_bytes_peak": GIB})
    assert "memory" not in {measure.what for measure in found.measures}


@pytest.mark.parametrize(("percent", "word"), [(2, "next to nothing"), (40, "40%"), (70, "")])
def test_gpus_that_stood_still_are_told(percent: int, word: str) -> None:
    said = advice(judged(accelerators=4, used={"accelerator_percent": percent}), "accelerators")
    assert word in said
    assert bool(word) == bool(said)


def test_a_short_job_with_a_long_limit_is_told_what_to_ask() -> None:
    said = advice(judged(seconds=10 * HOUR, used={"elapsed_seconds": 12 * 60}), "time")
    assert "12 min of the 10 h" in said
    assert "--time=00:15:00" in said


def test_the_time_of_a_job_that_did_not_end_by_itself_says_nothing() -> None:
    assert advice(judged(completed=False, seconds=10 * HOUR, used={"elapsed_seconds": 12 * 60}), "time") == ""


def test_a_run_of_a_moment_is_not_judged() -> None:
    found = judged(used={"elapsed_seconds": 5, "cpu_seconds": 0.1}, seconds=10 * HOUR)
    assert found.too_short
    assert found.advice == ()
    assert found.measures


def test_an_array_is_judged_by_its_mean_task() -> None:
    found = judged(cores=2, seconds=HOUR, runs=10, used={"elapsed_seconds": 6 * HOUR, "cpu_seconds": 12 * HOUR})
    ratios = {measure.what: measure.ratio for measure in found.measures}
    assert ratios == {"cores": pytest.approx(1.0), "time": pytest.approx(0.6)}


def test_what_is_not_known_is_not_shown() -> None:
    assert {measure.what for measure in judged(accelerators=2).measures} == {"time"}
