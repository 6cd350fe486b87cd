"""The steps of an application as forms. What is allowed is the rooms' to say; these only read answers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from fabriek.access.ethics import ANSWERS, QUESTIONS
from fabriek.access.models import Application, Call
from fabriek.access.room import FreeByMonth, first_month_with_room, free_by_month
from fabriek.conf.amounts import month_text, number_text
from fabriek.people.models import Organisation, OrganisationClass
from fabriek.portal.components.countries import country_choices, country_name
from fabriek.portal.components.numbers import IntegerField
from fabriek.portal.components.reference_texts import reference_text
from fabriek.projects.rules import month_after
from fabriek.register.models import Partition

CHOICES = 3


class OrganisationForm(forms.Form):
    """For whom one applies."""

    name = forms.CharField(label=_("Name of your organisation"), max_length=200)
    organisation_class = forms.ChoiceField(
        label=_("What is it?"),
        choices=OrganisationClass.choices,
        help_text=_("An SME has fewer than 250 staff and a turnover of at most 50 million euros."),
    )
    country = forms.ChoiceField(label=_("Where is it established?"), choices=country_choices)

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        # One that the lists don't have (registered over the API, say) stays what it is.
        known, field = self.initial.get("country"), self.fields["country"]
        if known and isinstance(field, forms.ChoiceField) and not field.valid_value(known):
            field.choices = [(known, country_name(known)), *country_choices()]


class ProjectForm(forms.Form):
    """What will be done."""

    title = forms.CharField(label=_("Title"), max_length=200, required=False)
    summary = forms.CharField(
        label=_("What will you do, and why does it matter?"),
        required=False,
        max_length=5_000,
        widget=forms.Textarea(attrs={"rows": 6}),
    )
    method = forms.CharField(
        label=_("How: software, scaling, and why these hours"),
        required=False,
        max_length=5_000,
        widget=forms.Textarea(attrs={"rows": 6}),
    )
    keywords = forms.CharField(
        label=_("Keywords"), required=False, max_length=300, help_text=_("Between commas; they find you reviewers.")
    )

    def clean_keywords(self) -> list[str]:
        """The words as a list."""
        return [word.strip() for word in self.cleaned_data["keywords"].split(",") if word.strip()]


class DataForm(forms.Form):
    """Data and ethics."""

    data_statement = forms.CharField(
        label=_("Which data, whose are they, and where are they?"),
        required=False,
        max_length=5_000,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    commercial = forms.TypedChoiceField(
        label=_("Do you pay for commercial use?"),
        help_text=_("Industry that is no start-up or SME pays. Such use is at most a fifth of the Union's time."),
        choices=ANSWERS,
        widget=forms.RadioSelect,
        coerce=lambda value: value == "yes",
        required=False,
        empty_value=None,
    )

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        for code, question in QUESTIONS:
            self.fields[f"ethics_{code}"] = forms.ChoiceField(
                label=question, choices=ANSWERS, widget=forms.RadioSelect, required=False
            )

    def ethics(self) -> dict[str, str]:
        """The self-assessment's answers."""
        return {code: self.cleaned_data.get(f"ethics_{code}") or "" for code, _question in QUESTIONS}


class RequestForm(forms.Form):
    """Up to three ways to be served, in order of preference."""

    def __init__(self, *arguments: Any, call: Call, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.call = call
        self.partitions = {partition.code: partition for partition in call.partitions.all()}
        free = free_by_month([call])[call.pk]
        suggested = first_month_with_room(call, free, timezone.now())
        months = [month_after(call.first_month, n) for n in range(call.months)]
        durations = call.durations_months or list(range(1, call.months + 1))
        for n in range(CHOICES):
            self.fields[f"gpu_hours_{n}"] = IntegerField(
                label=_("GPU-hours"), required=False, min_value=1, max_value=10**10
            )
            self.fields[f"partition_{n}"] = forms.ChoiceField(
                label=_("Partition"),
                required=False,
                choices=[(code, partition_text(partition)) for code, partition in self.partitions.items()],
            )
            self.fields[f"month_{n}"] = forms.ChoiceField(
                label=_("From"),
                required=False,
                initial=f"{suggested:%Y-%m}",
                choices=[
                    (f"{month:%Y-%m}", " · ".join([month_text(month), *self._free_in(month, free)])) for month in months
                ],
            )
            self.fields[f"months_{n}"] = forms.TypedChoiceField(
                label=_("For how long?"),
                required=False,
                coerce=int,
                empty_value=None,
                choices=[
                    (d, ngettext("%(n)s month", "%(n)s months", d) % {"n": d}) for d in durations if d <= call.months
                ],
            )

    def _free_in(self, month: date, free: FreeByMonth) -> list[str]:
        """What is free in a month, beside its name: on each partition where there are several."""
        hours = {code: there.get(month, 0) // 3600 for code, there in free.items()}
        if len(hours) == 1:
            return [_("%(hours)s GPU-hours free") % {"hours": number_text(n)} for n in hours.values()]
        return [
            _("%(hours)s free on %(partition)s") % {"hours": number_text(n), "partition": self.partitions[code].name}
            for code, n in sorted(hours.items())
        ]

    def choices(self) -> list[dict[str, Any]]:
        """The form's fields, choice by choice, for the page."""
        return [
            {
                "number": n + 1,
                "gpu_hours": self[f"gpu_hours_{n}"],
                "partition": self[f"partition_{n}"],
                "month": self[f"month_{n}"],
                "months": self[f"months_{n}"],
                "is_filled": bool(self[f"gpu_hours_{n}"].value()) or bool(self[f"gpu_hours_{n}"].errors),
            }
            for n in range(CHOICES)
        ]

    def add_limit_faults(self, faults: Mapping[str, list[str]]) -> None:
        """Put what lies outside the call's limits beside the choice that it is about."""
        filled = [n for n in range(CHOICES) if self.cleaned_data.get(f"gpu_hours_{n}")]
        for field, sentences in faults.items():
            _name, _dot, number = field.partition(".")
            if number:
                self.add_error(f"gpu_hours_{filled[int(number)]}", sentences)

    def alternatives(self) -> list[dict[str, Any]]:
        """What was asked for, without the choices that were left empty."""
        found = []
        for n in range(CHOICES):
            hours = self.cleaned_data.get(f"gpu_hours_{n}")
            if hours:
                month = self.cleaned_data[f"month_{n}"] or f"{self.call.first_month:%Y-%m}"
                code = self.cleaned_data[f"partition_{n}"] or next(iter(self.partitions))
                found.append(
                    {
                        "partition": self.partitions[code],
                        "first_month": date.fromisoformat(f"{month}-01"),
                        "months": self.cleaned_data[f"months_{n}"] or 1,
                        "gpu_hours": hours,
                    }
                )
        return found


def partition_text(partition: Partition) -> str:
    """A partition as an applicant knows it: the machine, its part, what calculates there."""
    text = f"{partition.system.name}, {partition.name}"
    return f"{text} · {reference_text(partition.accelerator_model)}" if partition.accelerator_model else text


def initial_of_organisation(organisation: Organisation | None) -> dict[str, Any]:
    """What the form of an organisation shows at first."""
    names = ("name", "organisation_class", "country")
    return {name: getattr(organisation, name, "") for name in names}


def initial_of(application: Application, step: str) -> dict[str, Any]:
    """What a step's form shows at first."""
    if step == "organisation":
        return initial_of_organisation(application.organisation)
    if step == "project":
        words = ", ".join(str(word) for word in application.keywords)
        return {
            "title": application.title,
            "summary": application.summary,
            "method": application.method,
            "keywords": words,
        }
    if step == "data":
        ethics = {f"ethics_{code}": application.ethics.get(code, "") for code, _question in QUESTIONS}
        commercial = "yes" if application.commercial else "no"
        return {"data_statement": application.data_statement, "commercial": commercial, **ethics}
    shown: dict[str, Any] = {}
    for n, asked in enumerate(list(application.alternatives.all())[:CHOICES]):
        shown |= {
            f"gpu_hours_{n}": asked.gpu_hours,
            f"partition_{n}": asked.partition.code,
            f"month_{n}": f"{asked.first_month:%Y-%m}",
            f"months_{n}": asked.months,
        }
    return shown
