"""The daily proof: to the second, with the runs that differ, and nothing that differed is forgotten."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from tests.factories.world import MONTH, World, make_allocation, make_world

from fabriek.audit.models import Event
from fabriek.compute.records import UsageRecord
from fabriek.compute.wire import DailyProof, ProofLine, ProofPlace, ProofRuns, ProvenRun, RollUp
from fabriek.conf.errors import NotFound
from fabriek.ledger import actions as ledger
from fabriek.ledger.models import Account
from fabriek.operations.actions import Line, book_usage, note_proof_runs, prove_usage
from fabriek.operations.models import UsageProof
from fabriek.operations.proofs import Totals, booked_on, compared_of
from fabriek.projects.models import Allocation

pytestmark = pytest.mark.django_db
DAY = MONTH + timedelta(days=9)
NOON = int(datetime(DAY.year, DAY.month, DAY.day, 12, tzinfo=UTC).timestamp())


def run(
    allocation: Allocation, job: int, *, end: int = NOON, seconds: int = 60, gpus: int = 2, suspended: int = 0
) -> UsageRecord:
    start = end - seconds
    return UsageRecord(
        str(job), allocation.project.code, "u", "gpu", "COMPLETED", start, start, end, gpus, 8 * gpus,
        suspended=suspended,
    )  # fmt: skip


def book(world: World, key: str, *records: UsageRecord) -> None:
    book_usage(world.cluster, key, [Line(n, r) for n, r in enumerate(records, start=1)], "test")


def line(allocation: Allocation, runs: int, accelerators: int, cores: int) -> ProofLine:
    return ProofLine(
        account=allocation.project.code,
        partition="gpu",
        runs=runs,
        accelerator_seconds=accelerators,
        core_seconds=cores,
    )


def prove(world: World, *lines: ProofLine, day: date = DAY, roll_up: list[RollUp] | None = None) -> UsageProof:
    return prove_usage(world.cluster, DailyProof(day=day, lines=list(lines), roll_up=roll_up))[0]


def test_a_day_on_which_both_say_the_same_does_not_differ() -> None:
    world = make_world()
    allocation = make_allocation(world)
    book(world, "b", run(allocation, 1), run(allocation, 2, suspended=20), run(allocation, 3, end=NOON + 86_400))
    proof = prove(world, line(allocation, 2, 2 * 60 + 2 * 40, 16 * 60 + 16 * 40))
    assert not proof.differs
    (compared,) = map(compared_of, proof.lines)
    assert compared.ledger == Totals(2, 200, 1600)
    assert not Event.objects.filter(verb__startswith="operations.prove").exists()


def test_corrections_count_as_they_are_now() -> None:
    world = make_world()
    allocation = make_allocation(world)
    book(world, "b", run(allocation, 1, seconds=60))
    changed = UsageRecord(
        "1", allocation.project.code, "u", "gpu", "TIMEOUT", NOON - 60, NOON - 60, NOON + 40, 2, 16
    )  # fmt: skip
    book(world, "b2", changed)
    assert booked_on(world.cluster, DAY) == {(allocation.project.code, "gpu"): Totals(1, 200, 1600)}


def test_a_run_is_of_the_day_on_which_it_ended_whatever_it_was_before() -> None:
    world = make_world()
    allocation = make_allocation(world)
    book(world, "b", run(allocation, 1))
    assert booked_on(world.cluster, DAY - timedelta(days=1)) == {}
    midnight = NOON + 43_200
    moved = UsageRecord("1", allocation.project.code, "u", "gpu", "COMPLETED", NOON - 60, NOON - 60, midnight, 2, 16)
    book(world, "b2", moved)
    assert booked_on(world.cluster, DAY) == {}
    assert booked_on(world.cluster, DAY + timedelta(days=1)) != {}


def test_a_difference_is_told_to_the_second_with_the_runs_that_make_it() -> None:
    world = make_world()
    allocation = make_allocation(world)
    code = allocation.project.code
    book(world, "b", run(allocation, 1), run(allocation, 2), run(allocation, 3))
    proof, wanted = prove_usage(
        world.cluster, DailyProof(day=DAY, lines=[line(allocation, 3, 360 + 1, 2880 + 8)], roll_up=None)
    )
    assert proof.differs
    (compared,) = map(compared_of, proof.lines)
    assert compared.difference == Totals(0, -1, -8)
    assert wanted == [ProofPlace(account=code, partition="gpu")]
    accounted = {1: 121, 2: 120, 4: 120}
    told = ProofRuns(
        places=wanted,
        runs=[
            ProvenRun(
                account=code,
                partition="gpu",
                key=f"{job}/{NOON - 60}",
                accelerator_seconds=gpu,
                core_seconds=8 * gpu,
            )
            for job, gpu in accounted.items()
        ],
    )
    proof = note_proof_runs(world.cluster, DAY, told)
    assert [(r["key"].partition("/")[0], r["accounted"], r["ledger"]) for r in proof.runs] == [
        ("1", [121, 968], [120, 960]),
        ("3", None, [120, 960]),
        ("4", [120, 960], None),
    ]
    assert Event.objects.filter(verb="operations.prove_usage").count() == 1


def test_the_ledgers_side_is_its_entries_and_not_the_records() -> None:
    """A stray posting in the name of a run shows, though the record is right."""
    world = make_world()
    allocation = make_allocation(world)
    book(world, "b", run(allocation, 1))
    used = Account.objects.get(kind="used", allocation=allocation.code, unit="accelerator-seconds")
    award = Account.objects.get(kind="award", allocation=allocation.code, unit="accelerator-seconds", month=MONTH)
    ledger.post(
        None,
        key=f"adjust:{world.cluster.code}:b",
        kind="adjustment",
        moves=[ledger.Move(award, used, 7, f"1/{NOON - 60}")],
    )
    proof = prove(world, line(allocation, 1, 120, 960))
    assert compared_of(proof.lines[0]).difference == Totals(0, 7, 0)


def test_the_same_result_again_is_only_confirmed_and_another_stands_beside_the_first() -> None:
    world = make_world()
    allocation = make_allocation(world)
    first = prove(world, line(allocation, 1, 120, 960))
    again = prove(world, line(allocation, 1, 120, 960))
    assert (first.pk, first.differs) == (again.pk, True)
    assert again.confirmed_at > first.confirmed_at
    book(world, "b", run(allocation, 1))
    settled = prove(world, line(allocation, 1, 120, 960))
    assert not settled.differs
    assert [proof.differs for proof in UsageProof.objects.filter(day=DAY)] == [False, True]
    assert Event.objects.filter(verb="operations.settle_usage").count() == 1


def test_accounts_that_are_no_project_are_added_up_and_never_a_difference() -> None:
    world = make_world()
    proof = prove(world, ProofLine(account="root", partition="gpu", runs=3, accelerator_seconds=5, core_seconds=7))
    assert (proof.differs, proof.lines, proof.others) == (False, [], [3, 5, 7])


def test_what_the_report_says_more_is_a_difference_only_where_nobody_can_explain_it() -> None:
    world = make_world()
    allocation = make_allocation(world)
    code = allocation.project.code

    def reported(accelerators: int) -> RollUp:
        return RollUp(
            account=code,
            accelerator_seconds=accelerators,
            core_seconds=9,
            records_accelerator_seconds=100,
            records_core_seconds=9,
            explained_accelerator_seconds=20,
        )

    assert not prove(world, roll_up=[reported(120)]).roll_up_differs
    assert prove(world, roll_up=[reported(121)]).roll_up_differs


def test_runs_without_a_proof_are_refused() -> None:
    world = make_world()
    with pytest.raises(NotFound):
        note_proof_runs(world.cluster, DAY, ProofRuns(places=[], runs=[]))


class AnyDay(TestCase):
    @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        st.lists(
            st.tuples(st.integers(1, 4), st.integers(0, 5_000), st.integers(0, 100), st.integers(0, 3), st.booleans()),
            max_size=10,
        )
    )
    def test_the_proof_of_what_was_metered_holds(self, arrivals: list[tuple[int, int, int, int, bool]]) -> None:
        """Whatever corrections came in whichever batches: the ledger's entries of a day are the last words' totals."""
        world = make_world()
        allocation = make_allocation(world)
        latest: dict[str, UsageRecord] = {}
        batch: list[UsageRecord] = []
        for number, (job, seconds, percent, gpus, send) in enumerate(arrivals):
            start = NOON - 9_000
            record = UsageRecord(
                str(job), allocation.project.code, "u", "gpu", "COMPLETED", start, start, start + seconds, gpus, 3,
                suspended=seconds * percent // 100,
            )  # fmt: skip
            batch.append(record)
            latest[record.key] = record
            if send:
                book(world, f"b{number}", *batch)
                batch = []
        book(world, "rest", *batch)
        sums = Totals(
            len(latest),
            sum(r.accelerator_seconds for r in latest.values()),
            sum(r.core_seconds for r in latest.values()),
        )
        proof = prove(world, *([line(allocation, *sums)] if latest else []))
        assert not proof.differs, proof.lines
