"""The front door: what can I get? A few questions, an estimate, the access modes that fit."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from fabriek.access.queries import Wish, front_door
from fabriek.people.models import OrganisationClass
from fabriek.portal.access import EVERYBODY, requires
from fabriek.register.models import Partition
from fabriek.register.rules import gpu_hours_for_training

# Dense BF16 peak in petaflops, for when somebody doesn't know yet where they will run.
ACCELERATORS = (
    ("0.989", _("NVIDIA H100 / H200 / GH200")),
    ("0.312", _("NVIDIA A100")),
    ("0.383", _("AMD MI250X (whole module)")),
    ("2.5", _("NVIDIA GB200 / GB300")),
)
MISFITS = {
    "class": _("is not open to your class of organisation"),
    "too-much": _("gives fewer GPU-hours than you need"),
    "too-little": _("is for larger requests"),
    "too-long": _("is shorter than you need"),
}


class WishForm(forms.Form):
    """A few questions. The estimator's fields matter where no number of GPU-hours is given."""

    who = forms.ChoiceField(label=_("Who are you?"), choices=OrganisationClass.choices)
    gpu_hours = forms.IntegerField(label=_("GPU-hours, if you know them"), required=False, min_value=1, max_value=10**9)
    months = forms.TypedChoiceField(
        label=_("For how long?"),
        coerce=int,
        empty_value=None,
        required=False,
        choices=[(n, n) for n in (1, 2, 3, 6, 12)],
    )
    parameters = forms.FloatField(
        label=_("Parameters of your model, in billions"), required=False, min_value=0.001, max_value=10_000
    )
    tokens = forms.FloatField(
        label=_("Tokens to train on, in billions"), required=False, min_value=0.001, max_value=1_000_000
    )
    accelerator = forms.ChoiceField(label=_("On which GPUs?"), required=False, choices=ACCELERATORS)
    efficiency = forms.IntegerField(
        label=_("Efficiency, in percent of the peak"),
        required=False,
        min_value=1,
        max_value=100,
        initial=35,
        help_text=_("30 to 45 for well-tuned training; 20 where you are not sure."),
    )

    def clean(self) -> dict[str, Any]:
        """Work out the GPU-hours where they are not given."""
        answers: dict[str, Any] = super().clean() or {}
        if not answers.get("gpu_hours"):
            if answers.get("parameters") and answers.get("tokens"):
                estimate = gpu_hours_for_training(
                    answers["parameters"] * 1e9,
                    answers["tokens"] * 1e9,
                    petaflops=float(answers.get("accelerator") or ACCELERATORS[0][0]),
                    efficiency=(answers.get("efficiency") or 35) / 100,
                )
                answers["gpu_hours"] = answers["estimate"] = max(1, round(estimate))
            elif not self.errors:
                self.add_error("gpu_hours", str(_("Give GPU-hours, or the size of your model and your data.")))
        return answers


@requires(EVERYBODY)
def what_can_i_get(request: HttpRequest) -> HttpResponse:
    """The questions, and once they are answered the matches."""
    asked = "who" in request.GET
    form = WishForm(request.GET if asked else None)
    matches: list[tuple[Any, list[Any]]] = []
    if asked and form.is_valid():
        answers = form.cleaned_data
        wish = Wish(answers["who"], answers["gpu_hours"], answers.get("months") or 1)
        matches = [(match, [MISFITS[why] for why in match.why]) for match in front_door(wish)]
    context = {
        "form": form,
        "asked": asked and form.is_valid(),
        "hours": form.cleaned_data.get("gpu_hours") if asked and form.is_valid() else None,
        "estimated": asked and form.is_valid() and "estimate" in form.cleaned_data,
        "fitting": [row for row in matches if row[0].fits],
        "others": [row for row in matches if not row[0].fits],
        "known_gpus": Partition.objects.filter(accelerator_petaflops__isnull=False).count(),
        "today": timezone.now().date(),
    }
    template = "public/matches.html" if request.headers.get("HX-Request") else "public/what_can_i_get.html"
    return render(request, template, context)
