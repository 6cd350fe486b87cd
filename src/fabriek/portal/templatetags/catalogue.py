"""The catalogue's words in templates: ``{% load catalogue %}``."""

from __future__ import annotations

from typing import Any

from django import template

from fabriek.catalogue.words import choice_of

register = template.Library()


@register.filter
def choice_words(value: str, path: str) -> str:
    """A value of a field with fixed ones, in the reader's words."""
    return choice_of(path, value)


@register.filter
def field_text(value: Any, path: str) -> str:
    """A value of a record as a reader reads it: a list between commas, a choice in words."""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return choice_of(path, value) if isinstance(value, str) else str(value)
