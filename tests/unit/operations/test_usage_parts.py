"""What of a run counts where: suspended time, months, and the allocation that it goes on into."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from tests.factories.world import MONTH, NEXT, World, make_allocation, make_world

from fabriek.compute.records import UsageRecord
from fabriek.ledger.models import Account
from fabriek.ledger.queries import check
from fabriek.operations import models
from fabriek.operations.actions import Line, book_usage
from fabriek.operations.rules import by_month, going_on, month_start, next_month
from fabriek.projects.models import Allocation
from fabriek.projects.queries import used_after_end

pytestmark = pytest.mark.django_db
BORDER = month_start(NEXT)
AFTER = next_month(NEXT)


def run(
    allocation: Allocation, start: int, end: int, *, job: str = "1", gpus: int = 1, suspended: int = 0
) -> UsageRecord:
    return UsageRecord(
        job, allocation.project.code, "u", "gpu", "COMPLETED", 9, start, end, gpus, 4 * gpus, suspended=suspended
    )  # fmt: skip


def book(world: World, key: str, *records: UsageRecord) -> models.UsageBatch:
    return book_usage(world.cluster, key, [Line(n, r) for n, r in enumerate(records, start=1)], "test")


def used(unit: str = "accelerator-seconds") -> dict[tuple[str, date], int]:
    stations = Account.objects.filter(kind="used", unit=unit)
    return {(a.allocation, a.month): a.balance for a in stations if a.balance}


def second_allocation(first: Allocation, starts: date = NEXT, ends: date = AFTER, number: int = 2) -> Allocation:
    """Another of the same project and partition; its hours don't matter here."""
    return Allocation.objects.create(
        code=f"{first.project.code}.{number}",
        project=first.project,
        partition=first.partition,
        starts=starts,
        ends=ends,
    )


def test_suspended_time_is_not_booked() -> None:
    world = make_world()
    allocation = make_allocation(world)
    book(world, "b", run(allocation, BORDER - 1000, BORDER - 900, gpus=2, suspended=40))
    assert used() == {(allocation.code, MONTH): 2 * 60}
    assert used("core-seconds") == {(allocation.code, MONTH): 8 * 60}
    assert book(world, "b2", run(allocation, BORDER - 1000, BORDER - 900, gpus=2, suspended=40)).repeated == 1
    book(world, "b3", run(allocation, BORDER - 1000, BORDER - 900, gpus=2, suspended=10))
    assert used() == {(allocation.code, MONTH): 2 * 90}
    assert check() == []


def test_suspended_time_falls_evenly_over_the_months_and_not_a_second_is_lost() -> None:
    # 300 s before the border and 100 after; 101 of 400 s stood still, so 299 count: 224 of them by the border.
    assert list(by_month(BORDER - 300, BORDER + 100, 101)) == [(MONTH, 224), (NEXT, 75)]
    assert list(by_month(BORDER - 300, BORDER + 100)) == [(MONTH, 300), (NEXT, 100)]
    assert list(by_month(BORDER - 300, BORDER + 100, 400)) == [(MONTH, 0), (NEXT, 0)]


@given(st.integers(1, 2 * 10**9), st.integers(0, 10**8), st.integers(0, 100))
def test_months_always_add_up_to_what_counts(start: int, length: int, percent: int) -> None:
    suspended = length * percent // 100
    parts = list(by_month(start, start + length, suspended))
    assert sum(seconds for _month, seconds in parts) == length - suspended
    assert all(seconds >= 0 for _month, seconds in parts)


def test_a_run_that_goes_on_into_the_next_allocation_is_split_between_them() -> None:
    world = make_world()
    first = make_allocation(world, months=1)
    second = second_allocation(first)
    book(world, "b", run(first, BORDER - 300, BORDER + 100, gpus=2))
    assert used() == {(first.code, MONTH): 600, (second.code, NEXT): 200}
    assert used_after_end([first, second]) == {}
    assert models.UsageRecord.objects.get().parts.splitlines() == [
        f"{MONTH:%Y-%m} {first.code}",
        f"{NEXT:%Y-%m} {second.code}",
    ]
    assert check() == []


def test_where_no_allocation_follows_the_rest_is_booked_to_the_one_that_ended() -> None:
    world = make_world()
    only = make_allocation(world, months=1)
    book(world, "b", run(only, BORDER - 300, BORDER + 100))
    assert used() == {(only.code, MONTH): 300, (only.code, NEXT): 100}
    assert used_after_end([only]) == {only.code: 100}


def test_a_correction_reverses_what_was_booked_whatever_was_awarded_since() -> None:
    world = make_world()
    first = make_allocation(world, months=1)
    book(world, "b", run(first, BORDER - 300, BORDER + 100))
    second = second_allocation(first)
    book(world, "b2", run(first, BORDER - 300, BORDER + 150))
    assert used() == {(first.code, MONTH): 300, (second.code, NEXT): 150}
    Allocation.objects.filter(pk=second.pk).update(starts=AFTER, ends=next_month(AFTER))
    book(world, "b3", run(first, BORDER - 300, BORDER + 20))
    assert used() == {(first.code, MONTH): 300, (first.code, NEXT): 20}
    assert check() == []


def test_a_run_stays_where_it_began_until_that_allocation_ends() -> None:
    one, other, late = (
        Allocation(starts=a, ends=b) for a, b in ((MONTH, AFTER), (NEXT, AFTER), (AFTER, date(2999, 1, 1)))
    )
    months = [MONTH, NEXT, AFTER]
    assert [a for _month, a in going_on(one, [one, other, late], months)] == [one, one, late]
    assert [a for _month, a in going_on(one, [one, other], months)] == [one, one, one]


class Arrivals(TestCase):
    """Repeats, corrections, reorderings, any split into batches, awards that come later: the ledger is what the last
    word on each run says, in each month and allocation."""

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        st.lists(
            st.tuples(
                st.integers(1, 3),  # job
                st.integers(-2_400_000, 2_000_000),  # start, from the border of the months; within the award's first
                st.integers(0, 4_000_000),  # length
                st.integers(0, 100),  # percent suspended
                st.integers(0, 3),  # accelerators
                st.booleans(),  # the next record is in another batch
            ),
            max_size=12,
        ),
        st.integers(0, 12),
    )
    def test_the_ledger_is_the_last_word_on_each_run(self, arrivals: list[tuple[int, ...]], award_at: int) -> None:
        world = make_world()
        first = make_allocation(world, months=1)
        batches: list[list[UsageRecord]] = [[]]
        for job, begun, length, percent, gpus, cut in arrivals:
            start = BORDER + begun
            batches[-1].append(
                run(first, start, start + length, job=str(job), gpus=gpus, suspended=length * percent // 100)
            )
            if cut:
                batches.append([])
        for number, records in enumerate(batches):
            if number == award_at:
                second_allocation(first)
            for _time in range(2):
                book(world, f"batch {number}", *records)
            # The same again under another key, and in another order: nothing but repeats where each job is there once.
            if len({r.job_id for r in records}) == len(records):
                assert book(world, f"again {number}", *reversed(records)).booked == 0
        assert used() == self.what_the_last_revisions_say("accelerators")
        assert used("core-seconds") == self.what_the_last_revisions_say("cores")
        latest = {job: record for records in batches for record in records for job in [record.job_id]}
        assert sum(used().values()) == sum(record.accelerator_seconds for record in latest.values())
        assert check() == []

    @staticmethod
    def what_the_last_revisions_say(unit: str) -> dict[tuple[str, date], int]:
        sums: dict[tuple[str, date], int] = defaultdict(int)
        rows = {row.key: row for row in models.UsageRecord.objects.order_by("revision").select_related("allocation")}
        for row in rows.values():
            parts = dict(line.split(" ") for line in row.parts.splitlines())
            for month, seconds in by_month(row.start, row.end, row.suspended):
                sums[parts.get(f"{month:%Y-%m}", row.allocation.code), month] += seconds * getattr(row, unit)
        return {key: seconds for key, seconds in sums.items() if seconds}
