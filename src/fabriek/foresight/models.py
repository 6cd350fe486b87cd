"""What is foreseen: workloads, studies of what a policy would do with them, how far each is, and its figures."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from fabriek.conf.leases import Leased, constraints_of
from fabriek.register.models import Partition


class WorkloadOrigin(models.TextChoices):
    SENT = "sent", _("A file")
    RECORDED = "recorded", _("Recorded here")
    EXAMPLE = "example", _("Example")


class ClassesAre(models.TextChoices):
    """How it is known which class submitted a job."""

    RECORDED = "recorded", _("As recorded")
    TOLD = "told", _("Told by who sent it")
    MADE_UP = "made-up", _("Made up")
    NONE = "none", _("Not known")


class Workload(models.Model):
    """A trace of jobs, kept as it was when it was taken in. Its file is `trace_files.packed`, named by `key`.

    `classes`: [{"class", "jobs", "part"}], `part` of all unit-seconds. `units`: of the machine, where its file says so.
    """

    code = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    origin = models.CharField(max_length=10, choices=WorkloadOrigin)
    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    sha256 = models.CharField(max_length=64)
    format = models.CharField(max_length=20, blank=True, help_text="of the file that was sent")
    jobs = models.PositiveIntegerField()
    days = models.FloatField(help_text="from the first submission to the last")
    units = models.PositiveBigIntegerField(null=True, blank=True)
    classes = models.JSONField(default=list)
    classes_are = models.CharField(max_length=10, choices=ClassesAre)
    partition = models.ForeignKey(Partition, models.PROTECT, null=True, blank=True, related_name="+")
    left_out = models.PositiveIntegerField(default=0, help_text="jobs that could not be used")
    note = models.CharField(max_length=500, blank=True, help_text="where it comes from")
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)
    is_demo = models.BooleanField(default=False)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=Q(origin__in=WorkloadOrigin.values), name="workload_origin_known"),
            models.CheckConstraint(condition=Q(classes_are__in=ClassesAre.values), name="workload_classes_known"),
            models.CheckConstraint(condition=Q(jobs__gt=0, days__gte=0), name="workload_has_jobs"),
        ]

    def __str__(self) -> str:
        return self.name


class Way(models.TextChoices):
    """What tells chance from change."""

    WINDOWS = "windows", _("Spans of the workload")
    SEEDS = "seeds", _("Workloads drawn like it")


class Study(models.Model):
    """A question: what does this policy do, instead of that one, to whom? Nothing real changes by it.

    `before` and `after` are `policies.StudyPolicy`. `count`, `weeks`, `demand` and `demand_before` are
    `repeats.Repeats`. A study that was deleted stays until it is taken back or for good (`deleted_at`).
    """

    code = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=160)
    why = models.CharField(max_length=500, blank=True)
    workload = models.ForeignKey(Workload, models.PROTECT, related_name="studies")
    partition = models.ForeignKey(Partition, models.PROTECT, null=True, blank=True, related_name="+")
    units = models.PositiveIntegerField(help_text="processors or accelerators, as the workload counts")
    before = models.JSONField()
    after = models.JSONField()
    way = models.CharField(max_length=10, choices=Way, default=Way.WINDOWS)
    count = models.PositiveSmallIntegerField(default=20)
    weeks = models.PositiveSmallIntegerField(default=4)
    demand = models.JSONField(default=dict)
    demand_before = models.BooleanField(default=True, help_text="today's policy sees the demand as well")
    copied_from = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="copies")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    deleted_at = models.DateTimeField(null=True, blank=True)
    is_demo = models.BooleanField(default=False)

    class Meta:
        ordering = ["-asked_at", "-id"]
        verbose_name_plural = "studies"
        constraints = [
            models.CheckConstraint(condition=Q(units__gt=0), name="study_has_units"),
            models.CheckConstraint(condition=Q(way__in=Way.values), name="study_way_known"),
            models.CheckConstraint(condition=Q(count__gte=2, weeks__gte=1), name="study_repeats"),
            models.CheckConstraint(
                condition=Q(deleted_at__isnull=True) | Q(deleted_at__gte=F("asked_at")), name="study_deleted_later"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class StudyState(models.TextChoices):
    ASKED = "asked", _("Waits for the worker")
    SIMULATING = "simulating", _("Being simulated")
    SIMULATED = "simulated", _("Simulated")
    CANCELLED = "cancelled", _("Cancelled")
    FAILED = "failed", _("Failed")


class StudyRun(Leased):
    """How far the simulating of a study is, and who holds it. `step`: "3/42", simulations that are done of how many."""

    study = models.OneToOneField(Study, models.CASCADE, primary_key=True, related_name="run")
    state = models.CharField(max_length=10, choices=StudyState, default=StudyState.ASKED)

    class Meta:
        ordering = ["asked_at", "pk"]
        constraints = constraints_of(StudyState, "simulating", "study")


class StudyAnswer(models.Model):
    """What came out, as it was found: `fabriek/study/1`, of which sentences, tables and plots are made."""

    study = models.OneToOneField(Study, models.CASCADE, primary_key=True, related_name="answer")
    figures = models.TextField()
    took = models.FloatField(help_text="seconds")
    answered_at = models.DateTimeField(default=timezone.now)
