"""The questions of the desk's pages. What holds between answers is checked by the rooms' actions."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from fabriek.access.models import AccessMode, ApplicationState, Scoring
from fabriek.people.models import Role
from fabriek.portal.components.numbers import DecimalField, IntegerField
from fabriek.portal.pages.decide.subjects import kind_choices
from fabriek.portal.pages.decide.verbs import verb_choices
from fabriek.programmes.models import Programme
from fabriek.programmes.queries import leaf_programmes
from fabriek.projects.rules import month_after
from fabriek.register.models import Factory, Partition


class MonthField(forms.CharField):
    """A month such as 2026-11; cleaned: its first day."""

    widget = forms.TextInput(attrs={"type": "month", "placeholder": "2026-11"})

    def prepare_value(self, value: Any) -> Any:
        """A date as it stands in the control."""
        return f"{value:%Y-%m}" if isinstance(value, date) else value

    def to_python(self, value: Any) -> Any:
        """The first day of the month. Errors: ValidationError."""
        text = super().to_python(value)
        if not text:
            return None
        try:
            return datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC).date()
        except ValueError as error:
            raise forms.ValidationError(_("Give a month such as 2026-11.")) from error


class MomentField(forms.DateTimeField):
    """A moment in UTC."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


def _state_choices() -> list[tuple[str, Any]]:
    return [("", _("All")), *[c for c in ApplicationState.choices if c[0] != ApplicationState.DRAFT]]


class StateFilter(forms.Form):
    """Which applications of a call."""

    state = forms.ChoiceField(label=_("State"), required=False, choices=_state_choices)


class EligibilityForm(forms.Form):
    """A person's verdict on eligibility."""

    eligible = forms.ChoiceField(
        label=_("Is the application eligible?"),
        choices=[("yes", _("Eligible")), ("no", _("Not eligible"))],
        widget=forms.RadioSelect,
    )
    remark = forms.CharField(
        label=_("Remark"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Needed where you go against the automatic findings. The applicant reads it."),
    )


class AssessmentForm(forms.Form):
    """The technical verdict."""

    feasible = forms.ChoiceField(
        label=_("Can it be done on what is asked for?"),
        choices=[("yes", _("Technically sound")), ("no", _("Not feasible"))],
        widget=forms.RadioSelect,
        help_text=_("Software, scaling, memory, data, the partition: not its scientific or economic worth."),
    )
    remark = forms.CharField(
        label=_("To the applicant and the reviewers"),
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("Where it is not feasible, this is the answer that the applicant gets."),
    )
    confidential_remark = forms.CharField(
        label=_("To the officers only"), required=False, widget=forms.Textarea(attrs={"rows": 3}), max_length=20_000
    )


class ScoreForm(forms.Form):
    """The settled score."""

    score = DecimalField(
        label=_("Score"),
        required=False,
        max_digits=5,
        decimal_places=2,
        help_text=_("Leave empty for the score that counts."),
    )
    remark = forms.CharField(
        label=_("Why another score"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class AnswerForm(forms.Form):
    """The answer to an objection."""

    upheld = forms.ChoiceField(
        label=_("Is the objection right?"),
        choices=[
            ("yes", _("Upheld: the application is decided on again")),
            ("no", _("Not upheld: the decision stays")),
        ],
        widget=forms.RadioSelect,
    )
    answer = forms.CharField(
        label=_("Answer to the applicant"), max_length=10_000, widget=forms.Textarea(attrs={"rows": 5})
    )


class CallForm(forms.Form):
    """A new call, from an access mode's terms."""

    access_mode = forms.ModelChoiceField(
        label=_("Access mode"),
        queryset=AccessMode.objects.filter(is_open_to_calls=True),
        to_field_name="code",
        empty_label=_("Choose"),
        help_text=_("Its limits, criteria, threshold and answer time are copied into the call."),
    )
    factory = forms.ModelChoiceField(
        label=_("Factory"), queryset=Factory.objects.all(), to_field_name="code", empty_label=_("Choose")
    )
    programme = forms.ModelChoiceField(
        label=_("Out of the share of"), queryset=leaf_programmes(), to_field_name="code", empty_label=_("Choose")
    )
    partitions = forms.ModelMultipleChoiceField(
        label=_("Partitions"),
        queryset=Partition.objects.none(),
        to_field_name="code",
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Those that have a share in the coming months."),
        error_messages={"required": _("Choose at least one partition.")},
    )
    title = forms.CharField(label=_("Title"), max_length=200)
    opens = MomentField(label=_("Opens"), help_text=_("In UTC."))
    closes = MomentField(label=_("Closes"), help_text=_("In UTC: the cut-off."))
    first_month = MonthField(label=_("First month of use"))
    months = IntegerField(label=_("Months on offer"), min_value=1, max_value=36)
    minimum_gpu_hours = IntegerField(
        label=_("At least, per application"),
        required=False,
        min_value=0,
        max_value=10**10,
        help_text=_("Empty: as the access mode says. 0: no minimum."),
    )
    maximum_gpu_hours = IntegerField(
        label=_("At most, per application"),
        required=False,
        min_value=1,
        max_value=10**10,
        help_text=_("Empty: as the access mode says. Node-hours are converted, the strictest of the partitions."),
    )
    reviewers = IntegerField(
        label=_("Reviewers of each application"),
        required=False,
        min_value=1,
        max_value=20,
        help_text=_("Empty: as the access mode says."),
    )
    reviewer_limit = IntegerField(
        label=_("At most, reviews of one reviewer"),
        required=False,
        min_value=1,
        max_value=1000,
        help_text=_("Of this call. Empty: no limit; the loads come out as even as can be."),
    )
    reply_working_days = IntegerField(
        label=_("Working days to reply to the reviews"),
        required=False,
        min_value=0,
        max_value=30,
        help_text=_("Applicants answer what the reviewers say before it is decided. Empty: no right to reply."),
    )
    scoring = forms.ChoiceField(
        label=_("Score"),
        required=False,
        choices=Scoring.choices,
        widget=forms.RadioSelect,
        help_text=_("Chosen now, before any score is there to see, and fixed once the call is open."),
    )
    text = forms.CharField(
        label=_("What applicants should know"),
        required=False,
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 5}),
    )

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        shown = Partition.objects.filter(shares__isnull=False).distinct()
        self.fields["partitions"].queryset = shown  # type: ignore[attr-defined]


class ByHandForm(forms.Form):
    """What becomes of something that was changed by hand at a site."""

    choice = forms.ChoiceField(
        label=_("What should become of it?"),
        choices=[
            ("correct", _("Change it back to what was awarded")),
            ("accept", _("Let it be, until another award is made")),
        ],
        widget=forms.RadioSelect,
    )
    why = forms.CharField(
        label=_("Why"),
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Needed to let it be. The auditor reads it."),
    )


class CloseForm(forms.Form):
    """Why a call closes before its cut-off."""

    why = forms.CharField(label=_("Why"), required=False, max_length=300)


class ShareForm(forms.Form):
    """The shares of one partition over some months: a field for each leaf programme, in percent."""

    first = MonthField(label=_("From"))
    months = IntegerField(label=_("Number of months"), min_value=1, max_value=36)
    why = forms.CharField(label=_("Why"), required=False, max_length=300, help_text=_("Stays on record."))

    def __init__(self, programmes: list[Programme], *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.programmes = programmes
        for programme in programmes:
            self.fields[programme.code] = DecimalField(
                label=programme.name, required=False, max_digits=9, decimal_places=6
            )

    def fractions(self) -> dict[str, Decimal]:
        """Programme code -> fraction, the rows that were left empty left out."""
        given = {p.code: self.cleaned_data.get(p.code) for p in self.programmes}
        return {code: percent / 100 for code, percent in given.items() if percent is not None}

    def rows(self) -> list[tuple[Programme, forms.BoundField]]:
        """Each programme with its field."""
        return [(programme, self[programme.code]) for programme in self.programmes]

    def month_list(self) -> list[date]:
        """The months, by their first days."""
        first = self.cleaned_data["first"]
        return [month_after(first, number) for number in range(self.cleaned_data["months"])]


class ReallocationForm(forms.Form):
    """Hours from one programme's share to another's."""

    kind = forms.ChoiceField(
        label=_("Kind"),
        choices=[("reallocation", _("Reallocation")), ("transfer", _("Transfer"))],
        widget=forms.RadioSelect,
    )
    partition = forms.ModelChoiceField(
        label=_("Partition"),
        queryset=Partition.objects.filter(shares__isnull=False).distinct(),
        to_field_name="code",
        empty_label=_("Choose"),
    )
    month = MonthField(label=_("Month"))
    from_programme = forms.ModelChoiceField(
        label=_("From programme"), queryset=leaf_programmes(), to_field_name="code", empty_label=_("Choose")
    )
    to_programme = forms.ModelChoiceField(
        label=_("To programme"), queryset=leaf_programmes(), to_field_name="code", empty_label=_("Choose")
    )
    hours = IntegerField(label=_("Hours"), min_value=1, max_value=10**10)
    why = forms.CharField(label=_("Why"), max_length=1000, widget=forms.Textarea(attrs={"rows": 3}))


class CapacityForm(forms.Form):
    """Which months of a partition go on the ledger."""

    partition = forms.ModelChoiceField(
        label=_("Partition"), queryset=Partition.objects.none(), to_field_name="code", empty_label=_("Choose")
    )
    first = MonthField(label=_("From"))
    months = IntegerField(label=_("Number of months"), min_value=1, max_value=36)

    def __init__(self, *args: Any, partitions: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["partition"].queryset = partitions  # type: ignore[attr-defined]


class MaintenanceForm(forms.Form):
    """Nodes that will be down."""

    partition = forms.ModelChoiceField(
        label=_("Partition"), queryset=Partition.objects.none(), to_field_name="code", empty_label=_("Choose")
    )
    start = MomentField(label=_("From"), help_text=_("In UTC."))
    end = MomentField(label=_("Until"), help_text=_("In UTC."))
    nodes = IntegerField(label=_("Nodes"), required=False, min_value=1, help_text=_("Empty: all of them."))
    why = forms.CharField(label=_("What is done"), max_length=200)

    def __init__(self, *args: Any, partitions: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["partition"].queryset = partitions  # type: ignore[attr-defined]


class PeopleFilter(forms.Form):
    """Who is looked for."""

    q = forms.CharField(label=_("Name or e-mail address"), required=False, max_length=200)


class RoleForm(forms.Form):
    """A role to give, out of those that are not held yet."""

    def __init__(self, held: Collection[str], *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        choices = [(role, label) for role, label in Role.choices if role not in held and role != Role.APPLICANT]
        self.fields["role"] = forms.ChoiceField(label=_("Role"), choices=choices)
        self.has_choices = bool(choices)


class AuditFilter(forms.Form):
    """Which events."""

    verb = forms.ChoiceField(label=_("What"), required=False, choices=verb_choices)
    actor = forms.CharField(
        label=_("Who"), required=False, max_length=200, widget=forms.TextInput(attrs={"list": "actors"})
    )
    kind = forms.ChoiceField(label=_("About"), required=False, choices=kind_choices)
    subject = forms.CharField(label=_("Which one"), required=False, max_length=120)
    since = forms.DateField(label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label=_("Until"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
