"""The rule of continuous modes: never beyond capacity, monotone, repeatable, and a floor's reserve is its own."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabriek.allocation.continuous import (
    Asked,
    ClassOf,
    Request,
    Room,
    Rule,
    Situation,
    Verdict,
    answer,
    answer_queue,
    forecast,
    poisson_quantile,
    reserves,
    within_reach,
)

SLOTS = [("m/gpu", "2027-01"), ("m/gpu", "2027-02"), ("n/gpu", "2027-01")]
CLASSES = ["academia", "startup", "sme", "large-industry"]
RANK = {Verdict.REFUSE: 0, Verdict.WAIT: 1, Verdict.GRANT: 2}
hours = st.integers(0, 400_000)


@st.composite
def situations(draw: Any) -> Situation:
    slots = draw(st.lists(st.sampled_from(SLOTS), min_size=1, unique=True))
    rooms = {}
    for slot in slots:
        offered = draw(st.integers(0, 1_000_000))
        rooms[slot] = Room(offered, draw(st.integers(-1_000, offered)), draw(st.floats(0, 120)))
    classes = {}
    for name in draw(st.lists(st.sampled_from(CLASSES[:2]), unique=True)):
        requests = draw(st.integers(0, 40))
        classes[name] = ClassOf(
            floor=draw(st.floats(0, 0.6)),
            taken={slot: draw(hours) for slot in slots},
            waiting={slot: draw(hours) for slot in slots},
            here=Asked(requests, draw(st.floats(0, 60)), requests * 900, requests * 500),
            before=Asked(*draw(st.sampled_from([(0, 0.0, 0, 0), (12, 90.0, 60_000, 30_000)]))),
        )
    return Situation(rooms, classes, 90.0, draw(st.integers(1, 200_000)), draw(st.integers(1, 100_000)))


@st.composite
def requests(draw: Any) -> Request:
    needs = st.dictionaries(st.sampled_from(SLOTS), st.integers(1, 300_000), min_size=1, max_size=3)
    wanted = draw(st.lists(needs, min_size=1, max_size=3))
    return Request(f"A{draw(st.integers(0, 10**6))}", draw(st.sampled_from(CLASSES)), wanted, draw(st.booleans()))


@given(situations(), st.lists(requests(), max_size=25))
def test_what_a_queue_is_granted_never_exceeds_what_is_free(situation: Situation, queue: list[Request]) -> None:
    granted = dict.fromkeys(situation.rooms, 0)
    for request, made in zip(queue, answer_queue(situation, queue), strict=True):
        if made.verdict == Verdict.GRANT:
            for slot, seconds in request.alternatives[made.alternative].items():
                granted[slot] += seconds
    for slot, room in situation.rooms.items():
        assert granted[slot] <= max(room.free, 0)


@given(situations(), requests(), st.sampled_from(SLOTS), st.integers(1, 500_000))
def test_more_that_is_free_never_makes_an_answer_worse(
    situation: Situation, request: Request, slot: tuple[str, str], more: int
) -> None:
    richer = replace(
        situation,
        rooms={s: replace(room, free=room.free + (more if s == slot else 0)) for s, room in situation.rooms.items()},
    )
    assert RANK[answer(richer, request).verdict] >= RANK[answer(situation, request).verdict]


@given(situations(), st.lists(requests(), max_size=8))
def test_the_same_situation_in_another_order_of_rows_gives_the_same_answers(
    situation: Situation, queue: list[Request]
) -> None:
    turned = replace(
        situation,
        rooms=dict(reversed(situation.rooms.items())),
        classes=dict(reversed(situation.classes.items())),
    )
    assert answer_queue(situation, queue) == answer_queue(turned, queue)


@given(situations(), st.data())
def test_what_is_kept_for_a_class_is_never_refused_to_it(situation: Situation, data: st.DataObject) -> None:
    for name, kept in reserves(situation).items():
        need = {slot: data.draw(st.integers(1, seconds)) for slot, seconds in kept.items() if seconds}
        if need:
            assert answer(situation, Request("A", name, [need], due=True)).verdict == Verdict.GRANT


@given(situations())
def test_reserves_stay_within_the_floor_and_within_what_is_free(situation: Situation) -> None:
    kept = reserves(situation)
    for slot, room in situation.rooms.items():
        assert sum(of[slot] for of in kept.values()) <= max(room.free, 0)
    for name, of in kept.items():
        assert sum(of.values()) <= situation.classes[name].floor * sum(r.offered for r in situation.rooms.values())


@given(situations())
def test_when_no_time_is_left_only_what_waits_is_kept(situation: Situation) -> None:
    over = replace(
        situation,
        rooms={slot: replace(room, open_days=0.0) for slot, room in situation.rooms.items()},
        classes={name: replace(of, waiting={}) for name, of in situation.classes.items()},
    )
    for class_ in CLASSES:
        assert within_reach(over, class_) == {slot: max(room.free, 0) for slot, room in over.rooms.items()}


@given(st.floats(0.01, 400), st.floats(0.05, 0.99))
def test_a_quantile_is_the_least_number_that_is_certain_enough(mean: float, certainty: float) -> None:
    n = poisson_quantile(mean, certainty)

    def below(number: int) -> float:
        return sum(math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(number + 1))

    assert below(n) >= certainty - 1e-9
    assert n == 0 or below(n - 1) <= certainty + 1e-9


def room_for(free: int = 1_000, days: float = 30.0, **of: Any) -> Situation:
    return Situation({SLOTS[0]: Room(1_000, free, days)}, {"startup": ClassOf(0.4, **of)}, 60.0, 50, 50)


def test_without_any_history_the_floor_is_expected_to_be_asked_for_evenly() -> None:
    seen = forecast(room_for(), "startup")
    assert seen.source == "prior"
    assert seen.expected * seen.seconds_each == pytest.approx(0.4 * 1_000 / 2)  # half of the period is left


def test_what_was_asked_under_this_call_moves_the_forecast() -> None:
    quiet = forecast(room_for(here=Asked(1, 60.0, 50, 50)), "startup")
    busy = forecast(room_for(here=Asked(60, 60.0, 3_000, 3_000)), "startup")
    assert quiet.source == busy.source == "call"
    assert quiet.expected < forecast(room_for(), "startup").expected < busy.expected


def test_others_wait_for_the_reserve_and_are_answered_when_they_are_due() -> None:
    situation = room_for(free=300)
    large = Request("A", "large-industry", [{SLOTS[0]: 250}])
    assert answer(situation, large).verdict == Verdict.WAIT
    late = answer(situation, replace(large, due=True))
    assert (late.verdict, late.reason) == (Verdict.REFUSE, "reserve")
    assert late.kept == {"startup": reserves(situation)["startup"][SLOTS[0]]}
    assert answer(situation, replace(large, class_="startup")).verdict == Verdict.GRANT


def test_who_asks_for_more_than_is_free_is_told_at_once() -> None:
    made = answer(room_for(free=200), Request("A", "startup", [{SLOTS[0]: 201}]))
    assert (made.verdict, made.reason, made.asked, made.free) == (Verdict.REFUSE, "capacity", 201, 200)


def test_a_later_choice_is_taken_where_the_first_has_no_room() -> None:
    made = answer(room_for(), Request("A", "sme", [{SLOTS[1]: 10}, {SLOTS[0]: 10}]))
    assert (made.verdict, made.alternative) == (Verdict.GRANT, 1)


def test_an_application_that_waits_counts_before_one_that_is_only_expected() -> None:
    quiet = room_for(days=0.0)
    waits = room_for(days=0.0, waiting={SLOTS[0]: 120})
    assert reserves(quiet)["startup"][SLOTS[0]] == 0
    assert reserves(waits)["startup"][SLOTS[0]] == 120


@pytest.mark.parametrize("numbers", [{"certainty": 1.0}, {"certainty": 0.0}, {"prior_days": 0}, {"prior_requests": -1}])
def test_a_rule_without_sense_is_refused(numbers: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="certainty"):
        Rule(**numbers)
