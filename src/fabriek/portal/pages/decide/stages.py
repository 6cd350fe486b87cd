"""A factory or a system enters a stage."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabriek.portal.access import requires
from fabriek.portal.pages.decide.declaring_forms import Declaring
from fabriek.portal.pages.decide.replies import acted, page, person_of, posted
from fabriek.register.models import Confidence, Factory, Stage, System
from fabriek.register.stages import change_stage

KINDS: dict[str, type[Factory] | type[System]] = {"system": System, "factory": Factory}


class StageForm(Declaring):
    """Which stage, since when, and how that is known."""

    widths = {"thing": "lg", "stage": "md", "on": "sm", "confidence": "lg"}
    thing = forms.ChoiceField(label=gettext_lazy("System or factory"))
    stage = forms.ChoiceField(
        label=gettext_lazy("Stage that it entered"), choices=[("", gettext_lazy("Choose")), *Stage.choices]
    )
    on = forms.CharField(
        label=gettext_lazy("When"),
        max_length=10,
        help_text=gettext_lazy("As exactly as it is known: 2026, 2026-11 or 2026-11-24."),
    )
    text = forms.CharField(label=gettext_lazy("In a few words"), max_length=200, required=False)
    source = forms.CharField(
        label=gettext_lazy("Source"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("Where this can be read. Empty: the operator."),
    )
    confidence = forms.ChoiceField(
        label=gettext_lazy("How sure is it?"), choices=Confidence.choices, initial=Confidence.HIGH
    )

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        fields: dict[str, Any] = dict(self.fields)
        fields["thing"].choices = [
            ("", _("Choose")),
            (_("Systems"), [(f"system:{one.code}", one.name) for one in System.objects.order_by("name")]),
            (_("Factories"), [(f"factory:{one.code}", one.name) for one in Factory.objects.order_by("name")]),
        ]

    def said(self) -> dict[str, Any]:
        """What the action takes."""
        said = {**self.cleaned_data, "source": self.cleaned_data["source"] or "operator"}
        return {**said, "thing": _thing(said["thing"])}


def _thing(named: str) -> Factory | System | None:
    kind, _colon, code = named.partition(":")
    return KINDS[kind].objects.filter(code=code).first() if kind in KINDS else None


@requires("declare capacity", "GET", "POST")
def stage(request: HttpRequest) -> HttpResponse:
    """What it entered before stands above the form, where the address names it (`?thing=system:CODE`)."""
    named = request.GET.get("thing", "")
    chosen = _thing(named)
    form = StageForm(posted(request), initial={"thing": named, "on": f"{timezone.now():%Y-%m-%d}"})

    def page_of_it(_made: object) -> tuple[str, str]:
        thing = form.said()["thing"]
        kind = "factory" if isinstance(thing, Factory) else "system"
        told = _("%(name)s: the stage is on record.") % {"name": thing.name}
        return told, f"{reverse(f'portal:{kind}', args=[thing.code])}#stages"

    return acted(request, form, lambda: change_stage(person_of(request), **form.said()), page_of_it) or page(
        request,
        "declare",
        form,
        up=reverse("portal:operations"),
        up_words=_("Operations"),
        kicker=chosen.name if chosen else "",
        heading=_("Change a stage"),
        lead=_(
            "A system or a factory entered a stage. What you tell of an earlier day is history: the stage that it is "
            "in now is the one that it entered last."
        ),
        submit=_("Put the stage on record"),
        stages=chosen.stages.all() if chosen else None,
        chosen=chosen,
    )
