"""The catalogue's words in templates: ``{% load catalogue %}``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from fabriek.catalogue.models import Entry
from fabriek.catalogue.search import terms
from fabriek.catalogue.search.marking import Piece
from fabriek.catalogue.translations import Said
from fabriek.catalogue.words import choice_of
from fabriek.portal.components.amounts import bytes_text
from fabriek.portal.components.entry_lines import Line, language_name
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


@register.filter
def said_here(entry: Entry) -> Said:
    """The texts of an entry in the reader's language, where it was translated."""
    return entry.said_in(get_language() or "en")


@register.filter
def language_words(code: str) -> str:
    """A language in the reader's own."""
    return language_name(code)


@register.inclusion_tag("components/origin.html")
def entry_origin(line: Line) -> dict[str, str]:
    """Where a fact of an entry comes from, and how sure it is."""
    return origin_of(line.source, line.source_url, line.confidence)


@register.filter
def sector_words(sectors: Iterable[str] | None) -> str:
    """Sectors in the reader's language, between commas."""
    language = get_language() or "en"
    return ", ".join(terms.label_of("sector", one, language) for one in sectors or ())
