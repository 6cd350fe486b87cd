"""What was awarded: projects, their members, and their allocations (an award's hours on one partition).

How many hours an allocation holds is in the ledger and nowhere else: accounts with its code.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from fabriek.people.models import Organisation, OrganisationClass
from fabriek.programmes.models import Programme
from fabriek.register.models import Factory, Partition


class Project(models.Model):
    """A group of people with hours to use. `code` is the award's number and the account's name in Slurm."""

    code = models.SlugField(max_length=60, unique=True)
    title = models.CharField(max_length=200)
    summary = models.TextField(blank=True)
    factory = models.ForeignKey(Factory, models.PROTECT, null=True, related_name="projects")
    programme = models.ForeignKey(Programme, models.PROTECT, related_name="projects")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="projects")
    organisation_class = models.CharField(max_length=20, choices=OrganisationClass, help_text="as it was when awarded")
    country = models.CharField(max_length=2)
    commercial = models.BooleanField(default=False, help_text="paid commercial use (Article 18)")
    origin = models.CharField(
        max_length=10, choices=[("awarded", _("Awarded")), ("imported", _("Imported"))], default="awarded"
    )
    application = models.CharField(max_length=60, blank=True, help_text="code of the application it came from")
    starts = models.DateField()
    ends = models.DateField(help_text="first day after the last")
    ended_at = models.DateTimeField(null=True, blank=True, help_text="when its unused hours were given back")
    created_at = models.DateTimeField(default=timezone.now)
    is_demo = models.BooleanField(default=False)

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="project_newest"),
            models.Index(fields=["title"], name="project_title"),
        ]
        constraints = [models.CheckConstraint(condition=Q(ends__gt=F("starts")), name="project_period")]

    def __str__(self) -> str:
        return f"{self.code} {self.title}"


class Member(models.Model):
    """A person in a project. `unix_name` is who their jobs run as at the site."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="members")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=10, choices=[("lead", _("Lead")), ("member", _("Member"))], default="member")
    unix_name = models.SlugField(max_length=32)
    joined_at = models.DateTimeField(default=timezone.now)
    left_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["role", "joined_at"]
        constraints = [models.UniqueConstraint(fields=["project", "person"], name="member_of_project_once")]

    def __str__(self) -> str:
        return f"{self.person} in {self.project_id}"


class Allocation(models.Model):
    """A project's hours on one partition over whole months [starts, ends). `code` keys its ledger accounts."""

    code = models.CharField(max_length=80, unique=True)
    project = models.ForeignKey(Project, models.PROTECT, related_name="allocations")
    partition = models.ForeignKey(Partition, models.PROTECT, related_name="allocations")
    starts = models.DateField(help_text="first day of the first month")
    ends = models.DateField(help_text="first day after the last month")
    settled_at = models.DateTimeField(null=True, blank=True, help_text="when its unused hours went back")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(ends__gt=F("starts")), name="allocation_period"),
            models.CheckConstraint(condition=Q(starts__day=1, ends__day=1), name="allocation_whole_months"),
        ]

    def __str__(self) -> str:
        return self.code
