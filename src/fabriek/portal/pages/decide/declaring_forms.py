"""The questions of who declares machines and makes promises. What holds between answers is checked by the rooms."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from fabriek.people.models import OrganisationClass
from fabriek.portal.components.numbers import DecimalField, FloatField, IntegerField
from fabriek.programmes.models import Pillar, Programme
from fabriek.register.models import Confidence, Factory, Partition, PartitionKind, Site, Stage, System


class CodeField(forms.SlugField):
    """A short name that addresses and files use; it stays."""

    def __init__(self, **more: Any) -> None:
        more.setdefault("max_length", 60)
        super().__init__(
            label=_("Short name"),
            help_text=_("Small letters, digits and hyphens. It stands in addresses and files, and stays."),
            validators=[RegexValidator("^[a-z0-9]+(-[a-z0-9]+)*$", _("Use small letters, digits and hyphens."))],
            **more,
        )


class CountryField(forms.CharField):
    """A country's two letters."""

    def __init__(self, **more: Any) -> None:
        super().__init__(
            max_length=2,
            validators=[RegexValidator("^[A-Z]{2}$", _("Give two letters, such as NL."))],
            **{"label": _("Country"), "help_text": _("Two letters, such as NL."), **more},
        )

    def to_python(self, value: Any) -> Any:
        """In capitals."""
        return (super().to_python(value) or "").upper()


class DayField(forms.DateField):
    """A day."""

    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


def _choice(label: Any, queryset: Any, **more: Any) -> forms.ModelChoiceField:
    empty = _("Choose") if more.get("required", True) else "–"
    return forms.ModelChoiceField(
        **{"label": label, "queryset": queryset, "to_field_name": "code", "empty_label": empty, **more}
    )


class Declaring(forms.Form):
    """A form whose page shows its fields one under the other, each as wide as its answer."""

    widths: dict[str, str] = {}

    def questions(self) -> list[tuple[forms.BoundField, str]]:
        """Each field with its width."""
        return [(field, self.widths.get(field.name, "")) for field in self.visible_fields()]


class SiteForm(Declaring):
    """A data centre."""

    widths = {"code": "md", "city": "md", "country": "xs", "latitude": "sm", "longitude": "sm"}
    name = forms.CharField(label=_("Name"), max_length=200)
    code = CodeField()
    city = forms.CharField(label=_("City"), max_length=100)
    country = CountryField()
    hosting_entity = forms.CharField(label=_("Hosting entity"), max_length=200, required=False)
    latitude = FloatField(label=_("Latitude"), required=False, min_value=-90, max_value=90)
    longitude = FloatField(
        label=_("Longitude"), required=False, min_value=-180, max_value=180, help_text=_("For the map.")
    )

    def said(self) -> dict[str, Any]:
        """What the action takes; a place that is not given is unknown."""
        return {name: value for name, value in self.cleaned_data.items() if value is not None}


class FactoryForm(Declaring):
    """An AI factory."""

    widths = {"code": "md", "country": "xs", "stage": "md"}
    name = forms.CharField(label=_("Name"), max_length=200)
    code = CodeField()
    country = CountryField()
    hosting_entity = forms.CharField(
        label=_("Hosting entity"),
        max_length=200,
        help_text=_("The legal entity that answers for it: a factory is none."),
    )
    stage = forms.ChoiceField(label=_("Stage"), choices=Stage, initial=Stage.OPERATING)


class SystemForm(Declaring):
    """A supercomputer."""

    widths = {"code": "md", "site": "lg", "factory": "lg", "stage": "md"}
    name = forms.CharField(label=_("Name"), max_length=200)
    code = CodeField()
    site = _choice(_("Site"), Site.objects.all())
    factory = _choice(_("Factory"), Factory.objects.all())
    stage = forms.ChoiceField(label=_("Stage"), choices=Stage, initial=Stage.OPERATING)


class PartitionForm(Declaring):
    """A homogeneous part of a system."""

    widths = {
        "name": "md",
        "kind": "md",
        "nodes": "xs",
        "accelerators_per_node": "xs",
        "cores_per_node": "xs",
    }
    name = forms.CharField(label=_("Name"), max_length=80, help_text=_("As the site calls it, such as gpu or booster."))
    kind = forms.ChoiceField(label=_("Kind"), choices=PartitionKind)
    nodes = IntegerField(label=_("Nodes"), min_value=1, max_value=10_000_000)
    accelerators_per_node = IntegerField(label=_("Accelerators in each node"), min_value=0, max_value=10_000)
    cores_per_node = IntegerField(label=_("Cores in each node"), min_value=1, max_value=100_000)
    accelerator_model = forms.CharField(label=_("Model of the accelerators"), max_length=200, required=False)


class SizeForm(Declaring):
    """From a day on a partition has this many nodes."""

    widths = {"partition": "lg", "nodes": "xs", "valid_from": "sm"}
    partition = _choice(_("Partition"), Partition.objects.order_by("code"))
    nodes = IntegerField(
        label=_("Nodes from that day on"),
        min_value=0,
        max_value=10_000_000,
        help_text=_("All of them together; 0: out of service."),
    )
    valid_from = DayField(label=_("From"), help_text=_("A month counts each day with the nodes of that day."))
    why = forms.CharField(label=_("Why"), max_length=200, help_text=_("Stays on record."))


class ConversionForm(Declaring):
    """What a unit of a partition is worth."""

    widths = {
        "partition": "lg",
        "unit": "md",
        "numerator": "sm",
        "denominator": "sm",
        "valid_from": "sm",
        "valid_until": "sm",
        "confidence": "lg",
    }
    partition = _choice(_("Partition"), Partition.objects.order_by("code"))
    unit = forms.ChoiceField(
        label=_("Unit"),
        choices=[
            ("node-hour", _("node-hour")),
            ("core-hour", _("core-hour")),
            ("gcd-hour", _("GCD-hour")),
            ("sbu", _("SBU")),
        ],
    )
    numerator = IntegerField(
        label=_("Is worth so many GPU-hours"),
        min_value=1,
        max_value=10**9,
        help_text=_("A node-hour of nodes with 4 GPUs: 4."),
    )
    denominator = IntegerField(
        label=_("Divided by"),
        min_value=1,
        max_value=10**9,
        initial=1,
        help_text=_("1 where it is a whole number. 192 SBU for a GPU-hour: 1 divided by 192."),
    )
    valid_from = DayField(label=_("From"))
    valid_until = DayField(label=_("Until"), required=False, help_text=_("The first day on which it no longer holds."))
    ends_previous = forms.BooleanField(
        label=_("What this unit is worth now without an end, ends on that day"), required=False
    )
    source = forms.CharField(
        label=_("Source"), max_length=200, required=False, help_text=_("Where this can be read. Empty: the operator.")
    )
    confidence = forms.ChoiceField(label=_("How sure is it?"), choices=Confidence.choices, initial=Confidence.HIGH)

    def said(self) -> dict[str, Any]:
        """What the action takes."""
        return {**self.cleaned_data, "source": self.cleaned_data["source"] or "operator"}


class PriceForm(Declaring):
    """What an hour on a partition costs."""

    widths = {"partition": "lg", "euro": "sm", "valid_from": "sm", "valid_until": "sm", "confidence": "lg"}
    partition = _choice(_("Partition"), Partition.objects.order_by("code"))
    euro = forms.DecimalField(
        label=_("Euros an hour"),
        min_value=Decimal("0.0001"),
        max_value=Decimal("99999.9999"),
        decimal_places=4,
        help_text=_("An hour of one GPU; of one core, where the partition has no GPUs."),
    )
    valid_from = DayField(label=_("From"))
    valid_until = DayField(label=_("Until"), required=False, help_text=_("The first day on which it no longer holds."))
    ends_previous = forms.BooleanField(label=_("What it costs now without an end, ends on that day"), required=False)
    source = forms.CharField(label=_("Source"), max_length=200, help_text=_("Where this can be read."))
    confidence = forms.ChoiceField(label=_("How sure is it?"), choices=Confidence.choices, initial=Confidence.HIGH)


class LinkForm(Declaring):
    """A network link between two sites."""

    widths = {
        "site": "lg",
        "other": "lg",
        "network": "md",
        "gigabits_per_second": "sm",
        "valid_from": "sm",
        "valid_until": "sm",
    }
    site = _choice(_("Between"), Site.objects.order_by("name"))
    other = _choice(_("And"), Site.objects.order_by("name"))
    network = forms.CharField(
        label=_("Network"), max_length=100, required=False, help_text=_("Who carries it, such as GÉANT.")
    )
    gigabits_per_second = FloatField(
        label=_("Speed, in gigabits a second"),
        required=False,
        min_value=0.001,
        max_value=1_000_000,
        help_text=_("Empty: not known."),
    )
    valid_from = DayField(label=_("From"))
    valid_until = DayField(label=_("Until"), required=False, help_text=_("The first day on which it no longer holds."))
    ends_previous = forms.BooleanField(
        label=_("The link of this network that holds now without an end, ends on that day"), required=False
    )
    source = forms.CharField(
        label=_("Source"), max_length=200, required=False, help_text=_("Where this can be read. Empty: the operator.")
    )

    def said(self) -> dict[str, Any]:
        """What the action takes."""
        return {**self.cleaned_data, "source": self.cleaned_data["source"] or "operator"}


class EndingForm(Declaring):
    """When something ends, and why."""

    widths = {"valid_until": "sm"}
    valid_until = DayField(label=_("Ends on"), help_text=_("The first day on which it no longer holds."))
    why = forms.CharField(label=_("Why"), max_length=1000, help_text=_("Stays on record."))


class RenameForm(Declaring):
    """A programme's new name, and why."""

    name = forms.CharField(label=_("New name"), max_length=200)
    why = forms.CharField(label=_("Why"), max_length=1000, help_text=_("Stays on record."))


class WhyForm(Declaring):
    """Why something is done."""

    why = forms.CharField(
        label=_("Why"), max_length=1000, widget=forms.Textarea(attrs={"rows": 3}), help_text=_("Stays on record.")
    )


class AvailabilityForm(Declaring):
    """The part of its time that a partition is up."""

    widths = {"partition": "lg", "percent": "xs", "valid_from": "sm", "valid_until": "sm"}
    partition = _choice(_("Partition"), Partition.objects.order_by("code"))
    percent = DecimalField(
        label=_("Up, in percent of the time"),
        min_value=0,
        max_value=100,
        max_digits=6,
        decimal_places=3,
        help_text=_("Outside planned maintenance, which is counted by itself."),
    )
    valid_from = DayField(label=_("From"), help_text=_("A month counts with what holds on its first day."))
    valid_until = DayField(label=_("Until"), required=False, help_text=_("The first day on which it no longer holds."))
    ends_previous = forms.BooleanField(
        label=_("What holds now without an end, ends on that day"), required=False, initial=True
    )

    def said(self) -> dict[str, Any]:
        """What the action takes."""
        said = dict(self.cleaned_data)
        said["fraction"] = said.pop("percent") / 100
        return said


class ClusterForm(Declaring):
    """A scheduler at a site: a field for each partition there, with its name in the scheduler."""

    widths = {"code": "md"}
    code = CodeField()
    engine = forms.ChoiceField(
        label=_("Scheduler"),
        choices=[("slurm", "Slurm"), ("local", _("Embedded local engine"))],
        widget=forms.RadioSelect,
    )

    def __init__(self, site: Site, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.here = list(Partition.objects.filter(system__site=site).select_related("system").order_by("code"))
        for partition in self.here:
            self.fields[partition.code] = forms.CharField(
                label=partition.code,
                required=False,
                max_length=80,
                help_text=_("Its name in the scheduler. Empty: not of this cluster."),
            )
            self.widths = {**self.widths, partition.code: "md"}

    def clean(self) -> dict[str, Any]:
        """Two partitions don't have one name."""
        said = super().clean() or {}
        seen: set[str] = set()
        for partition in self.here:
            name = said.get(partition.code, "")
            if name and name in seen:
                self.add_error(partition.code, _("Another partition has this name."))
            seen.add(name)
        return said

    def partitions(self) -> dict[str, Partition]:
        """The scheduler's name -> partition, those left empty left out."""
        return {name: partition for partition in self.here if (name := self.cleaned_data[partition.code])}


class ProgrammeForm(Declaring):
    """A programme, at the root or as a part of another."""

    widths = {"code": "md", "country": "xs", "parent": "lg", "pillar": "lg", "overbooking": "xs"}
    name = forms.CharField(label=_("Name"), max_length=200)
    code = CodeField(max_length=80)
    kind = forms.ChoiceField(
        label=_("Whose"), choices=[("union", _("Union")), ("national", _("National"))], widget=forms.RadioSelect
    )
    country = CountryField(required=False, help_text=_("Of a national programme: two letters, such as NL."))
    parent = _choice(
        _("Part of"),
        Programme.objects.order_by("name"),
        required=False,
        help_text=_("Only a programme that holds no shares itself can have parts."),
    )
    pillar = _choice(
        _("Pillar"), Pillar.objects.all(), required=False, help_text=_("Empty: that of the whole, or national.")
    )
    overbooking = DecimalField(
        label=_("Overbooking"),
        min_value=1,
        max_digits=4,
        decimal_places=3,
        initial=Decimal(1),
        help_text=_("Awards may reach this many times the share: 1 is no overbooking."),
    )
    decides = forms.CharField(label=_("Who decides on its awards"), max_length=200, required=False)
    legal_basis = forms.CharField(label=_("Legal basis"), max_length=300, required=False)


class PromiseForm(Declaring):
    """A floor, a cap or a baseline."""

    widths = {
        "code": "md",
        "programme": "lg",
        "organisation_class": "md",
        "country": "xs",
        "percent": "xs",
        "base": "lg",
        "hours_a_month": "sm",
        "system": "lg",
        "rank": "xs",
        "valid_from": "sm",
        "valid_until": "sm",
    }
    name = forms.CharField(label=_("Name"), max_length=200)
    code = CodeField(max_length=80)
    kind = forms.ChoiceField(
        label=_("Kind"),
        choices=[
            ("floor", _("Floor: at least this fraction, for a class of applicants")),
            ("cap", _("Cap: at most this fraction")),
            ("baseline", _("Baseline: these hours a month for an existing programme")),
        ],
        widget=forms.RadioSelect,
    )
    programme = _choice(
        _("Measured on the hours of"),
        Programme.objects.order_by("name"),
        required=False,
        empty_label=_("All programmes"),
    )
    organisation_class = forms.ChoiceField(
        label=_("By applicants of the class"), required=False, choices=[("", "–"), *OrganisationClass.choices]
    )
    country = CountryField(label=_("By applicants of the country"), required=False)
    commercial = forms.BooleanField(label=_("Counts paid commercial use only"), required=False)
    percent = DecimalField(
        label=_("Fraction, in percent"),
        required=False,
        min_value=0,
        max_value=100,
        max_digits=7,
        decimal_places=4,
        help_text=_("Of a floor or a cap."),
    )
    of = forms.ChoiceField(
        label=_("Fraction of"),
        choices=[("awarded", _("awarded hours")), ("capacity", _("capacity"))],
        initial="capacity",
        widget=forms.RadioSelect,
    )
    base = _choice(
        _("Of the hours of"),
        Programme.objects.order_by("name"),
        required=False,
        empty_label=_("The same programme"),
    )
    hours_a_month = IntegerField(
        label=_("GPU-hours a month"), required=False, min_value=1, max_value=10**10, help_text=_("Of a baseline.")
    )
    system = _choice(_("System"), System.objects.order_by("name"), required=False, empty_label=_("Every system, each"))
    rank = IntegerField(
        label=_("Rank"),
        min_value=1,
        max_value=1000,
        initial=1,
        help_text=_("Where not all can be kept, the lowest number goes first."),
    )
    valid_from = DayField(label=_("From"))
    valid_until = DayField(label=_("Until"), required=False, help_text=_("The first day on which it no longer holds."))
    legal_basis = forms.CharField(label=_("Legal basis"), max_length=300, required=False)

    NAMES = {"fraction": "percent", "accelerator_seconds_a_month": "hours_a_month"}
    """What the room calls an answer -> what this form calls it."""

    def said(self) -> dict[str, Any]:
        """What the action takes."""
        said = dict(self.cleaned_data)
        percent, hours = said.pop("percent", None), said.pop("hours_a_month", None)
        return {
            **said,
            "fraction": None if percent is None else percent / 100,
            "accelerator_seconds_a_month": None if hours is None else hours * 3600,
        }
