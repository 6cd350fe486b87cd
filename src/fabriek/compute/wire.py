"""What the agent and the platform say to each other: JSON over HTTPS, see `docs/reference/agent.md`.

GET  /api/v1/sites/{cluster}/desired-state     -> DesiredState
PUT  /api/v1/sites/{cluster}/enforced-state    EnforcedReport
GET  /api/v1/sites/{cluster}/jobs              -> JobOrders
POST /api/v1/sites/{cluster}/jobs/{uuid}/status JobReport
POST /api/v1/sites/{cluster}/jobs/{uuid}/tasks/{task} TaskReport
POST /api/v1/sites/{cluster}/usage-batches     UsageBatch -> UsageAnswer
PUT  /api/v1/sites/{cluster}/proofs/{day}      DailyProof -> ProofAnswer
PUT  /api/v1/sites/{cluster}/proofs/{day}/runs ProofRuns -> ProofAnswer
PUT  /api/v1/sites/{cluster}/transfer-ability  TransferAbility
GET  /api/v1/sites/{cluster}/transfers         -> TransferOrders
POST /api/v1/sites/{cluster}/transfers/{uuid}/status TransferReport
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from fabriek.compute.records import UsageRecord

State = Literal[
    "PENDING", "RUNNING", "COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "REFUSED"
]
ENDED = frozenset({"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "REFUSED"})
WENT_WRONG = ENDED - {"COMPLETED", "CANCELLED"}
MOST_RECORDS = 10_000
MOST_FAILED = 20
"""So many tasks of an array that went wrong are told by their numbers."""
UNLIMITED = 10**15
"""Seconds of a limit that is none: what is told where nothing holds an account back."""
MOST_FAIRSHARE = 10**6
LONGEST_SAID = 2_000
"""Characters of what is said of a change by hand."""


class Wire(BaseModel):
    """Unknown fields are passed over, so that an older agent understands a newer platform."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class AccountState(Wire):
    """A project on one partition: its limits over its whole life, in seconds, and who may submit.

    Desired and enforced alike. Of what a scheduler has no notion, what it enforces says nothing: no `ends`, no
    `programme`, a `fairshare` of 0; and where its limits go by the minute, `limit_step_seconds` says so.
    """

    account: str = Field(min_length=1, max_length=80)
    partition: str = Field(min_length=1, max_length=80)
    accelerator_seconds_limit: int = Field(ge=-UNLIMITED, le=UNLIMITED)
    core_seconds_limit: int = Field(ge=-UNLIMITED, le=UNLIMITED)
    active: bool = True
    users: list[str] = []
    starts: date | None = None
    ends: date | None = None
    programme: str = Field(default="", max_length=80)
    fairshare: int = Field(
        default=0, ge=0, le=MOST_FAIRSHARE, description="weight of the programme among the cluster's"
    )
    limit_step_seconds: int = Field(default=1, ge=1, le=3600)
    booked_accelerator_seconds: int | None = Field(
        default=None, ge=0, le=UNLIMITED, description="of what is desired: what was booked of it by now; null: not told"
    )
    booked_core_seconds: int | None = Field(default=None, ge=0, le=UNLIMITED)
    correct_drift: bool = Field(default=True, description="whether what was changed by hand may be changed back")


class DesiredState(Wire):
    """What the scheduler should enforce. `generation` changes when, and only when, the content does."""

    cluster: str
    generation: str
    accounts: list[AccountState]


class DriftReport(Wire):
    """Something at the site that somebody changed by hand: what it was made to be, and what it is."""

    account: str = Field(min_length=1, max_length=80)
    partition: str = Field(min_length=1, max_length=80)
    what: str = Field(max_length=80)
    made: str = Field(max_length=LONGEST_SAID)
    found: str = Field(max_length=LONGEST_SAID)


class EnforcedReport(Wire):
    """What the scheduler enforces now, read back from it, and what the agent could not do. accounts None: it can't be
    read, and what was told last, drift too, stands."""

    agent_version: str = Field(max_length=40)
    error: str = Field(default="", max_length=10_000)
    accounts: list[AccountState] | None = Field(max_length=100_000)
    drift: list[DriftReport] = Field(default=[], max_length=100_000)


class JobOrder(Wire):
    """A job to submit (once: `uuid` names it for ever), to follow, or to cancel."""

    uuid: str
    account: str
    user: str
    partition: str
    name: str
    script: str
    action: Literal["submit", "cancel"] = "submit"
    engine_job: str = ""


class TaskOrder(Wire):
    """Somebody looks at the output of one task of a job array: it is to be told until the task has ended.

    `output_from`, `error_output_from`: up to which byte it is known.
    """

    uuid: str
    engine_job: str
    task: int = Field(ge=0)
    name: str
    script: str
    output_from: int | None = None
    error_output_from: int | None = None


class JobOrders(Wire):
    """All jobs of the cluster that have not ended, and tasks of any that are looked at."""

    jobs: list[JobOrder]
    tasks: list[TaskOrder] = []


class ResourcesUsed(Wire):
    """What a run did with what it had, where the scheduler knows it (sacct's TotalCPU, MaxRSS, ReqMem)."""

    elapsed_seconds: int = Field(ge=0)
    cpu_seconds: float | None = Field(default=None, ge=0, description="processor time, over all cores")
    memory_bytes_peak: int | None = Field(default=None, ge=0, description="of the largest task")
    memory_bytes_asked: int | None = Field(default=None, ge=0)
    accelerator_percent: float | None = Field(default=None, ge=0, le=100, description="mean use of the accelerators")
    runs: int | None = Field(default=None, ge=0, description="how many of an array's tasks ran; null: not told")


class JobReport(Wire):
    """What became of a job so far. `output` None: nothing to add to what was reported before."""

    uuid: str = ""
    state: State
    reason: str = Field(default="", max_length=2_000)
    engine_job: str = Field(default="", max_length=60)
    started_at: datetime | None = None
    ended_at: datetime | None = None
    output: str | None = Field(default=None, max_length=1_000_000)
    error_output: str | None = Field(default=None, max_length=1_000_000)
    output_from: int | None = Field(default=None, ge=0, le=2**62, description="the byte at which `output` starts")
    error_output_from: int | None = Field(default=None, ge=0, le=2**62)
    accelerators: int | None = Field(default=None, ge=0, le=10**6)
    cores: int | None = Field(default=None, ge=0, le=10**8)
    time_limit_seconds: int | None = Field(default=None, ge=0, le=10**9)
    expected_start_at: datetime | None = Field(default=None, description="the scheduler's own forecast")
    queue_position: int | None = Field(
        default=None, ge=1, le=10**9, description="among the waiting jobs of its partition"
    )
    tasks: dict[str, int] = Field(default={}, description="of a job array: how many tasks are in each state")
    failed_tasks: list[Annotated[int, Field(ge=0, le=10**9)]] = Field(
        default=[], max_length=MOST_FAILED, description="of a job array: the first that went wrong, by their numbers"
    )
    used: ResourcesUsed | None = None
    # Text as it was found, of no length that a report could be refused for: the platform judges it, apart from the job.
    results: str | None = Field(default=None, description="`fabriek-result.json` of the job's folder, see `results.py`")
    results_problem: str = Field(default="", max_length=500, description="why the file could not be taken")


class TaskReport(Wire):
    """What became of a task of an array so far. `problem`: why its output can't be told."""

    state: State
    problem: Literal["", "unknown-task", "unknown-file"] = ""
    output: str | None = Field(default=None, max_length=1_000_000)
    error_output: str | None = Field(default=None, max_length=1_000_000)
    output_from: int | None = Field(default=None, ge=0, le=2**62)
    error_output_from: int | None = Field(default=None, ge=0, le=2**62)


class UsageBatch(Wire):
    """Usage records under a key that the sender chose before it sent them. Sending it again changes nothing.

    A record that can't be read does not hold up the others, so the rows are checked one by one when they are booked.
    """

    key: str = Field(min_length=1, max_length=120)
    records: list[Any] = Field(max_length=MOST_RECORDS)


class UsageAnswer(Wire):
    """What became of a batch: `broken` names each row that could not be booked by its place from 1 (`line`), and `why`.
    Where `final` is true it never can be, and isn't to be sent again."""

    booked: int
    repeated: int
    broken: list[dict[str, Any]]


class ProofLine(Wire):
    """What the scheduler's own accounting says of the runs of one account on one partition that ended on a day."""

    account: str = Field(min_length=1, max_length=80)
    partition: str = Field(max_length=80)
    runs: int = Field(ge=0)
    accelerator_seconds: int = Field(ge=0, le=10**18)
    core_seconds: int = Field(ge=0, le=10**18)


class RollUp(Wire):
    """What the scheduler's report of a day says of an account, beside what its records say: seconds that fall in the
    day, of all runs. `explained`: by how much the report counts more, for reasons that are known."""

    account: str = Field(min_length=1, max_length=80)
    accelerator_seconds: int
    core_seconds: int
    records_accelerator_seconds: int
    records_core_seconds: int
    explained_accelerator_seconds: int = 0
    explained_core_seconds: int = 0

    @property
    def differs(self) -> bool:
        """Whether something is left that nobody can explain."""
        return (
            self.accelerator_seconds != self.records_accelerator_seconds + self.explained_accelerator_seconds
            or self.core_seconds != self.records_core_seconds + self.explained_core_seconds
        )


class DailyProof(Wire):
    """A day (UTC) of a scheduler's accounting, as far as it went, asked for apart from metering. roll_up None: not
    rolled up yet."""

    day: date
    lines: list[ProofLine] = Field(max_length=100_000)
    roll_up: list[RollUp] | None = Field(default=None, max_length=100_000)


class ProofPlace(Wire):
    """A line of a proof: an account on a partition."""

    account: str = Field(min_length=1, max_length=80)
    partition: str = Field(max_length=80)


class ProofAnswer(Wire):
    """Whether the ledger says something else, and of which lines the platform asks for the runs, to find out which."""

    differs: bool
    wanted: list[ProofPlace] = []


class ProvenRun(ProofPlace):
    """One run of a line that differs. `key`: that of its usage record."""

    key: str = Field(min_length=1, max_length=120)
    accelerator_seconds: int = Field(ge=0, le=10**18)
    core_seconds: int = Field(ge=0, le=10**18)

    @classmethod
    def of(cls, record: UsageRecord) -> ProvenRun:
        """As its usage record has it."""
        return cls(
            account=record.account,
            partition=record.partition,
            key=record.key,
            accelerator_seconds=record.accelerator_seconds,
            core_seconds=record.core_seconds,
        )


class ProofRuns(Wire):
    """The runs of the lines that were asked for. `cut`: there are more than may be sent."""

    places: list[ProofPlace] = Field(max_length=100_000)
    runs: list[ProvenRun] = Field(max_length=MOST_RECORDS)
    cut: bool = False


class TransferAbility(Wire):
    """What a site's agent can do about moving data: whether it knows where projects' files are, and with which other
    clusters it may copy. `why`: what lacks, where it can do nothing."""

    storage: bool
    fetches_from: list[str] = Field(default=[], max_length=1_000)
    brings_to: list[str] = Field(default=[], max_length=1_000)
    why: str = Field(default="", max_length=2_000)


TransferTask = Literal["measure", "prepare", "carry", "digest", "remove"]


class TransferOrder(Wire):
    """One step of a transfer for one of its two sites.

    measure: what there is to copy. prepare: whether it may come, and where to. carry: copy it, by fetching from
    `other` or bringing to it, as `other_user` there. digest: the checksums of what is here. remove: what was moved.
    """

    uuid: str
    attempt: int = Field(ge=1)
    task: TransferTask
    account: str
    user: str
    path: str
    way: Literal["fetch", "bring"] = "fetch"
    other: str = ""
    other_user: str = ""
    kind: Literal["file", "folder"] = "folder"
    bytes: int | None = Field(default=None, ge=0, le=2**62, description="that there are in all, where that is known")
    moves: bool = Field(default=False, description="whether the original goes afterwards")
    overwrite: bool = Field(default=False, description="whether files that are there already may be replaced")
    resumes: bool = Field(default=False, description="whether something may have been copied before")
    thorough: bool = Field(default=False, description="compare what is there by its content, not by size and time")


class TransferOrders(Wire):
    """What is to be done now, and nothing else: what isn't named any more is stopped."""

    transfers: list[TransferOrder]


class TransferReport(Wire):
    """How far a step is. `error`: a code, see `docs/reference/agent.md`; of a step that runs: why it is tried again."""

    attempt: int = Field(ge=1)
    task: TransferTask
    state: Literal["running", "done", "failed"]
    error: str = Field(default="", max_length=40)
    detail: str = Field(default="", max_length=4_000)
    user: str = Field(default="", max_length=80, description="who it is at this site")
    kind: Literal["", "file", "folder"] = ""
    bytes: int | None = Field(default=None, ge=0, le=2**62, description="measured, or copied so far")
    files: int | None = Field(default=None, ge=0, le=2**62)
    passed_over: int | None = Field(default=None, ge=0, le=2**62, description="sockets, pipes, devices: not copied")
    free_bytes: int | None = Field(default=None, ge=0, le=2**62)
    bytes_per_second: float | None = Field(default=None, ge=0, le=1e15, description="now")
    carried_bytes: int | None = Field(default=None, ge=0, le=2**62, description="that went over the network")
    carried_seconds: float | None = Field(default=None, ge=0, le=1e9)
    digest: str = Field(default="", pattern=r"^([0-9a-f]{64})?$", description="SHA-256 of the sorted checksums")
