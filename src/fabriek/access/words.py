"""Decisions in words that an applicant accepts: what was decided, why, and what would have been enough."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fabriek.access.models import Outcome
from fabriek.access.queue_words import queue_words
from fabriek.programmes.models import Promise


def outcome_words(outcome: Outcome) -> str:
    """An outcome in the reader's language, from what was stored when it was decided."""
    application = outcome.application
    if not outcome.awarded and "verdict" in outcome.detail:
        return queue_words(outcome.reason, outcome.detail)
    if not outcome.awarded:
        threshold = float(application.call.threshold)
        return refusal_words(outcome.reason, outcome.detail, float(application.score or 0), threshold)
    got = outcome.alternative
    if got is None:
        return outcome.explanation
    return award_words(outcome.gpu_hours, got.partition.code, f"{got.first_month:%Y-%m}", got.months, got.place)


def award_words(gpu_hours: int, partition: str, first: str, months: int, place: int) -> str:
    """What was awarded. `first` is the first month, as 2026-11."""
    text = ngettext(
        "You get %(hours)s GPU-hours on %(partition)s for one month, %(first)s.",
        "You get %(hours)s GPU-hours on %(partition)s over %(months)s months from %(first)s.",
        months,
    ) % {
        "hours": number_format(gpu_hours, force_grouping=True),
        "partition": partition,
        "months": months,
        "first": date_format(date.fromisoformat(f"{first}-01"), "F Y"),
    }
    if place:
        text += " " + _("This is choice %(place)s of your application: there was no room for the earlier ones.") % {
            "place": place + 1
        }
    return text


def refusal_words(reason: str, detail: dict[str, Any], score: float, threshold: float) -> str:
    """Why nothing was awarded, with the numbers."""
    if reason == "threshold":
        return _("Your score is %(score)s; %(threshold)s is needed.") % {
            "score": f"{score:.1f}",
            "threshold": f"{threshold:.1f}",
        }
    if reason == "capacity":
        return _(
            "You ask for %(asked)s GPU-hours on %(partition)s in %(month)s, and the programme's whole share of that "
            "month has %(share)s free. A smaller or longer request would fit."
        ) % _numbers(detail)
    if reason == "displaced":
        text = _(
            "There was not enough room on %(partition)s in %(month)s: you ask for %(asked)s GPU-hours and %(left)s "
            "were left after the awards."
        ) % _numbers(detail)
        if "lowest_awarded_score" in detail:
            text += " " + _(
                "%(awarded)s applications that hold that month together are worth more; the lowest of their scores is "
                "%(lowest)s, yours is %(score)s."
            ) % {
                "awarded": detail["awarded"],
                "lowest": f"{detail['lowest_awarded_score']:.1f}",
                "score": f"{detail['score']:.1f}",
            }
        return text
    names = list(
        Promise.objects.filter(code__in=[str(code).split(":")[0] for code in detail.get("promises", [])]).values_list(
            "name", flat=True
        )
    )
    if reason == "cap":
        return _("There was room, but awarding this would exceed a limit: %(promises)s.") % {
            "promises": ", ".join(names) or "-"
        }
    return _("There was room, but awarding this would break a promise to others: %(promises)s.") % {
        "promises": ", ".join(names) or "-"
    }


def _numbers(detail: dict[str, Any]) -> dict[str, str]:
    return {name: f"{value:,.0f}" if isinstance(value, int | float) else str(value) for name, value in detail.items()}
