"""Usage: every record once, whatever is sent how often; corrections are adjustments; broken ones hold nothing up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from tests.factories.world import MONTH, NEXT, World, make_allocation, make_organisation, make_world

from fabriek.compute.records import BrokenRecord, UsageRecord
from fabriek.ledger.models import Account, Transaction
from fabriek.ledger.queries import allocation_hours, check
from fabriek.operations import models
from fabriek.operations.actions import AGENT, Line, book_usage
from fabriek.operations.imports import import_usage
from fabriek.operations.queries import burn_down, desired_state
from fabriek.programmes.models import Programme
from fabriek.projects.models import Allocation

pytestmark = pytest.mark.django_db
START = int(datetime(MONTH.year, MONTH.month, 1, tzinfo=UTC).timestamp())


def run(allocation: Allocation, job: int = 1, *, start: int = START, seconds: int = 60, gpus: int = 2) -> UsageRecord:
    return UsageRecord(
        job_id=str(job),
        account=allocation.project.code,
        user="u1",
        partition="gpu",
        state="COMPLETED",
        submit=start - 5,
        start=start,
        end=start + seconds,
        accelerators=gpus,
        cores=gpus * 16,
    )


def book(world: World, key: str, *records: object) -> models.UsageBatch:
    lines = [Line(n, r) for n, r in enumerate(records, start=1)]  # type: ignore[arg-type]
    return book_usage(world.cluster, key, lines, AGENT)


def used(allocation: Allocation, unit: str = "accelerator-seconds") -> int:
    return allocation_hours([allocation.code], unit)[allocation.code].used


def test_a_record_is_booked_from_the_award_to_used_in_both_units() -> None:
    world = make_world()
    allocation = make_allocation(world, gpu_hours=10)
    batch = book(world, "b1", run(allocation, seconds=3600, gpus=3))
    assert (batch.booked, batch.repeated, batch.broken) == (1, 0, [])
    hours = allocation_hours([allocation.code])[allocation.code]
    assert (hours.used, hours.left, hours.awarded) == (3 * 3600, 7 * 3600, 10 * 3600)
    assert used(allocation, "core-seconds") == 48 * 3600
    assert check() == []


def test_the_agent_is_told_what_is_booked_of_each_award_corrections_and_all() -> None:
    world = make_world()
    allocation = make_allocation(world, gpu_hours=10)

    def told() -> tuple[int, int | None, int | None]:
        (state,) = desired_state(world.cluster).accounts
        return state.accelerator_seconds_limit, state.booked_accelerator_seconds, state.booked_core_seconds

    assert told() == (36_000, 0, 0)
    book(world, "b1", run(allocation, seconds=3_600, gpus=3), run(allocation, job=2))
    assert told() == (36_000, 3 * 3_600 + 120, 48 * 3_600 + 32 * 60)
    book(world, "b2", run(allocation, job=2, seconds=30))
    assert told() == (36_000, 3 * 3_600 + 60, 48 * 3_600 + 32 * 30)


def test_the_same_batch_and_the_same_record_in_another_batch_change_nothing() -> None:
    world = make_world()
    allocation = make_allocation(world)
    book(world, "b1", run(allocation))
    again = book(world, "b1", run(allocation))
    other = book(world, "b2", run(allocation), run(allocation))
    assert again.booked == 1
    assert (other.booked, other.repeated) == (0, 2)
    assert used(allocation) == 120


def test_a_broken_record_in_the_middle_is_reported_with_its_line_and_the_good_ones_are_booked() -> None:
    world = make_world()
    allocation = make_allocation(world)
    broken = BrokenRecord(2, "has no start")
    unknown = UsageRecord("9", "nobody", "u1", "gpu", "COMPLETED", START, START, START + 9, 1, 1)
    batch = book(world, "b1", run(allocation, 1), broken, run(allocation, 3), unknown)
    assert batch.booked == 2
    assert [fault["line"] for fault in batch.broken] == [2, 4]
    assert "nobody" in batch.broken[1]["why"]
    assert used(allocation) == 240
    assert check() == []


def test_a_correction_is_an_adjustment_and_the_first_record_stays() -> None:
    world = make_world()
    allocation = make_allocation(world)
    book(world, "b1", run(allocation, seconds=100))
    book(world, "b2", run(allocation, seconds=40))
    book(world, "b3", run(allocation, seconds=70))
    assert used(allocation) == 140
    assert list(models.UsageRecord.objects.order_by("revision").values_list("accelerator_seconds", flat=True)) == [
        200,
        80,
        140,
    ]
    assert Transaction.objects.filter(kind="adjustment").count() == 2
    assert check() == []


def test_a_run_that_was_over_before_the_award_began_is_not_booked_and_not_wanted_again() -> None:
    world = make_world()
    allocation = make_allocation(world)
    over, before, across, on_time = (
        run(allocation, job, start=START + start, seconds=seconds, gpus=1)
        for job, (start, seconds) in enumerate([(-60, 60), (-20 * 86_400, 3_600), (-60, 61), (0, 0)])
    )
    batch = book(world, "b1", over, before, across, on_time)
    assert [(fault["line"], fault["record"], fault["final"]) for fault in batch.broken] == [
        (1, over.key, True),
        (2, before.key, True),
    ]
    assert str(allocation.starts) in batch.broken[0]["why"]
    assert (batch.booked, used(allocation)) == (2, 61)
    # Who imports a file has chosen what is in it.
    assert book_usage(world.cluster, "b2", [Line(1, over), Line(2, before)], "file.swf").booked == 2
    assert check() == []


def test_what_was_booked_is_corrected_even_if_it_ended_before_the_award() -> None:
    world = make_world()
    allocation = make_allocation(world)
    book(world, "b1", run(allocation, start=START - 60, seconds=90, gpus=1))
    batch = book(world, "b2", run(allocation, start=START - 60, seconds=30, gpus=1))
    assert (batch.booked, batch.broken, used(allocation)) == (1, [], 30)


def test_a_run_between_two_awards_is_not_booked_on_the_one_to_come() -> None:
    world = make_world()
    first, second = make_allocation(world), make_allocation(world)
    later = (NEXT + timedelta(days=32)).replace(day=1)
    Allocation.objects.filter(pk=second.pk).update(
        project=first.project, starts=later, ends=(later + timedelta(days=32)).replace(day=1)
    )
    border = int(datetime(NEXT.year, NEXT.month, 1, tzinfo=UTC).timestamp())
    assert book(world, "b1", run(first, start=border + 60)).booked == 1
    assert (used(first), used(second)) == (120, 0)


def test_a_run_over_midnight_of_the_month_is_split() -> None:
    world = make_world()
    allocation = make_allocation(world, months=2)
    border = int(datetime(NEXT.year, NEXT.month, 1, tzinfo=UTC).timestamp())
    book(world, "b1", run(allocation, start=border - 10, seconds=30, gpus=1))
    stations = Account.objects.filter(kind="used", allocation=allocation.code, unit="accelerator-seconds")
    assert {a.month: a.balance for a in stations} == {MONTH: 10, NEXT: 20}


def test_use_beyond_the_award_is_booked_and_shows() -> None:
    """Metered use is a fact; the scheduler should have stopped it, and the page shows that it didn't."""
    world = make_world()
    allocation = make_allocation(world, gpu_hours=1)
    book(world, "b1", run(allocation, seconds=7200, gpus=1))
    assert allocation_hours([allocation.code])[allocation.code].left == -3600
    assert check() == []


def test_the_burn_down_ends_at_what_is_left() -> None:
    world = make_world()
    allocation = make_allocation(world, gpu_hours=1)
    book(world, "b1", run(allocation, 1, seconds=100, gpus=1), run(allocation, 2, seconds=200, gpus=1))
    book(world, "b2", run(allocation, 2, seconds=150, gpus=1))
    points = burn_down(allocation.project)
    assert points[0].left == 3600
    assert points[-1].left == 3600 - 250


SWF = """; UnixStartTime: {start}
; MaxJobs: 3
1 0 10 100 4 -1 -1 4 200 -1 1 1 1 -1 -1 1 -1 -1
2 5 10 {run} 8 -1 -1 8 200 -1 1 1 2 -1 -1 1 -1 -1
this is no job
3 9 10 50 2 -1 -1 2 200 -1 0 2 1 -1 -1 1 -1 -1
"""


def test_importing_a_log_twice_changes_nothing(tmp_path: Path) -> None:
    world = make_world()
    file = tmp_path / "log.swf"
    file.write_text(SWF.format(start=START, run=100))
    organisation, programme = make_organisation("academia"), Programme.objects.get(code="eu-science")

    def imported() -> tuple[int, int, int, int]:
        report = import_usage(
            world.operator,
            world.cluster,
            file,
            format="swf",
            programme=programme,
            partition=world.partition,
            organisation=organisation,
        )
        assert [fault["line"] for fault in report.broken] == [5]
        return report.booked, report.repeated, report.projects, models.UsageRecord.objects.count()

    assert imported() == (3, 0, 2, 3)
    core_seconds = sum(models.UsageRecord.objects.values_list("core_seconds", flat=True))
    assert core_seconds == 400 + 800 + 100
    assert imported() == (0, 3, 2, 3)
    assert check() == []


def test_an_import_that_was_interrupted_is_repeated_and_ends_in_the_same_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world()
    file = tmp_path / "log.swf"
    line = "{n} {n} 10 100 4 -1 -1 4 200 -1 1 1 1 -1 -1 1 -1 -1\n"
    file.write_text(f"; UnixStartTime: {START}\n" + "".join(line.format(n=n) for n in range(1, 30)))
    monkeypatch.setattr("fabriek.operations.imports.BATCH", 10)
    arguments = {
        "format": "swf",
        "programme": Programme.objects.get(code="eu-science"),
        "partition": world.partition,
        "organisation": make_organisation("academia"),
    }

    def pulled_plug(done: int) -> None:
        if done >= 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_usage(world.operator, world.cluster, file, progress=pulled_plug, **arguments)
    assert models.UsageRecord.objects.count() == 20
    import_usage(world.operator, world.cluster, file, **arguments)
    assert models.UsageRecord.objects.count() == 29
    assert sum(models.UsageRecord.objects.values_list("core_seconds", flat=True)) == 29 * 400
    assert check() == []


class RandomArrivals(TestCase):
    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        st.lists(
            st.lists(st.tuples(st.integers(1, 4), st.integers(1, 500)), max_size=6),
            min_size=1,
            max_size=6,
        )
    )
    def test_used_is_what_the_last_word_on_each_run_says(self, batches: list[list[tuple[int, int]]]) -> None:
        """Rule 5: whatever arrives in which order and how often."""
        world = make_world()
        allocation = make_allocation(world)
        last: dict[int, int] = {}
        for number, jobs in enumerate(batches):
            records = [run(allocation, job, seconds=seconds) for job, seconds in jobs]
            for _time in range(2):
                book(world, f"batch {number}", *records)
            last |= dict(jobs)
        assert used(allocation) == 2 * sum(last.values())
        assert check() == []
