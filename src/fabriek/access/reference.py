"""The access modes of the EuroHPC Joint Undertaking as templates for calls, each fact with its source.

What the source doesn't say and a call needs (criteria with a scale, a threshold) is Fabriek's own default, and marked.
"""

from __future__ import annotations

import json
import re
from importlib import resources
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_noop

from fabriek.access.models import AccessMode, ReviewKind
from fabriek.people.models import OrganisationClass

_UNITS = {"GPU hours": "gpu-hour", "node hours": "node-hour", "SBU": "sbu"}

TECHNICAL_CRITERIA = [
    {"code": "feasibility", "name": gettext_noop("Technical feasibility"), "weight": 2, "scale": 5},
    {"code": "need", "name": gettext_noop("Need for these hours"), "weight": 1, "scale": 5},
]
PEER_CRITERIA = [
    {"code": "excellence", "name": gettext_noop("Excellence"), "weight": 1, "scale": 5},
    {"code": "impact", "name": gettext_noop("Innovation and impact"), "weight": 1, "scale": 5},
    {
        "code": "implementation",
        "name": gettext_noop("Quality and efficiency of the implementation"),
        "weight": 1,
        "scale": 5,
    },
]
OUR_CRITERIA = frozenset(criterion["name"] for criterion in [*TECHNICAL_CRITERIA, *PEER_CRITERIA])
"""Names that have a translation; an officer's own are shown as they were written."""
_INDUSTRY = [OrganisationClass.STARTUP.value, OrganisationClass.SME.value, OrganisationClass.LARGE_INDUSTRY.value]
_SCIENCE = [OrganisationClass.ACADEMIA.value, OrganisationClass.PUBLIC_SECTOR.value]

# What the modes' texts amount to; the texts themselves are kept in `facts` and shown.
_READINGS: dict[str, dict[str, Any]] = {
    "aif-playground": {"classes": _INDUSTRY, "review": ReviewKind.TECHNICAL, "answer": 2},
    "aif-fast-lane": {"classes": _INDUSTRY, "review": ReviewKind.TECHNICAL, "answer": 4},
    "aif-large-scale": {"classes": _INDUSTRY, "review": ReviewKind.PEER, "answer": 10},
    "aif-science": {"classes": _SCIENCE, "review": ReviewKind.PEER, "answer": 22},
}


@transaction.atomic
def load_access_modes() -> int:
    """Load the access modes that are not there yet. Returns how many there are."""
    raw = json.loads(resources.files("fabriek.access").joinpath("data/access_modes.json").read_text(encoding="utf-8"))
    there = set(AccessMode.objects.values_list("code", flat=True))
    AccessMode.objects.bulk_create([_mode(row) for row in raw["modes"] if row["id"] not in there])
    return AccessMode.objects.count()


def _value(row: dict[str, Any], name: str) -> Any:
    fact = row.get(name)
    return fact.get("value") if isinstance(fact, dict) and "value" in fact else fact


def _whole(value: Any) -> int | None:
    """A limit where the source gives a number; texts such as 'about 2.4 million' stay texts, in facts."""
    return value if isinstance(value, int) and value > 0 else None


def _mode(row: dict[str, Any]) -> AccessMode:
    reading = _READINGS.get(row["id"], {})
    review = reading.get("review", ReviewKind.PEER)
    size = row.get("size") or {}
    durations = _value(row, "durations_months") or []
    answer = _value(row, "time_to_access") or ""
    found = re.search(r"(\d+) working days", str(answer))
    return AccessMode(
        code=row["id"],
        family=row.get("family", "")[:120],
        name=row.get("name") or row["id"],
        unit=_UNITS.get(row.get("unit", ""), "node-hour"),
        minimum=_whole(_value(size, "min")),
        maximum=_whole(_value(size, "max")),
        durations_months=[months for months in durations if isinstance(months, int)],
        classes=reading.get("classes", []),
        continuous="continuous" in str(_value(row, "intake") or ""),
        answer_working_days=reading.get("answer") or (int(found[1]) if found else None),
        answer_text=str(answer)[:200],
        review=review,
        criteria=TECHNICAL_CRITERIA if review == ReviewKind.TECHNICAL else PEER_CRITERIA,
        threshold=60,
        reviewers=1 if review == ReviewKind.TECHNICAL else 2,
        award_code=str(_value(row, "award_code") or "")[:60],
        cost=str(_value(row, "cost") or "")[:300],
        eligibility=str(_value(row, "eligibility") or ""),
        facts={
            **{name: fact for name, fact in row.items() if isinstance(fact, dict) and "source" in fact},
            "size": size,
            "criteria_and_threshold": {"source": "Fabriek's default", "confidence": "high"},
        },
        is_open_to_calls=row["id"] in _READINGS,
    )
