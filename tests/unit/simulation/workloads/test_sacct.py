"""Slurm's accounting as a workload: sizes, limits and waits, and what isn't a job of its own."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from fabriek.simulation.workloads.sacct import ELIGIBLE, LATE, NOT_OVER, RESIZED, REVOKED, STEPS, read_sacct
from fabriek.simulation.workloads.trace import NEVER_RAN, NO_ESTIMATE, RENUMBERED, Trace, WorkloadBroken

COLUMNS = {
    "JobIDRaw": "7", "Submit": "1000", "Eligible": "1000", "Start": "1060", "End": "1160", "ElapsedRaw": "100",
    "State": "COMPLETED", "TimelimitRaw": "60", "User": "ada", "Group": "lab", "Account": "p-1", "Partition": "gpu",
    "QOS": "normal", "AllocTRES": "billing=8,cpu=8,gres/gpu:h100=2,gres/gpu=2,mem=64G,node=1", "JobName": "train",
}  # fmt: skip


def log(*rows: dict[str, str]) -> bytes:
    lines = ["|".join(COLUMNS), *("|".join((COLUMNS | row).values()) for row in rows)]
    return ("\n".join(lines) + "\n").encode()


def read(*rows: dict[str, str]) -> Trace:
    return read_sacct(log(*rows))


def test_a_line_becomes_a_job():
    trace = read({}, {"JobIDRaw": "8", "Submit": "1030", "Account": "p-2", "User": "bob"})
    jobs = trace.jobs
    assert (jobs.number.tolist(), jobs.submit.tolist(), jobs.run.tolist()) == ([7, 8], [0, 30], [100, 100])
    assert (jobs.estimate.tolist(), jobs.processors.tolist(), jobs.gpus.tolist()) == ([3600] * 2, [8] * 2, [2] * 2)
    assert jobs.memory is not None
    assert jobs.memory.tolist() == [65536, 65536]
    assert [jobs.users[place] for place in jobs.user] == ["ada", "bob"]
    assert [jobs.accounts[place] for place in jobs.account] == ["p-1", "p-2"]
    assert (jobs.groups, jobs.partitions, jobs.qoses) == (("lab",), ("gpu",), ("normal",))
    assert trace.waits is not None
    assert trace.waits.tolist() == [60, 30]
    assert trace.start == 1000
    assert not trace.repairs.repaired
    assert not trace.repairs.skipped


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"State": "CANCELLED by 1000", "Start": "Unknown", "ElapsedRaw": "0"}, NEVER_RAN),
        ({"State": "FAILED", "End": "1060", "ElapsedRaw": "0"}, NEVER_RAN),
        ({"State": "PENDING", "Start": "Unknown", "End": "Unknown", "ElapsedRaw": "0"}, NEVER_RAN),
        ({"State": "RUNNING", "End": "Unknown"}, NOT_OVER),
        ({"State": "REVOKED"}, REVOKED),
        ({"State": "RESIZING"}, RESIZED),
    ],
)
def test_what_is_no_whole_job_is_left_out_and_named(row: dict[str, str], reason: str):
    trace = read({}, {"JobIDRaw": "9"} | row)
    assert trace.jobs.number.tolist() == [7]
    assert [(one.number, one.reason) for one in trace.repairs.skipped] == [(9, reason)]


def test_steps_are_passed_over_and_runs_of_a_requeued_job_are_jobs():
    trace = read({}, {"JobIDRaw": "7.batch"}, {"JobIDRaw": "7.0"}, {"Submit": "1200", "Start": "1300", "End": "1400"})
    assert trace.jobs.number.tolist() == [1, 2]
    assert trace.repairs.repaired == {STEPS: 2, RENUMBERED: 1}


def test_a_job_counts_from_when_it_could_start_and_never_from_after_it_did():
    trace = read({"Eligible": "1050"}, {"JobIDRaw": "8", "Submit": "1100", "Eligible": "1100"})
    assert trace.jobs.submit.tolist() == [0, 10]
    assert trace.repairs.repaired == {ELIGIBLE: 1, LATE: 1}


@pytest.mark.parametrize(
    ("limit", "seconds"), [("1-02:03:04", 93784), ("02:00:00", 7200), ("30:00", 1800), ("UNLIMITED", 100), ("", 100)]
)
def test_a_time_limit_in_words_and_none(limit: str, seconds: int):
    text = log({"TimelimitRaw": limit}).replace(b"TimelimitRaw", b"Timelimit")
    trace = read_sacct(text)
    assert trace.jobs.estimate.tolist() == [seconds]
    assert trace.repairs.repaired.get(NO_ESTIMATE, 0) == (seconds == 100)


def test_times_without_a_zone_are_of_the_zone_that_is_said():
    row = dict.fromkeys(("Submit", "Eligible", "Start"), "2026-07-01T12:00:00")
    trace = read_sacct(log(row | {"End": "2026-07-01T12:01:40"}), ZoneInfo("Europe/Amsterdam"))
    assert trace.start == 1782900000
    assert trace.zone == "Europe/Amsterdam"
    assert trace.jobs.run.tolist() == [100]


def test_gpus_are_counted_once_and_by_type_where_the_whole_is_not_told():
    by_type = {"AllocTRES": "cpu=4,gres/gpu:a100=2,gres/gpu:h100=1,mem=1500M"}
    assert read({}, {"JobIDRaw": "8"} | by_type).jobs.gpus.tolist() == [2, 3]


def test_a_job_s_name_may_hold_the_separator():
    text = log({}).replace(b"|train", b"|tr|ain")
    assert read_sacct(text).jobs.number.tolist() == [7]


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        (b"JobIDRaw|State\n1|COMPLETED\n", 1, "Submit, Start, End, AllocTRES lack"),
        (log({}) + b"8|1000\n", 3, "2 values, and the first line names 15 columns"),
        (log({}, {"Submit": "yesterday"}), 3, "Submit is 'yesterday'"),
        (log({"ElapsedRaw": "1e30"}), 2, "ElapsedRaw is '1e30'"),
        (log({"JobIDRaw": "x"}), 2, "JobIDRaw is 'x'"),
        (log(), None, "no jobs, only its columns"),
        (b"", 1, "must name sacct's columns"),
    ],
)
def test_a_broken_log_is_refused_with_its_line(text: bytes, line: int | None, what: str):
    with pytest.raises(WorkloadBroken) as refused:
        read_sacct(text)
    assert refused.value.line == line
    assert what in str(refused.value)
