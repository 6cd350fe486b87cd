"""What exists: factories, hosting entities, consortia, sites, systems, partitions, links, capacity.

`facts` on a row keeps, per field, where its value comes from: {"nodes": {"source": "...", "confidence": "high"}}.
A field that is null is unknown, and pages say so.
"""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class Stage(models.TextChoices):
    """The life of a factory or a system."""

    SELECTED = "selected", _("Selected")
    AGREED = "agreed", _("Agreed")
    PROCURED = "procured", _("Procured")
    INSTALLED = "installed", _("Installed")
    OPERATING = "operating", _("Operating")
    RETIRED = "retired", _("Retired")


class Confidence(models.TextChoices):
    """How sure a fact is (the scale of the reference data)."""

    HIGH = "high", _("High: seen in a source or a long-stable public fact")
    MEDIUM = "medium", _("Medium: remembered or second-hand")
    LOW = "low", _("Low: uncertain, to be verified")


class Source(models.Model):
    """Where reference facts come from."""

    code = models.CharField(max_length=200, unique=True)
    text = models.TextField()

    def __str__(self) -> str:
        return self.code


class HostingEntity(models.Model):
    """The legal entity that hosts and operates (Regulation (EU) 2021/1173, Article 2(13)); the contracting party."""

    code = models.SlugField(max_length=120, unique=True)
    name = models.CharField(max_length=200)
    country = models.CharField(max_length=2)
    is_demo = models.BooleanField(default=False)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Factory(models.Model):
    """An AI factory: a service organisation made of legal entities, itself none (Article 2(3b))."""

    code = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=200)
    country = models.CharField(max_length=2)
    hosting_entity = models.ForeignKey(HostingEntity, models.PROTECT, null=True, related_name="factories")
    stage = models.CharField(max_length=20, choices=Stage)
    stage_text = models.TextField(blank=True, help_text="the stage in the source's own words")
    selected_on = models.DateField(null=True, blank=True)
    sectors = models.JSONField(default=list)
    website = models.URLField(blank=True)
    notes = models.TextField(blank=True)
    theme = models.CharField(max_length=40, blank=True, help_text="the factory's own colours in the portal")
    facts = models.JSONField(default=dict)
    is_demo = models.BooleanField(default=False)

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "factories"
        constraints = [models.CheckConstraint(condition=Q(stage__in=Stage.values), name="factory_stage_known")]

    def __str__(self) -> str:
        return self.name


class ConsortiumMember(models.Model):
    """A partner organisation or a participating state of a factory."""

    factory = models.ForeignKey(Factory, models.CASCADE, related_name="members")
    kind = models.CharField(max_length=10, choices=[("state", _("Participating state")), ("partner", _("Partner"))])
    name = models.CharField(max_length=200)
    country = models.CharField(max_length=2, blank=True)

    class Meta:
        ordering = ["kind", "name"]
        constraints = [models.UniqueConstraint(fields=["factory", "kind", "name"], name="member_once")]

    def __str__(self) -> str:
        return self.name


class LegalSubject(models.TextChoices):
    """What can be said of a factory in law."""

    PERSON = "person", _("Person in law")
    BASIS = "basis", _("Established under")
    FORM = "form", _("Its own form in national law")
    AGREEMENT = "agreement", _("Hosting agreement")
    CONTRACTS = "contracts", _("Who contracts and answers")
    CONDITIONS = "conditions", _("Who sets the conditions of access")
    SHARES = "shares", _("Whose hours they are")
    PAID = "paid", _("Paid commercial use")
    EXISTING = "existing", _("Beside what there was")


class LegalStatement(models.Model):
    """One thing that is known of a factory in law, for a period [valid_from, valid_until); of every factory, where none
    is named. `says` is the code of a sentence of `legal.SENTENCES`; what is known of one factory is told in `text`, in
    the words of its source. No row: not known."""

    is_reference = models.BooleanField(default=False, help_text="came with the package, and is refreshed with it")
    factory = models.ForeignKey(Factory, models.CASCADE, null=True, blank=True, related_name="legal_statements")
    subject = models.CharField(max_length=20, choices=LegalSubject)
    says = models.CharField(max_length=40, blank=True)
    text = models.TextField(blank=True)
    basis = models.CharField(max_length=200, blank=True, help_text="the act and its article")
    valid_from = models.DateField(null=True, blank=True)
    valid_until = models.DateField(null=True, blank=True)
    source = models.CharField(max_length=200)
    confidence = models.CharField(max_length=10, choices=Confidence)

    class Meta:
        ordering = ["factory", "subject", "valid_from"]
        constraints = [
            models.CheckConstraint(condition=~Q(says="", text=""), name="legal_statement_says_something"),
            models.CheckConstraint(condition=~Q(source=""), name="legal_statement_has_a_source"),
            models.CheckConstraint(condition=Q(subject__in=LegalSubject.values), name="legal_subject_known"),
            models.CheckConstraint(
                condition=Q(valid_from__isnull=True) | Q(valid_until__isnull=True) | Q(valid_until__gt=F("valid_from")),
                name="legal_statement_period",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.factory_id or 'every factory'}: {self.subject}"


class Antenna(models.Model):
    """An AI factory antenna: a country's entry to one or more factories (call HORIZON-JU-EUROHPC-2025-AIFA-01)."""

    code = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=200)
    country = models.CharField(max_length=2)
    selected_on = models.DateField(null=True, blank=True)
    status = models.CharField(max_length=200, blank=True)
    factories = models.ManyToManyField(Factory, related_name="antennas")
    facts = models.JSONField(default=dict)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Site(models.Model):
    """A data centre: a place on the map."""

    code = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=200)
    city = models.CharField(max_length=100, blank=True)
    country = models.CharField(max_length=2)
    latitude = models.FloatField(null=True, blank=True, validators=[MinValueValidator(-90), MaxValueValidator(90)])
    longitude = models.FloatField(null=True, blank=True, validators=[MinValueValidator(-180), MaxValueValidator(180)])
    hosting_entity = models.ForeignKey(HostingEntity, models.PROTECT, null=True, related_name="sites")
    facts = models.JSONField(default=dict)
    is_demo = models.BooleanField(default=False)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Link(models.Model):
    """A network link between two sites, either way, for a period [valid_from, valid_until). Unknown speed is null.

    `from_site` is the one whose code comes first, so that a link is known once, whichever end it is told from. The same
    two sites can have links of more than one network, and one after the other.
    """

    from_site = models.ForeignKey(Site, models.CASCADE, related_name="links_from")
    to_site = models.ForeignKey(Site, models.CASCADE, related_name="links_to")
    gigabits_per_second = models.FloatField(null=True, blank=True, validators=[MinValueValidator(0.001)])
    network = models.CharField(max_length=100, blank=True)
    valid_from = models.DateField(null=True, blank=True, help_text="null: not known since when")
    valid_until = models.DateField(null=True, blank=True)
    facts = models.JSONField(default=dict)
    is_demo = models.BooleanField(default=False)

    class Meta:
        ordering = ["from_site__name", "to_site__name", "valid_from"]
        constraints = [
            models.UniqueConstraint(fields=["from_site", "to_site", "network", "valid_from"], name="link_once"),
            models.CheckConstraint(condition=~Q(from_site=F("to_site")), name="link_between_two_sites"),
            models.CheckConstraint(
                condition=Q(gigabits_per_second__isnull=True) | Q(gigabits_per_second__gt=0), name="link_speed_positive"
            ),
            models.CheckConstraint(
                condition=Q(valid_from__isnull=True) | Q(valid_until__isnull=True) | Q(valid_until__gt=F("valid_from")),
                name="link_period",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.from_site} - {self.to_site}"

    def other(self, site: Site) -> Site:
        """The site at the other end."""
        return self.to_site if site.pk == self.from_site_id else self.from_site


class System(models.Model):
    """A supercomputer."""

    code = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=200)
    country = models.CharField(max_length=2)
    site = models.ForeignKey(Site, models.PROTECT, related_name="systems")
    hosting_entity = models.ForeignKey(HostingEntity, models.PROTECT, null=True, related_name="systems")
    factories = models.ManyToManyField(Factory, related_name="systems")
    stage = models.CharField(max_length=20, choices=Stage)
    stage_text = models.CharField(max_length=200, blank=True)
    system_class = models.CharField(max_length=60, blank=True, help_text="pre-exascale, mid-range, AI-optimised ...")
    operating_since = models.CharField(max_length=60, blank=True, help_text="month, or what the source expects")
    union_share_maximum = models.DecimalField(
        max_digits=4,
        decimal_places=3,
        null=True,
        blank=True,
        help_text="ceiling in law (Article 17), not the real share",
    )
    consortium_countries = models.JSONField(default=list)
    interconnect = models.CharField(max_length=200, blank=True)
    scheduler = models.CharField(max_length=60, blank=True)
    vendor = models.CharField(max_length=200, blank=True)
    rmax_petaflops = models.FloatField(null=True, blank=True)
    cost_million_euro = models.FloatField(null=True, blank=True)
    documentation = models.URLField(blank=True)
    notes = models.TextField(blank=True)
    facts = models.JSONField(default=dict)
    is_demo = models.BooleanField(default=False)

    class Meta:
        ordering = ["name"]
        constraints = [models.CheckConstraint(condition=Q(stage__in=Stage.values), name="system_stage_known")]

    def __str__(self) -> str:
        return self.name


class StageChange(models.Model):
    """A factory or a system entered a stage on a day: status through time."""

    factory = models.ForeignKey(Factory, models.CASCADE, null=True, blank=True, related_name="stages")
    system = models.ForeignKey(System, models.CASCADE, null=True, blank=True, related_name="stages")
    stage = models.CharField(max_length=20, choices=Stage)
    on = models.CharField(max_length=10, help_text="YYYY, YYYY-MM or YYYY-MM-DD, as exact as the source is")
    text = models.CharField(max_length=300, blank=True)
    source = models.CharField(max_length=200, blank=True)
    confidence = models.CharField(max_length=10, choices=Confidence, default=Confidence.HIGH)

    class Meta:
        ordering = ["on", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(factory__isnull=False, system__isnull=True) | Q(factory__isnull=True, system__isnull=False),
                name="stage_of_one_thing",
            )
        ]

    def __str__(self) -> str:
        return f"{self.on}: {self.get_stage_display()}"


class PartitionKind(models.TextChoices):
    GPU = "gpu", _("GPU")
    CPU = "cpu", _("CPU")
    FPGA = "fpga", _("FPGA")
    VISUALISATION = "visualisation", _("Visualisation")
    OTHER = "other", _("Other")


class Partition(models.Model):
    """A homogeneous part of a system. `code` is `system/partition`, as in the formats."""

    code = models.CharField(max_length=80, unique=True)
    system = models.ForeignKey(System, models.CASCADE, related_name="partitions")
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=20, choices=PartitionKind)
    nodes = models.PositiveIntegerField(null=True, blank=True)
    accelerators_per_node = models.PositiveIntegerField(null=True, blank=True)
    accelerator_model = models.CharField(max_length=200, blank=True)
    accelerator_memory_gib = models.FloatField(null=True, blank=True)
    accelerator_petaflops = models.FloatField(
        null=True, blank=True, help_text="dense BF16 peak of one accelerator, from the maker's data sheet"
    )
    cores_per_node = models.PositiveIntegerField(null=True, blank=True)
    cpu_model = models.CharField(max_length=200, blank=True)
    memory_gib_per_node = models.FloatField(null=True, blank=True)
    rmax_petaflops = models.FloatField(null=True, blank=True)
    notes = models.TextField(blank=True)
    facts = models.JSONField(default=dict)

    class Meta:
        ordering = ["system__name", "name"]

    def __str__(self) -> str:
        return self.code

    @property
    def counts_cores(self) -> bool:
        """Whether its hours are of cores: it is known to have no accelerators."""
        return self.accelerators_per_node == 0


class PartitionSize(models.Model):
    """From a day on a partition has this many nodes: it grew or shrank. Before the first of them: `Partition.nodes`."""

    partition = models.ForeignKey(Partition, models.CASCADE, related_name="sizes")
    nodes = models.PositiveIntegerField(help_text="0: out of service")
    valid_from = models.DateField()
    why = models.CharField(max_length=200)
    source = models.CharField(max_length=200, blank=True)
    confidence = models.CharField(max_length=10, choices=Confidence, default=Confidence.HIGH)

    class Meta:
        ordering = ["partition", "valid_from"]
        constraints = [
            models.UniqueConstraint(fields=["partition", "valid_from"], name="partition_size_once_a_day"),
            models.CheckConstraint(condition=~Q(why=""), name="partition_size_has_a_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.partition_id}: {self.nodes} from {self.valid_from}"


class Unit(models.TextChoices):
    """What hours are counted in."""

    NODE_HOUR = "node-hour", _("node-hour")
    GPU_HOUR = "gpu-hour", _("GPU-hour")
    GCD_HOUR = "gcd-hour", _("GCD-hour")
    SBU = "sbu", _("SBU")
    CORE_HOUR = "core-hour", _("core-hour")


def unit_name(unit: str) -> str:
    """A unit in the reader's language; one that isn't known as it was given."""
    return str(dict(Unit.choices).get(unit, unit))


class UnitConversion(models.Model):
    """What one unit of a partition is worth: `unit` = `numerator / denominator` accelerator-hours, for a period.

    Exact fractions, because they multiply exact integers. Periods are [valid_from, valid_until).
    """

    partition = models.ForeignKey(Partition, models.CASCADE, related_name="conversions")
    unit = models.CharField(max_length=20, choices=Unit)
    numerator = models.PositiveBigIntegerField()
    denominator = models.PositiveBigIntegerField(default=1)
    valid_from = models.DateField()
    valid_until = models.DateField(null=True, blank=True)
    source = models.CharField(max_length=200, blank=True)
    confidence = models.CharField(max_length=10, choices=Confidence, default=Confidence.HIGH)

    class Meta:
        ordering = ["partition", "unit", "valid_from"]
        constraints = [
            models.CheckConstraint(condition=Q(denominator__gt=0, numerator__gt=0), name="conversion_positive"),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gt=F("valid_from")), name="conversion_period"
            ),
        ]


class HourPrice(models.Model):
    """What an hour on a partition costs on the market, for a period [valid_from, valid_until): of an accelerator, or of
    a core where the partition counts cores. What free use by a firm is worth follows from it."""

    partition = models.ForeignKey(Partition, models.CASCADE, related_name="prices")
    euro = models.DecimalField(max_digits=9, decimal_places=4)
    valid_from = models.DateField()
    valid_until = models.DateField(null=True, blank=True)
    source = models.CharField(max_length=200, blank=True)
    confidence = models.CharField(max_length=10, choices=Confidence, default=Confidence.HIGH)

    class Meta:
        ordering = ["partition", "valid_from"]
        constraints = [
            models.CheckConstraint(condition=Q(euro__gt=0), name="hour_price_positive"),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gt=F("valid_from")), name="hour_price_period"
            ),
        ]


class Availability(models.Model):
    """The part of its time that a partition is up, for a period [valid_from, valid_until)."""

    partition = models.ForeignKey(Partition, models.CASCADE, related_name="availabilities")
    fraction = models.DecimalField(max_digits=6, decimal_places=5)
    valid_from = models.DateField()
    valid_until = models.DateField(null=True, blank=True)
    source = models.CharField(max_length=200, blank=True)
    confidence = models.CharField(max_length=10, choices=Confidence, default=Confidence.LOW)

    class Meta:
        ordering = ["partition", "valid_from"]
        verbose_name_plural = "availabilities"
        constraints = [
            models.CheckConstraint(condition=Q(fraction__gte=0, fraction__lte=1), name="availability_fraction"),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gt=F("valid_from")), name="availability_period"
            ),
        ]


class Maintenance(models.Model):
    """Nodes of a partition that are down from `start` to `end`. Null nodes: all of them."""

    partition = models.ForeignKey(Partition, models.CASCADE, related_name="maintenances")
    start = models.DateTimeField()
    end = models.DateTimeField()
    nodes = models.PositiveIntegerField(null=True, blank=True)
    why = models.CharField(max_length=200)

    class Meta:
        ordering = ["start"]
        constraints = [models.CheckConstraint(condition=Q(end__gt=F("start")), name="maintenance_period")]
