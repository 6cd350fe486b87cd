"""What is harvested: sources, each run with its report, and what of a source was seen when.

A run goes page by page. A page's entries, its report and the place of the next page are written in one transaction, and
only where the source still stands at the place that the run started the page from: a run that is killed loses a page
that nobody saw, and two at once don't undo each other's work.
"""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class SourceKind(models.TextChoices):
    DCAT = "dcat", _("DCAT feed")
    OAI = "oai-pmh", _("OAI-PMH")
    AIOD = "aiod", _("AI-on-Demand")
    HUB = "hub", _("Hub of models and datasets")


class Source(models.Model):
    """A catalogue elsewhere. `since`: what changed before it is here. `sweep` and `next_page`: the sweep under way and
    the page that comes next in it; no sweep: the next run begins one."""

    code = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=10, choices=SourceKind)
    address = models.URLField(max_length=500)
    part = models.CharField(max_length=200, blank=True, help_text="a set, a filter, or kinds of resource")
    every_hours = models.PositiveIntegerField(default=24)
    is_active = models.BooleanField(default=True)
    is_demo = models.BooleanField(default=False)
    since = models.DateTimeField(null=True, blank=True)
    sweep = models.UUIDField(null=True, blank=True)
    sweep_began = models.DateTimeField(null=True, blank=True)
    next_page = models.CharField(max_length=4_000, blank=True)
    next_run = models.DateTimeField(default=timezone.now)
    accepts_losses = models.BooleanField(
        default=False, help_text="what the next whole sweep doesn't name is gone, however much that is"
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=SourceKind.values), name="source_kind_known"),
            models.CheckConstraint(condition=Q(every_hours__gt=0), name="source_asked_at_times"),
            models.CheckConstraint(
                condition=Q(sweep__isnull=True, sweep_began__isnull=True)
                | Q(sweep__isnull=False, sweep_began__isnull=False),
                name="source_sweep_has_a_beginning",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class RunState(models.TextChoices):
    RUNNING = "running", _("Running")
    COMPLETED = "completed", _("Completed")
    FAILED = "failed", _("Failed")
    OVERTAKEN = "overtaken", _("Overtaken by another run")


class Run(models.Model):
    """One run and its report. A run that was killed stays 'running' until the next one of its source begins."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    source = models.ForeignKey(Source, models.CASCADE, related_name="runs")
    state = models.CharField(max_length=10, choices=RunState, default=RunState.RUNNING)
    why = models.TextField(blank=True, help_text="why it failed")
    resumed = models.BooleanField(default=False, help_text="went on where another run had ended")
    started_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    pages = models.PositiveIntegerField(default=0)
    added = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    same = models.PositiveIntegerField(default=0)
    kept = models.PositiveIntegerField(default=0, help_text="taken over or retired here: left as they are")
    gone = models.PositiveIntegerField(default=0, help_text="no longer at the source: retired")
    double = models.PositiveIntegerField(default=0, help_text="known here already from elsewhere")
    passed_over = models.PositiveIntegerField(default=0, help_text="of no kind that the catalogue has")
    broken = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-started_at", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=RunState.values), name="harvest_run_state_known"),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("started_at")),
                name="harvest_run_ends_after_its_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source_id} {self.started_at:%Y-%m-%d %H:%M}"


class Remark(models.Model):
    """What could not be taken as it was: an item that can't be used (`is_fault`), or what was cut or left out."""

    run = models.ForeignKey(Run, models.CASCADE, related_name="remarks")
    identifier = models.CharField(max_length=500, blank=True)
    text = models.CharField(max_length=1_000)
    is_fault = models.BooleanField()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.identifier}: {self.text}"


class Seen(models.Model):
    """In which sweep a source last named a thing. `gone`: it no longer does, and its entry was retired for that."""

    source = models.ForeignKey(Source, models.CASCADE, related_name="seen")
    identifier = models.CharField(max_length=500)
    sweep = models.UUIDField()
    gone = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "identifier"], name="seen_once")]

    def __str__(self) -> str:
        return self.identifier
