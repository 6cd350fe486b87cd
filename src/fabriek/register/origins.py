"""Where something that an operator declares is known from, and how sure it is: asked in one way."""

from __future__ import annotations

from django.utils.translation import gettext as _

from fabriek.register.models import Confidence


def faults_of_origin(source: str, confidence: str) -> dict[str, list[str]]:
    """What lacks, by field; empty: nothing."""
    faults = {}
    if not source.strip():
        faults["source"] = [_("Say where this can be read.")]
    if confidence not in Confidence.values:
        faults["confidence"] = [_("Choose high, medium or low.")]
    return faults
