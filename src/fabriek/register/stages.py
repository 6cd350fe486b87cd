"""The life of a factory or a system: the stages that it entered, each with its day, source and confidence."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from fabriek.audit.actions import record
from fabriek.conf.checking import checked
from fabriek.conf.errors import Invalid
from fabriek.people.permissions import require
from fabriek.register.models import Confidence, Factory, Stage, StageChange, System
from fabriek.register.origins import faults_of_origin

_ROUGH = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?")


def first_day_of(on: str) -> date | None:
    """The first day that a rough date (YYYY, YYYY-MM or YYYY-MM-DD) can mean. None: it is no date."""
    found = _ROUGH.fullmatch(on)
    try:
        return date(*(int(part or 1) for part in found.groups())) if found else None
    except ValueError:
        return None


@transaction.atomic
def change_stage(
    actor: Any,
    thing: Factory | System,
    stage: str,
    on: str,
    text: str = "",
    *,
    source: str = "operator",
    confidence: str = Confidence.HIGH,
) -> StageChange:
    """A factory or a system entered a stage on a day, as exactly as it is known. The same again changes nothing.

    What is told later of an earlier day is history: the stage that it is in now is the one that it entered last.
    Errors: Invalid, where the day is still to come too.
    """
    require(actor, "declare capacity")
    thing = type(thing).objects.select_for_update().get(pk=thing.pk)
    field = "factory" if isinstance(thing, Factory) else "system"
    on, text, source = on.strip(), text.strip(), source.strip()
    row = StageChange(stage=stage, on=on, text=text, source=source, confidence=confidence, **{field: thing})
    _check(row)
    same = thing.stages.filter(stage=stage, on=on).first()
    if same is not None:
        return same
    before = [change for change in thing.stages.all() if change.on <= on]
    if before and before[-1].stage == stage:
        raise Invalid(
            _("%(name)s is in this stage since %(day)s.") % {"name": thing.name, "day": before[-1].on},
            faults={"stage": [_("Choose the stage that follows.")]},
        )
    row.save()
    take_last_stage(thing)
    record(
        actor,
        "register.change_stage",
        thing,
        stage=stage,
        on=on,
        text=text,
        source=source,
        confidence=confidence,
        now=thing.stage,
    )
    return row


def _check(row: StageChange) -> None:
    faults = {}
    if row.stage not in Stage.values:
        faults["stage"] = [_("There is no stage %(stage)s.") % {"stage": row.stage}]
    day = first_day_of(row.on)
    if day is None:
        faults["on"] = [_("Give a year, a month or a day, such as 2026, 2026-11 or 2026-11-24.")]
    elif day > date.today():
        faults["on"] = [_("This day is still to come. Say it once it is so.")]
    faults |= faults_of_origin(row.source, row.confidence)
    if faults:
        raise Invalid(_("This is no stage yet."), faults=faults)
    checked(row)


def take_last_stage(thing: Factory | System) -> None:
    """The stage that was entered last is the one that it is in, with its source, confidence and words."""
    last = thing.stages.order_by("on", "id").last()
    if last is None:
        return
    fact = {"source": last.source, "confidence": last.confidence}
    thing.stage, thing.stage_text = last.stage, last.text[:200]
    thing.facts = {**thing.facts, "stage": fact, "stage_text": fact}
    thing.save(update_fields=["stage", "stage_text", "facts"])
