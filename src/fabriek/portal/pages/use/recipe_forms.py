"""A recipe's form: made from its parameters. What holds is the room's to say; the form only asks."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _

from fabriek.portal.components.amounts import hours_text, moment_text
from fabriek.projects.models import Allocation
from fabriek.projects.queries import allocation_rows
from fabriek.recipes.models import Output
from fabriek.recipes.recipe import Amount, Parameter, Recipe
from fabriek.recipes.words import said

RESOURCES = ("nodes", "accelerators", "cores", "minutes")


class RecipeForm(forms.Form):
    """Name, hours, what the recipe asks and how much of the machine. All texts: `recipes.parameters` reads them."""

    def __init__(
        self,
        recipe: Recipe,
        allocations: list[Allocation],
        checkpoints: list[Output],
        *arguments: Any,
        **more: Any,
    ) -> None:
        super().__init__(*arguments, **more)
        self.recipe = recipe
        self.fields["uuid"] = forms.UUIDField(widget=forms.HiddenInput, required=False)
        self.fields["allocation"] = self._hours(allocations)
        self.fields["name"] = forms.CharField(
            label=_("Name"),
            initial=recipe.code,
            required=False,
            max_length=120,
            help_text=_("What you will know it by."),
        )
        for parameter in recipe.parameters:
            self.fields[parameter.name] = _field(parameter, checkpoints)
        for name in RESOURCES:
            amount = getattr(recipe.needs, name)
            if amount.least < amount.most:
                self.fields[name] = _amount(name, amount, many_nodes=recipe.needs.nodes.most > 1)

    def _hours(self, allocations: list[Allocation]) -> forms.ChoiceField:
        left = {row.allocation.code: row.hours.left for row in allocation_rows(allocations)}
        choices = [
            (
                a.code,
                _("%(partition)s, %(hours)s GPU-hours left (%(code)s)")
                % {"partition": a.partition.code, "hours": hours_text(left[a.code]), "code": a.code},
            )
            for a in allocations
        ]
        return forms.ChoiceField(label=_("Hours to use"), choices=choices)

    @property
    def said(self) -> dict[str, str]:
        """What was filled in, as it was typed; of a form that was not sent, what it begins with."""
        names = [name for name in self.fields if name not in ("uuid", "allocation")]
        if self.is_bound:
            return {name: self.data.get(name, "") for name in names}
        return {name: str(self.get_initial_for_field(self.fields[name], name) or "") for name in names}

    @property
    def parameters(self) -> list[tuple[Any, str, str]]:
        """The recipe's own questions: the field, its unit, and when it is asked (`text=own`, "" for always)."""
        return [
            (
                self[one.name],
                said(one.unit),
                " ".join(f"{other}={wanted}" for other, wanted in one.only_if.items()),
            )
            for one in self.recipe.parameters
        ]

    @property
    def resources(self) -> list[Any]:
        """The questions about the machine."""
        return [self[name] for name in RESOURCES if name in self.fields]


def _field(parameter: Parameter, checkpoints: list[Output]) -> forms.Field:
    common: dict[str, Any] = {
        "label": said(parameter.label),
        "help_text": said(parameter.help),
        "required": False,
        "initial": parameter.default,
    }
    match parameter.kind:
        case "choice":
            choices = [(one.value, said(one.label)) for one in parameter.choices]
            return forms.ChoiceField(choices=choices, widget=forms.RadioSelect, **common)
        case "checkpoint":
            found = [(str(one.result.job.uuid), _checkpoint_words(one)) for one in checkpoints]
            return forms.ChoiceField(choices=[("", _("Choose one")), *found], **common)
        case "integer" | "number":
            attributes: dict[str, Any] = {"min": parameter.least, "max": parameter.most, "step": 1}
            if parameter.kind == "number":
                attributes["step"] = "any"
            # The server's words, not the browser's: the field takes any text.
            return forms.CharField(widget=forms.NumberInput(attrs=attributes), **common)
        case _:
            return forms.CharField(max_length=parameter.longest, strip=False, **common)


def _checkpoint_words(output: Output) -> str:
    job, loss = output.result.job, output.result.metrics.get("validation_loss")
    ended = f"{moment_text(job.ended_at)}, " if job.ended_at else ""
    name, when = output.result.name, f"{ended}{job.cluster.code}"
    if loss is None:
        return f"{name}, {when}"
    return _("%(model)s, loss %(loss)s, %(when)s") % {"model": name, "loss": f"{loss:.3f}", "when": when}


def _amount(name: str, amount: Amount, *, many_nodes: bool) -> forms.Field:
    labels = {
        "nodes": _("Nodes"),
        "accelerators": _("GPUs on each node") if many_nodes else _("GPUs"),
        "cores": _("Cores on each node") if many_nodes else _("Cores"),
        "minutes": _("Time limit in minutes"),
    }
    hints = {
        "accelerators": _("0 runs it on cores alone.") if not amount.least else "",
        "minutes": _("It is stopped then. Only what it uses is booked; until it ends, the whole of it is set aside."),
    }
    attributes = {"min": amount.least, "max": amount.most, "step": 1}
    return forms.CharField(
        label=labels[name],
        help_text=hints.get(name, ""),
        required=False,
        initial=amount.default,
        widget=forms.NumberInput(attrs=attributes),
    )
