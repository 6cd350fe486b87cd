"""Slurm's words as sentences: every reason that a member may meet has one, in English and in Dutch."""

from __future__ import annotations

import pytest
from django.utils import translation

from fabriek.operations.reasons import MEMBER, NOBODY, SITE, explain

# Of https://slurm.schedmd.com/job_reason_codes.html, with the states' own of sacct and squeue.
CODES = [
    "AccountingPolicy",
    "AccountNotAllowed",
    "AssocGrpBillingMinutes",
    "AssocGrpCpuLimit",
    "AssocGrpCPUMinutesLimit",
    "AssocGrpCPURunMinutesLimit",
    "AssocGrpGRES",
    "AssocGrpGRESMinutes",
    "AssocGrpGRESRunMinutes",
    "AssocGrpJobsLimit",
    "AssocGrpMemLimit",
    "AssocGrpNodeLimit",
    "AssocGrpSubmitJobsLimit",
    "AssocGrpWallLimit",
    "AssocMaxJobsLimit",
    "AssocMaxNodePerJobLimit",
    "AssocMaxWallDurationPerJobLimit",
    "BadConstraints",
    "BeginTime",
    "Cleaning",
    "Dependency",
    "DependencyNeverSatisfied",
    "FedJobLock",
    "FrontEndDown",
    "InvalidAccount",
    "InvalidQOS",
    "JobArrayTaskLimit",
    "JobHeldAdmin",
    "JobHeldUser",
    "JobHoldMaxRequeue",
    "JobLaunchFailure",
    "Licenses",
    "MaxMemPerLimit",
    "NodeDown",
    "NonZeroExitCode",
    "None",
    "OutOfMemory",
    "PartitionConfig",
    "PartitionDown",
    "PartitionInactive",
    "PartitionNodeLimit",
    "PartitionTimeLimit",
    "Priority",
    "Prolog",
    "QOSGrpGRES",
    "QOSGrpGRESMinutes",
    "QOSGrpCPUMinutesLimit",
    "QOSGrpNodeLimit",
    "QOSJobLimit",
    "QOSMaxCpuPerUserLimit",
    "QOSMaxGRESPerJob",
    "QOSMaxGRESPerUser",
    "QOSMaxJobsPerUserLimit",
    "QOSMaxGRESPerAccount",
    "QOSMaxNodePerJobLimit",
    "QOSMaxWallDurationPerJobLimit",
    "QOSMinGRES",
    "QOSNotAllowed",
    "QOSUsageThreshold",
    "RaisedSignal:9",
    "ReqNodeNotAvail",
    "Reservation",
    "ReservationDeleted",
    "Resources",
    "SystemFailure",
    "TimeLimit",
]


@pytest.mark.parametrize("code", [*CODES, "launch failed requeued held", "user env retrieval failed requeued held"])
def test_every_reason_is_a_sentence_in_both_languages(code: str) -> None:
    said = {}
    for language in ("en", "nl"):
        with translation.override(language):
            found = explain("PENDING", code)
            assert found is not None
            said[language] = str(found.sentence)
            assert said[language].endswith("."), said
            assert code not in said[language]
    assert said["en"] != said["nl"]


@pytest.mark.parametrize(
    ("reason", "word", "move"),
    [
        ("AssocGrpGRESMinutes", "GPU-hours", MEMBER),
        ("QOSGrpGRESMinutes", "GPU-hours", MEMBER),
        ("AssocGrpCPUMinutesLimit", "core-hours", MEMBER),
        ("AssocGrpGRES", "hold as much", NOBODY),
        ("QOSMaxGRESPerJob", "more GPUs than one job", MEMBER),
        ("QOSMaxGRESPerUser", "one person may", NOBODY),
        ("QOSMaxNodePerJobLimit", "more nodes than one job", MEMBER),
        ("QOSMinGRES", "asks for no GPU", MEMBER),
        ("QOSMinCpuNotSatisfied", "asks for less", MEMBER),
        ("QOSJobLimit", "together hold", NOBODY),
        ("Priority", "higher priority", NOBODY),
        ("(Resources)", "free", NOBODY),
        ("PartitionDown", "starts no jobs", SITE),
        ("JobHeldAdmin", "operators", SITE),
        ("JobHeldUser", "who submitted it", MEMBER),
        ("ReqNodeNotAvail, UnavailableNodes:an[1-2]", "down", SITE),
        ("ReqNodeNotAvail, Reserved for maintenance", "maintenance", SITE),
        ("Nodes required for job are DOWN, DRAINED or reserved for jobs in higher priority partitions", "down", SITE),
        ("launch failed requeued held", "could not start it", MEMBER),
        ("launch_failed_requeued_held", "could not start it", MEMBER),
        ("BeginTime", "set time", NOBODY),
        ("SlurmLostJob", "lost it", MEMBER),
        ("its node did not start", "did not start", MEMBER),
    ],
)
def test_a_reason_says_what_it_is_and_whose_move_it_is(reason: str, word: str, move: str) -> None:
    found = explain("PENDING", reason)
    assert found is not None
    assert word in str(found.sentence)
    assert found.move == move
    assert bool(found.advice) or move == NOBODY


def test_who_lost_a_job_is_told_what_can_be_done() -> None:
    lost = explain("NODE_FAIL", "")
    assert lost is not None
    assert "not your script" in str(lost.sentence)
    assert "Submit it again" in str(lost.advice)


@pytest.mark.parametrize("state", ["TIMEOUT", "OUT_OF_MEMORY", "FAILED", "REFUSED", "NODE_FAIL"])
def test_every_bad_end_has_its_advice_beside_what_the_scheduler_adds(state: str) -> None:
    found = explain(state, "the job asks 9 GPUs; gpu has 4")
    assert found is not None
    assert found.advice
    assert found.detail == "the job asks 9 GPUs; gpu has 4"


@pytest.mark.parametrize(
    ("reason", "detail"),
    [
        ("Priority", ""),
        ("ReqNodeNotAvail, UnavailableNodes:an[1-2]", "ReqNodeNotAvail, UnavailableNodes:an[1-2]"),
        ("SomethingNew", "SomethingNew"),
        ("launch_failed_requeued_held", ""),
    ],
)
def test_what_the_code_alone_does_not_say_is_passed_on(reason: str, detail: str) -> None:
    found = explain("PENDING", reason)
    assert found is not None
    assert found.detail == detail


@pytest.mark.parametrize(("state", "reason"), [("COMPLETED", ""), ("RUNNING", ""), ("PENDING", ""), ("CANCELLED", "")])
def test_where_the_state_says_all_nothing_is_added(state: str, reason: str) -> None:
    assert explain(state, reason) is None
