"""What a study simulates and keeps, without a database."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.factories.traces import UNITS, crowded_trace, swf_file

from fabriek.conf.apart import Fault
from fabriek.foresight import gantt, trace_files
from fabriek.foresight.computing import Answer, Question, answer
from fabriek.foresight.curves import GRID, curve, curves
from fabriek.foresight.policies import ClassRules, StudyPolicy, classes_of_accounts, simulated
from fabriek.foresight.repeats import Repeats, by_class, drawn
from fabriek.foresight.trace_files import packed, read_sent, unpacked
from fabriek.simulation.answers import by_group
from fabriek.simulation.policy import Machine
from fabriek.simulation.simulate import simulate
from fabriek.simulation.workloads.trace import WorkloadBroken

FLOOR = StudyPolicy(classes={"startup": ClassRules(floor=50)})
PLAIN = StudyPolicy()


@pytest.fixture(scope="module")
def trace_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("traces") / "crowded.npz"
    path.write_bytes(packed(crowded_trace()))
    return path


def asked(trace: Path, before: StudyPolicy, after: StudyPolicy, repeats: Repeats) -> tuple[Answer | Fault, list[str]]:
    told: list[str] = []
    return answer(Question(trace, UNITS, before, after, repeats), told.append), told


def figures(trace: Path, before: StudyPolicy, after: StudyPolicy, repeats: Repeats) -> dict:
    said, _told = asked(trace, before, after, repeats)
    assert isinstance(said, Answer), said
    return json.loads(said.text)


def test_a_floor_lets_its_class_wait_less_and_says_what_the_others_pay(trace_file: Path) -> None:
    found = figures(trace_file, PLAIN, FLOOR, Repeats(count=6))
    waits = {row["name"]: row["median_wait"] for row in found["classes"]}
    assert waits["startup"]["after"] < waits["startup"]["before"]
    assert waits["academia"]["after"] > waits["academia"]["before"]
    (floor,) = found["floors"]
    assert (floor["policy"], floor["class"], floor["units"], floor["promised"]) == ("after", "startup", 4, 0.5)
    # Without being held it would have been broken for longer.
    assert floor["before"]["broken_seconds"] > floor["after"]["broken_seconds"]
    assert floor["before"]["kept"] <= floor["after"]["kept"] <= 6
    assert {row["name"] for row in found["programmes"]} == {"eu-science", "nl-ai"}


def test_progress_is_told_before_each_simulation(trace_file: Path) -> None:
    _said, told = asked(trace_file, PLAIN, FLOOR, Repeats(count=3))
    assert told == [f"{done}/8" for done in range(9)]


def test_the_same_question_gives_the_same_figures(trace_file: Path) -> None:
    repeats = Repeats("seeds", 2, 1, {"startup": 2.0})
    assert figures(trace_file, PLAIN, FLOOR, repeats) == figures(trace_file, PLAIN, FLOOR, repeats)


def test_more_demand_of_a_class_is_simulated_under_today_policy_too_or_not(trace_file: Path) -> None:
    def jobs_of_startups(both: bool) -> list[int]:
        found = figures(trace_file, PLAIN, FLOOR, Repeats("seeds", 2, 1, {"startup": 2.0}, both))
        return next(row["jobs"] for row in found["classes"] if row["name"] == "startup")

    before, after = jobs_of_startups(both=False)
    assert after > 1.5 * before
    assert jobs_of_startups(both=True) == [after, after]


def test_what_can_not_be_drawn_says_why(tmp_path: Path) -> None:
    short = tmp_path / "short.npz"
    short.write_bytes(packed(crowded_trace(days=3)))
    said, _told = asked(short, PLAIN, FLOOR, Repeats("seeds", 2, 1))
    assert isinstance(said, Fault)
    assert "no whole week" in said.words
    gone, _told = asked(tmp_path / "gone.npz", PLAIN, FLOOR, Repeats())
    assert isinstance(gone, Fault)
    assert "can't be read" in gone.words
    said, _told = asked(short, StudyPolicy(backfill="conservative"), FLOOR, Repeats(count=2))
    assert isinstance(said, Answer), "conservative backfill is simulated where it goes alone"


def test_a_machine_on_which_nothing_runs_is_no_answer(trace_file: Path, tmp_path: Path) -> None:
    large = tmp_path / "large.npz"
    trace = crowded_trace(days=8)
    trace.jobs.processors[:] = 99
    large.write_bytes(packed(trace))
    said, _told = asked(large, PLAIN, FLOOR, Repeats(count=2))
    assert isinstance(said, Fault)


def test_a_policy_of_classes_is_one_of_the_simulator() -> None:
    jobs = by_class(crowded_trace().jobs)
    policy = simulated(
        StudyPolicy(
            by_shares=True,
            jobs_each=3,
            classes={"startup": ClassRules(floor=25, share=30, most=60, urgent=True), "academia": ClassRules(share=70)},
        ),
        UNITS,
        classes_of_accounts(jobs),
    )
    (held,) = policy.held
    assert (held.klass, held.processors) == ("startup", 2)
    assert policy.weights is not None
    assert policy.weights.shares == {"startup": 30, "academia": 70}
    assert policy.weights.parents["startup.nl-ai"] == "startup"
    assert {(limit.over.value, limit.name, limit.processors, limit.jobs) for limit in policy.limits} == {
        ("klass", "startup", 4, None),
        ("user", "", None, 3),
    }
    assert policy.preempt == {"startup": 1}


@given(st.lists(st.floats(0.1, 50), min_size=2, max_size=6), st.integers(1, 10_000))
def test_floors_that_fit_in_percents_fit_on_the_machine(percents: list[float], units: int) -> None:
    scaled = [percent * min(1, 100 / sum(percents)) for percent in percents]
    policy = StudyPolicy(classes={f"c{n}": ClassRules(floor=percent) for n, percent in enumerate(scaled)})
    held = simulated(policy, units, {}).held
    assert sum(one.processors for one in held) <= max(units, len(percents))


def test_shares_of_classes_move_use_towards_them() -> None:
    jobs = by_class(crowded_trace(an_hour=3).jobs)

    def wait(share: float) -> float:
        rules = {"startup": ClassRules(share=share), "academia": ClassRules(share=100 - share)}
        policy = simulated(StudyPolicy(by_shares=True, classes=rules), UNITS, classes_of_accounts(jobs))
        return by_group(simulate(jobs, Machine.of(UNITS), policy), "klass")["startup"].mean_wait

    assert wait(80) < wait(5)


def test_windows_are_the_trace_cut_up_and_the_whole_comes_first() -> None:
    trace = crowded_trace()
    parts = list(drawn(trace, Repeats(count=4)))
    assert len(parts[0][0]) == len(trace.jobs)
    assert sum(len(before) for before, _after in parts[1:]) == len(trace.jobs)
    assert all(before is after for before, after in parts)


# Curves


def test_a_curve_rises_to_all_jobs_and_its_bounds_hold_it() -> None:
    schedules = [
        simulate(by_class(crowded_trace(seed=seed).jobs), Machine.of(UNITS), simulated(PLAIN, UNITS, {}))
        for seed in (1, 2, 3)
    ]
    found = curves(schedules, "startup")
    assert found is not None
    assert found["started"] == sorted(found["started"])
    assert found["started"][-1] == 1.0
    assert all(
        low <= mean <= high for low, mean, high in zip(found["low"], found["started"], found["high"], strict=True)
    )
    alone = curves(schedules[:1], "startup")
    assert alone is not None
    assert "low" not in alone
    assert curve(schedules[0], "nobody") is None
    assert len(found["started"]) == len(GRID)


# The machine's picture


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 10_000), st.floats(0.5, 6))
def test_no_unit_of_the_machine_has_two_jobs_at_once(seed: int, an_hour: float) -> None:
    jobs = by_class(crowded_trace(days=4, an_hour=an_hour, seed=seed).jobs)
    schedule = simulate(jobs, Machine.of(UNITS), simulated(PLAIN, UNITS, {}))
    since, until = gantt.busiest(schedule, schedule)
    rows = gantt.placed(schedule, since, until)
    ends = np.full(UNITS, np.iinfo(np.int64).min)
    for row in sorted(rows, key=lambda row: row["start"]):
        assert row["start"] < until
        assert row["end"] > since
        assert sum(count for _first, count in row["pieces"]) == row["units"]
        for first, count in row["pieces"]:
            assert 0 <= first < first + count <= UNITS
            assert (ends[first : first + count] <= row["start"]).all()
            ends[first : first + count] = row["end"]


def test_of_too_many_jobs_the_largest_are_drawn() -> None:
    jobs = by_class(crowded_trace(days=1, an_hour=900).jobs)
    jobs.run[:] = 20
    schedule = simulate(jobs, Machine.of(UNITS), simulated(PLAIN, UNITS, {}))
    assert len(gantt.placed(schedule, *gantt.busiest(schedule, schedule))) == gantt.MOST_DRAWN


# Files


def test_a_trace_is_kept_whole() -> None:
    trace = crowded_trace()
    again = unpacked(packed(trace))
    for name in ("submit", "run", "estimate", "processors", "klass", "account", "user"):
        assert np.array_equal(getattr(again.jobs, name), getattr(trace.jobs, name)), name
    assert (again.jobs.klasses, again.jobs.accounts, again.start, again.zone) == (
        trace.jobs.klasses,
        trace.jobs.accounts,
        trace.start,
        trace.zone,
    )


def test_a_sent_file_is_read_plain_or_packed_also_in_two_parts() -> None:
    whole = gzip.decompress(swf_file())
    assert len(read_sent(whole).jobs) == len(read_sent(swf_file()).jobs) == 300
    assert len(read_sent(gzip.compress(whole[:5000]) + gzip.compress(whole[5000:])).jobs) == 300


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (gzip.compress(b"", mtime=0), "empty"),
        (swf_file()[:200], "cut"),
        (b"\x1f\x8b\x08nonsense that is no gzip", "damaged"),
        (b"neither this nor that", "format isn't known"),
        (b"PAR1 a table", "Parquet isn't taken"),
    ],
)
def test_what_can_not_be_read_says_what_to_do(content: bytes, said: str) -> None:
    with pytest.raises(WorkloadBroken, match=said):
        read_sent(content)


def test_no_more_is_unpacked_than_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace_files, "MOST_UNPACKED", 10_000)
    with pytest.raises(WorkloadBroken, match="unpacked it is larger"):
        read_sent(gzip.compress(b"0" * 1_000_000))
    monkeypatch.setattr(trace_files, "MOST_JOBS", 100)
    with pytest.raises(WorkloadBroken, match="at most 100"):
        read_sent(gzip.decompress(swf_file())[:200_000])
    monkeypatch.setattr(trace_files, "MOST_BYTES", 10)
    with pytest.raises(WorkloadBroken, match="larger than"):
        read_sent(swf_file())


def test_a_file_with_objects_in_it_is_refused() -> None:
    buffer = io.BytesIO()
    np.savez(buffer, number=np.array([object()], dtype=object))
    with pytest.raises(ValueError, match="pickle"):
        unpacked(buffer.getvalue())
