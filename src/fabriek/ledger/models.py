"""Accounts, transactions and entries: double entry of accelerator-seconds and core-seconds.

An entry is a transfer: it takes a positive amount from one account and gives it to another, so that every row, and
therefore every commit, balances by construction. The database keeps each account's sums by trigger (balances are read
from the account's row, whatever the number of entries), refuses to change or delete entries, refuses a transfer between
accounts of different units, and refuses to bring an account below its minimum.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Unit(models.TextChoices):
    """What is counted. Exact integers of seconds."""

    ACCELERATOR_SECONDS = "accelerator-seconds", _("accelerator-seconds")
    CORE_SECONDS = "core-seconds", _("core-seconds")


class AccountKind(models.TextChoices):
    """The stations of an hour, from the machine to the use."""

    MACHINE = "machine", _("Machine")  # where capacity comes from; negative by nature
    CAPACITY = "capacity", _("Capacity")  # derived, not yet promised to a programme
    SHARE = "share", _("Share")  # promised to a programme, not yet awarded
    AWARD = "award", _("Award")  # awarded to a project, not yet used
    USED = "used", _("Used")  # metered
    LAPSED = "lapsed", _("Lapsed")  # promised or awarded, and gone by unused


class Account(models.Model):
    """One station of one partition and month. `balance` = credits - debits.

    `partition`, `month`, `programme` and `allocation` are plain keys: this room knows nothing of the rooms they
    come from. `minimum` is the least balance that the database allows (null: none); for a share it is minus what the
    programme may overbook.
    """

    code = models.CharField(max_length=200, unique=True)
    kind = models.CharField(max_length=10, choices=AccountKind)
    unit = models.CharField(max_length=20, choices=Unit)
    partition = models.CharField(max_length=80)
    month = models.DateField(help_text="first day of the month")
    programme = models.CharField(max_length=80, blank=True)
    allocation = models.CharField(max_length=80, blank=True)
    minimum = models.BigIntegerField(null=True, blank=True)
    debits = models.BigIntegerField(default=0, help_text="kept by the database, never written by code")
    credits = models.BigIntegerField(default=0, help_text="kept by the database, never written by code")

    class Meta:
        indexes = [
            models.Index(fields=["kind", "partition", "month"], name="ledger_station"),
            models.Index(fields=["programme", "kind", "month"], name="ledger_programme"),
            models.Index(fields=["allocation", "kind"], name="ledger_allocation"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=AccountKind.values), name="account_kind_known"),
            models.CheckConstraint(condition=Q(unit__in=Unit.values), name="account_unit_known"),
            models.CheckConstraint(condition=Q(debits__gte=0, credits__gte=0), name="account_sums_positive"),
            models.CheckConstraint(
                condition=Q(minimum__isnull=True) | Q(credits__gte=F("debits") + F("minimum")),
                name="account_above_minimum",
            ),
            models.CheckConstraint(
                condition=~Q(kind__in=["share"]) | ~Q(programme=""), name="account_share_names_programme"
            ),
            models.CheckConstraint(
                condition=~Q(kind__in=["award", "used"]) | ~Q(allocation=""),
                name="account_award_names_allocation",
            ),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def balance(self) -> int:
        """What the account holds: received less given."""
        return self.credits - self.debits


class Kind(models.TextChoices):
    """Why hours move."""

    CAPACITY = "capacity", _("Capacity declared")
    SHARES = "shares", _("Shares established")
    REALLOCATION = "reallocation", _("Reallocation")
    TRANSFER = "transfer", _("Transfer between states")
    AWARD = "award", _("Award")
    USAGE = "usage", _("Usage")
    LAPSE = "lapse", _("Expiry")
    ADJUSTMENT = "adjustment", _("Adjustment")


class Transaction(models.Model):
    """A group of entries that belong together. `key` makes it idempotent: the same key is posted once."""

    key = models.CharField(max_length=200, unique=True)
    kind = models.CharField(max_length=20, choices=Kind)
    at = models.DateTimeField(default=timezone.now, db_index=True)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    why = models.TextField(blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.CheckConstraint(condition=Q(kind__in=Kind.values), name="transaction_kind_known")]

    def __str__(self) -> str:
        return self.key


class Entry(models.Model):
    """One transfer: `amount` seconds from `debit` to `credit`. Never changed, never deleted."""

    transaction = models.ForeignKey(Transaction, models.PROTECT, related_name="entries")
    debit = models.ForeignKey(Account, models.PROTECT, related_name="given")
    credit = models.ForeignKey(Account, models.PROTECT, related_name="received")
    amount = models.BigIntegerField()
    reference = models.CharField(max_length=200, blank=True, help_text="what it is about, e.g. a usage record's key")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="entry_amount_positive"),
            models.CheckConstraint(condition=~Q(debit=F("credit")), name="entry_between_two_accounts"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} from {self.debit_id} to {self.credit_id}"
