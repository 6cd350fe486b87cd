"""What is known of an access mode, fact by fact, each with its source and how sure it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabriek.access.models import AccessMode
from fabriek.conf.amounts import number_text

LABELS = {
    "purpose": gettext_lazy("What it is for"),
    "applicants": gettext_lazy("For whom"),
    "eligibility": gettext_lazy("Who is eligible"),
    "cost": gettext_lazy("Cost"),
    "min": gettext_lazy("At least"),
    "max": gettext_lazy("At most"),
    "rule": gettext_lazy("Size in words"),
    "durations_months": gettext_lazy("Months"),
    "intake": gettext_lazy("When one may apply"),
    "cutoffs": gettext_lazy("Cut-offs"),
    "time_to_access": gettext_lazy("Time until the answer"),
    "review_steps": gettext_lazy("Steps of the review"),
    "criteria": gettext_lazy("Criteria"),
    "scoring": gettext_lazy("Scoring"),
    "criteria_and_threshold": gettext_lazy("Scales and threshold of calls here"),
    "ranking": gettext_lazy("Ranking"),
    "systems_per_award": gettext_lazy("Systems for each award"),
    "systems": gettext_lazy("Systems"),
    "tracks": gettext_lazy("Tracks"),
    "concurrency": gettext_lazy("Awards at once"),
    "offered_2024_node_hours": gettext_lazy("Node-hours offered in 2024"),
    "extension": gettext_lazy("Extension"),
    "renewals": gettext_lazy("Renewals"),
    "reporting": gettext_lazy("Reporting"),
    "award_code": gettext_lazy("Number of an award"),
}


@dataclass(frozen=True)
class ModeFact:
    """A fact in the words of its source. `value` empty: not known."""

    name: str
    label: str
    value: str
    source: str
    confidence: str


@cache
def mode_sources() -> dict[str, str]:
    """What each source of the reference data is."""
    raw = resources.files("fabriek.access").joinpath("data/access_modes.json").read_text(encoding="utf-8")
    return {code: str(text) for code, text in json.loads(raw)["sources"].items()}


def facts_of(mode: AccessMode) -> list[ModeFact]:
    """All that was looked up of a mode, in the order in which an applicant asks."""
    size = mode.facts.get("size") or {}
    found = {**{name: fact for name, fact in mode.facts.items() if name != "size"}, **size}
    names = sorted(found, key=lambda name: list(LABELS).index(name) if name in LABELS else len(LABELS))
    return [
        ModeFact(name, str(LABELS.get(name, name)), _value(name, fact), fact["source"], fact["confidence"])
        for name in names
        if isinstance(fact := found[name], Mapping) and "source" in fact
    ]


def _value(name: str, fact: Mapping[str, Any]) -> str:
    if name == "criteria_and_threshold":
        return _("Fabriek's own: the sources give none")
    return _in_words(fact.get("value"))


def _in_words(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {_in_words(one)}" for name, one in value.items())
    if isinstance(value, list):
        return ", ".join(_in_words(one) for one in value) or _("none")
    return number_text(value) if isinstance(value, int) else str(value)
