"""SWF: what a line means, what is repaired and counted, left out and named, or refused with its line."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from fabriek.simulation.jobs import jobs_of
from fabriek.simulation.workloads.swf import parse_swf, read_swf
from fabriek.simulation.workloads.swf_writing import swf_text, write_swf
from fabriek.simulation.workloads.trace import (
    NEVER_RAN,
    NO_ESTIMATE,
    NO_PROCESSORS,
    NO_SUBMIT,
    RENUMBERED,
    ROUNDED,
    UNSORTED,
    Trace,
    WorkloadBroken,
)

HEADER = """; Computer: A cluster
; UnixStartTime: 1272639895
; TimeZoneString: Asia/Tokyo
; MaxNodes: 1024 (8 cores each)
; MaxProcs: 8192
; Queue: 2 urgent
"""
# The first four jobs of RICC-2010-2.swf of the Parallel Workloads Archive, graciously provided by M. Kurokawa, RIKEN.
RICC = """    1        0      0    222   80     -1    -1   80  14400 1200000  1   1   1  -1  1 -1 -1 -1
    2     1136      0 244682  128     -1    -1  128 259200 1024000  1   2   2  -1  1 -1 -1 -1
    3     1160   2534 249628  128     -1    -1  128 259200 1024000  1   2   2  -1  2 -1 -1 -1
    4     1877   1931 259209  128     -1    -1  128 259200 1024000  1   2   2  -1  1 -1 -1 -1
"""


def line(number=1, submit=0, run=100, given=8, asked=8, estimate=600, memory=-1, status=1, user=3, group=4) -> str:
    return (
        f"{number} {submit} 5 {run} {given} -1 -1 {asked} {estimate} {memory} {status} {user} {group} -1 1 -1 -1 -1\n"
    )


def parse(text: str, **options) -> Trace:
    return parse_swf(text.encode(), **options)


def test_a_log_becomes_jobs_with_its_machine_and_clock():
    trace = parse(HEADER + RICC)
    jobs = trace.jobs
    assert jobs.number.tolist() == [1, 2, 3, 4]
    assert jobs.submit.tolist() == [0, 1136, 1160, 1877]
    assert jobs.run.tolist() == [222, 244682, 249628, 259209]
    assert jobs.estimate.tolist() == [14400, 259200, 259200, 259200]
    assert jobs.processors.tolist() == [80, 128, 128, 128]
    assert jobs.memory is not None
    assert jobs.memory.tolist() == [93750, 128000, 128000, 128000]
    assert [jobs.users[place] for place in jobs.user] == ["u1", "u2", "u2", "u2"]
    assert [jobs.accounts[place] for place in jobs.account] == ["g1", "g2", "g2", "g2"]
    assert [jobs.qoses[place] for place in jobs.qos] == ["q1", "q1", "urgent", "q1"]
    assert jobs.partitions == ("",)
    assert trace.waits is not None
    assert trace.waits.tolist() == [0, 0, 2534, 1931]
    assert (trace.start, trace.zone, trace.nodes, trace.processors) == (1272639895, "Asia/Tokyo", 1024, 8192)
    assert trace.header == ("; Computer: A cluster",)
    assert not trace.repairs.repaired
    assert not trace.repairs.skipped


def test_a_plain_file_and_a_packed_one_are_the_same_whatever_their_names(tmp_path: Path):
    plain, packed = tmp_path / "packed.gz", tmp_path / "plain.swf"
    plain.write_text(HEADER + RICC)
    packed.write_bytes(gzip.compress((HEADER + RICC).encode()))
    assert swf_text(read_swf(plain)) == swf_text(read_swf(packed))


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        ({"submit": -1}, NO_SUBMIT),
        ({"submit": -86400}, NO_SUBMIT),
        ({"run": -1}, NEVER_RAN),
        ({"run": -3600}, NEVER_RAN),
        ({"run": 0}, NEVER_RAN),
        ({"given": -1, "asked": -1}, NO_PROCESSORS),
        ({"given": 0, "asked": 0}, NO_PROCESSORS),
        ({"status": 3}, "it is a part of a checkpointed job, which its own line sums up"),
    ],
)
def test_a_job_that_can_not_be_placed_is_left_out_and_named(field: dict[str, int], reason: str):
    trace = parse(line(1) + line(2, **field) + line(3))
    assert trace.jobs.number.tolist() == [1, 3]
    assert [(one.number, one.reason) for one in trace.repairs.skipped] == [(2, reason)]


def test_what_is_not_known_but_follows_is_repaired_and_counted():
    trace = parse(line(1, estimate=-1, run=50) + line(2, asked=-1, given=4) + line(3, submit=10.4, run=0.3))
    assert trace.jobs.estimate.tolist() == [50, 600, 600]
    assert trace.jobs.processors.tolist() == [8, 4, 8]
    assert (trace.jobs.submit[2], trace.jobs.run[2]) == (10, 1)
    assert trace.repairs.repaired == {
        NO_ESTIMATE: 1,
        "no requested processors: the allocated ones": 1,
        ROUNDED: 1,
    }


def test_allocated_processors_can_come_before_requested_ones():
    text = line(1, given=6, asked=8) + line(2, given=-1, asked=8)
    assert parse(text).jobs.processors.tolist() == [8, 8]
    trace = parse(text, processors="allocated")
    assert trace.jobs.processors.tolist() == [6, 8]
    assert trace.repairs.repaired == {"no allocated processors: the requested ones": 1}


def test_unsorted_jobs_are_sorted_and_counted_and_those_of_one_instant_keep_their_order():
    trace = parse(line(7, submit=50) + line(9, submit=10) + line(8, submit=50) + line(6, submit=10))
    assert trace.jobs.number.tolist() == [9, 6, 7, 8]
    assert trace.repairs.repaired == {UNSORTED: 2}


def test_numbers_that_come_twice_are_given_anew_in_the_order_of_the_file():
    trace = parse(line(5, submit=20) + line(5, submit=10) + line(6, submit=30))
    assert trace.jobs.number.tolist() == [2, 1, 3]
    assert trace.repairs.repaired == {UNSORTED: 1, RENUMBERED: 1}


def test_a_job_larger_than_any_machine_is_read_and_left_to_the_machine():
    assert parse(HEADER + line(asked=10**9)).jobs.processors.tolist() == [10**9]


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        (HEADER + line(1) + "2 10 5 100\n", 8, "a job has 4 fields; it must have 18"),
        (HEADER + "\n" + line(1).replace("600", "soon"), 8, "field 9 (requested time) is 'soon', no number"),
        (line(1) + "; a note\n" + line(2, run="nan"), 3, "field 4 (run time) is nan, no finite number"),
        (line(1) + line(2, submit="inf"), 2, "field 2 (submit time) is inf, no finite number"),
        (line(1) + line(2, asked=10**30), 2, "field 8 (requested processors) is 1e+30, beyond 10,000,000,000"),
        (line(1, run=-(10**30)), 1, "field 4 (run time) is -1e+30, beyond"),
        (line(1) + line(2)[:-7], 2, "a job has 16 fields"),
        (line(1).replace("\n", " 7\n"), 1, "a job has 19 fields"),
        ("\x00\x01\x02\xff\n" * 3, 1, "a job has 1 fields"),
        (HEADER, None, "no jobs, only comments"),
    ],
)
def test_a_broken_file_is_refused_with_the_line_and_what_is_wrong(text: str, where: int | None, what: str):
    with pytest.raises(WorkloadBroken) as refused:
        parse(text)
    assert refused.value.line == where
    assert what in str(refused.value)


def test_a_cut_or_damaged_or_empty_file_is_refused(tmp_path: Path):
    file = tmp_path / "trace.swf.gz"
    packed = gzip.compress((HEADER + RICC).encode())
    for content, what in (
        (packed[:-20], "it was cut"),
        (packed[:30] + b"\x00\x01\x02" + packed[33:], "is damaged"),
        (b"\x1f\x8b garbage", "is damaged"),
        (b"", "is empty"),
        (gzip.compress(b"\n\n"), "is empty"),
    ):
        file.write_bytes(content)
        with pytest.raises(WorkloadBroken, match=what):
            read_swf(file)


def test_frontier_s_lines_have_gpus_and_their_nodes_in_a_text():
    """Fields as of Frontier's public trace; the jobs are made up."""
    text = (
        "; MaxNodes: 9408\n"
        "1 0 5 3600 140000 -1 -1 280000 7200 -1 1 1 1 -1 1 1 -1 -1 20000 -1 frontier:excl:2500x112\n"
        "2 9 5 60 4 -1 -1 4 7200 -1 1 2 1 -1 1 1 -1 -1 -1 -1 unknown\n"
    )
    trace = parse(text)
    assert trace.jobs.processors.tolist() == [2500, 4]
    assert trace.jobs.gpus.tolist() == [20000, 0]
    assert trace.repairs.repaired == {"no number of nodes in the description: the processors": 1}
    with pytest.raises(WorkloadBroken, match="line 3: a job has 20 fields; it must have 21"):
        parse(text.replace(" unknown", ""))


def test_names_gpus_accounts_and_classes_are_in_what_is_written(tmp_path: Path):
    jobs = jobs_of(
        [0, 5], [10, 20], [64, 3],
        gpus=[4, 0], user=[1, 0], users=("ada lovelace", '"quoted"\n'), account=[0, 1], accounts=("P-1", "P-2"),
        klass=[1, 0], klasses=("academia", "startup"), memory=[1000, 7],
    )  # fmt: skip
    file = tmp_path / "out.swf.gz"
    write_swf(Trace(jobs, start=5, zone="Europe/Amsterdam", nodes=2, processors=128, header=("; Note: mine",)), file)
    again = read_swf(file)
    assert again.jobs.users == jobs.users
    assert [again.jobs.klasses[place] for place in again.jobs.klass] == ["startup", "academia"]
    assert again.jobs.gpus.tolist() == [4, 0]
    assert again.jobs.memory is not None
    assert again.jobs.memory.tolist() == [1000, 7]
    assert (again.start, again.zone, again.nodes, again.processors) == (5, "Europe/Amsterdam", 2, 128)
    assert again.header == ("; Note: mine",)
    assert [file] == list(tmp_path.iterdir()), "nothing half written stays"


def test_plain_jobs_are_written_with_the_format_s_own_eighteen_fields():
    text = swf_text(parse(HEADER + RICC))
    rows = [row for row in text.splitlines() if not row.startswith(";")]
    assert {len(row.split()) for row in rows} == {18}
    assert rows[2] == "3 1160 2534 249628 128 -1 -1 128 259200 1024000 -1 2 2 -1 2 -1 -1 -1"


@pytest.mark.parametrize(("column", "value"), [("submit", -1), ("number", 2**60), ("processors", 10**11)])
def test_what_the_format_can_not_say_is_not_written(column: str, value: int):
    columns = {"submit": [0], "run": [1], "processors": [1], "number": [1]} | {column: [value]}
    with pytest.raises(ValueError, match=f"SWF can't say the {column}"):
        swf_text(Trace(jobs_of(**columns)))


def test_the_same_trace_is_the_same_file(tmp_path: Path):
    trace = parse(HEADER + RICC)
    write_swf(trace, tmp_path / "a.swf.gz")
    write_swf(trace, tmp_path / "b.swf.gz")
    assert (tmp_path / "a.swf.gz").read_bytes() == (tmp_path / "b.swf.gz").read_bytes()
    assert np.array_equal(read_swf(tmp_path / "a.swf.gz").jobs.run, trace.jobs.run)
