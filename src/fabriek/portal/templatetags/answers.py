"""What applicants answered, and what they are answered, in words, for templates: {% load answers %}."""

from __future__ import annotations

from typing import Any

from django import template

from fabriek.access.ethics import answers_of
from fabriek.access.queue_words import queue_words
from fabriek.people.models import OrganisationClass

register = template.Library()


@register.filter
def not_yet_words(waits: Any) -> str:
    """What an applicant is told who has to wait."""
    return queue_words("reserve", waits.detail)


@register.filter
def class_label(name: str) -> str:
    """A class of organisations in words."""
    return str(dict(OrganisationClass.choices).get(name, name))


@register.filter
def ethics_answers(application: Any) -> list[tuple[Any, Any]]:
    """The questions of the ethics self-assessment with their answers."""
    return answers_of(application)
