"""What is promised: pillars, programmes, shares of partitions, and the promises (floors, baselines, caps).

Programmes form a tree: the Union's access time of a machine is a programme, and its AI-for-Science part a child of it.
Only leaves hold shares; a promise about a programme is about its whole subtree.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from fabriek.people.models import OrganisationClass
from fabriek.register.models import Confidence, Partition, System


class Pillar(models.Model):
    """A pillar of the Joint Undertaking (Regulation (EU) 2021/1173, Article 4, as amended), or 'national'."""

    code = models.SlugField(max_length=40, unique=True)
    letter = models.CharField(max_length=2, blank=True, help_text="its letter in Article 4(1)")
    name = models.CharField(max_length=200)
    activities = models.JSONField(default=list)
    legal_basis = models.CharField(max_length=200, blank=True)
    valid_from = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["letter"]

    def __str__(self) -> str:
        return self.name


class Programme(models.Model):
    """Under whose promise hours are given: of the Union or of a state. Every hour belongs to one leaf."""

    code = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=200)
    pillar = models.ForeignKey(Pillar, models.PROTECT, related_name="programmes")
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    kind = models.CharField(max_length=10, choices=[("union", _("Union")), ("national", _("National"))])
    country = models.CharField(max_length=2, blank=True, help_text="of a national programme")
    decides = models.CharField(max_length=200, blank=True, help_text="who decides on its awards")
    legal_basis = models.CharField(max_length=300, blank=True)
    overbooking = models.DecimalField(
        max_digits=4, decimal_places=3, default=1, help_text="awards may reach this many times the share (rule 3)"
    )
    sign_off = models.JSONField(
        default=list,
        blank=True,
        help_text="who gives initials to a proposal before it is published, in turn: [{title, role}]",
    )
    is_demo = models.BooleanField(default=False)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=Q(overbooking__gte=1), name="programme_overbooking"),
            models.CheckConstraint(condition=Q(kind="union") | ~Q(country=""), name="programme_national_has_country"),
        ]

    def __str__(self) -> str:
        return self.name


class FormerName(models.Model):
    """What a programme was called until a day; older decisions and reports name it so."""

    programme = models.ForeignKey(Programme, models.CASCADE, related_name="former_names")
    name = models.CharField(max_length=200)
    until = models.DateField()

    class Meta:
        ordering = ["-until", "-id"]

    def __str__(self) -> str:
        return self.name


class Share(models.Model):
    """A leaf programme's fraction of a partition in a month, as established.

    The rows of one partition and month add up to one: checked by the action that establishes them and, hour by hour, by
    the ledger, whose capacity account can't go below zero. Later reallocations are in the ledger and in `Reallocation`.
    """

    programme = models.ForeignKey(Programme, models.PROTECT, related_name="shares")
    partition = models.ForeignKey(Partition, models.PROTECT, related_name="shares")
    month = models.DateField()
    fraction = models.DecimalField(max_digits=9, decimal_places=8)

    class Meta:
        ordering = ["partition", "month", "programme"]
        constraints = [
            models.UniqueConstraint(fields=["programme", "partition", "month"], name="share_once"),
            models.CheckConstraint(condition=Q(fraction__gt=0, fraction__lte=1), name="share_fraction"),
        ]


class Reallocation(models.Model):
    """Hours moved between two programmes on one partition and month: one balanced ledger transaction.

    A reallocation is decided by who owns both shares; a transfer is a state lending unused time to another state or to
    the Joint Undertaking: voluntary, dated, balanced (Regulation (EU) 2026/150, recital 19).
    """

    code = models.SlugField(max_length=80, unique=True)
    kind = models.CharField(max_length=15, choices=[("reallocation", _("Reallocation")), ("transfer", _("Transfer"))])
    partition = models.ForeignKey(Partition, models.PROTECT)
    month = models.DateField()
    from_programme = models.ForeignKey(Programme, models.PROTECT, related_name="reallocations_out")
    to_programme = models.ForeignKey(Programme, models.PROTECT, related_name="reallocations_in")
    accelerator_seconds = models.BigIntegerField(default=0)
    core_seconds = models.BigIntegerField(default=0)
    why = models.TextField()
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)
    undoes = models.OneToOneField(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="undone_by",
        help_text="the one whose balanced opposite this is",
    )

    class Meta:
        ordering = ["-made_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(from_programme=F("to_programme")), name="reallocation_between_two_programmes"
            ),
            models.CheckConstraint(
                condition=Q(accelerator_seconds__gte=0, core_seconds__gte=0)
                & (Q(accelerator_seconds__gt=0) | Q(core_seconds__gt=0)),
                name="reallocation_moves_something",
            ),
            models.CheckConstraint(condition=~Q(why=""), name="reallocation_has_a_reason"),
        ]


class Promise(models.Model):
    """A floor, a baseline or a cap, with the period in which it holds and where it comes from.

    The subject is what is measured: hours of `programme` (its subtree; null: all) by applicants of
    `organisation_class`, of `country`, or `commercial`. The base is what the fraction is of: awarded or capacity
    hours of `base` (null: the same as `programme`). A baseline is an absolute amount a month for an existing programme.
    Mapped to `fabriek/problem/1` by the access room.
    """

    code = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=200)
    kind = models.CharField(
        max_length=10, choices=[("floor", _("Floor")), ("cap", _("Cap")), ("baseline", _("Baseline"))]
    )
    programme = models.ForeignKey(Programme, models.PROTECT, null=True, blank=True, related_name="promises")
    organisation_class = models.CharField(max_length=20, choices=OrganisationClass, blank=True)
    country = models.CharField(max_length=2, blank=True)
    commercial = models.BooleanField(default=False, help_text="counts paid commercial use only")
    fraction = models.DecimalField(max_digits=7, decimal_places=6, null=True, blank=True)
    of = models.CharField(
        max_length=10, choices=[("awarded", _("awarded hours")), ("capacity", _("capacity"))], default="capacity"
    )
    base = models.ForeignKey(Programme, models.PROTECT, null=True, blank=True, related_name="+")
    accelerator_seconds_a_month = models.BigIntegerField(null=True, blank=True, help_text="of a baseline")
    system = models.ForeignKey(System, models.PROTECT, null=True, blank=True, help_text="null: every system, each")
    rank = models.PositiveSmallIntegerField(default=1, help_text="which promise is kept first where not all can be")
    valid_from = models.DateField()
    valid_until = models.DateField(null=True, blank=True)
    legal_basis = models.CharField(max_length=300, blank=True)
    source = models.CharField(max_length=200, blank=True)
    confidence = models.CharField(max_length=10, choices=Confidence, default=Confidence.HIGH)
    is_demo = models.BooleanField(default=False)

    class Meta:
        ordering = ["rank", "code"]
        constraints = [
            models.CheckConstraint(
                condition=(Q(kind="baseline", accelerator_seconds_a_month__gt=0, fraction__isnull=True))
                | (~Q(kind="baseline") & Q(fraction__gte=0, fraction__lte=1)),
                name="promise_has_its_measure",
            ),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gt=F("valid_from")), name="promise_period"
            ),
            models.CheckConstraint(condition=~Q(kind="floor") | ~Q(organisation_class=""), name="floor_names_a_class"),
        ]

    def __str__(self) -> str:
        return self.name
