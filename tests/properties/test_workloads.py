"""Whatever is in a file, it is jobs in order or a sentence; and what is written as SWF is read as it was."""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabriek.simulation.jobs import Jobs, jobs_of
from fabriek.simulation.workloads.reading import trace_in
from fabriek.simulation.workloads.sacct import read_sacct
from fabriek.simulation.workloads.swf import parse_swf
from fabriek.simulation.workloads.swf_writing import swf_text
from fabriek.simulation.workloads.trace import Trace, WorkloadBroken, content_of

names = st.lists(
    st.one_of(st.text(max_size=6), st.sampled_from(["", "u3", "g0", "q7", "a b", ' "x"', "1", "u-1", "u007"])),
    min_size=1,
    max_size=4,
    unique=True,
).map(tuple)


@st.composite
def some_jobs(draw: st.DrawFn) -> Jobs:
    count = draw(st.integers(0, 6))

    def column(least: int, most: int, **options: Any) -> list[int]:
        return draw(st.lists(st.integers(least, most), min_size=count, max_size=count, **options))

    columns: dict[str, Any] = {
        "submit": column(0, 10**9),
        "run": column(1, 10**9),
        "processors": column(1, 10**10),
        "estimate": column(1, 10**12),
        "number": column(0, 2**53, unique=True),
        "gpus": draw(st.sampled_from([None, column(0, 10**6)])),
        "memory": draw(st.sampled_from([None, column(0, 10**6)])),
    }
    kinds = {"user": "users", "group": "groups", "account": "accounts", "klass": "klasses", "partition": "partitions"}
    for place, plural in (kinds | {"qos": "qoses"}).items():
        if draw(st.booleans()):
            columns[plural] = draw(names)
            columns[place] = column(0, len(columns[plural]) - 1)
    return jobs_of(**columns)


traces = st.builds(
    Trace,
    some_jobs(),
    start=st.none() | st.integers(0, 2**33),
    zone=st.sampled_from(["", "Asia/Tokyo"]),
    nodes=st.none() | st.integers(1, 10**9),
    processors=st.none() | st.integers(1, 10**9),
    header=st.sampled_from([(), ("; Note: a word",), (";", "; Queue: many", "; no colon é")]),
)


def differing(one: Any, other: Any, besides: set[str]) -> list[str]:
    pairs = ((name.name, getattr(one, name.name), getattr(other, name.name)) for name in fields(one))
    return [name for name, a, b in pairs if name not in besides and not np.array_equal(a, b)]


@settings(deadline=None)
@given(traces)
def test_what_is_written_as_swf_is_read_as_it_was(trace: Trace) -> None:
    if not len(trace.jobs):
        with pytest.raises(WorkloadBroken, match="no jobs"):
            parse_swf(swf_text(trace).encode())
        return
    again = parse_swf(swf_text(trace).encode())
    assert differing(trace.jobs, again.jobs, set()) == []
    assert differing(trace, again, {"jobs", "repairs", "format"}) == []
    assert not again.repairs.skipped
    assert not again.repairs.repaired


words = st.one_of(
    st.integers(-5, 200).map(str),
    st.sampled_from(
        ["-1", "0", "1e30", "nan", "-inf", "10000000000", "1.5", "abc", "1_0", "0x1f", ";", "", "١", "\x00", "9" * 40]
    ),
)
lines = st.lists(words, min_size=16, max_size=21).map(" ".join) | st.lists(
    st.integers(-2, 10**6).map(str), min_size=18, max_size=18
).map(" ".join)
headers = st.sampled_from(
    ["; MaxProcs: 8", "; UnixStartTime: x", ";", "", "; ExtraFields: gpus account class", '; User: 3 "\\', "\r"]
)
files = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.lists(headers | lines, max_size=8).map(lambda found: "\n".join(found).encode()),
)


sacct_words = st.one_of(
    words,
    st.sampled_from(
        ["Unknown", "2026-01-31T12:00:00", "RUNNING", "RESIZING", "cpu=4,mem=1.5G", "7.batch", "1-00:00:00"]
    ),
)
SACCT = "JobIDRaw|Submit|Eligible|Start|End|ElapsedRaw|State|TimelimitRaw|AllocTRES|AllocCPUS|JobName"
PHILLY = "timestamp,duration,num_gpus,cluster"
PODS = "cpu_milli,memory_mib,num_gpu,gpu_milli,qos,creation_time,deletion_time,scheduled_time"


def rows_of(header: str, separator: str) -> st.SearchStrategy[bytes]:
    """A table of this header, whose values mean anything or nothing; now and then one is too many."""
    count = header.count(separator) + 1
    row = st.lists(sacct_words, min_size=count, max_size=count + 1).map(separator.join)
    return st.lists(row, max_size=4).map(lambda rows: "\n".join([header, *rows]).encode("utf-8", "surrogatepass"))


any_file = st.one_of(
    files,
    rows_of(SACCT, "|"),
    rows_of(PHILLY, ","),
    rows_of(PODS, ","),
    st.binary(max_size=60).map(lambda b: b"PAR1" + b),
)


def in_order(jobs: Jobs) -> bool:
    whole = (jobs.run >= 1).all() and (jobs.estimate >= 1).all() and (jobs.processors >= 1).all()
    return bool(whole and (np.diff(jobs.submit) >= 0).all() and len(np.unique(jobs.number)) == len(jobs))


@pytest.mark.parametrize("read", [parse_swf, read_sacct, trace_in])
@settings(deadline=None)
@given(content=any_file)
def test_any_file_is_jobs_in_order_or_a_sentence(read: Callable[[bytes], Trace], content: bytes) -> None:
    try:
        trace = read(content)
    except WorkloadBroken:
        return
    assert in_order(trace.jobs)


@settings(deadline=None)
@given(st.binary(max_size=100), st.integers(0, 120))
def test_a_file_that_is_packed_and_cut_is_the_same_or_a_sentence(content: bytes, kept: int) -> None:
    packed = gzip.compress(content)
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(packed[:kept])
        try:
            found = content_of(file.name)
        except WorkloadBroken:
            return
    assert found in (content, content.removeprefix(b"\xef\xbb\xbf"), packed[:kept])
