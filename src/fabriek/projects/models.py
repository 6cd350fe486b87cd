"""What was awarded: projects, their members, and their allocations (an award's hours on one partition).

How many hours an allocation holds is in the ledger and nowhere else: accounts with its code.
"""

from __future__ import annotations

from datetime import date, timedelta

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

    @property
    def last_day(self) -> date:
        """The last day on which it runs: what people call its end."""
        return self.ends - timedelta(days=1)


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

    @property
    def last_day(self) -> date:
        """The last day on which its hours may be used: what people call its end."""
        return self.ends - timedelta(days=1)

    @property
    def last_month(self) -> date:
        """First day of the last month."""
        return self.last_day.replace(day=1)


class FinalReport(models.Model):
    """What came of a project, in its lead's words. The figures beside it are the ledger's and stored nowhere else."""

    project = models.OneToOneField(Project, models.PROTECT, related_name="final_report")
    results = models.TextField(help_text="results, and their benefit to society")
    outputs = models.TextField(blank=True, help_text="publications, patents, models, data sets, talks")
    unused_why = models.TextField(blank=True, help_text="why hours were not used")
    handed_in_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    handed_in_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.CheckConstraint(condition=~Q(results=""), name="report_has_results")]

    def __str__(self) -> str:
        return f"final report of {self.project_id}"


class ReturnState(models.TextChoices):
    """Where a giving back stands: announced, stopped by the project, done, or not needed any more."""

    WARNED = "warned", _("Announced")
    CLAIMED = "claimed", _("Stopped by a claim")
    RETURNED = "returned", _("Given back")
    CANCELLED = "cancelled", _("Not needed: it caught up")


class Return(models.Model):
    """Hours that go back to the share before their time: by the rule (`rolling.py`), or because the lead says so.

    Hours of months gone by lapse when an allocation is settled; that needs no row here.
    """

    allocation = models.ForeignKey(Allocation, models.PROTECT, related_name="returns")
    kind = models.CharField(
        max_length=10, choices=[("rule", _("By the rule at half time")), ("own", _("By the project itself"))]
    )
    state = models.CharField(max_length=10, choices=ReturnState)
    rule = models.JSONField(default=dict, help_text="the rule's numbers as they were")
    awarded_seconds = models.BigIntegerField(default=0)
    used_seconds = models.BigIntegerField(default=0)
    planned_seconds = models.BigIntegerField(default=0, help_text="what an even use would have come to by then")
    accelerator_seconds = models.BigIntegerField(help_text="what goes back, or went")
    warned_at = models.DateTimeField(default=timezone.now)
    due = models.DateField(help_text="the day on which it goes back, unless claimed")
    claim = models.TextField(blank=True)
    claimed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    claimed_at = models.DateTimeField(null=True, blank=True)
    returned_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["due", "id"]
        constraints = [
            models.UniqueConstraint(fields=["allocation"], condition=Q(kind="rule"), name="return_by_rule_once"),
            models.CheckConstraint(condition=Q(state__in=ReturnState.values), name="return_state_known"),
            models.CheckConstraint(condition=Q(accelerator_seconds__gte=0), name="return_positive"),
            models.CheckConstraint(
                condition=~Q(state="returned") | Q(returned_at__isnull=False), name="return_done_has_date"
            ),
            models.CheckConstraint(
                condition=~Q(state="claimed") | (~Q(claim="") & Q(claimed_by__isnull=False)),
                name="return_claim_says_why",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.allocation_id} {self.state}"


class ChangeKind(models.TextChoices):
    """What a project may ask to be changed."""

    EXTENSION = "extension", _("Extension")
    PARTITION = "partition", _("Move to another partition")
    PROJECT = "project", _("Move to another project")


class ChangeState(models.TextChoices):
    ASKED = "asked", _("Asked")
    GRANTED = "granted", _("Granted")
    REFUSED = "refused", _("Refused")


class Change(models.Model):
    """Hours of an allocation that are to be used later, elsewhere or by another project. An officer decides.

    `problem` and `plan` are what it was granted on, as a decision keeps them.
    """

    project = models.ForeignKey(Project, models.PROTECT, related_name="changes")
    allocation = models.ForeignKey(Allocation, models.PROTECT, related_name="changes")
    kind = models.CharField(max_length=10, choices=ChangeKind)
    state = models.CharField(max_length=10, choices=ChangeState, default=ChangeState.ASKED)
    accelerator_seconds = models.BigIntegerField()
    months = models.PositiveSmallIntegerField(default=0, help_text="of an extension")
    to_partition = models.ForeignKey(Partition, models.PROTECT, null=True, blank=True, related_name="+")
    to_project = models.ForeignKey(Project, models.PROTECT, null=True, blank=True, related_name="changes_to")
    why = models.TextField()
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    answer = models.TextField(blank=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    granted = models.ForeignKey(Allocation, models.PROTECT, null=True, blank=True, related_name="came_from")
    problem = models.TextField(blank=True)
    plan = models.TextField(blank=True)

    class Meta:
        ordering = ["asked_at", "id"]
        constraints = [
            # RULES: an extension is given once.
            models.UniqueConstraint(
                fields=["project"],
                condition=Q(kind="extension", state__in=["asked", "granted"]),
                name="change_extension_once",
            ),
            models.CheckConstraint(condition=Q(accelerator_seconds__gt=0), name="change_positive"),
            models.CheckConstraint(
                condition=Q(kind="extension", months__gt=0, to_partition__isnull=True, to_project__isnull=True)
                | Q(kind="partition", to_partition__isnull=False, to_project__isnull=True)
                | Q(kind="project", to_project__isnull=False, to_partition__isnull=True),
                name="change_says_whereto",
            ),
            models.CheckConstraint(
                condition=Q(state="asked") | Q(decided_by__isnull=False, decided_at__isnull=False),
                name="change_decided_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.allocation_id}"
