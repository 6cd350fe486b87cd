"""EASY's promise: whoever passes, the first job that waits for room starts no later than without them. And what is
foreseen can be: at every moment all that is foreseen to run has room."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fabriek.compute.local.backfill import GRACE, Room, forecast, reservation

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


@given(
    st.lists(st.tuples(st.integers(1, 500), ROOMS), max_size=6),
    st.lists(st.tuples(ROOMS, st.integers(1, 500)), max_size=8),
)
def test_what_is_foreseen_has_room_and_is_not_put_off(
    running: list[tuple[int, Room]], waiting: list[tuple[Room, int]]
) -> None:
    now, whole = 0, Room(8, 16)
    free = whole
    running = [(end, held) for end, held in running if free.holds(held) and (free := free - held)]
    starts = forecast(free, running, waiting, now)
    runs = [(now, end + GRACE, held) for end, held in running]
    for place, (start, (asked, seconds)) in enumerate(zip(starts, waiting, strict=True)):
        assert start is not None, "each of these fits an empty machine"
        before = runs + [
            (begun, begun + lasts + GRACE, held)
            for begun, (held, lasts) in zip(starts[:place], waiting[:place], strict=True)
            if begun is not None
        ]
        assert fits(before, whole, asked, start, start + seconds + GRACE)
        for earlier in {now, *(end for _begun, end, _held in before)}:
            if earlier < start:
                assert not fits(before, whole, asked, earlier, earlier + seconds + GRACE), "it could start earlier"


def fits(runs: list[tuple[int, int, Room]], whole: Room, asked: Room, start: int, end: int) -> bool:
    """Whether there is room all through [start, end) beside these runs."""
    for moment in {start, *(begun for begun, _end, _held in runs if start < begun < end)}:
        left = whole
        for begun, until, held in runs:
            if begun <= moment < until:
                left = left - held
        if not left.holds(asked):
            return False
    return True


def test_what_fits_no_machine_is_not_foreseen() -> None:
    assert forecast(Room(1, 1), [], [(Room(2, 1), 10), (Room(1, 1), 10)], 0) == [None, 0]


def test_a_small_job_is_foreseen_in_a_gap_before_a_large_one() -> None:
    """The large one waits for all four; the short one ends before that, the long one does not."""
    running = [(100, Room(3, 3))]
    large, short, long = (Room(4, 4), 50), (Room(1, 1), 90), (Room(1, 1), 200)
    assert forecast(Room(1, 1), running, [large, short, long], 0) == [104, 0, 158]
