"""Parts of a growing file as text: however it is cut, the parts make the whole, and places are bytes of the file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabriek.compute.tail import Part, readable, tail_of


@given(st.binary(max_size=200), st.integers(0, 200))
def test_text_has_as_many_bytes_as_the_file_and_no_nul(data: bytes, start: int) -> None:
    part = readable(data, start, final=True)
    assert part.end == start + len(data)
    assert "\x00" not in part.text


@given(st.text(alphabet="aé€😀\n", max_size=60), st.data())
def test_parts_that_were_read_as_the_file_grew_make_the_whole(text: str, draw: st.DataObject) -> None:
    data = text.encode()
    told, place = "", 0
    for size in sorted(draw.draw(st.lists(st.integers(0, len(data)), max_size=5))):
        # Characters may be cut at both ends of what is looked at.
        begin = draw.draw(st.integers(0, place))
        part = readable(data[begin:size], begin) if size >= begin else Part(place, "")
        if part.start <= place <= part.end:
            told, place = told + part.after(place).text, part.end
    rest = readable(data, 0, final=True).after(place)
    assert told + rest.text == text


def test_what_follows_a_place_that_is_not_in_the_part_is_all_of_it() -> None:
    part = Part(10, "abc")
    assert part.after(12) == Part(12, "c")
    assert part.after(13) == Part(13, "")
    assert part.after(5) == part.after(99) == part


@pytest.mark.parametrize(("written", "text", "start"), [(b"abcdef", "def", 3), (b"ab", "ab", 0), (b"", "", 0)])
def test_the_last_part_of_a_file(tmp_path: Path, written: bytes, text: str, start: int) -> None:
    file = tmp_path / "output"
    file.write_bytes(written)
    assert tail_of(file, most=3) == Part(start, text)


def test_where_no_file_is_there_is_no_part(tmp_path: Path) -> None:
    assert tail_of(tmp_path / "nothing") is None
    assert tail_of(tmp_path) is None
