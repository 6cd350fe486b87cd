"""What ran by a recipe, and what jobs made: a record with its lineage, for people and for the catalogue.

A run is what the platform knows (recipe, version, digest, parameters, what it started from). A result is what the job
said of itself: read by `result_file.py`, shown as such, and never more than a claim.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from fabriek.operations.models import Job


class Run(models.Model):
    """A job that came from a recipe. Written when it is submitted, and never changed."""

    job = models.OneToOneField(Job, models.CASCADE, related_name="run")
    recipe = models.CharField(max_length=60)
    version = models.CharField(max_length=20)
    digest = models.CharField(max_length=64, help_text="SHA-256 of the recipe's description, script and programs")
    parameters = models.JSONField(default=dict, help_text="as they were checked")
    expected_seconds = models.PositiveIntegerField(null=True, help_text="estimated; null: until its time is over")
    inputs: models.ManyToManyField[Output, models.Model] = models.ManyToManyField(
        "Output", related_name="used_by", blank=True
    )

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["recipe"], name="run_of_recipe")]

    def __str__(self) -> str:
        return f"{self.recipe} {self.version}"


class ResultKind(models.TextChoices):
    MODEL = "model", _("Model")
    EVALUATION = "evaluation", _("Evaluation")
    SERVICE = "service", _("Service")
    NOTEBOOK = "notebook", _("Notebook")
    DATASET = "dataset", _("Dataset")
    OTHER = "other", _("Other")


class Result(models.Model):
    """What a job says that it made. `problem`: why what it wrote last could not be read; what was read before stays."""

    job = models.OneToOneField(Job, models.CASCADE, related_name="result")
    kind = models.CharField(max_length=12, choices=ResultKind, default=ResultKind.OTHER)
    name = models.CharField(max_length=200, blank=True)
    complete = models.BooleanField(default=False)
    summary = models.TextField(blank=True)
    code = models.JSONField(default=dict)
    datasets = models.JSONField(default=list)
    read = models.JSONField(default=list, help_text="files that the job says it read")
    metrics = models.JSONField(default=dict)
    series = models.JSONField(default=list)
    environment = models.JSONField(default=dict)
    digest = models.CharField(max_length=64, blank=True, help_text="SHA-256 of the file as it came")
    problem = models.CharField(max_length=600, blank=True)
    reported_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=ResultKind.values), name="result_kind_known"),
            models.CheckConstraint(condition=~Q(name="") | ~Q(problem=""), name="result_read_or_why_not"),
        ]

    def __str__(self) -> str:
        return self.name or str(self.job_id)


class Output(models.Model):
    """A file that a job made. It lies at the site; here is where, how large, and its digest."""

    result = models.ForeignKey(Result, models.CASCADE, related_name="outputs")
    path = models.CharField(max_length=1_000)
    kind = models.CharField(max_length=200)
    bytes = models.BigIntegerField(null=True)
    sha256 = models.CharField(max_length=64, blank=True)
    about = models.TextField(blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["result", "path"], name="output_once")]

    def __str__(self) -> str:
        return self.path
