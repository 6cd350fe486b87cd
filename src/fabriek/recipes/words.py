"""What the pure modules name, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from fabriek.conf.amounts import number_text
from fabriek.recipes.parameters import Fault
from fabriek.recipes.recipe import Words

FAULTS: dict[str, str | Promise] = {
    "unknown": _("This recipe has no such parameter."),
    "missing": _("This is not answered yet."),
    "too long": _("At most %(most)s characters."),
    "control characters": _("This has characters in it that can't be shown. Type it again."),
    "no whole number": _("Give a whole number."),
    "no number": _("Give a number."),
    "no text": _("Give a text."),
    "out of range": _("From %(least)s to %(most)s."),
    "no accelerators here": _("This recipe needs GPUs, and this partition has none. Choose other hours."),
    "too many on a node": _("A node of this partition has %(most)s."),
    "no such choice": _("Choose one of: %(choices)s."),
    "no path": _("Give a path at the site that begins with / and goes straight there, without '..'."),
    "no checkpoint": _("Choose a checkpoint of this project."),
    "other site": _("This checkpoint lies at %(cluster)s. Choose hours there, or train one here."),
}


def sentence_of(fault: Fault) -> str:
    """A fault in words, its numbers as the reader's language writes them."""
    values = {name: number_text(one) if isinstance(one, int | float) else one for name, one in fault.values.items()}
    return str(FAULTS[fault.what]) % values


def faults_of(faults: Iterable[Fault]) -> dict[str, list[str]]:
    """Sentences by parameter."""
    told: dict[str, list[str]] = {}
    for fault in faults:
        told.setdefault(fault.name, []).append(sentence_of(fault))
    return told


def said(words: Words | None) -> str:
    """A recipe's own text in the reader's language."""
    return "" if words is None else words.of(get_language() or "en")
