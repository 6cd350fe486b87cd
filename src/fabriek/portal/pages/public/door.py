"""The front door: what can I get? A few questions, an estimate, the access modes and the factories that fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabriek.access.estimates import AT_ONCE, Asked, Estimate, estimate_of
from fabriek.access.mode_facts import facts_of, mode_sources
from fabriek.access.models import AccessMode
from fabriek.access.queries import Match, Wish, matches_for, open_calls
from fabriek.access.rules import Establishment, establishment, longest
from fabriek.conf.amounts import number_text
from fabriek.conf.errors import Invalid
from fabriek.people.models import OrganisationClass
from fabriek.people.permissions import may
from fabriek.portal.access import EVERYBODY, requires
from fabriek.portal.components.countries import country_choices, country_name
from fabriek.portal.components.numbers import FloatField, IntegerField
from fabriek.register.models import Partition, Stage
from fabriek.register.queries import accelerators, factories_for_list, middling

MISFITS = {
    "country": gettext_lazy("is for Member States and associated countries"),
    "class": gettext_lazy("is not open to your class of organisation"),
    "too-much": gettext_lazy("gives fewer GPU-hours than you need"),
    "too-little": gettext_lazy("is for larger requests"),
    "too-long": gettext_lazy("is shorter than you need: %(most)s months at most, and you ask for %(months)s"),
}
PURPOSES = [
    ("train", gettext_lazy("Train a model from scratch")),
    ("tune", gettext_lazy("Fine-tune a model that exists")),
    ("run", gettext_lazy("Run or evaluate a model")),
    ("other", gettext_lazy("Something else")),
]
SIZES = [
    ("estimate", gettext_lazy("Estimate it for me")),
    ("hours", gettext_lazy("I know the GPU-hours")),
    ("unknown", gettext_lazy("I don't know yet")),
]


class WishForm(forms.Form):
    """A few questions. The estimator's fields matter where an estimate is asked for."""

    country = forms.ChoiceField(label=gettext_lazy("Where is your organisation established?"), choices=country_choices)
    who = forms.ChoiceField(label=gettext_lazy("What is it?"), choices=OrganisationClass.choices)
    purpose = forms.ChoiceField(
        label=gettext_lazy("What do you want to do?"), choices=PURPOSES, widget=forms.RadioSelect
    )
    size = forms.ChoiceField(label=gettext_lazy("How big is it?"), choices=SIZES, widget=forms.RadioSelect)
    gpu_hours = IntegerField(label=gettext_lazy("GPU-hours"), required=False, min_value=1, max_value=10**9)
    parameters = FloatField(
        label=gettext_lazy("Parameters of your model"),
        help_text=gettext_lazy("7 for a model of 7 billion."),
        required=False,
        min_value=0.001,
        max_value=10_000,
    )
    tokens = FloatField(
        label=gettext_lazy("Tokens of your data"),
        help_text=gettext_lazy("Times the number of passes. A page of text has about 500."),
        required=False,
        min_value=0.001,
        max_value=1_000_000,
    )
    accelerator = forms.ChoiceField(label=gettext_lazy("On which GPUs?"), required=False)
    efficiency = IntegerField(
        label=gettext_lazy("Part of the peak that is reached"),
        help_text=gettext_lazy("Empty: 35 for training, 10 for running a model."),
        required=False,
        min_value=1,
        max_value=100,
    )
    months = forms.TypedChoiceField(
        label=gettext_lazy("For how long?"),
        coerce=int,
        empty_value=None,
        required=False,
        choices=[(n, n) for n in (1, 2, 3, 6, 12)],
    )
    factories = forms.MultipleChoiceField(
        label=gettext_lazy("Only at these factories"), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.worked_out: Estimate | None = None
        self.partitions = {partition.code: partition for partition in accelerators()}
        fields: dict[str, Any] = dict(self.fields)
        typical = middling(self.partitions.values())
        fields["accelerator"].initial = typical.code if typical else None
        fields["accelerator"].choices = _by_system(list(self.partitions.values()))
        fields["factories"].choices = [(factory.code, factory.name) for factory in factories_for_list()]

    def clean(self) -> dict[str, Any]:
        """Fill in what may be left out; say what an estimate lacks."""
        answers: dict[str, Any] = super().clean() or {}
        if answers.get("size") == "hours" and not answers.get("gpu_hours") and "gpu_hours" not in self.errors:
            self.add_error("gpu_hours", _("Give the number of GPU-hours, or let it be estimated."))
        if answers.get("size") == "estimate":
            self._work_out(answers)
        return answers

    def _work_out(self, answers: dict[str, Any]) -> None:
        asked = Asked(
            answers.get("purpose") or "",
            answers.get("parameters"),
            answers.get("tokens"),
            answers.get("accelerator"),
            answers.get("efficiency"),
        )
        try:
            self.worked_out = estimate_of(asked, self.partitions)
        except Invalid as refusal:
            faults: Mapping[str, Any] = refusal.faults
            if "purpose" in faults:
                # Nothing else of it matters then.
                faults = {"size": faults["purpose"]}
            for name, sentences in faults.items():
                if name not in self.errors:
                    self.add_error(name, sentences)

    def estimate(self) -> Estimate | None:
        """What is asked, worked out; None where hours were given or aren't known."""
        return self.worked_out

    def formula(self) -> str:
        """How the estimate is worked out."""
        said, worked_out = self.cleaned_data, self.estimate()
        if worked_out is None:
            return ""
        formula = _(
            "%(operations)s × %(parameters)s billion × %(tokens)s billion ÷ (%(peak)s teraflop/s × %(part)s %%)"
        )
        return formula % {
            "operations": worked_out.operations,
            "parameters": _plain(said["parameters"]),
            "tokens": _plain(said["tokens"]),
            "peak": number_text(round(worked_out.petaflops * 1_000)),
            "part": worked_out.efficiency,
        }

    def wish(self) -> Wish:
        """The answers as the rules take them."""
        said = self.cleaned_data
        worked_out = self.estimate()
        return Wish(
            organisation_class=said["who"],
            gpu_hours=worked_out.gpu_hours if worked_out else said["gpu_hours"] if said["size"] == "hours" else None,
            months=said.get("months") or 1,
            country=said["country"],
            factories=frozenset(said["factories"]),
        )


def _by_system(partitions: list[Partition]) -> list[tuple[str, list[tuple[str, str]]]]:
    """The register's accelerators for a list to choose from, by system; at the end those without a known peak."""
    groups: dict[str, list[tuple[str, str]]] = {}
    without = []
    for partition in partitions:
        system = partition.system
        model = _short(partition.accelerator_model)
        if partition.accelerator_petaflops is None:
            without.append((partition.code, f"{system.name}: {model}"))
            continue
        label = system.name if system.stage == Stage.OPERATING else f"{system.name} ({system.get_stage_display()})"
        peak = _("%(peak)s teraflop/s") % {"peak": number_text(round(partition.accelerator_petaflops * 1_000))}
        groups.setdefault(label, []).append((partition.code, f"{model} · {peak}"))
    return [*groups.items(), *([(_("Peak not known"), without)] if without else [])]


def _short(model: str) -> str:
    """A model's name without its maker and what the source says about it in brackets."""
    return model.partition(" (")[0].partition(",")[0].removeprefix("NVIDIA ").removeprefix("AMD ")


def _plain(value: float) -> str:
    return number_text(int(value) if value.is_integer() else value)


@requires(EVERYBODY)
def what_can_i_get(request: HttpRequest) -> HttpResponse:
    """The questions, and once they are answered the matches."""
    asked = "who" in request.GET
    # While somebody is still answering, what lacks is no mistake.
    is_underway = request.headers.get("HX-Trigger") == "as-you-go"
    form = WishForm(_said(request)) if asked else WishForm(initial=_initial(request))
    context: dict[str, Any] = {
        "form": form,
        "is_underway": is_underway,
        "today": timezone.now().date(),
        "factories_opened": bool(request.GET.getlist("factories")),
    }
    if asked and form.is_valid():
        context |= _answer(request, form)
    template = "public/matches.html" if request.headers.get("HX-Request") else "public/what_can_i_get.html"
    response = render(request, template, context)
    if form.errors and not is_underway and request.headers.get("HX-Request"):
        # The answer's half of the page can't mark the questions: the whole page does.
        response["HX-Redirect"] = request.get_full_path()
    response["Vary"] = "HX-Request"
    return response


@requires(EVERYBODY)
def access_mode(request: HttpRequest, code: str) -> HttpResponse:
    """An access mode: what is known of it, each fact with its source."""
    mode = AccessMode.objects.filter(code=code).first()
    if mode is None:
        raise Http404
    facts, texts = facts_of(mode), mode_sources()
    context = {
        "mode": mode,
        "calls": [call for call in open_calls() if call.access_mode_id == mode.pk],
        "facts": facts,
        "sources": sorted((code, texts.get(code, code)) for code in {fact.source for fact in facts}),
    }
    return render(request, "public/access_mode.html", context)


def _said(request: HttpRequest) -> QueryDict:
    """The answers, with those that may be left out in an address."""
    said = request.GET.copy()
    for name, value in (("purpose", "train"), ("size", "hours" if said.get("gpu_hours") else "estimate")):
        said.setdefault(name, value)
    return said


def _initial(request: HttpRequest) -> dict[str, Any]:
    """What is known of who is signed in."""
    organisation = getattr(request.user, "organisation", None)
    known = {"purpose": "train", "size": "estimate", "country": "NL"}
    if organisation is not None:
        known |= {"country": organisation.country, "who": organisation.organisation_class}
    return known


def _answer(request: HttpRequest, form: WishForm) -> dict[str, Any]:
    wish, country = form.wish(), form.cleaned_data["country"]
    where = establishment(country)
    is_elsewhere = where == Establishment.ELSEWHERE
    matches = matches_for(wish)
    said = [(match, [_misfit(why, match, wish) for why in match.why]) for match in matches]
    fitting = [match for match in matches if match.fits]
    return {
        "answered": True,
        "wish": wish,
        "estimate": form.estimate(),
        "formula": form.formula(),
        "at_once": AT_ONCE,
        "country": country_name(country),
        "is_elsewhere": is_elsewhere,
        "is_associated": where == Establishment.ASSOCIATED,
        "fitting": fitting,
        "open": sum(len(match.offers) for match in fitting),
        "others": [row for row in said if not row[0].fits],
        "chosen": _without_calls(form, fitting),
        "may_apply": request.user.is_authenticated and may(request.user, "apply") and not is_elsewhere,
    }


def _misfit(why: str, match: Match, wish: Wish) -> str:
    """What of a mode doesn't fit, in words; what is too short with its numbers."""
    return str(MISFITS[why]) % {"most": longest(match.mode), "months": wish.months}


def _without_calls(form: WishForm, fitting: list[Match]) -> list[str]:
    """The names of the chosen factories that have nothing open that fits."""
    names = dict(getattr(form.fields["factories"], "choices", []))
    there = {offer.call.factory.code for match in fitting for offer in match.offers}
    return [names[code] for code in form.cleaned_data["factories"] if code not in there]
