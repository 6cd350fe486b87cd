"""Of what a report is wanted: the year, the system, the unit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from fabriek.ledger.models import Unit

UNITS = [(Unit.ACCELERATOR_SECONDS.value, _("GPU-hours")), (Unit.CORE_SECONDS.value, _("core-hours"))]


class YearFilter(forms.Form):
    """Nothing said is each field's first choice."""

    year = forms.ChoiceField(label=_("Year"), required=False)

    def __init__(self, *args: Any, years: Sequence[tuple[str, Any]], **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["year"].choices = list(years)  # type: ignore[attr-defined]

    def chosen(self, name: str) -> str:
        """What was chosen, or the first choice; '' where there is none."""
        said: str = self.cleaned_data.get(name, "")
        choices = self.fields[name].choices  # type: ignore[attr-defined]
        return said or next((value for value, _label in choices), "")


class ReportFilter(YearFilter):
    """Of one system, or of all; in GPU-hours or core-hours."""

    system = forms.ChoiceField(label=_("System"), required=False)
    unit = forms.ChoiceField(label=_("Counted in"), required=False, choices=UNITS)

    def __init__(self, *args: Any, systems: Sequence[tuple[str, Any]], **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["system"].choices = list(systems)  # type: ignore[attr-defined]
