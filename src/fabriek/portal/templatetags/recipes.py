"""Recipes and results in words, for templates: {% load recipes %}."""

from __future__ import annotations

from datetime import timedelta
from pathlib import PurePosixPath

from django import template
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabriek.conf.amounts import number_text
from fabriek.portal.components import amounts
from fabriek.recipes.recipe import Needs, Words
from fabriek.recipes.words import said

register = template.Library()

KINDS: dict[str, Promise] = {
    "checkpoint": gettext_lazy("Checkpoint"),
    "model": gettext_lazy("Model"),
    "data": gettext_lazy("Data"),
    "text": gettext_lazy("Text"),
    "notebook": gettext_lazy("Notebook"),
    "log": gettext_lazy("Log"),
    "other": gettext_lazy("File"),
}
# What the recipes count. A job of one's own may count anything, and is shown with its own words.
MEASURES: dict[str, Promise] = {
    "accuracy": gettext_lazy("Bytes foreseen"),
    "answering_seconds": gettext_lazy("Seconds spent answering"),
    "bits_per_byte": gettext_lazy("Bits per byte"),
    "bytes": gettext_lazy("Bytes"),
    "loss": gettext_lazy("Loss"),
    "loss_without_a_model": gettext_lazy("Loss without a model"),
    "parameters": gettext_lazy("Parameters"),
    "perplexity": gettext_lazy("Perplexity"),
    "refused": gettext_lazy("Requests refused"),
    "requests": gettext_lazy("Requests"),
    "steps": gettext_lazy("Steps"),
    "tokens": gettext_lazy("Tokens"),
    "tokens_per_second": gettext_lazy("Tokens per second"),
    "training_seconds": gettext_lazy("Seconds of training"),
    "uptime_seconds": gettext_lazy("Seconds up"),
    "validation_loss": gettext_lazy("Validation loss"),
    "validation_loss_first": gettext_lazy("Validation loss at first"),
}
# From here on decimals say nothing.
_FEW = 1_000


@register.filter
def recipe_words(words: Words | None) -> str:
    """A recipe's own text in the reader's language."""
    return said(words)


@register.filter
def recipe_needs(needs: Needs) -> str:
    """What kind of machine it runs on."""
    if needs.accelerators_are == "required":
        return _("Needs GPUs")
    return _("Runs on cores") if needs.accelerators_are == "none" else _("Runs on GPUs or cores")


@register.filter
def roughly(seconds: int | None, limit: int) -> str:
    """How long something is expected to take, in whole minutes; without an expectation its time limit."""
    if seconds is None:
        return amounts.lasting_text(timedelta(seconds=limit))
    minutes = max(1, round(seconds / 60))
    return _("about %(time)s") % {"time": amounts.lasting_text(timedelta(minutes=minutes))}


@register.filter
def output_kind(kind: str) -> str:
    """What a file is."""
    return str(KINDS.get(kind, kind))


@register.filter
def file_name(path: str) -> str:
    """The last part of a path."""
    return PurePosixPath(path).name or path


@register.filter
def measure_name(name: str) -> str:
    """What was measured."""
    return str(MEASURES.get(name, name.replace("_", " ")))


@register.filter
def figure_text(value: float) -> str:
    """A figure with as many decimals as it needs: 120,576, 1.769, 0.003."""
    if value == int(value) and abs(value) < 1e15:
        return number_text(int(value))
    if abs(value) >= _FEW:
        return number_text(round(value))
    return number_text(value, 3) if abs(value) >= 0.01 else f"{value:.3g}"
