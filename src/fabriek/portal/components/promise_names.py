"""What the promises of a problem are called in a plot, which has little room."""

from __future__ import annotations

from django.utils.text import Truncator

from fabriek.access.words import BETWEEN


def short_name(code: str, name: str, letters: int = 32) -> str:
    """A name for a plot, which has room for some thirty letters: of a promise and its programme the begin of both."""
    if ":" not in code:
        return Truncator(name).chars(letters)
    promise, _between, programme = name.partition(BETWEEN)
    half = (letters - 2) // 2
    return f"{Truncator(programme).chars(half)}: {Truncator(promise).chars(half)}"
