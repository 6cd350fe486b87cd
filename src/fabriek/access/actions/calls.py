"""Calls: opened from an access mode's terms, closed at the cut-off."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _

from fabriek.access.limits import limits_in_gpu_hours, range_faults
from fabriek.access.models import AccessMode, Call, CallState, Scoring
from fabriek.audit.actions import record
from fabriek.conf.errors import Invalid
from fabriek.people.permissions import require
from fabriek.programmes.models import Programme
from fabriek.projects.rules import LONGEST_ACCOUNT, shortened
from fabriek.register.models import Factory, Partition

LONGEST_CODE = LONGEST_ACCOUNT - len("-99999")
"""Of a call: its applications' codes are its own with a number, and become those of projects."""


def _own_code(access_mode: AccessMode, factory: Factory, opens: datetime) -> str:
    """A call's code where none is given. The day stays whole, whatever has to be shortened."""
    day = f"-{opens:%Y-%m-%d}"
    return shortened(slugify(f"{access_mode.code}-{factory.code}"), LONGEST_CODE - len(day)) + day


def _code_faults(code: str) -> dict[str, list[str]]:
    """Why a new call can't be called so."""
    faults = []
    if not re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", code):
        faults.append(_("Use small letters, digits and hyphens."))
    if len(code) > LONGEST_CODE:
        faults.append(
            _(
                "Take at most %(most)d characters, not %(all)d: with a number behind it this becomes the code of each "
                "project, and so the name of its account in Slurm, which knows %(account)d."
            )
            % {"most": LONGEST_CODE, "all": len(code), "account": LONGEST_ACCOUNT}
        )
    return {"code": faults} if faults else {}


@transaction.atomic
def open_call(
    actor: Any,
    *,
    access_mode: AccessMode,
    factory: Factory,
    programme: Programme,
    partitions: Sequence[Partition],
    title: str,
    opens: datetime,
    closes: datetime,
    first_month: date,
    months: int,
    code: str = "",
    **overrides: Any,
) -> Call:
    """Open a call with the access mode's terms, copied, and what is overridden. The same code again: the same call.

    Limits of a mode in another unit are converted as the partitions' conversions of the first month say, the strictest
    where they differ; a limit that is given is not.
    Among the overrides are `scoring` (how reviews become a score), `reviewers` and `reviewer_limit`: none of them can
    be changed once the call is open.

    Errors: Invalid with the faults of the fields.
    """
    require(actor, "open calls")
    code = code or _own_code(access_mode, factory, opens)
    found = Call.objects.filter(code=code).first()
    if found is not None:
        return found
    faults = _code_faults(code)
    if closes <= opens:
        faults["closes"] = [_("A call closes after it opens.")]
    if not title.strip():
        faults["title"] = [_("Give the call a title.")]
    if not partitions:
        faults["partitions"] = [_("Choose at least one partition.")]
    if not 1 <= months <= 36:
        faults["months"] = [_("Offer 1 to 36 months.")]
    if programme.children.exists():
        faults["programme"] = [_("Choose a programme that holds shares itself.")]
    limits: dict[str, int | None] = {}
    try:
        limits = limits_in_gpu_hours(access_mode, partitions, first_month.replace(day=1), overrides)
    except Invalid as refusal:
        faults |= refusal.faults
    terms: dict[str, Any] = {
        **limits,
        "durations_months": access_mode.durations_months,
        "classes": access_mode.classes,
        "continuous": access_mode.continuous,
        "answer_working_days": access_mode.answer_working_days or 20,
        "review": access_mode.review,
        "criteria": access_mode.criteria,
        "threshold": access_mode.threshold,
        "reviewers": access_mode.reviewers,
        **overrides,
    }
    faults |= _scoring_faults(terms) | range_faults(terms.get("minimum_gpu_hours"), terms.get("maximum_gpu_hours"))
    if faults:
        raise Invalid(_("The call can't be opened like this."), faults=faults)
    call = Call.objects.create(
        code=code,
        title=title.strip(),
        access_mode=access_mode,
        factory=factory,
        programme=programme,
        state=CallState.OPEN,
        opens=opens,
        closes=closes,
        first_month=first_month.replace(day=1),
        months=months,
        **terms,
    )
    call.partitions.set(partitions)
    record(
        actor,
        "access.open_call",
        call,
        access_mode=access_mode.code,
        closes=closes.isoformat(),
        scoring=call.scoring,
        reviewers=call.reviewers,
        reviewer_limit=call.reviewer_limit,
    )
    return call


def _scoring_faults(terms: dict[str, Any]) -> dict[str, list[str]]:
    """What stands in the way of calibrating this call's scores."""
    if terms.get("scoring", Scoring.MEAN) != Scoring.CALIBRATED:
        return {}
    if terms["continuous"]:
        return {
            "scoring": [_("This mode decides as applications come in: there is no moment at which all are scored.")]
        }
    if terms["reviewers"] < 2:
        return {"scoring": [_("Reviewers are compared where two judge the same application. Ask for two or more.")]}
    return {}


@transaction.atomic
def close_call(actor: Any, call: Call, why: str = "") -> Call:
    """Close a call now. Closing it again changes nothing."""
    require(actor, "open calls")
    if Call.objects.filter(pk=call.pk).exclude(state=CallState.CLOSED).update(state=CallState.CLOSED):
        call.state = CallState.CLOSED
        record(actor, "access.close_call", call, why=why)
    return call


def is_open(call: Call, now: datetime | None = None) -> bool:
    """Whether the call takes applications at this moment."""
    return call.state == CallState.OPEN and call.opens <= (now or timezone.now()) < call.closes
