"""Accounting logs: what is read, what is passed over, and what is broken, with its line."""

from __future__ import annotations

from fractions import Fraction

import pytest

from fabriek.compute.records import BrokenRecord, RecordError, UsageRecord, record_of
from fabriek.compute.sacct import columns_to_ask, read_sacct
from fabriek.compute.swf import read_swf

HEADER = ["; UnixStartTime: 1000000\n", "; MaxProcs: 64\n"]
SACCT = "JobIDRaw|Account|User|Partition|State|Submit|Start|End|AllocTRES|JobName"


def swf(job=1, submit=10, wait=5, run=100, cores=8, status=1, user=3, group=4, partition=1) -> str:
    return f"{job} {submit} {wait} {run} {cores} -1 -1 {cores} 60 -1 {status} {user} {group} -1 1 {partition} -1 -1\n"


def sacct(row: str, **options) -> UsageRecord | BrokenRecord:
    (record,) = read_sacct([SACCT, row], **options)
    return record


def test_an_swf_job_becomes_a_record_of_its_group_and_user():
    (record,) = read_swf([*HEADER, swf()])
    assert (record.account, record.user, record.state) == ("g4", "u3", "COMPLETED")
    assert (record.submit, record.start, record.end) == (1000010, 1000015, 1000115)
    assert (record.cores, record.core_seconds, record.accelerator_seconds) == (8, 800, 0)
    assert record.key == "1/1000010"
    assert record.line == 3


def test_swf_processors_can_stand_for_accelerators():
    (record,) = read_swf([*HEADER, swf(cores=8)], Fraction(1, 2), {1: "gpu"})
    assert (record.accelerators, record.partition) == (4, "gpu")


def test_jobs_that_never_ran_are_skipped_and_counted():
    log = read_swf([*HEADER, swf(run=-1), swf(run=0, status=5), swf(job=2)])
    assert [record.job_id for record in log] == ["2"]
    assert log.skipped == 2


def test_a_cancelled_job_that_ran_counts():
    (record,) = read_swf([*HEADER, swf(status=5)])
    assert record.state == "CANCELLED"
    assert record.core_seconds == 800


def test_the_parts_of_a_checkpointed_job_are_not_counted_beside_the_whole():
    log = read_swf([*HEADER, swf(run=300), swf(status=2), swf(status=3)])
    assert sum(record.core_seconds for record in log) == 2400
    assert log.parts == 2


def test_a_broken_swf_line_is_told_with_its_number_and_the_next_is_read():
    found = list(read_swf([*HEADER, swf(), "1 2 3\n", swf(cores=-1), swf(cores=65), "x" + swf(), swf(job=9)]))
    assert [type(record) for record in found] == [UsageRecord, *[BrokenRecord] * 4, UsageRecord]
    assert [record.line for record in found] == [3, 4, 5, 6, 7, 8]
    assert "18 fields" in found[1].why
    assert "processors" in found[2].why
    assert "the machine has 64" in found[3].why
    assert "Field 1" in found[4].why


def test_an_swf_log_that_does_not_say_when_it_starts_is_not_guessed_at():
    (broken,) = read_swf([swf(), swf()])
    assert "UnixStartTime" in broken.why


def test_a_sacct_row_becomes_a_record():
    record = sacct(
        "7|vision|ann|gpu|COMPLETED|100|110|170|billing=1,cpu=16,gres/gpu:h100=4,gres/gpu=4,mem=1G,node=2|train"
    )
    assert (record.accelerators, record.cores, record.nodes, record.name) == (4, 16, 2, "train")
    assert record.accelerator_seconds == 240


def test_typed_gpus_count_only_where_the_whole_is_not_told():
    assert sacct("7|v|a|gpu|FAILED|1|2|3|cpu=1,gres/gpu:h100=2,gres/gpu:a100=1|x").accelerators == 3


def test_sacct_times_may_be_written_out():
    record = sacct("7|v|a|gpu|FAILED|2026-01-01T00:00:00|2026-01-01T00:01:00|2026-01-01T00:02:00|cpu=1|x")
    assert (record.start, record.end) == (1767225660, 1767225720)


def test_steps_unfinished_and_never_started_jobs_are_passed_over_and_counted():
    rows = [
        "7.batch|v|a|gpu|COMPLETED|1|2|3|cpu=1|x",
        "8|v|a|gpu|CANCELLED by 1000|1|None|3|cpu=1|x",
        "9|v|a|gpu|RUNNING|1|2|Unknown|cpu=1|x",
    ]
    log = read_sacct([SACCT, *rows])
    assert list(log) == []
    assert (log.steps, log.skipped, log.unfinished) == (1, 1, 1)


def test_who_cancelled_is_no_part_of_the_state():
    assert sacct("8|v|a|gpu|CANCELLED by 1000|1|2|3|cpu=1|x").state == "CANCELLED"


def test_a_requeued_job_has_a_record_for_each_run():
    rows = ["8|v|a|gpu|NODE_FAIL|1|2|30|cpu=1|x", "8|v|a|gpu|COMPLETED|30|60|90|cpu=1|x"]
    keys = [record.key for record in read_sacct([SACCT, *rows])]
    assert keys == ["8/1", "8/30"]


def test_a_job_name_may_hold_the_separator():
    assert sacct("8|v|a|gpu|COMPLETED|1|2|3|cpu=1|a|b").name == "a|b"


def test_components_of_a_heterogeneous_job_count_where_only_jobid_is_told():
    header = SACCT.replace("JobIDRaw", "JobID")
    rows = ["8+0|v|a|gpu|COMPLETED|1|2|3|cpu=1|x", "8+1|v|a|gpu|COMPLETED|1|2|3|cpu=2|x", "8+0.0|v||||1|2|3|cpu=1|x"]
    assert [(r.job_id, r.submitted_as, r.cores) for r in read_sacct([header, *rows])] == [
        ("8+0", "8", 1),
        ("8+1", "8", 2),
    ]


@pytest.mark.parametrize(("shown", "whole"), [("12_3", "12"), ("12+1", "12"), ("13", ""), ("12_[4-9%2]", "")])
def test_a_task_and_a_component_say_as_what_they_were_submitted(shown: str, whole: str):
    (record,) = read_sacct([f"{SACCT}|JobID", f"13|v|a|gpu|COMPLETED|1|2|3|cpu=1|x|{shown}"])
    assert (record.job_id, record.submitted_as) == ("13", whole)
    assert record_of(record.as_dict()) == record


@pytest.mark.parametrize(
    ("column", "value", "counted"),
    [("ElapsedRaw", "60", 60), ("Suspended", "00:00:40", 60), ("Suspended", "00:40", 60), ("ElapsedRaw", "130", 100)],
)
def test_what_was_suspended_does_not_count(column, value, counted):
    (record,) = read_sacct([f"{SACCT}|{column}", f"8|v|a|gpu|COMPLETED|1|100|200|cpu=2|x|{value}"])
    assert (record.seconds, record.core_seconds) == (counted, 2 * counted)


def test_a_suspension_of_days_is_read():
    (record,) = read_sacct([f"{SACCT}|Suspended", "8|v|a|gpu|COMPLETED|1|100|100000|cpu=2|x|1-00:00:40"])
    assert record.suspended == 86_440


def test_a_resized_job_counts_from_where_it_was_resized():
    rows = [
        "6|v|a|gpu|RESIZING|50|50|60|cpu=4|x",
        "6|v|a|gpu|RESIZING|60|50|80|cpu=2|x",
        "6|v|a|gpu|FAILED|80|50|99|cpu=1|x",
    ]
    assert [r.core_seconds for r in read_sacct([SACCT, *rows])] == [40, 40, 19]


def test_a_federated_job_that_ran_elsewhere_is_passed_over_and_counted():
    log = read_sacct([SACCT + "|AllocCPUS", "8|v|a|gpu|REVOKED|1|2|2||x|1"])
    assert (list(log), log.revoked) == ([], 1)


def test_a_column_may_have_the_name_of_another_version():
    header = SACCT.replace("AllocTRES", "NCPUS")
    (record,) = read_sacct([header, "8|v|a|gpu|COMPLETED|1|2|3|5|x"])
    assert record.cores == 5
    known = ["JobIDRaw", "NCPUs", "Account", "User", "Partition", "State", "Submit", "Start", "End", "AllocTres"]
    assert set(columns_to_ask(known)) == set(known)
    with pytest.raises(RecordError, match="AllocTRES"):
        columns_to_ask(known[:-1])


@pytest.mark.parametrize(
    ("row", "word"),
    [
        ("8|v|a", "columns"),
        ("8|v|a|gpu|COMPLETED|1|soon|3|cpu=1|x", "Start"),
        ("8|v|a|gpu|COMPLETED|1|5|3|cpu=1|x", "before it starts"),
        ("8|v|a|gpu|COMPLETED|1|2|3|cpu=many|x", "cpu"),
        ("8||a|gpu|COMPLETED|1|2|3|cpu=1|x", "account"),
        ("8|v|a|gpu|COMPLETED|1|2|3||x", "AllocTRES"),
    ],
)
def test_a_broken_sacct_row_says_what_is_wrong(row, word):
    broken = sacct(row)
    assert isinstance(broken, BrokenRecord)
    assert broken.line == 2
    assert word in broken.why


def test_a_sacct_log_without_its_header_is_refused_with_what_lacks():
    (broken,) = read_sacct(["8|v|a|gpu|COMPLETED|1|2|3|cpu=1|x"] * 3)
    assert "JobIDRaw" in broken.why


GOOD = {
    "job_id": "1", "account": "p", "user": "u", "partition": "gpu", "state": "COMPLETED", "submit": 1, "start": 2,
    "end": 3, "accelerators": 1, "cores": 1,
}  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"end": 1}, {"start": 0}, {"accelerators": -1}, {"cores": 1.5}, {"accelerators": True}, {"account": ""},
        {"account": "a\x00b"}, {"job_id": "1/2"}, {"state": "done"}, {"state": ""}, {"end": 2**40}, {"user": "u" * 81},
        {"submit": "1"}, {"partition": None}, {"cores": 2**40},
    ],
)  # fmt: skip
def test_nonsense_is_no_record_and_the_sentence_names_what_is_wrong(change):
    with pytest.raises(RecordError) as refusal:
        record_of(GOOD | change)
    (field,) = change
    words = {"end": "ends", "start": "start"} if field in ("start",) or change == {"end": 1} else {}
    assert words.get(field, field) in str(refusal.value)


def test_a_record_travels_and_comes_back_the_same():
    record = record_of(GOOD, line=4)
    assert record_of(record.as_dict()) == record


def test_a_record_that_lacks_fields_says_which():
    with pytest.raises(RecordError, match="start, end"):
        record_of({k: v for k, v in GOOD.items() if k not in ("start", "end")})
