"""A continuous call: each application answered by the rule, room kept for the floors, in time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from tests.factories.world import (
    MONTH,
    NEXT,
    World,
    make_draft,
    make_organisation,
    make_partition,
    make_person,
    make_submitted,
    make_world,
)
from tests.unit.access.test_life import to_score

from fabriek.access.actions import decide_queue, decide_queues, open_call, save_draft, submit_application
from fabriek.access.continuous import queue_page
from fabriek.access.models import AccessMode, Application, Decision, NotYet
from fabriek.access.queries import decision_page, outcome_of
from fabriek.access.queue_words import queue_words
from fabriek.allocation.plan import load_plan
from fabriek.allocation.problem import load_problem
from fabriek.allocation.verify import verify
from fabriek.audit.models import Event
from fabriek.conf.errors import NotAllowed, Refused
from fabriek.ledger.queries import check
from fabriek.programmes.actions import declare_capacity, establish_shares, make_promise
from fabriek.programmes.models import Programme
from fabriek.programmes.queries import free_seconds
from fabriek.promises.queries import measured_promises
from fabriek.register.models import Partition

pytestmark = pytest.mark.django_db


def floor(world: World, fraction: str = "0.4", organisation_class: str = "startup") -> None:
    make_promise(
        world.officer,
        code=f"floor-{organisation_class}",
        name=f"Floor of {organisation_class}",
        programme=Programme.objects.get(code="eu-industrial"),
        kind="floor",
        fraction=Decimal(fraction),
        of="awarded",
        rank=1,
        valid_from=date(2020, 1, 1),
        organisation_class=organisation_class,
    )


def scored(world: World, organisation_class: str, gpu_hours: int, months: int = 2, points: int = 4) -> Application:
    applicant = make_person(organisation=make_organisation(organisation_class))
    return to_score(world, make_submitted(world, applicant=applicant, gpu_hours=gpu_hours, months=months), points)


def free_hours(world: World) -> int:
    free = free_seconds([world.partition.code])
    return sum(free["eu-industrial-entry", world.partition.code, month] for month in (MONTH, NEXT)) // 3600


def wide_world() -> World:
    make_person("reviewer", organisation=make_organisation("academia"))
    return make_world(maximum_gpu_hours=100_000, closes=datetime.now(UTC) + timedelta(days=20))


def test_a_start_up_is_answered_at_once_and_anybody_can_verify_it() -> None:
    world = wide_world()
    floor(world)
    application = scored(world, "startup", 500)
    run = decide_queue(world.officer, world.call)
    assert [a.code for a in run.granted] == [application.code]
    application.refresh_from_db()
    assert application.state == "awarded"
    decision = run.decision
    assert decision is not None
    assert (decision.state, decision.origin) == ("published", "continuous")
    assert verify(load_problem(decision.problem.encode()), load_plan(decision.plan)) == []
    assert check() == []
    page = decision_page(decision.code)
    assert page is not None
    assert [(row.application.code, row.hours) for row in page.rows] == [(application.code, 500)]


def test_the_same_tick_again_changes_nothing() -> None:
    world = wide_world()
    scored(world, "startup", 500)
    decide_queue(world.officer, world.call)
    before = Decision.objects.count(), Event.objects.count()
    run = decide_queue(world.officer, world.call)
    assert (run.decision, run.granted, run.refused) == (None, [], [])
    assert (Decision.objects.count(), Event.objects.count()) == before


def test_others_draw_only_on_what_is_beyond_the_reserve_and_start_ups_on_all() -> None:
    world = wide_world()
    floor(world, "0.5")
    most = free_hours(world)
    sme = scored(world, "sme", int(most * 0.8))
    run = decide_queue(world.officer, world.call)
    assert [a.code for a in run.waiting] == [sme.code]
    told = NotYet.objects.get(application=sme).detail
    assert list(told["kept"]) == ["startup"]
    assert "Not yet" in queue_words("reserve", told)
    startup = scored(world, "startup", int(most * 0.8 * 0.5))
    run = decide_queue(world.officer, world.call)
    assert [a.code for a in run.granted] == [startup.code]


def test_who_waits_is_answered_when_it_is_due_with_what_was_kept_for_whom() -> None:
    world = wide_world()
    floor(world, "0.5")
    sme = scored(world, "sme", int(free_hours(world) * 0.8))
    assert sme.answer_due is not None
    # Within this month: what is free in it is gone in the next one.
    due = min(sme.answer_due, datetime(NEXT.year, NEXT.month, 1, tzinfo=UTC) - timedelta(minutes=1))
    Application.objects.filter(pk=sme.pk).update(answer_due=due)
    run = decide_queue(world.officer, world.call, due - timedelta(hours=2))
    assert [a.code for a in run.refused] == [sme.code]
    outcome = outcome_of(Application.objects.get(code=sme.code))
    assert outcome is not None
    assert outcome.reason == "reserve"
    assert "Start-up" in outcome.explanation
    assert outcome.explanation == queue_words(outcome.reason, outcome.detail)
    page = decision_page(run.decision.code if run.decision else "")
    assert page is not None
    assert [row.reason for row in page.rows] == ["reserve"]


def test_when_the_call_closes_nothing_is_left_unused_for_a_reserve() -> None:
    world = wide_world()
    floor(world, "0.5")
    sme = scored(world, "sme", int(free_hours(world) * 0.4))
    sme.alternatives.update(first_month=NEXT, months=1)
    assert decide_queue(world.officer, world.call).waiting
    run = decide_queue(world.officer, world.call, world.call.closes - timedelta(minutes=5))
    assert [a.code for a in run.granted] == [sme.code]


def test_more_than_is_free_is_refused_at_once() -> None:
    world = wide_world()
    application = scored(world, "startup", free_hours(world) + 2)
    run = decide_queue(world.officer, world.call)
    assert [a.code for a in run.refused] == [application.code]
    outcome = outcome_of(Application.objects.get(code=application.code))
    assert outcome is not None
    assert outcome.reason == "capacity"


def test_a_low_score_is_refused_for_its_score() -> None:
    world = wide_world()
    application = scored(world, "startup", 10, points=1)
    decide_queue(world.officer, world.call)
    outcome = outcome_of(Application.objects.get(code=application.code))
    assert outcome is not None
    assert outcome.reason == "threshold"


def test_a_cap_holds_here_too() -> None:
    world = wide_world()
    make_promise(
        world.officer,
        code="cap-sme",
        name="SMEs at most",
        programme=Programme.objects.get(code="eu-industrial"),
        kind="cap",
        fraction=Decimal("0.1"),
        of="capacity",
        rank=1,
        valid_from=date(2020, 1, 1),
        organisation_class="sme",
    )
    first = scored(world, "sme", free_hours(world) // 20)
    second = scored(world, "sme", free_hours(world) // 10)
    run = decide_queue(world.officer, world.call)
    assert [a.code for a in run.granted] == [first.code]
    assert [a.code for a in run.refused] == [second.code]
    outcome = outcome_of(Application.objects.get(code=second.code))
    assert outcome is not None
    assert outcome.reason == "cap"


def test_paid_use_gets_no_more_than_a_fifth_of_the_union_s_time_on_each_system() -> None:
    """Article 18 is about each system: the third would fit below a fifth of both together."""
    world = wide_world()
    _factory, there = make_partition(world.operator)
    declare_capacity(world.operator, there, [MONTH, NEXT])
    half = Decimal("0.5")
    establish_shares(world.officer, there, [MONTH, NEXT], {"eu-industrial-entry": half, "eu-science": half})
    world.call.partitions.add(there)
    # The programme's share is half of what the Union has there.
    part = int(free_hours(world) * 2 * 0.15)

    def asked(partition: Partition, *, commercial: bool) -> Application:
        applicant = make_person(organisation=make_organisation("large-industry"))
        draft = make_draft(world, applicant)
        place = {"partition": partition, "first_month": MONTH, "months": 2, "gpu_hours": part}
        draft = save_draft(applicant, draft, draft.version, commercial=commercial, alternatives=[place])
        return to_score(world, submit_application(applicant, draft))

    first, elsewhere = asked(world.partition, commercial=True), asked(there, commercial=True)
    second, unpaid = asked(world.partition, commercial=True), asked(world.partition, commercial=False)
    run = decide_queue(world.officer, world.call)
    assert [a.code for a in run.granted] == [first.code, elsewhere.code, unpaid.code]
    assert [a.code for a in run.refused] == [second.code]
    outcome = outcome_of(Application.objects.get(code=second.code))
    assert outcome is not None
    assert outcome.reason == "cap"
    (measured,) = [one for one in measured_promises() if one.terms.code == "commercial-use"]
    assert measured.holds


def test_the_queue_is_first_come_within_reach_and_never_beyond_capacity() -> None:
    world = wide_world()
    each = free_hours(world) // 5
    asked = [scored(world, "sme", each) for _ in range(6)]
    run = decide_queue(world.officer, world.call)
    assert [a.code for a in run.granted] == [a.code for a in asked[:4]]
    assert len(run.refused) == 2
    assert min(free_seconds([world.partition.code]).values()) >= 0
    assert check() == []


def test_who_has_an_interest_leaves_it_to_another_officer() -> None:
    world = wide_world()
    applicant = make_person("officer", organisation=make_organisation("startup"))
    application = to_score(world, make_submitted(world, applicant=applicant, gpu_hours=50))
    run = decide_queue(applicant, world.call)
    assert [a.code for a in run.left] == [application.code]
    assert run.decision is None
    assert [a.code for a in decide_queue(world.officer, world.call).granted] == [application.code]


def test_only_an_officer_decides_and_only_in_continuous_calls() -> None:
    world = wide_world()
    with pytest.raises(NotAllowed):
        decide_queue(make_person(), world.call)
    science = open_call(
        world.officer,
        access_mode=AccessMode.objects.get(code="aif-science"),
        factory=world.factory,
        programme=Programme.objects.get(code="eu-science"),
        partitions=[world.partition],
        title="Science",
        opens=datetime.now(UTC),
        closes=datetime.now(UTC) + timedelta(days=5),
        first_month=MONTH,
        months=2,
    )
    with pytest.raises(Refused, match="cut-off"):
        decide_queue(world.officer, science)


def test_the_page_tells_what_is_free_kept_expected_and_what_each_would_be_answered() -> None:
    world = wide_world()
    floor(world, "0.3")
    floor(world, "0.2", "academia")  # may not apply here: nothing is kept for it
    sme = scored(world, "sme", int(free_hours(world) * 0.9))
    page = queue_page(world.call)
    (startup,) = page.classes
    assert (startup.name, startup.floor) == ("startup", 0.3)
    assert 0 < startup.kept <= startup.entitled
    assert startup.forecast.expected > 0
    assert page.kept == startup.kept
    (row,) = page.rows
    assert row.application.code == sme.code
    assert row.answer is not None
    assert row.answer.verdict == "wait"
    assert row.days_left > 0
    assert Decision.objects.count() == 0


def test_every_call_with_a_queue_is_decided_by_one_command() -> None:
    world = wide_world()
    application = scored(world, "startup", 50)
    (run,) = decide_queues(world.officer)
    assert [a.code for a in run.granted] == [application.code]
    assert decide_queues(world.officer) == []
