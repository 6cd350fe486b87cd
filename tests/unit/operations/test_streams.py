"""Output that comes in parts: they are put together by their places, whatever came twice, late or not at all."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fabriek.compute.tail import Part
from fabriek.operations.streams import joined

NOTHING = Part(0, "")


def put(kept: Part, told: Part, most: int = 1_000) -> Part:
    return joined(kept, told, told.text, most)


@given(st.text(alphabet="ab€\n", max_size=40), st.data())
def test_whatever_parts_come_twice_or_overlap_the_whole_comes_out(text: str, draw: st.DataObject) -> None:
    kept, seen = NOTHING, 0
    while seen < len(text):
        begin = draw.draw(st.integers(0, seen))
        end = draw.draw(st.integers(seen + 1, len(text)))
        part = Part(len(text[:begin].encode()), text[begin:end])
        kept = put(put(kept, part), part)
        seen = max(seen, end)
    assert kept == Part(0, text)


@given(st.text(alphabet="ab€", max_size=60), st.integers(0, 40))
def test_only_the_last_part_is_kept_whole_characters_and_its_place_is_known(text: str, most: int) -> None:
    kept = put(NOTHING, Part(0, text), most)
    data = text.encode()
    assert len(kept.text.encode()) <= most
    assert data[kept.start :].decode() == kept.text
    assert kept.end == len(data)


def test_what_came_before_a_gap_goes() -> None:
    assert put(Part(0, "abc"), Part(10, "xyz")) == Part(10, "xyz")


def test_a_job_that_started_over_begins_anew() -> None:
    assert put(Part(0, "first run\n"), Part(0, "second\n")) == Part(0, "second\n")
    assert put(Part(50, "a long first run"), Part(0, "second\n")) == Part(0, "second\n")


def test_a_late_and_older_part_takes_nothing_away() -> None:
    assert put(Part(0, "abcdef"), Part(0, "abc")) == Part(0, "abcdef")


def test_parts_of_an_agent_that_says_no_places_are_put_where_they_overlap() -> None:
    kept = joined(NOTHING, None, "one\ntwo\n")
    kept = joined(kept, None, "one\ntwo\nthree\n")
    assert kept == Part(0, "one\ntwo\nthree\n")
    assert joined(kept, None, "three\nfour\n") == Part(0, "one\ntwo\nthree\nfour\n")
    assert joined(kept, None, "elsewhere\n") == Part(0, "one\ntwo\nthree\nelsewhere\n")
