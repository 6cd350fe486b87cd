"""Persons, the organisations that they work for, the roles that they hold, the tokens that speak for them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class OrganisationClass(models.TextChoices):
    """The classes of applicant that promises speak of."""

    STARTUP = "startup", _("Start-up")
    SME = "sme", _("Small or medium-sized enterprise")
    LARGE_INDUSTRY = "large-industry", _("Large industry")
    PUBLIC_SECTOR = "public-sector", _("Public sector")
    ACADEMIA = "academia", _("Academia")


class Organisation(models.Model):
    """A legal entity that applies, hosts, reviews or decides. Its class says which promises count it."""

    code = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=200)
    organisation_class = models.CharField(max_length=20, choices=OrganisationClass)
    country = models.CharField(max_length=2, help_text="ISO 3166-1 alpha-2")
    website = models.URLField(blank=True)
    is_demo = models.BooleanField(default=False)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(organisation_class__in=OrganisationClass.values), name="organisation_class_known"
            )
        ]

    def __str__(self) -> str:
        return self.name


class PersonManager(BaseUserManager["Person"]):
    """Makes persons the way Django's sign-in machinery expects it."""

    def create_user(self, email: str, name: str = "", **fields: Any) -> Person:
        """Persons sign in by a link or an identity provider, never by a password."""
        person = self.model(email=self.normalize_email(email).lower(), name=name or email.split("@")[0], **fields)
        person.set_unusable_password()
        person.save(using=self._db)
        return person


class Person(AbstractBaseUser):
    """Somebody who signs in. Everybody may apply; the other roles are given."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=200)
    organisation = models.ForeignKey(Organisation, models.PROTECT, null=True, blank=True, related_name="people")
    language = models.CharField(max_length=2, choices=[("en", "English"), ("nl", "Nederlands")], default="en")
    expertise = models.JSONField(default=list, blank=True, help_text="keywords, for reviewers")
    is_active = models.BooleanField(default=True)
    is_demo = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[PersonManager] = PersonManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def role_names(self) -> set[str]:
        """The roles held, read once per object: {'applicant', 'reviewer', ...}."""
        if not hasattr(self, "_role_names"):
            self._role_names = {Role.APPLICANT.value, *self.roles.values_list("role", flat=True)}
        return self._role_names


class Identity(models.Model):
    """Who somebody is at an identity provider. Issuer and subject name them; the e-mail is only what was told then."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="identities")
    issuer = models.CharField(max_length=255)
    subject = models.CharField(max_length=255, help_text="at most 255 characters, OpenID Connect Core 1.0, section 2")
    email = models.CharField(max_length=254, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="identity_is_one_person"),
            models.UniqueConstraint(fields=["person", "issuer"], name="person_has_one_identity_an_issuer"),
        ]

    def __str__(self) -> str:
        return f"{self.subject} at {self.issuer}"


class Role(models.TextChoices):
    """The roles of the platform. Anonymous is the absence of a person."""

    APPLICANT = "applicant", _("Applicant")
    REVIEWER = "reviewer", _("Reviewer")
    OFFICER = "officer", _("Programme officer")
    OPERATOR = "operator", _("Operator")
    BOARD = "board", _("Board")
    ADMINISTRATOR = "administrator", _("Administrator")


class RoleAssignment(models.Model):
    """A role that somebody holds, beside applicant, which everybody holds."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="roles")
    role = models.CharField(max_length=20, choices=Role)
    given_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    given_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "role"], name="role_held_once"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.person}: {self.get_role_display()}"


class Token(models.Model):
    """A key to the API. Only its SHA-256 is kept; the token itself is shown once, when it is made.

    A token speaks for a person, within its scopes, or for the agent of one site (`site` is the site's code).
    """

    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True)
    person = models.ForeignKey(Person, models.CASCADE, null=True, blank=True, related_name="tokens")
    site = models.CharField(max_length=80, blank=True)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(person__isnull=False, site="")
                | (models.Q(person__isnull=True) & ~models.Q(site="")),
                name="token_speaks_for_a_person_or_a_site",
            )
        ]

    def __str__(self) -> str:
        return self.name
