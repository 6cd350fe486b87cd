"""Answers of a continuous call in words: what was free, what was kept for whom, and what follows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from fabriek.allocation.continuous import Answer, Request, Situation
from fabriek.conf.amounts import month_text, number_text
from fabriek.people.models import OrganisationClass


def detail_of(made: Answer, situation: Situation, request: Request, now: datetime) -> dict[str, Any]:
    """What an answer rests on, as data: GPU-hours of the partition and month where it was tightest."""
    partition, month = made.slot or ("", "")
    return {
        "verdict": made.verdict.value,
        "alternative": made.alternative,
        "partition": partition,
        "month": month,
        "asked": round(made.asked / 3600, 1),
        "free": round(made.free / 3600, 1),
        "kept": {name: round(seconds / 3600, 1) for name, seconds in sorted(made.kept.items())},
        "certainty": situation.rule.certainty,
        "gone": bool(month) and month < f"{now:%Y-%m}",
        "due": request.due,
    }


def queue_words(reason: str, detail: dict[str, Any]) -> str:
    """An answer, or 'not yet', in sentences that an applicant accepts."""
    numbers = {
        "asked": number_text(detail.get("asked", 0), 0),
        "free": number_text(detail.get("free", 0), 0),
        "partition": detail.get("partition", ""),
        "month": month_text(detail["month"]) if detail.get("month") else "",
        "kept": _kept(detail.get("kept", {})),
    }
    if reason == "room":
        return _(
            "There is room: %(asked)s GPU-hours of %(month)s on %(partition)s are asked and %(free)s are free."
        ) % numbers + _also(numbers["kept"])
    if reason == "reserve" and detail.get("verdict") == "wait":
        return (
            _(
                "Not yet: of the %(free)s GPU-hours that are free on %(partition)s in %(month)s, %(kept)s are kept for "
                "applications that are promised a floor; you ask for %(asked)s. What is kept gets less as time passes."
            )
            % numbers
        )
    if reason == "reserve":
        return (
            _(
                "%(free)s GPU-hours are free on %(partition)s in %(month)s, and %(kept)s of them are kept for "
                "applications that are promised a floor; you ask for %(asked)s. A smaller request, another month or "
                "another partition may fit: you may apply again at once."
            )
            % numbers
        )
    if detail.get("gone"):
        return _("The months that you ask for have gone by. Apply again for months to come.")
    return (
        _(
            "You ask for %(asked)s GPU-hours on %(partition)s in %(month)s and %(free)s are free. A smaller request, "
            "another month or another partition may fit: you may apply again at once."
        )
        % numbers
    )


def _also(kept: str) -> str:
    return " " + _("Of these, %(kept)s are kept for others.") % {"kept": kept} if kept else ""


def _kept(kept: dict[str, float]) -> str:
    labels = dict(OrganisationClass.choices)
    return ", ".join(f"{number_text(hours, 0)} ({labels.get(name, name)})" for name, hours in kept.items())
