"""The words of events in templates: ``{% load events %}``."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from fabriek.events.models import Event, Session
from fabriek.events.words import clock_in, moment_in, span_in
from fabriek.portal.components.amounts import iso_text
from fabriek.portal.components.entry_lines import language_name

register = template.Library()


@register.simple_tag
def span(times: Event | Session, event: Event) -> SafeString:
    """From when to when an event or one of its sessions is, in the event's time zone."""
    if times.starts is None or times.ends is None:
        return format_html("{}", "–")
    text = span_in(times.starts, times.ends, event.tzinfo)
    return format_html('<time datetime="{}">{}</time>', iso_text(times.starts), text)


@register.simple_tag
def moment(value: datetime, event: Event) -> SafeString:
    """A moment in the event's time zone."""
    return format_html('<time datetime="{}">{}</time>', iso_text(value), moment_in(value, event.tzinfo))


@register.simple_tag
def clock(session: Session) -> str:
    """At which time a session starts, in its event's time zone: 09:30."""
    return clock_in(session.starts, session.event.tzinfo)


@register.filter
def languages(event: Event) -> str:
    """The languages of an event, in the reader's."""
    return ", ".join(language_name(code) for code in event.language_codes)
