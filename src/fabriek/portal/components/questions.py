"""Fields of Django forms as questions: label, hint, error and control, wired for screen readers.

Learned from GOV.UK's form patterns: the error stands above the control in words, the summary at the top
links to it, hints belong to the control by ``aria-describedby``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from fabriek.portal.components.numbers import NumberBox

_KINDS: tuple[tuple[type[forms.Widget], str], ...] = (
    (forms.HiddenInput, "hidden"),
    (forms.CheckboxSelectMultiple, "checkboxes"),
    (forms.RadioSelect, "radios"),
    (forms.CheckboxInput, "checkbox"),
    (forms.Textarea, "textarea"),
    (forms.Select, "select"),
)


@dataclass
class Question:
    """A form's field, ready to be shown by ``components/question.html``."""

    field: BoundField
    hint: str
    control: SafeString | None
    kind: str
    options: dict[str, Any] = dataclasses.field(default_factory=dict)
    choices: list[dict[str, Any]] = dataclasses.field(default_factory=list)

    @property
    def id(self) -> str:
        return self.field.auto_id or self.field.html_name

    @property
    def error_id(self) -> str:
        return f"{self.id}-error"

    @property
    def hint_id(self) -> str:
        return f"{self.id}-hint"

    @property
    def count_id(self) -> str:
        return f"{self.id}-count"

    @property
    def errors(self) -> list[str]:
        """What is wrong, in words for beside the control."""
        return [
            _("This is not answered yet.") if text == _bare_required(self.field) else str(text)
            for text in self.field.errors
        ]

    @property
    def limit(self) -> int | None:
        """How many characters fit, for a textarea that counts."""
        limit: int | None = getattr(self.field.field, "max_length", None)
        return limit if self.kind == "textarea" else None


def _bare_required(bound: BoundField) -> str:
    """Django's own words for a missing answer; a form's own sentence is left as it is."""
    own = str(bound.field.error_messages.get("required", ""))
    return own if own == str(forms.Field.default_error_messages["required"]) else ""


def summary_of(form: forms.BaseForm) -> list[dict[str, str]]:
    """All that is wrong, for the list at the top: each with its control's id ("" for the whole form)."""
    lines = [{"target": "", "text": str(text)} for text in form.non_field_errors()]
    for bound in form:
        bare = _bare_required(bound)
        for text in bound.errors:
            words = _("Not answered yet: %(label)s") % {"label": bound.label} if text == bare else str(text)
            lines.append({"target": bound.auto_id or bound.html_name, "text": words})
    return lines


def kind_of(widget: forms.Widget) -> str:
    """hidden, checkboxes, radios, checkbox, textarea, select or input."""
    return next((kind for type_, kind in _KINDS if isinstance(widget, type_)), "input")


def question_of(
    bound: BoundField, hint: str = "", width: str = "", hints: Mapping[str, str] | None = None, **options: Any
) -> Question:
    """The question for a bound field.

    ``hints`` gives choices their own hints by value; ``width`` is xs, sm, md or lg.
    """
    kind = kind_of(bound.field.widget)
    made = Question(bound, str(hint or bound.help_text), None, kind, options)
    described = [made.hint_id] if made.hint else []
    if bound.errors:
        described.append(made.error_id)
    if made.limit:
        described.append(made.count_id)
    attributes: dict[str, Any] = {}
    if described:
        attributes["aria-describedby"] = " ".join(described)
    if bound.errors:
        attributes["aria-invalid"] = "true"
    if width:
        attributes["data-width"] = width
    if made.limit:
        attributes["data-count"] = made.count_id
    if isinstance(bound.field.widget, forms.NumberInput | NumberBox):
        attributes["inputmode"] = "numeric" if isinstance(bound.field, forms.IntegerField) else "decimal"
    if kind in {"radios", "checkboxes"}:
        made.choices = _choices(bound, made, hints or {})
    else:
        # The page says in words what is missing; the browser's own bubbles would come first and say less.
        attributes["required"] = False
        made.control = bound.as_widget(attrs=attributes)
    return made


def _choices(bound: BoundField, made: Question, hints: Mapping[str, str]) -> list[dict[str, Any]]:
    choices = []
    for number, choice in enumerate(bound.subwidgets):
        data = choice.data
        value = str(data["value"])
        choices.append(
            {
                "name": data["name"],
                "value": value,
                "label": data["label"],
                "checked": data["selected"],
                "disabled": bool(data["attrs"].get("disabled")),
                # The first choice has the field's own id, so that the error summary's link finds it.
                "id": made.id if number == 0 else f"{made.id}-{number}",
                "hint": hints.get(value, ""),
            }
        )
    return choices
