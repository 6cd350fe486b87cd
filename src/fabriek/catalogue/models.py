"""What the catalogue holds: entries with their life, each published version, where they lie and what ties them.

`Entry.record` is the whole truth of an entry (record.py). The other columns are taken from it by `rules.columns_of`, so
that the database can find, sort and count; `Place` and `Tie` are taken from it too, so that a site knows what lies
there and an entry knows what came from it.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from fabriek.catalogue.asked import Asked
from fabriek.catalogue.record import Record
from fabriek.catalogue.translations import Said, said_in
from fabriek.people.models import Organisation, Person
from fabriek.projects.models import Project
from fabriek.recipes.models import Result
from fabriek.register.models import Factory, Site

LONGEST_NAME = 500
"""Letters of a name by which entries are looked up, which PostgreSQL's indices take (2,704 bytes). What is longer names
nothing. Columns of such names are null where there is none: SQLite uses no index that leaves out empty texts."""


class EntryKind(models.TextChoices):
    DATASET = "dataset", _("Dataset")
    MODEL = "model", _("Model")
    SOFTWARE = "software", _("Software or algorithm")
    TRAINING = "training", _("Training")
    EXPERT = "expert", _("Expert")
    TEAM = "team", _("Team")
    SERVICE = "service", _("Service")
    FUNDING = "funding", _("Funding")
    INVESTOR = "investor", _("Investor")
    VENTURE = "venture", _("Venture")
    STORY = "story", _("Success story")


class EntryState(models.TextChoices):
    DRAFT = "draft", _("Draft")
    PUBLISHED = "published", _("Published")
    RETIRED = "retired", _("Retired")


class Access(models.TextChoices):
    OPEN = "open", _("Open to all")
    REGISTERED = "registered", _("Open to who registers")
    ON_REQUEST = "on-request", _("On request")
    CLOSED = "closed", _("Closed")
    UNKNOWN = "unknown", _("Not known")


class Entry(models.Model):
    """One entry. Where an entry was harvested, (origin, origin_identifier) names it: as in AI-on-Demand, what a source
    says twice is one entry. `published`: the number of its newest published version. What its steward changes after
    that waits in `proposed`, unseen, until it is published too; `asked_at`: since when it waits for a curator."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    code = models.CharField(max_length=120, unique=True)
    record = models.JSONField()
    sha256 = models.CharField(max_length=64, help_text="of the record")
    proposed = models.JSONField(null=True, blank=True, help_text="the record as its steward wants it next")
    asked_at = models.DateTimeField(null=True, blank=True, help_text="when a curator was asked to publish it")
    state = models.CharField(max_length=10, choices=EntryState, default=EntryState.DRAFT)
    published = models.PositiveIntegerField(default=0)
    remark = models.TextField(blank=True, help_text="why it was sent back, retired or hidden")
    hidden_at = models.DateTimeField(null=True, blank=True, help_text="since when a curator hides this profile")
    # Taken from the record.
    kind = models.CharField(max_length=10, choices=EntryKind)
    title = models.CharField(max_length=300)
    summary = models.CharField(max_length=1_000, blank=True)
    language = models.CharField(max_length=3)
    licence = models.CharField(max_length=200, blank=True)
    identifier = models.CharField(  # noqa: DJ001 -- see LONGEST_NAME
        max_length=LONGEST_NAME, null=True, blank=True, help_text="a lasting address, in lower case"
    )
    access = models.CharField(max_length=10, choices=Access, default=Access.UNKNOWN)
    factory = models.ForeignKey(Factory, models.PROTECT, null=True, blank=True, related_name="entries")
    closes = models.DateField(null=True, blank=True)
    free_from = models.DateField(null=True, blank=True)
    seeks_amount = models.BigIntegerField(null=True, blank=True, help_text="whole euros that a venture seeks")
    project = models.ForeignKey(Project, models.SET_NULL, null=True, blank=True, related_name="ventures")
    # Whose it is.
    steward = models.ForeignKey(Person, models.SET_NULL, null=True, blank=True, related_name="entries")
    organisation = models.ForeignKey(Organisation, models.SET_NULL, null=True, blank=True, related_name="entries")
    result = models.OneToOneField(Result, models.SET_NULL, null=True, blank=True, related_name="entry")
    origin = models.CharField(max_length=80, blank=True, help_text="code of the source that it was harvested from")
    origin_identifier = models.CharField(max_length=500, blank=True)
    is_reference = models.BooleanField(default=False, help_text="came with the package")
    is_demo = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)
    published_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["title", "id"]
        verbose_name_plural = "entries"
        indexes = [
            models.Index(fields=["state", "kind", "title"], name="entry_of_kind"),
            models.Index(fields=["state", "changed_at"], name="entry_changed"),
            models.Index(fields=["closes"], name="entry_closes"),
            models.Index(fields=["identifier"], name="entry_identifier", condition=Q(identifier__isnull=False)),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=EntryKind.values), name="entry_kind_known"),
            models.CheckConstraint(condition=Q(state__in=EntryState.values), name="entry_state_known"),
            models.CheckConstraint(condition=Q(access__in=Access.values), name="entry_access_known"),
            models.CheckConstraint(
                condition=~Q(state="published") | Q(published__gt=0), name="entry_published_has_a_version"
            ),
            models.CheckConstraint(
                condition=Q(proposed__isnull=True) | Q(published__gt=0), name="entry_proposed_once_published"
            ),
            models.UniqueConstraint(
                fields=["origin", "origin_identifier"], condition=~Q(origin=""), name="entry_of_a_source_once"
            ),
            models.UniqueConstraint(fields=["steward"], condition=Q(kind="expert"), name="entry_one_expert_a_person"),
            models.UniqueConstraint(
                fields=["project"], condition=Q(kind="venture"), name="entry_one_venture_a_project"
            ),
            models.CheckConstraint(
                condition=Q(hidden_at__isnull=True) | ~Q(state="published"), name="entry_hidden_is_not_published"
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def as_record(self) -> Record:
        """The record as it stands, checked again."""
        return Record.model_validate(self.record)

    def said_in(self, language: str) -> Said:
        """Its texts for a reader of a language."""
        return said_in(self.record, language)


class Version(models.Model):
    """A record as it was published: never changed, never deleted, so that what was cited can be read. Profiles have
    none: what people withdraw is to be gone (Regulation (EU) 2016/679, Article 17)."""

    entry = models.ForeignKey(Entry, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    record = models.JSONField()
    sha256 = models.CharField(max_length=64)
    published_at = models.DateTimeField(default=timezone.now)
    published_by = models.ForeignKey(Person, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["entry", "-number"]
        constraints = [models.UniqueConstraint(fields=["entry", "number"], name="version_once")]

    def __str__(self) -> str:
        return f"{self.entry_id} {self.number}"


class Place(models.Model):
    """Where an entry lies, from its record's distributions."""

    entry = models.ForeignKey(Entry, models.CASCADE, related_name="places")
    site = models.ForeignKey(Site, models.PROTECT, null=True, blank=True, related_name="entry_places")
    storage = models.CharField(max_length=10)
    location = models.CharField(max_length=2_000)
    name = models.CharField(max_length=200, blank=True)
    media_type = models.CharField(max_length=200, blank=True)
    bytes = models.BigIntegerField(null=True, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    on_hub = models.CharField(  # noqa: DJ001 -- see LONGEST_NAME
        max_length=LONGEST_NAME, null=True, blank=True, help_text="what a Hub calls it, in lower case"
    )

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["on_hub"], name="place_on_hub", condition=Q(on_hub__isnull=False))]

    def __str__(self) -> str:
        return self.location


class Tie(models.Model):
    """What an entry has to do with another, from its record's relations. `target`: null where that is an address, or
    the `code` of an entry that isn't here yet."""

    entry = models.ForeignKey(Entry, models.CASCADE, related_name="ties")
    kind = models.CharField(max_length=20)
    target = models.ForeignKey(Entry, models.SET_NULL, null=True, blank=True, related_name="tied_by")
    address = models.CharField(max_length=2_000, help_text="the code or address as the record says it")
    code = models.CharField(  # noqa: DJ001 -- see LONGEST_NAME
        max_length=120, null=True, blank=True, help_text="where it is a code"
    )
    title = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["code"], name="tie_by_code", condition=Q(code__isnull=False))]

    def __str__(self) -> str:
        return f"{self.kind} {self.address}"


class SavedSearch(models.Model):
    """A search that its owner is told of when something new is found."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="saved_searches")
    name = models.CharField(max_length=200)
    asked: models.JSONField[dict[str, Any]] = models.JSONField(help_text="words and facets, as the page's address says")
    told_until = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name", "id"]
        constraints = [models.UniqueConstraint(fields=["person", "name"], name="saved_search_named_once")]

    def __str__(self) -> str:
        return self.name

    @property
    def query(self) -> str:
        """What repeats it, after the `?` of the catalogue's address."""
        return Asked.of(self.asked).query()


class Notice(models.Model):
    """That a saved search found an entry that was published, or changed, after it was saved. Once for each entry."""

    search = models.ForeignKey(SavedSearch, models.CASCADE, related_name="notices")
    entry = models.ForeignKey(Entry, models.CASCADE, related_name="+")
    found_at = models.DateTimeField(default=timezone.now)
    mailed_at = models.DateTimeField(null=True, blank=True)
    seen_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-found_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["search", "entry"], name="notice_once_for_an_entry")]

    def __str__(self) -> str:
        return f"{self.search_id} {self.entry_id}"


class Purpose(models.TextChoices):
    """What a profile may be used for. Each is agreed to, and withdrawn, by itself."""

    CATALOGUE = "catalogue", _("Shown in the catalogue")
    FEEDS = "feeds", _("Given to harvesters and search engines")
    MATCHING = "matching", _("Used to find what fits")
    CONTACT = "contact", _("Written to through the platform")
    HOURS = "hours", _("Tells the hours used on the factory")


class Ending(models.TextChoices):
    """Why a consent stands no more."""

    WITHDRAWN = "withdrawn", _("Withdrawn")
    REWORDED = "reworded", _("The text changed")
    ERASED = "erased", _("The profile was erased")


class Consent(models.Model):
    """That the owner of a profile agreed to one purpose: to which words, in which version of them and which language.

    A row is never changed but for its end, and stays after the profile is gone: who keeps data must be able to show
    that consent was given (Regulation (EU) 2016/679, Article 7(1)).
    """

    person = models.ForeignKey(Person, models.CASCADE, related_name="consents")
    entry = models.ForeignKey(Entry, models.SET_NULL, null=True, related_name="consents")
    purpose = models.CharField(max_length=10, choices=Purpose)
    version = models.PositiveIntegerField(help_text="of the words (consents.json)")
    language = models.CharField(max_length=3, help_text="in which they were shown")
    text = models.TextField(help_text="what was agreed to, in the words that were shown")
    given_at = models.DateTimeField(default=timezone.now)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    ending = models.CharField(max_length=10, choices=Ending, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["entry", "purpose"], condition=Q(withdrawn_at__isnull=True), name="consent_stands_once"
            ),
            models.CheckConstraint(condition=Q(purpose__in=Purpose.values), name="consent_purpose_known"),
            models.CheckConstraint(condition=~Q(text="") & ~Q(language=""), name="consent_says_to_what"),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True, ending="")
                | Q(withdrawn_at__isnull=False, ending__in=Ending.values),
                name="consent_ends_for_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} {self.purpose} {self.given_at:%Y-%m-%d}"


class Letter(models.Model):
    """What somebody who is signed in wrote to a profile's owner through the platform."""

    entry = models.ForeignKey(Entry, models.CASCADE, related_name="letters")
    sender = models.ForeignKey(Person, models.CASCADE, related_name="letters_sent")
    text = models.TextField()
    sent_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        ordering = ["-sent_at", "-id"]
        constraints = [models.CheckConstraint(condition=~Q(text=""), name="letter_says_something")]

    def __str__(self) -> str:
        return f"{self.sender_id} to {self.entry_id}"


class Look(models.Model):
    """That a venture's page was looked at, once a day for each viewer. `person`: who was signed in, and was told before
    that the venture sees it. Else `visitor`: a digest that tells two visitors of one day apart and says nothing of
    either (looks.py)."""

    entry = models.ForeignKey(Entry, models.CASCADE, related_name="looks")
    person = models.ForeignKey(Person, models.CASCADE, null=True, blank=True, related_name="+")
    visitor = models.CharField(max_length=64, blank=True)
    day = models.DateField()

    class Meta:
        ordering = ["-day", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["entry", "person", "day"], name="look_once_a_day"),
            models.UniqueConstraint(
                fields=["entry", "visitor", "day"], condition=~Q(visitor=""), name="look_of_a_visitor_once_a_day"
            ),
            models.CheckConstraint(
                condition=Q(person__isnull=False, visitor="") | (Q(person__isnull=True) & ~Q(visitor="")),
                name="look_is_of_one",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.entry_id} {self.day}"


class DaySalt(models.Model):
    """What digests of a day's visitors are made with. Thrown away when the day is over: then nobody can tell from
    a digest which address it came from."""

    day = models.DateField(primary_key=True)
    salt = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"{self.day}"
