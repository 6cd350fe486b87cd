"""Time limits, and records, for every input."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fabriek.compute.directives import DirectiveError, read_directives, seconds_of_limit
from fabriek.compute.records import BrokenRecord, UsageRecord
from fabriek.compute.sacct import read_sacct
from fabriek.compute.swf import read_swf


@given(st.integers(1, 10**8))
def test_a_time_limit_written_as_days_reads_back_the_same(seconds):
    days, rest = divmod(seconds, 86_400)
    text = f"{days}-{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"
    assert seconds_of_limit(text) == seconds


@given(st.integers(1, 10**7))
def test_a_time_limit_written_as_hours_or_minutes_reads_back_the_same(seconds):
    assert seconds_of_limit(f"{seconds // 3600}:{seconds // 60 % 60}:{seconds % 60}") == seconds
    assert seconds_of_limit(f"{seconds // 60}:{seconds % 60}") == seconds


@given(st.text(max_size=200))
def test_no_script_breaks_the_reader(text):
    try:
        asked = read_directives("#!/bin/sh\n#SBATCH " + text)
    except DirectiveError:
        return
    assert asked.accelerators >= 0
    assert asked.cores >= 1


_WORD = st.one_of(st.integers(-2, 10**12).map(str), st.text(st.characters(exclude_characters="\r\n"), max_size=8))


@given(st.lists(st.lists(_WORD, min_size=1, max_size=20).map(" ".join), max_size=5))
def test_no_line_breaks_the_swf_reader(lines):
    for record in read_swf(["; UnixStartTime: 1000000", *lines]):
        assert isinstance(record, UsageRecord | BrokenRecord)


@given(st.lists(st.lists(_WORD, min_size=1, max_size=9).map("|".join), max_size=5))
def test_no_line_breaks_the_sacct_reader(lines):
    header = "JobIDRaw|Account|User|Partition|State|Submit|Start|End|AllocTRES"
    for record in read_sacct([header, *lines]):
        assert isinstance(record, UsageRecord | BrokenRecord)
