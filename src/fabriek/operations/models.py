"""What runs: clusters and their agents, what they enforce, jobs, usage records as they were metered."""

from __future__ import annotations

import uuid
from datetime import UTC

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from fabriek.projects.models import Allocation, Project
from fabriek.register.models import Partition, Site


class Cluster(models.Model):
    """A scheduler at a site, looked after by one agent. `code` is the cluster's name in Slurm."""

    code = models.SlugField(max_length=60, unique=True)
    site = models.ForeignKey(Site, models.PROTECT, related_name="clusters")
    engine = models.CharField(
        max_length=10,
        choices=[("local", _("Embedded local engine")), ("slurm", "Slurm"), ("log", _("Imported log"))],
    )
    partitions = models.ManyToManyField(Partition, through="ClusterPartition", related_name="clusters")
    last_seen_at = models.DateTimeField(null=True, blank=True)
    agent_version = models.CharField(max_length=40, blank=True)
    agent_error = models.TextField(blank=True, help_text="what the agent could not do in its last round")
    on_drift = models.CharField(
        max_length=10,
        choices=[("ask", _("Wait for the operator")), ("correct", _("Change it back at once"))],
        default="ask",
        help_text="what becomes of what somebody changed by hand at the site",
    )
    transfer_ability = models.JSONField(null=True, blank=True, help_text="compute.wire.TransferAbility; null: not told")

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return self.code


class ClusterPartition(models.Model):
    """Which partition of the register a partition name of the cluster stands for."""

    cluster = models.ForeignKey(Cluster, models.CASCADE, related_name="names")
    partition = models.ForeignKey(Partition, models.PROTECT)
    name = models.CharField(max_length=80, help_text="the partition's name in the scheduler")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["cluster", "name"], name="cluster_partition_name_once"),
            models.UniqueConstraint(fields=["cluster", "partition"], name="cluster_partition_once"),
        ]


class EnforcedAccount(models.Model):
    """What the cluster enforces for one account, as its agent last reported it."""

    cluster = models.ForeignKey(Cluster, models.CASCADE, related_name="enforced")
    account = models.CharField(max_length=80)
    state = models.JSONField()
    reported_at = models.DateTimeField()

    class Meta:
        ordering = ["account"]
        constraints = [models.UniqueConstraint(fields=["cluster", "account"], name="enforced_once")]


class Drift(models.Model):
    """What somebody changed by hand of one account at a site, from when it was seen until it was gone, and what the
    operator chose. Another change of the same account asks again."""

    cluster = models.ForeignKey(Cluster, models.CASCADE, related_name="drift")
    account = models.CharField(max_length=80)
    partition = models.CharField(max_length=80, help_text="the partition's name in the scheduler")
    found = models.JSONField(help_text='[{"what": "users", "made": "...", "found": "..."}]')
    first_seen_at = models.DateTimeField(default=timezone.now)
    choice = models.CharField(
        max_length=10, blank=True, choices=[("correct", _("Change it back")), ("accept", _("Let it be"))]
    )
    chosen_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    chosen_at = models.DateTimeField(null=True, blank=True)
    why = models.CharField(max_length=500, blank=True)
    awarded = models.JSONField(null=True, blank=True, help_text="what was awarded when it was let be")
    gone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["account", "partition"]
        verbose_name_plural = "drift"
        constraints = [
            models.UniqueConstraint(
                fields=["cluster", "account", "partition"], condition=Q(gone_at__isnull=True), name="drift_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.account} on {self.partition} ({self.cluster_id})"


class JobState(models.TextChoices):
    """The platform's queue first, then Slurm's own states."""

    QUEUED = "QUEUED", _("Waiting for the agent")
    REFUSED = "REFUSED", _("Refused")
    PENDING = "PENDING", _("Pending")
    RUNNING = "RUNNING", _("Running")
    COMPLETED = "COMPLETED", _("Completed")
    FAILED = "FAILED", _("Failed")
    CANCELLED = "CANCELLED", _("Cancelled")
    TIMEOUT = "TIMEOUT", _("Time limit reached")
    NODE_FAIL = "NODE_FAIL", _("Node failed")
    OUT_OF_MEMORY = "OUT_OF_MEMORY", _("Out of memory")


WAITING_STATES = frozenset({"QUEUED", "PENDING"})
ENDED_STATES = frozenset({"REFUSED", "COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY"})
FAILED_STATES = ENDED_STATES - {"COMPLETED", "CANCELLED"}


class Job(models.Model):
    """A batch job that somebody submitted through the platform."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, models.PROTECT, related_name="jobs")
    allocation = models.ForeignKey(Allocation, models.PROTECT, related_name="jobs")
    cluster = models.ForeignKey(Cluster, models.PROTECT, related_name="jobs")
    submitted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="jobs")
    name = models.CharField(max_length=120)
    script = models.TextField()
    state = models.CharField(max_length=15, choices=JobState, default=JobState.QUEUED)
    reason = models.CharField(max_length=300, blank=True, help_text="the scheduler's reason, in its own words")
    engine_job = models.CharField(max_length=60, blank=True, help_text="the job's number in the scheduler")
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    # What its script asks; once the scheduler has it, what that gave. An array: each of its tasks.
    accelerators = models.PositiveIntegerField(default=0)
    cores = models.PositiveIntegerField(default=1)
    time_limit_seconds = models.PositiveBigIntegerField(default=0)
    runs = models.PositiveIntegerField(default=1, help_text="tasks of a job array, or 1")
    expected_start_at = models.DateTimeField(null=True, blank=True, help_text="the scheduler's own forecast")
    queue_position = models.PositiveIntegerField(null=True, blank=True)
    tasks = models.JSONField(default=dict, blank=True, help_text='of a job array: {"RUNNING": 4, ...}')
    failed_tasks = models.JSONField(default=list, blank=True, help_text="the first of them that went wrong")
    used = models.JSONField(null=True, blank=True, help_text="compute.wire.ResourcesUsed")
    output = models.TextField(blank=True, help_text="the last part of standard output")
    output_from = models.PositiveBigIntegerField(default=0, help_text="the byte at which it starts")
    error_output = models.TextField(blank=True, help_text="the last part of standard error")
    error_output_from = models.PositiveBigIntegerField(default=0)
    submitted_at = models.DateTimeField(default=timezone.now)
    accepted_at = models.DateTimeField(null=True, blank=True, help_text="when the scheduler had it")
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-submitted_at", "-id"]
        indexes = [
            models.Index(fields=["project", "-submitted_at"], name="job_of_project"),
            models.Index(fields=["cluster", "state"], name="job_of_cluster"),
        ]
        constraints = [models.CheckConstraint(condition=Q(state__in=JobState.values), name="job_state_known")]

    def __str__(self) -> str:
        return f"{self.name} ({self.uuid})"

    @property
    def is_array(self) -> bool:
        """Whether it has several tasks, each with files of its own."""
        return self.runs > 1 or bool(self.tasks)

    @property
    def tasks_failed(self) -> int:
        """How many tasks of an array went wrong so far; `failed_tasks` names the first of them."""
        return sum(number for state, number in self.tasks.items() if state in FAILED_STATES)

    @property
    def asked_accelerator_seconds(self) -> int:
        """What it could use at most, over all tasks of an array."""
        return self.accelerators * self.time_limit_seconds * self.runs

    @property
    def asked_core_seconds(self) -> int:
        """The same of cores."""
        return self.cores * self.time_limit_seconds * self.runs


class TaskOutput(models.Model):
    """What one task of a job array writes, asked of its site because somebody looks at it. The last few of a job are
    kept; all of it stays in the job's folder on the cluster."""

    job = models.ForeignKey(Job, models.CASCADE, related_name="task_outputs")
    task = models.PositiveIntegerField(help_text="its number in the array")
    asked_at = models.DateTimeField(default=timezone.now, help_text="when somebody looked at it last")
    told_at = models.DateTimeField(null=True, blank=True, help_text="when its site told of it last")
    state = models.CharField(max_length=15, choices=JobState, default=JobState.PENDING)
    problem = models.CharField(max_length=20, blank=True, help_text="compute.wire.TaskReport: why it can't be told")
    output = models.TextField(blank=True)
    output_from = models.PositiveBigIntegerField(default=0, help_text="the byte at which it starts")
    error_output = models.TextField(blank=True)
    error_output_from = models.PositiveBigIntegerField(default=0)

    class Meta:
        ordering = ["job", "task"]
        constraints = [
            models.UniqueConstraint(fields=["job", "task"], name="task_output_once"),
            models.CheckConstraint(condition=Q(state__in=JobState.values), name="task_output_state_known"),
        ]

    def __str__(self) -> str:
        return f"{self.job_id}_{self.task}"

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return bool(self.problem) or (self.told_at is not None and self.state in ENDED_STATES)


class UsageBatch(models.Model):
    """A batch of usage records as it arrived. The same `key` arriving again changes nothing."""

    cluster = models.ForeignKey(Cluster, models.PROTECT, related_name="batches")
    key = models.CharField(max_length=200)
    received_at = models.DateTimeField(default=timezone.now)
    source = models.CharField(max_length=300, help_text="agent, or the name of the imported file")
    booked = models.PositiveIntegerField(default=0)
    repeated = models.PositiveIntegerField(default=0)
    broken = models.JSONField(default=list, help_text='[{"line": 12, "why": "..."}]')

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "usage batches"
        constraints = [models.UniqueConstraint(fields=["cluster", "key"], name="batch_once")]


class UsageRecord(models.Model):
    """One run of one job as the scheduler accounted for it. Never changed: a corrected record is a new revision, and
    the difference is booked as an adjustment."""

    cluster = models.ForeignKey(Cluster, models.PROTECT, related_name="records")
    key = models.CharField(max_length=120, help_text="identifies the run: job, submit")
    revision = models.PositiveSmallIntegerField(default=0)
    batch = models.ForeignKey(UsageBatch, models.PROTECT, related_name="records")
    allocation = models.ForeignKey(Allocation, models.PROTECT, related_name="records")
    job_id = models.CharField(max_length=60)
    submitted_as = models.CharField(
        max_length=60, blank=True, default="", help_text="of an array's task or a job's component: the whole's number"
    )
    account = models.CharField(max_length=80)
    user = models.CharField(max_length=80)
    state = models.CharField(max_length=20)
    submit = models.BigIntegerField(help_text="seconds since 1970, UTC")
    start = models.BigIntegerField()
    end = models.BigIntegerField()
    accelerators = models.PositiveIntegerField()
    cores = models.PositiveIntegerField()
    suspended = models.BigIntegerField(default=0, help_text="seconds in which it stood still; they don't count")
    parts = models.TextField(
        blank=True,
        default="",
        help_text="of a run that went on into other allocations: '2026-03 CODE', a line for each month; else nothing",
    )
    accelerator_seconds = models.BigIntegerField()
    core_seconds = models.BigIntegerField()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["allocation", "-id"], name="record_of_allocation"),
            models.Index(fields=["cluster", "end"], name="record_by_end"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["cluster", "key", "revision"], name="record_once"),
            models.CheckConstraint(
                condition=Q(
                    accelerator_seconds__gte=0,
                    core_seconds__gte=0,
                    suspended__gte=0,
                    end__gte=F("start") + F("suspended"),
                ),
                name="record_sane",
            ),
        ]


class UsageProof(models.Model):
    """A day of a cluster: what its scheduler's accounting says, beside what the ledger said when that came in.

    A later proof of the same day stands beside this one; the newest counts. Only its runs are found afterwards.
    """

    cluster = models.ForeignKey(Cluster, models.PROTECT, related_name="proofs")
    day = models.DateField(help_text="of runs that ended on it, UTC")
    received_at = models.DateTimeField(default=timezone.now)
    confirmed_at = models.DateTimeField(default=timezone.now, help_text="when the same came in for the last time")
    lines = models.JSONField(help_text='[{"account", "partition", "accounted": [runs, acc, core], "ledger": [...]}]')
    others = models.JSONField(help_text="[runs, acc, core] of accounts that are no project of the platform")
    roll_up = models.JSONField(null=True, help_text="the scheduler's report of the day, see wire.RollUp; null: not yet")
    differs = models.BooleanField(help_text="whether a line does")
    roll_up_differs = models.BooleanField(help_text="whether the report says more or less than its own records")
    runs = models.JSONField(default=list, help_text='[{"account", "partition", "key", "accounted", "ledger"}]')
    runs_found = models.PositiveIntegerField(default=0, help_text="how many runs differ; the first are kept")
    runs_cut = models.BooleanField(default=False, help_text="whether there were more runs than could be sent")

    class Meta:
        ordering = ["-day", "-id"]
        indexes = [models.Index(fields=["cluster", "-day", "-id"], name="proof_of_day")]

    def __str__(self) -> str:
        return f"{self.cluster.code} {self.day}"

    @property
    def is_of_whole_day(self) -> bool:
        """Whether the day was over when it came in, or came in again: before, it tells of what ended so far."""
        return self.confirmed_at.astimezone(UTC).date() > self.day


class TransferState(models.TextChoices):
    """What follows what is in `transfer_lifecycle.py`."""

    ASKED = "asked", _("Being measured")
    MEASURED = "measured", _("Waits for your word")
    READY = "ready", _("Waiting for the agent")
    RUNNING = "running", _("Being copied")
    CHECKING = "checking", _("Checksums are compared")
    REMOVING = "removing", _("Original is being removed")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


class Transfer(models.Model):
    """A folder or file of a project that is copied or moved from one site's storage to another's."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, models.PROTECT, related_name="transfers")
    from_cluster = models.ForeignKey(Cluster, models.PROTECT, related_name="transfers_from")
    to_cluster = models.ForeignKey(Cluster, models.PROTECT, related_name="transfers_to")
    path = models.CharField(max_length=1_000, help_text="below the project's folder, the same at both sites")
    mode = models.CharField(max_length=4, choices=[("copy", _("Copy")), ("move", _("Move"))], default="copy")
    overwrite = models.BooleanField(default=False, help_text="whether files that are there already may be replaced")
    start_at_once = models.BooleanField(default=False, help_text="without asking again once it is measured")
    carried_by = models.CharField(
        max_length=5,
        choices=[("fetch", _("the receiving site fetches")), ("bring", _("the sending site brings"))],
    )
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="transfers")
    state = models.CharField(max_length=10, choices=TransferState, default=TransferState.ASKED)
    version = models.PositiveIntegerField(default=1)
    attempt = models.PositiveIntegerField(default=1)
    asked_at = models.DateTimeField(default=timezone.now)
    measured_at = models.DateTimeField(null=True, blank=True, help_text="when the sending site had, in this attempt")
    prepared_at = models.DateTimeField(null=True, blank=True, help_text="when the receiving site had, in this attempt")
    was_prepared = models.BooleanField(default=False, help_text="in any attempt: what is there may be its own")
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    kind = models.CharField(max_length=6, blank=True, choices=[("file", _("File")), ("folder", _("Folder"))])
    from_user = models.CharField(max_length=80, blank=True, help_text="who its asker is at the sending site")
    to_user = models.CharField(max_length=80, blank=True)
    bytes_total = models.BigIntegerField(null=True, blank=True)
    files_total = models.BigIntegerField(null=True, blank=True)
    passed_over = models.BigIntegerField(default=0, help_text="sockets, pipes and devices, which aren't copied")
    free_bytes = models.BigIntegerField(null=True, blank=True, help_text="at the receiving site")
    bytes_done = models.BigIntegerField(default=0)
    speed = models.FloatField(null=True, blank=True, help_text="bytes a second, now")
    carried_bytes = models.BigIntegerField(null=True, blank=True, help_text="that went over the network")
    carried_seconds = models.FloatField(null=True, blank=True)
    from_digest = models.CharField(max_length=64, blank=True, help_text="SHA-256 of the sorted checksums")
    to_digest = models.CharField(max_length=64, blank=True)
    thorough = models.BooleanField(default=False, help_text="compares by content: its checksums differed before")
    error = models.CharField(max_length=40, blank=True, help_text="a code of `transfer_words.py`")
    error_detail = models.TextField(blank=True, help_text="what a command at the site said")
    error_at = models.ForeignKey(Cluster, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["-asked_at", "-id"]
        indexes = [
            models.Index(fields=["project", "-asked_at"], name="transfer_of_project"),
            models.Index(fields=["from_cluster", "state"], name="transfer_from"),
            models.Index(fields=["to_cluster", "state"], name="transfer_to"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=TransferState.values), name="transfer_state_known"),
            models.CheckConstraint(condition=~Q(from_cluster=F("to_cluster")), name="transfer_between_two"),
            models.CheckConstraint(
                condition=~Q(state="done") | (~Q(from_digest="") & Q(from_digest=F("to_digest"))),
                name="transfer_done_is_proved",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.path} ({self.uuid})"
