"""What Slurm 23.11 to 25.11 print is read like what 22.05, 24.11 and 26.05 print, against which `tests/slurm` was run.

None of the versions between those ran here. Names and shapes are of these origins, and each sample names its own;
values are made up:

- SchedMD/slurm, the sources: src/sacct/sacct.c (the columns of sacct --helpformat), doc/html/job_state_codes.shtml;
- rackslab/Slurm-web, tests/assets/slurmrestd: what slurmrestd 23.11.10 (v0.0.40), 24.11.0 (v0.0.40), 25.05.0 (v0.0.41)
  and 25.11.0 (v0.0.42) answered, recorded by that project;
- https://slurm.schedmd.com/scontrol.html, /squeue.html and /sacct.html of those versions.
"""

from __future__ import annotations

from typing import Any

import pytest

from fabriek.compute.records import UsageRecord
from fabriek.compute.sacct import ASKED, columns_to_ask, read_sacct
from fabriek.compute.slurm.controller import ByCommands, Queued
from fabriek.compute.slurm.formats import STATES, FormatError, state_of, state_shown
from fabriek.compute.slurm.output import places_in
from fabriek.compute.slurm.rest_jobs import queued_of

# src/sacct/sacct.c, in the sources after 25.05 (SegmentSize, SLUID and StdOut are newer than 22.05; Reserved is gone).
HELP = """
Account             AdminComment        AllocCPUS           AllocNodes
AllocTRES           AssocID             Cluster             Comment
DerivedExitCode     Elapsed             ElapsedRaw          Eligible
End                 ExitCode            Flags               JobID
JobIDRaw            JobName             MaxRSS              NCPUS
NNodes              NodeList            Partition           Planned
QOS                 QOSREQ              Reason              ReqMem
Restarts            SegmentSize         SLUID               Start
State               StdErr              StdIn               StdOut
Submit              SubmitLine          Suspended           TotalCPU
TRESUsageInAve      UID                 User                WorkDir
"""
# https://slurm.schedmd.com/job_state_codes.html of 24.11: base states, then flags.
BASE_STATES = [
    "BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "PENDING", "PREEMPTED",
    "RUNNING", "SUSPENDED", "TIMEOUT",
]  # fmt: skip
FLAGS = [
    "COMPLETING", "CONFIGURING", "LAUNCH_FAILED", "POWER_UP_NODE", "RECONFIG_FAIL", "REQUEUED", "REQUEUE_FED",
    "REQUEUE_HOLD", "RESIZING", "RESV_DEL_HOLD", "REVOKED", "SIGNALING", "SPECIAL_EXIT", "STAGE_OUT", "STOPPED",
    "UPDATE_DB",
]  # fmt: skip


def number(value: int, *, set_: bool = True, infinite: bool = False) -> dict[str, Any]:
    """A number as v0.0.39 and later tell it."""
    return {"set": set_, "infinite": infinite, "number": value}


# Slurm-web, tests/assets/slurmrestd/24.11/slurm-job-gpus-running.json and 25.05/slurm-job-gpus-pending.json: the fields
# that are read here and some around them, the same in 23.11 and 25.11. AccountingStorageTRES has gres/gpu here.
RUNNING = {
    "account": "vision", "array_job_id": number(0), "array_task_id": number(0, set_=False), "array_task_string": "",
    "billable_tres": number(1), "cpus": number(8), "gres_detail": ["gpu:h100:4(IDX:0-3)"], "job_id": 5346,
    "job_state": ["RUNNING"], "node_count": number(1), "partition": "gpu", "priority": number(90), "qos": "normal",
    "standard_error": "", "standard_output": "/home/ann/slurm-5346.out", "start_time": number(1_800_000_000),
    "state_reason": "None", "time_limit": number(90), "tres_per_job": "gres/gpu:4",
    "tres_req_str": "cpu=8,mem=512M,node=1,billing=8,gres/gpu=4",
    "tres_alloc_str": "cpu=8,mem=512M,node=1,billing=8,gres/gpu=4,gres/gpu:h100=4",
}  # fmt: skip
WAITING = {
    **RUNNING, "job_id": 16, "job_state": ["PENDING"], "state_reason": "BeginTime", "tres_alloc_str": "",
    "gres_detail": [], "job_resources": None,
}  # fmt: skip


def test_all_columns_that_are_asked_have_kept_their_names():
    assert columns_to_ask(HELP.split()) == list(ASKED)


@pytest.mark.parametrize(
    "held",
    [
        "billing=8,cpu=8,gres/gpu:h100=4,gres/gpu=4,mem=512M,node=1",
        "cpu=8,mem=512M,node=1,billing=8,gres/gpu=4,gres/gpu:h100=4",
    ],
)
def test_a_run_is_read_in_whichever_order_its_resources_are_told(held):
    row = f"5346|100|200|320|120|CANCELLED by 1000|vision|ann|gpu|{held}|8|1|5340_6"
    (record,) = read_sacct(["|".join(columns_to_ask(HELP.split())), row])
    assert isinstance(record, UsageRecord)
    assert (record.job_id, record.submitted_as, record.state) == ("5346", "5340", "CANCELLED")
    assert (record.accelerators, record.cores, record.seconds) == (4, 8, 120)


def test_every_base_state_is_known():
    assert set(BASE_STATES) <= STATES.keys()


@pytest.mark.parametrize("flag", FLAGS)
def test_a_job_with_any_flag_beside_its_state_is_read(flag):
    assert state_of(state_shown(["RUNNING", flag])) is not None


@pytest.mark.parametrize(
    ("told", "shown", "ours"),
    [
        (["PENDING"], "PENDING", "PENDING"),
        (["COMPLETED", "COMPLETING"], "COMPLETING", "RUNNING"),
        (["RUNNING", "CONFIGURING", "POWER_UP_NODE"], "CONFIGURING", "RUNNING"),
        # It could not be launched, and waits, held.
        (["PENDING", "LAUNCH_FAILED", "REQUEUE_HOLD"], "REQUEUE_HOLD", "PENDING"),
        (["FAILED", "UPDATE_DB"], "FAILED", "FAILED"),
        # A flag that comes with a version that nobody has seen yet.
        (["PENDING", "TOMORROWS_FLAG"], "PENDING", "PENDING"),
        # v0.0.38 of 22.05.
        ("COMPLETING", "COMPLETING", "RUNNING"),
    ],
)
def test_a_state_and_its_flags_are_what_squeue_would_show(told, shown, ours):
    assert state_shown(told) == shown
    assert state_of(shown) == ours


def test_a_state_that_nobody_knows_is_said():
    with pytest.raises(FormatError, match="TOMORROWS_STATE"):
        state_shown(["TOMORROWS_STATE"])


def test_a_running_and_a_waiting_job_of_slurmrestd():
    running = queued_of(RUNNING)
    assert running == Queued("5346", "5346", "RUNNING", "None", 1_800_000_000, 5_400, 8, 4, 90, "gpu")
    waiting = queued_of(WAITING)
    assert (waiting.number, waiting.state, waiting.reason, waiting.accelerators) == ("16", "PENDING", "BeginTime", 4)
    assert queued_of({**RUNNING, "time_limit": number(0, infinite=True)}).limit is None
    assert queued_of({**RUNNING, "start_time": number(0, set_=False)}).start == 0


def test_tasks_of_an_array_of_slurmrestd():
    task = {**RUNNING, "array_job_id": number(5340), "array_task_id": number(6)}
    assert (queued_of(task).array, queued_of(task).tasks) == ("5340", ("6",))
    rest = {**WAITING, "array_job_id": number(5340), "array_task_string": "7-9%2"}
    assert queued_of(rest).tasks == ("7", "8", "9")


class Printed:
    """Commands that print a text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def run(self, words: list[str], **_how: str) -> str:
        return self.text


@pytest.mark.parametrize(
    ("generic", "nodes", "accelerators"),
    [
        ("gres:gpu:h100:4", 1, 4),  # 22.05
        ("gres/gpu:h100:4", 2, 8),  # since 23.11: as scontrol's TresPerNode
        ("gres/gpu:2", 1, 2),
        ("gres/gpu", 1, 1),
        ("gres/shard:3", 1, None),
        ("N/A", 1, 0),
    ],
)
def test_a_line_of_squeue_says_how_many_gpus_a_node_gives(generic, nodes, accelerators):
    line = f"5346|5340|RUNNING|None|1800000000|1:30:00|8|{nodes}|{generic}|90|gpu|6\n"
    (queued,) = ByCommands(Printed(line)).queue()  # type: ignore[arg-type]
    assert (queued.accelerators, queued.limit, queued.tasks) == (accelerators, 5_400, ("6",))


@pytest.mark.parametrize(
    ("after", "error"),
    [
        ("Power= NtasksPerTRES:0", "/home/ann/a b.err"),  # 22.05
        ("OOMKillStep=0 ", "/home/ann/a b.err"),  # 24.11
        ("TresPerNode=gres/gpu:1", "/home/ann/a b.err"),  # since 24.05 there is no Power
        ("TresPerJob=gres/gpu:4 MailUser=ann", "/home/ann/a b.err"),
        ("CpusPerTres=gres/gpu:8 TresPerTask=gres/gpu=1", "/home/ann/a b.err"),
        ("", ""),  # 25.11 names no file for errors that go with the output
    ],
)
def test_where_a_job_writes(after, error):
    shown = (
        f"JobId=5346 JobName=train Command=(null) WorkDir=/home/ann StdErr={error} StdIn=/dev/null "
        f"StdOut=/home/ann/a b.out {after}\n"
    )
    assert places_in(shown) == ("/home/ann/a b.out", error or "/home/ann/a b.out")
