"""EASY's promise: whoever passes, the first job that waits for room starts no later than without them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fabriek.compute.local.backfill import GRACE, Room, reservation

ROOMS = st.builds(Room, st.integers(0, 8), st.integers(0, 16))


@given(
    st.lists(st.tuples(st.integers(1, 500), ROOMS), max_size=6),
    ROOMS,
    st.lists(st.tuples(st.integers(1, 500), ROOMS), max_size=8),
)
def test_the_first_is_not_held_up(running: list[tuple[int, Room]], asked: Room, others: list[tuple[int, Room]]) -> None:
    now, whole = 0, Room(8, 16)
    free = whole
    running = [(end, held) for end, held in running if free.holds(held) and (free := free - held)]
    if free.holds(asked):
        return
    kept = reservation(asked, free, running, now)
    promised = kept.at
    passed = []
    for seconds, wanted in others:
        if free.holds(wanted) and kept.lets_pass(wanted, seconds, now):
            kept.passed(wanted, seconds, now)
            free = free - wanted
            passed.append((seconds, wanted))
    # At the moment that was promised, with every job run to its limit and a little more, the first fits.
    for end, held in [*running, *passed]:
        if end + GRACE <= promised:
            free = free + held
    assert free.holds(asked)
