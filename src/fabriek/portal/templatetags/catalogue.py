"""The catalogue's words in templates: ``{% load catalogue %}``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from fabriek.catalogue.search.marking import Piece
from fabriek.catalogue.words import choice_of
from fabriek.portal.components.amounts import bytes_text
from fabriek.portal.components.entry_lines import Line
from fabriek.portal.templatetags.fabriek import origin_of

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


@register.filter
def marked(pieces: Iterable[Piece]) -> SafeString:
    """A text with what was asked marked in it; each piece is escaped."""
    shown = ((format_html("<mark>{}</mark>", text) if is_marked else text,) for text, is_marked in pieces)
    return format_html_join("", "{}", shown)


@register.filter
def size(amount: int) -> str:
    """An amount of bytes: 57.7 GiB."""
    return bytes_text(amount)


@register.inclusion_tag("components/origin.html")
def entry_origin(line: Line) -> dict[str, str]:
    """Where a fact of an entry comes from, and how sure it is."""
    return origin_of(line.source, line.source_url, line.confidence)
